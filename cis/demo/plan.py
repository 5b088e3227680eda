"""Pure: who the demonstration's customers are, what they have, and when they are read; everything from one seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

import numpy as np

from cis.demo.geography import COUNTIES, Address, County, estate_address, street_address, village_address
from cis.demo.people import Person, make_enterprises, make_people
from cis.demo.profiles import ARCHETYPES, annual_kwh_of
from config.shared.periods import add_months, reading_date

RESIDENTIAL, COMMERCIAL, INDUSTRIAL = 1, 2, 3
HOME_TARIFF = "HB-RES"
LOW_TARIFF = "HB-2026-01-1P-LT1"
LOW_FLAT_TARIFF = "HB-2026-01-1P-LT1-NOTOU"
TEN_KV_TARIFF = "HB-2026-01-1P-10"
CURVE_DAYS = 62
# One more than a year: the newest month stands beside the same month of the year before.
MONTHS = 13


class Fault(StrEnum):
    """What is seeded into the last month's file, for validation to find (a roll-over is no fault: it must pass)."""

    NEGATIVE = "negative"
    RISE = "rise"
    ZERO = "zero"
    MISSING = "missing"
    ROLLOVER = "rollover"


class Payer(StrEnum):
    """How an account pays."""

    MONTHLY = "monthly"
    SEVERAL = "several"
    AHEAD = "ahead"
    LATE = "late"
    STOPPED = "stopped"


@dataclass(frozen=True)
class PlannedRoute:
    """A reading route of a county."""

    key: str
    name: str
    reading_day: int
    cycle_months: int = 1
    cycle_phase: int = 0

    def is_due(self, cycle: int) -> bool:
        """Whether it closes a period in this cycle."""
        return cycle % 100 % self.cycle_months == self.cycle_phase if self.cycle_months > 1 else True


@dataclass
class PlannedAccount:
    """One account with all that hangs on it."""

    number: int
    county: int
    archetype: str
    person: Person
    address: Address
    route: str
    tariff: str
    price_class: int
    annual_kwh: float
    voltage: str = "<1kV"
    capacity_kva: int = 8
    people: int = 3
    ct_ratio: int = 1
    pt_ratio: int = 1
    digits: int = 6
    opening_units: int = 0
    opened_on: date = date(2015, 1, 1)
    is_new: bool = False
    """connected within the months shown"""
    solar_kw: float = 0.0
    exchanged_on: date | None = None
    rolls_over_in: int = 0
    """the cycle in which its total register turns over"""
    fault: Fault | None = None
    payer: Payer = Payer.SEVERAL
    stops_in: int = 0
    """the first cycle that a customer who stopped leaves unpaid"""

    @property
    def is_business(self) -> bool:
        """Whether it is read and billed by time of use or as trade."""
        return self.price_class != RESIDENTIAL

    @property
    def has_periods(self) -> bool:
        """Whether its meter has registers for the periods of the day."""
        return self.tariff in (LOW_TARIFF, TEN_KV_TARIFF)

    @property
    def multiplier(self) -> int:
        """The combined ratio of its transformers."""
        return self.ct_ratio * self.pt_ratio


@dataclass(frozen=True)
class Plan:
    """The whole demonstration before it is written."""

    until: int
    seed: int
    cycles: tuple[int, ...]
    days: tuple[date, ...]
    """every day that has curves, from before the first reading to yesterday"""
    routes: Mapping[str, PlannedRoute]
    accounts: list[PlannedAccount] = field(default_factory=list)

    def place(self, day: date) -> int:
        """The index of a day."""
        return (day - self.days[0]).days

    @property
    def year(self) -> slice:
        """The days of the twelve months, as indices."""
        end = self.place(reading_date(self.until, 0))
        return slice(end - 365, end)


def plan_days(*, until: int, yesterday: date) -> tuple[date, ...]:
    """Every day of a plan whose last billed cycle is `until`, from before its first reading."""
    first = reading_date(add_months(until, 1 - MONTHS - 4), 1)
    last = max(yesterday, reading_date(until, 0))
    return tuple(first + timedelta(days=n) for n in range((last - first).days + 1))


def make_plan(*, until: int, yesterday: date, accounts: int, seed: int) -> Plan:
    """Plan a utility of about `accounts` accounts whose last billed cycle is `until`."""
    rng = np.random.default_rng(seed)
    cycles = tuple(add_months(until, -back) for back in range(MONTHS - 1, -1, -1))
    days = plan_days(until=until, yesterday=yesterday)
    routes = {
        route.key: route
        for route in (
            PlannedRoute("00", "工商业零点冻结段", 0),
            PlannedRoute("05", "五日居民段", 5),
            PlannedRoute("12", "十二日居民段", 12),
            PlannedRoute("18", "十八日居民段", 18),
            PlannedRoute("10", "双月十日乡村段", 10, 2, until % 100 % 2),
        )
    }
    plan = Plan(until, seed, cycles, days, routes)
    businesses = max(round(accounts * 0.08), 4)
    homes = accounts - businesses
    for index, county in enumerate(COUNTIES):
        share = county.share if index else 1 - sum(other.share for other in COUNTIES[1:])
        _add_homes(plan, index, county, round(homes * share), rng)
        _add_businesses(plan, index, county, max(round(businesses * share), 2), rng)
    _add_events(plan, rng)
    return plan


