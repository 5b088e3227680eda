"""Payments through the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from config.shared.models import User
from payments.models import Payment
from tests.factories.bills import NOT_YET_DUE, issue
from tests.factories.staff import prove
from tests.factories.world import World, small_world
from tests.integration.payments import pay

pytestmark = pytest.mark.django_db(transaction=True)

KEY: dict[str, Any] = {"HTTP_IDEMPOTENCY_KEY": "bank-serial-0001"}


@pytest.fixture
def world() -> World:
    made = small_world()
    issue(made, 18_640, due_on=NOT_YET_DUE)
    return made


def program(user_id: int) -> APIClient:
    client = APIClient()
    client.force_authenticate(User.objects.get(pk=user_id))
    return client


class TestTakingAPayment:
    def test_gives_the_same_bytes_for_the_same_key(self, world: World) -> None:
        path, body = (
            f"/api/v1/accounts/{world.residential.account_no}/payments/",
            {"amount_fen": 20_000, "method": "qr"},
        )
        client = program(world.clerk_a_id)

        first, second = client.post(path, body, **KEY), client.post(path, body, **KEY)

        assert first.status_code == second.status_code == 201
        assert first.content == second.content
        assert first.json()["prepaid_fen"] == 1_360
        assert Payment.objects.count() == 1

    def test_with_the_key_of_another_payment_is_refused(self, world: World) -> None:
        path = f"/api/v1/accounts/{world.residential.account_no}/payments/"
        client = program(world.clerk_a_id)
        client.post(path, {"amount_fen": 100, "method": "qr"}, **KEY)

        answer = client.post(path, {"amount_fen": 101, "method": "qr"}, **KEY)

        assert (answer.status_code, answer.json()["code"]) == (422, "key-used-otherwise")

    @pytest.mark.parametrize("fen", [0, -1, 10**11 + 1, 10**30])
    def test_of_an_impossible_amount_is_a_problem_with_a_code(self, world: World, fen: int) -> None:
        answer = program(world.clerk_a_id).post(
            f"/api/v1/accounts/{world.residential.account_no}/payments/", {"amount_fen": fen, "method": "cash"}, **KEY
        )

        assert (answer.status_code, answer.json()["code"]) == (409, "amount-refused")

    def test_without_a_key_or_with_a_wrong_method_is_bad_input(self, world: World) -> None:
        path = f"/api/v1/accounts/{world.residential.account_no}/payments/"
        client = program(world.clerk_a_id)

        assert client.post(path, {"amount_fen": 1, "method": "cash"}).status_code == 422
        assert client.post(path, {"amount_fen": 1, "method": "wallet"}, **KEY).status_code == 422
        assert client.post(path, {"amount_fen": 1.5, "method": "cash"}, **KEY).status_code == 422

    def test_is_for_clerks_of_any_hall_and_nobody_else(self, world: World) -> None:
        for number, account in enumerate(world.accounts):
            path = f"/api/v1/accounts/{account.account_no}/payments/"
            body = {"amount_fen": 1, "method": "cash"}
            key: dict[str, Any] = {"HTTP_IDEMPOTENCY_KEY": f"bank-serial-{number}"}
            for clerk in (world.clerk_a_id, world.clerk_b_id):
                assert program(clerk).post(path, body, **key).status_code == 201
            assert program(world.stranger_id).post(path, body, **key).status_code == 403
            assert program(world.portal_user_id).get(path).status_code == 403
            assert APIClient().get(path).status_code == 403


class TestAPayment:
    def test_is_listed_shown_and_reversed(self, world: World) -> None:
        taken = pay(world, fen=20_000, at=timezone.now())
        client = prove(program(world.clerk_a_id))

        listed = client.get(f"/api/v1/accounts/{world.residential.account_no}/payments/").json()
        shown = client.get(f"/api/v1/payments/{taken.receipt_no}/").json()
        back = client.post(f"/api/v1/payments/{taken.receipt_no}/reversal/", {"reason": "金额录错"})

        assert [row["receipt_no"] for row in listed["results"]] == [taken.receipt_no]
        assert shown["allocations"][0]["amount_fen"] == 18_640
        assert back.status_code == 201
        again = client.post(f"/api/v1/payments/{taken.receipt_no}/reversal/", {"reason": "金额录错"})
        assert (again.status_code, again.json()["code"]) == (409, "already-reversed")
