"""
Indicators (指标): figures by which the house sees whether it works, each brought by the app that knows it.

An app declares its `Indicator` rows in `<app>/indicators.py` and is named in `config.navigation.INDICATORS`; the
cockpit shows what is declared and knows none of them by name. A figure is asked for several units and months at once,
so that a page costs a fixed number of statements an indicator, whatever it compares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config import navigation
from config.shared.errors import NotFound
from config.shared.models import OrgUnit
from config.shared.periods import add_months, cycle_of
from config.shared.systems import load_installed

Found = TypeVar("Found")


class Unit(StrEnum):
    """What a figure counts; every figure is an integer."""

    YUAN = "yuan"
    """fen"""
    KWH = "kwh"
    """0.01 kWh"""
    KW = "kw"
    """kW"""
    FEN_PER_KWH = "fen-per-kwh"
    """0.01 fen a kWh"""
    PERCENT = "percent"
    """0.01 %"""
    SCORE = "score"
    """0.01 of a point"""
    MINUTES = "minutes"
    """seconds"""
    COUNT = "count"
    """pieces"""


class Better(StrEnum):
    """Which way is good; NEITHER for figures that only tell a size."""

    HIGHER = "higher"
    LOWER = "lower"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the organisation that figures are asked for: itself and everything below it."""

    org_unit_id: int
    path: str


@dataclass(frozen=True, slots=True)
class Asked:
    """For which parts, for which months (202611), as seen on which day; several indicators may be asked the same."""

    parts: tuple[Part, ...]
    months: tuple[int, ...]
    today: date
    _found: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def once(self, name: str, find: Callable[[Asked], Found]) -> Found:
        """What `find` gives, looked for once for all indicators that are asked this and call it by this name."""
        if name not in self._found:
            self._found[name] = find(self)
        found: Found = self._found[name]
        return found


Figures = Mapping[tuple[int, int], int | None]
"""(unit, month) to the figure; None or missing where there is nothing to measure, which is never shown as zero."""


@dataclass(frozen=True)
class Indicator:
    """
    One figure: what it is called and counts, who answers for it, what is aimed at, and how it is found.

    `target_setting` names a setting in the figure's own unit; `meaning` says in one sentence what is counted over what;
    `detail_url_name` names the page that lists the single accounts, tickets or people behind it (`?unit=…&cycle=…`) for
    those who hold `detail_permission`.
    """

    code: str
    label: str | Promise
    unit: Unit
    owner: str
    """the role (`config.shared.roles`) that answers for it"""
    meaning: str | Promise
    permission: str
    figures: Callable[[Asked], Figures] = field(repr=False)
    better: Better = Better.NEITHER
    target_setting: str = ""
    detail_url_name: str = ""
    detail_permission: str = ""
    not_compared: str | Promise = ""
    """why a month is never held against that of the year before; empty where it is"""

    @property
    def target(self) -> int | None:
        """What is aimed at, in the unit of the figure; None where nothing is."""
        return getattr(settings, self.target_setting) if self.target_setting else None

    def is_reached(self, figure: int | None) -> bool | None:
        """Whether a figure reaches the target; None where there is no figure or no target."""
        if figure is None or self.target is None or self.better == Better.NEITHER:
            return None
        return figure >= self.target if self.better == Better.HIGHER else figure <= self.target


@dataclass(frozen=True, slots=True)
class Reading:
    """A figure of one part and month, beside that of the same month a year before where the two can be compared."""

    figure: int | None
    year_before: int | None

    @property
    def change(self) -> int | None:
        """The difference to the year before, in the figure's unit."""
        return None if self.figure is None or self.year_before is None else self.figure - self.year_before

    @property
    def change_e4(self) -> int | None:
        """The difference in 0.01 % of the year before; None where that was nothing."""
        if self.change is None or not self.year_before:
            return None
        return round(self.change * 10_000 / abs(self.year_before))


@cache
def all_indicators() -> dict[str, Indicator]:
    """Every indicator of the house by its code, in the order of the table."""
    found: dict[str, Indicator] = {}
    for declared in load_installed(navigation.INDICATORS):
        for indicator in declared:
            if indicator.code in found:
                raise ValueError(f"two indicators are called {indicator.code}")
            found[indicator.code] = indicator
    return found


def part_of(unit: OrgUnit) -> Part:
    """The unit as figures are asked for it."""
    return Part(unit.pk, unit.path)


def why_not_compared(indicator: Indicator, *, month: int, today: date) -> str | Promise:
    """Why the month is not held against that of the year before; empty where it is. Like goes with like only."""
    if indicator.not_compared:
        return indicator.not_compared
    return _("本月还没有完，不和去年的整月比。") if month >= cycle_of(today) else ""


def ask(*, parts: Sequence[Part], month: int, today: date) -> Asked:
    """A month and the one a year before, for parts: to be read by as many indicators as one likes."""
    return Asked(tuple(parts), (add_months(month, -12), month), today)


def read_now(indicator: Indicator, asked: Asked) -> dict[int, Reading]:
    """What `ask` asks: the figure of each part in the month and, where `why_not_compared` is empty, the year before."""
    before, month = asked.months
    found = indicator.figures(asked)
    is_compared = not why_not_compared(indicator, month=month, today=asked.today)
    return {
        part.org_unit_id: Reading(
            found.get((part.org_unit_id, month)), found.get((part.org_unit_id, before)) if is_compared else None
        )
        for part in asked.parts
    }


def read_months(indicator: Indicator, *, part: Part, months: Sequence[int], today: date) -> list[int | None]:
    """The figures of one part month by month."""
    found = indicator.figures(Asked((part,), tuple(months), today))
    return [found.get((part.org_unit_id, month)) for month in months]


def unit_in(org_unit_id: int | None, *, within: Iterable[str]) -> OrgUnit:
    """
    The unit that is asked for, or the highest one of a scope.

    :raises NotFound: there is no such unit within the scope
    """
    scope = tuple(within)
    units = [unit for unit in OrgUnit.objects.order_by("path") if any(unit.path.startswith(path) for path in scope)]
    if org_unit_id is None:
        units.sort(key=lambda unit: (unit.path.count("/"), unit.path))
    found = next((unit for unit in units if org_unit_id in (None, unit.pk)), None)
    if found is None:
        raise NotFound()
    return found
