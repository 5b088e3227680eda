"""Pure: the fixed-point units of the house and the way to and from the decimals people write."""

from __future__ import annotations

from decimal import Decimal

# Prices are stored in 10^-8 yuan, register values in 10^-4 of a register unit, energy in 10^-2 kWh.
PRICE_SCALE = 10**8
REGISTER_SCALE = 10**4
ENERGY_SCALE = 10**2


def scaled(text: str, scale: int) -> int:
    """
    The exact whole number of a decimal text at this scale.

    :raises ValueError: it has more decimals than the scale holds
    """
    value = Decimal(text) * scale
    if not value.is_finite() or value != value.to_integral_value():
        raise ValueError(f"{text!r} does not fit a scale of {scale}")
    return int(value)


def unscaled(value: int, scale: int) -> Decimal:
    """The decimal that a stored whole number stands for."""
    return Decimal(value) / scale
