"""Why a bill is more or less than an earlier one of the account: effects that add up to the difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Literal

from django.conf import settings

from cis.explaining import (
    TIER_OF_CHARGE,
    Bases,
    BillInputs,
    Effect,
    NoBasis,
    Response,
    Use,
    fit_response,
    split,
    weather_energy_kwh_e2,
)
from cis.models import Bill, BillLine, BillUsage
from cis.queries.billing import basis_of, bill_id_of, usage_of_bill
from cis.queries.day_energy import mean_temperatures, whole_days
from cis.queries.rating_switches import compiled_for
from cis.rating import CannotPrice

Against = Literal["last", "year"]
"""The bill before, or that of the same cycle a year ago."""

# A response to the weather is learned from a year and a month, so that both seasons are in it and their bills whole.
_LEARNED_FROM = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two bills; temperature in 0.01 °C, None where too few of its days are known."""

    bill_no: str
    cycle: int
    period_start: date
    period_end: date
    days: int
    energy_kwh_e2: int
    total_fen: int
    tariff_id: int
    top_tier: int
    """the highest tier with energy on the bill; 0 where there are no tiers"""
    temperature_c_e2: int | None

    @property
    def last_day(self) -> date:
        """The last day of the period, as people write it."""
        return self.period_end - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class WhyMore:
    """
    Two bills side by side; `effects` in fen, the largest first, add up to `difference_fen`.

    Where one of the bills cannot be rated again, `is_split` is false and there are no effects.
    """

    against: Against
    before: Side
    now: Side
    difference_fen: int
    effects: tuple[tuple[Effect, int], ...]
    is_split: bool
    weather: Response | NoBasis
    is_by_day: bool
    """whether that was learned from single days, and not from bills"""
    weather_kwh_e2: int
    left_to_price: frozenset[Effect]


def why_more(
    bill_no: str, *, against: Against = "last", within: tuple[date | None, date | None] = (None, None)
) -> WhyMore | None:
    """
    A bill beside the one before it, or beside that of a year ago; None where there is none to compare with.

    `within` are the first and last day that may be seen: an earlier bill that reaches out of them is not compared.

    :raises NotFound: it is not a bill number
    """
    now = Bill.objects.select_related("tariff_version").filter(pk=bill_id_of(bill_no)).first()
    if now is None or str(now) != bill_no or not now.months:
        return None
    # What a former system billed came as one amount, a bill of differences is of no month: nothing to compare.
    bills = Bill.objects.select_related("tariff_version")
    earlier = bills.filter(account_id=now.account_id, opening=None, months__gt=0)
    earlier = (
        earlier.filter(period_start__lt=now.period_start)
        if against == "last"
        else earlier.filter(cycle=now.cycle - 100, months=now.months)
    )
    before = earlier.order_by("-period_start", "-revision").first()
    first, last = within
    if (
        before is None
        or (first is not None and before.period_start < first)
        or (last is not None and now.period_end > last + timedelta(days=1))
    ):
        return None
    learned_from = min(before.period_start, now.period_end - _LEARNED_FROM)
    temperatures = mean_temperatures(learned_from, now.period_end)
    of_before, of_now = (_of_period(temperatures, bill) for bill in (before, now))
    response: Response | NoBasis = NoBasis.NO_TEMPERATURES
    is_by_day, weather_kwh_e2 = False, 0
    if _is_known(of_before, before) and _is_known(of_now, now):
        response, is_by_day = _response(now, before, temperatures, max(learned_from, first or learned_from))
    if isinstance(response, Response):
        weather_kwh_e2 = weather_energy_kwh_e2(
            response, before_c_e2=of_before, now_c_e2=of_now, days=_days(now), bases=_bases()
        )
    stretches: dict[int, list[BillUsage]] = {before.pk: [], now.pk: []}
    for stretch in BillUsage.objects.filter(bill_id__in=list(stretches)).order_by("bill_id", "seq"):
        stretches[stretch.bill_id].append(stretch)
    tiers = _top_tiers([before.pk, now.pk])
    try:
        difference = split(
            _inputs(before, stretches[before.pk]), _inputs(now, stretches[now.pk]), weather_kwh_e2=weather_kwh_e2
        )
    except CannotPrice:
        difference = None
    return WhyMore(
        against=against,
        before=_side(before, tiers, of_before),
        now=_side(now, tiers, of_now),
        difference_fen=(now.total_fen - now.correction_fen) - (before.total_fen - before.correction_fen),
        effects=tuple(difference.largest_first()) if difference else (),
        is_split=difference is not None,
        weather=response,
        is_by_day=is_by_day,
        weather_kwh_e2=weather_kwh_e2,
        left_to_price=difference.left_to_price if difference else frozenset(),
    )


