"""What no rule knows or what a rule misses is refused by name; nothing is priced at zero instead."""

import copy
import re
from collections.abc import Iterator
from typing import Any

import pytest

from cis.previews import Published, preview
from cis.queries.published import published_tables
from cis.rating import SWITCHES, CannotPrice
from tests.unit.cis.previews.documents import BILLS, PARTS, SAID, answered, asked

METER = {"register": "total", "prev": "0", "curr": "100", "multiplier": "1"}
PLAIN: dict[str, Any] = {
    "customer": {"class": "industry"},
    "tariff_inline": {"energy_price": "0.6"},
    "inputs": {"meters": [METER]},
}


def changed(**inputs: Any) -> dict[str, Any]:
    """The plain document with other inputs."""
    return {**PLAIN, "inputs": inputs}


CASES: list[tuple[str, dict[str, Any]]] = [
    ("unknown_field", {**PLAIN, "discount": "0.1"}),
    ("unknown_field", asked("A01", inputs={"discount_kwh": "10"})),
    ("unknown_field", asked("A01", customer={"rebate": "10"})),
    ("unknown_field", asked("A01", options={"round": "down"})),
    ("unknown_field", {**PLAIN, "tariff_inline": {"energy_price": "0.6", "surcharge": "0.1"}}),
    ("unknown_field", changed(meters=[METER | {"ratio": "20"}])),
    ("unknown_field", changed(billed_kwh="100", meters=[METER])),
    ("unknown_value", asked("A32", options={"demand_mode": "average"})),
    ("unknown_tariff", {**PLAIN, "tariff_inline": None, "tariff_ref": "XX-1"}),
    ("unknown_tariff", asked("A01", tariff_ref="HE-RES")),
    ("unknown_register", changed(meters=[METER | {"register": "night"}])),
    ("unknown_meter", changed(meters=[METER, METER | {"meter": "second"}])),
    ("register_twice", changed(meters=[METER, METER])),
    ("register_twice", changed(billed_kwh="1", active_kwh="1")),
    ("missing_field", {**PLAIN, "inputs": {}}),
    ("missing_field", {**PLAIN, "tariff_inline": {}}),
    ("missing_field", asked("A26", customer={"transformers_kva": []})),
    ("missing_field", asked("A27", inputs={"applied_contract_kw": None})),
    ("missing_field", asked("A29", tariff_inline={"non_residential": None})),
    ("missing_field", asked("A25", inputs={"feed_in_price": None})),
    ("missing_field", asked("A31", tariff_ref=None, options={"tou_windows_ref": ""})),
    ("ill_typed", changed(meters=[METER | {"curr": "1e3"}])),
    ("ill_typed", changed(meters=[METER | {"curr": 100.5}])),
    ("ill_typed", changed(meters={"register": "total"})),
    ("ill_typed", {**PLAIN, "customer": []}),
    ("ill_typed", asked("A31", inputs={"hourly_kwh": ["1"] * 23})),
    ("too_precise", changed(meters=[METER | {"curr": "100.12345"}])),
    ("out_of_range", changed(meters=[METER | {"multiplier": "0"}])),
    ("unpriced_register", asked("A24", inputs={"meters": [
        METER | {"register": name} for name in ("sharp", "peak", "flat", "valley", "deep_valley")
    ]})),
    ("register_missing", asked("A06", inputs={"meters": [METER | {"register": "valley"}]})),
    ("missing_field", asked("A15", tariff_inline=None)),
    ("missing_field", asked("A11", tariff_inline=None)),
    ("missing_field", asked("A26", tariff_ref=None)),
    ("missing_field", asked("A27", inputs={"max_demand_kw": None})),
    ("missing_field", changed(meters=[{"register": "total", "curr": "10"}])),
    ("missing_field", asked("A01", period=None)),
    ("missing_field", asked("A16", inputs={"debts": []})),
    ("missing_field", {**PLAIN, "tariff_inline": {"residential_shared": "0.5"}}),
    ("priced_twice", asked("A24", tariff_inline={"energy_price": "9.9", "peak": "1"})),
    ("unknown_tariff", asked("A03", customer={"class": "residential_shared"})),
    ("unknown_value", {**PLAIN, "customer": {"class": "spaceport"}}),
    ("unknown_value", asked("A31", inputs={"day_kind": "someday"})),
    ("out_of_range", changed(main_kwh="-5")),
    ("out_of_range", asked("A29", inputs={"fixed_kwh": "-50"})),
    ("out_of_range", asked("A33", inputs={"feeders": [{"max_demand_kw": "-500"}]})),
    ("out_of_range", asked("A15", inputs={"line_loss_pct": "-100"})),
    ("out_of_range", asked("A12", inputs={"power_factor": "1.7"})),
    ("out_of_range", asked("A19", inputs={"error_pct": "-100"})),
    ("out_of_range", asked("A23", inputs={"full_months": "999999999"})),
    ("out_of_range", asked("A22", tariff_inline={"commercial": "0.1"})),
    ("out_of_range", asked("A01", period={"start": "2026-07-01", "end": "2026-06-01"})),
    ("out_of_range", changed(meters=[METER | {"digits": "999999999"}])),
    ("out_of_range", changed(billed_kwh="9" * 15)),
    ("ill_typed", asked("A26", customer={"transformers_kva": "315"})),
    ("ill_typed", asked("A13", inputs={"energy_amounts": "31234"})),
    ("ill_typed", asked("A05", inputs={"tier_bounds_applied": ["abc"]})),
    ("ill_typed", asked("A01", period={"bill_month": "2026-13"})),
    ("ill_typed", asked("A30", customer={"low_income": "true"})),
    ("ill_typed", {**PLAIN, "tariff_inline": {"rules": 5}}),
    ("ill_typed", asked("A16", inputs={"debts": [None]})),
    ("too_precise", asked("A13", inputs={"energy_amounts": ["1/3"]})),
    ("negative_advance", changed(meters=[METER | {"prev": "99950", "curr": "120"}])),
    ("unpriced_mode", asked("A26", options={"demand_mode": "actual"}, inputs={"max_demand_kw": "100"}, tariff_ref=None,
        tariff_inline={"capacity_price": "22.6"})),
    ("registers_disagree", changed(meters=[METER, METER | {"register": "peak", "curr": "101"}])),
    ("main_below_parts", asked("A29", inputs={"fixed_kwh": "5231"})),
    ("main_below_parts", changed(meters=[METER, METER | {"meter": "sub_a", "curr": "101"}])),
    ("unknown_standard", asked("A11", customer={"pf_standard": "0.95"})),
    ("unknown_capacity", asked("A34", inputs={"events": [{"date": "2026-01-05", "type": "suspend", "kva": "999"}]})),
    ("unknown_windows", asked("A31", options={"tou_windows_ref": "XX-TOU"})),
    ("unknown_component", {**PLAIN, "tariff_inline": {"rules": [
        {"kind": "flat_energy", "composition": {"floating_base_yuan": {"gift": "1"}, "fixed_yuan": {"line_loss": "1"}}}
    ]}}),
    ("unknown_kind", {**PLAIN, "tariff_inline": {"energy_price": "0.6", "rules": [{"kind": "green_premium"}]}}),
    ("missing_field", {
        "customer": {"class": "residential", "low_income": True},
        "tariff_inline": {"peak": "0.6", "valley": "0.3"},
        "inputs": {"meters": [METER | {"register": "peak"}, METER | {"register": "valley"}]},
    }),
    ("free_energy_by_period", asked("A06", customer={"low_income": True},
        options={"free_kwh_method": "deduct_before_tiering"})),
    ("register_missing", asked("A24", inputs={"meters": [
        METER | {"register": name} for name in ("peak", "flat", "valley")
    ]})),
    ("missing_field", asked("A07", inputs={"events": None})),
    ("missing_field", asked("A13", tariff_inline={"capacity_price": None})),
    ("missing_field", asked("A13", tariff_inline=None)),
    ("unknown_value", {**PLAIN, "schema_version": "9.9"}),
    ("unknown_value", asked("A24", options={"kwh_rounding": "integerXYZ down truncate"})),
    ("ill_typed", asked("A07", options={"seal_day_counts_as_suspended": "true"})),
    ("options_disagree", asked("A07", options={"change_day_belongs_to": "old"})),
    ("ill_typed", asked("A23", inputs={"sealed_equipment": "true"})),
    ("unknown_field", asked("A01", customer={"lowincome": True})),
    ("unknown_field", asked("A03", customer={"shared_meter_price": False})),
    ("ill_typed", asked("A11", customer={"tou": "yes"})),
    ("out_of_range", asked("A05", customer={"people": 10**10})),
    ("out_of_range", asked("A05", customer={"people": 0})),
    ("out_of_range", asked("A19", inputs={"share_of_period": "3"})),
    ("out_of_range", asked("A19", inputs={"share_of_period": "0"})),
    ("out_of_range", asked("A20", inputs={"hours_per_day": "30"})),
    ("out_of_range", asked("A22", inputs={"power_hours": "25"})),
    ("missing_field", asked("A20", customer=None, inputs={"hours_per_day": None})),
    ("missing_field", asked("A22", customer=None)),
    ("out_of_range", asked("A18", inputs={"correction_rate": "-1.5"})),
    ("missing_field", asked("A23", tariff_inline={"capacity_price": None})),
    ("missing_field", asked("A23", tariff_inline=None)),
    ("missing_field", {**PLAIN, "customer": {"class": "large_industry"}, "inputs": {"kva": "315"}}),
    ("missing_field", {**PLAIN, "customer": {}, "inputs": {"kva": "315"}}),
    ("out_of_range", asked("A23", inputs={"days_first_month": "40"})),
    ("priced_twice", asked("A19", tariff_inline={"FUND_RURAL": "0.02", "funds": {"FUND_RURAL": "0.02"}})),
    ("unknown_field", asked("A19", tariff_inline={"funds": {"LANDLORD": "0.02"}})),
    ("too_precise", asked("A16", inputs={"payment": "2100.005"})),
    ("unknown_option", asked("A16", options={"discount": "1"})),
    ("unknown_value", {**PLAIN, "options": {"late_fee_split": "never"}}),
    ("ill_typed", changed(**{"\ud800": "1"})),
    ("ill_typed", asked("A01", title="\udfff")),
    ("unknown_charge", {**PLAIN, "tariff_inline": {"energy_price": "0.6", "funds": {"LANDLORD": "0.1"}}}),
]  # fmt: skip


