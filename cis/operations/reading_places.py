"""Where the rows of a file of readings belong: installation, account, and the cycle that a register value closes."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np
from django.conf import settings
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from cis.models.metering import Reading
from cis.reading_files import IntervalBatch, RegisterBatch
from config.shared.bulk_copy import copy_in, day_of, days_of, days_of_datetime64, read_columns
from config.shared.periods import add_months, cycle_of, reading_date

FIRST_CURVE_DAY = date(2000, 1, 1)


class Stored(NamedTuple):
    """What became of the good rows of a batch; `conflicts` by row, with code and reason."""

    landed: int = 0
    unchanged: int = 0
    late: int = 0
    conflicts: dict[int, tuple[str, str]] = {}


class Places(NamedTuple):
    """Where each row of a batch belongs, (n,); installation 0 where nothing was found."""

    installation: NDArray[np.int64]
    point: NDArray[np.int64]
    account: NDArray[np.int64]
    cycle: NDArray[np.int32]
    scheduled_on: NDArray[np.int32]
    kind: NDArray[np.int16]
    rejects: dict[int, tuple[str, str]]


_LOCATE = """
SELECT k.row, coalesce(i.id, 0), coalesce(i.point_id, 0), coalesce(ap.account_id, 0), coalesce(r.reading_day, 0)::int2,
       coalesce(r.cycle_months, 1)::int2, coalesce(r.cycle_phase, 0)::int2,
       (CASE WHEN upper(i.valid) = k.read_on THEN 2 WHEN lower(i.valid) = k.read_on THEN 1
             WHEN upper(ap.valid) = k.read_on THEN 4 WHEN lower(ap.valid) = k.read_on THEN 3 ELSE 0 END)::int2,
       coalesce((SELECT max(b.period_end) FROM cis_bill b
                 WHERE b.account_id = ap.account_id AND b.months > 0), DATE '2000-01-01')
FROM incoming_key k
LEFT JOIN LATERAL (
    SELECT id, point_id, valid FROM cis_meter_installation
    WHERE meter_id = k.meter_id AND lower(valid) <= k.read_on
      AND (upper(valid) IS NULL OR k.read_on < upper(valid) OR NOT %(is_curve)s AND k.read_on = upper(valid))
    ORDER BY lower(valid) LIMIT 1) i ON true
LEFT JOIN LATERAL (
    SELECT account_id, valid FROM cis_account_point
    WHERE point_id = i.point_id AND lower(valid) <= k.read_on
      AND (upper(valid) IS NULL OR k.read_on < upper(valid) OR NOT %(is_curve)s AND k.read_on = upper(valid))
    ORDER BY lower(valid) LIMIT 1) ap ON true
