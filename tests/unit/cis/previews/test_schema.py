"""The schema of a request and the code that reads it name the same fields, choices and defaults."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from cis.previews.basic import EVENTS as CAPACITY_EVENTS
from cis.previews.document import Document
from cis.previews.periods import EVENTS
from cis.previews.supply import GENERATION, REGISTERS
from cis.previews.tariffs import CLASS_LABELS
from cis.rating import CHARGES, CORRECTED_AS, PERIOD_REGISTERS, SWITCHES, CannotPrice
from tests.unit.cis.previews.documents import BILLS, PARTS, ROOT, SAID, answered, asked
from tests.unit.cis.previews.test_readings import BILLED
from tests.unit.cis.previews.test_shapes import CASES
from tests.unit.cis.previews.test_switches import CASES as CHOICES

PERIODS = tuple(register.name.lower() for register in PERIOD_REGISTERS)
NO_DOCUMENTS = ("self", "supply")
READS = ("need", "has", "text", "number", "numbers", "flag", "scaled", "day", "part", "parts", "raw", "ignore")
SOURCES = [
    *sorted((ROOT / "cis/previews").glob("*.py")),
    ROOT / "cis/collecting/late_fee_bill.py",
    ROOT / "cis/rating/corrections.py",
]


def tree_of(file: Path) -> ast.Module:
    """Its syntax."""
    return ast.parse(file.read_text(encoding="utf-8"))


def literals() -> set[str]:
    """Every text that the sources spell out, and those they put together."""
    found = {
        node.value
        for file in SOURCES
        for node in ast.walk(tree_of(file))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    found |= {f"{name}_kwh" for name in PERIODS} | {f"read_{name}" for name in PERIODS}
    found |= {f"{role}_class" for role in ("fixed", "ratio")}
    found |= {f"{kind}_transformer_loss" for kind in ("active", "reactive")}
    found |= {f"transformer_loss_monthly_{unit}" for unit in ("kwh", "kvarh")}
    return found | set(PERIODS) | SWITCHES.keys() | {code.name for code in CORRECTED_AS}


class TestNames:
    def test_every_name_of_the_schema_is_read_somewhere(self) -> None:
        assert SAID - literals() == set()

    def test_every_name_that_is_read_stands_in_the_schema(self) -> None:
        read = {
            argument.value
            for file in SOURCES
            for node in ast.walk(tree_of(file))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in READS
            if not ast.unparse(node.func.value).endswith(NO_DOCUMENTS)
            for argument in (node.args if node.func.attr == "ignore" else node.args[:1])
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
        }

        assert "low_income" in read and read - SAID == set()

    def test_every_name_that_bills_ask_for_stands_in_the_schema(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Names that loops put together too."""
        asked_for: set[str] = set()
        has, raw = Document.has, Document.raw

        def noted_has(document: Document, name: str) -> bool:
            asked_for.add(name)
            return has(document, name)

        def noted_raw(document: Document, name: str, default: Any = None) -> Any:
            asked_for.add(name)
            return raw(document, name, default)

        monkeypatch.setattr(Document, "has", noted_has)
        monkeypatch.setattr(Document, "raw", noted_raw)
        documents = [asked(number) for number in BILLS]
        documents += [case[0] for cases in (CASES, BILLED, CHOICES) for case in cases.values()]
        for document in documents:
            answered(document)

        assert "iron_loss_kvar" in asked_for and asked_for - SAID == set()


class TestChoices:
    def test_registers_events_and_classes(self) -> None:
        assert set(PARTS["meter"]["properties"]["register"]["enum"]) == {*REGISTERS, GENERATION}
        assert set(PARTS["inputs"]["properties"]["event"]["enum"]) == set(EVENTS) - {""}
        assert set(PARTS["event"]["properties"]["type"]["enum"]) == set(CAPACITY_EVENTS)
        prices = PARTS["prices"]["properties"].keys()
        assert CLASS_LABELS.keys() <= prices and set(PERIODS) <= prices
        assert {code.name for code in CORRECTED_AS if CHARGES[code].ledger == "fund"} <= prices

    @pytest.mark.parametrize("name", SWITCHES)
    def test_switches_with_their_values_and_defaults(self, name: str) -> None:
        switch, said = SWITCHES[name], PARTS["options"]["properties"][name]

        assert said["default"] == switch.default and type(said["default"]) is type(switch.default)
        if isinstance(switch.values, range):
            limits = said["anyOf"][0]
            assert range(limits["minimum"], limits["maximum"] + 1) == switch.values
        elif name == "kwh_rounding":
            assert set(said["anyOf"][0]["enum"]) == set(switch.values)
        elif name != "late_fee_min_yuan":  # any amount
            assert said["enum"] == json.loads(json.dumps(said["enum"])) and set(said["enum"]) == set(switch.values)

    def test_a_code_that_is_refused_names_what_the_schema_names(self) -> None:
        with pytest.raises(CannotPrice, match="tariff_ref"):
            answered(asked("A01", tariff_ref="XX"))
