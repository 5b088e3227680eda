"""Doubtful readings: the work list, the ways a doubt ends, and what follows for the bill."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from cis.events import ReadingsAccepted
from cis.models import Bill, BillException, Reading, ReadingDoubt, ReadingEdit
from cis.operations import billing, readings
from cis.operations.reading_imports import import_readings
from cis.queries import readings as queries
from config.shared import jobs
from config.shared.events import HANDLERS, deliver_waiting
from config.shared.keysets import Ask
from config.shared.models import OutboxEvent, User
from tests.factories.metering import reading, register_file, send
from tests.factories.world import World, small_world

MARCH_1 = date(2026, 3, 1)
LATER = datetime.fromisoformat("2026-03-02T09:00+08:00")
EVERYWHERE = ["/"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> World:
    return small_world()


def _doubt(world: World, value: object = 2900, register: str = "total") -> ReadingDoubt:
    """A doubtful closing reading of February of the first household."""
    send(register_file([[world.residential.meter_no, register, "2026-03-01", value]]), at=LATER)
    return ReadingDoubt.objects.get(resolved_at=None)


def _by(world: World, **more: Any) -> dict[str, Any]:
    return {"reason": "与客户核实", "resolved_by_id": world.auditor_id, "at": LATER, **more}


def _published() -> list[tuple[int, int]]:
    rows = OutboxEvent.objects.filter(name=ReadingsAccepted.name).order_by("pk")
    return [(row.payload["account_id"], row.payload["cycle"]) for row in rows]


class TestEndingADoubt:
    """A doubt ends by a decision with a reason, once."""

    def test_accepting_takes_the_reading_as_it_is_and_frees_the_account(self, world: World) -> None:
        doubt = _doubt(world)

        readings.accept_reading(doubt_id=doubt.pk, **_by(world))

        doubt.refresh_from_db()
        stored = reading(world.residential.installation_id, MARCH_1)
        assert (stored.state, stored.advance_kwh_e2) == (Reading.State.ACCEPTED, (2900 - 1570) * 100)
        assert (doubt.resolution, doubt.reason, doubt.resolved_by_id) == ("accepted", "与客户核实", world.auditor_id)
        assert _published() == [(world.residential.account_id, 202602)]

    def test_correcting_puts_another_value_and_keeps_the_raw_one(self, world: World) -> None:
        doubt = _doubt(world)

        readings.correct_reading(doubt_id=doubt.pk, value_e4=17_605_000, **_by(world))

        stored, edit = reading(world.residential.installation_id, MARCH_1), ReadingEdit.objects.get()
        assert (stored.value_e4, stored.source, stored.state) == (17_605_000, 5, 1)
        assert stored.advance_kwh_e2 == 19_100
        assert (edit.value_before_e4, edit.value_after_e4, edit.edited_by_id) == (
            29_000_000,
            17_605_000,
            world.auditor_id,
        )

    def test_a_correction_below_the_previous_reading_is_refused(self, world: World) -> None:
        doubt = _doubt(world)

        with pytest.raises(readings.ValueBelowPrevious):
            readings.correct_reading(doubt_id=doubt.pk, value_e4=15_000_000, **_by(world))

        assert reading(world.residential.installation_id, MARCH_1).state == Reading.State.DOUBTFUL

    def test_a_correction_that_does_not_fit_the_register_is_refused(self, world: World) -> None:
        doubt = _doubt(world)

        with pytest.raises(readings.ValueNotPossible):
            readings.correct_reading(doubt_id=doubt.pk, value_e4=10_000_000_000, **_by(world))

    def test_a_value_below_the_previous_is_accepted_only_as_a_rollover(self, world: World) -> None:
        doubt = _doubt(world, 90)

        with pytest.raises(readings.ValueBelowPrevious):
            readings.accept_reading(doubt_id=doubt.pk, **_by(world))
        readings.accept_reading(doubt_id=doubt.pk, as_rollover=True, **_by(world))

        stored = reading(world.residential.installation_id, MARCH_1)
        assert (stored.is_rollover, stored.advance_kwh_e2) == (True, (1_000_000 - 1570 + 90) * 100)

    def test_estimating_follows_the_past_and_says_how(self, world: World) -> None:
        doubt = _doubt(world)

        value = readings.estimate_reading(doubt_id=doubt.pk, method="recent-median", **_by(world))

        stored = reading(world.residential.installation_id, MARCH_1)
        assert (stored.value_e4, stored.source, stored.state) == (value, 4, 1)
        assert 15_700_000 + 1_600_000 < value < 15_700_000 + 2_000_000
        assert ReadingEdit.objects.get().method == "recent-median"

    def test_a_register_is_not_estimated_a_third_time_in_a_row(self, world: World) -> None:
        ours = Reading.objects.filter(installation_id=world.residential.installation_id)
        ours.filter(read_on__gte=date(2026, 1, 1)).update(source=4)
        doubt = _doubt(world)

        with pytest.raises(readings.TooManyEstimates):
            readings.estimate_reading(doubt_id=doubt.pk, **_by(world))

    def test_without_a_reason_nothing_is_decided(self, world: World) -> None:
        doubt = _doubt(world)

        with pytest.raises(readings.ReasonMissing):
            readings.accept_reading(doubt_id=doubt.pk, **_by(world, reason="  "))

    def test_a_second_decision_is_refused(self, world: World) -> None:
        doubt = _doubt(world)
        readings.accept_reading(doubt_id=doubt.pk, **_by(world))

        with pytest.raises(readings.DoubtIsResolved):
            readings.correct_reading(doubt_id=doubt.pk, value_e4=17_605_000, **_by(world))
        assert len(_published()) == 1

    def test_the_reading_after_it_advances_from_the_settled_one(self, world: World) -> None:
        doubt = _doubt(world)
        april = register_file([[world.residential.meter_no, "total", "2026-04-01", 1960]])
        send(april, at=LATER + timedelta(days=31))
        before = reading(world.residential.installation_id, date(2026, 4, 1)).advance_kwh_e2

        readings.correct_reading(doubt_id=doubt.pk, value_e4=17_600_000, **_by(world))

        after = reading(world.residential.installation_id, date(2026, 4, 1))
        assert (before, after.advance_kwh_e2, after.days) == (39_000, 20_000, 31)

    def test_one_corrected_register_settles_the_sum_for_the_others(self, world: World) -> None:
        last = {
            one.register: one.value_e4 // 10_000
            for one in Reading.objects.filter(
                installation_id=world.commercial.installation_id, read_on=date(2026, 2, 1)
            )
        }
        names = {1: "total", 2: "sharp", 3: "peak", 4: "flat", 5: "valley"}
        advance = {1: 190, 2: 30, 3: 55, 4: 90, 5: 40}
        rows = [[world.commercial.meter_no, names[c], "2026-03-01", last[c] + a] for c, a in advance.items()]
        send(register_file(rows), at=LATER)
        total = ReadingDoubt.objects.get(register=1)

        readings.correct_reading(doubt_id=total.pk, value_e4=(last[1] + 215) * 10_000, **_by(world))

        assert ReadingDoubt.objects.count() == 5
        assert not ReadingDoubt.objects.filter(resolved_at=None).exists()
        assert _published() == [(world.commercial.account_id, 202602)]


class TestReadingAgain:
    """A second reading of the same day replaces the doubtful one, and only when it was asked for."""

    def test_the_new_value_ends_the_doubt_and_the_raw_one_stays_on_record(self, world: World) -> None:
        doubt = _doubt(world)
        readings.request_reread(doubt_id=doubt.pk, reason="现场核实", requested_by_id=world.auditor_id, at=LATER)

        result = send(register_file([[world.residential.meter_no, "total", "2026-03-01", 1760]]), at=LATER)

        doubt.refresh_from_db()
        assert (result.landed, result.accepted) == (1, 1)
        assert doubt.resolution == "reread"
        assert ReadingEdit.objects.get().value_before_e4 == 29_000_000
        assert reading(world.residential.installation_id, MARCH_1).advance_kwh_e2 == 19_000
        assert _published() == [(world.residential.account_id, 202602)]

    def test_unasked_it_is_a_conflict(self, world: World) -> None:
        _doubt(world)

        result = send(register_file([[world.residential.meter_no, "total", "2026-03-01", 1760]]), at=LATER)

        assert (result.landed, result.rejected) == (0, 1)

    def test_the_old_file_sent_again_changes_nothing(self, world: World) -> None:
        doubt = _doubt(world)
        readings.request_reread(doubt_id=doubt.pk, reason="现场核实", requested_by_id=world.auditor_id, at=LATER)

        result = send(register_file([[world.residential.meter_no, "total", "2026-03-01", 2900]]), at=LATER)

        doubt.refresh_from_db()
        assert (result.landed, result.unchanged, doubt.resolved_at) == (0, 1, None)


class TestWhatFollowsForTheBill:
    """A doubtful account is left out and counted; once settled it is billed by itself, once."""

    def _run(self, world: World) -> int:
        run_id = billing.start_run(cycle=202601, org_unit_id=None, created_by_id=world.accountant_id, at=LATER)
        for job_id in _jobs():
            jobs.work_on(job_id=job_id)
        return run_id

    def _doubtful_january(self, world: World) -> ReadingDoubt:
        Reading.objects.filter(installation_id=world.residential.installation_id, read_on=date(2026, 2, 1)).delete()
        send(register_file([[world.residential.meter_no, "total", "2026-02-01", 2900]]), at=LATER)
        return ReadingDoubt.objects.get()

    def test_left_out_then_billed_in_a_follow_up_once(self, world: World) -> None:
        doubt = self._doubtful_january(world)
        run_id = self._run(world)
        left_out = BillException.objects.get(run_id=run_id, account_id=world.residential.account_id)
        assert not Bill.objects.filter(account_id=world.residential.account_id).exists()

        readings.accept_reading(doubt_id=doubt.pk, **_by(world))
        deliver_waiting(now=LATER + timedelta(days=9999))

        bill = Bill.objects.get(account_id=world.residential.account_id)
        assert left_out.code == "reading-doubtful"
        assert (bill.cycle, bill.energy_kwh_e2) == (202601, (2900 - 1370) * 100)

    def test_the_handler_twice_makes_one_bill(self, world: World) -> None:
        doubt = self._doubtful_january(world)
        self._run(world)
        readings.accept_reading(doubt_id=doubt.pk, **_by(world))

        event = ReadingsAccepted(account_id=world.residential.account_id, cycle=202601)
        for kind, handle in HANDLERS.values():
            if kind is ReadingsAccepted:
                handle(event)
                handle(event)

        assert Bill.objects.filter(account_id=world.residential.account_id).count() == 1

    def test_a_billed_reading_can_no_longer_be_changed(self, world: World) -> None:
        doubt = self._doubtful_january(world)
        Reading.objects.filter(installation_id=doubt.installation_id, read_on=doubt.read_on).update(state=1)
        self._run(world)
        assert Bill.objects.filter(account_id=world.residential.account_id).exists()

        with pytest.raises(readings.AlreadyBilled):
            readings.correct_reading(doubt_id=doubt.pk, value_e4=17_605_000, **_by(world))


def _jobs() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM shared_job")
        return [row[0] for row in cursor.fetchall()]


class TestValidationByAJob:
    """A large import leaves its readings to a job; doing a shard twice judges nothing twice."""

    def test_the_job_judges_what_the_import_left_pending(self, world: World) -> None:
        content = register_file([[world.residential.meter_no, "total", "2026-03-01", 2900]])
        result = import_readings(
            stream=io.BytesIO(content),
            file_name="f.csv",
            all_or_nothing=False,
            created_by_id=None,
            at=LATER,
            validate_at_once_up_to=0,
        )
        assert reading(world.residential.installation_id, MARCH_1).state == Reading.State.PENDING
        assert result.validation_job_id is not None

        jobs.work_on(job_id=result.validation_job_id)
        jobs.work_on(job_id=result.validation_job_id)

        assert ReadingDoubt.objects.count() == 1
        assert queries.get_import(result.import_id).doubtful == 1


class TestPrivileges:
    """What was changed by hand is on record for good."""

    def test_the_application_cannot_alter_an_edit(self, world: World) -> None:
        doubt = _doubt(world)
        readings.correct_reading(doubt_id=doubt.pk, value_e4=17_605_000, **_by(world))

        with pytest.raises(DatabaseError), transaction.atomic():
            ReadingEdit.objects.update(reason="x")


WORK_LIST = Ask(queries.DOUBT_ORDERS["waiting"].turned(), 50)


class TestWorkList:
    """Each unit sees its own doubts, and nobody else's."""

    def test_scope_kind_age_and_owner_narrow_the_list(self, world: World) -> None:
        doubt = _doubt(world)
        path = doubt.owner_unit.path
        asked: dict[str, Any] = {"user_id": world.auditor_id, "at": LATER + timedelta(days=2)}

        page = queries.page_of_doubts(WORK_LIST, within=[path], **asked)
        other = queries.page_of_doubts(WORK_LIST, within=["/999999/"], **asked)
        risen = queries.page_of_doubts(WORK_LIST, within=EVERYWHERE, kind="sudden-rise", **asked)
        zero = queries.page_of_doubts(WORK_LIST, within=EVERYWHERE, kind="zero", **asked)
        old = queries.page_of_doubts(WORK_LIST, within=EVERYWHERE, opened_before=LATER, **asked)

        assert [len(one.rows) for one in (page, other, risen, zero, old)] == [1, 0, 1, 0, 0]
        assert (page.rows[0].account_no, page.rows[0].age_days) == (world.residential.account_no, 2)

    def test_pages_follow_each_other_without_gap_or_repeat(self, world: World) -> None:
        _doubt(world)
        send(register_file([[world.residential_day_15.meter_no, "total", "2026-02-15", 9000]]), at=LATER)
        asked: dict[str, Any] = {"within": EVERYWHERE, "user_id": world.auditor_id, "at": LATER}
        one = replace(WORK_LIST, limit=1)

        first = queries.page_of_doubts(one, **asked)
        second = queries.page_of_doubts(replace(one, after=one.order.key_of(first.rows[0])), **asked)

        assert [first.rows[0].doubt_id, second.rows[0].doubt_id] == sorted(
            ReadingDoubt.objects.values_list("pk", flat=True)
        )
        assert (first.has_later, second.has_later) == (True, False)

    def test_a_claimed_doubt_is_taken_over_only_on_purpose(self, world: World) -> None:
        doubt = _doubt(world)
        readings.claim_doubt(doubt_id=doubt.pk, user_id=world.auditor_id)

        with pytest.raises(readings.DoubtIsClaimed):
            readings.claim_doubt(doubt_id=doubt.pk, user_id=world.manager_id)
        readings.claim_doubt(doubt_id=doubt.pk, user_id=world.manager_id, take_over=True)

        doubt.refresh_from_db()
        assert doubt.owner_id == world.manager_id

    def test_the_detail_shows_the_register_s_history(self, world: World) -> None:
        doubt = _doubt(world)

        detail = queries.get_doubt(doubt_id=doubt.pk, within=EVERYWHERE, user_id=world.auditor_id, at=LATER)

        assert [row.energy_kwh_e2 for row in detail.history] == [133_000, 20_000, 19_000, 18_000, None]
        assert detail.history[0].is_in_doubt


