"""Nothing typed is lost, and nobody else ever sees it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone

from cis.models import Customer
from config.shared import drafts
from config.shared.models import Draft, User
from config.shared.tasks import purge_working_places
from tests.factories.world import PASSWORD, World, small_world

pytestmark = pytest.mark.django_db

EDIT = "/console/accounts/4290000001/customer/"


@pytest.fixture
def world() -> World:
    """The tiny utility."""
    return small_world()


def browser_of(username: str, **options: bool) -> Client:
    client = Client(**options)  # type: ignore[arg-type]
    client.force_login(User.objects.get(username=username), "django.contrib.auth.backends.ModelBackend")
    return client


def ticket_on(page: str) -> str:
    found = re.search(r'name="draft_ticket" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def typed(client: Client) -> dict[str, str]:
    """The form as it was opened, with something typed into it."""
    page = client.get(EDIT).content.decode()
    return {"version": "1", "name": "张三丰", "kind": "person", "phone": "13900001111", "draft_ticket": ticket_on(page)}


class TestWhileOneTypes:
    def test_it_is_kept_and_given_back_with_the_page(self, world: World) -> None:
        clerk = browser_of("clerk_a")

        assert clerk.post("/drafts/", typed(clerk)).status_code == 204

        page = clerk.get(EDIT).content.decode()
        assert 'value="张三丰"' in page and 'value="13900001111"' in page and "填到一半" in page
        assert Customer.objects.get(pk=world.residential.customer_id).name == "张三"

    def test_it_is_sealed_at_rest(self, world: World) -> None:
        clerk = browser_of("clerk_a")
        clerk.post("/drafts/", typed(clerk))

        with connection.cursor() as cursor:
            cursor.execute("SELECT content, form, subject, address FROM shared_draft")
            row = cursor.fetchone()

        assert row[0].startswith(f"{settings.PERSONAL_DATA_CIPHER}:")
        assert "13900001111" not in "".join(row) and row[1:3] == ("edit-customer", "4290000001")

    def test_another_user_never_sees_it_nor_can_put_it_away(self, world: World) -> None:
        clerk, other = browser_of("clerk_a"), browser_of("clerk_b")
        form = typed(clerk)
        clerk.post("/drafts/", form)

        page = other.get(EDIT).content.decode()
        other.post("/drafts/forget/", {"draft_ticket": form["draft_ticket"]})

        assert "张三丰" not in page and "13900001111" not in page and "填到一半" not in page
        assert Draft.objects.get().user_id == world.clerk_a_id

    def test_a_ticket_that_was_changed_keeps_nothing(self, world: World) -> None:
        clerk = browser_of("clerk_a")
        form = typed(clerk)
        form["draft_ticket"] = form["draft_ticket"][:-3] + "abc"

        assert clerk.post("/drafts/", form).status_code == 422
        assert not Draft.objects.exists()

    def test_passwords_codes_and_keys_of_a_sending_are_never_kept(self, world: World) -> None:
        clerk = browser_of("clerk_a")
        secret = {"password": "a", "new_password1": "b", "code": "123456", "form_key": "c", "csrfmiddlewaretoken": "d"}

        clerk.post("/drafts/", {**typed(clerk), **secret})

        kept = drafts.get_draft(
            user_id=world.clerk_a_id, form="edit-customer", subject="4290000001", now=timezone.now()
        )
        assert kept is not None and set(kept.fields) == {"version", "name", "kind", "phone"}

    def test_too_much_is_refused(self, world: World) -> None:
        clerk = browser_of("clerk_a")

        assert clerk.post("/drafts/", {**typed(clerk), "name": "长" * 70_000}).status_code == 413

    def test_it_can_be_put_away(self, world: World) -> None:
        clerk = browser_of("clerk_a")
        form = typed(clerk)
        clerk.post("/drafts/", form)

        answer = clerk.post("/drafts/forget/", {"draft_ticket": form["draft_ticket"]})

        assert answer["Location"] == EDIT and "张三丰" not in clerk.get(EDIT).content.decode()


class TestSending:
    def test_forgets_the_draft_when_the_page_took_it(self, world: World) -> None:
        clerk = browser_of("clerk_a")
        form = typed(clerk)
        clerk.post("/drafts/", form)

        assert clerk.post(EDIT, form).status_code == 302

        assert Customer.objects.get(pk=world.residential.customer_id).name == "张三丰"
        assert not Draft.objects.exists()

    def test_keeps_it_when_the_page_refused_it(self, world: World) -> None:
        clerk = browser_of("clerk_a")
        form = typed(clerk)
        clerk.post("/drafts/", form)

        assert clerk.post(EDIT, {**form, "name": ""}).status_code == 422

        assert Draft.objects.exists()

    def test_a_draft_on_a_record_that_changed_meanwhile_is_not_saved_over_it(self, world: World) -> None:
        clerk, other = browser_of("clerk_a"), browser_of("clerk_b")
        form = typed(clerk)
        clerk.post("/drafts/", form)
        other.post(EDIT, {"version": "1", "name": "张三乙", "kind": "person"})

        page = clerk.get(EDIT).content.decode()
        version = re.search(r'name="version" value="(\d+)"', page)
        assert version is not None
        answer = clerk.post(EDIT, {**form, "version": version[1]})

        assert answer.status_code == 409 and "张三乙" in answer.content.decode() and "张三丰" in answer.content.decode()


class TestAnEndedSession:
    """Without a script: what was sent after the session had ended comes back after signing in again."""

    def test_keeps_what_was_sent_and_gives_it_back_to_its_owner(self, world: World) -> None:
        clerk = browser_of("clerk_a")
        form = typed(clerk)
        clerk.session.flush()

        door = clerk.post(EDIT, form)
        assert door.status_code == 302 and door["Location"].startswith("/sign-in/?next=/console/accounts/")
        back = clerk.post(door["Location"], {"username": "clerk_a", "password": PASSWORD, "next": EDIT}, follow=True)

        page = back.content.decode()
        assert 'value="张三丰"' in page and 'value="13900001111"' in page and "登录已过期" in page
        assert Customer.objects.get(pk=world.residential.customer_id).name == "张三"

    def test_gives_it_to_nobody_else_who_signs_in_there(self, world: World) -> None:
        clerk = browser_of("clerk_a")
        form = typed(clerk)
        clerk.session.flush()
        door = clerk.post(EDIT, form)

        back = clerk.post(door["Location"], {"username": "clerk_b", "password": PASSWORD, "next": EDIT}, follow=True)

        page = back.content.decode()
        assert 'name="name"' in page and "张三丰" not in page and "13900001111" not in page
        assert Draft.objects.get().user_id == world.clerk_a_id

    def test_keeps_what_is_still_being_typed(self, world: World) -> None:
        clerk = browser_of("clerk_a")
        form = typed(clerk)
        clerk.session.flush()

        assert clerk.post("/drafts/", form).status_code == 204
        assert Draft.objects.get().user_id == world.clerk_a_id

    def test_a_token_of_the_old_session_loses_nothing_either(self, world: World) -> None:
        """Its owner signed in again in another tab: the form's token no longer fits."""
        clerk = browser_of("clerk_a", enforce_csrf_checks=True)
        form = typed(clerk)

        answer = clerk.post(EDIT, {**form, "csrfmiddlewaretoken": "x" * 64})

        assert (answer.status_code, answer["Location"]) == (302, EDIT)
        assert "张三丰" in clerk.get(EDIT).content.decode()


class TestOldDrafts:
    def test_are_not_given_back_and_are_purged(self, world: World) -> None:
        clerk = browser_of("clerk_a")
        clerk.post("/drafts/", typed(clerk))
        Draft.objects.update(saved_at=timezone.now() - settings.DRAFT_LIFETIME - timedelta(minutes=1))

        assert "张三丰" not in clerk.get(EDIT).content.decode()
        purge_working_places()
        purge_working_places()

        assert not Draft.objects.exists()

    def test_the_purge_stands_in_the_schedule(self) -> None:
        assert purge_working_places.name in {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
