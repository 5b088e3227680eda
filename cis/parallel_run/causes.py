"""Pure: the classes of difference between two systems' bills."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["EQUAL_CAUSES", "Cause"]


class Cause(IntEnum):
    """Why two bills differ. Stored with every difference: never renumber, only add."""

    EQUAL = 0
    MISSING_THERE = 1
    MISSING_HERE = 2
    OTHER_PERIOD = 3
    OTHER_ENERGY = 4
    ROUNDING = 5
    """at most one fen a line"""
    OTHER_TIER = 6
    OTHER_PRICE = 7
    BASIC_CHARGE = 8
    POWER_FACTOR = 9
    FUNDS = 10
    UNKNOWN = 99
    """several differ that do not follow from each other, or the other system states too little to tell"""


EQUAL_CAUSES = (Cause.EQUAL, Cause.ROUNDING)
