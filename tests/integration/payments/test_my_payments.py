"""Customers' apps pay: WeChat's window in a mini program, Alipay's page, prepaying; one key is one order."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from django.conf import settings as house
from django.core.cache import cache
from django.utils import timezone

from cis.queries.ledger import balance
from config.shared.models import User
from payments.channels import alipay_keys, wechat_keys
from payments.models import Payment, PaymentOrder, WalletNotice
from payments.signing import rsa_sha256, wechat_v3
from payments.simulators import agreed
from tests.factories.bills import NOT_YET_DUE, issue
from tests.factories.my_api import App, app_of, forget_limits, js_code, sign_in, wechat_on_the_line
from tests.factories.portal import bind
from tests.factories.world import PORTAL_TELEPHONE, World, small_world
from tests.integration.payments import pay
from tests.integration.payments.test_provider_orders import Provider, post
from tests.integration.payments.test_wechat_simulator import Inbox

pytestmark = pytest.mark.django_db(transaction=True)
FEN = 18_640


@pytest.fixture
def world() -> World:
    cache.clear()
    forget_limits()
    return small_world()


@pytest.fixture
def bill_no(world: World) -> str:
    return issue(world, FEN, due_on=NOT_YET_DUE)


@pytest.fixture
def wechat(settings: Any, tmp_path: Path) -> Iterator[Provider]:
    said = {**settings.WECHAT_PAY, "gateway": "http://127.0.0.1:0", "key_file": str(tmp_path / "keys.json")}
    settings.WECHAT_PAY = said
    server = agreed.wechat_pay(at=timezone.now())
    assert server is not None
    settings.WECHAT_PAY = {**said, "gateway": server.url}
    wechat_keys.agreement.cache_clear()
    server.start()
    inbox = Inbox()
    settings.WALLET_NOTIFY_BASE = inbox.url
    yield Provider("wechat", server, inbox)
    server.stop()
    inbox.http.shutdown()
    inbox.http.server_close()
    wechat_keys.agreement.cache_clear()


@pytest.fixture
def alipay(settings: Any, tmp_path: Path) -> Iterator[Any]:
    said = {**settings.ALIPAY, "gateway": "http://127.0.0.1:0", "key_file": str(tmp_path / "alipay.json")}
    settings.ALIPAY = said
    server = agreed.alipay(at=timezone.now())
    assert server is not None
    settings.ALIPAY = {**said, "gateway": server.gateway}
    alipay_keys.agreement.cache_clear()
    server.start()
    yield server
    server.stop()
    alipay_keys.agreement.cache_clear()


@pytest.fixture
def app(world: World, monkeypatch: pytest.MonkeyPatch) -> App:
    """The owner's mini program: signed in by its code, the telephone proved."""
    wechat_on_the_line(monkeypatch)
    token = App().post("sessions", {"code": js_code()}).json()["token"]
    return sign_in(PORTAL_TELEPHONE, app=App(token))


def begin(app: App, world: World, *, key: str = "", **said: Any) -> Any:
    body = {"amount_fen": FEN, "channel": "wechat", **said}
    return app.post(
        f"accounts/{world.residential.account_no}/payment-orders", body, **{"idempotency-key": key or uuid.uuid4().hex}
    )


def say_yes(provider: Provider, call: dict[str, str]) -> None:
    """The payer agrees in WeChat's window."""
    provider.server.wechat.pay(call["package"].removeprefix("prepay_id=wx"))


def go_and_pay(begun: dict[str, Any], wechat: Provider, alipay: Any) -> None:
    """The payer goes where the order leads, whichever provider it is at, and says yes."""
    if begun["wechat"] is not None:
        say_yes(wechat, begun["wechat"])
        return
    page = requests.get(begun["address"], timeout=10).text
    action = page.partition('action="')[2].partition('"')[0]
    requests.post(f"{alipay.url}{action}", timeout=10, allow_redirects=False)


