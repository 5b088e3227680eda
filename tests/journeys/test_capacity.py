"""One change in customer information is seen in the other two systems by themselves, within a minute."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.db import close_old_connections, connection
from django.utils import timezone

from cis.models import IntervalDay, SupplyContract
from cis.operations.contracts import change_capacity
from config.shared.models import OrgUnit
from crm.models import AccountTag
from crm.operations.profiles import recompute_profile
from dsm.models import ShedEntry
from dsm.operations.shed_lists import Surveyed, approve_list, draw_list
from tests.factories.world import World, small_world
from tests.stack import Stack

pytestmark = pytest.mark.django_db(transaction=True)

WITHIN_S = 60
OLD_KVA, NEW_KVA = 400, 1_600
DAYS = 20


def listed(world: World) -> int:
    """The commercial account has a capacity, a profile, and a place on this year's approved list; the list's id."""
    account, now, today = world.commercial.account_id, timezone.now(), timezone.localdate()
    SupplyContract.objects.filter(pk=world.commercial.contract_id).update(capacity_kva=OLD_KVA)
    with connection.cursor() as cursor:
        cursor.execute("SELECT cis_make_interval_partitions(%s, %s)", [today - timedelta(days=DAYS), today])
    IntervalDay.objects.bulk_create(
        IntervalDay(
            point_id=world.commercial.point_id,
            day=today - timedelta(days=number),
            energy_wh=[40_000] * 96,
            missing_slots=0,
        )
        for number in range(1, DAYS)
    )
    recompute_profile(account_id=account, at=now)
    list_id = draw_list(
        year=today.year,
        org_unit_id=OrgUnit.objects.get(parent=None).pk,
        rows=[
            Surveyed(
                account_id=account,
                capacity_kva=OLD_KVA,
                tier=3,
                protected_because="",
                security_kw=20,
                process_pct=80,
                lead_h=0,
                compensation_fen_kwh=80,
                lost_output_fen_kwh=900,
                burden_before_h=0,
            )
        ],
        feeders=[],
        made_by_id=None,
        at=now,
    )
    approve_list(
        list_id=list_id,
        authority="发改委",
        document_no="1号",
        approved_on=min(date(today.year, 4, 18), today),
        by_id=None,
        at=now,
    )
    return list_id


def seen_within_a_minute(is_there: Callable[[], bool]) -> bool:
    """Whether it comes in time; the workers do it, nobody here."""
    until = time.monotonic() + WITHIN_S
    while time.monotonic() < until:
        if is_there():
            return True
        time.sleep(0.2)
        close_old_connections()
    return False


class TestCapacity:
    """cis tells, crm and dsm hear; none of them is asked."""

    @pytest.mark.acceptance("004-24")
    def test_a_new_capacity_is_seen_in_the_profile_and_in_the_sheddable_load(self, live: Stack) -> None:
        world = small_world()
        account, list_id = world.commercial.account_id, listed(world)
        band = AccountTag.objects.get(account_id=account, code="basic.capacity_band")
        sheddable = ShedEntry.objects.get(shed_list_id=list_id).sheddable_kw

        change_capacity(
            account_id=account,
            capacity_kva=NEW_KVA,
            from_on=timezone.localdate(),
            reason="增容 2026-018",
            changed_by_id=world.accountant_id,
            at=timezone.now(),
        )

        def is_in_the_profile() -> bool:
            now = AccountTag.objects.get(account_id=account, code="basic.capacity_band")
            return now.value != band.value and str(NEW_KVA) in str(now.evidence)

        def is_in_the_list() -> bool:
            entry = ShedEntry.objects.get(shed_list_id=list_id)
            return entry.capacity_kva == NEW_KVA and entry.sheddable_kw > sheddable

        assert seen_within_a_minute(is_in_the_profile)
        assert seen_within_a_minute(is_in_the_list)
