"""Several settlements a month: asked once, covered by what is paid ahead, netted by the final bill to the fen."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import Error, connection, transaction
from django.test.utils import CaptureQueriesContext

from cis.models import Account, AdvanceAgreement, AdvanceDemand, Bill, LedgerTransfer, SupplyContract
from cis.models.ledger import TransferKind
from cis.operations import advances, ledger, settlement
from cis.operations.bill_cancellations import cancel_and_rebill
from cis.queries import dues
from cis.queries.advance_pages import advance_page, list_advances
from cis.queries.advances import advances_of_bill, overdue_advances
from cis.queries.ledger import balance
from cis.tasks import demand_advances as daily_task
from config.shared.models import Message, NoticeCount, OrgUnit
from tests.factories.advances import DUE, JANUARY, SIGNED, agree_on_advances, bill, morning
from tests.factories.bills import issue
from tests.factories.ledger import at_once
from tests.factories.world import World, small_world
from tests.integration.payments import pay, pay_all

pytestmark = pytest.mark.django_db

FIRST, SECOND = morning(date(2026, 1, 8)), morning(date(2026, 1, 16))
FEBRUARY = datetime(2026, 2, 3, 9, tzinfo=SIGNED.tzinfo)


@pytest.fixture
def world() -> World:
    """November and December are billed and paid; from January on there are two settlements a month."""
    made = small_world()
    for cycle in made.cycles[:2]:
        bill(made, cycle)
    pay_all(made, account=made.commercial, at=SIGNED)
    agree_on_advances(made)
    return made


def asked(world: World, day: date) -> list[int]:
    """What is asked ahead of the bill on a day."""
    return [one.open_fen for one in dues.get_dues(account_id=world.commercial.account_id, on=day).advances]


def end(world: World, last_on: date, *, at: datetime) -> None:
    advances.end(account_id=world.commercial.account_id, last_on=last_on, reason="停产", by_id=world.manager_id, at=at)


def december(world: World) -> Bill:
    return Bill.objects.get(account_id=world.commercial.account_id, cycle=202512, revision=0)


class TestTheMorning:
    def test_asks_for_a_share_of_the_last_bill_once_and_says_so_once(self, world: World) -> None:
        share = december(world).total_fen * 333 // 1000
        assert advances.demand_advances(at=morning(date(2026, 1, 6))) == 0, "more days than the notice takes"

        assert advances.demand_advances(at=FIRST) == 1
        assert advances.demand_advances(at=FIRST) == 0
        daily_task()

        demand = AdvanceDemand.objects.get()
        assert (demand.cycle, demand.number, demand.due_on, demand.amount_fen) == (JANUARY, 1, DUE[0], share)
        assert (demand.agreed_on, demand.basis_bill_id) == (date(2026, 1, 10), december(world).pk)
        told = Message.objects.get(template="advance-due", channel="sms")
        assert told.account_id == world.commercial.account_id
        assert asked(world, DUE[0]) == [share]
        assert balance(world.commercial.account_id).receivable_fen == 0, "nothing is booked"

    def test_counts_a_share_of_a_bill_far_beyond_the_usual_as_an_outlier_for_the_brake(self) -> None:
        for last, outliers in ((1_000_000_00, 1), (1_100_00, 0)):
            with transaction.atomic():
                made = small_world()
                for cycle in (202509, 202510, 202511):
                    issue(made, 1_000_00, account=made.commercial, cycle=cycle)
                issue(made, last, account=made.commercial, cycle=202512)
                agree_on_advances(made)
                assert advances.demand_advances(at=FIRST) == 1
                counted = NoticeCount.objects.filter(template="advance-due").values_list("messages", "outliers")
                assert list(counted) == [(1, outliers)]
                transaction.set_rollback(True)

    def test_costs_the_same_for_many(self, world: World) -> None:
        others = (world.residential_tou, world.residential_day_15)
        SupplyContract.objects.filter(account_id__in=[one.account_id for one in others]).update(
            price_class=SupplyContract.PriceClass.COMMERCIAL
        )
        counts = []
        for more in ((), others):
            with transaction.atomic():
                for one in more:
                    agree_on_advances(world, account=one, monthly_fen=1_000_00)
                with CaptureQueriesContext(connection) as done:
                    assert advances.demand_advances(at=FIRST) == 1 + len(more)
                counts.append(len(done))
                transaction.set_rollback(True)

        assert counts[0] == counts[1]

    def test_asks_an_agreed_amount_whatever_was_billed(self, world: World) -> None:
        end(world, date(2026, 1, 31), at=SIGNED)
        agree_on_advances(world, from_cycle=202602, settlements=((5, 500), (31, 500)), monthly_fen=1_000_01)

        for day in (date(2026, 2, 2), date(2026, 2, 26), date(2026, 5, 29)):
            assert advances.demand_advances(at=morning(day)) == 1

        assert list(AdvanceDemand.objects.values_list("number", "agreed_on", "due_on", "amount_fen")) == [
            (1, date(2026, 2, 5), date(2026, 2, 5), 500_00),
            # A Saturday that is worked in exchange for a holiday; the Sunday of May is not.
            (2, date(2026, 2, 28), date(2026, 2, 28), 500_00),
            (2, date(2026, 5, 31), date(2026, 6, 1), 500_00),
        ]

    def test_without_a_bill_of_the_month_before_asks_nothing_and_the_page_says_why(self, world: World) -> None:
        account = world.commercial.account_id
        advances.demand_advances(at=morning(date(2026, 2, 6)))

        month = advance_page(account, on=date(2026, 2, 6)).months[0]
        assert [row.state for row in month.rows] == ["waits", "waits"] and month.basis_fen is None
        assert [row.state for row in advance_page(account, on=date(2026, 2, 25)).months[0].rows] == ["no-basis"] * 2

        bill(world, JANUARY, at=FEBRUARY)
        assert advances.demand_advances(at=morning(date(2026, 2, 6))) == 1

    def test_goes_by_the_newest_revision_of_a_cancelled_bill(self, world: World, settings: Any) -> None:
        settings.CORRECTION_LIMIT_FEN = 10**11
        old = december(world)
        new_no = cancel_and_rebill(bill_no=str(old), reason="抄错", by_id=world.accountant_id, at=SIGNED).bill_no
        advances.demand_advances(at=FIRST)

        new = Bill.objects.get(pk=int(new_no[6:]))
        demand = AdvanceDemand.objects.get()
        assert new.pk != old.pk and (demand.basis_bill_id, demand.basis_fen) == (new.pk, new.total_fen)

    def test_of_a_month_that_is_billed_or_of_a_closed_account_nothing_is_asked(self, world: World) -> None:
        with transaction.atomic():
            Account.objects.filter(pk=world.commercial.account_id).update(state="closed", closed_on=date(2026, 1, 5))
            assert advances.demand_advances(at=FIRST) == 0
            transaction.set_rollback(True)
        advances.demand_advances(at=FIRST)
        bill(world, JANUARY, at=FEBRUARY)

        assert advances.demand_advances(at=SECOND) == 0
        assert asked(world, DUE[1]) == []


class TestPaying:
    def test_the_final_bill_takes_what_was_paid_and_asks_the_rest(self, world: World) -> None:
        account = world.commercial
        advances.demand_advances(at=FIRST)
        advances.demand_advances(at=SECOND)
        first, second = AdvanceDemand.objects.order_by("number").values_list("amount_fen", flat=True)
        pay(world, fen=first + 5, account=account, at=SECOND)
        assert asked(world, DUE[1]) == [second - 5]
        page = advance_page(account.account_id, on=DUE[1] + timedelta(days=1))
        assert [row.state for row in page.months[0].rows] == ["paid", "overdue"]

        bill_id = bill(world, JANUARY, at=FEBRUARY)

        issued = Bill.objects.get(pk=bill_id)
        owed = dues.get_dues(account_id=account.account_id, on=FEBRUARY.date())
        assert (owed.advances, owed.to_pay_fen) == ((), issued.total_fen - first - 5)
        assert [(one.paid_fen, one.amount_fen) for one in advances_of_bill(bill_id)] == [(first, first), (5, second)]
        pay_all(world, account=account, at=FEBRUARY)
        assert [one.paid_fen for one in advances_of_bill(bill_id)] == [first, 5], "what came later paid the bill"

    @pytest.mark.parametrize("seed", range(6))
    def test_whatever_is_paid_when_advances_and_bill_ask_exactly_the_bill(self, world: World, seed: int) -> None:
        chance, account, money = random.Random(seed), world.commercial, 0

        def act(day: date) -> int:
            """Somebody pays some of what is asked, all of it, or more than anybody asked; or gets some back."""
            now = balance(account.account_id)
            what = chance.choice(("nothing", "some", "all", "more", "back"))
            due = dues.get_dues(account_id=account.account_id, on=day).asked_fen
            if what == "back" and now.prepayment_fen:
                fen = chance.randint(1, now.prepayment_fen)
                settlement.refund_prepayment(
                    account_id=account.account_id, amount_fen=fen, refund_id=chance.randint(1, 10**9),
                    clearing="CASH", at=morning(day), business_date=day, actor_id=None,
                )  # fmt: skip
                return -fen
            fen = {"some": chance.randint(0, due), "all": due, "more": due + chance.randint(1, 10**6)}.get(what, 0)
            if fen:
                pay(world, fen=fen, account=account, at=morning(day))
            return fen

        def check(day: date) -> None:
            owed = dues.get_dues(account_id=account.account_id, on=day)
            bills = Bill.objects.filter(account_id=account.account_id, cycle=JANUARY)
            claims = sum(bills.values_list("total_fen", flat=True)) or sum(
                AdvanceDemand.objects.values_list("amount_fen", flat=True)
            )
            assert owed.asked_fen == max(0, claims - money)
            assert owed.prepayment_fen - owed.receivable_fen == money - sum(bills.values_list("total_fen", flat=True))

        day = date(2026, 1, 5)
        while day < date(2026, 2, 2):
            advances.demand_advances(at=morning(day))
            money += act(day)
            check(day)
            day += timedelta(days=chance.randint(1, 5))
        bill_id, before = bill(world, JANUARY, at=FEBRUARY), money
        check(FEBRUARY.date())
        taken = LedgerTransfer.objects.filter(kind=TransferKind.PREPAYMENT_APPLIED, document_id=bill_id)
        total = Bill.objects.get(pk=bill_id).total_fen
        assert sum(taken.values_list("amount_fen", flat=True)) == min(before, total)
        settlement.apply_all(at=FEBRUARY)
        money += act(FEBRUARY.date())
        check(FEBRUARY.date())
        assert sum(one.paid_fen for one in advances_of_bill(bill_id)) == min(
            before, sum(AdvanceDemand.objects.values_list("amount_fen", flat=True))
        )
        assert not ledger.verify().faults

    def test_a_bill_made_again_keeps_what_was_paid_before_its_first(self, world: World, settings: Any) -> None:
        settings.CORRECTION_LIMIT_FEN = 10**11
        advances.demand_advances(at=FIRST)
        amount = AdvanceDemand.objects.get().amount_fen
        pay(world, fen=amount - 1, account=world.commercial, at=FIRST)
        bill_id = bill(world, JANUARY, at=FEBRUARY)
        pay_all(world, account=world.commercial, at=FEBRUARY)

        new_no = cancel_and_rebill(
            bill_no=str(Bill.objects.get(pk=bill_id)), reason="抄错", by_id=world.accountant_id, at=FEBRUARY
        ).bill_no

        for one in (bill_id, int(new_no[6:])):
            assert [(row.paid_fen, row.bill_no) for row in advances_of_bill(one)] == [(amount - 1, new_no)]
        assert asked(world, FEBRUARY.date()) == []


class TestTheAgreement:
    def test_that_ends_within_a_month_asks_for_earlier_days_only(self, world: World) -> None:
        account = world.commercial.account_id
        advances.demand_advances(at=FIRST)
        advances.demand_advances(at=SECOND)
        assert len(asked(world, DUE[0])) == 2

        end(world, date(2026, 1, 17), at=SECOND)

        assert len(asked(world, DUE[0])) == 1
        assert [row.state for row in advance_page(account, on=DUE[0]).months[0].rows] == ["open", "dropped"]
        with pytest.raises(advances.NoSettlements):
            advances.end(
                account_id=account, last_on=date(2026, 1, 20), reason="再停", by_id=world.manager_id, at=SECOND
            )

    def test_that_has_ended_asks_for_nothing_more(self, world: World) -> None:
        end(world, date(2026, 1, 9), at=FIRST)

        assert advances.demand_advances(at=FIRST) == 0
        rows = advance_page(world.commercial.account_id, on=FIRST.date()).months[0].rows
        assert [row.state for row in rows] == ["not-in-force"] * 2

    def test_follows_another_from_a_month_of_which_nothing_was_asked(self, world: World) -> None:
        advances.demand_advances(at=FIRST)
        with pytest.raises(advances.MonthAsked):
            agree_on_advances(world, at=FIRST)

        agree_on_advances(world, at=FIRST, from_cycle=202602, monthly_fen=500_00)

        old, new = AdvanceAgreement.objects.order_by("pk")
        assert old.ends_on == new.begins_on == date(2026, 2, 1) and new.ends_on is None

    def test_that_was_ended_before_it_began_stands_in_nobodys_way(self, world: World) -> None:
        end(world, date(2026, 1, 31), at=FIRST)
        agree_on_advances(world, at=FIRST, from_cycle=202603, monthly_fen=500_00)
        assert advance_page(world.commercial.account_id, on=FIRST.date()).may_be_ended
        end(world, date(2026, 1, 31), at=FIRST)

        agree_on_advances(world, at=FIRST, from_cycle=202602, monthly_fen=400_00)

        assert AdvanceAgreement.objects.filter(ends_on=None).get().begins_on == date(2026, 2, 1)

    def test_is_for_businesses_with_supply_and_with_terms_that_add_up(self, world: World) -> None:
        with pytest.raises(advances.NotForSettlements):
            agree_on_advances(world, account=world.residential)
        for wrong in (((20, 300), (10, 300)), ((10, 600), (20, 500)), ()):
            with pytest.raises(advances.BadSettlements):
                agree_on_advances(world, from_cycle=202602, settlements=wrong)
        with pytest.raises(advances.BadSettlements):
            agree_on_advances(world, from_cycle=202512)

    def test_stays_as_it_was_signed_whoever_goes_around_the_house(self, world: World) -> None:
        advances.demand_advances(at=FIRST)
        demand, signed = AdvanceDemand.objects.get(), AdvanceAgreement.objects.get()
        elsewhere = _values(signed) | {"account_id": world.residential.account_id}
        around: list[Callable[[], object]] = [
            lambda: AdvanceAgreement.objects.update(shares=[1, 1]),
            lambda: AdvanceAgreement.objects.all().delete(),
            lambda: AdvanceDemand.objects.update(amount_fen=1),
            lambda: AdvanceDemand.objects.all().delete(),
            lambda: AdvanceDemand.objects.bulk_create([AdvanceDemand(**_values(demand))]),
            lambda: AdvanceAgreement.objects.bulk_create([AdvanceAgreement(**_values(signed))]),
            lambda: AdvanceAgreement.objects.bulk_create([AdvanceAgreement(**elsewhere | {"shares": [600, 500]})]),
            lambda: AdvanceAgreement.objects.bulk_create([AdvanceAgreement(**elsewhere | {"days": [20, 10]})]),
        ]
        for act in around:
            with pytest.raises(Error), transaction.atomic():
                act()
        AdvanceAgreement.objects.bulk_create([AdvanceAgreement(**elsewhere)])
        AdvanceAgreement.objects.update(ends_on=date(2026, 3, 1), ended_at=FIRST, end_reason="到期")
        with pytest.raises(Error), transaction.atomic():
            AdvanceAgreement.objects.update(ends_on=date(2026, 4, 1))


class TestTheList:
    def test_shows_what_is_open_and_past_its_day_to_whoever_answers_for_the_account(self, world: World) -> None:
        advances.demand_advances(at=FIRST)
        day, paths = DUE[0] + timedelta(days=1), _paths(world.county_a_id)

        rows = list_advances(within=paths, on=day, state="overdue").rows

        assert [(row.account_no, row.state) for row in rows] == [(world.commercial.account_no, "overdue")]
        assert overdue_advances(within=paths, on=day).fen == rows[0].advance.amount_fen
        assert list_advances(within=_paths(world.county_b_id), on=day).rows == ()
        assert overdue_advances(within=_paths(world.county_b_id), on=day).count == 0
        bill(world, JANUARY, at=FEBRUARY)
        assert list_advances(within=paths, on=day).rows == ()
        assert [row.state for row in list_advances(within=paths, on=day, cycle=JANUARY).rows] == ["billed"]

    def test_costs_the_same_for_more(self, world: World) -> None:
        SupplyContract.objects.filter(account_id=world.residential.account_id).update(
            price_class=SupplyContract.PriceClass.COMMERCIAL
        )
        agree_on_advances(world, account=world.residential, monthly_fen=1_000_00)
        advances.demand_advances(at=FIRST)
        counts = []
        for state, found in (("paid", 0), ("open", 2)):
            with CaptureQueriesContext(connection) as done:
                assert len(list_advances(within=["/"], on=DUE[0], state=state).rows) == found
            counts.append(len(done))

        assert counts[0] == counts[1]


@pytest.mark.django_db(transaction=True)
def test_two_at_the_same_moment_ask_once() -> None:
    made = small_world()
    for cycle in made.cycles[:2]:
        bill(made, cycle)
    agree_on_advances(made)

    counts = at_once([lambda: advances.demand_advances(at=FIRST)] * 2)

    assert sorted(counts) == [0, 1] and AdvanceDemand.objects.count() == 1
    assert Message.objects.filter(template="advance-due").count() == 1
    connection.close()


@pytest.mark.django_db(transaction=True)
def test_agreed_anew_while_the_morning_asks_is_asked_by_one_of_them() -> None:
    """The morning waits for who agrees, or is waited for: nothing is asked that its agreement does not hold."""
    made = small_world()
    for cycle in made.cycles[-2:]:
        bill(made, cycle)
    agree_on_advances(made)

    at_once(
        [
            lambda: advances.demand_advances(at=FIRST),
            lambda: agree_on_advances(made, at=FIRST, monthly_fen=500_00),
        ]
    )

    for one in AdvanceDemand.objects.select_related("agreement"):
        assert one.agreement.ends_on is None or one.agreed_on < one.agreement.ends_on
    connection.close()


def _values(row: AdvanceDemand | AdvanceAgreement) -> dict[str, object]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields if not field.primary_key}


def _paths(unit_id: int) -> list[str]:
    return [OrgUnit.objects.get(pk=unit_id).path]
