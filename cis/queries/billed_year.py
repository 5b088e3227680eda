"""
The last twelve months that an account was billed for, ready to be priced in another way.

Bills as they were kept (energy by register, place in the tier year, basis), the maximum demand of each period from the
basis, the demand register or the curves, and the curves themselves for periods that no register told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from cis.advising import Month, costs_fen
from cis.explaining import shared_out
from cis.models import Bill, BillBasis, BillPart, BillUsage, MeterInstallation, Reading, SupplyContract, TariffVersion
from cis.queries.billing import columns_of, more_of, usage_of_bill
from cis.queries.day_kinds import kinds_for
from cis.queries.energy_columns import BILLED_REGISTERS, usage_for
from cis.queries.part_rating import OF_ENERGY, RESIDENTIAL, BillFacts, rate_parts
from cis.queries.rating_switches import SwitchSets
from cis.rating import (
    PERIOD_REGISTERS,
    CannotPrice,
    CompiledTariff,
    Register,
    Switches,
    Usage,
    WindowSet,
    compile_rules,
    rules_under,
)
from cis.rating.rules.basic_charge import DemandMode
from config.shared.periods import add_months

MONTHS = 12
# Of fewer whole days nothing is said about the hours of a year (convention: four weeks).
LEAST_CURVE_DAYS = 28


class NotAgain(StrEnum):
    """Why a bill is not among the months compared."""

    NOT_PRICED = "not-priced"
    """its own tariff version does not price it any more"""
    SEVERAL_PRICES = "several-prices"
    """its price or contract changed inside the period: no other way would have been one tariff throughout"""
    DIFFERS = "differs"
    """its own determinants give another amount: adjusted by hand, or billed by what is not kept"""


class DemandFrom(StrEnum):
    """Where a maximum demand is from."""

    BILL = "bill"
    REGISTER = "register"
    CURVE = "curve"


class PeriodsFrom(StrEnum):
    """Where the energy of time-of-use periods is from."""

    METER = "meter"
    CURVE = "curve"
    """the whole days of the period that have a curve"""
    OTHER_DAYS = "other-days"
    """the days of other months: none of this one has a curve"""


@dataclass(frozen=True)
class Beside:
    """What parts of a bill at other prices came to, and what of it the main part's adjustment is of."""

    lines: tuple[tuple[int, int], ...] = ()
    """(charge, fen)"""
    adjusted_fen: int = 0

    @property
    def fen(self) -> int:
        """All of them."""
        return sum(fen for _code, fen in self.lines)


