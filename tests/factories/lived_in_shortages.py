"""Shortages at every step of their way, so that every page of them has something to show."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.db import connection

from cis.models import IntervalDay, PortalAccess, ReadingRoute, TransformerDistrict
from config.settings.domain import BILLING_TIME_ZONE
from config.shared import jobs
from config.shared.models import OrgUnit, User
from dsm.models import Shortage, ShortagePlan
from dsm.operations import shed_lists, shed_orders, shortages
from dsm.shedding.strategies import STRATEGIES
from tests.factories.metering import make_curve_accounts
from tests.factories.portal import bind
from tests.factories.world import COMMERCIAL_TOU_TARIFF, World

_PATIENCE_S = 60
STEPS = ("drafted", "submitted", "authorised", "chosen", "issued")


def add_shortages(world: World, now: datetime, *, planner: str = "dispatcher", decider: str = "leader") -> None:
    """
    An approved list of this year with four works, the first the portal user's, and a shortage at each step.

    The optimum is left out: what is looked at is the pages, and a solver takes seconds to start.
    """
    accounts = make_curve_accounts(
        [f"99{number:08d}" for number in range(4)],
        unit=OrgUnit.objects.get(pk=world.county_a_id),
        route=ReadingRoute.objects.get(pk=world.route_day_0_id),
        district=TransformerDistrict.objects.get(pk=world.transformer_district_id),
        tariff_code=COMMERCIAL_TOU_TARIFF,
        since=(now - timedelta(days=90)).date(),
        price_class=3,
        capacity_kva=1000,
    )
    yesterday = now.astimezone(BILLING_TIME_ZONE).date() - timedelta(days=1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT cis_make_interval_partitions(%s, %s)", [yesterday, yesterday])
    IntervalDay.objects.bulk_create(
        IntervalDay(point_id=one.point_id, day=yesterday, energy_wh=[100_000] * 96) for one in accounts
    )
    bind(world.portal_user_id, accounts[0].account_id, PortalAccess.Role.OWNER)
    dispatcher, leader = (User.objects.get(username=name).pk for name in (planner, decider))
    on_day = (now.astimezone(BILLING_TIME_ZONE) + timedelta(days=2)).date()
    for year in sorted({on_day.year, yesterday.year}):
        _list(year, world, [one.account_id for one in accounts], now)
    # The next one waits for the authority.
    _list(on_day.year + 1, world, [one.account_id for one in accounts], now, is_approved=False)
    optimum = STRATEGIES.pop("optimum")
    try:
        for place in range(len(STEPS)):
            _shortage(world, on_day, place, dispatcher, leader, now)
    finally:
        STRATEGIES["optimum"] = optimum


def _list(year: int, world: World, account_ids: list[int], now: datetime, *, is_approved: bool = True) -> None:
    feeder_id = TransformerDistrict.objects.get(pk=world.transformer_district_id).feeder_id
    list_id = shed_lists.draw_list(
        year=year,
        org_unit_id=world.province_id,
        rows=[
            shed_lists.Surveyed(
                account_id=account_id,
                capacity_kva=1000,
                tier=number + 1,
                protected_because="医院" if number == 3 else "",
                security_kw=None if number else 40,
                process_pct=80,
                lead_h=0,
                compensation_fen_kwh=80,
                lost_output_fen_kwh=900,
            )
            for number, account_id in enumerate(account_ids)
        ],
        feeders=[shed_lists.FeederPlace(feeder_id=feeder_id, expected_kw=800, households=30)],
        made_by_id=None,
        at=now,
    )
    if is_approved:
        shed_lists.approve_list(
            list_id=list_id,
            authority="省发展和改革委员会",
            document_no="18号",
            approved_on=now.date(),
            by_id=None,
            at=now,
        )


def _shortage(world: World, on_day: object, place: int, dispatcher: int, leader: int, now: datetime) -> None:
    shortage_id = shortages.create_shortage(
        on_day=on_day,  # type: ignore[arg-type]
        org_unit_id=world.province_id,
        cause="寒潮来临，外来电减少",
        demand="imported",
        demand_kw=[2000] * 96,
        supply_kw=[2000 - (200 if 68 <= slot < 88 else 0) for slot in range(96)],
        drafted_by_id=dispatcher,
        at=now,
    )
    shortage = Shortage.objects.get(pk=shortage_id)
    # A worker of a running stack may hold a part of the job; what it leaves is done here.
    until = time.monotonic() + _PATIENCE_S
    jobs.work_on(job_id=shortage.job_id or 0)
    while shortage.plans.filter(state=ShortagePlan.State.WAITING).exists() and time.monotonic() < until:
        time.sleep(0.1)
        jobs.work_on(job_id=shortage.job_id or 0)
    if place >= 1:
        shortages.submit_shortage(shortage_id=shortage_id, by_id=dispatcher, at=now)
    if place >= 2:
        shortages.record_authority_approval(
            shortage_id=shortage_id,
            authority="省发展和改革委员会",
            document_no="3号",
            document_on=now.date(),
            by_id=dispatcher,
            at=now,
        )
    if place >= 3:
        plan = shortage.plans.get(strategy="tiers")
        shortages.choose_plan(shortage_id=shortage_id, plan_id=plan.pk, reasons="最省", by_id=leader, at=now)
    if place >= 4:
        shed_orders.issue_orders(shortage_id=shortage_id, by_id=dispatcher, at=now)
