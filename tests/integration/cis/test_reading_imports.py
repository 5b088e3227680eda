"""Files of readings: what lands, what is rejected, what a second sending changes."""

from __future__ import annotations

import io
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cis import reading_files
from cis.models import IntervalDay, Reading, ReadingDoubt, ReadingImport, ReadingReject
from cis.operations import reading_imports
from cis.operations.reading_imports import FileUnusable, RowsRejected
from cis.operations.reading_places import closing_cycle
from tests.chaos.same_file_twice import twice_is_once
from tests.factories.metering import exchange_meter, interval_file, reading, register_file, send
from tests.factories.world import World, small_world

MARCH_1 = date(2026, 3, 1)
LATER = datetime.fromisoformat("2026-03-02T09:00+08:00")
pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> World:
    return small_world()


def _february(world: World) -> bytes:
    """The closing readings of February for the two simple households."""
    return register_file(
        [
            [world.residential.meter_no, "total", "2026-03-01", 1000 + 180 + 190 + 200 + 190],
            [world.residential_day_15.meter_no, "total", "2026-02-15", 1000 + 95 + 105 + 115 + 105],
        ]
    )


class TestRowsThatLand:
    """Good rows are stored, placed and judged."""

    def test_a_reading_closes_its_cycle_and_is_accepted_with_its_advance(self, world: World) -> None:
        result = send(_february(world), at=LATER)

        stored = reading(world.residential.installation_id, MARCH_1)
        assert (result.landed, result.rejected, result.accepted, result.doubtful) == (2, 0, 2, 0)
        assert (stored.cycle, stored.state, stored.advance_kwh_e2, stored.days) == (202602, 1, 19_000, 28)
        assert stored.account_id == world.residential.account_id
        assert reading(world.residential_day_15.installation_id, date(2026, 2, 15)).cycle == 202602

    def test_parquet_and_csv_land_alike(self, world: World) -> None:
        table = pa.table(
            {
                "meter_no": [world.residential.meter_no],
                "register": ["total"],
                "read_on": [MARCH_1],
                "value": pa.array([1760.5]),
            }
        )
        file = io.BytesIO()
        pq.write_table(table, file)

        result = send(file.getvalue(), name="readings.parquet", at=LATER)

        assert result.landed == 1
        assert reading(world.residential.installation_id, MARCH_1).value_e4 == 17_605_000

    def test_of_daily_freezes_the_one_on_the_reading_day_closes_the_cycle(self, world: World) -> None:
        start = date(2026, 2, 25)
        rows = [[world.residential.meter_no, "total", start + timedelta(days=n), 1700 + 6 * n] for n in range(6)]

        send(register_file(rows), at=LATER)

        closing = Reading.objects.filter(installation_id=world.residential.installation_id, cycle=202602)
        assert [one.read_on for one in closing] == [MARCH_1]

    def test_several_pending_readings_of_a_register_are_judged_in_the_order_of_their_days(self, world: World) -> None:
        number = world.residential.meter_no
        rows = [
            [number, "total", "2026-03-01", 1766],
            [number, "total", "2026-02-11", 1630],
            [number, "total", "2026-02-21", 1700],
        ]

        send(register_file(rows), at=LATER)

        ours = Reading.objects.filter(installation_id=world.residential.installation_id, read_on__gt=date(2026, 2, 1))
        assert [(one.advance_kwh_e2, one.days) for one in ours.order_by("read_on")] == [
            (6_000, 10),
            (7_000, 10),
            (6_600, 8),
        ]

    def test_a_late_reading_splits_the_advance_of_the_one_after_it(self, world: World) -> None:
        send(_february(world), at=LATER)

        send(register_file([[world.residential.meter_no, "total", "2026-02-11", 1630]]), at=LATER)

        assert reading(world.residential.installation_id, MARCH_1).advance_kwh_e2 == 13_000

    def test_readings_of_an_exchange_go_to_the_old_and_the_new_meter(self, world: World) -> None:
        day = date(2026, 2, 10)
        new = exchange_meter(world.residential.installation_id, day, "NEW-1")

        result = send(
            register_file([[world.residential.meter_no, "total", day, 1625], ["NEW-1", "total", day, 3]]), at=LATER
        )

        removed, installed = reading(world.residential.installation_id, day), reading(new, day)
        assert result.landed == 2
        assert (removed.kind, removed.cycle, removed.advance_kwh_e2) == (Reading.Kind.REMOVED, 0, 5_500)
        assert (installed.kind, installed.advance_kwh_e2, installed.state) == (Reading.Kind.INSTALLED, -1, 1)

    def test_chinese_words_in_gb18030_are_read(self, world: World) -> None:
        content = f"表号,示数类型,抄表日期,示数,来源\n{world.residential.meter_no},正向有功总,2026年3月1日,1760,估抄\n"

        send(content.encode("gb18030"), at=LATER)

        assert reading(world.residential.installation_id, MARCH_1).source == 4


