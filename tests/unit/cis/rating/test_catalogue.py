"""The published tables become records that compile, or refuse with a reason."""

import json
from datetime import date
from decimal import Decimal

import pytest

from cis.rating import CannotPrice, TariffRecord, WindowSet, compile_rules
from cis.rating.catalogue import grade, read_catalogue

from .test_golden import CATALOGUE, RECORDS, ROOT, WINDOWS

CANNOT_PRICE = {
    "SC-RES": "bounds_unknown",
    "SC-RES-TOU": "price_unknown",
    "CQ-RES": "tier_period_unknown",
    "CQ-RES-TOU": "tier_period_unknown",
    "YN-RES": "bounds_unknown",
    "GD-PRD-2026-02-2P-10-CAP": "no_energy_rule",
}


class TestRecords:
    @pytest.mark.parametrize("record", CATALOGUE.records, ids=lambda record: record.code)
    def test_compiles_or_refuses_with_a_reason(self, record: TariffRecord) -> None:
        code = None
        try:
            compile_rules(record.rules)
        except CannotPrice as refusal:
            code = refusal.code

        assert code == CANNOT_PRICE.get(record.code)
        assert record.name and record.source and record.confidence

    def test_codes_are_unique_and_nothing_disappears(self) -> None:
        tables = json.loads((ROOT / "cis/data/tariffs.json").read_text(encoding="utf-8"))
        left_out = {part.code for part in CATALOGUE.left_out}
        sets = {spec["code"].removesuffix("-1P").removesuffix("-2P") for spec in CATALOGUE.window_sets}

        assert len(RECORDS) == len(CATALOGUE.records)
        assert len(WINDOWS) == len(CATALOGUE.window_sets)
        assert set(tables["code_index"]) <= set(RECORDS) | left_out | sets

    def test_low_grades_are_left_out_with_the_reason(self) -> None:
        reasons = {part.code: part.reason for part in CATALOGUE.left_out}

        assert {"HE-RES", "NM-W-RES", "HN-RES", "SH-RES", "BJ-2025-02-1P-10", "HA-RES-SHARED"} <= set(reasons)
        assert all(reasons.values())
        assert not set(reasons) & set(RECORDS)

    def test_only_the_hubei_residential_table_is_a_demonstration(self) -> None:
        assert [record.code for record in CATALOGUE.records if record.is_demonstration] == ["HB-RES"]

    def test_validity_is_half_open(self) -> None:
        record = RECORDS["HB-2026-01-1P-LT1"]

        assert (record.valid_from, record.valid_to) == (date(2026, 1, 1), date(2026, 2, 1))
        assert RECORDS["ZJ-RES"].valid_from is None and RECORDS["GD-GZ-RES"].valid_to is None

    @pytest.mark.parametrize("record", CATALOGUE.records, ids=lambda record: record.code)
    def test_window_reference_leads_to_registers_that_have_a_price(self, record: TariffRecord) -> None:
        if record.windows_ref is None or record.code in CANNOT_PRICE:
            return

        priced = {r for rule in compile_rules(record.rules).rules for r in rule.period_registers}

        assert set(WINDOWS[record.windows_ref].registers) <= priced

    @pytest.mark.parametrize(
        ("code", "prices"),
        [
            ("ZJ-RES-TOU", {"peak": "0.568", "valley": "0.288"}),
            ("AH-RES-TOU", {"flat": "0.5953", "valley": "0.3153"}),
            ("CQ-RES-TOU", {"peak": "0.62", "flat": "0.52", "valley": "0.34"}),
            ("GD-SZ-RES-TOU", {"peak": "1.1121", "flat": "0.6542", "valley": "0.2486"}),
        ],
    )
    def test_time_of_use_prices(self, code: str, prices: dict[str, str]) -> None:
        [rule] = RECORDS[code].rules

        assert rule["price_yuan"] == prices
        assert [Decimal(add) for add in rule["tier_add_yuan"]] == [0, Decimal("0.05"), Decimal("0.30")]

    def test_energy_prices_of_hubei_exclude_the_funds(self) -> None:
        rules = RECORDS["HB-2026-01-1P-LT1"].rules

        assert rules[0]["price_yuan"]["sharp"] == "1.088799"
        assert RECORDS["HB-2026-01-1P-LT1-NOTOU"].rules[0]["price_yuan"] == "0.690686"
        assert [item["price_yuan"] for item in rules[-1]["items"]] == ["0.02", "0.0062", "0.019"]

    def test_records_and_sets_survive_json(self) -> None:
        for record in CATALOGUE.records:
            assert json.loads(json.dumps(record.rules)) == record.rules
        for spec in CATALOGUE.window_sets:
            WindowSet.parse(json.loads(json.dumps(spec)))


class TestReading:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("high for bounds", "high"),
            ("medium-high (x)", "medium-high"),
            ("medium", "medium"),
            ("low-medium: demo", "low-medium"),
            ("low for the second bound", "low"),
            ("we do not know", "low"),
        ],
    )
    def test_grade_is_the_leading_word(self, text: str, expected: str) -> None:
        assert grade(text) == expected

    def test_unknown_shapes_are_not_guessed(self) -> None:
        tables = json.loads((ROOT / "cis/data/tariffs.json").read_text(encoding="utf-8"))
        tables["residential"][0]["tier_mode"] = "weekly"

        with pytest.raises(CannotPrice, match="unknown_table"):
            read_catalogue(json.dumps(tables))
