"""What a bill needs and is not there is named; nothing stands at nought or at a guess in its place."""

from typing import Any

import pytest

from cis.rating import CannotPrice
from tests.unit.cis.previews.documents import answered, asked
from tests.unit.cis.previews.test_bill_shapes import GUANGZHOU, JIANGSU, JULY, MIXED, TWO_PART, without
from tests.unit.cis.previews.test_shapes import HOME, JANUARY, WORKS, meter, registers

PLAIN: dict[str, Any] = {"customer": {"class": "industry"}, "tariff_inline": {"energy_price": "0.6"}}
BY_PERIOD = registers(sharp="10", peak="20", flat="30", valley="40")
BY_FOUR = {"sharp": "1", "peak": "1", "flat": "1", "valley": "1", "deep_valley": "3"}
REACTIVE = {"meters": registers(total="100", reactive="100")}
SPLIT = meter("main", total="1000") + meter("sub_residential", total="300")


def inputs_without(number: str, *names: str) -> dict[str, Any]:
    """A golden document without some of its inputs."""
    document = asked(number)
    return document | {"inputs": without(document["inputs"], *names)}


def of_works(**more: Any) -> dict[str, Any]:
    """A two-part customer of January."""
    return {"customer": WORKS, "tariff_ref": TWO_PART, "period": JANUARY, "inputs": {}, **more}


CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("missing_field", "transformers_kva", of_works(inputs={"meters": BY_PERIOD})),
    (
        "missing_field",
        "transformers_kva",
        {
            **PLAIN,
            "tariff_inline": {"energy_price": "0.6", "capacity_price": "26"},
            "inputs": {"billed_kwh": "100"},
        },
    ),
    ("missing_field", "transformers_kva", of_works(inputs={"contract_kw": "10", "max_demand_kw": "10"})),
    (
        "missing_field",
        "demand_price",
        {
            **PLAIN,
            "customer": {"class": "industry", "capacity_kva": "100"},
            "inputs": {"billed_kwh": "1", "max_demand_kw": "10"},
        },
    ),
    ("register_twice", "contract_kw", asked("A27", inputs={"contract_kw": "5"})),
    ("missing_field", "reactive_kvarh", inputs_without("A13", "reactive_kvarh")),
    ("missing_field", "pf_standard", {**PLAIN, "inputs": REACTIVE}),
    (
        "missing_field",
        "customer.voltage",
        {**PLAIN, "customer": {"class": "industry", "capacity_kva": "500"}, "inputs": REACTIVE},
    ),
    (
        "missing_field",
        "customer.voltage",
        {**PLAIN, "customer": {"class": "industry", "capacity_kva": "500", "voltage": "ten"}, "inputs": REACTIVE},
    ),
    (
        "registers_disagree",
        "power_factor",
        {
            **PLAIN,
            "customer": {"class": "industry", "pf_standard": "0.90"},
            "inputs": REACTIVE | {"power_factor": "1"},
        },
    ),
    ("missing_field", "tier_year_kwh_before", inputs_without("A35", "tier_year_kwh_before")),
    ("missing_field", "tier_year_kwh_before", {**JIANGSU, "inputs": {"billed_kwh": "600"}}),
    ("registers_disagree", "history", asked("A05", inputs={"tier_year_kwh_before": "5554"})),
    (
        "ill_typed",
        "month",
        {**JIANGSU, "inputs": {"billed_kwh": "600", "tier_history": [{"month": "2026-7", "kwh": "1"}]}},
    ),
    (
        "register_twice",
        "2026-01",
        {**JIANGSU, "inputs": {"billed_kwh": "600", "tier_history": [{"month": "2026-01", "kwh": "1"}] * 2}},
    ),
    ("unknown_value", "reading_cycle", asked("A01", customer={"reading_cycle": "quarterly"})),
    ("unknown_value", "reading_cycle", asked("A03", customer={"reading_cycle": "bimonthly_foo"})),
    (
        "out_of_range",
        "reading_cycle",
        asked("A01", customer={"reading_cycle": "monthly"}, period={"end": "2026-09-01"}),
    ),
    ("out_of_range", "neither one month nor two", asked("A01", period={"end": "2026-08-16", "bill_month": None})),
    ("out_of_range", "bill_month", asked("A01", period={"bill_month": "2026-12"})),
    (
        "season_changes",
        "period",
        {**GUANGZHOU, "period": {"start": "2026-04-01", "end": "2026-06-01"}, "inputs": {"billed_kwh": "600"}},
    ),
    ("out_of_range", "one month", asked("A26", period={"end": "2026-04-01"})),
    ("out_of_range", "one month", asked("A26", period={"end": "2026-02-13"})),
    (
        "missing_field",
        "frozen.flat",
        {
            **PLAIN,
            "tariff_inline": {"peak": "1", "flat": "0.6", "valley": "0.3"},
            "period": JULY,
            "inputs": {
                "meters": registers(peak="1000", flat="1000", valley="1000"),
                "price_change": {
                    "on": "2026-07-11",
                    "frozen": {"peak": "400"},
                    "tariff_inline": {"peak": "1", "flat": "0.7", "valley": "0.3"},
                },
            },
        },
    ),
    (
        "missing_field",
        "residential",
        {
            **MIXED,
            "inputs": {
                "meters": SPLIT,
                "price_change": {"on": "2026-07-11", "tariff_inline": {"industry": "0.8"}},
            },
        },
    ),
    (
        "missing_field",
        "price after",
        {**PLAIN, "period": JULY, "inputs": {"billed_kwh": "1", "price_change": {"on": "2026-07-11"}}},
    ),
    (
        "missing_field",
        "to_kva",
        asked("A26", inputs={"events": [{"date": "2026-02-10", "type": "replace", "from_kva": "315"}]}),
    ),
    ("unknown_value", "spaceport", asked("A16", customer={"class": "spaceport"})),
    (
        "unknown_tariff",
        "time of use of a shared meter",
        {
            "customer": {"class": "ev_charging_residential", "voltage": "<1kV", "tou": True},
            "tariff_ref": "ZJ-RES",
            "period": JANUARY,
            "inputs": {"meters": registers(peak="10", valley="20")},
        },
    ),
    (
        "missing_field",
        "customer.voltage",
        {"customer": {"class": "residential_shared"}, "tariff_ref": "ZJ-RES", "inputs": {"billed_kwh": "1"}},
    ),
    ("unknown_tariff", "homes", {**JIANGSU, "customer": {"class": "commercial"}, "inputs": {"billed_kwh": "1"}}),
    (
        "missing_field",
        "residential",
        {**MIXED, "tariff_inline": {"industry": "0.7", "commercial": "0.9"}, "inputs": {"meters": SPLIT}},
    ),
    (
        "missing_field",
        "which of",
        {
            **MIXED,
            "tariff_inline": {"industry": "0.7", "commercial": "0.9", "residential": "0.5"},
            "inputs": {"meters": meter("main", total="1000") + meter("sub_a", total="300")},
        },
    ),
    (
        "out_of_range",
        "event_on",
        {
            **JIANGSU,
            "inputs": {
                "event": "account_transferred",
                "event_on": "2026-08-01",
                "tier_year_kwh_before": "1",
                "billed_kwh": "1",
            },
        },
    ),
    ("missing_field", "period.date", {**asked("A31"), "period": {}}),
    ("unpriced_register", "deep_valley", asked("A24", inputs={"meters": registers(**BY_FOUR)})),
    (
        "unpriced_mode",
        "demand_price",
        asked(
            "A26",
            options={"demand_mode": "actual"},
            inputs={"max_demand_kw": "100"},
            tariff_ref=None,
            tariff_inline={"capacity_price": "22.6"},
        ),
    ),
    (
        "unknown_meter",
        "main",
        {**PLAIN, "inputs": {"meters": meter("main", total="1") + meter("new", total="2")}},
    ),
    (
        "missing_field",
        "sub_a",
        {**MIXED, "inputs": {"meters": meter("main", total="1") + meter("sub_a", reactive="2")}},
    ),
    (
        "out_of_range",
        "people",
        {**GUANGZHOU, "customer": HOME | {"people": 10**10}, "period": JULY, "inputs": {"billed_kwh": "1"}},
    ),
    ("missing_field", "customer.tou", asked("A06", customer={"tou": None})),
    ("missing_field", "inputs.events", inputs_without("A07", "events")),
    ("missing_field", "active_kwh", inputs_without("A12", "active_kwh")),
    ("missing_field", "capacity_price", asked("A13", tariff_inline={"capacity_price": None})),
    ("missing_field", "customer.class", asked("A28", customer={"class": None})),
    ("bounds_unknown", "jul_sep", {**GUANGZHOU, "tariff_ref": "SC-RES", "period": JULY, "inputs": {"billed_kwh": "1"}}),
]


