"""The ten-minute payment circle: distances, shares, blocks out of reach, what a new point would add."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from halls.coverage import best_sites, circle_of, distances_m, gain_of, reach_m

# A degree of latitude is 111.2 km; a thousandth of it some 111 m.
LON, LAT = 112.86, 30.62
REACH = reach_m(minutes=10, m_per_min=80, detour=1.3)


def town(*cells: tuple[float, int, int]) -> dict[str, Any]:
    """Cells north of the square: metres away, customers, block."""
    return {
        "longitude": np.full(len(cells), LON),
        "latitude": np.array([LAT + metres / 111_195 for metres, _c, _b in cells]),
        "customers": np.array([customers for _m, customers, _b in cells]),
        "block": np.array([block for _m, _c, block in cells]),
    }


def without_blocks(cells: dict[str, Any]) -> dict[str, Any]:
    """What the sites are asked with."""
    return {name: column for name, column in cells.items() if name != "block"}


class TestDistance:
    def test_of_wuhan_from_beijing_is_known(self) -> None:
        found = distances_m(np.array([116.4074]), np.array([39.9042]), np.array([114.3054]), np.array([30.5931]))

        assert found[0, 0] == pytest.approx(1_052_000, rel=0.005)

    def test_ten_minutes_on_foot_are_six_hundred_metres_as_the_crow_flies(self) -> None:
        assert REACH == pytest.approx(615.4, abs=0.1)


class TestCircle:
    def test_counts_customers_within_reach_by_kind_and_by_block(self) -> None:
        cells = town((100, 50, 1), (600, 30, 1), (640, 20, 2), (5000, 10, 3))

        found = circle_of(**cells, points=[("hall", LON, LAT), ("kiosk", LON, LAT + 4500 / 111_195)], reach=REACH)

        assert (found.customers, found.within) == (110, 90)
        assert found.by_kind == {"hall": 80, "kiosk": 10}
        assert found.share_e4 == 8181
        assert [(block.block, block.customers, block.within) for block in found.blocks] == [
            (2, 20, 0),
            (1, 80, 80),
            (3, 10, 10),
        ]
        assert found.blocks[0].nearest_m == pytest.approx(640, abs=1)

    def test_without_any_point_nobody_is_covered_and_no_distance_is_made_up(self) -> None:
        found = circle_of(**town((100, 50, 1)), points=[], reach=REACH)

        assert (found.within, found.share_e4, found.by_kind) == (0, 0, {})
        assert found.blocks[0].nearest_m == float("inf")


class TestNewPoint:
    def test_adds_those_who_reached_none_before(self) -> None:
        cells = town((0, 50, 1), (1000, 30, 2), (1400, 20, 2))
        now = circle_of(**cells, points=[("hall", LON, LAT)], reach=REACH)

        found = gain_of(**without_blocks(cells), is_within=now.is_within, site=(LON, LAT + 1200 / 111_195), reach=REACH)

        assert found.gain == 50

    def test_the_best_place_is_where_most_are_left_out(self) -> None:
        cells = town((0, 50, 1), (3000, 10, 2), (6000, 30, 3), (6500, 5, 3))
        now = circle_of(**cells, points=[("hall", LON, LAT)], reach=REACH)

        found = best_sites(**without_blocks(cells), is_within=now.is_within, reach=REACH, count=5)

        assert [site.gain for site in found] == [35, 10]

    @given(st.lists(st.tuples(st.floats(0, 9000), st.integers(1, 40), st.integers(1, 3)), min_size=1, max_size=12))
    def test_what_is_promised_is_what_the_circle_then_says(self, cells: list[tuple[float, int, int]]) -> None:
        columns = town(*cells)
        points = [("hall", LON, LAT)]
        before = circle_of(**columns, points=points, reach=REACH)
        sites = best_sites(**without_blocks(columns), is_within=before.is_within, reach=REACH, count=3)

        points += [("kiosk", site.longitude, site.latitude) for site in sites]
        after = circle_of(**columns, points=points, reach=REACH)

        assert after.within - before.within == sum(site.gain for site in sites)
