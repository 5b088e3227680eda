"""Capacity by the day: every kVA is charged for the days on which it runs, and loses energy on no other."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cis.rating.capacity_days import CapacityEvent, Held, charged_by_days, layers_of, stretches_of
from cis.rating.columns import WHOLE
from cis.rating.refusal import CannotPrice
from cis.rating.rules.losses import in_use_loss_e2
from cis.rating.switches import Switches

START = 100


@st.composite
def months(draw: st.DrawFn) -> tuple[int, list[Held]]:
    """A month's days, and what is agreed and sealed in it; never more sealed than there is."""
    days = draw(st.integers(28, 31))
    agreed = draw(st.integers(1, 40))
    held, left = [Held(agreed, START - 5, START + days + 5)], agreed
    for _ in range(draw(st.integers(0, 4))):
        off = draw(st.integers(0, left))
        left -= off
        first = draw(st.integers(START - 3, START + days))
        held.append(Held(-off, first, draw(st.integers(first, START + days + 3))))
        if draw(st.booleans()):
            held.append(Held(draw(st.integers(0, 9)), first, draw(st.integers(first, START + days + 3))))
    return days, held


def by_day(days: int, held: list[Held]) -> list[int]:
    """What runs on each day."""
    return [sum(one.kva_e2 for one in held if one.from_day <= day < one.to_day) for day in range(START, START + days)]


class TestLayers:
    @given(months())
    def test_charge_every_unit_for_its_own_days(self, month: tuple[int, list[Held]]) -> None:
        days, held = month
        runs = by_day(days, held)

        charged = charged_by_days(held, START, START + days, is_whole=True)

        wanted = 0
        for unit in range(1, max(runs) + 1):
            there = sum(running >= unit for running in runs)
            wanted += WHOLE if there == days else min(there, 30) * 2
        assert sum(one.kva_e2 * one.share for one in charged) == wanted
        assert all(one.kva_e2 > 0 and one.share > 0 for one in charged)

    @given(months(), st.integers(0, 31))
    def test_of_two_halves_of_the_month_are_those_of_the_month(self, month: tuple[int, list[Held]], cut: int) -> None:
        days, held = month
        cut = min(cut, days)

        def kva_days(first: int, last: int) -> int:
            return sum(kva * for_days for kva, for_days in layers_of(held, first, last))

        assert kva_days(START, START + days) == kva_days(START, START + cut) + kva_days(START + cut, START + days)
        assert kva_days(START, START + days) == sum(by_day(days, held))

    @given(st.integers(1, 28), st.integers(1, 28), st.sampled_from(["new", "old"]))
    def test_of_one_transformer_are_what_its_own_days_say(self, first: int, lasts: int, owner: str) -> None:
        """The day-by-day account of transformers by the preview, for one of two that is sealed inside a month."""
        begins, resumes = date(2026, 1, 1) + timedelta(days=first), date(2026, 1, 1) + timedelta(days=first + lasts)
        switches = Switches({"change_day_belongs_to": owner, "min_suspension_days": 0})
        events = [CapacityEvent(begins, "suspend", 100_000), CapacityEvent(resumes, "resume", 100_000)]
        by_transformer = stretches_of(
            [100_000, 63_000], [one for one in events if one.on < date(2026, 2, 1)],
            start=date(2026, 1, 1), end=date(2026, 2, 1), switches=switches,
        )  # fmt: skip
        later = int(owner == "old")

        found = charged_by_days(
            [Held(163_000, 0, 31), Held(-100_000, first + later, first + lasts + later)], 0, 31, is_whole=True
        )

        assert {(one.kva_e2, one.share) for one in found} == {(one.kva_e2, one.share) for one in by_transformer}

    def test_that_are_sealed_at_half_are_charged_at_half(self) -> None:
        """The published answer of June: sealed on the 11th, 20 days at half."""
        sealed = Held(100_000, 10, 40)

        found = charged_by_days([Held(163_000, 0, 30), Held(-100_000, 10, 40)], 0, 30, is_whole=True, halved=[sealed])

        assert [(one.kva_e2, one.share, one.is_half) for one in found] == [
            (63_000, 60, False), (100_000, 20, False), (100_000, 20, True),
        ]  # fmt: skip

    def test_more_sealed_than_there_is_is_refused(self) -> None:
        with pytest.raises(CannotPrice) as refused:
            layers_of([Held(100, 0, 30), Held(-200, 5, 10)], 0, 30)

        assert refused.value.code == "unknown_capacity"


class TestLossOfWhatIsInUse:
    @given(
        month=st.integers(0, 10**8), days=st.integers(0, 30), iron=st.integers(0, 10**5), read=st.integers(0, 10**10),
        coefficient=st.integers(0, 50_000), whole=st.booleans(),
    )  # fmt: skip
    def test_is_rounded_once_as_by_hand(
        self, month: int, days: int, iron: int, read: int, coefficient: int, whole: bool
    ) -> None:
        found = in_use_loss_e2(
            month_e2=month, months=Fraction(days, 30), iron_w=iron, hours=Fraction(days * 24), read_e2=read,
            coefficient_e6=coefficient, whole=whole,
        )  # fmt: skip

        kwh = Decimal(month * days) / 3000 + Decimal(iron * days * 24) / 1000 + Decimal(coefficient * read) / 10**8
        places = Decimal(1) if whole else Decimal("0.01")
        assert Decimal(found) / 100 == kwh.quantize(places, ROUND_HALF_UP)

    def test_of_the_published_twenty_days(self) -> None:
        assert in_use_loss_e2(
            month_e2=30_400, months=Fraction(20, 30), iron_w=0, hours=Fraction(), coefficient_e6=0, read_e2=0
        ) == 20_300  # fmt: skip
