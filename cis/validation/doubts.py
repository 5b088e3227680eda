"""Pure: the doubts validation can have about a reading or a curve, and what a person does about each."""

from dataclasses import dataclass
from enum import IntFlag

__all__ = ["Doubt", "DoubtText"]


class Doubt(IntFlag):
    """
    Bits of a uint32 column. Values are stored with readings: never renumber.

    The first sixteen have names here. A later check takes the next free bit in its own file, `Doubt(1 << 21)`.
    """

    NEGATIVE = 1 << 0
    ROLLOVER_IMPLAUSIBLE = 1 << 1
    ZERO = 1 << 2
    SUDDEN_RISE = 1 << 3
    SUDDEN_FALL = 1 << 4
    OVER_CAPACITY = 1 << 5
    AFTER_ESTIMATE_REFUND = 1 << 6
    REGISTERS_DISAGREE = 1 << 7
    OUT_OF_RANGE = 1 << 8
    OVERFLOW = 1 << 9
    DATES_OUT_OF_ORDER = 1 << 10
    MASTER_DATA = 1 << 11
    BACKWARD_ROLLOVER = 1 << 12
    CURVE_GAP = 1 << 13
    CURVE_FREEZE_DISAGREE = 1 << 14
    SLOT_OVER_CAPACITY = 1 << 15


@dataclass(frozen=True, slots=True)
class DoubtText:
    """What a doubt is called and what to do next; `code` is stable. `holds_bill`: no bill until a person decides."""

    code: str
    name_zh: str
    name_en: str
    next_zh: str
    next_en: str
    holds_bill: bool = True
    is_worked: bool = True
    """stands on the work list, whether or not it holds the bill"""
