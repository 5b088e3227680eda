"""The layout `intervals` in CSV."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cis.reading_files import FileRefused
from tests.unit.cis.reading_files.reading import INTERVAL_HEADER, Read, read


def curve(*values: str, meter: str = "M1", day: str = "2025-05-01", header: str = INTERVAL_HEADER) -> Read:
    cells = [*values, *["0"] * (96 - len(values))]
    return read(f"{header}\n{meter},{day},{','.join(cells)}\n")


class TestCurves:
    def test_kwh_become_wh_and_blanks_stay_missing(self) -> None:
        line, meter, register, day, values = curve("0.25", "", "1.0005", "  ", "2", "0.123499").rows[0]

        assert (line, meter, register, day) == (2, "M1", "total", "2025-05-01")
        assert values[:6] == [250, None, 1001, None, 2000, 123]
        assert values[6:] == [0] * 90

    @given(st.lists(st.decimals(0, Decimal("2147483.647"), places=6), min_size=96, max_size=96))
    def test_every_slot_is_rounded_half_up_once(self, values: list[Decimal]) -> None:
        found = curve(*(format(value, "f") for value in values)).rows[0][4]

        assert found == [int((value * 1000).quantize(Decimal(1), ROUND_HALF_UP)) for value in values]

    def test_columns_go_by_name_not_by_place(self) -> None:
        names = [f"v{slot}" for slot in range(96, 0, -1)]
        cells = [str(slot) for slot in range(96, 0, -1)]

        found = read(f"数据日期,{','.join(names)},示数类型,表号\n2025-05-01,{','.join(cells)},反向总,M1\n")

        assert found.rows[0][2] == "export_total"
        assert found.rows[0][4] == [slot * 1000 for slot in range(1, 97)]

    @pytest.mark.parametrize(
        ("cells", "code", "column"),
        [
            (("1", "x"), "value-not-a-number", "kwh_02"),
            (("-1", "x"), "value-negative", "kwh_01"),
            (("0", "0", "1.1234567"), "value-too-many-decimals", "kwh_03"),
            (("2147483.648",), "value-too-large", "kwh_01"),
            (("nan",), "value-not-finite", "kwh_01"),
        ],
    )
    def test_the_first_bad_slot_is_named(self, cells: tuple[str, ...], code: str, column: str) -> None:
        found = curve(*cells)

        assert (found.rows, found.codes()) == ([], [(2, code)])
        assert found.rejects[0].params["column"] == column
        assert column in found.rejects[0].message("en")

    def test_an_empty_curve_says_nothing(self) -> None:
        assert curve(*[""] * 96).codes() == [(2, "values-all-missing")]

    def test_repeats_compare_the_whole_curve_with_its_gaps(self) -> None:
        rows = [["1"] + ["0"] * 95, ["1.000"] + ["0"] * 95, ["1"] + [""] * 95]

        found = read("\n".join([INTERVAL_HEADER, *(f"A,2025-05-01,{','.join(cells)}" for cells in rows), ""]))

        assert found.codes() == [(3, "duplicate-row"), (4, "conflicting-row")]

    def test_a_missing_slot_column_is_named(self) -> None:
        with pytest.raises(FileRefused, match="kwh_96"):
            read(INTERVAL_HEADER.removesuffix(",kwh_96") + "\n")

    @given(st.lists(st.sampled_from(["1.5", "", "x", "0.0005"]), min_size=96, max_size=96), st.integers(1, 4))
    def test_batch_size_changes_nothing(self, cells: list[str], batch_rows: int) -> None:
        lines = [f"M{n},2025-05-01,{','.join(cells[n:] + cells[:n])}" for n in range(9)]
        data = "\n".join([INTERVAL_HEADER, *lines, ""])

        assert read(data, batch_rows=batch_rows) == read(data)
