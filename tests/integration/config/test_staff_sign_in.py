"""How staff prove who they are: password, second factor, the one lock, and doors that do not exist."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.hashers import identify_hasher
from django.core.cache import cache
from django.test import Client, override_settings
from django.urls import NoReverseMatch, Resolver404, get_resolver, resolve, reverse
from django.utils import timezone

from config.settings import base
from config.shared import lockout, passwords, second_factors
from config.shared.models import OrgUnit, Role, RoleGrant, User
from config.shared.roles import load_roles
from tests.factories.soft_passkey import give_passkey
from tests.factories.staff import app_code, give_app, prove, through_the_door
from tests.factories.world import PASSWORD, make_unit, make_user

pytestmark = pytest.mark.django_db(transaction=True)

DOOR, SECOND, HERE = "/sign-in/", "/sign-in/second-factor/", "/account/"
ALONE = "/sign-in/passkey/"


@pytest.fixture
def clerk() -> User:
    load_roles()
    unit = make_unit(None, OrgUnit.Kind.PROVINCE, "01", "一省")
    make_user("administrator", unit, "administrator")
    return make_user("clerk", unit, "clerk")


def mistype(client: Client, times: int, username: str = "clerk") -> Any:
    for _ in range(times):
        answer = client.post(DOOR, {"username": username, "password": "wrong"})
    return answer


class TestAPassword:
    def test_is_kept_as_argon2(self) -> None:
        # Tests themselves run with a quick one.
        assert base.PASSWORD_HASHERS[0].endswith("Argon2PasswordHasher")

    @override_settings(
        PASSWORD_HASHERS=[
            "django.contrib.auth.hashers.Argon2PasswordHasher",
            "django.contrib.auth.hashers.PBKDF2PasswordHasher",
            "django.contrib.auth.hashers.MD5PasswordHasher",
        ]
    )
    def test_of_an_older_kind_is_made_new_at_the_door(self, clerk: User) -> None:
        assert identify_hasher(clerk.password).algorithm == "md5"

        client = through_the_door("clerk")

        clerk.refresh_from_db()
        assert identify_hasher(clerk.password).algorithm == "argon2"
        assert client.get(HERE).status_code == 200

    def test_wrong_or_of_nobody_is_answered_with_the_same_words(self, clerk: User) -> None:
        User.objects.create_user("gone", password=PASSWORD, is_active=False)
        User.objects.create_user("customer", password=PASSWORD, kind=User.Kind.CUSTOMER)
        tries = [("clerk", "wrong"), ("nobody", PASSWORD), ("gone", PASSWORD), ("customer", PASSWORD)]

        answers = [Client().post(DOOR, {"username": name, "password": typed}) for name, typed in tries]

        texts = {
            answer.content.decode().split("<main")[1].replace(name, "…").split("csrfmiddlewaretoken")[0]
            for answer, (name, _typed) in zip(answers, tries, strict=True)
        }
        assert {answer.status_code for answer in answers} == {200}
        errors = [answer.context["form"].non_field_errors() for answer in answers]
        assert errors[0] == errors[1] == errors[2] == errors[3] and len(texts) == 1

    def test_that_is_changed_ends_every_other_session_and_keeps_this_one(self, clerk: User) -> None:
        here, elsewhere = through_the_door("clerk"), through_the_door("clerk")
        typed = {"old": PASSWORD, "new": "another-word-42", "again": "another-word-42"}

        answer = here.post("/account/password/", typed)

        assert answer["Location"] == HERE
        assert here.get(HERE).status_code == 200
        assert elsewhere.get(HERE).status_code == 302
        through_the_door("clerk", password="another-word-42")

    @pytest.mark.parametrize(
        ("typed", "said"),
        [
            ({"old": "wrong", "new": "another-word-42", "again": "another-word-42"}, "现在的密码不对"),
            ({"old": PASSWORD, "new": "another-word-42", "again": "another-word-43"}, "不一样"),
            ({"old": PASSWORD, "new": "12345678", "again": "12345678"}, "password"),
            ({"old": PASSWORD, "new": PASSWORD, "again": PASSWORD}, "要和现在的不一样"),
        ],
    )
    def test_is_not_changed_for_a_bad_one(self, clerk: User, typed: dict[str, str], said: str) -> None:
        client = through_the_door("clerk")

        answer = client.post("/account/password/", typed)

        clerk.refresh_from_db()
        assert answer.status_code == 422 and clerk.check_password(PASSWORD)
        assert said == "password" or said in answer.content.decode()

    def test_that_is_temporary_opens_only_the_page_that_changes_it(self, clerk: User) -> None:
        given = passwords.set_temporary_password(user_id=clerk.pk, by_id=None, at=timezone.now())
        client = through_the_door("clerk", password=given)

        assert client.get("/console/payments/")["Location"] == "/account/password/"
        assert client.get(HERE)["Location"] == "/account/password/"
        assert client.get("/console/payments/", HTTP_HX_REQUEST="true")["HX-Redirect"] == "/account/password/"
        refused = client.get("/api/v1/accounts/1/payments/")
        assert (refused.status_code, refused.json()["code"]) == (403, "password-change-needed")
        client.post("/account/password/", {"old": given, "new": "my-own-word-42", "again": "my-own-word-42"})
        assert client.get("/console/payments/").status_code == 200

    def test_that_is_temporary_lets_in_for_a_day_only(self, clerk: User) -> None:
        long_ago = timezone.now() - timedelta(seconds=settings.TEMPORARY_PASSWORD_LASTS_S + 1)
        given = passwords.set_temporary_password(user_id=clerk.pk, by_id=None, at=long_ago)

        answer = Client().post(DOOR, {"username": "clerk", "password": given})

        assert answer.status_code == 200 and "已经过期" in answer.content.decode()


class TestTheLock:
    @pytest.mark.acceptance("F166")
    def test_counts_passwords_and_second_factors_together(self, clerk: User) -> None:
        give_app(clerk)
        client = Client()
        mistype(client, settings.STAFF_MISTAKES_ALLOWED - 2)
        client.post(DOOR, {"username": "clerk", "password": PASSWORD})

        first = client.post(SECOND, {"code": "000000"})
        last = client.post(SECOND, {"code": "000000"})

        assert (first.status_code, last.status_code) == (422, 429)
        assert client.get(SECOND).status_code == 429
        assert Client().post(DOOR, {"username": "clerk", "password": PASSWORD}).status_code == 429

    def test_counts_step_ups_too(self, clerk: User) -> None:
        client = prove(through_the_door("clerk"), at=timezone.now() - timedelta(hours=1))

        answers = [
            client.post("/account/authenticator/remove/", {"step_up": "POST", "step_up_password": "wrong"})
            for _ in range(settings.STAFF_MISTAKES_ALLOWED)
        ]

        assert [answer.status_code for answer in answers] == [422] * 4 + [429]
        assert Client().post(DOOR, {"username": "clerk", "password": PASSWORD}).status_code == 429

    def test_shuts_for_names_that_do_not_exist_just_the_same(self, clerk: User) -> None:
        known, unknown = mistype(Client(), 5), mistype(Client(), 5, "nobody")

        assert known.status_code == unknown.status_code == 429
        assert known.content.decode().split("<main")[1].count("锁定") == unknown.content.decode().split("<main")[
            1
        ].count("锁定")

    def test_is_for_a_name_at_an_address_and_no_neighbour(self, clerk: User) -> None:
        mistype(Client(REMOTE_ADDR="10.0.0.8"), 5)

        through_the_door("administrator", REMOTE_ADDR="10.0.0.8")
        through_the_door("clerk", REMOTE_ADDR="10.0.0.9")

    def test_shuts_the_second_factor_everywhere_after_many_from_many_places(self, clerk: User) -> None:
        give_app(clerk)
        for number in range(10):
            thief = Client(REMOTE_ADDR=f"10.0.1.{number}")
            thief.post(DOOR, {"username": "clerk", "password": PASSWORD})
            for _ in range(3):
                thief.post(SECOND, {"code": "000000"})
        client = Client(REMOTE_ADDR="10.0.0.9")
        client.post(DOOR, {"username": "clerk", "password": PASSWORD})

        assert client.get(SECOND).status_code == 429
        lockout.forgive(username="clerk")
        assert client.get(SECOND).status_code == 200

    def test_lets_nobody_be_kept_out_by_wrong_passwords_of_strangers(self, clerk: User) -> None:
        secret, _codes = give_app(clerk)
        for number in range(7):
            mistype(Client(REMOTE_ADDR=f"10.0.1.{number}"), 5)
        client = Client(REMOTE_ADDR="10.0.0.9")
        client.post(DOOR, {"username": "clerk", "password": PASSWORD})

        assert client.post(SECOND, {"code": app_code(secret, timezone.now())}).status_code == 302
        assert client.get(HERE).status_code == 200

    def test_keeps_nothing_of_what_was_typed_before_a_step_up(self, clerk: User) -> None:
        client = prove(through_the_door("clerk"), at=timezone.now() - timedelta(hours=1))

        client.post("/account/authenticator/remove/", {"step_up": "POST", "step_up_password": "wrong", "note": "机密"})
        client.post("/account/password/", {"old": "wrong", "new": "another-word-42", "again": "another-word-42"})

        kept = AccessAttempt.objects.get(username="clerk")
        assert kept.failures_since_start == 2
        assert all(set(row.post_data) <= set("\n-") for row in AccessAttempt.objects.all())


class TestASecondFactor:
    @pytest.mark.acceptance("F166")
    def test_is_asked_for_at_the_door_and_leads_on_to_the_page_asked_for(self, clerk: User) -> None:
        secret, _codes = give_app(clerk)
        client = Client()

        halfway = client.post(DOOR, {"username": "clerk", "password": PASSWORD, "next": "/console/payments/"})

        assert halfway["Location"] == SECOND
        assert client.get("/console/payments/")["Location"].startswith(DOOR)
        wrong = client.post(SECOND, {"code": "12 34 56"})
        assert wrong.status_code == 422 and "动态码不对" in wrong.content.decode()
        right = client.post(SECOND, {"code": app_code(secret, timezone.now())})
        assert right["Location"] == "/console/payments/"
        assert client.get("/console/payments/").status_code == 200

    def test_cannot_be_used_twice_as_long_as_it_is_right(self, clerk: User) -> None:
        secret, _codes = give_app(clerk)
        code = app_code(secret, timezone.now())
        second_factors.check_code(user_id=clerk.pk, code=code, at=timezone.now())
        # The library remembers it for half a minute only; with the tolerated steps it is right for longer.
        cache.delete(f"allauth.mfa.totp.used?user={clerk.pk}&code={code}")

        with pytest.raises(second_factors.WrongCode):
            second_factors.check_code(user_id=clerk.pk, code=code, at=timezone.now())

    def test_may_be_a_recovery_code_once(self, clerk: User) -> None:
        _secret, codes = give_app(clerk)
        assert len(codes) == 10
        for expected in (302, 422):
            client = Client()
            client.post(DOOR, {"username": "clerk", "password": PASSWORD})

            assert client.post(SECOND, {"code": codes[0]}).status_code == expected

        assert second_factors.factors_of(user_id=clerk.pk).recovery_codes_left == 9

    def test_is_kept_sealed(self, clerk: User) -> None:
        secret, codes = give_app(clerk)

        kept = " ".join(str(row.data) for row in Authenticator.objects.all())

        assert Authenticator.objects.count() == 2
        assert secret not in kept and not any(code in kept for code in codes)

    def test_waits_five_minutes_and_no_longer(self, clerk: User) -> None:
        secret, _codes = give_app(clerk)
        client = Client()
        client.post(DOOR, {"username": "clerk", "password": PASSWORD})
        session = client.session
        kept = session["second_factor_of"]
        session["second_factor_of"] = {**kept, "at": (timezone.now() - timedelta(minutes=6)).isoformat()}
        session.save()

        answer = client.post(SECOND, {"code": app_code(secret, timezone.now())})

        assert answer["Location"] == DOOR and client.get(HERE).status_code == 302

    def test_without_a_first_step_leads_to_the_door(self, clerk: User) -> None:
        assert Client().post(SECOND, {"code": "123456"})["Location"] == DOOR

    def test_does_not_save_a_first_step_whose_password_was_changed_meanwhile(self, clerk: User) -> None:
        secret, _codes = give_app(clerk)
        client = Client()
        client.post(DOOR, {"username": "clerk", "password": PASSWORD})
        passwords.set_temporary_password(user_id=clerk.pk, by_id=None, at=timezone.now())

        assert client.post(SECOND, {"code": app_code(secret, timezone.now())})["Location"] == DOOR

    def test_is_set_up_on_ones_own_page(self, clerk: User) -> None:
        client = through_the_door("clerk")
        shown = client.get("/account/authenticator/").content.decode()
        secret = client.session["authenticator_secret"]
        assert secret[:4] in shown and "data:image/svg+xml" in shown

        wrong = client.post("/account/authenticator/", {"code": "000000"})
        right = client.post("/account/authenticator/", {"code": app_code(secret, timezone.now())})

        assert wrong.status_code == 422
        assert right.status_code == 200 and "只显示这一次" in right.content.decode()
        assert second_factors.factors_of(user_id=clerk.pk).any
        assert "authenticator_secret" not in client.session

    def test_is_taken_away_with_its_recovery_codes(self, clerk: User) -> None:
        client = through_the_door("clerk")
        give_app(clerk)
        prove(client, by="code")

        client.post("/account/authenticator/remove/")

        assert not Authenticator.objects.exists()


@pytest.fixture
def needed(settings: Any) -> None:
    """As in production."""
    settings.STAFF_MFA_REQUIRED_PERMISSIONS = ["shared.manage_users"]


@pytest.mark.usefixtures("needed")
class TestWhereARoleNeedsASecondFactor:
    @pytest.mark.acceptance("F166")
    def test_nothing_opens_before_it_is_set_up(self, clerk: User) -> None:
        client = through_the_door("administrator")

        assert client.get("/console/jobs/")["Location"] == HERE
        assert "您的岗位要求" in client.get(HERE).content.decode()
        assert client.get("/api/v1/accounts/1/payments/").json()["code"] == "second-factor-needed"
        client.get("/account/authenticator/")
        secret = client.session["authenticator_secret"]
        client.post("/account/authenticator/", {"code": app_code(secret, timezone.now())})
        assert client.get("/console/jobs/").status_code == 200

    def test_others_are_not_asked(self, clerk: User) -> None:
        assert through_the_door("clerk").get("/console/payments/").status_code == 200

    def test_it_is_asked_from_the_moment_the_role_is_given(self, clerk: User) -> None:
        client = through_the_door("clerk")
        assert client.get("/console/payments/").status_code == 200

        role = Role.objects.get(code="administrator")
        RoleGrant.objects.create(user=clerk, role=role, org_unit=clerk.org_unit)  # type: ignore[misc]

        assert client.get("/console/payments/")["Location"] == HERE

    def test_the_last_one_cannot_be_taken_away(self, clerk: User) -> None:
        administrator = User.objects.get(username="administrator")
        give_app(administrator)

        with pytest.raises(second_factors.StillNeeded):
            second_factors.remove_app(user_id=administrator.pk)


class TestDoorsThatDoNotExist:
    @pytest.mark.parametrize(
        "name",
        [
            "account_signup",
            "account_login",
            "account_reset_password",
            "account_email",
            "account_request_login_code",
            "account_signup_by_passkey",
            "socialaccount_signup",
            "socialaccount_connections",
            "mfa_index",
            "mfa_signup_webauthn",
            "openid_connect_login",
        ],
    )
    def test_no_address_of_allauth_is_there(self, name: str) -> None:
        with pytest.raises(NoReverseMatch):
            reverse(name)

    @pytest.mark.parametrize(
        "path", ["/accounts/signup/", "/signup/", "/accounts/password/reset/", "/password/reset/", "/sign-up/"]
    )
    def test_nobody_registers_or_resets_by_mail(self, path: str) -> None:
        with pytest.raises(Resolver404):
            resolve(path)

    def test_no_view_of_allauth_is_mounted_anywhere(self) -> None:
        def views(resolver: Any) -> Any:
            for entry in resolver.url_patterns:
                yield from views(entry) if hasattr(entry, "url_patterns") else [entry.callback.__module__]

        assert not [module for module in views(get_resolver()) if module.startswith("allauth")]


class TestThePageAskedFor:
    @pytest.mark.parametrize("wanted", [DOOR, f"{DOOR}?next={DOOR}", "https://other.example/", "//other.example"])
    def test_is_never_the_door_itself_nor_somebody_elses_house(self, clerk: User, wanted: str) -> None:
        client = Client()

        first = client.post(DOOR, {"username": "clerk", "password": PASSWORD, "next": wanted})
        again = client.get(DOOR, {"next": wanted})

        assert (first["Location"], again["Location"]) == ("/", "/")


class TestAPasskeyAlone:
    def test_opens_the_door_when_its_owner_was_verified(self, clerk: User) -> None:
        client, passkey = Client(), give_passkey(clerk)
        question = client.get(ALONE).json()

        client.post(ALONE, {"credential": passkey.answer(question, is_verified=True)})

        assert client.get(HERE).status_code == 200

    def test_that_was_stolen_opens_nothing_with_the_question_of_another_page(self, clerk: User) -> None:
        passkey, colleague = give_passkey(clerk), User.objects.get(username="administrator")
        give_passkey(colleague)
        client = through_the_door("administrator")
        question = client.get(SECOND).context["passkey_question"]

        client.post(ALONE, {"credential": passkey.answer(question, is_verified=False)})

        assert client.get(HERE).status_code == 302
