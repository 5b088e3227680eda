"""From register values to energy."""

from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cis.rating import PERIOD_REGISTERS, REGISTER_NAMES, Register, advance, energy_kwh_e2, flat_from_total


class TestAdvance:
    def test_rolls_over_at_the_number_of_digits(self) -> None:
        moved = advance([9_999_504_000, 99_9999_0000], [621_500, 1_0000], [6, 6], [True, True])

        assert moved.tolist() == [1_117_500, 2_0000]

    def test_negative_advance_without_roll_over_stays_negative(self) -> None:
        assert advance([1_500_0000], [1_480_0000], 6, False).tolist() == [-20_0000]

    def test_roll_over_does_not_touch_a_rising_register(self) -> None:
        assert advance([10_0000], [12_0000], 6, True).tolist() == [2_0000]

    @pytest.mark.parametrize("digits", [0, 13])
    def test_refuses_impossible_digits(self, digits: int) -> None:
        with pytest.raises(ValueError, match="digits"):
            advance([1], [2], digits, False)


class TestEnergy:
    @pytest.mark.parametrize(
        ("advance_e4", "multiplier", "kwh_e2"),
        [(4_999, 1, 0), (5_000, 1, 100), (15_000, 1, 200), (25_000, 1, 300), (-5_000, 1, -100), (-4_999, 1, 0)],
    )
    def test_half_a_kwh_goes_away_from_zero(self, advance_e4: int, multiplier: int, kwh_e2: int) -> None:
        assert energy_kwh_e2([advance_e4], multiplier).tolist() == [kwh_e2]

    def test_large_ratio_keeps_every_decimal_of_the_register(self) -> None:
        assert energy_kwh_e2([1], 110_000).tolist() == [11_00]

    def test_hundredths_where_the_tariff_says_so(self) -> None:
        assert energy_kwh_e2([12_349, 12_350, -12_350], 1, whole_kwh=False).tolist() == [123, 124, -124]

    def test_overflow_becomes_the_largest_int64(self) -> None:
        assert energy_kwh_e2([2**62, -(2**62), 10_000], [4, 4, 1]).tolist() == [2**63 - 1, 2**63 - 1, 100]

    def test_refuses_a_ratio_below_one(self) -> None:
        with pytest.raises(ValueError, match="multiplier"):
            energy_kwh_e2([1], 0)

    @given(st.integers(-(10**12), 10**12), st.integers(1, 500_000), st.booleans())
    def test_agrees_with_decimal(self, advance_e4: int, multiplier: int, whole: bool) -> None:
        exact = Decimal(advance_e4).scaleb(-4) * multiplier
        expected = exact.quantize(Decimal(1) if whole else Decimal("0.01"), ROUND_HALF_UP)

        assert energy_kwh_e2([advance_e4], multiplier, whole).tolist() == [int(expected * 100)]


class TestRegisters:
    def test_flat_is_what_the_total_leaves(self) -> None:
        flat = flat_from_total([1000, 10], [100, 0], [200, 20], [300, 0], [50, 0])

        assert flat.tolist() == [350, -10]
        assert flat.dtype == np.int64

    def test_codes_are_stable_and_named(self) -> None:
        assert [int(register) for register in PERIOD_REGISTERS] == [2, 3, 4, 5, 6]
        assert int(Register.TOTAL) == 1
        assert set(REGISTER_NAMES) == set(Register)
