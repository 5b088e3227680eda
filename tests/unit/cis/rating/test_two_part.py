"""Basic charge, power factor, free energy, losses and shares agree with the oracle, and lose nothing."""

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cis.rating import CHARGES, CannotPrice, ChargeCode, Refusal, Register, Usage, compile_rules, explain, rate
from cis.rating.capacity_days import CapacityEvent, stretches_of
from cis.rating.columns import WHOLE, shared_amounts_fen
from cis.rating.power_factors import TABLES, power_factor_e2, standard_e2
from cis.rating.rules.basic_charge import DemandMode
from cis.rating.rules.losses import add_losses, line_loss_e2, spread, table_loss_e2
from cis.rating.rules.splits import take_fixed, take_ratio, take_sub_meters
from cis.rating.switches import SWITCHES, read_switches
from tests.oracle import two_part as oracle

from .strategies import ENERGY_RULES, prices, registers_of
from .test_golden import ROOT

TABLE = json.loads((ROOT / "cis/data/tariffs.json").read_text(encoding="utf-8"))["power_factor_table"]["rows"]
MODES = ("exempt", "capacity", "contract", "actual")
FLAT = {"kind": "flat_energy", "price_yuan": "0.6"}
EXCESS = SWITCHES["demand_excess_rule"].values

kva = st.integers(1, 400_000).map(Decimal)
kw = st.integers(0, 2_000_000_000).map(lambda e4: Decimal(e4).scaleb(-4))


@st.composite
def basic_rules(draw: st.DrawFn) -> dict[str, Any]:
    """A `basic_charge` rule with both prices."""
    rule: dict[str, Any] = {
        "kind": "basic_charge",
        "capacity_price_yuan_per_kva_month": draw(prices),
        "demand_price_yuan_per_kw_month": draw(st.integers(0, 10_000).map(lambda e2: f"{Decimal(e2).scaleb(-2):f}")),
        "demand_excess_rule": draw(st.sampled_from(EXCESS)),
    }
    if draw(st.booleans()):
        rule["load_factor_discount"] = {"kwh_per_kva": 260, "price_pct": 90}
    return rule


@st.composite
def basics(draw: st.DrawFn) -> oracle.Basic:
    """How one account pays."""
    shares = st.sampled_from([Decimal(1), Decimal(10) / 30, Decimal(19) / 60, Decimal(29) / 30])
    return oracle.Basic(
        draw(st.sampled_from(MODES)),
        draw(st.lists(st.tuples(kva, shares, st.booleans()), min_size=1, max_size=3)),
        draw(kva),
        draw(st.integers(0, 400_000).map(Decimal)),
        draw(st.lists(kw, min_size=1, max_size=2)),
    )


def columns_of(found: list[oracle.Basic]) -> dict[str, Any]:
    """The determinants of the accounts, padded to the most stretches and feeders."""
    k = max(len(one.stretches) for one in found)
    f = max(len(one.demand_kw) for one in found)
    none = (Decimal(0), Decimal(0), False)
    padded = [[*one.stretches, *[none] * (k - len(one.stretches))] for one in found]
    return {
        "demand_mode": [DemandMode[one.mode.upper()] for one in found],
        "capacity_kva_e2": [[int(size * 100) for size, _, _ in row] for row in padded],
        "capacity_share": [[int((share * WHOLE).to_integral_value()) for _, share, _ in row] for row in padded],
        "capacity_is_half": [[int(half) for _, _, half in row] for row in padded],
        "floor_kva_e2": [int(one.floor_kva * 100) for one in found],
        "contract_kw_e4": [int(one.contract_kw * 10_000) for one in found],
        "demand_kw_e4": [
            [int(value * 10_000) for value in [*one.demand_kw, *[Decimal(0)] * (f - len(one.demand_kw))]]
            for one in found
        ],
    }


def lines_of(rules: list[dict[str, Any]], usage: Usage) -> list[list[oracle.Line]]:
    """The lines of each row in the oracle's units."""
    rated = rate(compile_rules(rules), usage)
    assert not rated.refused.any()
    found: list[list[oracle.Line]] = [[] for _ in range(len(usage))]
    lines = rated.lines
    for at in range(len(lines)):
        charge = CHARGES[ChargeCode(lines.code[at])]
        found[int(lines.row[at])].append(
            (
                charge.text,
                Decimal(int(lines.quantity[at])).scaleb(-charge.places),
                Decimal(int(lines.price_e8[at])).scaleb(-8),
                Decimal(int(lines.amount_fen[at])).scaleb(-2),
            )
        )
    return found


