"""A utility in which something has happened: bills, a payment, a dispute, a doubtful reading, a rejected row."""

from __future__ import annotations

from datetime import datetime

from cis.operations import billing, disputes
from cis.queries.billing import list_bills
from config.shared import jobs
from config.shared.models import Job
from payments.operations import taking
from tests.factories.metering import register_file, send
from tests.factories.world import World, small_world

CYCLE = 202602
AFTER = datetime.fromisoformat("2026-03-02T09:00+08:00")
_MISREAD = 9_770


def lived_in_world() -> World:
    """
    The small world after its February: everybody read, one reading doubtful, one row rejected, the rest billed.

    The clerk has taken a part of what the second household owes and noted that it disputes its bill.
    """
    world = small_world()
    send(
        register_file(
            [
                [world.residential.meter_no, "total", "2026-03-01", _MISREAD],
                [world.residential_day_15.meter_no, "total", "2026-02-15", 1000 + 95 + 105 + 115 + 115],
                ["9999999999", "total", "2026-03-01", 1],
            ]
        ),
        at=AFTER,
    )
    for cycle in world.cycles:
        run_id = billing.start_run(
            cycle=cycle, org_unit_id=world.province_id, created_by_id=world.accountant_id, at=AFTER
        )
        jobs.work_on(job_id=Job.objects.order_by("-pk").values_list("pk", flat=True)[0])
        assert run_id
    household = world.residential_day_15
    taking.take_payment(
        account_id=household.account_id,
        amount_fen=1_000,
        method="cash",
        org_unit_id=world.hall_a_id,
        received_by_id=world.clerk_a_id,
        form_key="0" * 32,
        at=AFTER,
    )
    bill = list_bills(account_id=household.account_id, limit=1)[0]
    disputes.open_dispute(bill_no=bill.bill_no, reason="比上月多，请核对", opened_by_id=world.clerk_a_id, at=AFTER)
    return world
