"""
What waits to be asked or given back on an account's next bill: read for a shard, laid on its bills, booked with them.

Each correction keeps lines of its own; a credit larger than the bill is kept as prepayment, so that no bill is negative
and nothing is lost. One statement a shard where nobody has a correction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from cis.models.corrections import BillCorrection
from cis.models.ledger import TransferKind
from cis.operations import ledger
from cis.operations.ledger import Posting
from cis.queries.shard_rating import RatedShard
from cis.rating import CHARGES, CORRECTED_AS, ChargeCode
from cis.rating.columns import WHOLE
from config.shared.bulk_copy import read_columns

Int = NDArray[np.int64]

_WAITING = """
SELECT account_id, id, energy_fen, fund_fen, penalty_fen,
       CASE cause WHEN 'back-bill' THEN 1 WHEN 'market-settlement' THEN 2 ELSE 0 END::int2
FROM cis_bill_correction WHERE state = 'standing' AND account_id >= %s AND account_id < %s ORDER BY account_id, id
"""
# What of them is of a fund or subsidy; asked only where something waits.
_SHARES = """
SELECT correction_id, code, amount_fen FROM cis_correction_share WHERE correction_id = ANY(%s)
ORDER BY correction_id, code
"""
_TYPES = {
    "account": "int8",
    "correction": "int8",
    "energy_fen": "int8",
    "fund_fen": "int8",
    "penalty_fen": "int8",
    "kind": "int2",
}
# By the kind of what rides: what more and what less energy is called on the bill.
_ENERGY_LINES = (
    (ChargeCode.CORRECTION_MORE, ChargeCode.CORRECTION_LESS),
    (ChargeCode.BACK_BILLED, ChargeCode.CORRECTION_LESS),
    (ChargeCode.MARKET_SETTLED_MORE, ChargeCode.MARKET_SETTLED_LESS),
)
# 100 %: the quantity of such a line is an amount.
_ALL_E8 = 100_000_000


@dataclass(frozen=True)
class Riders:
    """The corrections of a shard's bills, one row each; `row` points into the accounts and ascends."""

    row: Int
    correction: Int
    energy_fen: Int
    fund_fen: Int
    penalty_fen: Int
    kind: NDArray[np.int16]
    """place in `_ENERGY_LINES`"""
    shares: Mapping[int, tuple[tuple[int, int], ...]]
    """correction to its (fund or subsidy, fen)"""
    kept_fen: Int
    """(accounts,) credit beyond the bill, which becomes prepayment"""
    of_row_fen: Int
    """(accounts,) what the bill's total changes by, the kept credit included"""

    def __len__(self) -> int:
        return len(self.row)

    def of_rows(self, rows: Sequence[int]) -> Riders:
        """Those of some accounts only."""
        its = np.isin(self.row, rows)
        is_kept = np.zeros(len(self.kept_fen), dtype=np.bool_)
        is_kept[rows] = True
        return replace(
            self,
            row=self.row[its],
            correction=self.correction[its],
            energy_fen=self.energy_fen[its],
            fund_fen=self.fund_fen[its],
            penalty_fen=self.penalty_fen[its],
            kind=self.kind[its],
            kept_fen=np.where(is_kept, self.kept_fen, 0),
            of_row_fen=np.where(is_kept, self.of_row_fen, 0),
        )

    def own_fen(self, at: int) -> int:
        """What of a correction's energy is the utility's income: without subsidies, which have their own account."""
        apart = (fen for code, fen in self.shares_of(at) if CHARGES[ChargeCode(code)].ledger == "energy")
        return int(self.energy_fen[at]) - sum(apart)

    def shares_of(self, at: int) -> tuple[tuple[int, int], ...]:
        """The funds and subsidies of a correction."""
        return self.shares.get(int(self.correction[at]), ())


def waiting(account: Int, shard: RatedShard, low: int, high: int) -> Riders:
    """What waits for the bills of these accounts (ascending ids within [low, high)), which the caller has locked."""
    with connection.cursor() as cursor:
        found = read_columns(cursor, _WAITING, [low, high], _TYPES)
    at = np.searchsorted(account, found["account"])
    row = np.minimum(at, max(len(account) - 1, 0)).astype(np.int64)
    is_billed = np.zeros(len(account), dtype=np.bool_)
    is_billed[shard.billed] = True
    ours = (at < len(account)) & (account[row] == found["account"]) & is_billed[row] if len(account) else at < 0
    row = row[ours]
    parts = {name: found[name][ours] for name in ("correction", "energy_fen", "fund_fen", "penalty_fen")}
    shares: dict[int, tuple[tuple[int, int], ...]] = {}
    if len(row):
        with connection.cursor() as cursor:
            cursor.execute(_SHARES, [parts["correction"].tolist()])
            for correction, code, fen in cursor.fetchall():
                shares[correction] = (*shares.get(correction, ()), (code, fen))
    moved = np.zeros(len(account), dtype=np.int64)
    np.add.at(moved, row, parts["energy_fen"] + parts["fund_fen"] + parts["penalty_fen"])
    has = np.zeros(len(account), dtype=np.bool_)
    has[row] = True
    kept = np.where(has, np.maximum(-(shard.total_fen + moved), 0), 0)
    return Riders(row=row, **parts, kind=found["kind"][ours], shares=shares, kept_fen=kept, of_row_fen=moved + kept)