def _response(
    now: Bill, before: Bill, temperatures: Mapping[date, int], from_day: date
) -> tuple[Response | NoBasis, bool]:
    """
    What a degree costs the customer, and whether single days say so.

    Days speak where those of both periods are known; else the bills of a year do, each with the days it covers.
    """
    used = whole_days(now.account_id, from_day, now.period_end)
    if all(
        2 * sum(bill.period_start <= day < bill.period_end for day in used) >= _days(bill) for bill in (before, now)
    ):
        days = [Use(energy_wh, [temperatures[day]]) for day, energy_wh in used.items() if day in temperatures]
        found = fit_response(
            days,
            bases=_bases(),
            least=settings.WEATHER_LEAST_DAYS,
            least_permille=settings.WEATHER_LEAST_PERMILLE_BY_DAY,
        )
        if isinstance(found, Response):
            return found, True
    bills = Bill.objects.filter(
        account_id=now.account_id, period_start__gte=from_day, period_end__lte=now.period_end
    ).order_by("period_start", "revision")
    newest = {bill.period_start: bill for bill in bills}
    periods = [
        Use(Fraction(10 * bill.energy_kwh_e2, _days(bill)), of_bill)
        for bill in newest.values()
        if _is_known(of_bill := _of_period(temperatures, bill), bill)
    ]
    found = fit_response(
        periods,
        bases=_bases(),
        least=settings.WEATHER_LEAST_BILLS,
        least_permille=settings.WEATHER_LEAST_PERMILLE_BY_BILL,
    )
    return found, False


def _bases() -> Bases:
    return Bases(settings.COOLING_BASE_C_E2, settings.HEATING_BASE_C_E2)


def _inputs(bill: Bill, stretches: list[BillUsage]) -> BillInputs:
    tariff = compiled_for(bill, bill.tariff_version)
    return BillInputs(
        tariff,
        usage_of_bill(bill, stretches, tariff, basis_of(bill.pk)),
        _days(bill),
        bill.total_fen - bill.correction_fen,
    )


def _days(bill: Bill) -> int:
    return (bill.period_end - bill.period_start).days


def _of_period(by_day: Mapping[date, int], bill: Bill) -> list[int]:
    return [one for day, one in by_day.items() if bill.period_start <= day < bill.period_end]


def _is_known(known: list[int], bill: Bill) -> bool:
    """Whether the days of which something is known speak for the period: at least half of them (ours)."""
    return 2 * len(known) >= _days(bill)


def _top_tiers(bill_ids: list[int]) -> dict[int, int]:
    tops = dict.fromkeys(bill_ids, 0)
    for bill_id, code in BillLine.objects.filter(bill_id__in=bill_ids).values_list("bill_id", "code"):
        tops[bill_id] = max(tops[bill_id], TIER_OF_CHARGE.get(code, 0))
    return tops


def _side(bill: Bill, tiers: Mapping[int, int], temperatures: list[int]) -> Side:
    return Side(
        bill_no=str(bill),
        cycle=bill.cycle,
        period_start=bill.period_start,
        period_end=bill.period_end,
        days=_days(bill),
        energy_kwh_e2=bill.energy_kwh_e2,
        total_fen=bill.total_fen - bill.correction_fen,
        tariff_id=bill.tariff_version.tariff_id,
        top_tier=tiers[bill.pk],
        temperature_c_e2=(
            (2 * sum(temperatures) + len(temperatures)) // (2 * len(temperatures))
            if _is_known(temperatures, bill)
            else None
        ),
    )
