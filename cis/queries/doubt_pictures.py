"""The day that a doubt is about, beside what is usual, for many doubts at once; and the weeks behind a doubt of use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from django.db import connection

from cis.models import ReadingDoubt
from cis.queries.curve_rows import DAYS_BEFORE, SLOTS
from cis.rating.registers import Register
from cis.validation import LEVEL_DAYS, usual_days

_DAYS = """
SELECT a.n, d.day, d.energy_wh, d.quality
FROM unnest(%s::int[], %s::bigint[], %s::int2[], %s::date[]) AS a(n, point_id, register, day)
JOIN cis_interval_day d ON d.point_id = a.point_id AND d.register = a.register
     AND d.day BETWEEN a.day - %s AND a.day
WHERE d.day = a.day OR d.state = 1
"""

Slots = tuple[int | None, ...]


@dataclass(frozen=True)
class DayBeside:
    """A day's quarter-hours in Wh beside the usual ones; None where there is none. `quality` is empty if all actual."""

    day: date
    energy_wh: Slots
    usual_wh: Slots
    doubtful: tuple[int, ...]
    quality: tuple[int, ...]


def days_beside_usual(doubts: Sequence[ReadingDoubt]) -> dict[int, DayBeside]:
    """
    By doubt, the day concerned with the median of the seven before it, in one statement; without a curve, nothing.

    A reading at midnight speaks of the day before it.
    """
    asked = [
        (doubt.installation.point_id, _register(doubt), doubt.read_on - timedelta(days=_is_reading(doubt)))
        for doubt in doubts
    ]
    if not asked:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_DAYS, [list(range(len(asked))), *map(list, zip(*asked, strict=True)), DAYS_BEFORE])
        rows = cursor.fetchall()
    own: dict[int, tuple[list[int], list[int] | None]] = {}
    earlier = np.full((len(asked), DAYS_BEFORE, SLOTS), -1, dtype=np.int64)
    for number, day, energy, quality in rows:
        back = (asked[number][2] - day).days
        if back:
            earlier[number, DAYS_BEFORE - back] = energy
        else:
            own[number] = (energy, quality)
    usual = usual_days(earlier).slot_wh
    return {
        doubts[number].pk: DayBeside(
            day=asked[number][2],
            energy_wh=_shown(energy),
            usual_wh=_shown(usual[number].tolist()) if (usual[number] >= 0).any() else (),
            doubtful=tuple(doubts[number].facts.get("doubtful_slots") or ()),
            quality=tuple(quality or ()),
        )
        for number, (energy, quality) in own.items()
    }


def weeks_before(doubt: ReadingDoubt) -> tuple[tuple[date, int | None], ...]:
    """The daily energies in Wh that a doubt of use was found in, oldest first."""
    first = doubt.read_on - timedelta(days=LEVEL_DAYS - 1)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT day, (SELECT sum(v) FROM unnest(energy_wh) v WHERE v >= 0) FROM cis_interval_day "
            "WHERE point_id = %s AND register = %s AND day BETWEEN %s AND %s",
            [doubt.installation.point_id, int(Register.TOTAL), first, doubt.read_on],
        )
        known: dict[date, Any] = dict(cursor.fetchall())
    days = [first + timedelta(days=number) for number in range(LEVEL_DAYS)]
    return tuple((day, int(known[day]) if known.get(day) is not None else None) for day in days)


def _is_reading(doubt: ReadingDoubt) -> bool:
    return doubt.subject == ReadingDoubt.Subject.REGISTER


def _register(doubt: ReadingDoubt) -> int:
    return int(Register.TOTAL) if _is_reading(doubt) else doubt.register


def _shown(values: Sequence[int]) -> Slots:
    # A value below nothing is a fault that is shown as such by its mark; -1 alone says that there is none.
    return tuple(None if value == -1 else value for value in values)