@dataclass(frozen=True)
class BilledPeriod:
    """One bill with what it was computed from."""

    bill: Bill
    stretches: tuple[BillUsage, ...]
    part: BillPart | None
    """its energy with losses and without parts at other prices, and its free energy; None of bills that have none"""
    basis: BillBasis | None
    version: TariffVersion
    switches: Switches
    contract: SupplyContract | None
    demand_kw_e4: tuple[int, ...] | None
    """the maximum demand of each feeder; None where nobody knows it"""
    demand_from: DemandFrom | None
    beside: Beside

    @property
    def cycle(self) -> int:
        """Its month."""
        return self.bill.cycle

    @property
    def hours(self) -> int:
        """How long it lasted."""
        return (self.bill.period_end - self.bill.period_start).days * 24

    @property
    def energy_kwh_e2(self) -> int:
        """What it billed."""
        return self.bill.energy_kwh_e2

    @property
    def loss_kwh_e2(self) -> int:
        """What of it was lost between the property's boundary and the meter."""
        return self.part.loss_kwh_e2 if self.part is not None else 0

    def tariff(self, version: TariffVersion) -> CompiledTariff:
        """A version under the choices that the bill went by, with the household's free energy; raises CannotPrice."""
        rules = list(version.rules)
        free = self.part.free_kwh_e2_per_month if self.part is not None and self.part.free_months else 0
        if free and not any(rule.get("kind") == "free_energy" for rule in rules):
            rules.append({"kind": "free_energy", "kwh_per_month": str(free // 100)})
        return compile_rules(rules_under(rules, self.switches))

    def usage(self, tariff: CompiledTariff) -> Usage:
        """Its determinants as they were kept, for a tariff; raises CannotPrice."""
        part = self.part
        if part is None:
            return usage_of_bill(self.bill, list(self.stretches), tariff, self.basis)
        energy = dict(zip(part.registers, part.energy_kwh_e2, strict=True))
        more = more_of(self.basis)
        if more and self.beside.adjusted_fen:
            more["pf_other_fen"] = np.array([self.beside.adjusted_fen], dtype=np.int64)
        if part.free_months:
            more["free_months"] = np.array([part.free_months], dtype=np.int64)
        return usage_for(
            tariff,
            energy_kwh_e2=np.array([[energy.get(int(one), 0) for one in BILLED_REGISTERS]], dtype=np.int64),
            has_register=[int(one) in energy for one in BILLED_REGISTERS],
            tier_kwh_e2_before=np.array([part.tier_kwh_e2_before], dtype=np.int64),
            people=np.array([part.people], dtype=np.int16),
            months=np.array([self.bill.months], dtype=np.int8),
            bill_month=self.bill.cycle % 100,
            tier_months=np.array([self.bill.tier_months], dtype=np.int8),
            more=more,
        )

    @property
    def own_fen(self) -> int:
        """What the period itself came to: corrections of other bills that ride on this one are no part of it."""
        return self.bill.total_fen - self.bill.correction_fen


@dataclass(frozen=True)
class LeftOutBill:
    """A bill that is not compared, and by how much it could not be given again."""

    bill_no: str
    cycle: int
    why: NotAgain
    differs_fen: int = 0


@dataclass(frozen=True)
class BilledYear:
    """The periods that their own tariff gives again to the fen, oldest first, and those that it does not."""

    account_id: int
    periods: tuple[BilledPeriod, ...]
    as_billed: tuple[Month, ...]
    left_out: tuple[LeftOutBill, ...]
    curves: Mapping[date, NDArray[np.int64]]
    """whole days of the account, (96,) Wh, all points together"""

    @property
    def billed_fen(self) -> int:
        """What the compared periods were billed at."""
        return sum(period.own_fen for period in self.periods)

    @property
    def months_covered(self) -> int:
        """How many months the compared periods are; two-month bills count twice."""
        return sum(period.bill.months for period in self.periods)


def billed_year(account_id: int, *, within: tuple[date | None, date | None] = (None, None)) -> BilledYear:
    """
    The newest twelve months of bills; a fixed number of statements, however many bills.

    Only bills whose whole period lies `within` two days, both included (None is open), count.
    """
    bills = _bills(account_id, within)
    if not bills:
        return BilledYear(account_id, (), (), (), {})
    ids = [bill.pk for bill in bills]
    stretches: dict[int, list[BillUsage]] = {pk: [] for pk in ids}
    for stretch in BillUsage.objects.filter(bill_id__in=ids).order_by("bill_id", "seq"):
        stretches[stretch.bill_id].append(stretch)
    bases = {basis.bill_id: basis for basis in BillBasis.objects.filter(bill_id__in=ids)}
    parts: dict[int, list[BillPart]] = {}
    for part in BillPart.objects.filter(bill_id__in=ids).order_by("bill_id", "seq"):
        parts.setdefault(part.bill_id, []).append(part)
    switches = SwitchSets()
    versions = TariffVersion.objects.select_related("windows", "tariff").in_bulk(
        {bill.tariff_version_id for bill in bills}
        | {part.tariff_version_id for several in parts.values() for part in several}
    )
    contracts = SupplyContract.objects.in_bulk({bill.contract_id for bill in bills})
    curves = _curves(account_id, bills[0].period_start, bills[-1].period_end)
    whole = _whole_days(curves)
    demands = _demands([stretch for some in stretches.values() for stretch in some])
    periods, months, left_out = [], [], []
    for bill in bills:
        version = versions.get(bill.tariff_version_id)
        own_parts = parts.get(bill.pk, [])
        main = [part for part in own_parts if part.kind == BillPart.Kind.MAIN]
        if own_parts and (len(main) != 1 or any(part.from_on != main[0].from_on for part in own_parts)):
            left_out.append(LeftOutBill(str(bill), bill.cycle, NotAgain.SEVERAL_PRICES))
            continue
        if version is None:
            left_out.append(LeftOutBill(str(bill), bill.cycle, NotAgain.NOT_PRICED))
            continue
        basis, chosen = bases.get(bill.pk), switches.of_bill(bill)
        beside = _beside(bill, own_parts, basis, versions, chosen) if len(own_parts) > 1 else Beside()
        if beside is None:
            left_out.append(LeftOutBill(str(bill), bill.cycle, NotAgain.NOT_PRICED))
            continue
        demand, source = _demand_of(bill, stretches[bill.pk], basis, demands, curves)
        period = BilledPeriod(
            bill=bill,
            stretches=tuple(stretches[bill.pk]),
            part=next(iter(main), None),
            basis=basis,
            version=version,
            switches=chosen,
            contract=contracts.get(bill.contract_id),
            demand_kw_e4=demand,
            demand_from=source,
            beside=beside,
        )
        month = _own_month(period)
        again = costs_fen([month])[0] if month is not None else None
        if month is None or again is None:
            left_out.append(LeftOutBill(str(bill), bill.cycle, NotAgain.NOT_PRICED))
        elif again != period.own_fen:
            left_out.append(LeftOutBill(str(bill), bill.cycle, NotAgain.DIFFERS, period.own_fen - again))
        else:
            periods.append(period)
            months.append(month)
    return BilledYear(account_id, tuple(periods), tuple(months), tuple(left_out), whole)


def _bills(account_id: int, within: tuple[date | None, date | None]) -> list[Bill]:
    """The newest revision of each bill of the last twelve months that were billed, oldest first."""
    found: list[Bill] = []
    since = 0
    bills = Bill.objects.filter(account_id=account_id, months__gt=0)
    if within[0] is not None:
        bills = bills.filter(period_start__gte=within[0])
    if within[1] is not None:
        bills = bills.filter(period_end__lte=within[1] + timedelta(days=1))
    for bill in bills.order_by("-period_start", "-revision")[: 3 * MONTHS]:
        if found and found[-1].period_start == bill.period_start:
            continue
        since = since or add_months(bill.cycle, -MONTHS)
        # A two-month bill of which one month lies before the year is not part of it.
        if add_months(bill.cycle, -bill.months) < since:
            break
        found.append(bill)
    return found[::-1]


def _beside(
    bill: Bill,
    parts: Sequence[BillPart],
    basis: BillBasis | None,
    versions: Mapping[int, TariffVersion],
    switches: Switches,
) -> Beside | None:
    """What the parts at other prices came to; None where the bill's parts cannot be rated now."""
    columns, more = columns_of(parts), more_of(basis)
    rated = rate_parts(
        columns,
        BillFacts(
            bill_month=bill.cycle % 100,
            months=np.array([bill.months], dtype=np.int8),
            tier_months=np.array([bill.tier_months], dtype=np.int8),
            switches=lambda _row: switches,
            rules={pk: version.rules for pk, version in versions.items()},
            more=lambda rows: {name: column[rows] for name, column in more.items()},
        ),
    )
    if rated.left_out:
        return None
    lines = rated.lines
    others = columns.kind[lines.part] != int(BillPart.Kind.MAIN)
    adjusted = others & np.isin(lines.code, OF_ENERGY)
    if not switches.is_on("pf_adjust_residential"):
        adjusted &= columns.price_class[lines.part] != RESIDENTIAL
    own = zip(lines.code[others].tolist(), lines.amount_fen[others].tolist(), strict=True)
    return Beside(tuple(own), int(lines.amount_fen[adjusted].sum()))


def _own_month(period: BilledPeriod) -> Month | None:
    try:
        tariff = period.tariff(period.version)
        usage = period.usage(tariff)
    except CannotPrice:
        return None
    return Month(period.cycle, tariff, usage, period.beside.fen)


# --- Other tariffs ---------------------------------------------------------------------------


def month_under(
    year: BilledYear, period: BilledPeriod, version: TariffVersion, tariff: CompiledTariff
) -> tuple[Month, PeriodsFrom] | None:
    """
    A period as another tariff version sees it, and where its time-of-use energy is from; None where nobody knows that.

    What the meter told counts where it was told by the same windows; else the account's own curves share out the energy
    that was billed.
    """
    priced = {register for rule in tariff.rules for register in rule.period_registers}
    if not priced or (_tells_periods(period) and _same_windows(version, period.version)):
        usage = period.usage(tariff)
        return Month(period.cycle, tariff, usage, period.beside.fen), PeriodsFrom.METER
    if version.windows is None or len(year.curves) < LEAST_CURVE_DAYS:
        return None
    inside = [day for day in year.curves if period.bill.period_start <= day < period.bill.period_end]
    days = sorted(inside or year.curves)
    windows = WindowSet.parse(version.windows.windows)
    folded = windows.fold(
        np.stack([year.curves[day] for day in days]),
        np.array([day.month for day in days], dtype=np.int64),
        kinds_for(windows, year.account_id, days),
    ).sum(axis=0)
    usage = _shared_out(period.usage(tariff), tariff, folded)
    source = PeriodsFrom.CURVE if inside else PeriodsFrom.OTHER_DAYS
    return Month(period.cycle, tariff, usage, period.beside.fen), source


def _shared_out(usage: Usage, tariff: CompiledTariff, folded: NDArray[np.int64]) -> Usage:
    """The usage with its whole energy shared out to the periods as the curves were."""
    whole = int(usage.import_energy()[0])
    parts = shared_out(whole // 100, folded.tolist())
    energy = np.zeros((1, len(BILLED_REGISTERS)), dtype=np.int64)
    has = [False] * len(BILLED_REGISTERS)
    energy[0, 0], has[0] = whole, True
    priced = {register for rule in tariff.rules for register in rule.period_registers}
    for register, part in zip(PERIOD_REGISTERS, parts, strict=True):
        place = BILLED_REGISTERS.index(register)
        energy[0, place] = part * 100
        has[place] = register in priced or part > 0
    # Hundredths of a kWh that bills of some utilities keep go where most energy is.
    energy[0, 1 + int(np.argmax(energy[0, 1:]))] += whole % 100
    return usage_for(
        tariff,
        energy_kwh_e2=energy,
        has_register=has,
        tier_kwh_e2_before=usage.tier_kwh_e2_before,
        people=usage.people,
        months=usage.months,
        bill_month=usage.bill_month,
        tier_months=usage.tier_months,
        more=dict(usage.more),
    )


def _tells_periods(period: BilledPeriod) -> bool:
    """Whether every meter of the bill told the periods."""
    by_meter: dict[int, set[int]] = {}
    for stretch in period.stretches:
        by_meter.setdefault(stretch.installation_id, set()).add(stretch.register)
    periods = {int(register) for register in PERIOD_REGISTERS}
    return bool(by_meter) and all(registers & periods for registers in by_meter.values())


def _same_windows(version: TariffVersion, other: TariffVersion) -> bool:
    if version.windows_id is None or other.windows_id is None:
        return False
    return version.windows_id == other.windows_id or (
        version.windows is not None
        and other.windows is not None
        and version.windows.windows.get("seasons") == other.windows.windows.get("seasons")
        and version.windows.windows.get("special_days") == other.windows.windows.get("special_days")
    )


# --- Demand and curves -----------------------------------------------------------------------

_Curves = dict[date, dict[int, NDArray[np.int64] | None]]
"""day to each point that served the account, and its curve if it is whole"""

_CURVES = """
SELECT g.day::date, ap.point_id, d.energy_wh
FROM cis_account_point ap
JOIN generate_series(%(start)s::date, %(end)s::date - 1, interval '1 day') AS g(day) ON ap.valid @> g.day::date
LEFT JOIN cis_interval_day d ON d.point_id = ap.point_id AND d.register = 1 AND d.day = g.day::date
     AND d.day >= %(start)s AND d.day < %(end)s AND d.missing_slots = 0
WHERE ap.account_id = %(account)s
"""


def _curves(account_id: int, start: date, end: date) -> _Curves:
    found: _Curves = {}
    with connection.cursor() as cursor:
        cursor.execute(_CURVES, {"account": account_id, "start": start, "end": end})
        for day, point_id, energy_wh in cursor.fetchall():
            found.setdefault(day, {})[point_id] = None if energy_wh is None else np.array(energy_wh, dtype=np.int64)
    return found


def _whole_days(curves: _Curves) -> dict[date, NDArray[np.int64]]:
    whole: dict[date, NDArray[np.int64]] = {}
    for day, points in sorted(curves.items()):
        known = [one for one in points.values() if one is not None]
        if known and len(known) == len(points):
            whole[day] = np.sum(known, axis=0, dtype=np.int64)
    return whole


_Demands = dict[tuple[int, date], tuple[int, int]]
"""installation and day to its point and what the demand register showed, in 1e-4"""


def _demands(stretches: Sequence[BillUsage]) -> _Demands:
    """What the demand registers showed at the ends of stretches; two statements."""
    points = dict(
        MeterInstallation.objects.filter(pk__in={one.installation_id for one in stretches}).values_list(
            "pk", "point_id"
        )
    )
    rows = Reading.objects.filter(
        installation_id__in=list(points),
        register=int(Register.DEMAND),
        read_on__in={one.to_on for one in stretches},
        state=Reading.State.ACCEPTED,
    ).values_list("installation_id", "read_on", "value_e4")
    return {(installation, read_on): (points[installation], value) for installation, read_on, value in rows}


def _demand_of(
    bill: Bill, stretches: Sequence[BillUsage], basis: BillBasis | None, demands: _Demands, curves: _Curves
) -> tuple[tuple[int, ...] | None, DemandFrom | None]:
    """The maximum demand of each feeder in 0.0001 kW: as billed, as the registers showed it, or from whole curves."""
    if basis is not None and basis.demand_mode in (DemandMode.CONTRACT, DemandMode.ACTUAL):
        return tuple(basis.demand_kw_e4), DemandFrom.BILL
    highest: dict[int, int] = {}
    is_known = bool(stretches)
    for stretch in stretches:
        shown = demands.get((stretch.installation_id, stretch.to_on))
        if shown is None:
            is_known = False
            break
        point, value = shown
        highest[point] = max(highest.get(point, 0), value * stretch.multiplier)
    if is_known:
        return tuple(highest[point] for point in sorted(highest)), DemandFrom.REGISTER
    by_point: dict[int, int] = {}
    day = bill.period_start
    while day < bill.period_end:
        points = curves.get(day)
        if not points or any(one is None for one in points.values()):
            return None, None
        for point, curve in points.items():
            if curve is not None:
                # Wh of a quarter-hour are a quarter of its W; 1 W is ten of 0.0001 kW.
                by_point[point] = max(by_point.get(point, 0), 40 * int(curve.max()))
        day += timedelta(days=1)
    return tuple(by_point[point] for point in sorted(by_point)), DemandFrom.CURVE
