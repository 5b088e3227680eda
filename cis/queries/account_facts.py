"""
What is known of a range of accounts, as columns, for apps that describe customers: who, under which contract, billed
how much, measured how. A fixed number of statements a range, however many accounts it holds.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from config.shared.bulk_copy import UnevenRows, read_columns

Int = NDArray[np.int64]


@dataclass(frozen=True)
class AccountColumns:
    """The open accounts of a range, in id order; `opened_on` in Postgres days, see `cis.queries.account_facts`."""

    account: Int
    org_unit: Int
    opened_on: Int
    price_class: Int
    """0 without a contract"""
    voltage_level: Int
    """0 below 1 kV, 1 up to 20 kV, 2 up to 66 kV, 3 above, -1 without a contract"""
    capacity_kva: Int
    is_dedicated: NDArray[np.bool_]
    """whether its transformer serves nobody else"""
    customer_accounts: Int
    tenants: Int
    portal_people: Int
    prepayment_fen: Int

    def __len__(self) -> int:
        return len(self.account)


@dataclass(frozen=True)
class BillColumns:
    """The bills in force of a range of accounts; a bill that was replaced is left out. `due_on` in Postgres days."""

    account: Int
    bill: Int
    cycle: Int
    months: Int
    energy_kwh_e2: Int
    total_fen: Int
    open_fen: Int
    due_on: Int


@dataclass(frozen=True)
class CurveColumns:
    """Days of 96 quarter-hours in Wh of a range of accounts; whole days only. `day` in Postgres days."""

    account: Int
    register: Int
    day: Int
    energy_wh: NDArray[np.int32]
    """(days, 96)"""


# The bounds of voltage as the tariff tables name them; `_` stands for any one character.
_ACCOUNTS = """
SELECT a.id, a.org_unit_id, a.opened_on, coalesce(c.price_class, 0)::int2,
       (CASE WHEN c.id IS NULL THEN -1 WHEN c.voltage LIKE '<1%%' THEN 0 WHEN c.voltage LIKE '1-%%' THEN 1
             WHEN c.voltage LIKE '35%%' THEN 2 ELSE 3 END)::int2,
       coalesce(c.capacity_kva, 0), d.is_dedicated, own.accounts::int4, people.tenants::int4, people.people::int4,
       coalesce(b.credit_fen - b.debit_fen, 0)
FROM cis_account a
JOIN cis_premise s ON s.id = a.premise_id
JOIN cis_transformer_district d ON d.id = s.transformer_district_id
LEFT JOIN cis_supply_contract c ON c.account_id = a.id AND c.valid @> %(on)s::date
      AND c.account_id >= %(low)s AND c.account_id < %(high)s
LEFT JOIN cis_ledger_balance b ON b.ledger_account_id = a.id * 10 + 2
CROSS JOIN LATERAL (SELECT count(*) AS accounts FROM cis_account o
                    WHERE o.customer_id = a.customer_id AND o.state = 'open') own
CROSS JOIN LATERAL (SELECT count(*) AS people, count(*) FILTER (WHERE p.role = 'tenant') AS tenants
                    FROM cis_portal_access p WHERE p.account_id = a.id AND p.ended_at IS NULL) people
WHERE a.id >= %(low)s AND a.id < %(high)s AND a.state = 'open'
ORDER BY a.id
"""
_ACCOUNT_TYPES = {
    "account": "int8",
    "org_unit": "int8",
    "opened_on": "date",
    "price_class": "int2",
    "voltage_level": "int2",
    "capacity_kva": "int4",
    "is_dedicated": "bool",
    "customer_accounts": "int4",
    "tenants": "int4",
    "portal_people": "int4",
    "prepayment_fen": "int8",
}

_BILLS = """
SELECT b.account_id, b.id, b.cycle, b.months, b.energy_kwh_e2, b.total_fen, b.open_fen, b.due_on
FROM cis_bill b
WHERE b.account_id >= %(low)s AND b.account_id < %(high)s AND b.cycle >= %(since)s
  AND NOT EXISTS (SELECT 1 FROM cis_bill n WHERE n.account_id = b.account_id AND n.period_start = b.period_start
                  AND n.revision > b.revision)
