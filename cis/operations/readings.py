"""
What people do about a doubtful reading: take it, correct it, estimate it, have it read again. The raw value stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import ClassVar

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from cis.models import Bill, ReadingDoubt, ReadingEdit
from cis.models.metering import Reading, ReadingSource
from cis.operations.reading_judgement import judge_by_limits, load
from cis.operations.reading_validation import (
    IMPOSSIBLE,
    WENT_BACK,
    publish_if_settled,
    recompute_followers,
)
from cis.queries.validation_limits import Limits
from cis.rating.registers import Register, energy_kwh_e2
from cis.validation import (
    METHOD_CODES,
    ORDER_AT_SETTLEMENT,
    ORDER_INSIDE_GAP,
    Doubt,
    EstimateColumns,
    EstimateMethod,
    daily_energy_e2,
    estimate_advance,
    expect_daily_energy,
)
from config.shared.bulk_copy import day_of
from config.shared.errors import NotFound, Refused


class ReasonMissing(Refused):
    """Whoever ends or hands on a doubt says why."""

    code: ClassVar[str] = "reason-missing"
    status: ClassVar[int] = 422


class NotAReading(Refused):
    """The doubt is about a curve or about use."""

    code: ClassVar[str] = "not-a-reading"


class DoubtIsResolved(Refused):
    """The doubt was ended before."""

    code: ClassVar[str] = "doubt-is-resolved"


class DoubtIsClaimed(Refused):
    """Somebody else works on the doubt."""

    code: ClassVar[str] = "doubt-is-claimed"


class AlreadyBilled(Refused):
    """A bill was made from the reading or the one after it."""

    code: ClassVar[str] = "already-billed"


class ValueBelowPrevious(Refused):
    """The value lies below the reading before it, and the register cannot have rolled over."""

    code: ClassVar[str] = "value-below-previous"
    status: ClassVar[int] = 422


class ValueNotPossible(Refused):
    """The value or the meter's record makes no sense: digits, ratio, order of days."""

    code: ClassVar[str] = "value-not-possible"
    status: ClassVar[int] = 422


class TooManyEstimates(Refused):
    """The register was estimated too often in a row."""

    code: ClassVar[str] = "too-many-estimates"


class CannotEstimate(Refused):
    """Nothing is known that the reading could be estimated from."""

    code: ClassVar[str] = "cannot-estimate"


# --- Readings that were billed --------------------------------------------------------------


def change_billed_reading(
    *,
    installation_id: int,
    register: int,
    read_on: date,
    value_e4: int,
    source: int,
    method: str,
    reason: str,
    by_id: int | None,
    at: datetime,
) -> None:
    """
    Put another value in the place of an accepted reading that bills were made from; the raw value stays on record.

    Only for `cis.operations.bill_corrections`, which settles the difference in the same transaction.

    :raises NotFound: there is no such reading
    :raises ValueBelowPrevious, ValueNotPossible: as when a doubt is corrected
    """
    key = {"installation_id": installation_id, "register": register, "read_on": read_on}
    reading = Reading.objects.select_for_update().filter(**key, state=Reading.State.ACCEPTED).first()
    if reading is None:
        raise NotFound(_("没有这条已采信的示数。"))
    if not 0 <= value_e4 < 10**16:
        raise ValueNotPossible(_("示数超出可能的范围，请核对后再填。"))
    before = reading.value_e4
    if register != Register.DEMAND:
        _settle(reading, value_e4, source, at=at, even_billed=True)
    else:
        # A maximum demand advances from nothing.
        Reading.objects.filter(**key).update(value_e4=value_e4, source=source)
    ReadingEdit.objects.create(
        installation_id=installation_id,
        register=register,
        read_on=read_on,
        value_before_e4=before,
        value_after_e4=value_e4,
        method=method,
        reason=reason.strip(),
        edited_by_id=by_id,
        edited_at=at,
    )


# --- What people do about a doubt -----------------------------------------------------------


def claim_doubt(*, doubt_id: int, user_id: int, take_over: bool = False, within: Sequence[str] | None = None) -> None:
    """
    Put a doubt on one's own list; `take_over` takes it from a colleague.

    :raises DoubtIsClaimed: a colleague has it
    :raises DoubtIsResolved: it was ended before
    :raises NotFound: there is none, or not in the organisation paths `within`
    """
    with transaction.atomic():
        doubt = lock_doubt(doubt_id, within)
        if doubt.owner_id not in (None, user_id) and not take_over:
            raise DoubtIsClaimed(_("这条存疑示数已有同事在处理。要接手请选择“接手”。"))
        doubt.owner_id = user_id
        doubt.save(update_fields=["owner"])


