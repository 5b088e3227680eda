"""Collecting arrears: the work list, one case with its next act, the notice on paper, times without cuts."""

from __future__ import annotations

from datetime import datetime
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

from cis.operations import collecting as operations
from cis.queries import advances, customers
from cis.queries import collecting as queries
from cis.queries import protections as protection_queries
from cis.queries.audit import record_of
from cis.web.portal_sign_in import refuse
from cis.web.ways_back import back_to
from config.navigation import SLOTS
from config.shared.display_formats import format_moment
from config.shared.errors import BadInput, NotFound, Refused
from config.shared.paper import pdf_of
from config.shared.permissions import may, scope_of, staff_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires
from config.shared.web.parts import TodoRow, parts_inside, render_part, render_todo

COLLECTS = "cis.collect_arrears"
_MOMENT = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
_PROOF = gettext_lazy("凭证")
_EVIDENCE = gettext_lazy("谁、何时、怎样，或单据编号。")


def _evidence(label: Any = _PROOF, help_text: Any = _EVIDENCE) -> forms.CharField:
    return forms.CharField(label=label, max_length=250, widget=forms.Textarea(attrs={"rows": 2}), help_text=help_text)


class CauseForm(forms.Form):
    """Why the customer does not pay."""

    cause = forms.ChoiceField(label=gettext_lazy("欠费原因"), widget=forms.RadioSelect)
    evidence = _evidence(gettext_lazy("怎么知道的"), gettext_lazy("例如「3 月 2 日上门，客户说月底回款」。"))

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["cause"].choices = queries.choices_of_causes()  # type: ignore[attr-defined]


class DemandForm(forms.Form):
    """How it was demanded; a message is sent by the house."""

    channel = forms.ChoiceField(
        label=gettext_lazy("方式"),
        choices=(
            ("sms", gettext_lazy("短信（由系统发送）")),
            ("phone", gettext_lazy("电话")),
            ("visit", gettext_lazy("上门")),
            ("letter", gettext_lazy("书面催费单")),
        ),
        widget=forms.RadioSelect,
    )
    evidence = _evidence()


class AskForm(forms.Form):
    """Why supply should be stopped, for whoever approves."""

    evidence = _evidence(gettext_lazy("申请理由"), gettext_lazy("写给审批人：催交过几次，客户怎么说。"))


class NoticeForm(forms.Form):
    """When supply will be stopped."""

    announced_at = forms.DateTimeField(label=gettext_lazy("计划停电时间"), widget=_MOMENT)


class ServeForm(forms.Form):
    """How the notice was served."""

    channel = forms.ChoiceField(
        label=gettext_lazy("送达方式"),
        choices=(
            ("person", gettext_lazy("当面签收")),
            ("left", gettext_lazy("留置送达")),
            ("post", gettext_lazy("邮寄签收")),
            ("notary", gettext_lazy("公证送达")),
        ),
        widget=forms.RadioSelect,
    )
    evidence = _evidence(gettext_lazy("送达凭证"), gettext_lazy("签收人、回执或邮件单号。"))


class ToldForm(forms.Form):
    """How the customer was told again shortly before."""

    channel = forms.ChoiceField(
        label=gettext_lazy("方式"),
        choices=(
            ("phone", gettext_lazy("电话")),
            ("visit", gettext_lazy("上门")),
            ("sms", gettext_lazy("短信（由系统发送）")),
        ),
        widget=forms.RadioSelect,
    )
    evidence = _evidence()


class ProofForm(forms.Form):
    """What proves the step."""

    evidence = _evidence()


