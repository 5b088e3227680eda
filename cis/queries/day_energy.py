"""An account's energy day by day, and the temperature of those days where the house knows it."""

from __future__ import annotations

from datetime import date

from django.conf import settings
from django.db import connection

from config.shared.systems import load_installed

_WHOLE_DAYS = """
SELECT d.day, sum((SELECT sum(slot) FROM unnest(d.energy_wh) AS slot))::bigint
FROM cis_account_point ap
JOIN cis_interval_day d ON d.point_id = ap.point_id AND d.register = 1 AND ap.valid @> d.day
WHERE ap.account_id = %s AND d.day >= %s AND d.day < %s
GROUP BY d.day HAVING bool_and(d.missing_slots = 0) ORDER BY d.day
"""


def whole_days(account_id: int, from_day: date, until: date) -> dict[date, int]:
    """The energy in Wh of each day in [from_day, until) whose curve has no hole; several points are added."""
    with connection.cursor() as cursor:
        cursor.execute(_WHOLE_DAYS, [account_id, from_day, until])
        return dict(cursor.fetchall())


def mean_temperatures(from_day: date, until: date) -> dict[date, int]:
    """The measured mean temperature in 0.01 °C of the days in [from_day, until) that the house knows; maybe none."""
    for ask in load_installed([settings.TEMPERATURES_FROM]):
        known: dict[date, int] = ask(from_day, until)
        return known
    return {}
