"""Parts of a bill cut in time: nothing is lost, and the bill is what a slip of paper says, line by line."""

from __future__ import annotations

import itertools
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cis.models.supply_terms import BillPart
from cis.queries.energy_columns import BILLED_REGISTERS
from cis.queries.part_columns import PartColumns
from cis.queries.part_cuts import Stretch, cut_part
from cis.queries.part_explaining import explain_parts
from cis.queries.part_rating import BillFacts, rate_parts
from cis.rating import CHARGES, ChargeCode, Register, Switches

KIND = BillPart.Kind
WIDTH = len(BILLED_REGISTERS)
PLACES = [BILLED_REGISTERS.index(one) for one in (Register.PEAK, Register.FLAT, Register.VALLEY)]
FEN = Decimal("0.01")
PRICES = st.integers(1, 300_000_000).map(lambda e8: Decimal(e8).scaleb(-8))
KWH = st.integers(0, 10**6)


def part(kind: int, energy: dict[int, int], has: list[int], **more: Any) -> dict[str, Any]:
    """A row of parts; kWh by place."""
    row, there = np.zeros(WIDTH, dtype=np.int64), np.zeros(WIDTH, dtype=np.bool_)
    there[has] = True
    for place, kwh in energy.items():
        row[place] = kwh * 100
    return {"row": 0, "kind": int(kind), "energy_kwh_e2": row, "has_register": there, "from_on": 0, "to_on": 31} | more


@st.composite
def cuts(draw: st.DrawFn) -> tuple[list[Stretch], np.ndarray]:
    """Two to four stretches of a month, and what was read in each."""
    edges = [0, *sorted(draw(st.sets(st.integers(1, 30), min_size=1, max_size=3))), 31]
    stretches = [Stretch(a, b, 10 + at, 2, 1) for at, (a, b) in enumerate(itertools.pairwise(edges))]
    measured = np.zeros((len(stretches), WIDTH), dtype=np.int64)
    for at in range(len(stretches)):
        for place in PLACES:
            measured[at, place] = draw(KWH) * 100
    return stretches, measured


