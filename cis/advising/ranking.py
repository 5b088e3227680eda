"""Pure: options by what they would have cost, cheapest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cis.advising.months import Month, costs_fen

__all__ = ["Ranked", "Ranking", "rank"]


@dataclass(frozen=True)
class Ranked:
    """An option with what each period and all of them would have come to."""

    key: str
    month_fen: tuple[int, ...]

    @property
    def total_fen(self) -> int:
        """What all periods come to."""
        return sum(self.month_fen)


@dataclass(frozen=True)
class Ranking:
    """The options, cheapest first, equals in the order in which they were given; and those that cannot be priced."""

    ranked: tuple[Ranked, ...]
    unpriced: Mapping[str, tuple[int, ...]]
    """option to the cycles that its tariff cannot price"""


def rank(options: Mapping[str, Sequence[Month]]) -> Ranking:
    """Rate every period of every option; an option of which one period cannot be priced is not ranked.

    Raises ValueError where the options do not have the same periods: only then can they be compared.
    """
    periods = {tuple(month.cycle for month in months) for months in options.values()}
    if len(periods) > 1:
        raise ValueError("options of different periods cannot be compared")
    ranked, unpriced = [], {}
    for key, months in options.items():
        costs = costs_fen(months)
        missing = tuple(month.cycle for month, cost in zip(months, costs, strict=True) if cost is None)
        if missing:
            unpriced[key] = missing
        else:
            ranked.append(Ranked(key, tuple(cost for cost in costs if cost is not None)))
    return Ranking(tuple(sorted(ranked, key=lambda one: one.total_fen)), unpriced)
