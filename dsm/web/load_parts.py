"""What the pages about load share: the choice of place and day, quarter-hours on an axis, watts as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from config.shared.display_formats import ABSENT, MINUS
from config.shared.errors import NotFound
from config.shared.permissions import scope_of, staff_of
from dsm.models.loads import SLOTS
from dsm.queries.places import Place, place_of, places

VIEW = "dsm.view_load"
# Groups digits by three as everywhere, and is not broken over lines in a sentence.
_NARROW_SPACE = "\u202f"
QUARTERS = tuple(f"{slot // 4:02d}:{slot % 4 * 15:02d}" for slot in range(SLOTS))


@dataclass(frozen=True)
class Chosen:
    """What a request asks for: the places to choose from, the one chosen, and the day, None where none is named."""

    places: list[Place]
    place: Place
    day: date | None


def chosen_in(request: HttpRequest) -> Chosen:
    """
    The place and the day in the address; the first place where none is named.

    :raises NotFound: the place is not one of those that the user may see, or there is no place at all
    """
    within = scope_of(staff_of(request), VIEW)
    known = places(within=within)
    value = request.GET.get("place", "")
    if value:
        place = place_of(value, within=within)
    elif known:
        place = known[0]
    else:
        raise NotFound(_("还没有馈线档案，没有负荷可看。"))
    return Chosen(known, place, _day_in(request.GET.get("day", "")))


def file_address(name: str, place: Place, day: date) -> str:
    """The address of a page's file for a place and a day."""
    return f"{reverse(name)}?{urlencode({'place': place.value, 'day': day.isoformat()})}"


def _day_in(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def axis(**more: Any) -> dict[str, Any]:
    """A chart over the quarter-hours of a day, in kW from W."""
    return {"x": list(QUARTERS), "x_name": _("时刻"), "unit": "kW", "scale": 1000, "digits": 1, **more}


def kw(watts: int | None) -> str:
    """W as kW to read: three figures that count, more where the load is large."""
    if watts is None:
        return ABSENT
    digits = 0 if abs(watts) >= 1_000_000 else 1
    return f"{watts / 1000:,.{digits}f}".replace(",", _NARROW_SPACE).replace("-", MINUS)


def percent(share_e4: int | None, digits: int = 1) -> str:
    """1e-4 as per cent to read."""
    if share_e4 is None:
        return ABSENT
    return f"{share_e4 / 100:.{digits}f} %".replace("-", MINUS)


def highest(values: Sequence[int | None]) -> tuple[int | None, str]:
    """The highest value and its time; (None, dash) where nothing is known."""
    known = [(value, -slot) for slot, value in enumerate(values) if value is not None]
    value, slot = max(known) if known else (None, 0)
    return value, QUARTERS[-slot] if known else ABSENT


def lowest(values: Sequence[int | None]) -> tuple[int | None, str]:
    """The lowest value and its time."""
    known = [(value, slot) for slot, value in enumerate(values) if value is not None]
    value, slot = min(known) if known else (None, 0)
    return value, QUARTERS[slot] if known else ABSENT
