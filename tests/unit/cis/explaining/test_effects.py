"""Why a bill is more than another: effects that add up to the difference, whatever the tariff."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cis.explaining import BillInputs, Difference, Effect, split
from cis.rating import CannotPrice, Register, Usage, compile_rules, rate
from tests.unit.cis.rating.strategies import tariffs, usages

TIERS: list[dict[str, Any]] = [
    {"kind": "tier", "period": "month", "price_yuan": ["0.50", "0.60", "0.90"], "upper_kwh": ["100", "200"]}
]
ANNUAL: list[dict[str, Any]] = [
    {"kind": "tier", "period": "year", "price_yuan": ["0.50", "0.60", "0.90"], "upper_kwh": ["1200", "2400"]}
]


def bill(
    rules: list[dict[str, Any]], kwh: int, *, days: int = 30, month: int = 7, more_fen: int = 0, **determinants: Any
) -> BillInputs:
    """A bill of one total register as the kernel rates it, with something else on it if `more_fen`."""
    tariff = compile_rules(rules)
    usage = Usage.of(month, {Register.TOTAL: [kwh * 100]}, **determinants)
    return BillInputs(tariff, usage, days, int(rate(tariff, usage).total_fen[0]) + more_fen)


class TestEffectsAddUp:
    @given(data=st.data())
    def test_whatever_the_tariffs_and_the_bills(self, data: st.DataObject) -> None:
        sides = []
        rules = data.draw(tariffs)
        for _side in range(2):
            rules = data.draw(st.one_of(st.just(rules), tariffs))
            usage = data.draw(usages(rules, rows=1))
            rated = rate(compile_rules(rules), usage)
            more = data.draw(st.integers(-10_000, 10_000))
            days = data.draw(st.integers(1, 70))
            sides.append((BillInputs(compile_rules(rules), usage, days, int(rated.total_fen[0]) + more), rated, more))
        (before, first, more_before), (now, last, more_now) = sides
        weather = data.draw(st.integers(-1_000_000, 1_000_000))

        if first.refused[0] or last.refused[0]:
            with pytest.raises(CannotPrice):
                split(before, now, weather_kwh_e2=weather)
            return
        found = split(before, now, weather_kwh_e2=weather)

        assert sum(found.effects.values()) == found.total_fen == now.total_fen - before.total_fen
        assert found.effects.get(Effect.OTHER, 0) == more_now - more_before

    @given(data=st.data())
    def test_what_did_not_change_has_no_effect(self, data: st.DataObject) -> None:
        rules = data.draw(tariffs)
        usage = data.draw(usages(rules, rows=1))
        tariff = compile_rules(rules)
        rated = rate(tariff, usage)
        if rated.refused[0]:
            return
        one = BillInputs(tariff, usage, 30, int(rated.total_fen[0]))

        assert split(one, one).effects == {}
        larger = replace(one, usage=replace(usage, people=usage.people + 1))
        larger = replace(larger, total_fen=int(rate(tariff, larger.usage).total_fen[0]))
        assert set(split(one, larger).effects) <= {Effect.HOUSEHOLD}


class TestAnEffect:
    def test_of_more_days_is_what_those_days_cost(self) -> None:
        found = split(bill(TIERS, 30, days=30), bill(TIERS, 33, days=33))

        assert found.effects == {Effect.DAYS: 150}

    def test_of_the_weather_is_what_the_weather_used(self) -> None:
        found = split(bill(TIERS, 50), bill(TIERS, 80), weather_kwh_e2=20_00)

        assert found.effects == {Effect.WEATHER: 1000, Effect.USAGE: 500}

    def test_of_the_tiers_is_what_energy_costs_beyond_the_first(self) -> None:
        # 80 kWh at 0.50; then 150 kWh, of which 50 at 0.60: 70 more at 0.50 and 50 x 0.10 beyond it.
        found = split(bill(TIERS, 80), bill(TIERS, 150))

        assert found.effects == {Effect.USAGE: 3500, Effect.TIERS: 500}

    def test_of_the_tiers_is_known_where_all_energy_is_beyond_the_first(self) -> None:
        first = bill(ANNUAL, 100, tier_kwh_e2_before=[1000_00])
        second = bill(ANNUAL, 100, tier_kwh_e2_before=[1200_00])
        third = bill(ANNUAL, 120, tier_kwh_e2_before=[2400_00])

        assert split(first, second).effects == {Effect.TIERS: 1000}
        # 20 more at 0.50, and 120 x 0.40 instead of 100 x 0.10 beyond it.
        assert split(second, third).effects == {Effect.USAGE: 1000, Effect.TIERS: 120 * 40 - 100 * 10}

    def test_of_a_price_is_the_same_bill_at_another_price(self) -> None:
        dearer = [TIERS[0] | {"price_yuan": ["0.55", "0.65", "0.95"]}]

        found = split(bill(TIERS, 120), bill(dearer, 120))

        assert found.effects == {Effect.PRICE: 600}

    def test_of_a_household_is_what_its_bounds_save(self) -> None:
        rules = [TIERS[0] | {"multi_person": {"min_people": 5, "extra_kwh_per_month": ["100", "100"]}}]

        assert split(bill(rules, 180), bill(rules, 180, people=5)).effects == {Effect.HOUSEHOLD: -800}

    def test_of_a_shift_into_the_valley_is_one_of_periods(self) -> None:
        rules = [{"kind": "time_of_use", "price_yuan": {"peak": "1.00", "valley": "0.30"}}]
        tariff = compile_rules(rules)

        def of(peak: int, valley: int) -> BillInputs:
            usage = Usage.of(7, {Register.TOTAL: [peak + valley], Register.PEAK: [peak], Register.VALLEY: [valley]})
            return BillInputs(tariff, usage, 30, int(rate(tariff, usage).total_fen[0]))

        assert split(of(100_00, 100_00), of(60_00, 140_00)).effects == {Effect.PERIODS: -2800}

    def test_that_the_old_tariff_cannot_rate_is_one_of_price(self) -> None:
        flat = bill([{"kind": "shared_meter", "price_yuan": "0.50"}], 100)
        tariff = compile_rules([{"kind": "time_of_use", "price_yuan": {"peak": "1.00", "valley": "0.30"}}])
        usage = Usage.of(7, {Register.PEAK: [50_00], Register.VALLEY: [70_00]})
        split_meter = BillInputs(tariff, usage, 30, int(rate(tariff, usage).total_fen[0]))

        there, back = split(flat, split_meter), split(split_meter, flat)

        assert there.effects == {Effect.USAGE: 1000, Effect.PRICE: 7100 - 6000}
        assert Effect.PERIODS in back.left_to_price
        assert sum(back.effects.values()) == 5000 - 7100

    def test_of_what_is_not_computed_from_the_bill_is_other(self) -> None:
        assert split(bill(TIERS, 50), bill(TIERS, 50, more_fen=-1234)).effects == {Effect.OTHER: -1234}


class TestTheOrder:
    def test_puts_the_largest_first(self) -> None:
        found = Difference(30, {Effect.DAYS: 10, Effect.USAGE: -80, Effect.PRICE: 100}, frozenset())

        assert [effect for effect, _fen in found.largest_first()] == [Effect.PRICE, Effect.USAGE, Effect.DAYS]


class TestInputs:
    def test_are_one_bill(self) -> None:
        tariff = compile_rules(TIERS)
        two = Usage.of(1, {Register.TOTAL: np.array([1, 2])})

        with pytest.raises(ValueError, match="one row"):
            BillInputs(tariff, two, 30, 0)
        with pytest.raises(ValueError, match="one day"):
            BillInputs(tariff, two.take([0]), (date(2026, 1, 1) - date(2026, 1, 1)).days, 0)
