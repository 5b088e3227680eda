"""What a day of a curve may be filled from: its freezes, a similar day of the account, customers of its kind."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from cis.models import IntervalDay
from cis.queries.day_kinds import day_kind

SLOTS = 96
_WEEKS = 4
_KIND_POINTS = 200
_MIN_OF_KIND = 5

_FREEZES = """
SELECT f.read_on, f.value_e4, l.read_on, l.value_e4, l.is_rollover, i.ct_ratio::int8 * i.pt_ratio, m.digits
FROM cis_meter_installation i
JOIN cis_meter m ON m.id = i.meter_id
JOIN LATERAL (
    SELECT read_on, value_e4 FROM cis_reading
    WHERE installation_id = i.id AND register = %(register)s AND read_on <= %(day)s AND state = 1 AND source <> 4
    ORDER BY read_on DESC LIMIT 1) f ON true
JOIN LATERAL (
    SELECT read_on, value_e4, is_rollover FROM cis_reading
    WHERE installation_id = i.id AND register = %(register)s AND read_on > %(day)s AND state = 1 AND source <> 4
    ORDER BY read_on LIMIT 1) l ON true
WHERE i.id = %(installation)s
"""


def freeze_of(*, installation_id: int, register: int, day: date) -> int:
    """
    Energy of a day in Wh by actual freezes, -1 where there are none.

    Where the day's own freezes are missing, its part of the straight line between the nearest ones around it: the
    parts of all days between them add up to the whole (billing-rules.md 3.6).
    """
    with connection.cursor() as cursor:
        cursor.execute(_FREEZES, {"installation": installation_id, "register": register, "day": day})
        row = cursor.fetchone()
    if row is None:
        return -1
    first_on, first_e4, last_on, last_e4, rolled, ratio, digits = row
    advance = last_e4 - first_e4 + (10_000 * 10**digits if rolled else 0)
    if advance < 0:
        return -1
    whole_wh, days, number = advance * ratio // 10, (last_on - first_on).days, (day - first_on).days
    return int(whole_wh * (number + 1) // days - whole_wh * number // days)


def similar_day(*, point_id: int, register: int, day: date) -> NDArray[np.int64] | None:
    """The nearest whole accepted day of the same kind and weekday in the four weeks before, (96,) Wh; else any day."""
    rows = IntervalDay.objects.filter(
        point_id=point_id,
        register=register,
        day__gte=day - timedelta(days=7 * _WEEKS),
        day__lt=day,
        missing_slots=0,
        quality=None,
        state=IntervalDay.State.ACCEPTED,
    ).values_list("day", "energy_wh")
    found = sorted(
        rows,
        key=lambda row: (day_kind(row[0]) != day_kind(day), row[0].weekday() != day.weekday(), -row[0].toordinal()),
    )
    return np.array(found[0][1], dtype=np.int64) if found else None


_KIND = """
SELECT d.energy_wh
FROM cis_supply_contract own
JOIN cis_account a ON a.id = own.account_id
JOIN cis_account o ON o.org_unit_id = a.org_unit_id AND o.id <> a.id
JOIN cis_supply_contract c ON c.account_id = o.id AND c.valid @> %(day)s::date AND c.price_class = own.price_class
JOIN cis_account_point p ON p.account_id = o.id AND p.valid @> %(day)s::date
JOIN cis_interval_day d ON d.point_id = p.point_id AND d.register = %(register)s AND d.day = %(day)s::date
     AND d.missing_slots = 0 AND d.state = 1 AND d.quality IS NULL
WHERE own.account_id = %(account)s AND own.valid @> %(day)s::date
ORDER BY o.id LIMIT %(limit)s
"""


def kind_profile(*, account_id: int, register: int, day: date) -> NDArray[np.int64] | None:
    """The mean of the day over customers of the same price class in the unit, (96,) Wh; None of fewer than five."""
    with connection.cursor() as cursor:
        cursor.execute(_KIND, {"account": account_id, "register": register, "day": day, "limit": _KIND_POINTS})
        rows = [row[0] for row in cursor.fetchall()]
    if len(rows) < _MIN_OF_KIND:
        return None
    return np.asarray(np.array(rows, dtype=np.int64).sum(axis=0) // len(rows))
