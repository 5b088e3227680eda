"""
Many rows at once: numpy columns to and from Postgres in the binary COPY format.

Rows of fixed width (numbers, dates, moments, booleans; nothing empty) are one numpy record array, so that writing
and reading them costs almost nothing in Python. Texts, sealed values and arrays go through the slower `copy_rows`.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER = b"\xff\xff"
# What COPY takes at a time.
_PIECE = 65_536
_EPOCH = date(2000, 1, 1)
_EPOCH_ORDINAL = _EPOCH.toordinal()
_NUMPY_EPOCH_DAYS = (_EPOCH - date(1970, 1, 1)).days

# Postgres type name to the big-endian numpy type of its binary form.
WIDTHS: dict[str, str] = {
    "int2": ">i2",
    "int4": ">i4",
    "int8": ">i8",
    "bool": "u1",
    "date": ">i4",
    "timestamptz": ">i8",
}


class CopyCursor(Protocol):
    """The two methods of a psycopg2 cursor that COPY needs."""

    def copy_expert(self, sql: str, file: Any, size: int = ...) -> Any:
        """Run a COPY statement against a file."""

    def mogrify(self, query: str, vars: Any = ...) -> bytes:
        """The statement with its parameters written in."""


class UnevenRows(ValueError):
    """A column had an empty value or another width than was declared."""


def days_of(day: date) -> int:
    """A date as Postgres counts it: days since 2000-01-01."""
    return day.toordinal() - _EPOCH_ORDINAL


def day_of(days: int) -> date:
    """The date of Postgres days; far dates stand for infinity and stay within Python's calendar."""
    return date.fromordinal(min(max(days + _EPOCH_ORDINAL, 1), date.max.toordinal()))


def days_of_datetime64(days: NDArray[np.datetime64]) -> NDArray[np.int32]:
    """Postgres days of a datetime64[D] column."""
    return (days.astype("datetime64[D]").astype(np.int64) - _NUMPY_EPOCH_DAYS).astype(np.int32)


