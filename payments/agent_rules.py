"""Pure: what an agent may sell and what it earns for a day; all amounts are whole fen."""

from __future__ import annotations

from typing import Literal

TEN_THOUSAND = 10_000
Standing = Literal["ok", "over-single-limit", "over-daily-limit", "over-deposit"]


def may_sell(
    *, amount_fen: int, sold_fen: int, balance_fen: int, single_limit_fen: int, daily_limit_fen: int
) -> Standing:
    """Whether a sale fits: its own limit, the day's with what was `sold_fen` before, and the deposit, in this order."""
    if amount_fen > single_limit_fen:
        return "over-single-limit"
    if sold_fen + amount_fen > daily_limit_fen:
        return "over-daily-limit"
    if amount_fen > balance_fen:
        return "over-deposit"
    return "ok"


def commission_fen(*, sold_fen: int, sales: int, bp: int, each_fen: int) -> int:
    """
    What a day earns: ten-thousandths of what was sold and kept, rounded half up once, and so much for every sale kept.

    :raises ValueError: something is below nothing
    """
    if min(sold_fen, sales, bp, each_fen) < 0:
        raise ValueError("a commission is reckoned on what was sold, never on less than nothing")
    return (sold_fen * bp * 2 + TEN_THOUSAND) // (2 * TEN_THOUSAND) + sales * each_fen
