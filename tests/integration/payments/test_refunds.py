"""Money acts of two persons: prepayment given back, a payment taken back that somebody else took."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.conf import settings
from django.db import Error, IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from cis.operations import ledger, settlement
from cis.queries.collection import received_by_month
from cis.queries.ledger import balance
from config.shared import approval_queries, approvals
from config.shared.errors import NotAllowed, NotFound
from config.shared.models import Approval, Message, OrgUnit, Role, RoleGrant, User
from payments import handlers, operations, queries
from payments.events import PrepaymentRefunded
from payments.models import Payment, Refund, Reversal
from payments.operations import reversing
from tests.factories.messages import text_of
from tests.factories.staff import prove
from tests.factories.world import World, make_user, small_world
from tests.integration.payments import pay
from tests.integration.payments.test_taking import together

pytestmark = pytest.mark.django_db(transaction=True)

APPROVERS = 8


@pytest.fixture
def world() -> World:
    """The first account has paid 100 yuan ahead, in cash."""
    made = small_world()
    pay(made, fen=10_000)
    return made


def ask(world: World, *, fen: int = 4_000, **more: Any) -> int:
    """The clerk of hall A asks for the usual refund."""
    return operations.ask_refund(
        **{
            "account_id": world.residential.account_id,
            "amount_fen": fen,
            "payment_id": None,
            "reason": "客户要求退回多交的电费",
            "org_unit_id": world.hall_a_id,
            "asked_by_id": world.clerk_a_id,
            "at": world.at,
            **more,
        }
    )


def approve(world: World, asked: int, user_id: int | None = None, **more: Any) -> Any:
    """The manager of hall A approves."""
    return approvals.approve(
        **{"approval_id": asked, "decided_by_id": user_id or world.manager_id, "at": world.at, **more}
    )


def prepaid(world: World) -> int:
    return balance(world.residential.account_id).prepayment_fen


def also(user_id: int, role: str, unit_id: int) -> None:
    """One more role for somebody."""
    RoleGrant.objects.create(user_id=user_id, role=Role.objects.get(code=role), org_unit_id=unit_id)


def signed_in(user_id: int) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=user_id), backend="django.contrib.auth.backends.ModelBackend")
    return client


class TestARefund:
    def test_moves_nothing_until_somebody_else_approves(self, world: World) -> None:
        asked = ask(world)
        assert prepaid(world) == 10_000 and not Refund.objects.exists()

        outcome = approve(world, asked)

        refund = Refund.objects.get()
        assert (refund.amount_fen, refund.method, refund.asked_by_id, refund.approved_by_id, refund.org_unit_id) == (
            4_000,
            "cash",
            world.clerk_a_id,
            world.manager_id,
            world.hall_a_id,
        )
        assert outcome["refund_no"] == str(refund) and refund.approval_id == asked
        assert prepaid(world) == 6_000
        assert ledger.verify().faults == ()

    def test_is_booked_from_the_prepayment_to_the_cash(self, world: World) -> None:
        approve(world, ask(world))

        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT debit_id, credit_id, amount_fen, document_id FROM cis_ledger_transfer WHERE kind = 5"
            )
            assert cursor.fetchall() == [
                (ledger.prepayment_id(world.residential.account_id), -1001, 4_000, Refund.objects.get().pk)
            ]

    @pytest.mark.acceptance("F165")
    def test_is_never_approved_by_whoever_asked_even_with_every_role(self, world: World) -> None:
        """In the operation, in the database's rule of requests, and in the rule of refunds."""
        also(world.clerk_a_id, "hall-manager", world.hall_a_id)
        also(world.clerk_a_id, "accountant", world.province_id)
        asked = ask(world)

        with pytest.raises(approvals.OwnRequest):
            approve(world, asked, world.clerk_a_id)
        with pytest.raises(IntegrityError, match="approval_by_another_person"), transaction.atomic():
            Approval.objects.filter(pk=asked).update(
                state="carried-out", decided_by_id=world.clerk_a_id, decided_at=world.at
            )
        with pytest.raises(IntegrityError, match="refund_by_another_person"), transaction.atomic():
            a_refund(world, asked, approved_by_id=world.clerk_a_id).save(force_insert=True)

        assert prepaid(world) == 10_000 and not Refund.objects.exists()

    def test_is_asked_for_and_approved_only_by_who_may(self, world: World) -> None:
        with pytest.raises(NotAllowed):
            ask(world, asked_by_id=world.accountant_id)
        asked = ask(world)

        for user in (world.clerk_b_id, world.auditor_id):
            with pytest.raises(NotFound):
                approve(world, asked, user)
        hall_b = OrgUnit.objects.get(pk=world.hall_b_id)
        with pytest.raises(NotFound):
            approve(world, asked, make_user("manager_b", hall_b, "hall-manager").pk)
        approve(world, asked, world.accountant_id)

        assert Refund.objects.get().approved_by_id == world.accountant_id

    def test_happens_once_when_eight_approve_at_once(self, world: World) -> None:
        hall = OrgUnit.objects.get(pk=world.hall_a_id)
        managers = [make_user(f"manager_{number}", hall, "hall-manager").pk for number in range(APPROVERS)]
        asked = ask(world)

        answers = together([partial(approve, world, asked, manager) for manager in managers])

        assert sum(isinstance(answer, dict) for answer in answers) == 1, answers
        assert sum(isinstance(answer, approvals.AlreadyDecided) for answer in answers) == APPROVERS - 1
        assert Refund.objects.get().amount_fen == 4_000 and prepaid(world) == 6_000
        assert ledger.verify().faults == ()

    def test_of_more_than_the_prepayment_or_of_nothing_is_not_even_asked_for(self, world: World) -> None:
        for fen, refusal in (
            (10_001, settlement.RefundTooLarge),
            (0, settlement.AmountRefused),
            (-1, settlement.AmountRefused),
        ):
            with pytest.raises(refusal):
                ask(world, fen=fen)
        assert not Approval.objects.exists()
        approve(world, ask(world, fen=10_000))

        assert prepaid(world) == 0

    def test_of_what_was_spent_in_between_is_refused_at_approval_and_waits_on(self, world: World) -> None:
        asked = ask(world, fen=8_000)
        operations.reverse_payment(
            payment_id=Payment.objects.get().pk, reason="金额录错", reversed_by_id=world.clerk_a_id, at=world.at
        )
        pay(world, fen=7_999)

        with pytest.raises(settlement.RefundTooLarge) as refused:
            approve(world, asked)

        assert "79.99" in refused.value.message
        assert Approval.objects.get().state == "waiting" and not Refund.objects.exists()
        assert prepaid(world) == 7_999

    def test_is_asked_for_once_at_a_time(self, world: World) -> None:
        ask(world)

        with pytest.raises(approvals.AlreadyAsked):
            ask(world, fen=1)

    def test_wants_a_reason(self, world: World) -> None:
        with pytest.raises(approvals.ReasonMissing):
            ask(world, reason=" ")

    def test_says_in_words_what_will_happen(self, world: World) -> None:
        ask(world)

        row = approval_queries.list_waiting_for(User.objects.get(pk=world.manager_id), at=world.at, limit=9)[0]

        assert world.residential.account_no in row.consequence
        assert "40.00" in row.consequence and "现金" in row.consequence and "东湖营业厅" in row.consequence

    def test_is_told_to_the_customer_once(self, world: World) -> None:
        approve(world, ask(world))
        refund = Refund.objects.get()
        event = PrepaymentRefunded(
            account_id=refund.account_id, refund_id=refund.pk, amount_fen=refund.amount_fen, method="cash"
        )
        # A message is for what just happened: as if it were told at that moment.
        for _ in range(2):
            operations.tell_refunded(refund_id=refund.pk, at=world.at)
        handlers.send_refund_notice(event)

        told = Message.objects.filter(template="prepayment-refunded")
        assert {text_of(message).count(str(refund)) > 0 for message in told} == {True}
        assert told.count() == told.values("dedupe_key", "channel").distinct().count() > 0


