"""Signing in with WeChat, against the simulated one: state, code, time, and whose it is."""

from __future__ import annotations

import re
import urllib.request
from datetime import timedelta
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from cis.models import PortalPerson, WechatIdentity
from config.shared.models import Message
from tests.factories.messages import code_of
from tests.factories.portal import person
from tests.factories.world import World, small_world

pytestmark = pytest.mark.django_db(transaction=True)

TELEPHONE = "13900001111"
BACK = "/my/sign-in/wechat/back/"
AUTHORIZE = "/sim/wechat/connect/oauth2/authorize"


@pytest.fixture
def world() -> World:
    return small_world()


@pytest.fixture(autouse=True)
def line(monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
    """The far side of the network: our server's GET reaches the simulated WeChat, unless `down` is set."""
    state = {"down": False}

    def get(address: str, timeout: float) -> BytesIO:
        if state["down"]:
            raise TimeoutError
        parts = urlsplit(address)
        return BytesIO(Client().get(f"{parts.path}?{parts.query}").content)

    monkeypatch.setattr(urllib.request, "urlopen", get)
    cache.clear()
    return state


def to_wechat(client: Client) -> dict[str, str]:
    """Press the button; what WeChat was asked."""
    address = client.get("/my/sign-in/wechat/")["Location"]
    assert address.endswith("#wechat_redirect") and urlsplit(address).path == AUTHORIZE
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def confirm(asked: dict[str, str], *, who: str = "小陈", **more: str) -> str:
    """The user agrees in WeChat; the address WeChat sends the browser back to."""
    answer = Client().post(AUTHORIZE, {**asked, "who": who, **more})
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"]).removeprefix("http://testserver")


def through(client: Client, **more: str) -> Any:
    return client.get(confirm(to_wechat(client), **more))


def prove_telephone(client: Client) -> None:
    client.post("/my/sign-in/", {"telephone": TELEPHONE})
    code = code_of(Message.objects.filter(kind="code").order_by("-pk")[0])
    assert client.post("/my/sign-in/code/", {"code": code}).status_code == 302


class TestTheFirstTime:
    def test_a_telephone_is_proved_and_ever_after_wechat_is_enough(self, world: World) -> None:
        client = Client()

        assert through(client)["Location"] == "/my/sign-in/"
        assert client.get("/my/me/").status_code == 302 and not WechatIdentity.objects.exists()
        prove_telephone(client)

        me = PortalPerson.objects.exclude(pk=world.portal_user_id).get()
        identity = WechatIdentity.objects.get()
        assert identity.user_id == me.pk and identity.app_id == settings.WECHAT_APP_ID
        again = Client()
        assert through(again)["Location"] == "/my/"
        assert "139****1111" in again.get("/my/me/").content.decode()

    def test_another_user_of_wechat_is_another_person(self, world: World) -> None:
        client = Client()
        through(client)
        prove_telephone(client)

        assert through(Client(), who="李奶奶")["Location"] == "/my/sign-in/"

    def test_leaving_takes_it_away(self, world: World) -> None:
        client = Client()
        through(client)
        prove_telephone(client)

        assert client.post("/my/me/wechat/leave/").status_code == 302

        assert through(Client())["Location"] == "/my/sign-in/"

    def test_a_person_who_was_shut_out_stays_out(self, world: World) -> None:
        client = Client()
        through(client)
        prove_telephone(client)
        user = PortalPerson.objects.exclude(pk=world.portal_user_id).get().user
        user.is_active = False
        user.save()

        assert through(Client())["Location"] == "/my/sign-in/"


class TestTheWayBack:
    def refused(self, client: Client, address: str) -> bool:
        answer = client.get(address, follow=True)
        return "微信" in answer.content.decode() and "wechat_waiting" not in str(dict(client.session))

    def test_with_a_foreign_or_missing_state_is_refused(self, world: World) -> None:
        victim, attacker = Client(), Client()
        address = confirm(to_wechat(attacker))
        to_wechat(victim)

        assert self.refused(victim, address)
        assert self.refused(Client(), address)
        assert self.refused(victim, re.sub("state=[0-9a-f]+", "state=", address))

    def test_is_good_once(self, world: World) -> None:
        client = Client()
        address = confirm(to_wechat(client))
        client.get(address)
        client.session.flush()

        assert self.refused(Client(), address)

    def test_with_a_code_that_was_used_is_refused(self, world: World) -> None:
        first, second = Client(), Client()
        used = parse_qs(urlsplit(confirm(to_wechat(first))).query)["code"][0]
        first.get(f"{BACK}?code={used}&state={first.session['portal_wechat_state'][0]}")
        state = to_wechat(second)["state"]

        assert self.refused(second, f"{BACK}?code={used}&state={state}")

    def test_with_a_code_that_ran_out_is_refused(self, world: World) -> None:
        client = Client()
        address = confirm(to_wechat(client))
        cache.clear()

        assert self.refused(client, address)

    def test_with_a_state_that_ran_out_is_refused(self, world: World) -> None:
        client = Client()
        address = confirm(to_wechat(client))
        session = client.session
        state = session["portal_wechat_state"][0]
        session["portal_wechat_state"] = [state, (timezone.now() - timedelta(minutes=11)).isoformat()]
        session.save()

        assert self.refused(client, address)

    @pytest.mark.parametrize("fault", ["-1", "40125", "40163", "42003", "50002"])
    def test_is_refused_kindly_when_wechat_answers_an_error(self, world: World, fault: str) -> None:
        client = Client()

        assert self.refused(client, confirm(to_wechat(client), fault=fault))

    def test_is_refused_kindly_when_wechat_is_silent(self, world: World, line: dict[str, bool]) -> None:
        client = Client()
        address = confirm(to_wechat(client))
        line["down"] = True

        assert self.refused(client, address)


class TestTheSimulatedWechat:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("appid", "wx-another"),
            ("redirect_uri", "https://evil.test/my/sign-in/wechat/back/"),
            ("response_type", "token"),
            ("scope", "snsapi_login"),
            ("state", "not a state"),
        ],
    )
    def test_shows_its_page_to_nobody_who_asks_wrongly(self, world: World, name: str, value: str) -> None:
        asked = to_wechat(Client()) | {name: value}

        assert Client().get(AUTHORIZE, asked).status_code == 400
        assert Client().post(AUTHORIZE, {**asked, "who": "小陈"}).status_code == 400

    def test_exchanges_a_code_for_the_right_app_and_secret_only(self, world: World) -> None:
        code = parse_qs(urlsplit(confirm(to_wechat(Client()))).query)["code"][0]
        good = {
            "appid": settings.WECHAT_APP_ID,
            "secret": settings.WECHAT_APP_SECRET,
            "code": code,
            "grant_type": "authorization_code",
        }

        def errcode(**changed: str) -> object:
            return Client().get("/sim/wechat/sns/oauth2/access_token", good | changed).json().get("errcode")

        assert errcode(appid="wx-another") == 40013
        assert errcode(secret="wrong") == 40125
        assert errcode(code="none-such") == 40029
        assert errcode(grant_type="password") == 40002
        assert errcode() is None and errcode() == 40163


class TestWithoutAnAppId:
    def test_nothing_of_it_is_there(self, world: World, settings: Any) -> None:
        settings.WECHAT_APP_ID = ""
        assert person(TELEPHONE, at=world.at)

        assert Client().get("/my/sign-in/wechat/").status_code == 404
        assert Client().get(BACK).status_code == 404
        assert "微信" not in Client().get("/my/sign-in/").content.decode()
