"""Single sign-on against a real provider: staff who exist come in, nobody is registered, forgeries are refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from config.shared.models import OrgUnit, User
from config.shared.roles import load_roles
from tests.factories.oidc_server import CLIENT_ID, CLIENT_SECRET, OidcServer
from tests.factories.staff import app_code, give_app
from tests.factories.world import make_unit, make_user

pytestmark = pytest.mark.django_db(transaction=True)

START, HERE = "/sign-in/single/", "/account/"


@pytest.fixture
def clerk() -> User:
    load_roles()
    return make_user("clerk", make_unit(None, OrgUnit.Kind.PROVINCE, "01", "一省"), "clerk")


@pytest.fixture
def provider(settings: Any) -> Iterator[OidcServer]:
    server = OidcServer()
    server.redirect_uris = {"http://testserver/sign-in/single/back/"}
    settings.OIDC_ISSUER = server.issuer
    settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = CLIENT_ID, CLIENT_SECRET
    cache.clear()
    yield server
    server.stop()


def way_back(client: Client, start: str = START) -> str:
    """Go out to the provider; the address it sends the browser back to."""
    out = client.get(start)
    answer = requests.get(out["Location"], allow_redirects=False, timeout=10)
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"].removeprefix("http://testserver")


def is_in(client: Client) -> bool:
    return bool(client.get(HERE).status_code == 200)


class TestSingleSignOn:
    def test_is_off_unless_the_settings_name_a_provider(self, clerk: User) -> None:
        assert Client().get(START).status_code == 404
        assert Client().get(f"{START}back/").status_code == 404
        assert "单位统一账号" not in Client().get("/sign-in/").content.decode()

    def test_lets_in_staff_who_exist_and_leads_on(self, clerk: User, provider: OidcServer) -> None:
        client = Client()
        assert "用单位统一账号登录" in client.get("/sign-in/").content.decode()

        answer = client.get(way_back(client, f"{START}?next=/console/payments/"))

        assert answer["Location"] == "/console/payments/" and is_in(client)
        assert provider.said_no == []

    def test_leads_to_no_other_house(self, clerk: User, provider: OidcServer) -> None:
        client = Client()

        assert client.get(way_back(client, f"{START}?next=https://evil.example/"))["Location"] == "/"

    @pytest.mark.parametrize("who", ["nobody", "gone", "customer", ""])
    def test_registers_nobody(self, clerk: User, provider: OidcServer, who: str) -> None:
        User.objects.create_user("gone", is_active=False)
        User.objects.create_user("customer", kind=User.Kind.CUSTOMER)
        provider.username = who
        before, client = User.objects.count(), Client()

        answer = client.get(way_back(client))

        assert answer["Location"] == "/sign-in/" and not is_in(client)
        assert User.objects.count() == before

    @pytest.mark.parametrize(
        "forge",
        [
            lambda claims: {**claims, "aud": "another"},
            lambda claims: {**claims, "iss": "http://another"},
            lambda claims: {**claims, "nonce": "of-another-question"},
            lambda claims: {**claims, "exp": claims["iat"] - 60},
            lambda claims: {**claims, "azp": "another"},
            lambda claims: {name: value for name, value in claims.items() if name != "nonce"},
            lambda claims: {name: value for name, value in claims.items() if name != "preferred_username"},
        ],
    )
    def test_believes_no_token_that_is_not_for_it(
        self, clerk: User, provider: OidcServer, forge: Callable[[dict[str, Any]], dict[str, Any]]
    ) -> None:
        provider.forge = forge
        client = Client()

        client.get(way_back(client))

        assert not is_in(client)

    def test_believes_no_other_signature(self, clerk: User, provider: OidcServer) -> None:
        provider.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        client = Client()

        client.get(way_back(client))

        assert not is_in(client)

    def test_believes_no_token_without_one(self, clerk: User, provider: OidcServer) -> None:
        provider.key, provider.algorithm = None, "none"
        client = Client()

        client.get(way_back(client))

        assert not is_in(client)

    def test_takes_no_answer_that_another_browser_asked_for(self, clerk: User, provider: OidcServer) -> None:
        mine, theirs = Client(), Client()
        theirs.get(START)

        answer = theirs.get(way_back(mine))

        assert answer["Location"] == "/sign-in/" and not is_in(theirs)

    def test_takes_an_answer_once(self, clerk: User, provider: OidcServer) -> None:
        client = Client()
        back = way_back(client)
        client.get(back)
        client.post("/sign-out/")

        client.get(back)

        assert not is_in(client)

    def test_of_somebody_with_a_second_factor_asks_for_it(self, clerk: User, provider: OidcServer) -> None:
        secret, _codes = give_app(clerk)
        client = Client()

        assert client.get(way_back(client))["Location"] == "/sign-in/second-factor/"
        client.post("/sign-in/second-factor/", {"code": app_code(secret, timezone.now())})
        assert is_in(client)

    def test_that_cannot_be_reached_says_so_and_leaves_the_password(self, clerk: User, settings: Any) -> None:
        settings.OIDC_ISSUER = "http://127.0.0.1:9"
        cache.clear()

        answer = Client().get(START, follow=True)

        assert "没有成功" in answer.content.decode()
