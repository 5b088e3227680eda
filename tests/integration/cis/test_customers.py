"""Customers: edits under a version, account numbers, a tenant who moves."""

from __future__ import annotations

from datetime import date, datetime

import psycopg2
import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from cis.models import Account, AccountPoint, MeterInstallation, Reading, SupplyContract
from cis.operations import customers
from cis.queries.customers import get_360, get_head, get_meters
from config.shared.models import OrgUnit, PersonalDataAccess
from tests.factories.world import World, make_unit, small_world

pytestmark = pytest.mark.django_db

MOVE_DAY = date(2026, 2, 10)
MOVED_AT = datetime.fromisoformat("2026-02-10T09:00+08:00")


@pytest.fixture
def world() -> World:
    """The tiny utility."""
    return small_world()


def move(world: World, *, value_e4: int | None = None, on_date: date = MOVE_DAY) -> customers.Moved:
    """The residential account's tenant leaves and 赵六 comes."""
    last = Reading.objects.filter(installation_id=world.residential.installation_id).order_by("-read_on").first()
    assert last is not None
    return customers.move_tenant(
        account_id=world.residential.account_id,
        on_date=on_date,
        kind="person",
        name="赵六",
        phone="13900002222",
        identity_no="",
        at=MOVED_AT,
        final_values_e4={
            world.residential.installation_id: {1: last.value_e4 + 50_0000 if value_e4 is None else value_e4}
        },
    )


class TestMoveTenant:
    """Old account closes, the point keeps its meter and its history."""

    @pytest.mark.acceptance("F1")
    def test_the_old_account_closes_and_a_new_one_opens_at_the_same_point(self, world: World) -> None:
        moved = move(world)

        old = Account.objects.get(pk=world.residential.account_id)
        stretches = AccountPoint.objects.filter(point_id=world.residential.point_id).order_by("valid")
        assert (old.state, old.closed_on) == (Account.State.CLOSED, MOVE_DAY)
        assert [(row.account_id, row.valid.lower, row.valid.upper) for row in stretches][-1] == (
            moved.account_id,
            MOVE_DAY,
            None,
        )
        assert stretches[0].valid.upper == MOVE_DAY
        contracts = SupplyContract.objects.filter(account_id__in=[old.pk, moved.account_id]).order_by("pk")
        assert [row.valid.upper for row in contracts] == [MOVE_DAY, None]

    @pytest.mark.acceptance("F1")
    def test_the_meter_stays_and_its_history_with_it(self, world: World) -> None:
        before = Reading.objects.filter(installation_id=world.residential.installation_id).count()

        move(world)

        installation = MeterInstallation.objects.get(point_id=world.residential.point_id)
        assert installation.pk == world.residential.installation_id and installation.valid.upper is None
        assert Reading.objects.filter(installation_id=installation.pk).count() == before + 1

    def test_the_reading_of_the_day_closes_the_old_and_starts_the_new(self, world: World) -> None:
        moved = move(world)

        reading = Reading.objects.get(installation_id=world.residential.installation_id, read_on=MOVE_DAY)
        new_view = get_360(moved.account_no, today=MOVE_DAY)
        assert (reading.kind, reading.advance_kwh_e2, reading.account_id) == (
            Reading.Kind.MOVE_OUT,
            50_00,
            world.residential.account_id,
        )
        assert [row.read_on for row in get_meters(moved.account_id, today=MOVE_DAY).readings] == [MOVE_DAY]
        assert new_view.head.customer_name == "赵六" and new_view.receivable_fen == 0

    def test_without_the_final_reading_nothing_moves(self, world: World) -> None:
        with pytest.raises(customers.MoveRefused):
            customers.move_tenant(
                account_id=world.residential.account_id,
                on_date=MOVE_DAY,
                kind="person",
                name="赵六",
                phone="",
                identity_no="",
                at=MOVED_AT,
                final_values_e4={},
            )

        assert Account.objects.get(pk=world.residential.account_id).state == Account.State.OPEN

    def test_a_reading_that_runs_backwards_is_refused(self, world: World) -> None:
        with pytest.raises(customers.MoveRefused):
            move(world, value_e4=1)

    def test_a_day_before_the_last_reading_is_refused(self, world: World) -> None:
        with pytest.raises(customers.MoveRefused):
            move(world, on_date=date(2026, 1, 15))

    def test_a_second_move_is_refused(self, world: World) -> None:
        move(world)

        with pytest.raises(customers.AccountIsClosed):
            move(world, on_date=date(2026, 2, 11))


class TestAccountNumbers:
    """New numbers follow the settings; foreign ones stay as they come."""

    def test_have_the_length_of_the_settings_and_never_repeat(self, settings: object) -> None:
        settings.ACCOUNT_NO_LENGTH = 13  # type: ignore[attr-defined]

        numbers = {customers.new_account_no() for _ in range(5)}

        assert len(numbers) == 5 and {len(number) for number in numbers} == {13}

    def test_carry_a_check_digit_when_the_settings_say_so(self, settings: object) -> None:
        settings.ACCOUNT_NO_CHECK = "mod11"  # type: ignore[attr-defined]

        number = customers.new_account_no()

        total = sum(int(digit) * (2 + place % 6) for place, digit in enumerate(reversed(number[:-1])))
        assert len(number) == 10 and (total + int(number[-1])) % 11 == 0

    def test_a_number_taken_by_an_import_is_passed_over(self, world: World) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval('cis_account_no_seq') + 1")
            taken = f"{cursor.fetchone()[0]:010d}"
        Account.objects.filter(pk=world.residential.account_id).update(account_no=taken)

        assert customers.new_account_no() == f"{int(taken) + 1:010d}"


class TestOrganisation:
    """A tree of any depth carries accounts at any level."""

    @pytest.mark.acceptance("004-42")
    def test_an_account_nine_levels_down_shows_its_whole_path(self, world: World) -> None:
        unit = OrgUnit.objects.get(pk=world.county_a_id)
        for level in range(6):
            unit = make_unit(unit, OrgUnit.Kind.DISTRICT, f"DEEP{level}", f"第{level}层")
        Account.objects.filter(pk=world.residential.account_id).update(org_unit=unit)

        path = get_head("4290000001").area_path

        assert len(path) == 9 and path[-1] == "第5层"


class TestPersonalDataAccess:
    """Who looked is kept for ever."""

    def test_neither_the_application_nor_its_code_can_change_a_row(self, world: World) -> None:
        customers.reveal_personal_data(
            account_no="4290000001", user_id=world.manager_id, reason="核对", at=timezone.now()
        )

        with pytest.raises((DatabaseError, psycopg2.Error)), transaction.atomic():
            PersonalDataAccess.objects.update(reason="改写")
        with pytest.raises((DatabaseError, psycopg2.Error)), transaction.atomic():
            PersonalDataAccess.objects.all().delete()
