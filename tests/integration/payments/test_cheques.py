"""Cheques at the counter: what they pay, the ten days, cleared by a bank line, returned with everything mirrored."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from cis.operations import ledger
from cis.queries.ledger import control_balance_fen
from config.shared.models import User
from payments.models import BankLine, Cheque, Payment, Reversal
from payments.operations.bank_returns import LineNotOpen
from payments.operations.cheques import (
    ChequeTaken,
    ChequeTooLarge,
    ChequeUnusable,
    NotItsMoney,
    Paper,
    WrongState,
    bank_cheque,
    clear_cheque,
    return_cheque,
    take_cheque,
)
from payments.operations.reversing import WalletNotReversible, reverse_payment
from tests.factories.bills import NOT_YET_DUE, issue
from tests.factories.staff import prove
from tests.factories.transfers import add_cheque, bring, line
from tests.factories.world import World, small_world
from tests.integration.payments.test_taking import open_fen, together
from tests.integration.payments.test_transfers import balances

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> World:
    return small_world()


def take(world: World, fen: int, *, number: str = "30504420", key: str = "k" * 32, days: int = 0) -> Any:
    return take_cheque(
        account_id=world.residential.account_id, amount_fen=fen,
        paper=Paper(number, "中国银行", "江汉商贸", world.at.date() - timedelta(days=days)), form_key=key,
        org_unit_id=world.hall_a_id, received_by_id=world.clerk_a_id, at=world.at,
    )  # fmt: skip


def send_back(world: World, cheque_id: int) -> None:
    return_cheque(cheque_id=cheque_id, reason="存款不足", by_id=world.accountant_id, at=world.at)


class TestTaking:
    def test_pays_the_bill_at_once_and_its_money_is_on_its_way(self, world: World) -> None:
        bill = issue(world, 8_800, due_on=NOT_YET_DUE)

        taken = take(world, 8_800)

        assert open_fen(bill) == 0 and taken.prepaid_fen == 0
        assert control_balance_fen("CHEQUE_CLEARING") == -8_800
        assert Cheque.objects.get().state == "received"

    def test_the_same_form_many_times_at_once_takes_one(self, world: World) -> None:
        issue(world, 8_800, due_on=NOT_YET_DUE)

        results = together([lambda: take(world, 8_800)] * 4)

        assert not [one for one in results if isinstance(one, Exception)], results
        assert (Cheque.objects.count(), Payment.objects.count()) == (1, 1)

    def test_no_more_than_is_owed_and_no_cheque_twice(self, world: World) -> None:
        issue(world, 8_800, due_on=NOT_YET_DUE)
        with pytest.raises(ChequeTooLarge):
            take(world, 8_801)
        take(world, 4_000)

        with pytest.raises(ChequeTaken):
            take(world, 4_000, key="m" * 32)

        assert Payment.objects.count() == 1, "nothing of the refused one stays"

    @pytest.mark.parametrize(("days", "is_taken"), [(-1, False), (0, True), (10, True), (11, False)])
    def test_article_91_within_ten_days_of_its_date(self, world: World, days: int, is_taken: bool) -> None:
        issue(world, 8_800, due_on=NOT_YET_DUE)

        if is_taken:
            take(world, 8_800, days=days)
        else:
            with pytest.raises(ChequeUnusable):
                take(world, 8_800, days=days)

        assert Payment.objects.exists() is is_taken


class TestAfterwards:
    def test_the_banks_line_clears_it_once(self, world: World) -> None:
        first = add_cheque(world, world.at)
        second = add_cheque(world, world.at, number="30504421", cycle=202002)
        for cheque_id in (first, second):
            bank_cheque(cheque_id=cheque_id, banked_on=world.at.date(), at=world.at)
        bring(world, [line("C1", 30_00), line("C2", 29_99)])
        money = {one.serial: one.pk for one in BankLine.objects.all()}
        with pytest.raises(NotItsMoney):
            clear_cheque(cheque_id=first, line_id=money["C2"], by_id=world.accountant_id, at=world.at)

        results = together(
            [
                lambda: clear_cheque(cheque_id=first, line_id=money["C1"], by_id=world.accountant_id, at=world.at),
                lambda: clear_cheque(cheque_id=second, line_id=money["C1"], by_id=world.accountant_id, at=world.at),
            ]
        )

        assert sum(isinstance(one, LineNotOpen) for one in results) == 1, results
        assert (control_balance_fen("CHEQUE_CLEARING"), control_balance_fen("UNIDENTIFIED")) == (-30_00, 29_99)
        assert control_balance_fen("BANK_DEPOSIT") == -59_99
        assert ledger.verify().faults == ()

    @pytest.mark.parametrize("is_banked", [False, True])
    def test_returned_every_entry_is_mirrored_and_the_bill_is_open_again(self, world: World, is_banked: bool) -> None:
        bill = issue(world, 8_800, due_on=NOT_YET_DUE)
        before = balances()
        take(world, 8_800)
        cheque = Cheque.objects.get()
        if is_banked:
            bank_cheque(cheque_id=cheque.pk, banked_on=world.at.date(), at=world.at)

        results = together([lambda: send_back(world, cheque.pk)] * 3)

        assert sum(isinstance(one, WrongState) for one in results) == 2, results
        assert balances() == before and open_fen(bill) == 8_800
        assert Reversal.objects.get().reason == "存款不足"
        take(world, 8_800, key="m" * 32)
        assert ledger.verify().faults == ()

    def test_once_cleared_it_does_not_come_back_and_the_counter_does_not_reverse_it(self, world: World) -> None:
        cheque_id = add_cheque(world, world.at)
        with pytest.raises(WalletNotReversible):
            reverse_payment(
                payment_id=Payment.objects.get().pk, reason="错", reversed_by_id=world.clerk_a_id, at=world.at
            )
        bank_cheque(cheque_id=cheque_id, banked_on=world.at.date(), at=world.at)
        bring(world, [line("C1", 30_00)])
        clear_cheque(cheque_id=cheque_id, line_id=BankLine.objects.get().pk, by_id=world.accountant_id, at=world.at)

        with pytest.raises(WrongState):
            send_back(world, cheque_id)
        for sql in (
            "UPDATE payments_cheque SET state = 'received', banked_on = NULL, line_id = NULL, ended_at = NULL, "
            "ended_by_id = NULL",
            "UPDATE payments_cheque SET amount_fen = 1",
            "DELETE FROM payments_cheque",
        ):
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(sql)


def test_the_pages_take_bank_and_return_it(world: World) -> None:
    issue(world, 8_800, due_on=NOT_YET_DUE)
    clerk, accountant = Client(), Client()
    clerk.force_login(User.objects.get(pk=world.clerk_a_id))
    accountant.force_login(User.objects.get(pk=world.accountant_id))
    prove(accountant)
    address = f"/console/accounts/{world.residential.account_no}/cheque/"
    key = clerk.get(address)["Location"].partition("key=")[2]
    said = {"form_key": key, "number": "30504420", "bank": "中国银行", "drawer": "江汉商贸"}

    wrong = clerk.post(address, said | {"amount": "88.01", "issued_on": timezone.localdate()})
    taken = clerk.post(address, said | {"amount": "88.00", "issued_on": timezone.localdate()}, follow=True)
    cheque = Cheque.objects.get()
    listed = accountant.get("/console/cheques/").content.decode()
    one = f"/console/cheques/{cheque.pk}/"
    banked = accountant.post(one, {"act": "bank", "banked_on": timezone.localdate()}, follow=True).content.decode()
    returned = accountant.post(one, {"act": "return", "reason": "存款不足"}, follow=True).content.decode()

    assert wrong.status_code == 422 and "支票已收" in taken.content.decode()
    assert "30504420" in listed and "已记为送存" in banked
    assert "已退票" in returned and "存款不足" in returned
