"""
Pure: what the days that are left of a billing period will use, told from the customer's own days.

However many days are left, so many days in a row were lived through before: the sums of all such stretches of the last
weeks are what may come, a tenth of them below, a tenth above. Where the same days of last year are known, all of it is
moved by how that stretch lay to the weeks before it then: the season does again what it did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["LEAST_DAYS", "Outlook", "outlook", "shared_out"]

LEAST_DAYS = 14
"""of fewer days nothing is foretold"""
_RECENT_DAYS = 28
# A season moves a household by this much at the most; more was something else, such as a journey.
_MOST_TIMES = 3


@dataclass(frozen=True, slots=True)
class Outlook:
    """Energy in Wh: of ten times once below `low`, five times below `middle`, nine times below `high`."""

    low_wh: int
    middle_wh: int
    high_wh: int


def outlook(
    recent_wh: Sequence[int], *, days_left: int, year_ago_before_wh: Sequence[int] = (), year_ago_wh: Sequence[int] = ()
) -> Outlook | None:
    """
    What `days_left` days will use; None where too few days are known.

    `recent_wh` are the known days up to now, oldest first. `year_ago_wh` are the same days of last year as those that
    are left, `year_ago_before_wh` the four weeks before them; they count where both are nearly whole.
    """
    if days_left <= 0:
        return Outlook(0, 0, 0)
    if len(recent_wh) < LEAST_DAYS:
        return None
    span = min(days_left, len(recent_wh) // 2)
    sums = sorted(sum(recent_wh[first : first + span]) for first in range(len(recent_wh) - span + 1))
    times, of = days_left, span
    before, then = sum(year_ago_before_wh), sum(year_ago_wh)
    if 10 * len(year_ago_wh) >= 9 * days_left and 10 * len(year_ago_before_wh) >= 9 * _RECENT_DAYS and before and then:
        moved, stood = then * len(year_ago_before_wh), before * len(year_ago_wh)
        if moved > _MOST_TIMES * stood:
            moved, stood = _MOST_TIMES, 1
        elif stood > _MOST_TIMES * moved:
            moved, stood = 1, _MOST_TIMES
        times, of = times * moved, of * stood
    low, middle, high = (sums[(len(sums) - 1) * percent // 100] for percent in (10, 50, 90))
    return Outlook(*((2 * one * times + of) // (2 * of) for one in (low, middle, high)))


def shared_out(total: int, shares: Sequence[int]) -> list[int]:
    """A total in whole units in the proportion of shares; what rounding leaves goes to the largest. Sums to it."""
    whole = sum(shares)
    if not whole:
        return [total, *([0] * (len(shares) - 1))]
    parts = [total * share // whole for share in shares]
    parts[max(range(len(shares)), key=lambda place: shares[place])] += total - sum(parts)
    return parts
