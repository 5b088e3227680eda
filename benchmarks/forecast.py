"""
Forecasts of load on measured series: the house's forecaster against last week's like day and the operator's own.

Series of real systems lie beside the project (`../shared/data`); they are read through the importer of
`manage.py import_load`, and one that is not there is said to be absent. Each is forecast for a year of days with a
rolling origin: issued at ten on the eve, load known to that moment, models fitted anew on the first of each month from
what was known then. What counts are ratios of errors within one run: to the like day of last week, and, where the
operator's own day-ahead forecast is published, to that.
"""

from __future__ import annotations

import csv
import gzip
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from dsm.forecasting.backtest import BacktestDay, backtest, summarise
from dsm.forecasting.day_facts import DayFacts, chinese_days, facts_of
from dsm.forecasting.forecaster import DayBand
from dsm.forecasting.history import LoadHistory
from dsm.forecasting.registry import FORECASTERS
from dsm.forecasting.scores import score_day
from dsm.series_files import SLOTS, SeriesColumns, read_series

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
MEASURE = "seasonal_naive"
_ISSUE_HOUR = 10
# A stand-in for a day-ahead weather forecast: the weather with an error of 1.5 degrees that lasts for hours.
_ERROR_C, _ERROR_LASTS_H = 1.5, 6.0
_NO_WEATHER, _FORECAST_WEATHER = "none", "measured with an error of 1.5 degrees"

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Source:
    """A measured series: its file and columns, its clock, the year that is forecast, what is said of the weather."""

    name: str
    file: str
    time: str
    value: str
    zone: str
    slots: int
    first: date
    last: date
    facts: Callable[[Path, date, int], DayFacts]
    temperature: str = ""
    operator: str = ""


def _by_holiday_column(path: Path, first: date, count: int) -> DayFacts:
    """The facts of days of which the file itself names the public holidays."""
    names: dict[date, str] = {}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            names[date.fromisoformat(row["time_local"][:10])] = row["holiday"]
    days = [first + timedelta(days=n) for n in range(count)]
    is_holiday = [bool(names.get(day)) for day in days]
    return facts_of(
        days,
        is_off=[day.weekday() >= 5 or free for day, free in zip(days, is_holiday, strict=True)],
        is_holiday=is_holiday,
        is_festival=is_holiday,
    )


SOURCES = (
    Source(
        "china", "china_area1_96pt_2012_2013.csv.gz", "time_local", "load_mw", "Asia/Shanghai", 96,
        date(2013, 1, 1), date(2013, 12, 31), lambda _path, first, count: chinese_days(first, count),
    ),
    Source(
        "victoria", "victoria_halfhourly.csv.gz", "time_utc", "load_mw", "Australia/Melbourne", 48,
        date(2014, 1, 1), date(2014, 12, 30), _by_holiday_column, temperature="temp_melbourne_c",
    ),
    Source(
        "finland", "finland_hourly_tso_2015_2021.csv.gz", "time_utc", "load_mw", "Europe/Helsinki", 24,
        date(2021, 1, 1), date(2021, 12, 30), _by_holiday_column, operator="tso_day_ahead_mw",
    ),
)  # fmt: skip


def run(short: bool) -> dict[str, Any]:
    """Measure, print, and give what goes into the JSON file; the short form forecasts two months of each series."""
    found: dict[str, Any] = {}
    for source in SOURCES:
        path = DATA / source.file
        if not path.exists():
            found[source.name] = {"absent": str(path.name)}
            print(f"  {source.name}: {path.name} is not beside the project; nothing was measured on it")
            continue
        found[source.name] = _measured(source, path, short)
    return {"issued_at_hour": _ISSUE_HOUR, "series": found}


