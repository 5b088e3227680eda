"""Parts of addresses that Django does not know of itself; whoever takes a name from here has it known."""

from __future__ import annotations

from datetime import date

from django.urls import register_converter


class DayConverter:
    """A day, as 2026-01-31."""

    regex = "[0-9]{4}-[0-9]{2}-[0-9]{2}"

    def to_python(self, value: str) -> date:
        """The date; a ValueError is no such page."""
        return date.fromisoformat(value)

    def to_url(self, value: date) -> str:
        """As ISO writes it."""
        return value.isoformat()


DAY = "day"
register_converter(DayConverter, DAY)
