"""Pure: a register only grows: what went back is a roll-over, a refund after an estimate, or a fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cis.validation.doubts import Doubt, DoubtText
from cis.validation.energy import INT64_MAX, whole_kwh_e2
from cis.validation.entries import Found, Parameter, RegisterCheck, Source

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cis.validation.segments import Segment
    from cis.validation.thresholds import Thresholds

__all__ = ["CHECK"]


def _find(segment: Segment, thresholds: Thresholds) -> Found:
    """
    Settle every advance below zero; `segment.advance` and `segment.rolled_over` are changed in place.

    Decided in this order (billing-rules.md section 0 step 1, 3.3):

    1. After an **estimated** reading it is a refund (AFTER_ESTIMATE_REFUND), never a roll-over. A refund larger than
       the limit of rule 3 is NEGATIVE too: no sane estimate was that much too high.
    2. When the previous value did not stand in the zone at the top of the register, it is NEGATIVE.
    3. Otherwise the advance is `10**digits - previous + current` and it is a roll-over when the energy is at most
       `max(3 x expected, floor)` and under capacity x time x 1.2. Unknown capacity drops the second condition.
       With unknown history the capacity alone decides; with both unknown the floor does.
    4. A rolled advance above that is ROLLOVER_IMPLAUSIBLE and stays a negative advance.

    An advance so large that it covers all but the zone is BACKWARD_ROLLOVER: the meter more likely ran backwards
    through zero.
    """
    went_back = np.flatnonzero(segment.advance < 0)
    if len(went_back):
        yield from _settle(segment, thresholds, went_back)
    zone_e4 = segment.turn_e4 // 1000 * thresholds.rollover_zone_permille
    yield Doubt.BACKWARD_ROLLOVER, segment.advance > segment.turn_e4 - zone_e4


def _settle(segment: Segment, thresholds: Thresholds, went_back: NDArray[np.intp]) -> Found:
    """The doubts of the rows whose value went back, by their indices (m,)."""
    columns = segment.columns
    turn, multiplier = segment.turn_e4[went_back], columns.multiplier[went_back]
    advance, estimated = segment.advance[went_back], columns.previous_estimated[went_back]
    has_capacity, capacity_e2 = segment.has_capacity[went_back], segment.capacity_e2[went_back]
    floor_e2 = thresholds.rollover_floor_kwh * 100
    by_history = np.maximum(segment.expected_e2[went_back] * thresholds.rollover_expected_times, floor_e2)
    without = np.where(has_capacity, capacity_e2, floor_e2)
    limit_e2 = np.where(segment.has_history[went_back], by_history, without)

    in_zone = columns.previous_e4[went_back] >= turn - turn // 1000 * thresholds.rollover_zone_permille
    rolled = advance + turn
    rolled_e2, rolled_overflow = whole_kwh_e2(rolled, multiplier)
    fits = rolled_e2 <= np.where(has_capacity, capacity_e2, INT64_MAX)
    plausible = ~rolled_overflow & (rolled_e2 <= limit_e2) & fits
    refund_e2, refund_overflow = whole_kwh_e2(-advance, multiplier)
    refund_too_big = refund_overflow | (refund_e2 > limit_e2)

    is_rollover = ~estimated & in_zone & plausible
    for doubt, found in (
        (Doubt.AFTER_ESTIMATE_REFUND, estimated),
        (Doubt.NEGATIVE, (estimated & refund_too_big) | (~estimated & ~in_zone)),
        (Doubt.ROLLOVER_IMPLAUSIBLE, ~estimated & in_zone & ~plausible),
    ):
        rows = np.zeros(len(segment), np.bool_)
        rows[went_back] = found
        yield doubt, rows
    segment.rolled_over[went_back] = is_rollover
    segment.advance[went_back] = np.where(is_rollover, rolled, advance)


CHECK = RegisterCheck(
    name="direction",
    looks_at_zh="示数只增不减",
    looks_at_en="a register only grows",
    doubts={
        Doubt.NEGATIVE: DoubtText(
            "negative",
            "示数倒走",
            "Reading below the previous one",
            "核对本次和上次示数；如已换表，请补录换表记录；否则安排现场复抄。",
            "Compare both readings. Enter the meter exchange if there was one, otherwise send someone to read again.",
        ),
        Doubt.ROLLOVER_IMPLAUSIBLE: DoubtText(
            "rollover-implausible",
            "疑似翻转但电量不合理",
            "Roll-over would give too much energy",
            "上次示数接近满量程，但按翻转计算的电量过大；请现场复抄并核对表位数。",
            "The value before was near the top, yet a roll-over gives too much. Read again and check the digits.",
        ),
        Doubt.AFTER_ESTIMATE_REFUND: DoubtText(
            "after-estimate-refund",
            "估抄后退电量",
            "Refund after an estimate",
            "上次为估抄且估高；差额在本次退还，一般无需处理。",
            "The previous reading was an estimate that was too high. The difference is paid back; nothing to do.",
            holds_bill=False,
            is_worked=False,
        ),
        Doubt.BACKWARD_ROLLOVER: DoubtText(
            "backward-rollover",
            "疑似倒转过零",
            "Register seems to have run back through zero",
            "电量几乎为满量程，可能反接或倒转；请现场检查接线。",
            "The advance is almost a full turn: the meter may be wired in reverse. Inspect the wiring.",
        ),
    },
    parameters=(
        Parameter(
            "rollover_zone_permille",
            50,
            0,
            500,
            "翻转前示数须在满量程顶部的此千分数内",
            "Share of the range, from the top, in which a roll-over begins (thousandths)",
            Source.OURS,
        ),
        Parameter(
            "rollover_expected_times",
            3,
            0,
            1000,
            "翻转电量至多为预期电量的倍数",
            "A roll-over is worth at most this many times the expected energy",
            Source.OURS,
        ),
        Parameter(
            "rollover_floor_kwh",
            1000,
            0,
            1000000000,
            "或至多为此电量，取大者",
            "or this much, whichever is more (kWh)",
            Source.OURS,
        ),
    ),
    find=_find,
    before_energy=True,
)
