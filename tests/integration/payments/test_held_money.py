"""Money that fits no order: put aside in the ledger once, booked by two persons, lost to nobody."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client

from cis.operations import ledger
from cis.queries.ledger import balance
from config.shared import approvals
from config.shared.errors import Refused
from config.shared.models import OrgUnit, User
from payments import handlers
from payments.events import WalletNoticeStored
from payments.models import Payment, PaymentOrder, WalletNotice
from payments.operations import held_money
from payments.operations.orders import book_notice
from tests.factories.staff import prove
from tests.factories.world import World, make_user, small_world
from tests.integration.payments.test_taking import together
from tests.integration.payments.test_wallet import notice, receive, start

pytestmark = pytest.mark.django_db(transaction=True)
FEN = 18_640


def on(name: str) -> int:
    """What lies on one of the utility's own accounts, credits less debits."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(CASE WHEN credit_id = %(id)s THEN amount_fen ELSE -amount_fen END), 0)::bigint "
            "FROM cis_ledger_transfer WHERE %(id)s IN (debit_id, credit_id)",
            {"id": ledger.control_id(name)},
        )
        return int(cursor.fetchone()[0])


def people(world: World) -> tuple[int, int]:
    """Who asks and who decides, both for the whole utility."""
    province = OrgUnit.objects.get(pk=world.province_id)
    asks, decides = make_user("accountant-1", province, "accountant"), make_user("leader-1", province, "leader")
    return asks.pk, decides.pk


def held(world: World, *, state: str = "closed") -> WalletNotice:
    order = start(world)
    PaymentOrder.objects.update(state=state)
    receive(notice(order, at=world.at), at=world.at)
    return WalletNotice.objects.get()


