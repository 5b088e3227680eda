"""One account with very many transfers, and what a query visits on its way to an answer."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.db import connection

from cis.operations import ledger

_HEAD = "(kind, document_id, leg, account_id, debit_id, credit_id, amount_fen, booked_at, business_date)"


def fill_account(owner: Any, account_id: int, legs: int, *, first_day: date, days: int) -> None:
    """COPY so many transfers of 3 fen into the account's prepayment, spread evenly over days."""
    cash, ahead = ledger.control_id("CASH"), ledger.prepayment_id(account_id)
    lines = io.StringIO()
    for number in range(legs):
        day = first_day + timedelta(days=number * days // legs)
        lines.write(f"3\t{number + 1}\t0\t{account_id}\t{cash}\t{ahead}\t3\t{day} 02:00+00\t{day}\n")
    lines.seek(0)
    with owner.cursor() as cursor:
        cursor.copy_expert(f"COPY cis_ledger_transfer {_HEAD} FROM STDIN", lines)


@dataclass
class Visits:
    """Rows that scans touched and pages they read, over all statements."""

    rows: int = 0
    pages: int = 0
    plans: list[Any] = field(default_factory=list)


@contextmanager
def visits() -> Iterator[Visits]:
    """Run each statement inside once more under EXPLAIN (ANALYZE, BUFFERS)."""
    seen = Visits()

    def explain(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        with context["connection"].connection.cursor() as plain:
            plain.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", params)
            answer = plain.fetchone()[0]
        plan = (answer if isinstance(answer, list) else json.loads(answer))[0]["Plan"]
        seen.pages += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        seen.rows += _scanned(plan)
        seen.plans.append(plan)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        yield seen


def _scanned(plan: dict[str, Any]) -> int:
    rows = 0
    if "Scan" in plan["Node Type"]:
        per_loop = (
            plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Join Filter", 0)
        )
        rows = round(per_loop * plan["Actual Loops"])
    return rows + sum(_scanned(inner) for inner in plan.get("Plans", ()))
