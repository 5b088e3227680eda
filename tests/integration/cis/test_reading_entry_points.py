"""Readings at the doors: command, API, upload page, data catalogue."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client

from cis.models import Reading, ReadingImport
from cis.operations import billing
from cis.queries import day_costs, statistics
from cis.queries import readings as queries
from config.shared.models import Role, User
from tests.factories.metering import interval_file, register_file, send
from tests.factories.world import World, small_world

JANUARY_20 = "2026-01-20"
pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> World:
    return small_world()


def _client(name: str) -> Client:
    client = Client()
    client.force_login(User.objects.get(username=name), backend="django.contrib.auth.backends.ModelBackend")
    return client


def _holder(permission: str) -> str:
    """The name of a user of the tiny utility who holds a permission for the whole of it."""
    for user in User.objects.exclude(username="stranger"):
        grants = user.grants.filter(org_unit__parent=None)
        if Role.objects.filter(pk__in=grants.values("role"), permissions__contains=[permission]).exists():
            return user.username
    raise AssertionError(f"nobody holds {permission}")


def _good(world: World) -> bytes:
    return register_file([[world.residential.meter_no, "total", JANUARY_20, 1500]])


def _mixed(world: World) -> bytes:
    return register_file([[world.residential.meter_no, "total", JANUARY_20, 1500], ["NONE", "total", JANUARY_20, 1]])


class TestCommand:
    """`manage.py import_readings`."""

    def _run(self, file: Path, *options: str) -> tuple[int, str]:
        out = io.StringIO()
        try:
            call_command("import_readings", str(file), *options, stdout=out, stderr=io.StringIO())
        except SystemExit as left:
            return int(left.code or 0), out.getvalue()
        return 0, out.getvalue()

    def test_it_leaves_with_0_when_all_landed(self, world: World, tmp_path: Path) -> None:
        file = tmp_path / "r.csv"
        file.write_bytes(_good(world))

        code, said = self._run(file, "--json")

        assert (code, json.loads(said)["landed"]) == (0, 1)

    def test_it_leaves_with_3_and_writes_the_rejects(self, world: World, tmp_path: Path) -> None:
        file, rejects = tmp_path / "r.csv", tmp_path / "rejects.csv"
        file.write_bytes(_mixed(world))

        code, _said = self._run(file, "--rejects", str(rejects))

        rows = list(csv.DictReader(io.StringIO(rejects.read_text("utf-8-sig"))))
        assert code == 3
        assert [(row["line_no"], row["code"], row["raw"]) for row in rows] == [
            ("3", "meter-unknown", f"NONE,total,{JANUARY_20},1")
        ]

    def test_it_leaves_with_4_when_the_file_is_refused(self, world: World, tmp_path: Path) -> None:
        file, rejects = tmp_path / "r.csv", tmp_path / "rejects.csv"
        file.write_bytes(_mixed(world))
        before = Reading.objects.count()

        code, said = self._run(file, "--all-or-nothing", "--json", "--rejects", str(rejects))

        assert (code, json.loads(said)["code"], Reading.objects.count()) == (4, "rows-rejected", before)
        assert "meter-unknown" in rejects.read_text("utf-8-sig")


class TestApi:
    """`/api/v1/reading-imports/`."""

    ADDRESS = "/api/v1/reading-imports/"

    def test_a_body_of_text_lands_and_again_changes_nothing(self, world: World) -> None:
        client = _client(_holder("cis.import_readings"))

        first = client.post(self.ADDRESS, _good(world), content_type="text/csv")
        again = client.post(self.ADDRESS, _good(world), content_type="text/csv")

        assert (first.status_code, first.json()["landed"]) == (201, 1)
        assert (again.status_code, again.json()["landed"], again.json()["unchanged"]) == (201, 0, 1)

    def test_a_parquet_body_lands(self, world: World) -> None:
        body = io.BytesIO()
        columns = {
            "meter_no": [world.residential.meter_no],
            "register": ["total"],
            "read_on": [date(2026, 1, 20)],
            "value": ["1500"],
        }
        pq.write_table(pa.table(columns), body)

        answer = _client(_holder("cis.import_readings")).post(
            self.ADDRESS, body.getvalue(), content_type="application/vnd.apache.parquet"
        )

        assert (answer.status_code, answer.json()["landed"]) == (201, 1)

    def test_an_upload_reports_its_rejects(self, world: World) -> None:
        client = _client(_holder("cis.import_readings"))

        sent = client.post(self.ADDRESS, {"file": SimpleUploadedFile("r.csv", _mixed(world))})
        number = sent.json()["import_id"]
        seen = client.get(f"{self.ADDRESS}{number}/").json()
        rejects = b"".join(client.get(f"{self.ADDRESS}{number}/rejects.csv", headers={"accept": "text/csv"}))

        assert (sent.status_code, seen["rejected"], seen["landed"]) == (201, 1, 1)
        assert "meter-unknown" in rejects.decode("utf-8-sig")

    def test_a_refusal_is_a_problem_with_a_code_and_the_import(self, world: World) -> None:
        client = _client(_holder("cis.import_readings"))
        upload = {"file": SimpleUploadedFile("r.csv", _mixed(world)), "all_or_nothing": "true"}

        answer = client.post(self.ADDRESS, upload)

        problem = answer.json()
        assert (answer.status_code, problem["code"], problem["first_lines"]) == (422, "rows-rejected", [3])
        assert ReadingImport.objects.get(pk=problem["import_id"]).state == "refused"

    def test_without_a_file_it_says_what_is_missing(self, world: World) -> None:
        answer = _client(_holder("cis.import_readings")).post(self.ADDRESS, {})

        assert (answer.status_code, answer.json()["code"]) == (422, "bad-input")

    def test_a_stranger_is_kept_out(self, world: World) -> None:
        answers = [
            _client("stranger").post(self.ADDRESS, b"x", content_type="text/csv").status_code,
            Client().post(self.ADDRESS, b"x", content_type="text/csv").status_code,
        ]

        assert answers[0] == 403
        assert answers[1] in (401, 403)
        assert not ReadingImport.objects.exists()


class TestUploadPage:
    """The page that takes files."""

    def test_an_upload_leads_to_its_result(self, world: World) -> None:
        client = _client(_holder("cis.import_readings"))

        answer = client.post(
            "/console/readings/imports/", {"file": SimpleUploadedFile("r.csv", _mixed(world))}, follow=True
        )
        listed = client.get("/console/readings/imports/")

        assert "NONE" in answer.content.decode()
        assert "r.csv" in listed.content.decode()

    def test_a_refused_file_is_explained_on_the_page(self, world: World) -> None:
        answer = _client(_holder("cis.import_readings")).post(
            "/console/readings/imports/", {"file": SimpleUploadedFile("r.csv", b"a,b\n1,2\n")}
        )

        assert answer.status_code == 422
        assert "缺少列" in answer.content.decode()


class TestUsage:
    """Readings and curves of an account, for charts and downloads."""

    DAY = date(2026, 1, 7)

    def test_a_day_by_period_adds_up_to_the_day(self, world: World) -> None:
        send(interval_file([(world.residential_tou.meter_no, self.DAY, ["0.1"] * 95 + [""])]))

        (day,) = queries.daily_usage(world.residential_tou.account_id, self.DAY, date(2026, 1, 8))
        curve = queries.curve(world.residential_tou.account_id, self.DAY)

        assert (day.energy_wh, day.missing_slots) == (9_500, 1)
        assert len(day.by_period) > 1
        assert sum(energy for _name, energy in day.by_period) == day.energy_wh
        assert (curve.energy_wh[0], curve.energy_wh[95], len(curve.periods)) == (100, None, 96)

    def test_the_export_has_one_row_a_day(self, world: World) -> None:
        send(interval_file([(world.residential.meter_no, self.DAY, ["0.1"] * 96)]))

        rows = list(day_costs.usage_rows(world.residential.account_id, self.DAY, date(2026, 1, 8)))

        assert [row[:3] for row in rows] == [("day", "energy_kwh", "kwh_01"), ("2026-01-07", "9.600", "0.100")]

    def test_readings_are_listed_newest_first(self, world: World) -> None:
        rows = queries.list_readings(world.residential.account_id)

        assert [row.read_on for row in rows] == sorted((row.read_on for row in rows), reverse=True)
        assert (rows[0].energy_kwh_e2, rows[-1].energy_kwh_e2) == (20_000, None)


class TestDataCatalogue:
    """What the utility keeps, to look at and take away."""

    DAY = date(2026, 1, 7)

    @pytest.mark.acceptance("000-17")
    def test_sales_by_class_and_unit_are_browsed_and_exported(self, world: World) -> None:
        for account in (world.residential, world.commercial):
            billing.issue_bill_now(
                account_id=account.account_id, cycle=202601, issued_by_id=world.accountant_id, at=world.at
            )
        client = _client(_holder("cis.export_data"))

        rows = statistics.sales(from_cycle=202601, to_cycle=202601)
        page = client.get("/console/data/sales/?from_cycle=202601&to_cycle=202601")
        download = b"".join(client.get("/console/data/sales.csv?from_cycle=202601&to_cycle=202601"))

        sold = {row.price_class: row.energy_kwh_e2 for row in rows}
        assert sold == {1: 20_000, 2: (40 + 65 + 100 + 50) * 40 * 100}
        assert "200" in page.content.decode()
        exported = list(csv.DictReader(io.StringIO(download.decode("utf-8-sig"))))
        assert sorted(row["energy_kwh"] for row in exported) == ["10200.00", "200.00"]

    @pytest.mark.acceptance("000-18")
    def test_the_load_of_a_district_is_the_sum_of_its_points(self, world: World) -> None:
        send(
            interval_file(
                [
                    (world.residential.meter_no, self.DAY, ["0.25"] * 96),
                    (world.commercial.meter_no, self.DAY, ["1.5"] * 95 + [""]),
                ]
            )
        )
        client = _client(_holder("cis.export_data"))
        asked = f"place=district-{world.transformer_district_id}&day={self.DAY}"

        curve = statistics.load_curve(day=self.DAY, district_id=world.transformer_district_id)
        page = client.get(f"/console/data/load/?{asked}")
        download = b"".join(client.get(f"/console/data/load.csv?{asked}"))

        assert (curve.energy_wh[0], curve.energy_wh[95]) == (1_750, 250)
        assert (curve.points, curve.points_served, curve.missing) == (2, 4, 1)
        assert page.status_code == 200
        exported = list(csv.DictReader(io.StringIO(download.decode("utf-8-sig"))))
        assert (len(exported), exported[1]["from"], exported[1]["mean_load_kw"]) == (96, "00:15", "7.000")

    def test_a_feeder_sums_its_districts(self, world: World) -> None:
        send(interval_file([(world.residential.meter_no, self.DAY, ["0.25"] * 96)]))
        feeder = next(place for place in statistics.list_places() if place.kind == "feeder")

        curve = statistics.load_curve(day=self.DAY, feeder_id=feeder.place_id)

        assert sum(curve.energy_wh) == 24_000

    def test_the_tariff_history_of_a_customer(self, world: World) -> None:
        client = _client(_holder("cis.export_data"))

        page = client.get(f"/console/data/tariffs/?account_no={world.residential.account_no}")
        download = b"".join(client.get(f"/console/data/tariffs.csv?account_no={world.residential.account_no}"))

        assert "HB-RES" in page.content.decode()
        assert "HB-RES" in download.decode("utf-8-sig")

    def test_the_catalogue_names_all_three_and_keeps_strangers_out(self, world: World) -> None:
        page = _client(_holder("cis.export_data")).get("/console/data/").content.decode()

        assert all(name in page for name in ("电量销售数据", "系统负荷数据", "用户历次电价"))
        assert _client("stranger").get("/console/data/").status_code == 403
        assert _client("stranger").get("/console/data/sales.csv?from_cycle=202601&to_cycle=202601").status_code == 403
