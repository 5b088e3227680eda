"""The jobs page and the page of undelivered events."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cis.operations.billing import start_run
from config.shared.models import Job, OutboxDelivery, OutboxEvent, User
from tests.factories.world import AT, World, small_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    """The tiny utility."""
    return small_world()


@pytest.fixture
def operator(world: World) -> Client:
    """The administrator's browser."""
    client = Client()
    client.force_login(User.objects.get(username="administrator"), "django.contrib.auth.backends.ModelBackend")
    return client


def dead_letter() -> OutboxDelivery:
    """An event a handler refused too often."""
    now = timezone.now()
    event = OutboxEvent.objects.create(name="cis.bills-issued", key="run_id:1", payload={}, published_at=now)
    return OutboxDelivery.objects.create(
        event=event,
        handler="crm.handlers.notice",
        key="run_id:1",
        state=OutboxDelivery.State.DEAD,
        attempts=10,
        next_attempt_at=now,
        error="Traceback\nValueError: no such run",
    )


class TestJobs:
    """Long work can be watched, stopped and resumed."""

    def test_a_job_is_listed_shown_stopped_and_resumed(self, world: World, operator: Client) -> None:
        start_run(cycle=world.cycle, org_unit_id=None, created_by_id=world.accountant_id, at=AT, kind="preview")
        job = Job.objects.get()

        listed = operator.get(reverse("jobs")).content.decode()
        shown = operator.get(reverse("job", kwargs={"job_id": job.pk})).content.decode()
        operator.post(reverse("job_cancel", kwargs={"job_id": job.pk}))
        job.refresh_from_db()
        stopped = job.state
        operator.post(reverse("job_resume", kwargs={"job_id": job.pk}))
        job.refresh_from_db()

        assert reverse("job", kwargs={"job_id": job.pk}) in listed and "赵会计" in listed
        assert "收尾核对" in shown and 'hx-trigger="every 2s"' in shown
        assert (stopped, job.state) == (Job.State.CANCELLED, Job.State.RUNNING)

    def test_the_list_takes_the_same_queries_for_one_job_as_for_three(
        self, world: World, operator: Client, django_assert_num_queries: Callable[[int], object]
    ) -> None:
        for jobs in (1, 2):
            for _ in range(jobs):
                start_run(cycle=world.cycle, org_unit_id=None, created_by_id=None, at=AT, kind="preview")

            with django_assert_num_queries(6):  # type: ignore[attr-defined]
                operator.get(reverse("jobs"))

    def test_a_job_that_is_not_there_is_not_found(self, operator: Client) -> None:
        assert operator.get(reverse("job", kwargs={"job_id": 999})).status_code == 404


class TestDeadLetters:
    """What could not be delivered waits for a person."""

    def test_is_listed_with_its_reason_and_retried(self, operator: Client) -> None:
        letter = dead_letter()

        page = operator.get(reverse("dead_letters")).content.decode()
        operator.post(reverse("dead_letter_retry", kwargs={"delivery_id": letter.pk}))

        letter.refresh_from_db()
        assert "ValueError: no such run" in page and "crm.handlers.notice" in page
        assert (letter.state, letter.attempts) == (OutboxDelivery.State.WAITING, 0)
