"""Readings of a request: what cannot be, is said twice or is missing is refused by name."""

from decimal import Decimal
from typing import Any

import pytest

from cis.rating import CannotPrice
from tests.unit.cis.previews.documents import answered, asked
from tests.unit.cis.previews.test_shapes import HOME, JANUARY, SHOP, WORKS, meter, registers

TOTAL: dict[str, Any] = {"register": "total", "prev": "0", "curr": "100", "multiplier": "1"}
TWO_PART: dict[str, Any] = {
    "customer": WORKS | {"transformers_kva": ["1000"]},
    "tariff_ref": "HB-2026-01-2P-10",
    "period": JANUARY,
}
SOLAR = asked("A25")["inputs"]["meters"]
EXCHANGE: dict[str, Any] = {
    "customer": {"class": "ordinary_industry", "voltage": "10kV", "pf_standard_after": "0.90"},
    "tariff_inline": {"flat": "0.5", "peak": "0.8", "valley": "0.2"},
}
OLD = [
    {"meter": "old", "register": name, "prev": "0", "curr": value, "multiplier": "20"}
    for name, value in (("total", "300"), ("reactive", "600"))
]
NEW = [
    {"meter": "new", "register": name, "prev": "0", "curr": value, "multiplier": "200"}
    for name, value in (("total", "180"), ("peak", "40"), ("valley", "30"), ("reactive", "81"))
]
LOSSES: dict[str, Any] = {
    "customer": SHOP | {"pf_standard": "0.90"},
    "tariff_inline": {"energy_price": "0.5"},
}


def shop(**inputs: Any) -> dict[str, Any]:
    """A plain bill at 0.6 yuan."""
    return {"customer": {"class": "commercial"}, "tariff_inline": {"energy_price": "0.6"}, "inputs": inputs}


def refused(document: dict[str, Any]) -> CannotPrice:
    """The refusal."""
    with pytest.raises(CannotPrice) as found:
        answered(document)
    return found.value


REFUSED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "a register that went back by a little has not turned": (
        "negative_advance", "meters[0].curr",
        shop(meters=[TOTAL | {"prev": "5000", "curr": "4990", "digits": 6}]),
    ),
    "a value with more digits than its register": (
        "out_of_range", "meters[0].prev",
        shop(meters=[TOTAL | {"prev": "99980", "curr": "1.25", "digits": 4}]),
    ),
    "a register of no digits": ("out_of_range", "digits", shop(meters=[TOTAL | {"digits": 0}])),
    "a meter without its ratio": (
        "missing_field", "meters[0].multiplier", shop(meters=[{"register": "total", "prev": "0", "curr": "100"}]),
    ),
    "demand of feeders and of all": (
        "register_twice", "max_demand_kw",
        TWO_PART | {"inputs": {"feeders": [{"max_demand_kw": "500"}], "max_demand_kw": "500"}},
    ),
    "demand of a meter and stated": (
        "register_twice", "max_demand_kw",
        TWO_PART | {"inputs": {"meters": meter("main", demand="500"), "max_demand_kw": "500"}},
    ),
    "demand twice": (
        "register_twice", "register", TWO_PART | {"inputs": {"meters": 2 * meter("main", demand="500")}},
    ),
    "reactive twice": (
        "register_twice", "register",
        shop(meters=registers(total="100", reactive="10") + registers(reactive_total="10")),
    ),
    "reactive metered and stated": (
        "register_twice", "reactive_kvarh", shop(meters=registers(total="100", reactive="10"), reactive_kvarh="10"),
    ),
    "reactive as one and as two": (
        "register_twice", "reactive_import_kvarh",
        shop(active_kwh="100", reactive_kvarh="10", reactive_import_kvarh="10"),
    ),
    "fed in twice": ("register_twice", "register", asked("A25", inputs={"meters": [*SOLAR, SOLAR[1]]})),
    "generated twice": ("register_twice", "register", asked("A25", inputs={"meters": [*SOLAR, SOLAR[2]]})),
    "fed in, metered and stated": ("register_twice", "export_kwh", asked("A25", inputs={"export_kwh": "1"})),
    "two words for a share": (
        "register_twice", "ratio_pct", asked("A29", inputs={"ratio_pct": "10", "fixed_ratio_pct": "10"}),
    ),
    "an estimate settled under tiers by month": (
        "rebill_estimated_month", "estimated_prev",
        {
            "customer": HOME,
            "tariff_ref": "GD-GZ-RES",
            "period": {"start": "2026-07-01", "end": "2026-08-01"},
            "inputs": {"last_actual": "7010", "estimated_prev": "7310", "actual_curr": "7530"},
        },
    ),
    "an actual reading below the last actual one": (
        "negative_advance", "actual_curr", asked("A35", inputs={"actual_curr": "6900"}),
    ),
    "an estimate below the last actual reading": (
        "negative_advance", "estimated_prev", asked("A35", inputs={"estimated_prev": "7000"}),
    ),
    "a settlement beside what was used": (
        "register_twice", "actual_curr", asked("A35", inputs={"billed_kwh": "220"}),
    ),
    "the settlement of a works without its ratio": (
        "missing_field", "inputs.multiplier",
        shop(last_actual="7010", estimated_prev="7310", actual_curr="7530"),
    ),
    "reactive energy of the old meter alone": (
        "missing_field", "reactive", EXCHANGE | {"inputs": {"meters": OLD + NEW[:3]}},
    ),
    "the meter that went without the one that came": (
        "missing_field", "new", EXCHANGE | {"inputs": {"meters": OLD}},
    ),
    "a main meter beside one that was exchanged": (
        "unknown_meter", "main", shop(meters=meter("main", total="100") + meter("new", total="100")),
    ),
    "a sub-meter without energy": (
        "missing_field", "sub_a", shop(meters=meter("main", total="100") + meter("sub_a", reactive="10")),
    ),
    "iron loss without the coefficient": (
        "missing_field", "loss_coefficient",
        LOSSES | {"inputs": {"active_kwh": "1000", "iron_loss_kw": "0.5", "loss_hours": "720"}},
    ),
    "active loss without the reactive one": (
        "missing_field", "reactive_transformer_loss", asked("A15", inputs={"reactive_transformer_loss": None}),
    ),
    "reactive loss without the active one": (
        "missing_field", "active_transformer_loss", asked("A15", inputs={"active_transformer_loss": None}),
    ),
    "reactive loss without reactive energy": (
        "missing_field", "reactive_kvarh", asked("A15", inputs={"reactive_kvarh": None}),
    ),
    "the month's loss of a meter that did not stay": (
        "missing_field",
        "loss_days",
        asked("A09", inputs={"loss_days": None}),
    ),
    "losses by table and stated": (
        "register_twice", "active", asked("A15", inputs={"transformer_loss_monthly_kwh": "300"}),
    ),
    "a total far from the periods, without a flat price": (
        "registers_disagree", "total",
        asked("A06", inputs={"meters": registers(total="600", peak="300", valley="260")}),
    ),
}  # fmt: skip

