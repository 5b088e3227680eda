"""What of a tariff's rules a draft may change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cis.laboratory import UnknownFigure, draft_from, list_figures, with_figures
from cis.rating import CannotPrice, compile_rules, read_catalogue

CATALOGUE = read_catalogue((Path(__file__).parents[4] / "cis/data/tariffs.json").read_text("utf-8"))


def compiles(rules: list[dict[str, Any]]) -> bool:
    try:
        compile_rules(rules)
    except CannotPrice:
        return False
    return True


PRICED = {record.code: record.rules for record in CATALOGUE.records if compiles(record.rules)}


class TestEveryPublishedTariff:
    @pytest.mark.parametrize("code", PRICED)
    def test_begins_as_a_draft_that_prices_the_same(self, code: str) -> None:
        draft = draft_from(PRICED[code])

        for live, drafted in zip(compile_rules(PRICED[code]).rules, compile_rules(draft).rules, strict=True):
            assert live == drafted
        assert with_figures(draft, {figure.key: figure.value for figure in list_figures(draft)}) == draft

    @pytest.mark.parametrize("code", PRICED)
    def test_has_figures_each_of_which_counts(self, code: str) -> None:
        draft = draft_from(PRICED[code])

        prices = [figure for figure in list_figures(draft) if figure.unit.startswith("yuan")]

        assert prices
        for figure in prices:
            raised = with_figures(draft, {figure.key: "0.999999" if "." in figure.value else "1"})
            assert raised != draft
            assert not compiles(raised) or compile_rules(raised) != compile_rules(draft)


class TestFigures:
    RULES: list[dict[str, Any]] = [
        {"kind": "tier", "period": "month", "price_yuan": ["0.5", "0.6"], "upper_kwh": ["200"]},
        {"kind": "funds", "items": [{"charge": "FUND_RURAL", "price_yuan": "0.02"}]},
    ]

    def test_say_where_they_stand_and_what_they_measure(self) -> None:
        assert [(f.key, f.rule_kind, f.unit, f.value) for f in list_figures(self.RULES)] == [
            ("0.price_yuan.0", "tier", "yuan", "0.5"),
            ("0.price_yuan.1", "tier", "yuan", "0.6"),
            ("0.upper_kwh.0", "tier", "kwh", "200"),
            ("1.items.0.price_yuan", "funds", "yuan", "0.02"),
        ]

    def test_know_the_charge_and_the_months_they_belong_to(self) -> None:
        seasons: list[dict[str, Any]] = [
            {"months": [7, 8], "upper_kwh": ["260"]},
            {"months": [1, 2], "upper_kwh": ["200"]},
        ]

        (fund,) = list_figures([self.RULES[1]])
        summer, winter = list_figures([{"kind": "tier", "seasons": seasons}])

        assert (fund.charge, fund.months) == ("FUND_RURAL", ())
        assert (summer.months, winter.months, winter.way) == ((7, 8), (1, 2), ("seasons", "1", "upper_kwh", "0"))

    def test_of_capacity_and_demand_say_by_what_they_are_charged(self) -> None:
        rule = {
            "kind": "basic_charge", "capacity_price_yuan_per_kva_month": "26.3", "demand_price_yuan_per_kw_month": "42",
            "threshold_pct": 105,
        }  # fmt: skip

        assert [(f.unit, f.value) for f in list_figures([rule])] == [
            ("yuan_per_kva_month", "26.3"), ("yuan_per_kw_month", "42"),
        ]  # fmt: skip

    def test_are_written_into_a_copy(self) -> None:
        changed = with_figures(self.RULES, {"0.price_yuan.1": "0.7", "1.items.0.price_yuan": "0.03"})

        assert changed[0]["price_yuan"] == ["0.5", "0.7"]
        assert changed[1]["items"] == [{"charge": "FUND_RURAL", "price_yuan": "0.03"}]
        assert self.RULES[0]["price_yuan"] == ["0.5", "0.6"]

    @pytest.mark.parametrize("key", ["0.kind", "0.price_yuan.2", "5.price_yuan", "", "0.period"])
    def test_that_are_not_there_are_refused(self, key: str) -> None:
        with pytest.raises(UnknownFigure):
            with_figures(self.RULES, {key: "1"})

    def test_printed_prices_beside_their_composition_are_left_out(self) -> None:
        rule = {
            "kind": "flat_energy", "price_yuan": "0.5",
            "composition": {"floating_base_yuan": {"agent_purchase": "0.3"}, "fixed_yuan": {"line_loss": "0.2"}},
        }  # fmt: skip

        draft = draft_from([rule])

        assert [figure.key for figure in list_figures(draft)] == [
            "0.composition.floating_base_yuan.agent_purchase", "0.composition.fixed_yuan.line_loss",
        ]  # fmt: skip
        assert "price_yuan" in rule
