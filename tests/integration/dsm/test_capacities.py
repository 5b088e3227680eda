"""Plans after a change of contract capacity: load and security load follow the capacity of the planned day, once."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import connection

from cis.events import CapacityChanged
from cis.models import CapacityChange, IntervalDay
from cis.operations.contracts import change_capacity
from config.shared.events import deliver_waiting
from config.shared.models import OutboxDelivery
from dsm import handlers
from dsm.models import ShedEntry, ShedEntryChange
from dsm.queries.shed_problem import problem_of
from tests.factories.shortage import DAY, NOW, Works, latest, make_shortage, make_works


@pytest.fixture
def works(db: None) -> Works:
    return make_works()


def agree(works: Works, number: int, *, kva: int, from_on: date) -> int:
    """The account of a works after its capacity was changed and everybody heard of it."""
    account_id = works.accounts[number].account_id
    change_capacity(
        account_id=account_id, capacity_kva=kva, from_on=from_on, reason="减容 JR-1", changed_by_id=works.leader_id,
        at=NOW,
    )  # fmt: skip
    deliver_waiting(now=NOW + timedelta(days=3650))
    return account_id


def row_of(works: Works, number: int, *, on_day: date = DAY) -> tuple[list[int], int]:
    """Load and security load of a works in the problem of a shortage on a day."""
    asked = problem_of(make_shortage(works, on_day=on_day))
    row = asked.account.tolist().index(works.accounts[number].account_id)
    return asked.problem.load_kw[row].tolist(), int(asked.problem.security_kw[row])


class TestCapacity:
    def test_what_an_account_can_give_follows_its_capacity(self, works):
        account = works.accounts[0].account_id
        entry = ShedEntry.objects.get(account_id=account)
        before = problem_of(make_shortage(works))

        agree(works, 0, kva=500, from_on=date(2026, 7, 21))

        after = ShedEntry.objects.get(account_id=account)
        assert after.peak_kw == entry.peak_kw // 2
        assert after.sheddable_kw == (after.peak_kw - 30) * 90 // 100 < entry.sheddable_kw
        row = before.account.tolist().index(account)
        now = problem_of(latest())
        assert (now.problem.load_kw[row] == before.problem.load_kw[row] // 2).all()
        assert not OutboxDelivery.objects.filter(state="waiting", handler__startswith="dsm.").exists()

        change = CapacityChange.objects.get(account_id=account)
        event = CapacityChanged(account_id=account, capacity_kva=500, from_on="2026-07-21", change_id=change.pk)
        handlers.follow_changed_capacity(event)

        assert ShedEntryChange.objects.filter(entry=after).count() == 1
        assert ShedEntry.objects.get(account_id=account).sheddable_kw == after.sheddable_kw

    def test_days_measured_under_the_new_capacity_count_as_they_are(self, works):
        account = agree(works, 1, kva=500, from_on=date(2026, 7, 19))
        point = works.accounts[1].point_id
        # Two days of 210 kW under 1000 kVA, and since the 19th what the works really draws under 500.
        IntervalDay.objects.filter(point_id=point).update(energy_wh=[210 * 250] * 96)
        IntervalDay.objects.filter(point_id=point, day__gte=date(2026, 7, 19)).update(energy_wh=[105 * 250] * 96)

        load, security = row_of(works, 1)

        assert load == [105] * 96
        assert security == ShedEntry.objects.get(account_id=account).security_kw

    def test_a_reduction_ahead_touches_neither_load_nor_security_load_before_its_day(self, works):
        load, security = row_of(works, 1)

        agree(works, 1, kva=300, from_on=DAY + timedelta(days=4))

        assert row_of(works, 1) == (load, security)
        later, floor = row_of(works, 1, on_day=DAY + timedelta(days=4))
        assert later == [kw * 300 // 1000 for kw in load]
        assert 0 < floor < security

    def test_the_same_capacity_agreed_again_is_another_change(self, works):
        entry = ShedEntry.objects.get(account_id=works.accounts[1].account_id)
        day = "2026-08-15"
        make_changes(works, entry.account_id, (333, 1000, 333))

        for change in CapacityChange.objects.filter(account_id=entry.account_id).order_by("pk"):
            handlers.follow_changed_capacity(
                CapacityChanged(
                    account_id=entry.account_id, capacity_kva=change.to_kva, from_on=day, change_id=change.pk
                )
            )

        now = ShedEntry.objects.get(pk=entry.pk)
        assert now.changes.count() == 4
        assert now.capacity_kva == 333
        assert now.measured_peak_kw == entry.measured_peak_kw

    def test_the_peak_loses_nothing_on_the_way_there_and_back(self, works):
        entry = ShedEntry.objects.get(account_id=works.accounts[1].account_id)

        for number, kva in enumerate((7, 1000)):
            handlers.follow_changed_capacity(
                CapacityChanged(account_id=entry.account_id, capacity_kva=kva, from_on=f"2026-08-{15 + number}")
            )

        now = ShedEntry.objects.get(pk=entry.pk)
        assert (now.peak_kw, now.security_kw, now.sheddable_kw) == (
            entry.peak_kw,
            entry.security_kw,
            entry.sheddable_kw,
        )


def make_changes(works: Works, account_id: int, steps: tuple[int, ...]) -> None:
    """Rows of changes for one day, as corrections of each other."""
    agree(works, 1, kva=999, from_on=date(2026, 8, 1))
    first = CapacityChange.objects.get(account_id=account_id)
    former = first.to_kva
    for kva in steps:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO cis_capacity_change (account_id, before_id, after_id, from_kva, to_kva, from_on, reason, "
                "changed_by_id, changed_at) SELECT account_id, before_id, after_id, %s, %s, '2026-08-15', '更正', "
                "changed_by_id, changed_at FROM cis_capacity_change WHERE id = %s",
                [former, kva, first.pk],
            )
        former = kva
