"""Pure: the registers of a meter and their arithmetic, from two register values to billed energy.

Source: billing-rules.md section 0, steps 1 to 3. Register values are int64 in 1e-4 of a register unit (`_e4`), so that
a ratio of 110000 keeps its 11 kWh; energy is int64 in 0.01 kWh (`_kwh_e2`).
"""

from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["PERIOD_REGISTERS", "REGISTER_NAMES", "Register", "advance", "energy_kwh_e2", "flat_from_total"]

INT64_MAX = int(np.iinfo(np.int64).max)


class Register(IntEnum):
    """A register of a meter. Codes are stored with readings and curves: never renumber, only add."""

    TOTAL = 1
    SHARP = 2
    PEAK = 3
    FLAT = 4
    VALLEY = 5
    DEEP_VALLEY = 6
    EXPORT_TOTAL = 11
    EXPORT_SHARP = 12
    EXPORT_PEAK = 13
    EXPORT_FLAT = 14
    EXPORT_VALLEY = 15
    EXPORT_DEEP_VALLEY = 16
    REACTIVE_IMPORT = 21
    REACTIVE_EXPORT = 22
    DEMAND = 31


PERIOD_REGISTERS: tuple[Register, ...] = (
    Register.SHARP,
    Register.PEAK,
    Register.FLAT,
    Register.VALLEY,
    Register.DEEP_VALLEY,
)
"""The time-of-use import registers, in the order in which their lines stand on a bill."""

REGISTER_NAMES: dict[Register, tuple[str, str]] = {
    Register.TOTAL: ("总", "total"),
    Register.SHARP: ("尖峰", "sharp"),
    Register.PEAK: ("高峰", "peak"),
    Register.FLAT: ("平段", "flat"),
    Register.VALLEY: ("低谷", "valley"),
    Register.DEEP_VALLEY: ("深谷", "deep valley"),
    Register.EXPORT_TOTAL: ("反向总（上网）", "export total"),
    Register.EXPORT_SHARP: ("反向尖峰", "export sharp"),
    Register.EXPORT_PEAK: ("反向高峰", "export peak"),
    Register.EXPORT_FLAT: ("反向平段", "export flat"),
    Register.EXPORT_VALLEY: ("反向低谷", "export valley"),
    Register.EXPORT_DEEP_VALLEY: ("反向深谷", "export deep valley"),
    Register.REACTIVE_IMPORT: ("正向无功", "reactive import"),
    Register.REACTIVE_EXPORT: ("反向无功", "reactive export"),
    Register.DEMAND: ("最大需量", "maximum demand"),
}
"""Register to (Chinese, English) name."""


def advance(
    previous_e4: ArrayLike, current_e4: ArrayLike, digits: ArrayLike, rolled_over: ArrayLike
) -> NDArray[np.int64]:
    """Return current minus previous, plus one full turn (10**digits) where the register rolled over.

    All arguments broadcast to (n,). `previous_e4`, `current_e4`: register values in 1e-4 of a unit. `digits`: whole
    digits of the register, 1 to 12. `rolled_over`: bool, decided by validation after a plausibility check; it matters
    only where the current value is below the previous one. A negative advance that is not a roll-over (an estimate
    that was too high) stays negative. Raises ValueError on digits out of range.
    """
    previous = np.asarray(previous_e4, dtype=np.int64)
    current = np.asarray(current_e4, dtype=np.int64)
    places = np.asarray(digits, dtype=np.int64)
    if ((places < 1) | (places > 12)).any():
        raise ValueError("digits must be 1 to 12")
    difference = current - previous
    turned = np.asarray(rolled_over, dtype=np.bool_) & (difference < 0)
    return np.asarray(difference + np.where(turned, 10_000 * 10**places, 0), dtype=np.int64)


def energy_kwh_e2(advance_e4: ArrayLike, multiplier: ArrayLike, whole_kwh: bool = True) -> NDArray[np.int64]:
    """Return advance x combined ratio in 0.01 kWh, rounded half-up (away from zero) once per register and segment.

    `advance_e4` (n,) in 1e-4 of a register unit, `multiplier` (n,) the combined ratio CT x PT, a positive integer.
    Rounds to whole kWh, or to 0.01 kWh with `whole_kwh=False` for tariffs that say so. A product beyond int64 comes
    back as the largest int64, which `rate` refuses as OVERFLOW. Raises ValueError on a ratio below 1.
    """
    advances, ratios = np.broadcast_arrays(
        np.asarray(advance_e4, dtype=np.int64), np.asarray(multiplier, dtype=np.int64)
    )
    if (ratios < 1).any():
        raise ValueError("multiplier must be at least 1")
    unit, scale = (10_000, 100) if whole_kwh else (100, 1)
    limit = (INT64_MAX - unit) // ratios
    too_big = (advances > limit) | (advances < -limit)
    product = np.where(too_big, 0, advances) * ratios
    rounded = (product + unit // 2 - (product < 0)) // unit * scale
    return np.asarray(np.where(too_big, INT64_MAX, rounded), dtype=np.int64)


def flat_from_total(
    total: ArrayLike, sharp: ArrayLike, peak: ArrayLike, valley: ArrayLike, deep_valley: ArrayLike
) -> NDArray[np.int64]:
    """Return flat = total - sharp - peak - valley - deep valley, (n,) in the unit of the arguments.

    For meters whose time-of-use registers do not add up to the total register. A negative result means that the
    readings are wrong; `rate` refuses it as NEGATIVE_ENERGY.
    """
    rest = np.asarray(total, dtype=np.int64)
    for named in (sharp, peak, valley, deep_valley):
        rest = rest - np.asarray(named, dtype=np.int64)
    return np.asarray(rest, dtype=np.int64)