class TestSendingAgain:
    """The same rows a second time change nothing."""

    @pytest.mark.acceptance("F10")
    def test_a_large_file_sent_twice_by_the_command_adds_no_row(self, tmp_path: Path) -> None:
        """Sixty thousand rows in several batches; `make chaos` does it with a million."""
        twice_is_once(tmp_path, meters=2_000, days=30)

    def test_the_same_file_twice_adds_no_row(self, world: World) -> None:
        send(_february(world), at=LATER)
        before = list(Reading.objects.order_by("installation_id", "register", "read_on").values())

        again = send(_february(world), at=LATER + timedelta(days=1))

        assert (again.landed, again.unchanged, again.rejected) == (0, 2, 0)
        assert list(Reading.objects.order_by("installation_id", "register", "read_on").values()) == before

    def test_a_row_repeated_far_down_the_file_is_unchanged(self, world: World, monkeypatch: Any) -> None:
        _small_batches(monkeypatch, 1)
        row = [world.residential.meter_no, "total", "2026-03-01", 1760]

        result = send(register_file([row, row]), at=LATER)

        assert (result.landed, result.unchanged) == (1, 1)

    def test_another_value_for_a_stored_reading_is_rejected(self, world: World) -> None:
        send(_february(world), at=LATER)

        result = send(register_file([[world.residential.meter_no, "total", "2026-03-01", 1761]]), at=LATER)

        assert (result.landed, result.rejected) == (0, 1)
        assert ReadingReject.objects.get().code == "conflicts-with-stored"
        assert reading(world.residential.installation_id, MARCH_1).value_e4 == 17_600_000


def _small_batches(monkeypatch: Any, rows: int) -> None:
    real = reading_files.open_readings
    monkeypatch.setattr(
        reading_imports,
        "open_readings",
        lambda stream, name, *, today: real(stream, name, today=today, batch_rows=rows),
    )