class TestCuttingAPart:
    @settings(max_examples=200, deadline=None)
    @given(cuts(), st.lists(KWH, min_size=3, max_size=3), KWH)
    def test_keeps_all_of_it_and_the_place_in_the_tier_year(
        self, cut: tuple[list[Stretch], np.ndarray], kwh: list[int], loss: int
    ) -> None:
        stretches, measured = cut
        whole = part(KIND.MAIN, dict(zip(PLACES, kwh, strict=True)), PLACES, loss_kwh_e2=loss * 100)

        found = cut_part(whole, stretches, measured, uses=lambda _class: 7_00)

        energy = np.stack([one["energy_kwh_e2"] for one in found])
        assert energy.sum(axis=0).tolist() == whole["energy_kwh_e2"].tolist()
        assert sum(one["loss_kwh_e2"] for one in found) == loss * 100
        assert (energy >= 0).all()
        before = 7_00
        for one in found:
            assert one["tier_kwh_e2_before"] == before
            before += int(one["energy_kwh_e2"].sum())
        # What the meter read in the same shares is cut as it was read.
        same = cut_part(
            part(KIND.MAIN, {p: int(measured[:, p].sum()) // 100 for p in PLACES}, PLACES), stretches, measured,
            uses=lambda _class: 0,
        )  # fmt: skip
        assert np.stack([one["energy_kwh_e2"] for one in same]).tolist() == measured.tolist()


@st.composite
def bills(draw: st.DrawFn) -> dict[str, Any]:
    """A works with energy in stretches, an agreed part whose price changes too, a home behind a sub-meter."""
    stretches, _measured = draw(cuts())
    k = len(stretches)
    return {
        "stretches": stretches,
        "kwh": draw(st.lists(KWH, min_size=k, max_size=k)),
        "prices": draw(st.lists(PRICES, min_size=k, max_size=k)),
        "fixed_kwh": draw(st.lists(KWH, min_size=2, max_size=2)),
        "fixed_prices": draw(st.lists(PRICES, min_size=2, max_size=2)),
        "home": (draw(KWH), draw(PRICES)),
        "factor": draw(st.integers(70, 100)),
        "kva": draw(st.integers(1, 5_000)),
        "fund": draw(PRICES),
    }


def flat(price: Decimal, *more: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"kind": "flat_energy", "price_yuan": f"{price:f}"}, *more]


def yuan(value: Decimal) -> Decimal:
    return value.quantize(FEN, ROUND_HALF_UP)


def rate_e8(factor: int) -> int:
    """The published table for 0.90, written out: 0.15 % a hundredth to 0.95, 0.5 % a hundredth down to 0.70."""
    return -150_000 * min(factor - 90, 5) if factor > 90 else 500_000 * (90 - factor)


class TestABillOfManyPartsAndPrices:
    @settings(max_examples=200, deadline=None)
    @given(bills())
    def test_is_what_a_slip_of_paper_says(self, bill: dict[str, Any]) -> None:
        basic = {"kind": "basic_charge", "capacity_price_yuan_per_kva_month": "26.3"}
        adjusted = {"kind": "power_factor", "table": "1983-215"}
        fund = {"kind": "funds", "items": [{"charge": "FUND_RURAL", "price_yuan": f"{bill['fund']:f}"}]}
        rules = {10 + at: flat(price, basic, adjusted, fund) for at, price in enumerate(bill["prices"])}
        rules |= {20 + at: flat(price) for at, price in enumerate(bill["fixed_prices"])}
        rules[30] = flat(bill["home"][1])
        rows = [
            part(KIND.FIXED, {0: bill["fixed_kwh"][0]}, [0], version=20, price_class=2, to_on=9),
            part(KIND.FIXED, {0: bill["fixed_kwh"][1]}, [0], version=21, price_class=2, from_on=9),
            *(
                part(
                    KIND.STRETCH, {0: kwh}, [0], version=one.version, price_class=3, from_on=one.from_on,
                    to_on=one.to_on,
                )
                for one, kwh in zip(bill["stretches"], bill["kwh"], strict=True)
            ),
            part(KIND.SUB_METER, {0: bill["home"][0]}, [0], version=30, price_class=1),
        ]  # fmt: skip
        more = {
            "demand_mode": [1], "capacity_kva_e2": [[bill["kva"] * 100]], "capacity_share": [[60]],
            "capacity_is_half": [[0]], "floor_kva_e2": [0], "contract_kw_e4": [0], "demand_kw_e4": [[0]],
            "pf_standard_e2": [90], "power_factor_e2": [bill["factor"]], "pf_active_kwh_e2": [1],
            "pf_reactive_kvarh_e2": [0],
        }  # fmt: skip
        facts = BillFacts(
            bill_month=1,
            months=np.array([1], dtype=np.int8),
            tier_months=np.array([12], dtype=np.int8),
            switches=lambda _row: Switches(),
            rules=rules,
            more=lambda rows: {name: np.array(value, dtype=np.int64)[rows] for name, value in more.items()},
        )
        columns = PartColumns.of(rows)

        rated = rate_parts(columns, facts)

        energy = [yuan(kwh * price) for kwh, price in zip(bill["kwh"], bill["prices"], strict=True)]
        others = [yuan(kwh * price) for kwh, price in zip(bill["fixed_kwh"], bill["fixed_prices"], strict=True)]
        capacity = yuan(bill["kva"] * Decimal("26.3"))
        base = sum([*energy, *others, capacity], Decimal())
        wanted = [*others, *energy, capacity, yuan(base * rate_e8(bill["factor"]) / 10**8)]
        wanted += [yuan(kwh * bill["fund"]) for kwh in bill["kwh"]] + [yuan(bill["home"][0] * bill["home"][1])]
        assert not rated.left_out
        mine = [Decimal(int(fen)).scaleb(-2) for fen in rated.lines.amount_fen]
        assert sorted(one for one in mine if one) == sorted(one for one in wanted if one)
        sold = np.isin(rated.lines.code, [int(ChargeCode.ENERGY)])
        assert rated.lines.quantity[sold].sum() == columns.total_kwh_e2().sum()
        explained = explain_parts(columns, facts)
        assert [(int(one.code), one.amount_fen) for one in explained] == list(
            zip(rated.lines.code.tolist(), rated.lines.amount_fen.tolist(), strict=True)
        )
        assert all(CHARGES[one.code] for one in explained)
