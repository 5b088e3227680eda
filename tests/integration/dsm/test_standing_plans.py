"""Plans that no longer hold are not ordered, nobody is cut twice a day, and an order that is wrong is called back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.db.utils import IntegrityError, InternalError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cis.models import SupplyContract
from cis.operations.contracts import change_capacity
from config.shared.models import Message, OrgUnit, User
from dsm.models import PlanCut, ShedEntry, ShedOrder, Shortage
from dsm.operations import call_backs, plan_standing, shed_lists, shed_orders, shortages
from dsm.queries.shed_orders import execution_of
from dsm.queries.shed_problem import day_starts_at, problem_of
from dsm.queries.shortages import get_shortage
from dsm.shedding import strategies
from tests.factories.portal import bind, person, signed_in
from tests.factories.shortage import DAY, NOW, Works, authorise, compute, decide, latest, make_shortage, make_works
from tests.factories.staff import prove


@pytest.fixture
def works(db: None, monkeypatch: pytest.MonkeyPatch) -> Works:
    # What is decided here is not how well it was computed, and starting the solver takes seconds.
    monkeypatch.delitem(strategies.STRATEGIES, "optimum")
    return make_works()


def issue(works: Works, shortage: Shortage) -> int:
    return shed_orders.issue_orders(shortage_id=shortage.pk, by_id=works.dispatcher_id, at=NOW)


def cuts_of(shortage: Shortage) -> list[PlanCut]:
    """The cuts of the chosen plan."""
    return list(PlanCut.objects.filter(plan_id=shortage.chosen_id).order_by("pk"))


def cut_accounts(shortage: Shortage) -> list[int]:
    """Whom the chosen plan cuts."""
    return [cut.account_id for cut in cuts_of(shortage)]


def replace_list(works: Works, *, protect: int) -> None:
    """Another approved list, on which one account more is protected."""
    entries = ShedEntry.objects.filter(shed_list_id=works.list_id).order_by("account_id")
    rows = [
        shed_lists.Surveyed(
            account_id=one.account_id, capacity_kva=one.capacity_kva, tier=min(one.tier, 8),
            protected_because="医院" if one.account_id == protect else one.protected_because, security_kw=None,
            process_pct=one.process_pct, lead_h=0, compensation_fen_kwh=80, lost_output_fen_kwh=500,
        )
        for one in entries
    ]  # fmt: skip
    list_id = shed_lists.draw_list(
        year=DAY.year, org_unit_id=works.world.province_id, rows=rows, feeders=[], made_by_id=None, at=NOW
    )
    shed_lists.approve_list(
        list_id=list_id, authority="省发改委", document_no="78号", approved_on=NOW.date(), by_id=None, at=NOW
    )


class TestPlansThatNoLongerHold:
    def test_a_customer_protected_on_a_new_list_is_not_cut_by_the_old_one(self, works):
        shortage = decide(works)
        cut = cuts_of(shortage)[0]

        replace_list(works, protect=cut.account_id)

        with pytest.raises(plan_standing.PlansAreStale, match="新名单"):
            issue(works, shortage)
        assert not ShedOrder.objects.exists()

    def test_nor_is_a_plan_of_an_old_list_submitted_or_chosen(self, works):
        drafted = make_shortage(works)
        compute(drafted)
        authorised = authorise(works)

        replace_list(works, protect=works.accounts[0].account_id)

        with pytest.raises(plan_standing.PlansAreStale):
            shortages.submit_shortage(shortage_id=drafted.pk, by_id=works.dispatcher_id, at=NOW)
        with pytest.raises(plan_standing.PlansAreStale):
            shortages.choose_plan(
                shortage_id=authorised.pk, plan_id=authorised.plans.all()[0].pk, reasons="急", by_id=works.leader_id,
                at=NOW,
            )  # fmt: skip

    def test_an_entry_that_changed_after_the_plans_stops_the_orders(self, works):
        shortage = decide(works)
        cut = cuts_of(shortage)[0]
        entry = ShedEntry.objects.filter(account_id=cut.account_id)

        entry.update(tier=9, protected_because="医院", sheddable_kw=0)

        with pytest.raises(plan_standing.PlansAreStale, match="1 户"):
            issue(works, shortage)

    def test_a_contract_that_changed_after_the_plans_stops_them_before_its_news_arrive(self, works):
        shortage = decide(works)
        cut = cuts_of(shortage)[0]
        change_capacity(
            account_id=cut.account_id,
            capacity_kva=400,
            from_on=DAY,
            reason="减容",
            changed_by_id=works.leader_id,
            at=NOW,
        )

        with pytest.raises(plan_standing.PlansAreStale):
            issue(works, shortage)

    def test_a_home_is_never_ordered_to_cut(self, works):
        shortage = decide(works)
        cut = cuts_of(shortage)[0]
        SupplyContract.objects.filter(account_id=cut.account_id).update(price_class=1)

        with pytest.raises(plan_standing.PlansAreStale):
            issue(works, shortage)

    def test_plans_of_different_data_are_not_put_beside_each_other(self, works):
        shortage = make_shortage(works)
        compute(shortage)
        rotation = shortage.plans.get(strategy="rotation")
        uncut = ShedEntry.objects.filter(tier__lt=9).exclude(
            account_id__in=rotation.cuts.values_list("account_id", flat=True)
        )[0]
        # One of them computed later, when somebody else of the list could give less.
        ShedEntry.objects.filter(pk=uncut.pk).update(process_pct=10)
        digest = problem_of(shortage).digest
        assert digest != rotation.digest
        shortage.plans.filter(pk=rotation.pk).update(digest=digest)

        with pytest.raises(plan_standing.PlansAreStale, match="不能放在一起比"):
            shortages.submit_shortage(shortage_id=shortage.pk, by_id=works.dispatcher_id, at=NOW)

    def test_a_change_of_somebody_nobody_cuts_stops_nothing(self, works):
        shortage = decide(works)
        spared = ShedEntry.objects.exclude(account_id__in=cut_accounts(shortage))
        spared.update(burden_before_h=F("burden_before_h") + 1)

        assert issue(works, shortage) > 0


class TestNotice:
    def test_who_would_hear_too_late_is_counted_as_of_now(self, works):
        ShedEntry.objects.filter(account_id=works.accounts[0].account_id).update(lead_h=30)
        shortage = decide(works)
        cut = PlanCut.objects.get(plan_id=shortage.chosen_id, account_id=works.accounts[0].account_id)
        path = OrgUnit.objects.get(pk=works.world.province_id).path
        due = day_starts_at(DAY) + timedelta(minutes=15 * cut.start_slot, hours=-30)

        now, late = (
            get_shortage(shortage_id=shortage.pk, within=[path], at=due + timedelta(minutes=more)).chosen
            for more in (0, 1)
        )

        assert now is not None and late is not None
        assert (now.figures["late_orders"], now.figures["notice_kept_e4"]) == (0, 10_000)
        assert late.figures["late_orders"] == 1
        assert late.figures["notice_kept_e4"] == 10_000 * (late.figures["orders"] - 1) // late.figures["orders"]
        shed_orders.issue_orders(shortage_id=shortage.pk, by_id=works.dispatcher_id, at=due + timedelta(minutes=1))
        assert ShedOrder.objects.get(account_id=cut.account_id).notice_due_at == due
        assert execution_of(shortage_id=shortage.pk).notice_broken == 1

    def test_plans_leave_the_time_in_which_they_are_decided(self, works, settings):
        settings.DSM_ISSUE_AFTER_H = 5.0

        assert problem_of(make_shortage(works)).problem.hours_before == 39 - 5

    def test_who_lives_on_a_contract_for_homes_is_in_no_plan(self, works):
        home = works.accounts[0].account_id
        SupplyContract.objects.filter(account_id=home).update(price_class=1)

        asked = problem_of(make_shortage(works))

        row = asked.account.tolist().index(home)
        assert asked.problem.is_residential[row]
        assert asked.problem.is_residential.sum() == 1
        assert not asked.problem.cap_kw[row].any()


class TestOneCutADay:
    def test_a_second_shortage_of_the_day_does_not_cut_the_same_customers(self, works):
        first, second = decide(works), decide(works)
        issue(works, first)

        with pytest.raises(plan_standing.AlreadyCut, match="连续高温"):
            issue(works, second)

        assert not ShedOrder.objects.filter(shortage=second).exists()

    def test_a_shortage_planned_after_the_orders_passes_them_by(self, works):
        first = decide(works)
        issue(works, first)

        second = decide(works)

        cut = set(ShedOrder.objects.values_list("account_id", flat=True))
        assert cut.isdisjoint(cut_accounts(second))
        assert issue(works, second) > 0

    def test_the_database_refuses_it_too(self, works):
        first, second = decide(works), decide(works)
        issue(works, first)
        given = ShedOrder.objects.order_by("pk")[0]
        cut = PlanCut.objects.get(plan_id=second.chosen_id, account_id=given.account_id)

        with pytest.raises(IntegrityError, match="one_cut_a_day"), transaction.atomic():
            ShedOrder.objects.create(
                cut=cut, shortage=second, account_id=given.account_id, starts_at=given.ends_at,
                ends_at=given.ends_at + timedelta(hours=1), notice_due_at=NOW, issued_at=NOW,
                issued_by_id=works.dispatcher_id,
            )  # fmt: skip


class TestCallBack:
    def test_all_are_called_back_told_and_the_day_is_free_again(self, works):
        first, second = decide(works), decide(works)
        count = issue(works, first)
        told = set(Message.objects.filter(template="shed-order").values_list("account_id", flat=True))

        back = call_backs.call_back_orders(
            shortage_id=first.pk, reasons="名单有误", by_id=works.dispatcher_id, at=NOW + timedelta(hours=1)
        )

        first.refresh_from_db()
        assert (back, first.state) == (count, "called-back")
        assert first.steps.get(kind="called-back").reasons == "名单有误"
        assert told
        called = Message.objects.filter(template="shed-order-called-back")
        assert set(called.values_list("account_id", flat=True)) == told
        stands = execution_of(shortage_id=first.pk)
        assert (stands.orders, stands.called_back) == (0, count)
        assert issue(works, second) > 0
        with pytest.raises(shortages.OutOfTurn):
            call_backs.call_back_orders(shortage_id=first.pk, reasons="再来", by_id=works.dispatcher_id, at=NOW)

    def test_one_is_called_back_and_the_others_stand(self, works):
        shortage = decide(works)
        count = issue(works, shortage)
        order = shortage.orders.order_by("pk")[0]

        call_backs.call_back_orders(
            shortage_id=shortage.pk, order_id=order.pk, reasons="是医院", by_id=works.dispatcher_id, at=NOW
        )

        shortage.refresh_from_db()
        assert shortage.state == "issued"
        assert execution_of(shortage_id=shortage.pk).orders == count - 1
        with pytest.raises(shed_orders.OrderCalledBack):
            shed_orders.acknowledge_order(
                order_id=order.pk, account_ids=(order.account_id,), by_id=works.leader_id, at=NOW
            )
        with pytest.raises(call_backs.NothingToCallBack):
            call_backs.call_back_orders(
                shortage_id=shortage.pk, order_id=order.pk, reasons="再来", by_id=works.dispatcher_id, at=NOW
            )
        later = problem_of(make_shortage(works, on_day=DAY + timedelta(days=1)))
        row = later.account.tolist().index(order.account_id)
        assert later.problem.burden_h[row] == ShedEntry.objects.get(account_id=order.account_id).burden_before_h

    def test_the_database_keeps_the_first_call_back(self, works):
        shortage = decide(works)
        issue(works, shortage)
        call_backs.call_back_orders(shortage_id=shortage.pk, reasons="有误", by_id=works.dispatcher_id, at=NOW)

        with pytest.raises((InternalError, IntegrityError), match="called back once"), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("UPDATE dsm_shed_order SET call_back_reason = 'x'")


class Pages:
    """The pages of the planner and of the leader, both having proved who they are."""

    def __init__(self, works: Works) -> None:
        self.planner, self.leader = signed(works.dispatcher_id), signed(works.leader_id)
        prove(self.planner)
        self.day = (timezone.localtime() + timedelta(days=2)).date()

    def seen(self, name: str, key: int, by: Client | None = None) -> str:
        """What a page says."""
        answer = (by or self.planner).get(reverse(f"dsm:{name}", args=[key]))
        assert answer.status_code == 200
        return str(answer.content.decode())

    def post(self, name: str, key: int, **typed: str) -> None:
        """Do what a page is for."""
        assert self.planner.post(reverse(f"dsm:{name}", args=[key]), typed).status_code == 302


def signed(user_id: int) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=user_id))
    return client


class TestCallBackPages:
    def test_who_plans_calls_back_and_the_customer_reads_it(self, db, monkeypatch):
        monkeypatch.delitem(strategies.STRATEGIES, "optimum")
        works = make_works(count=12, at=timezone.localtime())
        pages = Pages(works)
        shortage = decide(works, on_day=pages.day, at=timezone.now(), gap_kw=200)
        shed_orders.issue_orders(shortage_id=shortage.pk, by_id=works.dispatcher_id, at=timezone.now())
        order = shortage.orders.order_by("pk")[0]

        assert "收回全部指令" in pages.seen("shortage_orders", shortage.pk)
        assert "收回全部指令" not in pages.seen("shortage_orders", shortage.pk, by=pages.leader)
        pages.post("order_call_back", order.pk, reason="是医院")

        order.refresh_from_db()
        assert order.call_back_reason == "是医院"
        assert "已收回" in pages.seen("shortage_orders", shortage.pk)
        user = person("13800000321", at=timezone.now())
        bind(user, order.account_id)
        assert "不用压减" in signed_in(user).get(f"/my/shed-orders/{order.pk}/").content.decode()
        pages.post("shortage_call_back", shortage.pk, reason="重新编")
        assert latest().state == "called-back"
        assert "指令已全部收回" in pages.seen("shortage", shortage.pk)
