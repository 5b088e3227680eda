"""A period cut anywhere keeps every kWh, whatever was read on the day of the cut."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cis.queries.bill_parts import stretch_parts
from cis.queries.energy_columns import BILLED_REGISTERS, PLACE
from cis.queries.part_columns import PartColumns
from cis.queries.part_cuts import Stretch
from cis.rating import Register

Period = tuple[int, list[int], list[int], dict[int, int]]
"""days of a period, where it is cut, where it was read, the kWh of each register and stretch between readings"""
PERIODS = (Register.SHARP, Register.PEAK, Register.FLAT, Register.VALLEY)


@st.composite
def periods(draw: st.DrawFn) -> Period:
    """Any period."""
    days = draw(st.integers(2, 62))
    inside = st.integers(1, days - 1)
    cuts = sorted(draw(st.sets(inside, min_size=1, max_size=3)))
    reads = sorted(draw(st.sets(inside, max_size=4)))
    bounds = len(reads) + 1
    kwh = draw(st.lists(st.integers(0, 10**7), min_size=bounds * len(PERIODS), max_size=bounds * len(PERIODS)))
    return days, cuts, reads, dict(enumerate(kwh))


def cut(days: int, cuts: list[int], reads: list[int], kwh: dict[int, int]) -> tuple[PartColumns, dict[int, int]]:
    """The parts of one account, and what each register used."""
    edges, read = [0, *cuts, days], [0, *reads, days]
    stretches = [Stretch(first, last, 100 + at, 1, 1) for at, (first, last) in enumerate(pairwise(edges))]
    rows = [
        (register, first, last, kwh[number * (len(read) - 1) + at] * 100)
        for number, register in enumerate(PERIODS)
        for at, (first, last) in enumerate(pairwise(read))
    ]
    usage = {
        "row": np.full(len(rows), 7, dtype=np.int64),
        "place": PLACE[np.array([int(register) for register, *_ in rows])],
        "from_on": np.array([first for _, first, _, _ in rows], dtype=np.int64),
        "to_on": np.array([last for _, _, last, _ in rows], dtype=np.int64),
        "energy_kwh_e2": np.array([energy for *_, energy in rows], dtype=np.int64),
    }
    parts, wrong = stretch_parts({7: stretches}, usage=usage, uses=lambda _row, _class: 1_000)
    assert not wrong
    used = {int(register): 0 for register in PERIODS}
    for register, _first, _last, energy in rows:
        used[int(register)] += energy
    return parts, used


@pytest.mark.acceptance("F16")
class TestAPeriodThatIsCut:
    @settings(max_examples=300, deadline=None)
    @given(periods())
    def test_keeps_every_kwh_of_every_register_wherever_it_is_cut(self, period: Period):
        parts, used = cut(*period)

        for place, register in enumerate(BILLED_REGISTERS):
            assert int(parts.energy_kwh_e2[:, place].sum()) == used.get(int(register), 0)
        assert (parts.energy_kwh_e2 >= 0).all()

    @settings(max_examples=300, deadline=None)
    @given(periods())
    def test_puts_what_was_read_on_the_day_of_the_cut_before_it(self, period: Period):
        days, _cuts, reads, kwh = period
        if not reads:
            return

        parts, _used = cut(days, [reads[0]], reads, kwh)

        stretches = len(reads) + 1
        before = [kwh[number * stretches] * 100 for number in range(len(PERIODS))]
        places = [BILLED_REGISTERS.index(register) for register in PERIODS]
        assert parts.energy_kwh_e2[0, places].tolist() == before

    @settings(max_examples=200, deadline=None)
    @given(periods())
    def test_lets_the_tier_year_go_on_from_stretch_to_stretch(self, period: Period):
        parts, used = cut(*period)

        reached = parts.tier_kwh_e2_before + parts.total_kwh_e2()
        assert parts.tier_kwh_e2_before.tolist() == [1_000, *reached[:-1].tolist()]
        assert reached[-1] == 1_000 + sum(used.values())


@pytest.mark.acceptance("F16")
class TestAMeterWithATotalThatIsCut:
    @settings(max_examples=300, deadline=None)
    @given(
        kwh=st.lists(st.integers(0, 3_000), min_size=3, max_size=3),
        rounding=st.integers(-2, 2),
        has_flat=st.booleans(),
        days=st.lists(st.integers(1, 30), min_size=1, max_size=3, unique=True),
    )
    def test_bills_what_it_used_and_not_a_kwh_more(
        self, kwh: list[int], rounding: int, has_flat: bool, days: list[int]
    ):
        peak, valley, rest = kwh
        used = peak + valley + max(rest + rounding, 0)
        registers = {Register.TOTAL: used, Register.PEAK: peak, Register.VALLEY: valley}
        if has_flat:
            registers[Register.FLAT] = rest
        edges = [0, *sorted(days), 31]
        usage = {
            "row": np.zeros(len(registers), dtype=np.int64),
            "place": PLACE[np.array([int(register) for register in registers])],
            "from_on": np.zeros(len(registers), dtype=np.int64),
            "to_on": np.full(len(registers), 31, dtype=np.int64),
            "energy_kwh_e2": np.array([100 * one for one in registers.values()], dtype=np.int64),
        }

        parts, wrong = stretch_parts(
            {0: [Stretch(first, last, 7, 1, 1) for first, last in pairwise(edges)]},
            usage=usage,
            uses=lambda _row, _class: 0,
        )

        flat = BILLED_REGISTERS.index(Register.FLAT)
        assert not wrong
        assert parts.total_kwh_e2().sum() == 100 * used, "the tier year goes on by what was used"
        assert (parts.energy_kwh_e2[:, 0] == parts.energy_kwh_e2[:, 1:].sum(axis=1)).all()
        assert parts.energy_kwh_e2[:, flat].sum() == 100 * (used - peak - valley)
        assert (parts.energy_kwh_e2 >= 0).all()
