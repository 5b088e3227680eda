"""
What each day, or each quarter-hour, of electricity costs: the kernel that bills rates the period up to each moment.

The cost of a stretch is the difference between the bill at its end and the bill at its beginning, so that costs add up
to a bill and a day in the second tier costs what the second tier costs. Energy comes from the curve, which is not
rounded to whole kWh as bills are: a sum of days may differ from the bill by what that rounding moves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from cis.models import Account, Bill, SupplyContract, TariffVersion
from cis.queries.day_kinds import kinds_for
from cis.queries.due_accounts import tier_year_of
from cis.queries.energy_columns import BILLED_REGISTERS, usage_for
from cis.queries.left_out import LeftOut, reason_in_words
from cis.queries.rating_switches import SwitchSets
from cis.queries.readings import curve, curve_days, daily_usage
from cis.queries.supply_terms import accounts_with_terms
from cis.queries.transfers import running_tier_months, taken_over_lately
from cis.rating import (
    PERIOD_REGISTERS,
    CannotPrice,
    CompiledTariff,
    Refusal,
    Register,
    Switches,
    WindowSet,
    compile_rules,
    rate,
    rules_under,
)
from config.shared.money import yuan_from_fen
from config.shared.periods import add_months, cycle_of, reading_date

SLOTS = 96


@dataclass(frozen=True, slots=True)
class DayCost:
    """What a day costs; None in `cost_fen` where it cannot be said, and `why_not` says why."""

    cost_fen: int | None
    is_billed: bool
    """whether the bill of its period is out; until then tariff and tiers may still move"""
    why_not: str = ""
    is_demonstration: bool = False
    """priced by a tariff that is for demonstration only"""


@dataclass(frozen=True)
class QuarterCosts:
    """What each quarter-hour of a day costs in fen, None where it was not measured or cannot be priced."""

    cost_fen: tuple[int | None, ...]
    is_billed: bool
    why_not: str = ""
    is_demonstration: bool = False


@dataclass(frozen=True)
class _Terms:
    """What a stretch of days is priced by: of the bill where there is one, else as billing would find it now."""

    account_id: int
    start: date
    end: date
    bill_month: int
    months: int
    people: int
    tier_kwh_e2_before: int
    tier_months: int
    version: TariffVersion | None
    switches: Switches
    is_billed: bool
    why_not: str = ""

    @property
    def is_demonstration(self) -> bool:
        """Whether the prices are for demonstration only."""
        return self.version is not None and self.version.is_demonstration


def costs_of_days(account_id: int, from_day: date, to_day: date) -> dict[date, DayCost]:
    """The cost of each day in [from_day, to_day) that has a curve; one call of the kernel for each billing period."""
    found: dict[date, DayCost] = {}
    stretches = _terms_between(account_id, from_day, to_day)
    if not stretches:
        return found
    curves = list(curve_days(account_id, stretches[0].start, min(stretches[-1].end, to_day)))
    for terms in stretches:
        days = [(day, values) for day, values in curves if terms.start <= day < terms.end]
        if days:
            measured = np.stack([np.where(values >= 0, values, 0) for _day, values in days])
            costs, why_not = _costs(terms, [day for day, _values in days], measured, by_slot=False)
            for (day, _values), cost in zip(days, costs, strict=True):
                if day >= from_day:
                    found[day] = DayCost(cost, terms.is_billed, why_not, terms.is_demonstration)
    return found


def costs_of_quarters(account_id: int, day: date) -> QuarterCosts:
    """The cost of each quarter-hour of one day, on top of what its billing period holds before it."""
    stretches = _terms_between(account_id, day, day + timedelta(days=1))
    if not stretches:
        # Before the account was opened or after it was closed the meter served somebody else.
        return QuarterCosts((None,) * SLOTS, False)
    terms = stretches[0]
    days = list(curve_days(account_id, terms.start, day + timedelta(days=1)))
    if not days or days[-1][0] != day:
        return QuarterCosts((None,) * SLOTS, terms.is_billed)
    measured = np.stack([np.where(values >= 0, values, 0) for _day, values in days])
    costs, why_not = _costs(terms, [day for day, _values in days], measured, by_slot=True)
    known = days[-1][1] >= 0
    return QuarterCosts(
        tuple(cost if is_known else None for cost, is_known in zip(costs, known.tolist(), strict=True)),
        terms.is_billed,
        why_not,
        terms.is_demonstration,
    )


def usage_rows(account_id: int, from_day: date, to_day: date) -> Iterator[tuple[str, ...]]:
    """
    Rows of the export by day: the header, then each day with its total, 96 quarter-hours in kWh, periods and cost.

    What is missing is blank. `cost_state` is `billed` or `estimate`, or says why there is no cost.
    """
    days = {usage.day: usage for usage in daily_usage(account_id, from_day, to_day)}
    names = list(dict.fromkeys(name for usage in days.values() for name, _wh in usage.by_period))
    costs = costs_of_days(account_id, from_day, to_day)
    yield (
        "day",
        "energy_kwh",
        *(f"kwh_{slot:02d}" for slot in range(1, SLOTS + 1)),
        *(f"kwh_{name}" for name in names),
        "cost_yuan",
        "cost_state",
    )
    for day, values in curve_days(account_id, from_day, to_day):
        quarters = (_kwh(int(value)) if value >= 0 else "" for value in values)
        parts, cost = dict(days[day].by_period), costs.get(day, DayCost(None, False))
        yield (
            day.isoformat(),
            _kwh(days[day].energy_wh),
            *quarters,
            *(_kwh(parts[name]) if name in parts else "" for name in names),
            *_cost_cells(cost.cost_fen, is_billed=cost.is_billed, why_not=cost.why_not),
        )


def quarter_rows(account_id: int, day: date) -> Iterator[tuple[str, ...]]:
    """Rows of the export of one day: each quarter-hour with its period, energy and cost; blank where missing."""
    measured, costs = curve(account_id, day), costs_of_quarters(account_id, day)
    yield ("day", "from", "period", "energy_kwh", "cost_yuan", "cost_state")
    for slot, energy in enumerate(measured.energy_wh):
        yield (
            day.isoformat(),
            f"{slot // 4:02d}:{slot % 4 * 15:02d}",
            measured.periods[slot] if measured.periods else "",
            _kwh(energy) if energy is not None else "",
            *_cost_cells(costs.cost_fen[slot], is_billed=costs.is_billed, why_not=costs.why_not),
        )


def _cost_cells(cost_fen: int | None, *, is_billed: bool, why_not: str) -> tuple[str, str]:
    if cost_fen is None:
        return ("", why_not)
    return (yuan_from_fen(cost_fen), "billed" if is_billed else "estimate")


def _kwh(energy_wh: int) -> str:
    return f"{energy_wh // 1000}.{energy_wh % 1000:03d}"


# --- What a day is priced by ------------------------------------------------------------------


# The bills of a tier year and of the two months before it: the newest before a period says what the year has used.
_LOOK_BACK = timedelta(days=430)
_LONGEST_PERIOD = timedelta(days=70)


def _terms_between(account_id: int, from_day: date, to_day: date) -> list[_Terms]:
    """The billing periods that the days in [from_day, to_day) lie in while the account was open; four statements."""
    account = Account.objects.select_related("route").get(pk=account_id)
    day, until = max(from_day, account.opened_on), min(to_day, account.closed_on or date.max)
    if day >= until:
        return []
    bills = list(
        Bill.objects.filter(account_id=account_id, period_start__lt=until, period_end__gt=day - _LOOK_BACK)
        .select_related("tariff_version__windows")
        .order_by("-period_start", "-revision")
    )
    around = (day - _LONGEST_PERIOD, until + _LONGEST_PERIOD)
    contracts = list(SupplyContract.objects.filter(account_id=account_id, valid__overlap=around).order_by("-valid"))
    versions = list(
        TariffVersion.objects.filter(tariff_id__in={c.tariff_id for c in contracts}, valid__overlap=around)
        .select_related("windows")
        .order_by("-valid")
    )
    stretches, sets = [], SwitchSets()
    is_taken_over = bool(taken_over_lately({account_id: account.opened_on}, today=until))
    taken_over_on = account.opened_on if is_taken_over else None
    has_terms = bool(accounts_with_terms([account_id], first=day, last=until))
    while day < until:
        terms = _terms_on(day, account, bills, contracts, versions, sets, taken_over_on=taken_over_on)
        if has_terms:
            why_not = _("这个户有损耗、分表、免费电量或停用容量的约定，每天的电费要等账单。")
            terms = replace(terms, version=None, why_not=why_not)
        stretches.append(terms)
        day = terms.end
    return stretches


def _terms_on(
    day: date,
    account: Account,
    bills: list[Bill],
    contracts: list[SupplyContract],
    versions: list[TariffVersion],
    sets: SwitchSets,
    *,
    taken_over_on: date | None,
) -> _Terms:
    """The terms of the billing period of an open account that a day lies in; everything newest first."""
    bill = next((one for one in bills if one.period_start <= day < one.period_end), None)
    if bill is not None:
        return _Terms(
            account_id=bill.account_id,
            start=bill.period_start,
            end=bill.period_end,
            bill_month=bill.cycle % 100,
            months=bill.months,
            people=bill.people,
            tier_kwh_e2_before=bill.tier_kwh_e2_before,
            tier_months=bill.tier_months,
            version=bill.tariff_version,
            switches=sets.of_bill(bill),
            is_billed=True,
        )
    route = account.route
    cycle = cycle_of(day)
    while reading_date(cycle, route.reading_day) <= day or cycle % 100 % route.cycle_months != route.cycle_phase:
        cycle = add_months(cycle, 1)
    start = max(reading_date(add_months(cycle, -route.cycle_months), route.reading_day), account.opened_on)
    end = min(reading_date(cycle, route.reading_day), account.closed_on or date.max)
    # The last of the period is what billing takes; a month whose price is not out yet has the one before.
    contract = next((one for one in contracts if _overlaps(one.valid, start, end)), None)
    version = next(
        (
            one
            for one in versions
            if contract and one.tariff_id == contract.tariff_id and _overlaps(one.valid, start, end)
        ),
        None,
    )
    why_not = LeftOut.NO_CONTRACT if contract is None else LeftOut.NO_TARIFF if version is None else ""
    last = next((one for one in bills if one.period_start < start), None)
    switches = sets.of_unit(account.org_unit_id, end - timedelta(days=1))
    tier_year = tier_year_of(cycle, route.cycle_months, switches)
    return _Terms(
        account_id=account.pk,
        start=start,
        end=end,
        bill_month=cycle % 100,
        months=route.cycle_months,
        people=contract.people if contract is not None else 1,
        tier_kwh_e2_before=last.tier_kwh_e2_before + last.energy_kwh_e2 if last and last.cycle >= tier_year else 0,
        tier_months=running_tier_months(
            taken_over_on=taken_over_on, cycle=cycle, months=route.cycle_months, switches=switches
        ),
        version=version,
        switches=switches,
        is_billed=False,
        why_not=reason_in_words(why_not, "") if why_not else "",
    )


def _overlaps(valid: Any, start: date, end: date) -> bool:
    """Whether a half-open range of dates, open-ended where it has no bound, shares a day with [start, end)."""
    return (valid.lower is None or valid.lower < end) and (valid.upper is None or valid.upper > start)


# --- Pricing --------------------------------------------------------------------------------


def _costs(
    terms: _Terms, days: list[date], measured: NDArray[np.int64], *, by_slot: bool
) -> tuple[list[int | None], str]:
    """
    The cost of each day, or of each quarter-hour of the last day; `measured` (days, 96) in Wh, nothing missing.

    Where there is no price, every cost is None and the reason is given in words.
    """
    wanted = SLOTS if by_slot else len(days)
    if terms.version is None:
        return [None] * wanted, terms.why_not
    try:
        tariff = compile_rules(rules_under(terms.version.rules, terms.switches))
        energy, has = _energy(terms.account_id, tariff, terms.version, days, measured, by_slot=by_slot)
        rows = len(energy)
        rated = rate(
            tariff,
            usage_for(
                tariff,
                energy_kwh_e2=energy,
                has_register=has,
                tier_kwh_e2_before=np.full(rows, terms.tier_kwh_e2_before, dtype=np.int64),
                people=np.full(rows, terms.people, dtype=np.int16),
                months=np.full(rows, terms.months, dtype=np.int8),
                bill_month=terms.bill_month,
                tier_months=np.full(rows, terms.tier_months, dtype=np.int8),
            ),
        )
    except CannotPrice as refusal:
        return [None] * wanted, reason_in_words(LeftOut.CANNOT_PRICE, refusal.code)
    refused = rated.refused[rated.refused != 0]
    if len(refused):
        return [None] * wanted, reason_in_words(LeftOut.REFUSED, Refusal(int(refused[0])).name.lower())
    # The first row is the period before the first stretch.
    return [int(cost) for cost in np.diff(rated.total_fen)], ""


def _energy(
    account_id: int,
    tariff: CompiledTariff,
    version: TariffVersion,
    days: list[date],
    measured: NDArray[np.int64],
    *,
    by_slot: bool,
) -> tuple[NDArray[np.int64], list[bool]]:
    """The energy up to each moment, (stretches + 1, len(BILLED_REGISTERS)) in 0.01 kWh, and which are measured."""
    priced = {register for rule in tariff.rules for register in rule.period_registers}
    registers = list(PERIOD_REGISTERS) if priced else [Register.TOTAL]
    if not priced:
        periods = np.full((len(days), SLOTS), int(Register.TOTAL))
    elif version.windows is None:
        raise CannotPrice("windows_missing", _("电价没有时段表"))
    else:
        windows = WindowSet.parse(version.windows.windows)
        periods = np.stack(
            [
                windows.period_of_slots(day.month, kind)
                for day, kind in zip(days, kinds_for(windows, account_id, days).tolist(), strict=True)
            ]
        )
    in_each = np.stack([np.where(periods == int(register), measured, 0) for register in registers], axis=-1)
    by_day = in_each.sum(axis=1)
    if by_slot:
        parts: NDArray[Any] = np.concatenate([by_day[:-1].sum(axis=0, keepdims=True), in_each[-1]])
    else:
        parts = np.concatenate([np.zeros((1, len(registers)), dtype=np.int64), by_day])
    up_to = (parts.cumsum(axis=0) + 5) // 10
    energy = np.zeros((len(up_to), len(BILLED_REGISTERS)), dtype=np.int64)
    has = [False] * len(BILLED_REGISTERS)
    for column, register in enumerate(registers):
        place = BILLED_REGISTERS.index(register)
        energy[:, place] = up_to[:, column]
        has[place] = register is Register.TOTAL or register in priced or bool(up_to[:, column].any())
    if priced:
        energy[:, 0], has[0] = up_to.sum(axis=1), True
    return energy, has
