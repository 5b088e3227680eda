"""
Clean readings of a small population over two years, and the ways in which readings go wrong.

The population is the demonstration's: standard profiles, weather, holidays, noise by account, day and quarter-hour.
Faults have the sizes of the field: wrong digits, wrong units, wrong ratios, lost telegrams, dead meters, lost phases.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cis.demo.profiles import ARCHETYPES, annual_kwh_of, curves_wh, shapes_of
from cis.demo.weather import weather_of

FIRST, DAYS = date(2024, 1, 1), 731
YEAR = slice(366, 731)
RATES = np.repeat([0, 1, 2, 1, 3, 1, 0], [32, 12, 16, 12, 8, 12, 4])
"""which of four rate registers each quarter-hour of a day runs on"""

Int = NDArray[np.int64]
Generator = np.random.Generator


@dataclass(frozen=True)
class Population:
    """(n,) accounts, (n, days, 96) of energy in Wh, and what their meters showed at each midnight."""

    wh: Int
    kind: Int
    capacity_kva: Int
    multiplier: Int

    @property
    def daily_wh(self) -> Int:
        """(n, days)"""
        return np.asarray(self.wh.sum(axis=2))

    def shown_e4(self, wh: Int) -> Int:
        """(n, days) of energy to (n, days + 1) of register values, cut to two decimals, in 1e-4 of a unit."""
        so_far = np.concatenate([np.zeros((len(wh), 1), np.int64), np.cumsum(wh, axis=1)], axis=1)
        return so_far * 10 // self.multiplier[:, None] // 100 * 100 + 500_0000


def clean_population(seed: int, each: int) -> Population:
    """So many accounts of each archetype; transformers and capacities as the demonstration plans them."""
    rng = np.random.default_rng(seed)
    days = [FIRST + timedelta(days=number) for number in range(DAYS)]
    weather = weather_of(days, rng)
    wh, kind, capacity, ratio = [], [], [], []
    for number, (code, archetype) in enumerate(ARCHETYPES.items()):
        annual = np.clip(annual_kwh_of(archetype, each, rng), 400, 1_500_000)
        wh.append(curves_wh(archetype, shapes_of(archetype, days, weather, YEAR), annual, rng))
        works, home = code.endswith("shift"), code in ("flat", "flat-evening", "village-home", "farm")
        for one in annual.tolist():
            kva = 8 if home else max(round(one / 8760 / (0.3 if works else 0.12) / 5) * 5, 15)
            kind.append(number)
            capacity.append(kva)
            ratio.append(1 if kva < 30 else next((r for r in (10, 20, 30, 40) if kva <= r * 3.3), 60))
    return Population(np.concatenate(wh).astype(np.int64), np.array(kind), np.array(capacity), np.array(ratio))


# --- Curves ----------------------------------------------------------------------------------


@dataclass
class CurveDays:
    """Account-days (m,) with what was collected, what the register advanced, and what can be known of them."""

    wh: Int
    present: NDArray[np.bool_]
    freeze_wh: Int
    capacity_kva: Int
    multiplier: Int


def _run(rng: Generator, row: int, shortest: int, longest: int) -> tuple[int, slice]:
    length = int(rng.integers(shortest, longest + 1))
    start = int(rng.integers(0, 96 - length + 1))
    return row, slice(start, start + length)


def lose_slots(days: CurveDays, rng: Generator) -> None:
    """From one quarter-hour to a whole day that was not collected."""
    for row in range(len(days.wh)):
        days.present[_run(rng, row, 1, 96)] = False


def make_negative(days: CurveDays, rng: Generator) -> None:
    """A quarter-hour with its sign turned round."""
    slot = days.wh.argmax(axis=1)
    days.wh[np.arange(len(days.wh)), slot] *= -1


def make_spike(days: CurveDays, rng: Generator) -> None:
    """A quarter-hour at 5 to 200 times the day's highest."""
    peak = days.wh.max(axis=1) * np.exp(rng.uniform(np.log(5), np.log(200), len(days.wh)))
    days.wh[np.arange(len(days.wh)), rng.integers(0, 96, len(days.wh))] = peak.astype(np.int64)


def repeat_value(days: CurveDays, rng: Generator) -> None:
    """The terminal repeats the day's highest value for 4 to 24 hours."""
    for row in range(len(days.wh)):
        days.wh[_run(rng, row, 16, 96)] = days.wh[row].max()


def stand_still(days: CurveDays, rng: Generator) -> None:
    """The meter stops for 6 to 24 hours, and its register with it."""
    for row in range(len(days.wh)):
        where = _run(rng, row, 24, 96)
        days.freeze_wh[row] -= days.wh[where].sum()
        days.wh[where] = 0


