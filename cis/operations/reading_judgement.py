"""What the kernel says of stored readings: each with the one before it, its history and the limits of the day."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from cis.models.metering import ReadingSource
from cis.queries.validation_limits import Limits
from cis.rating.registers import Register
from cis.validation import (
    AccountKind,
    Doubt,
    ReadingColumns,
    Thresholds,
    check,
    check_rate_sum,
    daily_energy_e2,
    expect_daily_energy,
)
from config.shared.bulk_copy import read_columns

_EXPORT = [int(register) for register in Register if register.name.startswith("EXPORT_")]
NOTHING_BEFORE = -1
"""`advance_kwh_e2` of a reading that no accepted one precedes"""

_LOAD = """
WITH asked AS (
    SELECT DISTINCT ON (installation_id, register) * FROM cis_reading
    WHERE {where}
    ORDER BY installation_id, register, read_on)
SELECT p.installation_id, p.register, p.read_on, p.value_e4, p.account_id, p.cycle, p.source,
       i.ct_ratio::int8 * i.pt_ratio, m.digits::int8,
       coalesce(c.capacity_kva, 0)::int8, coalesce(c.price_class, 1)::int8,
       before.read_on IS NOT NULL, coalesce(before.read_on, p.read_on), coalesce(before.value_e4, 0),
       coalesce(before.source, 0)::int2,
       coalesce(h.e1, -1), coalesce(h.d1, 0)::int8, coalesce(h.e2, -1), coalesce(h.d2, 0)::int8,
       coalesce(h.e3, -1), coalesce(h.d3, 0)::int8, coalesce(y.advance_kwh_e2, -1), coalesce(y.days, 0)::int8,
       coalesce(w.e1, -1), coalesce(w.e2, -1), coalesce(w.e3, -1), coalesce(a.org_unit_id, 0)
FROM asked p
JOIN cis_meter_installation i ON i.id = p.installation_id
JOIN cis_meter m ON m.id = i.meter_id
LEFT JOIN cis_account a ON a.id = p.account_id
LEFT JOIN cis_supply_contract c ON c.account_id = p.account_id AND c.valid @> (p.read_on - 1)
LEFT JOIN LATERAL (
    SELECT read_on, value_e4, source FROM cis_reading
    WHERE installation_id = p.installation_id AND register = p.register AND read_on < p.read_on AND state = 1
    ORDER BY read_on DESC LIMIT 1) before ON true
LEFT JOIN LATERAL (
    SELECT max(k.advance_kwh_e2) FILTER (WHERE k.n = 1) AS e1, max(k.days) FILTER (WHERE k.n = 1) AS d1,
           max(k.advance_kwh_e2) FILTER (WHERE k.n = 2) AS e2, max(k.days) FILTER (WHERE k.n = 2) AS d2,
           max(k.advance_kwh_e2) FILTER (WHERE k.n = 3) AS e3, max(k.days) FILTER (WHERE k.n = 3) AS d3
    FROM (SELECT x.advance_kwh_e2, x.days, row_number() OVER (ORDER BY x.read_on DESC) AS n
          FROM cis_meter_installation s
          CROSS JOIN LATERAL (
              SELECT read_on, advance_kwh_e2, days FROM cis_reading
              WHERE installation_id = s.id AND register = p.register AND read_on < p.read_on AND state = 1
                AND source <> 4 AND advance_kwh_e2 >= 0 AND days > 0 AND account_id = p.account_id
              ORDER BY read_on DESC LIMIT 3) x
          WHERE s.point_id = i.point_id
          ORDER BY x.read_on DESC LIMIT 3) k) h ON true
LEFT JOIN LATERAL (
    SELECT x.advance_kwh_e2, x.days
    FROM cis_meter_installation s
    JOIN cis_reading x ON x.installation_id = s.id AND x.register = p.register AND x.state = 1 AND x.source <> 4
         AND x.advance_kwh_e2 >= 0 AND x.days > 0 AND x.account_id = p.account_id
         AND x.read_on BETWEEN p.read_on - 380 AND p.read_on - 350
    WHERE s.point_id = i.point_id
    ORDER BY abs(x.read_on - (p.read_on - 365)) LIMIT 1) y ON true
