"""How far a refund through a provider has come, in words for the counter and for the customer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payments.models import Payback

STATES: dict[str, str | Promise] = {
    Payback.State.ASKED: gettext_lazy("待退出"),
    Payback.State.SENT: gettext_lazy("退款中"),
    Payback.State.DONE: gettext_lazy("已退回"),
    Payback.State.FAILED: gettext_lazy("没有退成"),
}
_CHIPS = {
    Payback.State.ASKED: "info",
    Payback.State.SENT: "info",
    Payback.State.DONE: "good",
    Payback.State.FAILED: "bad",
}
FAULTS: dict[str, str | Promise] = {
    "abnormal": gettext_lazy(
        "付款人的卡或账户已经不能收款。钱在支付平台的商户账上，请在商户平台把这笔退款处理为退回商户。"
    ),
    "closed": gettext_lazy("支付平台关闭了这笔退款，钱留在我方商户账上。"),
    "NOT_ENOUGH": gettext_lazy("我方在支付平台的余额不足，充值后会自动再退。"),
    "ACQ.SELLER_BALANCE_NOT_ENOUGH": gettext_lazy("我方在支付平台的余额不足，充值后会自动再退。"),
    "FREQUENCY_LIMITED": gettext_lazy("支付平台限制了频率，稍后会自动再退。"),
    "amount-differs": gettext_lazy("支付平台说的退款金额和批准的不同，没有记账，请财务核对。"),
    "payment-differs": gettext_lazy("支付平台说的付款单号和我方的不同，没有记账，请财务核对。"),
}


@dataclass(frozen=True, slots=True)
class PaybackRow:
    """
    A refund on its way through a provider.

    `chip`: the colour of its state; `fault`: why it does not go on or did not come about, in words, empty when all is
    well; `arrives`: what the customer may count on.
    """

    state: str
    state_word: str
    chip: str
    out_refund_no: str
    provider_no: str
    refund_no_there: str
    fault: str
    taken_at: datetime | None
    ended_at: datetime | None
    arrives: str


def paybacks_of(refund_ids: Sequence[int]) -> dict[int, PaybackRow]:
    """The refunds among these that go through a provider; one statement."""
    return {one.refund_id: _row(one) for one in Payback.objects.filter(refund_id__in=refund_ids)}


def _row(payback: Payback) -> PaybackRow:
    fault = str(FAULTS.get(payback.fault, payback.fault)) if payback.fault else ""
    return PaybackRow(
        state=payback.state,
        state_word=str(STATES[payback.state]),
        chip=_CHIPS[Payback.State(payback.state)],
        out_refund_no=payback.out_refund_no,
        provider_no=payback.provider_no,
        refund_no_there=payback.refund_no_there,
        fault=fault,
        taken_at=payback.taken_at,
        ended_at=payback.ended_at,
        arrives=_arrives(payback),
    )


def _arrives(payback: Payback) -> str:
    if payback.state == Payback.State.DONE:
        return _("已经退回付款的账户。没看到的，请查付款时用的零钱或银行卡。")
    if payback.state == Payback.State.FAILED:
        return _("没能退回付款的账户，钱已回到预存电费。可到营业厅改用别的方式退。")
    return _("零钱一般几分钟到账，银行卡 1 到 3 个工作日。")
