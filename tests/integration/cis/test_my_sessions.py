"""Apps of customers sign in: by the mini program's code, by telephone; tokens die when they must."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from cis.models import PortalPerson, WechatIdentity
from cis.operations import portal_wechat
from cis.simulators import wechat_mini
from cis.simulators.wechat import openid_of
from config.shared import app_sessions
from config.shared.models import AppSession, Message, User
from tests.factories.my_api import App, app_of, forget_limits, js_code, newest_code, sign_in, wechat_on_the_line
from tests.factories.world import PORTAL_TELEPHONE, World, small_world

pytestmark = pytest.mark.django_db(transaction=True)

TELEPHONE = "13900001111"


@pytest.fixture
def world() -> World:
    return small_world()


@pytest.fixture(autouse=True)
def line(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    cache.clear()
    forget_limits()
    return wechat_on_the_line(monkeypatch)


def by_wechat(who: str = "小陈") -> tuple[App, dict[str, Any]]:
    answer = App().post("sessions", {"code": js_code(who)})
    assert answer.status_code == 201, answer.content.decode()
    return App(answer.json()["token"]), answer.json()


class TestTheMiniProgram:
    def test_asks_a_new_wechat_for_a_telephone_once_and_never_again(self, world: World) -> None:
        waiting, said = by_wechat()
        assert said["state"] == "telephone-needed" and said["telephone"] == ""
        assert waiting.get("accounts").json()["code"] == "telephone-needed"

        app = sign_in(TELEPHONE, app=waiting)

        assert app.get("sessions/current").json() | {"expires_at": ""} == {
            "state": "signed-in", "telephone": "139****1111", "has_wechat": True, "expires_at": "",
        }  # fmt: skip
        assert waiting.get("sessions/current").status_code == 401
        again, said = by_wechat()
        assert said["state"] == "signed-in" and again.get("accounts").json() == {"results": []}
        identity = WechatIdentity.objects.get()
        assert identity.app_id == "wx-simulated-mini"
        assert identity.user_id == PortalPerson.objects.exclude(pk=world.portal_user_id).get().pk

    def test_knows_a_person_of_the_official_account_by_the_unionid(self, world: World) -> None:
        sealed = portal_wechat.waiting(
            app_id="wx-simulated", openid=openid_of("小陈", "wx-simulated"), unionid=openid_of("小陈", "union"),
            at=timezone.now(),
        )  # fmt: skip
        portal_wechat.join(user_id=world.portal_user_id, sealed=sealed, at=timezone.now())

        app, said = by_wechat()

        assert said["state"] == "signed-in"
        numbers = [one["account_no"] for one in app.get("accounts").json()["results"]]
        assert numbers == [world.residential.account_no]

    def test_takes_a_code_once(self, world: World) -> None:
        code = js_code()
        assert App().post("sessions", {"code": code}).status_code == 201

        answer = App().post("sessions", {"code": code})

        assert (answer.status_code, answer.json()["code"]) == (422, "wechat-refused")
        assert AppSession.objects.count() == 1

    @pytest.mark.parametrize(
        ("fault", "status", "code"),
        [
            ("40029", 422, "wechat-refused"),
            ("40163", 422, "wechat-refused"),
            ("45011", 503, "wechat-silent"),
            ("-1", 503, "wechat-silent"),
        ],
    )
    def test_that_wechat_refuses_opens_nothing(self, world: World, fault: str, status: int, code: str) -> None:
        answer = App().post("sessions", {"code": js_code(fault=fault)})

        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer["Content-Type"].startswith("application/problem+json")
        assert not AppSession.objects.exists()

    @pytest.mark.parametrize("code", ["nobodys-code-nobodys-code", "x", "../etc/passwd", "a b c d e f g h", ""])
    def test_knows_no_made_up_code(self, world: World, code: str) -> None:
        assert App().post("sessions", {"code": code}).status_code == 422

    def test_says_so_when_wechat_is_away(self, world: World, line: dict[str, Any]) -> None:
        code = js_code()
        line["down"] = True

        answer = App().post("sessions", {"code": code})

        assert (answer.status_code, answer.json()["code"]) == (503, "wechat-silent")

    def test_keeps_the_session_key_and_the_secret_to_nobody(
        self, world: World, line: dict[str, Any], caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.DEBUG):
            code = js_code()
            answer = App().post("sessions", {"code": code})
            App().post("sessions", {"code": code})

        assert '"session_key"' in line["answers"][0]
        session_key = line["answers"][0].partition('"session_key": "')[2].partition('"')[0]
        token, openid = answer.json()["token"], openid_of("小陈", "wx-simulated-mini")
        written = caplog.text + "".join(
            str(vars(record)) for record in caplog.records if "django.request" in record.name
        )
        for secret in (session_key, "simulated-mini&", token, openid):
            assert secret and secret not in written and (secret == token or secret not in answer.content.decode())
        stored = str(list(AppSession.objects.values_list())).replace(openid, "", 1)
        assert session_key not in stored and token not in stored
        with transaction.atomic():
            from_table = AppSession.objects.extra(select={"raw": "openid"}).values_list("raw", flat=True)
            assert openid not in list(from_table)


class TestTheSimulatedCode2Session:
    def asked(self, **changed: str) -> Any:
        sent = {
            "appid": "wx-simulated-mini",
            "secret": "simulated-mini",
            "grant_type": "authorization_code",
            "js_code": changed.pop("js_code", "") or js_code(),
        }
        return Client().get("/sim/wechat/sns/jscode2session", sent | changed).json()

    def test_answers_as_wechat_does(self) -> None:
        said = self.asked()

        assert set(said) == {"openid", "session_key", "unionid"} and len(said["openid"]) == 28

    @pytest.mark.parametrize(
        ("changed", "errcode"),
        [
            ({"appid": "wx-other"}, 40013),
            ({"secret": "guessed"}, 40125),
            ({"grant_type": "client_credential"}, 40002),
            ({"js_code": "never-given"}, 40029),
        ],
    )
    def test_checks_what_wechat_checks(self, changed: dict[str, str], errcode: int) -> None:
        assert self.asked(**changed)["errcode"] == errcode

    def test_takes_a_code_once_and_not_too_many_of_one_user(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(wechat_mini, "EXCHANGES_A_MINUTE", 3)
        code = js_code()
        self.asked(js_code=code)
        assert self.asked(js_code=code)["errcode"] == 40163

        said = [self.asked().get("errcode") for _time in range(3)]

        assert said[0] is None and said[-1] == 45011

    def test_forgets_a_code_after_five_minutes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        kept: dict[str, Any] = {}
        real = cache.set
        monkeypatch.setattr(cache, "set", lambda key, value, life: (kept.setdefault(key, life), real(key, value, life)))

        js_code()

        assert list(kept.values()) == [300]

    def test_is_not_there_where_there_are_no_simulators(self, settings: Any) -> None:
        settings.SIMULATORS = False

        assert Client().get("/sim/wechat/sns/jscode2session").status_code == 404
        assert Client().post("/sim/wechat/mini/login", {"who": "小陈"}).status_code == 404

    def test_says_what_it_is_on_its_page(self) -> None:
        assert "演示" in Client().get("/sim/wechat/mini/login").content.decode()
        assert "POST /api/v1/my/sessions" in Client().post("/sim/wechat/mini/login", {"who": "小陈"}).content.decode()


class TestATelephone:
    def test_known_or_not_is_answered_alike(self, world: World) -> None:
        answers = [App().post("sign-in-codes", {"telephone": number}) for number in (TELEPHONE, PORTAL_TELEPHONE)]

        assert answers[0].status_code == answers[1].status_code == 202
        assert answers[0].json() == answers[1].json()

    def test_gets_one_code_a_minute(self, world: World) -> None:
        App().post("sign-in-codes", {"telephone": TELEPHONE})

        answer = App().post("sign-in-codes", {"telephone": TELEPHONE})

        assert (answer.status_code, answer.json()["code"]) == (429, "code-too-soon")

    def test_with_a_wrong_code_opens_nothing_and_five_tries_are_all(self, world: World) -> None:
        App().post("sign-in-codes", {"telephone": TELEPHONE})
        right = newest_code()
        wrong = f"{(int(right) + 1) % 10**6:06d}"
        for _time in range(5):
            answer = App().post("sessions", {"telephone": TELEPHONE, "sms_code": wrong})
            assert (answer.status_code, answer.json()["code"]) == (422, "code-wrong")

        assert App().post("sessions", {"telephone": TELEPHONE, "sms_code": right}).status_code == 422
        assert not AppSession.objects.exists() and Message.objects.filter(kind="code").count() == 1

    @pytest.mark.parametrize("body", [{}, {"code": "x" * 9, "telephone": TELEPHONE}, {"telephone": TELEPHONE}, []])
    def test_half_a_way_in_is_none(self, body: Any) -> None:
        assert App().post("sessions", body).status_code == 422

    def test_joins_no_wechat_that_is_somebody_elses(self, world: World) -> None:
        first, _said = by_wechat()
        second, _said = by_wechat()
        sign_in(TELEPHONE, app=first)

        app = sign_in("13900002222", app=second)

        assert app.get("sessions/current").json()["has_wechat"] is False
        assert WechatIdentity.objects.count() == 1


class TestAToken:
    def test_is_told_once_and_only_its_digest_kept(self, world: World) -> None:
        app = app_of(world.portal_user_id, at=timezone.now())

        assert len(app.token) >= 43
        assert app.token not in str(AppSession.objects.values().get())

    @pytest.mark.parametrize(
        "header", ["Bearer ", "Bearer x", "Bearer " + "a" * 43, "Key abc.def", "Basic abc", "Bearer a b"]
    )
    def test_that_is_nobodys_is_refused_alike(self, world: World, header: str) -> None:
        answer = App().get("accounts", authorization=header)

        assert (answer.status_code, answer.json()["code"]) == (401, "session-ended")
        assert answer["WWW-Authenticate"] == "Bearer"

    def test_dies_when_it_runs_out_or_lies_unused(self, world: World) -> None:
        now = timezone.now()
        old = app_of(world.portal_user_id, at=now - timedelta(days=30))
        AppSession.objects.update(seen_at=now)
        unused = app_of(world.portal_user_id, at=now - timedelta(days=7))
        used = app_of(world.portal_user_id, at=now - timedelta(days=6))

        assert [one.get("accounts").status_code for one in (old, unused, used)] == [401, 401, 200]

    def test_of_a_waiting_wechat_dies_after_half_an_hour(self, world: World) -> None:
        app, _said = by_wechat()
        AppSession.objects.update(
            began_at=timezone.now() - timedelta(minutes=31), expires_at=timezone.now() - timedelta(minutes=1)
        )

        assert app.get("sessions/current").status_code == 401

    def test_dies_at_signing_out_here_and_elsewhere(self, world: World) -> None:
        here, there = (app_of(world.portal_user_id, at=timezone.now()) for _time in range(2))
        devices = here.get("devices").json()["results"]
        assert [one["is_this"] for one in devices] == [False, True]
        assert devices[0]["device"] == "微信 · iPhone"

        assert here.delete(f"devices/{devices[0]['session_id']}").status_code == 204
        assert there.get("accounts").status_code == 401
        assert here.delete("sessions/current").status_code == 204

        assert here.get("accounts").status_code == 401
        assert not AppSession.objects.filter(ended_at=None).exists()

    def test_signs_nobody_elses_app_out(self, world: World) -> None:
        mine = app_of(world.portal_user_id, at=timezone.now())
        other = User.objects.create_user("another", kind=User.Kind.CUSTOMER)
        session_id = mine.get("devices").json()["results"][0]["session_id"]

        answer = app_of(other.pk, at=timezone.now()).delete(f"devices/{session_id}")

        assert answer.status_code == 404 and mine.get("devices").status_code == 200

    def test_of_somebody_who_is_shut_out_is_dead_for_good(self, world: World) -> None:
        app = app_of(world.portal_user_id, at=timezone.now())
        User.objects.filter(pk=world.portal_user_id).update(is_active=False)
        assert app.get("accounts").status_code == 401
        User.objects.filter(pk=world.portal_user_id).update(is_active=True)

        assert app.get("accounts").status_code == 401

    def test_is_never_one_of_a_member_of_staff(self, world: World) -> None:
        assert app_of(world.clerk_a_id, at=timezone.now()).get("accounts").status_code == 401

    def test_that_came_by_wechat_dies_with_it(self, world: World) -> None:
        waiting, _said = by_wechat()
        app = sign_in(PORTAL_TELEPHONE, app=waiting)
        other = sign_in_elsewhere(world)

        portal_wechat.leave(user_id=world.portal_user_id, at=timezone.now())

        assert app.get("accounts").status_code == 401
        assert other.get("accounts").status_code == 200

    def test_opens_no_page_and_a_cookie_opens_no_api(self, world: World) -> None:
        app = app_of(world.portal_user_id, at=timezone.now())
        browser = Client()
        browser.force_login(User.objects.get(pk=world.portal_user_id), "django.contrib.auth.backends.ModelBackend")

        assert app.client.get("/my/", headers={"authorization": f"Bearer {app.token}"}).status_code == 302
        assert app.client.get(
            f"/api/v1/accounts/{world.residential.account_no}/", headers={"authorization": f"Bearer {app.token}"}
        ).status_code in (401, 403)
        assert browser.get("/api/v1/my/accounts").status_code == 401
        assert "sessionid" not in app.get("accounts").cookies

    def test_ten_devices_are_the_most(self, world: World) -> None:
        first = app_of(world.portal_user_id, at=timezone.now() - timedelta(minutes=1))

        others = [app_of(world.portal_user_id, at=timezone.now()) for _time in range(10)]

        assert first.get("accounts").status_code == 401
        assert {one.get("accounts").status_code for one in others} == {200}

    def test_that_ended_holds_nothing_and_the_database_says_so(self, world: World) -> None:
        app, _said = by_wechat()
        app.delete("sessions/current")

        row = AppSession.objects.get()
        assert (row.digest, row.app_id, row.openid, row.unionid) == (None, "", "", "")
        with pytest.raises(IntegrityError), transaction.atomic():
            AppSession.objects.update(ended_at=None)
        assert app_sessions.prune(at=timezone.now(), before=timezone.now()) == 1
        assert app_sessions.prune(at=timezone.now(), before=timezone.now()) == 0


def sign_in_elsewhere(world: World) -> App:
    """An app without WeChat."""
    return app_of(world.portal_user_id, at=timezone.now())
