"""Pure: a CSV stream to blocks of rows, with line numbers that stay right whatever the file contains."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
from numpy.typing import NDArray

from cis.reading_files.layouts import Layout, detect_layout, is_recognised
from cis.reading_files.refusals import FileRefused
from cis.reading_files.rejects import Reject
from cis.reading_files.rows import RowBlock

__all__ = ["FIRST_BYTES", "CsvRows", "open_csv"]

FIRST_BYTES = 256 * 1024
READ_BYTES = 1024 * 1024
BLOCK_BYTES = 8 * 1024 * 1024
MAX_LINE_BYTES = 64 * 1024
MAX_OPEN_QUOTE_LINES = 10
MAX_UNDECODABLE_LINES = 1000
UTF8_BOM = b"\xef\xbb\xbf"
NEWLINE, RETURN, COMMA = 10, 13, 44


def read_up_to(stream: BinaryIO, size: int) -> bytes:
    """Return `size` bytes, fewer only at the end of the stream; a stream may hand out less at a time."""
    parts = []
    while size > 0 and (part := stream.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def open_csv(stream: BinaryIO, first: bytes, *, batch_rows: dict[str, int]) -> "CsvRows":
    """
    Return the rows of a CSV whose first FIRST_BYTES have been read already.

    :raises FileRefused: empty-file, nul-bytes, line-ends, line-too-long, wrong-encoding, columns-missing, column-twice
    """
    if first.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise FileRefused("wrong-encoding", 1)
    text = first.removeprefix(UTF8_BOM)
    rest = text.lstrip(b"\r\n\t ")
    if not rest:
        raise FileRefused("empty-file")
    line_no = 1 + text[: len(text) - len(rest)].count(b"\n")
    header, _, after = rest.partition(b"\n")
    header = header.rstrip(b"\r")
    if b"\0" in header:
        raise FileRefused("nul-bytes", line_no)
    if b"\r" in header:
        raise FileRefused("line-ends", line_no)
    if len(header) > MAX_LINE_BYTES:
        raise FileRefused("line-too-long", line_no, limit=MAX_LINE_BYTES)
    complete = after if len(first) < FIRST_BYTES else after[: after.rfind(b"\n") + 1]
    encoding = "utf-8" if first.startswith(UTF8_BOM) else _detect_encoding(header, complete, line_no)
    layout = detect_layout(_header_names(header, encoding, line_no))
    return CsvRows(stream, after, line_no + 1, encoding, layout, batch_rows[layout.name])


def _header_names(header: bytes, encoding: str, line_no: int) -> list[str]:
    try:
        return next(csv.reader([header.decode(encoding)], strict=True))
    except UnicodeDecodeError:
        raise FileRefused("wrong-encoding", line_no) from None
    except csv.Error:
        raise FileRefused("quote-open", line_no) from None


def _detect_encoding(header: bytes, complete: bytes, line_no: int) -> str:
    """
    Return utf-8 or gb18030 for the first block: by the header's words, else by the lines that are not plain ASCII.

    Words that happen to be valid in both count for UTF-8.
    """
    known = {encoding: _known_words(header, encoding) for encoding in ("utf-8", "gb18030")}
    if max(known.values()) < 0:
        raise FileRefused("wrong-encoding", line_no)
    if not header.isascii() and known["utf-8"] != known["gb18030"]:
        return max(known, key=lambda encoding: known[encoding])
    if complete.isascii():
        return "utf-8"
    telling = [line for line in complete.split(b"\n") if not line.isascii()]
    utf8, gb18030 = (sum(_decodes(line, encoding) for line in telling) for encoding in ("utf-8", "gb18030"))
    return "utf-8" if 2 * utf8 >= len(telling) or gb18030 == 0 else "gb18030"


def _known_words(header: bytes, encoding: str) -> int:
    return is_recognised(header.decode(encoding).replace('"', "").split(",")) if _decodes(header, encoding) else -1


def _decodes(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


@dataclass(slots=True)
class _Lines:
    """A block of whole lines in UTF-8. `start` and `stop` (n,) bound each line without its line end."""

    first_line_no: int
    text: bytes
    start: NDArray[np.int64]
    stop: NDArray[np.int64]

    @classmethod
    def of(cls, first_line_no: int, text: bytes) -> "_Lines":
        octets = np.frombuffer(text, np.uint8)
        newlines = np.flatnonzero(octets == NEWLINE)
        start = np.concatenate([[0], newlines + 1])
        stop = np.append(newlines, len(text))
        if start[-1] == len(text):
            start, stop = start[:-1], stop[:-1]
        if b"\r" in text:
            stop = stop - ((stop > start) & (octets[stop - 1] == RETURN))
        return cls(first_line_no, text, start, stop)

    def __len__(self) -> int:
        return len(self.start)

    def bytes_of(self, row: int) -> bytes:
        return self.text[self.start[row] : self.stop[row]]

    def text_of(self, row: int) -> str:
        return self.bytes_of(row).decode("utf-8", "backslashreplace")

    def count(self, octet: int) -> NDArray[np.int64]:
        """Return how often a byte stands in each line."""
        where = np.flatnonzero(np.frombuffer(self.text, np.uint8) == octet)
        return np.searchsorted(where, self.stop) - np.searchsorted(where, self.start)


@dataclass(slots=True)
class CsvRows:
    """
    The rows of one CSV, to be read once with `blocks()`. A block depends on the content and `batch_rows` only, never
    on how many bytes the stream hands out at a time.
    """

    stream: BinaryIO
    buffered: bytes
    line_no: int
    """number of the next line"""
    encoding: str
    layout: Layout
    batch_rows: int
    last_line_open: bool = False
    """the file did not end in a line break"""
    open_quote_line: int = 0
    """line whose quote is still open, 0 = none"""
    undecodable_lines: int = 0
    held: Reject | None = field(default=None)
    """a last line with too few fields: rejected if another row follows, otherwise the file was cut short"""

    def blocks(self) -> Iterator[RowBlock]:
        """
        Yield blocks of at most `batch_rows` lines.

        :raises FileRefused: cut-short, line-too-long, nul-bytes, quote-open, wrong-encoding
        """
        for text in self._line_blocks():
            lines, rejects = self._decoded(text)
            yield self._rows(lines, rejects)
            self.line_no += len(lines)
        if self.held is not None:
            raise FileRefused("cut-short", self.held.line_no)
        if self.open_quote_line:
            was_last = self.open_quote_line == self.line_no - 1
            raise FileRefused("cut-short" if was_last else "quote-open", self.open_quote_line)

    def _line_blocks(self) -> Iterator[bytes]:
        """Yield whole lines: `batch_rows` of them, or fewer that reach BLOCK_BYTES."""
        pending, at_end, too_long = self.buffered, False, False
        self.buffered = b""
        while True:
            newlines = np.flatnonzero(np.frombuffer(pending, np.uint8) == NEWLINE)
            tail = len(pending) - (int(newlines[-1]) + 1 if len(newlines) else 0)
            too_long = too_long or tail > MAX_LINE_BYTES
            full = len(newlines) >= self.batch_rows or (len(newlines) > 0 and newlines[-1] >= BLOCK_BYTES)
            if not (full or at_end or too_long):
                more = read_up_to(self.stream, READ_BYTES)
                at_end = len(more) < READ_BYTES
                pending += more
                continue
            count = min(self.batch_rows, int(np.searchsorted(newlines, BLOCK_BYTES)) + 1, len(newlines))
            stop = int(newlines[count - 1]) + 1 if count else 0
            if at_end and not too_long and count == len(newlines) < self.batch_rows and len(pending) < BLOCK_BYTES:
                stop = len(pending)
            if stop:
                self.last_line_open = pending[stop - 1] != NEWLINE
                yield self._checked(pending[:stop])
                pending = pending[stop:]
            elif too_long:
                raise FileRefused("line-too-long", self.line_no, limit=MAX_LINE_BYTES)
            elif pending:
                self.last_line_open = True
                yield self._checked(pending)
                pending = b""
            if at_end and not pending:
                return

    def _checked(self, text: bytes) -> bytes:
        """
        :raises FileRefused: nul-bytes, line-too-long
        """
        if b"\0" in text:
            raise FileRefused("nul-bytes", self.line_no + text[: text.index(b"\0")].count(b"\n"))
        if len(text) > MAX_LINE_BYTES:
            newlines = np.flatnonzero(np.frombuffer(text, np.uint8) == NEWLINE)
            too_long = np.flatnonzero(np.diff(newlines, prepend=-1, append=len(text)) > MAX_LINE_BYTES + 1)
            if len(too_long):
                raise FileRefused("line-too-long", self.line_no + int(too_long[0]), limit=MAX_LINE_BYTES)
        return text

    def _decoded(self, text: bytes) -> tuple[_Lines, list[Reject]]:
        """Return the lines in UTF-8; lines that cannot be decoded are emptied and rejected."""
        if text.isascii():
            return _Lines.of(self.line_no, text), []
        try:
            decoded = text.decode(self.encoding)
        except UnicodeDecodeError:
            return self._decoded_by_line(text)
        return _Lines.of(self.line_no, text if self.encoding == "utf-8" else decoded.encode()), []

    def _decoded_by_line(self, text: bytes) -> tuple[_Lines, list[Reject]]:
        rejects: list[Reject] = []
        parts = text.split(b"\n")
        for number, part in enumerate(parts):
            if _decodes(part, self.encoding):
                parts[number] = part.decode(self.encoding).encode()
                continue
            line_no = self.line_no + number
            is_open = number == len(parts) - 1
            if is_open:
                raise FileRefused("cut-short", line_no)
            self.undecodable_lines += 1
            if self.undecodable_lines > MAX_UNDECODABLE_LINES:
                raise FileRefused("wrong-encoding", line_no)
            raw = part.rstrip(b"\r").decode(self.encoding, "backslashreplace")
            rejects.append(Reject(line_no, "undecodable", {"encoding": self.encoding.upper()}, raw))
            parts[number] = b""
        return _Lines.of(self.line_no, b"\n".join(parts)), rejects

    def _rows(self, lines: _Lines, rejects: list[Reject]) -> RowBlock:
        """Tell the fields of each line apart; lines with quotes take a slower way, bad ones are rejected."""
        width = self.layout.width
        blank = lines.stop == lines.start
        commas = lines.count(COMMA)
        fast = ~blank & (commas == width - 1)
        quoted: dict[int, list[str]] = {}
        refused: dict[int, str] = {}
        if lines.text.count(b"\r"):
            for row in np.flatnonzero(lines.count(RETURN)).tolist():
                refused[row] = "stray-carriage-return"
        if self.open_quote_line or b'"' in lines.text:
            quoted, by_quotes = self._quoted_rows(lines, refused)
            refused |= by_quotes
        slow = [*quoted, *refused]
        fast[slow] = False

        wrong_count = ~blank & ~fast
        wrong_count[slow] = False
        found = {row: int(commas[row]) + 1 for row in np.flatnonzero(wrong_count).tolist()}
        found |= {row: len(fields) for row, fields in quoted.items() if len(fields) != width}
        for row in [row for row in found if row not in quoted and not lines.bytes_of(row).strip()]:
            del found[row]
            blank[row] = True
        for row, code in refused.items():
            rejects.append(Reject(lines.first_line_no + row, code, {}, lines.text_of(row)))
        for row, count in found.items():
            params: dict[str, str | int] = {"expected": width, "found": count}
            rejects.append(Reject(lines.first_line_no + row, "field-count", params, lines.text_of(row)))
        self._hold_last(lines, blank, rejects)
        return self._block(
            lines, fast, {row: fields for row, fields in quoted.items() if len(fields) == width}, rejects
        )

    def _hold_last(self, lines: _Lines, blank: NDArray[np.bool_], rejects: list[Reject]) -> None:
        """Keep back the reject of a last line that is too short, give out the one kept back before."""
        undecodable = {reject.line_no - lines.first_line_no for reject in rejects if reject.code == "undecodable"}
        filled = np.flatnonzero(~blank)
        last = max(int(filled[-1]) if len(filled) else -1, max(undecodable, default=-1))
        if last < 0:
            return
        if self.held is not None:
            rejects.append(self.held)
            self.held = None
        for number, reject in enumerate(rejects):
            is_last = reject.line_no == lines.first_line_no + last and reject.code == "field-count"
            if is_last and int(reject.params["found"]) < int(reject.params["expected"]):
                self.held = rejects.pop(number)
                return

    def _quoted_rows(self, lines: _Lines, refused: dict[int, str]) -> tuple[dict[int, list[str]], dict[int, str]]:
        """Return the fields of each line that holds quotes, and the lines that are refused because of them."""
        rows = [row for row in np.flatnonzero(lines.count(ord('"'))).tolist() if row not in refused]
        if not self.open_quote_line:
            try:
                parsed = list(csv.reader([lines.text_of(row) for row in rows], strict=True))
            except csv.Error:
                parsed = []
            if len(parsed) == len(rows):  # a quote that stays open would have swallowed the next line
                return dict(zip(rows, parsed, strict=True)), {}
        return self._quoted_rows_by_line(lines, set(rows))

    def _quoted_rows_by_line(self, lines: _Lines, rows: set[int]) -> tuple[dict[int, list[str]], dict[int, str]]:
        quoted: dict[int, list[str]] = {}
        refused: dict[int, str] = {}
        for row in range(len(lines)):
            line_no = lines.first_line_no + row
            if self.open_quote_line:
                if line_no - self.open_quote_line > MAX_OPEN_QUOTE_LINES:
                    raise FileRefused("quote-open", self.open_quote_line)
                refused[row] = "quoted-newline"
                if row in rows and not _leaves_quote_open('"' + lines.text_of(row)):
                    self.open_quote_line = 0
            elif row in rows:
                text = lines.text_of(row)
                try:
                    quoted[row] = next(csv.reader([text], strict=True))
                except csv.Error:
                    still_open = _leaves_quote_open(text)
                    refused[row] = "quoted-newline" if still_open else "quote-misplaced"
                    self.open_quote_line = line_no if still_open else 0
        return quoted, refused

    def _block(
        self, lines: _Lines, fast: NDArray[np.bool_], quoted: dict[int, list[str]], rejects: list[Reject]
    ) -> RowBlock:
        rows = np.flatnonzero(fast)
        texts = self._fast_columns(lines, rows)
        if quoted:
            rows = np.concatenate([rows, np.fromiter(quoted, np.int64, len(quoted))])
            order = np.argsort(rows, kind="stable")
            rows = rows[order]
            columns = list(zip(*quoted.values(), strict=True))
            texts = {
                position: pa.concat_arrays([column, pa.array(columns[position], pa.string())]).take(pa.array(order))
                for position, column in texts.items()
            }
        line_no = (lines.first_line_no + rows).astype(np.int64)
        return RowBlock(line_no, texts, lambda row: lines.text_of(int(rows[row])), rejects)

    def _fast_columns(self, lines: _Lines, rows: NDArray[np.intp]) -> dict[int, pa.StringArray]:
        """Columns of lines that hold no quote, no stray carriage return and the right number of commas."""
        used = self.layout.used()
        if not len(rows):
            return {position: pa.array([], pa.string()) for position in used}
        if len(rows) == len(lines):
            text = lines.text
        else:
            text = b"\n".join(map(lines.bytes_of, rows.tolist())) + b"\n"
        names = [str(position) for position in range(self.layout.width)]
        wanted = [str(position) for position in used]
        table = pa_csv.read_csv(
            pa.BufferReader(text),
            pa_csv.ReadOptions(use_threads=False, block_size=len(text) + 1, column_names=names),
            pa_csv.ParseOptions(quote_char=False, newlines_in_values=False, ignore_empty_lines=False),
            pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=False,
                check_utf8=False,
                include_columns=wanted,
            ),
        )
        if table.num_rows != len(rows):
            raise AssertionError("lines and parsed rows differ in number")
        return {position: _one_array(table.column(str(position))) for position in used}


def _one_array(column: pa.ChunkedArray) -> pa.StringArray:
    combined = column.combine_chunks()
    return combined if isinstance(combined, pa.Array) else pa.concat_arrays(combined.chunks)


def _leaves_quote_open(text: str) -> bool:
    try:
        next(csv.reader([text], strict=True))
    except csv.Error as error:
        return "unexpected end of data" in str(error)
    return False
