"""Paying and receipts in the portal, and the wallet that stands in for a real one."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.core.cache import cache
from django.test import Client

from cis.queries.ledger import balance
from config.shared.models import User
from payments.channels import wallet_keys
from payments.models import Payment, PaymentOrder, WalletNotice
from payments.operations.orders import order_number
from tests.factories.bills import NOT_YET_DUE, issue
from tests.factories.world import World, small_world
from tests.integration.payments import pay

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def own_keys(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keys of this test only, and a wallet that has seen nothing."""
    keys = wallet_keys.make_or_read(str(tmp_path / "keys.json"))
    monkeypatch.setattr(wallet_keys, "_made", lambda _place: keys)
    cache.clear()
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def line(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """The far side of the network: the wallet's POST reaches our notify address, unless `down` is set."""
    state = {"down": 0, "posts": 0}

    def post(request: urllib.request.Request, timeout: float) -> BytesIO:
        state["posts"] += 1
        if state["down"]:
            raise TimeoutError
        assert isinstance(request.data, bytes)
        answer = Client(enforce_csrf_checks=True).post(
            urlsplit(request.full_url).path, request.data, content_type="application/x-www-form-urlencoded"
        )
        return BytesIO(answer.content)

    monkeypatch.setattr(urllib.request, "urlopen", post)
    return state


@pytest.fixture
def world() -> World:
    made = small_world()
    issue(made, 18_640, due_on=NOT_YET_DUE)
    return made


def customer(world: World) -> Client:
    client = Client()
    user = User.objects.get(pk=world.portal_user_id)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def form_key(client: Client) -> str:
    found = re.search(r'name="form_key" value="([0-9a-f]{32})"', client.get("/my/pay/").content.decode())
    assert found is not None
    return found[1]


def to_wallet(client: Client, **changed: str) -> str:
    """Fill in the pay page; the wallet's address."""
    answer = client.post("/my/pay/", {"form_key": form_key(client), "choice": "all", "amount": "", **changed})
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"])


def confirm(address: str) -> Any:
    return Client().post("/sim/wallet/", dict(parse_qsl(urlsplit(address).query)))


class TestPaying:
    def test_everything_due_ends_in_a_receipt(self, world: World) -> None:
        client = customer(world)
        address = to_wallet(client)
        assert "186.40" in Client().get(address).content.decode()

        back = confirm(address)

        page = client.get(urlsplit(back["Location"]).path).content.decode()
        assert "已支付 186.40 元" in page
        assert balance(world.residential.account_id).receivable_fen == 0
        assert PaymentOrder.objects.get().state == "paid"
        receipt = re.search(r"/my/receipts/[0-9]+/", page)
        assert receipt is not None and client.get(receipt[0]).status_code == 200

    def test_another_amount_becomes_prepayment_where_nothing_is_due(self, world: World) -> None:
        confirm(to_wallet(customer(world), choice="other", amount="200"))

        assert balance(world.residential.account_id).prepayment_fen == 1_360

    @pytest.mark.parametrize("amount", ["", "0", "-1", "abc", "1000000000.01"])
    def test_an_impossible_amount_comes_back_with_the_reason(self, world: World, amount: str) -> None:
        client = customer(world)

        answer = client.post("/my/pay/", {"form_key": form_key(client), "choice": "other", "amount": amount})

        assert answer.status_code == 422
        assert not PaymentOrder.objects.exists()

    def test_with_a_form_that_was_paid_leads_to_what_was_paid(self, world: World) -> None:
        client = customer(world)
        key = form_key(client)
        confirm(to_wallet(client, form_key=key, choice="other", amount="10"))

        again = client.post("/my/pay/", {"form_key": key, "choice": "other", "amount": "10"})

        assert again["Location"] == f"/my/orders/{order_number('wallet', key)}/"
        assert Payment.objects.count() == 1

    def test_confirmed_twice_in_the_wallet_is_one_payment(self, world: World) -> None:
        address = to_wallet(customer(world))

        confirm(address)
        confirm(address)

        assert Payment.objects.count() == WalletNotice.objects.count() == 1

    def test_survives_a_notice_that_was_lost(self, world: World, line: dict[str, int]) -> None:
        client = customer(world)
        address = to_wallet(client)
        line["down"] = 1
        assert confirm(address).status_code == 502
        assert not Payment.objects.exists()
        order = PaymentOrder.objects.get().out_trade_no
        assert "还没有收到付款" in client.get(f"/my/orders/{order}/").content.decode()

        line["down"] = 0
        Client().post("/sim/wallet/repeat/", {"out_trade_no": order})
        Client().post("/sim/wallet/repeat/", {"out_trade_no": order})

        assert Payment.objects.count() == 1

    def test_is_not_believed_to_the_browser_that_says_so(self, world: World) -> None:
        client = customer(world)
        to_wallet(client)
        order = PaymentOrder.objects.get().out_trade_no

        client.get(f"/my/orders/{order}/?paid=1")
        forged = Client().post("/pay/wallet/notice/", {"out_trade_no": order, "trade_status": "TRADE_SUCCESS"})

        assert forged.status_code == 400 and forged.content == b"failure"
        assert not Payment.objects.exists()


class TestTheWallet:
    def test_refuses_an_order_whose_amount_was_changed_on_the_way(self, world: World) -> None:
        address = to_wallet(customer(world)).replace("total_amount=186.40", "total_amount=0.01")

        answer = Client().get(address)

        assert answer.status_code == 400
        assert confirm(address).status_code == 400
        assert not Payment.objects.exists()


class TestReceipts:
    def test_of_counter_and_wallet_are_listed_and_downloaded(self, world: World) -> None:
        """Acceptance 000-73, portal; 000-68."""
        taken = pay(world, fen=100)
        client = customer(world)
        confirm(to_wallet(client))

        text = client.get("/my/receipts/").content.decode()
        numbers = set(re.findall(r"/my/receipts/([0-9]+)/", text))

        assert taken.receipt_no in numbers and len(numbers) == 2
        for number in numbers:
            answer = client.get(f"/my/receipts/{number}/receipt-a4.pdf")
            assert answer.content.startswith(b"%PDF")

    def test_and_orders_of_a_stranger_are_not_found(self, world: World) -> None:
        taken = pay(world, fen=100, account=world.commercial)
        order = PaymentOrder.objects.create(
            out_trade_no="Wsomebody-elses",
            channel="wallet",
            account_id=world.commercial.account_id,
            amount_fen=1,
            created_at=world.at,
            expires_at=world.at,
        )
        client = customer(world)

        for path in (
            f"/my/receipts/{taken.receipt_no}/",
            f"/my/receipts/{taken.receipt_no}/receipt-a4.pdf",
            f"/my/orders/{order.out_trade_no}/",
        ):
            assert client.get(path).status_code == 404, path

    def test_are_listed_at_the_same_cost_however_many(self, world: World, django_assert_max_num_queries: Any) -> None:
        for _ in range(25):
            pay(world, fen=100)
        client = customer(world)

        with django_assert_max_num_queries(12):
            text = client.get("/my/receipts/").content.decode()

        assert "?before=" in text
