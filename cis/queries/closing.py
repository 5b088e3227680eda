"""The closing check of a billing run: what was billed against what was booked and what the meters said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection

from cis.models.ledger import ControlAccount, TransferKind
from cis.rating import CORRECTED_AS

# The ids of a run's bills lie together: with their bounds the other tables are read in that stretch, not as a whole.
_BILLED = """
SELECT price_class, count(*), coalesce(sum(total_fen), 0)::bigint, coalesce(sum(energy_kwh_e2), 0)::bigint,
       min(id), max(id)
FROM cis_bill WHERE run_id = %s GROUP BY 1 ORDER BY 1
"""

# Which fund or subsidy a line or a transfer is of, if it is of one (0: none).
_RECEIVABLE = """
SELECT b.price_class, CASE WHEN least(t.debit_id, t.credit_id) = ANY(%s) THEN least(t.debit_id, t.credit_id) ELSE 0 END,
       coalesce(sum(CASE WHEN t.debit_id > 0 THEN t.amount_fen ELSE -t.amount_fen END), 0)::bigint
FROM cis_bill b JOIN cis_ledger_transfer t ON t.kind = ANY(%s) AND t.document_id = b.id
WHERE b.run_id = %s AND t.document_id BETWEEN %s AND %s GROUP BY 1, 2
"""

_LINES = """
SELECT b.price_class, CASE WHEN l.code = ANY(%s) THEN l.code ELSE 0 END, coalesce(sum(l.amount_fen), 0)::bigint
FROM cis_bill b JOIN cis_bill_line l ON l.bill_id = b.id
WHERE b.run_id = %s AND l.bill_id BETWEEN %s AND %s GROUP BY 1, 2
"""

_LEFT_OUT = "SELECT code, count(*) FROM cis_bill_exception WHERE run_id = %s GROUP BY 1 ORDER BY 1"

# Each shard compares its stretches with the accepted advances before it bills them (`cis.queries.determinants`): who
# disagrees is left out. What the shards came to is added up here, and bills as stored must make the same.
_SUMS = ("bills", "total_fen", "energy_kwh_e2", "stretches", "metered_kwh_e2", "accepted_kwh_e2")


def closing_figures(*, run_id: int, shards: Sequence[dict[str, Any]], is_preview: bool) -> dict[str, Any]:
    """
    Per class: bills, fen billed, fen on lines, fen booked as receivable; per fund and subsidy: fen on lines and booked;
    kWh billed and kWh accepted; who was left out.

    `shards`: what each shard came to. `agrees` is true when every pair is equal, and the bills are what the shards
    said. A preview has no bills: its figures are the sums of its shards.
    """
    issued = {name: sum(shard[name] for shard in shards) for name in _SUMS}
    agrees = issued["metered_kwh_e2"] == issued["accepted_kwh_e2"]
    classes: list[dict[str, int]] = []
    funds: list[dict[str, int]] = []
    with connection.cursor() as cursor:
        cursor.execute(_LEFT_OUT, [run_id])
        left_out = dict(cursor.fetchall())
        if not is_preview:
            classes, funds = _classes(cursor, run_id)
    if not is_preview:
        stored = {name: sum(row[name] for row in classes) for name in ("bills", "total_fen", "energy_kwh_e2")}
        agrees &= stored.items() <= issued.items()
        agrees &= all(row["total_fen"] == row["lines_fen"] == row["receivable_fen"] for row in classes)
        agrees &= all(row["lines_fen"] == row["booked_fen"] for row in funds)
        issued |= stored
    return {"agrees": agrees, **issued, "left_out": left_out, "classes": classes, "funds": funds}


def _classes(cursor: Any, run_id: int) -> tuple[list[dict[str, int]], list[dict[str, int]]]:
    """What is stored of each class of a run's bills, and of each fund and subsidy on them."""
    cursor.execute(_BILLED, [run_id])
    billed = cursor.fetchall()
    if not billed:
        return [], []
    within = [run_id, min(row[4] for row in billed), max(row[5] for row in billed)]
    # The planner's statistics do not know bills of this minute: it takes them for one, would compare each with all
    # others, and sort them to add up three classes.
    cursor.execute("SET LOCAL enable_nestloop = off; SET LOCAL enable_sort = off")
    own = {int(code): -int(ControlAccount[code.name]) for code in CORRECTED_AS}
    on_line = {int(code): int(base) for base, more in CORRECTED_AS.items() for code in (base, more)}
    kinds = [int(TransferKind.BILL_ISSUED), int(TransferKind.BILL_CORRECTED)]
    cursor.execute(_RECEIVABLE, [list(own.values()), kinds, *within])
    receivable, booked = _sums(cursor.fetchall(), {account: code for code, account in own.items()})
    cursor.execute(_LINES, [list(on_line), *within])
    lines, billed_apart = _sums(cursor.fetchall(), on_line)
    cursor.execute("SET LOCAL enable_nestloop TO DEFAULT; SET LOCAL enable_sort TO DEFAULT")
    funds = [
        {"code": code, "lines_fen": billed_apart.get(code, 0), "booked_fen": booked.get(code, 0)}
        for code in own
        if code in billed_apart or code in booked
    ]
    classes = [
        {
            "price_class": price_class,
            "bills": count,
            "total_fen": total,
            "energy_kwh_e2": energy,
            "lines_fen": lines.get(price_class, 0),
            "receivable_fen": receivable.get(price_class, 0),
        }
        for price_class, count, total, energy, _first, _last in billed
    ]
    return classes, funds


def _sums(rows: Sequence[tuple[int, int, int]], fund_of: Mapping[int, int]) -> tuple[dict[int, int], dict[int, int]]:
    """(class, what it is of, fen) added up by class, and by fund where it is of one."""
    by_class: dict[int, int] = {}
    by_fund: dict[int, int] = {}
    for price_class, of, fen in rows:
        by_class[price_class] = by_class.get(price_class, 0) + fen
        if of in fund_of:
            by_fund[fund_of[of]] = by_fund.get(fund_of[of], 0) + fen
    return by_class, by_fund