class TestHeldMoney:
    def test_invariant_19_a_closed_order_that_is_paid_lies_apart_in_the_ledger(self) -> None:
        world = small_world()

        kept = held(world)
        handlers.book_stored_notice(WalletNoticeStored(kept.out_trade_no, kept.notice_id))

        assert (kept.outcome, kept.is_held, kept.amount_fen) == ("order-closed", True, FEN)
        assert (on("UNIDENTIFIED"), on("WALLET_CLEARING")) == (FEN, -FEN)
        assert PaymentOrder.objects.get().state == "held"
        assert not Payment.objects.exists()
        assert ledger.verify().faults == ()

    def test_told_twice_in_two_notices_is_put_aside_once(self) -> None:
        world = small_world()
        order = start(world)
        PaymentOrder.objects.update(state="closed")
        first = notice(order, at=world.at)
        receive(first, at=world.at)
        kept = WalletNotice.objects.get()
        other = WalletNotice.objects.create(
            channel="wallet", notice_id="asked", out_trade_no=kept.out_trade_no, provider_no=kept.provider_no,
            amount_fen=FEN, body="", signature="", received_at=world.at,
        )  # fmt: skip

        together([lambda: book_notice(channel="wallet", notice_id=other.notice_id)] * 3)

        assert on("UNIDENTIFIED") == FEN

    def test_is_booked_where_it_belongs_by_two_persons_once(self) -> None:
        world = small_world()
        kept = held(world)
        asks, decides = people(world)

        asked = held_money.ask_to_settle(
            notice_id=kept.pk, account_no=world.residential.account_no, reason="客户来电核对", asked_by_id=asks,
            at=world.at,
        )  # fmt: skip
        results = together([lambda: approvals.approve(approval_id=asked, decided_by_id=decides, at=world.at)] * 4)

        payment = Payment.objects.get()
        assert len([one for one in results if not isinstance(one, Exception)]) == 1
        assert all(isinstance(one, Refused) for one in results if isinstance(one, Exception)), results
        assert (payment.serial, payment.amount_fen, payment.method) == (kept.out_trade_no, FEN, "wallet")
        assert balance(world.residential.account_id).prepayment_fen == FEN
        assert on("UNIDENTIFIED") == 0
        order = PaymentOrder.objects.get()
        assert (order.state, order.payment_id) == ("paid", payment.pk)
        assert ledger.verify().faults == ()
        with pytest.raises(held_money.AlreadySettled):
            held_money.ask_to_settle(
                notice_id=kept.pk, account_no=world.residential.account_no, reason="再来", asked_by_id=asks,
                at=world.at,
            )  # fmt: skip

    def test_a_second_payment_of_one_order_is_no_repeat_of_the_first(self) -> None:
        world = small_world()
        order = start(world)
        receive(notice(order, at=world.at), at=world.at)
        WalletNotice.objects.create(
            channel="wallet", notice_id="second", out_trade_no=order.out_trade_no, provider_no="another",
            amount_fen=FEN, body="", signature="", received_at=world.at,
        )  # fmt: skip

        book_notice(channel="wallet", notice_id="second")

        assert WalletNotice.objects.get(notice_id="second").outcome == "paid-twice"
        assert (on("UNIDENTIFIED"), Payment.objects.count()) == (FEN, 1)
        assert PaymentOrder.objects.get().state == "paid"

    def test_a_day_that_closes_in_this_moment_leaves_the_notice_to_its_event(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world = small_world()
        order = start(world)

        def closed(**_nothing: Any) -> None:
            raise ledger.DayIsClosed("")

        with monkeypatch.context() as patch:
            patch.setattr("payments.operations.orders.book_payment", closed)
            receive(notice(order, at=world.at), at=world.at)
        kept = WalletNotice.objects.get()
        assert (kept.outcome, Payment.objects.count()) == ("", 0)
        handlers.book_stored_notice(WalletNoticeStored(kept.out_trade_no, kept.notice_id))

        assert Payment.objects.count() == 1

    def test_what_a_provider_said_is_sealed_in_the_database(self) -> None:
        world = small_world()
        receive(notice(start(world), at=world.at), at=world.at)

        with connection.cursor() as cursor:
            cursor.execute("SELECT body FROM payments_notice")
            stored = cursor.fetchone()[0]

        assert "TRADE_SUCCESS" not in stored
        assert "TRADE_SUCCESS" in WalletNotice.objects.get().body

    def test_is_seen_and_asked_for_in_the_console(self) -> None:
        world = small_world()
        kept = held(world)
        asks, _decides = people(world)
        client = Client()
        client.force_login(User.objects.get(pk=asks), backend="django.contrib.auth.backends.ModelBackend")
        prove(client)

        shown = client.get("/console/payments/held/").content.decode()
        wrong = client.post(f"/console/payments/held/{kept.pk}/", {"account_no": "0000000000", "reason": "x"})
        sent = client.post(
            f"/console/payments/held/{kept.pk}/", {"account_no": world.residential.account_no, "reason": "客户来电"}
        )

        assert kept.out_trade_no in shown and "缴费单已经关闭" in shown and "186.40" in shown
        assert wrong.status_code in (404, 422)
        assert sent.status_code == 302
        assert "申请在等审批" in client.get(f"/console/payments/held/{kept.pk}/").content.decode()


class TestABusyLedger:
    def test_keeps_a_provider_waiting_no_longer_than_it_waits(self) -> None:
        """Somebody holds the account's money; the notice is kept and answered, and booked by its event."""
        world = small_world()
        order = start(world)

        def hold_the_account() -> None:
            with connection.cursor() as cursor:
                cursor.execute("BEGIN")
                ledger.lock_balances([world.residential.account_id])
                cursor.execute("SELECT pg_sleep(4)")
                cursor.execute("COMMIT")

        def tell() -> str:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(0.7)")
            receive(notice(order, at=world.at), at=world.at)
            return WalletNotice.objects.get().outcome

        _held, outcome = together([hold_the_account, tell])

        assert outcome == ""
        kept = WalletNotice.objects.get()
        handlers.book_stored_notice(WalletNoticeStored(kept.out_trade_no, kept.notice_id))
        assert Payment.objects.count() == 1
