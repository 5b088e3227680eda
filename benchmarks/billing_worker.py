"""
`python -m benchmarks.billing_worker`: one worker process, told by lines on its standard input what to do.

It does what a Celery worker does with the same message: `jobs.work_on(job_id)`. It answers each line with a line of
JSON: what it did, its CPU seconds (this process, without its start-up) and the most memory it held.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction

import benchmarks.django_ready  # noqa: F401 - first: what follows needs Django
from benchmarks.processes import peak_memory_mib
from cis.models import BillingRun
from cis.operations import billing
from config.shared import jobs
from config.shared.events import send_task


def main() -> None:
    """Answer lines until there are none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = cursor.fetchone()[0]
    say({"backend": backend})
    for line in sys.stdin:
        word, *values = line.split()
        before = time.process_time()
        answer: dict[str, Any] = {}
        if word == "warm":
            warm(int(values[0]))
        elif word == "start":
            cycle, shard_size = map(int, values)
            answer = start(cycle, shard_size)
        elif word == "work":
            answer["shards"] = jobs.work_on(job_id=int(values[0]))
        say({**answer, "cpu_s": time.process_time() - before, "peak_mib": peak_memory_mib()})


def warm(cycle: int) -> None:
    """Load what a Celery worker has loaded long before a job comes: bill one account, and take it back."""
    send_task("config.shared.tasks.deliver_events")
    with transaction.atomic():
        billing.issue_bill_now(account_id=1, cycle=cycle, issued_by_id=None, at=_the_day_after(cycle))
        transaction.set_rollback(True)


def start(cycle: int, shard_size: int) -> dict[str, Any]:
    """Begin a run the day after the cycle has ended."""
    at = _the_day_after(cycle)
    run_id = billing.start_run(cycle=cycle, org_unit_id=None, created_by_id=None, at=at, shard_size=shard_size)
    return {"run": run_id, "job": BillingRun.objects.get(pk=run_id).job_id}


def _the_day_after(cycle: int) -> datetime:
    """A moment on the second of the next month."""
    year, month = divmod(cycle, 100)
    return datetime(year + month // 12, month % 12 + 1, 2, 2, tzinfo=UTC)


def say(answer: dict[str, Any]) -> None:
    """One line of JSON."""
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
