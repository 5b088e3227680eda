"""Pure: power factors and what they change: the published table, who falls under which standard, and the factor itself.

Source: (83)水电财字第215号 功率因数调整电费办法; billing-rules.md 2.8. A power factor is kept in hundredths (`_e2`).
"""

from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cis.rating.columns import Int64Column

__all__ = ["STANDARDS_E2", "TABLES", "PowerFactorTable", "power_factor_e2", "standard_e2"]


@dataclass(frozen=True)
class PowerFactorTable:
    """Per standard (hundredths): 101 adjustments in 1e-8 of the base, by power factor in hundredths."""

    document: str
    rates_e8: dict[int, NDArray[np.int64]]


def _rates(
    standard: int, rewards: tuple[tuple[int, int], ...], penalties: tuple[tuple[int, int], ...]
) -> NDArray[np.int64]:
    """The adjustments by hundredths, in 1e-8 of the base.

    `rewards` are (up to this power factor, 1e-4 off for each hundredth); the last repeats without growing. `penalties`
    are (down to this power factor, 1e-4 on for each hundredth).
    """
    rates = np.zeros(101, dtype=np.int64)
    value, at = 0, standard
    for last, step in rewards:
        while at < last:
            at, value = at + 1, value - step
            rates[at] = value
    rates[at:] = value
    value, at = 0, standard
    for last, step in penalties:
        while at > last:
            at, value = at - 1, value + step
            rates[at] = value
    return rates * 10_000


TABLES: dict[str, PowerFactorTable] = {
    "1983-215": PowerFactorTable(
        "（83）水电财字第215号",
        {
            90: _rates(90, ((95, 15),), ((70, 50), (65, 100), (0, 200))),
            85: _rates(85, ((90, 10), (94, 15)), ((65, 50), (60, 100), (0, 200))),
            80: _rates(80, ((90, 10), (92, 15)), ((60, 50), (55, 100), (0, 200))),
        },
    )
}
"""Every published table, by name."""

STANDARDS_E2 = tuple(sorted({standard for table in TABLES.values() for standard in table.rates_e8}))
"""Every standard a table knows, hundredths."""


def power_factor_e2(active: Int64Column, reactive: Int64Column) -> Int64Column:
    """Return P / sqrt(P² + Q²) in hundredths, rounded half-up exactly; -1 where there is no active energy.

    `active` and `reactive` (n,) in the same unit, not negative. `reactive` is |forward| + |reverse|.
    """
    factor = np.full(active.shape, -1, dtype=np.int64)
    known = active > 0
    ratio = active[known] / np.hypot(active[known].astype(np.float64), reactive[known].astype(np.float64))
    # Floating point decides all but the rows within a hair of a half; those are decided in whole numbers.
    scaled = ratio * 100
    rounded = np.floor(scaled + 0.5).astype(np.int64)
    for at in np.flatnonzero(np.abs(scaled - np.floor(scaled) - 0.5) < 1e-6).tolist():
        rounded[at] = _exact(int(active[known][at]), int(reactive[known][at]))
    factor[known] = rounded
    return factor


def _exact(active: int, reactive: int) -> int:
    """The factor in hundredths: the largest h with (h - 1/2) / 100 <= P / S, by comparing squares."""
    squares = active * active + reactive * reactive
    # P / S >= (2h - 1) / 200  <=>  200 P >= (2h - 1) S  <=>  40000 P² >= (2h - 1)² S²
    odd = isqrt(40_000 * active * active // squares)
    return (odd + 1) // 2


Supply = Literal["industry", "commercial", "agriculture", "irrigation", "wholesale", "residential"]


def standard_e2(
    supply: Supply, capacity_kva: Fraction | int, *, is_high_voltage: bool, has_tap_changer: bool = False
) -> int:
    """Return the standard that applies in hundredths, 0 where none does.

    0.90: industry on high voltage above 160 kVA, high-voltage customers with on-load tap changers, high-voltage
    irrigation from 3200 kVA. 0.85: other industry, commerce and irrigation from 100 kVA. 0.80: agriculture and
    wholesale from 100 kVA. Source: billing-rules.md 2.8 (one copy of the paper reads "160 and above"; `> 160` here).
    """
    if supply == "residential":
        return 0
    if is_high_voltage and (
        has_tap_changer
        or (supply == "industry" and capacity_kva > 160)
        or (supply == "irrigation" and capacity_kva >= 3200)
    ):
        return 90
    if capacity_kva < 100:
        return 0
    return 80 if supply in ("agriculture", "wholesale") else 85
