"""What the weather was, for whoever asks by the name in `TEMPERATURES_FROM`."""

from __future__ import annotations

from datetime import date

from django.db import connection

_MEANS = """
SELECT day, round((SELECT avg(slot) FROM unnest(temperature_c_e2) AS slot))::int FROM dsm_weather_day
WHERE kind = 'actual' AND day >= %s AND day < %s
"""


def mean_temperatures(from_day: date, until: date) -> dict[date, int]:
    """The mean temperature in 0.01 °C of each measured day in [from_day, until); one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_MEANS, [from_day, until])
        return dict(cursor.fetchall())
