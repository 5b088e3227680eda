"""Second factors in a real browser: an app tied and used; a passkey made, used at the door and before an act."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone

from config.shared.models import StaffSession, User
from payments.models import Reversal
from tests.factories.bills import NOT_YET_DUE, issue
from tests.factories.staff import app_code
from tests.factories.world import PASSWORD, World, small_world
from tests.integration.payments import pay
from tests.journeys.conftest import NewPage, sign_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def with_passkeys(new_page: NewPage, live: Any) -> Any:
    """A browser page on localhost whose machine has an authenticator that knows its owner."""

    def make() -> Any:
        page = new_page()
        session = page.context.new_cdp_session(page)
        session.send("WebAuthn.enable")
        made = session.send(
            "WebAuthn.addVirtualAuthenticator",
            {
                "options": {
                    "protocol": "ctap2",
                    "transport": "internal",
                    "hasResidentKey": True,
                    "hasUserVerification": True,
                    "isUserVerified": True,
                    "automaticPresenceSimulation": True,
                }
            },
        )
        page.authenticator = (session, made["authenticatorId"])
        # Passkeys belong to a name, never to a numeric address.
        go, here = page.goto, live.url.replace("127.0.0.1", "localhost")
        page.goto = lambda path: go(path if "//" in path else f"{here}{path}")
        return page

    return make


def is_at(page: Any, path: str) -> None:
    """Wait until the browser stands on a page."""
    page.wait_for_url(lambda url: urlsplit(url).path == path)


class TestAnAuthenticatorApp:
    @pytest.mark.acceptance("F166")
    def test_is_tied_and_then_asked_for_at_the_door(self, new_page: NewPage) -> None:
        small_world()
        page = sign_in(new_page(), "clerk_a", "/account/")
        page.get_by_role("link", name="绑定动态码应用").click()
        is_at(page, "/account/authenticator/")
        secret = page.locator("main .code").inner_text().replace(" ", "")
        assert page.locator("img.qr-code").evaluate("image => image.naturalWidth") > 100
        page.get_by_label("应用里现在显示的六位数字").fill(app_code(secret, timezone.now()))
        page.get_by_role("button", name="绑定").click()
        page.get_by_role("heading", name="恢复码").wait_for()
        recovery = page.locator(".recovery-codes li").all_inner_texts()
        assert len(recovery) == 10

        other = new_page()
        other.goto("/account/")
        other.get_by_label("用户名").fill("clerk_a")
        other.get_by_label("密码").fill(PASSWORD)
        other.keyboard.press("Enter")
        is_at(other, "/sign-in/second-factor/")
        assert other.evaluate("document.activeElement.name") == "code"
        other.keyboard.type("000000")
        other.keyboard.press("Enter")
        other.get_by_text("动态码不对").wait_for()
        other.get_by_label("动态码或恢复码").fill(recovery[3])
        other.keyboard.press("Enter")

        is_at(other, "/account/")
        assert "还剩 9 个" in other.locator("main").inner_text()


class TestAPasskey:
    @pytest.mark.acceptance("F166")
    def test_is_made_opens_the_door_alone_and_confirms_a_reversal(self, with_passkeys: Any) -> None:
        world = small_world()
        page = sign_in(with_passkeys(), "clerk_a", "/account/")
        page.get_by_role("link", name="添加通行密钥").click()
        page.get_by_label("这把通行密钥的名字").fill("柜台电脑")
        page.get_by_role("button", name="让设备生成通行密钥").click()
        page.get_by_role("heading", name="恢复码").wait_for()
        session, authenticator = page.authenticator
        kept = session.send("WebAuthn.getCredentials", {"authenticatorId": authenticator})["credentials"]
        assert [one["isResidentCredential"] for one in kept] == [True]
        page.get_by_role("link", name="抄好了").click()
        assert "柜台电脑" in page.locator("main").inner_text()
        page.get_by_role("button", name="退出", exact=True).click()
        is_at(page, "/sign-in/")

        page.goto("/sign-in/?next=/account/")
        page.get_by_role("button", name="用通行密钥登录").click()

        is_at(page, "/account/")
        assert StaffSession.objects.filter(user=User.objects.get(username="clerk_a"), ended_at=None).count() == 1
        assert "上次使用" in page.locator("main").inner_text()
        reverse(page, world)

    def test_that_is_cancelled_leaves_the_password(self, with_passkeys: Any) -> None:
        small_world()
        page = with_passkeys()
        session, authenticator = page.authenticator
        session.send("WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": False})
        page.goto("/sign-in/")

        page.get_by_role("button", name="用通行密钥登录").click()

        page.get_by_text("没有取到通行密钥").wait_for()
        assert page.get_by_role("button", name="登录", exact=True).is_enabled()


def reverse(page: Any, world: World) -> None:
    """A reversal long after signing in: the reason typed before is not lost, the passkey confirms."""
    issue(world, 18_640, due_on=NOT_YET_DUE)
    taken = pay(world, fen=18_640, at=timezone.now())
    page.goto(f"/console/payments/{taken.receipt_no}/reversal/")
    page.get_by_label("冲正原因").fill("金额录错")
    age_proof(page)

    page.get_by_role("button", name="冲正 186.40 元").click()
    page.get_by_role("heading", name="再确认一次身份").wait_for()
    page.get_by_role("button", name="用通行密钥确认").click()

    is_at(page, f"/console/payments/{taken.receipt_no}/")
    assert Reversal.objects.get().reason == "金额录错"


def age_proof(page: Any) -> None:
    """As if the person had come in an hour ago."""
    cookie = next(one for one in page.context.cookies() if one["name"] == "sessionid")
    store = SessionStore(cookie["value"])
    store["proof"] = {**store["proof"], "at": (timezone.now() - timedelta(hours=1)).isoformat()}
    store.save()
