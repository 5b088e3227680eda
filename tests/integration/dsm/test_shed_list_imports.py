"""A utility sets its yearly list up: from a file on the command line to the approval on the page."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cis.models import Feeder
from config.shared.models import User
from dsm.models import ShedEntry, ShedList
from dsm.operations import shed_lists
from tests.factories.shortage import Works, make_shortage, make_works
from tests.factories.staff import prove

HEAD = (
    "account_no,tier,protected_because,security_kw,process_pct,lead_h,compensation_fen_kwh,lost_output_fen_kwh,"
    "burden_before_h"
)


@pytest.fixture
def works(db: None) -> Works:
    # The command and the pages read the clock.
    return make_works(count=6, at=timezone.localtime())


def written(tmp_path: Path, *lines: str, head: str = HEAD, name: str = "list.csv") -> str:
    path = tmp_path / name
    path.write_text("\n".join([head, *lines, ""]), "utf-8-sig")
    return str(path)


def run(*words: str, year: int) -> str:
    out = StringIO()
    call_command("import_shed_list", *words, "--year", str(year), stdout=out)
    return out.getvalue()


def good(works: Works) -> list[str]:
    numbers = [one.account_no for one in works.accounts]
    return [
        f"{numbers[0]},1,,30,90,4,80,500,5",
        f"{numbers[1]},2,,,80,,80,900,",
        f"{numbers[2]},9,市第一医院,,80,,80,900,",
    ]


class TestImport:
    def test_from_the_file_to_a_shortage_that_is_planned_with_it(self, works, tmp_path):
        year = (timezone.localtime() + timedelta(days=2)).year
        feeder = Feeder.objects.order_by("pk")[0]
        feeders = written(tmp_path, f"{feeder.code},900,40", head="feeder,expected_kw,households", name="feeders.csv")

        said = json.loads(run(written(tmp_path, *good(works)), "--feeders", feeders, "--json", year=year))

        assert said == {
            "state": "done", "list_id": said["list_id"], "year": year, "unit": said["unit"], "is_new": True,
            "accounts": 3, "protected": 1, "not_surveyed": 2, "not_measured": 0, "sheddable_kw": said["sheddable_kw"],
            "feeders": 1,
        }  # fmt: skip
        first, second, hospital = ShedEntry.objects.filter(shed_list_id=said["list_id"]).order_by("account_id")
        assert (first.capacity_kva, first.peak_kw, first.security_kw, first.lead_h) == (1000, 200, 30, 4)
        assert (first.sheddable_kw, first.burden_before_h) == (153, 5)
        assert (second.security_kw, second.security_source) == (32, "default")
        assert (hospital.tier, hospital.protected_because, hospital.sheddable_kw) == (9, "市第一医院", 0)

        planner = Client()
        planner.force_login(User.objects.get(pk=works.dispatcher_id))
        assert "还没有登记政府批文" in planner.get(reverse("dsm:shed_list")).content.decode()
        assert "市第一医院" in planner.get(reverse("dsm:shed_list_draft", args=[said["list_id"]])).content.decode()
        typed = {"authority": "市发改委", "document_no": "18号", "document_on": timezone.localdate().isoformat()}
        address = reverse("dsm:shed_list_approve", args=[said["list_id"]])
        assert planner.post(address, typed).status_code == 422
        prove(planner)
        late = {**typed, "document_on": (timezone.localdate() + timedelta(days=1)).isoformat()}
        assert "不能晚于今天" in planner.post(address, late).content.decode()
        assert planner.post(address, typed).status_code == 302
        listed = ShedList.objects.get(pk=said["list_id"])
        assert (listed.state, listed.approved_by_id) == ("approved", works.dispatcher_id)
        assert ShedList.objects.get(pk=works.list_id).state == "replaced"
        assert planner.post(address, typed).status_code == 422
        day = (timezone.localtime() + timedelta(days=2)).date()
        assert make_shortage(works, on_day=day, at=timezone.now()).shed_list_id == listed.pk

    def test_all_faults_are_told_with_their_lines_and_nothing_is_written(self, works, tmp_path):
        before = ShedList.objects.count()
        number = works.accounts[0].account_no
        bad = written(
            tmp_path,
            f"{number},1,,30,90,4,80,500,5",
            "123,1,,,90,,80,500,",
            f"{works.world.residential.account_no},1,,,90,,80,500,",
            f"{number},1,,,90,,80,500,",
            f"{works.accounts[1].account_no},9,,,90,,80,500,",
            f"{works.accounts[2].account_no},1,,三十,90,,80,500,",
            f"{works.accounts[3].account_no},1,,,101,,80,500,",
        )
        out = StringIO()

        with pytest.raises(CommandError, match="6 处不对") as refused:
            call_command("import_shed_list", bad, "--year", "2031", "--json", stdout=out)

        assert refused.value.returncode == 4
        told = {one["line"]: one["detail"] for one in json.loads(out.getvalue())["errors"]}
        assert sorted(told) == [3, 4, 5, 6, 7, 8]
        for line, words in {
            3: "没有户号 123",
            4: "居民",
            5: "出现过",
            6: "写明理由",
            7: "三十",
            8: "process_pct",
        }.items():
            assert words in told[line]
        assert ShedList.objects.count() == before

    def test_the_same_file_is_one_list_and_another_one_replaces_the_draft(self, works, tmp_path):
        lines = good(works)
        first = json.loads(run(written(tmp_path, *lines), "--json", year=2031))
        again = json.loads(run(written(tmp_path, *reversed(lines)), "--json", year=2031))
        checked = json.loads(run(written(tmp_path, *lines[1:]), "--check", "--json", year=2031))
        other = json.loads(run(written(tmp_path, *lines[1:]), "--json", year=2031))

        assert (again["list_id"], again["is_new"]) == (first["list_id"], False)
        assert checked == {"state": "checked"}
        assert other["is_new"]
        states = dict(ShedList.objects.filter(year=2031).values_list("pk", "state"))
        assert states == {first["list_id"]: "discarded", other["list_id"]: "draft"}
        with pytest.raises(shed_lists.ListNotOpen):
            shed_lists.approve_list(
                list_id=first["list_id"], authority="发改委", document_no="1号", approved_on=timezone.localdate(),
                by_id=None, at=timezone.now(),
            )  # fmt: skip

    def test_what_is_not_there_is_said(self, works, tmp_path):
        for words, said in (
            ([str(tmp_path / "nothing.csv")], "nothing.csv"),
            ([written(tmp_path, *good(works)), "--unit", "nobody"], "nobody"),
            ([written(tmp_path, head="account_no,tier")], "1 处不对"),
        ):
            with pytest.raises(CommandError, match=said):
                run(*words, year=2031)


class TestDrawing:
    def test_a_home_is_never_drawn(self, works):
        home = works.world.residential

        with pytest.raises(shed_lists.HomeListed, match=home.account_no):
            shed_lists.draw_list(
                year=2031, org_unit_id=works.world.province_id, feeders=[], made_by_id=None, at=timezone.now(),
                rows=[shed_lists.Surveyed(home.account_id, 8, 1, "", None, 50, 0, 80, 500)],
            )  # fmt: skip