class TestTheOriginalWay:
    def test_goes_back_to_the_card_and_no_further_than_the_payment(self, world: World) -> None:
        card = pay(world, fen=3_000, method="card")

        with pytest.raises(operations.WayNotOpen):
            ask(world, fen=3_001, payment_id=card.payment_id)
        approve(world, ask(world, fen=2_000, payment_id=card.payment_id))
        with pytest.raises(operations.WayNotOpen) as refused:
            ask(world, fen=1_001, payment_id=card.payment_id)

        assert "10.00" in refused.value.message
        refund = Refund.objects.get()
        assert (refund.method, refund.payment_id) == ("card", card.payment_id)
        assert prepaid(world) == 11_000 and ledger.verify().faults == ()
        form = queries.refund_form(account_no=world.residential.account_no, on=world.at.date())
        assert [(way.payment_id, way.left_fen) for way in form.ways] == [(card.payment_id, 1_000)]

    def test_is_not_that_of_cash_of_another_account_or_of_what_was_reversed(self, world: World) -> None:
        cash = Payment.objects.get()
        others = pay(world, fen=500, account=world.commercial, method="card")
        taken_back = pay(world, fen=500, method="card")
        operations.reverse_payment(
            payment_id=taken_back.payment_id, reason="录错", reversed_by_id=world.clerk_a_id, at=world.at
        )

        with pytest.raises(NotFound):
            ask(world, fen=1, payment_id=others.payment_id)
        for payment_id in (cash.pk, taken_back.payment_id):
            with pytest.raises(operations.WayNotOpen):
                ask(world, fen=1, payment_id=payment_id)


