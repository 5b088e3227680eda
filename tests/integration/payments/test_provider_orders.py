"""Orders paid by WeChat Pay and Alipay: told, not told, told too late, told otherwise; booked once in every case."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from django.test import Client
from django.utils import timezone

from cis.models import WechatIdentity
from cis.queries.ledger import balance
from payments import operations, tasks
from payments.channels import CHANNELS, alipay_keys, wechat_keys
from payments.channels.base import Begun, Found, Incoming, NotBelievable, Payer, Scene
from payments.models import Payment, PaymentOrder, WalletNotice
from payments.operations.orders import order_number
from payments.simulators import agreed
from tests.factories.bills import NOT_YET_DUE, issue
from tests.factories.world import World, small_world
from tests.integration.payments import test_alipay, test_wechat_simulator
from tests.integration.payments.test_portal_pages import customer
from tests.integration.payments.test_taking import together

pytestmark = pytest.mark.django_db(transaction=True)
FEN = 18_640


@dataclass
class Provider:
    """One provider on a socket of this process, its payer, and the merchant's address that catches its notices."""

    channel: str
    server: Any
    inbox: Any

    def pay(self, started: operations.StartedOrder) -> None:
        """The payer goes where the order leads and pays."""
        if self.channel == "wechat":
            self.server.wechat.pay(started.begun.code.rpartition("pr=")[2])
            return
        page = requests.get(started.begun.address, timeout=10).text
        action = page.partition('action="')[2].partition('"')[0]
        requests.post(f"{self.server.url}{action}", timeout=10, allow_redirects=False)

    def give_back(self, started: operations.StartedOrder) -> None:
        """Somebody gives it all back in the merchant's console at the provider."""
        if self.channel == "wechat":
            self.server.wechat.orders[wechat_keys.SIMULATED_MCHID, started.out_trade_no].state = "REFUND"
        else:
            self.server.alipay.trades[alipay_keys.SIMULATED_APP, started.out_trade_no].state = "TRADE_CLOSED"

    def told(self, count: int = 1) -> tuple[dict[str, str], str]:
        """The notice as it came: headers and body."""
        got = self.inbox.wait(count)[count - 1]
        if self.channel == "wechat":
            return got[0], got[1]
        return {}, urlencode(got)


@pytest.fixture(params=["wechat", "alipay"])
def provider(request: Any, settings: Any, tmp_path: Path) -> Iterator[Provider]:
    channel = request.param
    keys: Any
    inbox: Any
    keys, setting, inbox = {
        "wechat": (wechat_keys, "WECHAT_PAY", test_wechat_simulator.Inbox),
        "alipay": (alipay_keys, "ALIPAY", test_alipay.Inbox),
    }[channel]
    said = getattr(settings, setting)
    setattr(settings, setting, {**said, "gateway": "http://127.0.0.1:0", "key_file": str(tmp_path / "keys.json")})
    server = getattr(agreed, {"wechat": "wechat_pay", "alipay": "alipay"}[channel])(at=timezone.now())
    where = server.url if channel == "wechat" else server.gateway
    setattr(settings, setting, {**getattr(settings, setting), "gateway": where})
    keys.agreement.cache_clear()
    server.start()
    box = inbox()
    yield Provider(channel, server, box)
    server.stop()
    box.http.shutdown()
    box.http.server_close()
    keys.agreement.cache_clear()


def start(world: World, provider: Provider, *, key: str = "", **more: Any) -> operations.StartedOrder:
    return operations.start_order(
        **{
            "account_id": world.residential.account_id,
            "amount_fen": FEN,
            "form_key": key or uuid.uuid4().hex,
            "created_by_id": world.portal_user_id,
            "channel": provider.channel,
            "payer": Payer(Scene.DESKTOP),
            "notify_url": provider.inbox.url,
            "return_url": "https://example.test/my/orders/{order}/",
            "at": timezone.now(),
            **more,
        }
    )


def post(provider: Provider, told: tuple[dict[str, str], str]) -> int:
    headers, body = told
    kind = "application/json" if provider.channel == "wechat" else "application/x-www-form-urlencoded"
    signed = {name: value for name, value in headers.items() if name.startswith("Wechatpay")}
    answer = Client().generic("POST", f"/pay/{provider.channel}/notice/", body, content_type=kind, headers=signed)
    return int(answer.status_code)


def receive(provider: Provider, told: tuple[dict[str, str], str]) -> None:
    """Without a request around it: threads would share what counts a request's statements."""
    operations.receive_notice(channel=provider.channel, incoming=Incoming(*told), at=timezone.now())


def receive_all(provider: Provider, told: list[tuple[dict[str, str], str]]) -> None:
    """One after the other; what came in the very same bytes before is refused."""
    for one in told:
        with suppress(operations.NoticeRefused):
            receive(provider, one)


def money(world: World) -> int:
    return balance(world.residential.account_id).prepayment_fen


