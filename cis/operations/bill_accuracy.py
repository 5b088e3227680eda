"""Publishing, once a month and for every part of the organisation, how many bills had to be cancelled or corrected."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from cis.queries.bill_accuracy import SUMS
from config.shared.models import OrgUnit


def publish_accuracy(*, cycle: int, at: datetime) -> int:
    """Publish a month for every unit that has bills of it; gives how many. What is published stays. Two statements."""
    units = list(OrgUnit.objects.order_by("pk").values_list("pk", "path"))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO cis_bill_accuracy (org_unit_id, cycle, bills, rebilled, corrected, published_at) "  # noqa: S608
            f"SELECT s.*, %(at)s FROM ({SUMS}) AS s WHERE s.bills > 0 ON CONFLICT DO NOTHING",
            {"at": at, "parts": [pk for pk, _ in units], "paths": [path for _, path in units], "cycles": [cycle]},
        )
        return int(cursor.rowcount)
