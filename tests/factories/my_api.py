"""An app of a customer's: signs in against the simulated WeChat, and asks with its token."""

from __future__ import annotations

import json
import urllib.request
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from django.conf import settings
from django.test import Client

from config.shared import app_sessions
from config.shared.app_sessions import WechatOfApp
from config.shared.models import Message
from tests.factories.messages import code_of

BASE = "/api/v1/my/"
NOBODY = WechatOfApp()


class App:
    """One app on one telephone."""

    def __init__(self, token: str = "") -> None:
        self.client, self.token = Client(enforce_csrf_checks=True), token

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The answer; `path` is below /api/v1/my/."""
        if self.token:
            headers = {"authorization": f"Bearer {self.token}", **headers}
        data = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        return self.client.generic(
            method, BASE + path, data.get("data", ""), data.get("content_type", "application/json"), headers=headers
        )

    def get(self, path: str, **headers: str) -> Any:
        """Ask for something."""
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """Change something."""
        return self.ask("POST", path, body if body is not None else {}, **headers)

    def delete(self, path: str) -> Any:
        """Take something away."""
        return self.ask("DELETE", path)


def app_of(user_id: int | None, *, at: Any, wechat: WechatOfApp = NOBODY) -> App:
    """An app in which this person is signed in."""
    return App(app_sessions.begin(user_id=user_id, wechat=wechat, user_agent="MicroMessenger iPhone", at=at).token)


def wechat_on_the_line(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The far side of the network: our server's GET reaches the simulated WeChat, unless `down` is set."""
    state: dict[str, Any] = {"down": False, "answers": []}

    def get(address: str, timeout: float) -> BytesIO:
        if state["down"]:
            raise TimeoutError
        parts = urlsplit(address)
        answer = Client().get(f"{parts.path}?{parts.query}").content
        state["answers"].append(answer.decode())
        return BytesIO(answer)

    monkeypatch.setattr(urllib.request, "urlopen", get)
    return state


def js_code(who: str = "小陈", **more: str) -> str:
    """What wx.login gives on this person's telephone."""
    answer = Client().post("/sim/wechat/mini/login", {"who": who, **more}, headers={"accept": "application/json"})
    return str(answer.json()["code"])


def newest_code() -> str:
    """The one-time code that was sent last."""
    return code_of(Message.objects.filter(kind="code").order_by("-pk")[0])


def sign_in(telephone: str, *, app: App | None = None) -> App:
    """By telephone; with the app of a session that waits, its WeChat is joined."""
    app = app or App()
    assert App().post("sign-in-codes", {"telephone": telephone}).status_code == 202
    answer = app.post("sessions", {"telephone": telephone, "sms_code": newest_code()})
    assert answer.status_code == 201, answer.content.decode()
    return App(answer.json()["token"])


def forget_limits() -> None:
    """Whoever is counted by an id of an earlier test begins anew."""
    store = redis.Redis.from_url(settings.REDIS_URL)
    for key in store.scan_iter("limit:my:*"):
        store.delete(key)