# Act to its form, the word on its button, and what it does to whom.
ACTS: dict[str, tuple[type[forms.Form], Any, Any]] = {
    "cause": (CauseForm, gettext_lazy("记下原因"), gettext_lazy("查明原因后才能申请停电；原因决定怎么帮客户。")),
    "demand": (DemandForm, gettext_lazy("记下催交"), gettext_lazy("每次催交都要留凭证。")),
    "approved": (
        AskForm,
        gettext_lazy("申请停电"),
        gettext_lazy("由单位负责人审批；批准后还要送达通知，客户交费即停止。"),
    ),
    "authority-informed": (ProofForm, gettext_lazy("记下报送"), gettext_lazy("重要用户停电前报送电力管理部门。")),
    "homes-kept": (ProofForm, gettext_lazy("记下保供办法"), gettext_lazy("写明后面的居民改由哪里供电。")),
    "notice-printed": (NoticeForm, gettext_lazy("出具通知书"), gettext_lazy("出具后打印，按规定提前送达。")),
    "notice-served": (ServeForm, gettext_lazy("记下送达"), gettext_lazy("没有送达凭证不能停电。")),
    "short-notice": (ToldForm, gettext_lazy("记下再次通知"), gettext_lazy("停电前再告诉客户一次，交费就不停。")),
    "cut": (ProofForm, gettext_lazy("记下已停电"), gettext_lazy("凭证写停电位置、封签号和操作人。")),
    "restored": (ProofForm, gettext_lazy("记下已复电"), gettext_lazy("凭证写送电时间和操作人。")),
}


@requires(COLLECTS)
@require_safe
def case_list(request: HttpRequest) -> HttpResponse:
    """Open cases of one's part, the oldest debts first, with what is due next."""
    user, now = staff_of(request), timezone.now()
    within = scope_of(user, COLLECTS)
    stage, cause = request.GET.get("stage", ""), request.GET.get("cause", "")
    context = {
        "list": queries.list_cases(within=within, at=now, stage=stage, cause=cause, after=request.GET.get("after", "")),
        "buckets": queries.ageing(within=within, today=timezone.localdate()),
        "stages": queries.choices_of_stages(),
        "causes": [("none", _("还没查明")), *queries.choices_of_causes()],
        "stage": stage,
        "cause": cause,
        "is_filtered": bool(stage or cause),
        "advances": advances.overdue_advances(within=within, on=timezone.localdate()),
        "may_see_advances": may(user, "cis.agree_advances"),
    }
    return render(request, "cis/collecting/list.html", context)


@requires(COLLECTS)
@require_http_methods(["GET", "HEAD", "POST"])
def case(request: HttpRequest, case_id: int) -> HttpResponse:
    """One case: how far it is, what is due next, why not yet, and all that was done."""
    user, now = staff_of(request), timezone.now()
    within = scope_of(user, COLLECTS)
    page = queries.get_case(case_id, within=within, at=now)
    saw(request, record_of(page.account_id))
    act, bound = request.POST.get("act", ""), None
    if request.method == "POST":
        if act not in ACTS:
            raise BadInput(_("没有这一步。"))
        bound = _form(act, page, request)
        if bound.is_valid():
            try:
                messages.success(request, _do(act, case_id, bound.cleaned_data, user.pk, now, within))
            except Refused as refused:
                refuse(bound, refused)
            else:
                return redirect("cis:arrears_case", case_id=case_id)
    out_of_place = {page.row.next.what if page.row.next else ""}
    out_of_place |= set() if page.homes_behind else {"homes-kept"}
    out_of_place |= set() if page.is_important else {"authority-informed"}
    context = {
        "page": page,
        "row": page.row,
        "head": customers.get_head(page.row.account_no),
        "next": _offer(page.row.next.what, page, act, bound) if page.row.next else None,
        "others": [
            _offer(what, page, act, bound)
            for what, why in page.acts.items()
            if what in ACTS and not why and what not in out_of_place
        ],
        "events": [
            {
                "title": step.word,
                "at": step.at,
                "text": _("计划停电时间 %(moment)s")
                % {"moment": format_moment(step.announced_at, timezone.get_current_timezone())}
                if step.announced_at
                else step.evidence,
                "who": step.by,
                "kind": {"payment": "good", "restored": "good", "stopped": "warn", "cut": "bad"}.get(step.what, ""),
            }
            for step in reversed(page.steps)
        ],
        "parts": parts_inside(request, SLOTS["arrears-case"], account_no=page.row.account_no),
    }
    return render(request, "cis/collecting/case.html", context, status=422 if bound is not None else 200)


def _form(what: str, page: queries.CasePage, request: HttpRequest | None = None) -> forms.Form:
    initial: dict[str, Any] = {"cause": page.row.cause}
    if page.suggested_at is not None:
        initial["announced_at"] = timezone.localtime(page.suggested_at)
    return ACTS[what][0](request.POST if request is not None else None, initial=initial, prefix=what)


