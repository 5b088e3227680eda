"""A month's settlement beside what its accounts were billed, in columns: what the two are compared by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from cis.market_settlement import Billed, Settled
from cis.rating import ChargeCode
from config.shared.bulk_copy import read_columns
from config.shared.periods import add_months, first_day

__all__ = ["RANGE", "Sides", "ranges_of", "sides_of"]

RANGE = 20_000
_FIRST, _LAST = int(ChargeCode.ENERGY_RETAIL), int(ChargeCode.ENERGY_RETAIL_DEEP_VALLEY)


@dataclass(frozen=True)
class Sides:
    """Accounts ascending, and both sides of each."""

    account: NDArray[np.int64]
    billed: Billed
    settled: Settled


_WHO = """
SELECT account_id FROM cis_market_settlement_row WHERE settlement_id = %(settlement)s
UNION SELECT account_id FROM cis_retail_agreement
WHERE package_id IS NOT NULL AND valid && daterange(%(first)s::date, %(end)s::date)
"""
_RANGES = f"SELECT DISTINCT (account_id - 1) / %(range)s FROM ({_WHO}) AS w ORDER BY 1"  # noqa: S608 - our own statement

# What a bill's lines are by its newest correction, else as issued.
_SIDES = """
WITH theirs AS MATERIALIZED (
    SELECT account_id, max(retailer_id) AS retailer_id, sum(energy_kwh_e2)::int8 AS kwh, sum(total_fen)::int8 AS fen,
           sum(deviation_fen)::int8 AS deviation
    FROM cis_market_settlement_row
    WHERE settlement_id = %(settlement)s AND account_id >= %(low)s AND account_id < %(high)s GROUP BY 1),
who AS MATERIALIZED (
    SELECT account_id FROM theirs
    UNION SELECT account_id FROM cis_retail_agreement
    WHERE package_id IS NOT NULL AND valid && daterange(%(first)s::date, %(end)s::date)
      AND account_id >= %(low)s AND account_id < %(high)s),
bills AS MATERIALIZED (
    SELECT DISTINCT ON (b.account_id, b.period_start) b.account_id, b.id, p.retailer_id,
           coalesce(p.settled_later, false) AS is_later
    FROM who JOIN cis_bill b ON b.account_id = who.account_id AND b.cycle = %(month)s
    JOIN cis_tariff_version v ON v.id = b.tariff_version_id
    JOIN cis_tariff t ON t.id = v.tariff_id AND t.province = %(province)s
    LEFT JOIN cis_market_tariff m ON m.tariff_id = t.id
    LEFT JOIN cis_retail_package p ON p.id = m.package_id
    ORDER BY b.account_id, b.period_start, b.revision DESC),
newest AS MATERIALIZED (
    SELECT DISTINCT ON (c.bill_id) c.bill_id, c.lines_now FROM bills b
    JOIN cis_bill_correction c ON c.bill_id = b.id WHERE c.state <> 'void' ORDER BY c.bill_id, c.id DESC),
lines AS (
    SELECT b.account_id, l.quantity, l.amount_fen FROM bills b JOIN cis_bill_line l ON l.bill_id = b.id
    WHERE l.code BETWEEN %(from)s AND %(to)s AND NOT EXISTS (SELECT 1 FROM newest n WHERE n.bill_id = b.id)
    UNION ALL
    SELECT b.account_id, r.quantity, r.fen FROM bills b JOIN newest n ON n.bill_id = b.id
    CROSS JOIN jsonb_to_recordset(n.lines_now) AS r(code int, quantity int8, fen int8)
    WHERE r.code BETWEEN %(from)s AND %(to)s),
of_lines AS (
    SELECT account_id, sum(quantity)::int8 AS kwh, sum(amount_fen)::int8 AS fen, count(*) AS n FROM lines GROUP BY 1),
of_bills AS (
    SELECT account_id, max(retailer_id) AS retailer_id, bool_or(is_later) AS is_later FROM bills GROUP BY 1),
cleared AS (
    SELECT c.account_id, sum(c.amount_fen)::int8 AS fen FROM who JOIN cis_settlement_clearing c USING (account_id)
    JOIN cis_settlement_check k ON k.id = c.settlement_check_id
    JOIN cis_market_settlement s ON s.id = k.settlement_id
    JOIN cis_bill_correction r ON r.id = c.correction_id AND r.state <> 'void'
    WHERE s.province = %(province)s AND s.month = %(month)s GROUP BY 1)
SELECT w.account_id, b.account_id IS NOT NULL, b.retailer_id IS NOT NULL OR l.account_id IS NOT NULL,
       coalesce(b.retailer_id, 0), coalesce(l.kwh, 0), coalesce(l.fen, 0), coalesce(l.n, 0),
       coalesce(b.is_later, false), coalesce(c.fen, 0),
       t.account_id IS NOT NULL, coalesce(t.retailer_id, 0), coalesce(t.kwh, 0), coalesce(t.fen, 0),
       coalesce(t.deviation, 0)
FROM who w LEFT JOIN theirs t USING (account_id) LEFT JOIN of_bills b USING (account_id)
LEFT JOIN of_lines l USING (account_id) LEFT JOIN cleared c USING (account_id) ORDER BY 1
"""
_TYPES = {
    "account": "int8", "has_bill": "bool", "has_retail": "bool", "our_retailer": "int8", "our_kwh": "int8",
    "our_fen": "int8", "lines": "int8", "is_later": "bool", "cleared": "int8", "settled": "bool",
    "their_retailer": "int8", "their_kwh": "int8", "their_fen": "int8", "deviation": "int8",
}  # fmt: skip


def ranges_of(*, settlement_id: int, month: int) -> list[tuple[int, int]]:
    """Half-open ranges of account ids in which somebody is in the file or buys from a retailer that month."""
    with connection.cursor() as cursor:
        cursor.execute(
            _RANGES,
            {"range": RANGE, "settlement": settlement_id, **_days(month)},
        )
        return [(row[0] * RANGE + 1, (row[0] + 1) * RANGE + 1) for row in cursor.fetchall()]


def sides_of(*, settlement_id: int, province: str, month: int, low: int, high: int) -> Sides:
    """Who is in the file or buys from a retailer that month, of the accounts in [low, high); one statement."""
    parameters = {
        "settlement": settlement_id,
        "province": province,
        "month": month,
        "low": low,
        "high": high,
        "from": _FIRST,
        "to": _LAST,
        **_days(month),
    }
    with connection.cursor() as cursor:
        found = read_columns(cursor, _SIDES, parameters, _TYPES)
    return Sides(
        found["account"],
        Billed(
            has_bill=found["has_bill"],
            has_retail=found["has_retail"],
            retailer=found["our_retailer"],
            energy_kwh_e2=found["our_kwh"],
            fen=found["our_fen"],
            lines=found["lines"],
            is_provisional=found["is_later"],
            cleared_fen=found["cleared"],
        ),
        Settled(
            has=found["settled"],
            retailer=found["their_retailer"],
            energy_kwh_e2=found["their_kwh"],
            fen=found["their_fen"],
            deviation_fen=found["deviation"],
        ),
    )


def _days(month: int) -> dict[str, str]:
    return {"first": first_day(month).isoformat(), "end": first_day(add_months(month, 1)).isoformat()}
