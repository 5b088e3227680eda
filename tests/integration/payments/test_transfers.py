"""Bank statements taken in whole or refused, whose each sum is, the way back, and the pool by its age."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from cis.models import Account, LedgerTransfer
from cis.operations import ledger
from cis.queries.ledger import control_balance_fen
from config.shared import approvals
from config.shared.errors import NotFound, Refused
from config.shared.models import OrgUnit
from payments.handlers import book_sub_accounts
from payments.matching.bank_statement import write_statement
from payments.models import BankLine, BankReturn, BankStatement, Claim, ClaimPart, Payment, Reversal
from payments.operations import bank_accounts
from payments.operations.bank_returns import LineNotOpen, NotItsPayment, ask_to_send_back, note_paid
from payments.operations.claims import ManyCustomers, Part, PartsUnusable, claim, undo_claim
from payments.operations.statements import StatementChanged, StatementRefused, keep_statement
from payments.queries import transfers as pages
from tests.factories.bills import NOT_YET_DUE, issue
from tests.factories.held_money import hold_money
from tests.factories.transfers import OURS, bring, line
from tests.factories.world import World, make_user, small_world
from tests.integration.payments.test_taking import open_fen, together

pytestmark = pytest.mark.django_db(transaction=True)
D1, D2 = date(2026, 2, 2), date(2026, 2, 3)


@pytest.fixture
def world() -> World:
    return small_world()


def row(serial: str) -> BankLine:
    return BankLine.objects.get(serial=serial)


def take(world: World, serial: str, *parts: tuple[str, int | None], by_id: int = 0) -> Any:
    return claim(
        line_id=row(serial).pk, parts=[Part(*part) for part in parts], reason="来电核实",
        claimed_by_id=by_id or world.accountant_id, at=world.at,
    )  # fmt: skip


def decider(world: World, name: str = "decides") -> int:
    return make_user(name, OrgUnit.objects.get(pk=world.province_id), "leader").pk


def is_sound() -> bool:
    """The books hold, and what lies unidentified is the pool and nothing else (invariants 2 and 4)."""
    waiting = sum(one.amount_fen for one in BankLine.objects.filter(state="open"))
    return ledger.verify().faults == () and control_balance_fen("UNIDENTIFIED") == waiting


def bring_raw(world: World, raw: bytes) -> Any:
    return keep_statement(name="a.csv", file=io.BytesIO(raw), by_id=world.accountant_id, at=world.at)


class TestStatement:
    def test_every_sum_that_came_in_lies_unidentified_at_once_and_is_never_guessed(self, world: World) -> None:
        issue(world, 8_800, due_on=NOT_YET_DUE)

        bring(world, [line("C1", 8_800, remark=world.residential.account_no), line("D1", -500), line("C2", 70)])

        assert control_balance_fen("UNIDENTIFIED") == 8_870
        assert control_balance_fen("BANK_DEPOSIT") == -8_870
        assert not Payment.objects.exists()
        assert [one.state for one in BankLine.objects.order_by("seq")] == ["open", "out", "open"]

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (b",2,15.00,0.00\n", b",3,15.00,0.00\n"),
            (b",2,15.00,0.00\n", b",2,15.01,0.00\n"),
            (b"1000000.00,1000015.00", b"1000000.00,1000014.00"),
            (b"C,5.00,1000005.00", b"C,5.00,1000006.00"),
            (b"C,5.00,", b"C,6.00,"),
            (b"C,5.00,", b"C,5.0,"),
            (b"D,S1", b"D,S3"),
            (b"T,", b"X,"),
            (b"H,1,", b"H,2,"),
            (b"+00:00", b""),
        ],
    )
    def test_a_wrong_balance_count_sum_hash_or_line_refuses_it_whole(
        self, world: World, old: bytes, new: bytes
    ) -> None:
        bank_accounts.add_bank_account(number=OURS, bank="工商银行", by_id=world.accountant_id, at=world.at)
        raw = write_statement(OURS, D1, 1_000_000_00, [line("S1", 500), line("S2", 1_000)])
        assert old in raw

        with pytest.raises(StatementRefused):
            bring_raw(world, raw.replace(old, new, 1))

        assert not BankStatement.objects.exists() and not BankLine.objects.exists()
        assert not LedgerTransfer.objects.filter(kind=ledger.TransferKind.MONEY_ARRIVED).exists()

    def test_a_statement_cut_off_anywhere_is_refused(self, world: World) -> None:
        bank_accounts.add_bank_account(number=OURS, bank="工商银行", by_id=world.accountant_id, at=world.at)
        raw = write_statement(OURS, D1, 0, [line("S1", 500, remark="电费，二月")])

        for cut in range(0, len(raw), 17):
            with pytest.raises(StatementRefused):
                bring_raw(world, raw[:cut])

        assert not BankStatement.objects.exists()

    def test_a_day_that_does_not_follow_on_the_last_balance_or_comes_late_is_refused(self, world: World) -> None:
        bring(world, [line("C1", 500)], day=D2)

        with pytest.raises(StatementRefused):
            bring_raw(world, write_statement(OURS, D2 + timedelta(days=1), 7, [line("C2", 500)]))
        with pytest.raises(StatementRefused):
            bring_raw(world, write_statement(OURS, D1, 1_000_000_00, [line("C2", 500)]))

        assert BankStatement.objects.count() == 1

    def test_a_serial_told_twice_refuses_the_whole_statement(self, world: World) -> None:
        bring(world, [line("C1", 500)])
        last = BankStatement.objects.get()

        with pytest.raises(StatementRefused):
            bring_raw(world, write_statement(OURS, D2, last.closing_fen, [line("C2", 1), line("C1", 500)]))

        assert BankStatement.objects.count() == 1 and BankLine.objects.count() == 1

    def test_invariant_21_the_same_again_and_at_once_changes_nothing_and_another_is_refused(self, world: World) -> None:
        bank_accounts.add_bank_account(number=OURS, bank="工商银行", by_id=world.accountant_id, at=world.at)
        raw = write_statement(OURS, D1, 0, [line("C1", 500)])

        results = together([lambda: bring_raw(world, raw)] * 4)

        assert not [one for one in results if isinstance(one, Exception)], results
        assert sorted(one.is_repeat for one in results) == [False, True, True, True]
        assert control_balance_fen("UNIDENTIFIED") == 500
        with pytest.raises(StatementChanged):
            bring_raw(world, write_statement(OURS, D1, 0, [line("C1", 501)]))
        assert is_sound()

    def test_an_account_that_is_not_ours_is_refused(self, world: World) -> None:
        with pytest.raises(NotFound):
            bring_raw(world, write_statement(OURS, D1, 0, []))

    def test_what_was_kept_is_not_changed_by_anybody(self, world: World) -> None:
        bring(world, [line("C1", 500)])
        take(world, "C1", (world.residential.account_no, None))

        for sql in (
            "UPDATE payments_bank_statement SET closing_fen = 0, opening_fen = -500",
            "UPDATE payments_bank_line SET amount_fen = 600",
            "DELETE FROM payments_bank_line",
            "UPDATE payments_claim SET reason = 'x'",
            "DELETE FROM payments_claim",
            "UPDATE payments_claim_part SET amount_fen = 1",
        ):
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(sql)

    def test_a_claim_whose_parts_are_not_its_line_is_refused_by_the_database(self, world: World) -> None:
        bring(world, [line("C1", 500)])
        account = Account.objects.get(pk=world.residential.account_id)

        with pytest.raises(DatabaseError, match="to the fen"), transaction.atomic():
            Claim.objects.create(
                line=row("C1"), customer_id=account.customer_id, way="staff", amount_fen=500, reason="x",
                claimed_by_id=world.accountant_id, claimed_at=world.at,
            )  # fmt: skip


class TestSubAccount:
    def test_money_under_it_pays_its_account_by_itself_and_once(self, world: World) -> None:
        bill = issue(world, 8_800, due_on=NOT_YET_DUE)
        bank_accounts.assign_sub_account(
            number="622-0001", account_no=world.residential.account_no, from_on=D1, by_id=world.accountant_id,
            at=world.at,
        )  # fmt: skip

        statement_id = bring(world, [line("C1", 9_000, sub_account="622-0001"), line("C2", 9_000)])
        event = type("Kept", (), {"statement_id": statement_id})()
        together([lambda: book_sub_accounts(event)] * 3)

        assert open_fen(bill) == 0
        payment = Payment.objects.get()
        assert (payment.method, payment.amount_fen, payment.prepaid_fen) == ("transfer", 9_000, 200)
        assert Claim.objects.get().way == "sub-account"
        assert is_sound()

    def test_before_it_began_and_after_it_ended_the_money_waits(self, world: World) -> None:
        made = bank_accounts.assign_sub_account(
            number="622-0001", account_no=world.residential.account_no, from_on=D2, by_id=world.accountant_id,
            at=world.at,
        )  # fmt: skip
        bring(world, [line("EARLY", 100, sub_account="622-0001")], day=D1)
        bring(world, [line("IN", 200, sub_account="622-0001")], day=D2)
        bank_accounts.end_sub_account(sub_account_id=made, until_on=D2 + timedelta(days=1))
        bring(world, [line("LATE", 300, sub_account="622-0001")], day=D2 + timedelta(days=1))

        assert {one.serial: one.state for one in BankLine.objects.all()} == {
            "EARLY": "open", "IN": "claimed", "LATE": "open",
        }  # fmt: skip

    def test_a_number_is_one_accounts_at_a_time(self, world: World) -> None:
        def assign(number: str, account_no: str) -> int:
            return bank_accounts.assign_sub_account(
                number=number, account_no=account_no, from_on=D1, by_id=world.accountant_id, at=world.at
            )

        assign("622-0001", world.residential.account_no)

        with pytest.raises(bank_accounts.NumberTaken):
            assign("622-0001", world.commercial.account_no)
        with pytest.raises(bank_accounts.NumberTaken):
            assign("622-0002", world.residential.account_no)

    def test_a_closed_accounts_surplus_waits_for_people(self, world: World) -> None:
        bank_accounts.assign_sub_account(
            number="622-0001", account_no=world.residential.account_no, from_on=D1, by_id=world.accountant_id,
            at=world.at,
        )  # fmt: skip
        Account.objects.filter(pk=world.residential.account_id).update(state=Account.State.CLOSED)

        bring(world, [line("C1", 9_000, sub_account="622-0001"), line("C2", 1)])

        assert row("C1").state == "open"
        assert is_sound()


class TestClaim:
    def test_two_clerks_claim_one_line_and_one_of_them_has_it(self, world: World) -> None:
        bring(world, [line("C1", 5_000)])
        acts: list[Callable[[], Any]] = [
            partial(take, world, "C1", (no, None))
            for no in (world.residential.account_no, world.commercial.account_no) * 3
        ]

        results = together(acts)

        refused = [one for one in results if isinstance(one, Exception)]
        assert len(refused) == 5 and all(isinstance(one, LineNotOpen) for one in refused), results
        assert (Claim.objects.count(), Payment.objects.count()) == (1, 1)
        assert is_sound()

    def test_is_shared_out_over_accounts_of_one_enterprise_and_of_no_two(self, world: World) -> None:
        shop, other = world.commercial, world.residential_tou
        bring(world, [line("C1", 5_000), line("C2", 5_000)])
        with pytest.raises(ManyCustomers):
            take(world, "C1", (shop.account_no, 2_000), (other.account_no, 3_000))
        Account.objects.filter(pk=other.account_id).update(customer_id=shop.customer_id)

        take(world, "C1", (shop.account_no, 2_000), (other.account_no, 3_000))

        assert {(part.account_id, part.amount_fen) for part in ClaimPart.objects.all()} == {
            (shop.account_id, 2_000), (other.account_id, 3_000),
        }  # fmt: skip
        assert is_sound()

    @pytest.mark.parametrize("amounts", [(), (2_000, 2_999), (2_000, 3_001), (5_000, 0), (6_000, -1_000)])
    def test_parts_that_are_not_the_whole_line_are_refused(self, world: World, amounts: tuple[int, ...]) -> None:
        shop, other = world.commercial, world.residential_tou
        Account.objects.filter(pk=other.account_id).update(customer_id=shop.customer_id)
        bring(world, [line("C1", 5_000)])

        with pytest.raises(PartsUnusable):
            take(world, "C1", *zip((shop.account_no, other.account_no), amounts, strict=False))

        assert row("C1").state == "open" and not Payment.objects.exists()

    def test_above_the_limit_a_second_person_decides(self, world: World, settings: Any) -> None:
        settings.TRANSFER_CLAIM_ALONE_FEN = 4_999
        bring(world, [line("C1", 5_000), line("C2", 5_000)])
        asked = take(world, "C1", (world.residential.account_no, None)).approval_id
        again = take(world, "C2", (world.residential.account_no, None)).approval_id
        assert not Payment.objects.exists()
        with pytest.raises(approvals.OwnRequest):
            approvals.approve(approval_id=asked, decided_by_id=world.accountant_id, at=world.at)
        with pytest.raises(approvals.AlreadyAsked):
            take(world, "C1", (world.commercial.account_no, None))

        leader = decider(world)
        results = together([lambda: approvals.approve(approval_id=asked, decided_by_id=leader, at=world.at)] * 3)

        assert sum(not isinstance(one, Exception) for one in results) == 1, results
        made = Claim.objects.get()
        assert (made.claimed_by_id, made.approved_by_id) == (world.accountant_id, leader)
        settings.TRANSFER_CLAIM_ALONE_FEN = 5_000
        take(world, "C2", (world.commercial.account_no, None))
        with pytest.raises(LineNotOpen):
            approvals.approve(approval_id=again, decided_by_id=leader, at=world.at)
        assert is_sound()

    def test_taken_back_every_entry_is_mirrored_and_the_bill_is_open_again(self, world: World) -> None:
        bill = issue(world, 8_800, due_on=NOT_YET_DUE)
        bring(world, [line("C1", 9_000)])
        before = balances()
        take(world, "C1", (world.residential.account_no, None))
        assert open_fen(bill) == 0

        results = together(
            [lambda: undo_claim(line_id=row("C1").pk, reason="记错户", undone_by_id=world.accountant_id, at=world.at)]
            * 3
        )

        assert sum(not isinstance(one, Exception) for one in results) == 1, results
        assert balances() == before and open_fen(bill) == 8_800
        assert Reversal.objects.count() == 1 and row("C1").state == "open"
        take(world, "C1", (world.commercial.account_no, None))
        assert is_sound()

    def test_taking_back_above_the_limit_needs_a_second_person(self, world: World, settings: Any) -> None:
        bring(world, [line("C1", 9_000)])
        take(world, "C1", (world.residential.account_no, None))
        settings.TRANSFER_CLAIM_ALONE_FEN = 100

        asked = undo_claim(line_id=row("C1").pk, reason="记错户", undone_by_id=world.accountant_id, at=world.at)
        assert asked.approval_id is not None and row("C1").state == "claimed"
        approvals.approve(approval_id=asked.approval_id, decided_by_id=decider(world), at=world.at)

        assert row("C1").state == "open" and is_sound()

    def test_a_day_later_a_claim_is_still_taken_back_on_the_open_day(self, world: World) -> None:
        bring(world, [line("C1", 9_000)])
        take(world, "C1", (world.residential.account_no, None))
        later = world.at + timedelta(days=2)
        ledger.close_days(closed_by_id=None, at=later)

        undo_claim(line_id=row("C1").pk, reason="记错户", undone_by_id=world.accountant_id, at=later)

        assert is_sound()


def balances() -> set[tuple[int, int]]:
    """What lies on every ledger account that is not nothing."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, sum(fen)::bigint FROM (SELECT debit_id AS id, amount_fen AS fen FROM cis_ledger_transfer "
            "UNION ALL SELECT credit_id, -amount_fen FROM cis_ledger_transfer) l GROUP BY id HAVING sum(fen) <> 0"
        )
        return set(cursor.fetchall())