def accept_reading(
    *,
    doubt_id: int,
    reason: str,
    resolved_by_id: int,
    at: datetime,
    as_rollover: bool = False,
    within: Sequence[str] | None = None,
) -> None:
    """
    Take the reading as it is. A value below the previous one can only be taken `as_rollover`: a person saw the meter.

    :raises AlreadyBilled: a bill was made from it or the reading after it
    :raises DoubtIsResolved: it was ended before
    :raises NotFound: there is none, or not in the organisation paths `within`
    :raises ReasonMissing: no reason was given
    :raises ValueBelowPrevious: it lies below the previous reading and is no roll-over
    :raises ValueNotPossible: digits, ratio or days make it impossible
    """
    with transaction.atomic():
        doubt, reading = _lock_with_reading(doubt_id, reason, within)
        _settle(reading, reading.value_e4, reading.source, as_rollover=as_rollover, at=at)
        _resolve(doubt, ReadingDoubt.Resolution.ACCEPTED, reason, resolved_by_id, at)


def correct_reading(
    *,
    doubt_id: int,
    value_e4: int,
    reason: str,
    resolved_by_id: int,
    at: datetime,
    within: Sequence[str] | None = None,
) -> None:
    """
    Put another value in its place (10^-4 of a register unit); the raw value stays on record.

    :raises AlreadyBilled: a bill was made from it or the reading after it
    :raises DoubtIsResolved: it was ended before
    :raises NotFound: there is none, or not in the organisation paths `within`
    :raises ReasonMissing: no reason was given
    :raises ValueBelowPrevious: the value lies below the previous reading and no roll-over is plausible
    :raises ValueNotPossible: the value does not fit the register
    """
    with transaction.atomic():
        doubt, reading = _lock_with_reading(doubt_id, reason, within)
        if not 0 <= value_e4 < 10**16:
            raise ValueNotPossible(_("示数超出可能的范围，请核对后再填。"))
        before = reading.value_e4
        _settle(reading, value_e4, ReadingSource.CORRECTED, at=at)
        _keep_edit(doubt, before, value_e4, "corrected", reason, resolved_by_id, at)
        _resolve(doubt, ReadingDoubt.Resolution.CORRECTED, reason, resolved_by_id, at)
        _settle_sum(doubt, resolved_by_id, at)


def estimate_reading(
    *,
    doubt_id: int,
    reason: str,
    resolved_by_id: int,
    at: datetime,
    method: str = "",
    within: Sequence[str] | None = None,
) -> int:
    """
    Put an estimate in its place and give it (10^-4 of a register unit); the next actual reading settles the rest.

    `method` is one of `same-month-last-year`, `recent-median`, `straight-line`, or empty for the first that is known.

    :raises AlreadyBilled: a bill was made from it or the reading after it
    :raises CannotEstimate: nothing is known to estimate from, or not by this method
    :raises DoubtIsResolved: it was ended before
    :raises NotFound: there is none, or not in the organisation paths `within`
    :raises ReasonMissing: no reason was given
    :raises TooManyEstimates: the register was estimated as often in a row as is allowed
    """
    with transaction.atomic():
        doubt, reading = _lock_with_reading(doubt_id, reason, within)
        earlier = Reading.objects.filter(
            installation_id=reading.installation_id,
            register=reading.register,
            read_on__lt=reading.read_on,
            state=Reading.State.ACCEPTED,
        )
        limit = settings.MAX_CONSECUTIVE_ESTIMATES
        last = list(earlier.order_by("-read_on").values_list("source", flat=True)[:limit])
        if len(last) == limit and all(source == ReadingSource.ESTIMATED for source in last):
            raise TooManyEstimates(_("该示数已连续估算 %(limit)s 次，请安排现场抄表。") % {"limit": limit})
        value_e4, used = _estimate(reading, method)
        before = reading.value_e4
        _settle(reading, value_e4, ReadingSource.ESTIMATED, at=at, as_rollover=True)
        _keep_edit(doubt, before, value_e4, METHOD_CODES[used], reason, resolved_by_id, at)
        _resolve(doubt, ReadingDoubt.Resolution.ESTIMATED, reason, resolved_by_id, at)
        _settle_sum(doubt, resolved_by_id, at)
    return value_e4


def request_reread(
    *, doubt_id: int, reason: str, requested_by_id: int, at: datetime, within: Sequence[str] | None = None
) -> None:
    """
    Have the meter read again: another value for the same day, in any import, then ends the doubt.

    :raises DoubtIsResolved: it was ended before
    :raises NotFound: there is none, or not in the organisation paths `within`
    :raises ReasonMissing: no reason was given
    """
    with transaction.atomic():
        doubt, _reading = _lock_with_reading(doubt_id, reason, within)
        doubt.reread_requested_at = at
        doubt.reason = reason.strip()
        doubt.owner_id = doubt.owner_id or requested_by_id
        doubt.save(update_fields=["reread_requested_at", "reason", "owner"])


