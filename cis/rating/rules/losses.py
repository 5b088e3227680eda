"""Pure: losses of transformer and line that belong to the customer because the meter stands behind them (高供低计).

Source: billing-rules.md 2.6: loss enters demand, energy and power factor; by table a month, pro-rated by days, or by
formula; line loss is a share of what was read and the transformer's loss. Energy in 0.01 kWh (or kvarh), int64.
"""

from fractions import Fraction

import numpy as np

from cis.rating.columns import Int64Column

__all__ = ["add_losses", "formula_loss_e2", "in_use_loss_e2", "line_loss_e2", "table_loss_e2"]

MONTH_DAYS = 30


def table_loss_e2(monthly_e2: Int64Column, days: Int64Column, *, whole: bool = True) -> Int64Column:
    """Return a month's loss for the days in use (30 = the month; sealed days carry none), rounded half-up."""
    return _rounded(monthly_e2 * np.minimum(days, MONTH_DAYS), MONTH_DAYS, whole=whole)


def formula_loss_e2(
    iron_w: Int64Column, hours: Int64Column, coefficient_e6: Int64Column, read_e2: Int64Column, *, whole: bool = True
) -> Int64Column:
    """Return iron loss x hours + coefficient x what was read; `iron_w` in watts (var), coefficient in 1e-6."""
    # 1 W x 1 h = 0.1 of 0.01 kWh: both parts in 1e-6 of 0.01 kWh.
    return _rounded(iron_w * hours * 100_000 + coefficient_e6 * read_e2, 1_000_000, whole=whole)


def in_use_loss_e2(
    *,
    month_e2: int,
    months: Fraction,
    iron_w: int,
    hours: Fraction,
    coefficient_e6: int,
    read_e2: int,
    whole: bool = True,
) -> int:
    """Return a transformer's loss for what of it was in use: sealed days, and what of it is sealed, carry none.

    By table (`month_e2` for so many months) and by formula (iron loss for so many hours, and its share of what was
    read); what does not apply is nought. Rounded half-up once.
    """
    # 1 W x 1 h = 0.1 of 0.01 kWh.
    lost = month_e2 * months + Fraction(iron_w, 10) * hours + Fraction(coefficient_e6 * read_e2, 1_000_000)
    unit = 100 if whole else 1
    return (2 * lost.numerator + lost.denominator * unit) // (2 * lost.denominator * unit) * unit


def line_loss_e2(base_e2: Int64Column, line_loss_e6: Int64Column, *, whole: bool = True) -> Int64Column:
    """Return the share (1e-6) of what was read and the transformer lost."""
    return _rounded(base_e2 * line_loss_e6, 1_000_000, whole=whole)


def add_losses(energy_e2: Int64Column, loss_e2: Int64Column, flat: int, *, proportional: bool) -> Int64Column:
    """Return (n, r) energy with each row's loss: all of it in column `flat`, or spread as the energy is.

    Spread losses are whole kWh wherever the energy is; they add up to the loss exactly.
    """
    billed = energy_e2.copy()
    if not proportional or energy_e2.shape[1] == 1:
        billed[:, flat] += loss_e2
        return billed
    billed += spread(loss_e2, energy_e2, flat)
    return billed


def spread(amount_e2: Int64Column, weights: Int64Column, rest: int) -> Int64Column:
    """Return (n, r) parts of each row's amount in proportion to the weights; they add up to it exactly.

    Parts are whole kWh if the amount is; a row without weights has all in column `rest`.
    """
    total = weights.sum(axis=1)
    unit = np.where(amount_e2 % 100 == 0, 100, 1)
    units = amount_e2 // unit
    up_to = np.cumsum(weights, axis=1)
    known = np.maximum(total, 1)[:, np.newaxis]
    # Exact for any register: Python's integers where the product would not fit.
    wide = int(units.max(initial=0)) * int(up_to.max(initial=0)) * 2 > np.iinfo(np.int64).max
    product = (units.astype(object) if wide else units)[:, np.newaxis] * up_to
    reached = np.asarray((2 * product + known) // (2 * known), dtype=np.int64)
    parts = np.diff(reached, axis=1, prepend=0) * unit[:, np.newaxis]
    parts[total == 0] = 0
    parts[total == 0, rest] = amount_e2[total == 0]
    return np.asarray(parts, dtype=np.int64)


def _rounded(value: Int64Column, divisor: int, *, whole: bool) -> Int64Column:
    """Divide, half-up to 0.01 kWh or to whole kWh; values are not negative."""
    unit = 100 if whole else 1
    return (value + divisor * unit // 2) // (divisor * unit) * unit
