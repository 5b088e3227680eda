"""
Pure: every check of readings, in the order in which they run.

A new check is a file in `cis.validation.rules` and a line here: its doubts, its words and its parameters come with it.
The order is that of billing-rules.md 3.6: time, register, rates, capacity, curve and freeze, history.
"""

from cis.validation.doubts import Doubt, DoubtText
from cis.validation.entries import Check, CurveCheck, GroupCheck, LevelCheck, Parameter, RegisterCheck
from cis.validation.rules import (
    capacity,
    change,
    dates,
    direction,
    flat_line,
    freeze,
    gap,
    lasting_drop,
    overflow,
    phase_lost,
    rate_sum,
    record,
    reversed_wiring,
    slots,
    spike,
    standstill,
    zero,
)

__all__ = [
    "CHECKS",
    "CURVE_CHECKS",
    "DOUBTS",
    "GROUP_CHECKS",
    "HOLDS_BILL",
    "LEVEL_CHECKS",
    "PARAMETERS",
    "REGISTER_CHECKS",
    "doubts_in",
]

CHECKS: tuple[Check, ...] = (
    record.CHECK,
    dates.CHECK,
    direction.CHECK,
    overflow.CHECK,
    rate_sum.CHECK,
    capacity.CHECK,
    change.CHECK,
    zero.CHECK,
    reversed_wiring.CHECK,
    slots.CHECK,
    gap.CHECK,
    freeze.CHECK,
    spike.CHECK,
    flat_line.CHECK,
    standstill.CHECK,
    phase_lost.CHECK,
    lasting_drop.CHECK,
)

REGISTER_CHECKS = tuple(check for check in CHECKS if isinstance(check, RegisterCheck))
GROUP_CHECKS = tuple(check for check in CHECKS if isinstance(check, GroupCheck))
CURVE_CHECKS = tuple(check for check in CHECKS if isinstance(check, CurveCheck))
LEVEL_CHECKS = tuple(check for check in CHECKS if isinstance(check, LevelCheck))

DOUBTS: dict[Doubt, DoubtText] = {
    doubt: text for check in CHECKS for doubt, text in sorted(check.doubts.items(), key=lambda item: int(item[0]))
}
"""Every doubt, with its stable code, its name and what to do next in Chinese and English."""

PARAMETERS: dict[str, Parameter] = {parameter.name: parameter for check in CHECKS for parameter in check.parameters}
"""Every number that a check goes by."""

HOLDS_BILL = Doubt(sum(doubt for doubt, text in DOUBTS.items() if text.holds_bill))
"""Mask of the doubts that keep a reading from being billed until a person decides."""


def doubts_in(flags: int) -> tuple[Doubt, ...]:
    """Return the single doubts that a bit mask holds, lowest bit first. Raises ValueError on bits nobody defined."""
    known = sum(DOUBTS)
    if flags < 0 or flags & ~known:
        raise ValueError(f"flags must be bits of {known:#x}, not {flags:#x}")
    return tuple(doubt for doubt in sorted(DOUBTS) if flags & doubt)
