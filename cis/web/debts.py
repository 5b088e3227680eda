"""What is agreed about an account's debts: instalments, write-offs, deposits; one page with an act a section."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from cis.collecting.credit import GRADES
from cis.operations import agreements, bad_debts, budget_plans, credit, deposits
from cis.queries import customers
from cis.queries.audit import record_of
from cis.queries.debts import DebtPage, debt_page
from cis.queries.dues import OpenBill
from cis.queries.write_off_words import choices_of_grounds
from cis.web.portal_sign_in import refuse
from config.shared.display_formats import format_money, format_month
from config.shared.errors import BadInput, NotFound, Refused
from config.shared.money import NotMoney, fen_from_yuan
from config.shared.permissions import may, scope_of, staff_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires

COLLECTS = "cis.collect_arrears"
_DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
_MOST_PARTS = 24


class _Yuan(forms.CharField):
    """An amount in yuan; its value is whole fen."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(max_length=20, widget=forms.TextInput(attrs={"inputmode": "decimal"}), **arguments)

    def clean(self, value: Any) -> Any:
        """Whole fen."""
        try:
            return fen_from_yuan(str(super().clean(value)).replace(",", "").strip())
        except NotMoney as wrong:
            raise forms.ValidationError(_("请输入金额，例如 186.40，最多两位小数。")) from wrong


