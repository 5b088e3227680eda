"""The REST API of customers, bills and runs: doors, contents, problems."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from cis.operations.billing import issue_bill_now
from config.shared.api.keys import issue_key
from config.shared.models import User
from tests.factories.world import AT, World, small_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    """The tiny utility."""
    return small_world()


def client_of(username: str) -> APIClient:
    """A program that acts as the user."""
    client = APIClient()
    client.force_authenticate(User.objects.get(username=username))
    return client


ROUTES = [
    ("get", "/api/v1/accounts/?q=x"),
    ("get", "/api/v1/accounts/4290000001/"),
    ("get", "/api/v1/accounts/4290000001/bills/"),
    ("post", "/api/v1/accounts/4290000001/bills/"),
    ("get", "/api/v1/bills/2026010000000001/"),
    ("get", "/api/v1/bills/2026010000000001/explanation/"),
    ("get", "/api/v1/billing-runs/"),
    ("post", "/api/v1/billing-runs/"),
    ("get", "/api/v1/billing-runs/1/"),
]


class TestDoors:
    """Owner, colleague, stranger."""

    @pytest.mark.parametrize(("method", "url"), ROUTES)
    def test_strangers_get_a_problem(self, world: World, method: str, url: str) -> None:
        unknown = getattr(APIClient(), method)(url)
        without_role = getattr(client_of("stranger"), method)(url)

        assert unknown.status_code in (401, 403)
        assert without_role.status_code == 403
        assert without_role["Content-Type"] == "application/problem+json"

    def test_a_clerk_may_not_start_runs(self, world: World) -> None:
        assert client_of("clerk_a").post("/api/v1/billing-runs/", {"cycle": 202601}).status_code == 403

    def test_a_key_acts_as_its_user(self, world: World) -> None:
        key = issue_key(user_id=world.clerk_a_id, name="test", at=AT)

        answer = Client().get("/api/v1/accounts/4290000001/", headers={"Authorization": f"Key {key}"})

        assert answer.status_code == 200

    def test_the_description_is_public(self) -> None:
        assert Client().get("/api/v1/schema/").status_code == 200


class TestAccounts:
    """Found and shown, masked."""

    def test_any_hall_finds_any_account(self, world: World) -> None:
        for username in ("clerk_a", "clerk_b"):
            results = client_of(username).get("/api/v1/accounts/", {"q": "张三"}).json()["results"]

            assert [row["account_no"] for row in results] == ["4290000001"]

    def test_personal_data_is_masked(self, world: World) -> None:
        body = client_of("manager").get("/api/v1/accounts/4290000001/").json()

        assert body["phone_masked"] == "100****0001"
        assert "10000000001" not in json.dumps(body)
        assert body["contracts"][0]["is_current"]

    def test_nobody_there_is_a_problem_with_a_code(self, world: World) -> None:
        answer = client_of("clerk_a").get("/api/v1/accounts/nobody/")

        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")

    def test_a_missing_question_names_the_place(self, world: World) -> None:
        answer = client_of("clerk_a").get("/api/v1/accounts/")

        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/q"


class TestBills:
    """Issued now, listed by key, explained."""

    def test_issue_now_then_again(self, world: World) -> None:
        client = client_of("clerk_b")

        first = client.post("/api/v1/accounts/4290000001/bills/", {"cycle": world.cycle})
        second = client.post("/api/v1/accounts/4290000001/bills/", {"cycle": world.cycle})

        body = first.json()
        assert first.status_code == 201
        assert sum(line["amount_fen"] for line in body["lines"]) == body["total_fen"] > 0
        assert (second.status_code, second.json()["code"]) == (409, "already-billed")

    def test_every_line_follows_from_its_facts(self, world: World) -> None:
        client = client_of("clerk_b")
        bill_no = client.post("/api/v1/accounts/4290000001/bills/", {"cycle": world.cycle}).json()["bill_no"]

        body: dict[str, Any] = client.get(f"/api/v1/bills/{bill_no}/explanation/").json()

        assert body["recomputes"] is True
        assert body["lines"][0]["facts"]["tier"] == 1 and body["lines"][0]["legal_basis"]
        assert body["usage"][0]["meter_no"] == "M4290000001"

    def test_the_list_goes_on_by_key_with_a_fixed_number_of_queries(
        self, world: World, django_assert_num_queries: Callable[[int], object]
    ) -> None:
        for cycle in world.cycles:
            issue_bill_now(account_id=world.residential.account_id, cycle=cycle, issued_by_id=None, at=AT)
        client = client_of("clerk_a")

        with django_assert_num_queries(5):  # type: ignore[attr-defined]
            first = client.get("/api/v1/accounts/4290000001/bills/", {"limit": 2}).json()
        rest = client.get("/api/v1/accounts/4290000001/bills/", {"limit": 2, "before": first["next"]}).json()

        seen = [row["cycle"] for row in first["results"] + rest["results"]]
        assert seen == sorted(world.cycles, reverse=True)
        assert rest["next"] is None


class TestRuns:
    """Started and watched."""

    def test_a_preview_starts_and_is_listed(self, world: World) -> None:
        client = client_of("accountant")

        started = client.post("/api/v1/billing-runs/", {"cycle": world.cycle, "org_unit_id": world.province_id})
        listed = client.get("/api/v1/billing-runs/").json()["results"]
        shown = client.get(f"/api/v1/billing-runs/{started.json()['run_id']}/").json()

        assert (started.status_code, started.json()["kind"]) == (202, "preview")
        assert [row["run_id"] for row in listed] == [started.json()["run_id"]]
        assert shown["state"] == "running" and shown["closing"] is None

    def test_a_future_month_is_refused(self, world: World) -> None:
        answer = client_of("accountant").post("/api/v1/billing-runs/", {"cycle": 209901})

        assert (answer.status_code, answer.json()["code"]) == (409, "cycle-refused")