class TestReturn:
    def sent_back(self, world: World, serial: str = "C1") -> BankReturn:
        asked = ask_to_send_back(
            line_id=row(serial).pk, reason="汇错收款人", asked_by_id=world.accountant_id, at=world.at
        )
        approvals.approve(approval_id=asked, decided_by_id=decider(world, f"decides-{serial}"), at=world.at)
        return BankReturn.objects.get(line=row(serial))

    def test_is_owed_until_the_bank_shows_it_leave_under_its_number(self, world: World) -> None:
        bring(world, [line("C1", 5_000), line("C2", 700)])
        owed = self.sent_back(world)
        assert (control_balance_fen("UNIDENTIFIED"), control_balance_fen("REFUNDS_PAYABLE")) == (700, 5_000)

        bring(world, [line("O1", -4_999, remark=f"退款{owed}"), line("O2", -5_000, remark=f"退款{owed}")], day=D2)

        owed.refresh_from_db()
        assert owed.out_line is not None and owed.out_line.serial == "O2"
        assert (control_balance_fen("REFUNDS_PAYABLE"), control_balance_fen("BANK_DEPOSIT")) == (0, -700)
        assert is_sound()

    def test_without_its_number_somebody_says_which_movement_paid_it_once(self, world: World) -> None:
        bring(world, [line("C1", 5_000), line("C2", 5_000)])
        self.sent_back(world)
        self.sent_back(world, "C2")
        bring(world, [line("O1", -5_000), line("O2", -400)], day=D2)

        def pay(serial: str, out: str) -> None:
            note_paid(line_id=row(serial).pk, out_line_id=row(out).pk, by_id=world.accountant_id, at=world.at)

        with pytest.raises(NotItsPayment):
            pay("C1", "O2")
        results = together([lambda: pay("C1", "O1"), lambda: pay("C2", "O1")])

        assert sum(isinstance(one, NotItsPayment) for one in results) == 1, results
        assert control_balance_fen("REFUNDS_PAYABLE") == 5_000
        assert is_sound()

    def test_what_goes_back_is_not_claimed(self, world: World) -> None:
        bring(world, [line("C1", 5_000)])
        self.sent_back(world)

        with pytest.raises(LineNotOpen):
            take(world, "C1", (world.residential.account_no, None))


