"""
`python -m benchmarks.laboratory_worker`: a worker that bills and that tries drafts, told by lines what to do.

Words: `start CYCLE SHARD_SIZE` and `work JOB` as the worker of the billing benchmark has them; `try FIRST LAST PRICE`
begins a trial of the household tariff with another price of its first tier on everybody's bills (`same`: with the same
price, on those of the tariff); `result TRIAL` says what came out.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from typing import Any

from django.db import connection

import benchmarks.django_ready  # noqa: F401 - first: what follows needs Django
from benchmarks.billing_worker import say, start
from benchmarks.processes import peak_memory_mib
from cis.models import TariffTrial, TariffVersion, TrialAccount
from cis.operations.tariff_trials import TrialPopulation, start_trial
from config.shared import jobs
from config.shared.models import User

TARIFF = "HB-RES"
AT = datetime(2027, 1, 3, 2, tzinfo=UTC)


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
        if word == "start":
            answer = start(int(values[0]), int(values[1]))
        elif word == "work":
            answer["shards"] = jobs.work_on(job_id=int(values[0]))
        elif word == "try":
            answer = begin(int(values[0]), int(values[1]), values[2])
        elif word == "result":
            answer = result(int(values[0]))
        say({**answer, "cpu_s": time.process_time() - before, "peak_mib": peak_memory_mib()})


def begin(first: int, last: int, price: str) -> dict[str, Any]:
    """Begin a trial."""
    user, _made = User.objects.get_or_create(username="bench-laboratory", defaults={"kind": User.Kind.STAFF})
    is_same = price == "same"
    trial_id = start_trial(
        base_version_id=TariffVersion.objects.filter(tariff__code=TARIFF)[0].pk,
        name=price,
        changes={} if is_same else {"0.price_yuan.0": price},
        population=TrialPopulation(None, None, is_same, first, last),
        group_list=None,
        created_by_id=user.pk,
        at=AT,
    )
    return {"trial": trial_id, "job": TariffTrial.objects.get(pk=trial_id).job_id}


def result(trial_id: int) -> dict[str, Any]:
    """The sums of a finished trial, and how many accounts are kept with theirs."""
    trial = TariffTrial.objects.get(pk=trial_id)
    if trial.result is None:
        raise SystemExit(f"trial {trial_id} has no result")
    kept = TrialAccount.objects.filter(trial=trial).count()
    return {"sums": trial.result["figures"]["all"]["0"], "left_out": trial.result["left_out"], "kept": kept}


if __name__ == "__main__":
    main()
