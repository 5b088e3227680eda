"""Both layouts in Parquet."""

import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cis.reading_files import FileRefused
from tests.unit.cis.reading_files.reading import Read, Trickle, read

GOOD: dict[str, Any] = {
    "meter_no": ["0012", "0013", "0014"],
    "register": ["total", "峰", "谷"],
    "read_on": [date(2025, 5, 1)] * 3,
    "value": pa.array([Decimal("1.5000"), Decimal("123456.7891"), Decimal(0)], pa.decimal128(18, 4)),
}


def parquet_of(columns: dict[str, Any], **how: Any) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream, **how)
    return stream.getvalue()


def read_parquet(columns: dict[str, Any], **how: Any) -> Read:
    return read(parquet_of(columns), "a.parquet", **how)


class TestRegisters:
    def test_rows_are_numbered_from_one(self) -> None:
        assert read_parquet(GOOD).rows == [
            (1, "0012", "total", "2025-05-01", 15000, "", "actual"),
            (2, "0013", "peak", "2025-05-01", 1234567891, "", "actual"),
            (3, "0014", "valley", "2025-05-01", 0, "", "actual"),
        ]

    @pytest.mark.parametrize(
        "values",
        [
            pa.array([1.5, 123456.7891, 0.0]),
            pa.array(["1.5", "123456.7891", "0"]),
            pa.array(["1.5", "123456.7891", "0"]).dictionary_encode(),
            pa.array([Decimal("1.5"), Decimal("123456.7891"), Decimal(0)], pa.decimal128(30, 12)),
        ],
    )
    def test_numbers_of_every_type_are_the_same(self, values: pa.Array) -> None:
        assert [row[4] for row in read_parquet(GOOD | {"value": values}).rows] == [15000, 1234567891, 0]

    def test_floats_are_taken_as_they_print(self) -> None:
        found = read_parquet(GOOD | {"value": pa.array([1e-5, 0.1 + 0.2, float("nan")])})

        assert [code for _, code in found.codes()] == [
            "value-too-many-decimals",
            "value-too-many-decimals",
            "value-not-finite",
        ]
        assert [row[4] for row in read_parquet(GOOD | {"value": pa.array([0.0001, 1e5, 1e11])}).rows] == [
            1,
            10**9,
            10**15,
        ]

    @pytest.mark.parametrize(
        "days",
        [
            pa.array([datetime(2025, 5, 1)] * 3, pa.timestamp("ns")),  # noqa: DTZ001
            pa.array([datetime(2025, 5, 1)] * 3, pa.timestamp("s")),  # noqa: DTZ001
            pa.array([datetime(2025, 4, 30, 16, tzinfo=UTC)] * 3, pa.timestamp("us", "UTC")),
            pa.array(["2025-05-01"] * 3),
            pa.array([date(2025, 5, 1)] * 3, pa.date64()),
        ],
    )
    def test_days_of_every_type_are_the_same(self, days: pa.Array) -> None:
        assert {row[3] for row in read_parquet(GOOD | {"read_on": days}).rows} == {"2025-05-01"}

    def test_a_moment_that_is_no_local_midnight(self) -> None:
        moments = pa.array([datetime(2025, 5, 1, tzinfo=UTC)] * 3, pa.timestamp("ms", "UTC"))

        assert {code for _, code in read_parquet(GOOD | {"read_on": moments}).codes()} == {"date-not-midnight"}

    def test_nulls_are_blanks(self) -> None:
        found = read_parquet(
            GOOD | {"meter_no": [None, "B", "C"], "value": pa.array([1, None, 3]), "source": pa.nulls(3)}
        )

        assert found.codes() == [(1, "meter-no-missing"), (2, "value-missing")]
        assert found.rejects[1].raw == "B,峰,2025-05-01,,"

    def test_bytes_that_are_no_text_cost_only_their_row(self) -> None:
        octets = pa.array([b"A", b"\xff\xfe", "丙".encode()])
        broken = pa.Array.from_buffers(pa.string(), 3, octets.buffers())

        found = read_parquet(GOOD | {"meter_no": broken})

        assert [row[:2] for row in found.rows] == [(1, "A"), (3, "丙")]
        assert found.codes() == [(2, "undecodable")]

    def test_meter_numbers_kept_as_numbers_are_refused(self) -> None:
        with pytest.raises(FileRefused, match=r"column-type.*meter_no"):
            read_parquet(GOOD | {"meter_no": [12, 13, 14]})

    @pytest.mark.parametrize("batch_rows", [1, 2, 1000])
    @pytest.mark.parametrize("row_group", [1, 7, 1000])
    def test_neither_batches_nor_row_groups_change_the_result(self, batch_rows: int, row_group: int) -> None:
        columns = {
            "meter_no": [f"M{n}" for n in range(30)],
            "register": ["total"] * 30,
            "read_on": ["2025-05-01"] * 30,
            "value": [float(n - 3) for n in range(30)],
        }

        found = read(parquet_of(columns, row_group_size=row_group), "a.parquet", batch_rows=batch_rows)

        assert [row[0] for row in found.rows] == list(range(4, 31))
        assert found.codes() == [(n, "value-negative") for n in (1, 2, 3)]


