"""A utility sets its halls up from its own tables: all of it or nothing, twice the same is once."""

from __future__ import annotations

import json
from datetime import datetime, time
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from config.shared.models import OrgUnit
from halls.models import Counter, Hall, HallQueue, PayPoint, Zone
from halls.operations import call_next
from tests.factories.halls import at_counter, take
from tests.factories.portal import signed_in
from tests.factories.world import World, small_world

AT = datetime.fromisoformat("2026-02-03T09:00+08:00")
HALLS = (
    "\ufeffcode,parent,name,name_en,grade,address,longitude,latitude,opens_at,closes_at,weekdays,zones,wait_target_min"
    """
T42990101,,,,B,江汉市东湖区桂花路1号,112.86,30.62,08:30,17:30,1-5;6,business;guidance,10
T42990109,T429901,楚风营业厅,Chufeng Hall,C,江汉市东湖区楚风路9号,112.87,30.63,9:00,16:00,1-7,,
"""
)
COUNTERS = """hall,number,skills,zone,is_low
T42990101,1,all,business,yes
T42990101,2,pay;enquiry,,
T42990109,1,pay,,
"""
POINTS = """code,kind,name,longitude,latitude,unit,hall
P1,hall,桂花路营业厅,112.86,30.62,T429901,T42990101
P2,bank,江汉银行,112.88,30.64,T429901,
"""


@pytest.fixture
def world(db: None) -> World:
    """The tiny utility: units of kind hall, and no hall yet."""
    return small_world()


class Tables:
    """Three tables as files, and the command on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said = ""
        for table, text in (("halls", HALLS), ("counters", COUNTERS), ("points", POINTS)):
            (folder / f"{table}.csv").write_text(text, encoding="utf-8")

    def change(self, table: str, before: str, after: str) -> None:
        """One place of a table otherwise."""
        file = self.folder / f"{table}.csv"
        text = file.read_text(encoding="utf-8")
        assert before in text
        file.write_text(text.replace(before, after), encoding="utf-8")

    def load(self, *more: str) -> dict[str, int]:
        """What the command says when it is done."""
        said = StringIO()
        files = [str(self.folder / f"{table}.csv") for table in ("halls", "counters", "points")]
        try:
            call_command(
                "import_halls", files[0], "--counters", files[1], "--pay-points", files[2], "--json", *more, stdout=said
            )
        finally:
            self.said = said.getvalue()
        return {word: count for word, count in json.loads(self.said).items() if count}

    def faults(self) -> list[tuple[str, int]]:
        """Where the command finds something wrong."""
        with pytest.raises(CommandError, match="什么都没有导入"):
            self.load()
        return [(one["table"], one["line"]) for one in json.loads(self.said)["faults"]]


@pytest.fixture
def tables(world: World, tmp_path: Path) -> Tables:
    """Tables in which nothing is wrong."""
    return Tables(tmp_path)


class TestSettingUp:
    def test_leads_from_nothing_to_a_number_called_at_a_counter(self, world: World, tables: Tables) -> None:
        assert tables.load() == {"units_made": 1, "halls_new": 2, "counters_new": 3, "pay_points_new": 2}

        hall = Hall.objects.get(org_unit__code="T42990101")
        assert (hall.opens_at, hall.weekdays, hall.wait_target_s) == (time(8, 30), [1, 2, 3, 4, 5, 6], 600)
        assert list(Zone.objects.filter(hall=hall).order_by("position").values_list("kind", flat=True)) == [
            "business",
            "guidance",
        ]
        made = OrgUnit.objects.get(code="T42990109")
        assert made.path == f"{OrgUnit.objects.get(pk=world.county_a_id).path}{made.pk}/"
        assert PayPoint.objects.get(code="P1").hall_id == hall.pk
        at_counter(hall, 2, world.clerk_a_id, at=AT)
        ticket = take(hall, at=AT)
        called = call_next(clerk_id=world.clerk_a_id, at=AT)
        assert called is not None and (called.number, called.counter) == (ticket.number, 2)
        assert "楚风营业厅" in signed_in(world.portal_user_id).get(reverse("halls:portal_halls")).content.decode()

    def test_twice_is_once_and_what_is_other_is_taken_over(self, world: World, tables: Tables) -> None:
        tables.load()
        counter = Counter.objects.get(hall__org_unit__code="T42990101", number=2)
        at_counter(counter.hall, 2, world.clerk_a_id, at=AT)
        assert tables.load() == {"unchanged": 7}

        tables.change("counters", "2,pay;enquiry", "2,pay;change")
        tables.change("points", "江汉银行", "江汉银行东湖支行")

        assert tables.load() == {"changed": 2, "unchanged": 5}
        counter.refresh_from_db()
        assert (counter.skills, counter.state) == (["pay", "change"], "open")
        assert PayPoint.objects.get(code="P2").name == "江汉银行东湖支行"

    def test_may_be_tried_without_keeping_anything(self, world: World, tables: Tables) -> None:
        assert tables.load("--check")["halls_new"] == 2
        assert not Hall.objects.exists() and not OrgUnit.objects.filter(code="T42990109").exists()


class TestWhatIsWrong:
    @pytest.mark.parametrize(
        ("table", "before", "after", "where"),
        [
            ("halls", ",B,", ",X,", ("halls", 2)),
            ("halls", "08:30,17:30", "17:30,08:30", ("halls", 2)),
            ("halls", "08:30,17:30", "8.30,17:30", ("halls", 2)),
            ("halls", "1-7", "0-7", ("halls", 3)),
            ("halls", "112.87", "412.87", ("halls", 3)),
            ("halls", "112.87", "NaN", ("halls", 3)),
            ("halls", "T42990109,T429901,", "T42990109,nowhere,", ("halls", 3)),
            ("halls", "T42990109,T429901,", "T429901,,", ("halls", 3)),
            ("halls", "business;guidance", "business;garden", ("halls", 2)),
            ("counters", "pay;enquiry", "pay;dancing", ("counters", 3)),
            ("counters", "T42990101,2,pay;enquiry", "T42990101,1,pay;enquiry", ("counters", 3)),
            ("counters", "T42990109,1", "T0,1", ("counters", 4)),
            ("counters", "all,business", "all,display", ("counters", 2)),
            ("counters", "hall,number,skills", "hall,number,talents", ("counters", 1)),
            ("points", "T429901,T42990101", "T429901,", ("pay_points", 2)),
            ("points", "112.88,30.64,T429901", "112.88,30.64,T0", ("pay_points", 3)),
        ],
    )
    def test_is_named_by_its_line_and_nothing_is_written(
        self, tables: Tables, table: str, before: str, after: str, where: tuple[str, int]
    ) -> None:
        tables.change(table, before, after)

        assert where in tables.faults()
        assert not Hall.objects.exists() and not PayPoint.objects.exists() and not HallQueue.objects.exists()

    def test_is_all_said_at_once(self, tables: Tables) -> None:
        tables.change("halls", ",B,", ",X,")
        tables.change("points", "112.88", "east")

        assert {("halls", 2), ("pay_points", 3)} <= set(tables.faults())
