"""Equal monthly amounts: a twelfth of the year, nothing chased while paid, settled exactly and once."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.db import Error, transaction
from pytest_django import DjangoAssertNumQueries

from cis.collecting.levelised import due_days, monthly_amount
from cis.models import BudgetPlan
from cis.operations import budget_plans, collecting, ledger, settlement
from cis.queries import dues
from cis.queries.collecting import case_of_account
from cis.queries.ledger import balance
from config.shared.periods import add_months
from tests.factories.arrears import SHANGHAI
from tests.factories.bills import issue
from tests.factories.world import World, small_world
from tests.integration.payments import pay, pay_all

pytestmark = pytest.mark.django_db

SIGNED = datetime(2026, 1, 20, 10, tzinfo=SHANGHAI)
FIRST = date(2026, 2, 20)


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=SHANGHAI)


@pytest.fixture
def world() -> World:
    """Twelve months of 100 to 111 yuan, all paid on time."""
    made = small_world()
    for number in range(12):
        cycle = add_months(202501, number)
        bill_no = issue(made, 100_00 + number * 100, cycle=cycle, due_on=date(2026, 1, 15))
        assert bill_no
    pay_all(made, at=noon(date(2026, 1, 10)))
    return made


def sign(world: World) -> int:
    return budget_plans.sign_plan(
        account_id=world.residential.account_id, first_on=FIRST, evidence="签字", by_id=world.accountant_id, at=SIGNED
    )


def year(world: World, monthly_fen: int, *, months: int = 12) -> int:
    """So many months of bills, twice as high in summer, each paid with the plan's amount; what was billed."""
    billed = 0
    for number, day in enumerate(due_days(FIRST)[:months]):
        fen = 190_33 if number in (5, 6, 7) else 80_10
        issue(world, fen, cycle=add_months(202601, number), due_on=day - timedelta(days=5))
        billed += fen
        assert budget_plans.look_at_plans(at=noon(day)) == {"settled": 0, "broken": 0}
        pay(world, fen=monthly_fen, at=noon(day))
    return billed


class TestAYear:
    def test_is_paid_in_equal_amounts_and_settled_exactly_once(self, world: World) -> None:
        account = world.residential.account_id
        sign(world)
        plan = BudgetPlan.objects.get()
        assert plan.monthly_fen == monthly_amount([100_00 + n * 100 for n in range(12)]) == 106_00

        billed = year(world, plan.monthly_fen)

        assert dues.get_dues(account_id=account, on=date(2026, 9, 1)).late_fee_fen == 0
        after = noon(due_days(FIRST)[-1] + timedelta(days=1))
        assert budget_plans.look_at_plans(at=after) == {"settled": 1, "broken": 0}
        assert budget_plans.look_at_plans(at=after) == {"settled": 0, "broken": 0}
        plan.refresh_from_db()
        assert (plan.billed_fen, plan.paid_fen) == (billed, 12 * 106_00)
        now = balance(account)
        assert billed - 12 * 106_00 == now.receivable_fen - now.prepayment_fen
        assert not ledger.verify().faults
        with pytest.raises(Error), transaction.atomic():
            BudgetPlan.objects.update(billed_fen=0)

    def test_while_kept_nothing_is_demanded_and_missed_the_bills_count_again(self, world: World) -> None:
        account = world.residential.account_id
        sign(world)
        year(world, 106_00, months=7)
        open_now = dues.get_dues(account_id=account, on=date(2026, 8, 30))
        assert open_now.to_pay_fen == open_now.open_fen > 0 and open_now.next_instalment is not None
        assert open_now.next_instalment.due_on == date(2026, 9, 20)
        collecting.open_cases(at=noon(date(2026, 8, 30)))
        case = case_of_account(account, at=noon(date(2026, 8, 30)))
        assert case is not None and case.acts["demand"]

        assert budget_plans.look_at_plans(at=noon(date(2026, 9, 21))) == {"settled": 0, "broken": 1}

        later = dues.get_dues(account_id=account, on=date(2026, 10, 20))
        assert later.late_fee_fen == max(100, round(later.open_fen * 30 / 1000))
        case = case_of_account(account, at=noon(date(2026, 9, 22)))
        assert case is not None and not case.acts["demand"]

    def test_what_was_given_back_pays_nothing(self, world: World) -> None:
        sign(world)
        account, day = world.residential.account_id, noon(FIRST)
        pay(world, fen=106_00, at=day)
        settlement.refund_prepayment(
            account_id=account, amount_fen=106_00, refund_id=1, clearing="CASH", at=day, business_date=FIRST,
            actor_id=None,
        )  # fmt: skip

        after = noon(FIRST + timedelta(days=1))
        assert budget_plans.look_at_plans(at=after) == {"settled": 0, "broken": 1}

    def test_plans_that_go_on_cost_no_statement_each(
        self, world: World, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        sign(world)
        with django_assert_num_queries(2):
            assert budget_plans.look_at_plans(at=noon(FIRST)) == {"settled": 0, "broken": 0}

    def test_without_twelve_months_or_with_a_debt_none_is_offered(self, world: World) -> None:
        issue(world, 50_00, cycle=202601, due_on=date(2026, 2, 15))
        with pytest.raises(budget_plans.NoPlanOffered):
            sign(world)
        with pytest.raises(budget_plans.NoPlanOffered):
            budget_plans.sign_plan(
                account_id=world.commercial.account_id,
                first_on=FIRST,
                evidence="签字",
                by_id=world.accountant_id,
                at=SIGNED,
            )