class TestIntervals:
    def test_typed_curves(self) -> None:
        columns = {"meter_no": ["A"], "day": [date(2025, 5, 1)], "kwh_01": pa.array([None], pa.float32())} | {
            f"kwh_{slot:02d}": pa.array([0.1], pa.float32()) for slot in range(2, 97)
        }

        assert read_parquet(columns).rows == [(1, "A", "total", "2025-05-01", [None] + [100] * 95)]


class TestRefusedFiles:
    def test_a_name_does_not_make_a_parquet_file(self) -> None:
        with pytest.raises(FileRefused, match="not-parquet"):
            read("meter_no,register,read_on,value\n", "a.parquet")

    def test_a_parquet_file_is_recognised_under_any_name(self) -> None:
        assert len(read(parquet_of(GOOD), "a.csv").rows) == 3

    def test_missing_columns(self) -> None:
        with pytest.raises(FileRefused, match=r"columns-missing.*value"):
            read_parquet({name: GOOD[name] for name in ("meter_no", "register", "read_on")})

    def test_a_stream_that_cannot_seek(self) -> None:
        with pytest.raises(FileRefused, match="not-seekable"):
            read(parquet_of(GOOD), "a.parquet", step=100)
        assert not Trickle(b"", 1).seekable()

    def test_every_cut_is_noticed(self) -> None:
        data = parquet_of(GOOD)

        for cut in range(4, len(data)):
            with pytest.raises(FileRefused) as refused:
                read(data[:cut], "a.parquet")
            assert refused.value.code in ("cut-short", "parquet-damaged")

    def test_damage_is_told_with_the_last_good_row(self) -> None:
        columns = GOOD | {"meter_no": ["first-one", "first-two", "SECOND"]}
        data = parquet_of(columns, row_group_size=2, write_page_checksum=True, write_statistics=False)

        with pytest.raises(FileRefused) as refused:
            read(data.replace(b"SECOND", b"SECXND"), "a.parquet", batch_rows=2)

        assert (refused.value.code, refused.value.line_no) == ("parquet-damaged", 2)

    @settings(max_examples=300)
    @given(st.data())
    def test_flipped_bytes_end_in_a_reading_or_a_refusal(self, data: st.DataObject) -> None:
        octets = bytearray(parquet_of(GOOD, write_page_checksum=True))
        for _ in range(data.draw(st.integers(1, 3))):
            octets[data.draw(st.integers(4, len(octets) - 5))] ^= data.draw(st.integers(1, 255))

        try:
            read(bytes(octets), "a.parquet")
        except FileRefused as refused:
            assert refused.code in ("parquet-damaged", "columns-missing", "column-type", "column-twice")