def a_refund(world: World, approval_id: int, **changed: Any) -> Refund:
    """A row around the operation."""
    return Refund(
        **{
            "approval_id": approval_id,
            "account_id": world.residential.account_id,
            "amount_fen": 1,
            "method": "cash",
            "reason": "x",
            "org_unit_id": world.hall_a_id,
            "asked_by_id": world.clerk_a_id,
            "approved_by_id": world.manager_id,
            "asked_at": world.at,
            "refunded_at": world.at,
            "business_date": world.at.date(),
            **changed,
        }
    )


class TestTheWayBack:
    def test_is_gone_once(self, world: World) -> None:
        scanned = pay(world, fen=4_000, method="qr")
        approve(world, ask(world, payment_id=scanned.payment_id))

        with pytest.raises(reversing.GoneBack):
            operations.reverse_payment(
                payment_id=scanned.payment_id, reason="金额录错", reversed_by_id=world.clerk_a_id, at=world.at
            )
        assert prepaid(world) == 10_000 and not Reversal.objects.exists()


class TestTheRow:
    def test_is_refused_by_the_database_when_it_is_wrong(self, world: World) -> None:
        asked = ask(world)

        for wrong in ({"amount_fen": 0}, {"amount_fen": 10**11 + 1}, {"reason": ""}, {"method": "card"}):
            with pytest.raises(IntegrityError), transaction.atomic():
                a_refund(world, asked, **wrong).save(force_insert=True)

    def test_is_one_for_an_approval(self, world: World) -> None:
        asked = ask(world)
        approve(world, asked)

        with pytest.raises(IntegrityError, match="approval_id"), transaction.atomic():
            a_refund(world, asked).save(force_insert=True)

    @pytest.mark.parametrize("change", ["UPDATE payments_refund SET amount_fen = 1", "DELETE FROM payments_refund"])
    def test_is_never_changed(self, world: World, owner_connection: Any, change: str) -> None:
        approve(world, ask(world))

        with pytest.raises(Error), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change)
        with pytest.raises(Exception, match="money records are corrected by new records"):
            owner_connection.cursor().execute(change)

        assert Refund.objects.get().amount_fen == 4_000