class TestProposals:
    def test_say_why_and_the_best_reasons_come_first(self, world: World) -> None:
        shop = world.commercial
        name = Account.objects.get(pk=shop.account_id).customer.name
        issue(world, 6_700, account=shop, due_on=NOT_YET_DUE)
        issue(world, 6_600, due_on=NOT_YET_DUE)
        bring(
            world,
            [
                line("BEFORE", 100, account="6222-77"),
                line("C1", 6_600, account="622277", name=name, remark=f"电费 户号{shop.account_no}二月"),
            ],
        )
        take(world, "BEFORE", (shop.account_no, None))

        found = pages.get_line(row("C1").pk, at=world.at).proposals

        assert found[0].parts[0].account_no == shop.account_no
        assert len(found[0].reasons) == 4
        assert {one.parts[0].account_no for one in found} == {shop.account_no, world.residential.account_no}
        assert Claim.objects.count() == 1, "nothing is claimed by a proposal"

    def test_one_sum_for_all_accounts_of_an_enterprise_is_shared_by_what_each_owes(self, world: World) -> None:
        shop, other = world.commercial, world.residential_tou
        Account.objects.filter(pk=other.account_id).update(customer_id=shop.customer_id)
        issue(world, 6_600, account=shop, due_on=NOT_YET_DUE)
        issue(world, 400, account=other, due_on=NOT_YET_DUE)
        bring(world, [line("C1", 7_000, name=Account.objects.get(pk=shop.account_id).customer.name)])

        best = pages.get_line(row("C1").pk, at=world.at).proposals[0]

        assert sorted(part.amount_fen for part in best.parts) == [400, 6_600]
        take(world, "C1", *[(part.account_no, part.amount_fen) for part in best.parts])
        assert is_sound()


