"""Whole days of curves as columns: what is to be judged, with its meter, its freezes and the days before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config.shared.bulk_copy import read_columns

SLOTS = 96
DAYS_BEFORE = 7
Columns = dict[str, NDArray[Any]]

_SLOT_COLUMNS = ", ".join(f"d.energy_wh[{slot}]" for slot in range(1, SLOTS + 1))
_SLOT_TYPES = {f"slot{slot}": "int4" for slot in range(SLOTS)}

_DAYS = f"""
SELECT d.point_id, d.register, d.day, i.id, ap.account_id, a.org_unit_id,
       coalesce(c.capacity_kva, 0)::int8, i.ct_ratio::int8 * i.pt_ratio, m.digits::int8,
       coalesce(opening.value_e4, -1), coalesce(closing.value_e4, -1), coalesce(closing.is_rollover, false),
       {_SLOT_COLUMNS}
FROM cis_interval_day d
JOIN cis_meter_installation i ON i.point_id = d.point_id AND i.valid @> d.day
JOIN cis_meter m ON m.id = i.meter_id
JOIN cis_account_point ap ON ap.point_id = d.point_id AND ap.valid @> d.day
JOIN cis_account a ON a.id = ap.account_id
LEFT JOIN cis_supply_contract c ON c.account_id = ap.account_id AND c.valid @> d.day
LEFT JOIN cis_reading opening ON opening.installation_id = i.id AND opening.register = d.register
     AND opening.read_on = d.day AND opening.state = 1 AND opening.source <> 4
LEFT JOIN cis_reading closing ON closing.installation_id = i.id AND closing.register = d.register
     AND closing.read_on = d.day + 1 AND closing.state = 1 AND closing.source <> 4
WHERE {{where}}
ORDER BY d.point_id, d.register, d.day
"""  # noqa: S608 - made of this file's own words

_DAY_TYPES = {
    "point": "int8",
    "register": "int2",
    "day": "date",
    "installation": "int8",
    "account": "int8",
    "unit": "int8",
    "capacity_kva": "int8",
    "multiplier": "int8",
    "digits": "int8",
    "opening_e4": "int8",
    "closing_e4": "int8",
    "rolled": "bool",
    **_SLOT_TYPES,
}

_EARLIER = f"""
SELECT d.point_id, d.register, d.day, {_SLOT_COLUMNS}
FROM cis_interval_day d
WHERE d.point_id = ANY(%(points)s) AND d.day >= %(first)s AND d.day < %(last)s AND d.state = 1
"""  # noqa: S608 - made of this file's own words


@dataclass(frozen=True)
class CurveRows:
    """Days to be judged, (n,) in the order of point, register, day; `energy_wh` (n, 96), -1 where missing."""

    columns: Columns
    energy_wh: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.energy_wh)

    @property
    def freeze_wh(self) -> NDArray[np.int64]:
        """What the register advanced on each day by two actual freezes, x ratio; -1 = unknown."""
        columns = self.columns
        turn = np.where(columns["rolled"], 10_000 * 10 ** columns["digits"], 0)
        advance = columns["closing_e4"] - columns["opening_e4"] + turn
        known = (columns["opening_e4"] >= 0) & (columns["closing_e4"] >= 0) & (advance >= 0)
        return np.where(known, advance * columns["multiplier"] // 10, -1)


def read_days(cursor: Any, where: str, parameters: dict[str, Any]) -> CurveRows:
    """The days that a condition on `d` (cis_interval_day) names."""
    found = read_columns(cursor, _DAYS.format(where=where), parameters, _DAY_TYPES)
    return CurveRows({name: found[name] for name in found if name not in _SLOT_TYPES}, _slots(found))


def read_accepted(
    cursor: Any, points: list[int], first: date, last: date
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
    """Point, register, day and (n, 96) of every accepted day of some points in [first, last)."""
    parameters = {"points": points, "first": first, "last": last}
    types = {"point": "int8", "register": "int2", "day": "date", **_SLOT_TYPES}
    found = read_columns(cursor, _EARLIER, parameters, types)
    return found["point"], found["register"].astype(np.int64), found["day"], _slots(found)


def _slots(found: Columns) -> NDArray[np.int64]:
    return np.stack([found[name] for name in _SLOT_TYPES], axis=1).astype(np.int64)