class TestAPaidOrder:
    @pytest.mark.acceptance("F41")
    def test_invariant_18_booked_once_when_the_whole_schedule_comes_in_four_threads_in_any_order(
        self, provider: Provider
    ) -> None:
        world = small_world()
        # Sixteen by WeChat Pay's schedule, eight by Alipay's; the last is kept for the page itself.
        times = {"wechat": 16, "alipay": 8}[provider.channel]
        provider.server.behave({"times": times, "pace": 0})
        started = start(world, provider)

        provider.pay(started)
        told = [provider.told(count) for count in range(1, times + 1)]
        orders = [told[:-1], told[-2::-1], told[::2], told[1:-1:2]]
        together([partial(receive_all, provider, order) for order in orders])
        assert post(provider, told[-1]) in (200, 400)

        payment = Payment.objects.get()
        assert (payment.channel, payment.method, payment.amount_fen) == (provider.channel, provider.channel, FEN)
        assert money(world) == FEN
        order = PaymentOrder.objects.get(out_trade_no=started.out_trade_no)
        assert (order.state, order.payment_id) == ("paid", payment.pk)

    @pytest.mark.acceptance("F43")
    def test_that_nobody_told_us_of_is_found_by_asking(self, provider: Provider) -> None:
        world = small_world()
        provider.server.behave({"lose": 1})
        started = start(world, provider)
        provider.pay(started)
        assert not Payment.objects.exists()

        assert operations.orders_to_ask_about(at=timezone.now()) == ()
        later = timezone.now() + timedelta(seconds=21)
        assert operations.orders_to_ask_about(at=later) == ((started.out_trade_no, provider.channel),)
        # Whoever takes it puts its next turn off.
        assert operations.orders_to_ask_about(at=later) == ()
        PaymentOrder.objects.update(ask_at=timezone.now())
        tasks.ask_about_orders()
        PaymentOrder.objects.update(ask_at=timezone.now())
        tasks.ask_about_orders()

        assert money(world) == FEN
        assert Payment.objects.count() == 1

    def test_told_and_asked_about_at_once_is_booked_once(self, provider: Provider) -> None:
        world = small_world()
        started = start(world, provider)
        provider.pay(started)
        told = provider.told()
        acts: list[Callable[[], Any]] = [
            lambda: receive(provider, told),
            lambda: operations.ask_about_order(out_trade_no=started.out_trade_no, at=timezone.now()),
        ]

        together(acts * 3)

        assert (money(world), Payment.objects.count()) == (FEN, 1)

    def test_invariant_15_of_another_amount_is_kept_and_never_booked(self, provider: Provider) -> None:
        world = small_world()
        started = start(world, provider)
        PaymentOrder.objects.update(amount_fen=FEN + 1)
        provider.pay(started)

        assert post(provider, provider.told()) == 200
        operations.ask_about_order(out_trade_no=started.out_trade_no, at=timezone.now())

        assert {notice.outcome for notice in WalletNotice.objects.all()} == {"amount-differs"}
        assert not Payment.objects.exists()