class TestNeeds:
    @pytest.mark.parametrize(("code", "named", "document"), CASES, ids=[case[1] for case in CASES])
    def test_are_named(self, code: str, named: str, document: dict[str, Any]) -> None:
        with pytest.raises(CannotPrice) as refused:
            answered(document)

        assert refused.value.code == code and named in refused.value.detail, refused.value


class TestWhatNeedsNothingMore:
    """Shapes of the golden file with other periods, amounts and fields."""

    @pytest.mark.parametrize(
        "document",
        [
            asked("A03", period={"end": "2017-07-05"}),
            asked("A04", period={"end": "2017-07-20"}),
            asked("A06", period={"start": "2026-01-01", "end": "2026-02-01"}),
            asked("A07", period={"start": "2010-07-01", "end": "2010-08-01"}),
            asked("A06", customer={"tou": False}),
            asked("A08", inputs={"days_old": "20", "days_new": "10"}),
            asked("A11", customer={"pf_standard": None, "capacity_kva": "100"}),
            asked("A24", customer={"pf_standard": None}),
            asked("A25", customer={"pv_kw": None}),
            asked("A26", period={"start": "2026-02-03", "end": "2026-03-02"}),
            asked("A28", customer={"capacity_kva": "400"}),
            asked("A30", customer={"people": 3}),
            asked("A33", inputs={"feeders": [{"max_demand_kw": "905.6"}]}),
        ],
    )
    def test_is_answered(self, document: dict[str, Any]) -> None:
        assert answered(document)["lines"] is not None
