"""A day of 96 quarter-hours as a small picture: drawn on the server, readable without scripts, coloured by the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

_HEIGHT = 24


@dataclass(frozen=True, slots=True)
class DayPicture:
    """
    What was measured beside what is usual; `words` say the same to those who do not see it, and in files.

    `values` and `usual` have one number per quarter-hour, None where there is none; `marked` are the places that are
    doubted.
    """

    values: tuple[int | None, ...]
    usual: tuple[int | None, ...] = ()
    marked: tuple[int, ...] = ()
    words: str = ""

    def __str__(self) -> str:
        return self.words

    def svg(self) -> SafeString:
        """The drawing: the usual day as a line, the day as an area, marks where it is doubted or missing."""
        known = [value for value in (*self.values, *self.usual) if value is not None and value > 0]
        top = max(known, default=1)
        gone = [slot for slot, value in enumerate(self.values) if value is None]
        shapes = [f'<path class="day-mark" d="{_bars(sorted({*gone, *self.marked}))}"/>'] if gone or self.marked else []
        shapes.append(f'<path class="day-area" d="{_area(self.values, top)}"/>')
        if self.usual:
            shapes.append(f'<path class="day-usual" d="{_line(self.usual, top)}"/>')
        return mark_safe(  # noqa: S308 - numbers of our own, and words that are escaped
            f'<svg class="day-picture" viewBox="0 0 96 {_HEIGHT}" preserveAspectRatio="none" role="img" '
            f'aria-label="{escape(self.words)}">{"".join(shapes)}</svg>'
        )


def _y(value: int, top: int) -> int:
    return _HEIGHT - min(max(value, 0) * _HEIGHT // top, _HEIGHT)


def _area(values: Sequence[int | None], top: int) -> str:
    parts = []
    for start, stop in _stretches(values):
        steps = "".join(f"V{_y(values[slot] or 0, top)}h1" for slot in range(start, stop))
        parts.append(f"M{start} {_HEIGHT}{steps}V{_HEIGHT}z")
    return "".join(parts)


def _line(values: Sequence[int | None], top: int) -> str:
    parts = []
    for start, stop in _stretches(values):
        steps = "".join(f"V{_y(values[slot] or 0, top)}h1" for slot in range(start + 1, stop))
        parts.append(f"M{start} {_y(values[start] or 0, top)}h1{steps}")
    return "".join(parts)


def _bars(slots: Sequence[int]) -> str:
    return "".join(f"M{slot} 0h1v{_HEIGHT}h-1z" for slot in slots)


def _stretches(values: Sequence[int | None]) -> list[tuple[int, int]]:
    """Where values follow each other without a gap, half-open."""
    found: list[tuple[int, int]] = []
    start: int | None = None
    for slot, value in enumerate([*values, None]):
        if value is not None and start is None:
            start = slot
        elif value is None and start is not None:
            found.append((start, slot))
            start = None
    return found
