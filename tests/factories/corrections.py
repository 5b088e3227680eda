"""A bill corrected after it was issued, one held before it is, and a back-billing case with a photo."""

from __future__ import annotations

import io
from datetime import date, datetime

from cis.models import BackBillEvidence, Bill, BillCorrection, BillHold, BillingRun, Reading
from cis.operations import back_billing, bill_corrections
from cis.operations.billing import issue_bill_now
from cis.operations.reading_imports import import_readings
from tests.factories.metering import register_file
from tests.factories.pictures import photo
from tests.factories.world import World


def add_corrections(world: World, *, by_id: int, at: datetime) -> dict[str, int]:
    """One of each; their ids as they stand in addresses."""
    who = world.residential_day_15
    if not Bill.objects.filter(account_id=who.account_id, cycle=world.cycles[0]).exists():
        issue_bill_now(account_id=who.account_id, cycle=world.cycles[0], issued_by_id=by_id, at=at)
    read = Reading.objects.get(installation_id=who.installation_id, cycle=world.cycles[0])
    change = bill_corrections.Values(who.installation_id, read.read_on, {int(read.register): read.value_e4 + 10_000})
    bill_corrections.correct(change=change, reason="误抄", by_id=by_id, at=at)
    # What came once more, and otherwise, after the bill: it waits for a person.
    late = register_file([[who.meter_no, "total", read.read_on, f"{read.value_e4 / 10_000 + 2:.4f}"]])
    import_readings(stream=io.BytesIO(late), file_name="late.csv", all_or_nothing=False, created_by_id=by_id, at=at)
    shop = world.commercial
    held = BillHold.objects.create(
        run=BillingRun.objects.order_by("pk")[0], account_id=shop.account_id, org_unit_id=world.county_a_id,
        price_class=2, cycle=world.cycle, period_start=date(2026, 2, 1), period_end=date(2026, 3, 1), months=1,
        energy_kwh_e2=900_000, total_fen=700_000, usual_fen=200_000, bills=5, factor_e2=300, floor_fen=500_000,
        lines=[], usage=[], held_at=at,
    )  # fmt: skip
    case_id = back_billing.open_case(
        account_id=world.residential.account_id, kind="theft", inputs={"kw": "1"}, prices={"energy_price": "0.5"},
        story="私拉电线", by_id=by_id, at=at,
    )  # fmt: skip
    back_billing.add_evidence(
        case_id=case_id, stream=photo(), name="现场.jpg", content_type="image/jpeg", by_id=by_id, at=at
    )
    return {
        "correction_id": BillCorrection.objects.order_by("pk")[0].pk,
        "installation_id": who.installation_id,
        "hold_id": held.pk,
        "back_bill_id": case_id,
        "evidence_id": BackBillEvidence.objects.get(case_id=case_id).pk,
    }
