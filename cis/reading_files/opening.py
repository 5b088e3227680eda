"""Pure: opens a file of readings, whatever its format and layout."""

from collections.abc import Iterator
from datetime import date
from typing import BinaryIO

from cis.reading_files.batches import IntervalBatch, ReadingFile, RegisterBatch
from cis.reading_files.columns import interval_batch, register_batch
from cis.reading_files.csv_rows import FIRST_BYTES, CsvRows, open_csv, read_up_to
from cis.reading_files.parquet_rows import MAGIC, ParquetRows, open_parquet
from cis.reading_files.refusals import FileRefused

__all__ = ["INTERVAL_ROWS", "REGISTER_ROWS", "open_readings"]

REGISTER_ROWS = 20_000
INTERVAL_ROWS = 2_000

OTHER_FORMATS: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "Excel/ZIP"),
    (b"\xd0\xcf\x11\xe0", "Excel (xls)"),
    (b"\x1f\x8b", "gzip"),
    (b"%PDF", "PDF"),
)


def open_readings(stream: BinaryIO, name: str, *, today: date, batch_rows: int | None = None) -> ReadingFile:
    """
    Open a file of meter readings and return what it is, with an iterator over its batches.

    The format goes by content; a name that ends in `.parquet` on something else is refused. A CSV is read front to
    back; a Parquet stream must be able to seek. Memory does not grow with the file: a batch holds at most
    `batch_rows` rows (20,000 registers or 2,000 curves by default) or 8 MiB of CSV.

    A row that repeats meter, register and day of an earlier row **of its batch** is rejected: `duplicate-row` when the
    values agree, `conflicting-row` when they differ; the first row is kept. Across batches the unique key of the
    database finds them. Apart from that the result does not depend on `batch_rows`.

    `today` is the day in the billing time zone; later days are rejected.

    :raises FileRefused: here or from the batches, with a stable code; see FILE_REASONS. When the batches raise it, what
        they gave before must be thrown away.
    :raises ValueError: batch_rows below 1
    """
    if batch_rows is not None and batch_rows < 1:
        raise ValueError("batch_rows must be at least 1")
    rows = {"registers": batch_rows or REGISTER_ROWS, "intervals": batch_rows or INTERVAL_ROWS}
    first = read_up_to(stream, FIRST_BYTES)
    if not first:
        raise FileRefused("empty-file")
    source: CsvRows | ParquetRows
    if first.startswith(MAGIC) or name.lower().endswith((".parquet", ".pq")):
        source = open_parquet(stream, batch_rows=rows)
    else:
        for magic, kind in OTHER_FORMATS:
            if first.startswith(magic):
                raise FileRefused("not-text", kind=kind)
        source = open_csv(stream, first, batch_rows=rows)

    file = ReadingFile(
        name=name,
        layout=source.layout.name,
        format="csv" if isinstance(source, CsvRows) else "parquet",
        encoding=source.encoding,
        ignored_columns=source.layout.ignored,
        batches=iter(()),
    )
    file.batches = _batches(source, file, today)
    return file


def _batches(source: CsvRows | ParquetRows, file: ReadingFile, today: date) -> Iterator[RegisterBatch | IntervalBatch]:
    to_batch = register_batch if source.layout.name == "registers" else interval_batch
    for block in source.blocks():
        yield to_batch(block, source.layout, today=today)
    file.last_line_open = source.last_line_open