class TestBasicCharge:
    @settings(max_examples=150, deadline=None)
    @given(rule=basic_rules(), found=st.lists(basics(), min_size=1, max_size=5), data=st.data())
    def test_agrees_with_the_oracle(self, rule: dict[str, Any], found: list[oracle.Basic], data: st.DataObject) -> None:
        kwh = data.draw(st.lists(st.integers(0, 10**8), min_size=len(found), max_size=len(found)))
        usage = Usage.of(7, {Register.TOTAL: [one * 100 for one in kwh]}, more=columns_of(found))

        mine = lines_of([FLAT, rule], usage)

        for row, one in enumerate(found):
            wanted = [line for line in oracle.basic_lines(one, rule, Decimal(kwh[row])) if line[1]]
            assert sorted(line for line in mine[row] if line[0] != "ENERGY") == sorted(wanted)

    def test_explains_its_lines_as_it_rates_them(self) -> None:
        one = oracle.Basic(
            "contract", [(Decimal(3200), Decimal(1), False)], Decimal(3200), Decimal(1000), [Decimal(1500)]
        )
        usage = Usage.of(2, {Register.TOTAL: [100]}, more=columns_of([one]))
        rule = {"kind": "basic_charge", "demand_price_yuan_per_kw_month": "36.1"}

        base, over = explain(compile_rules([FLAT, rule]), usage, 0)[1:]

        assert (base.quantity, base.facts["lifted_from_kw_e4"], base.facts["threshold_kw_e4"]) == (
            12_800_000, 10_000_000, 13_440_000,
        )  # fmt: skip
        assert (over.quantity, over.price_e8) == (15_000_000 - 13_440_000, 72_20000000)

    @pytest.mark.parametrize(
        ("mode", "missing"),
        [
            ("capacity", "capacity_price_yuan_per_kva_month"),
            ("contract", "demand_price_yuan_per_kw_month"),
            ("actual", "demand_price_yuan_per_kw_month"),
            ("not_agreed", ""),
        ],
    )
    def test_a_way_without_a_price_is_refused_and_not_free(self, mode: str, missing: str) -> None:
        both = {"capacity_price_yuan_per_kva_month": "26.3", "demand_price_yuan_per_kw_month": "42"}
        one = oracle.Basic(mode, [(Decimal(315), Decimal(1), False)], Decimal(315), Decimal(200), [Decimal(100)])
        usage = Usage.of(2, {Register.TOTAL: [100]}, more=columns_of([one]))

        rated = rate(
            compile_rules([FLAT, {"kind": "basic_charge"} | both | ({missing: None} if missing else {})]), usage
        )

        assert rated.refused.tolist() == [Refusal.UNPRICED_MODE] and rated.total_fen.tolist() == [0]

    def test_without_determinants_nothing_is_priced(self) -> None:
        rule = {"kind": "basic_charge", "capacity_price_yuan_per_kva_month": "26.3"}

        with pytest.raises(CannotPrice, match="determinant_missing"):
            rate(compile_rules([FLAT, rule]), Usage.of(2, {Register.TOTAL: [100]}))

    @settings(max_examples=200, deadline=None)
    @given(
        quantity=st.integers(-(2**50), 2**50), price=st.integers(0, 10**12), share=st.integers(0, 60),
        places=st.sampled_from([2, 4]),
    )  # fmt: skip
    def test_amounts_are_exact_however_large(self, quantity: int, price: int, share: int, places: int) -> None:
        column = np.array([quantity], dtype=np.int64)

        found = int(shared_amounts_fen(column, price, np.array([share], dtype=np.int64), places)[0])

        exact = oracle.fen(Decimal(quantity).scaleb(-places) * Decimal(price).scaleb(-8) * share / 60)
        assert found == max(min(int(exact * 100), 2**63 - 1), -(2**63 - 1))


