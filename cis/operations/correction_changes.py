"""What can be corrected of what bills were made from: registers, ratios, quarter-hours, values that came late."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from django.db import connection
from django.utils.translation import gettext as _

from cis.models import BillCorrection, CurveEdit, IntervalDay, LateReading, MeterInstallation, Reading
from cis.models.metering import ReadingSource
from cis.operations.bill_differences import Record
from cis.operations.late_readings import OFF_SCHEDULE, lock_waiting, mark_taken
from cis.operations.reading_changes import of_one_key, put_in_place
from cis.operations.reading_validation import IMPOSSIBLE, WENT_BACK
from cis.operations.readings import ValueBelowPrevious, ValueNotPossible, change_billed_reading
from cis.rating.registers import Register, advance, energy_kwh_e2
from cis.validation import Doubt
from cis.validation.filling import Quality
from config.shared.bulk_copy import read_columns
from config.shared.errors import Refused

SLOTS = 96
Cause = BillCorrection.Cause


class NothingChanges(Refused):
    """The values are those that stand already, or no bill was made from them."""

    code = "nothing-changes"


class TwoValues(Refused):
    """Two values of one register and day cannot both be right."""

    code = "two-values"


@dataclass(frozen=True)
class Values:
    """What the registers of a meter really showed on a day; register to 10^-4 units."""

    installation_id: int
    read_on: date
    values_e4: Mapping[int, int]
    is_late_actual: bool = False
    """an actual reading that came after the estimate was billed"""


@dataclass(frozen=True)
class Ratio:
    """The transformer ratios that a meter really had since it hung there."""

    installation_id: int
    ct_ratio: int
    pt_ratio: int


@dataclass(frozen=True)
class Curve:
    """What quarter-hours (0 to 95) of a day really were, in Wh; the others stay."""

    installation_id: int
    day: date
    values_wh: Mapping[int, int]


@dataclass(frozen=True)
class Late:
    """Values of one meter that came late and wait for a decision (ids of `LateReading`)."""

    installation_id: int
    late_ids: tuple[int, ...]


Change = Values | Ratio | Curve | Late


def span_of(change: Change, installation: MeterInstallation) -> tuple[date, date]:
    """The days whose bills it may touch, both included."""
    if isinstance(change, Values):
        return change.read_on - OFF_SCHEDULE, change.read_on + OFF_SCHEDULE
    if isinstance(change, Curve):
        return change.day, change.day
    if isinstance(change, Ratio):
        return installation.valid.lower or date.min, installation.valid.upper or date.max
    rows = LateReading.objects.filter(pk__in=change.late_ids, installation_id=installation.pk)
    days = [
        day
        for read_on, value in rows.values_list("read_on", "value_e4")
        for day in ((read_on, read_on) if value is None else (read_on - OFF_SCHEDULE, read_on + OFF_SCHEDULE))
    ]
    if not days:
        raise NothingChanges(_("没有选中要采信的示数。"))
    return min(days), max(days)


def apply(change: Change, installation: MeterInstallation, record: Record) -> BillCorrection.Cause:
    """
    Put it in place in the caller's transaction, which holds the balances; the raw values stay on record.

    :raises NothingChanges: it is what stands already
    :raises TwoValues: two late values of one register and day
    :raises ValueBelowPrevious, ValueNotPossible: a value does not fit those around it
    :raises NotFound, AlreadyDecided: late values that are not there, or decided
    """
    if isinstance(change, Values):
        _change_values(change, record)
        return Cause.LATE if change.is_late_actual else Cause.READING
    if isinstance(change, Ratio):
        _change_ratio(installation, change)
        return Cause.RATIO
    if isinstance(change, Curve):
        _change_curve(change, installation, record)
        return Cause.READING
    return _take_late(change, record)


def as_json(change: Change) -> dict[str, Any]:
    """As the payload of an approval."""
    meter = {"installation_id": change.installation_id}
    if isinstance(change, Ratio):
        return meter | {"what": "ratio", "ct": change.ct_ratio, "pt": change.pt_ratio}
    if isinstance(change, Curve):
        values = {str(slot): value for slot, value in change.values_wh.items()}
        return meter | {"what": "curve", "day": change.day.isoformat(), "values_wh": values}
    if isinstance(change, Late):
        return meter | {"what": "late", "late_ids": list(change.late_ids)}
    return meter | {
        "what": "values",
        "read_on": change.read_on.isoformat(),
        "values_e4": {str(register): value for register, value in change.values_e4.items()},
        "is_late_actual": change.is_late_actual,
    }


def from_json(payload: Mapping[str, Any]) -> Change:
    """The reverse."""
    meter = payload["installation_id"]
    if payload["what"] == "ratio":
        return Ratio(meter, payload["ct"], payload["pt"])
    if payload["what"] == "curve":
        values = {int(slot): value for slot, value in payload["values_wh"].items()}
        return Curve(meter, date.fromisoformat(payload["day"]), values)
    if payload["what"] == "late":
        return Late(meter, tuple(payload["late_ids"]))
    return Values(
        meter,
        date.fromisoformat(payload["read_on"]),
        {int(register): value for register, value in payload["values_e4"].items()},
        payload["is_late_actual"],
    )


# --- Each of them ---------------------------------------------------------------------------


def _change_values(change: Values, record: Record) -> None:
    of_day = Reading.objects.filter(installation_id=change.installation_id, read_on=change.read_on)
    stands = dict(of_day.values_list("register", "value_e4"))
    other = {register: value for register, value in change.values_e4.items() if stands.get(register) != value}
    if not other and not change.is_late_actual:
        raise NothingChanges(_("填的示数与现在的一样，没有要更正的。"))
    source = ReadingSource.MANUAL if change.is_late_actual else ReadingSource.CORRECTED
    for register in sorted(change.values_e4 if change.is_late_actual else other):
        change_billed_reading(
            installation_id=change.installation_id,
            read_on=change.read_on,
            register=register,
            value_e4=change.values_e4[register],
            source=source,
            method="late-actual" if change.is_late_actual else "corrected",
            reason=record.reason,
            by_id=record.asked_by_id,
            at=record.at,
        )


def _change_ratio(installation: MeterInstallation, change: Ratio) -> None:
    """Set the ratios and compute anew what every reading of the meter advanced."""
    if (installation.ct_ratio, installation.pt_ratio) == (change.ct_ratio, change.pt_ratio):
        raise NothingChanges(_("填的倍率与现在的一样，没有要更正的。"))
    installation.ct_ratio, installation.pt_ratio = change.ct_ratio, change.pt_ratio
    installation.save(update_fields=["ct_ratio", "pt_ratio"])
    with connection.cursor() as cursor:
        found = read_columns(
            cursor,
            "SELECT register, read_on, value_e4, advance_kwh_e2, is_rollover FROM cis_reading "
            "WHERE installation_id = %s AND state = 1 ORDER BY register, read_on",
            [installation.pk],
            {"register": "int2", "read_on": "date", "value_e4": "int8", "advance": "int8", "turned": "bool"},
        )
        follows = np.concatenate(([False], found["register"][1:] == found["register"][:-1]))
        at = np.flatnonzero(follows & (found["advance"] != -1) & (found["register"] != int(Register.DEMAND)))
        digits = np.full(len(at), installation.meter.digits, dtype=np.int64)
        moved = advance(found["value_e4"][at - 1], found["value_e4"][at], digits, found["turned"][at])
        energy = energy_kwh_e2(moved, np.full(len(at), change.ct_ratio * change.pt_ratio, dtype=np.int64))
        cursor.execute(
            "UPDATE cis_reading r SET advance_kwh_e2 = n.energy FROM "
            "unnest(%s::int2[], %s::int4[], %s::bigint[]) AS n(register, day, energy) "
            "WHERE r.installation_id = %s AND r.register = n.register AND r.read_on = DATE '2000-01-01' + n.day",
            [found["register"][at].tolist(), found["read_on"][at].tolist(), energy.tolist(), installation.pk],
        )


def _change_curve(change: Curve, installation: MeterInstallation, record: Record) -> None:
    stored = (
        IntervalDay.objects.select_for_update()
        .filter(
            point_id=installation.point_id,
            register=int(Register.TOTAL),
            day=change.day,
            state=IntervalDay.State.ACCEPTED,
        )
        .first()
    )
    if stored is None:
        raise NothingChanges(_("这一天没有已采信的曲线。"))
    if any(not (0 <= slot < SLOTS and 0 <= value < 2**31) for slot, value in change.values_wh.items()):
        raise ValueNotPossible(_("点号须为 0 至 95，电量须为不小于零的整数 Wh。"))
    energy = list(stored.energy_wh)
    before = stored.quality or [int(Quality.ACTUAL if value >= 0 else Quality.MISSING) for value in energy]
    after = list(before)
    for slot, value in change.values_wh.items():
        energy[slot], after[slot] = value, int(Quality.EDITED)
    if energy == list(stored.energy_wh):
        raise NothingChanges(_("填的点与现在的一样，没有要更正的。"))
    if min(energy) < 0:
        raise ValueNotPossible(_("还有缺点，请一并补上。"))
    CurveEdit.objects.create(
        point_id=stored.point_id,
        register=stored.register,
        day=stored.day,
        before_wh=stored.energy_wh,
        after_wh=energy,
        quality_before=before,
        quality_after=after,
        method="corrected",
        reason=record.reason,
        edited_by_id=record.asked_by_id,
        edited_at=record.at,
    )
    IntervalDay.objects.filter(point_id=stored.point_id, register=stored.register, day=stored.day).update(
        energy_wh=energy, quality=after, missing_slots=0
    )


def _take_late(change: Late, record: Record) -> BillCorrection.Cause:
    rows = lock_waiting(change.late_ids, None)
    if len(of_one_key(rows)) != len(rows):
        raise TwoValues(_("同一天的同一示数有两个不同的值，只能采信一个。"))
    flags = put_in_place(rows, record)
    for one in rows:
        found = flags.get(one.pk, 0)
        if one.value_e4 is None:
            continue
        if found & int(IMPOSSIBLE):
            raise ValueNotPossible(_("示数、表位数、倍率或日期不可能成立，请先改正档案，或不采信。"))
        if found & int(WENT_BACK) and not found & int(Doubt.AFTER_ESTIMATE_REFUND):
            raise ValueBelowPrevious(_("示数低于上次示数且不是翻转，不能采信。"))
    mark_taken([one.pk for one in rows], record)
    return Cause.LATE if all(one.replaces_estimate for one in rows) else Cause.READING
