"""A channel's day held against our books, with a difference."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta

from django.conf import settings

from cis.operations import ledger
from payments.matching.channel_file import FileRow, write_file
from payments.models import Difference
from payments.operations.reconciling import is_closed, keep_file, reconcile
from tests.factories.world import World

DAY = date(2025, 12, 30)
"""before anything is booked in the tiny utility"""


def add_difference(world: World, *, by_id: int, at: datetime | None = None) -> dict[str, int]:
    """The wallet says that it took 500 fen of which we know nothing; ids for addresses."""
    at = at or datetime.combine(DAY + timedelta(days=2), datetime.min.time(), settings.BILLING_TIME_ZONE)
    if not is_closed(DAY):
        ledger.close_day(business_date=DAY, closed_by_id=None, at=at)
    moment = datetime(2025, 12, 30, 4, 0, tzinfo=UTC)
    raw = write_file("wallet", DAY, [FileRow("LONG0001", "", 500, "P", moment, "OK", "T1")])
    file = keep_file(name="wallet-20251230.txt", file=io.BytesIO(raw), by_id=by_id, at=at)
    made = reconcile(file_id=file.pk, by_id=by_id, at=at)
    return {
        "reconciliation_id": made.reconciliation_id,
        "difference_id": Difference.objects.get(reconciliation_id=made.reconciliation_id).pk,
    }
