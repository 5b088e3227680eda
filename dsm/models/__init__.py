"""The tables of the demand side, by topic."""

from dsm.models.loads import ForecastOutcome, LoadDay, LoadForecast, WeatherDay
from dsm.models.shed_list import FeederCut, ShedEntry, ShedEntryChange, ShedList
from dsm.models.shortages import OrderReceipt, PlanCut, ShedOrder, Shortage, ShortagePlan, ShortageStep

__all__ = [
    "FeederCut",
    "ForecastOutcome",
    "LoadDay",
    "LoadForecast",
    "OrderReceipt",
    "PlanCut",
    "ShedEntry",
    "ShedEntryChange",
    "ShedList",
    "ShedOrder",
    "Shortage",
    "ShortagePlan",
    "ShortageStep",
    "WeatherDay",
]
