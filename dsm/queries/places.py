"""Whose load somebody may look at: the system, for those who answer for all of it, and the feeders of one's part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from cis.queries.curve_sums import FeederPlace, get_feeder, list_feeders
from config.shared.errors import NotFound
from config.shared.permissions import holds_everywhere
from dsm.models.loads import Scope


@dataclass(frozen=True, slots=True)
class Place:
    """The system or a feeder; `value` names it in addresses, such as `system` or `feeder-12`."""

    value: str
    scope: str
    scope_id: int
    name: str


def places(*, within: Sequence[str]) -> list[Place]:
    """Everything whose load may be seen in the organisation paths `within`, the system first."""
    system = [_system()] if holds_everywhere(within) else []
    return [*system, *(_feeder(feeder) for feeder in list_feeders(within=within))]


def place_of(value: str, *, within: Sequence[str]) -> Place:
    """
    The place that an address names.

    :raises NotFound: there is none of this name, or it is not within
    """
    scope, _dash, number = value.partition("-")
    if value == Scope.SYSTEM and holds_everywhere(within):
        return _system()
    if scope == Scope.FEEDER and number.isdecimal() and len(number) <= 18:
        return _feeder(get_feeder(feeder_id=int(number), within=within))
    raise NotFound(_("没有这条馈线，或者它不在您的管辖范围内。"))


def _system() -> Place:
    return Place(Scope.SYSTEM.value, Scope.SYSTEM.value, 0, _("全系统"))


def _feeder(feeder: FeederPlace) -> Place:
    return Place(f"feeder-{feeder.feeder_id}", Scope.FEEDER.value, feeder.feeder_id, f"{feeder.code} {feeder.name}")
