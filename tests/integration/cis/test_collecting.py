"""From a missed due date to the stop of supply and back, on the real tables; nobody gets there early or around."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import Error, connection, transaction
from django.test import Client
from psycopg2.extras import DateRange

from cis import handlers
from cis.events import DebtorTold
from cis.models import (
    Account,
    ArrearsCase,
    Bill,
    FreeEnergyRight,
    LateFeeCharge,
    Premise,
    Protection,
    PublicHoliday,
    ReconnectionOrder,
    TransformerDistrict,
)
from cis.models.ledger import TransferKind
from cis.operations import (
    agreements,
    bad_debts,
    collecting,
    collecting_notices,
    disputes,
    late_fees,
    ledger,
    protections,
    public_holidays,
    settlement,
)
from cis.queries import collecting as queries
from cis.queries import dues
from cis.queries import ledger as ledger_queries
from cis.queries.late_fees import late_fees_so_far
from config.shared import approvals
from config.shared.calendar import calendar_day
from config.shared.errors import NotAllowed, NotFound, Refused
from config.shared.models import Message, OrgUnit, OutboxDelivery, OutboxEvent, User
from payments import handlers as payment_handlers
from payments.events import PaymentReceived
from payments.operations import reverse_payment
from tests.factories.arrears import APPROVED, CUT, DEMANDED, WALK, Road, at
from tests.factories.bills import issue
from tests.factories.world import small_world
from tests.integration.payments import pay, pay_all

pytestmark = pytest.mark.django_db


@pytest.fixture
def road() -> Road:
    return Road(small_world())


def prepay(account_id: int, fen: int, document: int = 1) -> None:
    """Prepayment beside bills that are open, as a deposit given back or a cancelled bill leaves it."""
    with transaction.atomic():
        ledger.post(
            [
                ledger.Posting(
                    int(TransferKind.BACK_BILL_REFUNDED), document, 1, account_id,
                    ledger.control_id("INCOME_RESIDENTIAL"), ledger.prepayment_id(account_id), fen,
                )
            ],
            booked_at=at(3, 3), business_date=at(3, 3).date(), actor_id=None,
        )  # fmt: skip


def codes(refused: pytest.ExceptionInfo[Refused]) -> set[str]:
    return set(refused.value.facts["hindrances"])


class TestTheRoad:
    def test_to_the_cut_and_back_with_the_payment(self, road: Road) -> None:
        for act in (*WALK, "cut"):
            getattr(road, act)()
        assert ArrearsCase.objects.get(pk=road.case_id).stage == "cut"

        paid = pay_all(road.world, account=road.account, at=at(3, 3, 15))
        event = OutboxEvent.objects.get(name=PaymentReceived.name)
        assert OutboxDelivery.objects.filter(event=event, handler__endswith="stop_collecting").exists()
        for minute in (1, 1, 30):
            collecting.note_payment(
                account_id=road.account.account_id,
                payment_id=paid.payment_id,
                paid_at=at(3, 3, 15),
                at=at(3, 3, 15, minute),
            )

        order = ReconnectionOrder.objects.get()
        assert (order.ordered_at, order.due_at) == (at(3, 3, 15, 1), at(3, 4, 15))
        path = [OrgUnit.objects.get(pk=road.world.county_a_id).path]
        late = partial(queries.list_reconnections, within=path)
        assert [row.is_late for row in late(at=at(3, 4, 15))] == [False]
        assert [row.is_late for row in late(at=at(3, 4, 15, 1))] == [True]
        road.do(collecting.restore_supply, at(3, 3, 17))
        assert late(at=at(3, 5)) == ()
        assert road.steps() == [
            "cause", "demand", "approved", "notice-printed", "notice-served", "short-notice", "cut", "payment",
            "restored",
        ]  # fmt: skip
        assert ArrearsCase.objects.get(pk=road.case_id).closed_at is not None

    @pytest.mark.acceptance("F28")
    @pytest.mark.parametrize("by", ["agreement", "write-off", "dispute", "in-hand", "late-fee", "one-fen"])
    def test_supply_is_ordered_back_with_whatever_ends_the_reason_to_keep_it_away(self, road: Road, by: str) -> None:
        for act in (*WALK, "cut"):
            getattr(road, act)()
        account_id, when = road.account.account_id, at(3, 3, 15)
        match by:
            case "agreement":
                agreements.sign_in_parts(
                    account_id=account_id, bill_ids=[Bill.objects.get(account_id=account_id).pk],
                    count=2, first_on=date(2026, 4, 1), evidence="协议 1 号", by_id=road.collector, at=when,
                )  # fmt: skip
            case "write-off":
                asked = bad_debts.ask_write_off(
                    account_id=account_id, ground="bankrupt", evidence="破产裁定书", reason="法院已裁定",
                    asked_by_id=road.collector, at=when,
                )  # fmt: skip
                approvals.approve(approval_id=asked, decided_by_id=road.head, at=when)
            case "dispute":
                disputes.open_dispute(bill_no=road.bill_no, reason="多算了", opened_by_id=road.collector, at=when)
            case "in-hand":
                prepay(road.account.account_id, 500_00)
                collecting.open_cases(at=when)
            case "late-fee":
                # The payment covered the late fee first; given back, the fee covers what was left of the bill.
                paid = pay(road.world, fen=500_00, account=road.account, at=when)
                collecting.note_payment(account_id=account_id, payment_id=paid.payment_id, paid_at=when, at=when)
                bill = Bill.objects.get(account_id=account_id)
                assert bill.open_fen > 0 and not ReconnectionOrder.objects.exists()
                asked = late_fees.ask_give_back(
                    bill_id=bill.pk, reason="账单没有送到", asked_by_id=road.collector, at=when
                )
                approvals.approve(approval_id=asked, decided_by_id=road.head, at=when)
            case "one-fen":
                paid = pay(road.world, fen=1, account=road.account, at=when)
                collecting.note_payment(account_id=account_id, payment_id=paid.payment_id, paid_at=when, at=when)
                collecting.open_cases(at=when)
                assert not ReconnectionOrder.objects.exists()
                return

        assert ReconnectionOrder.objects.get().due_at == at(3, 4, 15)

    def test_what_is_in_hand_is_not_owed(self, road: Road) -> None:
        for act in WALK:
            getattr(road, act)()
        prepay(road.account.account_id, 500_00)

        with pytest.raises(collecting.NotYet) as refused:
            road.cut()
        assert codes(refused) == {"nothing-overdue"}
        with pytest.raises(Error):
            road.cut_around()
        assert collecting.open_cases(at=at(3, 3))["closed"] == 1

    def test_what_lies_ahead_pays_what_is_open_late_fee_first_and_once(self, road: Road) -> None:
        prepay(road.account.account_id, 100_00)

        assert [settlement.apply_all(at=at(3, 3)), settlement.apply_all(at=at(3, 3))] == [1, 0]
        # 47 days at 2 and 3 per mille of 500 yuan came first, as with a payment.
        fee_fen = LateFeeCharge.objects.get().fee_fen
        assert Bill.objects.get(account_id=road.account.account_id).open_fen == 500_00 - (100_00 - fee_fen)
        prepay(road.account.account_id, 600_00, document=2)
        settlement.apply_all(at=at(3, 3))
        assert dues.to_pay_fen(account_id=road.account.account_id, on=at(3, 3).date()) == 0
        assert ledger_queries.balance(road.account.account_id).prepayment_fen == 200_00 - fee_fen
        assert collecting.open_cases(at=at(3, 4))["closed"] == 1

    def test_the_handler_of_a_payment_does_it_and_twice_changes_nothing(self, road: Road) -> None:
        for act in (*WALK, "cut"):
            getattr(road, act)()
        paid = pay_all(road.world, account=road.account, at=at(3, 3, 15))
        event = PaymentReceived(
            account_id=road.account.account_id, payment_id=paid.payment_id, amount_fen=500_00, prepaid_fen=0,
            method="cash",
        )  # fmt: skip

        payment_handlers.stop_collecting(event)
        payment_handlers.stop_collecting(event)

        assert ReconnectionOrder.objects.count() == 1
        assert road.steps().count("payment") == 1

    def test_a_payment_in_part_puts_it_back_and_in_full_ends_it(self, road: Road) -> None:
        for act in WALK[:-1]:
            getattr(road, act)()
        note = partial(collecting.note_payment, account_id=road.account.account_id)

        part = pay(road.world, fen=100_00, account=road.account, at=at(3, 1))
        with pytest.raises(collecting.NotYet) as refused:
            road.tell()
        assert codes(refused) == {"stopped-payment"}, "before the news of the payment has come"
        assert note(payment_id=part.payment_id, paid_at=at(3, 1), at=at(3, 1)) is None
        with pytest.raises(collecting.NotYet) as refused:
            road.tell()
        assert {"not-approved", "notice-not-served"} <= codes(refused)
        assert ArrearsCase.objects.get(pk=road.case_id).overdue_fen == 445_00, "the late fee of 45 yuan came first"
        rest = pay_all(road.world, account=road.account, at=at(3, 2))
        note(payment_id=rest.payment_id, paid_at=at(3, 2), at=at(3, 2))

        assert ArrearsCase.objects.get(pk=road.case_id).closed_at == at(3, 2)
        assert not ReconnectionOrder.objects.exists()

    @pytest.mark.acceptance("003-22")
    def test_without_the_cause_nothing_is_escalated(self, road: Road) -> None:
        road.demand()

        with pytest.raises(collecting.NotYet) as refused:
            road.ask()
        assert codes(refused) == {"no-cause"}
        with pytest.raises(Refused):
            road.do(collecting.record_cause, at(1, 20), cause="whatever")
        road.cause()
        road.ask()

    def test_nobody_approves_what_they_asked_for(self, road: Road) -> None:
        road.cause()
        road.demand()
        approval_id = road.ask()

        with pytest.raises(NotAllowed):
            approvals.approve(approval_id=approval_id, decided_by_id=road.collector, at=APPROVED)
        assert "approved" not in road.steps()

    def test_every_step_says_by_what_it_is_proved(self, road: Road) -> None:
        with pytest.raises(collecting.EvidenceMissing):
            road.do(collecting.record_demand, DEMANDED, channel="visit", evidence=" ")

    def test_a_demand_by_message_sends_one_however_often_it_is_delivered(self, road: Road) -> None:
        step_id = road.do(collecting.record_demand, at(1, 22), channel="sms")
        event = DebtorTold(account_id=road.account.account_id, step_id=step_id)
        assert OutboxEvent.objects.filter(name=DebtorTold.name, payload__step_id=step_id).exists()

        # The handler reads the clock: an old demand wakes nobody.
        handlers.tell_debtor(event)
        assert not Message.objects.filter(template="debt-demanded").exists()
        for _time in range(2):
            collecting_notices.tell_debtor(step_id=step_id, at=at(1, 22))

        assert Message.objects.filter(template="debt-demanded").count() == 1


class TestNotEarlyAndNotAround:
    @pytest.mark.acceptance("F27")
    def test_each_act_waits_for_its_time(self, road: Road) -> None:
        road.cause()
        road.demand()
        with pytest.raises(collecting.NotYet) as refused:
            road.ask(at(2, 14))
        assert codes(refused) == {"not-long-overdue"}
        road.approve()
        with pytest.raises(collecting.NotYet) as refused:
            collecting.print_notice(
                case_id=road.case_id, announced_at=at(2, 27), by_id=road.collector, at=at(2, 25, 11)
            )
        assert codes(refused) == {"announced-too-early"}
        road.print()
        with pytest.raises(collecting.NotYet) as refused:
            road.do(collecting.note_step, at(3, 1), what="notice-served", channel="person")
        assert codes(refused) == {"notice-too-late"}
        road.serve()
        with pytest.raises(collecting.NotYet) as refused:
            road.cut()
        assert codes(refused) == {"no-short-notice"}
        road.tell()
        for when, code in (
            (at(3, 3, 9, 45), "short-notice-too-fresh"),
            (at(3, 3, 9, 59), "before-announced-time"),
            (at(3, 3, 12, 1), "announced-time-over"),
        ):
            with pytest.raises(collecting.NotYet) as refused:
                road.cut(when)
            assert code in codes(refused)
        road.cut()

    def test_a_province_may_ask_for_more(self, road: Road, settings: Any) -> None:
        settings.COLLECTING_PROVINCE = "地方变体"
        for act in WALK[:-1]:
            getattr(road, act)()
        road.do(collecting.note_step, at(3, 3, 9, 20), what="short-notice", channel="phone")

        with pytest.raises(collecting.NotYet) as refused:
            road.cut()

        assert codes(refused) == {"short-notice-too-fresh"}
        home = Road(road.world, account=road.world.residential, head_id=road.head)
        for act in ("cause", "demand", "approve"):
            getattr(home, act)()
        with pytest.raises(collecting.NotYet) as refused:
            home.print()
        assert codes(refused) == {"announced-too-early"}, "a home hears seven days before"

    @pytest.mark.parametrize("missing", WALK)
    def test_the_database_refuses_a_cut_without_any_one_step(self, road: Road, missing: str) -> None:
        steps = {
            "cause": partial(road.cause),
            "demand": partial(road.demand),
        }
        for act in WALK:
            if act == missing:
                break
            steps.get(act, getattr(road, act))()

        with pytest.raises(Error):
            road.cut_around()
        assert "cut" not in road.steps()

    def test_the_database_refuses_a_cut_at_another_time_protected_disputed_or_paid(self, road: Road) -> None:
        for act in WALK:
            getattr(road, act)()
        for when in (at(3, 3, 9, 59), at(3, 3, 12, 1), at(3, 3, 18)):
            with pytest.raises(Error):
                road.cut_around(when)
        for against in (
            lambda: Protection.objects.create(
                account_id=road.account.account_id, kind="life-support", basis="呼吸机", from_on=date(2026, 3, 1),
                set_by_id=road.collector, set_at=CUT,
            ),
            lambda: FreeEnergyRight.objects.create(
                account_id=road.account.account_id, kwh_per_month=15, document="低保证 1 号",
                valid=DateRange(date(2026, 1, 1), None),
            ),
            lambda: PublicHoliday.objects.create(day=CUT.date(), name="节日"),
            lambda: PublicHoliday.objects.create(day=date(2026, 3, 4), name="节日的前一天"),
            lambda: pay_all(road.world, account=road.account, at=at(3, 2)),
            lambda: protections.set_quiet_time(
                org_unit_id=road.world.city_id, kind="weather", from_at=at(3, 3, 0), until_at=at(3, 4, 0),
                reason="暴雪橙色预警", by_id=road.collector, at=at(3, 2),
            ),
            lambda: disputes.open_dispute(
                bill_no=road.bill_no, reason="多算了", opened_by_id=road.collector, at=at(3, 2)
            ),
        ):  # fmt: skip
            undone = transaction.savepoint()
            against()
            with pytest.raises(Error):
                road.cut_around()
            transaction.savepoint_rollback(undone)
        road.cut_around()

    def test_the_database_knows_the_holidays_of_two_years_and_follows_the_calendar(self) -> None:
        PublicHoliday.objects.filter(day__year=2027).delete()
        PublicHoliday.objects.update_or_create(day=date(2026, 3, 4), defaults={"name": "已改为上班"})

        assert public_holidays.keep(at=CUT) > 0 == public_holidays.keep(at=CUT)

        days = [date(2026, 1, 1) + timedelta(days=number) for number in range(730)]
        expected = {day: calendar_day(day).holiday for day in days if calendar_day(day).holiday}
        kept = PublicHoliday.objects.filter(day__year__in=(2026, 2027)).values_list("day", "name")
        assert dict(kept) == expected and date(2026, 10, 1) in expected

    def test_a_step_is_written_once(self, road: Road) -> None:
        road.cause()
        for act in ("UPDATE cis_arrears_step SET evidence = 'x'", "DELETE FROM cis_arrears_step"):
            with pytest.raises(Error), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(act)


class TestWhoIsNotCutOff:
    @pytest.mark.acceptance("F29")
    def test_a_protection_stops_it_and_its_end_needs_two_persons_and_stays_on_record(self, road: Road) -> None:
        for act in WALK:
            getattr(road, act)()
        protection_id = protections.protect(
            account_id=road.account.account_id, kind="life-support", basis="医院证明 12 号", from_on=date(2026, 3, 1),
            until_on=None, by_id=road.collector, at=at(3, 3, 9, 30),
        )  # fmt: skip

        with pytest.raises(collecting.NotYet) as refused:
            road.cut()
        assert "stopped-life-support" in codes(refused)
        with pytest.raises(NotFound):
            protections.ask_end_protection(
                account_id=road.world.residential.account_id, protection_id=protection_id, reason="x",
                asked_by_id=road.collector, at=at(3, 3, 9, 40),
            )  # fmt: skip
        with pytest.raises(protections.IsProtected):
            protections.protect(
                account_id=road.account.account_id, kind="life-support", basis="x", from_on=date(2026, 3, 1),
                until_on=None, by_id=road.collector, at=at(3, 3, 9, 30),
            )  # fmt: skip
        asked = protections.ask_end_protection(
            account_id=road.account.account_id,
            protection_id=protection_id,
            reason="设备已搬走",
            asked_by_id=road.collector,
            at=at(3, 3, 9, 40),
        )
        with pytest.raises(NotAllowed):
            approvals.approve(approval_id=asked, decided_by_id=road.collector, at=at(3, 3, 9, 45))
        approvals.approve(approval_id=asked, decided_by_id=road.head, at=at(3, 3, 9, 50))

        ended = Protection.objects.get()
        assert (ended.ended_by_id, ended.approval_id, ended.end_reason) == (road.head, asked, "设备已搬走")
        assert road.steps()[-2:] == ["stopped", "lifted"]
        with pytest.raises(collecting.NotYet) as refused:
            road.cut()
        assert {"not-approved", "notice-not-served", "no-short-notice"} <= codes(refused)

    def test_a_dispute_stops_it_until_it_is_settled(self, road: Road) -> None:
        road.cause()
        disputes.open_dispute(bill_no=road.bill_no, reason="多算了", opened_by_id=road.collector, at=at(1, 21))

        with pytest.raises(collecting.NotYet) as refused:
            road.demand()
        assert codes(refused) == {"stopped-dispute"}
        disputes.close_dispute(bill_no=road.bill_no, outcome="核实无误", closed_by_id=road.collector, at=at(1, 21, 11))
        road.demand()
        assert road.steps() == ["cause", "stopped", "lifted", "demand"]

    @pytest.mark.acceptance("003-24")
    def test_homes_behind_are_kept_and_the_authority_hears_of_important_customers(self, road: Road) -> None:
        Premise.objects.filter(pk=road.account.premise_id).update(
            transformer_district=TransformerDistrict.objects.create(
                code="T-D9", name="百货专变", feeder_id=TransformerDistrict.objects.get().feeder_id,
                capacity_kva=400, is_dedicated=True,
            )
        )  # fmt: skip
        mine = Premise.objects.get(pk=road.account.premise_id)
        home = Account.objects.get(pk=road.world.residential.account_id)
        Premise.objects.filter(pk=home.premise_id).update(transformer_district_id=mine.transformer_district_id)
        protections.protect(
            account_id=road.account.account_id, kind="important", basis="供水泵站", from_on=date(2026, 1, 1),
            until_on=None, by_id=road.collector, at=at(1, 18),
        )  # fmt: skip
        for act in ("cause", "demand", "approve", "print"):
            getattr(road, act)()

        with pytest.raises(collecting.NotYet) as refused:
            road.serve()
        assert codes(refused) == {"authority-not-informed", "homes-behind"}
        road.do(collecting.note_step, at(2, 26), what="authority-informed")
        with pytest.raises(collecting.NotYet) as refused:
            road.serve()
        assert codes(refused) == {"homes-behind"}
        undone = transaction.savepoint()
        Premise.objects.filter(pk=home.premise_id).update(transformer_district_id=road.world.transformer_district_id)
        road.serve()
        road.tell()
        Premise.objects.filter(pk=home.premise_id).update(transformer_district_id=mine.transformer_district_id)
        with pytest.raises(Error):
            road.cut_around()
        transaction.savepoint_rollback(undone)
        road.do(collecting.note_step, at(2, 26, 11), what="homes-kept")
        for act in ("serve", "tell", "cut"):
            getattr(road, act)()
        assert road.steps()[-3:] == ["notice-served", "short-notice", "cut"]


class TestTheNight:
    def test_opens_renews_and_closes_set_wise(self, django_assert_num_queries: Any) -> None:
        world = small_world()
        for account in world.accounts:
            issue(world, 100_00, account=account, cycle=202512)
        before = collecting.open_cases(at=at(1, 15))
        with django_assert_num_queries(8):
            first = collecting.open_cases(at=at(1, 16))
        again = collecting.open_cases(at=at(1, 17))
        pay_all(world, at=at(1, 18))
        pay(world, fen=30_00, account=world.commercial, at=at(1, 18))
        after = collecting.open_cases(at=at(1, 19))

        assert [one["opened"] for one in (before, first, again, after)] == [0, 4, 0, 0]
        assert after["closed"] == 1
        assert ArrearsCase.objects.get(account_id=world.commercial.account_id).overdue_fen == 71_00
        shop = queries.case_of_account(world.commercial.account_id, at=at(1, 19))
        assert shop is not None and shop.row.next is not None
        assert (shop.row.days, shop.row.next.what, shop.row.next.why) == (4, "cause", ())

    def test_the_work_list_costs_the_same_whatever_it_holds(self, django_assert_num_queries: Any) -> None:
        world = small_world()
        path = [OrgUnit.objects.get(pk=world.province_id).path]
        for account in world.accounts:
            issue(world, 100_00, account=account, cycle=202512)
        collecting.open_cases(at=at(1, 16))

        with django_assert_num_queries(8):
            rows = queries.list_cases(within=path, at=at(2, 20)).rows
        assert len(rows) == 4
        assert queries.list_cases(within=path, at=at(2, 20), cause="cash").rows == ()
        buckets = queries.ageing(within=path, today=at(2, 20).date())
        assert [(bucket.cases, bucket.overdue_fen) for bucket in buckets] == [
            (0, 0), (4, 400_00), (0, 0), (0, 0), (0, 0)
        ]  # fmt: skip
        assert queries.list_cases(within=["/0/"], at=at(2, 20)).rows == ()

    def test_what_is_overdue_costs_by_the_days_each_part_was_open(self) -> None:
        world = small_world()
        issue(world, 10_000_00, account=world.commercial, cycle=202511)
        pay(world, fen=4_470_00, account=world.commercial, at=at(1, 5))
        taken = pay(world, fen=100_00, account=world.commercial, at=at(1, 8))
        reverse_payment(payment_id=taken.payment_id, reason="收错户", reversed_by_id=world.clerk_a_id, at=at(1, 8, 11))

        # Due on 15 December: 16 days of the old year at 2, five of January on the whole and five on the rest at 3.
        [bill] = late_fees_so_far(world.commercial.account_id, on=at(1, 10).date()).bills

        assert [(part.base_fen, part.days, part.ppm) for part in bill.parts] == [
            (10_000_00, 16, 2000), (10_000_00, 5, 3000), (6_000_00, 5, 3000)
        ]  # fmt: skip
        assert bill.fee_fen == 320_00 + 150_00 + 90_00


class TestPages:
    def client(self, user_id: int) -> Client:
        client = Client()
        client.force_login(User.objects.get(pk=user_id))
        return client

    def test_a_case_is_worked_on_its_page_and_says_why_not_yet(self, road: Road) -> None:
        client, address = self.client(road.collector), f"/console/arrears/{road.case_id}/"

        refused = client.post(address, {"act": "cause", "cause-cause": "cash", "cause-evidence": ""})
        kept = client.post(address, {"act": "cause", "cause-evidence": "上门核实"})
        done = client.post(address, {"act": "cause", "cause-cause": "cash", "cause-evidence": "上门核实"})

        assert (refused.status_code, kept.status_code, done.status_code) == (422, 422, 302)
        assert "上门核实" in kept.content.decode()
        listed = client.get("/console/arrears/").content.decode()
        assert "资金周转困难" in listed and "催交" in listed
        assert client.get("/console/arrears/?cause=none").content.decode().count(road.account.account_no) == 0

    @pytest.mark.acceptance("003-24")
    def test_the_notice_is_paper_once_it_is_made_out(self, road: Road) -> None:
        client, address = self.client(road.collector), f"/console/arrears/{road.case_id}/notice.pdf"
        assert client.get(address).status_code == 404
        for act in ("cause", "demand", "approve", "print"):
            getattr(road, act)()

        assert client.get(address).content[:5] == b"%PDF-"

    def test_the_customer_reads_the_late_fee_and_how_it_comes_about(self) -> None:
        world = small_world()
        issue(world, 100_00, cycle=202512)
        client = self.client(world.portal_user_id)

        page = client.get(f"/my/accounts/{world.residential.account_no}/late-fees/").content.decode()

        assert "过期未交和违约金" in page
        assert "× 1‰ ×" in page
        assert client.get(f"/my/accounts/{world.commercial.account_no}/late-fees/").status_code == 404
