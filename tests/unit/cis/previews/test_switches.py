"""Every switch changes a bill, and refuses what it does not know."""

from typing import Any

import pytest

from cis.rating import SWITCHES, CannotPrice, read_switches
from tests.unit.cis.previews.documents import answered, asked
from tests.unit.cis.previews.test_golden import fits

CHANGE = {"period": {"start": "2026-01-01", "end": "2026-02-01"}}
SUSPENDED = asked(
    "A34",
    inputs={
        "events": [
            {"date": "2026-01-05", "type": "suspend", "kva": "1000"},
            {"date": "2026-01-25", "type": "resume", "kva": "1000"},
        ]
    },
)
OVER = asked("A32", inputs={"max_demand_kw": "2500"})
BY_PERIOD: dict[str, Any] = {
    "customer": {"class": "ordinary_industry", "voltage": "10kV", "capacity_kva": "250"},
    "tariff_inline": {"peak": "0.9", "flat": "0.6", "valley": "0.3", "residential_shared": "0.5"},
    "inputs": {
        "meters": [
            {"meter": "main", "register": name, "prev": "0", "curr": value, "multiplier": "1"}
            for name, value in (("peak", "3000"), ("flat", "2000"), ("valley", "1000.5"))
        ]
    },
}
SUB = {"meter": "sub_residential", "register": "total", "prev": "0", "curr": "600", "multiplier": "1"}


def with_inputs(document: dict[str, Any], **inputs: Any) -> dict[str, Any]:
    """The document with more inputs."""
    return {**document, "inputs": {**document["inputs"], **inputs}}


MIXED = {
    "customer": {"class": "ordinary_industry", "voltage": "10kV", "capacity_kva": "250", "pf_standard": "0.85"},
    "tariff_inline": {"industry": "0.72", "residential_shared": "0.5583"},
    "inputs": {
        "meters": [
            {"meter": "main", "register": "total", "prev": "0", "curr": "8910", "multiplier": "1"},
            {"meter": "main", "register": "reactive", "prev": "0", "curr": "6000", "multiplier": "1"},
            SUB | {"curr": "4000"},
        ]
    },
}
HISTORY = {"2025-12": "2000", "2026-01": "300", "2026-02": "400", "2026-11": "500", "2026-12": "600"}
YEARLY = {
    "customer": {"class": "residential_single_household", "reading_cycle": "bimonthly_odd"},
    "tariff_ref": "JS-RES",
    "period": {"start": "2026-11-01", "end": "2027-01-01", "bill_month": "2027-01"},
    "inputs": {
        "billed_kwh": "900",
        "tier_history": [{"month": month, "kwh": kwh} for month, kwh in HISTORY.items() if month < "2026-11"],
    },
}
CASES: dict[str, tuple[dict[str, Any], Any, Any]] = {
    "change_day_belongs_to": (
        asked("A34", inputs={"events": [{"date": "2026-01-12", "type": "suspend", "kva": "630"}]}),
        "new",
        "old",
    ),
    "demand_mode": (asked("A27", inputs={"max_demand_kw": "2000"}), "contract", "capacity"),
    "demand_excess_rule": (OVER, "C_plus_double_over_105", "105_plus_double_over_105"),
    "load_factor_discount": (
        {
            "customer": {"class": "industry", "transformers_kva": ["1000"]},
            "tariff_inline": {"energy_price": "0.6", "demand_price": "42"},
            "inputs": {"billed_kwh": "260000", "max_demand_kw": "800"},
        },
        "none",
        "90_from_260_kwh_per_kva",
    ),
    "min_suspension_days": (asked("A34"), 15, 10),
    "suspension_new_install_half_charge": (SUSPENDED, False, True),
    "loss_tou_allocation": (with_inputs(BY_PERIOD, active_transformer_loss="500"), "flat", "proportional"),
    "loss_rounding": (
        asked("A09", inputs={"transformer_loss_monthly_kwh": "305"}),
        "integer_kwh",
        "kwh_2_decimals",
    ),
    "sub_deduction_tou": (
        with_inputs(BY_PERIOD, meters=[*BY_PERIOD["inputs"]["meters"], SUB]),
        "proportional",
        "flat",
    ),
    "ratio_base": (
        asked("A29", inputs={"ratio_pct": "10"}),
        "main_total",
        "after_deductions",
    ),
    "pf_active_base": (MIXED, "main_meter_total", "after_deductions"),
    "pf_adjust_residential": (MIXED, False, True),
    "free_kwh_method": (asked("A30"), "credit_at_tier1_price", "deduct_before_tiering"),
    "multi_person": (
        {
            "customer": {"class": "residential_single_household", "people": 5},
            "tariff_ref": "JS-RES",
            "inputs": {"tier_year_kwh_before": "4700", "billed_kwh": "1000"},
        },
        "both_bounds",
        "first_bound",
    ),
    "tier_year_start": (
        {
            **YEARLY,
            "customer": {"class": "residential_single_household"},
            "period": {"start": "2026-03-01", "end": "2026-04-01"},
        },
        1,
        12,
    ),
    "odd_month_january": (
        with_inputs(YEARLY, billed_kwh="2900"),
        "previous_year",
        "current_year",
    ),
    "transfer_prorates_tiers": (
        {
            "customer": {"class": "residential_single_household"},
            "tariff_ref": "JS-RES",
            "period": {"start": "2026-05-01", "end": "2026-06-01"},
            "inputs": {"event": "account_transferred", "tier_year_kwh_before": "1000", "billed_kwh": "300"},
        },
        True,
        False,
    ),
    "late_fee_split": (asked("A16"), "by_calendar_year_of_each_day", "new_year_only"),
    "late_fee_min_yuan": (asked("A17"), "1.00", "0.00"),
    "kwh_rounding": (BY_PERIOD, "integer_kwh", "kwh_2_decimals"),
    "penalty_on": (asked("A22"), "unrounded_difference", "rounded_difference"),
    "proration": (
        {
            "customer": {"class": "commercial"},
            "tariff_inline": {"energy_price": "0.6"},
            "period": {"start": "2026-01-01", "end": "2026-02-01"},
            "inputs": {
                "meters": [{"register": "total", "prev": "100", "curr": "410", "multiplier": "1"}],
                "price_change": {"on": "2026-01-11", "tariff_inline": {"energy_price": "0.7"}, "frozen": "300"},
            },
        },
        "by_days",
        "by_frozen_reading",
    ),
}
BACK = {
    "customer": {"class": "commercial"},
    "tariff_inline": {"energy_price": "0.5"},
    "inputs": {"meters": [{"register": "total", "prev": "950", "curr": "50", "multiplier": "1", "digits": 3}]},
}


