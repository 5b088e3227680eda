"""Where staff are signed in: listed, ended from afar, limited in number and time."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.models import Session
from django.db import IntegrityError
from django.test import Client
from django.utils import timezone

from config.shared import sessions
from config.shared.devices import summary_of
from config.shared.models import OrgUnit, StaffSession, User
from config.shared.roles import load_roles
from tests.factories.staff import app_code, give_app, through_the_door
from tests.factories.world import PASSWORD, make_unit, make_user

pytestmark = pytest.mark.django_db(transaction=True)

HERE = "/account/"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
)


@pytest.fixture
def clerk() -> User:
    load_roles()
    unit = make_unit(None, OrgUnit.Kind.PROVINCE, "01", "一省")
    make_user("other", unit, "clerk")
    return make_user("clerk", unit, "clerk")


def aged(client: Client, *, began: timedelta = timedelta(), seen: timedelta = timedelta()) -> Client:
    """As if the session had begun, and was last used, so long ago."""
    session, now = client.session, timezone.now()
    kept = session["staff_session"]
    session["staff_session"] = {**kept, "began": (now - began).isoformat(), "seen": (now - seen).isoformat()}
    session.save()
    return client


class TestTheList:
    def test_shows_device_and_address_and_nothing_else_of_the_browser(self, clerk: User) -> None:
        client = through_the_door("clerk", HTTP_USER_AGENT=CHROME, REMOTE_ADDR="10.1.2.3")

        shown = client.get(HERE).content.decode()

        assert "Chrome · Windows" in shown and "10.1.2.3" in shown and "这台设备" in shown
        row = StaffSession.objects.get()
        assert (row.device, row.address) == ("Chrome · Windows", "10.1.2.3")

    def test_is_ones_own(self, clerk: User) -> None:
        through_the_door("other", REMOTE_ADDR="10.9.9.9")

        assert "10.9.9.9" not in through_the_door("clerk").get(HERE).content.decode()

    def test_is_nothing_for_customers(self, clerk: User) -> None:
        client = Client()
        client.force_login(User.objects.create(username="c", kind=User.Kind.CUSTOMER))

        assert client.get(HERE).status_code == 404

    def test_costs_the_same_however_many(self, clerk: User, django_assert_max_num_queries: object) -> None:
        client = through_the_door("clerk")
        now = timezone.now()
        StaffSession.objects.bulk_create(
            StaffSession(user=clerk, began_at=now, seen_at=now, ended_at=now, end="signed-out") for _ in range(50)
        )

        with django_assert_max_num_queries(8):  # type: ignore[operator]
            client.get(HERE)


class TestEnding:
    @pytest.mark.acceptance("F166")
    def test_another_session_is_refused_at_its_next_request(self, clerk: User) -> None:
        here, elsewhere = through_the_door("clerk"), through_the_door("clerk")
        other_id = elsewhere.session["staff_session"]["id"]

        here.post(f"{HERE}sessions/{other_id}/end/")

        assert elsewhere.get(HERE)["Location"] == f"/sign-in/?next={HERE}"
        assert here.get(HERE).status_code == 200
        row = StaffSession.objects.get(pk=other_id)
        assert (row.end, row.session_key, row.ended_by_id) == ("ended-elsewhere", None, clerk.pk)

    def test_all_others_keeps_this_one(self, clerk: User) -> None:
        here, second, third = (through_the_door("clerk") for _ in range(3))

        here.post(f"{HERE}sessions/end/")

        assert [client.get(HERE).status_code for client in (here, second, third)] == [200, 302, 302]

    def test_somebody_elses_is_not_found(self, clerk: User) -> None:
        theirs, mine = through_the_door("other"), through_the_door("clerk")
        their_id = theirs.session["staff_session"]["id"]

        assert mine.post(f"{HERE}sessions/{their_id}/end/").status_code == 404
        assert theirs.get(HERE).status_code == 200

    def test_by_signing_out_is_noted(self, clerk: User) -> None:
        client = through_the_door("clerk")

        client.post("/sign-out/")

        assert StaffSession.objects.get().end == "signed-out"

    def test_by_somebody_else_signing_in_here_is_noted(self, clerk: User) -> None:
        secret, _codes = give_app(clerk)
        client = through_the_door("other")
        halfway = Client()
        halfway.post("/sign-in/", {"username": "clerk", "password": PASSWORD})
        session = client.session
        session["second_factor_of"] = halfway.session["second_factor_of"]
        session.save()

        client.post("/sign-in/second-factor/", {"code": app_code(secret, timezone.now())})

        assert client.get(HERE).status_code == 200
        assert StaffSession.objects.get(user__username="other").end == "signed-out"

    def test_a_session_that_is_being_used_does_not_bring_it_back(self, clerk: User) -> None:
        """Django saves a changed session at the end of a request; a session that ended meanwhile stays ended."""
        client = through_the_door("clerk")
        session = client.session
        session["something"] = 1
        sessions.end_all(user_id=clerk.pk, end=StaffSession.End.DISABLED, at=timezone.now(), by_id=None)

        with pytest.raises(UpdateError):
            session.save()

        assert not Session.objects.exists()


class TestLimits:
    @pytest.mark.acceptance("F166")
    def test_only_so_many_at_once_the_oldest_goes(self, clerk: User) -> None:
        clients = [through_the_door("clerk") for _ in range(settings.STAFF_SESSIONS_AT_ONCE + 1)]

        codes = [client.get(HERE).status_code for client in clients]

        assert codes == [302] + [200] * settings.STAFF_SESSIONS_AT_ONCE
        assert StaffSession.objects.get(end="too-many").pk == min(StaffSession.objects.values_list("pk", flat=True))

    @pytest.mark.acceptance("F166")
    @pytest.mark.parametrize(
        ("began_s", "seen_s", "end"),
        [
            (settings.STAFF_SESSION_IDLE_S + 60, settings.STAFF_SESSION_IDLE_S - 60, None),
            (settings.STAFF_SESSION_IDLE_S + 60, settings.STAFF_SESSION_IDLE_S, "idle"),
            (settings.STAFF_SESSION_LIMIT_S - 60, 1, None),
            (settings.STAFF_SESSION_LIMIT_S, 1, "too-old"),
        ],
    )
    def test_idle_and_old_sessions_end(self, clerk: User, began_s: int, seen_s: int, end: str | None) -> None:
        client = aged(through_the_door("clerk"), began=timedelta(seconds=began_s), seen=timedelta(seconds=seen_s))

        answer = client.get(HERE)

        assert answer.status_code == (302 if end else 200)
        assert StaffSession.objects.get().end == (end or "")

    def test_somebody_at_work_is_not_idle(self, clerk: User) -> None:
        client = aged(through_the_door("clerk"), seen=timedelta(minutes=5))

        client.get(HERE)

        seen = datetime.fromisoformat(client.session["staff_session"]["seen"])
        assert timezone.now() - seen < timedelta(minutes=1)

    def test_a_page_that_asks_by_itself_is_no_sign_of_work(self, clerk: User) -> None:
        client = aged(through_the_door("clerk"), seen=timedelta(minutes=5))

        client.get(HERE, HTTP_X_QUIET="1")

        seen = datetime.fromisoformat(client.session["staff_session"]["seen"])
        assert timezone.now() - seen > timedelta(minutes=4)

    def test_an_ended_session_has_no_key_whatever_writes_it(self, clerk: User) -> None:
        now = timezone.now()
        with pytest.raises(IntegrityError):
            StaffSession.objects.create(
                user=clerk, session_key="k", began_at=now, seen_at=now, ended_at=now, end="idle"
            )

    def test_old_rows_are_forgotten(self, clerk: User) -> None:
        now = timezone.now()
        StaffSession.objects.create(user=clerk, began_at=now, seen_at=now, ended_at=now, end="idle")
        StaffSession.objects.create(user=clerk, session_key="k", began_at=now, seen_at=now)

        assert sessions.prune(before=now - timedelta(days=1)) == 0
        assert sessions.prune(before=now + timedelta(days=1)) == 2


class TestADevice:
    @pytest.mark.parametrize(
        ("user_agent", "said"),
        [
            (CHROME, "Chrome · Windows"),
            (CHROME + " Edg/131.0", "Edge · Windows"),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Mobile Safari/604.1",
                "Safari · iPhone",
            ),
            ("Mozilla/5.0 (Linux; Android 14) Chrome/130 Mobile MicroMessenger/8.0", "微信 · Android"),
            ("curl/8.0", ""),
        ],
    )
    def test_is_named_in_two_words(self, user_agent: str, said: str) -> None:
        assert summary_of(user_agent) == said
