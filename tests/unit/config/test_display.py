"""How numbers and moments read."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.shared import display_formats as formats
from config.shared.money import MAX_FEN, fen_from_yuan
from config.shared.templatetags import display

SHANGHAI = ZoneInfo("Asia/Shanghai")
THIN = "\u2009\u2060"
MINUS = "\u2212"


class TestMoney:
    @pytest.mark.parametrize(
        ("fen", "text"),
        [
            (0, "0.00"),
            (5, "0.05"),
            (18640, "186.40"),
            (123456, f"1{THIN}234.56"),
            (123456789012, f"1{THIN}234{THIN}567{THIN}890.12"),
            (-5, f"{MINUS}0.05"),
            (-123456, f"{MINUS}1{THIN}234.56"),
            (Decimal(18640), "186.40"),
            (None, "—"),
        ],
    )
    def test_reads_as_yuan_with_two_decimals(self, fen: int | Decimal | None, text: str) -> None:
        assert formats.format_money(fen) == text

    @given(st.integers(min_value=0, max_value=MAX_FEN))
    def test_is_read_back_to_the_same_fen(self, fen: int) -> None:
        assert fen_from_yuan(formats.format_money(fen)) == fen

    @pytest.mark.parametrize("wrong", [1.5, True, "12"])
    def test_refuses_what_is_no_whole_number(self, wrong: object) -> None:
        with pytest.raises(TypeError):
            formats.format_money(wrong)  # type: ignore[arg-type]

    def test_refuses_parts_of_a_fen(self) -> None:
        with pytest.raises(ValueError, match="whole number"):
            formats.format_money(Decimal("0.5"))

    @pytest.mark.parametrize(("fen", "text"), [(123456, "1234.56"), (-5, "-0.05"), (None, "")])
    def test_for_a_form_is_plain(self, fen: int | None, text: str) -> None:
        assert formats.format_yuan(fen) == text


class TestEnergyAndPrices:
    @pytest.mark.parametrize(
        ("hundredths", "text"),
        [
            (0, "0"),
            (1234500, f"12{THIN}345"),
            (1234550, f"12{THIN}345.50"),
            (1234507, f"12{THIN}345.07"),
            (-100, f"{MINUS}1"),
            (None, "—"),
        ],
    )
    def test_energy_is_whole_unless_there_are_hundredths(self, hundredths: int | None, text: str) -> None:
        assert formats.format_energy(hundredths) == text

    @pytest.mark.parametrize(
        ("price_e8", "text"),
        [
            (58_860_000, "0.5886"),
            (50_000_000, "0.5000"),
            (58_860_001, "0.58860001"),
            (58_865_000, "0.58865"),
            (123_400_000_000, f"1{THIN}234.0000"),
            (-1, f"{MINUS}0.00000001"),
        ],
    )
    def test_price_has_four_to_eight_decimals(self, price_e8: int, text: str) -> None:
        assert formats.format_price(price_e8) == text

    @pytest.mark.parametrize(
        ("value_e4", "text"),
        [(12_345_600, f"1{THIN}234.56"), (12_345_678, f"1{THIN}234.5678"), (10_000, "1.00"), (0, "0.00")],
    )
    def test_register_has_two_to_four_decimals(self, value_e4: int, text: str) -> None:
        assert formats.format_register(value_e4) == text

    @pytest.mark.parametrize(("number", "text"), [(0, "0"), (1000, f"1{THIN}000"), (-12, f"{MINUS}12")])
    def test_count_is_grouped(self, number: int, text: str) -> None:
        assert formats.format_count(number) == text


class TestMoments:
    def test_moment_is_told_in_the_zone_of_the_reader(self) -> None:
        assert formats.format_moment(datetime(2026, 11, 21, 6, 5, tzinfo=UTC), SHANGHAI) == "2026-11-21 14:05"

    def test_day_of_a_moment_is_the_day_of_the_reader(self) -> None:
        assert formats.format_day(datetime(2026, 11, 20, 16, 0, tzinfo=UTC), SHANGHAI) == "2026-11-21"

    def test_date_stays_the_day_it_is(self) -> None:
        assert formats.format_day(date(2026, 11, 21), SHANGHAI) == "2026-11-21"

    def test_naive_moment_is_taken_as_it_stands(self) -> None:
        assert formats.format_clock(datetime.fromisoformat("2026-11-21T14:05"), SHANGHAI) == "14:05"

    def test_absent_moment_is_a_dash(self) -> None:
        assert formats.format_moment(None, SHANGHAI) == formats.format_day(None, SHANGHAI) == "—"


class TestFilters:
    def test_finished_text_passes_through(self) -> None:
        assert display.money("待核定") == "待核定"

    def test_number_is_formatted(self) -> None:
        assert display.money(18640) == "186.40"


class TestIcons:
    def test_drawing_is_taken_without_the_frame(self, tmp_path: Path) -> None:
        (tmp_path / "search.svg").write_text('<!-- ISC -->\n<svg\n  width="24">\n  <path d="m1 1" />\n</svg>\n')

        assert display.icon_drawing("search", tmp_path) == '<path d="m1 1" />'

    @pytest.mark.parametrize("name", ["missing", "../search", ""])
    def test_missing_or_odd_name_draws_nothing(self, name: str, tmp_path: Path) -> None:
        (tmp_path.parent / "search.svg").write_text("<svg><path /></svg>")

        assert display.icon_drawing(name, tmp_path) == ""

    def test_word_stays_where_the_drawing_is_missing(self) -> None:
        assert display.icon("no-such-drawing", "搜索") == "搜索"


class TestChartRows:
    def test_every_x_has_a_row_with_all_series(self) -> None:
        chart = {
            "x": ["一月", "二月"],
            "scale": 100,
            "digits": 2,
            "series": [{"name": "电费", "values": [123456, None]}],
        }

        assert display.chart_rows(chart) == [
            {"x": "一月", "values": [f"1{THIN}234.56"]},
            {"x": "二月", "values": ["—"]},
        ]

    def test_without_digits_a_number_is_read_as_it_is(self) -> None:
        chart = {"x": ["00:00"], "series": [{"name": "负荷", "values": [-1250.5]}]}

        assert display.chart_rows(chart)[0]["values"] == [f"{MINUS}1{THIN}250.5"]