class TestRefusals:
    @pytest.mark.parametrize(("code", "document"), CASES, ids=[f"{code}-{at}" for at, (code, _) in enumerate(CASES)])
    def test_say_what_it_is(self, code: str, document: dict[str, Any]) -> None:
        with pytest.raises(CannotPrice) as refused:
            answered(document)

        assert refused.value.code == code, refused.value
        assert refused.value.detail

    def test_the_documents_they_were_made_from_are_fine(self) -> None:
        assert answered(PLAIN)["total"] == "60.00"
        assert answered(changed(billed_kwh="100"))["total"] == "60.00"


RULES = {"kind": "tier", "period": "month", "upper_kwh": ["200"], "price_yuan": ["0.5", "0.6"]}


class TestShapesNobodyForesaw:
    @pytest.mark.parametrize("persons", ["x", {}, {"from_people": 5, "extra_kwh_per_month": 5}, []])
    def test_of_a_rule_are_refused_where_it_stands(self, persons: Any) -> None:
        document = {
            "customer": {"class": "residential"},
            "period": {"start": "2026-07-01", "end": "2026-08-01"},
            "tariff_inline": {"rules": [RULES | {"multi_person": persons}]},
            "inputs": {"billed_kwh": "300"},
            "options": {"multi_person": "first_bound"},
        }

        with pytest.raises(CannotPrice) as refused:
            answered(document)

        assert "multi_person" in refused.value.detail or "tariff_inline.rules" in refused.value.detail

    def test_a_fault_names_the_field_that_was_read_last(self) -> None:
        def fault(code: str, on: Any) -> Any:
            raise KeyError(code, on)

        tables = published_tables()
        with pytest.raises(CannotPrice) as refused:
            preview(asked("A01"), Published(fault, tables.windows, tables.late_fees))

        assert "request." in refused.value.detail and "KeyError" not in refused.value.detail