class TestPool:
    @pytest.mark.acceptance("F49")
    def test_is_told_by_age_and_is_what_the_ledger_says(self, world: World) -> None:
        today = world.at.date()
        for days, fen in ((91, 1), (90, 20), (31, 300), (30, 4_000), (4, 50_000), (3, 600_000), (0, 7_000_000)):
            bring(world, [line(f"A{days}", fen), line(f"B{days}", 9)], day=today - timedelta(days=days))
            take(world, f"B{days}", (world.residential.account_no, None))
        hold_money(world.residential.account_id, world.at - timedelta(days=5))

        page = pages.pool(at=world.at)

        assert [(age.lines, age.lines_fen, age.held_fen) for age in page.ages] == [
            (2, 7_600_000, 0), (2, 54_000, 200), (2, 320, 0), (1, 1, 0),
        ]  # fmt: skip
        assert page.fen == page.ledger_fen == control_balance_fen("UNIDENTIFIED")
        assert [one.serial for one in page.waiting][:2] == ["A91", "A90"]

    @pytest.mark.acceptance("F49")
    def test_an_overpayment_lies_ahead_and_an_unknown_sum_in_the_pool_until_it_is_transferred(
        self, world: World
    ) -> None:
        issue(world, 8_800, due_on=NOT_YET_DUE)
        bring(world, [line("C1", 9_000)])
        assert pages.pool(at=world.at).fen == 9_000

        take(world, "C1", (world.residential.account_no, None))

        assert pages.pool(at=world.at).fen == 0
        assert Payment.objects.get().prepaid_fen == 200

    @pytest.mark.parametrize("seed", range(3))
    def test_invariant_2_the_pool_is_the_ledger_whatever_is_done(self, world: World, seed: int) -> None:
        draw = random.Random(seed)
        leader = decider(world)
        numbers = [account.account_no for account in world.accounts]
        day = D1
        for step in range(25):
            lines = list(BankLine.objects.filter(amount_fen__gt=0))
            try:
                match draw.choice(("bring", "claim", "claim", "undo", "back")):
                    case "bring":
                        bring(world, [line(f"S{step}-{n}", draw.randint(1, 10**6)) for n in range(3)], day=day)
                        day += timedelta(days=1)
                    case "claim" if lines:
                        take(world, draw.choice(lines).serial, (draw.choice(numbers), None))
                    case "undo" if lines:
                        undo_claim(
                            line_id=draw.choice(lines).pk, reason="错", undone_by_id=world.accountant_id, at=world.at
                        )
                    case "back" if lines:
                        asked = ask_to_send_back(
                            line_id=draw.choice(lines).pk, reason="错", asked_by_id=world.accountant_id, at=world.at
                        )
                        approvals.approve(approval_id=asked, decided_by_id=leader, at=world.at)
            except Refused:
                pass
            page = pages.pool(at=world.at)
            assert page.fen == page.ledger_fen
        assert is_sound()
