"""Fee control for staff: who runs low, whom to call, commands with their state; one account's agreement and acts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from cis.collection_system import is_simulated
from cis.operations import fee_control as operations
from cis.queries import customers
from cis.queries import fee_control as queries
from cis.queries.audit import record_of
from cis.web.letters import LetterField
from cis.web.portal_sign_in import refuse
from cis.web.ways_back import back_to
from config.shared import files
from config.shared.display_formats import format_moment
from config.shared.errors import BadInput, Refused
from config.shared.money import yuan_from_fen
from config.shared.permissions import may, scope_of, staff_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires
from config.shared.web.parts import TodoRow, render_part, render_todo

SEES, DOES = "cis.collect_arrears", "cis.control_fees"
_DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class AgreeForm(forms.Form):
    """A signed agreement."""

    terms_code = forms.ChoiceField(label=gettext_lazy("条款"), widget=forms.RadioSelect)
    signed_by = forms.CharField(label=gettext_lazy("签字人"), max_length=80)
    signed_on = forms.DateField(label=gettext_lazy("签订日期"), widget=_DAY)
    from_on = forms.DateField(label=gettext_lazy("生效日期"), widget=_DAY)
    until_on = forms.DateField(
        label=gettext_lazy("终止日期"), widget=_DAY, required=False, help_text=gettext_lazy("从这一天起不再有效。")
    )
    paper = LetterField(
        label=gettext_lazy("签字协议"), help_text=gettext_lazy("扫描或拍照：PDF、JPG 或 PNG，不超过 5 MB。")
    )

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["terms_code"].choices = queries.choices_of_terms(timezone.localdate())  # type: ignore[attr-defined]


class EndForm(forms.Form):
    """Why an agreement ends."""

    reason = forms.CharField(label=gettext_lazy("终止的原因"), max_length=200)


class CallForm(forms.Form):
    """How the customer was told by telephone."""

    evidence = forms.CharField(
        label=gettext_lazy("通话记录"),
        max_length=250,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("打给谁、几点、怎么说的。从这时起算等待时间。"),
    )


@requires(SEES)
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Low balances, calls to make, commands and the days ahead without stops, of one's part."""
    now, today = timezone.now(), timezone.localdate()
    within = scope_of(staff_of(request), SEES)
    context = {
        "low": queries.list_low(within=within, today=today),
        "calls": queries.list_calls(within=within, at=now),
        "commands": queries.list_commands(within=within, at=now),
        "days": [row for row in queries.calendar_ahead(within=within, today=today) if row.why],
        "is_simulated": is_simulated(),
    }
    return render(request, "cis/fee_control/overview.html", context)


@requires("cis.view_customer")
@require_safe
def account_part(request: HttpRequest, account_no: str) -> HttpResponse:
    """The account's fee control, as a part of the customer's page."""
    head = customers.get_head(account_no)
    saw(request, record_of(head.account_id))
    context = {
        "head": head,
        "control": queries.account_control(head.account_id, at=timezone.now()),
        "may_act": may(request.user, DOES),
    }
    return render_part(
        request,
        "cis/fee_control/_account.html",
        context,
        title=_("费控"),
        aside="cis/_aside.html",
        back=back_to(head.account_no),
    )


@never_cache
@requires(DOES)
@require_http_methods(["GET", "HEAD", "POST"])
def manage(request: HttpRequest, account_no: str) -> HttpResponse:
    """Sign an agreement, end it, give emergency credit, note a call."""
    user, now = staff_of(request), timezone.now()
    head = customers.get_head(account_no)
    saw(request, record_of(head.account_id))
    control = queries.account_control(head.account_id, at=now)
    act = request.POST.get("act", "")
    today = timezone.localdate()
    bound: dict[str, forms.Form] = {
        "agree": AgreeForm(
            *((request.POST, request.FILES) if act == "agree" else ()),
            initial={"signed_on": today, "from_on": today},
        ),
        "end": EndForm(request.POST if act == "end" else None),
        "call": CallForm(request.POST if act == "call" else None),
        "credit": forms.Form(request.POST if act == "credit" else None),
    }
    if request.method == "POST":
        if act not in bound:
            raise BadInput(_("没有这一步。"))
        form = bound[act]
        if form.is_valid():
            try:
                said = _do(act, account_no, head.account_id, form.cleaned_data, control, user.pk)
            except Refused as refused:
                refuse(form, refused)
            else:
                messages.success(request, said)
                return redirect("cis:fee_control_account", account_no=account_no)
    context = {"head": head, "control": control, "forms": bound}
    failed = act in bound and bool(bound[act].errors)
    return render(request, "cis/fee_control/manage.html", context, status=422 if failed else 200)


def _do(
    act: str,
    account_no: str,
    account_id: int,
    typed: dict[str, Any],
    control: queries.AccountControl | None,
    by_id: int,
) -> str:
    """Do the act; gives what to say."""
    now = timezone.now()
    match act:
        case "agree":
            paper = typed.pop("paper")
            paper.seek(0)
            operations.agree(
                account_no=account_no, **typed, paper=paper.read(), paper_name=paper.name, by_id=by_id, at=now
            )
            return _("费控协议已登记。每天早上估算余额，余额不足先通知。")
        case "end":
            operations.end_agreement(account_no=account_no, reason=typed["reason"], by_id=by_id, at=now)
            return _("费控协议已终止，今后不再按余额停电。")
        case "call":
            what = control.to_call if control is not None else ""
            operations.note_call(account_no=account_no, what=what, evidence=typed["evidence"], by_id=by_id, at=now)
            return _("电话通知记下了，从现在起算等待时间。")
    fen = operations.give_credit(account_id=account_id, channel="counter", by_id=by_id, at=now)
    return _("已给应急用电额度 %(yuan)s 元，这一期有效。") % {"yuan": yuan_from_fen(fen)}


@never_cache
@requires("cis.view_customer")
@require_safe
def paper(request: HttpRequest, account_no: str) -> HttpResponse:
    """The signed paper."""
    head = customers.get_head(account_no)
    saw(request, record_of(head.account_id))
    key, media_type, _name = queries.paper_of(account_no)
    with files.open_kept(key) as stream:
        answer = HttpResponse(stream.read(), content_type=media_type)
    ending = media_type.rpartition("/")[2]
    answer["Content-Disposition"] = f'inline; filename="fee-control-{account_no}.{ending}"'
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


@requires(SEES)
@require_safe
def to_do(request: HttpRequest) -> HttpResponse:
    """Reconnections that wait and customers to be called, as a part of the home page."""
    now, zone = timezone.now(), timezone.get_current_timezone()
    within = scope_of(staff_of(request), SEES)
    late = [
        TodoRow(
            row.account_no,
            reverse("cis:account", args=[row.account_no]),
            note=_("远程复电"),
            end=_("%(moment)s 前") % {"moment": format_moment(row.due_at, zone)} if row.due_at else _("应复电"),
            is_bad=row.is_late,
        )
        for row in queries.list_late(within=within, at=now)
    ]
    calls = [
        TodoRow(
            row.account_no,
            reverse("cis:account", args=[row.account_no]),
            note=_("打电话：%(what)s") % {"what": row.word},
            end=format_moment(row.at, zone),
        )
        for row in queries.list_calls(within=within, at=now, limit=5)
    ]
    return render_todo(
        request,
        title=_("费控待办"),
        rows=[*late, *calls],
        nothing=_("没有等着复电或打电话的费控客户。"),
        all_url=reverse("cis:fee_control"),
        all_label=_("全部费控"),
    )