def microseconds_of(moment: datetime) -> int:
    """A moment with time zone as Postgres counts it: microseconds since 2000-01-01 UTC."""
    return (moment - datetime(2000, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _record_type(types: Iterable[str]) -> np.dtype[np.void]:
    fields: list[tuple[str, str]] = [("n", ">i2")]
    for number, kind in enumerate(types):
        fields += [(f"w{number}", ">i4"), (f"c{number}", WIDTHS[kind])]
    return np.dtype(fields)


def encode(columns: Mapping[str, tuple[str, Any]]) -> bytes:
    """
    The binary COPY stream of columns given as name to (Postgres type, values); a single value serves every row.

    At least one column must be an array; all arrays have the same length.
    """
    return bytes(_packed(columns))


def _packed(columns: Mapping[str, tuple[str, Any]]) -> memoryview:
    rows = max(len(values) for _, values in columns.values() if isinstance(values, np.ndarray))
    record_type = _record_type(kind for kind, _ in columns.values())
    # All rows begin as one row that has the counts, the widths and the single values; arrays are written over it.
    first = np.zeros((), dtype=record_type)
    first["n"] = len(columns)
    for number, (kind, values) in enumerate(columns.values()):
        first[f"w{number}"] = np.dtype(WIDTHS[kind]).itemsize
        if not isinstance(values, np.ndarray):
            first[f"c{number}"] = values
    stream = bytearray(len(_HEADER) + rows * record_type.itemsize + len(_TRAILER))
    stream[: len(_HEADER)] = _HEADER
    stream[-len(_TRAILER) :] = _TRAILER
    record = np.frombuffer(stream, dtype=record_type, count=rows, offset=len(_HEADER))
    record[:] = first
    for number, (kind, values) in enumerate(columns.values()):
        if isinstance(values, np.ndarray):
            _refuse_overflow(kind, values)
            record[f"c{number}"] = values
    return memoryview(stream)


def _refuse_overflow(kind: str, values: NDArray[Any]) -> None:
    """numpy cuts large numbers off without a word."""
    target = np.dtype(WIDTHS[kind])
    if np.can_cast(values.dtype, target, "safe") or not len(values):
        return
    cut = values.astype(target.newbyteorder("="))
    if (cut != values).any():
        raise OverflowError(f"a value does not fit {kind}")


def copy_in(cursor: CopyCursor, table: str, columns: Mapping[str, tuple[str, Any]]) -> None:
    """COPY fixed-width columns into a table; columns that are not named get their defaults."""
    names = ", ".join(columns)
    cursor.copy_expert(f"COPY {table} ({names}) FROM STDIN (FORMAT binary)", _Pieces(_packed(columns)), _PIECE)


class _Pieces:
    """A file over a stream in memory, for COPY to read without another copy of the whole."""

    def __init__(self, stream: memoryview) -> None:
        self._stream = stream
        self._at = 0

    def read(self, size: int) -> bytes:
        """The next bytes, none at the end."""
        piece = self._stream[self._at : self._at + size].tobytes()
        self._at += len(piece)
        return piece


def read_columns(cursor: CopyCursor, sql: str, parameters: Any, types: Mapping[str, str]) -> dict[str, NDArray[Any]]:
    """
    The result of a query as native numpy columns, by name; every column fixed width and never empty (COALESCE them).

    :raises UnevenRows: a value was NULL or the query's types are not the declared ones
    """
    statement = cursor.mogrify(sql, parameters).decode()
    stream = io.BytesIO()
    cursor.copy_expert(f"COPY ({statement}) TO STDOUT (FORMAT binary)", stream)
    kind = _record_type(types.values())
    body = stream.getbuffer()[len(_HEADER) : -len(_TRAILER)]
    if len(body) % kind.itemsize:
        raise UnevenRows(f"rows are not {kind.itemsize} bytes wide each")
    record = np.frombuffer(body, dtype=kind)
    result: dict[str, NDArray[Any]] = {}
    for number, (name, postgres_type) in enumerate(types.items()):
        width = np.dtype(WIDTHS[postgres_type]).itemsize
        if (record[f"w{number}"] != width).any():
            raise UnevenRows(f"column {name} holds NULL or is not {postgres_type}")
        column = record[f"c{number}"].astype(np.dtype(WIDTHS[postgres_type]).newbyteorder("="))
        result[name] = column.astype(np.bool_) if postgres_type == "bool" else column
    return result


def _text(value: Any) -> str:
    if value is None:
        return "\\N"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, bytes):
        return "\\\\x" + value.hex()
    if isinstance(value, list | tuple):
        inner = ",".join('"' + str(v).replace("\\", "\\\\").replace('"', '\\"') + '"' for v in value)
        value = "{" + inner + "}"
    return str(value).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def copy_rows(cursor: CopyCursor, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """COPY rows of plain Python values as text, streamed; for tables that hold names, addresses and the like."""
    source = _Lines("\t".join(map(_text, row)) + "\n" for row in rows)
    cursor.copy_expert(f"COPY {table} ({', '.join(columns)}) FROM STDIN", source)


class _Lines(io.RawIOBase):
    """A file whose bytes come from an iterator of lines, for COPY to read as it goes."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._rest = b""

    def readable(self) -> bool:
        """It is."""
        return True

    def read(self, size: int = -1) -> bytes:
        """At least one line, at most about `size` bytes."""
        chunks, held = [self._rest], len(self._rest)
        while size < 0 or held < size:
            line = next(self._lines, None)
            if line is None:
                break
            chunks.append(line.encode())
            held += len(chunks[-1])
        whole = b"".join(chunks)
        if size < 0:
            self._rest = b""
            return whole
        self._rest = whole[size:]
        return whole[:size]


def sequence_block(cursor: Any, sequence: str, count: int) -> NDArray[np.int64]:
    """So many fresh ids of a sequence, ascending, in one statement."""
    cursor.execute(
        "SELECT min(id), max(id), count(*) "
        "FROM (SELECT nextval(%s::regclass) AS id FROM generate_series(1, %s)) AS ids",
        [sequence, count],
    )
    low, high, taken = cast(tuple[int, int, int], cursor.fetchone())
    if count and high - low + 1 == taken:
        return np.arange(low, high + 1, dtype=np.int64)
    # Somebody drew from the sequence in between: draw again and keep what comes.
    cursor.execute("SELECT nextval(%s::regclass) FROM generate_series(1, %s)", [sequence, count])
    return np.array([row[0] for row in cursor.fetchall()], dtype=np.int64)