def _add_homes(plan: Plan, index: int, county: County, count: int, rng: np.random.Generator) -> None:
    kinds = rng.choice(["flat", "flat-evening", "village-home", "farm"], count, p=[0.5, 0.22, 0.23, 0.05])
    people = make_people(count, rng, first_number=len(plan.accounts))
    kwh = {kind: annual_kwh_of(ARCHETYPES[kind], count, rng) for kind in sorted(set(kinds.tolist()))}
    for n, kind in enumerate(kinds.tolist()):
        in_village = kind in ("village-home", "farm")
        route = ("10" if n % 3 == 0 else "18") if in_village else ("05" if n % 2 else "12")
        vacant = rng.random() < 0.035
        payers = [Payer.MONTHLY, Payer.SEVERAL, Payer.AHEAD, Payer.LATE, Payer.STOPPED]
        plan.accounts.append(
            PlannedAccount(
                number=len(plan.accounts),
                county=index,
                archetype=kind,
                person=people[n],
                address=village_address(county, rng) if in_village else estate_address(county, rng),
                route=route,
                tariff=HOME_TARIFF,
                price_class=RESIDENTIAL,
                annual_kwh=float(rng.uniform(0, 25)) if vacant else float(np.clip(kwh[kind][n], 250, 12000)),
                people=int(rng.choice([1, 2, 3, 4, 5], p=[0.12, 0.24, 0.38, 0.18, 0.08])),
                opening_units=int(rng.integers(300, 42000)),
                opened_on=date(2008, 1, 1) + timedelta(days=int(rng.integers(0, 6000))),
                payer=payers[int(rng.choice(5, p=[0.05, 0.33, 0.47, 0.1, 0.05]))],
            )
        )


def _add_businesses(plan: Plan, index: int, county: County, count: int, rng: np.random.Generator) -> None:
    names = ["shop", "office", "restaurant", "dormitory", "two-shift", "three-shift"]
    kinds = sorted(rng.choice(names, count, p=[0.44, 0.14, 0.14, 0.04, 0.16, 0.08]).tolist())
    if "two-shift" not in kinds:
        kinds[-1] = "two-shift"
    kwh = {kind: annual_kwh_of(ARCHETYPES[kind], count, rng) for kind in names}
    for n, kind in enumerate(kinds):
        is_works = kind in ("two-shift", "three-shift")
        number = len(plan.accounts)
        annual = float(np.clip(kwh[kind][n], 3000, 1_500_000))
        capacity = max(round(annual / 8760 / (0.3 if is_works else 0.12) / 5) * 5, 15)
        is_high = is_works and capacity >= 100
        person = make_enterprises(1, rng, place=county.name[:2], is_works=is_works, first_number=number)[0]
        plan.accounts.append(
            PlannedAccount(
                number=number,
                county=index,
                archetype=kind,
                person=person,
                address=street_address(county, rng),
                route="00",
                tariff=TEN_KV_TARIFF
                if is_high
                else (LOW_FLAT_TARIFF if kind == "dormitory" or n % 9 == 0 else LOW_TARIFF),
                price_class=INDUSTRIAL if is_works else COMMERCIAL,
                annual_kwh=annual,
                voltage="1-10(20)kV" if is_high else "<1kV",
                capacity_kva=capacity,
                ct_ratio=_ct_ratio(capacity, is_high=is_high),
                pt_ratio=100 if is_high else 1,
                people=1,
                opening_units=int(rng.integers(200, 4000)),
                opened_on=date(2010, 1, 1) + timedelta(days=int(rng.integers(0, 5200))),
                payer=Payer.MONTHLY if rng.random() < 0.93 else Payer.LATE,
            )
        )


def _ct_ratio(capacity_kva: int, *, is_high: bool) -> int:
    if is_high:
        return next((ratio for ratio in (5, 10, 15, 20) if capacity_kva <= ratio * 86), 30)
    if capacity_kva < 30:
        return 1
    return next((ratio for ratio in (10, 20, 30, 40) if capacity_kva <= ratio * 3.3), 60)


def _add_events(plan: Plan, rng: np.random.Generator) -> None:
    """What real life has: exchanges, roll-overs, new connections, roofs with panels, people who stop paying, faults."""
    homes = [
        a for a in plan.accounts if not a.is_business and a.annual_kwh > 1400 and plan.routes[a.route].cycle_months == 1
    ]
    rng.shuffle(homes)
    villagers = [a for a in plan.accounts if a.archetype in ("village-home", "farm") and a.annual_kwh > 100]
    for account in villagers[:: max(len(villagers) // 22, 1)]:
        account.solar_kw = float(rng.choice([6.0, 8.0, 10.0, 15.0]))
    homes = [a for a in homes if not a.solar_kw]

    _add_meter_events(plan, homes, rng)
    for account in plan.accounts:
        if account.payer == Payer.STOPPED:
            account.stops_in = plan.cycles[int(rng.integers(1, 11))]


def _add_meter_events(plan: Plan, homes: list[PlannedAccount], rng: np.random.Generator) -> None:
    """Exchanges, roll-overs, new connections, faults: each on homes of its own."""

    def take(count: int) -> list[PlannedAccount]:
        taken, homes[:] = homes[:count], homes[count:]
        return taken

    scale = max(len(plan.accounts) // 600, 1)
    for account in take(2 * scale):
        account.exchanged_on = reading_date(plan.cycles[4], 0) - timedelta(days=int(rng.integers(8, 20)))
    for account in take(scale):
        account.rolls_over_in = plan.cycles[6]
        account.digits = 5
    for account in take(1):
        account.rolls_over_in, account.fault, account.digits = plan.until, Fault.ROLLOVER, 5
    for fault in (Fault.NEGATIVE, Fault.RISE, Fault.ZERO, Fault.MISSING):
        for account in take(scale if fault != Fault.MISSING else 1):
            account.fault = fault
    for account in take(4 * scale):
        account.is_new = True
        account.opened_on = reading_date(plan.cycles[5], 0) - timedelta(days=int(rng.integers(10, 80)))
        account.opening_units = 0
