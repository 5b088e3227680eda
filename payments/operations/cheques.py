"""
Cheques: taken at a counter against what is owed, banked, then cleared by a line of a bank statement, or returned.

A cheque is presented within ten days of its date (票据法, article 91). It pays no more than what is owed: what it would
leave ahead might be used before the bank says no.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from cis.operations import ledger, notices
from cis.queries import dues
from config.shared.display_formats import format_money
from config.shared.errors import BadInput, NotFound, Refused
from config.shared.events import publish
from config.shared.money import yuan_from_fen
from payments.events import ChequeReturned
from payments.messages import CHEQUE_RETURNED
from payments.models import BankLine, Cheque, Payment
from payments.models.cheques import PRESENTED_WITHIN
from payments.operations.bank_returns import lock_open_line
from payments.operations.reversing import TakenBack, book_reversal, check_not_gone
from payments.operations.taking import (
    CLEARING,
    COUNTER,
    TakenPayment,
    UnusableKey,
    as_taken,
    book_payment,
    is_form_key,
    lock_serial,
)

_NUMBER = re.compile(r"[0-9]{8,20}", re.ASCII)
State = Cheque.State


class ChequeUnusable(BadInput):
    """Its number, bank, drawer or date is none that a cheque has, or its ten days are over."""

    code = "cheque-unusable"


class ChequeTooLarge(Refused):
    """A cheque pays what is owed and no more."""

    code = "cheque-too-large"


class ChequeTaken(Refused):
    """This cheque was taken before."""

    code = "cheque-taken"


class WrongState(Refused):
    """The cheque is not where this could be done with it."""

    code = "cheque-wrong-state"


class NotItsMoney(Refused):
    """The line of the bank statement has another amount."""

    code = "not-its-money"
    status = 422


@dataclass(frozen=True, slots=True)
class Paper:
    """What stands on a cheque."""

    number: str
    bank: str
    drawer: str
    issued_on: date


def take_cheque(
    *,
    account_id: int,
    amount_fen: int,
    paper: Paper,
    form_key: str,
    org_unit_id: int | None,
    received_by_id: int,
    at: datetime,
) -> TakenPayment:
    """
    Take a cheque at a counter: it pays bills at once, and its money is on its way. The same key gives the first again.

    :raises ChequeUnusable: it cannot be a cheque, or its ten days are over
    :raises ChequeTooLarge: more than the account owes
    :raises ChequeTaken: the bank's cheque of this number was taken
    :raises UnusableKey, KeyUsedOtherwise, AmountRefused, AccountHasNoLedger: as for `take_payment`
    """
    if not is_form_key(form_key):
        raise UnusableKey(_("这张收款单无法识别，请从客户页面重新打开收款。"))
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    paper = _checked(paper, today)
    try:
        with transaction.atomic():
            lock_serial(COUNTER, form_key)
            earlier = Cheque.objects.select_related("payment").filter(payment__serial=form_key).first()
            if earlier is not None and (earlier.account_id, earlier.amount_fen) == (account_id, amount_fen):
                return as_taken(earlier.payment, is_repeat=True)
            ledger.lock_balances([account_id])
            owed_fen = dues.payable_fen(account_id=account_id, on=today)
            if amount_fen > owed_fen:
                raise ChequeTooLarge(
                    _("支票只能交欠费，现在欠 %(yuan)s 元。多开的请客户换一张，或用别的方式预存。")
                    % {"yuan": format_money(owed_fen)}
                )
            taken = book_payment(
                channel=COUNTER,
                serial=form_key,
                account_id=account_id,
                amount_fen=amount_fen,
                method=Payment.Method.CHEQUE,
                org_unit_id=org_unit_id,
                received_by_id=received_by_id,
                reference=paper.number,
                at=at,
            )
            Cheque.objects.create(
                payment_id=taken.payment_id,
                account_id=account_id,
                number=paper.number,
                bank=paper.bank,
                drawer=paper.drawer,
                issued_on=paper.issued_on,
                amount_fen=amount_fen,
                org_unit_id=org_unit_id,
                taken_by_id=received_by_id,
                taken_at=at,
            )
            return taken
    except IntegrityError as error:
        if "one_live_cheque" not in str(error):
            raise
        raise ChequeTaken(
            _("%(bank)s的支票 %(no)s 已经收过。请核对号码。") % {"bank": paper.bank, "no": paper.number}
        ) from error


def _checked(paper: Paper, today: date) -> Paper:
    number, bank, drawer = "".join(paper.number.split()), paper.bank.strip(), paper.drawer.strip()
    if not _NUMBER.fullmatch(number) or not bank or not drawer:
        raise ChequeUnusable(_("请填支票号码（8 到 20 位数字）、付款银行和出票人。"))
    if paper.issued_on > today:
        raise ChequeUnusable(_("出票日期还没有到，不能收。"))
    if today > paper.issued_on + PRESENTED_WITHIN:
        raise ChequeUnusable(_("支票自出票日起 10 天内提示付款，这张已经过期。请客户换一张。"))
    return Paper(number, bank[:100], drawer[:200], paper.issued_on)


def bank_cheque(*, cheque_id: int, banked_on: date, at: datetime) -> None:
    """
    Note that a cheque was taken to the bank.

    :raises NotFound, WrongState: there is none that waits for it
    :raises ChequeUnusable: the day is before its date or in the future
    """
    with transaction.atomic():
        cheque = _lock(cheque_id, State.RECEIVED)
        if not cheque.issued_on <= banked_on <= at.astimezone(settings.BILLING_TIME_ZONE).date():
            raise ChequeUnusable(_("送存日期不能早于出票日期，也不能晚于今天。"))
        cheque.state, cheque.banked_on = State.BANKED, banked_on
        cheque.save(update_fields=["state", "banked_on"])


def clear_cheque(*, cheque_id: int, line_id: int, by_id: int, at: datetime) -> None:
    """
    Say that a line of a bank statement is a banked cheque's money.

    :raises NotFound, WrongState: there is no such cheque that was banked
    :raises NotItsMoney: the line has another amount
    :raises bank_returns.LineNotOpen: the line's money is somebody's
    """
    with transaction.atomic():
        cheque = _lock(cheque_id, State.BANKED)
        line = lock_open_line(line_id)
        if line.amount_fen != cheque.amount_fen:
            raise NotItsMoney(_("这笔到账的金额和支票不同，请从列出的到账中选择。"))
        ledger.post(
            [
                ledger.Posting(
                    kind=ledger.TransferKind.CHEQUE_CLEARED,
                    document_id=cheque.pk,
                    leg=1,
                    account_id=0,
                    debit_id=ledger.control_id("UNIDENTIFIED"),
                    credit_id=ledger.control_id(CLEARING[Payment.Method.CHEQUE]),
                    amount_fen=cheque.amount_fen,
                )
            ],
            booked_at=at,
            business_date=ledger.open_business_date(at),
            actor_id=by_id,
        )
        line.state = BankLine.State.MATCHED
        line.save(update_fields=["state"])
        cheque.state, cheque.line, cheque.ended_at, cheque.ended_by_id = State.CLEARED, line, at, by_id
        cheque.save(update_fields=["state", "line", "ended_at", "ended_by"])


def return_cheque(*, cheque_id: int, reason: str, by_id: int, at: datetime) -> None:
    """
    A cheque came back unpaid, or goes back to the customer before it was cleared: its payment is reversed.

    :raises NotFound, WrongState: there is none, it was cleared or returned
    :raises ChequeUnusable: no reason was given
    :raises BillCorrected, AlreadyReversed, GoneBack: what it paid has changed since
    """
    reason = reason.strip()[:500]
    if not reason:
        raise ChequeUnusable(_("请写明退票原因，例如“存款不足”。"))
    with transaction.atomic():
        account_id = Cheque.objects.filter(pk=cheque_id).values_list("account_id", flat=True).first()
        ledger.lock_balances([account_id] if account_id else [])
        cheque = _lock(cheque_id, State.RECEIVED, State.BANKED)
        check_not_gone(cheque.payment)
        gone = book_reversal(
            cheque.payment,
            TakenBack(CLEARING[Payment.Method.CHEQUE], ledger.open_business_date(at)),
            reason=reason,
            reversed_by_id=by_id,
            at=at,
        )
        cheque.state, cheque.reversal_id, cheque.ended_at, cheque.ended_by_id = (
            State.RETURNED,
            gone.reversal_id,
            at,
            by_id,
        )
        cheque.save(update_fields=["state", "reversal", "ended_at", "ended_by"])
        publish(ChequeReturned(account_id=cheque.account_id, cheque_id=cheque.pk))


def tell_returned(*, cheque_id: int, at: datetime) -> None:
    """Tell the customer that their cheque came back and the bill is open again; once, however often it is asked for."""
    cheque = Cheque.objects.get(pk=cheque_id)
    notices.tell_customer(
        account_id=cheque.account_id,
        template=CHEQUE_RETURNED.code,
        parameters={"yuan": yuan_from_fen(cheque.amount_fen), "cheque": cheque.number},
        dedupe_key=f"cheque-returned:{cheque_id}",
        happened_at=cheque.ended_at or at,
        at=at,
    )


def _lock(cheque_id: int, *states: str) -> Cheque:
    cheque = Cheque.objects.select_for_update(of=("self",)).select_related("payment").filter(pk=cheque_id).first()
    if cheque is None:
        raise NotFound(_("没有这张支票。"))
    if cheque.state not in states:
        raise WrongState(
            _("这张支票现在是“%(state)s”，不能这样办。请刷新页面核对。") % {"state": _(State(cheque.state).label)}
        )
    return cheque
