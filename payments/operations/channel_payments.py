"""
What a connected client does with money: collect for an account, take a collection back.

Both are the acts of the counter under the client's own serials: the same locks, the same booking. The business day is
the accounting day that the client names, within what its contract says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from cis.operations import ledger
from cis.operations.settlement import AmountRefused
from cis.queries import dues
from config.shared.errors import Refused
from payments.channel_rules import is_blacked_out, is_day_near, may_reverse
from payments.models import BlockedSerial, Payment, Reversal
from payments.operations import agents
from payments.operations.channel_requests import Caller
from payments.operations.debit_freezes import BatchRunning
from payments.operations.reversing import AlreadyReversed, TakenBack, book_reversal, check_not_gone
from payments.operations.taking import CameIn, TakenPayment, as_taken, book_new, check_amount, lock_serial

_BILL_NO = re.compile(r"[0-9]{6}([0-9]{10})")


class AreaOff(Refused):
    """The client does not collect from customers of this unit, or not at present."""

    code = "area-off"
    status = 403


class DayNotAccepted(Refused):
    """The accounting day is closed, or too far from the one we reckon with."""

    code = "day-not-accepted"


class WindowPassed(Refused):
    """The contract lets a payment be reversed only so long."""

    code = "window-passed"


class SerialUsedOtherwise(Refused):
    """The serial made another payment or reversal."""

    code = "serial-used-otherwise"
    status = 422


class SerialBlocked(Refused):
    """The serial was reversed, whether before it was paid or after; it is never booked again."""

    code = "serial-blocked"


@dataclass(frozen=True, slots=True)
class Collected:
    """What a client says that it took from its customer; `bills` are (number, fen) in the order to be paid."""

    serial: str
    bank_date: date
    account_no: str
    amount_fen: int
    bills: tuple[tuple[str, int], ...] = ()
    paid_at: datetime | None = None
    means: str = ""
    branch: str = ""
    teller: str = ""


@dataclass(frozen=True, slots=True)
class TakenBackPayment:
    """What became of a reversal: the payment was taken back, or its serial blocked because nothing had been paid."""

    serial: str
    reversal_serial: str
    bank_date: date
    receipt_no: str
    amount_fen: int

    @property
    def is_blocked(self) -> bool:
        """Whether there was nothing to take back."""
        return not self.receipt_no


def check_open_to(caller: Caller, path: str, *, at: datetime) -> None:
    """
    Whether the client collects at this moment from customers of a unit with this organisation path.

    :raises AreaOff, BatchRunning: it does not
    """
    if not caller.serves(path):
        raise AreaOff(_("该户号所在地区没有开通，请客户到营业厅或其他渠道缴费。"))
    if is_blacked_out(at.astimezone(settings.BILLING_TIME_ZONE), caller.rules):
        raise BatchRunning(_("正在批量代扣，现在不能缴费，请稍后再试。"))


def collect(*, caller: Caller, collected: Collected, at: datetime) -> TakenPayment:
    """
    Book what a client collected: bills and late fees by the rule in force, the surplus to the prepayment balance.

    The same serial gives the first booking again, whatever has changed since, unless it was reversed. Where bills are
    named they must take the amount exactly as the client says.

    :raises NotFound: there is no such account
    :raises SerialUsedOtherwise, SerialBlocked: the serial made something else, or was reversed
    :raises AreaOff, BatchRunning, DayNotAccepted: not there, not now, not on that day
    :raises AmountRefused: not between 1 fen and 10^11 fen, or not what the bills take
    :raises AccountClosed, BillNotOpen: as at the counter
    :raises agents.NoAgent, agents.DaySettled, agents.OverLimit, agents.DepositShort: what an agent may not sell
    """
    check_amount(collected.amount_fen)
    with transaction.atomic():
        lock_serial(caller.code, collected.serial)
        is_blocked, is_used = _known(caller.code, collected.serial)
        if is_blocked:
            raise SerialBlocked(_("该流水号已被冲正，不再入账，请把钱退给客户。"))
        earlier = Payment.objects.get(channel=caller.code, serial=collected.serial) if is_used else None
        if earlier is None:
            # Before the account: a day that is refused anyhow must not tell which accounts there are.
            _check_day(caller, collected.bank_date, at)
        account_id, path = dues.place_of(collected.account_no)
        if earlier is not None:
            same = (account_id, collected.amount_fen, collected.bank_date)
            if (earlier.account_id, earlier.amount_fen, earlier.business_date) != same:
                raise SerialUsedOtherwise(_("同一流水号已用于另一笔，请先按流水号查询。"), receipt_no=str(earlier))
            if Reversal.objects.filter(payment=earlier).exists():
                raise SerialBlocked(_("该流水号已被冲正，不再入账，请把钱退给客户。"))
            return as_taken(earlier, is_repeat=True)
        check_open_to(caller, path, at=at)
        try:
            taken = book_new(
                channel=caller.code,
                serial=collected.serial,
                account_id=account_id,
                amount_fen=collected.amount_fen,
                method=Payment.Method.AGENT if caller.is_agent else Payment.Method.BANK,
                came=CameIn(
                    clearing=caller.clearing_id,
                    business_date=collected.bank_date,
                    means=collected.means,
                    branch=collected.branch,
                    teller=collected.teller,
                    paid_at=collected.paid_at,
                ),
                org_unit_id=None,
                received_by_id=None,
                reference=collected.serial,
                chosen=_bill_ids(collected.bills),
                is_wish=False,
                at=at,
            )
        except ledger.DayIsClosed as closed:
            raise DayNotAccepted(closed.message) from closed
        if collected.bills and collected.bills != tuple((part.bill_no, part.amount_fen) for part in taken.allocations):
            raise AmountRefused(_("所列账单的金额与应缴金额不符，请重新查询后再缴。"))
        if caller.is_agent:
            agents.sell(
                client_id=caller.client_id,
                payment_id=taken.payment_id,
                amount_fen=collected.amount_fen,
                business_date=collected.bank_date,
                at=at,
            )
    return taken


def _known(channel: str, serial: str) -> tuple[bool, bool]:
    """Whether a serial is blocked, and whether something was paid under it; the serial is locked."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM payments_blocked_serial WHERE channel = %(channel)s AND serial = %(serial)s), "
            "EXISTS (SELECT FROM payments_payment WHERE channel = %(channel)s AND serial = %(serial)s)",
            {"channel": channel, "serial": serial},
        )
        is_blocked, is_used = cursor.fetchone()
    return is_blocked, is_used


