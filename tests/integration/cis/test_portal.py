"""The portal: signing in by account number and one-time code, and pages that show a customer their own."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from cis.models import Account, IntervalDay, OneTimeCode, PortalAccess
from cis.operations import billing, portal
from config.shared.models import Message, User
from tests.factories.bills import issue
from tests.factories.messages import code_of, send_all
from tests.factories.world import AccountIds, World, small_world
from tests.integration.payments.test_taking import together

pytestmark = pytest.mark.django_db(transaction=True)

SOMEWHERE = "192.0.2.1"


@pytest.fixture
def world() -> World:
    return small_world()


def ask(account: AccountIds | str, *, at: datetime, asked_from: str = SOMEWHERE) -> None:
    number = account if isinstance(account, str) else account.account_no
    portal.send_sign_in_code(account_no=number, asked_from=asked_from, at=at)


def sent_code() -> str:
    """The code in the newest message."""
    return code_of(Message.objects.order_by("-pk")[0])


def another(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


class TestACode:
    def test_goes_to_the_registered_telephone(self, world: World) -> None:
        ask(world.residential, at=world.at)

        message = Message.objects.get()
        assert message.recipient == "10000000001"
        assert len(sent_code()) == 6

    def test_lets_its_holder_in_to_all_accounts_of_the_customer(self, world: World) -> None:
        Account.objects.filter(pk=world.commercial.account_id).update(customer_id=world.residential.customer_id)
        ask(world.residential, at=world.at)

        user_id = portal.sign_in(account_no=world.residential.account_no, code=sent_code(), at=world.at)

        assert set(PortalAccess.objects.filter(user_id=user_id).values_list("account_id", flat=True)) == {
            world.residential.account_id,
            world.commercial.account_id,
        }
        user = User.objects.get(pk=user_id)
        assert user.kind == "customer" and not user.has_usable_password()

    def test_takes_away_accounts_that_changed_hands(self, world: World) -> None:
        ask(world.residential, at=world.at)
        user_id = portal.sign_in(account_no=world.residential.account_no, code=sent_code(), at=world.at)
        PortalAccess.objects.create(user_id=user_id, account_id=world.commercial.account_id)

        ask(world.residential, at=world.at + timedelta(hours=2))
        portal.sign_in(account_no=world.residential.account_no, code=sent_code(), at=world.at + timedelta(hours=2))

        assert [row.account_id for row in PortalAccess.objects.filter(user_id=user_id)] == [
            world.residential.account_id
        ]

    def test_is_kept_nowhere_as_it_is(self, world: World) -> None:
        ask(world.residential, at=world.at)

        row = OneTimeCode.objects.get()
        assert sent_code().encode() not in bytes(row.digest) + bytes(row.salt)

    def test_is_good_once(self, world: World) -> None:
        ask(world.residential, at=world.at)
        code = sent_code()
        portal.sign_in(account_no=world.residential.account_no, code=code, at=world.at)

        with pytest.raises(portal.CodeWrong):
            portal.sign_in(account_no=world.residential.account_no, code=code, at=world.at)

    def test_is_good_for_five_minutes(self, world: World) -> None:
        ask(world.residential, at=world.at)

        with pytest.raises(portal.CodeWrong):
            portal.sign_in(
                account_no=world.residential.account_no, code=sent_code(), at=world.at + timedelta(minutes=5)
            )

    def test_is_spoilt_by_five_wrong_tries(self, world: World) -> None:
        ask(world.residential, at=world.at)
        code = sent_code()
        for _ in range(5):
            with pytest.raises(portal.CodeWrong):
                portal.sign_in(account_no=world.residential.account_no, code=another(code), at=world.at)

        with pytest.raises(portal.CodeWrong):
            portal.sign_in(account_no=world.residential.account_no, code=code, at=world.at)

    def test_allows_five_tries_even_to_many_at_once(self, world: World) -> None:
        ask(world.residential, at=world.at)
        wrong = another(sent_code())

        together([lambda: portal.sign_in(account_no=world.residential.account_no, code=wrong, at=world.at)] * 8)

        assert OneTimeCode.objects.get().tries == 5

    def test_of_one_account_opens_no_other(self, world: World) -> None:
        ask(world.residential, at=world.at)
        code = sent_code()
        ask(world.commercial, at=world.at)

        with pytest.raises(portal.CodeWrong):
            portal.sign_in(account_no=world.commercial.account_no, code=code, at=world.at)

    def test_is_replaced_by_the_next(self, world: World) -> None:
        ask(world.residential, at=world.at)
        first = sent_code()
        ask(world.residential, at=world.at + timedelta(minutes=2))
        if first == sent_code():
            pytest.skip("one chance in a million")

        with pytest.raises(portal.CodeWrong):
            portal.sign_in(account_no=world.residential.account_no, code=first, at=world.at + timedelta(minutes=2))

    @pytest.mark.parametrize("number", ["4290000001", "9999999999"])
    def test_may_be_asked_for_so_often_whether_or_not_the_account_exists(self, world: World, number: str) -> None:
        ask(number, at=world.at)

        with pytest.raises(portal.CodeTooSoon):
            ask(number, at=world.at + timedelta(seconds=59))
        for minutes in range(1, 5):
            ask(number, at=world.at + timedelta(minutes=minutes))
        with pytest.raises(portal.CodeTooSoon):
            ask(number, at=world.at + timedelta(minutes=6))

    def test_is_not_sent_where_there_is_no_account_and_nobody_can_tell(self, world: World) -> None:
        ask("9999999999", at=world.at)

        assert not Message.objects.exists()
        with pytest.raises(portal.CodeWrong) as unknown:
            portal.sign_in(account_no="9999999999", code="123456", at=world.at)
        ask(world.residential, at=world.at)
        with pytest.raises(portal.CodeWrong) as known:
            portal.sign_in(account_no=world.residential.account_no, code=another(sent_code()), at=world.at)
        assert unknown.value.message == known.value.message

    def test_cannot_be_asked_for_everybody_from_one_address(self, world: World) -> None:
        for number in range(60):
            ask(f"80000000{number:02d}", at=world.at)

        with pytest.raises(portal.CodeTooSoon):
            ask(world.residential, at=world.at)
        ask(world.residential, at=world.at, asked_from="192.0.2.2")


class TestSigningIn:
    def test_leads_from_the_account_number_to_the_first_page(self, world: World, outside: Any) -> None:
        client = Client()

        answer = client.post("/my/sign-in/", {"account_no": world.residential.account_no})
        assert answer["Location"] == "/my/sign-in/code/"
        code = sent_code()
        send_all(now=timezone.now())
        assert code in client.get("/sim/messages/").content.decode()
        answer = client.post("/my/sign-in/code/", {"code": code}, follow=True)

        assert answer.redirect_chain == [("/my/", 302)]
        assert world.residential.account_no in answer.content.decode()

    def test_looks_the_same_for_a_number_nobody_has(self, world: World) -> None:
        known, unknown = Client(), Client()

        known.post("/my/sign-in/", {"account_no": world.residential.account_no})
        unknown.post("/my/sign-in/", {"account_no": "9999999999"})

        def page(client: Client, number: str) -> str:
            text = client.post("/my/sign-in/code/", {"code": "000000x"}).content.decode()
            return re.sub(r'(csrf-token" content|csrfmiddlewaretoken" value)="[^"]*"', "", text.replace(number, "N"))

        assert page(known, world.residential.account_no) == page(unknown, "9999999999")

    def test_gives_the_session_a_new_key(self, world: World) -> None:
        client = Client()
        client.post("/my/sign-in/", {"account_no": world.residential.account_no})
        before = client.session.session_key
        client.post("/my/sign-in/code/", {"code": sent_code()})

        assert client.session.session_key != before

    def test_goes_on_to_the_page_that_was_asked_for_and_never_elsewhere(self, world: World) -> None:
        for goes_to, expected in (("/my/bills/", "/my/bills/"), ("https://evil.test/", "/my/")):
            OneTimeCode.objects.all().delete()
            client = Client()
            client.post("/my/sign-in/", {"account_no": world.residential.account_no, "next": goes_to})
            assert client.post("/my/sign-in/code/", {"code": sent_code()})["Location"] == expected

    def test_is_asked_of_whoever_comes_without(self) -> None:
        for path in PAGES:
            answer = Client().get(path)
            assert answer.status_code == 302 and answer["Location"].startswith("/my/sign-in/?next="), path

    def test_from_the_middle_begins_at_the_beginning(self) -> None:
        assert Client().get("/my/sign-in/code/")["Location"] == "/my/sign-in/"


PAGES = (
    "/my/",
    "/my/bills/",
    "/my/usage/",
    "/my/usage/2026-01-15/",
    "/my/usage/export.csv",
    "/my/pay/",
    "/my/receipts/",
)


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
        PortalAccess.objects.all().delete()

        for path in PAGES:
            assert staff.get(path).status_code == 404, path
            assert customer(world).get(path).status_code == 404, path

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
        PortalAccess.objects.create(user_id=world.portal_user_id, account_id=world.commercial.account_id)
        client = customer(world)

        assert client.post("/my/account/", {"account_no": world.commercial.account_no}).status_code == 302
        assert "东湖百货" not in client.get("/my/").content.decode()
        assert world.commercial.account_no in client.get("/my/").content.decode()
        stranger = client.post("/my/account/", {"account_no": world.residential_tou.account_no})
        assert stranger.status_code == 404

    def test_forgets_an_account_that_is_no_longer_ones_own(self, world: World) -> None:
        access = PortalAccess.objects.create(user_id=world.portal_user_id, account_id=world.commercial.account_id)
        client = customer(world)
        client.post("/my/account/", {"account_no": world.commercial.account_no})
        access.delete()

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
