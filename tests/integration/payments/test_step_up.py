"""A reversal asks again who is there; what was typed is not lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from config.shared.api.keys import issue_key
from config.shared.models import User
from payments.models import Reversal
from tests.factories.bills import NOT_YET_DUE, issue
from tests.factories.staff import app_code, give_app, prove, through_the_door
from tests.factories.world import PASSWORD, World, small_world
from tests.integration.payments import pay

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> World:
    made = small_world()
    issue(made, 18_640, due_on=NOT_YET_DUE)
    return made


def paid(world: World) -> str:
    taken = pay(world, fen=18_640, at=timezone.now())
    return f"/console/payments/{taken.receipt_no}/reversal/"


def long_ago() -> Any:
    return timezone.now() - timedelta(seconds=settings.STEP_UP_AFTER_S)


def fields_of(page: str) -> dict[str, str]:
    """The hidden fields that the page carries along."""
    rest = page.split("<form")[-1]
    found = {}
    for part in rest.split('<input type="hidden" ')[1:]:
        name, value = part.split('name="')[1].split('"')[0], part.split('value="')[1].split('"')[0]
        found[name] = value
    return found


class TestAReversal:
    @pytest.mark.acceptance("F166")
    def test_asks_for_the_password_again_and_goes_on_with_what_was_typed(self, world: World) -> None:
        path = paid(world)
        client = prove(through_the_door("clerk_a"), at=long_ago())
        assert client.get(path).status_code == 200

        asked = client.post(path, {"reason": "金额录错"})

        assert asked.status_code == 422 and "再确认一次身份" in asked.content.decode()
        assert not Reversal.objects.exists()
        carried = fields_of(asked.content.decode())
        wrong = client.post(path, {**carried, "step_up_password": "wrong"})
        assert wrong.status_code == 422 and "密码不对" in wrong.content.decode() and not Reversal.objects.exists()
        right = client.post(path, {**fields_of(wrong.content.decode()), "step_up_password": PASSWORD})
        assert right.status_code == 302
        assert Reversal.objects.get().reason == "金额录错"

    def test_asks_nobody_who_just_came_in(self, world: World) -> None:
        answer = through_the_door("clerk_a").post(paid(world), {"reason": "金额录错"})

        assert answer.status_code == 302

    def test_asks_for_the_second_factor_of_who_has_one_and_takes_no_password(self, world: World) -> None:
        path = paid(world)
        client = through_the_door("clerk_a")
        secret, _codes = give_app(User.objects.get(username="clerk_a"))

        # The password of a minute ago is not enough for somebody who has more.
        asked = client.post(path, {"reason": "金额录错"})

        assert asked.status_code == 422 and "step_up_code" in asked.content.decode()
        carried = fields_of(asked.content.decode())
        assert client.post(path, {**carried, "step_up_password": PASSWORD}).status_code == 422
        assert not Reversal.objects.exists()
        code = app_code(secret, timezone.now())
        assert client.post(path, {**carried, "step_up_code": code}).status_code == 302
        assert Reversal.objects.exists()

    def test_asks_only_who_may_at_all(self, world: World) -> None:
        client = prove(through_the_door("accountant"), at=long_ago())

        assert client.post(paid(world), {"reason": "金额录错"}).status_code == 403

    def test_takes_the_whole_page_when_a_part_asks(self, world: World) -> None:
        client = prove(through_the_door("clerk_a"), at=long_ago())

        answer = client.post(paid(world), {"reason": "金额录错"}, HTTP_HX_REQUEST="true")

        assert answer["HX-Retarget"] == "body"


class TestThroughTheApi:
    def test_a_person_needs_a_fresh_proof(self, world: World) -> None:
        taken = pay(world, fen=18_640, at=timezone.now())
        path = f"/api/v1/payments/{taken.receipt_no}/reversal/"
        client = APIClient()
        client.force_login(User.objects.get(username="clerk_a"), "django.contrib.auth.backends.ModelBackend")

        refused = client.post(path, {"reason": "金额录错"})

        assert (refused.status_code, refused.json()["code"]) == (403, "step-up-required")
        prove(client)
        assert client.post(path, {"reason": "金额录错"}).status_code == 201

    def test_a_key_is_no_person(self, world: World) -> None:
        taken = pay(world, fen=18_640, at=timezone.now())
        key = issue_key(user_id=world.clerk_a_id, name="test", at=timezone.now())

        answer = Client().post(
            f"/api/v1/payments/{taken.receipt_no}/reversal/",
            {"reason": "金额录错"},
            content_type="application/json",
            headers={"Authorization": f"Key {key}"},
        )

        assert (answer.status_code, answer.json()["code"]) == (403, "step-up-needs-a-person")
        assert not Reversal.objects.exists()
