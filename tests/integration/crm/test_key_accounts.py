"""Who looks after a key account: somebody, at every moment, whatever is tried."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from config.shared.errors import NotFound
from config.shared.models import OrgUnit
from crm.models import KeyAccount, ManagerAssignment
from crm.operations import key_accounts as operations
from crm.queries.key_accounts import manager_of
from tests.factories.ledger import at_once
from tests.factories.world import World, make_user, small_world

AT = datetime.fromisoformat("2026-03-02T09:00+08:00")
HOUR = timedelta(hours=1)


class Office:
    """The tiny utility with one key account and three people who may look after it."""

    def __init__(self) -> None:
        self.world: World = small_world()
        province = OrgUnit.objects.get(pk=self.world.province_id)
        self.people = [make_user(f"key{n}", province, "key-account-manager", f"经理{n}").pk for n in range(3)]
        self.account_id = self.world.commercial.account_id
        self.key_account_id = operations.name_key_account(
            account_id=self.account_id,
            manager_id=self.people[0],
            deputy_id=self.people[1],
            telephone="13900000001",
            reason="容量达到标准",
            from_at=AT,
            by_id=None,
            at=AT,
        )

    def hand_over(self, to: int, *, from_at: datetime, at: datetime = AT) -> int:
        """Another manager from a moment on."""
        return operations.hand_over(
            key_account_id=self.key_account_id,
            manager_id=self.people[to],
            deputy_id=None,
            telephone="",
            reason="岗位调整",
            from_at=from_at,
            by_id=self.people[0],
            at=at,
        )

    def manager(self, at: datetime) -> int | None:
        """The manager's place among the people."""
        found = manager_of(self.account_id, at)
        return None if found is None else self.people.index(found.user_id)


@pytest.fixture
def office(db: None) -> Office:
    """The office, with the law of the database held at once and not at the end."""
    office = Office()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    return office


def held() -> None:
    """What would be said at the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


class TestHandingOver:
    def test_one_manager_at_every_moment_before_and_after(self, office: Office) -> None:
        office.hand_over(2, from_at=AT + 5 * HOUR)
        office.hand_over(1, from_at=AT + 9 * HOUR)

        held()
        moments = [AT - HOUR, AT, AT + 5 * HOUR - timedelta(microseconds=1), AT + 5 * HOUR, AT + 9 * HOUR]
        assert [office.manager(moment) for moment in moments] == [None, 0, 0, 2, 1]

    def test_does_not_go_back_behind_what_is_arranged(self, office: Office) -> None:
        office.hand_over(2, from_at=AT + 5 * HOUR)

        for moment in (AT + 5 * HOUR, AT + HOUR, AT - HOUR):
            with pytest.raises(operations.HandOverRefused):
                office.hand_over(1, from_at=moment)

    @pytest.mark.parametrize(
        "change",
        [
            "UPDATE crm_manager_assignment SET valid = tstzrange(lower(valid), lower(valid) + interval '1 hour')",
            "UPDATE crm_manager_assignment SET valid = tstzrange(lower(valid) + interval '1 hour', NULL)",
            "UPDATE crm_key_account SET since = since - interval '1 hour'",
        ],
    )
    def test_no_statement_leaves_a_gap(self, office: Office, change: str) -> None:
        with pytest.raises(IntegrityError, match="no manager at some moment"), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(change)
            held()

    def test_two_managers_at_once_are_refused(self, office: Office) -> None:
        row = ManagerAssignment.objects.get()

        with pytest.raises(IntegrityError, match="one_manager_at_a_time"), transaction.atomic():
            ManagerAssignment.objects.create(
                key_account=row.key_account,
                manager_id=office.people[2],
                valid=row.valid,
                reason="x",
                assigned_at=AT,
            )

    def test_is_named_once(self, office: Office) -> None:
        with pytest.raises(operations.AlreadyKeyAccount):
            operations.name_key_account(
                account_id=office.account_id,
                manager_id=office.people[2],
                deputy_id=None,
                telephone="",
                reason="又一次",
                from_at=AT,
                by_id=None,
                at=AT,
            )


class TestEnding:
    def test_ends_at_a_moment_and_may_be_named_again_from_then_on(self, office: Office) -> None:
        end: dict[str, Any] = {
            "key_account_id": office.key_account_id,
            "reason": "减容",
            "by_id": office.people[0],
            "at": AT + HOUR,
        }
        for wrong in (AT, AT + HOUR / 2):
            with pytest.raises(operations.HandOverRefused):
                operations.end_key_account(ends_at=wrong, **end)

        operations.end_key_account(ends_at=AT + 2 * HOUR, **end)
        held()

        assert [office.manager(AT + hours * HOUR) for hours in (1, 2, 3)] == [0, None, None]
        with pytest.raises(NotFound):
            operations.end_key_account(ends_at=AT + 3 * HOUR, **end)
        again: dict[str, Any] = {
            "account_id": office.account_id,
            "manager_id": office.people[2],
            "deputy_id": None,
            "telephone": "",
            "reason": "增容",
            "by_id": None,
            "at": AT + HOUR,
        }
        with pytest.raises(operations.AlreadyKeyAccount):
            operations.name_key_account(from_at=AT + HOUR, **again)
        operations.name_key_account(from_at=AT + 3 * HOUR, **again)
        held()
        assert [office.manager(AT + hours * HOUR) for hours in (1, 2, 3)] == [0, None, 2]

    def test_two_at_once_are_refused_by_the_database(self, office: Office) -> None:
        with pytest.raises(IntegrityError, match="one_key_account_at_a_time"), transaction.atomic():
            KeyAccount.objects.create(account_id=office.account_id, since=AT + HOUR)


@pytest.mark.django_db(transaction=True)
class TestRace:
    def test_two_hand_overs_at_the_same_moment_make_one(self) -> None:
        office = Office()

        results = at_once([lambda to=to: office.hand_over(to, from_at=AT + HOUR) for to in (1, 2)])  # type: ignore[misc]

        assert sorted(type(one).__name__ for one in results) == ["HandOverRefused", "int"]
        assert KeyAccount.objects.get().assignments.count() == 2
