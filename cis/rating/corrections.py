"""Pure: what is asked back or given back beside the month's bill: wrong metering, breach of contract, theft.

Source: billing-rules.md 4.3 to 4.5 (供电营业规则 1996 art. 80, 81, 100 to 103; multiples and days are parameters:
the 2024 text was not at hand). Quantities and prices are exact fractions; each line is rounded half-up to the fen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

__all__ = [
    "CorrectionLine",
    "back_energy",
    "class_difference",
    "correction_by_rate",
    "energy_missed_by_error",
    "half_up_fen",
    "over_capacity",
    "theft",
]

THEFT_MULTIPLE = 3
CLASS_MULTIPLE = 2
OVER_CAPACITY_MULTIPLE = 3
SEALED_MULTIPLE = 2
OVER_YUAN_PER_KVA = 50
SEALED_YUAN_PER_KVA = 30
"""of customers without a basic charge, each time"""
UNKNOWN_DAYS = 180
"""days of theft when nobody can tell (1996 art. 103)"""
HOURS_A_DAY = {"power": 12, "lighting": 6}


@dataclass(frozen=True)
class CorrectionLine:
    """One line: quantity x unit price x factor = amount, rounded half-up."""

    code: str
    name: str
    quantity: Fraction
    unit: str
    unit_price: Fraction
    amount_fen: int
    factor: str = ""


def half_up_fen(yuan: Fraction) -> int:
    """Return yuan in fen, rounded half-up away from zero."""
    fen = abs(yuan) * 100
    rounded = (2 * fen.numerator + fen.denominator) // (2 * fen.denominator)
    return rounded if yuan >= 0 else -rounded


def line(
    code: str, name: str, quantity: Fraction, unit: str, price: Fraction, factor: Fraction | int = 1, shown: str = ""
) -> CorrectionLine:
    """Return a line with its amount."""
    return CorrectionLine(code, name, quantity, unit, price, half_up_fen(quantity * price * factor), shown)


def energy_missed_by_error(read_kwh: Fraction, error_pct: Fraction, share_of_period: Fraction) -> Fraction:
    """Return the kWh to bill afterwards (negative: to give back), in whole kWh.

    Zero error is the reference and the correction takes a share (half) of the time since the last check: a meter that
    is 10 % slow (-10) measured 90 % of what was used.
    """
    true = read_kwh / (1 + error_pct / 100)
    return _whole_kwh((true - read_kwh) * share_of_period)


def correction_by_rate(read_kwh: Fraction, correction_rate: Fraction) -> Fraction:
    """Return the kWh to bill afterwards: what was read x the rate of the difference (更正率), in whole kWh."""
    return _whole_kwh(read_kwh * correction_rate)


def back_energy(parts: Sequence[tuple[str, str, Fraction, Fraction]]) -> list[CorrectionLine]:
    """Return a line for each (code, name, kWh, yuan per kWh)."""
    return [line(code, name, kwh, "kWh", price) for code, name, kwh, price in parts]


def theft(
    kwh: Fraction,
    price: Fraction,
    multiple: int = THEFT_MULTIPLE,
    *,
    funds: Sequence[tuple[str, str, Fraction]] = (),
) -> list[CorrectionLine]:
    """Return the energy, the (code, name, price) of funds on it, and the penalty on their sum."""
    back = [
        line("THEFT_ENERGY", "补交电费", kwh, "kWh", price),
        *(line(code, name, kwh, "kWh", fund_price) for code, name, fund_price in funds),
    ]
    paid = Fraction(sum(one.amount_fen for one in back), 100)
    return [*back, line("THEFT_PENALTY", f"违约使用电费（{multiple}倍）", paid, "yuan", Fraction(multiple))]


def class_difference(difference: Fraction, *, multiple: int, on_unrounded: bool) -> list[CorrectionLine]:
    """Return the difference of an expensive load on a cheap line, and the penalty on it."""
    owed = line("CLASS_DIFF", "补收差额电费", difference, "yuan", Fraction(1))
    base = difference if on_unrounded else Fraction(owed.amount_fen, 100)
    return [owed, line("CLASS_PENALTY", f"违约使用电费（{multiple}倍）", base, "yuan", Fraction(multiple))]


def over_capacity(
    kva: Fraction, price: Fraction, months: Sequence[tuple[str, int]], *, multiple: int
) -> list[CorrectionLine]:
    """Return the basic charge of (month, thirtieths) afterwards and the penalty on its sum."""
    back = [
        line(
            "CAP_BACK", f"补交基本电费 {month}".rstrip(), kva, "kVA", price, Fraction(days, 30),
            "" if days == 30 else f"{days}/30",
        )
        for month, days in months
    ]  # fmt: skip
    owed = Fraction(sum(one.amount_fen for one in back), 100)
    return [*back, line("CAP_PENALTY", f"违约使用电费（{multiple}倍）", owed, "yuan", Fraction(multiple))]


def _whole_kwh(kwh: Fraction) -> Fraction:
    return Fraction(half_up_fen(kwh / 100))
