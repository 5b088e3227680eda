"""What follows from the month's table: agent purchase, the multiple, and every kind of package."""

from __future__ import annotations

from decimal import Decimal
from importlib import resources
from typing import Any

import numpy as np
import pytest

from cis.market import MarketMonth, agent_rules, multiple_rules, read_package, retail_rules
from cis.rating import CannotPrice, ChargeCode, Register, Usage, compile_rules, explain, rate
from cis.rating.catalogue import read_catalogue
from tests.factories.market import FIXED, SHARE, month_values

MONTH = MarketMonth.parse(month_values())
LOW_VOLTAGE = MONTH.network[0]
PERIODS = {
    Register.SHARP: 20_00,
    Register.PEAK: 45_00,
    Register.FLAT: 80_00,
    Register.VALLEY: 30_00,
}


def priced(rules: list[dict[str, Any]]) -> dict[str, int]:
    """What a kWh of each charge costs, in 1e-8 yuan."""
    usage = Usage.of(1, PERIODS, more={"capacity_kva_e2": np.zeros((1, 1)), "demand_mode": 4})
    tariff = compile_rules([rule for rule in rules if rule["kind"] != "basic_charge"])
    return {line.code.name: line.price_e8 for line in explain(tariff, usage, 0)}


def retail(kind: str, terms: dict[str, Any], *, by_period: bool = True) -> dict[str, int]:
    """The energy lines of a market customer at low voltage."""
    found = priced(retail_rules(MONTH, LOW_VOLTAGE, read_package(kind, terms), by_period=by_period))
    return {name: price for name, price in found.items() if name.startswith("ENERGY_RETAIL")}


class TestAgentPurchase:
    def test_every_published_tariff_of_the_month_comes_out_again(self) -> None:
        text = resources.files("cis").joinpath("data", "tariffs.json").read_text(encoding="utf-8")
        published = {record.code: record.rules for record in read_catalogue(text).records}

        for price in MONTH.network:
            for suffix, by_period in (("", True), ("-NOTOU", False)):
                made = agent_rules(MONTH, price, by_period=by_period)
                assert priced(made) == priced(published[price.tariff + suffix]), price.tariff + suffix

        assert len(MONTH.network) >= 6

    def test_what_does_not_float_is_the_same_in_every_period(self) -> None:
        month = MarketMonth.parse(month_values(floats=["agent_purchase"]))
        found = priced(agent_rules(month, month.network[0], by_period=True))
        fixed = Decimal("0.013643") + Decimal("0.2103") + Decimal("0.082273")

        assert found["ENERGY_SHARP"] == int((Decimal("0.384470") * 2 + fixed) * 10**8)
        assert found["ENERGY_SHARP"] != priced(agent_rules(MONTH, LOW_VOLTAGE, by_period=True))["ENERGY_SHARP"]

    def test_the_multiple_is_on_the_purchase_price_alone(self) -> None:
        once = priced(agent_rules(MONTH, LOW_VOLTAGE, by_period=False))
        more = priced(multiple_rules(MONTH, LOW_VOLTAGE, by_period=False))

        assert more["ENERGY"] - once["ENERGY"] == 19_223_500
        assert {name: price for name, price in more.items() if name != "ENERGY"} == {
            name: price for name, price in once.items() if name != "ENERGY"
        }

    def test_a_month_without_a_multiple_prices_nobody_by_one(self) -> None:
        month = MarketMonth.parse({k: v for k, v in month_values().items() if k != "multiple"})

        with pytest.raises(CannotPrice, match="multiple_missing"):
            multiple_rules(month, month.network[0], by_period=True)


