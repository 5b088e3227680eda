"""Works with curves on an approved list, people who plan and decide, and a shortage with its plans."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
from django.db import connection
from django.db.models import Max

from cis.models import Customer, IntervalDay, ReadingRoute, TransformerDistrict
from config.settings.domain import BILLING_TIME_ZONE
from config.shared import jobs
from config.shared.models import OrgUnit
from config.shared.personal_data import blind_index
from dsm.models import Shortage
from dsm.operations import shed_lists, shortages
from tests.factories.metering import CurveAccount, make_curve_accounts
from tests.factories.world import COMMERCIAL_TOU_TARIFF, World, make_user, small_world

NOW = datetime(2026, 7, 20, 9, 0, tzinfo=BILLING_TIME_ZONE)
DAY = date(2026, 7, 22)
DAYS = 3


@dataclass(frozen=True)
class Works:
    """The world, its works in id order (the last is protected), the list, who plans and who decides."""

    world: World
    accounts: list[CurveAccount]
    list_id: int
    dispatcher_id: int
    leader_id: int


def make_works(*, count: int = 24, at: datetime = NOW) -> Works:
    """So many works of one, two and three shifts with three days of curves, on an approved list of seven groups."""
    world = small_world(at=at)
    accounts = make_curve_accounts(
        [f"77{number:08d}" for number in range(count)],
        unit=OrgUnit.objects.get(pk=world.county_a_id),
        route=ReadingRoute.objects.get(pk=world.route_day_0_id),
        district=TransformerDistrict.objects.get(pk=world.transformer_district_id),
        tariff_code=COMMERCIAL_TOU_TARIFF,
        since=(at - timedelta(days=180)).date(),
        price_class=3,
        capacity_kva=1000,
    )
    first = (at - timedelta(days=DAYS)).date()
    with connection.cursor() as cursor:
        cursor.execute("SELECT cis_make_interval_partitions(%s, %s)", [first, at.date()])
    hours = np.arange(96) / 4
    shapes = (
        0.2 + 0.8 * ((hours >= 7) & (hours < 18)),
        0.2 + 0.8 * ((hours >= 7) & (hours < 23)),
        np.ones(96),
    )
    IntervalDay.objects.bulk_create(
        IntervalDay(
            point_id=one.point_id,
            day=first + timedelta(days=back),
            energy_wh=[int(value) for value in (200 + 10 * number) * 250 * shapes[number % 3]],
        )
        for number, one in enumerate(accounts)
        for back in range(DAYS)
    )
    Customer.objects.filter(accounts__in=[one.account_id for one in accounts[:5]]).update(
        phone_index=blind_index("13900000001"), phone="13900000001"
    )
    list_id = shed_lists.draw_list(
        year=(at + timedelta(days=2)).year,
        org_unit_id=world.province_id,
        rows=[
            shed_lists.Surveyed(
                account_id=one.account_id,
                capacity_kva=1000,
                tier=1 + number % 4,
                protected_because="供水" if number == count - 1 else "",
                security_kw=None if number % 3 else 30,
                process_pct=90,
                lead_h=0,
                compensation_fen_kwh=80,
                lost_output_fen_kwh=500 + 20 * number,
                burden_before_h=number % 5,
            )
            for number, one in enumerate(accounts)
        ],
        feeders=[
            shed_lists.FeederPlace(
                feeder_id=TransformerDistrict.objects.get(pk=world.transformer_district_id).feeder_id,
                expected_kw=900,
                households=40,
            )
        ],
        made_by_id=None,
        at=at,
    )
    shed_lists.approve_list(
        list_id=list_id,
        authority="湖北省发展和改革委员会",
        document_no="鄂发改〔2026〕77号",
        approved_on=(at - timedelta(days=90)).date(),
        by_id=None,
        at=at,
    )
    unit = OrgUnit.objects.get(pk=world.province_id)
    return Works(
        world,
        accounts,
        list_id,
        make_user("dispatcher", unit, "dispatcher", "吴调度").pk,
        make_user("leader", unit, "leader", "郑明远").pk,
    )


def make_shortage(works: Works, *, on_day: date = DAY, at: datetime = NOW, gap_kw: int = 900) -> Shortage:
    """A shortage from 13 to 22 o'clock that waits for its plans."""
    demand = [6000] * 96
    supply = [6000 - (gap_kw if 52 <= slot < 88 else 0) for slot in range(96)]
    shortage_id = shortages.create_shortage(
        on_day=on_day,
        org_unit_id=works.world.province_id,
        cause="连续高温，外来电减少",
        demand="imported",
        demand_kw=demand,
        supply_kw=supply,
        drafted_by_id=works.dispatcher_id,
        at=at,
    )
    return Shortage.objects.get(pk=shortage_id)


def compute(shortage: Shortage) -> None:
    """Let a worker compute all plans of a shortage."""
    jobs.work_on(job_id=shortage.job_id or 0)


def latest() -> Shortage:
    """The newest shortage."""
    return Shortage.objects.get(pk=Shortage.objects.aggregate(pk=Max("pk"))["pk"])


def authorise(works: Works, *, on_day: date = DAY, at: datetime = NOW, gap_kw: int = 900) -> Shortage:
    """A shortage whose plans the authority approved."""
    shortage = make_shortage(works, on_day=on_day, at=at, gap_kw=gap_kw)
    compute(shortage)
    shortages.submit_shortage(shortage_id=shortage.pk, by_id=works.dispatcher_id, at=at)
    shortages.record_authority_approval(
        shortage_id=shortage.pk,
        authority="湖北省发展和改革委员会",
        document_no="鄂发改电〔2026〕3号",
        document_on=at.date(),
        by_id=works.dispatcher_id,
        at=at,
    )
    return latest()


def decide(
    works: Works, strategy: str = "tiers", *, on_day: date = DAY, at: datetime = NOW, gap_kw: int = 900
) -> Shortage:
    """A shortage whose plan is chosen."""
    shortage = authorise(works, on_day=on_day, at=at, gap_kw=gap_kw)
    shortages.choose_plan(
        shortage_id=shortage.pk,
        plan_id=shortage.plans.get(strategy=strategy).pk,
        reasons="缺口全补上，受影响的户最少",
        by_id=works.leader_id,
        at=at,
    )
    return latest()
