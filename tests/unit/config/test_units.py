"""Whole numbers at fixed scales."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.shared.units import ENERGY_SCALE, PRICE_SCALE, REGISTER_SCALE, scaled, unscaled

SCALES = st.sampled_from([PRICE_SCALE, REGISTER_SCALE, ENERGY_SCALE])


class TestScales:
    @given(st.integers(-(10**14), 10**14), SCALES)
    def test_there_and_back_loses_nothing(self, value: int, scale: int) -> None:
        assert scaled(str(unscaled(value, scale)), scale) == value

    @pytest.mark.parametrize(
        ("text", "scale"), [("0.123456789", PRICE_SCALE), ("1.00001", REGISTER_SCALE), ("NaN", 100)]
    )
    def test_what_does_not_fit_is_refused_and_never_rounded(self, text: str, scale: int) -> None:
        with pytest.raises(ValueError, match="does not fit"):
            scaled(text, scale)

    def test_a_price_keeps_eight_decimals(self) -> None:
        assert scaled("0.58860001", PRICE_SCALE) == 58_860_001
        assert unscaled(58_860_001, PRICE_SCALE) == Decimal("0.58860001")
