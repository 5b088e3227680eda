"""Measured series from files: what is taken, and what is refused in which words."""

from __future__ import annotations

import gzip
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from dsm.series_files import FileRefused, Series, SeriesColumns, read_series

SHANGHAI, MELBOURNE = ZoneInfo("Asia/Shanghai"), ZoneInfo("Australia/Melbourne")
COLUMNS = SeriesColumns(unit="MW")


def written(tmp_path: Path, *lines: str, head: str = "time,load") -> Path:
    path = tmp_path / "series.csv"
    path.write_text("\n".join([head, *lines, ""]), encoding="utf-8-sig")
    return path


def hours(day: str, offset: str = "+08:00", *, leave_out: int = -1) -> list[str]:
    return [f"{day}T{hour:02d}:00{offset},{hour + 1}" for hour in range(24) if hour != leave_out]


def read(path: Path, **more: object) -> Series:
    return read_series(path, COLUMNS, **({"zone": SHANGHAI} | more))  # type: ignore[arg-type]


class TestWhatIsTaken:
    def test_an_hour_s_mean_stands_for_its_quarters_in_watts(self, tmp_path: Path):
        series = read(written(tmp_path, *hours("2026-01-01")))

        assert (series.first, series.step_min, series.rows) == (date(2026, 1, 1), 60, 24)
        assert series.value[0, :5].tolist() == [1e6, 1e6, 1e6, 1e6, 2e6]

    def test_times_of_another_offset_are_laid_out_by_the_clock_of_the_zone(self, tmp_path: Path):
        series = read(written(tmp_path, *hours("2025-12-31", "Z")))

        assert series.first == date(2025, 12, 31)
        assert series.value[0, 31:33].tolist() == pytest.approx([np.nan, 1e6], nan_ok=True)
        assert series.value[1, 0] == 17e6

    def test_compressed_with_temperatures_and_a_hole_that_the_file_admits(self, tmp_path: Path):
        path = tmp_path / "series.csv.gz"
        lines = ["time,load,t", "2026-01-01T00:00+08:00,,3.5", "2026-01-01T00:15+08:00,2,"]
        path.write_bytes(gzip.compress("\n".join(lines).encode()))

        series = read_series(path, SeriesColumns(unit="kW", temperature="t"), zone=SHANGHAI)

        assert series.value[0, :2].tolist() == pytest.approx([np.nan, 2000], nan_ok=True)
        assert series.temperature_c[0, :2].tolist() == pytest.approx([3.5, np.nan], nan_ok=True)

    def test_the_hour_that_comes_twice_is_averaged_and_the_one_left_out_is_not_known(self, tmp_path: Path):
        autumn = ["2014-04-06T01:00+11:00,1", "2014-04-06T02:00+11:00,2", "2014-04-06T02:00+10:00,4"]
        spring = ["2014-10-05T01:00+10:00,1", "2014-10-05T03:00+11:00,2", "2014-10-05T04:00+11:00,3"]

        twice = read(written(tmp_path, *autumn), zone=MELBOURNE)
        never = read(written(tmp_path, *spring), zone=MELBOURNE)

        assert twice.value[0, 8] == 3e6
        assert np.isnan(never.value[0, 8:12]).all()
        assert never.value[0, 12] == 2e6


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("lines", "code", "line_no"),
        [
            (["2026-01-01 00:00,1", "2026-01-01 01:00,1"], "no-zone", 2),
            (["2026-01-01T00:00+08:00,1", "1 January,1"], "bad-time", 3),
            (["2026-01-01T00:00+08:00,1", "2026-01-01T01:00+08:00,one"], "bad-value", 3),
            (["2026-01-01T00:00+08:00,1", "2026-01-01T01:00+08:00,inf"], "bad-value", 3),
            ([*hours("2026-01-01"), "2026-01-01T23:00+08:00,5"], "duplicate", 26),
            ([*hours("2026-01-01"), "2025-12-31T16:00+00:00,5"], "duplicate", 26),
            (hours("2026-01-01", leave_out=7), "gap", 9),
            (["2026-01-01T00:00+08:00,1", "2026-01-01T00:07+08:00,1"], "step", 2),
            (["2026-01-01T00:05+08:00,1", "2026-01-01T00:20+08:00,1"], "step", 2),
            ([], "empty", 0),
        ],
    )
    def test_with_its_line_and_its_code(self, tmp_path: Path, lines: list[str], code: str, line_no: int):
        with pytest.raises(FileRefused) as refused:
            read(written(tmp_path, *lines))

        assert (refused.value.code, refused.value.line_no) == (code, line_no)

    def test_a_column_that_is_not_there(self, tmp_path: Path):
        with pytest.raises(FileRefused, match="there are time, mw"):
            read(written(tmp_path, *hours("2026-01-01"), head="time,mw"))

    def test_a_clock_time_that_never_was(self, tmp_path: Path):
        with pytest.raises(FileRefused, match="clock went forward"):
            read(written(tmp_path, "2014-10-05T02:30,1", "2014-10-05T03:00,1"), zone=MELBOURNE, naive_is_local=True)

    def test_gaps_may_be_admitted(self, tmp_path: Path):
        series = read(written(tmp_path, *hours("2026-01-01", leave_out=7)), gaps_are_missing=True)

        assert np.isnan(series.value[0, 28:32]).all()
