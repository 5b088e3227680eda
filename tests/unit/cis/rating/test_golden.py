"""Published and constructed bills, from the tables and register values to the total."""

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cis.rating import (
    CHARGES,
    PERIOD_REGISTERS,
    ChargeCode,
    DayKind,
    Register,
    Usage,
    WindowSet,
    advance,
    compile_rules,
    energy_kwh_e2,
    explain,
    rate,
    read_catalogue,
)
from tests.oracle.rating import bill_lines

from .strategies import bill_of

ROOT = Path(__file__).parents[4]
CATALOGUE = read_catalogue((ROOT / "cis/data/tariffs.json").read_text(encoding="utf-8"))
RECORDS = {record.code: record for record in CATALOGUE.records}
WINDOWS = {spec["code"]: WindowSet.parse(spec) for spec in CATALOGUE.window_sets}
BILLS = {
    bill["id"]: bill
    for bill in json.loads((ROOT / "tests/golden/bills-public.json").read_text(encoding="utf-8"))["bills"]
}
RATED_HERE = ("A01", "A02", "A03", "A04", "A05", "A06", "A24", "A31")

Money = tuple[str, Decimal, Decimal, Decimal]


def metered(meters: list[dict[str, Any]]) -> dict[Register, Any]:
    """Energy per register from register values."""
    previous, current = (
        np.array([int(Decimal(meter[name]).scaleb(4)) for meter in meters]) for name in ("prev", "curr")
    )
    moved = advance(previous, current, [meter.get("digits", 6) for meter in meters], current < previous)
    energy = energy_kwh_e2(moved, [int(meter["multiplier"]) for meter in meters])
    return {Register[meter["register"].upper()]: energy[i] for i, meter in enumerate(meters)}


def usage_of(bill: dict[str, Any]) -> Usage:
    """The determinants of a golden bill."""
    inputs = bill["inputs"]
    month = int((bill["period"].get("bill_month") or bill["period"].get("date") or bill["period"]["start"])[5:7])
    energy: dict[Register, Any]
    if "meters" in inputs:
        energy = metered(inputs["meters"])
    elif "hourly_kwh" in inputs:
        hours = np.array([[int(kwh) * 100 for kwh in inputs["hourly_kwh"]]])
        windows = WINDOWS[bill["options"]["tou_windows_ref"]]
        folded = windows.fold_hourly(hours, month, DayKind.WORKDAY)[0]
        energy = {r: folded[i] for i, r in enumerate(PERIOD_REGISTERS) if r in windows.registers}
    else:
        energy = {Register.TOTAL: int(inputs["billed_kwh"]) * 100}
    return Usage.of(
        month,
        energy,
        tier_kwh_e2_before=int(inputs.get("tier_year_kwh_before", 0)) * 100,
        people=bill["customer"].get("people", 1),
    )


def record_of(bill: dict[str, Any]) -> Any:
    """The tariff record of a golden bill: the time-of-use variant when the resident chose it."""
    return RECORDS[bill["tariff_ref"] + ("-TOU" if bill["customer"].get("tou") else "")]


def expected(bill: dict[str, Any]) -> Counter[Money]:
    """The printed lines that hold energy."""
    return Counter(
        (line["code"], Decimal(line["quantity"]), Decimal(line["unit_price"]), Decimal(line["amount"]))
        for line in bill["expected"]["lines"]
        if Decimal(line["quantity"])
    )


@pytest.mark.parametrize("number", RATED_HERE)
class TestGoldenBill:
    def test_has_the_printed_lines_and_total(self, number: str) -> None:
        bill = BILLS[number]

        rated = rate(compile_rules(record_of(bill).rules), usage_of(bill))

        lines = rated.lines
        assert rated.refused.tolist() == [0]
        assert Counter(
            (
                CHARGES[ChargeCode(lines.code[i])].text,
                Decimal(int(lines.quantity[i])).scaleb(-2),
                Decimal(int(lines.price_e8[i])).scaleb(-8),
                Decimal(int(lines.amount_fen[i])).scaleb(-2),
            )
            for i in range(len(lines))
        ) == expected(bill)
        assert Decimal(int(rated.total_fen[0])).scaleb(-2) == Decimal(bill["expected"]["total"])

    def test_agrees_with_the_oracle(self, number: str) -> None:
        bill = BILLS[number]

        lines = bill_lines(record_of(bill).rules, bill_of(usage_of(bill), 0))

        assert Counter(lines) == expected(bill)

    def test_is_explained_line_by_line(self, number: str) -> None:
        bill = BILLS[number]

        facts = explain(compile_rules(record_of(bill).rules), usage_of(bill), 0)

        assert sum(line.amount_fen for line in facts) == int(Decimal(bill["expected"]["total"]) * 100)
        assert {line.charge.text for line in facts} == {code for code, *_ in expected(bill)}


class TestGoldenFacts:
    def test_household_of_five_gets_1200_kwh_more_in_the_year(self) -> None:
        bill = BILLS["A05"]

        second, third = explain(compile_rules(record_of(bill).rules), usage_of(bill), 0)

        assert second.facts["lower_kwh_e2"] == 396_000 and second.facts["upper_kwh_e2"] == 600_000
        assert second.facts["household_extra_kwh_e2"] == 120_000
        assert third.facts["upper_kwh_e2"] is None
        assert third.facts["energy_before_kwh_e2"] == 555_300

    def test_sharp_price_is_twice_the_purchase_price_plus_fixed_parts(self) -> None:
        bill = BILLS["A24"]

        sharp = explain(compile_rules(record_of(bill).rules), usage_of(bill), 0)[0]

        assert sharp.facts["register"] == "sharp" and sharp.facts["ratio"] == "2.00"
        parts = sharp.facts["components_yuan"]
        assert isinstance(parts, dict)
        assert sum(Decimal(part) for part in parts.values()) == Decimal("1.088799")

    def test_transfer_pro_rates_230_kwh_per_month(self) -> None:
        usage = Usage.of(5, {Register.TOTAL: 120_000}, tier_months=5)

        first, second = explain(compile_rules(RECORDS["JS-RES"].rules), usage, 0)

        assert first.facts["upper_kwh_e2"] == 230 * 5 * 100
        assert (first.quantity, second.quantity) == (115_000, 5_000)

    def test_data_are_the_published_tables(self) -> None:
        tables = json.loads((ROOT / "cis/data/tariffs.json").read_text(encoding="utf-8"))

        assert len(tables["code_index"]) == 42 and len(tables["tou_windows"]) == 16
