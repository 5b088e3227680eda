"""What connected clients ask: what an account owes, what became of a payment of theirs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext as _

from cis.queries import dues
from config.shared.errors import NotFound
from payments.models import BlockedSerial, Payment, Reversal


@dataclass(frozen=True, slots=True)
class ChannelPart:
    """So much went to this bill, `fee_fen` of it to its late fee."""

    bill_no: str
    amount_fen: int
    fee_fen: int


@dataclass(frozen=True, slots=True)
class ChannelPayment:
    """A payment of a client: `state` is booked, reversed or blocked (its serial was reversed before it was paid)."""

    channel_serial: str
    state: str
    receipt_no: str
    account_no: str
    amount_fen: int
    prepaid_fen: int
    bank_date: date | None
    booked_at: datetime | None
    parts: tuple[ChannelPart, ...]
    reversal_serial: str
    reversed_on: date | None


def payment_of_channel(*, channel: str, serial: str) -> ChannelPayment:
    """
    What became of a client's own serial.

    :raises NotFound: nothing is known of it
    """
    payment = Payment.objects.filter(channel=channel, serial=serial).first()
    if payment is None:
        blocked = BlockedSerial.objects.filter(channel=channel, serial=serial).first()
        if blocked is None:
            raise NotFound(_("没有这个流水号的缴费。"))
        return ChannelPayment(
            serial, "blocked", "", "", 0, 0, None, None, (), blocked.reversal_serial, blocked.bank_date
        )
    back = Reversal.objects.filter(payment=payment).first()
    return ChannelPayment(
        channel_serial=serial,
        state="reversed" if back else "booked",
        receipt_no=str(payment),
        account_no=dues.names_of([payment.account_id])[payment.account_id][0],
        amount_fen=payment.amount_fen,
        prepaid_fen=payment.prepaid_fen,
        bank_date=payment.business_date,
        booked_at=payment.received_at,
        parts=tuple(
            ChannelPart(part.bill_no, part.amount_fen, part.fee_fen) for part in payment.allocations.order_by("seq")
        ),
        reversal_serial=(back.serial or "") if back else "",
        reversed_on=back.business_date if back else None,
    )