LEFT JOIN cis_account a ON a.id = ap.account_id
LEFT JOIN cis_reading_route r ON r.id = a.route_id
ORDER BY k.row
"""
# A reading at 00:00 closes what lies before it: on the day a meter is removed or an account ends it belongs to the
# older of the two. A curve is the day itself and belongs to the newer.

_LOCATE_TYPES = {
    "row": "int4",
    "installation": "int8",
    "point": "int8",
    "account": "int8",
    "reading_day": "int2",
    "cycle_months": "int2",
    "cycle_phase": "int2",
    "kind": "int2",
    "billed_to": "date",
}


def locate(cursor: Any, batch: RegisterBatch | IntervalBatch, *, is_curve: bool) -> Places:
    """Find the installation and account of every row, and the cycle that a register value closes."""
    days = days_of_datetime64(batch.read_on)
    numbers, number_of = np.unique(batch.meter_no.astype(str), return_inverse=True)
    cursor.execute("SELECT meter_no, id FROM cis_meter WHERE meter_no = ANY(%s)", [numbers.tolist()])
    ids = dict(cursor.fetchall())
    meter = np.array([ids.get(number, 0) for number in numbers.tolist()], dtype=np.int64)[number_of]

    # Six registers of a meter on one day are looked up once.
    pairs, pair_of = np.unique(np.stack([meter, days.astype(np.int64)]), axis=1, return_inverse=True)
    pair_of = pair_of.reshape(-1)
    cursor.execute(
        "CREATE TEMPORARY TABLE IF NOT EXISTS incoming_key (row integer, meter_id bigint, read_on date) ON COMMIT DROP;"
        "TRUNCATE incoming_key"
    )
    copy_in(
        cursor,
        "incoming_key",
        {
            "row": ("int4", np.arange(pairs.shape[1])),
            "meter_id": ("int8", pairs[0]),
            "read_on": ("date", pairs[1]),
        },
    )
    found = read_columns(cursor, _LOCATE, {"is_curve": is_curve}, _LOCATE_TYPES)
    found["cycle"], found["scheduled_on"] = _cycles(found, pairs[1])
    of_row = {name: column[pair_of] for name, column in found.items()}

    rejects: dict[int, tuple[str, str]] = {}
    too_old = days < days_of(FIRST_CURVE_DAY)
    for row in np.flatnonzero((of_row["installation"] == 0) | (of_row["account"] == 0) | too_old & is_curve).tolist():
        facts = {"number": batch.meter_no[row], "day": day_of(int(days[row]))}
        if meter[row] == 0:
            rejects[row] = (
                "meter-unknown",
                _("表号“%(number)s”不存在。请核对表号或先建表计档案。") % facts,
            )
        elif is_curve and too_old[row]:
            rejects[row] = ("date-too-old", _("曲线日期 %(day)s 早于 2000 年，不能入库。") % facts)
        elif of_row["installation"][row] == 0:
            rejects[row] = (
                "meter-not-installed",
                _("表号“%(number)s”在 %(day)s 未安装在任何计量点。请补录装表或核对日期。") % facts,
            )
        else:
            rejects[row] = (
                "no-account",
                _("表号“%(number)s”的计量点在 %(day)s 没有用电户。请核对立户或过户日期。") % facts,
            )
        of_row["installation"][row] = 0
    return Places(
        installation=of_row["installation"],
        point=of_row["point"],
        account=of_row["account"],
        cycle=of_row["cycle"],
        scheduled_on=of_row["scheduled_on"],
        kind=of_row["kind"],
        rejects=rejects,
    )


def _cycles(found: dict[str, NDArray[Any]], days: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """
    The cycle that a reading on each day closes for its route, and the day on which the route is due; 0 for none.

    Readings of an exchange or a move close no cycle, nor does one of a period that is billed already.
    """
    cycle, due = np.zeros(len(days), dtype=np.int32), np.zeros(len(days), dtype=np.int32)
    routes = np.stack([found["reading_day"], found["cycle_months"], found["cycle_phase"], days])
    kinds, kind_of = np.unique(routes, axis=1, return_inverse=True)
    for number, (reading_day, months, phase, day) in enumerate(kinds.T.tolist()):
        closes, due_on = closing_cycle(day_of(day), reading_day, months, phase)
        rows = kind_of.reshape(-1) == number if closes else np.empty(0, dtype=np.int64)
        if closes:
            cycle[rows], due[rows] = closes, days_of(due_on)
    off = (found["kind"] != int(Reading.Kind.CYCLE)) | (due <= found["billed_to"])
    cycle[off] = 0
    return cycle, due


def closing_cycle(day: date, reading_day: int, cycle_months: int, cycle_phase: int) -> tuple[int, date]:
    """The cycle whose reading day lies nearest to a day, within the tolerance, and that day; (0, day) if none does."""
    tolerance = timedelta(days=settings.READING_DAY_TOLERANCE_DAYS)
    nearest: tuple[timedelta, date, int] | None = None
    for back in (-1, 0, 1):
        cycle = add_months(cycle_of(day), back)
        if (cycle % 100) % cycle_months != cycle_phase:
            continue
        due = reading_date(cycle, reading_day)
        candidate = (abs(due - day), due, cycle)
        if candidate[0] <= tolerance and (nearest is None or candidate < nearest):
            nearest = candidate
    return (nearest[2], nearest[1]) if nearest else (0, day)
