"""Plans of every strategy over random provinces: what may never happen, and what makes one plan better."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsm.shedding.checks import violations
from dsm.shedding.groups import equal_groups
from dsm.shedding.metrics import gini, jain, measure, tier_violations
from dsm.shedding.problem import SLOT_H, SLOTS, Plan, Problem, make_plan, nobody, objective_fen
from dsm.shedding.provinces import make_province
from dsm.shedding.relaxation import bound_fen
from dsm.shedding.strategies import STRATEGIES
from dsm.shedding.strategies.optimum import optimise
from dsm.shedding.strategies.strategy import Limits
from dsm.shedding.strategies.tiers import cut_by_tier
from dsm.shedding.transfer import pack_plan, pack_problem, unpack_plan, unpack_problem

LIMITS = Limits(seconds=20, cells=400)
EVERY = pytest.mark.parametrize("code", list(STRATEGIES))

provinces = st.builds(
    make_province,
    st.integers(0, 10_000),
    customers=st.integers(1, 40),
    gap_share=st.sampled_from([0.05, 0.3, 0.7, 1.5]),
    hours_before=st.sampled_from([30, 12, 3, -6]),
    protected=st.sampled_from([0.05, 0.4, 1.0]),
)


def plan_of(code: str, problem: Problem) -> Plan:
    return STRATEGIES[code].make(problem, LIMITS)


class TestNever:
    @EVERY
    @given(provinces)
    @settings(max_examples=12, deadline=None)
    def test_is_a_protected_customer_cut_a_security_load_touched_or_notice_broken(self, code, problem):
        plan = plan_of(code, problem)

        assert violations(problem, plan) == []
        # The same once more by hand, from the columns and not from what the plan says of itself.
        protected = (problem.tier == 9) | problem.is_residential
        assert not plan.shed_w[protected].any()
        after_w = problem.load_kw * 1000 - plan.shed_w
        assert (after_w >= np.minimum(problem.load_kw, problem.security_kw[:, None]) * 1000).all()

    def test_does_the_check_overlook_a_broken_plan(self):
        problem = make_province(3, customers=40, protected=0.3, hours_before=3)
        plan = plan_of("tiers", problem)
        protected = int(np.flatnonzero(problem.is_protected)[0])
        cut = int(np.flatnonzero(plan.is_cut)[0])

        shed = plan.shed_w.copy()
        shed[protected, 40] = 1
        assert any("protected" in word for word in violations(problem, replace(plan, shed_w=shed)))
        shed = plan.shed_w.copy()
        shed[cut] = problem.load_kw[cut] * 1000
        assert any("security" in word for word in violations(problem, replace(plan, shed_w=shed)))
        block = plan.block.copy()
        block[cut] = int(np.flatnonzero(~problem.is_open[cut])[0])
        assert any("notice" in word for word in violations(problem, replace(plan, block=block)))
        block[cut] = -1
        assert any("window" in word for word in violations(problem, replace(plan, block=block)))


class TestCovering:
    @EVERY
    @given(provinces)
    @settings(max_examples=6, deadline=None)
    def test_what_is_left_is_said(self, code, problem):
        plan = plan_of(code, problem)
        short_w = np.maximum(problem.gap_kw * 1000 - plan.total_w, 0).sum()

        figures = measure(problem, plan)

        assert figures.residual_kwh == int(np.ceil(short_w * SLOT_H / 1000))
        assert (figures.covered_energy_e4 == 10_000) == (short_w == 0)

    @pytest.mark.parametrize("seed", range(3))
    def test_capacity_that_suffices_covers_the_gap_with_its_margin(self, seed):
        problem = make_province(seed, customers=60, gap_share=0.15)

        plan = plan_of("optimum", problem)

        assert (plan.total_w >= problem.need_w).all()

    @EVERY
    def test_a_gap_beyond_all_capacity_is_reported_and_nobody_protected_pays_for_it(self, code):
        problem = make_province(5, customers=60, gap_share=3.0, protected=0.3)

        plan = plan_of(code, problem)

        assert measure(problem, plan).residual_kwh > 0
        assert violations(problem, plan) == []

    @EVERY
    def test_no_gap_disturbs_nobody(self, code):
        problem = replace(make_province(1, customers=30), gap_kw=np.zeros(SLOTS, np.int64))

        assert not plan_of(code, problem).is_cut.any()


class TestFairness:
    @EVERY
    @given(st.integers(0, 10_000), st.integers(1, 80))
    @settings(max_examples=5, deadline=None)
    def test_of_two_equal_customers_the_less_burdened_gives_more(self, code, seed, burden):
        one = make_province(seed, customers=20, gap_share=0.2, protected=0)
        fields = (
            "load_kw", "security_kw", "process_pct", "tier", "group", "compensation_fen", "lost_output_fen",
            "burden_h", "lead_h", "is_key", "is_residential",
        )  # fmt: skip
        twice: dict[str, Any] = {name: np.concatenate([getattr(one, name)] * 2) for name in fields}
        # The twins of a group of their own, so that a rotation can tell them apart.
        twice["group"] = np.concatenate([one.group, one.group + 7])
        twice["burden_h"] = np.concatenate([np.zeros(20, np.int64), np.full(20, burden)])
        if code != "rotation":
            twice["group"] = np.concatenate([one.group] * 2)
        problem = replace(one, **twice)

        plan = plan_of(code, problem)

        given_kwh = plan.shed_w.sum(axis=1)
        if code == "rotation":
            # Whole groups take turns; what is equal between them is who comes first.
            stands = {int(group) for group in problem.group[plan.is_cut]}
            assert all(group - 7 in stands for group in stands if group > 7)
        else:
            assert (given_kwh[:20] >= given_kwh[20:]).all()

    @EVERY
    def test_a_long_notice_takes_the_early_hours_away(self, code):
        day_before = make_province(2, customers=60, gap_share=0.2, hours_before=30)
        same_day = replace(day_before, hours_before=-5.0)

        early, late = plan_of(code, day_before), plan_of(code, same_day)

        assert early.shed_w[:, :20].any()
        # The shortest notice is two hours; seven hours of the day are gone.
        assert not late.shed_w[:, :28].any()

    @pytest.mark.parametrize("code", ["tiers", "optimum"])
    @pytest.mark.parametrize("seed", range(3))
    def test_a_higher_tier_is_needed_only_when_the_lower_are_exhausted(self, code, seed):
        problem = make_province(seed, customers=70, gap_share=0.5)

        assert len(tier_violations(problem, plan_of(code, problem))) == 0

    def test_a_cut_before_its_turn_is_counted(self):
        problem = make_province(4, customers=40, gap_share=0.3, protected=0)
        block, depth = np.full(40, -1), np.zeros(40, np.int64)
        last = int(np.flatnonzero(problem.tier == problem.tier.max())[0])
        block[last], depth[last] = int(np.flatnonzero(problem.is_open[last])[0]), 1000

        assert tier_violations(problem, make_plan(problem, block, depth)).tolist() == [last]

    def test_indices_of_fairness_are_those_of_the_books(self):
        assert jain(np.array([4, 4, 4, 4])) == 1
        assert jain(np.array([8, 0, 0, 0])) == 0.25
        assert gini(np.array([4, 4, 4, 4])) == 0
        assert gini(np.array([8, 0, 0, 0])) == 0.75
        assert jain(np.array([0, 0])) == 1
        assert gini(np.array([0, 0])) == 0


class TestOptimum:
    @given(provinces)
    @settings(max_examples=12, deadline=None)
    def test_no_plan_goes_below_the_bound(self, problem):
        best = optimise(problem, LIMITS)
        assert best.bound_fen is not None

        for code in STRATEGIES:
            assert objective_fen(problem, plan_of(code, problem)) >= best.bound_fen * (1 - 1e-9) - 1e-3
        assert objective_fen(problem, nobody(problem)) >= best.bound_fen * (1 - 1e-9) - 1e-3

    def test_any_prices_make_a_bound(self):
        problem = make_province(8, customers=40)
        best = objective_fen(problem, optimise(problem, LIMITS))
        prices = np.random.default_rng(1).uniform(0, 2e5, (5, len(problem.levels), SLOTS))

        assert all(bound_fen(problem, price) <= best for price in prices)

    @pytest.mark.parametrize("seed", range(2))
    def test_is_close_to_the_bound_and_never_worse_than_greedy(self, seed):
        problem = make_province(seed, customers=90)

        plan = optimise(problem, LIMITS)

        assert plan.state == "complete"
        assert objective_fen(problem, plan) <= 1.02 * (plan.bound_fen or 0)
        assert objective_fen(problem, plan) <= objective_fen(problem, cut_by_tier(problem, LIMITS))

    def test_pooled_customers_keep_all_rules(self):
        problem = make_province(6, customers=200, gap_share=0.15)

        plan = optimise(problem, Limits(seconds=20, cells=30))

        assert violations(problem, plan) == []
        assert (plan.total_w >= problem.need_w).all()
        assert objective_fen(problem, plan) >= (plan.bound_fen or np.inf)

    def test_a_solver_without_an_answer_leaves_the_greedy_plan(self):
        problem = make_province(6, customers=150)

        plan = optimise(problem, Limits(seconds=0.0))

        greedy = cut_by_tier(problem, LIMITS)
        assert plan.state == "no-solution"
        assert (plan.shed_w == greedy.shed_w).all()

    @EVERY
    def test_the_same_seed_is_the_same_plan(self, code):
        one, two = (plan_of(code, make_province(11, customers=90)) for _turn in range(2))

        assert (one.block == two.block).all()
        assert (one.depth == two.depth).all()


class TestRotation:
    def test_a_group_stands_still_as_a_whole_or_not_at_all(self):
        problem = replace(make_province(7, customers=80), lead_h=np.zeros(80, np.int64))

        plan = plan_of("rotation", problem)

        for group in np.unique(problem.group):
            members = (problem.group == group) & (problem.energy_kwh > 0).any(axis=1)
            assert len({(int(b), int(d)) for b, d in zip(plan.block[members], plan.depth[members], strict=True)}) == 1

    @given(st.lists(st.integers(50, 1000), min_size=140, max_size=400))
    @settings(max_examples=30, deadline=None)
    def test_groups_of_the_list_differ_by_at_most_five_percent(self, power):
        column = np.array(power)

        found = equal_groups(column, groups=7)

        sums = np.bincount(found, weights=column)[1:]
        assert (sums.max() - sums.min()) / sums.max() <= 0.05


class TestTransfer:
    def test_problem_and_plan_come_through_whole(self):
        problem = make_province(9, customers=25)
        plan = plan_of("optimum", problem)

        there = unpack_problem(pack_problem(problem))
        back = unpack_plan(pack_plan(plan), there)

        assert (there.need_w == problem.need_w).all()
        assert there.weights == problem.weights
        assert (back.shed_w == plan.shed_w).all()
        assert (back.state, back.bound_fen) == (plan.state, plan.bound_fen)

    def test_bytes_that_are_no_plan_are_refused(self):
        problem = make_province(9, customers=5)

        with pytest.raises(ValueError, match=r"no plan|pickle|magic|zip|archive"):
            unpack_plan(b"Running HiGHS", problem)
