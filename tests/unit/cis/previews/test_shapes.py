"""Bills worked by hand from the rules, in shapes beside the golden ones."""

from decimal import Decimal
from typing import Any

import pytest

from tests.unit.cis.previews.documents import answered, asked

HOME = {"class": "residential_single_household", "voltage": "<1kV"}
WORKS = {"class": "large_industry", "voltage": "10kV"}
SHOP = {"class": "ordinary_industry", "voltage": "10kV"}
JANUARY = {"start": "2026-01-01", "end": "2026-02-01"}


def registers(**values: str) -> list[dict[str, str]]:
    """A meter that begins at nought."""
    return [{"register": name, "prev": "0", "curr": value, "multiplier": "1"} for name, value in values.items()]


def meter(name: str, **values: str) -> list[dict[str, str]]:
    """The same of a meter with a name."""
    return [{"meter": name, **one} for one in registers(**values)]


CASES: dict[str, tuple[dict[str, Any], str]] = {
    "a full two-part bill is not cut down to its adjustment": (
        {
            "topics": ["pf_penalty"],
            "customer": WORKS | {"transformers_kva": ["800"], "pf_standard": "0.90"},
            "tariff_ref": "HB-2026-01-2P-10",
            "period": JANUARY,
            "inputs": {"meters": registers(sharp="2000", peak="6000", flat="8000", valley="4000", reactive="12000")},
        },
        # 2009.60 + 4810.57 + 4853.49 + 1550.90 = 13224.56; 800 x 26.3 = 21040; pf 0.86: +2 % of 34264.56; funds 904
        "35853.85",
    ),
    "stated bounds of a transfer are those of the bill": (
        {
            "customer": HOME,
            "tariff_ref": "JS-RES",
            "period": {"start": "2018-07-01", "end": "2018-08-20"},
            "inputs": {
                "event": "account_transferred",
                "tier_bounds_applied": ["1840", "3200"],
                "tier_year_kwh_before": "1500",
                "billed_kwh": "600",
            },
        },
        "329.98",  # 340 x 0.5283 = 179.62, 260 x 0.5783 = 150.36
    ),
    "stated bounds of a month": (
        {
            "customer": HOME,
            "tariff_ref": "GD-GZ-RES",
            "period": {"start": "2026-07-01", "end": "2026-08-01"},
            "inputs": {"tier_bounds_applied": ["360", "700"], "billed_kwh": "500"},
        },
        "301.50",  # 360 x 0.589 = 212.04, 140 x 0.639 = 89.46
    ),
    "a register of four digits that turned": (
        {
            "customer": {"class": "commercial"},
            "tariff_inline": {"energy_price": "0.6"},
            "inputs": {
                "meters": [{"register": "total", "prev": "9000", "curr": "1000", "multiplier": "1", "digits": 4}]
            },
        },
        "1200.00",
    ),
    "a larger household of Guangdong, first bound only": (
        {
            "customer": HOME | {"people": 5},
            "tariff_ref": "GD-GZ-RES",
            "options": {"multi_person": "first_bound"},
            "period": {"start": "2026-07-01", "end": "2026-08-01"},
            "inputs": {"billed_kwh": "650"},
        },
        "409.85",  # 360 x 0.589 = 212.04, 240 x 0.639 = 153.36, 50 x 0.889 = 44.45
    ),
    "sealed capacity does not lift a contract value": (
        {
            "customer": WORKS | {"transformers_kva": ["1600", "1600"]},
            "tariff_ref": "HB-2026-01-2P-10",
            "period": JANUARY,
            "options": {"demand_mode": "contract"},
            "inputs": {
                "contract_kw": "700",
                "max_demand_kw": "600",
                "events": [{"date": "2026-01-01", "type": "suspend", "kva": "1600"}],
            },
        },
        "29400.00",
    ),
    "an account that closes pays its capacity by the day": (
        {
            "customer": WORKS | {"transformers_kva": ["1000"]},
            "tariff_ref": "HB-2026-01-2P-10",
            "period": {"start": "2026-01-01", "end": "2026-01-13"},
            "inputs": {"event": "account_closed"},
        },
        "10520.00",
    ),
    "an account that opens pays its demand by the day": (
        {
            "customer": WORKS | {"transformers_kva": ["1000"]},
            "tariff_ref": "HB-2026-01-2P-10",
            "period": {"start": "2026-01-20", "end": "2026-02-01"},
            "inputs": {"event": "account_opened", "max_demand_kw": "500"},
        },
        "8400.00",
    ),
    "two meters one after the other fill the tiers once": (
        {
            "customer": HOME,
            "tariff_ref": "ZJ-RES",
            "period": {"start": "2026-08-01", "end": "2026-09-01"},
            "inputs": {"tier_year_kwh_before": "2700", "meters": meter("old", total="40") + meter("new", total="60")},
        },
        "55.80",  # 60 x 0.538 + 40 x 0.588
    ),
    "the factor of two meters one after the other": (
        {
            "customer": SHOP | {"pf_standard": "0.90"},
            "tariff_inline": {"energy_price": "0.6"},
            "inputs": {
                "meters": meter("old", total="10000", reactive="10000") + meter("new", total="10000", reactive="0")
            },
        },
        "12060.00",  # pf 0.89: +0.5 %
    ),
    "the demand of two meters one after the other is the higher": (
        {
            "customer": WORKS | {"transformers_kva": ["1000"]},
            "tariff_ref": "HB-2026-01-2P-10",
            "period": JANUARY,
            "inputs": {"meters": meter("old", demand="400") + meter("new", demand="500")},
        },
        "21000.00",
    ),
    "a shop is not a home because its class says so": (
        {
            "customer": {"class": "non_residential", "voltage": "10kV"},
            "tariff_inline": {"non_residential": "0.8", "residential": "0.5"},
            "inputs": {"main_kwh": "1000", "fixed_kwh": "100"},
        },
        "770.00",
    ),
    "a shared meter at ten kilovolt": (
        {
            "customer": {"class": "residential_shared", "voltage": "10kV"},
            "tariff_ref": "ZJ-RES",
            "period": JANUARY,
            "inputs": {"billed_kwh": "1000"},
        },
        "538.00",
    ),
    "the register of the day on which a price changed": (
        {
            "customer": {"class": "commercial"},
            "tariff_inline": {"energy_price": "0.6"},
            "period": {"start": "2026-07-01", "end": "2026-08-01"},
            "inputs": {
                "meters": registers(total="1000"),
                "price_change": {"on": "2026-07-11", "tariff_inline": {"energy_price": "0.7"}, "frozen": "400"},
            },
        },
        "660.00",
    ),
    "a sub-meter with periods of its own is taken from those": (
        {
            "customer": SHOP,
            "tariff_inline": {"peak": "0.9", "flat": "0.6", "valley": "0.3", "residential_shared": "0.5"},
            "inputs": {
                "meters": meter("main", peak="1000", flat="1000", valley="1000")
                + meter("sub_a", flat="100", peak="200")
            },
        },
        "1710.00",  # 800 x 0.9 + 900 x 0.6 + 1000 x 0.3 = 1560, and 300 x 0.5
    ),
    "the discount by load looks at the main meter": (
        {
            "customer": WORKS | {"transformers_kva": ["1000"]},
            "tariff_inline": {"industry": "0.6", "residential_shared": "0.5", "demand_price": "42"},
            "options": {"load_factor_discount": "90_from_260_kwh_per_kva"},
            "inputs": {
                "meters": meter("main", total="261000") + meter("sub_residential", total="5000"),
                "max_demand_kw": "900",
            },
        },
        "190120.00",  # 256000 x 0.6 + 5000 x 0.5 + 900 x 37.8
    ),
    "of two transformers alike the first sealed runs first": (
        {
            "customer": WORKS | {"transformers_kva": ["1000", "1000"]},
            "tariff_ref": "HB-2026-01-2P-10",
            "period": JANUARY,
            "inputs": {
                "events": [
                    {"date": "2026-01-10", "type": "suspend", "kva": "1000"},
                    {"date": "2026-01-15", "type": "suspend", "kva": "1000"},
                    {"date": "2026-01-28", "type": "resume", "kva": "1000"},
                ]
            },
        },
        # the first: 9 + 4 = 13 days, the second: 14 days
        "23670.00",
    ),
    "capacity beyond the contract without a basic charge": (
        {"customer": {"class": "commercial"}, "tariff_inline": {"energy_price": "1"}, "inputs": {"kva": "40"}},
        "2000.00",
    ),
    "free energy of a home billed by period is credited at the first tier's price": (
        asked("A06", customer={"low_income": True}),
        "252.21",  # 260.28 - 15 x 0.538
    ),
    "free energy at a stated price": (
        {
            "customer": HOME | {"low_income": True},
            "tariff_inline": {"peak": "0.6", "valley": "0.3"},
            "options": {"free_kwh_price": "0.5"},
            "inputs": {"meters": registers(peak="100", valley="100")},
        },
        "82.50",
    ),
    "free energy of a home that has one price": (
        {
            "customer": HOME | {"low_income": True},
            "tariff_inline": {"energy_price": "0.6"},
            "inputs": {"billed_kwh": "100"},
        },
        "51.00",
    ),
    "a meter without sharp hours in a month that has none": (
        asked(
            "A24",
            inputs={"meters": asked("A24")["inputs"]["meters"][1:]},
            options={"tou_windows_ref": "GD-TOU-2021-331"},
        ),
        "4313.17",
    ),
    "stated energy feeds in too": (
        {
            "customer": HOME,
            "tariff_ref": "JS-RES",
            "period": {"start": "2026-05-01", "end": "2026-06-01"},
            "inputs": {"tier_year_kwh_before": "0", "import_kwh": "100", "export_kwh": "50", "feed_in_price": "0.391"},
        },
        "52.83",
    ),
}


class TestShapes:
    @pytest.mark.parametrize("name", CASES)
    def test_come_to_what_was_worked_by_hand(self, name: str) -> None:
        document, total = CASES[name]

        assert Decimal(answered(document)["total"]) == Decimal(total)

    def test_days_of_a_seal_are_those_of_the_period(self) -> None:
        events = [{"date": "2025-12-20", "type": "suspend", "kva": "630"}]

        assert answered(asked("A34", inputs={"events": events}))["quantities"]["suspended_days"] == "31"
