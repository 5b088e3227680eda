"""
What every page shares: `{% load display %}`.

The filters are thin coats over `config.shared.display_formats`. Text that is already finished passes through, so that
a part may be given either.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from config.shared import display_formats

register = template.Library()

ICON_FOLDER = Path(__file__).resolve().parent.parent / "static" / "vendor" / "icons"
_ICON_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_ICON_DRAWING = re.compile(r"<svg[^>]*>(?P<drawing>.*)</svg>", re.DOTALL)


def _number_filter(
    name: str, to_text: Callable[[int | Decimal | None], str]
) -> Callable[[int | Decimal | str | None], str]:
    def filter_number(value: int | Decimal | str | None) -> str:
        return value if isinstance(value, str) else to_text(value)

    filter_number.__doc__ = to_text.__doc__
    register.filter(name, filter_number)
    return filter_number


money = _number_filter("money", display_formats.format_money)
yuan = _number_filter("yuan", display_formats.format_yuan)
energy = _number_filter("energy", display_formats.format_energy)
price = _number_filter("price", display_formats.format_price)
register_value = _number_filter("register", display_formats.format_register)
count = _number_filter("count", display_formats.format_count)


@register.filter
def listed(words: Iterable[object]) -> str:
    """Words after each other, parted as the language parts them."""
    return pgettext("list", "、").join(str(word) for word in words)


@register.filter
def day(value: date | str | None) -> str:
    """`2026-11-21` in the current time zone."""
    return value if isinstance(value, str) else display_formats.format_day(value, timezone.get_current_timezone())


@register.filter
def month(cycle: int | str | None) -> str:
    """`2026-11` for the billing cycle 202611."""
    return cycle if isinstance(cycle, str) else display_formats.format_month(cycle)


@register.filter
def moment(value: datetime | str | None) -> str:
    """`2026-11-21 14:05` in the current time zone."""
    return value if isinstance(value, str) else display_formats.format_moment(value, timezone.get_current_timezone())


@register.filter
def clock(value: datetime | str | None) -> str:
    """`14:05` in the current time zone."""
    return value if isinstance(value, str) else display_formats.format_clock(value, timezone.get_current_timezone())


def chip(kind: str, word: str) -> SafeString:
    """A state in a word, as `shared/_chip.html` draws it, for tables that are written row by row."""
    return format_html('<span class="chip chip-{}">{}</span>', kind, word)


@register.simple_tag
def yuan_amount(fen: int | Decimal | None) -> SafeString:
    """A sum in running text: `1 234.56 元`, never broken at the end of a line; a true minus, no colour alone."""
    return _figure(display_formats.format_money(fen), _("元"), is_absent=fen is None)


@register.simple_tag
def kwh_amount(hundredths: int | Decimal | None) -> SafeString:
    """An amount of energy in running text: `12 345 度`."""
    return _figure(display_formats.format_energy(hundredths), _("度"), is_absent=hundredths is None)


def _figure(number: str, unit: str, *, is_absent: bool) -> SafeString:
    words = number if is_absent else f"{number}\u00a0{unit}"
    return format_html('<span class="amount">{}</span>', words)


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """
    The named drawing of the icon set as inline SVG.

    Hidden from screen readers, for a word stands beside it; where none does, `label` is the accessible name. A drawing
    that is missing leaves nothing, or the label as a word.
    """
    drawing = icon_drawing(name, ICON_FOLDER)
    if not drawing:
        return format_html("{}", label)
    naming = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    title = format_html("<title>{}</title>", label) if label else mark_safe("")
    return format_html(
        '<svg class="icon" {} viewBox="0 0 24 24" width="20" height="20" fill="none" stroke="currentColor"'
        ' stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round" focusable="false">{}{}</svg>',
        naming,
        title,
        mark_safe(drawing),  # noqa: S308 (a file of the kept icon set)
    )


@cache
def icon_drawing(name: str, folder: Path) -> str:
    """What stands inside the `<svg>` of the kept file; empty if there is no such drawing."""
    file = folder / f"{name}.svg"
    if not _ICON_NAME.fullmatch(name) or not file.is_file():
        return ""
    found = _ICON_DRAWING.search(file.read_text(encoding="utf-8"))
    return " ".join(found["drawing"].split()) if found else ""


@register.filter
def chart_rows(chart: Mapping[str, Any]) -> list[dict[str, Any]]:
    """
    The table behind a chart: one row for every x, with the value of each series as text.

    Takes the dict that is also drawn (see `shared/_chart.html`); numbers may be whole numbers of a smaller unit, then
    `scale` divides them and `digits` says how many decimals are read. `columns` follow the series; they are not drawn.
    """
    scale, digits = int(chart.get("scale", 1)), chart.get("digits")
    columns = chart.get("columns", ())
    return [
        {
            "x": x,
            "values": [
                *(_chart_number(series["values"], index, scale, digits) for series in chart["series"]),
                *(_chart_number(one["values"], index, one["scale"], one["digits"]) for one in columns),
            ],
        }
        for index, x in enumerate(chart["x"])
    ]


def _chart_number(values: list[int | float | None], index: int, scale: int, digits: int | None) -> str:
    value = values[index] if index < len(values) else None
    if value is None:
        return display_formats.ABSENT
    number = Decimal(str(value)) / scale
    text = f"{number:,.{digits}f}" if digits is not None else f"{number.normalize():,f}"
    return text.replace(",", display_formats.THIN_SPACE).replace("-", display_formats.MINUS)
