"""The limits of the reading checks as data: what holds for a part of the organisation on a day, and since when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from cis.models import ValidationThresholds
from cis.validation import CHECKS, Thresholds
from config.shared.bulk_copy import day_of
from config.shared.errors import NotFound
from config.shared.models import OrgUnit


class Limits:
    """
    Everything that is stored, read once, for as many accounts and days as are judged.

    What the checks declare holds where nothing is stored. A value of the whole utility comes before that, and one of a
    part of the organisation before that of the parts above it.

    :raises ValueError: a stored row holds a name or a value that the checks refuse
    """

    def __init__(self) -> None:
        rows = ValidationThresholds.objects.values_list("org_unit_id", "valid", "values")
        self._rows: list[tuple[int | None, Any, dict[str, int]]] = list(rows)
        self._made: dict[tuple[tuple[str, int], ...], Thresholds] = {}
        self._paths: dict[int, str] = {}

    def on(self, day: date, org_path: str = "") -> Thresholds:
        """What holds for accounts of an organisation path on a day."""
        above = {int(part): depth for depth, part in enumerate(org_path.split("/")) if part}
        found = [
            (0 if unit is None else 1 + above[unit], values)
            for unit, valid, values in self._rows
            if (unit is None or unit in above) and _holds(valid, day)
        ]
        merged: dict[str, int] = {}
        for _depth, values in sorted(found, key=lambda one: one[0]):
            merged |= values
        key = tuple(sorted(merged.items()))
        if key not in self._made:
            self._made[key] = Thresholds(**merged)
        return self._made[key]

    def of_rows(
        self, unit_id: NDArray[np.int64], day: NDArray[np.int32]
    ) -> tuple[tuple[Thresholds, ...], NDArray[np.intp]]:
        """The different sets of limits that rows go by, and which of them each goes by, (n,)."""
        if not self._rows:
            return (Thresholds(),), np.zeros(len(unit_id), np.intp)
        pairs, pair_of = np.unique(np.stack([unit_id, day.astype(np.int64)]), axis=1, return_inverse=True)
        self._learn_paths(set(pairs[0].tolist()))
        sets: list[Thresholds] = []
        place = np.empty(pairs.shape[1], np.intp)
        for number, (unit, when) in enumerate(pairs.T.tolist()):
            one = self.on(day_of(when), self._paths.get(unit, ""))
            if one not in sets:
                sets.append(one)
            place[number] = sets.index(one)
        return tuple(sets), place[pair_of.reshape(-1)]

    def _learn_paths(self, unit_ids: set[int]) -> None:
        unknown = unit_ids - set(self._paths)
        if unknown:
            self._paths |= dict(OrgUnit.objects.filter(pk__in=unknown).values_list("pk", "path"))


def _holds(valid: Any, day: date) -> bool:
    return (valid.lower is None or valid.lower <= day) and (valid.upper is None or day < valid.upper)


@dataclass(frozen=True)
class ParameterRow:
    """A number of a check: what holds here and today, where it comes from, what the check declares."""

    name: str
    meaning: str
    value: int
    default: int
    low: int
    high: int
    source: str
    is_changed: bool


@dataclass(frozen=True)
class CheckRow:
    """A check with its numbers and its doubts, in the order in which the checks run."""

    name: str
    looks_at: str
    holds_bill: bool
    doubts: tuple[str, ...]
    parameters: tuple[ParameterRow, ...]


@dataclass(frozen=True)
class LimitChange:
    """One set of limits that holds or held: for whom, from when to when, what differs, why, by whom."""

    org_unit: str
    valid_from: date | None
    valid_to: date | None
    values: tuple[tuple[str, int], ...]
    source: str
    set_by: str
    set_at: datetime | None


def list_checks(*, day: date, org_path: str = "") -> tuple[CheckRow, ...]:
    """Every check with what holds for an organisation path on a day."""
    limits = Limits()
    values, own = limits.on(day, org_path).values(), _stored_sources(day, org_path)
    english = (get_language() or "").startswith("en")
    return tuple(
        CheckRow(
            name=check.name,
            looks_at=check.looks_at_en if english else check.looks_at_zh,
            holds_bill=check.holds_bill,
            doubts=tuple(text.name_en if english else text.name_zh for text in check.doubts.values()),
            parameters=tuple(
                ParameterRow(
                    name=one.name,
                    meaning=one.meaning_en if english else one.meaning_zh,
                    value=values[one.name],
                    default=one.default,
                    low=one.low,
                    high=one.high,
                    source=own.get(one.name, one.source.value[english]),
                    is_changed=one.name in own,
                )
                for one in check.parameters
            ),
        )
        for check in CHECKS
    )


def list_changes(*, unit_ids: Iterable[int], limit: int = 50) -> tuple[LimitChange, ...]:
    """What was set for the whole utility and for these units, newest first."""
    rows = ValidationThresholds.objects.select_related("org_unit", "set_by").order_by("-pk")
    chosen = [row for row in rows if row.org_unit_id is None or row.org_unit_id in set(unit_ids)][:limit]
    return tuple(
        LimitChange(
            org_unit=row.org_unit.shown_name if row.org_unit else _("全网"),
            valid_from=row.valid.lower,
            valid_to=row.valid.upper,
            values=tuple(sorted(row.values.items())),
            source=row.source,
            set_by=(row.set_by.display_name or row.set_by.username) if row.set_by else "",
            set_at=row.set_at,
        )
        for row in chosen
    )


@dataclass(frozen=True)
class LimitUnit:
    """A part of the organisation whose limits may be looked at."""

    unit_id: int
    name: str
    path: str


def list_units(*, within: Iterable[str]) -> tuple[LimitUnit, ...]:
    """The parts of the organisation paths `within` down to counties, by path."""
    kinds = (OrgUnit.Kind.PROVINCE, OrgUnit.Kind.CITY, OrgUnit.Kind.COUNTY)
    inside = Q(pk__in=())
    for path in within:
        inside |= Q(path__startswith=path)
    rows = OrgUnit.objects.filter(inside, kind__in=kinds).order_by("path")
    return tuple(LimitUnit(row.pk, row.shown_name, row.path) for row in rows)


def get_unit(*, unit_id: int, within: Iterable[str]) -> LimitUnit:
    """
    One part of the organisation.

    :raises NotFound: there is none in the organisation paths `within`
    """
    for unit in list_units(within=within):
        if unit.unit_id == unit_id:
            return unit
    raise NotFound(_("没有这个单位。"))


def _stored_sources(day: date, org_path: str) -> Mapping[str, str]:
    """Name to source of every value that is stored for a path and not declared, the nearest one counting."""
    above = {int(part): depth for depth, part in enumerate(org_path.split("/")) if part}
    found = [
        (0 if row.org_unit_id is None else 1 + above[row.org_unit_id], row)
        for row in ValidationThresholds.objects.filter(valid__contains=day)
        if row.org_unit_id is None or row.org_unit_id in above
    ]
    sources: dict[str, str] = {}
    for _depth, row in sorted(found, key=lambda one: one[0]):
        sources |= dict.fromkeys(row.values, row.source)
    return sources


def values_above(*, day: date, org_path: str = "") -> Mapping[str, int]:
    """What would hold for an organisation path on a day if nothing were set for it; for "" what the checks declare."""
    parts = [part for part in org_path.split("/") if part]
    if not parts:
        return Thresholds().values()
    return Limits().on(day, "/".join(["", *parts[:-1], ""])).values()
