"""
What people do about a doubtful day of a curve or a doubtful use: take it, fill it, collect it again, have it inspected.

What was collected stays on record with every change: values and their quality before and after, how, why, by whom.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

import numpy as np
from django.db import transaction
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from cis.models import Bill, CurveEdit, IntervalDay, MeteringPoint, ReadingDoubt
from cis.operations.reading_validation import publish_if_settled
from cis.operations.readings import AlreadyBilled, ReasonMissing, lock_doubt
from cis.queries.curve_profiles import freeze_of, kind_profile, similar_day
from cis.queries.validation_limits import Limits
from cis.validation.filling import FILL_CODES, CannotFill, Filled, FillMethod, Quality, fill_day
from config.shared.errors import Refused

SLOTS = 96


class CurveHasGaps(Refused):
    """A day with missing or impossible quarter-hours cannot be taken as it is."""

    code: ClassVar[str] = "curve-has-gaps"
    status: ClassVar[int] = 422


class CannotFillCurve(Refused):
    """Too little is known to fill the day, or what is known contradicts itself."""

    code: ClassVar[str] = "cannot-fill-curve"
    status: ClassVar[int] = 422


class NotACurve(Refused):
    """The doubt is about something else."""

    code: ClassVar[str] = "not-a-curve"


def accept_curve(
    *, doubt_id: int, reason: str, resolved_by_id: int, at: datetime, within: Sequence[str] | None = None
) -> None:
    """
    Take the day as it was collected.

    :raises CurveHasGaps: quarter-hours are missing or below nothing
    :raises DoubtIsResolved: it was ended before
    :raises NotACurve: the doubt is not about a curve
    :raises NotFound: there is none, or not in the organisation paths `within`
    :raises ReasonMissing: no reason was given
    """
    with transaction.atomic():
        doubt, day = _lock_day(doubt_id, reason, within)
        if min(day.energy_wh) < 0:
            raise CurveHasGaps(_("曲线有缺点或负值，不能按原样采信；请先补齐或安排补采。"))
        _set_day(day, state=int(IntervalDay.State.ACCEPTED))
        _end(doubt, ReadingDoubt.Resolution.ACCEPTED, reason, resolved_by_id, at)


def fill_curve(
    *,
    doubt_id: int,
    reason: str,
    resolved_by_id: int,
    at: datetime,
    method: str = "",
    within: Sequence[str] | None = None,
) -> str:
    """
    Fill what is missing or marked as doubtful, keeping the day's energy by its freezes; gives the method's code.

    Where no quarter-hour is marked but the sum is wrong, the whole day keeps its shape and takes the freeze's energy.
    `method` is a code of `FILL_CODES` or empty: up to two hours linear, longer by the account's similar day, without
    history by customers of its kind.

    :raises AlreadyBilled: a bill was made from the day
    :raises CannotFillCurve: nothing to fill, or too little is known to fill it from
    :raises DoubtIsResolved: it was ended before
    :raises NotACurve: the doubt is not about a curve
    :raises NotFound: there is none, or not in the organisation paths `within`
    :raises ReasonMissing: no reason was given
    """
    with transaction.atomic():
        doubt, day = _lock_day(doubt_id, reason, within)
        _refuse_billed(doubt)
        filled = _fill(doubt, day, method)
        _change(doubt, day, filled.energy_wh, filled.quality, FILL_CODES[filled.method], reason, resolved_by_id, at)
        _end(doubt, ReadingDoubt.Resolution.ESTIMATED, reason, resolved_by_id, at)
    return FILL_CODES[filled.method]


def correct_slots(
    *,
    doubt_id: int,
    values_wh: dict[int, int],
    reason: str,
    resolved_by_id: int,
    at: datetime,
    within: Sequence[str] | None = None,
) -> None:
    """
    Put other values (Wh) in the place of some quarter-hours (0 to 95); the rest must be whole.

    :raises AlreadyBilled: a bill was made from the day
    :raises CurveHasGaps: something is still missing or below nothing, or a value or its place makes no sense
    :raises DoubtIsResolved: it was ended before
    :raises NotACurve: the doubt is not about a curve
    :raises NotFound: there is none, or not in the organisation paths `within`
    :raises ReasonMissing: no reason was given
    """
    with transaction.atomic():
        doubt, day = _lock_day(doubt_id, reason, within)
        _refuse_billed(doubt)
        energy, quality = np.array(day.energy_wh, dtype=np.int64), _quality(day)
        for slot, value in values_wh.items():
            if not (0 <= slot < SLOTS and 0 <= value < 2**31):
                raise CurveHasGaps(_("点号须为 0 至 95，电量须为不小于零的整数 Wh。"))
            energy[slot], quality[slot] = value, int(Quality.EDITED)
        if energy.min() < 0:
            raise CurveHasGaps(_("还有缺点或负值，请一并补上。"))
        _change(doubt, day, energy, quality, "corrected", reason, resolved_by_id, at)
        _end(doubt, ReadingDoubt.Resolution.CORRECTED, reason, resolved_by_id, at)


def request_recollection(
    *, doubt_id: int, reason: str, requested_by_id: int, at: datetime, within: Sequence[str] | None = None
) -> None:
    """
    Have the day collected again: quarter-hours that were missing then come with any import and end the doubt.

    :raises DoubtIsResolved: it was ended before
    :raises NotACurve: the doubt is not about a curve
    :raises NotFound: there is none, or not in the organisation paths `within`
    :raises ReasonMissing: no reason was given
    """
    with transaction.atomic():
        doubt, _day = _lock_day(doubt_id, reason, within)
        doubt.reread_requested_at = at
        doubt.reason = reason.strip()
        doubt.owner_id = doubt.owner_id or requested_by_id
        doubt.save(update_fields=["reread_requested_at", "reason", "owner"])


def end_use_doubt(
    *,
    doubt_id: int,
    reason: str,
    to_inspection: bool,
    resolved_by_id: int,
    at: datetime,
    within: Sequence[str] | None = None,
) -> None:
    """
    End a doubt about the use of the last weeks: explained, or handed to inspection. Bills go on either way.

    :raises DoubtIsResolved: it was ended before
    :raises NotACurve: the doubt is about a reading or a curve
    :raises NotFound: there is none, or not in the organisation paths `within`
    :raises ReasonMissing: no reason was given
    """
    with transaction.atomic():
        doubt = lock_doubt(doubt_id, within)
        if doubt.subject != ReadingDoubt.Subject.USE:
            raise NotACurve(_("这条疑点不是用电异常，请在示数或曲线里处理。"))
        if not reason.strip():
            raise ReasonMissing(_("请填写原因。"))
        resolution = ReadingDoubt.Resolution.INSPECTED if to_inspection else ReadingDoubt.Resolution.ACCEPTED
        _end(doubt, resolution, reason, resolved_by_id, at)


# --- Parts ----------------------------------------------------------------------------------


def _lock_day(doubt_id: int, reason: str, within: Sequence[str] | None) -> tuple[ReadingDoubt, IntervalDay]:
    doubt = lock_doubt(doubt_id, within)
    if doubt.subject != ReadingDoubt.Subject.CURVE:
        raise NotACurve(_("这条疑点不是负荷曲线，请在示数里处理。"))
    if not reason.strip():
        raise ReasonMissing(_("请填写原因。"))
    day = IntervalDay.objects.select_for_update().get(
        point_id=doubt.installation.point_id, register=doubt.register, day=doubt.read_on
    )
    return doubt, day


def _refuse_billed(doubt: ReadingDoubt) -> None:
    basis = MeteringPoint.objects.values_list("basis", flat=True).get(pk=doubt.installation.point_id)
    bills = Bill.objects.filter(
        account_id=doubt.account_id, period_start__lte=doubt.read_on, period_end__gt=doubt.read_on, months__gt=0
    )
    if basis == MeteringPoint.Basis.CURVE and bills.exists():
        raise AlreadyBilled(_("这一天的曲线已经出账。请打开那张账单，用“更正”办理，差额列入下期账单。"))


def _quality(day: IntervalDay) -> NDArray[np.int64]:
    if day.quality is not None:
        return np.array(day.quality, dtype=np.int64)
    there = np.array(day.energy_wh) >= 0
    return np.where(there, int(Quality.ACTUAL), int(Quality.MISSING))


def _fill(doubt: ReadingDoubt, day: IntervalDay, method: str) -> Filled:
    codes = {code: one for one, code in FILL_CODES.items()}
    if method and method not in codes:
        raise CannotFillCurve(_("没有名为“%(method)s”的补齐方法。") % {"method": method})
    energy = np.array(day.energy_wh, dtype=np.int64)
    wanted = energy < 0
    wanted[doubt.facts.get("doubtful_slots") or []] = True
    asked = codes.get(method)
    similar = similar_day(point_id=day.point_id, register=day.register, day=doubt.read_on)
    if not wanted.any():
        # The shape is there and the sum is wrong: the whole day, in its own shape.
        wanted[:], similar, asked = True, energy, FillMethod.SIMILAR_DAY
    limits = Limits().on(doubt.read_on, doubt.owner_unit.path)
    try:
        return fill_day(
            energy,
            wanted,
            _quality(day),
            freeze_wh=freeze_of(installation_id=doubt.installation_id, register=day.register, day=doubt.read_on),
            similar_wh=similar,
            kind_wh=kind_profile(account_id=doubt.account_id, register=day.register, day=doubt.read_on),
            linear_slots=limits.gap_linear_slots,
            method=asked,
        )
    except CannotFill as fault:
        raise CannotFillCurve(_why(fault.code)) from fault


def _why(code: str) -> str:
    return {
        "nothing-wanted": _("这一天没有要补的点。"),
        "freeze-below-curve": _("冻结差小于保留下来的各点之和，两者必有一错；请先核对冻结示数。"),
        "no-profile": _("没有相似日，也没有同类客户的曲线可参照；请安排补采。"),
        "no-level": _("没有冻结示数，也没有可参照的点；请安排补采。"),
    }[code]


def _change(
    doubt: ReadingDoubt,
    day: IntervalDay,
    energy: NDArray[Any],
    quality: NDArray[Any],
    method: str,
    reason: str,
    edited_by_id: int,
    at: datetime,
) -> None:
    CurveEdit.objects.create(
        point_id=day.point_id,
        register=day.register,
        day=day.day,
        before_wh=day.energy_wh,
        after_wh=energy.tolist(),
        quality_before=_quality(day).tolist(),
        quality_after=quality.tolist(),
        method=method,
        reason=reason.strip(),
        edited_by_id=edited_by_id,
        edited_at=at,
    )
    _set_day(
        day,
        energy_wh=energy.tolist(),
        quality=quality.tolist(),
        missing_slots=int((energy < 0).sum()),
        state=int(IntervalDay.State.ACCEPTED),
    )


def _set_day(day: IntervalDay, **values: Any) -> None:
    IntervalDay.objects.filter(point_id=day.point_id, register=day.register, day=day.day).update(**values)


def _end(
    doubt: ReadingDoubt, resolution: ReadingDoubt.Resolution, reason: str, resolved_by_id: int, at: datetime
) -> None:
    doubt.resolution = resolution
    doubt.reason = reason.strip()
    doubt.resolved_by_id = resolved_by_id
    doubt.resolved_at = at
    doubt.save(update_fields=["resolution", "reason", "resolved_by", "resolved_at"])
    if doubt.subject == ReadingDoubt.Subject.CURVE:
        publish_if_settled(doubt.account_id, 0, doubt.read_on, is_curve=True)
