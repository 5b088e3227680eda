"""Late fees in the ledger: charged with the payment, once, shown as what is to pay, waived by two persons."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from django.conf import settings
from django.db import Error, connection, transaction
from django.test import Client

from cis.collecting.late_fee_bill import terms_in_force
from cis.collecting.late_fees import late_fee, read_late_fee_terms
from cis.models import Bill, BillCorrection, LateFeeCharge, LateFeeWaiver, LedgerTransfer
from cis.models.ledger import TransferKind
from cis.operations import late_fees, ledger
from cis.queries import dues
from cis.queries import late_fees as queries
from cis.queries.ledger import balance
from config.shared import approvals
from config.shared.errors import NotAllowed
from config.shared.models import OrgUnit, User
from payments.operations import TakenPayment, reverse_payment
from tests.factories.arrears import at
from tests.factories.bills import issue
from tests.factories.world import World, make_user, small_world
from tests.integration.payments import pay

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    """The shop's bill of 10,000 yuan, due on 15 December 2025."""
    made = small_world()
    issue(made, 10_000_00, account=made.commercial, cycle=202511)
    return made


def owed(world: World, when: datetime) -> dues.Dues:
    return dues.get_dues(account_id=world.commercial.account_id, on=when.astimezone(settings.BILLING_TIME_ZONE).date())


def shop_pays(world: World, fen: int, when: datetime, **more: Any) -> TakenPayment:
    return pay(world, fen=fen, account=world.commercial, at=when, **more)


def charged() -> list[tuple[date, int, int, int]]:
    rows = LateFeeCharge.objects.order_by("through_on")
    return [(row.through_on, row.base_fen, row.fee_fen, row.open_fen) for row in rows]


