"""Prices that will change: which versions are loaded for a day ahead, and what they would have meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from django.db import connection
from psycopg2.extras import DateRange

from cis.models import Bill, BillBasis, BillUsage, TariffVersion
from cis.queries.billing import usage_of_bill
from cis.queries.prices import rows_of_version
from cis.rating import CannotPrice, compile_rules, rate


@dataclass(frozen=True, slots=True)
class VersionAhead:
    """A version of a tariff that takes effect on a later day, beside the one before it."""

    tariff_id: int
    from_day: date
    old: TariffVersion
    new: TariffVersion


@dataclass(frozen=True, slots=True)
class PriceChange:
    """What a version ahead means for an account: its first price before and after, and its last bill re-rated."""

    account_id: int
    account_no: str
    version_id: int
    from_day: date
    old_price_e8: int
    new_price_e8: int
    last_bill_moves_fen: int | None
    """None where there is no bill yet, or one that cannot be rated under both"""


def changes_ahead(*, today: date) -> dict[int, VersionAhead]:
    """The next version of each tariff whose rules will be others, by tariff; one statement."""
    versions = TariffVersion.objects.filter(valid__overlap=DateRange(today, None)).order_by("tariff_id", "valid")
    found: dict[int, VersionAhead] = {}
    for old, new in pairwise(versions):
        starts = new.valid.lower
        if old.tariff_id == new.tariff_id and starts is not None and starts > today and old.rules != new.rules:
            found.setdefault(new.tariff_id, VersionAhead(new.tariff_id, starts, old, new))
    return found


_NEXT = """
SELECT w.account_id, a.account_no, c.tariff_id,
       (SELECT b.id FROM cis_bill b WHERE b.account_id = a.id ORDER BY b.period_start DESC, b.revision DESC LIMIT 1)
FROM (SELECT DISTINCT account_id FROM cis_bill_alert WHERE kind = 'price' AND ended_at IS NULL) w
JOIN cis_account a ON a.id = w.account_id AND a.state = 'open'
JOIN cis_supply_contract c ON c.account_id = a.id
JOIN unnest(%(tariffs)s::bigint[], %(days)s::date[]) AS ahead(tariff_id, from_day)
     ON ahead.tariff_id = c.tariff_id AND c.valid @> ahead.from_day
WHERE w.account_id > %(after)s
ORDER BY w.account_id LIMIT %(limit)s
"""


def wanted_by(changes: Mapping[int, VersionAhead], *, after: int, limit: int) -> list[PriceChange]:
    """The next accounts that such a change concerns and somebody asked about, by id; five statements."""
    with connection.cursor() as cursor:
        cursor.execute(
            _NEXT,
            {
                "tariffs": list(changes),
                "days": [change.from_day for change in changes.values()],
                "after": after,
                "limit": limit,
            },
        )
        rows = cursor.fetchall()
    bills = {bill.pk: bill for bill in Bill.objects.filter(pk__in=[row[3] for row in rows if row[3] is not None])}
    stretches: dict[int, list[BillUsage]] = {pk: [] for pk in bills}
    for stretch in BillUsage.objects.filter(bill_id__in=list(bills)).order_by("bill_id", "seq"):
        stretches[stretch.bill_id].append(stretch)
    bases = {basis.bill_id: basis for basis in BillBasis.objects.filter(bill_id__in=list(bills))}
    found = []
    for account_id, account_no, tariff_id, bill_id in rows:
        change, bill = changes[tariff_id], bills.get(bill_id)
        moved = what_it_means(change, bill, stretches[bill_id], bases.get(bill_id)) if bill is not None else None
        old, new, moves = moved or (*_first_prices(change), None)
        found.append(PriceChange(account_id, account_no, change.new.pk, change.from_day, old, new, moves))
    return found


def _first_prices(change: VersionAhead) -> tuple[int, int]:
    """The first price of each version, in 1e-8 yuan; 0 of one that cannot be shown."""
    prices = []
    for version in (change.old, change.new):
        try:
            rows = rows_of_version(version, month=change.from_day.month)
        except CannotPrice:
            rows = ()
        prices.append(rows[0].price_e8 if rows else 0)
    return prices[0], prices[1]


def what_it_means(
    change: VersionAhead, bill: Bill, stretches: Sequence[BillUsage], basis: BillBasis | None
) -> tuple[int, int, int] | None:
    """
    The first price of a bill before and after a change (1e-8 yuan), and how far the change moves the bill in fen.

    None where the kernel rates the bill under one of the versions only.
    """
    totals, prices = [], []
    for version in (change.old, change.new):
        try:
            tariff = compile_rules(version.rules)
            rated = rate(tariff, usage_of_bill(bill, list(stretches), tariff, basis))
        except CannotPrice:
            return None
        if rated.refused.any() or not len(rated.lines):
            return None
        totals.append(int(rated.total_fen[0]))
        prices.append(int(rated.lines.price_e8[0]))
    return prices[0], prices[1], totals[1] - totals[0]
