"""
Say whose money a bank line is: it becomes payments of one customer's accounts, out of unidentified money.

By the line's virtual sub-account at once; by staff otherwise, alone up to `TRANSFER_CLAIM_ALONE_FEN` and above it with
a second person. A claim is undone by reversing each of its payments. Accounts' money is locked before the line.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cis.operations import ledger
from cis.queries.payers import ids_of_numbers, payers
from config.shared import approvals
from config.shared.errors import BadInput, NotFound, Refused
from config.shared.money import yuan_from_fen
from payments.models import BankLine, Claim, ClaimPart, Payment
from payments.operations.bank_returns import lock_open_line, root_unit_id
from payments.operations.reversing import TakenBack, book_reversal, check_not_gone
from payments.operations.taking import CLEARING, CameIn, book_new, lock_serial, next_id

log = logging.getLogger(__name__)

# No client can have this code: see `channel_clients`.
CHANNEL = "bank_line"
CLAIM, UNDO = "payments.claim_transfer", "payments.undo_claim"
MOST_PARTS = 50


class PartsUnusable(BadInput):
    """The accounts and amounts are not the line's whole amount, each account once."""

    code = "claim-parts-unusable"


class ManyCustomers(Refused):
    """One claim is one customer's: the accounts belong to several."""

    code = "claim-of-many-customers"
    status = 422


class ReasonMissing(BadInput):
    """Whoever claims or undoes says how they know."""

    code = "reason-missing"


class NotClaimed(Refused):
    """Nobody's claim on the line is live."""

    code = "not-claimed"


@dataclass(frozen=True, slots=True)
class Part:
    """So many fen for this account number; None: all of the line, as the only part."""

    account_no: str
    amount_fen: int | None


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it: a claim made or undone, or the request that waits for a second person."""

    claim_id: int | None = None
    approval_id: int | None = None


def claim(*, line_id: int, parts: Sequence[Part], reason: str, claimed_by_id: int, at: datetime) -> Done:
    """
    Claim a line's money, all of it, for accounts of one customer.

    :raises NotFound: no such money came in, or there is no such account
    :raises PartsUnusable, ManyCustomers, ReasonMissing: it cannot be claimed so
    :raises bank_returns.LineNotOpen: somebody claimed it first, or it goes back
    :raises AccountClosed: more than a closed account owes
    :raises approvals.AlreadyAsked, NotAllowed: see there
    """
    reason = _reason(reason)
    with transaction.atomic():
        amounts = _accounts_of(parts, BankLine.objects.filter(pk=line_id).values_list("amount_fen", flat=True).first())
        ledger.lock_balances(sorted(amounts))
        line = lock_open_line(line_id)
        customer_id = _customer_of(amounts)
        if line.amount_fen <= settings.TRANSFER_CLAIM_ALONE_FEN:
            return Done(claim_id=_book(line, customer_id, amounts, _By(reason, claimed_by_id, None), at))
        known = payers(sorted(amounts))
        approval_id = approvals.request(
            kind=CLAIM,
            payload={
                "line_id": line.pk,
                "serial": line.serial,
                "amount_fen": line.amount_fen,
                "parts": [[account_id, known[account_id].account_no, fen] for account_id, fen in amounts.items()],
            },
            asked_by_id=claimed_by_id,
            reason=reason,
            at=at,
            org_unit_id=root_unit_id(),
            subject=f"bank-line:{line.pk}",
        )
        return Done(approval_id=approval_id)


def _words(payload: Mapping[str, Any]) -> str:
    listed = _("、").join(
        _("户号 %(no)s %(yuan)s 元") % {"no": no, "yuan": yuan_from_fen(fen)} for _id, no, fen in payload["parts"]
    )
    return _("银行流水 %(serial)s 到账的 %(yuan)s 元记为缴费：%(parts)s。") % {
        "serial": payload["serial"],
        "yuan": yuan_from_fen(payload["amount_fen"]),
        "parts": listed,
    }


@approvals.carries_out(
    CLAIM,
    label=gettext_lazy("大额到账认领"),
    ask="payments.work_transfers",
    decide="payments.approve_transfers",
    consequence=_words,
)
def _carry_out_claim(act: approvals.Act) -> dict[str, Any]:
    amounts = {int(account_id): int(fen) for account_id, _no, fen in act.payload["parts"]}
    ledger.lock_balances(sorted(amounts))
    line = lock_open_line(int(act.payload["line_id"]))
    _book(line, _customer_of(amounts), amounts, _By(act.reason, act.asked_by_id, act.decided_by_id), act.at)
    return {"url": reverse("payments:transfer", args=[line.pk])}


@dataclass(frozen=True, slots=True)
class _By:
    reason: str
    claimed_by_id: int | None
    approved_by_id: int | None


def _reason(text: str) -> str:
    if not text.strip():
        raise ReasonMissing(_("请写明怎么核实的，例如“企业来电报了回单号”。"))
    return text.strip()[:500]


def _accounts_of(parts: Sequence[Part], line_fen: int | None) -> dict[int, int]:
    """Account id to fen in the order of the parts; they come to the line's amount."""
    if line_fen is None or line_fen <= 0:
        raise NotFound(_("没有这笔到账。"))
    if len(parts) == 1 and parts[0].amount_fen is None:
        parts = [Part(parts[0].account_no, line_fen)]
    numbers = [part.account_no for part in parts]
    if not 0 < len(parts) <= MOST_PARTS or len(set(numbers)) != len(numbers):
        raise PartsUnusable(_("请填 1 到 %(most)s 个户号，每个户号一次。") % {"most": MOST_PARTS})
    ids = ids_of_numbers(numbers)
    missing = [number for number in numbers if number not in ids]
    if missing:
        raise NotFound(_("没有户号 %(no)s，请核对后再试。") % {"no": missing[0]})
    amounts = {ids[part.account_no]: part.amount_fen or 0 for part in parts}
    if min(amounts.values()) <= 0 or sum(amounts.values()) != line_fen:
        raise PartsUnusable(
            _("各户金额都要大于 0，合计要等于到账的 %(yuan)s 元；现在合计 %(sum)s 元。")
            % {"yuan": yuan_from_fen(line_fen), "sum": yuan_from_fen(sum(amounts.values()))}
        )
    return amounts


