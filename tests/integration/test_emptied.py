"""A test's database is emptied as thoroughly as it is copied, or the copy is made."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connections

from cis.models import Account, Contact
from config.shared.models import OrgUnit
from tests import emptied
from tests.emptied import Origin, empty, origin_of
from tests.factories.world import small_world

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def url() -> str:
    """This worker's database, as the superuser."""
    name = urlsplit(os.environ["DATABASE_URL"]).path
    return urlunsplit(urlsplit(os.environ["DATABASE_SUPERUSER_URL"])._replace(path=name))


@pytest.fixture
def origin(url: str, transactional_db: None) -> Origin:
    """What it was before the test."""
    return origin_of(url)


class TestEmptied:
    def test_everything_goes_and_numbers_begin_anew(self, url: str, origin: Origin) -> None:
        first = small_world()

        connections.close_all()  # whoever is connected is sent away
        assert empty(url, origin)

        assert not OrgUnit.objects.exists() and not Account.objects.exists() and not Contact.objects.exists()
        assert ContentType.objects.exists()
        assert small_world() == first

    def test_a_changed_catalogue_takes_a_copy(self, url: str, origin: Origin, owner_connection: Any) -> None:
        with owner_connection.cursor() as cursor:
            cursor.execute("ALTER TABLE cis_account DISABLE TRIGGER USER")

        assert not empty(url, origin)

    def test_a_changed_row_of_the_template_takes_a_copy(self, url: str, origin: Origin, owner_connection: Any) -> None:
        with owner_connection.cursor() as cursor:
            cursor.execute("UPDATE django_content_type SET model = model || 'x' WHERE id = 1")

        assert not empty(url, origin)

    def test_a_large_table_takes_a_copy(
        self, url: str, origin: Origin, owner_connection: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(emptied, "LARGE_BYTES", 512 * 1024)
        with owner_connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO django_session (session_key, session_data, expire_date)"
                " SELECT i, repeat('x', 1000), now() FROM generate_series(1, 1000) i"
            )

        assert not empty(url, origin)
