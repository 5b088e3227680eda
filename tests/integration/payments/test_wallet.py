"""Paying through the wallet: orders, notices, one ledger with the counter."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.db import connection

from cis.models import Account
from cis.operations import ledger
from cis.operations.settlement import AmountRefused
from cis.queries.ledger import balance
from config.shared.money import MAX_FEN
from payments import handlers, operations
from payments.channels import wallet_keys
from payments.channels.base import Begun, Incoming
from payments.events import WalletNoticeStored
from payments.models import Payment, PaymentOrder, WalletNotice
from payments.operations.orders import order_number
from payments.signing import rsa2
from payments.simulators import wallet as sim
from tests.factories.bills import NOT_YET_DUE, issue
from tests.factories.world import World, small_world
from tests.integration.payments import pay
from tests.integration.payments.test_taking import together

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True, scope="module")
def own_keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keys of these tests only."""
    patch = pytest.MonkeyPatch()
    place = str(tmp_path_factory.mktemp("wallet") / "keys.json")
    made = wallet_keys._made
    patch.setattr(wallet_keys, "_made", lambda _place: made(place))
    yield
    patch.undo()


def start(world: World, *, fen: int = 18_640, key: str = "", at: datetime | None = None) -> operations.StartedOrder:
    return operations.start_order(
        account_id=world.residential.account_id,
        amount_fen=fen,
        form_key=key or uuid.uuid4().hex,
        created_by_id=world.portal_user_id,
        channel="wallet",
        notify_url="https://example.test/pay/wallet/notice/",
        return_url="https://example.test/portal/orders/{order}/",
        at=at or world.at,
    )


def notice(order: operations.StartedOrder, *, at: datetime, fen: str = "186.40", **changed: str) -> dict[str, str]:
    """A signed notice that the order was paid, with some fields changed before signing."""
    fields = {
        "notify_id": uuid.uuid4().hex,
        "trade_no": uuid.uuid4().hex,
        "app_id": "dayingxiao-demo",
        "out_trade_no": order.out_trade_no,
        "total_amount": fen,
        "trade_status": "TRADE_SUCCESS",
        "timestamp": str(int(at.timestamp())),
        "nonce": uuid.uuid4().hex,
        "sign_type": "RSA2",
        **changed,
    }
    return {**fields, "sign": rsa2.sign(fields, wallet_keys.provider_private())}


def notice_again(first: dict[str, str]) -> dict[str, str]:
    """The provider sends it again: the same notice under another nonce."""
    fields = {**first, "nonce": uuid.uuid4().hex}
    del fields["sign"]
    return {**fields, "sign": rsa2.sign(fields, wallet_keys.provider_private())}


def receive(fields: dict[str, str], *, at: datetime) -> None:
    operations.receive_notice(channel="wallet", incoming=Incoming({}, urlencode(fields)), at=at)


class TestAnOrder:
    def test_is_one_the_strict_wallet_accepts(self) -> None:
        world = small_world()

        order = dict(parse_qsl(urlsplit(start(world).payment_address).query))

        assert sim.fault_of(order, at=world.at) == ""
        assert order["total_amount"] == "186.40"
        assert order["return_url"].endswith(f"/{order['out_trade_no']}/")

    def test_asks_to_be_told_at_the_configured_address_and_not_where_the_payer_came_in(self, settings: Any) -> None:
        world = small_world()
        settings.WALLET_NOTIFY_BASE = "https://pay.example.cn"

        order = dict(parse_qsl(urlsplit(start(world).payment_address).query))

        assert order["notify_url"] == "https://pay.example.cn/pay/wallet/notice/"

    def test_is_refused_by_the_wallet_once_anything_is_changed(self) -> None:
        world = small_world()
        order = dict(parse_qsl(urlsplit(start(world).payment_address).query))

        for name in order:
            changed = {**order, name: order[name][:-1] + ("1" if order[name][-1] != "1" else "2")}
            assert sim.fault_of(changed, at=world.at), name

    def test_is_refused_by_the_wallet_when_it_is_too_old(self) -> None:
        world = small_world()
        order = dict(parse_qsl(urlsplit(start(world).payment_address).query))

        assert sim.fault_of(order, at=world.at + timedelta(minutes=16)) == "expired"

    def test_of_the_same_form_is_the_same_order(self) -> None:
        world = small_world()

        answers = together([lambda: start(world, key="portal-form-1")] * 4)

        assert {answer.out_trade_no for answer in answers} == {order_number("wallet", "portal-form-1")}
        assert PaymentOrder.objects.count() == 1

    @pytest.mark.parametrize("fen", [0, -1, MAX_FEN + 1])
    def test_of_an_impossible_amount_is_refused(self, fen: int) -> None:
        world = small_world()

        with pytest.raises(AmountRefused):
            start(world, fen=fen)

    def test_of_a_closed_account_may_settle_its_debt_and_no_more(self) -> None:
        world = small_world()
        issue(world, 3_000, due_on=NOT_YET_DUE)
        Account.objects.filter(pk=world.residential.account_id).update(state="closed")

        with pytest.raises(operations.AccountClosed):
            start(world, fen=3_001)
        assert start(world, fen=3_000).out_trade_no


