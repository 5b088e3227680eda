"""Late fees of accounts: what was charged and is open, and what has run since, by the published terms in force."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import F, OuterRef, Q, Subquery, Sum
from django.utils.translation import gettext as _

from cis.collecting.allocation import AllocationRule
from cis.collecting.charging import Charged, fee_to_charge
from cis.collecting.late_fee_bill import terms_in_force
from cis.collecting.late_fees import FeePart, LateFeeTerms, Settled, read_late_fee_terms
from cis.models import Bill, BillCorrection, LateFeeCharge, LateFeeWaiver, SupplyContract, WrittenOffBill
from cis.queries.agreements import NOT_AGREED, BillAgreed, agreed_bills
from cis.queries.billing import bill_id_of
from cis.rating import CannotPrice
from config.shared.errors import NotFound


@dataclass(frozen=True, slots=True)
class BillLateFee:
    """
    A bill and its late fee up to and including a day; `parts` of constant base and rate.

    `base_fen` is what the fee runs on from today: what is open less what corrections of the bill give back.
    `fee_fen` is the whole fee so far; of it `charged_fen` was charged, `to_charge_fen` not yet, and `due_fen` is still
    to be paid. `is_minimum`, `is_capped`: the sum of the parts (`raw_fen`) was lifted to the least or held to the most.
    """

    bill_id: int
    bill_no: str
    cycle: int
    period_start: date
    period_end: date
    due_on: date
    open_fen: int
    base_fen: int
    days: int
    parts: tuple[FeePart, ...]
    raw_fen: int
    fee_fen: int
    charged_fen: int
    to_charge_fen: int
    due_fen: int
    is_minimum: bool
    is_capped: bool


@dataclass(frozen=True, slots=True)
class LateFeesSoFar:
    """The bills of an account with a late fee to pay, `fee_fen` in all, and where the rule is from."""

    bills: tuple[BillLateFee, ...]
    fee_fen: int
    source: str
    rule: str = ""


@dataclass(frozen=True, slots=True)
class OpenDebts:
    """The bills of an account of which something is open, or of their late fees; what is agreed of them; the fees."""

    on: date
    bills: Mapping[int, Bill]
    agreed: Mapping[int, BillAgreed]
    late_fees: LateFeesSoFar


def late_fees_so_far(account_id: int, *, on: date) -> LateFeesSoFar:
    """
    What an account has to pay of late fees on a day: charged and open, and what has run since then.

    :raises CannotPrice: no published terms cover the day
    """
    return late_fees_of_accounts([account_id], on=on)[account_id]


def late_fee_of_bill(bill_no: str, *, on: date) -> tuple[str, int, int, BillLateFee | None]:
    """
    Account number, account id, bill id and the late fee of one bill, None where there is none to pay.

    :raises NotFound: there is no such bill
    """
    bill = Bill.objects.select_related("account").filter(pk=bill_id_of(bill_no)).first()
    if bill is None or str(bill) != bill_no:
        raise NotFound(_("没有找到这张账单，请核对账单编号。"))
    found = late_fees_so_far(bill.account_id, on=on).bills
    return (
        bill.account.account_no,
        bill.account_id,
        bill.pk,
        next((fee for fee in found if fee.bill_id == bill.pk and fee.due_fen), None),
    )


def paid_late_fee(bill_id: int) -> int:
    """What was paid of a bill's late fees and not given back, in fen; two statements and one more where one is."""
    charged = LateFeeCharge.objects.filter(bill_id=bill_id).aggregate(fen=Sum(F("fee_fen") - F("open_fen")))["fen"]
    if not charged:
        return 0
    waived = LateFeeWaiver.objects.filter(charge__bill_id=bill_id).aggregate(fen=Sum("amount_fen"))["fen"]
    off = WrittenOffBill.objects.filter(bill_id=bill_id).aggregate(fen=Sum("fee_fen"))["fen"]
    paid: int = charged - (waived or 0) - (off or 0)
    return paid


def late_fees_of_accounts(account_ids: Sequence[int], *, on: date) -> dict[int, LateFeesSoFar]:
    """
    The same for many accounts in three statements, one more where a bill is overdue, some more where bills are paid by
    instalments.

    Every account has its entry.
    What a bill was issued for less what prepayment took of it is its principal.
    """
    return {account_id: debts.late_fees for account_id, debts in open_debts(account_ids, on=on).items()}