def lock_doubt(doubt_id: int, within: Sequence[str] | None) -> ReadingDoubt:
    """
    Lock a doubt that is open.

    :raises DoubtIsResolved: it was ended before
    :raises NotFound: there is none, or not in the organisation paths `within`
    """
    doubt = (
        ReadingDoubt.objects.select_for_update(of=("self",))
        .select_related("owner_unit", "installation")
        .filter(pk=doubt_id)
        .first()
    )
    if doubt is None or (within is not None and not any(doubt.owner_unit.path.startswith(path) for path in within)):
        raise NotFound(_("没有这条存疑示数。"))
    if doubt.resolved_at is not None:
        raise DoubtIsResolved(_("这条存疑示数已经处理完毕，无需再处理。"))
    return doubt


def _lock_with_reading(doubt_id: int, reason: str, within: Sequence[str] | None) -> tuple[ReadingDoubt, Reading]:
    doubt = lock_doubt(doubt_id, within)
    if doubt.subject != ReadingDoubt.Subject.REGISTER:
        raise NotAReading(_("这条疑点不是示数，请按曲线或用电异常处理。"))
    if not reason.strip():
        raise ReasonMissing(_("请填写原因。"))
    reading = Reading.objects.select_for_update().get(
        installation_id=doubt.installation_id, register=doubt.register, read_on=doubt.read_on
    )
    return doubt, reading


def _is_billed(*, account_id: int, cycle: int, kind: int, read_on: date) -> bool:
    """Whether a bill was made from such a reading: one that closes a billed cycle, or of an exchange or move within."""
    bills = Bill.objects.filter(account_id=account_id)
    if cycle and bills.filter(cycle=cycle).exists():
        return True
    return kind != Reading.Kind.CYCLE and bills.filter(period_start__lte=read_on, period_end__gte=read_on).exists()


def _settle(
    reading: Reading,
    value_e4: int,
    source: int,
    *,
    at: datetime,
    as_rollover: bool = False,
    even_billed: bool = False,
) -> None:
    """Accept the reading with this value: what it advanced, and what the reading after it advances from it."""
    key = {"installation_id": reading.installation_id, "register": reading.register}
    counts = bool(reading.cycle) or reading.kind != Reading.Kind.CYCLE
    follower = Reading.objects.filter(**key, read_on__gt=reading.read_on, state=Reading.State.ACCEPTED)
    after = follower.order_by("read_on").values("account_id", "cycle", "kind", "read_on").first()
    own = {name: getattr(reading, name) for name in ("account_id", "cycle", "kind", "read_on")}
    if not even_billed and counts and (_is_billed(**own) or (after is not None and _is_billed(**after))):
        raise AlreadyBilled(_("这条示数或其后的示数已经出账。请打开那张账单，用“更正”办理，差额列入下期账单。"))

    limits = Limits()
    with connection.cursor() as cursor:
        where = "installation_id = %(installation)s AND register = %(register)s AND read_on = %(day)s"
        parameters = {"installation": reading.installation_id, "register": reading.register, "day": reading.read_on}
        rows = load(cursor, where, parameters)
        rows["value_e4"] = np.array([value_e4], dtype=np.int64)
        judged = judge_by_limits(rows, limits)
        flags = int(judged.flags[0])
        if flags & IMPOSSIBLE:
            raise ValueNotPossible(_("示数、表位数、倍率或日期不可能成立，请先改正档案或更正示数。"))
        energy, rolled = int(judged.energy_kwh_e2[0]), bool(judged.rolled_over[0])
        went_back = bool(rows["has_before"][0]) and value_e4 < int(rows["before_e4"][0]) and not rolled
        if went_back and as_rollover:
            turned = value_e4 - int(rows["before_e4"][0]) + 10_000 * 10 ** int(rows["digits"][0])
            energy, rolled = int(energy_kwh_e2(turned, int(rows["multiplier"][0]))[()]), True
        elif flags & WENT_BACK and not flags & Doubt.AFTER_ESTIMATE_REFUND:
            raise ValueBelowPrevious(
                _("示数低于上次示数且不是翻转。请更正、估算或安排复抄；确已翻转的请选“按翻转采信”。")
            )
        Reading.objects.filter(**key, read_on=reading.read_on).update(
            value_e4=value_e4,
            source=source,
            advance_kwh_e2=energy,
            days=int(judged.days[0]),
            is_rollover=rolled,
            state=Reading.State.ACCEPTED,
        )
        recompute_followers(cursor, rows, np.array([0]), limits, at, even_billed=even_billed)


