"""Our bills of a cycle as a parallel run compares them: in columns, by account, lines added up by group."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from cis.parallel_run import GROUPS, Side
from cis.queries import determinants
from cis.queries.shard_rating import rate_shard
from cis.rating import CHARGES, RIDING, ChargeCode
from config.shared.bulk_copy import read_columns

__all__ = ["at_places", "billed_side", "empty_side", "joined", "rated_side"]

_ENERGY, _BASIC, _POWER_FACTOR, _FUND, _REST = range(len(GROUPS))
_OF_OTHERS = (*RIDING, ChargeCode.OPENING)


def _group_of() -> NDArray[np.int64]:
    group = np.full(max(int(code) for code in ChargeCode) + 1, _ENERGY, dtype=np.int64)
    for code, charge in CHARGES.items():
        if code in _OF_OTHERS or charge.ledger not in ("energy", "fund"):
            group[code] = _REST
        elif charge.ledger == "fund":
            group[code] = _FUND
        elif ChargeCode.CAPACITY <= code <= ChargeCode.DEMAND_OVER:
            group[code] = _BASIC
        elif code == ChargeCode.PF_ADJ:
            group[code] = _POWER_FACTOR
    return group


_GROUP_OF = _group_of()
_SECOND = (ChargeCode.ENERGY_T2, ChargeCode.TIER2_ADD)
_THIRD = (ChargeCode.ENERGY_T3, ChargeCode.TIER3_ADD)
_TIERED = (ChargeCode.ENERGY_T1, *_SECOND, *_THIRD)

# The newest bill that counts of each account; what a former system billed is its own and no comparison.
_BILLS = """
SELECT DISTINCT ON (b.account_id) b.account_id, b.id, b.period_start, b.period_end, b.energy_kwh_e2, b.total_fen
FROM cis_bill b JOIN shared_org_unit o ON o.id = b.org_unit_id
WHERE b.cycle = %(cycle)s AND b.account_id >= %(low)s AND b.account_id < %(high)s AND o.path LIKE %(path)s
  AND NOT EXISTS (SELECT 1 FROM cis_opening_bill p WHERE p.bill_id = b.id)
ORDER BY b.account_id, b.period_start DESC, b.revision DESC
"""
_BILL_TYPES = {"account": "int8", "bill": "int8", "start": "date", "end": "date", "energy": "int8", "total": "int8"}
_LINES = """
SELECT l.bill_id, l.code, l.quantity, l.amount_fen FROM cis_bill_line l
WHERE l.bill_id = ANY ((SELECT %(bills)s::bigint[])::bigint[])
"""
_LINE_TYPES = {"bill": "int8", "code": "int2", "quantity": "int8", "amount": "int8"}


def billed_side(*, cycle: int, low: int, high: int, org_path: str) -> tuple[NDArray[np.int64], Side]:
    """(account ids ascending, their bills) of the accounts in [low, high) below an organisation path."""
    parameters: dict[str, Any] = {"cycle": cycle, "low": low, "high": high, "path": org_path.replace("%", "") + "%"}
    with connection.cursor() as cursor:
        bills = read_columns(cursor, _BILLS, parameters, _BILL_TYPES)
        if not len(bills["account"]):
            return bills["account"], empty_side(0)
        lines = read_columns(cursor, _LINES, {"bills": bills["bill"].tolist()}, _LINE_TYPES)
    order = np.argsort(bills["bill"])
    row = order[np.searchsorted(bills["bill"][order], lines["bill"])]
    columns = {name: bills[name].astype(np.int64) for name in ("start", "end", "energy", "total")}
    return bills["account"], _side(columns, row, lines["code"], lines["quantity"], lines["amount"])


def rated_side(*, cycle: int, low: int, high: int, org_path: str) -> tuple[NDArray[np.int64], Side]:
    """What accounts that are due and not billed would be billed now; nothing is written."""
    found = determinants.of_accounts(cycle=cycle, low=low, high=high, org_path=org_path)
    shard = rate_shard(found, bill_month=cycle % 100)
    billed, accounts = shard.billed, found.accounts
    place = np.full(len(accounts), -1, dtype=np.int64)
    place[billed] = np.arange(len(billed))
    kept = place[shard.line_row] >= 0
    columns = {
        "start": accounts.start[billed].astype(np.int64),
        "end": accounts.end[billed].astype(np.int64),
        "energy": shard.energy_kwh_e2[billed],
        "total": shard.total_fen[billed],
    }
    side = _side(
        columns,
        place[shard.line_row][kept],
        shard.line_code[kept],
        shard.line_quantity[kept],
        shard.line_amount_fen[kept],
    )
    return accounts.account[billed], side


def _side(
    bills: dict[str, NDArray[np.int64]],
    row: NDArray[np.int64],
    code: NDArray[np.int16],
    quantity: NDArray[np.int64],
    amount: NDArray[np.int64],
) -> Side:
    rows = len(bills["total"])
    group_fen, lines = np.zeros((rows, len(GROUPS)), np.int64), np.zeros((rows, len(GROUPS)), np.int64)
    np.add.at(group_fen, (row, _GROUP_OF[code]), amount)
    np.add.at(lines, (row, _GROUP_OF[code]), 1)
    tiers = np.zeros((rows, 2), np.int64)
    for at, codes in enumerate((_SECOND, _THIRD)):
        among = np.isin(code, codes)
        np.add.at(tiers[:, at], row[among], quantity[among])
    is_tiered = np.zeros(rows, np.bool_)
    is_tiered[row[np.isin(code, _TIERED)]] = True
    return Side(
        np.ones(rows, np.bool_),
        bills["start"],
        bills["end"],
        bills["energy"],
        bills["total"],
        group_fen,
        tiers,
        is_tiered,
        lines,
    )


def empty_side(rows: int) -> Side:
    """So many places with no bill."""
    wide = np.zeros((rows, len(GROUPS)), np.int64)
    none = np.zeros(rows, np.bool_)
    zero = np.zeros(rows, np.int64)
    return Side(none, zero, zero, zero, zero, wide, np.zeros((rows, 2), np.int64), none, wide)


def joined(sides: list[tuple[NDArray[np.int64], Side]]) -> tuple[NDArray[np.int64], Side]:
    """Several sides of different accounts as one, ascending by account."""
    account = np.concatenate([ids for ids, _side in sides])
    order = np.argsort(account, kind="stable")
    columns = [np.concatenate([getattr(side, name) for _ids, side in sides])[order] for name in Side.__annotations__]
    return account[order], Side(*columns)


def at_places(side: Side, place: NDArray[np.int64], rows: int) -> Side:
    """A side spread over `rows` places, its own row by row at `place`; the others have no bill."""
    whole = empty_side(rows)
    columns = []
    for name in Side.__annotations__:
        column = getattr(whole, name).copy()
        column[place] = getattr(side, name)
        columns.append(column)
    return Side(*columns)
