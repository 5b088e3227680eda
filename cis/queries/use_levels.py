"""Daily energies of weeks of all points of a unit, as columns: what drops that last are looked for in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from cis.validation import LEVEL_DAYS
from config.shared.bulk_copy import day_of, days_of, read_columns

_SUM = " + ".join(f"greatest(d.energy_wh[{slot}], 0)::int8" for slot in range(1, 97))

_POINTS = """
SELECT p.point_id, i.id, a.id, s.transformer_district_id, coalesce(c.price_class, 1)::int8,
       i.ct_ratio::int8 * i.pt_ratio
FROM cis_account a
JOIN cis_account_point p ON p.account_id = a.id AND p.valid @> %(day)s::date
JOIN cis_metering_point m ON m.id = p.point_id
JOIN cis_premise s ON s.id = m.premise_id
JOIN cis_meter_installation i ON i.point_id = p.point_id AND i.valid @> %(day)s::date
LEFT JOIN cis_supply_contract c ON c.account_id = a.id AND c.valid @> %(day)s::date
WHERE a.org_unit_id = %(unit)s AND lower(p.valid) <= %(first)s
ORDER BY p.point_id
"""
# Who moved in since is somebody else: no account is judged by the one before it.

_DAYS = f"""
SELECT d.point_id, d.day, {_SUM}
FROM cis_interval_day d
WHERE d.point_id = ANY(%(points)s) AND d.register = 1 AND d.day BETWEEN %(first)s AND %(day)s
  AND d.missing_slots = 0 AND d.state = 1
"""  # noqa: S608 - made of this file's own words

_TYPES = {
    "point": "int8",
    "installation": "int8",
    "account": "int8",
    "district": "int8",
    "price_class": "int8",
    "multiplier": "int8",
}


@dataclass(frozen=True)
class UnitLevels:
    """The points of a unit, (n,), and what each took on each day up to `day`, (n, LEVEL_DAYS) Wh, -1 unknown."""

    day: date
    columns: dict[str, NDArray[Any]]
    daily_wh: NDArray[np.int64]


def units_with_accounts() -> list[tuple[int, str]]:
    """Id and path of every unit that has accounts of its own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT u.id, u.path FROM shared_org_unit u "
            "WHERE EXISTS (SELECT 1 FROM cis_account a WHERE a.org_unit_id = u.id) ORDER BY u.path"
        )
        return list(cursor.fetchall())


def last_day_with_curves(*, until: date) -> date | None:
    """The newest day up to `until` of which most of the curves of the week before are there."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT d.day FROM (SELECT day, count(*) AS n FROM cis_interval_day "
            "WHERE register = 1 AND day BETWEEN %(until)s - 7 AND %(until)s GROUP BY day) d "
            "ORDER BY (d.n * 2 >= max(d.n) OVER ()) DESC, d.day DESC LIMIT 1",
            {"until": until},
        )
        row = cursor.fetchone()
    return row[0] if row else None


def read_levels(*, unit_id: int, day: date) -> UnitLevels:
    """What the points of a unit took in the weeks up to a day; two statements."""
    first = day - timedelta(days=LEVEL_DAYS - 1)
    with connection.cursor() as cursor:
        columns = read_columns(cursor, _POINTS, {"unit": unit_id, "day": day, "first": first}, _TYPES)
        daily = np.full((len(columns["point"]), LEVEL_DAYS), -1, dtype=np.int64)
        if len(daily):
            found = read_columns(
                cursor,
                _DAYS,
                {"points": columns["point"].tolist(), "first": first, "day": day},
                {"point": "int8", "day": "date", "wh": "int8"},
            )
            place = np.searchsorted(columns["point"], found["point"])
            daily[place, found["day"] - days_of(first)] = found["wh"]
    return UnitLevels(day_of(days_of(day)), columns, daily)
