"""What cannot be priced is refused when the tariff is read, by name."""

import pickle
from typing import Any

import pytest

from cis.rating import CHARGES, RULES, CannotPrice, ChargeCode, compile_rules

TIER = {"kind": "tier", "period": "year", "price_yuan": ["0.5", "0.6", "0.9"], "upper_kwh": ["2760", "4800"]}
SEASON = {"name": "all", "months": list(range(1, 13)), "upper_kwh": ["260", "600"]}
MONTHLY = {"kind": "tier", "period": "month", "price_yuan": ["0.5", "0.6", "0.9"]}
TOU_TIER = {
    "kind": "tier_time_of_use",
    "period": "year",
    "upper_kwh": ["2760", "4800"],
    "price_yuan": {"peak": "0.568", "valley": "0.288"},
    "tier_add_yuan": ["0", "0.05", "0.30"],
}
SHARED = {"kind": "shared_meter", "price_yuan": "0.558"}
PARTS = {"floating_base_yuan": {"agent_purchase": "0.384470"}, "fixed_yuan": {"system_operation": "0.082273"}}
BASIC = {"kind": "basic_charge", "capacity_price_yuan_per_kva_month": "26.3"}
FUNDS = {"kind": "funds", "items": [{"charge": "FUND_RURAL", "price_yuan": "0.02"}]}

REFUSED: list[tuple[str, list[Any]]] = [
    ("no_rules", []),
    ("unknown_kind", [{}]),
    ("unknown_kind", [SHARED, {"kind": "green_premium"}]),
    ("no_energy_rule", [{"kind": "basic_charge", "capacity_price_yuan_per_kva_month": "26.3"}]),
    ("price_unknown", [SHARED, {"kind": "basic_charge"}]),
    ("price_unknown", [SHARED, BASIC | {"capacity_price_yuan_per_kva_month": None}]),
    ("unknown_value", [SHARED, BASIC | {"demand_excess_rule": "double"}]),
    ("out_of_range", [SHARED, BASIC | {"floor_pct": 101}]),
    ("out_of_range", [SHARED, BASIC | {"threshold_pct": 99}]),
    ("missing_field", [SHARED, BASIC | {"load_factor_discount": {"kwh_per_kva": 260}}]),
    (
        "inexact_price",
        [
            SHARED,
            {
                "kind": "basic_charge",
                "demand_price_yuan_per_kw_month": "0.00000001",
                "load_factor_discount": {"kwh_per_kva": 260, "price_pct": 90},
            },
        ],
    ),
    ("missing_field", [SHARED, {"kind": "power_factor"}]),
    ("unknown_value", [SHARED, {"kind": "power_factor", "table": "2024"}]),
    ("unknown_value", [TIER, {"kind": "free_energy", "kwh_per_month": "15", "method": "gift"}]),
    ("bounds_unknown", [TIER, {"kind": "free_energy", "kwh_per_month": None, "method": "deduct_before_tiering"}]),
    ("no_energy_rule", [FUNDS]),
    ("energy_priced_twice", [SHARED, TIER]),
    ("charge_twice", [SHARED, FUNDS, FUNDS]),
    ("missing_field", [{"kind": "shared_meter"}]),
    ("unknown_field", [SHARED | {"discount": "0.1"}]),
    ("ill_typed", [{"kind": "shared_meter", "price_yuan": 0.558}]),
    ("ill_typed", [{"kind": "shared_meter", "price_yuan": 1}]),
    ("ill_typed", [{"kind": "shared_meter", "price_yuan": None}]),
    ("ill_typed", [{"kind": "shared_meter", "price_yuan": "0.123456789"}]),
    ("ill_typed", [{"kind": "shared_meter", "price_yuan": "1e-3"}]),
    ("ill_typed", [{"kind": "shared_meter", "price_yuan": "NaN"}]),
    ("ill_typed", [{"kind": "shared_meter", "price_yuan": "０.5"}]),
    ("negative_price", [{"kind": "shared_meter", "price_yuan": "-0.1"}]),
    ("tier_period_unknown", [TIER | {"period": None}]),
    ("bounds_unknown", [TIER | {"upper_kwh": None}]),
    ("bounds_unknown", [TIER | {"upper_kwh": ["260", None]}]),
    ("bounds_not_rising", [TIER | {"upper_kwh": ["260", "260"]}]),
    ("bounds_not_rising", [TIER | {"upper_kwh": ["0", "260"]}]),
    ("bounds_not_rising", [TIER | {"multi_person": {"min_people": 5, "extra_kwh_per_month": ["200", "0"]}}]),
    ("bounds_count", [TIER | {"upper_kwh": ["260"]}]),
    ("bounds_count", [TIER | {"multi_person": {"min_people": 5, "extra_kwh_per_month": ["100"]}}]),
    ("ill_typed", [TIER | {"upper_kwh": ["260.5", "600"]}]),
    ("ill_typed", [TIER | {"upper_kwh": [260, 600]}]),
    ("ill_typed", [TIER | {"multi_person": {"min_people": "5", "extra_kwh_per_month": ["1", "1"]}}]),
    ("out_of_range", [TIER | {"multi_person": {"min_people": 1, "extra_kwh_per_month": ["1", "1"]}}]),
    ("tier_count", [TIER | {"price_yuan": ["0.5"], "upper_kwh": []}]),
    ("tier_count", [TIER | {"price_yuan": ["0.5", "0.6", "0.7", "0.8"], "upper_kwh": ["1", "2", "3"]}]),
    ("prices_fall", [TIER | {"price_yuan": ["0.6", "0.5", "0.9"]}]),
    ("missing_field", [MONTHLY]),
    ("missing_field", [MONTHLY | {"upper_kwh": ["260", "600"], "seasons": [SEASON]}]),
    ("seasons_in_annual_tiers", [MONTHLY | {"period": "year", "seasons": [SEASON]}]),
    ("seasons_gap", [MONTHLY | {"seasons": [SEASON | {"months": [1, 2]}]}]),
    ("seasons_overlap", [MONTHLY | {"seasons": [SEASON, SEASON]}]),
    ("out_of_range", [MONTHLY | {"seasons": [SEASON | {"months": [13]}]}]),
    ("ill_typed", [MONTHLY | {"seasons": [SEASON | {"months": [True]}]}]),
    ("prices_fall", [TOU_TIER | {"tier_add_yuan": ["0.1", "0.2", "0.3"]}]),
    ("prices_fall", [TOU_TIER | {"tier_add_yuan": ["0", "0.3", "0.05"]}]),
    ("price_unknown", [TOU_TIER | {"price_yuan": {"peak": None}}]),
    ("unknown_field", [TOU_TIER | {"price_yuan": {"noon": "0.5"}}]),
    (
        "missing_field",
        [
            {key: value for key, value in TOU_TIER.items() if key != "price_yuan"}
            | {
                "price_seasons": [
                    {"name": "a", "months": [1, 2, 3, 4, 5, 6], "price_yuan": {"peak": "1"}},
                    {"name": "b", "months": [7, 8, 9, 10, 11, 12], "price_yuan": {"valley": "1"}},
                ]
            }
        ],
    ),
    ("missing_field", [{"kind": "time_of_use"}]),
    ("ill_typed", [{"kind": "time_of_use", "price_yuan": {}}]),
    ("price_disagrees", [{"kind": "flat_energy", "price_yuan": "0.466744", "composition": PARTS}]),
    (
        "price_disagrees",
        [{"kind": "time_of_use", "price_yuan": {"flat": "0.466743"}, "composition": PARTS | {"ratio": {"peak": "1"}}}],
    ),
    ("unknown_component", [{"kind": "flat_energy", "composition": PARTS | {"fixed_yuan": {"gift": "0.1"}}}]),
    ("component_twice", [{"kind": "flat_energy", "composition": PARTS | {"fixed_yuan": {"agent_purchase": "0.1"}}}]),
    ("inexact_price", [{"kind": "time_of_use", "composition": PARTS | {"ratio": {"peak": "1.4999"}}}]),
    ("inexact_price", [{"kind": "flat_energy", "price_yuan": "0.12345", "price_places": 4}]),
    ("out_of_range", [{"kind": "flat_energy", "price_yuan": "0.1", "price_places": 9}]),
    ("unknown_charge", [SHARED, {"kind": "funds", "items": [{"charge": "FUND_X", "price_yuan": "0.02"}]}]),
    ("unknown_charge", [SHARED, {"kind": "funds", "items": [{"charge": "ENERGY", "price_yuan": "0.02"}]}]),
    ("missing_field", [SHARED, {"kind": "funds", "items": []}]),
]