class TestPages:
    """The console's pages about doubts."""

    def _client(self, name: str) -> Client:
        client = Client()
        client.force_login(User.objects.get(username=name), backend="django.contrib.auth.backends.ModelBackend")
        return client

    def test_the_auditor_sees_the_list_and_corrects_a_value(self, world: World) -> None:
        doubt = _doubt(world)
        client = self._client("auditor")

        listed = client.get("/console/readings/doubts/")
        shown = client.get(f"/console/readings/doubts/{doubt.pk}/")
        client.post(f"/console/readings/doubts/{doubt.pk}/claim/")
        done = client.post(
            f"/console/readings/doubts/{doubt.pk}/", {"action": "correct", "value": "1760.5", "reason": "看错位"}
        )

        assert world.residential.account_no in listed.content.decode()
        assert "电量突增" in shown.content.decode()
        assert done.status_code == 302
        assert reading(world.residential.installation_id, MARCH_1).value_e4 == 17_605_000

    def test_a_refusal_keeps_what_was_typed(self, world: World) -> None:
        doubt = _doubt(world)

        answer = self._client("auditor").post(
            f"/console/readings/doubts/{doubt.pk}/", {"action": "correct", "value": "12", "reason": "看错位"}
        )

        assert answer.status_code == 422
        assert "看错位" in answer.content.decode()
        assert "示数低于上次示数" in answer.content.decode()

    def test_a_stranger_and_a_clerk_are_kept_out(self, world: World) -> None:
        doubt = _doubt(world)

        codes = [
            self._client(name).get(f"/console/readings/doubts/{doubt.pk}/").status_code
            for name in ("stranger", "clerk_a")
        ]

        assert codes == [403, 403]

    def test_somebody_without_an_account_is_sent_to_sign_in(self, world: World) -> None:
        assert Client().get("/console/readings/doubts/").status_code == 302

    def test_the_list_takes_as_many_queries_for_many_as_for_one(
        self, world: World, django_assert_max_num_queries: Any
    ) -> None:
        _doubt(world)
        send(register_file([[world.residential_day_15.meter_no, "total", "2026-02-15", 9000]]), at=LATER)
        client = self._client("auditor")

        with django_assert_max_num_queries(8):
            client.get("/console/readings/doubts/")
