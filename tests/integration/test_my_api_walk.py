"""Every address of customers' own apps, as the owner, a tenant, a payer, a stranger and nobody; none is left out."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from typing import Any

import pytest
from django.core.cache import cache as kept
from django.test import Client
from django.utils import timezone

from cis.models import Bill, Customer
from cis.operations import disputes
from cis.operations.billing import issue_bill_now
from config.shared import rate_limits
from config.shared.app_sessions import WechatOfApp
from config.shared.models import User
from config.shared.permission_table import APP, AddressRule, list_rules
from config.shared.personal_data import blind_index
from payments.models import Payment, PaymentOrder
from tests.factories.bills import issue
from tests.factories.my_api import App, app_of, forget_limits, newest_code
from tests.factories.portal import bind, end_all
from tests.factories.world import World, small_world
from tests.integration.payments import pay

pytestmark = pytest.mark.django_db(transaction=True)

PREFIX = "/api/v1/my/"
DAY = "2026-01-07"
# What a role finds closed of its own account; everything else of it opens.
CLOSED = {
    "owner": set[str](),
    "tenant": set[str](),
    "payer": {
        "api_my_bills", "api_my_bill", "api_my_usage", "api_my_usage_day", "api_my_outages", "api_my_applications",
    },
}  # fmt: skip


@cache
def rules() -> tuple[AddressRule, ...]:
    return tuple(rule for rule in list_rules() if rule.path.startswith(PREFIX) and rule.name != "my_schema")


@pytest.fixture
def world() -> World:
    kept.clear()
    forget_limits()
    made = small_world()
    issue_bill_now(
        account_id=made.residential.account_id, cycle=made.cycle, issued_by_id=made.accountant_id, at=made.at
    )
    pay(made, fen=100, at=timezone.now())
    PaymentOrder.objects.create(
        out_trade_no="WALKMY01", channel="wallet", account_id=made.residential.account_id, amount_fen=100,
        created_by_id=made.portal_user_id, created_at=timezone.now(), expires_at=timezone.now() + timedelta(hours=1),
    )  # fmt: skip
    return made


def values(world: World) -> dict[str, str]:
    """An object for every part of an address; a new part cannot be forgotten, for it is not found here."""
    return {
        "account_no": world.residential.account_no,
        "bill_no": str(Bill.objects.get(account_id=world.residential.account_id)),
        "day": DAY,
        "session_id": "1",
        "receipt_no": str(Payment.objects.get()),
        "out_trade_no": PaymentOrder.objects.get().out_trade_no,
    }


def path_of(rule: AddressRule, known: dict[str, str]) -> str:
    path = rule.path.removeprefix(PREFIX)
    for part, name in zip(path.split("<")[1:], rule.arguments, strict=True):
        path = path.replace(f"<{part.split('>')[0]}>", known[name])
    return path


def person_with(world: World, role: str) -> int:
    """A new person who is bound to the residential account so; a stranger is bound to another."""
    user = User.objects.create_user(f"one_{role}", kind=User.Kind.CUSTOMER)
    account = world.commercial if role == "stranger" else world.residential
    bind(user.pk, account.account_id, "owner" if role == "stranger" else role)
    return user.pk


class TestTheTable:
    def test_knows_every_address_and_only_the_door_is_open(self) -> None:
        assert {rule.name for rule in rules() if rule.audience != APP} == {"api_my_sign_in_codes", "api_my_sessions"}
        assert len(rules()) >= 20


class TestNobody:
    @pytest.mark.parametrize("header", ["", "Bearer " + "x" * 43, "Key aaa.bbb"])
    def test_opens_nothing(self, world: World, header: str) -> None:
        known, wrong = values(world), []
        for rule in rules():
            for method in ("GET", "POST", "DELETE", "PUT", "PATCH"):
                headers = {"authorization": header} if header else {}
                answer = App().ask(method, path_of(rule, known), {} if method == "POST" else None, **headers)
                if rule.audience == APP and answer.status_code != 401:
                    wrong.append((rule.name, method, answer.status_code))

        assert wrong == []

    def test_is_no_member_of_staff_by_cookie(self, world: World) -> None:
        browser = Client()
        browser.force_login(User.objects.get(pk=world.manager_id), "django.contrib.auth.backends.ModelBackend")
        known = values(world)

        answers = {browser.get(PREFIX + path_of(rule, known)).status_code for rule in rules() if rule.audience == APP}

        assert answers == {401}

    def test_with_a_wechat_alone_opens_their_session_only(self, world: World) -> None:
        wechat = WechatOfApp("wx-simulated-mini", "o" + "a" * 27, "")
        from_wechat = app_of(None, at=timezone.now(), wechat=wechat)
        known = values(world)

        answers = {
            rule.name: from_wechat.get(path_of(rule, known)).json()["code"]
            for rule in rules()
            if rule.audience == APP and rule.name != "api_my_session"
        }

        assert set(answers.values()) == {"telephone-needed"}


class TestEachRole:
    @pytest.mark.parametrize("role", ["owner", "tenant", "payer", "stranger"])
    def test_opens_what_it_gives_and_a_stranger_finds_nothing(self, world: World, role: str) -> None:
        known, wrong = values(world), []
        app = app_of(person_with(world, role), at=timezone.now())
        for rule in rules():
            if "account_no" not in rule.arguments:
                continue
            for method in ("GET", "POST", "DELETE"):
                if rule.name == "api_my_account" and method == "DELETE":
                    continue  # the last, for whoever may: see below
                answer = app.ask(method, path_of(rule, known), {} if method == "POST" else None)
                status = answer.status_code
                if role == "stranger":
                    is_right = status in (404, 405)
                elif rule.name in CLOSED[role]:
                    is_right = status in (403, 405)
                else:
                    is_right = status in (200, 201, 405, 422) or (method == "POST" and status == 400)
                if not is_right:
                    wrong.append((rule.name, method, status, answer.content.decode()[:200]))
        assert wrong == []

        given_up = app.delete(f"accounts/{known['account_no']}")

        assert given_up.status_code == (404 if role == "stranger" else 204)
        assert app.get(f"accounts/{known['account_no']}").status_code == 404

    @pytest.mark.parametrize(
        ("role", "status"), [("owner", 200), ("delegate", 200), ("tenant", 404), ("payer", 404), ("stranger", 404)]
    )
    def test_finds_payments_of_others_only_where_the_portal_shows_them(
        self, world: World, role: str, status: int
    ) -> None:
        known, app = values(world), app_of(person_with(world, role), at=timezone.now())

        for name in ("api_my_order", "api_my_payment", "api_my_receipt_pdf"):
            assert app.get(path_of(rule_of(name), known)).status_code == status, name

    def test_of_a_bill_is_asked_under_its_own_account(self, world: World) -> None:
        """Two accounts of one person, one as payer: its bills are not to be seen through the other."""
        user_id = person_with(world, "payer")
        bind(user_id, world.commercial.account_id)
        app, known = app_of(user_id, at=timezone.now()), values(world)

        through_the_other = app.get(f"accounts/{world.commercial.account_no}/bills/{known['bill_no']}")

        assert through_the_other.status_code == 404

    def test_of_a_tenant_is_their_own_time(self, world: World) -> None:
        user_id = person_with(world, "owner")
        end_all(user_id, at=timezone.now())
        bind(user_id, world.residential.account_id, "tenant", from_on=date(2026, 1, 15))
        app, known = app_of(user_id, at=timezone.now()), values(world)

        assert app.get(path_of(rule_of("api_my_bills"), known)).json()["results"] == []
        assert app.get(path_of(rule_of("api_my_bill"), known)).status_code == 404
        assert app.get(path_of(rule_of("api_my_usage_day"), known)).status_code == 404
        days = app.get(f"accounts/{known['account_no']}/usage?month=2026-01").json()["days"]
        assert all(day["day"] >= "2026-01-15" for day in days)

    def test_sees_questions_of_the_account_but_a_tenant_their_own(self, world: World) -> None:
        disputes.open_question(
            kind="meter-test", account_id=world.residential.account_id,
            installation_id=world.residential.installation_id, reason="走得快", channel="portal",
            opened_by_id=world.portal_user_id, at=timezone.now(),
        )  # fmt: skip
        path = path_of(rule_of("api_my_applications"), values(world))

        owner = app_of(world.portal_user_id, at=timezone.now()).get(path).json()["results"]
        tenant = app_of(person_with(world, "tenant"), at=timezone.now()).get(path).json()["results"]

        assert [one["text"] for one in owner] == ["走得快"] and owner[0]["is_open"] and owner[0]["answer_by"]
        assert tenant == []


def rule_of(name: str) -> AddressRule:
    return next(rule for rule in rules() if rule.name == name)


def set_telephone(customer_id: int, number: str) -> None:
    Customer.objects.filter(pk=customer_id).update(
        phone=number, phone_index=blind_index(number), phone_last4=number[-4:]
    )


def holder_of(customer_id: int) -> str:
    return Customer.objects.get(pk=customer_id).name


class TestBinding:
    def test_by_name_and_code_and_never_says_what_differs(self, world: World) -> None:
        """The registered telephone of the tiny utility takes no message; a real one is set first."""
        app = app_of(person_with(world, "stranger"), at=timezone.now())
        account = world.residential
        set_telephone(account.customer_id, "13811112222")
        name = holder_of(account.customer_id)
        asked = {"account_no": account.account_no, "holder_name": name, "role": "delegate"}

        right = app.post("binding-codes", asked)
        code = newest_code()
        wrong_name = app.post("binding-codes", {**asked, "account_no": "0000000000"})

        assert (right.status_code, wrong_name.status_code) == (202, 202)
        assert right.content == wrong_name.content
        bound = app.post("accounts", {"account_no": account.account_no, "role": "delegate", "sms_code": code})
        assert bound.status_code == 201, bound.content.decode()
        assert bound.json()["role"] == "delegate" and name not in bound.content.decode()
        assert app.get(f"accounts/{account.account_no}/balance").status_code == 200

    def test_as_owner_takes_a_checked_name(self, world: World) -> None:
        app = app_of(person_with(world, "stranger"), at=timezone.now())

        answer = app.post(
            "binding-codes", {"account_no": world.residential.account_no, "holder_name": "某人", "role": "owner"}
        )

        assert (answer.status_code, answer.json()["code"]) == (403, "needs-real-name")

    @pytest.mark.parametrize("body", [{}, {"role": "agent"}, {"sms_code": "1", "last_payment_fen": 1}])
    def test_takes_one_proof_and_a_role_that_can_be_proved_here(self, world: World, body: dict[str, Any]) -> None:
        app = app_of(world.portal_user_id, at=timezone.now())

        answer = app.post("accounts", {"account_no": world.commercial.account_no, "role": "payer", **body})

        assert (answer.status_code, answer.json()["code"]) == (422, "bad-input")

    def test_tries_are_five_a_day_as_in_the_portal(self, world: World) -> None:
        app = app_of(world.portal_user_id, at=timezone.now())
        asked = {"account_no": world.commercial.account_no, "role": "payer", "last_payment_fen": 1}

        codes = [app.post("accounts", asked).json()["code"] for _time in range(6)]

        assert codes == ["claim-differs"] * 5 + ["too-many-claims"]


class TestLists:
    def test_go_by_cursor_and_are_never_long(self, world: World) -> None:
        issue(world, 100, cycle=world.cycles[0])
        app, path = app_of(world.portal_user_id, at=timezone.now()), f"accounts/{world.residential.account_no}/bills"

        first = app.get(f"{path}?limit=1").json()
        second = app.get(f"{path}?limit=1&cursor={first['next_cursor']}").json()

        assert len(first["results"]) == len(second["results"]) == 1
        assert first["results"][0]["bill_no"] != second["results"][0]["bill_no"] and second["next_cursor"] is None
        for wrong in ("limit=51", "limit=0", "cursor=1", "cursor=c-1", "cursor=c" + "9" * 30, "cursor=c١"):
            assert app.get(f"{path}?{wrong}").status_code == 422, wrong

    def test_hold_no_telephone_identity_or_openid(self, world: World) -> None:
        known = values(world)
        wechat = WechatOfApp("wx-simulated-mini", "oSECRETsecretSECRETsecret123", "oUNIONunionUNIONunionUNION1")
        app = app_of(world.portal_user_id, at=timezone.now(), wechat=wechat)

        answers = [app.get(path_of(rule, known)) for rule in rules() if rule.audience == APP]
        said = "".join(answer.content.decode() for answer in answers if answer["Content-Type"] != "application/pdf")

        assert "138****0099" in said and "13800000099" not in said
        assert "oSECRET" not in said and "oUNION" not in said
        assert holder_of(world.residential.customer_id) not in said


class TestLimits:
    def test_are_counted_by_person_and_kind_with_headers(self, world: World, settings: Any) -> None:
        settings.MY_API_LIMITS = {**settings.MY_API_LIMITS, "read": 3}
        one, other = (app_of(world.portal_user_id, at=timezone.now()) for _time in range(2))
        stranger = app_of(person_with(world, "stranger"), at=timezone.now())

        answers = [one.get("accounts"), other.get("accounts"), one.get("accounts"), other.get("accounts")]

        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert answers[0]["RateLimit-Limit"] == "3" and answers[0]["RateLimit-Remaining"] == "2"
        assert int(answers[3]["Retry-After"]) >= 1 and answers[3].json()["code"] == "too-many-requests"
        assert stranger.get("accounts").status_code == 200
        assert one.post("accounts", {}).status_code == 422

    def test_hold_at_the_door_by_network_address(self, world: World, settings: Any) -> None:
        settings.MY_API_LIMITS = {**settings.MY_API_LIMITS, "door": 2}

        answers = [App().post("sessions", {}).status_code for _time in range(3)]

        assert answers == [422, 422, 429]

    def test_hold_nobody_up_where_valkey_is_away(self, world: World, settings: Any, request: Any) -> None:
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
        rate_limits._script.cache_clear()
        request.addfinalizer(rate_limits._script.cache_clear)

        assert app_of(world.portal_user_id, at=timezone.now()).get("accounts").status_code == 200
