"""Charging a late fee in stretches comes to the same as reckoning it at once, and never charges a day twice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cis.collecting.charging import Charged, ToCharge, fee_to_charge
from cis.collecting.late_fees import LateFeeTerms, Split, late_fee

TERMS = LateFeeTerms(
    residential_ppm=1000,
    current_year_ppm=2000,
    cross_year_ppm=3000,
    contract_min_ppm=1000,
    contract_max_ppm=3000,
    min_fen=100,
    cap_ppm_of_principal=None,
    split=Split.BY_CALENDAR_YEAR_OF_EACH_DAY,
)
DUE = date(2025, 12, 15)


def ask(open_fen: int, until: date, charged: Sequence[Charged], runs_from: date | None = None) -> ToCharge:
    return fee_to_charge(
        open_fen,
        due_on=DUE,
        until_on=until,
        terms=TERMS,
        residential=False,
        charged=charged,
        runs_from=runs_from,
    )


class TestStretches:
    @given(
        principal=st.integers(1, 10_000_00),
        acts=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 100)), max_size=6),
        more=st.integers(1, 90),
    )
    def test_charged_in_pieces_is_charged_whole(self, principal: int, acts: list[tuple[int, int]], more: int) -> None:
        """Each act: so many days later, so many hundredths of what is open are paid (0: only charged)."""
        open_fen, day = principal, DUE
        charged: list[Charged] = []
        paid: list[tuple[date, int]] = []
        for days, share in acts:
            day += timedelta(days=days)
            found = ask(open_fen, day, charged)
            assert found.now_fen >= 0
            if day > DUE and not (charged and charged[-1].through_on == day) and open_fen:
                charged.append(Charged(day, open_fen, found.now_fen))
            part = open_fen * share // 100
            if part:
                paid.append((day, part))
                open_fen -= part
        day += timedelta(days=more)

        whole = late_fee(principal, due_on=DUE, until_on=day, terms=TERMS, residential=False, paid=paid)
        found = ask(open_fen, day, charged)

        if open_fen:
            assert found.charged_fen + found.now_fen == whole.fee_fen
        assert found.charged_fen == sum(one.fee_fen for one in charged)

    def test_a_day_before_the_last_stretch_costs_nothing_more(self) -> None:
        charged = [Charged(DUE + timedelta(days=20), 500_00, 24_50)]

        assert ask(400_00, DUE + timedelta(days=10), charged).now_fen == 0

    def test_begun_anew_the_days_between_are_free_and_the_least_was_paid(self) -> None:
        charged = [Charged(DUE + timedelta(days=1), 100_00, 1_00)]
        anew = DUE + timedelta(days=60)

        assert ask(100_00, anew, charged, runs_from=anew).now_fen == 0
        assert ask(100_00, anew + timedelta(days=2), charged, runs_from=anew).now_fen == 40
