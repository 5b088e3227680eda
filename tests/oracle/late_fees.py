"""A slow oracle for late fees: `Decimal` yuan, walking one day at a time, sharing nothing with the kernel."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

FEN = Decimal("0.01")


def fee_of(
    principal: Decimal,
    due_on: date,
    until_on: date,
    paid: Sequence[tuple[date, Decimal]],
    *,
    rate: Decimal,
    rate_across_years: Decimal,
    split: str,
    minimum: Decimal,
    cap_share: Decimal | None = None,
) -> Decimal:
    """Return the late fee in yuan of one debt; rates are shares a day."""
    per_day: list[tuple[Decimal, Decimal]] = []
    day = due_on + timedelta(days=1)
    while day <= until_on:
        base = principal - sum((amount for on, amount in paid if on < day), Decimal(0))
        if base > 0:
            per_day.append((base, rate if day.year == due_on.year else rate_across_years))
        day += timedelta(days=1)
    across = any(day_rate == rate_across_years for _base, day_rate in per_day) and rate != rate_across_years
    if across and split == "new_year_only":
        per_day = [item for item in per_day if item[1] == rate_across_years]
    if across and split == "all_days_cross_year_rate":
        per_day = [(base, rate_across_years) for base, _rate in per_day]
    per_day = [item for item in per_day if item[1] > 0]
    total, position = Decimal(0), 0
    while position < len(per_day):
        same = position
        while same < len(per_day) and per_day[same] == per_day[position]:
            same += 1
        base, day_rate = per_day[position]
        total += (base * (same - position) * day_rate).quantize(FEN, ROUND_HALF_UP)
        position = same
    if per_day:
        total = max(total, minimum)
    if cap_share is not None:
        total = min(total, (principal * cap_share).quantize(FEN, rounding="ROUND_DOWN"))
    return total
