"""Money between fen and the yuan that people type."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.shared.money import MAX_FEN, NotMoney, fen_from_yuan, yuan_from_fen


class TestMoney:
    @given(st.integers(-MAX_FEN, MAX_FEN))
    def test_invariant_13_yuan_and_fen_are_inverse(self, fen: int) -> None:
        assert fen_from_yuan(yuan_from_fen(fen)) == fen

    @pytest.mark.parametrize(
        ("text", "fen"),
        [("186.40", 18640), (" 1,204 ", 120400), ("1，204.5", 120450), ("0.01", 1), ("-3.2", -320), (".5", 50)],
    )
    def test_reads_what_people_type(self, text: str, fen: int) -> None:
        assert fen_from_yuan(text) == fen

    @pytest.mark.parametrize("text", ["", "abc", "1.234", "0.001", "NaN", "Infinity", "1e", "1..2", "￥5", "五"])
    def test_refuses_what_is_no_amount(self, text: str) -> None:
        with pytest.raises(NotMoney):
            fen_from_yuan(text)

    @pytest.mark.parametrize(("fen", "text"), [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (-18640, "-186.40")])
    def test_writes_two_decimals(self, fen: int, text: str) -> None:
        assert yuan_from_fen(fen) == text
