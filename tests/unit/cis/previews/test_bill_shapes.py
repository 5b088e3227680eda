"""More bills worked by hand: what used to be dropped, doubled, or priced as something else."""

from decimal import Decimal
from typing import Any

import pytest

from cis.previews.price_change import Cut, cut_lines
from cis.rating import CannotPrice, ChargeCode, LineFacts
from cis.rating.columns import WHOLE
from tests.unit.cis.previews.documents import answered, asked
from tests.unit.cis.previews.test_shapes import HOME, JANUARY, WORKS, meter, registers

TWO_PART = "HB-2026-01-2P-10"
GUANGZHOU = {"customer": HOME, "tariff_ref": "GD-GZ-RES"}
JIANGSU = {"customer": HOME, "tariff_ref": "JS-RES", "period": {"start": "2026-03-01", "end": "2026-04-01"}}
JULY = {"start": "2026-07-01", "end": "2026-08-01"}
MIXED = {"customer": {"class": "industry"}, "tariff_inline": {"industry": "0.7", "residential": "0.5"}, "period": JULY}
APRIL_2008 = {"start": "2008-04-01", "end": "2008-05-01"}


def without(document: dict[str, Any], *names: str) -> dict[str, Any]:
    """The document without some of its fields."""
    return {name: value for name, value in document.items() if name not in names}


def two_homes_and_a_shop() -> dict[str, Any]:
    """A28 with a shop behind the same meter."""
    document = asked("A28", tariff_inline={"commercial": "0.9"})
    document["inputs"]["meters"][2]["curr"] = "20810"
    document["inputs"]["meters"] += meter("sub_commercial", total="500")
    return document