ORDER BY b.account_id, b.cycle
"""
_BILL_TYPES = {
    "account": "int8",
    "bill": "int8",
    "cycle": "int4",
    "months": "int2",
    "energy_kwh_e2": "int8",
    "total_fen": "int8",
    "open_fen": "int8",
    "due_on": "date",
}

# Registers 2 and 3 are sharp and peak, 2 to 6 all that tell periods apart.
_PERIODS = """
SELECT b.account_id, coalesce(sum(u.energy_kwh_e2) FILTER (WHERE u.register IN (2, 3)), 0)::int8,
       coalesce(sum(u.energy_kwh_e2), 0)::int8
FROM cis_bill b JOIN cis_bill_usage u ON u.bill_id = b.id AND u.register BETWEEN 2 AND 6
WHERE b.account_id >= %(low)s AND b.account_id < %(high)s AND b.cycle >= %(since)s
  AND NOT EXISTS (SELECT 1 FROM cis_bill_cancellation x WHERE x.bill_id = b.id)
GROUP BY b.account_id
"""
_PERIOD_TYPES = {"account": "int8", "peak_kwh_e2": "int8", "periods_kwh_e2": "int8"}

_TOLD = """
SELECT t.account_id, sum(t.portal)::int4, sum(t.telephone)::int4, sum(t.counter)::int4, sum(t.disputes)::int4
FROM (
    SELECT account_id, (channel = 'portal')::int AS portal, (channel = 'telephone')::int AS telephone,
           (channel = 'counter')::int AS counter, 0 AS disputes
    FROM cis_contact
    WHERE account_id >= %(low)s AND account_id < %(high)s AND told_at >= %(since)s
    UNION ALL
    SELECT account_id, 0, 0, 0, 1 FROM cis_bill_dispute
    WHERE account_id >= %(low)s AND account_id < %(high)s AND opened_at >= %(since)s
) t GROUP BY t.account_id
"""
_TOLD_TYPES = {"account": "int8", "portal": "int4", "telephone": "int4", "counter": "int4", "disputes": "int4"}

_CURVES = """
SELECT ap.account_id, d.register, d.day, d.energy_wh
FROM cis_account_point ap
JOIN cis_interval_day d ON d.point_id = ap.point_id AND d.register IN (1, 11)
     AND d.day >= %(from)s AND d.day < %(to)s AND d.missing_slots = 0 AND ap.valid @> d.day