class TestBadRows:
    """Each bad row is named with its line and the reason; the caller chooses what happens to the others."""

    ROWS = (
        ("{m},total,2026-03-01,1760", ""),
        ("NO-SUCH,total,2026-03-01,5", "meter-unknown"),
        ("{m},total,2026-03-01,abc", "value-not-a-number"),
        ("{m},nonsense,2026-03-01,5", "register-unknown"),
        ("{m},total,2020-01-01,5", "meter-not-installed"),
        ("{m},total,2026-03-01", "field-count"),
        ("{m},total,2026-03-01,1760", "duplicate-row"),
    )

    def _file(self, world: World) -> bytes:
        lines = [line.format(m=world.residential.meter_no) for line, _code in self.ROWS]
        return "\n".join(["meter_no,register,read_on,value", *lines, ""]).encode()

    def test_every_bad_row_is_reported_with_line_reason_and_text(self, world: World) -> None:
        result = send(self._file(world), at=LATER)

        rejects = ReadingReject.objects.filter(reading_import_id=result.import_id).order_by("line_no")
        expected = [(line, code) for line, (_text, code) in enumerate(self.ROWS, start=2) if code]
        assert [(reject.line_no, reject.code) for reject in rejects] == expected
        assert all(reject.reason and reject.raw for reject in rejects)
        assert (result.landed, result.rejected) == (1, len(expected))

    def test_all_or_nothing_lands_nothing_and_names_the_lines(self, world: World) -> None:
        before = Reading.objects.count()

        with pytest.raises(RowsRejected) as refusal:
            send(self._file(world), all_or_nothing=True, at=LATER)

        entry = ReadingImport.objects.get()
        assert Reading.objects.count() == before
        assert (entry.state, entry.landed, entry.rejected) == ("refused", 0, 6)
        assert entry.rejects.count() == 6
        assert refusal.value.facts["first_lines"] == [3, 4, 5, 6, 7, 8]

    def test_all_or_nothing_lands_everything_when_all_is_good(self, world: World) -> None:
        assert send(_february(world), all_or_nothing=True, at=LATER).landed == 2

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "empty-file"),
            ("meter_no,register,read_on,value\nM1,total,2026-03-01,5\n".encode("utf-16"), "wrong-encoding"),
            (b"meter_no,register,value\nM1,total,5\n", "columns-missing"),
            (b"meter_no,register,read_on,value\nM1,to\x00tal,2026-03-01,5\n", "nul-bytes"),
            (b'meter_no,register,read_on,value\nM1,total,2026-03-01,"5\n', "cut-short"),
            (b"PK\x03\x04rest of a workbook", "not-text"),
        ],
    )
    def test_a_file_that_cannot_be_used_is_refused_with_a_reason(
        self, world: World, content: bytes, reason: str
    ) -> None:
        with pytest.raises(FileUnusable) as refusal:
            send(content, at=LATER)

        entry = ReadingImport.objects.get()
        assert refusal.value.facts["reason"] == reason
        assert (entry.state, entry.landed, bool(entry.message)) == ("refused", 0, True)

    def test_a_parquet_file_cut_short_lands_nothing(self, world: World) -> None:
        file = io.BytesIO()
        table = pa.table({name: ["x"] for name in ("meter_no", "register", "read_on", "value")})
        pq.write_table(table, file)

        with pytest.raises(FileUnusable):
            send(file.getvalue()[:-20], name="cut.parquet", at=LATER)

    def test_a_csv_that_breaks_far_down_lands_nothing_of_what_came_before(self, world: World, monkeypatch: Any) -> None:
        _small_batches(monkeypatch, 1)
        before = Reading.objects.count()

        with pytest.raises(FileUnusable):
            send(_february(world) + b'M1,total,2026-03-01,"5\n', at=LATER)

        assert Reading.objects.count() == before

    def test_names_that_no_database_can_keep_do_no_harm(self, world: World) -> None:
        result = send(_february(world), name="a\x00b\udce9.csv", at=LATER)

        assert result.landed == 2


class TestAfterACrash:
    """An import that died between two batches is finished by sending the same file again."""

    def test_repeating_finishes_what_a_crash_left(self, world: World, monkeypatch: Any) -> None:
        _small_batches(monkeypatch, 1)
        real, calls = reading_imports._store, []

        def store_once(*arguments: Any) -> Any:
            calls.append(1)
            if len(calls) == 2:
                raise ConnectionError("the database went away")
            return real(*arguments)

        monkeypatch.setattr(reading_imports, "_store", store_once)
        with pytest.raises(ConnectionError):
            send(_february(world), at=LATER)
        left = reading(world.residential.installation_id, MARCH_1)
        assert left.state == Reading.State.PENDING

        again = send(_february(world), at=LATER)

        assert (again.landed, again.unchanged, again.accepted) == (1, 1, 2)
        assert not Reading.objects.filter(state=Reading.State.PENDING).exists()


class TestCurves:
    """Daily curves of 96 quarter-hours."""

    DAY = date(2026, 2, 7)

    def test_a_curve_lands_in_wh_with_missing_slots_marked(self, world: World) -> None:
        values = ["0.25"] * 94 + ["", "1.5"]

        result = send(interval_file([(world.residential.meter_no, self.DAY, values)]), at=LATER)

        stored = IntervalDay.objects.get()
        assert (result.landed, stored.point_id, stored.missing_slots) == (1, world.residential.point_id, 1)
        assert stored.energy_wh == [250] * 94 + [-1, 1500]

    def test_the_same_curve_twice_adds_nothing_and_another_is_rejected(self, world: World) -> None:
        row = (world.residential.meter_no, self.DAY, ["0.25"] * 96)
        send(interval_file([row]), at=LATER)

        again = send(interval_file([row]), at=LATER)
        other = send(interval_file([(row[0], self.DAY, ["0.25"] * 95 + ["0.3"])]), at=LATER)

        assert (again.landed, again.unchanged, other.rejected) == (0, 1, 1)
        assert IntervalDay.objects.get().energy_wh == [250] * 96

    def test_slots_collected_later_complete_a_day(self, world: World) -> None:
        number = world.residential.meter_no
        early = interval_file([(number, self.DAY, ["0.25"] * 90 + [""] * 6)])
        send(early, at=LATER)

        filled = send(interval_file([(number, self.DAY, ["0.25"] * 90 + ["0.5"] * 6)]), at=LATER)
        again = send(early, at=LATER)

        assert (filled.landed, again.unchanged) == (1, 1)
        assert (IntervalDay.objects.get().energy_wh, IntervalDay.objects.get().missing_slots) == (
            [250] * 90 + [500] * 6,
            0,
        )


