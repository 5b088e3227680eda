"""
Money that a provider has for us and that fits no order: held apart, seen by people, booked where it belongs by two.

The provider's clearing account is debited and the account of unidentified money credited when the notice is refused;
nobody guesses whose it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cis.operations import ledger
from cis.queries import dues
from config.shared import approvals
from config.shared.errors import NotFound, Refused
from config.shared.models import OrgUnit
from config.shared.money import yuan_from_fen
from payments.channels import CHANNELS
from payments.models import Payment, PaymentOrder, WalletNotice
from payments.operations.taking import CLEARING, CameIn, book_new, lock_serial
from payments.words import METHODS

SETTLE = "payments.settle_held"


class AlreadySettled(Refused):
    """The money was booked to somebody."""

    code = "already-settled"


def hold(notice: WalletNotice, *, outcome: str) -> None:
    """
    Keep why a notice is not booked, and put its money aside; the notice is locked.

    Two notices of one payment put its money aside once.

    :raises ledger.DayIsClosed: the day was closed meanwhile; again, it goes to the next
    """
    notice.outcome = outcome
    same = WalletNotice.objects.filter(channel=notice.channel, out_trade_no=notice.out_trade_no).exclude(pk=notice.pk)
    if notice.provider_no:
        same = same.filter(provider_no=notice.provider_no)
    lock_serial(f"{notice.channel}:held", notice.out_trade_no)
    if notice.amount_fen > 0 and not same.filter(is_held=True).exists():
        ledger.post(
            [
                ledger.Posting(
                    kind=ledger.TransferKind.NOTICE_HELD,
                    document_id=notice.pk,
                    leg=1,
                    account_id=0,
                    debit_id=ledger.control_id(CLEARING[CHANNELS[notice.channel].method]),
                    credit_id=ledger.control_id("UNIDENTIFIED"),
                    amount_fen=notice.amount_fen,
                )
            ],
            booked_at=notice.received_at,
            business_date=ledger.open_business_date(notice.received_at),
        )
        notice.is_held = True
    notice.save(update_fields=["outcome", "is_held"])
    PaymentOrder.objects.filter(out_trade_no=notice.out_trade_no, channel=notice.channel).exclude(
        state=PaymentOrder.State.PAID
    ).update(state=PaymentOrder.State.HELD)


def ask_to_settle(*, notice_id: int, account_no: str, reason: str, asked_by_id: int, at: datetime) -> int:
    """
    Ask that held money is booked to an account as a payment of it; the approval's id.

    :raises NotFound: there is no such money, or no such account
    :raises AlreadySettled: it was booked
    :raises approvals.AlreadyAsked, approvals.ReasonMissing, NotAllowed: see there
    """
    with transaction.atomic():
        notice = _open(notice_id)
        account_id, _path = dues.place_of(account_no)
        return approvals.request(
            kind=SETTLE,
            payload={
                "notice_id": notice.pk,
                "channel": notice.channel,
                "out_trade_no": notice.out_trade_no,
                "amount_fen": notice.amount_fen,
                "account_id": account_id,
                "account_no": account_no,
            },
            asked_by_id=asked_by_id,
            reason=reason,
            at=at,
            # The books of the whole utility: whoever decides answers for all of it.
            org_unit_id=OrgUnit.objects.order_by("path").values_list("pk", flat=True)[0],
            subject=f"held:{notice.pk}",
        )


def _words(payload: Mapping[str, Any]) -> str:
    return _("%(channel)s已收到、没有入账的 %(yuan)s 元（单号 %(order)s）记为户号 %(no)s 的缴费。") % {
        "channel": METHODS[CHANNELS[payload["channel"]].method],
        "yuan": yuan_from_fen(payload["amount_fen"]),
        "order": payload["out_trade_no"],
        "no": payload["account_no"],
    }


@approvals.carries_out(
    SETTLE,
    label=gettext_lazy("到账未入账的款记到户号"),
    ask="payments.settle_held",
    decide="payments.approve_held",
    consequence=_words,
)
def _carry_out(act: approvals.Act) -> dict[str, Any]:
    notice = _open(int(act.payload["notice_id"]))
    method = CHANNELS[notice.channel].method
    # The order's own number where nothing was booked under it; a second payment of one order has the provider's.
    is_used = Payment.objects.filter(channel=notice.channel, serial=notice.out_trade_no).exists()
    serial = (notice.provider_no or notice.notice_id) if is_used else notice.out_trade_no
    lock_serial(notice.channel, serial)
    taken = book_new(
        channel=notice.channel,
        serial=serial,
        account_id=int(act.payload["account_id"]),
        amount_fen=notice.amount_fen,
        method=method,
        came=CameIn("UNIDENTIFIED", paid_at=notice.received_at),
        org_unit_id=None,
        received_by_id=None,
        reference=notice.provider_no or notice.notice_id,
        chosen=(),
        is_wish=True,
        at=act.at,
    )
    notice.settled_payment_id = taken.payment_id
    notice.save(update_fields=["settled_payment"])
    PaymentOrder.objects.filter(
        out_trade_no=serial, channel=notice.channel, account_id=int(act.payload["account_id"])
    ).exclude(state=PaymentOrder.State.PAID).update(state=PaymentOrder.State.PAID, payment_id=taken.payment_id)
    return {"url": reverse("payments:payment", args=[taken.receipt_no])}


def _open(notice_id: int) -> WalletNotice:
    notice = WalletNotice.objects.select_for_update().filter(pk=notice_id, is_held=True).first()
    if notice is None:
        raise NotFound(_("没有这笔待核对的款。"))
    if notice.settled_payment_id is not None:
        raise AlreadySettled(_("这笔款已经入账，不用再办。"))
    return notice


__all__ = ["SETTLE", "AlreadySettled", "ask_to_settle", "hold"]
