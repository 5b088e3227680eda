"""How many bills of a month had to be cancelled or corrected: living figures, and those that were published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from cis.models import BillAccuracy
from config.shared.models import OrgUnit

# Bills that came from another system and bills of differences only are none that a month's reading made; opening
# balances that are taken over anew follow them by a revision.
# A bill that was cancelled counts as that, and not as corrected too. Differences without money are no fault.
SUMS = """
SELECT p.id AS org_unit_id, b.cycle, count(*) FILTER (WHERE b.revision = 0) AS bills, count(x.bill_id) AS rebilled,
       count(c.bill_id) FILTER (WHERE x.bill_id IS NULL) AS corrected
FROM unnest(%(parts)s::bigint[], %(paths)s::text[]) AS p(id, path)
JOIN shared_org_unit o ON o.path LIKE p.path || '%%'
JOIN cis_bill b ON b.org_unit_id = o.id AND b.cycle = ANY(%(cycles)s)
JOIN cis_billing_run r ON r.id = b.run_id AND r.kind NOT IN ('opening', 'difference')
LEFT JOIN cis_bill_cancellation x ON x.bill_id = b.id
LEFT JOIN (SELECT DISTINCT bill_id FROM cis_bill_correction WHERE state <> 'void' AND amount_fen <> 0) c
       ON c.bill_id = b.id
GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Counts of bills of a month and part."""

    bills: int
    rebilled: int
    corrected: int

    @property
    def faulty_e2(self) -> int | None:
        """Cancelled and corrected of all, in 0.01 %."""
        return round((self.rebilled + self.corrected) * 10_000 / self.bills) if self.bills else None


@dataclass(frozen=True, slots=True)
class AccuracyMonth:
    """One month: as it is today, and as it was published (None where it has not been)."""

    cycle: int
    today: Accuracy
    published: Accuracy | None
    published_at: datetime | None


def accuracy_of(parts: Sequence[tuple[int, str]], cycles: Sequence[int]) -> dict[tuple[int, int], Accuracy]:
    """Counts of each (unit id, path) and month, one statement; a part without bills is left out."""
    with connection.cursor() as cursor:
        cursor.execute(
            SUMS,
            {"parts": [one for one, _ in parts], "paths": [path for _, path in parts], "cycles": list(cycles)},
        )
        return {(part, cycle): Accuracy(*counts) for part, cycle, *counts in cursor.fetchall() if counts[0]}


def months_of(*, path: str, cycles: Sequence[int]) -> list[AccuracyMonth]:
    """The months of the part of the organisation under a path, newest first; three statements."""
    unit = OrgUnit.objects.filter(path=path).first()
    if unit is None:
        return []
    today = accuracy_of([(unit.pk, unit.path)], cycles)
    published = {row.cycle: row for row in BillAccuracy.objects.filter(org_unit=unit, cycle__in=list(cycles))}
    found = []
    for cycle in sorted(cycles, reverse=True):
        row = published.get(cycle)
        if (unit.pk, cycle) in today:
            found.append(
                AccuracyMonth(
                    cycle,
                    today[unit.pk, cycle],
                    Accuracy(row.bills, row.rebilled, row.corrected) if row else None,
                    row.published_at if row else None,
                )
            )
    return found
