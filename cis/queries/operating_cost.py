"""
What the electricity of a business costs over its last twelve months: by part, against its class, and how it is used.

Lines of the periods themselves, without what rides on their bills; others of its class are the accounts of the same
unit, at most some hundred.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from cis.advising import rate_month
from cis.advising.operating import CostPart, add_by_part, load_factor_e4, per_kwh_e8, why_dearer
from cis.models import Account, SupplyContract
from cis.queries.adviser import Advice, advise
from cis.queries.billed_year import BilledPeriod, BilledYear, billed_year
from cis.rating import PERIOD_REGISTERS, Register
from config.shared.errors import NotFound

__all__ = ["ClassCost", "CostMonth", "OperatingCost", "operating_cost"]


@dataclass(frozen=True, slots=True)
class CostMonth:
    """One bill: energy by period, demand, and what it cost; `periods` is empty where no register told them."""

    cycle: int
    energy_kwh_e2: int
    loss_kwh_e2: int
    periods: tuple[tuple[Register, int], ...]
    demand_kw_e4: int | None
    load_factor_e4: int | None
    power_factor_e2: int | None
    total_fen: int


@dataclass(frozen=True, slots=True)
class ClassCost:
    """What others of the class pay a kWh (1e-8 yuan), and by how much each part is dearer here."""

    accounts: int
    per_kwh_e8: int
    dearer_e8: tuple[tuple[CostPart, int], ...]


@dataclass(frozen=True, slots=True)
class OperatingCost:
    """A year's cost of a business; money in fen."""

    months: tuple[CostMonth, ...]
    parts: tuple[tuple[CostPart, int], ...]
    total_fen: int
    energy_kwh_e2: int
    loss_kwh_e2: int
    per_kwh_e8: int | None
    load_factor_e4: int | None
    """of the whole year: all energy over the highest demand; None where a month's demand is not known"""
    day_w: tuple[int, ...]
    """(96,) the mean power of each quarter-hour over the days with a whole curve; empty without"""
    days: int
    others: ClassCost | None
    advice: Advice


def operating_cost(
    account_id: int, *, today: date, within: tuple[date | None, date | None] = (None, None)
) -> OperatingCost:
    """
    The cost of an account's last twelve months; a fixed number of statements.

    `within`: the first and last day whose bills may be seen; None is open.

    :raises NotFound: a home, or an account without a contract today
    """
    advice = advise(account_id, today=today, within=within)
    if advice.is_home:
        raise NotFound(_("用电成本只为工商业用户计算；居民请看用电参谋。"))
    year = billed_year(account_id, within=within)
    parts = add_by_part(_lines(year))
    energy = sum(period.energy_kwh_e2 for period in year.periods)
    demands = [sum(period.demand_kw_e4) if period.demand_kw_e4 is not None else None for period in year.periods]
    highest = max((one for one in demands if one is not None), default=0)
    hours = sum(period.hours for period in year.periods)
    return OperatingCost(
        months=tuple(_month(period) for period in year.periods),
        parts=tuple(parts.items()),
        total_fen=sum(parts.values()),
        energy_kwh_e2=energy,
        loss_kwh_e2=sum(period.loss_kwh_e2 for period in year.periods),
        per_kwh_e8=per_kwh_e8(sum(parts.values()), energy),
        load_factor_e4=load_factor_e4(energy, highest, hours) if None not in demands else None,
        day_w=_mean_day(year),
        days=len(year.curves),
        others=_others(account_id, year, parts, energy, today=today),
        advice=advice,
    )


def _lines(year: BilledYear) -> list[tuple[int, int]]:
    """The lines (code, fen) of the periods themselves, which their tariffs give again: nothing that rides on them."""
    rated = [one for month in year.as_billed if (one := rate_month(month)) is not None]
    own = [
        (code, fen)
        for one in rated
        for code, fen in zip(one.lines.code.tolist(), one.lines.amount_fen.tolist(), strict=True)
    ]
    return own + [line for period in year.periods for line in period.beside.lines]


