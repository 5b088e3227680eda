"""The portal's pages show a customer their own."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from cis.models import IntervalDay
from cis.operations import billing, portal_bindings
from config.shared.models import User
from tests.factories.bills import issue
from tests.factories.portal import bind, end_all
from tests.factories.world import AccountIds, World, small_world

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> World:
    return small_world()


PAGES = (
    "/my/",
    "/my/bills/",
    "/my/usage/",
    "/my/usage/2026-01-15/",
    "/my/usage/export.csv",
    "/my/pay/",
    "/my/receipts/",
    "/my/prices/",
    "/my/faults/",
    "/my/me/",
    "/my/me/telephone/",
    "/my/me/accounts/bind/",
    "/my/me/accounts/4290000001/",
)
WITHOUT_ACCOUNTS = ("/my/", "/my/faults/", "/my/me/", "/my/me/telephone/", "/my/me/accounts/bind/")


def customer(world: World) -> Client:
    client = Client()
    user = User.objects.get(pk=world.portal_user_id)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


class TestEveryPage:
    def test_shows_the_owner_their_own(self, world: World) -> None:
        issue(world, 18_640)
        client = customer(world)

        for path in PAGES:
            answer = client.get(path)
            assert answer.status_code == 200, path
            assert "no-store" in answer["Cache-Control"], path

    def test_is_not_found_by_staff_and_by_customers_without_accounts(self, world: World) -> None:
        staff = Client()
        staff.force_login(User.objects.get(pk=world.clerk_a_id), backend="django.contrib.auth.backends.ModelBackend")
        end_all(world.portal_user_id, at=world.at)

        for path in PAGES:
            assert staff.get(path).status_code == 404, path
            found = customer(world).get(path, follow=True)
            assert found.status_code == (200 if path in WITHOUT_ACCOUNTS else 404), path

    def test_leads_somebody_who_is_new_to_binding_an_account(self, world: World) -> None:
        end_all(world.portal_user_id, at=world.at)

        answer = customer(world).get("/my/", follow=True)

        assert answer.redirect_chain == [("/my/me/", 302)]
        assert "/my/me/accounts/bind/" in answer.content.decode()

    def test_asks_a_stranger_to_sign_in_at_the_portals_door(self) -> None:
        for path in PAGES:
            answer = Client().get(path)
            assert answer.status_code == 302 and answer["Location"].startswith("/my/sign-in/?next="), path

    def test_has_nothing_inline(self, world: World) -> None:
        issue(world, 18_640)
        client = customer(world)

        for path in PAGES:
            if path.endswith(".csv"):
                continue
            text = client.get(path).content.decode()
            assert " style=" not in text and "<style" not in text and " onclick" not in text, path
            assert not re.search(r"<script(?![^>]*(src=|application/json))", text), path


class TestTheFirstPage:
    def test_says_what_is_owed(self, world: World) -> None:
        issue(world, 18_640)

        text = customer(world).get("/my/").content.decode()

        assert "186.40" in text and "去交费" in text

    def test_switches_between_ones_own_accounts_only(self, world: World) -> None:
        bind(world.portal_user_id, world.commercial.account_id)
        client = customer(world)

        assert client.post("/my/account/", {"account_no": world.commercial.account_no}).status_code == 302
        assert "东湖百货" not in client.get("/my/").content.decode()
        assert world.commercial.account_no in client.get("/my/").content.decode()
        stranger = client.post("/my/account/", {"account_no": world.residential_tou.account_no})
        assert stranger.status_code == 404

    def test_forgets_an_account_that_is_no_longer_ones_own(self, world: World) -> None:
        bind(world.portal_user_id, world.commercial.account_id)
        client = customer(world)
        client.post("/my/account/", {"account_no": world.commercial.account_no})
        portal_bindings.unbind(user_id=world.portal_user_id, account_no=world.commercial.account_no, at=world.at)

        assert world.commercial.account_no not in client.get("/my/").content.decode()


class TestABill:
    @pytest.mark.acceptance("001-24")
    def test_explains_each_line_in_words(self, world: World) -> None:
        billing.issue_bill_now(
            account_id=world.residential.account_id, cycle=world.cycle, issued_by_id=world.clerk_a_id, at=world.at
        )
        client = customer(world)
        found = re.search(r"/my/bills/[0-9]{16}/", client.get("/my/bills/").content.decode())
        assert found is not None

        text = client.get(found[0]).content.decode()

        assert "第 1 档" in text
        assert "度 × " in text and "依据" in text
        assert "示数" in text

    def test_of_a_stranger_is_not_found(self, world: World) -> None:
        other = issue(world, 18_640, account=world.commercial)

        assert customer(world).get(f"/my/bills/{other}/").status_code == 404

    def test_that_is_none_is_not_found(self, world: World) -> None:
        for wrong in ("1", "x", "9" * 30, "2026010000000099"):
            assert customer(world).get(f"/my/bills/{wrong}/").status_code == 404


def curve_of(account: AccountIds, day: date, **changed: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT cis_make_interval_partitions(%s, %s)", [day, day])
    IntervalDay.objects.create(
        **{"point_id": account.point_id, "day": day, "energy_wh": [250] * 95 + [-1], "missing_slots": 1, **changed}
    )


class TestUsage:
    """Daily and 15-minute usage; `test_day_costs` has what it costs."""

    def test_is_shown_by_day_as_chart_and_table(self, world: World) -> None:
        curve_of(world.residential, date(2026, 1, 15))

        text = customer(world).get("/my/usage/?month=2026-01").content.decode()

        assert "data-chart" in text and "<table" in text
        assert "23.75" in text
        assert "/my/usage/2026-01-15/" in text

    def test_is_shown_by_quarter_hour_with_gaps_left_open(self, world: World) -> None:
        curve_of(world.residential, date(2026, 1, 15))

        text = customer(world).get("/my/usage/2026-01-15/").content.decode()

        assert "23:45" in text and "0.250" in text
        assert "有 1 个时段没有传回" in text

    def test_of_others_stays_theirs(self, world: World) -> None:
        curve_of(world.commercial, date(2026, 1, 15))

        assert "data-chart " not in customer(world).get("/my/usage/2026-01-15/").content.decode()

    def test_is_exported(self, world: World) -> None:
        curve_of(world.residential, date(2026, 1, 15))

        answer = customer(world).get("/my/usage/export.csv?month=2026-01")

        assert "2026-01-15,23.750" in b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]

    def test_of_a_day_that_is_none_is_not_found(self, world: World) -> None:
        assert customer(world).get("/my/usage/2026-02-31/").status_code == 404
        assert customer(world).get("/my/usage/?month=nonsense").status_code == 200


class TestTheClock:
    def test_of_this_month_is_the_months_page(self, world: World) -> None:
        assert f"{timezone.localdate():%Y-%m}" in customer(world).get("/my/usage/").content.decode()