LEFT JOIN LATERAL (
    SELECT max(x.advance_kwh_e2) FILTER (WHERE x.read_on = p.read_on - 7) AS e1,
           max(x.advance_kwh_e2) FILTER (WHERE x.read_on = p.read_on - 14) AS e2,
           max(x.advance_kwh_e2) FILTER (WHERE x.read_on = p.read_on - 21) AS e3
    FROM cis_reading x
    WHERE p.read_on - before.read_on = 1 AND x.installation_id = p.installation_id AND x.register = p.register
      AND x.read_on IN (p.read_on - 7, p.read_on - 14, p.read_on - 21) AND x.state = 1 AND x.source <> 4
      AND x.advance_kwh_e2 >= 0 AND x.days = 1 AND x.account_id = p.account_id) w ON true
"""
# History is the account's own: readings of meters that hung at the point before count, those of earlier customers and
# estimates do not.

_LOAD_TYPES = {
    "installation": "int8",
    "register": "int2",
    "read_on": "date",
    "value_e4": "int8",
    "account": "int8",
    "cycle": "int4",
    "source": "int2",
    "multiplier": "int8",
    "digits": "int8",
    "capacity_kva": "int8",
    "price_class": "int8",
    "has_before": "bool",
    "before_on": "date",
    "before_e4": "int8",
    "before_source": "int2",
    "e1": "int8",
    "d1": "int8",
    "e2": "int8",
    "d2": "int8",
    "e3": "int8",
    "d3": "int8",
    "year_e2": "int8",
    "year_days": "int8",
    "w1": "int8",
    "w2": "int8",
    "w3": "int8",
    "unit": "int8",
}

Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Judged:
    """What the kernel says of loaded readings, (n,)."""

    flags: NDArray[np.uint32]
    advance_e4: NDArray[np.int64]
    energy_kwh_e2: NDArray[np.int64]
    rolled_over: NDArray[np.bool_]
    days: NDArray[np.int64]
    expected_e2_per_day: NDArray[np.int64]
    reference_e2_per_day: NDArray[np.int64]
    limits: tuple[Thresholds, ...]
    limit_of: NDArray[np.intp]
    """which of the limits each reading was judged by"""


def load(cursor: Any, where: str, parameters: dict[str, Any]) -> Columns:
    return read_columns(cursor, _LOAD.format(where=where), parameters, _LOAD_TYPES)


def judge_by_limits(rows: Columns, limits: Limits) -> Judged:
    """Have the kernel judge each reading by the limits of its account's part of the organisation on its day."""
    sets, set_of = limits.of_rows(rows["unit"], rows["read_on"])
    if len(sets) == 1:
        return judge(rows, sets[0])
    parts: list[tuple[NDArray[np.intp], Judged]] = []
    for number, thresholds in enumerate(sets):
        chosen = np.flatnonzero(set_of == number)
        parts.append((chosen, judge({name: column[chosen] for name, column in rows.items()}, thresholds)))
    order = np.argsort(np.concatenate([chosen for chosen, _judged in parts]))
    columns = {
        field.name: np.concatenate([getattr(judged, field.name) for _chosen, judged in parts])[order]
        for field in fields(Judged)
        if field.name not in ("limits", "limit_of")
    }
    return Judged(**columns, limits=sets, limit_of=set_of)


