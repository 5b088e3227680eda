"""
What shortage planning adds to the demonstration: this year's approved list, a shortage in two days, its plans computed.

In two days, for shifting load takes a day's notice, at whatever hour the demonstration is loaded. The shortage is made
up: what is available is put so far under the forecast that about a third of what the list can give is missing in the
morning and in the evening. It stands at the beginning of its way, so that every step can be shown.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np

from cis.queries.account_facts import read_accounts
from cis.queries.curve_sums import list_feeders
from config.shared import jobs
from config.shared.models import OrgUnit, User
from dsm.models import LoadDay, ShedEntry, ShedList, Shortage
from dsm.models.loads import Scope
from dsm.operations.forecasts import write_forecasts
from dsm.operations.shed_lists import FeederPlace, Surveyed, approve_list, draw_list
from dsm.operations.shortages import create_shortage
from dsm.queries.forecasts import forecast_for
from dsm.queries.shed_problem import problem_of

_COMMERCIAL, _INDUSTRIAL = 2, 3
_HIGHEST_ID = 2**62
# Missing at its worst, as a share of what the list can give then; by hours of the day.
_SHARE = 0.35
_SHAPE = ((8, 12, 80), (17, 22, 100))
_PROTECTED = ("医院（示范）", "自来水厂（示范）", "学校（示范）")


def load(*, today: date, at: datetime) -> None:
    """Draw and approve the list of the year, put a shortage down and compute; what is there stays."""
    on_day = today + timedelta(days=2)
    province = OrgUnit.objects.filter(parent=None).order_by("pk")[0]
    dispatcher = User.objects.filter(username="dispatcher").first()
    forecast = forecast_for(scope=Scope.SYSTEM, scope_id=0, on_day=on_day)
    if forecast is None:
        write_forecasts(scopes=[(Scope.SYSTEM.value, 0)], on_day=on_day, issued_at=at, made_by_id=None, at=at)
        forecast = forecast_for(scope=Scope.SYSTEM, scope_id=0, on_day=on_day)
    if dispatcher is None or forecast is None:
        return
    if not ShedList.objects.filter(year=on_day.year, state=ShedList.State.APPROVED).exists():
        _draw(on_day.year, province.pk, today, at)
    if not Shortage.objects.exists():
        _shortage(on_day, province.pk, dispatcher.pk, forecast.p90_kw, at)
    for shortage in Shortage.objects.filter(plans__state="waiting").distinct():
        jobs.work_on(job_id=shortage.job_id or 0)


def _draw(year: int, org_unit_id: int, today: date, at: datetime) -> None:
    accounts = read_accounts(low=0, high=_HIGHEST_ID, on=today)
    listed = np.flatnonzero(np.isin(accounts.price_class, (_COMMERCIAL, _INDUSTRIAL)) & (accounts.capacity_kva > 0))
    rng = np.random.default_rng(year)
    rows = []
    for number, row in enumerate(listed.tolist()):
        is_works = accounts.price_class[row] == _INDUSTRIAL
        rows.append(
            Surveyed(
                account_id=int(accounts.account[row]),
                capacity_kva=int(accounts.capacity_kva[row]),
                tier=int(rng.integers(1, 4)) if is_works else int(rng.integers(4, 7)),
                protected_because=_PROTECTED[number % 3] if number % 16 == 5 else "",
                security_kw=None if number % 3 == 0 else 1 + int(accounts.capacity_kva[row]) // 40,
                process_pct=int(rng.integers(60, 96)),
                lead_h=int(rng.choice(np.array([0, 0, 0, 4, 12]))),
                compensation_fen_kwh=int(rng.integers(50, 120)),
                lost_output_fen_kwh=int(rng.integers(400, 2500)) if is_works else int(rng.integers(1500, 4000)),
                burden_before_h=int(rng.choice(np.array([0, 0, 5, 9, 14, 18]))),
            )
        )
    list_id = draw_list(year=year, org_unit_id=org_unit_id, rows=rows, feeders=_feeders(today), made_by_id=None, at=at)
    approve_list(
        list_id=list_id,
        authority="江汉市发展和改革委员会（示范）",
        document_no=f"江发改电〔{year}〕18号（示范）",
        approved_on=min(date(year, 4, 18), today),
        by_id=None,
        at=at,
    )


def _feeders(today: date) -> list[FeederPlace]:
    """The feeders with most load last, so that the first to be opened hits the fewest."""
    newest = LoadDay.objects.filter(scope=Scope.FEEDER, day=today - timedelta(days=1))
    places = [
        FeederPlace(feeder_id=row.scope_id, expected_kw=max(max(row.load_w), 0) // 1000, households=row.points_served)
        for row in newest
        if row.scope_id in {one.feeder_id for one in list_feeders()}
    ]
    return sorted(places, key=lambda place: (place.households, place.feeder_id))


def _shortage(on_day: date, org_unit_id: int, by_id: int, demand_kw: tuple[int, ...], at: datetime) -> None:
    shape = np.zeros(96)
    for start, end, share in _SHAPE:
        shape[start * 4 : end * 4] = share / 100
    can_give = _can_give(on_day, org_unit_id, by_id, at)
    missing = (_SHARE * shape * can_give).astype(int)
    supply = [due - short if short else due + due // 20 for due, short in zip(demand_kw, missing.tolist(), strict=True)]
    is_hot = 5 <= on_day.month <= 9
    create_shortage(
        on_day=on_day,
        org_unit_id=org_unit_id,
        cause="连续高温，外来电减少（示范）" if is_hot else "寒潮来临，外来电减少（示范）",
        demand=Shortage.Demand.P90,
        supply_kw=supply,
        drafted_by_id=by_id,
        at=at,
    )


def _can_give(on_day: date, org_unit_id: int, by_id: int, at: datetime) -> int:
    """What the list can give at its weakest in the hours of the shortage, in kW."""
    listed = ShedList.objects.get(year=on_day.year, org_unit_id=org_unit_id, state=ShedList.State.APPROVED)
    asked = Shortage(
        on_day=on_day, org_unit_id=org_unit_id, shed_list=listed, gap_kw=[0] * 96, drafted_by_id=by_id, drafted_at=at
    )
    can = problem_of(asked).problem.cap_kw.sum(axis=0)
    hours = [can[start * 4 : end * 4].min() for start, end, _share in _SHAPE]
    return int(min(hours)) if ShedEntry.objects.filter(shed_list=listed).exists() else 0