def _offer(what: str, page: queries.CasePage, act: str, bound: forms.Form | None) -> dict[str, Any]:
    """An act as the page shows it: its form, with what was typed where it came back."""
    _class, button, what_for = ACTS[what]
    return {
        "what": what,
        "word": queries.word_of_act(what),
        "why": page.acts[what],
        "form": bound if bound is not None and what == act else _form(what, page),
        "is_open": bound is not None and what == act,
        "button": button,
        "what_for": what_for,
        "is_dangerous": what == "cut",
    }


def _do(act: str, case_id: int, typed: dict[str, Any], by_id: int, at: datetime, within: list[str]) -> str:
    """Do the act; gives what to say."""
    who: dict[str, Any] = {"case_id": case_id, "at": at, "within": within}
    match act:
        case "cause":
            operations.record_cause(cause=typed["cause"], evidence=typed["evidence"], by_id=by_id, **who)
            return _("欠费原因记下了。")
        case "demand":
            operations.record_demand(channel=typed["channel"], evidence=typed["evidence"], by_id=by_id, **who)
            return _("催交记下了。")
        case "approved":
            operations.ask_disconnection(reason=typed["evidence"], asked_by_id=by_id, **who)
            return _("已提交审批，批准前不能往下办。")
        case "notice-printed":
            operations.print_notice(announced_at=typed["announced_at"], by_id=by_id, **who)
            return _("通知书已出具，请打印并按时送达。")
        case "cut":
            operations.cut_supply(evidence=typed["evidence"], by_id=by_id, **who)
            return _("停电记下了。客户交清后请在承诺时间内复电。")
        case "restored":
            operations.restore_supply(evidence=typed["evidence"], by_id=by_id, **who)
            return _("复电记下了。")
    operations.note_step(what=act, channel=typed.get("channel", ""), evidence=typed["evidence"], by_id=by_id, **who)
    return _("记下了。")


@never_cache
@requires(COLLECTS)
@require_safe
def notice_pdf(request: HttpRequest, case_id: int) -> HttpResponse:
    """The notice of disconnection to print and serve."""
    now = timezone.now()
    page = queries.get_case(case_id, within=scope_of(staff_of(request), COLLECTS), at=now)
    saw(request, record_of(page.account_id))
    if page.announced_at is None:
        raise NotFound(_("还没有出具停电通知书。"))
    context = {
        "page": page,
        "row": page.row,
        "head": customers.get_head(page.row.account_no),
        "printed": next(step for step in reversed(page.steps) if step.what == "notice-printed"),
    }
    answer = HttpResponse(pdf_of("cis/collecting/notice_paper.html", context), content_type="application/pdf")
    answer["Content-Disposition"] = f'inline; filename="notice-{page.row.account_no}.pdf"'
    return answer


@requires("cis.view_customer")
@require_safe
def account_arrears(request: HttpRequest, account_no: str) -> HttpResponse:
    """What is done about the account's arrears, as a part of the customer's page."""
    head = customers.get_head(account_no)
    saw(request, record_of(head.account_id))
    now = timezone.now()
    page = queries.case_of_account(head.account_id, at=now)
    user = staff_of(request)
    context = {
        "head": head,
        "page": page,
        "rows": protection_queries.list_protections(head.account_id, today=timezone.localdate()),
        "may_collect": may(user, COLLECTS),
        "advances": advances.asked_advances(head.account_id),
        "today": timezone.localdate(),
    }
    return render_part(
        request,
        "cis/collecting/_account.html",
        context,
        title=_("欠费处理"),
        aside="cis/_aside.html",
        back=back_to(head.account_no),
    )


@requires(COLLECTS)
@require_safe
def to_reconnect(request: HttpRequest) -> HttpResponse:
    """Whose supply is to be brought back, the most urgent first, as a part of the home page."""
    zone = timezone.get_current_timezone()
    rows = queries.list_reconnections(within=scope_of(staff_of(request), COLLECTS), at=timezone.now())
    return render_todo(
        request,
        title=_("待复电"),
        rows=[
            TodoRow(
                row.account_no,
                reverse("cis:arrears_case", args=[row.case_id]),
                end=_("%(moment)s 前") % {"moment": format_moment(row.due_at, zone)},
                is_bad=row.is_late,
            )
            for row in rows
        ],
        nothing=_("没有等着复电的客户。"),
    )