def _customer_of(amounts: Mapping[int, int]) -> int:
    customers = {payer.customer_id for payer in payers(sorted(amounts)).values()}
    if len(customers) != 1:
        raise ManyCustomers(_("一笔到账只能认领给同一个客户的户号。请核对；确属多家的，请退回汇款人分别汇款。"))
    return customers.pop()


def _book(line: BankLine, customer_id: int, amounts: Mapping[int, int], by: _By, at: datetime) -> int:
    """Book a claim on a locked open line; the accounts' balances are locked."""
    claim_id = next_id("payments_claim")
    payments = [
        (account_id, fen, _book_part(line, f"{claim_id}-{seq}", account_id, fen, at))
        for seq, (account_id, fen) in enumerate(amounts.items(), start=1)
    ]
    Claim(
        id=claim_id,
        line=line,
        customer_id=customer_id,
        way=Claim.Way.SUB_ACCOUNT if by.claimed_by_id is None else Claim.Way.STAFF,
        amount_fen=line.amount_fen,
        reason=by.reason,
        claimed_by_id=by.claimed_by_id,
        approved_by_id=by.approved_by_id,
        claimed_at=at,
    ).save(force_insert=True)
    ClaimPart.objects.bulk_create(
        ClaimPart(claim_id=claim_id, seq=seq, account_id=account_id, amount_fen=fen, payment_id=payment_id)
        for seq, (account_id, fen, payment_id) in enumerate(payments, start=1)
    )
    line.state = BankLine.State.CLAIMED
    line.save(update_fields=["state"])
    return claim_id


def _book_part(line: BankLine, serial: str, account_id: int, fen: int, at: datetime) -> int:
    lock_serial(CHANNEL, serial)
    return book_new(
        channel=CHANNEL,
        serial=serial,
        account_id=account_id,
        amount_fen=fen,
        method=Payment.Method.TRANSFER,
        came=CameIn(CLEARING[Payment.Method.TRANSFER], paid_at=line.at),
        org_unit_id=None,
        received_by_id=None,
        reference=line.serial,
        chosen=(),
        is_wish=True,
        at=at,
    ).payment_id


# --- By sub-account ------------------------------------------------------------------------------

# A line that somebody's claim was taken back from is not booked by itself again.
_UNDER_SUB_ACCOUNTS = """
SELECT l.id, s.account_id, a.customer_id FROM payments_bank_line l
JOIN payments_sub_account s ON s.number = l.sub_number AND s.from_on <= l.day
    AND (s.until_on IS NULL OR l.day < s.until_on)
JOIN cis_account a ON a.id = s.account_id
WHERE l.statement_id = %s AND l.state = 'open' AND l.sub_number <> ''
    AND NOT EXISTS (SELECT 1 FROM payments_claim c WHERE c.line_id = l.id)
ORDER BY l.id
"""