class TestTheDay:
    def test_is_less_by_what_was_given_back_in_the_hall(self, world: World) -> None:
        approve(world, ask(world))
        day, hall_a = Refund.objects.get().business_date, OrgUnit.objects.get(pk=world.hall_a_id)
        hall_b = OrgUnit.objects.get(pk=world.hall_b_id)

        here = queries.day_totals(day=day, paths=[hall_a.path])

        assert [(one.method, one.fen, one.refunded_count, one.refunded_fen, one.net_fen) for one in here.totals] == [
            ("cash", 10_000, 1, 4_000, 6_000)
        ]
        assert (here.total_count, here.total_fen) == (1, 6_000)
        assert queries.day_totals(day=day, paths=[hall_b.path]).totals == ()
        assert [row.amount_fen for row in queries.refunds_of_day(day=day, paths=[hall_a.path])] == [4_000]
        assert queries.refunds_of_day(day=day, paths=[hall_b.path]) == ()

    def test_shows_a_day_on_which_money_only_went_out(self, world: World) -> None:
        later = world.at + timedelta(days=1)
        approve(world, ask(world, at=later), at=later)
        paths = [OrgUnit.objects.get(pk=world.hall_a_id).path]

        totals = queries.day_totals(day=Refund.objects.get().business_date, paths=paths)

        assert (totals.total_count, totals.total_fen) == (0, -4_000)

    def test_and_the_month_count_what_customers_paid_and_did_not_get_back(self, world: World) -> None:
        approve(world, ask(world))
        path = OrgUnit.objects.get(pk=world.province_id).path

        months = received_by_month(within=[path], first=202602, last=202602)

        assert [month.received_fen for month in months] == [6_000]

    def test_still_closes_and_verifies(self, world: World) -> None:
        approve(world, ask(world))

        ledger.close_day(business_date=Refund.objects.get().business_date, closed_by_id=None, at=timezone.now())

        assert ledger.verify().faults == ()


class TestAReversalOfAnothersPayment:
    def test_is_refused_to_one_alone(self, world: World) -> None:
        for other in (world.manager_id, world.clerk_b_id):
            with pytest.raises(operations.NotTheTaker):
                operations.reverse_payment(
                    payment_id=Payment.objects.get().pk, reason="金额录错", reversed_by_id=other, at=world.at
                )
        assert not Reversal.objects.exists()

    @pytest.mark.acceptance("F165")
    def test_is_carried_out_when_a_second_person_approves(self, world: World) -> None:
        payment = Payment.objects.get()
        asked = self._ask(world)
        assert not Reversal.objects.exists()

        with pytest.raises(approvals.OwnRequest):
            approve(world, asked, world.manager_id)
        approve(world, asked, world.accountant_id)

        reversal = Reversal.objects.get()
        assert (reversal.payment_id, reversal.reversed_by_id, reversal.approved_by_id) == (
            payment.pk,
            world.manager_id,
            world.accountant_id,
        )
        assert prepaid(world) == 0 and ledger.verify().faults == ()
        with pytest.raises(approvals.AlreadyDecided):
            approve(world, asked, world.accountant_id)

    def test_is_refused_at_approval_on_another_day(self, world: World) -> None:
        asked, tomorrow = self._ask(world), world.at + timedelta(hours=20)

        with pytest.raises(operations.NotSameDay):
            approve(world, asked, world.accountant_id, at=tomorrow)

        assert not Reversal.objects.exists()

    def test_is_refused_at_approval_when_the_taker_was_first(self, world: World) -> None:
        asked = self._ask(world)
        operations.reverse_payment(
            payment_id=Payment.objects.get().pk, reason="金额录错", reversed_by_id=world.clerk_a_id, at=world.at
        )

        with pytest.raises(operations.AlreadyReversed):
            approve(world, asked, world.accountant_id)

    def test_of_another_hall_is_not_even_asked_for(self, world: World) -> None:
        with pytest.raises(operations.OtherHall):
            self._ask(world, within=[OrgUnit.objects.get(pk=world.hall_b_id).path])

    def test_has_its_second_person_in_the_database_too(self, world: World) -> None:
        with pytest.raises(IntegrityError, match="reversal_by_another_person"), transaction.atomic():
            Reversal(
                payment=Payment.objects.get(),
                reason="x",
                reversed_at=world.at,
                reversed_by_id=world.manager_id,
                approved_by_id=world.manager_id,
                business_date=world.at.date(),
            ).save(force_insert=True)

    def _ask(self, world: World, **more: Any) -> int:
        return operations.ask_to_reverse(
            **{
                "payment_id": Payment.objects.get().pk,
                "reason": "客户当场要回",
                "asked_by_id": world.manager_id,
                "at": world.at,
                **more,
            }
        )


