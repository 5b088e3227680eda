"""
The weather that the demonstration's customers felt, for the apps above that need it beside their load.

It is a reference year moved to central China (`cis.demo.weather`), a demonstration and no measurement of any place.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from cis.demo.plan import plan_days
from cis.demo.weather import weather_of
from cis.operations.demo import DemoState, demo_state

SOURCE = "示范：demandlib 附带的德国气象局参考年（TRY 2010，12 区）移到江汉平原，不是任何地方的实测"


@dataclass(frozen=True)
class DemoWeatherDay:
    """The air temperature of a day's 96 quarter-hours in 0.01 °C."""

    day: date
    temperature_c_e2: tuple[int, ...]


def demo_weather(*, first: date, last: date) -> list[DemoWeatherDay]:
    """
    The weather of the days from `first` to `last`, which may reach beyond the last day with curves.

    Empty where there is no demonstration, and for days before its first.
    """
    state = demo_state()
    return _weather(state, first, last) if state is not None else []


def _weather(state: DemoState, first: date, last: date) -> list[DemoWeatherDay]:
    days = plan_days(until=state.until, yesterday=max(last, state.today - timedelta(days=1)))
    # The same generator as the curves had: the same spells on the same days.
    temperature = weather_of(days, np.random.default_rng([state.seed, 2])).temperature_c
    return [
        DemoWeatherDay(day, tuple(round(value * 100) for value in values.tolist()))
        for day, values in zip(days, temperature, strict=True)
        if first <= day <= last
    ]