WHERE ap.account_id >= %(low)s AND ap.account_id < %(high)s
"""

# Rows of `_CURVES` in the binary COPY format: arrays of 96 numbers are of fixed width.
_SLOTS = 96
_HEADER_BYTES, _TRAILER_BYTES = 19, 2
_CURVE_ROW = np.dtype(
    [
        ("fields", ">i2"),
        ("w0", ">i4"),
        ("account", ">i8"),
        ("w1", ">i4"),
        ("register", ">i2"),
        ("w2", ">i4"),
        ("day", ">i4"),
        ("w3", ">i4"),
        ("dimensions", ">i4"),
        ("nulls", ">i4"),
        ("oid", ">i4"),
        ("length", ">i4"),
        ("lower", ">i4"),
        ("values", np.dtype([("w", ">i4"), ("v", ">i4")]), (_SLOTS,)),
    ]
)


def read_accounts(*, low: int, high: int, on: date) -> AccountColumns:
    """The open accounts with ids from `low` up to, not including, `high`, under the contracts that run on a day."""
    found = _read(_ACCOUNTS, {"low": low, "high": high, "on": on}, _ACCOUNT_TYPES)
    dedicated = found.pop("is_dedicated").astype(np.bool_)
    return AccountColumns(is_dedicated=dedicated, **_wide(found))


def read_bills(*, low: int, high: int, since_cycle: int) -> BillColumns:
    """The bills in force of the range from a cycle on, by account and cycle."""
    found = _read(_BILLS, {"low": low, "high": high, "since": since_cycle}, _BILL_TYPES)
    return BillColumns(**_wide(found))


def read_periods(*, low: int, high: int, since_cycle: int) -> dict[str, Int]:
    """What registers measured from a cycle on: `account`, `peak_kwh_e2` (sharp and peak), `periods_kwh_e2` (all)."""
    return _wide(_read(_PERIODS, {"low": low, "high": high, "since": since_cycle}, _PERIOD_TYPES))


def read_told(*, low: int, high: int, since: date) -> dict[str, Int]:
    """What customers told us since a day: `account`, contacts by `portal`, `telephone`, `counter`, and `disputes`."""
    return _wide(_read(_TOLD, {"low": low, "high": high, "since": since}, _TOLD_TYPES))


def read_curves(*, low: int, high: int, to: date, days: int) -> CurveColumns:
    """The whole days of quarter-hours before a day, of what was taken (register 1) and fed in (register 11)."""
    asked = {"low": low, "high": high, "from": to - timedelta(days=days), "to": to}
    stream = io.BytesIO()
    with connection.cursor() as cursor:
        statement = cursor.mogrify(_CURVES, asked).decode()
        cursor.copy_expert(f"COPY ({statement}) TO STDOUT (FORMAT binary)", stream)
    body = stream.getbuffer()[_HEADER_BYTES:-_TRAILER_BYTES]
    if len(body) % _CURVE_ROW.itemsize:
        raise UnevenRows("a curve does not hold 96 values")
    rows = np.frombuffer(body, dtype=_CURVE_ROW)
    if len(rows) and ((rows["length"] != _SLOTS).any() or rows["nulls"].any()):
        raise UnevenRows("a curve does not hold 96 values")
    return CurveColumns(
        account=rows["account"].astype(np.int64),
        register=rows["register"].astype(np.int64),
        day=rows["day"].astype(np.int64),
        energy_wh=rows["values"]["v"].astype(np.int32),
    )


def _read(sql: str, asked: dict[str, Any], types: dict[str, str]) -> dict[str, NDArray[Any]]:
    with connection.cursor() as cursor:
        return read_columns(cursor, sql, asked, types)


def _wide(columns: dict[str, NDArray[Any]]) -> dict[str, Int]:
    return {name: values.astype(np.int64) for name, values in columns.items()}


def account_ranges(size: int) -> list[tuple[int, int, int]]:
    """Ranges [low, high) of about `size` open accounts each, with how many each holds; one statement."""
    with connection.cursor() as cursor:
        # Counted by small stretches of ids, which are then put together.
        cursor.execute(
            "SELECT min(id), max(id) + 1, count(*) FROM cis_account WHERE state = 'open' GROUP BY id / %s ORDER BY 1",
            [max(size // 10, 1)],
        )
        stretches = cursor.fetchall()
    ranges: list[tuple[int, int, int]] = []
    for low, high, count in stretches:
        if ranges and ranges[-1][2] + count <= size:
            ranges[-1] = (ranges[-1][0], high, ranges[-1][2] + count)
        else:
            ranges.append((low, high, count))
    return ranges


_QUINTILES = """
SELECT price_class, percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY fen)
FROM (SELECT b.account_id, max(b.price_class) AS price_class, sum(b.total_fen)::bigint AS fen
      FROM cis_bill b
      WHERE b.cycle >= %s
        AND NOT EXISTS (SELECT 1 FROM cis_bill n WHERE n.account_id = b.account_id
                        AND n.period_start = b.period_start AND n.revision > b.revision)
      GROUP BY b.account_id) billed
GROUP BY price_class
"""


def billed_quintiles(since_cycle: int) -> dict[int, list[int]]:
    """Price class to the four bounds between the fifths of what its accounts were billed from a cycle on, in fen."""
    with connection.cursor() as cursor:
        cursor.execute(_QUINTILES, [since_cycle])
        return {price_class: [int(bound) for bound in bounds] for price_class, bounds in cursor.fetchall()}
