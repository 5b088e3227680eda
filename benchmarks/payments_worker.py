"""
`python -m benchmarks.payments_worker [bare]`: one process that takes payments, told by lines on its standard input.

`take FROM COUNT FILE` takes one payment for each account by the operation (the statements it sent go into FILE, unless
that is `-`); `replay FILE` sends them through bare psycopg2 (which `bare` opens), committing where the operation did.
It answers each line with a line of JSON: its CPU seconds and the most memory it held.
"""

from __future__ import annotations

import pickle
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import psycopg2
from django.conf import settings
from django.db import connection
from django.utils import timezone

import benchmarks.django_ready  # noqa: F401 - first: what follows needs Django
from benchmarks.billing_worker import say
from benchmarks.processes import peak_memory_mib
from cis.queries import ledger as ledger_queries
from config.shared.events import send_task
from payments.operations.taking import take_payment

Statements = list[bytes]
FEN = 1_234


def main() -> None:
    """Answer lines until there are none."""
    bare = psycopg2.connect(settings.DATABASE_URL) if sys.argv[1:] == ["bare"] else None
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        ours = cursor.fetchone()[0]
    say({"backend": bare.get_backend_pid() if bare else ours})
    send_task("config.shared.tasks.deliver_events")
    for line in sys.stdin:
        word, *values = line.split()
        answer: dict[str, Any] = {}
        before = time.process_time()
        if word == "take":
            sent = take(int(values[0]), int(values[1]), is_kept=values[2] != "-")
            if values[2] != "-":
                with open(values[2], "wb") as file:
                    pickle.dump(sent, file)
            answer["statements"] = len(sent[0]) if sent else 0
        elif word == "replay":
            with open(values[0], "rb") as file:
                kept = pickle.load(file)
            before = time.process_time()
            replay(bare, kept)
        elif word == "balance":
            answer["us"] = balance(int(values[0]), int(values[1]))
        say({**answer, "cpu_s": time.process_time() - before, "peak_mib": peak_memory_mib()})


def take(first: int, count: int, *, is_kept: bool) -> list[Statements]:
    """A payment for each account, in a transaction of its own; what was sent to the database, by payment."""
    kept: list[Statements] = []

    def keep(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        # As the driver sends it: replayed, not even its values are to be put in again.
        kept[-1].append(context["cursor"].cursor.mogrify(sql, params))
        return execute(sql, params, many, context)

    at = timezone.now()
    with connection.execute_wrapper(keep) if is_kept else nullcontext():
        for account_id in range(first, first + count):
            if is_kept:
                kept.append([])
            take_payment(
                account_id=account_id, amount_fen=FEN, method="card", org_unit_id=None, received_by_id=None,
                form_key=f"bench-{account_id:010d}", at=at,
            )  # fmt: skip
    return kept


def replay(bare: Any, kept: list[Statements]) -> None:
    """The same statements with the same values, and nothing else; answers are fetched as they were."""
    with bare.cursor() as cursor:
        for statements in kept:
            for sql in statements:
                cursor.execute(sql)
                if cursor.description is not None:
                    cursor.fetchall()
            bare.commit()


def balance(account_id: int, times: int) -> list[float]:
    """Microseconds that the account's balance took, each time."""
    taken = []
    for _time in range(times):
        began = time.perf_counter()
        ledger_queries.balance(account_id)
        taken.append((time.perf_counter() - began) * 1e6)
    return taken


if __name__ == "__main__":
    main()