class AgreementForm(forms.Form):
    """Which bills are paid in how many monthly parts, from which day on; who signed."""

    bills = forms.TypedMultipleChoiceField(
        label=gettext_lazy("哪些账单分期"), coerce=int, widget=forms.CheckboxSelectMultiple
    )
    count = forms.IntegerField(label=gettext_lazy("分几期"), min_value=1, max_value=_MOST_PARTS)
    first_on = forms.DateField(
        label=gettext_lazy("第一期哪天前交"),
        widget=_DAY,
        help_text=gettext_lazy("以后每月同一天，金额相等，零头在末期。"),
    )
    evidence = forms.CharField(
        label=gettext_lazy("签字凭证"), max_length=200, help_text=gettext_lazy("谁签的字、协议编号和原件存放处。")
    )

    def __init__(self, *args: Any, bills: Sequence[OpenBill], **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["bills"].choices = [  # type: ignore[attr-defined]
            (
                bill.bill_id,
                _("%(month)s 电费 %(yuan)s 元，违约金 %(fee)s 元")
                % {
                    "month": format_month(bill.cycle),
                    "yuan": format_money(bill.open_fen),
                    "fee": format_money(bill.late_fee_fen),
                },
            )
            for bill in bills
        ]


class PlanForm(forms.Form):
    """When the first equal amount is due, and who signed."""

    first_on = forms.DateField(label=gettext_lazy("首期哪天前交"), widget=_DAY)
    evidence = forms.CharField(
        label=gettext_lazy("签字凭证"), max_length=200, help_text=gettext_lazy("谁签的字、协议编号和原件存放处。")
    )


class WriteOffForm(forms.Form):
    """Why nothing can be had any more, and how that is proved."""

    ground = forms.ChoiceField(label=gettext_lazy("核销依据"), widget=forms.RadioSelect)
    evidence = forms.CharField(
        label=gettext_lazy("证明材料"), max_length=300, help_text=gettext_lazy("法院文书、死亡证明或追索记录的编号。")
    )
    reason = forms.CharField(label=gettext_lazy("写给审批人"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["ground"].choices = choices_of_grounds()  # type: ignore[attr-defined]


class DepositForm(forms.Form):
    """How much of the prepayment is held, under which agreement."""

    amount = _Yuan(label=gettext_lazy("转为保证金"))
    basis = forms.CharField(
        label=gettext_lazy("收取依据"), max_length=300, help_text=gettext_lazy("协议编号和签订日期。")
    )


class CreditForm(forms.Form):
    """The grade, and why; the proposal that stood on the page goes with it."""

    proposed = forms.CharField(widget=forms.HiddenInput, max_length=1)
    grade = forms.ChoiceField(
        label=gettext_lazy("决定的等级"), choices=[(grade, grade) for grade in GRADES], widget=forms.RadioSelect
    )
    note = forms.CharField(
        label=gettext_lazy("理由"), max_length=300, help_text=gettext_lazy("客户问起时照此说明；与建议不同也要写清。")
    )


class ReturnForm(forms.Form):
    """How much of the deposit goes back, and why."""

    amount = _Yuan(label=gettext_lazy("退还金额"))
    reason = forms.CharField(label=gettext_lazy("退还理由"), max_length=300)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@requires(COLLECTS)
def debts(request: HttpRequest, account_no: str) -> HttpResponse:
    """Agreements, write-offs and deposits of an account, and what can be done about them."""
    user, now, today = staff_of(request), timezone.now(), timezone.localdate()
    page = debt_page(account_no, on=today)
    saw(request, record_of(page.dues.account_id))
    made = _forms(page, today, request if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        act = request.POST.get("act", "")
        if act not in _ACTS:
            raise BadInput(_("没有这一步。"))
        form = made.get(act)
        if form is None or form.is_valid():
            who = {"account_id": page.dues.account_id, "at": now, "within": scope_of(user, COLLECTS)}
            try:
                said = _ACTS[act](page, form.cleaned_data if form is not None else {}, user.pk, who)
            except NotFound:
                raise
            except Refused as refused:
                if form is not None:
                    refuse(form, refused)
                else:
                    messages.warning(request, refused.message)
            else:
                messages.success(request, said)
                return redirect("cis:debts", account_no=account_no)
        status = 422
    context = {
        "page": page,
        "dues": page.dues,
        "head": customers.get_head(account_no),
        "forms": {name.replace("-", "_"): form for name, form in made.items()},
        "opened": request.POST.get("act", ""),
        "may_pay": may(user, "payments.take_payment"),
    }
    return render(request, "cis/collecting/debts.html", context, status=status)


def _forms(page: DebtPage, today: date, request: HttpRequest | None) -> dict[str, forms.Form]:
    act = request.POST.get("act", "") if request is not None else ""

    def typed(name: str) -> Any:
        return request.POST if request is not None and act == name else None

    first = {"first_on": today + timedelta(days=30), "count": 3, "bills": [b.bill_id for b in page.dues.open_bills]}
    return {
        "agree": AgreementForm(typed("agree"), bills=page.dues.open_bills, initial=first, prefix="agree"),
        "plan": PlanForm(typed("plan"), initial={"first_on": today + timedelta(days=30)}, prefix="plan"),
        "write-off": WriteOffForm(typed("write-off"), prefix="off"),
        "hold": DepositForm(typed("hold"), prefix="hold"),
        "grade": CreditForm(
            typed("grade"), initial={"grade": page.credit.proposed, "proposed": page.credit.proposed}, prefix="grade"
        ),
        "return": ReturnForm(typed("return"), prefix="return"),
    }


def _agree(page: DebtPage, typed: dict[str, Any], by_id: int, who: dict[str, Any]) -> str:
    agreements.sign_in_parts(
        bill_ids=typed["bills"],
        count=typed["count"],
        first_on=typed["first_on"],
        evidence=typed["evidence"],
        by_id=by_id,
        **who,
    )
    return _("分期协议记下了，按期履行期间不催不停。")


def _plan(page: DebtPage, typed: dict[str, Any], by_id: int, who: dict[str, Any]) -> str:
    budget_plans.sign_plan(first_on=typed["first_on"], evidence=typed["evidence"], by_id=by_id, **who)
    return _("均衡交费记下了，一年后清算一次。")


def _write_off(page: DebtPage, typed: dict[str, Any], by_id: int, who: dict[str, Any]) -> str:
    bad_debts.ask_write_off(
        ground=typed["ground"], evidence=typed["evidence"], reason=typed["reason"], asked_by_id=by_id, **who
    )
    return _("核销申请已提交，另一人批准后生效。")


def _hold(page: DebtPage, typed: dict[str, Any], by_id: int, who: dict[str, Any]) -> str:
    deposits.hold_deposit(amount_fen=typed["amount"], basis=typed["basis"], by_id=by_id, **who)
    return _("保证金记下了。")


def _apply(page: DebtPage, typed: dict[str, Any], by_id: int, who: dict[str, Any]) -> str:
    fen = deposits.apply_deposit(by_id=by_id, **who)
    return _("用保证金抵了欠费 %(yuan)s 元。") % {"yuan": format_money(fen)}


def _return(page: DebtPage, typed: dict[str, Any], by_id: int, who: dict[str, Any]) -> str:
    deposits.ask_return(amount_fen=typed["amount"], reason=typed["reason"], asked_by_id=by_id, **who)
    return _("退还申请已提交，另一人批准后转入预存电费。")


def _grade(page: DebtPage, typed: dict[str, Any], by_id: int, who: dict[str, Any]) -> str:
    credit.decide(grade=typed["grade"], proposed=typed["proposed"], note=typed["note"], by_id=by_id, **who)
    return _("信用等级定为 %(grade)s。") % {"grade": typed["grade"]}


_ACTS: dict[str, Callable[[DebtPage, dict[str, Any], int, dict[str, Any]], str]] = {
    "agree": _agree,
    "plan": _plan,
    "write-off": _write_off,
    "hold": _hold,
    "apply": _apply,
    "return": _return,
    "grade": _grade,
}
