"""Billing runs on real Postgres: shards, previews, resume, follow-ups, the closing check."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from cis.models import (
    Bill,
    BillingRun,
    BillLine,
    BillUsage,
    LedgerTransfer,
    MeterInstallation,
    Reading,
    ReadingRoute,
    TransformerDistrict,
)
from cis.operations import billing, ledger
from cis.queries import billing as bills
from cis.queries.ledger import balance
from cis.rating import Register
from config.shared import jobs
from config.shared.errors import NotFound
from config.shared.models import OrgUnit
from tests.factories.world import RESIDENTIAL_TARIFF, make_account, small_world

AT = datetime(2026, 2, 3, 2, tzinfo=UTC)
CYCLE = 202601


def run_to_end(cycle: int = CYCLE, kind: str = "regular", shard_size: int = 2) -> int:
    run_id = billing.start_run(
        cycle=cycle, org_unit_id=None, created_by_id=None, at=AT, kind=kind, shard_size=shard_size
    )
    jobs.work_on(job_id=BillingRun.objects.values_list("job_id", flat=True).get(pk=run_id) or 0)
    return run_id


@pytest.mark.django_db
class TestBillingRun:
    def test_bills_every_account_once_and_its_closing_check_agrees(self):
        small_world(at=AT)

        run_id = run_to_end()

        page = bills.get_run(run_id)
        assert page.run.state == "done", [s.error for s in page.shards]
        assert page.left_out == ()
        assert page.closing is not None
        assert page.closing["agrees"], page.closing
        assert page.closing["bills"] == Bill.objects.count() > 0
        assert page.closing["metered_kwh_e2"] == page.closing["accepted_kwh_e2"] > 0
        assert Bill.objects.values("account_id").distinct().count() == Bill.objects.count()
        assert not ledger.verify().faults

    def test_meters_whose_ids_lie_far_apart_are_billed_alike(self):
        world = small_world(at=AT)
        hung = MeterInstallation.objects.get(pk=world.residential.installation_id)
        hung.delete()
        hung.pk = far = 1_000_000
        hung.save(force_insert=True)
        Reading.objects.filter(installation_id=world.residential.installation_id).update(installation_id=far)

        page = bills.get_run(run_to_end(shard_size=100))

        assert page.left_out == ()
        assert page.closing is not None
        assert page.closing["agrees"], page.closing
        assert page.closing["bills"] == len(world.accounts)

    def test_a_second_run_bills_nobody_again(self):
        small_world(at=AT)
        run_to_end()
        before = list(Bill.objects.values_list("pk", "total_fen"))

        run_to_end()

        assert list(Bill.objects.values_list("pk", "total_fen")) == before

    def test_preview_writes_nothing_and_equals_the_later_run_to_the_fen(self):
        small_world(at=AT)

        preview = bills.get_run(run_to_end(kind="preview"))
        assert Bill.objects.count() == BillLine.objects.count() == BillUsage.objects.count() == 0
        assert LedgerTransfer.objects.count() == 0
        real = bills.get_run(run_to_end())

        assert [s.result.get("digest") for s in preview.shards] == [s.result.get("digest") for s in real.shards]
        assert preview.closing is not None and real.closing is not None
        assert preview.closing["total_fen"] == real.closing["total_fen"] > 0

    def test_bill_explains_itself_line_by_line_and_recomputes(self):
        small_world(at=AT)
        run_to_end()

        for bill in Bill.objects.all():
            page = bills.get_bill(str(bill))

            assert page.recomputes, bill
            assert sum(line.amount_fen for line in page.lines) == bill.total_fen
            assert all(line.legal_basis for line in page.lines)
            assert balance(bill.account_id).receivable_fen == bill.open_fen


@pytest.mark.django_db
class TestAnAccountWithoutBalances:
    @pytest.mark.parametrize("kind", ["regular", "preview"])
    def test_is_left_out_with_the_reason_and_the_others_keep_their_own_prepayment(self, kind: str):
        world = small_world(at=AT)
        forgotten = make_account(
            "4290000777",
            "王五",
            OrgUnit.objects.get(pk=world.county_a_id),
            ReadingRoute.objects.get(pk=world.route_day_0_id),
            TransformerDistrict.objects.get(pk=world.transformer_district_id),
            RESIDENTIAL_TARIFF,
            world.cycles,
            {Register.TOTAL: (50, 50, 50)},
            has_balances=False,
        )

        page = bills.get_run(run_to_end(kind=kind))

        assert page.run.state == "done", [s.error for s in page.shards]
        assert page.closing is not None
        assert (page.closing["bills"], page.closing["left_out"]) == (len(world.accounts), {"no-ledger": 1})
        assert not Bill.objects.filter(account_id=forgotten.account_id).exists()
        assert not ledger.verify().faults


@pytest.mark.django_db
def test_readings_between_the_reading_days_do_not_upset_the_closing_check():
    world = small_world(at=AT)
    home = world.residential
    start, end = (Reading.objects.get(installation_id=home.installation_id, cycle=cycle) for cycle in (202512, 202601))
    freeze = start.value_e4 + 604_000
    Reading.objects.create(
        installation_id=home.installation_id,
        account_id=home.account_id,
        register=Register.TOTAL,
        read_on=date(2026, 1, 15),
        value_e4=freeze,
        advance_kwh_e2=6000,
        days=14,
        state=Reading.State.ACCEPTED,
    )
    Reading.objects.filter(installation_id=home.installation_id, cycle=202601).update(
        advance_kwh_e2=(end.value_e4 - freeze + 4_000) // 100, days=17
    )

    closing = bills.get_run(run_to_end()).closing

    assert closing is not None
    assert closing["agrees"], closing


@pytest.mark.django_db
class TestWhoMayBillWhat:
    def test_a_part_inside_the_grant_only(self):
        world = small_world(at=AT)
        county = OrgUnit.objects.get(pk=world.county_a_id)
        everything = [OrgUnit.objects.get(pk=world.province_id).path]

        def start(org_unit_id: int | None, within: list[str]) -> int:
            return billing.start_run(
                cycle=CYCLE, org_unit_id=org_unit_id, created_by_id=None, at=AT, kind="preview", within=within
            )

        for unit in (None, world.county_b_id, world.province_id):
            with pytest.raises(billing.OutsideScope):
                start(unit, [county.path])
        start(world.county_a_id, [county.path])
        whole = start(None, everything)
        with pytest.raises(NotFound):
            billing.cancel_run(run_id=whole, at=AT, within=[county.path])
        billing.cancel_run(run_id=whole, at=AT, within=everything)
