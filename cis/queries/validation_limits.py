"""The limits of the reading checks as data: what holds for a part of the organisation on a day, and since when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from cis.models import ValidationThresholds
from cis.queries.dated_sets import DatedSets, SetChange, changes_of, sources_of
from cis.validation import CHECKS, Thresholds
from config.shared.errors import NotFound
from config.shared.models import OrgUnit


class Limits(DatedSets[Thresholds]):
    """
    The limits of the checks: what the checks declare, unless something else is stored.

    :raises ValueError: a stored row holds a name or a value that the checks refuse
    """

    def __init__(self) -> None:
        rows = ValidationThresholds.objects.values_list("org_unit_id", "valid", "values")
        super().__init__(rows, lambda values: Thresholds(**values))


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


def list_checks(*, day: date, org_path: str = "") -> tuple[CheckRow, ...]:
    """Every check with what holds for an organisation path on a day."""
    limits = Limits()
    values, own = limits.on(day, org_path).values(), sources_of(ValidationThresholds, day, org_path)
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


def list_changes(*, unit_ids: Iterable[int], limit: int = 50) -> tuple[SetChange, ...]:
    """What was set for the whole utility and for these units, newest first."""
    return changes_of(ValidationThresholds, unit_ids=unit_ids, limit=limit)


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


def values_above(*, day: date, org_path: str = "") -> Mapping[str, int]:
    """What would hold for an organisation path on a day if nothing were set for it; for "" what the checks declare."""
    parts = [part for part in org_path.split("/") if part]
    if not parts:
        return Thresholds().values()
    return Limits().on(day, "/".join(["", *parts[:-1], ""])).values()
