"""Pure: one connection, several prices: sub-meters, fixed quantities (定量) and fixed ratios (定比).

Source: billing-rules.md 2.7: in that order; a main meter below its sub-meters is an exception and never negative; a
ratio gives whole kWh. Energy in 0.01 kWh, int64; (n, r) columns by register.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cis.rating.columns import Int64Column
from cis.rating.rules.losses import spread

__all__ = ["Split", "take_fixed", "take_ratio", "take_sub_meters"]


@dataclass(frozen=True)
class Split:
    """What is left for the main price, (n, r), what the other price gets, (n,), and the rows where it does not fit."""

    rest_e2: Int64Column
    taken_e2: Int64Column
    too_small: NDArray[np.bool_]


def take_sub_meters(main_e2: Int64Column, sub_e2: Int64Column, flat: int, *, proportional: bool) -> Split:
    """Take sub-meters off the main meter.

    `sub_e2` is (n, r) with the main meter's registers, or (n, 1) without periods: then it is taken in proportion, or
    from column `flat`.
    """
    taken = sub_e2.sum(axis=1)
    if sub_e2.shape[1] == main_e2.shape[1]:
        return _split(main_e2, sub_e2)
    return _take(main_e2, taken, flat, proportional=proportional)


def take_fixed(main_e2: Int64Column, fixed_e2: Int64Column, flat: int, *, proportional: bool = True) -> Split:
    """Take an agreed quantity (n,)."""
    return _take(main_e2, fixed_e2, flat, proportional=proportional)


def take_ratio(
    main_e2: Int64Column, base_e2: Int64Column, ratio_e6: Int64Column, flat: int, *, proportional: bool = True
) -> Split:
    """Take an agreed share (1e-6) of `base_e2` (n,), rounded half-up to whole kWh."""
    whole = (base_e2 // 100 * ratio_e6 + 500_000) // 1_000_000 * 100
    return _take(main_e2, whole, flat, proportional=proportional)


def _take(main_e2: Int64Column, taken_e2: Int64Column, flat: int, *, proportional: bool) -> Split:
    if proportional:
        return _split(main_e2, spread(taken_e2, main_e2, flat))
    by_register = np.zeros_like(main_e2)
    by_register[:, flat] = taken_e2
    return _split(main_e2, by_register)


def _split(main_e2: Int64Column, by_register: Int64Column) -> Split:
    rest = main_e2 - by_register
    return Split(rest, by_register.sum(axis=1), np.asarray((rest < 0).any(axis=1)))
