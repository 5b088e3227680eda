"""Forms of taking money: amounts are typed in yuan and leave as fen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cis.queries.dues import OpenBill
from config.shared.display_formats import format_money, format_month
from config.shared.money import NotMoney, fen_from_yuan
from payments.operations.taking import COUNTER_METHODS
from payments.queries import PaidWay
from payments.words import METHODS

_TYPED = re.compile(r"[-−]?[0-9]{1,15}(\.[0-9]{0,2})?")


class YuanField(forms.CharField):
    """An amount in yuan as people type it; its value is whole fen."""

    default_error_messages = {"not_money": _("请输入金额，例如 186.40，最多两位小数。")}

    def __init__(self, **arguments: Any) -> None:
        arguments.setdefault("widget", forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}))
        super().__init__(max_length=24, **arguments)

    def clean(self, value: Any) -> Any:
        """Whole fen, whatever its sign: the operation says what may be taken."""
        text = re.sub(r"[\s,，\u2009\u2060]", "", str(super().clean(value) or ""))
        if not text and not self.required:
            return None
        if not _TYPED.fullmatch(text):
            raise forms.ValidationError(self.error_messages["not_money"], code="not_money")
        try:
            return fen_from_yuan(text.replace("−", "-"))
        except NotMoney as error:
            raise forms.ValidationError(self.error_messages["not_money"], code="not_money") from error


class BillsField(forms.TypedMultipleChoiceField):
    """Open bills to tick; their ids in the order in which they are due."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(coerce=int, widget=forms.CheckboxSelectMultiple, **arguments)
        self.error_messages["invalid_choice"] = _("选中的账单已经交清或不属于这个户号，请刷新页面重新选择。")


def _offer(form: forms.Form, bills: Sequence[OpenBill]) -> None:
    """Name the bills that can be ticked; with one there is nothing to choose."""
    form.fields["bills"].choices = [  # type: ignore[attr-defined]
        (bill.bill_id, _said(bill)) for bill in bills
    ]


def _said(bill: OpenBill) -> str:
    words = {
        "month": format_month(bill.cycle),
        "yuan": format_money(bill.open_fen),
        "fee": format_money(bill.late_fee_fen),
    }
    if bill.late_fee_fen:
        return str(_("%(month)s 电费 %(yuan)s 元，违约金 %(fee)s 元") % words)
    return str(_("%(month)s 电费 %(yuan)s 元") % words)


class TakePaymentForm(forms.Form):
    """What a clerk fills in; the key was drawn with the form."""

    form_key = forms.CharField(widget=forms.HiddenInput)
    amount = YuanField(
        label=_("收款金额"),
        widget=forms.TextInput(
            attrs={"inputmode": "decimal", "autocomplete": "off", "class": "input-money", "autofocus": True}
        ),
    )
    method = forms.ChoiceField(
        label=_("收款方式"), choices=[(code, METHODS[code]) for code in COUNTER_METHODS], widget=forms.RadioSelect
    )
    reference = forms.CharField(
        label=_("凭证号"), max_length=64, required=False, help_text=_("刷卡小票或扫码订单的号码；现金不用填。")
    )
    bills = BillsField(label=_("先交哪些账单"), required=False)

    def __init__(self, *arguments: Any, bills: Sequence[OpenBill] = (), **more: Any) -> None:
        super().__init__(*arguments, **more)
        _offer(self, bills)


class ReversalForm(forms.Form):
    """Why a payment is taken back."""

    reason = forms.CharField(label=_("冲正原因"), max_length=500, widget=forms.TextInput(attrs={"autocomplete": "off"}))


class RefundRequestForm(forms.Form):
    """How much prepayment goes back, by which way and why; the ways are those of the account."""

    CASH = "cash"

    amount = YuanField(
        label=_("退费金额"),
        widget=forms.TextInput(
            attrs={"inputmode": "decimal", "autocomplete": "off", "class": "input-money", "autofocus": True}
        ),
    )
    way = forms.ChoiceField(label=_("退款方式"), widget=forms.RadioSelect)
    reason = forms.CharField(label=_("退费原因"), max_length=500, widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, *arguments: Any, ways: Sequence[PaidWay], **more: Any) -> None:
        super().__init__(*arguments, **more)
        words = _("原路退回：%(method)s，%(day)s 收据 %(no)s，最多 %(yuan)s 元")
        self.fields["way"].choices = [  # type: ignore[attr-defined]
            (self.CASH, _("现金，由本厅付给客户")),
            *(
                (
                    str(way.payment_id),
                    words
                    % {
                        "method": way.method_word,
                        "day": f"{way.paid_on:%Y-%m-%d}",
                        "no": way.receipt_no,
                        "yuan": format_money(way.left_fen),
                    },
                )
                for way in ways
            ),
        ]

    def clean_way(self) -> int | None:
        """The payment whose way the money goes back, None for cash."""
        chosen = self.cleaned_data["way"]
        return None if chosen == self.CASH else int(chosen)


class WalletForm(forms.Form):
    """What a customer pays: everything due, or another amount."""

    form_key = forms.CharField(widget=forms.HiddenInput)
    choice = forms.ChoiceField(
        label=_("交多少"),
        choices=[
            ("all", _("全部欠费")),
            ("asked", _("欠费和分次结算款")),
            ("bills", _("选几张账单交")),
            ("other", _("其他金额")),
        ],
        widget=forms.RadioSelect,
    )
    bills = BillsField(label=_("交哪些账单"), required=False)
    amount = YuanField(label=_("其他金额"), required=False)
    channel = forms.ChoiceField(
        label=_("怎么付"),
        widget=forms.RadioSelect,
        required=False,
        error_messages={"invalid_choice": _("现在不能用这种方式付，请换一种。")},
    )

    def __init__(
        self, *arguments: Any, bills: Sequence[OpenBill] = (), channels: Sequence[str] = (), **more: Any
    ) -> None:
        super().__init__(*arguments, **more)
        _offer(self, bills)
        self.fields["channel"].choices = [  # type: ignore[attr-defined]
            (name, METHODS[name]) for name in channels
        ]

    def clean_channel(self) -> str:
        """The one chosen; where there is only one nothing need be."""
        offered = [name for name, _word in self.fields["channel"].choices]  # type: ignore[attr-defined]
        chosen: str = self.cleaned_data["channel"] or (offered[0] if len(offered) == 1 else "")
        if not chosen:
            raise forms.ValidationError(_("请选择怎么付。"), code="required")
        return chosen

    def clean(self) -> dict[str, Any]:
        """Another amount must be typed, and bills be ticked where some are to be paid."""
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("choice") == "bills" and not cleaned.get("bills") and "bills" not in self.errors:
            self.add_error("bills", _("请勾选要交的账单。"))
        if cleaned.get("choice") == "other" and cleaned.get("amount") is None and "amount" not in self.errors:
            self.add_error("amount", _("请输入要交的金额。"))
        return cleaned


class DayForm(forms.Form):
    """A business day."""

    day = forms.DateField(label=_("营业日"), widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}))
