"""Two ratings of one population: sums by group, bars, who gains and loses most."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cis.laboratory import BINS, Compared, add_up, figures_of, furthest

BANDS = (1000, 5000)


def compared(rows: list[tuple[int, int, int, int, int, int]]) -> Compared:
    """Accounts of (class, area, group, kWh x 100, billed, draft)."""
    columns = np.array(rows, dtype=np.int64).reshape(-1, 6).T
    count = columns.shape[1]
    return Compared(
        account=np.arange(count, dtype=np.int64),
        price_class=columns[0].astype(np.int16),
        area=columns[1],
        group=columns[2].astype(np.int16),
        bills=np.full(count, 12, dtype=np.int64),
        energy_kwh_e2=columns[3],
        billed_fen=columns[4],
        draft_fen=columns[5],
    )


ROW = st.tuples(
    st.integers(1, 4), st.integers(1, 3), st.integers(-1, 2), st.integers(0, 10**8), st.integers(0, 10**6),
    st.integers(0, 10**6),
)  # fmt: skip


class TestFigures:
    def test_say_who_pays_less_and_who_pays_more_in_each_group(self) -> None:
        rows = [(1, 7, 0, 99_999, 1000, 900), (1, 7, -1, 100_000, 1000, 1300), (2, 8, 0, 600_000, 500, 500)]

        figures = figures_of(compared(rows), usage_bands_kwh=BANDS, has_list=True)

        assert figures["all"] == {
            "0": {
                "accounts": 3, "winners": 1, "losers": 1, "bills": 36, "energy_kwh_e2": 799_999, "billed_fen": 2500,
                "draft_fen": 2700, "saved_fen": 100, "added_fen": 300,
            }
        }  # fmt: skip
        assert {group: row["accounts"] for group, row in figures["price_class"].items()} == {"1": 2, "2": 1}
        assert {group: row["draft_fen"] for group, row in figures["area"].items()} == {"7": 2200, "8": 500}
        assert {group: row["accounts"] for group, row in figures["usage"].items()} == {"0": 1, "1": 1, "2": 1}
        assert {group: row["losers"] for group, row in figures["list"].items()} == {"-1": 1, "0": 0}

    @pytest.mark.parametrize(
        ("billed", "draft", "bar"),
        [
            (1000, 1000, 6), (1000, 999, 5), (1000, 980, 5), (1000, 979, 4), (1000, 499, 0), (1000, 1020, 7),
            (1000, 1021, 8), (1000, 1501, 12), (0, 1, 12), (0, 0, 6), (1000, 0, 0),
        ],
    )  # fmt: skip
    def test_put_an_account_into_the_bar_of_its_change(self, billed: int, draft: int, bar: int) -> None:
        figures = figures_of(compared([(1, 1, -1, 1, billed, draft)]), usage_bands_kwh=BANDS, has_list=False)

        assert list(figures["change"]) == [str(bar)]
        assert "list" not in figures

    # Nothing here is slow; a machine that is may pause in the middle of a draw.
    @settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(rows=st.lists(ROW, max_size=30), cut=st.integers(0, 30))
    def test_are_the_same_however_accounts_are_cut_into_shards(self, rows: list, cut: int) -> None:
        def of(some: list) -> dict:
            return figures_of(compared(some), usage_bands_kwh=BANDS, has_list=True)

        whole = add_up([of(rows)])

        assert add_up([of(rows[:cut]), of(rows[cut:])]) == whole
        for groups in whole.values():
            assert sum(row["accounts"] for row in groups.values()) == len(rows)
            assert sum(row["added_fen"] - row["saved_fen"] for row in groups.values()) == sum(
                row[5] - row[4] for row in rows
            )
        assert all(0 <= int(bar) < BINS for bar in whole.get("change", {}))


class TestFurthest:
    def test_are_those_with_the_largest_changes_and_nobody_without_one(self) -> None:
        assert furthest(np.array([5, -3, 0, -9, 1]), 1).tolist() == [3, 0]
        assert furthest(np.array([5, -3, 0, -9, 1]), 9).tolist() == [3, 1, 0, 4]
        assert furthest(np.zeros(3, dtype=np.int64), 2).tolist() == []