def _month(period: BilledPeriod) -> CostMonth:
    demand = sum(period.demand_kw_e4) if period.demand_kw_e4 is not None else None
    usage = period.usage(period.tariff(period.version))
    subject = period.basis is not None and period.basis.pf_standard_e2 > 0 and period.basis.power_factor_e2 >= 0
    return CostMonth(
        cycle=period.cycle,
        energy_kwh_e2=period.energy_kwh_e2,
        loss_kwh_e2=period.loss_kwh_e2,
        periods=tuple(
            (register, int(usage.energy_of(register)[0]))
            for register in PERIOD_REGISTERS
            if register in usage.registers
        ),
        demand_kw_e4=demand,
        load_factor_e4=load_factor_e4(period.energy_kwh_e2, demand or 0, period.hours),
        power_factor_e2=period.basis.power_factor_e2 if subject and period.basis is not None else None,
        total_fen=period.own_fen,
    )


def _mean_day(year: BilledYear) -> tuple[int, ...]:
    if not year.curves:
        return ()
    # Wh of a quarter-hour are a quarter of its W.
    sums = np.stack(list(year.curves.values())).sum(axis=0)
    return tuple(4 * int(one) // len(year.curves) for one in sums)


_PEERS = """
WITH peers AS (
    SELECT a.id FROM cis_account a
    JOIN cis_supply_contract c ON c.account_id = a.id AND c.valid @> %(today)s::date
    WHERE a.org_unit_id = %(unit)s AND c.price_class = %(price_class)s AND a.state = 'open' AND a.id <> %(account)s
    ORDER BY a.id LIMIT %(most)s),
bills AS (
    SELECT b.id, b.account_id, b.energy_kwh_e2 FROM peers p JOIN cis_bill b ON b.account_id = p.id
    WHERE b.cycle BETWEEN %(first)s AND %(last)s AND b.correction_fen = 0 AND NOT EXISTS (
        SELECT 1 FROM cis_bill n WHERE n.account_id = b.account_id AND n.period_start = b.period_start
            AND n.revision > b.revision))
SELECT NULL::int, count(DISTINCT account_id), coalesce(sum(energy_kwh_e2), 0)::bigint FROM bills
UNION ALL
SELECT l.code, 0, sum(l.amount_fen)::bigint FROM bills b JOIN cis_bill_line l ON l.bill_id = b.id GROUP BY l.code
"""


def _others(
    account_id: int, year: BilledYear, parts: dict[CostPart, int], energy_kwh_e2: int, *, today: date
) -> ClassCost | None:
    """Others of the same class in the same unit over the same months; None of fewer than say something."""
    if not year.periods or not energy_kwh_e2:
        return None
    contract = SupplyContract.objects.filter(account_id=account_id, valid__contains=today).first()
    unit = Account.objects.values_list("org_unit_id", flat=True).get(pk=account_id)
    if contract is None:
        return None
    asked: dict[str, Any] = {
        "today": today,
        "unit": unit,
        "price_class": contract.price_class,
        "account": account_id,
        "most": settings.ADVISER_CLASS_MOST,
        "first": year.periods[0].cycle,
        "last": year.periods[-1].cycle,
    }
    with connection.cursor() as cursor:
        cursor.execute(_PEERS, asked)
        rows = cursor.fetchall()
    accounts, energy = next((count, value) for code, count, value in rows if code is None)
    mean = per_kwh_e8(sum(value for code, _count, value in rows if code is not None), energy)
    if accounts < settings.ADVISER_CLASS_LEAST or mean is None:
        return None
    theirs = add_by_part((code, value) for code, _count, value in rows if code is not None)
    return ClassCost(accounts, mean, tuple(why_dearer(parts, energy_kwh_e2, theirs, energy)))
