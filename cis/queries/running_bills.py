"""
What the bill of the running period will come to: the days so far, and an outlook on those that are left.

Set-wise: a fixed number of statements, however many accounts. The kernel that bills rates what was used up to now,
every day of the outlook and its end. A two-part bill has its basic charge for the whole month, by the highest demand so
far and, for the days to come, that of the last weeks; its power factor is that of the newest bill.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from django.db import connection
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from cis.explaining import TIER_OF_CHARGE, outlook, shared_out
from cis.models import TariffVersion
from cis.queries.day_kinds import day_kinds, kinds_for
from cis.queries.due_accounts import tier_year_of
from cis.queries.energy_columns import BILLED_REGISTERS, usage_for
from cis.queries.left_out import LeftOut, reason_in_words
from cis.queries.rating_switches import SwitchSets
from cis.queries.running_two_part import AgreedTwoPart, DayPeaks, demands, read_two_part
from cis.queries.supply_terms import accounts_with_terms
from cis.queries.transfers import running_tier_months, taken_over_lately
from cis.rating import (
    PERIOD_REGISTERS,
    CannotPrice,
    CompiledTariff,
    Rated,
    Register,
    Switches,
    WindowSet,
    compile_rules,
    rate,
    rules_under,
)
from config.shared.periods import add_months, cycle_of, reading_date

_RECENT = timedelta(days=56)
_SEASON = timedelta(days=28)
_YEAR = timedelta(days=364)  # the same day of the week


@dataclass(frozen=True, slots=True)
class RunningBill:
    """
    The bill of the period that runs, amounts in fen: so far, and at its end with one chance in ten each outside.

    Where nothing can be foretold the amounts are None and `why_not` says why. `usual_fen` is the mean of the three
    bills before, None without three.
    """

    account_id: int
    account_no: str
    period_start: date
    period_end: date
    days_known: int
    days_left: int
    why_not: str = ""
    so_far_kwh_e2: int = 0
    so_far_fen: int | None = None
    low_fen: int | None = None
    middle_fen: int | None = None
    high_fen: int | None = None
    middle_kwh_e2: int = 0
    top_tier: int = 0
    """the highest tier reached so far; 0 where there are no tiers"""
    crosses_on: date | None = None
    crosses_into: int = 0
    usual_fen: int | None = None
    peak_w: int = 0
    """the highest mean power of a quarter-hour of the whole days so far; several points together"""
    contract_demand_kw: int = 0
    """the agreed maximum demand; 0 where none is agreed"""
    is_demonstration: bool = False

    @property
    def last_day(self) -> date:
        """The last day of the period."""
        return self.period_end - timedelta(days=1)


_TERMS = """
SELECT a.id, a.account_no, a.opened_on, r.reading_day, r.cycle_months, r.cycle_phase, c.people, c.id, v.id,
       last.cycle, last.used_kwh_e2, usual.mean_fen, coalesce(c.contract_demand_kw, 0), a.org_unit_id
FROM cis_account a
JOIN cis_reading_route r ON r.id = a.route_id
LEFT JOIN cis_supply_contract c ON c.account_id = a.id AND c.valid @> %(today)s
LEFT JOIN cis_tariff_version v ON v.tariff_id = c.tariff_id AND v.valid @> %(today)s
LEFT JOIN LATERAL (
    SELECT b.cycle, coalesce(
        (SELECT c.tier_kwh_e2_before_now + c.energy_kwh_e2_now FROM cis_bill_correction c
         WHERE c.bill_id = b.id AND c.state <> 'void' ORDER BY c.id DESC LIMIT 1),
        b.tier_kwh_e2_before + b.energy_kwh_e2) AS used_kwh_e2
    FROM cis_bill b
    WHERE b.account_id = a.id ORDER BY b.period_start DESC, b.revision DESC LIMIT 1) last ON true
