"""What plants fed in: the export register's readings of their periods, set-wise; one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.db import connection

from cis.feed_in import Stretch
from cis.models import Reading
from cis.rating.registers import Register


@dataclass(frozen=True, slots=True)
class Exported:
    """The stretches of one account's period; `why_not` is a code where they do not cover it."""

    stretches: tuple[Stretch, ...]
    why_not: str = ""
    """reading-missing, reading-pending or reading-doubtful"""


# Of every meter that hung at the account's points in the period: its readings from where its stretch begins to where
# it ends. Daily freezes between bound nothing, but a turn of the register may lie there.
_READINGS = """
SELECT w.account_id, i.id, i.ct_ratio * i.pt_ratio, m.digits,
       GREATEST(w.start_on, lower(i.valid), lower(ap.valid)), LEAST(w.end_on, upper(i.valid), upper(ap.valid)),
       r.read_on, r.value_e4, r.is_rollover, r.state
FROM unnest(%(accounts)s::bigint[], %(starts)s::date[], %(ends)s::date[]) AS w(account_id, start_on, end_on)
JOIN cis_account_point ap ON ap.account_id = w.account_id AND ap.valid && daterange(w.start_on, w.end_on)
JOIN cis_meter_installation i ON i.point_id = ap.point_id AND i.valid && daterange(w.start_on, w.end_on)
JOIN cis_meter m ON m.id = i.meter_id
LEFT JOIN cis_reading r ON r.installation_id = i.id AND r.register = %(register)s
     AND r.read_on >= GREATEST(w.start_on, lower(i.valid), lower(ap.valid))
     AND r.read_on <= LEAST(w.end_on, upper(i.valid), upper(ap.valid))
ORDER BY w.account_id, i.id, r.read_on
"""

_Row = tuple[date, int, bool, int]


def exported(periods: Mapping[int, tuple[date, date]]) -> dict[int, Exported]:
    """Account to what its export registers say of its period [start, end)."""
    asked = sorted(periods)
    if not asked:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            _READINGS,
            {
                "accounts": asked,
                "starts": [periods[one][0] for one in asked],
                "ends": [periods[one][1] for one in asked],
                "register": int(Register.EXPORT_TOTAL),
            },
        )
        rows = cursor.fetchall()
    of_meter: dict[tuple[int, int], tuple[int, int, date, date, list[_Row]]] = {}
    for account, installation, multiplier, digits, start, end, *reading in rows:
        kept = of_meter.setdefault((account, installation), (multiplier, digits, start, end, []))
        if reading[0] is not None:
            kept[4].append((reading[0], reading[1], reading[2], reading[3]))
    found: dict[int, Exported] = {account: Exported((), "reading-missing") for account in asked}
    for (account, installation), (multiplier, digits, start, end, readings) in of_meter.items():
        before = found[account]
        is_first = not before.stretches and before.why_not == "reading-missing"
        if not readings:
            # A meter without an export register measures something else; some meter must have one.
            continue
        why_not = _fault(readings, start, end)
        if why_not:
            found[account] = Exported(before.stretches, why_not)
            continue
        stretch = Stretch(
            installation,
            start,
            end,
            readings[0][1],
            readings[-1][1],
            multiplier,
            digits,
            any(one[2] for one in readings[1:]),
        )
        found[account] = Exported((*before.stretches, stretch), "" if is_first else before.why_not)
    return found


def _fault(readings: Sequence[_Row], start: date, end: date) -> str:
    if readings[0][0] != start or readings[-1][0] != end:
        return "reading-missing"
    bounds = (readings[0][3], readings[-1][3])
    if int(Reading.State.DOUBTFUL) in bounds:
        return "reading-doubtful"
    return "reading-pending" if int(Reading.State.PENDING) in bounds else ""