BILLED: dict[str, tuple[dict[str, Any], str]] = {
    "both meters of an exchange have one factor": (
        EXCHANGE | {"inputs": {"meters": OLD + NEW}},
        # 42,000 kWh and 28,200 kvarh: 0.83, +3.5 % of 3,000 + 18,600 = 756
        "22356.00",
    ),
    "a meter without reactive energy before one with it": (
        EXCHANGE | {"inputs": {"meters": [OLD[0], NEW[0], NEW[3]]}},
        "20973.00",  # 3,000 + 18,000; 36,000 kWh and 16,200 kvarh: 0.91, -0.15 % of 18,000
    ),
    "a home by period whose total rounds": (
        asked("A06", inputs={"meters": registers(total="561", peak="300", valley="260")}),
        "260.28",
    ),
    "and the other way": (asked("A06", inputs={"meters": registers(total="558", peak="300", valley="260")}), "260.28"),
    "what both meters of an exchange fed in": (
        asked("A25", inputs={"meters": meter("old", total="100", export_total="10")
            + meter("new", total="100", export_total="20")}),
        "105.66",
    ),
    "an estimate that was too high goes back": (asked("A35", inputs={"actual_curr": "7110"}), "-107.60"),
    "losses of a customer without reactive energy": (
        LOSSES | {"customer": {"class": "agriculture"}, "inputs": {
            "active_kwh": "1000", "iron_loss_kw": "0.5", "loss_hours": "720", "loss_coefficient": "0.01"}},
        "685.00",  # 1000 + 360 + 10
    ),
    "forward and reverse energy add up": (
        LOSSES | {"inputs": {
            "active_kwh": "40000", "reactive_import_kvarh": "9000", "reactive_export_kvarh": "8716"}},
        "19970.00",  # 17,716 kvarh: 0.91, -0.15 % of 20,000
    ),
}  # fmt: skip


class TestReadings:
    @pytest.mark.parametrize("name", REFUSED)
    def test_are_refused_by_name(self, name: str) -> None:
        code, named, document = REFUSED[name]

        found = refused(document)

        assert (found.code, named in found.detail) == (code, True), found

    @pytest.mark.parametrize("name", BILLED)
    def test_are_billed(self, name: str) -> None:
        document, total = BILLED[name]

        assert Decimal(answered(document)["total"]) == Decimal(total)

    def test_what_both_meters_fed_in_is_one_payable(self) -> None:
        answer = answered(BILLED["what both meters of an exchange fed in"][0])

        assert answer["settlement"]["export_kwh"] == "30"
