"""Pure: settlements and bills in columns to the cause of each account's difference; exact integers, no loop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cis.market_settlement.causes import Cause

__all__ = ["Billed", "Settled", "classify", "difference_fen"]

Int = NDArray[np.int64]
Flag = NDArray[np.bool_]


@dataclass(frozen=True)
class Billed:
    """What accounts were billed for a month, (n,) each; as it stands corrected."""

    has_bill: Flag
    has_retail: Flag
    """whether a line of a retailer's purchase stands on it"""
    retailer: Int
    energy_kwh_e2: Int
    """of these lines"""
    fen: Int
    """of these lines"""
    lines: Int
    """how many of them"""
    is_provisional: Flag
    cleared_fen: Int
    """what clearings of the month asked (negative: gave back) since"""


@dataclass(frozen=True)
class Settled:
    """What the trading centre settled for the same accounts, (n,) each."""

    has: Flag
    retailer: Int
    energy_kwh_e2: Int
    fen: Int
    deviation_fen: Int
    """what of it is not energy"""


def difference_fen(billed: Billed, settled: Settled) -> Int:
    """(n,) what is still to be asked (negative: given back): settled less billed and cleared."""
    return settled.fen - billed.fen - billed.cleared_fen


def classify(billed: Billed, settled: Settled) -> NDArray[np.int16]:
    """(n,) the cause of each account's difference; the first that applies. Whose and how much come before the price."""
    left = difference_fen(billed, settled)
    was_cleared = billed.cleared_fen != 0
    return np.select(
        (
            ~settled.has & ~billed.has_retail,
            ~settled.has,
            ~billed.has_bill,
            ~billed.has_retail,
            billed.retailer != settled.retailer,
            billed.energy_kwh_e2 != settled.energy_kwh_e2,
            was_cleared & (left == 0),
            left == 0,
            np.abs(left) <= billed.lines,
            billed.is_provisional,
            (settled.deviation_fen != 0) & (np.abs(left - settled.deviation_fen) <= billed.lines),
        ),
        (
            Cause.EQUAL,
            Cause.MISSING_THERE,
            Cause.NOT_BILLED,
            Cause.NO_AGREEMENT,
            Cause.OTHER_RETAILER,
            Cause.OTHER_ENERGY,
            Cause.CLEARED,
            Cause.EQUAL,
            Cause.ROUNDING,
            Cause.PROVISIONAL,
            Cause.DEVIATION,
        ),
        Cause.OTHER_PRICE,
    ).astype(np.int16)
