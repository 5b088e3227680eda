"""`python -m benchmarks.reference`: reference data and the tariffs of every month that is billed."""

from __future__ import annotations

from datetime import UTC, date, datetime

import benchmarks.django_ready  # noqa: F401 - first: what follows needs Django
from cis.demo.tariffs import carry_tariffs_over
from cis.operations.reference import load_reference

if __name__ == "__main__":
    load_reference(at=datetime(2025, 1, 1, tzinfo=UTC))
    carry_tariffs_over(from_day=date(2024, 12, 1), to_day=date(2027, 6, 1))