class TestDoubtsFromAFile:
    """What looks wrong goes to the work list with its facts, and nowhere else."""

    def test_a_sudden_rise_opens_a_doubt_with_facts_for_the_unit_of_the_account(self, world: World) -> None:
        result = send(register_file([[world.residential.meter_no, "total", "2026-03-01", 2900]]), at=LATER)

        doubt = ReadingDoubt.objects.get()
        assert (result.accepted, result.doubtful) == (0, 1)
        assert ReadingImport.objects.get().doubtful == 1
        assert (doubt.owner_unit_id, doubt.cycle, doubt.owner_id) == (world.county_a_id, 202602, None)
        assert doubt.facts["current_e4"] == 29_000_000
        assert doubt.facts["energy_kwh_e2"] > doubt.facts["high_kwh_e2"] > doubt.facts["expected_kwh_e2"] > 0

    def test_periods_that_do_not_add_up_to_the_total_are_doubted(self, world: World) -> None:
        installation = world.commercial.installation_id
        last = {
            one.register: one.value_e4 // 10_000
            for one in Reading.objects.filter(installation_id=installation, read_on=date(2026, 2, 1))
        }
        advance = {1: 250, 2: 50, 3: 75, 4: 90, 5: 60}
        names = {1: "total", 2: "sharp", 3: "peak", 4: "flat", 5: "valley"}
        rows = [
            [world.commercial.meter_no, names[code], "2026-03-01", last[code] + units]
            for code, units in advance.items()
        ]

        result = send(register_file(rows), at=LATER)

        assert result.doubtful == 5

    def test_a_low_value_near_the_top_of_the_register_rolls_over(self, world: World) -> None:
        Reading.objects.filter(installation_id=world.residential.installation_id, read_on=date(2026, 2, 1)).update(
            value_e4=9_999_000_000
        )

        send(register_file([[world.residential.meter_no, "total", "2026-03-01", 90]]), at=LATER)

        stored = reading(world.residential.installation_id, MARCH_1)
        assert (stored.state, stored.is_rollover, stored.advance_kwh_e2) == (1, True, 19_000)

    def test_a_low_value_elsewhere_is_doubtful_and_no_rollover(self, world: World) -> None:
        send(register_file([[world.residential.meter_no, "total", "2026-03-01", 90]]), at=LATER)

        stored = reading(world.residential.installation_id, MARCH_1)
        assert (stored.state, stored.is_rollover) == (Reading.State.DOUBTFUL, False)


class TestClosingCycle:
    """Which cycle a reading day closes."""

    @pytest.mark.parametrize(
        ("day", "reading_day", "months", "phase", "cycle"),
        [
            (date(2026, 2, 1), 0, 1, 0, 202601),
            (date(2026, 1, 28), 0, 1, 0, 202601),
            (date(2026, 2, 6), 0, 1, 0, 202601),
            (date(2026, 2, 7), 0, 1, 0, 0),
            (date(2026, 2, 15), 15, 1, 0, 202602),
            (date(2026, 2, 28), 31, 1, 0, 202602),
            (date(2026, 3, 1), 0, 2, 0, 202602),
            (date(2026, 2, 1), 0, 2, 0, 0),
            (date(2026, 2, 1), 0, 2, 1, 202601),
        ],
    )
    def test_the_nearest_reading_day_within_the_tolerance(
        self, day: date, reading_day: int, months: int, phase: int, cycle: int
    ) -> None:
        assert closing_cycle(day, reading_day, months, phase)[0] == cycle