class TestThePages:
    def test_lead_from_the_desk_to_the_money_with_both_proving_who_they_are(self, world: World) -> None:
        long_ago = timezone.now() - timedelta(seconds=settings.STEP_UP_AFTER_S)
        clerk, manager = signed_in(world.clerk_a_id), signed_in(world.manager_id)
        account = f"/console/accounts/{world.residential.account_no}"
        path = f"{account}/refund/"
        assert path in clerk.get(f"{account}/pay/", follow=True).content.decode()
        assert 'value="100.00"' in clerk.get(path).content.decode()
        typed = {"amount": "40.00", "way": "cash", "reason": "客户要求退回"}

        prove(clerk, at=long_ago)
        assert clerk.post(path, typed).status_code == 422 and not Approval.objects.exists()
        asked = prove(clerk).post(path, typed)

        approval = Approval.objects.get()
        assert asked["Location"] == f"/console/approvals/{approval.pk}/"
        assert "已有一份申请在等审批" in clerk.get(path).content.decode()
        assert clerk.post(f"/console/approvals/{approval.pk}/approve/", {"note": ""}).status_code in (403, 404)
        listed = manager.get("/console/approvals/").content.decode()
        assert "40.00" in listed and world.residential.account_no in listed
        done = prove(manager).post(f"/console/approvals/{approval.pk}/approve/", {"note": ""})
        assert done.status_code == 302
        refund = Refund.objects.get()

        slip = clerk.get(f"/console/payments/refunds/{refund}/").content.decode()
        assert "40.00" in slip and "王主任" in slip and "陈静" in slip
        assert str(refund) in clerk.get(f"{account}/payments/").content.decode()
        today = clerk.get("/console/payments/list/").content.decode()
        assert str(refund) in today and "退费金额" in today
        assert str(refund) in signed_in(world.portal_user_id).get("/my/receipts/").content.decode()

    def test_come_back_with_what_is_wrong(self, world: World) -> None:
        clerk = prove(signed_in(world.clerk_a_id))
        path = f"/console/accounts/{world.residential.account_no}/refund/"

        for wrong in ({"amount": "100.01"}, {"amount": "0"}, {"reason": " "}, {"way": "99"}, {"way": ""}):
            answer = clerk.post(path, {"amount": "40.00", "way": "cash", "reason": "退", **wrong})
            assert answer.status_code == 422, wrong
        assert not Approval.objects.exists()

    def test_of_refunds_under_a_wrong_number_are_not_found(self, world: World) -> None:
        approve(world, ask(world))
        refund = Refund.objects.get()

        for wrong in (f"TF19990101{refund.pk:010d}", str(refund)[2:], "TF", "TFx", "x" * 30, "TF" + "9" * 27):
            assert signed_in(world.clerk_a_id).get(f"/console/payments/refunds/{wrong}/").status_code == 404

    def test_of_a_reversal_ask_when_somebody_else_took_the_money(self, world: World) -> None:
        taken = pay(world, fen=500, at=timezone.now())
        manager = prove(signed_in(world.manager_id))
        path = f"/console/payments/{taken.receipt_no}/reversal/"
        assert "申请冲正" in manager.get(path).content.decode()

        asked = manager.post(path, {"reason": "客户当场要回"})

        approval = Approval.objects.get()
        assert asked["Location"] == f"/console/approvals/{approval.pk}/" and not Reversal.objects.exists()
        accountant = prove(signed_in(world.accountant_id))
        assert accountant.post(f"/console/approvals/{approval.pk}/approve/", {"note": ""}).status_code == 302
        assert Reversal.objects.get().reversed_by_id == world.manager_id
