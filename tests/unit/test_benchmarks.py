"""The benchmarks' pure parts: registry, statistics, drawings. What they measure is no test."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from benchmarks.charts import svg_chart, text_chart
from benchmarks.registry import Registry, UnknownBenchmark
from benchmarks.spread import Spread, growth_exponent


class TestRegistry:
    def test_finds_by_name_in_the_order_added(self):
        registry = Registry()
        registry.add("b", "second letter", lambda short: {"short": short})
        registry.add("a", "first letter", lambda short: {})

        assert [benchmark.name for benchmark in registry.all()] == ["b", "a"]
        assert registry.get("b").run(True) == {"short": True}

    def test_an_unknown_name_is_answered_with_those_there_are(self):
        registry = Registry()
        registry.add("billing", "bills", lambda short: {})

        with pytest.raises(UnknownBenchmark, match="billing"):
            registry.get("biling")

    def test_a_name_is_used_once(self):
        registry = Registry()
        registry.add("a", "", lambda short: {})

        with pytest.raises(ValueError, match="two benchmarks"):
            registry.add("a", "", lambda short: {})


class TestSpread:
    def test_one_bad_round_does_not_move_the_median(self):
        spread = Spread.of([10, 11, 90])

        assert (spread.median, spread.least, spread.most) == (11, 10, 90)
        assert spread.noise == pytest.approx(80 / 11)
        assert spread.text() == "11 (10 to 90)"

    def test_one_sample_has_no_range(self):
        assert Spread.of([0.514]).text(2) == "0.51"

    def test_json_keeps_every_sample(self):
        assert Spread.of([3, 1]).as_json()["samples"] == [3.0, 1.0]

    def test_nothing_measured_is_no_figure(self):
        with pytest.raises(ValueError, match="no samples"):
            Spread.of([])


class TestGrowth:
    @pytest.mark.parametrize("power", [0.5, 1, 2])
    def test_finds_the_power_the_cost_grows_by(self, power: float):
        sizes = [10, 50, 200]

        assert growth_exponent(sizes, [3 * size**power for size in sizes]) == pytest.approx(power)

    def test_one_size_says_nothing_about_growth(self):
        with pytest.raises(ValueError, match="two or more"):
            growth_exponent([10], [1])


class TestDrawings:
    SERIES = {"billing": [(10_000, 35.0), (200_000, 30.0)], "COPY & more": [(10_000, 12.0), (200_000, 13.0)]}

    def test_svg_is_well_formed_and_holds_every_point(self):
        root = ElementTree.fromstring(svg_chart(self.SERIES, title="a < b", x_label="x", y_label="y"))

        assert len(root.findall("{http://www.w3.org/2000/svg}circle")) == 4

    def test_bars_are_to_one_scale(self):
        lines = text_chart(self.SERIES, unit="µs", width=35).splitlines()

        assert lines[1].count("█") == 35
        assert lines[4].count("█") == 12
