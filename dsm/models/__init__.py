"""The tables of the demand side, by topic."""

from dsm.models.loads import ForecastOutcome, LoadDay, LoadForecast, WeatherDay

__all__ = ["ForecastOutcome", "LoadDay", "LoadForecast", "WeatherDay"]
