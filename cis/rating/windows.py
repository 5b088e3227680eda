"""Pure: which period of the day a quarter-hour belongs to, and load curves folded into registers.

Source: billing-rules.md 2.4 and the provincial time-of-use papers named in each set. Clock times are local; a day has
96 quarter-hours and slot 0 begins at 00:00.

A window set in normalised JSON::

    {"code": "ZJ-TOU-2024-21", "province": "浙江", "document": "浙发改价格〔2024〕21号",
     "seasons": [{"months": [1, 7, 8, 12], "windows": {"sharp": [[540, 660]], "valley": [[0, 480], [1320, 120]]}}, ...],
     "special_days": [{"days": ["spring_festival"], "months": [1, 2], "windows": {"deep_valley": [[600, 840]]}}],
     "declared_days": {"rule": "hot_day", "text": "...", "windows": {"sharp": [[660, 720]]}}, "not_applied": [],
     "note": "...", "source": "...", "confidence": "..."}

Only `code` and `seasons` are required. A window is [start_minute, end_minute), a multiple of 15, 0 to 1440; a start
after the end wraps over midnight. The inner window wins: sharp and deep valley over peak and valley over flat; what
is not named is flat. On a special day its windows are laid over those of the season, whatever stood there.
The windows of `declared_days` are laid over all of that on days that are declared from outside, such as days forecast
hot: which days these are is no part of the set. `not_applied` keeps rules that nobody applies, for the reader only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cis.rating.parsing import (
    Spec,
    check_every_month,
    check_fields,
    mapping_of,
    months_of,
    sequence_of,
    text_of,
    whole_of,
)
from cis.rating.refusal import CannotPrice
from cis.rating.registers import PERIOD_REGISTERS, Register

__all__ = ["DECLARED", "SLOTS_PER_DAY", "DayKind", "SpecialDays", "WindowSet"]

SLOTS_PER_DAY = 96

_OUTER = (Register.PEAK, Register.FLAT, Register.VALLEY)
_INNER = (Register.SHARP, Register.DEEP_VALLEY)

DECLARED = 16
"""Added to the kind of a day that was declared."""

_KINDS = 2 * DECLARED
"""Room for kinds of day, declared or not, in the key month x 32 + kind."""

_BLOCK_DAYS = 2048
"""Days folded at a time, so that a block stays in the processor's cache."""


class DayKind(IntEnum):
    """What kind of day the calendar says a day is. Members from HOLIDAY on are public holidays."""

    WORKDAY = 0
    REST_DAY = 1
    HOLIDAY = 2
    """a public holiday that needs no name of its own; as a special day in JSON it means every public holiday"""
    NEW_YEAR = 3
    SPRING_FESTIVAL = 4
    QINGMING = 5
    LABOUR_DAY = 6
    DRAGON_BOAT = 7
    MID_AUTUMN = 8
    NATIONAL_DAY = 9


@dataclass(frozen=True)
class SpecialDays:
    """Windows that override those of the season on some kinds of day."""

    days: tuple[DayKind, ...]
    months: tuple[int, ...]
    windows: Mapping[Register, tuple[tuple[int, int], ...]]

    def covers(self, month: int, day_kind: DayKind) -> bool:
        """Tell whether a day of this kind in this month is special."""
        is_named = day_kind in self.days or (DayKind.HOLIDAY in self.days and day_kind >= DayKind.HOLIDAY)
        return is_named and month in self.months


