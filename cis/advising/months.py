"""Pure: one billed period under one tariff, and what the engine that bills makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cis.rating import CannotPrice, CompiledTariff, Rated, Usage, rate

__all__ = ["Month", "costs_fen", "rate_month", "totals_fen"]

Int64Column = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Month:
    """A billing period as a tariff sees it: a usage of one row; raises ValueError of more rows."""

    cycle: int
    tariff: CompiledTariff
    usage: Usage
    beside_fen: int = 0
    """what parts of the bill at other prices come to, whatever this tariff"""

    def __post_init__(self) -> None:
        if len(self.usage) != 1:
            raise ValueError("a month is a usage of one row")

    def given(self, **determinants: int) -> Month:
        """The same period with other single determinants of `Usage.more`."""
        more = {name: np.array([value], dtype=np.int64) for name, value in determinants.items()}
        return replace(self, usage=replace(self.usage, more={**self.usage.more, **more}))

    def with_people(self, people: int) -> Month:
        """The same period of a household of so many persons."""
        return replace(self, usage=replace(self.usage, people=np.array([people], dtype=np.int16)))

    def number(self, name: str, default: int = 0) -> int:
        """A determinant that is one number; of several columns their sum."""
        column = self.usage.more.get(name)
        return default if column is None else int(column[0].sum())


def rate_month(month: Month) -> Rated | None:
    """The lines of a period without what stands beside it; None where its tariff cannot price it."""
    try:
        rated = rate(month.tariff, month.usage)
    except CannotPrice:
        return None
    return None if rated.refused.any() else rated


def costs_fen(months: Sequence[Month]) -> list[int | None]:
    """What each period comes to; None where its tariff cannot price it."""
    rated = [rate_month(month) for month in months]
    return [
        None if one is None else int(one.total_fen[0]) + month.beside_fen
        for month, one in zip(months, rated, strict=True)
    ]


def totals_fen(month: Month, name: str, values: Int64Column) -> Int64Column:
    """(n,) what the period comes to with each value of one determinant; raises CannotPrice(`row_refused`)."""
    rows = month.usage.take(np.zeros(len(values), dtype=np.int64))
    rated = rate(month.tariff, replace(rows, more={**rows.more, name: values}))
    if rated.refused.any():
        raise CannotPrice("row_refused", f"cycle {month.cycle}")
    return rated.total_fen + month.beside_fen
