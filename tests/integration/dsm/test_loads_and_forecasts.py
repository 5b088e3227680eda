"""Load from curves, day by day; forecasts of it, and what became of them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError, ProgrammingError

from cis.models import IntervalDay
from config.settings.domain import BILLING_TIME_ZONE
from config.shared import jobs
from config.shared.models import Job
from dsm.models import ForecastOutcome, LoadDay, LoadForecast, WeatherDay
from dsm.operations import forecasts, loads
from dsm.operations.forecast_scores import score_forecasts
from dsm.queries.forecasts import forecast_for
from dsm.queries.loads import load_days
from tests.factories.world import World, small_world

FIRST = date(2026, 1, 1)
DAYS = 45
LAST = FIRST + timedelta(days=DAYS - 1)
NOW = datetime(2026, 2, 15, 10, 0, tzinfo=BILLING_TIME_ZONE)


def curve(point: int, day: date) -> list[int]:
    """Wh of 96 quarter-hours: more by day, less at weekends, a little by chance."""
    rng = np.random.default_rng([point, day.toordinal()])
    base = 300 + 200 * np.sin((np.arange(96) - 32) / 96 * 2 * np.pi)
    return [int(v) for v in base * (0.8 if day.weekday() >= 5 else 1.0) * rng.normal(1, 0.03, 96) * (1 + point % 3)]


@pytest.fixture
def world(db: None) -> World:
    made = small_world(at=NOW)
    with connection.cursor() as cursor:
        cursor.execute("SELECT cis_make_interval_partitions(%s, %s)", [FIRST, LAST])
    IntervalDay.objects.bulk_create(
        IntervalDay(point_id=one.point_id, day=day, energy_wh=curve(one.point_id, day))
        for one in made.accounts
        for day in (FIRST + timedelta(days=n) for n in range(DAYS))
    )
    return made


def feeder_id() -> int:
    found: int = LoadDay.objects.filter(scope="feeder").values_list("scope_id", flat=True)[0]
    return found


def aggregate() -> Job:
    with transaction.atomic():
        job_id = loads.start_aggregation(first=FIRST, last=LAST, created_by_id=None, at=NOW)
    jobs.work_on(job_id=job_id)
    return Job.objects.get(pk=job_id)


class TestAggregation:
    def test_sums_the_points_of_feeders_and_of_the_system_and_changes_nothing_twice(self, world: World):
        job = aggregate()

        day = LoadDay.objects.get(scope="system", day=FIRST)
        expected = [4 * sum(values) for values in zip(*(curve(a.point_id, FIRST) for a in world.accounts), strict=True)]
        assert job.state == Job.State.DONE
        assert day.load_w == expected
        assert (day.points_served, day.points_delivered) == (len(world.accounts),) * 2
        assert LoadDay.objects.get(scope="feeder", day=FIRST).load_w == expected
        before = list(LoadDay.objects.order_by("pk").values())

        again = aggregate()

        assert list(LoadDay.objects.order_by("pk").values()) == before
        assert {shard.result.get("changed") for shard in again.shards.filter(stage=0)} == {0}

    def test_a_late_curve_corrects_the_sum_and_what_was_said_of_the_forecast(self, world: World):
        late = IntervalDay.objects.get(point_id=world.residential.point_id, day=LAST)
        holed = [-1] * 10 + late.energy_wh[10:]
        IntervalDay.objects.filter(point_id=late.point_id, day=LAST).delete()
        day_before = IntervalDay.objects.filter(point_id=late.point_id, day=LAST - timedelta(days=1))
        day_before.update(energy_wh=holed, missing_slots=10)
        aggregate()
        short = load_days(scope="system", scope_id=0, first=LAST - timedelta(days=1), last=LAST)
        issued_at = NOW - timedelta(days=3)
        forecasts.write_forecasts(
            scopes=[("system", 0)], on_day=LAST - timedelta(days=1), issued_at=issued_at, made_by_id=None, at=NOW
        )
        score_forecasts(first=FIRST, last=LAST, at=NOW)
        scored = ForecastOutcome.objects.get(forecast__forecaster="linear_by_slot")

        day_before.update(energy_wh=late.energy_wh, missing_slots=0)
        late.save(force_insert=True)
        aggregate()

        whole = load_days(scope="system", scope_id=0, first=LAST - timedelta(days=1), last=LAST)
        assert [one.load_w.count(None) for one in short] == [10, 96]
        assert short[1].delivered_e4 == 10_000 * (len(world.accounts) - 1) // len(world.accounts)
        assert all(one.is_complete and one.revision == 1 for one in whole)
        rescored = ForecastOutcome.objects.get(pk=scored.pk)
        assert (scored.slots_scored, rescored.slots_scored, rescored.load_revision) == (86, 96, 1)

    def test_a_system_that_is_measured_is_not_overwritten_with_the_sum_of_customers(self, world: World):
        loads.aggregate_day(day=FIRST, at=NOW)
        LoadDay.objects.filter(scope="system").update(source="import", load_w=[7] * 96)

        loads.aggregate_day(day=FIRST, at=NOW)

        assert LoadDay.objects.get(scope="system").load_w == [7] * 96

    def test_takes_as_many_statements_for_a_whole_network_as_for_one_feeder(
        self, world: World, django_assert_max_num_queries
    ):
        with django_assert_max_num_queries(9):
            assert loads.aggregate_day(day=FIRST, at=NOW) == 2

    def test_days_that_are_not_over_are_refused(self, world: World):
        with pytest.raises(loads.DaysOutOfOrder):
            loads.start_aggregation(first=FIRST, last=NOW.date(), created_by_id=None, at=NOW)

    def test_the_database_takes_no_day_of_another_length(self, world: World):
        with pytest.raises(IntegrityError, match="load_day_has_96_slots"), transaction.atomic():
            LoadDay.objects.create(
                scope="system", day=FIRST, source="import", load_w=[1], points_by_slot=[1] * 96, points_served=1,
                points_delivered=1, written_at=NOW,
            )  # fmt: skip


class TestForecasts:
    def test_a_morning_s_work_forecasts_system_and_feeders_once_and_is_judged_the_day_after(self, world: World):
        aggregate()
        tomorrow = NOW.date() + timedelta(days=1)
        for _twice in range(2):
            with transaction.atomic():
                job_id = forecasts.start_forecasts(on_day=tomorrow, issued_at=NOW, created_by_id=None, at=NOW)
            jobs.work_on(job_id=job_id)

        system = forecast_for(scope="system", scope_id=0, on_day=tomorrow)
        feeder = forecast_for(scope="feeder", scope_id=feeder_id(), on_day=tomorrow)
        assert Job.objects.get(pk=job_id).state == Job.State.DONE
        assert LoadForecast.objects.count() == 4  # two scopes by two forecasters
        assert system is not None
        assert feeder is not None
        assert system.p50_kw == feeder.p50_kw
        assert all(a <= b <= c for a, b, c in zip(system.p10_kw, system.p50_kw, system.p90_kw, strict=True))

        with connection.cursor() as cursor:
            cursor.execute("SELECT cis_make_interval_partitions(%s, %s)", [tomorrow, tomorrow])
        IntervalDay.objects.bulk_create(
            IntervalDay(point_id=one.point_id, day=tomorrow, energy_wh=curve(one.point_id, tomorrow))
            for one in world.accounts
        )
        after = NOW + timedelta(days=2)
        with transaction.atomic():
            job_id = loads.start_aggregation(first=tomorrow, last=tomorrow, created_by_id=None, at=after)
        jobs.work_on(job_id=job_id)

        outcome = ForecastOutcome.objects.get(forecast__scope="system", forecast__forecaster="linear_by_slot")
        assert outcome.slots_scored == 96
        assert outcome.nmae_e4 < 1500  # a day off before the Spring Festival, of which no year before is known
        assert score_forecasts(first=tomorrow, last=tomorrow, at=after) == 0

    def test_the_future_changes_nothing_of_a_forecast_of_the_past(self, world: World):
        aggregate()
        on_day, issued_at = LAST - timedelta(days=5), NOW - timedelta(days=7)
        forecast_id = forecasts.make_forecast(scope="system", scope_id=0, on_day=on_day, at=issued_at)
        said = LoadForecast.objects.get(pk=forecast_id)
        LoadDay.objects.filter(day__gte=on_day - timedelta(days=1)).update(load_w=[1] * 96)
        WeatherDay.objects.create(
            day=on_day, kind="actual", issued_at=NOW, temperature_c_e2=[4000] * 96, source="test", written_at=NOW
        )

        other_id = forecasts.make_forecast(
            scope="system", scope_id=0, on_day=on_day, at=issued_at + timedelta(seconds=1)
        )

        other = LoadForecast.objects.get(pk=other_id)
        assert (other.p10_w, other.p50_w, other.p90_w) == (said.p10_w, said.p50_w, said.p90_w)
        assert other.data_state == said.data_state

    def test_what_was_forecast_cannot_be_changed(self, world: World):
        aggregate()
        forecast_id = forecasts.make_forecast(scope="system", scope_id=0, on_day=NOW.date(), at=NOW)

        assert forecast_id == forecasts.make_forecast(scope="system", scope_id=0, on_day=NOW.date(), at=NOW)
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            LoadForecast.objects.filter(pk=forecast_id).update(p50_w=[0] * 96)

    def test_says_why_there_is_none(self, world: World):
        with pytest.raises(forecasts.TooLittleLoad):
            forecasts.make_forecast(scope="system", scope_id=0, on_day=NOW.date(), at=NOW)
        aggregate()
        with pytest.raises(forecasts.NotTomorrow):
            forecasts.make_forecast(scope="system", scope_id=0, on_day=NOW.date() + timedelta(days=2), at=NOW)
        old = NOW + timedelta(days=20)
        with pytest.raises(forecasts.TooLittleLoad, match="最近几天"):
            forecasts.make_forecast(scope="system", scope_id=0, on_day=old.date(), at=old)
