"""Pure: the two ways in which rating says no: a whole tariff that cannot be priced, and one row that is refused."""

from enum import IntEnum

__all__ = ["CannotPrice", "Refusal"]


class CannotPrice(Exception):
    """A tariff, a window set or a whole call cannot be priced.

    `code` is stable and meant for programs (`unknown_kind`, `bounds_unknown`, `register_missing`, ...); `detail` names
    the field and says what was found, for the person who mends the tariff. Nothing is ever priced at zero instead.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)  # both, so that it survives pickling between workers
        self.code = code
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


class Refusal(IntEnum):
    """Why one row of a call got no lines. Stored with the exception of the account, so numbers never change."""

    NONE = 0
    NEGATIVE_ENERGY = 1
    OVERFLOW = 2
    INVALID_DETERMINANT = 3
    """people, months, tier_months or tier_kwh_e2_before outside its range"""
    REGISTERS_DISAGREE = 4
    """the time-of-use registers do not add up to the total register (mend with `flat_from_total` first)"""
    UNPRICED_REGISTER = 5
    """energy stands in a time-of-use register for which the tariff has no price"""
    UNPRICED_MODE = 6
    """the tariff has no price for the way in which the account pays its basic charge, or the account has none"""
    UNKNOWN_STANDARD = 7
    """a power-factor standard that the table does not have"""
