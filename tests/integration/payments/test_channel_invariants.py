"""What must hold of payments by connected banks, whatever arrives how often; named by the invariants' numbers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from cis.models import Bill, LedgerTransfer
from cis.operations import ledger
from cis.queries.ledger import balance
from payments.models import AnsweredRequest, BlockedSerial, Payment
from payments.operations.channel_requests import forget_requests
from tests.factories.bills import NOT_YET_DUE, issue
from tests.factories.channels import Bank, connect_bank, today
from tests.factories.world import World, small_world
from tests.integration.payments.test_taking import together

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> World:
    return small_world()


@pytest.fixture
def bank(world: World) -> Bank:
    return connect_bank(world)


def no(world: World) -> str:
    return world.residential.account_no


class TestOneBooking:
    @pytest.mark.django_db(transaction=True)
    def test_invariant_05_the_same_request_eight_times_at_once_books_once(self, world: World, bank: Bank) -> None:
        issue(world, 3_000, due_on=NOT_YET_DUE)

        def act() -> object:
            return bank.pay(no(world), 5_000, serial="S1", bank_date=today(), key="one")

        answers = together([act] * 8)

        statuses = sorted(answer.status_code for answer in answers)
        assert set(statuses) <= {201, 409} and 201 in statuses
        assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
        assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"EP0024"}
        assert Payment.objects.count() == 1
        assert ledger.verify().faults == ()

    @pytest.mark.django_db(transaction=True)
    def test_invariant_05_eight_requests_under_one_serial_book_once(self, world: World, bank: Bank) -> None:
        answers = together([lambda: bank.pay(no(world), 700, serial="S1", bank_date=today())] * 8)

        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.json()["receipt_no"] for answer in answers}) == 1
        assert balance(world.residential.account_id).prepayment_fen == 700

    @pytest.mark.acceptance("F44")
    @pytest.mark.acceptance("F150")
    def test_invariant_06_same_key_same_body_same_bytes_other_body_422(self, world: World, bank: Bank) -> None:
        first = bank.pay(no(world), 700, serial="S1", bank_date=today(), key='"k-1"')
        again = bank.pay(no(world), 700, serial="S1", bank_date=today(), key="k-1")
        other = bank.pay(no(world), 701, serial="S1", bank_date=today(), key="k-1")
        values = {"channel_serial": "S2", "bank_date": today(), "account_no": no(world), "amount_fen": 700}
        none = bank.post("/payments", values, more={"Idempotency-Key": ""})

        assert (first.status_code, again.status_code) == (201, 201)
        assert first.content == again.content and again["Idempotency-Replayed"] == "true"
        assert (other.status_code, other.json()["code"]) == (422, "EP0108")
        assert (none.status_code, none.json()["code"]) == (400, "EP0107")
        assert Payment.objects.count() == 1

    def test_invariant_07_a_forgotten_key_books_nothing_again(self, world: World, bank: Bank) -> None:
        first = bank.pay(no(world), 700, serial="S1", bank_date=today(), key="k-1")
        forget_requests(at=timezone.now() + timedelta(days=8))

        again = bank.pay(no(world), 700, serial="S1", bank_date=today(), key="k-1")
        otherwise = bank.pay(no(world), 999, serial="S1", bank_date=today())

        assert AnsweredRequest.objects.count() == 1
        assert again.json() == first.json()
        assert (otherwise.status_code, otherwise.json()["code"]) == (422, "EP0109")
        assert Payment.objects.count() == 1


class TestTakingBack:
    def test_invariant_08_a_reversal_mirrors_its_payment_once(self, world: World, bank: Bank) -> None:
        issue(world, 3_000, due_on=NOT_YET_DUE)
        bank.pay(no(world), 5_000, serial="S1", bank_date=today())

        back = bank.reverse("S1", bank_date=today())
        again = bank.reverse("S1", bank_date=today())
        another = bank.reverse("S1", bank_date=today(), reversal_serial="R2")

        assert (back.status_code, back.json()["state"]) == (201, "reversed")
        assert again.json() == back.json()
        assert (another.status_code, another.json()["code"]) == (409, "ER0112")
        paid = set(LedgerTransfer.objects.filter(kind=3).values_list("debit_id", "credit_id", "amount_fen"))
        mirrored = LedgerTransfer.objects.filter(kind=4).values_list("credit_id", "debit_id", "amount_fen")
        assert paid == set(mirrored) and len(mirrored) == 2
        assert bank.get("/payments/S1").json()["state"] == "reversed"

    def test_a_reversed_serial_is_never_booked_again_nor_said_to_be(self, world: World, bank: Bank) -> None:
        bank.pay(no(world), 5_000, serial="S1", bank_date=today(), key="k-1")
        bank.reverse("S1", bank_date=today())

        same_key = bank.pay(no(world), 5_000, serial="S1", bank_date=today(), key="k-1")
        other_key = bank.pay(no(world), 5_000, serial="S1", bank_date=today(), key="k-2")

        assert [(answer.status_code, answer.json()["code"]) for answer in (same_key, other_key)] == [
            (409, "EP0110"),
            (409, "EP0110"),
        ]
        assert balance(world.residential.account_id).prepayment_fen == 0

    def test_a_repeated_reversal_says_on_which_day_it_was_booked(self, world: World) -> None:
        bank = connect_bank(world, "ccb", reversal_days=2)
        bank.pay(no(world), 5_000, serial="S1", bank_date=today())
        tomorrow = (timezone.localdate() + timedelta(days=1)).isoformat()

        first = bank.reverse("S1", bank_date=today())
        again = bank.reverse("S1", bank_date=tomorrow)

        assert again.status_code == 201 and again.json() == first.json()

    def test_invariant_09_an_unknown_serial_is_blocked_and_never_booked(self, world: World, bank: Bank) -> None:
        blocked = bank.reverse("S1", bank_date=today())
        late = bank.pay(no(world), 700, serial="S1", bank_date=today())

        assert (blocked.status_code, blocked.json()["state"]) == (201, "blocked")
        assert (late.status_code, late.json()["code"]) == (409, "EP0110")
        assert bank.get("/payments/S1").json()["state"] == "blocked"
        assert not Payment.objects.exists() and BlockedSerial.objects.count() == 1

    def test_invariant_10_pay_then_reverse_leaves_every_account_as_it_was(self, world: World, bank: Bank) -> None:
        bill_no = issue(world, 3_000, due_on=NOT_YET_DUE)
        before = balance(world.residential.account_id)

        bank.pay(no(world), 5_000, serial="S1", bank_date=today())
        bank.reverse("S1", bank_date=today())

        assert balance(world.residential.account_id) == before
        assert Bill.objects.get(pk=int(bill_no[6:])).open_fen == 3_000
        assert ledger.verify().faults == ()

    def test_invariant_11_no_bill_takes_more_than_it_is_and_nothing_is_lost(self, world: World, bank: Bank) -> None:
        first = issue(world, 3_000, due_on=NOT_YET_DUE)

        answer = bank.pay(no(world), 5_001, serial="S1", bank_date=today()).json()

        assert [(part["bill_no"], part["amount_fen"]) for part in answer["allocations"]] == [(first, 3_000)]
        assert answer["prepaid_fen"] == balance(world.residential.account_id).prepayment_fen == 2_001


class TestOthers:
    @pytest.mark.acceptance("F45")
    def test_two_banks_may_use_the_same_serial(self, world: World, bank: Bank) -> None:
        other = connect_bank(world, "ccb")

        mine = bank.pay(no(world), 700, serial="S1", bank_date=today(), key="k")
        theirs = other.pay(no(world), 900, serial="S1", bank_date=today(), key="k")

        assert (mine.status_code, theirs.status_code) == (201, 201)
        assert balance(world.residential.account_id).prepayment_fen == 1_600

    def test_invariant_30_another_bank_neither_reads_nor_changes_a_payment(self, world: World, bank: Bank) -> None:
        bank.pay(no(world), 700, serial="S1", bank_date=today())
        other = connect_bank(world, "ccb")

        seen = other.get("/payments/S1")
        taken_back = other.reverse("S1", bank_date=today())

        assert (seen.status_code, seen.json()["code"]) == (404, "ES0111")
        assert taken_back.json()["state"] == "blocked"
        assert bank.get("/payments/S1").json()["state"] == "booked"
        assert balance(world.residential.account_id).prepayment_fen == 700
