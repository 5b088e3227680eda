"""Rooftop solar: import is billed as ever, export is paid for, nothing is netted, two persons pay."""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from cis.feed_in import read_orders
from cis.models import (
    Bill,
    BillLine,
    FeedInPayment,
    FeedInStep,
    LedgerTransfer,
    PayoutLine,
    PortalAccess,
    Reading,
    SolarPlant,
)
from cis.operations import feed_in, ledger, payouts
from cis.operations.billing import issue_bill_now
from cis.rating import ChargeCode
from cis.rating.registers import Register
from cis.simulators import payout_bank
from config.shared import approvals
from config.shared.errors import NotAllowed
from config.shared.models import User
from tests.factories.market import leader_of
from tests.factories.solar import CARD, EXPORTED, IMPORTED, OTHER_CARD, PRICE_E8, SUBSIDY_E8, Homes, make_homes
from tests.factories.world import World, small_world

pytestmark = pytest.mark.django_db

AT = datetime.fromisoformat("2026-03-03T09:00+08:00")
State = FeedInPayment.State


@pytest.fixture
def world() -> World:
    """The tiny utility in March: December, January and February are read."""
    return small_world(at=AT)


def fen_of(kwh: int, price_e8: int) -> int:
    yuan = (Decimal(kwh) * Decimal(price_e8) / 10**8).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return int(yuan * 100)


def lines_of(account_id: int, cycle: int) -> list[tuple[int, int, int, int]]:
    bill = Bill.objects.get(account_id=account_id, cycle=cycle)
    return list(
        BillLine.objects.filter(bill_id=bill.pk)
        .order_by("seq")
        .values_list("code", "quantity", "price_e8", "amount_fen")
    )


def settle(world: World, cycle: int = 202602) -> None:
    feed_in.compute_month(cycle=cycle, by_id=world.accountant_id, at=AT)
    feed_in.confirm_month(cycle=cycle, by_id=world.accountant_id, at=AT)


def pay_out(world: World) -> int:
    """Asked for by one, approved by another; gives the batch."""
    asked = payouts.ask_payout(asked_by_id=world.accountant_id, at=AT)
    approvals.approve(approval_id=asked, decided_by_id=leader_of(world), at=AT)
    newest = PayoutLine.objects.order_by("-pk").first()
    assert newest is not None
    return newest.batch_id


def answered(batch_id: int) -> str:
    return payout_bank.answer(payouts.orders_file(batch_id=batch_id)[1])


def balance(name: str) -> int:
    """Debits less credits of one of the utility's own accounts."""
    account = ledger.control_id(name)
    moved = LedgerTransfer.objects.filter(debit_id=account) | LedgerTransfer.objects.filter(credit_id=account)
    return sum(t.amount_fen if t.debit_id == account else -t.amount_fen for t in moved)


def payment_of(homes: Homes, cycle: int = 202602) -> FeedInPayment:
    return FeedInPayment.objects.get(account_id=homes.solar.account_id, cycle=cycle)