def chosen(document: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    """The document under one more choice."""
    return {**document, "options": {**document.get("options", {}), name: value}}


class TestSwitches:
    @pytest.mark.parametrize("name", CASES)
    def test_its_values_give_different_bills(self, name: str) -> None:
        document, one, other = CASES[name]

        fits(chosen(document, name, other), "request")
        first, second = (answered(chosen(document, name, value)) for value in (one, other))

        assert first["total"] != second["total"]

    def test_a_register_that_went_back(self) -> None:
        """A refund, a turn, or neither."""
        assert answered(chosen(BACK, "negative_advance", "refund"))["total"] == "-450.00"
        assert answered(chosen(BACK, "negative_advance", "roll_over"))["total"] == "50.00"
        with pytest.raises(CannotPrice, match="negative_advance"):
            answered(chosen(BACK, "negative_advance", "refuse"))

    def test_a_power_factor_without_active_energy(self) -> None:
        still = with_inputs(asked("A11"), active_kwh="0")
        still["topics"] = []

        assert answered(chosen(still, "pf_when_no_active", "no_adjustment"))["total"] == "0.00"
        with pytest.raises(CannotPrice, match="no_active_energy"):
            answered(chosen(still, "pf_when_no_active", "refuse"))

    def test_where_a_payment_goes(self) -> None:
        paid = asked("A16", inputs={"payment": "2100"})

        first, second = (answered(chosen(paid, "allocation", value)) for value in SWITCHES["allocation"].values)

        assert first["allocation"] != second["allocation"]
        for answer in (first, second):
            shares = [share for one in answer["allocation"]["shares"] for share in (one["fee"], one["principal"])]
            assert sum(round(float(share) * 100) for share in [*shares, answer["allocation"]["prepaid"]]) == 210_000

    def test_every_one_of_them_is_tried(self) -> None:
        elsewhere = {"negative_advance", "pf_when_no_active", "allocation"}

        assert CASES.keys() | elsewhere == SWITCHES.keys()

    @pytest.mark.parametrize("name", SWITCHES)
    def test_an_unknown_value_is_refused(self, name: str) -> None:
        wrongs: tuple[Any, ...] = ("whatever", None, 99, 1.5, [])
        for wrong in wrongs:
            with pytest.raises(CannotPrice) as refused:
                read_switches({name: wrong})
            assert refused.value.code == "unknown_value" and name in refused.value.detail

    def test_an_unknown_switch_is_refused(self) -> None:
        with pytest.raises(CannotPrice, match="unknown_switch"):
            read_switches({"rounding": "half_even"})
