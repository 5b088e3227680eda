"""What no rule knows or what a rule misses is refused by name; nothing is priced at zero instead."""

from typing import Any

import pytest

from cis.rating import CannotPrice
from tests.unit.cis.previews.documents import BILLS, answered, asked

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
        METER | {"register": name} for name in ("peak", "flat", "valley", "deep_valley")
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


class TestWhatIsOnlySaid:
    def test_a_text_about_the_customer_changes_nothing(self) -> None:
        assert answered(asked("A01", customer={"trade": "textile"}))["total"] == "370.40"

    def test_the_adjustment_alone_is_asked_by_what_is_given(self) -> None:
        document = asked("A11")
        del document["topics"]

        assert answered(document)["total"] == "4500.00"


class TestAnyShape:
    """Whatever stands in a field, the answer is a bill or a refusal, never a fault."""

    VALUES: tuple[Any, ...] = (None, "", "0", "-1", "abc", 1.5, 10**30, True, [], {}, ["1"], {"a": 1}, "9" * 15)

    @pytest.mark.parametrize("number", BILLS)
    def test_is_answered_or_refused(self, number: str) -> None:
        for part in ("customer", "period", "inputs", "options", "tariff_inline"):
            for name in BILLS[number].get(part) or {}:
                for value in self.VALUES:
                    document = asked(number)
                    document[part][name] = value
                    try:
                        answered(document)
                    except CannotPrice as refused:
                        assert refused.code and refused.detail

    @pytest.mark.parametrize("number", BILLS)
    def test_without_a_field_is_answered_or_refused(self, number: str) -> None:
        for part in ("customer", "period", "inputs", "tariff_ref", "tariff_inline"):
            document = asked(number)
            document.pop(part, None)
            try:
                answered(document)
            except CannotPrice as refused:
                assert refused.code and refused.detail
