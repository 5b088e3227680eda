"""Interruptions of supply for those who plan and announce them: the list, a draft, one and what is done with it."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from cis.operations import outages as operations
from cis.queries import network, outages
from cis.web.portal_sign_in import refuse
from config.shared.errors import NotAllowed, Refused
from config.shared.permissions import may, scope_of, staff_of
from config.shared.web.pages import requires

PLANS, APPROVES = "cis.plan_outages", "cis.approve_outages"
KINDS = (
    ("planned", gettext_lazy("计划停电")),
    ("temporary", gettext_lazy("临时停电")),
    ("fault", gettext_lazy("故障停电")),
    ("overload", gettext_lazy("超容停电")),
)


_MOMENT = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class OutageForm(forms.Form):
    """Where, why, when, and which transformer districts."""

    kind = forms.ChoiceField(label=gettext_lazy("哪一类"), choices=KINDS, widget=forms.RadioSelect)
    area = forms.CharField(
        label=gettext_lazy("停电范围"),
        max_length=200,
        help_text=gettext_lazy("写客户认得的地方，例如「桂苑小区 1 至 6 栋」，不写杆号。"),
    )
    reason = forms.CharField(
        label=gettext_lazy("原因"), max_length=200, help_text=gettext_lazy("用大白话，例如「更换变压器」。")
    )
    starts_at = forms.DateTimeField(label=gettext_lazy("停电时间"), widget=_MOMENT)
    ends_at = forms.DateTimeField(label=gettext_lazy("预计送电时间"), widget=_MOMENT)
    places = forms.MultipleChoiceField(label=gettext_lazy("停电的台区"), widget=forms.CheckboxSelectMultiple)


def _form(request: HttpRequest, initial: dict[str, object] | None = None) -> OutageForm:
    form = OutageForm(request.POST or None, initial=initial)
    places = network.list_transformer_districts(within=scope_of(staff_of(request), PLANS))
    form.fields["places"].choices = [  # type: ignore[attr-defined]
        (str(place.transformer_district_id), f"{place.name}（{place.feeder_name}）") for place in places
    ]
    return form


@requires(PLANS)
@require_safe
def outage_list(request: HttpRequest) -> HttpResponse:
    """Every interruption of one's part of the network, those that begin last first."""
    rows = outages.list_outages(within=scope_of(staff_of(request), PLANS), at=timezone.now())
    return render(request, "cis/outages/list.html", {"rows": rows})


@requires(PLANS)
@require_http_methods(["GET", "HEAD", "POST"])
def outage_new(request: HttpRequest) -> HttpResponse:
    """Write one down; a fault is made known with that."""
    form = _form(request, {"kind": "planned"})
    if request.method == "POST" and form.is_valid():
        typed, now, by_id = form.cleaned_data, timezone.now(), staff_of(request).pk
        places = [int(one) for one in typed["places"]]
        county = network.list_transformer_districts(ids=places)[0].county_id
        where = {
            "area": typed["area"],
            "reason": typed["reason"],
            "starts_at": typed["starts_at"],
            "ends_at": typed["ends_at"],
            "org_unit_id": county,
            "transformer_district_ids": places,
            "by_id": by_id,
            "at": now,
        }
        try:
            if typed["kind"] == "fault":
                outage_id = operations.report_fault(**where)
                messages.success(request, _("已发布，客户正在收到通知。"))
            else:
                outage_id = operations.draft_outage(kind=typed["kind"], **where)
        except Refused as refused:
            refuse(form, refused)
        else:
            return redirect("cis:outage", outage_id=outage_id)
    return render(request, "cis/outages/new.html", {"form": form}, status=422 if form.errors else 200)


@requires(PLANS)
@require_http_methods(["GET", "HEAD", "POST"])
def outage(request: HttpRequest, outage_id: int) -> HttpResponse:
    """One interruption: approve, announce, begin, end, cancel it."""
    user, now = staff_of(request), timezone.now()
    page = outages.get_outage(outage_id, at=now, within=scope_of(user, PLANS))
    if request.method == "POST":
        try:
            _act(request, outage_id)
        except Refused as refused:
            messages.warning(request, refused.message)
        return redirect("cis:outage", outage_id=outage_id)
    context = {
        "page": page,
        "outage": page.outage,
        "may_approve": may(user, APPROVES) and page.created_by_id != user.pk,
        "homes": sum(network.accounts_behind(page.outage.transformer_district_ids).values()),
    }
    return render(request, "cis/outages/one.html", context)


@requires(PLANS)
@require_http_methods(["GET", "HEAD", "POST"])
def outage_change(request: HttpRequest, outage_id: int) -> HttpResponse:
    """Other times, places or words; whoever was told is told again."""
    user, now = staff_of(request), timezone.now()
    within = scope_of(user, PLANS)
    page = outages.get_outage(outage_id, at=now, within=within)
    row = page.outage
    form = _form(
        request,
        {
            "kind": row.kind,
            "area": row.area,
            "reason": row.reason,
            "starts_at": row.starts_at,
            "ends_at": row.ends_at,
            "places": [str(one) for one in row.transformer_district_ids],
        },
    )
    form.fields["kind"].required = False
    if request.method == "POST" and form.is_valid():
        typed = form.cleaned_data
        try:
            operations.change_outage(
                outage_id=outage_id,
                starts_at=typed["starts_at"],
                ends_at=typed["ends_at"],
                reason=typed["reason"],
                area=typed["area"],
                transformer_district_ids=[int(one) for one in typed["places"]],
                by_id=user.pk,
                at=now,
                within=within,
            )
        except Refused as refused:
            refuse(form, refused)
        else:
            messages.success(request, _("已变更，收到过通知的客户会再收到一次。"))
            return redirect("cis:outage", outage_id=outage_id)
    context = {"form": form, "page": page, "outage": row}
    return render(request, "cis/outages/change.html", context, status=422 if form.errors else 200)


def _act(request: HttpRequest, outage_id: int) -> None:
    """What the pressed button does."""
    user, now = staff_of(request), timezone.now()
    within, why = scope_of(user, PLANS), request.POST.get("reason", "")
    match request.POST.get("act", ""):
        case "approve":
            if not may(user, APPROVES):
                raise NotAllowed(_("您的岗位不能批准停电。"))
            operations.approve_outage(outage_id=outage_id, by_id=user.pk, at=now, within=scope_of(user, APPROVES))
        case "publish":
            operations.publish_outage(outage_id=outage_id, late_reason=why, by_id=user.pk, at=now, within=within)
            messages.success(request, _("已发布，客户正在收到通知。"))
        case "start":
            operations.start_outage(outage_id=outage_id, by_id=user.pk, at=now, within=within)
        case "restore":
            operations.restore_outage(outage_id=outage_id, by_id=user.pk, at=now, within=within)
            messages.success(request, _("已登记送电，客户正在收到通知。"))
        case "close":
            operations.close_outage(outage_id=outage_id, by_id=user.pk, at=now, within=within)
        case "cancel":
            operations.cancel_outage(outage_id=outage_id, reason=why, by_id=user.pk, at=now, within=within)