CASES: dict[str, tuple[dict[str, Any], str]] = {
    "stated energy with a capacity price is a whole bill": (
        {
            "customer": WORKS | {"transformers_kva": ["500"]},
            "tariff_inline": {"energy_price": "0.6", "capacity_price": "26"},
            "inputs": {"active_kwh": "50000", "reactive_kvarh": "30000"},
        },
        "43860.00",  # 30000 + 13000 + 2 % of both
    ),
    "the adjustment alone, with a period": (asked("A11", period=APRIL_2008), "4500.00"),
    "the adjustment alone by what is given": (without(asked("A11"), "topics"), "4500.00"),
    "a period asks for the whole bill": (without(asked("A11", period=APRIL_2008), "topics"), "34500.00"),
    "topics of more than the adjustment": (asked("A11") | {"topics": ["single_part", "pf_penalty"]}, "34500.00"),
    "a stated factor is rounded": (asked("A12", inputs={"power_factor": "0.946"}), "-225.00"),
    "what runs again was sealed before": (
        {
            "customer": WORKS | {"transformers_kva": ["1000", "630"]},
            "tariff_ref": TWO_PART,
            "period": JANUARY,
            "inputs": {"events": [{"date": "2026-01-10", "type": "resume", "kva": "1000"}]},
        },
        "35855.67",  # 630 x 26.3 + 1000 x 26.3 x 22/30
    ),
    "the bills before add up": (
        {**JIANGSU, "inputs": {"history": ["2200", "2095"], "billed_kwh": "600"}},
        "370.73",  # 505 x 0.5783 = 292.04, 95 x 0.8283 = 78.69
    ),
    "the tier year begins with nothing": ({**JIANGSU, "period": JANUARY, "inputs": {"billed_kwh": "600"}}, "316.98"),
    "two months have the bounds of two": (
        {**GUANGZHOU, "period": {"start": "2026-07-01", "end": "2026-09-01"}, "inputs": {"billed_kwh": "600"}},
        "357.40",  # 520 x 0.589 + 80 x 0.639
    ),
    "a fixed quantity is by the month": (asked("A29", period={"end": "2026-05-01"}), "3048.27"),
    "a sub-meter's price changes too": (
        {
            **MIXED,
            "inputs": {
                "meters": meter("main", total="1000") + meter("sub_residential", total="500"),
                "price_change": {
                    "on": "2026-07-11",
                    "frozen": "400",
                    "tariff_inline": {"industry": "0.7", "residential": "0.9"},
                },
            },
        },
        "735.60",  # 200 and 300 x 0.7; by days 161 x 0.5 + 339 x 0.9
    ),
    "a sub-meter that was read on the day of change": (
        {
            **MIXED,
            "inputs": {
                "meters": meter("main", total="1000") + meter("sub_residential", total="500"),
                "price_change": {
                    "on": "2026-07-11",
                    "frozen": {"total": "400", "sub_residential": "200"},
                    "tariff_inline": {"industry": "0.7", "residential": "0.9"},
                },
            },
        },
        "720.00",  # 350 + 200 x 0.5 + 300 x 0.9
    ),
    "a capacity price that changes, and one adjustment of all": (
        {
            "customer": {"class": "industry", "transformers_kva": ["100"], "pf_standard": "0.90"},
            "tariff_inline": {"energy_price": "0.6", "capacity_price": "26"},
            "period": JULY,
            "inputs": {
                "meters": registers(total="1000", reactive="1000"),
                "price_change": {
                    "on": "2026-07-11",
                    "frozen": "400",
                    "tariff_inline": {"energy_price": "0.7", "capacity_price": "30"},
                },
            },
        },
        "3869.00",  # 240 + 420 + 2600 x 19/60 + 3000 x 41/60 = 3533.33; pf 0.71: +9.5 % = 335.67
    ),
    "a register that turned over, read on the day of change": (
        {
            "customer": {"class": "commercial"},
            "tariff_inline": {"energy_price": "0.6"},
            "period": JULY,
            "inputs": {
                "meters": [{"register": "total", "prev": "9000", "curr": "1000", "multiplier": "1", "digits": 4}],
                "price_change": {"on": "2026-07-11", "tariff_inline": {"energy_price": "0.7"}, "frozen": "500"},
            },
        },
        "1250.00",  # 1500 x 0.6 + 500 x 0.7
    ),
    "homes are not adjusted as the main part either": (
        {
            "customer": {"class": "residential_single_household", "pf_standard": "0.85"},
            "tariff_inline": {"residential": "0.5", "industry": "0.7"},
            "inputs": {
                "power_factor": "0.89",
                "meters": meter("main", total="1000") + meter("sub_industry", total="300"),
            },
        },
        "559.16",  # 350 + 210 - 0.4 % of 210
    ),
    "sub-meters of two classes": (two_homes_and_a_shop(), "6346.19"),
    "an old meter without periods of a published tariff": (
        {
            "customer": {"class": "commercial", "voltage": "10kV"},
            "tariff_ref": "HB-2026-01-1P-10",
            "period": JANUARY,
            "inputs": {
                "meters": meter("old", total="100") + meter("new", sharp="10", peak="20", flat="30", valley="40")
            },
        },
        "142.31",  # 67.07 + 10.69 + 17.32 + 20.12 + 18.07, funds 4.52 twice
    ),
    "both meters' reactive energy counts where both measured it": (
        {
            "customer": {"class": "industry", "pf_standard": "0.90"},
            "tariff_inline": {"peak": "0.8", "flat": "0.5", "valley": "0.2"},
            "inputs": {
                "meters": meter("old", total="6000", reactive="12000")
                + meter("new", total="36000", peak="8000", valley="6000", reactive="16200")
            },
        },
        "22356.00",  # 21600; P 42000, Q 28200: 0.83, +3.5 %
    ),
    "eight decimals of Beijing": (
        {
            "customer": {"class": "commercial", "voltage": "10kV"},
            "tariff_ref": "BJ-2025-02-1P-10",
            "period": {"start": "2025-02-01", "end": "2025-03-01"},
            "inputs": {"meters": registers(peak="1000", flat="1000", valley="1000")},
        },
        "2548.35",  # 1148.62 + 836.44 + 563.29
    ),
    "a month whose bounds are known, of a table where others are not": (
        {
            "customer": HOME,
            "tariff_ref": "SC-RES",
            "period": {"start": "2027-01-01", "end": "2027-02-01"},
            "inputs": {"billed_kwh": "300"},
        },
        "172.72",  # 180 x 0.5224, 100 x 0.6224, 20 x 0.8224
    ),
    "a whole February of an account that closes with it": (
        {
            "customer": WORKS | {"transformers_kva": ["1000"]},
            "tariff_ref": TWO_PART,
            "period": {"start": "2026-02-01", "end": "2026-03-01"},
            "inputs": {"event": "account_closed"},
        },
        "26300.00",
    ),
    "a shared home is a home when it pays late": (asked("A16", customer={"class": "shared_residential"}), "77.00"),
    "the order of a late fee is for people": (asked("A16", options={"order": "any"}), "190.00"),
}