def open_debts(account_ids: Sequence[int], *, on: date) -> dict[int, OpenDebts]:
    """
    All that accounts may pay on a day, in as many statements; every account has its entry.

    :raises CannotPrice: no published terms cover the day
    """
    entry = terms_in_force(published("late_fees"), on=on, province=settings.COLLECTING_PROVINCE or None)
    terms, without = read_late_fee_terms(entry), set(entry.get("not_agreed_with_classes", ()))
    charges: dict[int, list[LateFeeCharge]] = defaultdict(list)
    for charge in _charges_of(account_ids):
        charges[charge.bill_id].append(charge)
    still_open = [bill_id for bill_id, rows in charges.items() if any(row.open_fen for row in rows)]
    which = Q(account_id__in=account_ids, open_fen__gt=0)
    if still_open:
        which |= Q(pk__in=still_open)
    bills = list(
        Bill.objects.filter(which)
        .only("account_id", "cycle", "revision", "period_start", "period_end", "due_on", "open_fen", "price_class")
        .annotate(charged_there=F("opening__late_fee_through"))
        .order_by("due_on", "pk")
    )
    agreed = agreed_bills([bill.pk for bill in bills], on=on)
    earlier = {bill.pk: bill.charged_there for bill in bills if bill.charged_there is not None}
    earlier |= _charged_before([bill for bill in bills if bill.revision], on=on)
    given_back = _given_back([bill.pk for bill in bills if bill.due_on < on and bill.open_fen])
    found: dict[int, list[BillLateFee]] = {account_id: [] for account_id in account_ids}
    of_account: dict[int, dict[int, Bill]] = {account_id: {} for account_id in account_ids}
    for bill in bills:
        of_account[bill.account_id][bill.pk] = bill
        if bill.due_on >= on and bill.pk not in still_open:
            continue
        agreement = agreed.get(bill.pk, NOT_AGREED)
        runs = SupplyContract.PriceClass(bill.price_class).name.lower() not in without
        # Signing charged what had run up; while the agreement is kept nothing runs.
        runs = runs and not (agreement.frozen_on is not None and on > agreement.frozen_on)
        begins = max(filter(None, (agreement.runs_from, earlier.get(bill.pk))), default=None)
        base_fen = max(0, bill.open_fen - given_back.get(bill.pk, 0))
        fee = _fee_of(bill, charges[bill.pk], base_fen, on=on, terms=terms, runs=runs, runs_from=begins)
        if bill.open_fen or fee.due_fen:
            found[bill.account_id].append(fee)
    return {
        account_id: OpenDebts(
            on,
            of_account[account_id],
            agreed,
            LateFeesSoFar(tuple(fees), sum(fee.due_fen for fee in fees), str(entry["source"]), entry["code"]),
        )
        for account_id, fees in found.items()
    }