class TestPaying:
    def test_what_is_to_pay_pays_all_off_and_is_booked_as_income_of_its_own(self, world: World) -> None:
        # 16 days of the old year at 2 permille, five of the new one at 3.
        shown = owed(world, at(1, 5))
        assert (shown.late_fee_fen, shown.to_pay_fen) == (470_00, 10_470_00)

        taken = pay(world, fen=shown.to_pay_fen, account=world.commercial, at=at(1, 5))

        assert [(a.amount_fen, a.fee_fen) for a in taken.allocations] == [(10_470_00, 470_00)]
        assert (taken.prepaid_fen, owed(world, at(6, 1)).to_pay_fen) == (0, 0)
        assert balance(world.commercial.account_id).receivable_fen == 0
        [transfer] = LedgerTransfer.objects.filter(kind=TransferKind.LATE_FEE_CHARGED)
        assert (transfer.amount_fen, transfer.credit_id) == (470_00, ledger.control_id("LATE_FEES"))
        assert not ledger.verify().faults

    @pytest.mark.acceptance("F26")
    def test_the_ledger_has_exactly_the_fee_of_the_kernel(self, world: World) -> None:
        # A leap year, the year's end and parts paid between: what is charged bit by bit is what the rule says at once.
        due_on, zone = date(2023, 12, 15), settings.BILLING_TIME_ZONE
        issue(world, 10_000_01, account=world.commercial, cycle=202310, due_on=due_on)
        account, bill = world.commercial.account_id, Bill.objects.get(cycle=202310)
        principal: list[tuple[date, int]] = []
        for day, fen in ((date(2023, 12, 20), 4_000_37), (date(2024, 2, 29), 2_222_22), (date(2024, 3, 1), 10_000_00)):
            before = Bill.objects.get(pk=bill.pk).open_fen
            shop_pays(world, fen, datetime(day.year, day.month, day.day, 12, tzinfo=zone))
            principal.append((day, before - Bill.objects.get(pk=bill.pk).open_fen))

        entry = terms_in_force(queries.published("late_fees"), on=date(2024, 3, 1))
        fee = late_fee(
            bill.total_fen, due_on=due_on, until_on=date(2024, 3, 1), terms=read_late_fee_terms(entry),
            residential=False, paid=principal,
        )  # fmt: skip
        booked = LedgerTransfer.objects.filter(account_id=account, kind=TransferKind.LATE_FEE_CHARGED)
        assert sum(one.amount_fen for one in booked) == fee.fee_fen > 0
        assert len(booked) == 3 and not ledger.verify().faults

    def test_the_old_amount_is_taken_and_what_is_left_stays_a_debt(self, world: World) -> None:
        shop_pays(world, 10_000_00, at(1, 5))

        left = owed(world, at(1, 5))
        assert (left.open_fen, left.late_fee_fen) == (470_00, 0), "the late fee came first"
        assert owed(world, at(1, 15)).late_fee_fen == 14_10, "ten days on what is left, at 3 permille"
        assert not ledger.verify().faults

    def test_a_part_lowers_the_base_from_the_next_day_and_nothing_is_charged_twice(self, world: World) -> None:
        shop_pays(world, 4_470_00, at(1, 5, 9))
        shop_pays(world, 1_000_00, at(1, 5, 16))

        assert charged() == [(date(2026, 1, 5), 10_000_00, 470_00, 0)]
        assert owed(world, at(1, 10)).late_fee_fen == 75_00, "five days on 5,000 at 3 permille"
        shop_pays(world, 5_075_00, at(1, 10))
        assert charged()[1:] == [(date(2026, 1, 10), 5_000_00, 75_00, 0)]
        assert Bill.objects.get().open_fen == 0 and not ledger.verify().faults

    def test_the_same_payment_again_and_one_that_comes_late_charge_nothing_more(self, world: World) -> None:
        shop_pays(world, 4_470_00, at(1, 5), key="one-and-the-same")
        shop_pays(world, 4_470_00, at(1, 6), key="one-and-the-same")
        shop_pays(world, 1_000_00, at(1, 3))

        assert sum(fee for _on, _base, fee, _open in charged()) == 470_00
        assert owed(world, at(1, 5)).to_pay_fen == 5_000_00

    def test_taken_back_the_fee_stays_charged_and_is_the_same_debt(self, world: World) -> None:
        taken = pay(world, fen=4_470_00, account=world.commercial, at=at(1, 5))
        reverse_payment(payment_id=taken.payment_id, reason="收错户", reversed_by_id=world.clerk_a_id, at=at(1, 5, 11))

        assert charged() == [(date(2026, 1, 5), 10_000_00, 470_00, 470_00)]
        assert owed(world, at(1, 5)).to_pay_fen == 10_470_00 == balance(world.commercial.account_id).receivable_fen
        assert owed(world, at(1, 10)).late_fee_fen == 470_00 + 150_00
        assert not ledger.verify().faults

    def test_the_least_fee_is_charged_once(self) -> None:
        world = small_world()
        issue(world, 20_00, cycle=202512)

        pay(world, fen=6_00, at=at(1, 17))
        pay(world, fen=5_00, at=at(1, 20))

        assert [(row.base_fen, row.fee_fen) for row in LateFeeCharge.objects.order_by("through_on")] == [
            (20_00, 1_00), (15_00, 0)
        ]  # fmt: skip

    def test_a_class_with_which_none_is_agreed_is_charged_none(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        entry = {**queries.published("late_fees")[0], "not_agreed_with_classes": ["commercial"]}
        monkeypatch.setattr(queries, "published", lambda what: [entry] if what == "late_fees" else _ALLOCATION)

        assert owed(world, at(1, 5)).to_pay_fen == 10_000_00
        shop_pays(world, 10_000_00, at(1, 5))
        assert Bill.objects.get().open_fen == 0 == balance(world.commercial.account_id).receivable_fen


class TestCorrections:
    def corrected(self, world: World, fen: int, **more: Any) -> None:
        bill, shop = Bill.objects.get(cycle=202511), world.commercial
        BillCorrection.objects.create(
            account_id=shop.account_id, bill=bill, period_start=bill.period_start, reason="示数有误", energy_fen=fen,
            amount_fen=fen, asked_at=at(1, 4),
            **{"cause": BillCorrection.Cause.READING, "state": BillCorrection.State.STANDING, **more},
        )  # fmt: skip

    def test_what_a_correction_gives_back_costs_no_late_fee(self, world: World) -> None:
        states, causes = BillCorrection.State, BillCorrection.Cause
        self.corrected(world, -1_500_00)
        for without in (
            {"state": states.VOID}, {"state": states.NOTHING}, {"cause": causes.SETTLEMENT}
        ):  # fmt: skip
            self.corrected(world, -5_000_00, **without)
        # Of 800 yuan the next bill could take 500; the other 300 lie in prepayment and pay what is open themselves.
        issue(
            world, 1_00, account=world.commercial, cycle=202512, due_on=date(2026, 12, 1), correction_fen=-500_00
        )  # fmt: skip
        later = Bill.objects.get(cycle=202512)
        self.corrected(world, -800_00, state=states.TAKEN, taken_by=later, taken_at=at(1, 5))

        # 16 days at 2 permille and five at 3, on 8,000: the bill itself stays open in full.
        shown = owed(world, at(1, 5))
        assert (shown.late_fee_fen, shown.open_fen) == (376_00, 10_001_00)
        [row] = queries.late_fees_so_far(world.commercial.account_id, on=date(2026, 1, 5)).bills
        assert (row.open_fen, row.base_fen) == (10_000_00, 8_000_00)

        shop_pays(world, 4_376_00, at(1, 5))
        assert charged() == [(date(2026, 1, 5), 8_000_00, 376_00, 0)]
        assert owed(world, at(1, 10)).late_fee_fen == 60_00, "five days on 4,000 at 3 permille"
        self.corrected(world, -9_000_00)
        assert owed(world, at(1, 10)).late_fee_fen == 0, "never on less than nothing"
        shop_pays(world, 1_00, at(1, 10))
        assert charged()[1:] == [(date(2026, 1, 10), 0, 0, 0)]
        assert not ledger.verify().faults

    def test_a_difference_that_was_asked_and_given_back_leaves_the_bill_as_it_was(self, world: World) -> None:
        self.corrected(world, 1_500_00)
        self.corrected(world, -1_500_00)

        [row] = queries.late_fees_so_far(world.commercial.account_id, on=date(2026, 1, 5)).bills
        assert row.base_fen == 10_000_00

        self.corrected(world, -1_00)
        [row] = queries.late_fees_so_far(world.commercial.account_id, on=date(2026, 1, 5)).bills
        assert row.base_fen == 9_999_00


class TestTheLaw:
    def test_a_charge_is_never_changed_and_a_day_never_charged_twice(self, world: World) -> None:
        shop_pays(world, 1_00, at(1, 5))
        row = LateFeeCharge.objects.get()

        for statement in (
            f"UPDATE cis_late_fee_charge SET fee_fen = 0 WHERE id = {row.pk}",
            f"DELETE FROM cis_late_fee_charge WHERE id = {row.pk}",
        ):
            with pytest.raises(Error), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)
        row.pk = None
        with pytest.raises(Error), transaction.atomic():
            row.save()