class TestANotice:
    @pytest.mark.acceptance("000-68")
    def test_books_the_order_into_the_one_ledger(self) -> None:
        """One payment ledger for counter and wallet."""
        world = small_world()
        issue(world, 20_000, due_on=NOT_YET_DUE)
        pay(world, fen=1_360)
        order = start(world)

        receive(notice(order, at=world.at), at=world.at)

        assert balance(world.residential.account_id).receivable_fen == 0
        assert {p.channel for p in Payment.objects.filter(account_id=world.residential.account_id)} == {
            "counter",
            "wallet",
        }
        assert PaymentOrder.objects.get().state == "paid"
        assert ledger.verify().faults == ()

    def test_repeated_under_its_own_id_books_once(self) -> None:
        world = small_world()
        order = start(world)
        first = notice(order, at=world.at)
        again = notice(order, at=world.at, notify_id=first["notify_id"])

        receive(first, at=world.at)
        receive(again, at=world.at)

        assert Payment.objects.count() == WalletNotice.objects.count() == 1

    def test_under_another_id_for_a_paid_order_books_nothing_more(self) -> None:
        world = small_world()
        order = start(world)

        receive(notice(order, at=world.at), at=world.at)
        receive(notice(order, at=world.at), at=world.at)

        assert Payment.objects.count() == 1

    @pytest.mark.acceptance("000-68")
    def test_at_the_moment_the_counter_takes_the_same_bill_posts_nothing_twice(self) -> None:
        """Both are booked once each, the bill is settled once, and what is over is the customer's prepayment."""
        world = small_world()
        issue(world, 18_640, due_on=NOT_YET_DUE)
        first = notice(start(world), at=world.at)
        copies = [notice_again(first) for _ in range(3)]
        key = uuid.uuid4().hex

        answers = together(
            [partial(receive, fields, at=world.at) for fields in copies]
            + [partial(pay, world, fen=18_640, key=key) for _ in range(3)]
        )

        assert not [answer for answer in answers if isinstance(answer, Exception)]
        assert sorted(p.channel for p in Payment.objects.all()) == ["counter", "wallet"]
        now = balance(world.residential.account_id)
        assert (now.receivable_fen, now.prepayment_fen) == (0, 18_640)
        assert ledger.verify().faults == ()

    def test_in_eight_threads_books_once(self) -> None:
        world = small_world()
        order = start(world)
        first = notice(order, at=world.at)
        copies = [notice(order, at=world.at, notify_id=first["notify_id"]) for _ in range(8)]

        answers = together([partial(receive, fields, at=world.at) for fields in copies])

        assert answers == [None] * 8
        assert Payment.objects.count() == 1
        assert ledger.verify().faults == ()

    def test_replayed_byte_by_byte_is_refused(self) -> None:
        world = small_world()
        fields = notice(start(world), at=world.at)
        receive(fields, at=world.at)

        with pytest.raises(operations.NoticeRefused) as refused:
            receive(fields, at=world.at)

        assert refused.value.facts["reason"] == "nonce-repeated"

    def test_replayed_by_many_at_once_is_taken_once(self) -> None:
        world = small_world()
        fields = notice(start(world), at=world.at)

        answers = together([lambda: receive(fields, at=world.at)] * 8)

        assert sum(answer is None for answer in answers) == 1
        assert sum(isinstance(answer, operations.NoticeRefused) for answer in answers) == 7

    @pytest.mark.parametrize(("seconds", "is_taken"), [(299, True), (-299, True), (301, False), (-301, False)])
    def test_is_taken_within_five_minutes_of_its_time(self, seconds: int, is_taken: bool) -> None:
        world = small_world()
        at = world.at.replace(microsecond=0)
        fields = notice(start(world), at=at + timedelta(seconds=seconds))

        if is_taken:
            receive(fields, at=at)
        else:
            with pytest.raises(operations.NoticeRefused):
                receive(fields, at=at)

        assert Payment.objects.exists() == is_taken

    def test_with_any_field_changed_after_signing_is_refused(self) -> None:
        world = small_world()
        fields = notice(start(world), at=world.at)

        for name in set(fields) - {"sign_type"}:
            with pytest.raises(operations.NoticeRefused):
                receive({**fields, name: fields[name] + "0"}, at=world.at)

        assert not WalletNotice.objects.exists()

    def test_of_another_merchant_is_refused(self) -> None:
        world = small_world()

        with pytest.raises(operations.NoticeRefused) as refused:
            receive(notice(start(world), at=world.at, app_id="somebody-else"), at=world.at)

        assert refused.value.facts["reason"] == "wrong-merchant"

    @pytest.mark.parametrize("amount", ["186.41", "186.39", "0.01"])
    def test_of_another_amount_is_kept_and_never_booked(self, amount: str) -> None:
        world = small_world()
        order = start(world)

        receive(notice(order, at=world.at, fen=amount), at=world.at)
        handlers.book_stored_notice(WalletNoticeStored(order.out_trade_no, WalletNotice.objects.get().notice_id))

        assert WalletNotice.objects.get().outcome == "amount-differs"
        assert not Payment.objects.exists()
        assert PaymentOrder.objects.get().state == "held"

    @pytest.mark.parametrize("amount", ["186.4", "186", "-1.00", "1e3", "186.400", "１.00", ""])
    def test_with_an_amount_in_another_form_is_refused(self, amount: str) -> None:
        world = small_world()

        with pytest.raises(operations.NoticeRefused):
            receive(notice(start(world), at=world.at, fen=amount), at=world.at)

    def test_of_an_order_we_do_not_know_is_kept_and_never_booked(self) -> None:
        world = small_world()
        stranger = operations.StartedOrder("Wnobody-knows-this", Begun())

        receive(notice(stranger, at=world.at), at=world.at)

        assert WalletNotice.objects.get().outcome == "order-unknown"
        assert not Payment.objects.exists()

    def test_that_was_kept_and_not_booked_is_booked_by_its_event(self, monkeypatch: pytest.MonkeyPatch) -> None:
        world = small_world()
        order = start(world)

        def crash(**_nothing: Any) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr("payments.operations.orders.book_notice", crash)
            with pytest.raises(KeyboardInterrupt):
                receive(notice(order, at=world.at), at=world.at)
        assert not Payment.objects.exists()
        event = WalletNoticeStored(order.out_trade_no, WalletNotice.objects.get().notice_id)
        handlers.book_stored_notice(event)
        handlers.book_stored_notice(event)

        assert Payment.objects.count() == 1

    def test_is_kept_even_where_the_order_was_closed(self) -> None:
        world = small_world()
        order = start(world)
        PaymentOrder.objects.update(state="closed")

        receive(notice(order, at=world.at), at=world.at)

        assert WalletNotice.objects.get().outcome == "order-closed"
        assert PaymentOrder.objects.get().state == "held"


class TestAWalletPayment:
    def test_cannot_be_reversed_at_a_counter(self) -> None:
        world = small_world()
        receive(notice(start(world), at=world.at), at=world.at)

        with pytest.raises(operations.WalletNotReversible):
            operations.reverse_payment(
                payment_id=Payment.objects.get().pk, reason="x", reversed_by_id=world.clerk_a_id, at=world.at
            )

    def test_stands_on_the_wallets_clearing_account(self) -> None:
        world = small_world()
        receive(notice(start(world), at=world.at), at=world.at)

        with connection.cursor() as cursor:
            cursor.execute("SELECT DISTINCT debit_id FROM cis_ledger_transfer WHERE kind = 3")
            assert cursor.fetchall() == [(ledger.control_id("WALLET_CLEARING"),)]


class TestTheKeys:
    def test_are_made_once_whoever_comes_first(self, tmp_path: Path) -> None:
        place = str(tmp_path / "keys.json")
        make = wallet_keys.make_or_read

        answers = together([lambda: make(place)] * 4)

        assert len({answer["merchant_private"] for answer in answers}) == 1
        assert (tmp_path / "keys.json").stat().st_mode & 0o077 == 0
