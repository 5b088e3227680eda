"""A shortage from the gap to the orders: plans, decision, messages, receipts; and what the database refuses."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError, ProgrammingError

from config.shared.errors import NotFound
from config.shared.models import Message
from dsm.models import OrderReceipt, PlanCut, ShedEntry, ShedOrder, ShortageStep
from dsm.operations import shed_orders, shortages
from dsm.queries.shed_problem import problem_of
from dsm.shedding import strategies
from dsm.shedding.checks import violations
from dsm.shedding.strategies.strategy import Limits, Strategy
from dsm.shedding.strategies.tiers import cut_by_tier
from tests.factories.shortage import DAY, NOW, Works, compute, decide, latest, make_shortage, make_works


@pytest.fixture
def works(db: None) -> Works:
    return make_works()


class TestPlans:
    def test_three_strategies_are_computed_and_written_with_their_figures(self, works):
        shortage = make_shortage(works)

        compute(shortage)

        plans = list(shortage.plans.order_by("order_no"))
        assert [plan.strategy for plan in plans] == list(strategies.STRATEGIES)
        assert {plan.state for plan in plans} == {"complete"}
        problem = problem_of(shortage).problem
        protected = works.accounts[-1].account_id
        for plan in plans:
            assert plan.figures["covered_energy_e4"] == 10_000
            assert plan.figures["disturbed"] == plan.cuts.count() > 0
            assert not plan.cuts.filter(account_id=protected).exists()
            assert all(shed >= gap for shed, gap in zip(plan.shed_kw, shortage.gap_kw, strict=True))
        optimum = plans[2]
        assert 0 < (optimum.bound_fen or 0) * 0.999999 <= (optimum.objective_fen or 0)
        assert (optimum.objective_fen or 0) <= (plans[1].objective_fen or 0)
        # What is written is what the kernel's own check lets through.
        assert violations(problem, cut_by_tier(problem, Limits())) == []

    def test_a_killed_solver_leaves_the_greedy_plan_and_the_row_says_so(self, works, settings):
        settings.DSM_SOLVER_KILL_S = 0.05
        shortage = make_shortage(works)

        compute(shortage)

        killed, greedy = shortage.plans.get(strategy="optimum"), shortage.plans.get(strategy="tiers")
        assert killed.state == "killed"
        assert killed.bound_fen is None
        assert killed.shed_kw == greedy.shed_kw
        assert "贪心" in killed.get_state_display()

    def test_a_strategy_is_one_file_and_one_line(self, works, monkeypatch, tmp_path):
        monkeypatch.delitem(strategies.STRATEGIES, "optimum")
        (tmp_path / "scratch_strategy.py").write_text(
            "from dsm.shedding.problem import nobody\n"
            "from dsm.shedding.strategies.strategy import Strategy\n"
            "SCRATCH = Strategy('scratch', '不动', 'Nothing', '', '', lambda problem, limits: nobody(problem))\n"
        )
        monkeypatch.syspath_prepend(tmp_path)
        scratch: Strategy = __import__("scratch_strategy").SCRATCH
        monkeypatch.setitem(strategies.STRATEGIES, "scratch", scratch)
        shortage = make_shortage(works)

        compute(shortage)

        plan = shortage.plans.get(strategy="scratch")
        assert plan.state == "complete"
        assert plan.figures["disturbed"] == 0
        assert plan.figures["covered_energy_e4"] == 0

    def test_without_an_approved_list_there_is_no_plan(self, works):
        with pytest.raises(shortages.NoApprovedList):
            make_shortage(works, on_day=date(2027, 1, 5))

    def test_enough_power_is_no_shortage(self, works):
        with pytest.raises(shortages.NoGap):
            make_shortage(works, gap_kw=0)


class TestDecision:
    @pytest.fixture(autouse=True)
    def greedy_only(self, monkeypatch):
        # What is decided here is not how well it was computed, and starting the solver takes seconds.
        monkeypatch.delitem(strategies.STRATEGIES, "optimum")

    def test_orders_reach_the_customers_of_the_chosen_plan_once(self, works):
        shortage = decide(works)

        count = shed_orders.issue_orders(shortage_id=shortage.pk, by_id=works.dispatcher_id, at=NOW)

        orders = ShedOrder.objects.filter(shortage=shortage)
        assert count == orders.count() == PlanCut.objects.filter(plan=shortage.chosen).count()
        assert all(order.issued_at <= order.notice_due_at for order in orders)
        assert {step.kind for step in shortage.steps.all()} == {
            "drafted",
            "submitted",
            "authorised",
            "chosen",
            "issued",
        }
        told = Message.objects.filter(template="shed-order")
        with_phone = {one.account_id for one in works.accounts[:5]} & {order.account_id for order in orders}
        assert with_phone and {message.account_id for message in told} == with_phone
        with pytest.raises(shortages.OutOfTurn):
            shed_orders.issue_orders(shortage_id=shortage.pk, by_id=works.dispatcher_id, at=NOW)
        assert told.count() == len(with_phone)

    def test_who_drafted_cannot_choose_and_nothing_goes_before_its_turn(self, works):
        shortage = make_shortage(works)
        plan = shortage.plans.get(strategy="tiers")
        with pytest.raises(shortages.PlansNotReady):
            shortages.submit_shortage(shortage_id=shortage.pk, by_id=works.dispatcher_id, at=NOW)
        with pytest.raises(shortages.OutOfTurn):
            shortages.choose_plan(shortage_id=shortage.pk, plan_id=plan.pk, reasons="急", by_id=works.leader_id, at=NOW)
        with pytest.raises(shortages.OutOfTurn):
            shed_orders.issue_orders(shortage_id=shortage.pk, by_id=works.dispatcher_id, at=NOW)
        compute(shortage)
        shortages.submit_shortage(shortage_id=shortage.pk, by_id=works.dispatcher_id, at=NOW)
        shortages.record_authority_approval(
            shortage_id=shortage.pk, authority="发改委", document_no="3号", document_on=NOW.date(),
            by_id=works.dispatcher_id, at=NOW,
        )  # fmt: skip

        with pytest.raises(shortages.OwnDraft):
            shortages.choose_plan(
                shortage_id=shortage.pk, plan_id=plan.pk, reasons="急", by_id=works.dispatcher_id, at=NOW
            )
        assert latest().state == "authorised"

    def test_orders_are_not_given_for_hours_that_have_begun(self, works):
        shortage = decide(works)

        with pytest.raises(shed_orders.TooLateToIssue):
            shed_orders.issue_orders(
                shortage_id=shortage.pk, by_id=works.dispatcher_id, at=NOW + timedelta(days=2, hours=9)
            )

    def test_a_receipt_is_the_first_one_and_only_of_ones_own_order(self, works):
        shortage = decide(works)
        shed_orders.issue_orders(shortage_id=shortage.pk, by_id=works.dispatcher_id, at=NOW)
        order = ShedOrder.objects.filter(shortage=shortage).order_by("pk")[0]
        with pytest.raises(NotFound):
            shed_orders.acknowledge_order(
                order_id=order.pk, account_ids=(works.world.residential.account_id,), by_id=works.leader_id, at=NOW
            )

        assert shed_orders.acknowledge_order(
            order_id=order.pk, account_ids=(order.account_id,), by_id=works.world.portal_user_id, at=NOW
        )
        assert not shed_orders.note_telephone_receipt(order_id=order.pk, who="王厂长", by_id=works.leader_id, at=NOW)

        assert OrderReceipt.objects.get(order=order).how == "portal"

    def test_hours_of_earlier_orders_are_the_burden_of_later_plans(self, works):
        shortage = decide(works)
        shed_orders.issue_orders(shortage_id=shortage.pk, by_id=works.dispatcher_id, at=NOW)
        order = ShedOrder.objects.filter(shortage=shortage).order_by("pk")[0]
        hours = int((order.ends_at - order.starts_at).total_seconds() // 3600)
        later = make_shortage(works, on_day=DAY + timedelta(days=1), at=NOW + timedelta(hours=1))

        asked = problem_of(later)

        row = asked.account.tolist().index(order.account_id)
        before = ShedEntry.objects.get(account_id=order.account_id).burden_before_h
        assert asked.problem.burden_h[row] == before + hours


class TestTheDatabaseRefuses:
    def test_a_cut_of_a_protected_customer(self, works):
        shortage = make_shortage(works)

        with pytest.raises(IntegrityError, match="the_protected_are_never_cut"), transaction.atomic():
            PlanCut.objects.create(
                plan=shortage.plans.all()[0], account_id=works.accounts[-1].account_id, measure="avoid", start_slot=0,
                end_slot=4, depth_permille=1000, load_kw=[100] * 96, security_kw=10, process_pct=50, peak_cut_kw=45,
                cut_kwh=45, tier=9, group_no=1, burden_h=0, capacity_kva=1000,
                notice_min=240,
            )  # fmt: skip

    def test_a_change_of_what_is_evidence(self, works):
        for statement in (
            "UPDATE dsm_shortage_step SET reasons = 'x'",
            "DELETE FROM dsm_shortage_step",
            "UPDATE dsm_shed_order SET issued_at = now()",
            "DELETE FROM dsm_order_receipt",
            "UPDATE dsm_plan_cut SET depth_permille = 1",
            "UPDATE dsm_shortage SET gap_kw = supply_kw",
        ):
            with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute(statement)

    def test_a_step_twice(self, works):
        shortage = make_shortage(works)

        with pytest.raises(IntegrityError, match="each_step_is_taken_once"), transaction.atomic():
            ShortageStep.objects.create(shortage=shortage, kind="drafted", by_id=works.leader_id, at=NOW)
