"""The pages of reconciliation: a file brought, the day, a difference."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from config.shared.models import User
from payments.matching.channel_file import write_file
from payments.models import ChannelFile
from tests.factories.reconciliation import DAY, add_difference
from tests.factories.staff import prove
from tests.factories.world import small_world

pytestmark = pytest.mark.django_db


def test_the_list_the_day_and_the_difference_say_both_sides() -> None:
    world = small_world()
    ids = add_difference(world, by_id=world.accountant_id)
    client = Client()
    client.force_login(User.objects.get(pk=world.accountant_id))
    prove(client)

    listed = client.get("/console/reconciliation/")
    day = client.get(f"/console/reconciliation/{ids['reconciliation_id']}/")
    one = client.get(f"/console/reconciliation/differences/{ids['difference_id']}/")

    assert (listed.status_code, day.status_code, one.status_code) == (200, 200, 200)
    assert all("LONG0001" in answer.content.decode() for answer in (listed, day, one))


def test_a_changed_file_is_refused_on_the_page() -> None:
    world = small_world()
    add_difference(world, by_id=world.accountant_id)
    client = Client()
    client.force_login(User.objects.get(pk=world.accountant_id))
    prove(client)

    answer = client.post(
        "/console/reconciliation/", {"file": SimpleUploadedFile("w.txt", write_file("wallet", DAY, []))}
    )

    assert answer.status_code == 422
    assert "内容不同" in answer.content.decode()
    assert ChannelFile.objects.count() == 1
