"""Customers read their own meter: the batch's checks, an answer at once, a second look, and a person decides."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cis.models import Reading, ReadingDoubt
from cis.operations.self_readings import (
    NotPlausible,
    SelfReading,
    SelfReadingRefused,
    ValueMissing,
    report_reading,
)
from cis.queries.own_meters import own_meters
from cis.validation import DOUBTS, doubts_in
from config.shared.errors import NotFound
from config.shared.models import User
from tests.factories.metering import register_file, send
from tests.factories.portal import end_all
from tests.factories.world import AccountIds, World, small_world

pytestmark = pytest.mark.django_db
MARCH = datetime.fromisoformat("2026-03-01T09:00+08:00")


@pytest.fixture
def world(db: None) -> World:
    return small_world()


def _report(world: World, account: AccountIds, values: dict[int, int], **more: Any) -> SelfReading:
    told: dict[str, Any] = {"is_confirmed": False, "reported_by_id": world.portal_user_id, "at": MARCH, **more}
    return report_reading(
        account_id=account.account_id,
        installation_id=account.installation_id,
        values_e4={register: units * 10_000 for register, units in values.items()},
        **told,
    )


def _stored(account: AccountIds) -> list[Reading]:
    return list(
        Reading.objects.filter(installation_id=account.installation_id, read_on=MARCH.date()).order_by("register")
    )


@pytest.mark.acceptance("F144")
class TestChecks:
    """The same checks as a batch, on the same readings, with the same outcome."""

    def test_a_plausible_value_is_accepted_as_read_by_the_customer(self, world: World) -> None:
        done = _report(world, world.residential, {1: 1760})

        (stored,) = _stored(world.residential)
        assert (done.is_accepted, done.energy_kwh_e2) == (True, 19_000)
        assert (stored.state, stored.source, stored.cycle) == (1, 3, 202602)

    @pytest.mark.parametrize(
        ("value", "codes"), [(1500, ["negative"]), (1570, ["zero"]), (2900, ["sudden-rise"]), (99_999, None)]
    )
    def test_what_a_batch_would_doubt_is_answered_at_once_and_not_stored(
        self, world: World, value: int, codes: list[str] | None
    ) -> None:
        with pytest.raises(NotPlausible) as refused:
            _report(world, world.residential, {1: value})
        assert not _stored(world.residential)
        assert not ReadingDoubt.objects.exists()

        send(register_file([[world.residential.meter_no, "total", "2026-03-01", value]]), at=MARCH)

        doubt = ReadingDoubt.objects.get()
        assert refused.value.facts["doubts"] == sorted(_codes(doubt))
        assert codes is None or refused.value.facts["doubts"] == codes

    def test_once_confirmed_it_waits_for_a_person(self, world: World) -> None:
        done = _report(world, world.residential, {1: 2900}, is_confirmed=True)

        (stored,) = _stored(world.residential)
        assert (done.is_accepted, stored.state, stored.source) == (False, 2, 3)
        assert ReadingDoubt.objects.get().account_id == world.residential.account_id

    def test_periods_are_checked_against_the_total(self, world: World) -> None:
        (meter,) = own_meters(account_id=world.commercial.account_id, day=MARCH.date())
        last = {one.register: one.last_value_e4 // 10_000 for one in meter.registers}
        advance = {1: 190, 2: 30, 3: 55, 4: 90, 5: 40}

        with pytest.raises(NotPlausible, match="对不上"):
            _report(world, world.commercial, {register: last[register] + more for register, more in advance.items()})
        advance[1] = 215
        done = _report(world, world.commercial, {register: last[register] + more for register, more in advance.items()})

        assert (done.is_accepted, len(_stored(world.commercial))) == (True, 5)


def _codes(doubt: ReadingDoubt) -> set[str]:
    return {DOUBTS[one].code for one in doubts_in(doubt.doubts)}


class TestRefusals:
    """What cannot be stored is said."""

    def test_every_register_is_needed(self, world: World) -> None:
        with pytest.raises(ValueMissing):
            _report(world, world.residential_tou, {1: 2000})

    def test_a_second_one_of_the_day_is_refused(self, world: World) -> None:
        _report(world, world.residential, {1: 1760})

        with pytest.raises(SelfReadingRefused):
            _report(world, world.residential, {1: 1761})
        assert len(_stored(world.residential)) == 1

    def test_somebody_elses_meter_is_not_found(self, world: World) -> None:
        with pytest.raises(NotFound):
            report_reading(
                account_id=world.residential.account_id,
                installation_id=world.commercial.installation_id,
                values_e4={1: 1},
                is_confirmed=False,
                reported_by_id=world.portal_user_id,
                at=MARCH,
            )


class TestPage:
    """The portal's page: an answer at once, and what was typed stays."""

    def _client(self, world: World) -> Client:
        client = Client()
        user = User.objects.get(pk=world.portal_user_id)
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    def test_asks_again_and_takes_what_is_confirmed(self, world: World) -> None:
        client, own = self._client(world), world.residential
        typed = {"installation": own.installation_id, f"m{own.installation_id}-total": "999"}

        shown = client.get("/my/reading/")
        doubted = client.post("/my/reading/", typed)
        taken = client.post("/my/reading/", {**typed, f"m{own.installation_id}-confirmed": "on"})

        today = timezone.localdate()
        stored = Reading.objects.get(installation_id=own.installation_id, read_on=today)
        assert own.meter_no in shown.content.decode()
        assert (doubted.status_code, "还小" in doubted.content.decode(), "999" in doubted.content.decode()) == (
            422,
            True,
            True,
        )
        assert (taken.status_code, stored.state, stored.source) == (302, 2, 3)

    def test_strangers_have_none(self, world: World) -> None:
        end_all(world.portal_user_id, at=world.at)

        assert self._client(world).get("/my/reading/").status_code in (302, 404)