def check_stands(*, caller: Caller, serial: str) -> None:
    """
    Whether what was booked under a serial is still booked; waits for a reversal that runs.

    :raises SerialBlocked: it was taken back since
    """
    with transaction.atomic():
        lock_serial(caller.code, serial)
        if Reversal.objects.filter(payment__channel=caller.code, payment__serial=serial).exists():
            raise SerialBlocked(_("该流水号已被冲正，不再入账，请把钱退给客户。"))


def take_back(
    *, caller: Caller, serial: str, reversal_serial: str, bank_date: date, reason: str, at: datetime
) -> TakenBackPayment:
    """
    Take a client's payment back, every transfer mirrored; a serial that was never paid is blocked instead.

    The same reversal serial gives the first outcome again.

    :raises SerialUsedOtherwise: the reversal serial took back something else
    :raises AlreadyReversed: it was taken back under another reversal serial
    :raises WindowPassed, DayNotAccepted: too late, or not on that day
    :raises GoneBack, PrepaymentSpent, BillCorrected: the money has moved on
    """
    with transaction.atomic():
        lock_serial(caller.code, serial)
        # Its own lock, so that one reversal serial cannot meet itself under two payments.
        lock_serial(f"{caller.code}:reversal", reversal_serial)
        used = (
            Reversal.objects.filter(channel=caller.code, serial=reversal_serial)
            .values_list("payment__serial", "business_date")
            .first()
            or BlockedSerial.objects.filter(channel=caller.code, reversal_serial=reversal_serial)
            .values_list("serial", "bank_date")
            .first()
        )
        if used is not None and used[0] != serial:
            raise SerialUsedOtherwise(_("同一流水号已用于另一笔，请先按流水号查询。"))
        payment = Payment.objects.filter(channel=caller.code, serial=serial).first()
        if payment is None:
            return _block(caller, serial, reversal_serial, bank_date, reason, at)
        booked_on = bank_date if used is None else used[1]
        outcome = TakenBackPayment(serial, reversal_serial, booked_on, str(payment), payment.amount_fen)
        if used is not None:
            return outcome
        ledger.lock_balances([payment.account_id])
        check_not_gone(payment)
        if caller.is_agent and payment.business_date != bank_date:
            raise WindowPassed(_("已过约定的冲正时限，请改办退费。"))
        if not may_reverse(paid_on=payment.business_date, reversed_on=bank_date, rules=caller.rules):
            raise WindowPassed(_("已过约定的冲正时限，请改办退费。"))
        _check_day(caller, bank_date, at)
        back = TakenBack(caller.clearing_id, bank_date, channel=caller.code, serial=reversal_serial)
        try:
            book_reversal(payment, back, reason=reason, reversed_by_id=None, at=at)
        except ledger.DayIsClosed as closed:
            raise DayNotAccepted(closed.message) from closed
        if payment.method == Payment.Method.AGENT:
            agents.give_back(
                client_id=caller.client_id,
                payment_id=payment.pk,
                amount_fen=payment.amount_fen,
                business_date=bank_date,
                at=at,
            )
    return outcome


def _block(
    caller: Caller, serial: str, reversal_serial: str, bank_date: date, reason: str, at: datetime
) -> TakenBackPayment:
    """Keep that this serial must never be paid; the serial is locked."""
    blocked = BlockedSerial.objects.filter(channel=caller.code, serial=serial).first()
    if blocked is None:
        blocked = BlockedSerial.objects.create(
            channel=caller.code,
            serial=serial,
            reversal_serial=reversal_serial,
            bank_date=bank_date,
            reason=reason,
            blocked_at=at,
        )
    elif blocked.reversal_serial != reversal_serial:
        raise AlreadyReversed(_("这笔缴费已经冲正过。"))
    return TakenBackPayment(serial, blocked.reversal_serial, blocked.bank_date, "", 0)


def _check_day(caller: Caller, bank_date: date, at: datetime) -> None:
    if not is_day_near(bank_date, at.astimezone(settings.BILLING_TIME_ZONE), caller.rules):
        raise DayNotAccepted(_("账务日期已关账或超出约定范围，请用当前账务日期重发。"))


def _bill_ids(bills: Sequence[tuple[str, int]]) -> list[int]:
    found = [_BILL_NO.fullmatch(bill_no) for bill_no, _fen in bills]
    return [int(one[1]) if one else 0 for one in found]
