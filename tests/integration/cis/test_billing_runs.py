"""Billing runs on real Postgres: shards, previews, resume, follow-ups, the closing check."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cis.models import Bill, BillingRun, BillLine, BillUsage, LedgerTransfer
from cis.operations import billing, ledger
from cis.queries import billing as bills
from cis.queries.ledger import balance
from config.shared import jobs
from tests.factories.world import small_world

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
