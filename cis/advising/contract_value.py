"""Pure: the contract maximum demand that costs least, found exactly.

What a month costs is piecewise linear in the contract value: it is lifted to a share of the capacity below that floor,
and its demand is or is not above the threshold. So the sum of all months is linear, up to the rounding of lines to fen,
between the values at which one of the two changes in one of the months, and its least is at an end of such a stretch.
What rounding can do is bounded: the whole kW near an end whose cost could still round below it are tried as well, so
the result is that of trying every kW. Source: 发改办价格〔2016〕1583号; billing-rules.md 2.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cis.advising.months import Month, totals_fen
from cis.rating import CannotPrice
from cis.rating.rules.basic_charge import BasicChargeRule

__all__ = ["BestContract", "best_contract"]

Int64Column = NDArray[np.int64]

# Two lines of demand are each rounded by half a fen at most; the adjustment follows their sum at a rate under 150 % and
# is rounded itself: under 3 fen a month.
_ROUNDING_FEN = 3
_KW_E4 = 10_000


@dataclass(frozen=True)
class BestContract:
    """The contract value that costs least, the smallest of equals, with what each month comes to."""

    kw: int
    month_fen: tuple[int, ...]
    tried: int
    """how many values were rated"""

    @property
    def total_fen(self) -> int:
        """What all months come to."""
        return sum(self.month_fen)


def best_contract(months: Sequence[Month], *, lowest_kw: int = 1, highest_kw: int | None = None) -> BestContract:
    """The whole kW in [`lowest_kw`, `highest_kw`] that costs least over all the months, by contract demand.

    The determinants must have the contract mode, capacity (`floor_kva_e2`) and the maximum demand of each feeder.
    Without `highest_kw` the search ends where more can only cost more. Raises CannotPrice: `no_basic_charge`, or what
    rating does.
    """
    if not months:
        raise ValueError("no month to search over")
    begins = _begins(months)
    highest = max(highest_kw or max(begins), lowest_kw)
    cuts = sorted({lowest_kw, highest + 1, *(kw for kw in begins if lowest_kw < kw <= highest)})
    tried: dict[int, int] = {}
    for first, last in zip(cuts[:-1], (cut - 1 for cut in cuts[1:]), strict=True):
        _rate(months, [first, last], tried)
        _rate(months, _could_round_below(first, last, tried, _ROUNDING_FEN * len(months)), tried)
    kw = min(tried, key=lambda one: (tried[one], one))
    each = tuple(int(_cost(month, [kw])[0]) for month in months)
    return BestContract(kw, each, len(tried))


def _begins(months: Sequence[Month]) -> list[int]:
    """The whole kW at which a month's cost begins to follow another line."""
    begins = []
    for month in months:
        rule = next((one for one in month.tariff.rules if isinstance(one, BasicChargeRule)), None)
        if rule is None:
            raise CannotPrice("no_basic_charge", f"cycle {month.cycle}")
        # The floor in 0.0001 kW is 0.01 kVA x per cent; what is applied counts from there on.
        begins.append(-(-month.number("floor_kva_e2") * rule.floor_pct // _KW_E4))
        # Not above the threshold any more: demand x 100 <= contract x per cent.
        begins.append(-(-month.number("demand_kw_e4") * 100 // (_KW_E4 * rule.threshold_pct)))
    return begins


def _could_round_below(first: int, last: int, tried: dict[int, int], error_fen: int) -> list[int]:
    """The values inside a linear stretch that rounding could bring to or below its cheaper end.

    With every total at most `error_fen` off its line, the line rises by at least (difference - 2 errors) over the
    stretch, so whatever lies further from the cheaper end than 2 errors of rise cannot come below it.
    """
    steps = last - first
    if steps < 2:
        return []
    rise = abs(tried[last] - tried[first]) - 2 * error_fen
    near = steps - 1 if rise <= 0 else min(2 * error_fen * steps // rise, steps - 1)
    if tried[first] <= tried[last]:
        return list(range(first + 1, first + near + 1))
    return list(range(last - near, last))


def _rate(months: Sequence[Month], values: Sequence[int], tried: dict[int, int]) -> None:
    new = [value for value in dict.fromkeys(values) if value not in tried]
    if not new:
        return
    total = np.zeros(len(new), dtype=np.int64)
    for month in months:
        total += _cost(month, new)
    tried.update(zip(new, total.tolist(), strict=True))


def _cost(month: Month, kw: Sequence[int]) -> Int64Column:
    return totals_fen(month, "contract_kw_e4", np.array(kw, dtype=np.int64) * _KW_E4)