def claim_sub_accounts(*, statement_id: int, at: datetime) -> int:
    """
    Book what came under sub-accounts in a statement to their accounts; how many lines. Again, it changes nothing.

    What an account may not take, because it was closed, waits for people.
    """
    booked = 0
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_UNDER_SUB_ACCOUNTS, [statement_id])
            found = {line_id: (account_id, customer_id) for line_id, account_id, customer_id in cursor.fetchall()}
        ledger.lock_balances(sorted({account_id for account_id, _customer in found.values()}))
        lines = BankLine.objects.select_for_update().filter(pk__in=list(found), state=BankLine.State.OPEN)
        for line in lines.order_by("pk"):
            account_id, customer_id = found[line.pk]
            try:
                with transaction.atomic():
                    _book(line, customer_id, {account_id: line.amount_fen}, _By("", None, None), at)
            except Refused as refused:
                log.warning("a sub-account's money waits", extra={"bank_line": line.pk, "code": refused.code})
            else:
                booked += 1
    return booked


# --- The way back --------------------------------------------------------------------------------


def undo_claim(*, line_id: int, reason: str, undone_by_id: int, at: datetime) -> Done:
    """
    Take a claim back: each of its payments is reversed and the money lies unidentified again.

    Above the limit for claiming alone a second person approves it.

    :raises NotFound: no such money came in
    :raises NotClaimed: nobody's claim on it is live
    :raises ReasonMissing: no reason was given
    :raises PrepaymentSpent, BillCorrected, AlreadyReversed, GoneBack: what it paid has changed since
    :raises approvals.AlreadyAsked, NotAllowed: see there
    """
    reason = _reason(reason)
    with transaction.atomic():
        live = _lock_claim(line_id)
        if live.amount_fen <= settings.TRANSFER_CLAIM_ALONE_FEN:
            _undo(live, _By(reason, undone_by_id, None), at)
            return Done(claim_id=live.pk)
        approval_id = approvals.request(
            kind=UNDO,
            payload={
                "line_id": line_id,
                "claim_id": live.pk,
                "serial": live.line.serial,
                "amount_fen": live.amount_fen,
            },
            asked_by_id=undone_by_id,
            reason=reason,
            at=at,
            org_unit_id=root_unit_id(),
            subject=f"bank-line:{line_id}",
        )
        return Done(approval_id=approval_id)


def _words_of_undoing(payload: Mapping[str, Any]) -> str:
    return _("撤销银行流水 %(serial)s 的认领：%(yuan)s 元的缴费全部冲正，款重新待认领。") % {
        "serial": payload["serial"],
        "yuan": yuan_from_fen(payload["amount_fen"]),
    }


@approvals.carries_out(
    UNDO,
    label=gettext_lazy("撤销大额到账认领"),
    ask="payments.work_transfers",
    decide="payments.approve_transfers",
    consequence=_words_of_undoing,
)
def _carry_out_undo(act: approvals.Act) -> dict[str, Any]:
    line_id = int(act.payload["line_id"])
    live = _lock_claim(line_id)
    if live.pk != act.payload["claim_id"]:
        raise NotClaimed(_("这笔到账的认领已经换过，请重新申请。"))
    _undo(live, _By(act.reason, act.asked_by_id, act.decided_by_id), act.at)
    return {"url": reverse("payments:transfer", args=[line_id])}


def _lock_claim(line_id: int) -> Claim:
    """The live claim of a line, its accounts' balances and the line locked, in this order."""
    if not BankLine.objects.filter(pk=line_id, amount_fen__gt=0).exists():
        raise NotFound(_("没有这笔到账。"))
    refusal = NotClaimed(_("这笔到账没有认领，不用撤销。请刷新页面核对。"))
    live = Claim.objects.filter(line_id=line_id, undone_at=None).first()
    if live is None:
        raise refusal
    ledger.lock_balances(sorted(live.parts.values_list("account_id", flat=True)))
    BankLine.objects.select_for_update().get(pk=line_id)
    # Claims of a line change under the line's lock only.
    again = Claim.objects.select_related("line").filter(pk=live.pk, undone_at=None).first()
    if again is None:
        raise refusal
    return again


def _undo(live: Claim, by: _By, at: datetime) -> None:
    business_date = ledger.open_business_date(at)
    for part in live.parts.select_related("payment").order_by("seq"):
        check_not_gone(part.payment)
        book_reversal(
            part.payment,
            TakenBack(CLEARING[Payment.Method.TRANSFER], business_date),
            reason=by.reason,
            reversed_by_id=by.claimed_by_id,
            approved_by_id=by.approved_by_id,
            at=at,
        )
    live.undone_at, live.undo_reason = at, by.reason
    live.undone_by_id, live.undo_approved_by_id = by.claimed_by_id, by.approved_by_id
    live.save(update_fields=["undone_at", "undone_by", "undo_approved_by", "undo_reason"])
    live.line.state = BankLine.State.OPEN
    live.line.save(update_fields=["state"])
