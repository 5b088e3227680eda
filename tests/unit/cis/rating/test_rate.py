"""Properties of rating: agreement with the oracle, nothing lost, nothing twice, no row feels another."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cis.rating import (
    CHARGES,
    CannotPrice,
    ChargeCode,
    Rated,
    Refusal,
    Register,
    Usage,
    amounts_fen,
    compile_rules,
    engine,
    explain,
    rate,
)
from tests.oracle.rating import Line, bill_lines

from .strategies import ENERGY_RULES, bill_of, funds_rules, rated_cases, tier_rules, tier_time_of_use_rules, usages

TIER = {"kind": "tier", "period": "month", "price_yuan": ["0.589", "0.639", "0.889"], "upper_kwh": ["260", "600"]}
PEAK_VALLEY = {"kind": "time_of_use", "price_yuan": {"peak": "0.9", "valley": "0.3"}}


def lines_of(rated: Rated, rows: int) -> list[list[Line]]:
    """The lines of each row in the oracle's units."""
    found: list[list[Line]] = [[] for _ in range(rows)]
    lines = rated.lines
    for i in range(len(lines)):
        found[int(lines.row[i])].append(
            (
                CHARGES[ChargeCode(lines.code[i])].text,
                Decimal(int(lines.quantity[i])).scaleb(-2),
                Decimal(int(lines.price_e8[i])).scaleb(-8),
                Decimal(int(lines.amount_fen[i])).scaleb(-2),
            )
        )
    return found


def assert_agrees(rules: list[dict[str, Any]], usage: Usage) -> None:
    """Kernel and oracle give the same lines in the same order, and totals are their sums."""
    rated = rate(compile_rules(rules), usage)

    assert not rated.refused.any()
    for row, lines in enumerate(lines_of(rated, len(usage))):
        assert lines == bill_lines(rules, bill_of(usage, row))
        assert Decimal(int(rated.total_fen[row])).scaleb(-2) == sum((line[3] for line in lines), Decimal(0))


class TestOracle:
    @pytest.mark.parametrize("kind", ENERGY_RULES)
    @settings(max_examples=120, deadline=None)
    @given(data=st.data())
    def test_agrees_for_every_rule(self, kind: str, data: st.DataObject) -> None:
        rules = [data.draw(ENERGY_RULES[kind])]
        assert_agrees(rules, data.draw(usages(rules)))

    @settings(max_examples=80, deadline=None)
    @given(data=st.data())
    def test_agrees_for_funds_on_any_tariff(self, data: st.DataObject) -> None:
        rules = [data.draw(st.one_of(*ENERGY_RULES.values())), data.draw(funds_rules())]
        assert_agrees(rules, data.draw(usages(rules)))

    @settings(max_examples=80, deadline=None)
    @given(case=rated_cases())
    def test_explanation_tells_the_same_lines(self, case: tuple[list[dict[str, Any]], Usage]) -> None:
        rules, usage = case
        tariff = compile_rules(rules)

        told = [
            (line.charge.text, line.quantity, line.price_e8, line.amount_fen)
            for row in range(len(usage))
            for line in explain(tariff, usage, row)
        ]

        lines = rate(tariff, usage).lines
        texts = [CHARGES[ChargeCode(code)].text for code in lines.code]
        columns = (lines.quantity.tolist(), lines.price_e8.tolist(), lines.amount_fen.tolist())
        assert told == list(zip(texts, *columns, strict=True))


class TestEnergy:
    @settings(max_examples=150, deadline=None)
    @given(case=rated_cases())
    def test_every_kwh_is_billed_once(self, case: tuple[list[dict[str, Any]], Usage]) -> None:
        rules, usage = case

        lines = rate(compile_rules(rules), usage).lines

        billed = np.zeros(len(usage), dtype=np.int64)
        is_energy = [CHARGES[ChargeCode(code)].text.startswith("ENERGY") for code in lines.code]
        np.add.at(billed, lines.row[is_energy], lines.quantity[is_energy])
        assert billed.tolist() == usage.energy_kwh_e2.sum(axis=1).tolist()
        assert (lines.quantity > 0).all()

    @settings(max_examples=100, deadline=None)
    @given(data=st.data())
    def test_lines_stand_in_the_order_of_row_and_bill(self, data: st.DataObject) -> None:
        rules, usage = data.draw(rated_cases())
        tariff = compile_rules(rules)

        lines = rate(tariff, usage).lines

        order = [charge for rule in tariff.rules for charge in rule.charges]
        keys = [(row, order.index(ChargeCode(code))) for row, code in zip(lines.row, lines.code, strict=True)]
        assert keys == sorted(set(keys))