class TestShapes:
    @pytest.mark.parametrize("name", CASES)
    def test_come_to_what_was_worked_by_hand(self, name: str) -> None:
        document, total = CASES[name]

        assert Decimal(answered(document)["total"]) == Decimal(total)

    @pytest.mark.parametrize("voltage", ["10千伏", "10 kV", "1-10(20)kV", "10000V", "高压"])
    def test_a_voltage_is_read_as_people_write_it(self, voltage: str) -> None:
        document = {
            "customer": {"class": "industry", "capacity_kva": "500", "voltage": voltage},
            "tariff_inline": {"energy_price": "0.6"},
            "inputs": {"meters": registers(total="100", reactive="100")},
        }

        assert answered(document)["quantities"]["pf_standard"] == "0.90"

    @pytest.mark.parametrize("voltage", ["<1kV", "不满1千伏", "380V", "220/380V", "低压", "1kV以下"])
    def test_a_low_voltage_too(self, voltage: str) -> None:
        document = {
            "customer": {"class": "industry", "capacity_kva": "500", "voltage": voltage},
            "tariff_inline": {"energy_price": "0.6"},
            "inputs": {"meters": registers(total="100", reactive="100")},
        }

        assert answered(document)["quantities"]["pf_standard"] == "0.85"


class TestWhatIsSaid:
    def test_a_share_beside_a_sub_meter_takes_the_class_that_is_left(self) -> None:
        document = two_homes_and_a_shop()
        document["inputs"]["meters"].pop()
        document["inputs"]["ratio_pct"] = "10"

        lines = {line["code"]: line["amount"] for line in answered(document)["lines"]}

        assert lines["ENERGY_RATIO"] == "801.90" and lines["ENERGY_RES"] == "446.64"

    def test_a_part_may_name_its_class(self) -> None:
        document = asked("A29", tariff_inline={"commercial": "0.9"}, inputs={"fixed_class": "commercial"})

        assert answered(document)["lines"][0]["amount"] == "720.00"

    def test_two_sub_meters_of_one_class_add_up(self) -> None:
        meters = meter("main", total="2000") + meter("sub_residential", total="800")
        document = {**MIXED, "inputs": {"meters": meters + meter("sub_residential_2", total="500")}}

        assert answered(document)["quantities"]["res"] == "1300"

    def test_tiers_at_two_prices_are_those_of_the_bill(self) -> None:
        document = asked("A01", inputs={"price_change": {"on": "2026-07-11", "tariff_ref": "GD-SZ-RES"}})

        said = answered(document)["quantities"]

        assert (said["t1"], said["t2"], said["t3"]) == ("260", "340", "0")

    def test_a_seal_of_the_old_state_is_a_day_later(self) -> None:
        document = asked("A07", options={"seal_day_counts_as_suspended": False})

        answer = answered(document)

        assert answer["quantities"]["suspended_days"] == "19"
        assert {line["factor"] for line in answer["lines"] if "factor" in line} == {"11/30", "19/60"}


class TestCutLines:
    def line(self, code: ChargeCode, quantity: int, price_e8: int, share: int = WHOLE) -> LineFacts:
        return LineFacts(code, quantity, price_e8, 0, share, {})

    def test_a_charge_whose_price_stays_is_one_line(self) -> None:
        capacity = self.line(ChargeCode.CAPACITY, 10_000, 26 * 10**8)

        assert cut_lines([capacity], [capacity], Cut({}, (10, 21))) == [capacity]

    def test_a_part_of_a_month_at_two_prices_has_no_rule(self) -> None:
        old, new = (self.line(ChargeCode.CAPACITY, 10_000, price * 10**8, 30) for price in (26, 30))

        with pytest.raises(CannotPrice, match="price_change_shape"):
            cut_lines([old], [new], Cut({}, (10, 21)))