LEFT JOIN LATERAL (
    SELECT round(avg(l.total_fen))::bigint AS mean_fen, count(*) AS bills FROM (
        SELECT b.total_fen - b.correction_fen AS total_fen FROM cis_bill b
        WHERE b.account_id = a.id AND b.months = r.cycle_months AND NOT EXISTS (
            SELECT 1 FROM cis_bill n WHERE n.account_id = b.account_id AND n.period_start = b.period_start
                AND n.revision > b.revision)
        ORDER BY b.period_start DESC LIMIT 3) l) usual ON usual.bills = 3
WHERE a.id = ANY(%(accounts)s) AND a.state = 'open'
ORDER BY a.id
"""
_CURVES = """
SELECT ap.account_id, ap.point_id, d.day, d.energy_wh
FROM cis_account_point ap
JOIN cis_interval_day d ON d.point_id = ap.point_id AND d.register = 1 AND ap.valid @> d.day
WHERE ap.account_id = ANY(%(accounts)s) AND d.missing_slots = 0
  AND (d.day >= %(since)s AND d.day < %(today)s OR d.day >= %(then)s AND d.day < %(then_until)s)
ORDER BY ap.account_id, d.day
"""


def running_bill(account_id: int, *, today: date) -> RunningBill | None:
    """The running bill of one account; None of one that is closed."""
    return next(iter(running_bills([account_id], today=today)), None)


def running_bills(account_ids: Sequence[int], *, today: date) -> list[RunningBill]:
    """The running bills of open accounts, in the order of their ids."""
    asked: dict[str, Any] = {"accounts": list(account_ids), "today": today}
    with connection.cursor() as cursor:
        cursor.execute(_TERMS, asked)
        terms = cursor.fetchall()
        if not terms:
            return []
        periods = {row[0]: _period(row, today) for row in terms}
        since = min([today - _RECENT, *(start for start, _end, _cycle in periods.values())])
        last_end = max(end for _start, end, _cycle in periods.values())
        asked |= {"since": since, "then": today - _YEAR - _SEASON, "then_until": last_end - _YEAR}
        cursor.execute(_CURVES, asked)
        curves: dict[int, dict[date, NDArray[np.int64]]] = {}
        peaks: dict[int, dict[date, dict[int, int]]] = {}
        for account_id, point_id, day, energy_wh in cursor.fetchall():
            days = curves.setdefault(account_id, {})
            values = np.array(energy_wh, dtype=np.int64)
            peaks.setdefault(account_id, {}).setdefault(day, {})[point_id] = int(values.max())
            days[day] = days[day] + values if day in days else values
        two_part = read_two_part(cursor, account_ids, today)
    versions = {
        one.pk: one for one in TariffVersion.objects.filter(pk__in={row[8] for row in terms}).select_related("windows")
    }
    sets = SwitchSets()
    taken_over = taken_over_lately({row[0]: row[2] for row in terms}, today=today)
    agreed = accounts_with_terms(account_ids, first=min(p[0] for p in periods.values()), last=last_end)
    return [
        _running(
            row[:-1],
            periods[row[0]],
            versions.get(row[8]),
            curves.get(row[0], {}),
            today,
            sets.of_unit(row[-1], periods[row[0]][1] - timedelta(days=1)),
            has_terms=row[0] in agreed,
            is_taken_over=row[0] in taken_over,
            two_part=two_part.get(row[0]),
            peaks=peaks.get(row[0], {}),
        )
        for row in terms
    ]


def _period(row: tuple[Any, ...], today: date) -> tuple[date, date, int]:
    """The billing period that today lies in, as billing would cut it, and its cycle."""
    _id, _no, opened_on, reading_day, months, phase, *_rest = row
    cycle = cycle_of(today)
    while reading_date(cycle, reading_day) <= today or cycle % 100 % months != phase:
        cycle = add_months(cycle, 1)
    start = max(reading_date(add_months(cycle, -months), reading_day), opened_on)
    return start, reading_date(cycle, reading_day), cycle


def _running(
    row: tuple[Any, ...],
    period: tuple[date, date, int],
    version: TariffVersion | None,
    curves: dict[date, NDArray[np.int64]],
    today: date,
    switches: Switches,
    *,
    has_terms: bool,
    is_taken_over: bool,
    two_part: AgreedTwoPart | None,
    peaks: DayPeaks,
) -> RunningBill:
    account_id, account_no, opened_on, _reading_day, months, _phase, people, contract_id = row[:8]
    last, used, usual, demand_kw = row[9:]
    start, end, cycle = period
    inside = [day for day in curves if start <= day < today]
    days_left = (end - start).days - len(inside)
    # Wh of a quarter-hour are a quarter of its W.
    peak_w = max((4 * int(curves[day].max()) for day in inside), default=0)

    def unknown(why_not: str) -> RunningBill:
        return RunningBill(
            account_id,
            account_no,
            start,
            end,
            len(inside),
            days_left,
            why_not,
            usual_fen=usual,
            peak_w=peak_w,
            contract_demand_kw=demand_kw,
        )

    if version is None:
        code = LeftOut.NO_CONTRACT if contract_id is None else LeftOut.NO_TARIFF
        return unknown(reason_in_words(code, ""))
    if has_terms:
        return unknown(_("这个户有损耗、分表、免费电量或停用容量的约定，账单出来以前不预估。"))
    if two_part is not None and two_part.lacks_factor:
        return unknown(_("还没有上期账单的功率因数，第一张账单出来以前不预估。"))
    total = {day: int(values.sum()) for day, values in curves.items()}
    recent = [total[day] for day in sorted(total) if today - _RECENT <= day < today]
    ahead = outlook(
        recent,
        days_left=days_left,
        year_ago_before_wh=[wh for day, wh in total.items() if today - _YEAR - _SEASON <= day < today - _YEAR],
        year_ago_wh=[wh for day, wh in total.items() if today - _YEAR <= day < end - _YEAR],
    )
    if ahead is None:
        return unknown(_("每天的用电记录还太少，过两周再来看。"))
    try:
        tariff = compile_rules(rules_under(version.rules, switches))
        so_far, shares = _by_register(account_id, tariff, version, curves, inside, end - timedelta(days=1))
        coming = [ahead.middle_wh * day // days_left for day in range(days_left + 1)] if days_left else [0]
        coming += [ahead.low_wh, ahead.middle_wh, ahead.high_wh]
        wh = np.array([so_far + np.array(shared_out(more, shares)) for more in coming], dtype=np.int64)
        weeks = [day for day in curves if today - _SEASON <= day < today]
        tier_year = tier_year_of(cycle, months, switches)
        rated = _rate(
            tariff,
            wh,
            before=used if last is not None and last >= tier_year else 0,
            people=people,
            months=months,
            tier_months=running_tier_months(
                taken_over_on=opened_on if is_taken_over else None, cycle=cycle, months=months, switches=switches
            ),
            bill_month=cycle % 100,
            more=two_part.determinants(demands(peaks, inside, weeks, len(wh))) if two_part is not None else None,
        )
    except CannotPrice as refusal:
        return unknown(reason_in_words(LeftOut.CANNOT_PRICE, refusal.code))
    if rated.refused.any():
        return unknown(reason_in_words(LeftOut.REFUSED, str(int(rated.refused.max()))))
    tops = _top_tiers(rated, len(coming))
    # A day without use stands in no tier: then the first is where it begins.
    now_in = max(tops[0], min(1, max(tops)))
    crossing = next((place for place, top in enumerate(tops[: days_left + 1]) if top > now_in), 0)
    low, middle, high = (int(one) for one in rated.total_fen[-3:])
    return RunningBill(
        account_id=account_id,
        account_no=account_no,
        period_start=start,
        period_end=end,
        days_known=len(inside),
        days_left=days_left,
        so_far_kwh_e2=(int(wh[0].sum()) + 5) // 10,
        so_far_fen=int(rated.total_fen[0]),
        low_fen=low,
        middle_fen=middle,
        high_fen=high,
        middle_kwh_e2=(int(wh[-2].sum()) + 5) // 10,
        top_tier=now_in,
        crosses_on=max(end - timedelta(days=days_left) + timedelta(days=crossing - 1), today) if crossing else None,
        crosses_into=tops[crossing] if crossing else 0,
        usual_fen=usual,
        peak_w=peak_w,
        contract_demand_kw=demand_kw,
        is_demonstration=version.is_demonstration,
    )


def _by_register(
    account_id: int,
    tariff: CompiledTariff,
    version: TariffVersion,
    curves: dict[date, NDArray[np.int64]],
    inside: list[date],
    last_day: date,
) -> tuple[NDArray[np.int64], list[int]]:
    """
    Wh of each register of the tariff so far, and in what shares the days to come will fill the registers.

    The shares are those of the last weeks, cut by the windows of the period's last month: windows change by month.
    """
    recent = sorted(day for day in curves if day > last_day - _YEAR / 2)[-_SEASON.days :]
    measured = np.stack([curves[day] for day in recent])
    so_far = np.stack([curves[day] for day in inside]) if inside else np.zeros((0, 96), dtype=np.int64)
    if not _priced(tariff):
        return so_far.sum(axis=1, keepdims=True).sum(axis=0), [1]
    if version.windows is None:
        raise CannotPrice("windows_missing", _("电价没有时段表"))
    windows = WindowSet.parse(version.windows.windows)
    by_register = windows.fold(
        so_far, np.array([day.month for day in inside], dtype=np.int64), kinds_for(windows, account_id, inside)
    )
    shares = windows.fold(measured, last_day.month, day_kinds(recent)).sum(axis=0)
    return by_register.sum(axis=0), shares.tolist()


def _priced(tariff: CompiledTariff) -> set[Register]:
    return {register for rule in tariff.rules for register in rule.period_registers}


def _rate(
    tariff: CompiledTariff,
    wh: NDArray[np.int64],
    *,
    before: int,
    people: int,
    months: int,
    tier_months: int,
    bill_month: int,
    more: Mapping[str, NDArray[np.int64]] | None,
) -> Rated:
    """Rate (rows, registers) of Wh."""
    rows, priced = len(wh), _priced(tariff)
    up_to = (wh + 5) // 10
    energy = np.zeros((rows, len(BILLED_REGISTERS)), dtype=np.int64)
    has = [False] * len(BILLED_REGISTERS)
    for column, register in enumerate(PERIOD_REGISTERS if priced else (Register.TOTAL,)):
        place = BILLED_REGISTERS.index(register)
        energy[:, place] = up_to[:, column]
        has[place] = not priced or register in priced or bool(up_to[:, column].any())
    if priced:
        energy[:, 0], has[0] = up_to.sum(axis=1), True
    return rate(
        tariff,
        usage_for(
            tariff,
            energy_kwh_e2=energy,
            has_register=has,
            tier_kwh_e2_before=np.full(rows, before, dtype=np.int64),
            people=np.full(rows, people, dtype=np.int16),
            months=np.full(rows, months, dtype=np.int8),
            bill_month=bill_month,
            tier_months=np.full(rows, tier_months, dtype=np.int8),
            more=more,
        ),
    )


def _top_tiers(rated: Rated, rows: int) -> list[int]:
    """The highest tier of each row; 0 where the tariff has none."""
    tops = [0] * rows
    for row, code in zip(rated.lines.row.tolist(), rated.lines.code.tolist(), strict=True):
        tops[row] = max(tops[row], TIER_OF_CHARGE.get(code, 0))
    return tops
