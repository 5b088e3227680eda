"""Waiting times: the closed formulas against published figures, the prediction against the closed formulas."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from halls.queueing.erlang import Unstable, counters_needed, mean_wait_s, share_within, waits_at_all
from halls.queueing.prediction import OpenCounter, Overtakers, Prediction, ServiceTime, predict

GOLDEN = json.loads((Path(__file__).resolve().parents[2] / "golden" / "halls-queues.json").read_text("utf-8"))
PAY = frozenset({"pay"})
EXPONENTIAL = {"pay": ServiceTime(480, spread=1.0)}


def queue_of(row: dict[str, Any]) -> dict[str, Any]:
    """The arguments of the formulas."""
    return {"per_hour": row["lambda_per_h"], "service_s": row["aht_min"] * 60, "counters": row["c"]}


class TestErlangC:
    @pytest.mark.parametrize("row", GOLDEN["erlang_c"], ids=str)
    def test_agrees_with_published_figures(self, row: dict[str, Any]) -> None:
        if "p_wait" in row:
            assert waits_at_all(**queue_of(row)) == pytest.approx(row["p_wait"], abs=5e-5)
        if "asa_min" in row:
            assert mean_wait_s(**queue_of(row)) / 60 == pytest.approx(row["asa_min"], abs=5e-3)
        for name, wait_s in (("sl_20s", 20), ("sl_20min", 1200)):
            if name in row:
                assert share_within(wait_s, **queue_of(row)) == pytest.approx(row[name], abs=5e-4)

    @pytest.mark.parametrize(("per_hour", "counters"), GOLDEN["minimum_counters"].items())
    def test_finds_the_fewest_counters(self, per_hour: str, counters: int) -> None:
        assert counters_needed(per_hour=int(per_hour), service_s=480, wait_s=1200, share=0.95) == counters

    def test_says_how_fast_a_hopeless_queue_grows(self) -> None:
        with pytest.raises(Unstable) as refused:
            mean_wait_s(per_hour=60, service_s=480, counters=7)

        assert refused.value.growth_per_h == pytest.approx(7.5)


def foreseen(ahead: int, counters: int, **more: Any) -> Prediction:
    """The prediction behind so many at counters that are all busy."""
    busy = [OpenCounter(PAY, serving="pay", served_s=60)] * counters
    found = predict("pay", ahead=["pay"] * ahead, counters=busy, times=EXPONENTIAL, **more)
    assert found is not None
    return found


class TestPrediction:
    @pytest.mark.parametrize("row", [row for row in GOLDEN["erlang_c"] if row["c"] < 12], ids=str)
    def test_over_all_states_of_a_hall_is_the_closed_formula(self, row: dict[str, Any]) -> None:
        """Arrivals see a state as often as it is long (PASTA), so the mean of the predictions is Erlang's."""
        load, counters = row["lambda_per_h"] * row["aht_min"] / 60, row["c"]
        waits = waits_at_all(**queue_of(row))
        depth = math.ceil(math.log(1e-3) / math.log(load / counters))
        # With n people ahead of one at busy counters, as often as a geometric law says.
        weights = [waits * (1 - load / counters) * (load / counters) ** n for n in range(depth)]
        mean = sum(w * foreseen(n, counters).mean_s for n, w in enumerate(weights))

        assert mean == pytest.approx(mean_wait_s(**queue_of(row)), rel=0.06)

    @pytest.mark.parametrize(("ahead", "counters"), [(0, 1), (3, 1), (7, 4), (40, 6)])
    def test_quantiles_are_those_of_the_exact_law(self, ahead: int, counters: int) -> None:
        """Behind n people at c busy exponential counters one waits for n + 1 ends of service: an Erlang law."""
        exact = np.random.default_rng(1).gamma(ahead + 1, 480 / counters, 200_000)
        found = foreseen(ahead, counters)

        assert found.p50_s == pytest.approx(np.quantile(exact, 0.5), rel=0.12)
        assert found.p90_s == pytest.approx(np.quantile(exact, 0.9), rel=0.12)

    def test_a_free_counter_means_no_wait(self) -> None:
        found = predict("pay", ahead=[], counters=[OpenCounter(PAY)], times=EXPONENTIAL)

        assert found is not None and (found.p50_s, found.p90_s) == (0, 0)

    def test_no_open_counter_means_no_figure(self) -> None:
        assert predict("pay", ahead=[], counters=[], times=EXPONENTIAL) is None
        other = OpenCounter(frozenset({"new-supply"}))
        assert predict("pay", ahead=["pay"], counters=[other], times=EXPONENTIAL) is None

    def test_people_whom_other_counters_serve_do_not_hold_one_up(self) -> None:
        counters = [OpenCounter(PAY, "pay", 10), OpenCounter(frozenset({"new-supply"}), "new-supply", 10)]

        alone = predict("pay", ahead=[], counters=counters, times=EXPONENTIAL)
        behind = predict("pay", ahead=["new-supply"] * 20, counters=counters, times=EXPONENTIAL)

        assert alone == behind

    def test_a_long_service_under_way_is_nearly_over_where_services_are_alike(self) -> None:
        times = {"pay": ServiceTime(300, spread=0.2)}

        def rest(served_s: int) -> int:
            found = predict("pay", ahead=[], counters=[OpenCounter(PAY, "pay", served_s)], times=times)
            assert found is not None
            return found.p50_s

        assert rest(0) > 250
        assert rest(240) < 90
        assert rest(3600) < 120

    def test_people_of_a_class_that_goes_first_cost_time_until_the_bound(self) -> None:
        flow = [Overtakers("pay", per_hour=6)]

        free, held, bounded = (
            foreseen(5, 1, overtakers=flow, overtaken_for_s=bound_s) for bound_s in (0, 100_000, 600)
        )

        assert free.mean_s < bounded.mean_s < held.mean_s
        # One of them an hour in ten minutes, eight minutes each.
        assert bounded.mean_s - free.mean_s == pytest.approx(480, rel=0.25)

    def test_the_same_hall_gives_the_same_answer(self) -> None:
        assert foreseen(7, 3) == foreseen(7, 3)