@dataclass(frozen=True)
class WindowSet:
    """The periods of the day of one paper, by month and kind of day."""

    code: str
    slots_by_month: Mapping[int, NDArray[np.int8]]
    """month -> (96,) Register, before special days"""
    special_days: tuple[SpecialDays, ...] = ()
    declared: Mapping[Register, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    """the windows of days that are declared"""
    about: Mapping[str, Any] = field(default_factory=dict)
    """province, document, ratios, note, source, confidence, not_applied: kept as they are"""

    @classmethod
    def parse(cls, spec: Spec) -> Self:
        """Read a set in normalised JSON.

        Raises CannotPrice: field errors, `seasons_gap`, `seasons_overlap`, `window_edge` (not on a quarter-hour, or
        empty), `windows_overlap` (two windows of the same depth claim a quarter-hour).
        """
        about = ("province", "document", "not_applied", "ratios", "note", "source", "confidence")
        check_fields(spec, ("code", "seasons"), ("special_days", "declared_days", *about), "windows")
        code = text_of(spec["code"], "windows.code")
        slots_by_month: dict[int, NDArray[np.int8]] = {}
        months_named: list[tuple[int, ...]] = []
        for item in sequence_of(spec["seasons"], f"{code} seasons"):
            season = mapping_of(item, f"{code} seasons")
            check_fields(season, ("months", "windows"), (), f"{code} seasons")
            months = months_of(season["months"], f"{code} months")
            slots = _slots(_windows(season["windows"], code), f"{code} months {list(months)}")
            months_named.append(months)
            slots_by_month |= dict.fromkeys(months, slots)
        check_every_month(months_named, f"{code} seasons")
        special = tuple(_special(item, code) for item in sequence_of(spec.get("special_days", []), code))
        declared: dict[Register, tuple[tuple[int, int], ...]] = {}
        if "declared_days" in spec:
            days = mapping_of(spec["declared_days"], f"{code} declared_days")
            check_fields(days, ("rule", "text", "windows"), (), f"{code} declared_days")
            declared = _windows(days["windows"], f"{code} declared_days")
            _slots(declared, f"{code} declared_days")
        return cls(code, slots_by_month, special, declared, {key: spec[key] for key in about if key in spec})

    def period_of_slots(self, month: int, day_kind: int = DayKind.WORKDAY) -> NDArray[np.int8]:
        """Return the Register of each quarter-hour of such a day, (96,) int8; a kind + DECLARED if it is declared."""
        slots = self.slots_by_month[month].copy()
        kind = DayKind(day_kind % DECLARED)
        laid = [special.windows for special in self.special_days if special.covers(month, kind)]
        for windows in [*laid, self.declared] if day_kind >= DECLARED else laid:
            for depth in (_OUTER, _INNER):
                for register in depth:
                    for start, end in windows.get(register, ()):
                        slots[_indices(start, end)] = register
        return slots

    @property
    def registers(self) -> tuple[Register, ...]:
        """The registers this set ever uses, in the order of a bill."""
        used: set[int] = {Register.FLAT} if not self.slots_by_month else set()
        for slots in self.slots_by_month.values():
            used |= set(slots.tolist())
        for special in self.special_days:
            used |= set(special.windows)
        used |= set(self.declared)
        return tuple(register for register in PERIOD_REGISTERS if register in used)

    def fold(self, values: NDArray[np.int64], months: ArrayLike, day_kinds: ArrayLike) -> NDArray[np.int64]:
        """Return the energy per register of each day, (n_days, 5) in the order of PERIOD_REGISTERS.

        `values` (n_days, 96) int64 in any unit (0.01 kWh, Wh), `months` and `day_kinds` (n_days,) or one for all.
        Every value is counted once: row sums are kept. Raises ValueError on a wrong shape.
        """
        if values.ndim != 2 or values.shape[1] != SLOTS_PER_DAY or values.dtype != np.int64:
            raise ValueError("values must be (n_days, 96) int64")
        return self._fold(values, months, day_kinds)

    def fold_hourly(self, values: NDArray[np.int64], months: ArrayLike, day_kinds: ArrayLike) -> NDArray[np.int64]:
        """Fold (n_days, 24) hourly values like `fold`.

        Raises CannotPrice(`hour_split`) when a period changes inside an hour: hourly data are not enough then.
        """
        if values.ndim != 2 or values.shape[1] != 24 or values.dtype != np.int64:
            raise ValueError("values must be (n_days, 24) int64")
        return self._fold(values, months, day_kinds)

    def _fold(self, values: NDArray[np.int64], months: ArrayLike, day_kinds: ArrayLike) -> NDArray[np.int64]:
        """Fold days of equal steps, (n_days, 24) or (n_days, 96)."""
        days, steps = values.shape
        month_of = np.broadcast_to(np.asarray(months, dtype=np.int64), (days,))
        kind_of = np.broadcast_to(np.asarray(day_kinds, dtype=np.int64), (days,))
        key = month_of * _KINDS + kind_of
        folded = np.zeros((days, len(PERIOD_REGISTERS)), dtype=np.int64)
        for keys, periods in self._like_days(np.flatnonzero(np.bincount(key)).tolist(), steps):
            is_like = np.zeros(13 * _KINDS, dtype=np.bool_)
            is_like[keys] = True
            rows = np.flatnonzero(is_like[key])
            columns = [
                (column, np.flatnonzero(periods == register))
                for column, register in enumerate(PERIOD_REGISTERS)
                if register in periods
            ]
            for start in range(0, rows.shape[0], _BLOCK_DAYS):
                some = rows[start : start + _BLOCK_DAYS]
                block = values[some]
                for column, slots in columns:
                    folded[some, column] = block[:, slots].sum(axis=1)
        return folded

    def _like_days(self, keys: list[int], steps: int) -> list[tuple[list[int], NDArray[np.int8]]]:
        """Group month-and-kind keys whose days look the same, with the Register of each step of such a day."""
        groups: dict[bytes, tuple[list[int], NDArray[np.int8]]] = {}
        for key in keys:
            periods = self.period_of_slots(key // _KINDS, key % _KINDS).reshape(steps, -1)
            if (periods != periods[:, :1]).any():
                raise CannotPrice("hour_split", f"{self.code} month {key // _KINDS}: a period changes inside an hour")
            step = np.ascontiguousarray(periods[:, 0])
            groups.setdefault(step.tobytes(), ([], step))[0].append(key)
        return list(groups.values())


def _windows(value: object, where: str) -> dict[Register, tuple[tuple[int, int], ...]]:
    """Read the windows of a season or a special day."""
    spec = mapping_of(value, f"{where} windows")
    check_fields(spec, (), tuple(r.name.lower() for r in PERIOD_REGISTERS), f"{where} windows")
    windows: dict[Register, tuple[tuple[int, int], ...]] = {}
    for name, items in spec.items():
        pairs: list[tuple[int, int]] = []
        for item in sequence_of(items, f"{where} {name}"):
            edges = [whole_of(edge, f"{where} {name}", 0, 1440) for edge in sequence_of(item, f"{where} {name}")]
            if len(edges) != 2 or (edges[0] % 1440 == edges[1] % 1440 and edges != [0, 1440]):
                raise CannotPrice("window_edge", f"{where} {name}: {edges}")
            if any(edge % 15 for edge in edges):
                raise CannotPrice("window_edge", f"{where} {name}: {edges} is not on a quarter-hour")
            pairs.append((edges[0], edges[1]))
        windows[Register[name.upper()]] = tuple(pairs)
    return windows


def _special(item: object, code: str) -> SpecialDays:
    """Read one entry of special_days."""
    spec = mapping_of(item, f"{code} special_days")
    check_fields(spec, ("days", "windows"), ("months",), f"{code} special_days")
    days: list[DayKind] = []
    for name in sequence_of(spec["days"], f"{code} days"):
        kind = DayKind.__members__.get(name.upper()) if isinstance(name, str) else None
        if kind is None:
            raise CannotPrice("unknown_day_kind", f"{code}: {name!r}")
        days.append(kind)
    months = months_of(spec["months"], f"{code} special_days") if "months" in spec else tuple(range(1, 13))
    windows = _windows(spec["windows"], code)
    _slots(windows, f"{code} special_days")
    return SpecialDays(tuple(days), months, windows)


def _slots(windows: Mapping[Register, tuple[tuple[int, int], ...]], where: str) -> NDArray[np.int8]:
    """Lay windows over a flat day, the inner ones last."""
    slots = np.full(SLOTS_PER_DAY, Register.FLAT, dtype=np.int8)
    for depth in (_OUTER, _INNER):
        claimed = np.zeros(SLOTS_PER_DAY, dtype=np.bool_)
        for register in depth:
            for start, end in windows.get(register, ()):
                at = _indices(start, end)
                if claimed[at].any():
                    raise CannotPrice("windows_overlap", f"{where}: {register.name.lower()} {start}-{end}")
                claimed[at] = True
                slots[at] = register
    return slots


def _indices(start: int, end: int) -> NDArray[np.int64]:
    """Return the quarter-hours of a window that may wrap over midnight."""
    last = end if end > start else end + 1440
    return np.arange(start // 15, last // 15, dtype=np.int64) % SLOTS_PER_DAY
