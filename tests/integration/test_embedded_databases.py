"""The test session's own promises: whose role tests use, and that no test sees another's rows."""

from __future__ import annotations

import threading
import urllib.request
from typing import Any

import psycopg2.errors
import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import ProgrammingError, connection

from tests.stack import Stack


def leave_a_row() -> None:
    """Write what the next test must not find."""
    assert not ContentType.objects.filter(app_label="left").exists()
    ContentType.objects.create(app_label="left", model="behind")


class TestIsolation:
    def test_tests_run_as_the_application(self, db: None) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user")
            assert cursor.fetchone() == ("dayingxiao_app",)

    def test_the_application_may_not_truncate(self, db: None) -> None:
        with pytest.raises(ProgrammingError) as refusal, connection.cursor() as cursor:
            cursor.execute("TRUNCATE django_content_type CASCADE")

        assert isinstance(refusal.value.__cause__, psycopg2.errors.InsufficientPrivilege)

    @pytest.mark.parametrize("turn", range(2))
    def test_a_rolled_back_test_leaves_nothing(self, db: None, turn: int) -> None:
        leave_a_row()

    @pytest.mark.parametrize("turn", range(2))
    def test_a_committed_test_leaves_nothing(self, transactional_db: None, turn: int) -> None:
        leave_a_row()

    @pytest.mark.parametrize("turn", range(2))
    def test_a_thread_that_keeps_its_connection_does_not_block_the_reset(
        self, transactional_db: None, turn: int
    ) -> None:
        thread = threading.Thread(target=leave_a_row)
        thread.start()
        thread.join()

        assert ContentType.objects.filter(app_label="left").count() == 1

    def test_the_owner_sees_what_a_test_committed(self, owner_connection: Any) -> None:
        leave_a_row()

        with owner_connection.cursor() as cursor:
            cursor.execute("SELECT current_user, count(*) FROM django_content_type WHERE app_label = 'left'")
            assert cursor.fetchone() == ("dayingxiao_owner", 1)


class TestLiveStack:
    def test_it_serves_again_after_every_process_was_killed(self, live: Stack) -> None:
        for name in ("web", "worker"):
            live.kill(name)
            live.start(name)

        with urllib.request.urlopen(f"{live.url}/health/", timeout=10) as answer:
            assert answer.status == 200

    def test_a_browser_reads_its_pages(self, page: Any) -> None:
        answer = page.goto("/health/")

        assert answer.ok
