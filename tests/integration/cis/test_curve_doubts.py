"""Doubtful curves: what the checks find on import, how a day is filled, what is billed, and the limits as data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.utils import timezone

from cis.events import ReadingsAccepted
from cis.models import (
    Bill,
    BillingRun,
    CurveEdit,
    IntervalDay,
    ReadingDoubt,
    ReadingRoute,
    TransformerDistrict,
    ValidationThresholds,
)
from cis.operations import billing, curves, readings
from cis.operations.dated_sets import SetLiesBack, SourceMissing
from cis.operations.use_drops import look_for_drops
from cis.operations.validation_limits import LimitsNotPossible, set_limits
from cis.queries.validation_limits import Limits
from cis.validation import DOUBTS, Thresholds
from config.shared import jobs
from config.shared.events import deliver_waiting
from config.shared.models import OrgUnit, OutboxEvent, User
from tests.factories.metering import CurveAccount, interval_file, make_curve_accounts, register_file, send
from tests.factories.world import AT, World, small_world

pytestmark = pytest.mark.django_db
START, DAY = date(2026, 1, 1), date(2026, 1, 20)
SHAPE = [0.1 + 0.01 * (slot % 24) for slot in range(96)]


@pytest.fixture
def world(db: None) -> World:
    return small_world()


@pytest.fixture
def accounts(world: World) -> list[CurveAccount]:
    return make_curve_accounts(
        [f"CV{number}" for number in range(7)],
        unit=OrgUnit.objects.get(pk=world.county_a_id),
        route=ReadingRoute.objects.get(pk=world.route_day_0_id),
        district=TransformerDistrict.objects.get(pk=world.transformer_district_id),
        tariff_code="JS-RES",
        since=START,
        capacity_kva=8,
    )


def _month(account: CurveAccount, changed: dict[date, Sequence[object]] | None = None) -> bytes:
    """January of an account, every day in its shape at its own level."""
    days = [START + timedelta(days=number) for number in range(31)]
    level = {day: 1 + 0.01 * (number % 5) for number, day in enumerate(days)}
    rows = ((account.meter_no, day, [f"{v * level[day]:.3f}" for v in SHAPE]) for day in days)
    return interval_file((meter, day, (changed or {}).get(day, values)) for meter, day, values in rows)


def _codes(doubt: ReadingDoubt) -> set[str]:
    return {text.code for one, text in DOUBTS.items() if doubt.doubts & one}


def _by(world: World, **more: Any) -> dict[str, Any]:
    return {"reason": "终端离线，现场无异常", "resolved_by_id": world.auditor_id, "at": AT, **more}


def _stored(account: CurveAccount, day: date = DAY) -> IntervalDay:
    return IntervalDay.objects.get(point_id=account.point_id, day=day)


def _with_gap(first: int, last: int) -> list[object]:
    return ["" if first <= slot < last else f"{value:.3f}" for slot, value in enumerate(SHAPE)]


class TestFinding:
    """An import judges its days by the days before, the freezes and the capacity."""

    def test_clean_days_are_accepted_and_each_fault_is_named(self, accounts: list[CurveAccount]) -> None:
        spike = [f"{value * (40 if slot == 50 else 1):.3f}" for slot, value in enumerate(SHAPE)]
        stopped = [0 if slot >= 40 else f"{value:.3f}" for slot, value in enumerate(SHAPE)]
        stuck = ["0.300" if 20 <= slot < 60 else f"{value:.3f}" for slot, value in enumerate(SHAPE)]
        faults: list[Sequence[object]] = [spike, stopped, stuck, _with_gap(4, 9)]

        for account, fault in zip(accounts, faults, strict=False):
            send(_month(account, {DAY: fault}))
        clean = send(_month(accounts[4]))

        found = {one.account_id: _codes(one) for one in ReadingDoubt.objects.filter(subject="curve")}
        assert (clean.accepted, clean.doubtful) == (31, 0)
        assert [found[one.account_id] for one in accounts[:4]] == [
            {"spike", "slot-over-capacity"},
            {"standstill"},
            {"flat-line"},
            {"curve-gap"},
        ]
        assert ReadingDoubt.objects.count() == 4
        assert [_stored(one).state for one in accounts[:5]] == [2, 2, 2, 2, 1]

    def test_a_sum_that_differs_from_the_freezes_is_doubted(self, accounts: list[CurveAccount]) -> None:
        meter = accounts[0].meter_no
        send(register_file([[meter, "total", DAY, "100"], [meter, "total", DAY + timedelta(days=1), "140"]]))

        send(_month(accounts[0]))

        doubt = ReadingDoubt.objects.get(subject="curve")
        assert (_codes(doubt), doubt.facts["freeze_wh"]) == ({"curve-freeze-disagree"}, 40_000)

    def test_points_that_come_later_end_the_doubt(self, accounts: list[CurveAccount]) -> None:
        send(_month(accounts[0], {DAY: _with_gap(4, 9)}))
        doubt = ReadingDoubt.objects.get()

        send(interval_file([(accounts[0].meter_no, DAY, [f"{value:.3f}" for value in SHAPE])]))

        doubt.refresh_from_db()
        assert (doubt.resolution, _stored(accounts[0]).state) == ("reread", 1)


@pytest.mark.acceptance("F9")
class TestFilling:
    """A filled day keeps the energy of its freezes; what was collected can always be had back."""

    def test_a_short_gap_lies_on_a_line_and_the_day_adds_up_to_the_freeze(
        self, world: World, accounts: list[CurveAccount]
    ) -> None:
        meter = accounts[0].meter_no
        send(register_file([[meter, "total", DAY, "100"], [meter, "total", DAY + timedelta(days=1), "120.66"]]))
        send(_month(accounts[0], {DAY: _with_gap(4, 9)}))
        raw = _stored(accounts[0]).energy_wh

        method = curves.fill_curve(doubt_id=ReadingDoubt.objects.get().pk, **_by(world))

        day, edit = _stored(accounts[0]), CurveEdit.objects.get()
        assert (method, sum(day.energy_wh), day.state, day.missing_slots) == ("linear", 20_660, 1, 0)
        assert day.quality == [2 if 4 <= slot < 9 else 1 for slot in range(96)]
        assert (edit.before_wh, edit.after_wh, edit.quality_before[4]) == (raw, day.energy_wh, 0)
        assert (edit.reason, edit.edited_by_id, edit.edited_at) == ("终端离线，现场无异常", world.auditor_id, AT)

    def test_a_long_gap_follows_the_similar_day(self, world: World, accounts: list[CurveAccount]) -> None:
        send(_month(accounts[0], {DAY: _with_gap(10, 60)}))

        method = curves.fill_curve(doubt_id=ReadingDoubt.objects.get().pk, **_by(world))

        after = np.array(_stored(accounts[0]).energy_wh)
        assert method == "similar-day"
        assert np.abs(after - np.array(SHAPE) * 1000).max() <= 2

    def test_without_history_the_kind_gives_the_shape_and_the_line_between_freezes_the_energy(
        self, world: World, accounts: list[CurveAccount]
    ) -> None:
        for account in accounts[1:]:
            send(_month(account))
        meter = accounts[0].meter_no
        send(register_file([[meter, "total", START, "100"], [meter, "total", START + timedelta(days=3), "130"]]))
        send(interval_file([(meter, START + timedelta(days=1), [0.2] + [""] * 95)]))

        method = curves.fill_curve(doubt_id=ReadingDoubt.objects.get().pk, **_by(world))

        after = _stored(accounts[0], START + timedelta(days=1)).energy_wh
        assert (method, sum(after), after[0]) == ("kind-profile", 10_000, 200)
        assert np.corrcoef(after[1:], SHAPE[1:])[0, 1] > 0.999

    def test_a_wrong_sum_keeps_its_shape_and_takes_the_freezes_energy(
        self, world: World, accounts: list[CurveAccount]
    ) -> None:
        meter = accounts[0].meter_no
        send(register_file([[meter, "total", DAY, "100"], [meter, "total", DAY + timedelta(days=1), "140"]]))
        send(_month(accounts[0]))

        curves.fill_curve(doubt_id=ReadingDoubt.objects.get(subject="curve").pk, **_by(world))

        assert sum(_stored(accounts[0]).energy_wh) == 40_000

    def test_collected_after_all_an_estimate_gives_way_and_stays_on_record(
        self, world: World, accounts: list[CurveAccount]
    ) -> None:
        send(_month(accounts[0], {DAY: _with_gap(10, 60)}))
        curves.fill_curve(doubt_id=ReadingDoubt.objects.get().pk, **_by(world))
        estimated = _stored(accounts[0]).energy_wh

        send(interval_file([(accounts[0].meter_no, DAY, [f"{value:.3f}" for value in SHAPE])]))

        day, edit = _stored(accounts[0]), CurveEdit.objects.order_by("-pk")[0]
        assert day.energy_wh == [round(value * 1000) for value in SHAPE]
        assert (day.quality, day.state) == ([1] * 96, 1)
        assert (edit.method, edit.before_wh) == ("collected", estimated)

    def test_single_points_are_corrected_and_marked(self, world: World, accounts: list[CurveAccount]) -> None:
        send(_month(accounts[0], {DAY: _with_gap(4, 6)}))
        doubt = ReadingDoubt.objects.get()

        with pytest.raises(curves.CurveHasGaps):
            curves.correct_slots(doubt_id=doubt.pk, values_wh={4: 150}, **_by(world))
        curves.correct_slots(doubt_id=doubt.pk, values_wh={4: 150, 5: 160}, **_by(world))

        day = _stored(accounts[0])
        assert (day.energy_wh[4:6], (day.quality or [])[3:7]) == ([150, 160], [1, 3, 3, 1])

    def test_an_edit_is_never_changed(self, world: World, accounts: list[CurveAccount]) -> None:
        send(_month(accounts[0], {DAY: _with_gap(4, 9)}))
        curves.fill_curve(doubt_id=ReadingDoubt.objects.get().pk, **_by(world))

        for change in (CurveEdit.objects.update, lambda **_: CurveEdit.objects.all().delete()):
            with pytest.raises(DatabaseError), transaction.atomic():
                change(reason="x")


class TestBilling:
    """Only what is actual or was approved is billed."""

    def test_a_doubtful_day_is_not_billed_until_a_person_has_decided(
        self, world: World, accounts: list[CurveAccount]
    ) -> None:
        stuck = ["0.300" if 20 <= slot < 60 else f"{value:.3f}" for slot, value in enumerate(SHAPE)]
        send(_month(accounts[0], {DAY: stuck}))
        send(_month(accounts[1]))
        run_id = billing.start_run(cycle=202601, org_unit_id=None, created_by_id=world.accountant_id, at=AT)
        jobs.work_on(job_id=BillingRun.objects.get(pk=run_id).job_id or 0)
        mine = Bill.objects.filter(account_id=accounts[0].account_id)
        assert (mine.count(), Bill.objects.filter(account_id=accounts[1].account_id).count()) == (0, 1)

        curves.accept_curve(doubt_id=ReadingDoubt.objects.get().pk, **_by(world))
        assert OutboxEvent.objects.filter(name=ReadingsAccepted.name).count() == 1
        deliver_waiting(now=AT + timedelta(days=9999))

        energy = sum(sum(one.energy_wh) for one in IntervalDay.objects.filter(point_id=accounts[0].point_id))
        assert mine.get().energy_kwh_e2 == (energy + 500) // 1000 * 100

    def test_what_is_pending_is_not_billed(self, world: World, accounts: list[CurveAccount]) -> None:
        send(_month(accounts[0]))
        IntervalDay.objects.filter(point_id=accounts[0].point_id, day=DAY).update(state=IntervalDay.State.PENDING)

        with pytest.raises(billing.CannotBill):
            billing.issue_bill_now(
                account_id=accounts[0].account_id, cycle=202601, issued_by_id=world.accountant_id, at=AT
            )

    def test_a_billed_day_is_not_filled(self, world: World, accounts: list[CurveAccount]) -> None:
        send(_month(accounts[0], {DAY: _with_gap(4, 9)}))
        doubt = ReadingDoubt.objects.get()
        IntervalDay.objects.filter(point_id=accounts[0].point_id, day=DAY).update(
            energy_wh=[200] * 96, missing_slots=0, state=1
        )
        billing.issue_bill_now(account_id=accounts[0].account_id, cycle=202601, issued_by_id=world.accountant_id, at=AT)

        with pytest.raises(readings.AlreadyBilled):
            curves.fill_curve(doubt_id=doubt.pk, **_by(world))

    def test_gaps_are_not_taken_as_they_are(self, world: World, accounts: list[CurveAccount]) -> None:
        send(_month(accounts[0], {DAY: _with_gap(4, 9)}))

        with pytest.raises(curves.CurveHasGaps):
            curves.accept_curve(doubt_id=ReadingDoubt.objects.get().pk, **_by(world))

    def test_a_curve_is_not_decided_as_a_reading(self, world: World, accounts: list[CurveAccount]) -> None:
        send(_month(accounts[0], {DAY: _with_gap(4, 9)}))

        with pytest.raises(readings.NotAReading):
            readings.accept_reading(doubt_id=ReadingDoubt.objects.get().pk, **_by(world))


class TestLimits:
    """The numbers are data: for a part of the organisation, from a day on, with their source and their history."""

    def _set(self, world: World, unit: int | None, at: datetime = AT, **values: int) -> int:
        return set_limits(
            values=values,
            source="公司计量〔2026〕12号",
            from_on=at.date(),
            org_unit_id=unit,
            set_by_id=world.administrator_id,
            at=at,
        )

    def test_the_nearest_part_of_the_organisation_decides_from_its_day_on(self, world: World) -> None:
        self._set(world, None, flat_slots=20, spike_times=9)
        self._set(world, world.county_a_id, flat_slots=50)
        county_a, county_b = (OrgUnit.objects.get(pk=pk).path for pk in (world.county_a_id, world.county_b_id))
        today, limits = AT.date(), Limits()

        assert limits.on(today, county_a) == Thresholds(flat_slots=50, spike_times=9)
        assert limits.on(today, county_b) == Thresholds(flat_slots=20, spike_times=9)
        assert limits.on(today - timedelta(days=1), county_a) == Thresholds()

    def test_an_import_goes_by_them(self, world: World, accounts: list[CurveAccount]) -> None:
        stuck = ["0.300" if 20 <= slot < 60 else f"{value:.3f}" for slot, value in enumerate(SHAPE)]
        long_ago = datetime.fromisoformat("2025-12-01T09:00+08:00")
        self._set(world, world.county_a_id, at=long_ago, flat_slots=50)

        assert send(_month(accounts[0], {DAY: stuck})).doubtful == 0

    def test_one_import_goes_by_the_limits_of_each_unit(self, world: World) -> None:
        long_ago = datetime.fromisoformat("2025-12-01T09:00+08:00")
        self._set(world, world.county_a_id, at=long_ago, change_floor_kwh_residential=5000)
        meters = (world.residential.meter_no, world.residential_day_15.meter_no)

        send(
            register_file([[meter, "total", "2026-03-01", 2900] for meter in meters]),
            at=datetime.fromisoformat("2026-03-02T09:00+08:00"),
        )

        doubt = ReadingDoubt.objects.get()
        assert (doubt.account_id, doubt.facts["current_e4"]) == (world.residential_day_15.account_id, 29_000_000)
        assert "sudden-rise" in _codes(doubt)

    def test_unknown_names_senseless_numbers_and_missing_sources_are_refused(self, world: World) -> None:
        with pytest.raises(LimitsNotPossible):
            self._set(world, None, flat_slot=20)
        with pytest.raises(LimitsNotPossible):
            self._set(world, None, flat_slots=1000)
        with pytest.raises(SourceMissing):
            set_limits(
                values={}, source=" ", from_on=AT.date(), org_unit_id=None, set_by_id=world.administrator_id, at=AT
            )

    def test_what_readings_were_judged_by_is_not_rewritten(self, world: World) -> None:
        self._set(world, None, flat_slots=20)

        with pytest.raises(SetLiesBack):
            self._set(world, None, flat_slots=30)


class TestUses:
    """A use that falls and stays down is found beside its neighbours, once, and holds no bill."""

    def _weeks(self, accounts: list[CurveAccount], fallen: int) -> None:
        days = [START + timedelta(days=number) for number in range(42)]
        for account in accounts:
            rows = []
            for number, day in enumerate(days):
                level = 0.3 if account is accounts[fallen] and number >= 28 else 1.0
                scale = level * (1 + number % 3 / 20)
                rows.append((account.meter_no, day, [f"{value * scale:.3f}" for value in SHAPE]))
            send(interval_file(rows), at=AT + timedelta(days=60))
        ReadingDoubt.objects.all().delete()

    def test_a_drop_against_history_and_neighbours_is_found_once(
        self, world: World, accounts: list[CurveAccount]
    ) -> None:
        self._weeks(accounts, 2)
        until = START + timedelta(days=41)

        opened = [look_for_drops(until=until, at=AT) for _time in range(2)]

        doubt = ReadingDoubt.objects.get()
        assert (opened, doubt.subject, doubt.account_id) == ([1, 0], "use", accounts[2].account_id)
        assert _codes(doubt) == {"lasting-drop"}
        assert 28 <= doubt.facts["newer_percent"] <= 32

        curves.end_use_doubt(doubt_id=doubt.pk, to_inspection=True, **_by(world))

        doubt.refresh_from_db()
        assert (doubt.resolution, look_for_drops(until=until, at=AT)) == ("inspected", 0)
        assert not OutboxEvent.objects.filter(name=ReadingsAccepted.name).exists()


class TestPages:
    """The console's pages about curves, uses and limits."""

    def _client(self, name: str) -> Client:
        client = Client()
        client.force_login(User.objects.get(username=name), backend="django.contrib.auth.backends.ModelBackend")
        return client

    def test_the_list_and_the_page_show_the_day_beside_the_usual_one(
        self, world: World, accounts: list[CurveAccount]
    ) -> None:
        send(_month(accounts[0], {DAY: _with_gap(4, 9)}))
        doubt = ReadingDoubt.objects.get()
        client = self._client("auditor")

        listed = client.get("/console/readings/doubts/").content.decode()
        shown = client.get(f"/console/readings/doubts/{doubt.pk}/").content.decode()

        assert 'class="day-picture"' in listed and 'class="day-usual"' in listed and "缺 5 点" in listed
        assert "平常（前七天中位数）" in shown and "style=" not in shown.split("<svg")[1].split("</svg>")[0]

    def test_a_gap_is_filled_and_points_are_corrected_from_the_page(
        self, world: World, accounts: list[CurveAccount]
    ) -> None:
        for account in accounts[:2]:
            send(_month(account, {DAY: _with_gap(4, 6)}))
        first, second = ReadingDoubt.objects.order_by("pk")
        client = self._client("auditor")
        why = {"reason": "终端离线"}

        wrong = client.post(
            f"/console/readings/doubts/{second.pk}/", {"action": "correct", "points": "01:07 0.1", **why}
        )
        filled = client.post(f"/console/readings/doubts/{first.pk}/", {"action": "estimate", **why})
        typed = {"action": "correct", "points": "01:00 0.150\n01:15 0.16", **why}
        corrected = client.post(f"/console/readings/doubts/{second.pk}/", typed)

        assert [wrong.status_code, filled.status_code, corrected.status_code] == [422, 302, 302]
        assert _stored(accounts[1]).energy_wh[4:6] == [150, 160]
        assert client.get(f"/console/readings/doubts/{first.pk}/").status_code == 200

    def test_an_administrator_changes_a_limit_and_an_auditor_only_sees_it(self, world: World) -> None:
        administrator, auditor = self._client("administrator"), self._client("auditor")
        address = f"/console/readings/limits/change/?unit={world.county_a_id}"
        form = administrator.get(address).context["form"]
        typed = {name: field.initial for name, field in form.fields.items() if field.initial is not None}
        typed |= {"from_on": timezone.localdate().isoformat(), "source": "计量〔2026〕3号", "flat_slots": 40}

        saved = administrator.post(address, typed)
        seen = auditor.get(f"/console/readings/limits/?unit={world.county_a_id}").content.decode()

        row = ValidationThresholds.objects.get(org_unit_id=world.county_a_id)
        assert (saved.status_code, row.values, row.set_by_id) == (302, {"flat_slots": 40}, world.administrator_id)
        assert "计量〔2026〕3号" in seen
        assert auditor.get(address).status_code == 403