class TestPackages:
    @pytest.mark.parametrize(
        ("kind", "terms", "sharp", "flat"),
        [
            ("fixed", FIXED, 78_400_000, 39_200_000),
            ("fixed", FIXED | {"floats": False}, None, None),
            (
                "spread",
                {"reference": "agent_purchase", "spread_yuan": "-0.005", "floats": True},
                75_894_000,
                37_947_000,
            ),
            ("share", SHARE, 77_920_000, 38_960_000),
            ("share", SHARE | {"base_yuan": "0.37"}, 74_000_000, 37_000_000),
            ("share", SHARE | {"base_yuan": "0.37", "shares_losses": True}, 74_720_000, 37_360_000),
            (
                "time_bands",
                {"prices_yuan": {"sharp": "0.7", "peak": "0.55", "flat": "0.4", "valley": "0.2"}},
                70_000_000,
                40_000_000,
            ),
            (
                "green",
                {"energy": {"kind": "fixed"} | FIXED, "premium_yuan": "0.03", "green_share_pct": 50},
                79_900_000,
                40_700_000,
            ),
            (
                "green",
                {
                    "energy": {
                        "kind": "time_bands",
                        "prices_yuan": {"sharp": "0.7", "peak": "0.55", "flat": "0.4", "valley": "0.2"},
                    },
                    "premium_yuan": "0.03",
                    "green_share_pct": 100,
                },
                73_000_000,
                43_000_000,
            ),
        ],
    )
    def test_costs_what_its_terms_say(
        self, kind: str, terms: dict[str, Any], sharp: int | None, flat: int | None
    ) -> None:
        found = retail(kind, terms)

        if sharp is None:
            assert found == {"ENERGY_RETAIL": 39_200_000}
        else:
            assert (found["ENERGY_RETAIL_SHARP"], found["ENERGY_RETAIL_FLAT"]) == (sharp, flat)

    def test_all_else_is_the_months_whoever_sells(self) -> None:
        found = priced(retail_rules(MONTH, LOW_VOLTAGE, read_package("fixed", FIXED), by_period=True))

        assert found["NETWORK"] == 21_030_000
        assert found["SYSTEM_OPERATION"] == 8_227_300
        assert found["PURCHASE_LOSS_SHARP"] == 2_728_600
        assert found["PURCHASE_LOSS_PEAK"] == 2_032_800
        assert (found["FUND_RURAL"], found["FUND_RESERVOIR"], found["FUND_RENEWABLE"]) == (2000000, 620000, 1900000)

    def test_at_the_agents_price_it_costs_what_the_agent_costs_but_for_rounding(self) -> None:
        terms = {"reference": "agent_purchase", "spread_yuan": "0", "floats": True}
        usage = Usage.of(1, {register: kwh * 1000 for register, kwh in PERIODS.items()})
        rules = retail_rules(MONTH, LOW_VOLTAGE, read_package("spread", terms), by_period=True)

        bought = int(rate(compile_rules(rules), usage).total_fen[0])
        agent = int(rate(compile_rules(agent_rules(MONTH, LOW_VOLTAGE, by_period=True)), usage).total_fen[0])

        # Prices are rounded to 10^-6 yuan part by part: at most half of that a kWh and part, and a fen a line.
        assert abs(bought - agent) <= 20

    @pytest.mark.parametrize(
        ("kind", "terms", "code"),
        [
            ("lottery", {}, "unknown_kind"),
            ("fixed", {"price_yuan": "0.4"}, "missing_field"),
            ("fixed", {"price_yuan": 0.4, "floats": True}, "ill_typed"),
            ("fixed", FIXED | {"gift": "1"}, "unknown_field"),
            ("spread", {"reference": "gas", "spread_yuan": "0", "floats": True}, "reference_missing"),
            ("spread", {"reference": "agent_purchase", "spread_yuan": "-0.9", "floats": True}, "negative_price"),
            ("time_bands", {"prices_yuan": {"peak": "0.5", "valley": "0.2"}}, "periods_differ"),
        ],
    )
    def test_what_it_cannot_price_is_refused_never_free(self, kind: str, terms: dict[str, Any], code: str) -> None:
        with pytest.raises(CannotPrice, match=code):
            retail(kind, terms)

    def test_bands_need_a_meter_that_tells_periods(self) -> None:
        bands = {"prices_yuan": {"sharp": "0.7", "peak": "0.55", "flat": "0.4", "valley": "0.2"}}

        with pytest.raises(CannotPrice, match="needs_time_of_use"):
            retail("time_bands", bands, by_period=False)

    def test_the_explanation_names_the_contracts_price(self) -> None:
        rules = retail_rules(MONTH, LOW_VOLTAGE, read_package("fixed", FIXED), by_period=True)
        facts = {line.code: line.facts for line in explain(compile_rules(rules), Usage.of(1, PERIODS), 0)}

        assert facts[ChargeCode.ENERGY_RETAIL_SHARP]["components_yuan"] == {"retail_purchase": "0.7840000000"}
        assert facts[ChargeCode.ENERGY_RETAIL_SHARP]["ratio"] == "2.00"


class TestTable:
    @pytest.mark.parametrize(
        ("changed", "code"),
        [
            ({"agent_purchase_yuan": 0.38}, "ill_typed"),
            ({"line_loss_yuan": "-0.01"}, "negative_price"),
            ({"floats": ["weather"]}, "unknown_value"),
            ({"floats": []}, "missing_field"),
            ({"funds_yuan": {"ENERGY": "0.02"}}, "unknown_charge"),
            ({"network": []}, "missing_field"),
            ({"multiple": {"factor": "0.5", "on": ["agent_purchase"]}}, "out_of_range"),
            ({"gift": "1"}, "unknown_field"),
        ],
    )
    def test_a_wrong_table_is_refused(self, changed: dict[str, Any], code: str) -> None:
        with pytest.raises(CannotPrice, match=code):
            MarketMonth.parse(month_values(**changed))

    def test_two_part_needs_its_prices(self) -> None:
        rows = [row | {"capacity_yuan_per_kva_month": None} for row in month_values()["network"]]

        with pytest.raises(CannotPrice, match="two-part"):
            MarketMonth.parse(month_values(network=rows))
