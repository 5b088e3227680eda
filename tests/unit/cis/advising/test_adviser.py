"""The adviser against trying everything: every kW, every option, every set of transformers, with the slow oracle."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cis.advising import (
    Month,
    SuspensionLimits,
    best_contract,
    best_suspension,
    compensation_steps,
    costs_fen,
    in_way,
    rank,
    shifted,
    with_more_energy,
)
from cis.advising.operating import CostPart, add_by_part, load_factor_e4, per_kwh_e8, why_dearer
from cis.rating import CannotPrice, ChargeCode, Register, Usage, compile_rules
from cis.rating.power_factors import power_factor_e2
from cis.rating.rules.basic_charge import DemandMode
from cis.rating.switches import SWITCHES
from tests.oracle import two_part as oracle
from tests.unit.cis.rating.test_golden import ROOT

TABLE = json.loads((ROOT / "cis/data/tariffs.json").read_text(encoding="utf-8"))["power_factor_table"]["rows"]
EXCESS = SWITCHES["demand_excess_rule"].values
PRICE = Decimal("0.6")


def rules(
    excess: str = "C_plus_double_over_105", kw_price: str = "42", kva_price: str = "26.3"
) -> list[dict[str, Any]]:
    return [
        {"kind": "flat_energy", "price_yuan": str(PRICE)},
        {
            "kind": "basic_charge",
            "capacity_price_yuan_per_kva_month": kva_price,
            "demand_price_yuan_per_kw_month": kw_price,
            "demand_excess_rule": excess,
        },
        {"kind": "power_factor", "table": "1983-215"},
    ]


def month(
    spec: list[dict[str, Any]], *, cycle: int = 202601, kva: int, demand_e4: tuple[int, ...], kwh: int, factor: int,
    standard: int, mode: DemandMode = DemandMode.CONTRACT, contract_kw: int = 0,
) -> Month:  # fmt: skip
    more: dict[str, Any] = {
        "demand_mode": int(mode), "capacity_kva_e2": np.array([[kva * 100]]), "capacity_share": np.array([[60]]),
        "capacity_is_half": np.array([[0]]), "floor_kva_e2": kva * 100, "contract_kw_e4": contract_kw * 10_000,
        "demand_kw_e4": np.array([demand_e4]), "pf_standard_e2": standard, "power_factor_e2": factor,
    }  # fmt: skip
    return Month(cycle, compile_rules(spec), Usage.of(cycle % 100, {Register.TOTAL: [kwh * 100]}, more=more))


def by_the_oracle(one: Month, spec: list[dict[str, Any]], mode: str, contract_kw: int) -> int:
    """What a month comes to in fen, by the slow way."""
    more = one.usage.more
    kwh = Decimal(int(one.usage.energy_kwh_e2[0, 0])) / 100
    kva = Decimal(int(more["floor_kva_e2"][0])) / 100
    basic = oracle.Basic(
        mode, [(kva, Decimal(1), False)], kva, Decimal(contract_kw),
        [Decimal(int(value)).scaleb(-4) for value in more["demand_kw_e4"][0]],
    )  # fmt: skip
    base = oracle.fen(kwh * PRICE) + sum((line[3] for line in oracle.basic_lines(basic, spec[1], kwh)), Decimal(0))
    total, standard = base, int(more["pf_standard_e2"][0])
    if standard:
        factor = Decimal(int(more["power_factor_e2"][0])) / 100
        total += oracle.fen(base * oracle.adjustment_pct(TABLE, f"0.{standard}", factor) / 100)
    return int(total * 100)


@st.composite
def years(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[Month]]:
    """Some months of one account, small enough that every kW can be tried by the slow way."""
    spec = rules(
        str(draw(st.sampled_from(EXCESS))),
        f"{Decimal(draw(st.integers(0, 5000))).scaleb(-2):f}",
        f"{Decimal(draw(st.integers(1, 5000))).scaleb(-2):f}",
    )
    standard = draw(st.sampled_from([0, 80, 85, 90]))
    kva = draw(st.integers(5, 90))
    months = [
        month(
            spec, cycle=202601 + number, kva=max(kva - draw(st.integers(0, 4)), 1),
            demand_e4=tuple(draw(st.lists(st.integers(0, 600_000), min_size=1, max_size=2))),
            kwh=draw(st.integers(0, 30_000)), factor=draw(st.integers(26, 100)), standard=standard,
        )
        for number in range(draw(st.integers(1, 4)))
    ]  # fmt: skip
    return spec, months


class TestTheContractValue:
    @pytest.mark.acceptance("F13")
    @settings(max_examples=120, deadline=None)
    @given(found=years())
    def test_is_that_of_trying_every_kw_by_the_slow_way(self, found: tuple[list[dict[str, Any]], list[Month]]) -> None:
        spec, months = found

        best = best_contract(months)

        every = {kw: sum(by_the_oracle(one, spec, "contract", kw) for one in months) for kw in range(1, 160)}
        assert best.total_fen == min(every.values()) == every[best.kw]
        assert best.kw == min(kw for kw, fen in every.items() if fen == best.total_fen)

    def test_of_a_works_is_that_of_trying_every_kw_and_tries_few(self) -> None:
        demands = (8_000_013, 7_500_000, 6_200_000, 9_100_000, 9_099_999, 8_720_000)
        spec = rules()
        months = [
            month(spec, cycle=202601 + n, kva=2000, demand_e4=(one,), kwh=300_000, factor=88, standard=90)
            for n, one in enumerate(demands)
        ]

        best = best_contract(months, lowest_kw=800, highest_kw=2000)

        every = {kw: sum(by_the_oracle(one, spec, "contract", kw) for one in months) for kw in range(800, 2001)}
        assert (best.kw, best.total_fen) == min(every.items(), key=lambda pair: (pair[1], pair[0]))
        assert best.tried < 40

    def test_of_a_tariff_without_basic_charge_is_refused(self) -> None:
        one = month(rules(), kva=100, demand_e4=(0,), kwh=1, factor=90, standard=0)
        single = Month(202601, compile_rules(rules()[:1]), one.usage)

        with pytest.raises(CannotPrice, match="cycle 202601"):
            best_contract([single])


class TestTheRanking:
    @pytest.mark.acceptance("F95")
    @settings(max_examples=60, deadline=None)
    @given(found=years())
    def test_is_that_of_the_slow_way_over_all_options(self, found: tuple[list[dict[str, Any]], list[Month]]) -> None:
        spec, months = found
        ways = {
            mode: [
                in_way(one, mode, capacity_kva_e2=0, demand_kw_e4=one.usage.more["demand_kw_e4"][0].tolist())
                for one in months
            ]
            for mode in (DemandMode.CAPACITY, DemandMode.CONTRACT, DemandMode.ACTUAL)
        }
        kw = best_contract([one for one in ways[DemandMode.CONTRACT] if one]).kw
        options = {
            mode.name.lower(): [one.given(contract_kw_e4=kw * 10_000) for one in of_mode if one]
            for mode, of_mode in ways.items()
        }

        ranking = rank(options)

        slow = {
            "capacity": sum(by_the_oracle(one, spec, "capacity", 0) for one in months),
            "contract": min(sum(by_the_oracle(one, spec, "contract", v) for one in months) for v in range(1, 160)),
            "actual": sum(by_the_oracle(one, spec, "actual", 0) for one in months),
        }
        assert {one.key: one.total_fen for one in ranking.ranked} == slow
        assert [one.total_fen for one in ranking.ranked] == sorted(slow.values())

    def test_does_not_guess_what_cannot_be_priced(self) -> None:
        priced = month(rules(), kva=100, demand_e4=(0,), kwh=1, factor=90, standard=0)
        unpriced = month(rules(), kva=100, demand_e4=(0,), kwh=1, factor=90, standard=0, mode=DemandMode.NOT_AGREED)

        ranking = rank({"now": [priced], "other": [unpriced]})

        assert [one.key for one in ranking.ranked] == ["now"]
        assert ranking.unpriced == {"other": (202601,)}

    def test_compares_the_same_months_only(self) -> None:
        one = month(rules(), kva=100, demand_e4=(0,), kwh=1, factor=90, standard=0)

        with pytest.raises(ValueError, match="different periods"):
            rank({"now": [one], "other": [one, replace(one, cycle=202602)]})

    def test_needs_a_demand_for_what_is_paid_by_demand(self) -> None:
        one = month(rules(), kva=100, demand_e4=(0,), kwh=1, factor=90, standard=0)

        assert in_way(one, DemandMode.ACTUAL, capacity_kva_e2=0, demand_kw_e4=None) is None
        assert in_way(one, DemandMode.CAPACITY, capacity_kva_e2=0, demand_kw_e4=None) is not None


class TestCompensation:
    @settings(max_examples=100, deadline=None)
    @given(
        active=st.integers(1, 10**8), reactive=st.integers(0, 2 * 10**8), demand=st.integers(1, 10**7),
        standard=st.sampled_from([80, 85, 90]),
    )  # fmt: skip
    def test_reaches_its_power_factor_and_saves_what_the_engine_says(
        self, active: int, reactive: int, demand: int, standard: int
    ) -> None:
        factor = int(power_factor_e2(np.array([active * 100]), np.array([reactive * 100]))[0])
        spec = rules()
        one = month(
            spec, kva=500, demand_e4=(demand,), kwh=active, factor=factor, standard=standard, mode=DemandMode.CAPACITY
        ).given(pf_active_kwh_e2=active * 100, pf_reactive_kvarh_e2=reactive * 100)

        steps = compensation_steps([one], power_kw_e4=[demand], fen_per_kvar=12_000)

        [now] = costs_fen([one])
        for step in steps:
            # At the power P with the month's own angle, so much compensation is enough, and one kvar less is not.
            load = Decimal(demand).scaleb(-4)
            drawn = load * reactive / active
            enough = oracle.power_factor(load, max(drawn - step.kvar, Decimal(0)))
            assert enough is not None and int(enough * 100) >= step.power_factor_e2 > factor
            if step.kvar:
                less = oracle.power_factor(load, drawn - step.kvar + 1)
                assert less is not None and int(less * 100) < step.power_factor_e2
            assert now is not None
            assert step.saves_fen == now - by_the_oracle(
                one.given(power_factor_e2=step.power_factor_e2), spec, "capacity", 0
            )
            assert (
                (step.pays_back_months - 1) * step.saves_fen < step.cost_fen <= step.pays_back_months * step.saves_fen
            )
        if factor < standard:
            assert steps, "a penalty can always be compensated away"
            assert [step.saves_fen for step in steps] == sorted({step.saves_fen for step in steps})


class TestIdleCapacity:
    @settings(max_examples=60, deadline=None)
    @given(
        sizes=st.lists(st.sampled_from([100, 250, 400, 630]), min_size=2, max_size=3),
        needed=st.lists(st.integers(0, 1500), min_size=2, max_size=6),
        times=st.integers(1, 2), at_most=st.integers(1, 4),
    )  # fmt: skip
    def test_is_that_of_trying_everything(self, sizes: list[int], needed: list[int], times: int, at_most: int) -> None:
        whole = sum(sizes)
        months = [
            month(rules(), cycle=202601 + n, kva=whole, demand_e4=(0,), kwh=1000 * n, factor=85, standard=90,
                  mode=DemandMode.CAPACITY)
            for n in range(len(needed))
        ]  # fmt: skip

        best = best_suspension(
            months, transformers_kva_e2=[size * 100 for size in sizes],
            needed_kva_e2=[one * 100 for one in needed], limits=SuspensionLimits(times, at_most),
        )  # fmt: skip

        wanted = 0
        for count in range(1, len(sizes)):
            for sealed in combinations(sizes, count):
                kept = whole - sum(sealed)
                for number in range(1, at_most + 1):
                    for places in combinations(range(len(months)), number):
                        stretches = sum(place - 1 not in places for place in places)
                        if stretches > times or any(needed[place] > kept for place in places):
                            continue
                        saved = sum(
                            by_the_oracle(months[place], rules(), "capacity", 0)
                            - by_the_oracle(months[place].given(floor_kva_e2=kept * 100), rules(), "capacity", 0)
                            for place in places
                        )
                        wanted = max(wanted, saved)
        assert (best.saves_fen if best else 0) == wanted


class TestOtherHours:
    TOU = compile_rules(
        [
            {
                "kind": "tier_time_of_use", "period": "year", "upper_kwh": ["100", "200"],
                "tier_add_yuan": ["0", "0.05", "0.3"], "price_yuan": {"peak": "0.6", "valley": "0.3"},
            }
        ]
    )  # fmt: skip

    def home(self, cycle: int, peak: int, valley: int, before: int) -> Month:
        energy = {Register.TOTAL: [peak + valley], Register.PEAK: [peak], Register.VALLEY: [valley]}
        return Month(cycle, self.TOU, Usage.of(cycle % 100, energy, tier_kwh_e2_before=before))

    def test_of_energy_move_whole_kwh_and_keep_the_total(self) -> None:
        moved = shifted(self.home(202601, 8_950, 1_000, 0), 10)

        assert moved is not None
        assert moved.usage.energy_kwh_e2[0].tolist() == [9_950, 8_150, 1_800]

    def test_are_not_known_of_one_register(self) -> None:
        one = Month(202601, self.TOU, Usage.of(1, {Register.TOTAL: [100]}))

        assert shifted(one, 10) is None
        assert with_more_energy([one], {Register.VALLEY: 100}) is None

    def test_of_more_energy_fill_the_tiers_of_their_year(self) -> None:
        year = [
            self.home(202511, 4_000, 4_000, 80_000), self.home(202512, 4_000, 4_000, 88_000),
            self.home(202601, 4_000, 4_000, 0), self.home(202602, 4_000, 4_000, 8_000),
        ]  # fmt: skip

        more = with_more_energy(year, {Register.VALLEY: 2_000})

        assert more is not None
        assert [int(one.usage.tier_kwh_e2_before[0]) for one in more] == [80_000, 90_000, 0, 10_000]
        # 100 kWh of January: all in tier 1; 100 kWh of February: tier 2 to the last.
        assert costs_fen(more)[2:] == [40 * 60 + 60 * 30, 40 * 60 + 60 * 30 + 100 * 5]
        assert with_more_energy(year, {Register.VALLEY: -4_001}) is None


class TestTheCostOfAKwh:
    @given(
        lines=st.lists(st.tuples(st.sampled_from([int(code) for code in ChargeCode]), st.integers(-(10**9), 10**9))),
        kwh=st.integers(1, 10**10),
    )
    def test_is_that_of_its_parts(self, lines: list[tuple[int, int]], kwh: int) -> None:
        parts = add_by_part(lines)

        assert sum(parts.values()) == sum(fen for _code, fen in lines)
        whole = per_kwh_e8(sum(parts.values()), kwh)
        assert whole is not None
        assert abs(whole - Decimal(sum(parts.values())) * 10**8 / kwh) <= Decimal("0.5")
        dearer = dict(why_dearer(parts, kwh, {}, 1))
        assert abs(sum(dearer.values()) - whole) <= len(CostPart)

    def test_is_of_no_energy_none(self) -> None:
        assert per_kwh_e8(100, 0) is None
        assert load_factor_e4(100, 0, 720) is None

    def test_of_a_load_that_never_changes_has_a_load_factor_of_one(self) -> None:
        assert load_factor_e4(720 * 50_000, 5_000_000, 720) == 10_000
        assert load_factor_e4(360 * 50_000, 5_000_000, 720) == 5_000
