"""The ledger's promises: nothing is changed, nothing is out of balance, closed days stay closed, seals tell."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg2
import pytest
from django.db import Error, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cis.models import LedgerBalance, LedgerDay, LedgerTransfer
from cis.operations import ledger
from cis.queries.ledger import balance, balance_as_of, control_totals
from tests.factories.bills import issue
from tests.factories.ledger import at_once, book, lawless
from tests.factories.world import World, small_world

pytestmark = pytest.mark.django_db(transaction=True)

DAY = date(2026, 2, 3)
LATER = datetime(2026, 2, 20, 1, tzinfo=UTC)

FINAL_TABLES = ("cis_ledger_transfer", "cis_ledger_day", "cis_bill_line", "cis_bill_usage")
CHANGES = ("UPDATE {0} SET {1} = {1}", "DELETE FROM {0}", "TRUNCATE {0} CASCADE")
COLUMN = {
    "cis_ledger_transfer": "amount_fen",
    "cis_ledger_day": "amount_fen",
    "cis_ledger_day_balance": "debit_fen",
    "cis_bill": "total_fen",
    "cis_bill_line": "amount_fen",
    "cis_bill_usage": "energy_kwh_e2",
}


def close(day: date, at: datetime = LATER) -> bytes:
    return ledger.close_day(business_date=day, closed_by_id=None, at=at)


def code_of(error: BaseException) -> str:
    cause = error.__cause__
    assert isinstance(cause, psycopg2.Error)
    return str(cause.pgcode)


class TestAppendOnly:
    @pytest.mark.acceptance("F52")
    @pytest.mark.parametrize("table", COLUMN)
    @pytest.mark.parametrize("change", CHANGES)
    def test_invariant_3_the_application_may_not_change_money_records(self, table: str, change: str) -> None:
        with pytest.raises(Error) as refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change.format(table, COLUMN[table]))

        assert code_of(refused.value) == "42501"

    @pytest.mark.acceptance("F52")
    @pytest.mark.parametrize("table", FINAL_TABLES)
    @pytest.mark.parametrize("change", CHANGES)
    def test_not_even_the_owner_may(self, owner_connection: Any, table: str, change: str) -> None:
        with pytest.raises(psycopg2.Error, match="money records are corrected by new records") as refused:
            owner_connection.cursor().execute(change.format(table, COLUMN[table]))

        assert refused.value.pgcode == "DY004"

    def test_only_what_is_open_on_a_bill_may_be_changed(self) -> None:
        world = small_world()
        issue(world, 500)

        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("UPDATE cis_bill SET open_fen = open_fen - 1")
            assert cursor.rowcount == 1
            transaction.set_rollback(True)
        with pytest.raises(Error, match="open_amount_within_bill"), connection.cursor() as cursor:
            cursor.execute("UPDATE cis_bill SET open_fen = open_fen + 1")


def transfer(world: World, **changed: Any) -> None:
    """One transfer around every operation, by SQL."""
    account = world.residential.account_id
    row = {
        "kind": 3,
        "document_id": 77,
        "leg": 0,
        "account_id": account,
        "debit_id": ledger.control_id("CASH"),
        "credit_id": ledger.prepayment_id(account),
        "amount_fen": 100,
        "booked_at": world.at,
        "business_date": DAY,
        **changed,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO cis_ledger_transfer ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))})",
            list(row.values()),
        )


@pytest.mark.acceptance("F52")
class TestDirectSql:
    """Imbalance cannot be written: a transfer has one amount and two sides, and the balances follow by themselves."""

    @pytest.mark.parametrize(
        "changed", [{"amount_fen": 0}, {"amount_fen": -1}, {"debit_id": None}, {"amount_fen": None}]
    )
    def test_invariant_1_a_transfer_of_nothing_or_with_one_side_is_refused(self, changed: dict[str, Any]) -> None:
        world = small_world()

        with pytest.raises(Error):
            transfer(world, **changed)

        assert not LedgerTransfer.objects.exists()

    def test_a_transfer_to_itself_is_refused(self) -> None:
        world = small_world()
        same = ledger.prepayment_id(world.residential.account_id)

        with pytest.raises(Error, match="transfer_between_two_accounts"):
            transfer(world, debit_id=same, credit_id=same)

    def test_an_unknown_control_account_is_refused(self) -> None:
        world = small_world()

        with pytest.raises(Error) as refused:
            transfer(world, debit_id=-4711)

        assert code_of(refused.value) == "DY002"

    def test_an_unknown_customer_ledger_is_refused(self) -> None:
        world = small_world()

        with pytest.raises(Error) as refused:
            transfer(world, credit_id=99_999_992)

        assert code_of(refused.value) == "DY003"

    def test_prepayment_cannot_be_overdrawn(self) -> None:
        world = small_world()
        account = world.residential.account_id
        transfer(world, amount_fen=100)

        with pytest.raises(Error, match="prepayment_not_overdrawn"):
            transfer(
                world,
                kind=2,
                debit_id=ledger.prepayment_id(account),
                credit_id=ledger.receivable_id(account),
                amount_fen=101,
            )

        assert balance(account).prepayment_fen == 100

    def test_an_act_is_booked_once(self) -> None:
        world = small_world()
        transfer(world)

        with pytest.raises(Error, match="booked_once"):
            transfer(world)

        assert balance(world.residential.account_id).prepayment_fen == 100

    def test_a_balance_written_by_hand_is_found(self) -> None:
        world = small_world()
        transfer(world)
        assert not ledger.verify().faults

        LedgerBalance.objects.filter(pk=ledger.prepayment_id(world.residential.account_id)).update(credit_fen=101)

        faults = ledger.verify().faults
        assert any("is not the fold" in fault for fault in faults)
        assert any("trial balance" in fault for fault in faults)


@pytest.mark.acceptance("001-25")
class TestBillLines:
    def test_a_line_without_legal_basis_cannot_be_posted(self) -> None:
        with pytest.raises(Error, match="no legal basis") as refused, transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(
                    "INSERT INTO cis_bill_line (bill_id, seq, account_id, code, quantity, price_e8, amount_fen) "
                    "VALUES (1, 1, 1, 9999, 100, 100000000, 100)"
                )

        assert code_of(refused.value) == "DY005"

    def test_a_charge_must_name_its_legal_basis(self) -> None:
        with pytest.raises(Error, match="charge_has_legal_basis"), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(
                    "INSERT INTO cis_charge_kind (code, text_code, name, name_en, ledger, legal_basis) "
                    "VALUES (9999, 'EXTRA', '附加', 'extra', 'energy', '')"
                )


class TestDays:
    def test_a_day_is_closed_when_it_is_over_and_after_those_before_it(self) -> None:
        world = small_world()
        account = world.residential.account_id
        book(account, 100, on=DAY, at=world.at)
        book(account, 200, on=DAY + timedelta(days=1), at=world.at)

        with pytest.raises(ledger.DayNotOver):
            close(DAY, at=world.at)
        with pytest.raises(ledger.DayNotOver):
            close(DAY + timedelta(days=1))
        close(DAY)
        with pytest.raises(ledger.DayIsClosed):
            close(DAY)

    def test_every_day_that_is_over_is_closed_oldest_first(self) -> None:
        world = small_world()
        days = [DAY, DAY + timedelta(days=1), DAY + timedelta(days=4)]
        for day in days:
            book(world.residential.account_id, 100, on=day, at=world.at)
        today = LATER.date()
        book(world.residential.account_id, 100, on=today, at=LATER)

        assert ledger.close_days(closed_by_id=None, at=LATER) == days
        assert ledger.close_days(closed_by_id=None, at=LATER) == []
        assert not ledger.verify().faults

    def test_a_closed_day_takes_no_postings_by_operation_or_by_sql(self) -> None:
        world = small_world()
        account = world.residential.account_id
        book(account, 100, on=DAY, at=world.at)
        close(DAY)

        with pytest.raises(ledger.DayIsClosed):
            book(account, 100, on=DAY, at=world.at)
        with pytest.raises(Error) as refused:
            transfer(world)

        assert code_of(refused.value) == "DY001"
        assert ledger.open_business_date(world.at) == DAY + timedelta(days=1)

    def test_posters_race_the_closing_and_no_transfer_falls_behind_the_seal(self) -> None:
        world = small_world()
        account = world.residential.account_id
        book(account, 1, on=DAY, at=world.at)
        booked: list[int] = []

        def poster() -> None:
            for _ in range(30):
                book(account, 1, on=DAY, at=world.at)
                booked.append(1)

        results = at_once([*[poster] * 4, lambda: close(DAY)])

        assert all(result is None or isinstance(result, ledger.DayIsClosed | Error) for result in results[:4]), results
        assert isinstance(results[4], bytes)
        day = LedgerDay.objects.get(pk=DAY)
        assert day.transfers == LedgerTransfer.objects.count() == balance(account).prepayment_fen == len(booked) + 1
        assert not ledger.verify().faults

    def test_two_closers_at_once_close_a_day_once(self) -> None:
        world = small_world()
        book(world.residential.account_id, 1, on=DAY, at=world.at)

        results = at_once([lambda: close(DAY)] * 4)

        assert sum(isinstance(result, bytes) for result in results) == 1
        assert sum(isinstance(result, ledger.DayIsClosed) for result in results) == 3
        assert not ledger.verify().faults


class TestSeal:
    @pytest.fixture
    def closed(self) -> World:
        world = small_world()
        for offset in range(3):
            book(world.residential.account_id, 100 + offset, on=DAY + timedelta(days=offset), at=world.at)
            book(world.commercial.account_id, 900 + offset, on=DAY + timedelta(days=offset), at=world.at)
        ledger.close_days(closed_by_id=None, at=LATER)
        assert not ledger.verify().faults
        return world

    @pytest.mark.acceptance("F52")
    @pytest.mark.parametrize(
        "change",
        [
            "amount_fen = amount_fen + 1",
            "debit_id = -1011",
            "document_id = document_id + 5000",
            "booked_at = booked_at + interval '1 microsecond'",
            "actor_id = 1",
            "run_id = 1",
        ],
    )
    def test_invariant_26_altering_any_stored_transfer_breaks_the_seal_of_its_day(
        self, closed: World, change: str
    ) -> None:
        with lawless() as cursor:
            cursor.execute(
                f"UPDATE cis_ledger_transfer SET {change} WHERE id = "
                "(SELECT max(id) FROM cis_ledger_transfer WHERE business_date = %s)",
                [DAY + timedelta(days=1)],
            )
            assert cursor.rowcount == 1

        assert any(f"the seal of {DAY + timedelta(days=1)}" in fault for fault in ledger.verify().faults)

    def test_a_removed_transfer_is_missed(self, closed: World) -> None:
        with lawless() as cursor:
            cursor.execute("DELETE FROM cis_ledger_transfer WHERE business_date = %s", [DAY])

        assert any(f"{DAY} held 2 transfers" in fault for fault in ledger.verify().faults)

    def test_a_transfer_slipped_in_behind_the_closing_is_found(self, closed: World) -> None:
        account = closed.residential.account_id
        with lawless() as cursor:
            cursor.execute(
                "INSERT INTO cis_ledger_transfer (kind, document_id, leg, account_id, debit_id, credit_id, amount_fen,"
                " booked_at, business_date) VALUES (3, 5, 0, %s, -1001, %s, 5, now(), '2025-01-01')",
                [account, ledger.prepayment_id(account)],
            )
            cursor.execute(
                "UPDATE cis_ledger_balance SET credit_fen = credit_fen + 5 WHERE ledger_account_id = %s",
                [ledger.prepayment_id(account)],
            )

        assert any("behind the last closing" in fault for fault in ledger.verify().faults)

    def test_a_removed_day_breaks_the_chain(self, closed: World) -> None:
        with lawless() as cursor:
            cursor.execute("DELETE FROM cis_ledger_day WHERE business_date = %s", [DAY + timedelta(days=1)])

        assert any("the seal of" in fault for fault in ledger.verify().faults)

    @pytest.mark.parametrize("column", ["debit_fen", "credit_fen", "debit_fen_to_date", "credit_fen_to_date"])
    def test_an_altered_day_balance_is_found(self, closed: World, column: str) -> None:
        with lawless() as cursor:
            cursor.execute(
                f"UPDATE cis_ledger_day_balance SET {column} = {column} + 1 WHERE ledger_account_id = %s "
                "AND business_date = %s",
                [ledger.prepayment_id(closed.residential.account_id), DAY],
            )
            assert cursor.rowcount == 1

        assert any("day balance" in fault for fault in ledger.verify().faults)

    def test_open_bills_that_do_not_add_up_are_found(self, closed: World) -> None:
        issue(closed, 500)
        assert not ledger.verify().faults
        with connection.cursor() as cursor:
            cursor.execute("UPDATE cis_bill SET open_fen = open_fen - 1")

        assert any("do not add up to its receivable" in fault for fault in ledger.verify().faults)

    def test_money_of_another_account_than_the_transfer_names_is_found(self) -> None:
        world = small_world()
        transfer(world, account_id=world.commercial.account_id)

        assert any("another account than it names" in fault for fault in ledger.verify().faults)


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["ahead", "back", "owe", "paid"]),
        st.integers(0, 1),
        st.integers(1, 10**6),
        st.integers(0, 5),
    ),
    max_size=25,
)


class TestBalances:
    @given(acts=ACTS, asked=st.integers(-1, 7))
    @settings(
        max_examples=15,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    def test_every_balance_is_the_fold_of_what_was_booked_now_and_on_any_day(
        self, acts: list[tuple[str, int, int, int]], asked: int
    ) -> None:
        """Random movements over some days, the older ones closed: every balance is re-added in Python."""
        with transaction.atomic():
            world = small_world()
            accounts = (world.residential.account_id, world.commercial.account_id)
            sides = {
                "ahead": lambda a: (ledger.control_id("CASH"), ledger.prepayment_id(a)),
                "back": lambda a: (ledger.prepayment_id(a), ledger.control_id("CASH")),
                "owe": lambda a: (ledger.receivable_id(a), ledger.control_id("INCOME_RESIDENTIAL")),
                "paid": lambda a: (ledger.control_id("QR_CLEARING"), ledger.receivable_id(a)),
            }
            booked: list[tuple[int, int, int, int]] = []
            ahead = [0, 0]
            for name, who, fen, day in acts:
                change = {"ahead": fen, "back": -fen}.get(name, 0)
                if ahead[who] + change < 0:
                    continue
                ahead[who] += change
                debit, credit = sides[name](accounts[who])
                on = DAY + timedelta(days=day)
                book(accounts[who], fen, on=on, at=world.at, debit=debit, credit=credit)
                booked.append((debit, credit, fen, day))
            ledger.close_days(closed_by_id=None, at=datetime(2026, 2, 6, 1, tzinfo=UTC))

            def fold(ledger_id: int, until: int = 99) -> int:
                return sum(
                    fen * ((debit == ledger_id) - (credit == ledger_id))
                    for debit, credit, fen, day in booked
                    if day <= until
                )

            for account in accounts:
                now, then = balance(account), balance_as_of(account, DAY + timedelta(days=asked))
                assert now.receivable_fen == fold(ledger.receivable_id(account))
                assert now.prepayment_fen == -fold(ledger.prepayment_id(account))
                assert then.receivable_fen == fold(ledger.receivable_id(account), asked)
                assert then.prepayment_fen == -fold(ledger.prepayment_id(account), asked)
            for total in control_totals():
                assert total.debit_fen - total.credit_fen == fold(total.ledger_account_id)
            assert not [fault for fault in ledger.verify().faults if "open bills" not in fault]
            transaction.set_rollback(True)
