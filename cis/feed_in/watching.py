"""Pure: whether a day's metering of a plant is as it should be.

Output and feed-in are held against the registered capacity; a day without output is wrong where the plant made
energy on the days before and other plants did that day. Shares and days are parameters (ours).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median_low

__all__ = ["Finding", "PlantDay", "WatchTerms", "judge_day", "makes_usual"]


@dataclass(frozen=True)
class PlantDay:
    """One day: energies in Wh and the highest quarter-hours in W; None where nothing was metered."""

    gross_wh: int | None
    export_wh: int | None
    peak_gross_w: int | None = None
    peak_export_w: int | None = None


@dataclass(frozen=True)
class WatchTerms:
    """From how many per cent of the capacity, below how many permille of its usual day, after how many days."""

    over_percent: int
    nothing_permille: int
    least_days: int


@dataclass(frozen=True)
class Finding:
    """What is wrong: `kind` is output, reverse or nothing; measured against the bound, in W or Wh."""

    kind: str
    measured: int
    bound: int


def judge_day(
    day: PlantDay, *, capacity_w: int, before_wh: Sequence[int], others_made: bool, terms: WatchTerms
) -> list[Finding]:
    """What is wrong with a day; `before_wh` are the gross energies of the days before that were metered."""
    bound = capacity_w * terms.over_percent // 100
    found = [
        Finding(kind, peak, bound)
        for kind, peak in (("output", day.peak_gross_w), ("reverse", day.peak_export_w))
        if peak is not None and peak > bound
    ]
    if day.gross_wh is not None and len(before_wh) >= terms.least_days and others_made:
        usual = median_low(before_wh)
        least = usual * terms.nothing_permille // 1000
        if usual > 0 and day.gross_wh <= least:
            found.append(Finding("nothing", day.gross_wh, least))
    return found


def makes_usual(day: PlantDay, before_wh: Sequence[int], terms: WatchTerms) -> bool:
    """Whether a plant made at least a quarter of its usual day: there was sun to be had."""
    if day.gross_wh is None or len(before_wh) < terms.least_days:
        return False
    usual = median_low(before_wh)
    return usual > 0 and day.gross_wh * 4 >= usual