class TestWhatIsOnlySaid:
    def test_a_null_says_nothing(self) -> None:
        assert answered(asked("A01", options={"demand_mode": None, "free_kwh": None}))["total"] == "370.40"

    def test_all_switches_of_a_utility_may_come_with_any_request(self) -> None:
        switches = {name: switch.default for name, switch in SWITCHES.items()}

        for number in ("A01", "A09", "A16", "A19", "A23", "A27"):
            document = asked(number)
            document["options"] = switches | document["options"] | {"order": "as usual"}
            assert answered(document)["total"] == BILLS[number]["expected"]["total"]

    def test_energy_is_rounded_per_register_however_one_says_it(self) -> None:
        for said in ("integer", "integer_kwh", "integer per register", "integer per register after multiplication"):
            assert answered(asked("A24", options={"kwh_rounding": said}))["total"] == "5391.61"

    def test_funds_of_back_billing_stand_inside_or_beside(self) -> None:
        inside = answered(asked("A19", tariff_inline={"funds": {"FUND_RURAL": "0.02"}}))
        beside = answered(asked("A19", tariff_inline={"FUND_RURAL": "0.02"}))

        assert inside == beside and inside["total"] == "33500.00"

    def test_capacity_beyond_the_contract_of_a_large_customer_at_a_stated_penalty(self) -> None:
        stated = {"customer": {"class": "large_industry"}, "tariff_inline": {"penalty_per_kva": "50"}}

        assert answered({**stated, "inputs": {"kva": "40"}})["total"] == "2000.00"

    def test_a_text_about_the_customer_changes_nothing(self) -> None:
        assert answered(asked("A01", customer={"trade": "textile"}))["total"] == "370.40"

    def test_the_adjustment_alone_is_asked_by_what_is_given(self) -> None:
        document = asked("A11")
        del document["topics"]

        assert answered(document)["total"] == "4500.00"


