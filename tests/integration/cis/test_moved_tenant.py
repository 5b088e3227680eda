"""A tenant moves: both are billed for their own days, and the point keeps its meter and its history."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from cis.models import Account, Bill, BillUsage, MeterInstallation, PortalAccess, Reading
from cis.operations import customers, ledger
from cis.operations.billing import issue_bill_now
from cis.queries import portal
from cis.queries.billing import get_bill
from cis.queries.customers import get_meters
from config.shared.errors import NotFound
from tests.factories.metering import register_file, send
from tests.factories.world import World, small_world

pytestmark = pytest.mark.django_db

MOVE_DAY = date(2026, 2, 11)
MOVED_AT = datetime.fromisoformat("2026-02-11T09:00+08:00")
MARCH = datetime.fromisoformat("2026-03-02T09:00+08:00")
START, FINAL, CLOSING = 1000 + 180 + 190 + 200, 1000 + 180 + 190 + 200 + 60, 1000 + 180 + 190 + 200 + 60 + 130


@pytest.fixture
def world() -> World:
    return small_world()


def move(world: World) -> customers.Moved:
    return customers.move_tenant(
        account_id=world.residential.account_id,
        on_date=MOVE_DAY,
        kind="person",
        name="赵六",
        phone="13900002222",
        identity_no="",
        at=MOVED_AT,
        final_values_e4={world.residential.installation_id: {1: FINAL * 10_000}},
    )


class TestBothSides:
    @pytest.mark.acceptance("F1")
    def test_pay_for_their_own_days_and_nothing_is_lost_between(self, world: World) -> None:
        old = world.residential
        history = list(Reading.objects.filter(installation_id=old.installation_id).values_list("read_on", "value_e4"))
        for cycle in world.cycles:
            issue_bill_now(account_id=old.account_id, cycle=cycle, issued_by_id=None, at=world.at)
        moved = move(world)
        send(register_file([[old.meter_no, "total", "2026-03-01", CLOSING]]), at=MARCH)

        for account_id in (old.account_id, moved.account_id):
            issue_bill_now(account_id=account_id, cycle=202602, issued_by_id=None, at=MARCH)

        final, first = (Bill.objects.get(account_id=who, cycle=202602) for who in (old.account_id, moved.account_id))
        assert (final.period_start, final.period_end, final.energy_kwh_e2) == (date(2026, 2, 1), MOVE_DAY, 60_00)
        assert (first.period_start, first.period_end, first.energy_kwh_e2) == (MOVE_DAY, date(2026, 3, 1), 130_00)
        ends = {
            bill.account_id: BillUsage.objects.values_list("from_value_e4", "to_value_e4").get(bill_id=bill.pk)
            for bill in (final, first)
        }
        assert ends[old.account_id] == (START * 10_000, FINAL * 10_000)
        assert ends[moved.account_id] == (FINAL * 10_000, CLOSING * 10_000)
        # The new tenant's tier year begins with them, the old one's stays on their account.
        assert (first.tier_kwh_e2_before, final.tier_kwh_e2_before) == (0, 200_00)
        assert get_bill(str(first)).customer_name == "赵六" and get_bill(str(final)).customer_name == "张三"
        assert get_bill(str(first)).recomputes and get_bill(str(final)).recomputes
        assert not ledger.verify().faults

        installation = MeterInstallation.objects.get(point_id=old.point_id)
        kept = list(Reading.objects.filter(installation_id=installation.pk).values_list("read_on", "value_e4"))
        assert installation.pk == old.installation_id and installation.valid.upper is None
        assert set(history) <= set(kept)
        assert Account.objects.get(pk=old.account_id).state == Account.State.CLOSED
        assert get_meters(old.account_id, today=MARCH.date()).readings[0].read_on == MOVE_DAY

    def test_the_old_account_is_billed_no_further_and_the_new_one_not_before(self, world: World) -> None:
        moved = move(world)
        send(register_file([[world.residential.meter_no, "total", "2026-03-01", CLOSING]]), at=MARCH)

        with pytest.raises(Exception, match="没有到抄表例日"):
            issue_bill_now(account_id=world.residential.account_id, cycle=202603, issued_by_id=None, at=MARCH)
        with pytest.raises(Exception, match="没有到抄表例日"):
            issue_bill_now(account_id=moved.account_id, cycle=202601, issued_by_id=None, at=MARCH)

    @pytest.mark.acceptance("F1")
    def test_who_looked_at_the_old_account_as_its_owner_sees_nothing_of_the_new_one(self, world: World) -> None:
        payer = PortalAccess.objects.create(
            user_id=world.stranger_id, account_id=world.residential.account_id, role=PortalAccess.Role.PAYER
        )

        moved = move(world)

        with pytest.raises(NotFound):
            portal.my_accounts(user_id=world.portal_user_id, today=MOVE_DAY)
        assert not PortalAccess.objects.filter(account_id=moved.account_id).exists()
        assert PortalAccess.objects.filter(pk=payer.pk, ended_at=None).exists()
