"""What an agent may sell and what it earns."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.agent_rules import commission_fen, may_sell

FEN = st.integers(0, 10**11)


@given(FEN, st.integers(0, 10**6), st.integers(0, 1_000), st.integers(0, 10_000))
def test_a_commission_is_rounded_half_up_once(sold_fen: int, sales: int, bp: int, each_fen: int) -> None:
    exact = Decimal(sold_fen) * bp / 10_000

    assert commission_fen(sold_fen=sold_fen, sales=sales, bp=bp, each_fen=each_fen) == (
        int(exact.quantize(Decimal(1), ROUND_HALF_UP)) + sales * each_fen
    )


def test_a_commission_on_less_than_nothing_is_a_fault() -> None:
    with pytest.raises(ValueError, match="less than nothing"):
        commission_fen(sold_fen=-1, sales=0, bp=1, each_fen=0)


@given(FEN, FEN, FEN, FEN, FEN)
def test_what_may_be_sold_never_leaves_less_than_nothing(
    amount: int, sold: int, balance: int, single: int, daily: int
) -> None:
    stands = may_sell(
        amount_fen=amount, sold_fen=sold, balance_fen=balance, single_limit_fen=single, daily_limit_fen=daily
    )

    assert (stands == "ok") == (amount <= single and sold + amount <= daily and amount <= balance)