def _measured(source: Source, path: Path, short: bool) -> dict[str, Any]:
    history, operator = _history(source, path)
    last = source.first + timedelta(days=59) if short else source.last
    weather = _FORECAST_WEATHER if source.temperature else _NO_WEATHER
    eve_slots = source.slots * _ISSUE_HOUR // 24
    result: dict[str, Any] = {
        "first": source.first.isoformat(), "last": last.isoformat(), "slots": source.slots, "weather": weather,
        "forecasters": {},
    }  # fmt: skip
    print(f"  {source.name}, {source.first} to {last}, {source.slots} a day, weather: {weather}")
    for name, forecaster in FORECASTERS.items():
        began = time.process_time()
        days = backtest(forecaster, history, first=source.first, last=last, eve_slots=eve_slots)
        result["forecasters"][name] = _figures(days, history) | {"cpu_s": round(time.process_time() - began, 1)}
    if operator is not None:
        result["forecasters"]["operator"] = _operator(operator, history, source.first, last)
    errors = {name: figures["mape"] for name, figures in result["forecasters"].items()}
    for name, figures in result["forecasters"].items():
        figures["error_to_last_week"] = round(errors[name] / errors[MEASURE], 3)
        if "operator" in errors:
            figures["error_to_operator"] = round(errors[name] / errors["operator"], 3)
        print("    " + _line(name, figures))
    return result


def _history(source: Source, path: Path) -> tuple[LoadHistory, Matrix | None]:
    zone = ZoneInfo(source.zone)

    def read(value: str, temperature: str = "") -> tuple[date, Matrix, Matrix]:
        columns = SeriesColumns(source.time, value, "MW", temperature)
        series = read_series(path, columns, zone=zone, naive_is_local=True, gaps_are_missing=True)
        wide = SLOTS // source.slots
        return series.first, series.value[:, ::wide] / 1e6, series.temperature_c[:, ::wide]

    first, load, measured = read(source.value, source.temperature)
    foretold = _with_error(measured) if source.temperature else measured
    operator = read(source.operator)[1] if source.operator else None
    facts = source.facts(path, first, len(load) + 1)
    return LoadHistory(first, load, measured, foretold, facts), operator


def _with_error(temperature_c: Matrix) -> Matrix:
    slots = temperature_c.shape[1]
    keep = float(np.exp(-24 / slots / _ERROR_LASTS_H))
    fresh = np.random.default_rng(1).normal(0, _ERROR_C * np.sqrt(1 - keep**2), temperature_c.size)
    error, errors = 0.0, []
    for value in fresh.tolist():
        error = keep * error + value
        errors.append(error)
    return np.asarray(temperature_c + np.array(errors).reshape(temperature_c.shape))


def _operator(operator: Matrix, history: LoadHistory, first: date, last: date) -> dict[str, Any]:
    """The operator's figures over the same days; it publishes no band."""
    days = []
    for number in range((last - first).days + 1):
        row = history.place(first) + number
        band = DayBand(operator[row], operator[row], operator[row])
        seen = np.where(np.isfinite(operator[row]), history.load[row], np.nan)
        score = score_day(band, seen)
        if score is not None:
            days.append(BacktestDay(first + timedelta(days=number), band, score))
    figures = _figures(days, history)
    return {name: value for name, value in figures.items() if name not in ("coverage", "pinball")}


def _figures(days: list[BacktestDay], history: LoadHistory) -> dict[str, Any]:
    return {
        name: value if name == "days" else round(value, 5) for name, value in asdict(summarise(days, history)).items()
    }


def _line(name: str, figures: dict[str, Any]) -> str:
    parts = [f"{name:15}", f"MAPE {figures['mape']:6.2%}", f"{figures['error_to_last_week']:.2f} of last week's"]
    if "error_to_operator" in figures:
        parts.append(f"{figures['error_to_operator']:.2f} of the operator's")
    parts.append(f"accuracy {figures['accuracy']:.1%}")
    if "coverage" in figures:
        parts += [f"band holds {figures['coverage']:.0%}", f"pinball {figures['pinball']:.2%}"]
    if "cpu_s" in figures:
        parts.append(f"{figures['cpu_s']} CPU s")
    return ", ".join(parts)