def _estimate(reading: Reading, method: str) -> tuple[int, EstimateMethod]:
    """The estimated value and how it was made."""
    codes = {code: kind for kind, code in METHOD_CODES.items()}
    if method and codes.get(method, EstimateMethod.NONE) is EstimateMethod.NONE:
        raise CannotEstimate(_("没有名为“%(method)s”的估算方法。") % {"method": method})
    with connection.cursor() as cursor:
        where = "installation_id = %(installation)s AND register = %(register)s AND read_on = %(day)s"
        rows = load(
            cursor,
            where,
            {"installation": reading.installation_id, "register": reading.register, "day": reading.read_on},
        )
    following = (
        Reading.objects.filter(
            installation_id=reading.installation_id,
            register=reading.register,
            read_on__gt=reading.read_on,
            state=Reading.State.ACCEPTED,
        )
        .order_by("read_on")
        .values_list("value_e4", "read_on")
        .first()
    )
    has_before = bool(rows["has_before"][0]) and reading.register != Register.DEMAND
    before_e4, before_on = int(rows["before_e4"][0]), day_of(int(rows["before_on"][0]))
    if following is not None:
        line_advance, line_days = following[0] - before_e4, (following[1] - before_on).days
    else:
        line_advance = int(rows["e1"][0]) * 100 // int(rows["multiplier"][0])
        line_days = int(rows["d1"][0])
    recent = np.stack([daily_energy_e2(rows[f"e{n}"], rows[f"d{n}"]) for n in (1, 2, 3)], axis=1)
    unknown = np.array([-1], dtype=np.int64)
    columns = EstimateColumns(
        days=np.array([(reading.read_on - before_on).days if has_before else 0], dtype=np.int64),
        multiplier=rows["multiplier"],
        last_year_e2_per_day=daily_energy_e2(rows["year_e2"], rows["year_days"]),
        recent_e2_per_day=expect_daily_energy(recent),
        recent_last_year_e2_per_day=unknown,
        line_advance_e4=np.array([line_advance], dtype=np.int64),
        line_days=np.array([line_days], dtype=np.int64),
    )
    order = (codes[method],) if method else ORDER_INSIDE_GAP if following is not None else ORDER_AT_SETTLEMENT
    estimated = estimate_advance(columns, order)
    used = EstimateMethod(int(estimated.method[0]))
    if used is EstimateMethod.NONE:
        raise CannotEstimate(_("没有足够的历史示数可供估算，请更正示数或安排复抄。"))
    turn_e4 = 10_000 * 10 ** int(rows["digits"][0])
    return (before_e4 + int(estimated.advance_e4[0])) % turn_e4, used


def _keep_edit(
    doubt: ReadingDoubt, before_e4: int, after_e4: int, method: str, reason: str, edited_by_id: int, at: datetime
) -> None:
    ReadingEdit.objects.create(
        installation_id=doubt.installation_id,
        register=doubt.register,
        read_on=doubt.read_on,
        value_before_e4=before_e4,
        value_after_e4=after_e4,
        method=method,
        reason=reason.strip(),
        edited_by_id=edited_by_id,
        edited_at=at,
    )


def _resolve(
    doubt: ReadingDoubt, resolution: ReadingDoubt.Resolution, reason: str, resolved_by_id: int, at: datetime
) -> None:
    doubt.resolution = resolution
    doubt.reason = reason.strip()
    doubt.resolved_by_id = resolved_by_id
    doubt.resolved_at = at
    doubt.save(update_fields=["resolution", "reason", "resolved_by", "resolved_at"])
    publish_if_settled(doubt.account_id, doubt.cycle, doubt.read_on)


def _settle_sum(doubt: ReadingDoubt, resolved_by_id: int, at: datetime) -> None:
    """Accept the meter's other registers whose only doubt was the sum, when it comes out right now."""
    others = list(
        ReadingDoubt.objects.select_for_update()
        .filter(
            installation_id=doubt.installation_id,
            read_on=doubt.read_on,
            subject=ReadingDoubt.Subject.REGISTER,
            resolved_at=None,
            doubts=int(Doubt.REGISTERS_DISAGREE),
        )
        .order_by("pk")
    )
    if not others:
        return
    with connection.cursor() as cursor:
        rows = load(
            cursor,
            "installation_id = %(installation)s AND read_on = %(day)s",
            {"installation": doubt.installation_id, "day": doubt.read_on},
        )
    if (judge_by_limits(rows, Limits()).flags & np.uint32(Doubt.REGISTERS_DISAGREE)).any():
        return
    for other in others:
        _lock_and_accept(other, _("另一示数处理后，分时之和与总相符"), resolved_by_id, at)


def _lock_and_accept(doubt: ReadingDoubt, reason: str, resolved_by_id: int, at: datetime) -> None:
    reading = Reading.objects.select_for_update().get(
        installation_id=doubt.installation_id, register=doubt.register, read_on=doubt.read_on
    )
    _settle(reading, reading.value_e4, reading.source, at=at)
    _resolve(doubt, ReadingDoubt.Resolution.ACCEPTED, reason, resolved_by_id, at)
