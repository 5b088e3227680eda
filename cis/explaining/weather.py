"""
Pure: how much of what a customer uses is the weather's, from their own days or periods beside the temperatures.

A straight line in degree-days: the energy of a day = a base + so much per degree above the cooling base + so much per
degree below the heating base, by least squares in exact fractions. The line is as true of the means of a billed period
as of a day. A slope below zero is nobody's air conditioner and is left out. Only where enough is known and the line
explains enough of it is anything said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from operator import mul

__all__ = ["Bases", "NoBasis", "Response", "Use", "fit_response", "weather_energy_kwh_e2"]


class NoBasis(StrEnum):
    """Why nothing can be said of the weather's share."""

    NO_TEMPERATURES = "no-temperatures"
    """the temperature of too few of the days is known"""
    FEW_DAYS = "few-days"
    """too few whole days of the customer's curve, and too few bills"""
    NO_PATTERN = "no-pattern"
    """what is used does not follow the temperature"""


@dataclass(frozen=True, slots=True)
class Bases:
    """Above which mean of a day one cools and below which one heats, in 0.01 °C."""

    cool_above_c_e2: int
    heat_below_c_e2: int

    def degrees_e2(self, temperatures_c_e2: Sequence[int]) -> tuple[Fraction, Fraction]:
        """Degrees of cooling and of heating, in 0.01 °C, as the mean of some days; of no day at all, 0."""
        count = max(len(temperatures_c_e2), 1)
        return (
            Fraction(sum(max(one - self.cool_above_c_e2, 0) for one in temperatures_c_e2), count),
            Fraction(sum(max(self.heat_below_c_e2 - one, 0) for one in temperatures_c_e2), count),
        )


@dataclass(frozen=True, slots=True)
class Use:
    """What was used a day, in Wh, and the mean temperatures of those days in 0.01 °C: one day, or all of a period."""

    energy_wh: Fraction | int
    temperatures_c_e2: Sequence[int]


@dataclass(frozen=True, slots=True)
class Response:
    """What a degree of a day costs in Wh: above the cooling base, below the heating base; learned from how many."""

    cooling_wh_per_degree: int
    heating_wh_per_degree: int
    explained_permille: int
    """the share of the differences between days (or periods) that the line explains (R²)"""
    learned_from: int


def fit_response(uses: Sequence[Use], *, bases: Bases, least: int, least_permille: int) -> Response | NoBasis:
    """Fit the line to at least so many days or periods; `least_permille` is the least R² in thousandths."""
    if len(uses) < least:
        return NoBasis.FEW_DAYS
    energy = [Fraction(use.energy_wh) for use in uses]
    degrees = [bases.degrees_e2(use.temperatures_c_e2) for use in uses]
    cooling, heating = [one for one, _other in degrees], [other for _one, other in degrees]
    spread = _product(energy, energy)
    best: tuple[Fraction, Fraction, Fraction] | None = None
    for columns in ((cooling, heating), (cooling, None), (None, heating)):
        used = [column for column in columns if column is not None]
        against = [_product(column, energy) for column in used]
        slopes = _slopes(used, against)
        if slopes is None or not spread or any(slope <= 0 for slope in slopes):
            continue
        explained = sum(map(mul, slopes, against), Fraction(0)) / spread
        if best is None or explained > best[0]:
            first, last = slopes[0], slopes[-1]
            nothing = Fraction(0)
            best = (explained, first if columns[0] else nothing, last if columns[1] else nothing)
    if best is None or best[0] < Fraction(least_permille, 1000):
        return NoBasis.NO_PATTERN
    # A degree is a hundred of what the columns are in.
    return Response(round(best[1] * 100), round(best[2] * 100), int(best[0] * 1000), len(uses))


def weather_energy_kwh_e2(
    response: Response, *, before_c_e2: Sequence[int], now_c_e2: Sequence[int], days: int, bases: Bases
) -> int:
    """
    How much more the later period's weather made the customer use over its `days`, in 0.01 kWh.

    `before_c_e2` and `now_c_e2` are the temperatures of the known days of both periods.
    """
    (cooled, heated), (cools, heats) = bases.degrees_e2(before_c_e2), bases.degrees_e2(now_c_e2)
    a_day_wh_e2 = response.cooling_wh_per_degree * (cools - cooled) + response.heating_wh_per_degree * (heats - heated)
    return round(a_day_wh_e2 * days / 1000)


def _slopes(columns: list[list[Fraction]], against: list[Fraction]) -> list[Fraction] | None:
    """The slopes of a line with a base, one or two; None where the columns do not determine them."""
    if len(columns) == 1:
        spread = _product(columns[0], columns[0])
        return [against[0] / spread] if spread else None
    a, b, d = _product(columns[0], columns[0]), _product(columns[0], columns[1]), _product(columns[1], columns[1])
    determinant = a * d - b * b
    if not determinant:
        return None
    first, second = against
    return [(first * d - second * b) / determinant, (second * a - first * b) / determinant]


def _product(one: list[Fraction], other: list[Fraction]) -> Fraction:
    """How two columns move together: n times the sum of the products of what each is off its mean."""
    return len(one) * sum(map(mul, one, other), Fraction(0)) - sum(one) * sum(other)