class TestTheMiniProgram:
    @pytest.mark.acceptance("000-72")
    @pytest.mark.parametrize("channel", ["wechat", "alipay"])
    def test_signs_in_binds_sees_a_bill_pays_it_and_has_the_receipt(
        self, world: World, wechat: Provider, alipay: Any, monkeypatch: pytest.MonkeyPatch, channel: str
    ) -> None:
        """Somebody new, from the first opening of the mini program: query, pay, prepay, by their own telephone."""
        number = issue(world, FEN, due_on=NOT_YET_DUE)
        pay_before(world)
        wechat_on_the_line(monkeypatch)
        token = App().post("sessions", {"code": js_code("李奶奶")}).json()["token"]
        app = sign_in("13900001111", app=App(token))
        account = world.residential.account_no
        bound = app.post("accounts", {"account_no": account, "role": "payer", "last_payment_fen": 100})
        assert bound.status_code == 201, bound.content.decode()

        owed = app.get(f"accounts/{account}/balance").json()
        assert [bill["bill_no"] for bill in owed["bills"]] == [number]
        begun = begin(app, world, amount_fen=owed["to_pay_fen"], bills=[number], channel=channel).json()
        assert (begun["wechat"] is not None) == (channel == "wechat")
        go_and_pay(begun, wechat, alipay)
        order = app.get(f"payment-orders/{begun['order_no']}").json()

        assert order["state"] == "paid" and order["receipt_no"]
        assert app.get(f"accounts/{account}/balance").json()["to_pay_fen"] == 0
        listed = app.get(f"accounts/{account}/payments").json()["results"]
        assert [one["receipt_no"] for one in listed] == [order["receipt_no"]]
        receipt = app.get(f"payments/{order['receipt_no']}").json()
        assert [part["bill_no"] for part in receipt["parts"]] == [number]
        pdf = app.get(f"payments/{order['receipt_no']}/receipt.pdf", accept="application/pdf")
        assert pdf.content[:5] == b"%PDF-" and pdf["Cache-Control"] == "no-store"
        before_fen = balance(world.residential.account_id).prepayment_fen
        prepaid = begin(app, world, amount_fen=5_000, channel=channel).json()
        go_and_pay(prepaid, wechat, alipay)
        assert app.get(f"payment-orders/{prepaid['order_no']}").json()["state"] == "paid"
        assert balance(world.residential.account_id).prepayment_fen == before_fen + 5_000

    def test_gets_what_wechat_takes_signed_for_its_own_app_and_openid(
        self, app: App, world: World, bill_no: str, wechat: Provider
    ) -> None:
        answer = begin(app, world, bills=[bill_no])

        assert answer.status_code == 201, answer.content.decode()
        call = answer.json()["wechat"]
        assert set(call) == {"timeStamp", "nonceStr", "package", "signType", "paySign"}
        mini = house.WECHAT_MINI_APP_ID
        text = wechat_v3.app_text(mini, call["timeStamp"], call["nonceStr"], call["package"])
        assert rsa_sha256.is_signed(text, call["paySign"], wechat_keys.simulated()["merchant_public"])
        (order,) = wechat.server.wechat.orders.values()
        assert (order.kind, order.app_id, order.amount_fen) == ("jsapi", mini, FEN)
        assert order.openid not in answer.content.decode()

    def test_is_told_by_a_notice_and_paid_once(self, app: App, world: World, bill_no: str, wechat: Provider) -> None:
        begun = begin(app, world, bills=[bill_no]).json()
        say_yes(wechat, begun["wechat"])

        assert post(wechat, wechat.told()) == 200
        assert app.get(f"payment-orders/{begun['order_no']}").json()["state"] == "paid"

        assert Payment.objects.count() == 1
        assert {notice.outcome for notice in WalletNotice.objects.all()} == {"booked"}

    def test_may_ask_the_provider_so_often_and_is_answered_all_the_same(
        self, app: App, world: World, bill_no: str, wechat: Provider, settings: Any
    ) -> None:
        settings.MY_API_LIMITS = {**settings.MY_API_LIMITS, "ask": 1}
        begun = begin(app, world, bills=[bill_no]).json()
        wechat.server.behave({"lose": 1})
        assert app.get(f"payment-orders/{begun['order_no']}").json()["state"] == "created"
        say_yes(wechat, begun["wechat"])

        assert app.get(f"payment-orders/{begun['order_no']}").json()["state"] == "created"

    def test_hears_nothing_new_of_a_provider_that_is_silent(
        self, app: App, world: World, bill_no: str, wechat: Provider
    ) -> None:
        begun = begin(app, world, bills=[bill_no]).json()
        wechat.server.behave({"hang_up_before": 1})

        answer = app.get(f"payment-orders/{begun['order_no']}")

        assert (answer.status_code, answer.json()["state"]) == (200, "created")


