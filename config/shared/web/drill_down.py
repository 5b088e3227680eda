"""What an indicator's page hands on to the page of single cases behind it: `?unit=…&cycle=…`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time

from django.conf import settings
from django.http import HttpRequest

from config.shared.display_formats import format_month
from config.shared.indicators import unit_in
from config.shared.models import OrgUnit
from config.shared.periods import add_months, first_day, is_cycle


@dataclass(frozen=True, slots=True)
class DrillDown:
    """A part of the organisation and a month in the billing time zone."""

    unit: OrgUnit
    cycle: int

    @property
    def since(self) -> datetime:
        """The moment at which the month begins."""
        return datetime.combine(first_day(self.cycle), time(), settings.BILLING_TIME_ZONE)

    @property
    def until(self) -> datetime:
        """The moment at which the next month begins."""
        return datetime.combine(first_day(add_months(self.cycle, 1)), time(), settings.BILLING_TIME_ZONE)

    @property
    def title(self) -> str:
        """The part and the month as people read them."""
        return f"{self.unit.shown_name} · {format_month(self.cycle)}"


def drill_down_of(request: HttpRequest, *, within: Sequence[str]) -> DrillDown | None:
    """
    The part and the month of the address; None where it names no month.

    :raises NotFound: the part does not lie within
    """
    unit, cycle = request.GET.get("unit", ""), request.GET.get("cycle", "")
    if not (cycle.isdecimal() and len(cycle) == 6 and is_cycle(int(cycle))):
        return None
    return DrillDown(unit_in(int(unit) if unit.isdecimal() and len(unit) < 19 else None, within=within), int(cycle))