class TestIndependence:
    @settings(max_examples=100, deadline=None)
    @given(case=rated_cases(), data=st.data())
    def test_no_bill_changes_when_accounts_are_shuffled_or_sharded(
        self, case: tuple[list[dict[str, Any]], Usage], data: st.DataObject
    ) -> None:
        rules, usage = case
        tariff = compile_rules(rules)
        order = data.draw(st.permutations(range(len(usage))))
        cut = data.draw(st.integers(0, len(usage)))
        together = lines_of(rate(tariff, usage), len(usage))

        shards = [usage.take(order[:cut]), usage.take(order[cut:])]
        apart = [lines for shard in shards for lines in lines_of(rate(tariff, shard), len(shard))]

        assert apart == [together[row] for row in order]

    def test_blocks_are_put_together_in_order(self, monkeypatch: pytest.MonkeyPatch) -> None:
        usage = Usage.of(7, {Register.TOTAL: np.arange(0, 1000, 10) * 100})
        tariff = compile_rules([TIER])
        whole = rate(tariff, usage)
        monkeypatch.setattr(engine, "BLOCK_ROWS", 7)

        blocks = rate(tariff, usage)

        for name in ("row", "code", "quantity", "price_e8", "amount_fen"):
            assert getattr(blocks.lines, name).tolist() == getattr(whole.lines, name).tolist()
        assert blocks.total_fen.tolist() == whole.total_fen.tolist()
        assert blocks.lines.row.dtype == np.int64 and blocks.lines.code.dtype == np.int16

    def test_no_accounts_give_no_lines(self) -> None:
        rated = rate(compile_rules([TIER]), Usage.of(7, {Register.TOTAL: np.empty(0)}))

        assert len(rated.lines) == 0 and rated.total_fen.shape == (0,) and rated.refused.shape == (0,)


class TestTiers:
    @pytest.mark.parametrize("rules", [tier_rules(), tier_time_of_use_rules()], ids=["tier", "tier_time_of_use"])
    @settings(max_examples=150, deadline=None)
    @given(data=st.data())
    def test_using_less_never_costs_more(self, rules: st.SearchStrategy[dict[str, Any]], data: st.DataObject) -> None:
        rule = data.draw(rules)
        more = data.draw(usages([rule], rows=1))
        less = Usage.of(
            more.bill_month,
            {r: data.draw(st.integers(0, int(more.energy_of(r)[0]))) for r in more.registers},
            tier_kwh_e2_before=more.tier_kwh_e2_before,
            people=more.people,
            months=more.months,
            tier_months=more.tier_months,
        )
        tariff = compile_rules([rule])

        assert rate(tariff, less).total_fen[0] <= rate(tariff, more).total_fen[0]

    @pytest.mark.parametrize(
        ("kwh_e2", "tiers"),
        [(26_000, [26_000]), (26_001, [26_000, 1]), (60_000, [26_000, 34_000]), (60_001, [26_000, 34_000, 1])],
    )
    def test_a_bound_belongs_to_the_lower_tier(self, kwh_e2: int, tiers: list[int]) -> None:
        rated = rate(compile_rules([TIER]), Usage.of(7, {Register.TOTAL: kwh_e2}))

        assert rated.lines.quantity.tolist() == tiers

    def test_bimonthly_bill_doubles_the_bounds(self) -> None:
        rated = rate(compile_rules([TIER]), Usage.of(7, {Register.TOTAL: 53_000}, months=2))

        assert rated.lines.quantity.tolist() == [52_000, 1_000]

    @pytest.mark.parametrize(("before", "codes"), [(99_900, [11]), (100_000, [12]), (200_000, [13])])
    def test_annual_energy_before_decides_the_tier(self, before: int, codes: list[int]) -> None:
        annual = TIER | {"period": "year", "upper_kwh": ["1000", "2000"]}

        rated = rate(compile_rules([annual]), Usage.of(7, {Register.TOTAL: 100}, tier_kwh_e2_before=before))

        assert rated.lines.code.tolist() == codes


class TestRounding:
    @pytest.mark.parametrize(
        ("quantity", "price", "fen"),
        [
            (100, 50_0000, 1),  # 0.5 fen
            (100, 49_9999, 0),
            (300, 50_0000, 2),  # 1.5 fen
            (500, 50_0000, 3),  # 2.5 fen: half-up, not half-even
            (-100, 50_0000, -1),
            (-100, 49_9999, 0),
            (-300, 50_0000, -2),
            (-500, 50_0000, -3),
            (100, -50_0000, -1),
            (0, 50_0000, 0),
        ],
    )
    def test_half_a_fen_goes_away_from_zero(self, quantity: int, price: int, fen: int) -> None:
        assert amounts_fen(np.array([quantity]), price).tolist() == [fen]

    def test_total_is_the_sum_of_rounded_lines(self) -> None:
        halves = {"kind": "time_of_use", "price_yuan": {"peak": "0.005", "valley": "0.005"}}

        rated = rate(compile_rules([halves]), Usage.of(7, {Register.PEAK: 100, Register.VALLEY: 100}))

        assert rated.lines.amount_fen.tolist() == [1, 1] and rated.total_fen.tolist() == [2]