class TestCompileRules:
    @pytest.mark.parametrize(("code", "rules"), REFUSED)
    def test_refuses_what_cannot_be_priced(self, code: str, rules: list[Any]) -> None:
        with pytest.raises(CannotPrice) as refusal:
            compile_rules(rules)

        assert refusal.value.code == code
        assert refusal.value.detail

    @pytest.mark.parametrize("rule", [TIER, MONTHLY | {"seasons": [SEASON]}, TOU_TIER, SHARED])
    def test_takes_what_can_be_priced(self, rule: dict[str, Any]) -> None:
        assert len(compile_rules([rule, FUNDS]).rules) == 2

    def test_guangdong_rounds_the_unit_price_to_four_places(self) -> None:
        rule = {
            "kind": "time_of_use",
            "composition": {
                "floating_base_yuan": {"agent_purchase": "0.45675"},
                "ratio": {"peak": "1.7", "flat": "1"},
                "fixed_yuan": {"system_operation": "0.00000"},
            },
            "price_places": 4,
        }

        [compiled] = compile_rules([rule]).rules

        assert [price.price_e8 for price in compiled.prices.values()] == [77_650_000, 45_680_000]  # type: ignore[attr-defined]


class TestCannotPrice:
    def test_survives_the_way_between_workers(self) -> None:
        found = pickle.loads(pickle.dumps(CannotPrice("unknown_kind", "basic_charge")))

        assert (found.code, found.detail, str(found)) == ("unknown_kind", "basic_charge", "unknown_kind: basic_charge")


class TestWhitelist:
    def test_every_code_has_its_charge(self) -> None:
        assert set(CHARGES) == set(ChargeCode)
        assert all(CHARGES[code].text == code.name for code in ChargeCode)
        assert all(charge.legal_basis and charge.name_zh and charge.name_en for charge in CHARGES.values())

    def test_rules_are_registered_under_their_kind(self) -> None:
        assert {name: rule.kind for name, rule in RULES.items()} == {name: name for name in RULES}