def onto(shard: RatedShard, riders: Riders) -> RatedShard:
    """The shard with the riders' lines below its own and in its totals."""
    if not len(riders):
        return shard
    row, code, amount = _lines(riders)
    order = np.argsort(np.concatenate([shard.line_row, row]), kind="stable")

    def joined(own: NDArray[Any], more: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate([own, more.astype(own.dtype)])[order]

    return replace(
        shard,
        total_fen=shard.total_fen + riders.of_row_fen,
        line_row=joined(shard.line_row, row),
        line_code=joined(shard.line_code, code),
        line_quantity=joined(shard.line_quantity, np.abs(amount)),
        line_price_e8=joined(shard.line_price_e8, np.sign(amount) * _ALL_E8),
        line_amount_fen=joined(shard.line_amount_fen, amount),
        line_share=joined(shard.line_share, np.full(len(row), WHOLE)),
    )


def _lines(riders: Riders) -> tuple[Int, Int, Int]:
    """(row, charge, fen) of every line: correction by correction, then the credit that is kept."""
    lines: list[tuple[int, int, int]] = []
    parts = zip(riders.row.tolist(), riders.penalty_fen.tolist(), riders.kind.tolist(), strict=True)
    for at, (row, penalty, kind) in enumerate(parts):
        more, less = _ENERGY_LINES[kind]
        own = riders.own_fen(at)
        codes = (
            (more if own > 0 else less, own),
            *((CORRECTED_AS[ChargeCode(code)], fen) for code, fen in riders.shares_of(at)),
            (ChargeCode.BREACH_PENALTY, penalty),
        )
        lines += [(row, int(code), fen) for code, fen in codes if fen]
    kept = np.flatnonzero(riders.kept_fen)
    lines += [(row, int(ChargeCode.CREDIT_KEPT), int(riders.kept_fen[row])) for row in kept.tolist()]
    columns = np.array(lines, dtype=np.int64).reshape(-1, 3)
    return columns[:, 0], columns[:, 1], columns[:, 2]


def book(
    riders: Riders,
    *,
    bill_of_row: Int,
    account: Int,
    income_of_row: Int,
    at: datetime,
    business_date: date,
    run_id: int,
    actor_id: int | None,
) -> None:
    """Book what rides on the bills and note which bill took each correction; two statements."""
    if not len(riders):
        return
    penalties = ledger.control_id("PENALTY_INCOME")
    postings: list[Posting] = []
    legs: dict[int, int] = {}

    def move(row: int, owes: int, other: int, fen: int) -> None:
        """Positive: the customer owes it and `other` gets it; negative: the other way."""
        if not fen:
            return
        bill = int(bill_of_row[row])
        legs[bill] = legs.get(bill, 0) + 1
        debit, credit = (owes, other) if fen > 0 else (other, owes)
        postings.append(
            Posting(int(TransferKind.BILL_CORRECTED), bill, legs[bill], int(account[row]), debit, credit, abs(fen))
        )

    for at_row, row in enumerate(riders.row.tolist()):
        owes = ledger.receivable_id(int(account[row]))
        move(row, owes, int(income_of_row[row]), riders.own_fen(at_row))
        for code, fen in riders.shares_of(at_row):
            move(row, owes, ledger.control_id(ChargeCode(code).name), fen)
        move(row, owes, penalties, int(riders.penalty_fen[at_row]))
    for row in np.flatnonzero(riders.kept_fen).tolist():
        one = int(account[row])
        move(row, ledger.receivable_id(one), ledger.prepayment_id(one), int(riders.kept_fen[row]))
    ledger.post(postings, booked_at=at, business_date=business_date, actor_id=actor_id, run_id=run_id)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE cis_bill_correction c SET state = %s, taken_by_id = t.bill_id, taken_at = %s "
            "FROM unnest(%s::bigint[], %s::bigint[]) AS t(id, bill_id) WHERE c.id = t.id",
            [
                str(BillCorrection.State.TAKEN),
                at,
                riders.correction.tolist(),
                bill_of_row[riders.row].tolist(),
            ],
        )
