"""A bill far above the account's own is held before issue, released by a second person or sent back to readings."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cis.models import Bill, BillException, BillHold, BillingRun, BillLine, Reading, ReadingDoubt
from cis.operations import bill_holds, ledger, readings
from cis.operations.billing import BillHeld, issue_bill_now, start_run, work_shard
from cis.operations.integrity import check_integrity
from config.shared import approvals, jobs
from config.shared.models import OrgUnit
from tests.factories.world import AccountIds, World, make_user, small_world

pytestmark = pytest.mark.django_db

AT = datetime(2026, 6, 3, 1, 0, tzinfo=UTC)


@pytest.fixture
def world(settings: Any) -> World:
    """Three months billed; the fourth of the first account is about four times as much, of the third nearly three."""
    settings.BILL_HOLDS = {1: {"factor_e2": 300, "floor_fen": 10_000, "least_bills": 3}}
    world = small_world(at=AT, cycles=4)
    for who, units in ((world.residential, 800), (world.residential_day_15, 280)):
        last = Reading.objects.filter(installation_id=who.installation_id, cycle=world.cycle)
        before = Reading.objects.get(installation_id=who.installation_id, cycle=world.cycles[2])
        last.update(value_e4=before.value_e4 + units * 10_000, advance_kwh_e2=units * 100)
    for who in world.accounts:
        for cycle in world.cycles[:3]:
            issue_bill_now(account_id=who.account_id, cycle=cycle, issued_by_id=None, at=AT)
    return world


def run_the_month(world: World, kind: str = "regular") -> dict[str, Any]:
    """A run of all accounts; what its shards came to."""
    run_id = start_run(cycle=world.cycle, org_unit_id=None, created_by_id=world.accountant_id, at=AT, kind=kind)
    done: dict[str, Any] = {"bills": 0, "left_out": 0}
    job_id = BillingRun.objects.get(pk=run_id).job_id
    assert job_id is not None
    while (claim := jobs.claim_shard(job_id=job_id, now=AT)) is not None:
        found = work_shard(claim, at=AT)
        if found is not None:
            done = {"bills": found.bills, "left_out": found.left_out, "digest": found.digest}
    return {"run_id": run_id, **done}


def hold_of(who: AccountIds) -> BillHold:
    return BillHold.objects.get(account_id=who.account_id)


class TestHeld:
    @pytest.mark.acceptance("F22")
    def test_above_three_times_its_history_until_a_second_person_releases_exactly_it(self, world: World) -> None:
        previewed = run_the_month(world, "preview")
        assert not BillHold.objects.exists()

        done = run_the_month(world)

        assert (done["bills"], done["left_out"], done["digest"]) == (3, 1, previewed["digest"])
        hold = hold_of(world.residential)
        history = sorted(
            Bill.objects.filter(account_id=world.residential.account_id).values_list("total_fen", flat=True)
        )
        assert hold.usual_fen == history[1]
        assert hold.total_fen > 3 * hold.usual_fen
        assert not Bill.objects.filter(account_id=world.residential.account_id, cycle=world.cycle).exists()
        assert BillException.objects.get(run_id=done["run_id"]).code == "held"
        assert not BillLine.objects.filter(bill_id=0).exists()

        asked = bill_holds.ask_release(hold_id=hold.pk, reason="新装了地暖", by_id=world.accountant_id, at=AT)
        with pytest.raises(approvals.OwnRequest):
            approvals.approve(approval_id=asked, decided_by_id=world.accountant_id, at=AT)
        other = make_user("second", OrgUnit.objects.get(pk=world.province_id), "leader")
        last = Reading.objects.filter(installation_id=world.residential.installation_id, cycle=world.cycle)
        last.update(value_e4=last.get().value_e4 + 10_000_000, advance_kwh_e2=180_000)
        run_the_month(world)

        with pytest.raises(bill_holds.HoldMoved):
            # Asked for one bill, and billed once more in between, it is not the other that is issued.
            approvals.approve(approval_id=asked, decided_by_id=other.pk, at=AT)
        approvals.refuse(approval_id=asked, decided_by_id=other.pk, note="金额变了", at=AT)
        hold = hold_of(world.residential)
        asked = bill_holds.ask_release(hold_id=hold.pk, reason="新装了地暖", by_id=world.accountant_id, at=AT)
        approvals.approve(approval_id=asked, decided_by_id=other.pk, at=AT)

        bill = Bill.objects.get(account_id=world.residential.account_id, cycle=world.cycle)
        assert (bill.total_fen, bill.energy_kwh_e2) == (hold.total_fen, hold.energy_kwh_e2)
        assert [line.amount_fen for line in BillLine.objects.filter(bill_id=bill.pk).order_by("seq")] == [
            line["fen"] for line in hold.lines
        ]
        assert hold_of(world.residential).bill_id == bill.pk
        assert ledger.verify().faults == ()
        assert not [one.check for one in check_integrity() if one.broken]

    def test_not_below_the_floor_nor_with_too_little_history(self, world: World, settings: Any) -> None:
        settings.BILL_HOLDS = {1: {"factor_e2": 300, "floor_fen": 10**9, "least_bills": 3}}
        assert run_the_month(world, "preview")["left_out"] == 0
        settings.BILL_HOLDS = {1: {"factor_e2": 300, "floor_fen": 100, "least_bills": 4}}
        assert run_the_month(world, "preview")["left_out"] == 0
        settings.BILL_HOLDS = {1: {"factor_e2": 250, "floor_fen": 100, "least_bills": 3}}
        assert run_the_month(world, "preview")["left_out"] == 2

    def test_release_is_refused_when_the_bill_is_another_by_now(self, world: World) -> None:
        run_the_month(world)
        hold = hold_of(world.residential)
        asked = bill_holds.ask_release(hold_id=hold.pk, reason="核实无误", by_id=world.accountant_id, at=AT)
        last = Reading.objects.filter(installation_id=world.residential.installation_id, cycle=world.cycle)
        last.update(value_e4=last.get().value_e4 - 10_000, advance_kwh_e2=79_900)
        other = make_user("second", OrgUnit.objects.get(pk=world.province_id), "leader")

        with pytest.raises(bill_holds.HoldMoved):
            approvals.approve(approval_id=asked, decided_by_id=other.pk, at=AT)

        assert not Bill.objects.filter(account_id=world.residential.account_id, cycle=world.cycle).exists()

    def test_sent_back_its_reading_is_doubted_and_billed_when_corrected(self, world: World) -> None:
        with pytest.raises(BillHeld):
            issue_bill_now(account_id=world.residential.account_id, cycle=world.cycle, issued_by_id=None, at=AT)
        hold = hold_of(world.residential)

        bill_holds.send_back(hold_id=hold.pk, reason="像是多读一位", by_id=world.accountant_id, at=AT)

        doubt = ReadingDoubt.objects.get(account_id=world.residential.account_id)
        readings.correct_reading(
            doubt_id=doubt.pk,
            value_e4=doubt.facts["previous_e4"] + 2_100_000,
            reason="现场照片",
            resolved_by_id=world.auditor_id,
            at=AT,
        )
        issue_bill_now(account_id=world.residential.account_id, cycle=world.cycle, issued_by_id=None, at=AT)
        assert hold_of(world.residential).state == "sent-back"
