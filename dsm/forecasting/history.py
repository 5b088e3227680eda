"""Pure: what is known of load, weather and calendar, and the one gate through which a forecaster sees it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from dsm.forecasting.day_facts import DayFacts

Matrix = NDArray[np.float64]


class NotEnoughHistory(ValueError):
    """Too few days are known to say anything."""


@dataclass(frozen=True)
class LoadHistory:
    """
    Consecutive days from `first`, each cut into the same number of slots (24, 48 or 96) of local clock time.

    `load` (days, slots) in any unit of power, NaN where it is not known; what is not above nought counts as not known.
    `measured_c` and `forecast_c` (days, slots) are air temperatures: as measured, and as they were forecast for the
    day on its eve; NaN where there is none. `facts` may reach further than the load.
    """

    first: date
    load: Matrix
    measured_c: Matrix
    forecast_c: Matrix
    facts: DayFacts

    def __post_init__(self) -> None:
        shape = self.load.shape
        if self.measured_c.shape != shape or self.forecast_c.shape != shape or len(self.facts) < shape[0]:
            raise ValueError("load, temperatures and calendar do not cover the same days and slots")

    def place(self, day: date) -> int:
        """The row of a day."""
        return (day - self.first).days

    def day(self, row: int) -> date:
        """The day of a row."""
        return self.first + timedelta(days=row)


@dataclass(frozen=True)
class Known:
    """
    What may be used to forecast the last of its days, the target: load before it only, temperatures as forecast.

    `eve_slots` of the day before the target are known. `temperature_c` is what was forecast for a day, and what was
    measured on past days without a forecast.
    """

    first: date
    load: Matrix
    temperature_c: Matrix
    facts: DayFacts
    eve_slots: int

    @property
    def target(self) -> int:
        """The row of the day to forecast."""
        return len(self.load) - 1

    @property
    def slots(self) -> int:
        """Slots of a day."""
        return int(self.load.shape[1])


def known_at(history: LoadHistory, *, target: date, eve_slots: int) -> Known:
    """
    What was known on the eve of `target` when its first `eve_slots` slots had passed; nothing later comes through.

    :raises NotEnoughHistory: the target is not within reach of the history, or has no day before it
    """
    row, slots = history.place(target), history.load.shape[1]
    if not 0 < row < len(history.load):
        raise NotEnoughHistory(f"{target} is not a day after {history.first} that the history reaches")
    if not 0 <= eve_slots <= slots:
        raise ValueError(f"a day has {slots} slots, not {eve_slots}")
    load = history.load[: row + 1].copy()
    load[row] = np.nan
    load[row - 1, eve_slots:] = np.nan
    load[~(load > 0)] = np.nan
    forecast = history.forecast_c[: row + 1]
    measured = history.measured_c[: row + 1].copy()
    measured[row] = np.nan
    measured[row - 1, eve_slots:] = np.nan
    return Known(
        first=history.first,
        load=load,
        temperature_c=np.where(np.isfinite(forecast), forecast, measured),
        # The calendar of the day after is no secret.
        facts=history.facts.until(row + 2),
        eve_slots=eve_slots,
    )
