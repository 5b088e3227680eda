"""A period with several prices: every kWh is charged once, at the price of its time."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cis.rating import ChargeCode, Register, Usage, compile_rules, rate
from cis.rating.columns import Lines
from cis.rating.stretches import CutLines, cut_lines

TIERS: dict[str, object] = {
    "kind": "tier",
    "period": "month",
    "upper_kwh": ["100", "150"],
    "price_yuan": ["0.5", "0.6", "0.9"],
}
FUNDS: dict[str, object] = {"kind": "funds", "items": [{"charge": "FUND_RURAL", "price_yuan": "0.02"}]}


def cut(rules: list[list[dict[str, object]]], energy: list[list[int]], days: list[int] | None = None) -> CutLines:
    """Energy in kWh, (stretches, rows), of a total register; all of it rated at each price."""
    pieces = np.array(energy, dtype=np.int64)[:, :, np.newaxis] * 100
    whole = Usage.of(1, {Register.TOTAL: pieces[:, :, 0].sum(axis=0)})
    priced = [rate(compile_rules(one), whole).lines for one in rules]
    long = np.array([[one] * pieces.shape[1] for one in days or [1] * len(rules)], dtype=np.int64)
    return cut_lines(priced, pieces, (Register.TOTAL,), long)


def flat(price: str) -> list[dict[str, object]]:
    return [{"kind": "flat_energy", "price_yuan": price}, FUNDS]


def amounts(lines: Lines) -> list[tuple[int, int, int]]:
    return list(zip(lines.row.tolist(), lines.quantity.tolist(), lines.amount_fen.tolist(), strict=True))


class TestCutLines:
    @settings(max_examples=200, deadline=None)
    @given(
        energy=st.lists(st.lists(st.integers(0, 10**7), min_size=3, max_size=3), min_size=2, max_size=4),
        prices=st.lists(st.integers(1, 200_000_000), min_size=4, max_size=4),
    )
    def test_every_kwh_stands_once_at_a_price_of_its_stretch(self, energy: list[list[int]], prices: list[int]):
        rules = [flat(f"{price / 10**8:.8f}") for price in prices[: len(energy)]]

        found = cut(rules, energy)

        assert found.is_alike.all()
        lines = found.lines
        for row in range(3):
            for stretch, kwh in enumerate(energy):
                mine = (lines.row == row) & (found.stretch == stretch) & (lines.code == int(ChargeCode.ENERGY))
                assert lines.quantity[mine].sum() == kwh[row] * 100
        assert (np.diff(lines.row) >= 0).all()

    @settings(max_examples=200, deadline=None)
    @given(
        first=st.integers(0, 10**6),
        second=st.integers(0, 10**6),
        dearer=st.lists(st.integers(1, 99), min_size=3, max_size=3),
    )
    def test_each_tier_is_cut_in_the_shares_of_use_and_none_is_lost(self, first: int, second: int, dearer: list[int]):
        other = TIERS | {"price_yuan": [f"0.{one:02d}" for one in sorted(dearer)]}

        found = cut([[TIERS], [other]], [[first], [second]])

        whole = first + second
        bounds = (100, 50, 10**9)
        left, tiers = whole, []
        for bound in bounds:
            tiers.append(min(left, bound))
            left -= tiers[-1]
        lines = found.lines
        for code, tier in zip(sorted(set(lines.code.tolist())), (one for one in tiers if one), strict=True):
            of_tier = lines.code == code
            assert lines.quantity[of_tier].sum() == tier * 100
            before = lines.quantity[of_tier & (found.stretch == 0)].sum() // 100
            assert abs(Fraction(tier * first, whole) - int(before)) <= Fraction(1, 2)

    def test_one_price_that_stays_is_no_change_of_what_is_paid(self):
        found = cut([flat("0.5"), flat("0.5")], [[100], [210]])

        assert amounts(found.lines) == [(0, 10_000, 5_000), (0, 10_000, 200), (0, 21_000, 10_500), (0, 21_000, 420)]

    def test_rows_whose_lines_differ_have_none_and_are_named(self):
        wider = TIERS | {"upper_kwh": ["200", "400"]}

        found = cut([[TIERS], [wider]], [[10, 90], [20, 90]])

        assert found.is_alike.tolist() == [True, False]
        assert set(found.lines.row.tolist()) == {0}

    def test_nothing_used_is_no_line(self):
        assert not len(cut([flat("0.5"), flat("0.6")], [[0], [0]]).lines)
