"""What pages of values that a utility sets by unit and day have in common: whose values are looked at and set."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from cis.queries.validation_limits import LimitUnit
from config.shared.errors import NotFound
from config.shared.permissions import holds_everywhere

WHOLE = "all"


def unit_of(units: tuple[LimitUnit, ...], asked: str) -> LimitUnit | None:
    """
    The part of the organisation that is asked for; None = the whole utility.

    :raises NotFound: it is not one of these
    """
    if asked in ("", WHOLE):
        return None
    found = next((unit for unit in units if str(unit.unit_id) == asked), None)
    if found is None:
        raise NotFound(_("没有这个单位。"))
    return found


def may_set(within: list[str], unit: LimitUnit | None) -> bool:
    """Whether who holds the word `within` may set values of the unit; those of the whole utility everywhere only."""
    return unit is not None or holds_everywhere(within)


def address_of(name: str, unit: LimitUnit | None) -> str:
    """A page of the unit."""
    return reverse(name) + (f"?unit={unit.unit_id}" if unit else "")