class TestWaiving:
    def test_by_two_persons_and_only_the_fee(self, world: World) -> None:
        bill = Bill.objects.get()
        head = make_user("head", OrgUnit.objects.get(pk=world.county_a_id), "leader").pk
        approval_id = late_fees.ask_waiver(
            bill_id=bill.pk, amount_fen=None, reason="账单没有送达", asked_by_id=world.accountant_id, at=at(1, 5)
        )
        with pytest.raises(NotAllowed):
            approvals.approve(approval_id=approval_id, decided_by_id=world.accountant_id, at=at(1, 5))
        approvals.approve(approval_id=approval_id, decided_by_id=head, at=at(1, 7))

        assert LateFeeWaiver.objects.get().amount_fen == 470_00
        assert owed(world, at(1, 5)).to_pay_fen == 10_000_00
        assert owed(world, at(1, 7)).to_pay_fen == 10_060_00, "what runs on is not waived"
        assert not ledger.verify().faults
        waiver = LateFeeWaiver.objects.get()
        waiver.pk, waiver.approved_by_id = None, waiver.asked_by_id
        with pytest.raises(Error), transaction.atomic():
            waiver.save()

    def test_paid_meanwhile_there_is_nothing_to_waive(self, world: World) -> None:
        head = make_user("head", OrgUnit.objects.get(pk=world.county_a_id), "leader").pk
        approval_id = late_fees.ask_waiver(
            bill_id=Bill.objects.get().pk, amount_fen=None, reason="查实", asked_by_id=world.accountant_id, at=at(1, 5)
        )
        shop_pays(world, 10_470_00, at(1, 5))

        with pytest.raises(late_fees.NoLateFee):
            approvals.approve(approval_id=approval_id, decided_by_id=head, at=at(1, 6))


class TestPages:
    def test_the_counter_the_portal_and_the_receipt_say_it(self, world: World) -> None:
        issue(world, 100_00, cycle=202512)
        clerk, customer = Client(), Client()
        clerk.force_login(User.objects.get(pk=world.clerk_a_id))
        customer.force_login(User.objects.get(pk=world.portal_user_id))

        desk = clerk.get(f"/console/accounts/{world.residential.account_no}/pay/", follow=True).content.decode()
        home = customer.get("/my/").content.decode()
        taken = pay(world, fen=10_470_00, account=world.commercial, at=at(1, 5))
        receipt = clerk.get(f"/console/payments/{taken.receipt_no}/").content.decode()

        assert "违约金算到今天" in desk
        assert "其中违约金" in home
        assert "违约金 470.00 元" in receipt.replace("\u2009", "").replace(",", "")


_ALLOCATION = [
    {"province": None, "effective_from": "1996-10-08", "effective_to": None, "allocation": "fee_then_principal"}
]
