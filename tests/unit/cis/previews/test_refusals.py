"""What no rule knows or what a rule misses is refused by name; nothing is priced at zero instead."""

from typing import Any

import pytest

from cis.rating import CannotPrice
from tests.unit.cis.previews.documents import answered, asked

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
    ("unpriced_register", asked("A24", inputs={"meters": [METER | {"register": "deep_valley"}]})),
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
