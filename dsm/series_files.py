"""
Pure: a measured series from a CSV file, strictly: every time has a zone, no time comes twice, no step is left out.

A file has a head, one column of times, one of values and possibly one of temperatures; it may be compressed with gzip.
Steps of 15, 30 and 60 minutes are taken; a longer step's mean stands for each of its quarter-hours.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

SLOTS = 96
STEPS_MIN = (15, 30, 60)
_UNITS_W = {"W": 1.0, "kW": 1e3, "MW": 1e6}
_GZIP = b"\x1f\x8b"


class FileRefused(ValueError):
    """Nothing of the file may be used; the message says where and why, the code is one of `CODES`."""

    def __init__(self, code: str, line_no: int, message: str) -> None:
        super().__init__(f"line {line_no}: {message}" if line_no else message)
        self.code = code
        self.line_no = line_no


CODES = ("no-column", "no-zone", "bad-time", "bad-value", "duplicate", "gap", "step", "empty")


@dataclass(frozen=True)
class SeriesColumns:
    """The names of the columns of a file; `unit` of the values is W, kW or MW."""

    time: str = "time"
    value: str = "load"
    unit: str = "kW"
    temperature: str = ""


@dataclass(frozen=True)
class Series:
    """
    Whole days from `first`: `value` (days, 96) in W and `temperature_c` (days, 96), NaN where a value is empty.

    `step_min` is the step of the file. Slots are those of the wall clock: on the day a clock goes back the hour that
    comes twice is averaged, and the hour that is left out when it goes forward is not known.
    """

    first: date
    value: NDArray[np.float64]
    temperature_c: NDArray[np.float64]
    step_min: int
    rows: int


def read_series(
    path: Path, columns: SeriesColumns, *, zone: ZoneInfo, naive_is_local: bool = False, gaps_are_missing: bool = False
) -> Series:
    """
    Read a series and lay it out by the wall clock of `zone`.

    Times without an offset are refused unless `naive_is_local` says that they are of `zone`. A step that is left out is
    refused unless `gaps_are_missing`; an empty value is a hole that the file itself admits.

    :raises FileRefused: the file is not such a series
    """
    with _opened(path) as lines:
        rows = list(_rows(csv.DictReader(lines), columns, zone, naive_is_local))
    if not rows:
        raise FileRefused("empty", 0, "the file has no rows")
    step = _step(rows)
    _refuse_breaks(rows, step, gaps_are_missing)
    first = rows[0].moment.astimezone(zone).date()
    last = rows[-1].moment.astimezone(zone).date()
    count = (last - first).days + 1
    width = step // 15
    value, temperature = (_laid_out(rows, which, first, count, width, zone) for which in ("value", "temperature"))
    return Series(first, value * _UNITS_W[columns.unit], temperature, step, len(rows))


@dataclass(frozen=True, slots=True)
class _Row:
    line_no: int
    moment: datetime
    value: float
    temperature: float


def _opened(path: Path) -> io.TextIOBase:
    with path.open("rb") as stream:
        head = stream.read(2)
    if head == _GZIP:
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _rows(reader: csv.DictReader[str], columns: SeriesColumns, zone: ZoneInfo, naive_is_local: bool) -> Iterator[_Row]:
    if columns.unit not in _UNITS_W:
        raise FileRefused("bad-value", 0, f"{columns.unit} is no unit of power; there are {', '.join(_UNITS_W)}")
    for name in filter(None, (columns.time, columns.value, columns.temperature)):
        if name not in (reader.fieldnames or ()):
            raise FileRefused(
                "no-column", 1, f"there is no column {name}; there are {', '.join(reader.fieldnames or ())}"
            )
    for row in reader:
        line_no = reader.line_num
        yield _Row(
            line_no,
            _moment(row[columns.time] or "", line_no, zone, naive_is_local),
            _number(row[columns.value] or "", line_no),
            _number(row[columns.temperature] or "", line_no) if columns.temperature else np.nan,
        )


def _moment(text: str, line_no: int, zone: ZoneInfo, naive_is_local: bool) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise FileRefused("bad-time", line_no, f"{text!r} is no time; write 2026-01-31T23:45+08:00") from None
    if moment.tzinfo is None:
        if not naive_is_local:
            raise FileRefused("no-zone", line_no, f"{text!r} has no zone; write 2026-01-31T23:45+08:00")
        moment = moment.replace(tzinfo=zone)
        if moment.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != moment.replace(tzinfo=None):
            raise FileRefused("bad-time", line_no, f"{text!r} is no time of {zone.key}: the clock went forward over it")
    # Moments of one zone would be told apart by their clock, not by the time between them.
    return moment.astimezone(UTC)


def _number(text: str, line_no: int) -> float:
    if not text.strip():
        return float("nan")
    try:
        number = float(text)
    except ValueError:
        raise FileRefused("bad-value", line_no, f"{text!r} is no number") from None
    if not np.isfinite(number):
        raise FileRefused("bad-value", line_no, f"{text!r} is no number")
    return number


def _step(rows: list[_Row]) -> int:
    """The step in minutes: the least distance of two rows."""
    moments = np.array([row.moment.timestamp() for row in rows])
    distances = np.diff(moments)
    forward = distances[distances > 0]
    step = round(float(forward.min()) / 60) if len(forward) else 0
    if step not in STEPS_MIN:
        raise FileRefused("step", rows[0].line_no, f"a step of {step} minutes is none of {STEPS_MIN}")
    return step


def _refuse_breaks(rows: list[_Row], step: int, gaps_are_missing: bool) -> None:
    for before, row in pairwise(rows):
        distance = row.moment - before.moment
        if distance <= timedelta(0):
            raise FileRefused(
                "duplicate", row.line_no, f"{row.moment.isoformat()} stands at or before the line above; each time once"
            )
        if distance % timedelta(minutes=step):
            raise FileRefused("step", row.line_no, f"{row.moment.isoformat()} is not on the step of {step} minutes")
        if distance > timedelta(minutes=step) and not gaps_are_missing:
            raise FileRefused(
                "gap", row.line_no, f"nothing stands between {before.moment.isoformat()} and {row.moment.isoformat()}"
            )
    start = rows[0].moment
    if start.minute % step or start.second or start.microsecond:
        raise FileRefused("step", rows[0].line_no, f"{start.isoformat()} does not begin a step of {step} minutes")


def _laid_out(rows: list[_Row], which: str, first: date, count: int, width: int, zone: ZoneInfo) -> NDArray[np.float64]:
    total, number = np.zeros((count, SLOTS)), np.zeros((count, SLOTS))
    for row in rows:
        value = row.value if which == "value" else row.temperature
        if np.isnan(value):
            continue
        local = row.moment.astimezone(zone)
        day, slot = (local.date() - first).days, (local.hour * 60 + local.minute) // 15
        total[day, slot : slot + width] += value
        number[day, slot : slot + width] += 1
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)