class TestRefusal:
    def rate_three(self, rules: list[dict[str, Any]], bad: dict[Register, int], **others: Any) -> Rated:
        """Rate a good row, the bad row and another good row; the good ones must come out."""
        good = dict.fromkeys(bad, 10_000)
        if Register.TOTAL in bad and len(bad) > 1:
            good[Register.TOTAL] = 10_000 * (len(bad) - 1)
        if Register.FLAT in bad:
            good[Register.FLAT] = 0
        columns: dict[str, Any] = {name: [1, value, 1] for name, value in others.items()}
        usage = Usage.of(7, {r: [good[r], bad[r], good[r]] for r in bad}, **columns)
        rated = rate(compile_rules(rules), usage)
        assert set(rated.lines.row.tolist()) == {0, 2}
        assert rated.refused[[0, 2]].tolist() == [0, 0]
        assert rated.total_fen[1] == 0 and rated.total_fen[0] == rated.total_fen[2] > 0
        with pytest.raises(CannotPrice, match="row_refused"):
            explain(compile_rules(rules), usage, 1)
        return rated

    def test_negative_energy(self) -> None:
        rated = self.rate_three([TIER], {Register.TOTAL: -1})

        assert rated.refused[1] == Refusal.NEGATIVE_ENERGY

    @pytest.mark.parametrize(
        "others", [{"people": -1}, {"months": 0}, {"months": 13}, {"tier_months": 0}, {"tier_kwh_e2_before": -1}]
    )
    def test_determinants_out_of_range(self, others: dict[str, int]) -> None:
        rated = self.rate_three([TIER], {Register.TOTAL: 10_000}, **others)

        assert rated.refused[1] == Refusal.INVALID_DETERMINANT

    @pytest.mark.parametrize("energy", [2**63 - 1, 2**56 + 1, 2**56, (2**63 - 1) // 63_900_000 + 26_000 * 2])
    def test_overflow_is_refused_and_never_wrapped(self, energy: int) -> None:
        rated = self.rate_three([TIER], {Register.TOTAL: energy})

        assert rated.refused[1] == Refusal.OVERFLOW

    def test_sum_of_registers_is_refused_before_it_wraps(self) -> None:
        free = {"kind": "time_of_use", "price_yuan": {"peak": "0", "valley": "0"}}
        fund = {"kind": "funds", "items": [{"charge": "FUND_RURAL", "price_yuan": "0.02"}]}

        rated = self.rate_three([free, fund], {Register.PEAK: 2**62, Register.VALLEY: 2**62})

        assert rated.refused[1] == Refusal.OVERFLOW

    def test_largest_product_that_fits_is_priced(self) -> None:
        price = 123_456_789
        largest = (2**63 - 1 - 10**8) // price
        usage = Usage.of(7, {Register.TOTAL: [largest, largest + 1]})

        rated = rate(compile_rules([{"kind": "shared_meter", "price_yuan": "1.23456789"}]), usage)

        assert rated.refused.tolist() == [0, Refusal.OVERFLOW]
        assert rated.total_fen.tolist() == [(largest * price + 5 * 10**7) // 10**8, 0]

    def test_registers_that_do_not_add_up_to_the_total(self) -> None:
        bad = {Register.TOTAL: 20_001, Register.PEAK: 10_000, Register.VALLEY: 10_000}

        assert self.rate_three([PEAK_VALLEY], bad).refused[1] == Refusal.REGISTERS_DISAGREE

    def test_energy_in_a_register_without_a_price(self) -> None:
        bad = {Register.PEAK: 10_000, Register.VALLEY: 10_000, Register.FLAT: 1}

        assert self.rate_three([PEAK_VALLEY], bad).refused[1] == Refusal.UNPRICED_REGISTER

    @pytest.mark.parametrize(
        ("rule", "register"), [(PEAK_VALLEY, Register.TOTAL), (PEAK_VALLEY, Register.PEAK), (TIER, Register.DEMAND)]
    )
    def test_missing_register_stops_the_whole_call(self, rule: dict[str, Any], register: Register) -> None:
        with pytest.raises(CannotPrice, match="register_missing"):
            rate(compile_rules([rule]), Usage.of(7, {register: [100]}))


class TestUsage:
    def test_shapes_and_types_are_checked(self) -> None:
        good = Usage.of(7, {Register.TOTAL: [100, 200]})

        with pytest.raises(ValueError, match="people"):
            Usage(good.registers, good.energy_kwh_e2, good.tier_kwh_e2_before, good.people[:1], good.months, 7)
        with pytest.raises(ValueError, match="int64"):
            energy = good.energy_kwh_e2.astype(np.float64)
            Usage(good.registers, energy, good.tier_kwh_e2_before, good.people, good.months, 7)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="bill_month"):
            Usage.of(13, {Register.TOTAL: [100]})

    def test_tier_months_are_twelve_when_left_out(self) -> None:
        good = Usage.of(7, {Register.TOTAL: [100, 200]})

        usage = Usage(good.registers, good.energy_kwh_e2, good.tier_kwh_e2_before, good.people, good.months, 7)

        assert usage.tier_months.tolist() == [12, 12]
