"""Pure: how a cost grows, as text for a terminal and as SVG for a page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

Series = Mapping[str, Sequence[tuple[float, float]]]
"""Name of a line to its (size, cost) points."""

_COLOURS = ("#0b6e6e", "#b5651d", "#6b5b95", "#5a6b7b")


def text_chart(series: Series, *, unit: str, width: int = 46) -> str:
    """One bar for each point, line by line of the series, all to one scale."""
    most = max(cost for points in series.values() for _, cost in points)
    lines = []
    for name, points in series.items():
        lines.append(name)
        for size, cost in points:
            bar = "█" * max(round(cost / most * width), 1)
            lines.append(f"  {size:>11,.0f}  {bar} {cost:,.1f} {unit}")
    return "\n".join(lines)


def svg_chart(series: Series, *, title: str, x_label: str, y_label: str) -> str:
    """Lines over a logarithmic size and a cost that begins at zero."""
    left, top, width, height = 64, 48, 560, 300
    sizes = [size for points in series.values() for size, _ in points]
    low, high = math.log10(min(sizes)), math.log10(max(sizes))
    most = _round_up(max(cost for points in series.values() for _, cost in points))

    def x_of(size: float) -> float:
        return left + (math.log10(size) - low) / ((high - low) or 1) * width

    def y_of(cost: float) -> float:
        return top + height - cost / most * height

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 40} {top + height + 78}" '
        f'font-family="sans-serif" font-size="13" fill="#22303c" role="img" aria-label="{escape(title)}">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        f'<text x="{left}" y="22" font-size="15" font-weight="600">{escape(title)}</text>',
        f'<text x="{left}" y="{top - 8}" fill="#5a6b7b">{escape(y_label)}</text>',
    ]
    for step in range(5):
        cost = most * step / 4
        parts.append(f'<path d="M{left} {y_of(cost):.1f}h{width}" stroke="#d9dfe4"/>')
        parts.append(f'<text x="{left - 8}" y="{y_of(cost) + 4:.1f}" text-anchor="end">{cost:,.0f}</text>')
    for size in sorted(set(sizes)):
        parts.append(f'<text x="{x_of(size):.1f}" y="{top + height + 20}" text-anchor="middle">{size:,.0f}</text>')
    parts.append(
        f'<text x="{left + width / 2}" y="{top + height + 40}" text-anchor="middle" fill="#5a6b7b">'
        f"{escape(x_label)}</text>"
    )
    for number, (name, points) in enumerate(series.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        path = " ".join(f"{x_of(size):.1f},{y_of(cost):.1f}" for size, cost in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x_of(s):.1f}" cy="{y_of(c):.1f}" r="3.5" fill="{colour}"/>' for s, c in points]
        x = left + number * 210
        parts.append(f'<rect x="{x}" y="{top + height + 54}" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{x + 18}" y="{top + height + 64}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _round_up(value: float) -> float:
    """The next of 1, 2, 4, 5 or 10 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1, 2, 4, 5, 10) if factor * power >= value)
