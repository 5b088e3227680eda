"""Figures the house quotes are kept with the project; what they promise is looked at here, not measured again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "results"
WAITED = ("after_a_cold_start", "warm")


def kept(name: str) -> dict[str, Any]:
    """The kept result of a benchmark."""
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text("utf-8"))
    return found


class TestPages:
    """A million accounts, twenty visitors, two cores."""

    def test_are_of_the_full_form(self) -> None:
        result = kept("pages")

        assert (result["form"], result["visitors"], result["aim_p95_ms"]) == ("full", 20, 300)
        assert result["accounts"] >= 1_000_000

    @pytest.mark.acceptance("F77")
    def test_the_customer_page_is_there_in_time_with_few_statements(self) -> None:
        result = kept("pages")

        assert all(result[when]["account"]["p95_ms"] < result["aim_p95_ms"] for when in WAITED)
        assert result["statements"]["account"] <= 12

    @pytest.mark.acceptance("F88")
    @pytest.mark.parametrize("page", ["bill list, page 1", "bill list, page 10,000"])
    def test_lists_are_there_in_time_near_and_far(self, page: str) -> None:
        result = kept("pages")

        assert all(result[when][page]["p95_ms"] < result["aim_p95_ms"] for when in WAITED)


class TestBilling:
    """Two hundred thousand accounts against a raw COPY of the same rows."""

    def test_costs_at_most_twice_the_copy(self) -> None:
        result = kept("billing")

        assert result["form"] == "full"
        assert result["aims"]["ratio"] <= 0.5 <= result["main"]["ratio"]["median"]


class TestRating:
    """Hourly curves and register readings to bills, beside two other calculators."""

    def test_is_of_the_full_form_with_both_calculators(self) -> None:
        result = kept("rating")

        assert (result["form"], result["absent"], set(result["peers"])) == ("full", None, {"pysam", "ratebook"})
        assert [row["customers"] for row in result["growth"]["rows"]] == [1_000, 10_000, 100_000]

    @pytest.mark.parametrize("case", ["time_of_use", "tiers"])
    def test_amounts_are_theirs_before_the_rounding_of_lines(self, case: str) -> None:
        result = kept("rating")["cases"][case]

        assert result["both_ways_equal"]
        assert all(amounts["equal_but_for_rounding"] for amounts in result["amounts"].values())
        assert min(amounts["bills"] for amounts in result["amounts"].values()) >= 48

    @pytest.mark.parametrize("case", ["time_of_use", "tiers"])
    def test_is_as_much_faster_as_we_aim_at(self, case: str) -> None:
        result = kept("rating")
        faster = result["cases"][case]["times_faster"]

        assert faster["curves"]["pysam"]["median"] >= result["aims"]["stretch"] >= 20
        assert faster["readings"]["pysam"]["median"] >= result["aims"]["readings"] >= 300


class TestLaboratory:
    """A draft tariff tried on a year of bills of a million accounts."""

    @pytest.mark.parametrize("accounts", [10_000, 100_000, 1_000_000])
    def test_tries_every_bill_of_the_year_and_touches_no_live_row(self, accounts: int) -> None:
        (row,) = [row for row in kept("laboratory")["sizes"] if row["accounts"] == accounts]

        assert row["everybody"]["accounts"] == accounts
        assert row["everybody"]["bills"] == row["bills"] == accounts * 12
        assert row["tables_touched"] == []

    def test_finds_no_difference_where_the_draft_is_the_tariff(self) -> None:
        for row in kept("laboratory")["sizes"]:
            same = row["equal_draft"]

            assert (same["winners"], same["losers"], same["difference_fen"]) == (0, 0, 0)
            assert same["billed_fen"] == same["draft_fen"] > 0