def _charges_of(account_ids: Sequence[int]) -> list[LateFeeCharge]:
    """Charges of the accounts, by bill and day; hardly any payment finds one, and every payment asks."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM cis_late_fee_charge WHERE account_id = ANY(%s))", [list(account_ids)]
        )
        if not cursor.fetchone()[0]:
            return []
    return list(LateFeeCharge.objects.filter(account_id__in=account_ids).order_by("bill_id", "through_on"))


def _given_back(bill_ids: Sequence[int]) -> dict[int, int]:
    """
    Of each bill what its corrections give back, whether it waits for the next bill or is on it: nobody is late with
    money that was asked for by mistake. A settlement of the market is of a price, the bill itself was right. What the
    next bill could not take lies in prepayment and has paid what is open, or will. One statement, none without bills.
    """
    if not bill_ids:
        return {}
    taken = BillCorrection.objects.filter(taken_by=OuterRef("taken_by")).order_by().values("taken_by")
    found = (
        BillCorrection.objects.filter(
            bill_id__in=bill_ids, state__in=(BillCorrection.State.STANDING, BillCorrection.State.TAKEN)
        )
        .exclude(cause=BillCorrection.Cause.SETTLEMENT)
        .annotate(
            kept_fen=F("taken_by__correction_fen") - Subquery(taken.annotate(fen=Sum("amount_fen")).values("fen"))
        )
        .order_by("pk")
        .values_list("bill_id", "amount_fen", "taken_by_id", "kept_fen")
    )
    so_far: dict[int, int] = defaultdict(int)
    lowest: dict[int, int] = defaultdict(int)
    kept: dict[int, int] = {}
    for bill_id, amount_fen, taken_by_id, kept_fen in found:
        in_prepayment = 0
        if taken_by_id is not None and amount_fen < 0:
            left = kept.setdefault(taken_by_id, kept_fen)
            in_prepayment = min(left, -amount_fen)
            kept[taken_by_id] = left - in_prepayment
        # A difference that was asked for and given back again leaves the bill as it was: it was right.
        so_far[bill_id] += amount_fen + in_prepayment
        lowest[bill_id] = min(lowest[bill_id], so_far[bill_id])
    return {bill_id: -fen for bill_id, fen in lowest.items() if fen}


def _charged_before(bills: Sequence[Bill], *, on: date) -> dict[int, date]:
    """
    Through which day late fees of the same debt were charged on the bills that these replace: they run on the day
    after. At most three statements, and some more where the bills before were paid by instalments.
    """
    through: dict[int, date] = {}
    again = {(bill.account_id, bill.period_start): bill.pk for bill in bills}
    if not again:
        return through
    replaced = {
        before.pk: again[before.account_id, before.period_start]
        for before in Bill.objects.filter(
            account_id__in={account_id for account_id, _day in again},
            period_start__in={day for _account_id, day in again},
        )
        if again.get((before.account_id, before.period_start), before.pk) != before.pk
    }
    days = list(LateFeeCharge.objects.filter(bill_id__in=replaced).values_list("bill_id", "through_on"))
    days += [(pk, one.runs_from) for pk, one in agreed_bills(replaced, on=on).items() if one.runs_from is not None]
    for before_id, day in days:
        bill_id = replaced[before_id]
        through[bill_id] = max(through.get(bill_id, day), day)
    return through


def allocation_rule(*, on: date) -> AllocationRule:
    """
    What a payment pays first on a day; dated, of the province or the nation.

    :raises CannotPrice: no rule covers the day, or it is unknown
    """
    entry = terms_in_force(published("allocation"), on=on, province=settings.COLLECTING_PROVINCE or None)
    try:
        return AllocationRule(entry["allocation"])
    except ValueError as unknown:
        raise CannotPrice("unknown_switch_value", f"allocation: {entry['allocation']!r}") from unknown


def _fee_of(
    bill: Bill,
    charges: Sequence[LateFeeCharge],
    base_fen: int,
    *,
    on: date,
    terms: LateFeeTerms,
    runs: bool,
    runs_from: date | None,
) -> BillLateFee:
    counted = fee_to_charge(
        base_fen if runs else 0,
        due_on=bill.due_on,
        until_on=on,
        terms=terms,
        residential=bill.price_class == SupplyContract.PriceClass.RESIDENTIAL,
        charged=[Charged(one.through_on, one.base_fen, one.fee_fen) for one in charges] if runs else (),
        runs_from=runs_from,
    )
    fee, charged_fen = counted.fee, sum(one.fee_fen for one in charges)
    return BillLateFee(
        bill_id=bill.pk,
        bill_no=str(bill),
        cycle=bill.cycle,
        period_start=bill.period_start,
        period_end=bill.period_end,
        due_on=bill.due_on,
        open_fen=bill.open_fen,
        base_fen=base_fen,
        days=fee.days,
        parts=fee.parts,
        raw_fen=fee.raw_fen,
        fee_fen=max(fee.fee_fen, charged_fen),
        charged_fen=charged_fen,
        to_charge_fen=counted.now_fen,
        due_fen=counted.now_fen + sum(one.open_fen for one in charges),
        is_minimum=fee.settled is Settled.MINIMUM,
        is_capped=fee.settled is Settled.CAP,
    )


def published(what: str) -> Sequence[Mapping[str, Any]]:
    """The dated entries of a rule of collecting."""
    entries: Sequence[Mapping[str, Any]] = _collection()[what]
    return entries


@cache
def _collection() -> dict[str, Any]:
    text = resources.files("cis").joinpath("data", "collection.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found
