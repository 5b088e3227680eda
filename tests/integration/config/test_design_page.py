"""The design page, and how each person's own colours and letters reach every page."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from config.shared import preferences
from config.shared.models import OrgUnit, Role, RoleGrant, User
from config.shared.roles import load_roles

pytestmark = pytest.mark.django_db


@pytest.fixture
def unit() -> OrgUnit:
    """A province."""
    return OrgUnit.objects.create(kind="province", code="P", name="省公司", path="/1/")


def person(unit: OrgUnit, role: str, name: str) -> User:
    """Somebody with a role in the whole province."""
    load_roles()
    user = User.objects.create_user(username=name, password="a-test-password-1", org_unit=unit)
    RoleGrant.objects.create(user=user, role=Role.objects.get(code=role), org_unit=unit)
    return user


@pytest.fixture
def admin(unit: OrgUnit) -> User:
    """An administrator."""
    return person(unit, "administrator", "admin1")


def html_attributes(body: str) -> str:
    """What stands on the page's `<html>`."""
    found = re.search(r"<html[^>]*>", body)
    assert found
    return found[0]


class TestDesignPage:
    """Every component in every state, for those who look after the house."""

    PARTS = (
        "page-head", "finder", "data-table", "field-error", "notice-bad", "stepper", "timeline", "deadline is-soon",
        "deadline is-breached", "chip-warn", "figure-value", "chart-canvas", "empty", "is-failed", "confirm",
        "progress-bad", "loading", "file-drop", "amount",
    )  # fmt: skip

    def test_shows_every_component(self, client: Client, admin: User) -> None:
        client.force_login(admin)

        body = client.get(reverse("design")).content.decode()

        assert [part for part in self.PARTS if part not in body] == []

    def test_holds_no_inline_script_or_style(self, client: Client, admin: User) -> None:
        client.force_login(admin)

        body = client.get(reverse("design")).content.decode()

        assert not re.search(r"<style|\sstyle=|\son\w+=", body)
        assert not re.search(r"<script(?![^>]*(src=|application/json))", body)

    def test_has_every_id_once(self, client: Client, admin: User) -> None:
        client.force_login(admin)

        ids = re.findall(r'\sid="([^"]+)"', client.get(reverse("design")).content.decode())

        assert sorted(ids) == sorted(set(ids))

    def test_is_offered_to_administrators_only(self, client: Client, admin: User, unit: OrgUnit) -> None:
        client.force_login(admin)
        offered = client.get(reverse("jobs")).content.decode()
        client.force_login(person(unit, "accountant", "accountant1"))

        assert reverse("design") in offered
        assert client.get(reverse("design")).status_code == 403
        assert reverse("design") not in client.get(reverse("jobs")).content.decode()

    def test_asks_a_stranger_to_sign_in(self, client: Client) -> None:
        assert client.get(reverse("design")).status_code == 302


class TestAppearance:
    """A cookie for anybody, a row for whoever is signed in; the row wins."""

    def choose(self, client: Client, **chosen: str) -> str:
        answer = client.post(reverse("set_appearance"), {"next": reverse("login"), **chosen})
        assert answer.status_code == 302
        return str(answer["Location"])

    def test_follows_the_system_until_somebody_chooses(self, client: Client) -> None:
        attributes = html_attributes(client.get(reverse("login")).content.decode())

        assert "data-theme" not in attributes
        assert "data-size" not in attributes

    def test_is_kept_in_a_cookie_for_anybody(self, client: Client) -> None:
        back = self.choose(client, theme="dark")
        self.choose(client, text_size="elder")

        attributes = html_attributes(client.get(back).content.decode())
        assert 'data-theme="dark"' in attributes
        assert 'data-size="elder"' in attributes

    def test_goes_with_the_user_to_another_machine(self, client: Client, admin: User) -> None:
        client.force_login(admin)
        self.choose(client, text_size="elder")
        elsewhere = Client()
        elsewhere.force_login(admin)

        assert 'data-size="elder"' in html_attributes(elsewhere.get(reverse("jobs")).content.decode())

    def test_of_the_user_wins_over_the_machine(self, client: Client, admin: User) -> None:
        self.choose(client, theme="dark", text_size="elder")
        preferences.keep_appearance(user_id=admin.pk, theme="light", text_size="")
        client.force_login(admin)

        attributes = html_attributes(client.get(reverse("jobs")).content.decode())
        assert 'data-theme="light"' in attributes
        assert "data-size" not in attributes

    def test_of_staff_leaves_no_cookie_on_a_shared_machine(self, client: Client, admin: User) -> None:
        client.force_login(admin)

        answer = client.post(reverse("set_appearance"), {"theme": "dark"})

        assert "appearance" not in answer.cookies
        assert User.objects.get(pk=admin.pk).theme == "dark"

    def test_leads_nowhere_else(self, client: Client) -> None:
        answer = client.post(reverse("set_appearance"), {"theme": "dark", "next": "https://elsewhere.example/"})

        assert answer["Location"] == "/"

    def test_of_a_kind_nobody_knows_is_refused(self, client: Client) -> None:
        assert client.post(reverse("set_appearance"), {"theme": "neon"}).status_code == 422
        client.cookies["appearance"] = "neon.huge"
        assert "data-theme" not in html_attributes(client.get(reverse("login")).content.decode())

    def test_is_changed_by_a_post_only(self, client: Client) -> None:
        assert client.get(reverse("set_appearance")).status_code == 405
