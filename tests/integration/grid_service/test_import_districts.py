"""A utility sets its districts up from its own tables: all of it or nothing, twice the same is once."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from cis.models import Feeder, TransformerDistrict
from config.shared.models import OrgUnit
from grid_service.models import Community, Coverage, ReceivingDistrict, ServiceDistrict
from grid_service.operations import territory
from grid_service.queries.territory import who_serves_account
from tests.factories.portal import signed_in
from tests.factories.world import World, make_unit, make_user, small_world

DISTRICTS = """\ufefforg_code,name,name_en,parent,manager,deputy,manager_phone,deputy_phone,begins,receives_new
D1,,,,m1,m2,0728-8100001,0728-8200001,2026-01-01,yes
D2,楚风片区,Chufeng,T429901,m2,m1,0728-8100002,0728-8200002,2026-01-01T08:30,
"""
COMMUNITIES = """county,kind,name,words,district
T429901,community,桂苑社区,桂苑路;桂苑小区,D1
T429901,行政村,楚风村,,D2
"""
PLACES = """transformer_district,district
{place},D1
T-N1,D2
"""


@pytest.fixture
def world(db: None) -> World:
    """The tiny utility with two more transformer districts, staff, one unit of kind district, nobody at work yet."""
    world = small_world()
    county = OrgUnit.objects.get(pk=world.county_a_id)
    make_unit(county, OrgUnit.Kind.DISTRICT, "D1", "桂苑片区")
    for name in ("m1", "m2"):
        make_user(name, county, "district-manager", f"经理{name}")
    make_user("boss", county, "district-supervisor")
    make_user("clerk", county, "clerk")
    feeder = Feeder.objects.get(code="T-F1")
    for code in ("T-N1", "T-N2"):
        TransformerDistrict.objects.create(code=code, name=code, feeder=feeder, capacity_kva=100)
    return world


class Tables:
    """Three tables as files, and the command on them."""

    def __init__(self, folder: Path, place: str) -> None:
        self.folder = folder
        self.write(districts=DISTRICTS, communities=COMMUNITIES, places=PLACES.format(place=place))

    def write(self, **texts: str) -> None:
        """Other lines."""
        for table, text in texts.items():
            (self.folder / f"{table}.csv").write_text(text, encoding="utf-8")

    def change(self, table: str, before: str, after: str) -> None:
        """One place of a table otherwise."""
        file = self.folder / f"{table}.csv"
        text = file.read_text(encoding="utf-8")
        assert before in text
        file.write_text(text.replace(before, after), encoding="utf-8")

    def load(self, *more: str, by: str = "boss") -> dict[str, int]:
        """What the command says when it is done."""
        said = StringIO()
        files = {table: str(self.folder / f"{table}.csv") for table in ("districts", "communities", "places")}
        words = ["--communities", files["communities"], "--places", files["places"], "--by", by, "--json", *more]
        try:
            call_command("import_districts", files["districts"], *words, stdout=said, stderr=StringIO())
        finally:
            self.said = said.getvalue()
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        done: dict[str, int] = json.loads(self.said)
        return {word: count for word, count in done.items() if count}

    def faults(self) -> list[tuple[str, int, str]]:
        """What the command finds wrong: table, line, words."""
        with pytest.raises(CommandError, match="什么都没有导入"):
            self.load()
        return [(one["table"], one["line"], one["detail"]) for one in json.loads(self.said)["faults"]]


@pytest.fixture
def tables(world: World, tmp_path: Path) -> Tables:
    """Tables in which nothing is wrong."""
    return Tables(tmp_path, TransformerDistrict.objects.get(pk=world.transformer_district_id).code)


class TestSettingUp:
    def test_leads_from_empty_to_every_customer_served_and_what_is_built_later_too(
        self, world: World, tables: Tables
    ) -> None:
        done = tables.load()

        assert done == {
            "units_made": 1, "districts_opened": 2, "communities_new": 2, "places_covered": 2, "places_received": 1,
        }  # fmt: skip
        served = who_serves_account(world.residential.account_id, at=timezone.now())
        assert served is not None and served.manager.name == "经理m1" and served.deputy.phone == "0728-8200001"
        made = OrgUnit.objects.get(code="D2")
        assert made.path == f"{OrgUnit.objects.get(pk=world.county_a_id).path}{made.pk}/"
        begins = ServiceDistrict.objects.get(org_unit=made).begins_at
        assert begins == datetime(2026, 1, 1, 8, 30, tzinfo=settings.BILLING_TIME_ZONE)
        words = dict(Community.objects.values_list("name", "address_words"))
        assert words == {"桂苑社区": ["桂苑路", "桂苑小区"], "楚风村": ["楚风村"]}
        later = TransformerDistrict.objects.create(
            code="T-N3", name="新公变", feeder=Feeder.objects.get(code="T-F1"), capacity_kva=100
        )
        assert Coverage.objects.get(transformer_district=later).service_district.org_unit.code == "D1"
        page = signed_in(supervisor(world)).get(reverse("grid_service:districts")).content.decode()
        assert "楚风片区" in page and "桂苑社区" in page

    def test_twice_is_once_and_what_is_new_or_other_is_taken_over(self, world: World, tables: Tables) -> None:
        tables.load()
        assert tables.load() == {"unchanged": 6}
        now = timezone.now()
        territory.hand_over(
            district_id=ServiceDistrict.objects.get(org_unit__code="D1").pk,
            people={"manager": make_user("m3", OrgUnit.objects.get(code="D1"), "district-manager").pk},
            from_at=now, reason="轮岗", decided_by_id=world.administrator_id, at=now,
        )  # fmt: skip
        tables.change("districts", "0728-8200002", "0728-8200009")
        tables.change("communities", "桂苑路;桂苑小区", "桂苑路")
        tables.write(communities=(tables.folder / "communities.csv").read_text() + "T429901,村,东湖村,,D1\n")

        done = tables.load()

        assert done == {"telephones_changed": 1, "communities_new": 1, "communities_changed": 1, "unchanged": 4}

    def test_what_another_district_covers_moves_only_if_that_is_meant(self, world: World, tables: Tables) -> None:
        tables.load()
        tables.change("places", "T-N1,D2", "T-N1,D1")

        assert tables.faults() == [("places", 3, covered_by("楚风片区"))]
        done = tables.load("--move")

        assert done["places_moved"] == 1
        rows = Coverage.objects.filter(transformer_district__code="T-N1").order_by("valid")
        assert [row.service_district.org_unit.code for row in rows] == ["D2", "D1"]
        moved_at = rows[1].valid.lower
        assert moved_at is not None and moved_at > timezone.now() - timedelta(minutes=5)

    def test_a_check_keeps_nothing(self, world: World, tables: Tables) -> None:
        done = tables.load("--check")

        assert done["districts_opened"] == 2
        assert not ServiceDistrict.objects.exists() and not OrgUnit.objects.filter(code="D2").exists()


class TestWhatIsWrong:
    def test_is_told_by_its_line_and_nothing_is_written(self, world: World, tables: Tables) -> None:
        tables.write(
            districts=DISTRICTS.replace("m2,m1", "m2,m2")
            + "D3,片区三,,T429901,m1,nobody,0728-1,0728-8200003,2026-01-01,\n"
            + "D4,片区四,,T429901,m1,clerk,0728-8100004,0728-8200004,2026-01-01,\n"
            + "D5,片区五,,T429901,m1,m2,电话,0728-8200005,2026-01-01,\n"
            + "D6,片区六,,T429901,m1,m2,0728-8100006,0728-8200006,元旦,\n"
            + "D7,,,,m1,m2,0728-8100007,0728-8200007,2026-01-01,\n"
            + "D1,,,,m1,m2,0728-8100001,0728-8200001,2026-01-01,\n"
            + "D8,片区八,,T429901,m1,m2,0728-8100008,0728-8200008,2026-01-01,yes\n"
            + "D9,片区九,,T429902,m1,m2,0728-8100009,0728-8200009,2026-01-01,\n"
            + "T429901,,,,m1,m2,0728-8100001,0728-8200001,2026-01-01,\n",
            communities=COMMUNITIES + "T429901,小区,某某,,D1\nT429901,village,某村,,D99\nX,village,某村,,D1\n",
            places="transformer_district,district\nT-NONE,D1\nT-N1,D99\nT-N2,D1\nT-N2,D2\n",
        )

        found = {(table, line): words for table, line, words in tables.faults()}

        assert list(found) == [
            *(("districts", line) for line in range(3, 13)),
            *(("communities", line) for line in (4, 5, 6)),
            *(("places", line) for line in (2, 3, 5)),
        ]
        for (table, line), word in {
            ("districts", 3): "不能是同一个人", ("districts", 4): "nobody", ("districts", 5): "岗位权限",
            ("districts", 6): "manager_phone", ("districts", 7): "begins", ("districts", 8): "parent",
            ("districts", 9): "重复", ("districts", 10): "一个区县只能有一个", ("districts", 11): "交接的范围",
            ("districts", 12): "不是片区", ("communities", 5): "片区表", ("communities", 6): "区县",
            ("places", 2): "T-NONE", ("places", 3): "D99", ("places", 5): "重复",
        }.items():  # fmt: skip
            assert word in found[table, line], (table, line, found[table, line])
        assert not ServiceDistrict.objects.exists() and not Community.objects.exists() and not Coverage.objects.exists()
        assert not OrgUnit.objects.filter(code="D2").exists()

    def test_other_people_or_another_beginning_of_an_open_district_are_a_hand_over(
        self, world: World, tables: Tables
    ) -> None:
        tables.load()
        tables.change("districts", "m1,m2,0728-8100001", "m2,m1,0728-8100001")
        tables.change("districts", "2026-01-01T08:30", "2026-02-01")
        tables.change("districts", "2026-01-01,yes", "2026-01-01,")
        tables.change("districts", "2026-02-01,", "2026-02-01,yes")

        (_table, line, first), (_same, _other, second) = tables.faults()

        assert line == 2 and "交接" in first and "启用时间" in second

    def test_a_missing_column_or_somebody_who_may_not(self, world: World, tables: Tables) -> None:
        with pytest.raises(CommandError, match="片区主管"):
            tables.load(by="clerk")
        tables.write(places="code,district\nT-N1,D1\n")
        assert tables.faults() == [("places", 1, "第一行缺少列：transformer_district。请照说明补上列名。")]
        assert not ReceivingDistrict.objects.exists()


def covered_by(name: str) -> str:
    """What is said of a transformer district that another district covers."""
    return f"这个台区已经归「{name}」。要改划，请在片区页面用「划入台区」，或加 --move 从现在起改划。"


def supervisor(world: World) -> int:
    """A supervisor of the county."""
    return make_user("chief", OrgUnit.objects.get(pk=world.county_a_id), "district-supervisor").pk
