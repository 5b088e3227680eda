"""Warning levels: the published figures, and who decides what exactly 20 % is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dsm.shedding.levels import level_of

PUBLISHED = json.loads((Path(__file__).parents[3] / "golden" / "shortages-public.json").read_text())
BOUNDS = (20, 10, 5)


def level(gap: int, demand: int, at_bound: tuple[str, ...] = ("I", "II", "III")) -> str | None:
    return level_of(gap, max_demand_kw=demand, bounds_pct=BOUNDS, at_bound=at_bound)


class TestLevels:
    def test_ningxia_published_the_same_figures(self):
        known = PUBLISHED["ningxia_2021_thresholds"]
        demand = known["max_load_wan_kw"] * 10_000

        for name, before in (("I", "II"), ("II", "III"), ("III", "IV")):
            bound = known[name] * 10_000
            assert level(bound, demand) == name
            assert level(bound - 1, demand) == before

    @pytest.mark.parametrize("day", ["liaoning_2021_09_30_gap_wan_kw", "liaoning_2021_09_29_gap_wan_kw"])
    def test_liaoning_called_its_shortage_level_two(self, day):
        gap = max(value for _start, _end, value in PUBLISHED[day]["slots"])

        # What demand they had was not published; level II says that it was between five and ten times the gap.
        assert level(gap, 5 * gap + 1) == PUBLISHED[day]["level"]
        assert level(gap, 10 * gap) == PUBLISHED[day]["level"]
        assert level(gap, 5 * gap) == "I"
        assert level(gap, 10 * gap + 1) == "III"

    def test_to_which_level_a_bound_belongs_is_a_choice(self):
        assert [level(share, 100) for share in (20, 10, 5)] == ["I", "II", "III"]
        assert [level(share, 100, ("I", "III", "IV")) for share in (20, 10, 5)] == ["I", "III", "IV"]

    def test_no_gap_is_no_shortage(self):
        assert level(0, 100) is None

    def test_without_demand_there_is_no_share(self):
        with pytest.raises(ValueError, match="share"):
            level(1, 0)