class TestPowerFactor:
    @pytest.mark.acceptance("F14")
    def test_every_step_of_the_published_table(self) -> None:
        rates = TABLES["1983-215"].rates_e8

        for row in TABLE:
            for standard, pct in row["pct"].items():
                at = int(Decimal(row["pf"]) * 100)
                assert int(rates[int(Decimal(standard) * 100)][at]) == int(Decimal(pct) * 10**6), (row["pf"], standard)
        assert len(TABLE) == 75

    @settings(max_examples=300, deadline=None)
    @given(active=st.integers(0, 10**12), reactive=st.integers(0, 10**12))
    def test_factor_agrees_with_a_root_of_sixty_digits(self, active: int, reactive: int) -> None:
        found = int(power_factor_e2(np.array([active], np.int64), np.array([reactive], np.int64))[0])

        exact = oracle.power_factor(Decimal(active), Decimal(reactive))
        assert found == (-1 if exact is None else int(exact * 100))

    @pytest.mark.parametrize("half", range(1, 200, 2))
    def test_a_half_is_rounded_up(self, half: int) -> None:
        """P and S of a right triangle near each half: (2n - 1) / 200 from either side."""
        scale = 10**9
        active = half * scale
        reactive = int((Decimal(200 * scale) ** 2 - Decimal(active) ** 2).sqrt().to_integral_value())
        for q in (reactive - 1, reactive, reactive + 1):
            found = int(power_factor_e2(np.array([active], np.int64), np.array([q], np.int64))[0])
            exact = oracle.power_factor(Decimal(active), Decimal(q))
            assert exact is not None and found == int(exact * 100)

    @settings(max_examples=100, deadline=None)
    @given(data=st.data())
    def test_adjusts_energy_and_basic_charge_but_no_fund(self, data: st.DataObject) -> None:
        energy_rule = data.draw(st.one_of(*ENERGY_RULES.values()))
        basic = data.draw(basics())
        standard, factor = data.draw(st.sampled_from([80, 85, 90])), data.draw(st.integers(0, 100))
        kwh = {Register[name.upper()]: [data.draw(st.integers(0, 10**6)) * 100] for name in registers_of([energy_rule])}
        rules = [
            energy_rule,
            data.draw(basic_rules()),
            {"kind": "power_factor", "table": "1983-215"},
            {"kind": "funds", "items": [{"charge": "FUND_RURAL", "price_yuan": "0.02"}]},
        ]
        more = columns_of([basic]) | {"pf_standard_e2": standard, "power_factor_e2": factor}

        [lines] = lines_of(rules, Usage.of(3, kwh, more=more))

        base = sum((line[3] for line in lines if line[0] not in ("PF_ADJ", "FUND_RURAL")), Decimal(0))
        pct = oracle.adjustment_pct(TABLE, f"0.{standard}", Decimal(factor).scaleb(-2))
        wanted = [oracle.fen(base * pct / 100)] if pct and base else []
        assert [line[3] for line in lines if line[0] == "PF_ADJ"] == wanted

    @pytest.mark.parametrize(
        ("supply", "capacity", "high", "standard"),
        [
            ("industry", 161, True, 90), ("industry", 160, True, 85), ("industry", 99, True, 0),
            ("industry", 200, False, 85), ("commercial", 630, True, 85), ("irrigation", 3200, True, 90),
            ("irrigation", 3199, True, 85), ("agriculture", 100, True, 80), ("wholesale", 99, True, 0),
            ("residential", 500, True, 0),
        ],
    )  # fmt: skip
    def test_who_falls_under_which(self, supply: Any, capacity: int, high: bool, standard: int) -> None:
        assert standard_e2(supply, capacity, is_high_voltage=high) == standard

    def test_an_unknown_standard_is_refused(self) -> None:
        usage = Usage.of(
            1, {Register.TOTAL: [100, 100]}, more={"pf_standard_e2": [95, 90], "power_factor_e2": [90, 90]}
        )

        rated = rate(compile_rules([FLAT, {"kind": "power_factor", "table": "1983-215"}]), usage)

        assert rated.refused.tolist() == [Refusal.UNKNOWN_STANDARD, Refusal.NONE]


class TestFreeEnergy:
    @settings(max_examples=100, deadline=None)
    @given(kwh=st.integers(0, 2000), months=st.integers(0, 2), month=st.integers(1, 12))
    def test_both_ways(self, kwh: int, months: int, month: int) -> None:
        tier = {"kind": "tier", "period": "month", "price_yuan": ["0.5", "0.6", "0.9"], "upper_kwh": ["20", "600"]}
        free = min(kwh, 15 * months)
        usage = Usage.of(month, {Register.TOTAL: [kwh * 100]}, more={"free_months": [months]})

        def total(*rules: dict[str, Any]) -> int:
            return int(rate(compile_rules(list(rules)), usage).total_fen[0])

        def tiers(energy: int) -> int:
            return int(rate(compile_rules([tier]), Usage.of(month, {Register.TOTAL: [energy * 100]})).total_fen[0])

        credit = {"kind": "free_energy", "kwh_per_month": "15", "method": "credit_at_tier1_price"}
        assert total(tier, credit) == tiers(kwh) - 50 * free
        assert total(tier, credit | {"method": "deduct_before_tiering"}) == tiers(kwh - free)


energies = st.lists(st.integers(0, 10**6).map(lambda kwh: kwh * 100), min_size=3, max_size=3)