class TestAnUnpaidOrder:
    def test_is_closed_after_its_time_and_its_form_cannot_be_used_again(self, provider: Provider) -> None:
        world, key = small_world(), uuid.uuid4().hex
        started = start(world, provider, key=key)
        after = timezone.now() + timedelta(minutes=18)

        assert operations.ask_about_order(out_trade_no=started.out_trade_no, at=timezone.now()) == "created"
        if provider.channel == "wechat":
            provider.server.wechat.clock = lambda: time.time() + 18 * 60
        assert operations.ask_about_order(out_trade_no=started.out_trade_no, at=after) == "closed"

        with pytest.raises(operations.KeyUsedOtherwise):
            start(world, provider, key=key, at=after)

    def test_closed_here_and_paid_there_waits_for_people(self, provider: Provider) -> None:
        world = small_world()
        started = start(world, provider)
        PaymentOrder.objects.update(state="closed")
        provider.pay(started)

        assert post(provider, provider.told()) == 200

        assert WalletNotice.objects.get().outcome == "order-closed"
        assert money(world) == 0

    def test_paid_while_we_were_closing_it_is_booked(self, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
        world = small_world()
        provider.server.behave({"lose": 1})
        started = start(world, provider)
        channel = CHANNELS[provider.channel]
        find, asked = channel.find, list[str]()

        def and_then_somebody_pays(number: str, *, at: datetime) -> Found:
            found = find(number, at=at)
            if not asked:
                provider.pay(started)
            asked.append(number)
            return found

        monkeypatch.setattr(channel, "find", and_then_somebody_pays)
        PaymentOrder.objects.update(expires_at=timezone.now() - timedelta(minutes=3))

        assert operations.ask_about_order(out_trade_no=started.out_trade_no, at=timezone.now()) == "paid"
        assert (len(asked), money(world)) == (2, FEN)

    def test_that_nobody_understands_keeps_no_other_from_being_found(
        self, provider: Provider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world = small_world()
        provider.server.behave({"lose": 2})
        first, second = start(world, provider), start(world, provider)
        provider.pay(second)
        channel, find = CHANNELS[provider.channel], CHANNELS[provider.channel].find

        def never_of_the_first(number: str, *, at: datetime) -> Found:
            if number == first.out_trade_no:
                raise NotBelievable("bad-format")
            return find(number, at=at)

        monkeypatch.setattr(channel, "find", never_of_the_first)
        PaymentOrder.objects.update(ask_at=timezone.now())
        tasks.ask_about_orders()

        assert Payment.objects.get().serial == second.out_trade_no

    def test_given_back_there_without_us_is_held_and_not_booked(self, provider: Provider) -> None:
        world = small_world()
        provider.server.behave({"lose": 1})
        started = start(world, provider)
        provider.pay(started)
        provider.give_back(started)

        assert operations.ask_about_order(out_trade_no=started.out_trade_no, at=timezone.now()) == "held"

        assert (money(world), WalletNotice.objects.get().outcome) == (0, "returned-there")

    def test_of_a_form_is_for_the_bills_that_were_chosen_first(self, provider: Provider) -> None:
        world, key = small_world(), uuid.uuid4().hex
        bills = [int(issue(world, FEN, revision=number, due_on=NOT_YET_DUE)[6:]) for number in (0, 1)]
        start(world, provider, key=key, bill_ids=bills[:1])

        with pytest.raises(operations.KeyUsedOtherwise):
            start(world, provider, key=key, bill_ids=bills[1:])
        with pytest.raises(operations.KeyUsedOtherwise):
            start(world, provider, key=key, bill_ids=bills[:1], created_by_id=world.manager_id)
        PaymentOrder.objects.update(state="closed")
        with pytest.raises(operations.KeyUsedOtherwise):
            start(world, provider, key=key, bill_ids=bills[:1])

    def test_of_a_silent_provider_is_asked_about_again_later(self, provider: Provider) -> None:
        world = small_world()
        started = start(world, provider)
        provider.server.behave({"hang_up_before": 1})

        with pytest.raises(operations.ProviderSilent):
            operations.ask_about_order(out_trade_no=started.out_trade_no, at=timezone.now())

        assert PaymentOrder.objects.get().state == "created"


class TestThePortal:
    @pytest.mark.acceptance("002-05")
    def test_leads_to_the_provider_and_then_to_the_receipt(self, provider: Provider) -> None:
        world = small_world()
        client = customer(world)
        page = client.get("/my/pay/")
        key = page.context["form"].initial["form_key"]
        typed = {"form_key": key, "choice": "other", "amount": "186.40", "channel": provider.channel}

        way = client.post("/my/pay/", typed)

        number = order_number(provider.channel, key)
        shown = way.content.decode()
        assert way.status_code == 200
        assert f"/my/orders/{number}/" in shown
        assert ("data:image/svg+xml" in shown) == (provider.channel == "wechat")
        assert (f'href="{provider.server.url}' in shown) == (provider.channel == "alipay" or "code_url" in shown)
        waits = client.get(f"/my/orders/{number}/", headers={"HX-Request": "true"})
        assert (waits.status_code, waits.headers.get("HX-Redirect")) == (204, None)

        if provider.channel == "wechat":
            provider.server.wechat.pay(next(iter(provider.server.wechat.orders.values())).token)
        else:
            address = way.context["address"]
            provider.pay(operations.StartedOrder(number, Begun(address=address)))
        operations.ask_about_order(out_trade_no=number, at=timezone.now())

        over = client.get(f"/my/orders/{number}/", headers={"HX-Request": "true"})
        assert over.headers["HX-Redirect"] == f"/my/orders/{number}/"
        assert "已支付 186.40 元" in client.get(f"/my/orders/{number}/").content.decode()

    def test_asks_for_the_way_where_there_are_several(self, provider: Provider) -> None:
        client = customer(small_world())
        key = client.get("/my/pay/").context["form"].initial["form_key"]

        refused = client.post("/my/pay/", {"form_key": key, "choice": "other", "amount": "1", "channel": ""})
        unknown = client.post("/my/pay/", {"form_key": key, "choice": "other", "amount": "1", "channel": "cheque"})

        assert (refused.status_code, unknown.status_code) == (422, 422)
        assert "请选择怎么付" in refused.content.decode()
        assert not PaymentOrder.objects.exists()

    def test_in_wechat_opens_its_own_window_for_whom_it_knows(self, provider: Provider) -> None:
        if provider.channel != "wechat":
            return
        world = small_world()
        WechatIdentity.objects.create(
            user_id=world.portal_user_id, app_id="wx-simulated", openid="o-known", openid_index=b"1" * 32,
            joined_at=world.at,
        )  # fmt: skip
        client = customer(world)
        key = client.get("/my/pay/").context["form"].initial["form_key"]

        way = client.post(
            "/my/pay/",
            {"form_key": key, "choice": "other", "amount": "1", "channel": "wechat"},
            headers={"User-Agent": "Mozilla/5.0 (iPhone; Mobile) MicroMessenger/8.0"},
        )

        assert "data-paysign=" in way.content.decode()
        assert next(iter(provider.server.wechat.orders.values())).openid == "o-known"