def wrong_unit(days: CurveDays, rng: Generator) -> None:
    """kWh taken for Wh, or Wh for kWh."""
    larger = rng.random(len(days.wh)) < 0.5
    days.wh = np.where(larger[:, None], days.wh * 1000, days.wh // 1000)


def ratio_forgotten(days: CurveDays, rng: Generator) -> None:
    """The curve came without the transformers' ratio, or with that of another customer."""
    other = np.where(days.multiplier > 1, days.multiplier, rng.choice([10, 20, 30, 40], len(days.wh)))
    forgotten = (days.multiplier > 1)[:, None]
    days.wh = np.where(forgotten, days.wh // other[:, None], days.wh * other[:, None])


def wrong_interval(days: CurveDays, rng: Generator) -> None:
    """Half-hours in the place of quarter-hours: half the day is empty, or every value is there twice."""
    halves = days.wh[:, ::2] + days.wh[:, 1::2]
    twice = rng.random(len(days.wh)) < 0.5
    days.wh = np.where(twice[:, None], np.repeat(halves, 2, axis=1), np.concatenate([halves, halves * 0], axis=1))
    days.present &= twice[:, None] | (np.arange(96) < 48)


CURVE_FAULTS: dict[str, tuple[Callable[[CurveDays, Generator], None], tuple[str, ...]]] = {
    "slots missing": (lose_slots, ("curve-gap",)),
    "negative slot": (make_negative, ("negative",)),
    "spike": (make_spike, ("spike", "slot-over-capacity", "curve-freeze-disagree")),
    "value repeated": (repeat_value, ("flat-line", "curve-freeze-disagree")),
    "meter stands still": (stand_still, ("standstill",)),
    "unit": (wrong_unit, ("curve-freeze-disagree",)),
    "ratio": (ratio_forgotten, ("curve-freeze-disagree",)),
    "interval": (wrong_interval, ("curve-gap", "curve-freeze-disagree")),
}
"""Each with the doubts any of which counts as found"""


# --- Registers -------------------------------------------------------------------------------


@dataclass
class Freezes:
    """Account-days (m,): two daily freezes of the total and of four rates (m, 4), 1e-4 of a unit."""

    before_e4: Int
    after_e4: Int
    rates_before_e4: Int
    rates_after_e4: Int
    days: Int
    multiplier: Int
    digits: int = 6


def go_back(one: Freezes, rng: Generator) -> None:
    """A digit too low: the total lies 1 to 400 units under the one before."""
    one.after_e4 = one.before_e4 - rng.integers(1, 401, len(one.days)) * 10_000


def digit_too_high(one: Freezes, rng: Generator) -> None:
    """One of the fourth to sixth digits read too high."""
    one.after_e4 = one.after_e4 + rng.integers(1, 8, len(one.days)) * 10 ** rng.integers(3, 6, len(one.days)) * 10_000


def unit_of_register(one: Freezes, rng: Generator) -> None:
    """The value came in Wh."""
    one.after_e4 = one.after_e4 * 1000


def ratio_twice(one: Freezes, rng: Generator) -> None:
    """The value came with the transformers' ratio in it already; those without one got another's."""
    one.after_e4 = one.after_e4 * np.where(one.multiplier > 1, one.multiplier, rng.choice([10, 20, 40], len(one.days)))


def rate_off(one: Freezes, rng: Generator) -> None:
    """One rate register off by 0.1 to 50 units."""
    off = np.exp(rng.uniform(np.log(1000), np.log(500_000), len(one.days))).astype(np.int64)
    one.rates_after_e4[np.arange(len(off)), rng.integers(0, 4, len(off))] += off


def register_stands(one: Freezes, rng: Generator) -> None:
    """No register moved."""
    one.after_e4, one.rates_after_e4 = one.before_e4.copy(), one.rates_before_e4.copy()


def date_wrong(one: Freezes, rng: Generator) -> None:
    """The day lies before the one of the reading before, or is the same."""
    one.days = -rng.integers(0, 400, len(one.days))


def beyond_digits(one: Freezes, rng: Generator) -> None:
    """A value that the register cannot show."""
    one.after_e4 = one.after_e4 + 10**one.digits * 10_000 * rng.integers(1, 9, len(one.days))


REGISTER_FAULTS: dict[str, tuple[Callable[[Freezes, Generator], None], tuple[str, ...]]] = {
    "value went back": (go_back, ("negative", "rollover-implausible")),
    "digit too high": (digit_too_high, ("over-capacity", "out-of-range", "sudden-rise", "backward-rollover")),
    "Wh for kWh": (unit_of_register, ("over-capacity", "out-of-range", "sudden-rise", "backward-rollover")),
    "ratio twice": (ratio_twice, ("over-capacity", "out-of-range", "sudden-rise", "backward-rollover")),
    "rate off": (rate_off, ("registers-disagree",)),
    "register stands": (register_stands, ("zero",)),
    "date": (date_wrong, ("dates-out-of-order",)),
    "beyond the digits": (beyond_digits, ("out-of-range",)),
}


def pick(rng: Generator, count: int, where: NDArray[np.bool_]) -> tuple[Any, Any]:
    """So many account-days of those where it is True, each at most once."""
    rows, days = np.nonzero(where)
    chosen = rng.choice(len(rows), count, replace=False)
    return rows[chosen], days[chosen]