class TestNothingIsNetted:
    @pytest.mark.acceptance("F15")
    def test_import_across_tiers_is_billed_whole_and_every_exported_kwh_is_paid(self, world: World) -> None:
        homes = make_homes(world)
        for account in (homes.plain, homes.solar):
            for cycle in world.cycles:
                issue_bill_now(account_id=account.account_id, cycle=cycle, issued_by_id=None, at=AT)
        for cycle in world.cycles:
            settle(world, cycle)

        for cycle in world.cycles:
            assert lines_of(homes.solar.account_id, cycle) == lines_of(homes.plain.account_id, cycle)
            bill = Bill.objects.get(account_id=homes.solar.account_id, cycle=cycle)
            assert bill.energy_kwh_e2 == IMPORTED * 100
            payment = payment_of(homes, cycle)
            assert (payment.period_start, payment.period_end) == (bill.period_start, bill.period_end)
            assert payment.energy_kwh_e2 == EXPORTED * 100
            assert payment.energy_fen == fen_of(EXPORTED, PRICE_E8)
            assert payment.subsidy_fen == fen_of(EXPORTED, SUBSIDY_E8)
            assert payment.total_fen == payment.energy_fen + payment.subsidy_fen
        crossed = {code for code, *_rest in lines_of(homes.solar.account_id, 202601)}
        assert {int(ChargeCode.ENERGY_T1), int(ChargeCode.ENERGY_T2)} <= crossed
        readings = Reading.objects.filter(
            installation_id=homes.solar.installation_id, register=int(Register.EXPORT_TOTAL)
        ).order_by("read_on")
        exported = (readings[len(readings) - 1].value_e4 - readings[0].value_e4) // 100
        paid = FeedInPayment.objects.filter(account_id=homes.solar.account_id)
        assert sum(payment.energy_kwh_e2 for payment in paid) == exported
        owed = sum(payment.total_fen for payment in paid)
        assert balance("FEED_IN_PAYABLE") == -owed
        assert balance("FEED_IN_COST") + balance("SUBSIDY_RECEIVABLE") == owed
        # What the owner owes and is owed stand apart: the receivable is the bills' and nothing else.
        owes = ledger.lock_balances([homes.solar.account_id])[homes.solar.account_id]
        bills = Bill.objects.filter(account_id=homes.solar.account_id)
        assert owes == (sum(bill.total_fen for bill in bills), 0)
        assert ledger.verify().faults == ()

    def test_computing_again_changes_nothing(self, world: World) -> None:
        make_homes(world)
        settle(world)

        again = feed_in.compute_month(cycle=202602, by_id=world.accountant_id, at=AT)
        assert (again.made, feed_in.confirm_month(cycle=202602, by_id=world.accountant_id, at=AT)) == (0, 0)
        assert FeedInPayment.objects.count() == 1

    def test_what_cannot_be_computed_is_named_never_paid_at_nothing(self, world: World) -> None:
        homes = make_homes(world)
        last = Reading.objects.filter(
            installation_id=homes.solar.installation_id, register=int(Register.EXPORT_TOTAL), read_on=date(2026, 3, 1)
        )
        last.update(state=Reading.State.DOUBTFUL)
        assert feed_in.compute_month(cycle=202602, by_id=None, at=AT).left_out == {
            homes.solar.account_no: "reading-doubtful"
        }
        last.update(state=Reading.State.ACCEPTED)
        SolarPlant.objects.update(connected_on=date(2025, 6, 1))

        assert feed_in.compute_month(cycle=202602, by_id=None, at=AT).left_out == {homes.solar.account_no: "no-price"}
        assert not FeedInPayment.objects.exists()

    def test_figures_never_change_and_steps_follow_each_other_also_around_the_operations(self, world: World) -> None:
        homes = make_homes(world)
        feed_in.compute_month(cycle=202602, by_id=None, at=AT)
        payment = payment_of(homes)

        for changed in (
            {"energy_fen": 1, "total_fen": 1 + payment.subsidy_fen},
            {"state": State.PAID, "paper_no": "1"},
        ):
            with pytest.raises(DatabaseError), transaction.atomic():
                FeedInPayment.objects.filter(pk=payment.pk).update(**changed)
        with pytest.raises(DatabaseError), transaction.atomic():
            FeedInStep.objects.filter(payment=payment).delete()


