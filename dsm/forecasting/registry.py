"""Pure: which forecasters there are. A new one is a file beside this one and a line here."""

from __future__ import annotations

from dsm.forecasting.forecaster import Forecaster
from dsm.forecasting.linear_by_slot import LinearBySlot
from dsm.forecasting.seasonal_naive import SeasonalNaive

FORECASTERS: dict[str, Forecaster] = {
    "seasonal_naive": SeasonalNaive(),
    "linear_by_slot": LinearBySlot(),
}
