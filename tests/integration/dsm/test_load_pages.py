"""Pages and interface of load and forecasts, and the commands that take measured series in."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from cis.models import Feeder, Substation
from config.settings.domain import BILLING_TIME_ZONE
from config.shared.indicators import Asked, part_of
from config.shared.models import OrgUnit
from dsm.models import LoadDay, WeatherDay
from dsm.operations.forecast_scores import score_forecasts
from dsm.operations.forecasts import write_forecasts
from dsm.queries.load_figures import accuracy_of, peaks_of
from tests.factories.world import World, make_user, small_world

TODAY = date(2026, 3, 20)
AT = datetime(2026, 3, 20, 10, 0, tzinfo=BILLING_TIME_ZONE)


def load_of(day: date, scale: float) -> list[int]:
    rng = np.random.default_rng(day.toordinal())
    shape = 3 + np.sin((np.arange(96) - 32) / 96 * 2 * np.pi)
    weekend = 0.8 if day.weekday() >= 5 else 1.0
    return [int(v) for v in 1e6 * scale * weekend * shape * rng.normal(1, 0.02, 96)]


@pytest.fixture
def world(db: None) -> World:
    """Fifty days of load, three weeks of forecasts that came out and one of the next day."""
    made = small_world(at=AT)
    other = Substation.objects.create(code="T-S2", name="临江变", org_unit_id=made.county_b_id)
    Feeder.objects.create(code="T-F2", name="临江一线", substation=other)
    scopes = [("system", 0), *(("feeder", pk) for pk in Feeder.objects.values_list("pk", flat=True))]
    LoadDay.objects.bulk_create(
        LoadDay(
            scope=scope, scope_id=scope_id, day=day, source="curves", load_w=load_of(day, 1 + scope_id % 5),
            points_by_slot=[10] * 96, points_served=10, points_delivered=10, written_at=AT,
        )
        for scope, scope_id in scopes
        for day in (TODAY - timedelta(days=n) for n in range(1, 51))
    )  # fmt: skip
    for back in (3, 2, -1):
        issued_at = AT - timedelta(days=back + 1)
        write_forecasts(
            scopes=scopes, on_day=TODAY - timedelta(days=back), issued_at=min(issued_at, AT), made_by_id=None, at=AT
        )
    score_forecasts(first=TODAY - timedelta(days=5), last=TODAY, at=AT)
    return made


@pytest.fixture
def dispatcher(world: World) -> Client:
    return signed_in("dispatcher", OrgUnit.objects.get(pk=world.province_id))


def signed_in(name: str, unit: OrgUnit, role: str | None = "dispatcher") -> Client:
    client = Client()
    client.force_login(make_user(name, unit, role))
    return client


class TestPages:
    def test_load_shows_a_day_beside_two_others_with_every_value_in_a_table(self, dispatcher: Client):
        page = dispatcher.get("/dsm/loads/", {"place": "system", "day": "2026-03-18"}).content.decode()

        assert "2026-03-18 的负荷怎样变化" in page
        assert page.count('<th scope="row">') == 96
        assert "前一天" in page
        assert "上周同日" in page

    def test_forecast_shows_band_outcome_worst_times_and_what_was_used(self, dispatcher: Client):
        page = dispatcher.get("/dsm/forecasts/", {"place": "system", "day": "2026-03-18"}).content.decode()
        chart = json.loads(page.split('<script type="application/json">')[1].split("</script>")[0])

        expected, actual = chart["series"]
        assert expected["forecast"] is True
        assert all(low <= mid <= high for low, mid, high in zip(
            expected["low"], expected["values"], expected["high"], strict=True
        ))  # fmt: skip
        assert actual["values"] == load_of(date(2026, 3, 18), 1)
        assert "哪些时刻差得最多" in page
        assert "之后才知道的数据都没有用" in page
        assert "没有考虑气温" in page

    def test_a_page_costs_the_same_number_of_statements_whatever_it_shows(
        self, dispatcher: Client, django_assert_max_num_queries: Any
    ):
        with django_assert_max_num_queries(18):
            dispatcher.get("/dsm/forecasts/", {"place": "system", "day": "2026-03-21"})

    def test_files_hold_what_the_pages_show(self, dispatcher: Client):
        query = {"place": "system", "day": "2026-03-18"}

        loads = b"".join(dispatcher.get("/dsm/loads.csv", query)).decode("utf-8-sig").splitlines()
        forecast = b"".join(dispatcher.get("/dsm/forecasts.csv", query)).decode("utf-8-sig").splitlines()

        assert len(loads) == 1 + 31 * 96
        assert loads[-96].split(",")[1:4] == ["2026-03-18", "00:00", f"{load_of(date(2026, 3, 18), 1)[0] / 1000:.3f}"]
        assert len(forecast) == 97

    def test_of_another_county_nothing_is_there_and_of_the_system_neither(self, world: World):
        client = signed_in("dispatcher_b", OrgUnit.objects.get(pk=world.county_b_id))
        own, foreign = (Feeder.objects.get(code=code).pk for code in ("T-F2", "T-F1"))

        def status(place: str) -> int:
            return client.get("/dsm/loads/", {"place": place}).status_code

        assert (status(f"feeder-{own}"), status(f"feeder-{foreign}"), status("system")) == (200, 404, 404)
        assert "全系统" not in client.get("/dsm/loads/").content.decode()

    def test_a_clerk_sees_neither(self, world: World):
        client = signed_in("clerk_x", OrgUnit.objects.get(pk=world.hall_a_id), "clerk")

        assert client.get("/dsm/loads/").status_code == client.get("/dsm/forecasts/").status_code == 403

    def test_asking_anew_says_why_it_cannot_be(self, dispatcher: Client):
        answer = dispatcher.post("/dsm/forecasts/make/", {"place": "system", "day": "2026-03-21"}, follow=True)

        assert "只能预测当天或次日的负荷" in answer.content.decode()


class TestFigures:
    def test_of_the_system_and_of_a_county_s_feeders(self, world: World):
        parts = tuple(part_of(OrgUnit.objects.get(pk=pk)) for pk in (world.province_id, world.county_b_id))
        asked = Asked(parts, (202502, 202602, 202603), TODAY)

        peaks, accuracy = peaks_of(asked), accuracy_of(asked)

        february = [TODAY - timedelta(days=n) for n in range(1, 51) if (TODAY - timedelta(days=n)).month == 2]
        own = Feeder.objects.get(code="T-F2").pk
        assert peaks[world.province_id, 202602] == (max(max(load_of(day, 1)) for day in february) + 500) // 1000
        assert (
            peaks[world.county_b_id, 202602] == (max(max(load_of(day, 1 + own % 5)) for day in february) + 500) // 1000
        )
        assert (world.province_id, 202502) not in peaks
        assert 9000 < (accuracy[world.county_b_id, 202603] or 0) < 10_000
        assert (world.county_b_id, 202602) not in accuracy


class TestInterface:
    def test_gives_96_values_and_a_band(self, dispatcher: Client):
        answer = dispatcher.get("/api/v1/dsm/forecasts/2026-03-21/")

        found = answer.json()
        assert answer.status_code == 200
        assert [len(found[name]) for name in ("p10_kw", "p50_kw", "p90_kw")] == [96] * 3
        assert (found["scope"], found["on_day"], found["forecaster"]) == ("system", "2026-03-21", "linear_by_slot")

    def test_a_day_without_one_and_a_stranger(self, dispatcher: Client, world: World):
        stranger = signed_in("nobody", OrgUnit.objects.get(pk=world.hall_a_id), None)

        assert dispatcher.get("/api/v1/dsm/forecasts/2026-05-01/").status_code == 404
        assert stranger.get("/api/v1/dsm/forecasts/2026-03-21/").status_code in {403, 404}


class TestMeasuredSeries:
    def written(self, tmp_path: Path, days: int = 2) -> Path:
        path = tmp_path / "system.csv"
        lines = [
            f"2026-01-{day:02d}T{hour:02d}:00+08:00,{100 + hour},{5 + day}"
            for day in range(1, days + 1)
            for hour in range(24)
        ]
        path.write_text("\n".join(["time,load,t", *lines]))
        return path

    def test_is_the_system_s_load_from_then_on_and_the_same_file_changes_nothing(self, db: None, tmp_path: Path):
        path = self.written(tmp_path)
        said = [StringIO(), StringIO()]
        for out in said:
            call_command("import_load", str(path), unit="MW", temperature="t", stdout=out)

        day = LoadDay.objects.get(scope="system", day=date(2026, 1, 2))
        assert day.load_w[-1] == 123_000_000
        assert (day.source, day.revision) == ("import", 0)
        assert WeatherDay.objects.get(day=date(2026, 1, 2)).temperature_c_e2 == [700] * 96
        assert "2 new or different" in said[0].getvalue()
        assert "0 new or different" in said[1].getvalue()

    def test_does_not_mix_with_the_sum_of_customers(self, world: World, tmp_path: Path):
        path = self.written(tmp_path)

        with pytest.raises(CommandError, match="has-load-from-curves"):
            call_command("import_load", str(path))
        call_command("import_load", str(path), replace=True, stdout=StringIO())

        assert set(LoadDay.objects.filter(scope="system").values_list("source", flat=True)) == {"import"}

    def test_weather_as_it_was_forecast(self, db: None, tmp_path: Path):
        path = self.written(tmp_path, days=1)

        call_command(
            "import_weather", str(path), temperature="t", issued_at=datetime.fromisoformat("2025-12-31T08:00+08:00"),
            stdout=StringIO(),
        )  # fmt: skip

        row = WeatherDay.objects.get()
        assert (row.kind, row.temperature_c_e2) == ("forecast", [600] * 96)
        assert row.issued_at == datetime(2025, 12, 31, 8, 0, tzinfo=BILLING_TIME_ZONE)