class TestPayout:
    def test_two_persons_pay_and_the_bank_answers(self, world: World) -> None:
        homes = make_homes(world)
        settle(world)
        asked = payouts.ask_payout(asked_by_id=world.accountant_id, at=AT)
        with pytest.raises(NotAllowed):
            approvals.approve(approval_id=asked, decided_by_id=world.accountant_id, at=AT)
        assert payment_of(homes).state == State.PAPERED
        approvals.approve(approval_id=asked, decided_by_id=leader_of(world), at=AT)
        line = PayoutLine.objects.get()

        answer = answered(line.batch_id)
        for _twice in range(2):
            assert payouts.take_answer(batch_id=line.batch_id, text=answer, by_id=world.accountant_id, at=AT) == 1

        payment = payment_of(homes)
        assert payment.state == State.PAID
        assert balance("FEED_IN_PAYABLE") == 0
        assert balance("PAYOUT_CLEARING") == -payment.total_fen
        assert ledger.verify().faults == ()
        states = list(FeedInStep.objects.filter(payment=payment).order_by("pk").values_list("state", flat=True))
        assert states == ["computed", "confirmed", "papered", "paying", "paid"]

    def test_what_failed_or_came_back_is_paid_again_to_the_right_card_once(self, world: World) -> None:
        homes = make_homes(world, bank="某行停用")
        settle(world)
        first = pay_out(world)
        payouts.take_answer(batch_id=first, text=answered(first), by_id=None, at=AT)
        assert payment_of(homes).state == State.FAILED
        assert balance("PAYOUT_CLEARING") == 0

        feed_in.change_card(plant_id=homes.plant_id, payee="钱阳", bank="建行", card_no=OTHER_CARD)
        second = pay_out(world)
        _no, orders = read_orders(payouts.orders_file(batch_id=second)[1])
        assert [order.card_no for order in orders] == [OTHER_CARD]
        payouts.take_answer(batch_id=second, text=answered(second), by_id=None, at=AT)
        with pytest.raises(payouts.NothingToPay):
            payouts.ask_payout(asked_by_id=world.accountant_id, at=AT)
        payouts.note_return(payment_id=payment_of(homes).pk, reason="户名不符", by_id=world.accountant_id, at=AT)
        assert balance("FEED_IN_PAYABLE") == -payment_of(homes).total_fen
        third = pay_out(world)
        payouts.take_answer(batch_id=third, text=answered(third), by_id=None, at=AT)

        assert payment_of(homes).state == State.PAID
        assert (balance("FEED_IN_PAYABLE"), balance("PAYOUT_CLEARING")) == (0, -payment_of(homes).total_fen)
        assert ledger.verify().faults == ()

    def test_another_banks_answer_is_refused_whole(self, world: World) -> None:
        make_homes(world)
        settle(world)
        batch = pay_out(world)
        answer = answered(batch)

        for wrong in (answer[:-20], answer.replace("paid", "failed"), answer.replace("SF", "SG")):
            with pytest.raises(payouts.AnswerRefused):
                payouts.take_answer(batch_id=batch, text=wrong, by_id=None, at=AT)
        assert PayoutLine.objects.get().state == "waiting"
        assert balance("PAYOUT_CLEARING") == 0

    def test_a_business_is_paid_after_its_invoice_only(self, world: World) -> None:
        homes = make_homes(world, kind="business")
        settle(world)
        with pytest.raises(payouts.NothingToPay):
            payouts.ask_payout(asked_by_id=world.accountant_id, at=AT)

        feed_in.take_paper(payment_id=payment_of(homes).pk, paper_no="2642000001", by_id=world.accountant_id, at=AT)

        assert payouts.ask_payout(asked_by_id=world.accountant_id, at=AT)

    def test_the_card_is_sealed_at_rest(self, world: World) -> None:
        homes = make_homes(world)
        settle(world)
        pay_out(world)

        with connection.cursor() as cursor:
            for table in ("cis_solar_plant", "cis_payout_line", "cis_solarplantevent"):
                cursor.execute(f"SELECT string_agg(t::text, ' ') FROM {table} t")
                assert CARD not in cursor.fetchone()[0], table
        assert SolarPlant.objects.get(pk=homes.plant_id).card_no == CARD

    def test_a_wrong_card_is_not_taken(self, world: World) -> None:
        homes = make_homes(world)

        with pytest.raises(feed_in.PlantRefused):
            feed_in.change_card(plant_id=homes.plant_id, payee="钱阳", bank="建行", card_no=CARD[:-1] + "7")


class TestPages:
    def test_staff_settle_and_the_owner_sees_it(self, world: World) -> None:
        homes = make_homes(world)
        PortalAccess.objects.create(user_id=world.portal_user_id, account_id=homes.solar.account_id, began_at=AT)
        staff, owner = Client(), Client()
        staff.force_login(User.objects.get(pk=world.accountant_id))
        owner.force_login(User.objects.get(pk=world.portal_user_id))

        for act in ("compute", "confirm", "pay"):
            assert staff.post("/console/feed-in/act/", {"act": act, "cycle": "202602"}).status_code == 302

        page = staff.get("/console/feed-in/?cycle=202602").content.decode()
        shown = f"{payment_of(homes).total_fen / 100:,.2f}".replace(",", "")
        assert homes.solar.account_no in page
        assert CARD not in page
        assert "待付款" in page
        owner.post("/my/account/", {"account_no": homes.solar.account_no})
        mine = owner.get("/my/feed-in/").content.decode()
        assert shown in mine.replace("\u2009", "").replace("\u202f", "").replace(",", "")
        assert CARD[-4:] in mine
        assert CARD not in mine
        payment = payment_of(homes)
        assert staff.get(f"/console/feed-in/payments/{payment.pk}/").status_code == 200
        assert CARD[-4:] in staff.get(f"/console/accounts/{homes.solar.account_no}/solar/").content.decode()