def judge(rows: Columns, thresholds: Thresholds) -> Judged:
    """Have the kernel judge each reading against the one before it; readings without one are beyond doubt."""
    recent = np.stack([daily_energy_e2(rows[f"e{n}"], rows[f"d{n}"]) for n in (1, 2, 3)], axis=1)
    last_year = daily_energy_e2(rows["year_e2"], rows["year_days"])
    expected = expect_daily_energy(recent, last_year)
    # A day is held against the same weekday, a longer period against the same season.
    weekdays = expect_daily_energy(np.stack([rows[f"w{n}"] for n in (1, 2, 3)], axis=1))
    reference = np.where(weekdays >= 0, weekdays, last_year)
    days = rows["read_on"].astype(np.int64) - rows["before_on"]
    is_large = rows["capacity_kva"] >= settings.LARGE_CUSTOMER_KVA
    is_demand = rows["register"] == int(Register.DEMAND)
    is_base = ~rows["has_before"] | is_demand
    checked = check(
        ReadingColumns(
            previous_e4=np.where(is_base, rows["value_e4"], rows["before_e4"]),
            current_e4=rows["value_e4"],
            multiplier=rows["multiplier"],
            digits=rows["digits"],
            days=np.where(is_base, 1, days),
            capacity_kva=rows["capacity_kva"],
            expected_kwh_e2_per_day=np.where(is_base, -1, expected),
            kind=np.where(is_large, int(AccountKind.LARGE), int(AccountKind.RESIDENTIAL)),
            previous_estimated=rows["before_source"] == int(ReadingSource.ESTIMATED),
            reference_kwh_e2_per_day=np.where(is_base, -1, reference),
            # What never fed in has export registers that stand at nothing; new panels have no history yet.
            unexpected_export=np.isin(rows["register"], _EXPORT) & (recent.max(axis=1) == 0) & ~is_base,
        ),
        thresholds,
    )
    flags = checked.flags.copy()
    # A maximum demand stands by itself: it may not exceed what the capacity allows.
    limit_e4 = rows["capacity_kva"] * thresholds.capacity_factor_permille * 10
    demand_e4 = rows["value_e4"].astype(np.float64) * rows["multiplier"]
    too_much = is_demand & (rows["capacity_kva"] > 0) & (demand_e4 > limit_e4)
    flags[too_much] |= np.uint32(Doubt.OVER_CAPACITY)
    flags |= _disagreements(rows, checked.advance_e4, is_base, thresholds)
    return Judged(
        flags=flags,
        advance_e4=checked.advance_e4,
        energy_kwh_e2=np.where(is_base, NOTHING_BEFORE, checked.energy_kwh_e2),
        rolled_over=checked.rolled_over,
        days=np.where(rows["has_before"], days, 0),
        expected_e2_per_day=np.where(is_base, -1, expected),
        reference_e2_per_day=np.where(is_base, -1, reference),
        limits=(thresholds,),
        limit_of=np.zeros(len(days), np.intp),
    )


def _disagreements(
    rows: Columns, advance_e4: NDArray[np.int64], is_base: NDArray[np.bool_], thresholds: Thresholds
) -> NDArray[np.uint32]:
    """
    Where the period registers of a meter do not add up to its total, over the same days.

    Judged only where flat is read as well: without it, flat is what the others leave of the total (billing-rules 0.3).
    """
    flags = np.zeros(len(is_base), dtype=np.uint32)
    import_rows = np.flatnonzero(~is_base & (rows["register"] <= int(Register.DEEP_VALLEY)))
    if not len(import_rows):
        return flags
    keys = np.stack([rows[name][import_rows].astype(np.int64) for name in ("installation", "read_on", "before_on")])
    _keys, group = np.unique(keys, axis=1, return_inverse=True)
    group = group.reshape(-1).astype(np.int64)
    has_flat = np.zeros(group.max() + 1, dtype=np.bool_)
    has_flat[group[rows["register"][import_rows] == int(Register.FLAT)]] = True
    whole = has_flat[group]
    import_rows, group = import_rows[whole], group[whole]
    order = np.argsort(group, kind="stable")
    chosen = import_rows[order]
    flags[chosen] = check_rate_sum(
        group[order], rows["register"][chosen] == int(Register.TOTAL), advance_e4[chosen], thresholds
    )
    return flags