class TestAnOrder:
    def test_asked_again_with_its_key_is_the_same_and_with_another_body_refused(
        self, app: App, world: World, bill_no: str, wechat: Provider
    ) -> None:
        key = uuid.uuid4().hex
        first = begin(app, world, key=key, bills=[bill_no]).json()

        again = begin(app, world, key=f'"{key}"', bills=[bill_no]).json()
        others = [
            begin(app, world, key=key, bills=[bill_no], channel="alipay"),
            begin(app, world, key=key, amount_fen=1),
            begin(app, world, key=key),
        ]

        assert again["order_no"] == first["order_no"]
        assert {(one.status_code, one.json()["code"]) for one in others} == {(422, "key-used-otherwise")}
        assert PaymentOrder.objects.count() == 1

    def test_that_is_paid_is_not_begun_again(self, app: App, world: World, bill_no: str, wechat: Provider) -> None:
        key = uuid.uuid4().hex
        begun = begin(app, world, key=key, bills=[bill_no]).json()
        say_yes(wechat, begun["wechat"])
        app.get(f"payment-orders/{begun['order_no']}")

        again = begin(app, world, key=key, bills=[bill_no])

        assert (again.status_code, again.json()["code"]) == (409, "already-paid")
        assert again.json()["out_trade_no"] == begun["order_no"]

    def test_of_somebody_elses_same_key_is_another(self, app: App, world: World, wechat: Provider) -> None:
        other = User.objects.create_user("another", kind=User.Kind.CUSTOMER)
        bind(other.pk, world.residential.account_id, "payer")
        key = uuid.uuid4().hex

        mine = begin(app, world, key=key).json()
        theirs = begin(app_of(other.pk, at=timezone.now()), world, key=key).json()

        assert mine["order_no"] != theirs["order_no"]
        assert theirs["wechat"] is None and theirs["address"].startswith(wechat.server.url)

    @pytest.mark.parametrize("key", ["", "short", "with space in it", "x" * 256])
    def test_takes_a_key(self, app: App, world: World, wechat: Provider, key: str) -> None:
        answer = app.post(
            f"accounts/{world.residential.account_no}/payment-orders", {"amount_fen": 1, "channel": "wechat"},
            **({"idempotency-key": key} if key else {}),
        )  # fmt: skip

        assert (answer.status_code, answer.json()["code"]) == (422, "unusable-key")

    def test_of_bills_is_for_what_they_cost_and_are(
        self, app: App, world: World, bill_no: str, wechat: Provider
    ) -> None:
        less = begin(app, world, amount_fen=FEN - 1, bills=[bill_no])
        foreign = begin(app, world, bills=[issue(world, FEN, account=world.commercial)])

        assert (less.status_code, less.json()["code"], less.json()["to_pay_fen"]) == (409, "amount-differs", FEN)
        assert (foreign.status_code, foreign.json()["code"]) == (409, "bill-not-open")
        assert not PaymentOrder.objects.exists()

    @pytest.mark.parametrize(
        "changed",
        [{"amount_fen": 0}, {"amount_fen": -1}, {"amount_fen": 1.5}, {"channel": "wallet"}, {"bills": ["x"]}],
    )
    def test_that_cannot_be_is_refused(self, app: App, world: World, changed: dict[str, Any]) -> None:
        answer = begin(app, world, **changed)

        assert (answer.status_code, answer.json()["code"]) == (422, "bad-input")

    def test_of_a_stranger_is_not_found(self, world: World, wechat: Provider, app: App) -> None:
        begun = begin(app, world).json()
        other = User.objects.create_user("another", kind=User.Kind.CUSTOMER)
        bind(other.pk, world.commercial.account_id)
        stranger = app_of(other.pk, at=timezone.now())

        assert stranger.get(f"payment-orders/{begun['order_no']}").status_code == 404
        assert begin(stranger, world).status_code == 404

    def test_has_limits_of_its_own(self, app: App, world: World, wechat: Provider, settings: Any) -> None:
        settings.MY_API_LIMITS = {**settings.MY_API_LIMITS, "pay": 2}

        answers = [begin(app, world) for _time in range(3)]

        assert [one.status_code for one in answers] == [201, 201, 429]
        assert int(answers[2]["Retry-After"]) >= 1
        assert app.get("accounts").status_code == 200

    def test_is_declined_where_the_provider_is_silent_and_goes_on_with_the_same_key(
        self, app: App, world: World, wechat: Provider
    ) -> None:
        key = uuid.uuid4().hex
        wechat.server.behave({"hang_up_after": 1})

        silent = begin(app, world, key=key)
        again = begin(app, world, key=key)

        assert (silent.status_code, silent.json()["code"]) == (502, "provider-silent")
        assert again.status_code == 201 and PaymentOrder.objects.count() == 1


def pay_before(world: World) -> None:
    """A payment of one yuan at the counter, whose amount somebody who has the receipt knows."""
    pay(world, fen=100, at=timezone.now())
