"""Pure: a Parquet stream to blocks of text rows. Typed columns become text first, so both formats share one reading."""

import csv
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cis.reading_files.layouts import Layout, detect_layout
from cis.reading_files.refusals import FileRefused
from cis.reading_files.rejects import Reject
from cis.reading_files.rows import RowBlock

__all__ = ["MAGIC", "ParquetRows", "open_parquet"]

MAGIC = b"PAR1"
DAMAGE = (pa.ArrowException, OSError, ValueError)  # ValueError: column names that are no UTF-8
PAGE_BUFFER_BYTES = 1024 * 1024
BILLING_OFFSET_MS = 8 * 3600 * 1000  # Asia/Shanghai, which has had no summer time since 1991


def open_parquet(stream: BinaryIO, *, batch_rows: dict[str, int]) -> "ParquetRows":
    """
    Return the rows of a Parquet file. Reads from the beginning of a stream that can seek.

    :raises FileRefused: not-seekable, not-parquet, cut-short, parquet-damaged, columns-missing, column-twice,
        column-type
    """
    if not stream.seekable():
        raise FileRefused("not-seekable")
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    if stream.read(len(MAGIC)) != MAGIC:
        raise FileRefused("not-parquet")
    stream.seek(max(size - len(MAGIC), 0))
    if size < 3 * len(MAGIC) or stream.read(len(MAGIC)) != MAGIC:
        raise FileRefused("cut-short")
    stream.seek(0)
    try:
        file = pq.ParquetFile(stream, buffer_size=PAGE_BUFFER_BYTES, pre_buffer=False, page_checksum_verification=True)
        schema = file.schema_arrow
    except DAMAGE:
        raise FileRefused("parquet-damaged") from None
    layout = detect_layout(schema.names)
    wrong = [schema.names[position] for position in layout.used() if not _is_usable(schema, layout, position)]
    if wrong:
        raise FileRefused("column-type", columns=", ".join(wrong))
    return ParquetRows(file, layout, batch_rows[layout.name])


@dataclass(slots=True)
class ParquetRows:
    """The rows of one Parquet file, to be read once with `blocks()`."""

    file: pq.ParquetFile
    layout: Layout
    batch_rows: int
    encoding: str = ""
    last_line_open: bool = False
    row_no: int = 1

    def blocks(self) -> Iterator[RowBlock]:
        """
        Yield blocks of at most `batch_rows` rows.

        :raises FileRefused: parquet-damaged
        """
        names = self.file.schema_arrow.names
        used = self.layout.used()
        batches = self.file.iter_batches(
            batch_size=self.batch_rows, columns=[names[position] for position in used], use_threads=False
        )
        while True:
            try:
                batch = next(batches, None)
                if batch is None:
                    return
                columns = {position: batch.column(names[position]) for position in used}
                texts = {position: _as_text(column) for position, column in columns.items()}
            except DAMAGE:
                raise FileRefused("parquet-damaged", self.row_no - 1) from None
            yield self._block(texts, batch.num_rows)
            self.row_no += batch.num_rows

    def _block(self, texts: dict[int, pa.StringArray], rows: int) -> RowBlock:
        undecodable: set[int] = set()
        for position, column in texts.items():
            texts[position], bad = _valid_text(column)
            undecodable |= bad
        line_no = np.arange(self.row_no, self.row_no + rows, dtype=np.int64)
        everything = RowBlock(line_no, texts, lambda row: _csv_row([texts[p][row].as_py() for p in texts]))
        if not undecodable:
            return everything
        rejects = [
            Reject(self.row_no + row, "undecodable", {"encoding": "UTF-8"}, everything.raw(row))
            for row in sorted(undecodable)
        ]
        kept = np.array([row for row in range(rows) if row not in undecodable], dtype=np.int64)
        kept_texts = {position: column.take(pa.array(kept)) for position, column in texts.items()}
        return RowBlock(line_no[kept], kept_texts, lambda row: everything.raw(int(kept[row])), rejects)


def _is_usable(schema: pa.Schema, layout: Layout, position: int) -> bool:
    """Whether a column has a type that turns into exact text. A meter number kept as a number has lost its zeros."""
    kind = schema.field(position).type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind):
        return True
    if position == layout.read_on:
        return bool(pa.types.is_date(kind) or pa.types.is_timestamp(kind))
    if position == layout.value or position in layout.slots:
        return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))
    return False


def _as_text(column: pa.Array) -> pa.StringArray:
    """
    Return a column as text: null = "", floats in the shortest form that reads back the same, numbers without exponent.
    Moments with a zone are taken to the billing time zone.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        moments = pc.cast(pc.cast(column, pa.timestamp("ms", kind.tz), safe=False), pa.int64())
        column = pc.cast(pc.add(moments, BILLING_OFFSET_MS), pa.timestamp("ms"))
    elif pa.types.is_date64(kind):
        column = pc.cast(column, pa.date32())
    text = pc.fill_null(pc.cast(column, pa.string(), safe=False), "")
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        exponent = pc.match_substring_regex(text, "[eE]")
        if exponent.true_count:
            text = pa.array(
                [format(Decimal(value), "f") if "e" in value.lower() else value for value in text.to_pylist()],
                pa.string(),
            )
    return text


def _valid_text(column: pa.StringArray) -> tuple[pa.StringArray, set[int]]:
    """Return the column with rows that are no UTF-8 shown with backslashes, and those rows."""
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        octets = column.view(pa.binary()).to_pylist()
        bad = {row for row, value in enumerate(octets) if not _is_utf8(value)}
        return pa.array([value.decode("utf-8", "backslashreplace") for value in octets], pa.string()), bad
    return column, set()


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _csv_row(fields: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(fields)
    return line.getvalue()