class TestLosses:
    @settings(max_examples=200, deadline=None)
    @given(energy=energies, loss=st.integers(0, 10**6), whole=st.booleans(), proportional=st.booleans())
    def test_nothing_is_lost_of_a_loss(self, energy: list[int], loss: int, whole: bool, proportional: bool) -> None:
        rows = np.array([energy], dtype=np.int64)
        amount = np.array([loss * 100 if whole else loss], dtype=np.int64)

        billed = add_losses(rows, amount, 1, proportional=proportional)

        assert int(billed.sum()) == sum(energy) + int(amount[0]) and (billed >= rows).all()
        if whole:
            assert not (billed % 100).any()

    @settings(max_examples=150, deadline=None)
    @given(amount=st.integers(0, 2**45), weights=st.lists(st.integers(0, 2**45), min_size=2, max_size=5))
    def test_a_part_is_within_a_unit_of_its_share(self, amount: int, weights: list[int]) -> None:
        parts = spread(np.array([amount], np.int64), np.array([weights], np.int64), 0)[0].tolist()

        total = sum(weights)
        assert sum(parts) == amount
        if total:
            unit = 100 if amount % 100 == 0 else 1
            assert all(abs(part - Decimal(amount) * w / total) <= unit for part, w in zip(parts, weights, strict=True))

    def test_a_month_by_table_and_the_line_after_it(self) -> None:
        one = np.array([1], dtype=np.int64)

        assert table_loss_e2(one * 30_400, one * 20).tolist() == [20_300]
        assert line_loss_e2(one * 4_103_700, one * 30_000).tolist() == [123_100], "3 % of 40000 + 1037"


class TestShares:
    @settings(max_examples=200, deadline=None)
    @given(main=energies, sub=st.integers(0, 10**6), proportional=st.booleans())
    def test_what_is_taken_and_what_is_left_are_the_whole(self, main: list[int], sub: int, proportional: bool) -> None:
        rows, taken = np.array([main], np.int64), np.array([sub * 100], np.int64)

        for split in (
            take_fixed(rows, taken, 1, proportional=proportional),
            take_sub_meters(rows, taken[:, np.newaxis], 1, proportional=proportional),
        ):
            assert int(split.rest_e2.sum() + split.taken_e2.sum()) == sum(main)
            if proportional:
                assert bool(split.too_small[0]) == (sub * 100 > sum(main)) or not sum(main)

    def test_a_ratio_is_whole_kwh(self) -> None:
        split = take_ratio(np.array([[523_000]]), np.array([523_000]), np.array([150_000]), 0)

        assert split.taken_e2.tolist() == [78_500] and split.rest_e2.tolist() == [[444_500]], "784.5 rounds half-up"

    def test_more_than_the_main_meter_is_an_exception(self) -> None:
        assert take_fixed(np.array([[100_00]]), np.array([100_01]), 0).too_small.tolist() == [True]


@st.composite
def fleets(draw: st.DrawFn) -> tuple[list[Decimal], list[tuple[date, str, Decimal]], date, date]:
    """Transformers of different sizes and what happens to them in a month, in order."""
    sizes = [Decimal(size) for size in draw(st.lists(st.integers(1, 5000), min_size=1, max_size=3, unique=True))]
    start = date(2026, draw(st.integers(1, 12)), 1)
    end = (start + timedelta(days=32)).replace(day=1)
    days = (end - start).days
    events: list[tuple[date, str, Decimal]] = []
    for size in sizes:
        fate = draw(st.sampled_from(["none", "suspend", "suspend+resume", "remove"]))
        at = sorted(draw(st.lists(st.integers(0, days - 2), min_size=2, max_size=2, unique=True)))
        if fate.startswith("suspend"):
            events.append((start + timedelta(days=at[0]), "suspend", size))
        if fate.endswith("resume"):
            events.append((start + timedelta(days=at[1]), "resume", size))
        if fate == "remove":
            events.append((start + timedelta(days=at[0]), "remove", size))
    return sizes, sorted(events), start, end


class TestCapacityDays:
    @settings(max_examples=300, deadline=None)
    @given(fleet=fleets(), owner=st.sampled_from(["new", "old"]), least=st.sampled_from([0, 15]), half=st.booleans())
    def test_agrees_with_counting_day_by_day(self, fleet: Any, owner: str, least: int, half: bool) -> None:
        sizes, events, start, end = fleet
        switches = read_switches(
            {
                "change_day_belongs_to": owner,
                "min_suspension_days": least,
                "suspension_new_install_half_charge": half,
            }
        )

        found = stretches_of(
            [int(size * 100) for size in sizes],
            [CapacityEvent(on, kind, int(size * 100)) for on, kind, size in events],
            start=start, end=end, switches=switches,
        )  # fmt: skip

        wanted = oracle.charged_shares(sizes, events, start, end, owner=owner, least_days=least, half=half)
        mine = sum((Decimal(one.kva_e2).scaleb(-2) * one.share for one in found), Decimal(0))
        assert mine == sum((size * share * WHOLE for (size, _), share in wanted.items()), Decimal(0)).quantize(mine)

    def test_an_event_that_fits_nothing_is_refused(self) -> None:
        event = CapacityEvent(date(2026, 1, 5), "suspend", 63_000)

        with pytest.raises(CannotPrice, match="unknown_capacity"):
            stretches_of([100_000], [event], start=date(2026, 1, 1), end=date(2026, 2, 1), switches=read_switches({}))
