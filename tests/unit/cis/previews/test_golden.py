"""Every golden bill line by line, through the command that programs use."""

import json
import os
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.core.management import CommandError, call_command

from tests.unit.cis.previews.documents import BILLS, ROOT, asked

SCHEMA = json.loads((ROOT / "docs/rating-preview.schema.json").read_text(encoding="utf-8"))


def fits(document: dict[str, Any], name: str) -> None:
    """The document is what the schema's part of this name says."""
    part = {"$ref": f"#/$defs/{name}", "$defs": SCHEMA["$defs"]}
    jsonschema.validate(document, part, cls=jsonschema.Draft202012Validator)


def rated(document: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """What `manage.py rate --json FILE` prints."""
    file = tmp_path / "bill.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    out = StringIO()
    call_command("rate", str(file), "--json", stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def money_of(lines: list[dict[str, Any]]) -> Counter[tuple[Any, ...]]:
    """The lines that hold something, as numbers."""
    return Counter(
        (line["code"], *(Decimal(line[name]) for name in ("quantity", "unit_price", "amount")), line.get("factor", ""))
        for line in lines
        if Decimal(line["quantity"])
    )


@pytest.mark.parametrize("number", BILLS)
class TestGoldenBill:
    def test_has_the_printed_lines_quantities_and_total(self, number: str, tmp_path: Path) -> None:
        expected = BILLS[number]["expected"]

        answer = rated(asked(number), tmp_path)

        assert money_of(answer["lines"]) == money_of(expected["lines"])
        assert {line["code"] for line in answer["lines"]} >= {line["code"] for line in expected["lines"]}
        assert Decimal(answer["total"]) == Decimal(expected["total"])
        said = {name: Decimal(answer["quantities"][name]) for name in expected["quantities"]}
        assert said == {name: Decimal(value) for name, value in expected["quantities"].items()}
        settlement = {name: Decimal(value) for name, value in answer.get("settlement", {}).items()}
        assert settlement == {name: Decimal(value) for name, value in expected.get("settlement", {}).items()}

    def test_fits_the_schema(self, number: str, tmp_path: Path) -> None:
        document = asked(number)

        fits(document, "request")
        fits(rated(document, tmp_path), "answer")


class TestCommand:
    def test_needs_no_environment_and_no_server(self, tmp_path: Path) -> None:
        """As on a bare checkout: standard input, nothing configured, nobody listening."""
        bare = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "VIRTUAL_ENV")}
        # A checkout that has run has its addresses in var/; a copy of the command's own files has not.
        program = (
            "import os, sys; sys.path.insert(0, os.getcwd()); os.environ['DAYINGXIAO_ENV'] = 'offline';"
            "os.environ['DJANGO_SETTINGS_MODULE'] = 'config.settings';"
            "from django.core.management import execute_from_command_line;"
            "execute_from_command_line(['manage.py', 'rate', '--json'])"
        )

        done = subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, env=bare, input=json.dumps(asked("A33")), capture_output=True,
            text=True, check=False,
        )  # fmt: skip

        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["total"] == "68829.60"

    def test_prints_lines_for_people(self, tmp_path: Path) -> None:
        file = tmp_path / "bill.json"
        file.write_text(json.dumps(asked("A25")), encoding="utf-8")
        out = StringIO()

        call_command("rate", str(file), stdout=out)

        assert "ENERGY_T1" in out.getvalue() and "194.41" in out.getvalue() and "502.44" in out.getvalue()

    def test_refuses_with_a_code_and_says_so_in_json(self, tmp_path: Path) -> None:
        out = StringIO()
        file = tmp_path / "bill.json"
        file.write_text(json.dumps(asked("A28", inputs={"main_kwhs": "3"})), encoding="utf-8")

        with pytest.raises(CommandError) as refused:
            call_command("rate", str(file), "--json", stdout=out)

        assert refused.value.returncode == 2
        assert json.loads(out.getvalue())["error"]["code"] == "unknown_field"

    def test_what_is_no_json_is_said_to_be_none(self, tmp_path: Path) -> None:
        file = tmp_path / "bill.json"
        file.write_text("{", encoding="utf-8")

        with pytest.raises(CommandError, match="cannot read") as refused:
            call_command("rate", str(file))

        assert refused.value.returncode == 3

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ('{"inputs": {"billed_kwh": "5", "billed_kwh": "500"}}', "field_twice"),
            ('{"inputs": {"\\ud800": "1"}}', "ill_typed"),
            ('{"inputs": {"billed_kwh": NaN}}', "ill_typed"),
            ("[]", "ill_typed"),
        ],
    )
    def test_refuses_what_could_be_read_in_two_ways(self, text: str, code: str, tmp_path: Path) -> None:
        out = StringIO()
        file = tmp_path / "bill.json"
        file.write_text(text, encoding="utf-8")

        with pytest.raises(CommandError) as refused:
            call_command("rate", str(file), "--json", stdout=out)

        (out.getvalue() + str(refused.value)).encode()
        assert (refused.value.returncode, json.loads(out.getvalue())["error"]["code"]) == (2, code)

    def test_numbers_keep_every_digit(self, tmp_path: Path) -> None:
        """1.005 kWh x 1 yuan written as JSON numbers: binary floating point would round to 1.00."""
        document = {
            "tariff_inline": {"energy_price": 1},
            "inputs": {"billed_kwh": 1.01},
            "customer": {"class": "industry"},
        }

        answer = rated(document, tmp_path)

        assert answer["total"] == "1.01" and answer["lines"][0]["quantity"] == "1.01"
