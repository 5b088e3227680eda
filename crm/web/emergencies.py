"""Emergencies of key accounts: taken at a counter, in the portal; the alarm page with both clocks; what is to do."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from cis.queries import customers, portal
from cis.queries.audit import record_of
from config.shared.errors import NotFound, Refused
from config.shared.permissions import may, scope_of, staff_of
from config.shared.web.drill_down import drill_down_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires
from config.shared.web.parts import TodoRow, render_part, render_todo
from config.shared.web.portal_pages import for_customers, preferred_account
from crm.operations import emergencies as operations
from crm.queries import emergencies as queries
from crm.queries import key_accounts
from crm.queries.price_effects import effects_on
from crm.queries.sight import Sight, sees_key_account
from crm.web.emergency_clocks import drawn, kind_of, most_urgent, name_of_clock, word_of

CHANNELS = (("telephone", gettext_lazy("电话")), ("console", gettext_lazy("当面")))


class EmergencyForm(forms.Form):
    """What happened, who says so."""

    request_key = forms.CharField(max_length=40, widget=forms.HiddenInput)
    channel = forms.ChoiceField(
        label=gettext_lazy("怎么来的"), choices=CHANNELS, widget=forms.RadioSelect, initial="telephone"
    )
    what = forms.CharField(
        label=gettext_lazy("什么情况"),
        max_length=operations.MAX_TEXT,
        help_text=gettext_lazy("例如「高压进线失电，二号炉在运行」。"),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    caller = forms.CharField(label=gettext_lazy("谁说的、怎么联系"), max_length=100, required=False)


class PortalEmergencyForm(forms.Form):
    """What happened."""

    request_key = forms.CharField(max_length=40, widget=forms.HiddenInput)
    what = forms.CharField(
        label=gettext_lazy("什么情况"),
        max_length=operations.MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class ReplyForm(forms.Form):
    """What was said to the customer."""

    text = forms.CharField(
        label=gettext_lazy("怎样回复客户的"), max_length=operations.MAX_TEXT, widget=forms.Textarea(attrs={"rows": 2})
    )


class ArrivalForm(forms.Form):
    """When, where, and what shows it."""

    arrived_at = forms.DateTimeField(
        label=gettext_lazy("到场时间"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
    )
    longitude = forms.DecimalField(
        label=gettext_lazy("经度"), max_digits=9, decimal_places=6, min_value=-180, max_value=180, required=False
    )
    latitude = forms.DecimalField(
        label=gettext_lazy("纬度"), max_digits=9, decimal_places=6, min_value=-90, max_value=90, required=False
    )
    paper = forms.CharField(
        label=gettext_lazy("照片或签字单"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("没有位置时必填，写明编号或存在哪里。"),
    )
    text = forms.CharField(label=gettext_lazy("现场情况"), max_length=operations.MAX_TEXT, required=False)


class OutcomeForm(forms.Form):
    """What was done."""

    outcome = forms.CharField(
        label=gettext_lazy("处理结果"), max_length=operations.MAX_TEXT, widget=forms.Textarea(attrs={"rows": 2})
    )


@requires("crm.take_emergency")
@require_http_methods(["GET", "HEAD", "POST"])
def take(request: HttpRequest, account_no: str) -> HttpResponse:
    """Note that a key account asks for help; both clocks run from now."""
    head, now = customers.get_head(account_no), timezone.now()
    saw(request, record_of(head.account_id))
    manager = key_accounts.manager_of(head.account_id, now)
    form = EmergencyForm(request.POST or None, initial={"request_key": uuid.uuid4().hex, "channel": "telephone"})
    if request.method == "POST" and form.is_valid():
        try:
            taken = operations.take_emergency(
                account_no=account_no, received_by_id=staff_of(request).pk, at=now, **form.cleaned_data
            )
        except NotFound:
            raise
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, _("已受理，客户经理已收到通知。"))
            # Whoever only takes them sees on the customer's page how the clocks stand.
            if not may(staff_of(request), "crm.view_key_accounts"):
                return redirect("cis:account", account_no=account_no)
            return redirect("crm:emergency", emergency_id=taken.emergency_id)
    context = {"head": head, "form": form, "manager": manager, **_promised()}
    return render(request, "crm/emergencies/take.html", context, status=422 if form.errors else 200)


def _promised() -> dict[str, int]:
    """Within how many minutes somebody replies and comes."""
    return {"reply_min": settings.KEY_REPLY_MIN, "arrive_min": settings.KEY_ARRIVE_MIN}


@requires("crm.view_key_accounts")
@require_safe
def emergency_list(request: HttpRequest) -> HttpResponse:
    """What runs, and what was closed last; with `?unit=&cycle=` what that part of the house received in that month."""
    now, sight = timezone.now(), _sight(request)
    asked = drill_down_of(request, within=sight.within)
    if asked is not None:
        found = queries.received_emergencies(within=asked.unit.path, since=asked.since, until=asked.until, now=now)
        received = {"title": asked.title, "rows": [_row(one, now) for one in found]}
        return render(request, "crm/emergencies/received.html", received)
    context = {
        "running": [_row(one, now) for one in queries.open_emergencies(sight=sight, now=now)],
        "closed": [_row(one, now) for one in queries.closed_emergencies(sight=sight, now=now)],
    }
    return render(request, "crm/emergencies/list.html", context)


def _sight(request: HttpRequest) -> Sight:
    user = staff_of(request)
    return Sight(user.pk, scope_of(user, "crm.view_key_accounts"))


def _row(one: queries.ShownEmergency, now: Any) -> dict[str, Any]:
    return {
        "one": one,
        "clocks": [
            {"name": name_of_clock(clock), "kind": kind_of(clock), "word": word_of(clock, now)}
            for clock in (one.reply, one.arrival)
        ],
    }


@requires("crm.view_key_accounts")
@require_safe
def emergency(request: HttpRequest, emergency_id: int) -> HttpResponse:
    """The alarm page: both clocks, what is to be done next, whom to call, the plan."""
    return _draw(request, emergency_id)


def _draw(request: HttpRequest, emergency_id: int, status: int = 200, **bound: forms.Form) -> HttpResponse:
    now, sight = timezone.now(), _sight(request)
    one = queries.get_emergency(emergency_id, sight=sight, now=now)
    saw(request, record_of(one.account_id))
    levels = {"warning": _("预警"), "breach": _("超时")}
    clocks = {"reply": name_of_clock(one.reply), "arrival": name_of_clock(one.arrival)}
    happened: list[dict[str, Any]] = [
        {
            "title": _("受理（%(channel)s）") % {"channel": one.channel_word},
            "at": one.received_at,
            "who": one.received_by,
        },
        *(
            {
                "title": f"{clocks[alarm.clock]} {levels[alarm.level]}",
                "at": alarm.raised_at,
                "kind": "bad" if alarm.level == "breach" else "warn",
            }
            for alarm in one.alarms
        ),
        *(
            {
                "title": clocks[clock.clock],
                "at": clock.proven_at,
                "text": clock.text,
                "who": clock.written_by,
                "kind": "good",
            }
            for clock in (one.reply, one.arrival)
            if clock.proven_at
        ),
        *(
            [{"title": _("办结"), "at": one.closed_at, "text": one.outcome, "who": one.closed_by}]
            if one.closed_at
            else []
        ),
    ]
    context = {
        "one": one,
        "clocks": [
            {"name": name_of_clock(clock), "deadline": drawn(clock, now), "clock": clock}
            for clock in (one.reply, one.arrival)
        ],
        "happened": sorted(happened, key=lambda event: str(event["at"])),
        # Who took it for a customer of another place needs no telephones and no way in.
        "plan": queries.get_plan(account_id=one.account_id, sight=sight, now=now)
        if sees_key_account(sight, account_id=one.account_id, now=now)
        else None,
        "may_work": may(staff_of(request), "crm.work_emergency"),
        "reply_form": bound.get("reply_form") or ReplyForm(),
        "arrival_form": bound.get("arrival_form")
        or ArrivalForm(initial={"arrived_at": timezone.localtime(now).strftime("%Y-%m-%dT%H:%M")}),
        "outcome_form": bound.get("outcome_form") or OutcomeForm(),
        "refused_form": next(iter(bound.values()), None),
        "is_far_m": _far(one),
    }
    return render(request, "crm/emergencies/one.html", context, status=status)


def _far(one: queries.ShownEmergency) -> int | None:
    """How far from the premise, where that is farther than an arrival should be."""
    distance = one.arrival.distance_m
    return distance if distance is not None and distance > operations.far_m() else None


@requires("crm.work_emergency")
@require_http_methods(["GET", "HEAD", "POST"])
def reply(request: HttpRequest, emergency_id: int) -> HttpResponse:
    """Prove the reply."""
    return _act(
        request, emergency_id, "reply_form", ReplyForm, _("回复已登记，回复时钟停了。"),
        lambda data, by, at: operations.reply(emergency_id=emergency_id, by_id=by, at=at, **data),
    )  # fmt: skip


@requires("crm.work_emergency")
@require_http_methods(["GET", "HEAD", "POST"])
def arrive(request: HttpRequest, emergency_id: int) -> HttpResponse:
    """Prove the arrival."""
    return _act(
        request, emergency_id, "arrival_form", ArrivalForm, _("到场已登记，到场时钟停了。"),
        lambda data, by, at: operations.arrive(emergency_id=emergency_id, by_id=by, at=at, **data),
    )  # fmt: skip


@requires("crm.work_emergency")
@require_http_methods(["GET", "HEAD", "POST"])
def close(request: HttpRequest, emergency_id: int) -> HttpResponse:
    """Close with what was done."""
    return _act(
        request, emergency_id, "outcome_form", OutcomeForm, _("紧急服务已办结。"),
        lambda data, by, at: operations.close_emergency(emergency_id=emergency_id, by_id=by, at=at, **data),
    )  # fmt: skip


def _act(
    request: HttpRequest, emergency_id: int, name: str, kind: type[forms.Form], done: str, act: Any
) -> HttpResponse:
    """One act on an emergency: its form, or the page with the form and why it was refused."""
    queries.get_emergency(emergency_id, sight=_sight(request), now=timezone.now())
    if request.method != "POST":
        return redirect("crm:emergency", emergency_id=emergency_id)
    form = kind(request.POST)
    if form.is_valid():
        try:
            act(form.cleaned_data, staff_of(request).pk, timezone.now())
        except NotFound:
            raise
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, done)
            return redirect("crm:emergency", emergency_id=emergency_id)
    return _draw(request, emergency_id, status=422, **{name: form})


@requires("crm.view_key_accounts")
@require_safe
def to_do(request: HttpRequest) -> HttpResponse:
    """What runs, for the home pages."""
    now, sight = timezone.now(), _sight(request)
    rows = []
    for one in queries.open_emergencies(sight=sight, now=now, limit=8):
        clock = most_urgent(one)
        rows.append(
            TodoRow(
                f"{one.name} {one.account_no}",
                reverse("crm:emergency", args=[one.emergency_id]),
                note=one.what,
                end=f"{name_of_clock(clock)} {word_of(clock, now)}",
                is_bad=clock.state in ("breached", "kept-late"),
            )
        )
    return render_todo(
        request,
        title=_("紧急服务"),
        rows=rows,
        nothing=_("没有正在进行的紧急服务。"),
        all_url=reverse("crm:emergencies"),
        all_label=_("全部紧急服务"),
    )


@requires("crm.view_profile")
@require_safe
def account_key(request: HttpRequest, account_no: str) -> HttpResponse:
    """The part of the 360: who looks after the account, its plan, its emergencies."""
    head, now = customers.get_head(account_no), timezone.now()
    saw(request, record_of(head.account_id))
    user = staff_of(request)
    seen = may(user, "crm.view_key_accounts") and sees_key_account(_sight(request), account_id=head.account_id, now=now)
    serves = seen or may(user, "crm.take_emergency")
    found = queries.emergencies_of(account_id=head.account_id, now=now) if serves else ()
    context = {
        "head": head,
        "state": key_accounts.key_account_of(head.account_id, now),
        "effects": effects_on(account_id=head.account_id, today=timezone.localdate(), now=now),
        "emergencies": [_row(one, now) for one in found],
        "may_take": may(user, "crm.take_emergency"),
        "may_view": seen,
        "may_assign": may(user, "crm.assign_managers"),
    }
    return render_part(
        request, "crm/parts/_key_account.html", context, title=_("大客户与紧急服务"), aside="cis/_aside.html"
    )


@for_customers
@require_http_methods(["GET", "HEAD", "POST"])
def my_emergency(request: HttpRequest) -> HttpResponse:
    """A key account asks for help in the portal, and sees how the clocks stand."""
    now = timezone.now()
    mine = portal.my_accounts(
        user_id=staff_of(request).pk, preferred=preferred_account(request), today=timezone.localdate()
    )
    mine.current.require(portal.Right.ADDRESS)
    account = mine.current
    form = PortalEmergencyForm(request.POST or None, initial={"request_key": uuid.uuid4().hex})
    if request.method == "POST" and form.is_valid():
        try:
            operations.take_emergency(
                account_no=account.account_no,
                channel="portal",
                caller="",
                received_by_id=staff_of(request).pk,
                at=now,
                what=form.cleaned_data["what"],
                request_key=f"portal:{staff_of(request).pk}:{form.cleaned_data['request_key']}"[:80],
            )
        except NotFound:
            raise
        except Refused as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(
                request, _("已收到。客户经理会在 %(minutes)s 分钟内回复您。") % {"minutes": settings.KEY_REPLY_MIN}
            )
            return redirect("crm:portal_emergency")
    context = {
        **_promised(),
        "mine": mine,
        "form": form,
        "manager": key_accounts.manager_of(account.account_id, now),
        "emergencies": [_row(one, now) for one in queries.emergencies_of(account_id=account.account_id, now=now)],
    }
    return render(request, "crm/portal/emergency.html", context, status=422 if form.errors else 200)
