"""The counter's pages, through the front door."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cis.queries.ledger import balance
from config.shared.models import User
from payments.models import Payment, Reversal
from tests.factories.bills import NOT_YET_DUE, issue
from tests.factories.staff import prove
from tests.factories.world import AccountIds, World, small_world
from tests.integration.payments import pay
from tests.integration.payments.test_taking import together

pytestmark = pytest.mark.django_db(transaction=True)


def signed_in(user_id: int) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=user_id), backend="django.contrib.auth.backends.ModelBackend")
    return client


def draw(client: Client, account: AccountIds) -> tuple[str, str, str]:
    """The address of a drawn form, its key and its page."""
    first = client.get(f"/console/accounts/{account.account_no}/pay/")
    page = client.get(first["Location"])
    assert page.status_code == 200
    text = page.content.decode()
    found = re.search(r'name="form_key" value="([0-9a-f]{32})"', text)
    assert found is not None
    return first["Location"], found[1], text


def fill(key: str, **changed: str) -> dict[str, str]:
    return {"form_key": key, "amount": "186.40", "method": "cash", "reference": "", **changed}


@pytest.fixture
def world() -> World:
    made = small_world()
    issue(made, 18_640, due_on=NOT_YET_DUE)
    return made


class TestTheForm:
    def test_shows_who_pays_and_what_is_due(self, world: World) -> None:
        _address, _key, text = draw(signed_in(world.clerk_a_id), world.residential)

        assert "张三" in text and world.residential.account_no in text
        assert 'value="186.40"' in text

    def test_keeps_its_key_over_a_reload(self, world: World) -> None:
        client = signed_in(world.clerk_a_id)
        address, key, _text = draw(client, world.residential)

        assert key in client.get(address).content.decode()

    def test_drawn_anew_has_another_key(self, world: World) -> None:
        client = signed_in(world.clerk_a_id)

        assert draw(client, world.residential)[1] != draw(client, world.residential)[1]

    def test_is_kept_by_no_browser(self, world: World) -> None:
        client = signed_in(world.clerk_a_id)

        assert "no-store" in client.get(draw(client, world.residential)[0])["Cache-Control"]

    def test_takes_the_money_and_leads_to_the_receipt(self, world: World) -> None:
        client = signed_in(world.clerk_a_id)
        address, key, _text = draw(client, world.residential)

        answer = client.post(address, fill(key), follow=True)

        payment = Payment.objects.get()
        assert answer.redirect_chain == [(f"/console/payments/{payment}/", 302)]
        assert str(payment) in answer.content.decode()
        assert (payment.org_unit_id, payment.received_by_id) == (world.hall_a_id, world.clerk_a_id)
        assert balance(world.residential.account_id).receivable_fen == 0

    def test_sent_twice_makes_one_payment_and_says_so(self, world: World) -> None:
        client = signed_in(world.clerk_a_id)
        address, key, _text = draw(client, world.residential)

        first, second = client.post(address, fill(key)), client.post(address, fill(key), follow=True)

        assert first["Location"] == second.redirect_chain[0][0]
        assert "没有重复收取" in second.content.decode()
        assert Payment.objects.count() == 1

    def test_clicked_by_eight_hands_at_once_makes_one_payment(self, world: World) -> None:
        client = signed_in(world.clerk_a_id)
        address, key, _text = draw(client, world.residential)
        clients = [signed_in(world.clerk_a_id) for _ in range(8)]

        answers = together([partial(one.post, address, fill(key)) for one in clients])

        assert {answer.status_code for answer in answers} == {302}
        assert Payment.objects.count() == 1

    def test_come_back_to_after_the_payment_leads_to_the_receipt(self, world: World) -> None:
        client = signed_in(world.clerk_a_id)
        address, key, _text = draw(client, world.residential)
        client.post(address, fill(key))

        back = client.get(address, follow=True)

        assert back.redirect_chain == [(f"/console/payments/{Payment.objects.get()}/", 302)]
        assert "没有重复收取" in back.content.decode()

    @pytest.mark.parametrize("amount", ["0", "-5", "1000000000.01", "0.001", "abc", "", "1e5", "NaN", "９９"])
    def test_with_an_impossible_amount_comes_back_with_the_reason(self, world: World, amount: str) -> None:
        client = signed_in(world.clerk_a_id)
        address, key, _text = draw(client, world.residential)

        answer = client.post(address, fill(key, amount=amount))

        assert answer.status_code == 422
        assert key in answer.content.decode()
        assert not Payment.objects.exists()

    def test_used_for_another_amount_says_what_it_took_before(self, world: World) -> None:
        client = signed_in(world.clerk_a_id)
        address, key, _text = draw(client, world.residential)
        client.post(address, fill(key))

        answer = client.post(address, fill(key, amount="1"))

        assert answer.status_code == 422
        assert str(Payment.objects.get()) in answer.content.decode()

    def test_of_an_unknown_account_is_not_found(self, world: World) -> None:
        client = signed_in(world.clerk_a_id)

        assert client.get("/console/accounts/0000000000/pay/?key=0123456789abcdef").status_code == 404

    @pytest.mark.acceptance("004-09")
    def test_opens_for_any_clerk_and_any_customer_and_asks_for_no_area(self, world: World) -> None:
        for clerk in (world.clerk_a_id, world.clerk_b_id, world.manager_id):
            for account in world.accounts:
                client = signed_in(clerk)
                address, key, text = draw(client, account)
                assert set(re.findall(r'<(?:input|select)[^>]* name="([a-z_]+)"', text)) <= {
                    "csrfmiddlewaretoken",
                    "form_key",
                    "amount",
                    "method",
                    "reference",
                    "next",
                    "language",
                    "draft_ticket",
                    "q",
                }
                assert client.post(address, fill(key)).status_code == 302

    def test_is_closed_to_strangers_and_customers(self, world: World) -> None:
        path = f"/console/accounts/{world.residential.account_no}/pay/"

        assert signed_in(world.stranger_id).get(path).status_code == 403
        assert signed_in(world.portal_user_id).get(path).status_code == 404
        assert Client().get(path)["Location"].startswith("/sign-in/")


class TestTheReceipt:
    @pytest.mark.acceptance("000-73")
    @pytest.mark.parametrize("paper", ["a4", "slip"])
    def test_can_be_printed_after_every_payment(self, world: World, paper: str) -> None:
        taken = pay(world, fen=18_640)

        answer = signed_in(world.clerk_b_id).get(f"/console/payments/{taken.receipt_no}/receipt-{paper}.pdf")

        assert answer["Content-Type"] == "application/pdf"
        assert answer.content.startswith(b"%PDF")

    def test_under_a_wrong_number_is_not_found(self, world: World) -> None:
        taken = pay(world, fen=18_640)
        client = signed_in(world.clerk_a_id)

        for wrong in (f"19990101{taken.payment_id:010d}", "1", "x" * 30, "9" * 27):
            assert client.get(f"/console/payments/{wrong}/").status_code == 404

    def test_is_verified_by_its_code_and_by_nothing_else(self, world: World) -> None:
        from payments.receipts import verification_token  # noqa: PLC0415

        taken = pay(world, fen=18_640)

        good = Client().get(f"/receipts/{verification_token(taken.receipt_no)}/")
        assert good.status_code == 200 and "张*" in good.content.decode() and "张三" not in good.content.decode()
        assert Client().get(f"/receipts/{taken.receipt_no}/").status_code == 404


class TestTheDay:
    def test_lists_what_the_hall_took_and_not_what_others_took(self, world: World) -> None:
        now = timezone.now()
        here = pay(world, fen=100, at=now)
        there = pay(world, fen=200, at=now, org_unit_id=world.hall_b_id)

        text = signed_in(world.clerk_a_id).get("/console/payments/").content.decode()

        assert here.receipt_no in text and there.receipt_no not in text

    def test_costs_the_same_however_many_payments_it_holds(
        self, world: World, django_assert_max_num_queries: Any
    ) -> None:
        for _ in range(12):
            pay(world, fen=100, at=timezone.now())
        client = signed_in(world.clerk_a_id)

        with django_assert_max_num_queries(12):
            client.get("/console/payments/list/")

    def test_is_closed_by_the_accountant(self, world: World) -> None:
        pay(world, fen=100)
        client = signed_in(world.accountant_id)

        assert client.get("/console/payments/day/?day=2026-02-03").status_code == 200
        answer = client.post("/console/payments/day/", {"day": "2026-02-03"}, follow=True)

        assert answer.status_code == 200 and "已日结" in answer.content.decode()
        assert client.post("/console/payments/day/", {"day": "2026-02-03"}).status_code == 422
        assert signed_in(world.clerk_a_id).get("/console/payments/day/").status_code == 403


class TestAReversal:
    def test_asks_for_a_reason_and_gives_the_money_back(self, world: World) -> None:
        taken = pay(world, fen=18_640, at=timezone.now())
        client = prove(signed_in(world.clerk_a_id))
        path = f"/console/payments/{taken.receipt_no}/reversal/"

        assert "186.40" in client.get(path).content.decode()
        assert client.post(path, {"reason": ""}).status_code == 422
        assert client.post(path, {"reason": "金额录错"}).status_code == 302

        assert Reversal.objects.get().reason == "金额录错"
        assert balance(world.residential.account_id).receivable_fen == 18_640
        assert "已冲正" in client.get(f"/console/payments/{taken.receipt_no}/").content.decode()

    def test_is_refused_with_an_explanation_when_the_bill_was_corrected(self, world: World) -> None:
        taken = pay(world, fen=18_640, at=timezone.now())
        issue(world, 17_000, revision=1)

        answer = prove(signed_in(world.clerk_a_id)).post(
            f"/console/payments/{taken.receipt_no}/reversal/", {"reason": "金额录错"}
        )

        assert answer.status_code == 422
        assert "已经更正" in answer.content.decode()

    def test_in_another_hall_is_refused_with_the_halls_name(self, world: World) -> None:
        taken = pay(world, fen=18_640, at=timezone.now())

        answer = prove(signed_in(world.clerk_b_id)).post(
            f"/console/payments/{taken.receipt_no}/reversal/", {"reason": "金额录错"}
        )

        assert answer.status_code == 422
        assert "东湖营业厅" in answer.content.decode()


class TestEnglish:
    def test_pages_carry_no_chinese_but_names(self, world: World) -> None:
        client = signed_in(world.clerk_a_id)
        client.cookies["django_language"] = "en"

        assert client.get("/console/payments/").status_code == 200
