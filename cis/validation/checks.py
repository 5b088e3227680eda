"""Pure: checks of register readings, on columns."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cis.validation.entries import Found
from cis.validation.registry import REGISTER_CHECKS
from cis.validation.rules.rate_sum import check_rate_sum
from cis.validation.segments import AccountKind, ReadingColumns, Segment
from cis.validation.thresholds import Thresholds

__all__ = ["AccountKind", "Checked", "ReadingColumns", "check", "check_rate_sum"]

Int64Column = NDArray[np.int64]
BoolColumn = NDArray[np.bool_]
FlagColumn = NDArray[np.uint32]

BLOCK_ROWS = 32_768  # the working columns of one block stay in the processor's cache


@dataclass(frozen=True, slots=True)
class Checked:
    """Result per row, all columns (n,). A row is fit for billing when `flags & HOLDS_BILL == 0`."""

    flags: FlagColumn
    """bit mask of Doubt"""
    rolled_over: BoolColumn
    """the register turned over and `advance_e4` contains the full turn"""
    advance_e4: Int64Column
    """units advanced; negative when the value went back and it is no roll-over; 0 when OUT_OF_RANGE or MASTER_DATA"""
    energy_kwh_e2: Int64Column
    """advance x ratio rounded half-up (away from zero) to whole kWh, in 0.01 kWh; 0 when OVERFLOW"""


def check(columns: ReadingColumns, thresholds: Thresholds) -> Checked:
    """
    Return advance, energy and doubts of every reading; never raises on the content of a row.

    The checks are `REGISTER_CHECKS`, in their order; each says for itself what it looks at. Those that compare look
    at rows with known history only.
    """
    rows = len(columns)
    checked = Checked(
        np.zeros(rows, np.uint32), np.zeros(rows, np.bool_), np.zeros(rows, np.int64), np.zeros(rows, np.int64)
    )
    for start, stop in pairwise([*range(0, rows, BLOCK_ROWS), rows]):
        segment = Segment.of(columns.block(start, stop), thresholds)
        flags = checked.flags[start:stop]
        for one in REGISTER_CHECKS:
            if one.before_energy:
                add_found(flags, one.find(segment, thresholds))
        segment.measure()
        for one in REGISTER_CHECKS:
            if not one.before_energy:
                add_found(flags, one.find(segment, thresholds))
        checked.rolled_over[start:stop] = segment.rolled_over
        checked.advance_e4[start:stop] = segment.advance
        checked.energy_kwh_e2[start:stop] = segment.energy_e2
    return checked


def add_found(flags: FlagColumn, found: Found) -> None:
    """Set the bits of what was found, in place."""
    for doubt, where in found:
        flags |= where.astype(np.uint32) << np.uint32(int(doubt).bit_length() - 1)
