"""Values that a utility sets for itself or for a part of it, by days: what holds for an account on a day."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from cis.models.dated_sets import DatedSet
from config.shared.bulk_copy import day_of
from config.shared.models import OrgUnit

Made = TypeVar("Made")


class DatedSets(Generic[Made]):
    """
    Rows (unit or None, days, values by name), read once, for as many accounts and days as are asked for.

    A value of the whole utility (None) comes before what `make` knows by itself, and one of a part of the organisation
    before that of the parts above it. `make` turns the values that hold into what the caller works with; what it
    refuses, it raises here.
    """

    def __init__(
        self, rows: Iterable[tuple[int | None, Any, dict[str, Any]]], make: Callable[[dict[str, Any]], Made]
    ) -> None:
        self._rows = list(rows)
        self._make = make
        self._made: dict[tuple[tuple[str, Any], ...], Made] = {}
        self._paths: dict[int, str] = {}

    def on(self, day: date, org_path: str = "") -> Made:
        """What holds for accounts of an organisation path on a day."""
        above = {int(part): depth for depth, part in enumerate(org_path.split("/")) if part}
        found = [
            (0 if unit is None else 1 + above[unit], values)
            for unit, valid, values in self._rows
            if (unit is None or unit in above) and _holds(valid, day)
        ]
        merged: dict[str, Any] = {}
        for _depth, values in sorted(found, key=lambda one: one[0]):
            merged |= values
        key = tuple(sorted(merged.items()))
        if key not in self._made:
            self._made[key] = self._make(merged)
        return self._made[key]

    def of_unit(self, unit_id: int, day: date) -> Made:
        """What holds for accounts of a unit on a day."""
        if self._rows:
            self._learn_paths({unit_id})
        return self.on(day, self._paths.get(unit_id, ""))

    def of_rows(self, unit_id: NDArray[np.int64], day: NDArray[np.int32]) -> tuple[tuple[Made, ...], NDArray[np.intp]]:
        """The different sets that rows go by, and which of them each goes by, (n,)."""
        if not self._rows:
            return (self.on(date.min),), np.zeros(len(unit_id), np.intp)
        pairs, pair_of = np.unique(np.stack([unit_id, day.astype(np.int64)]), axis=1, return_inverse=True)
        self._learn_paths(set(pairs[0].tolist()))
        sets: list[Made] = []
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
class SetChange:
    """One set of values that holds or held: for whom, from when to when, what differs, why, by whom."""

    org_unit: str
    valid_from: date | None
    valid_to: date | None
    values: tuple[tuple[str, Any], ...]
    source: str
    set_by: str
    set_at: datetime | None


def changes_of(model: type[DatedSet], *, unit_ids: Iterable[int], limit: int = 50) -> tuple[SetChange, ...]:
    """What was set for the whole utility and for these units, newest first."""
    known = set(unit_ids)
    rows = model._default_manager.select_related("org_unit", "set_by").order_by("-pk")
    chosen = [row for row in rows if row.org_unit_id is None or row.org_unit_id in known][:limit]
    return tuple(
        SetChange(
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


def sources_of(model: type[DatedSet], day: date, org_path: str) -> Mapping[str, str]:
    """Name to source of every value that is stored for a path on a day, the nearest one counting."""
    above = {int(part): depth for depth, part in enumerate(org_path.split("/")) if part}
    stored = model._default_manager.filter(valid__contains=day)
    found = [
        (0 if row.org_unit_id is None else 1 + above[row.org_unit_id], row)
        for row in stored
        if row.org_unit_id is None or row.org_unit_id in above
    ]
    sources: dict[str, str] = {}
    for _depth, row in sorted(found, key=lambda one: one[0]):
        sources |= dict.fromkeys(row.values, row.source)
    return sources
