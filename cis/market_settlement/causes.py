"""Pure: the classes of difference between a settlement and the bills of its month, and whose each is."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["CLEARABLE", "CLOSED_CAUSES", "OWNERS", "Cause"]


class Cause(IntEnum):
    """Why an account's settlement and bills differ. Stored with every difference: never renumber, only add."""

    EQUAL = 0
    ROUNDING = 1
    """at most one fen a line of the bills"""
    CLEARED = 2
    """equal with what was cleared before"""
    MISSING_THERE = 3
    """billed as a retailer's customer, and the file does not have it"""
    NOT_BILLED = 4
    """settled, and no bill of the month yet"""
    NO_AGREEMENT = 5
    """settled, and billed as the utility's own purchase"""
    OTHER_RETAILER = 6
    OTHER_ENERGY = 7
    PROVISIONAL = 8
    """the package's price is known only with the settlement"""
    DEVIATION = 9
    """the energy costs the same, the deviation was not billed"""
    OTHER_PRICE = 10


CLOSED_CAUSES = (Cause.EQUAL, Cause.ROUNDING, Cause.CLEARED)
"""Nothing is left to do."""

CLEARABLE = (Cause.PROVISIONAL, Cause.DEVIATION, Cause.OTHER_PRICE)
"""Only the money differs: it is asked or given back on the account's next bill."""

OWNERS: dict[Cause, str] = {
    Cause.MISSING_THERE: "key-account-manager",
    Cause.NOT_BILLED: "accountant",
    Cause.NO_AGREEMENT: "key-account-manager",
    Cause.OTHER_RETAILER: "key-account-manager",
    Cause.OTHER_ENERGY: "reading-auditor",
    Cause.PROVISIONAL: "accountant",
    Cause.DEVIATION: "accountant",
    Cause.OTHER_PRICE: "accountant",
}
"""Cause to the code of the role that looks at it."""