PATH = re.compile(r"[A-Za-z_]+(?:\[[0-9]+\])?(?:\.[A-Za-z_0-9]+(?:\[[0-9]+\])?)*")
FAULT = re.compile(r"[A-Z][A-Za-z]*(Error|Exception|Interrupt)|Traceback|array|int16|int64|NoneType")


def names_a_field(refused: CannotPrice, document: dict[str, Any]) -> bool:
    """Whether the refusal names a field of the request or the schema, and no fault of the program."""
    known = SAID | {str(place[-1]) for place in places_in(document)}
    for path in PATH.findall(refused.detail):
        last = re.sub(r"[\[\]0-9]", "", path.rpartition(".")[2])
        # A single word may be English; a path or a name of several words is not.
        if last in known and ("." in path or "_" in last or last in PARTS["request"]["properties"]):
            return not FAULT.search(refused.detail)
    return False


def places_in(value: Any, where: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place of a document that holds something, however deep."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inner:
        if where or name in ("customer", "period", "inputs", "options", "tariff_ref", "tariff_inline"):
            yield (*where, name)
            yield from places_in(one, (*where, name))


def put(document: dict[str, Any], where: tuple[Any, ...], value: Any) -> None:
    """Put a value, or nothing where it is `GONE`, at a place."""
    holder: Any = document
    for name in where[:-1]:
        holder = holder[name]
    if value is GONE:
        del holder[where[-1]]
    else:
        holder[where[-1]] = value


GONE = object()


class TestAnyShape:
    """Whatever stands in a field, the answer is a bill or a refusal that names a field, never a fault."""

    VALUES: tuple[Any, ...] = (
        GONE, None, "", "0", "-1", "abc", 1.5, 10**30, True, [], {}, ["1"], {"a": 1}, "9" * 15, "2026-01-01", "1/3",
    )  # fmt: skip

    @pytest.mark.parametrize("number", BILLS)
    def test_is_answered_or_refused(self, number: str) -> None:
        for where in places_in(asked(number)):
            for value in self.VALUES:
                document = asked(number)
                put(document, where, copy.deepcopy(value) if value is not GONE else GONE)
                try:
                    answered(document)
                except CannotPrice as refused:
                    assert names_a_field(refused, document), (where, value, refused)
