"""Two at once: the same file sent twice, one doubt decided twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

import pytest
from django.db import connections

from cis.models import Reading, ReadingDoubt
from cis.operations import readings
from tests.factories.metering import register_file, send
from tests.factories.world import small_world

LATER = datetime.fromisoformat("2026-03-02T09:00+08:00")
pytestmark = pytest.mark.django_db(transaction=True)


def _together(act: Callable[[], object], times: int) -> list[object]:
    """What each of several threads got, or the refusal it met, when all began at once."""
    start, outcomes = threading.Barrier(times), []

    def run() -> None:
        start.wait()
        try:
            outcomes.append(act())
        except Exception as error:
            outcomes.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_the_same_file_from_two_sides_lands_once() -> None:
    world = small_world()
    rows = [[world.residential.meter_no, "total", f"2026-02-{day:02d}", 1570 + 6 * day] for day in range(2, 27)]
    before = Reading.objects.count()

    results = _together(lambda: send(register_file(rows), at=LATER), 2)

    assert sorted((result.landed, result.unchanged) for result in results) == [(0, 25), (25, 0)]  # type: ignore[attr-defined]
    assert Reading.objects.count() == before + 25
    assert not Reading.objects.filter(state=Reading.State.PENDING).exists()


def test_of_several_clerks_one_decides() -> None:
    world = small_world()
    send(register_file([[world.residential.meter_no, "total", "2026-03-01", 2900]]), at=LATER)
    doubt = ReadingDoubt.objects.get()

    outcomes = _together(
        lambda: readings.accept_reading(doubt_id=doubt.pk, reason="核实", resolved_by_id=world.auditor_id, at=LATER),
        4,
    )

    refusals = [outcome for outcome in outcomes if outcome is not None]
    assert len(refusals) == 3
    assert all(isinstance(refusal, readings.DoubtIsResolved) for refusal in refusals)
