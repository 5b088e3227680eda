"""
Pure: the files of bank batch debit: what we ask a bank to debit, and what it answers, row by row.

One record a line, every line ended by a line feed; fields parted by the bank's separator, or of the widths below (in
bytes of the bank's encoding, padded with spaces) where there is none:

    H version bank batch day rows total-fen
    D seq agreement account holder card fen          what we ask
    D seq fen code bank-serial                       what it answers; total-fen is what was debited
    T SHA-256 in hexadecimal of every byte before this line

Whatever does not fit its header or its hash is refused whole.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

VERSION = "1"
OUTCOMES: dict[str, str] = {
    "ok": "done",
    "short": "retry",
    "blocked": "retry",
    "other": "retry",
    "limit": "give-up",
    "closed": "end",
    "refused": "end",
}
"""what a bank can answer (money short, card blocked, above its limit, card closed, no mandate), to what follows"""
_HEAD = (2, 16, 24, 8, 10, 18)
_ASKED = (8, 16, 20, 80, 32, 15)
_ANSWERED = (8, 15, 8, 40)
_NUMBER = re.compile(r"[0-9]{1,15}")
_SERIAL = re.compile(r"[A-Za-z0-9_-]{0,40}")


class DebitFileUnusable(ValueError):
    """The file is not what its header and trailer say, or a line cannot be read; `line` counts from one."""

    def __init__(self, why: str, line: int) -> None:
        super().__init__(f"{why} (line {line})")
        self.why, self.line = why, line


@dataclass(frozen=True, slots=True)
class Layout:
    """How a bank's lines are written; an empty separator stands for fixed widths."""

    separator: str
    encoding: str


@dataclass(frozen=True, slots=True)
class DebitHead:
    """The first line."""

    bank: str
    batch: str
    day: date


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be debited of one card."""

    seq: int
    agreement: str
    account_no: str
    holder: str
    card_no: str
    amount_fen: int


@dataclass(frozen=True, slots=True)
class Answered:
    """What the bank says of one row, in its own code."""

    seq: int
    amount_fen: int
    code: str
    bank_serial: str


@dataclass(frozen=True, slots=True)
class DebitFile:
    """A file as it is sent: its bytes, what its header says, and its own hash."""

    content: bytes
    rows: int
    total_fen: int
    sha256: str


def write_asked(layout: Layout, head: DebitHead, rows: Iterable[Asked]) -> DebitFile:
    """
    What we ask of a bank.

    :raises ValueError: a field does not fit
    """
    lines, total = [], 0
    for row in rows:
        fields = (str(row.seq), row.agreement, row.account_no, row.holder, row.card_no, str(row.amount_fen))
        lines.append(_line(layout, "D", fields, _ASKED))
        total += row.amount_fen
    return _whole(layout, head, lines, total)


def write_answered(layout: Layout, head: DebitHead, rows: Sequence[Answered], debited: Sequence[str]) -> DebitFile:
    """What a bank answers; `debited`: the codes under which money moved."""
    lines = [
        _line(layout, "D", (str(row.seq), str(row.amount_fen), row.code, row.bank_serial), _ANSWERED) for row in rows
    ]
    return _whole(layout, head, lines, sum(row.amount_fen for row in rows if row.code in debited))


def read_asked(layout: Layout, content: bytes) -> tuple[DebitHead, list[Asked]]:
    """
    What a bank is asked.

    :raises DebitFileUnusable: it is not whole
    """
    head, count, total, lines = _open(layout, content)
    rows = [
        Asked(_whole_number(f[0], n), f[1], f[2], f[3], f[4], _whole_number(f[5], n))
        for n, f in ((n, _fields(layout, line, _ASKED, n)) for n, line in enumerate(lines, start=2))
    ]
    _check(len(rows) == count, "count-differs", 1)
    _check(sum(row.amount_fen for row in rows) == total, "total-differs", 1)
    return head, rows


def read_answered(layout: Layout, content: bytes, codes: Mapping[str, str]) -> tuple[DebitHead, list[Answered]]:
    """
    What a bank answered, with our codes in place of its own.

    :raises DebitFileUnusable: it is not whole, a row stands twice, or a code is none of the bank's
    """
    head, count, total, lines = _open(layout, content)
    rows: list[Answered] = []
    seen: set[int] = set()
    for n, line in enumerate(lines, start=2):
        seq, fen, code, serial = _fields(layout, line, _ANSWERED, n)
        _check(code in codes, "unknown-code", n)
        _check(_SERIAL.fullmatch(serial) is not None, "bad-row", n)
        row = Answered(_whole_number(seq, n), _whole_number(fen, n), codes[code], serial)
        _check(row.seq not in seen, "row-twice", n)
        seen.add(row.seq)
        rows.append(row)
    _check(len(rows) == count, "count-differs", 1)
    _check(sum(row.amount_fen for row in rows if row.code == "ok") == total, "total-differs", 1)
    return head, rows


def _check(holds: bool, why: str, line: int) -> None:
    if not holds:
        raise DebitFileUnusable(why, line)


def _whole_number(text: str, line: int) -> int:
    _check(_NUMBER.fullmatch(text) is not None, "bad-row", line)
    return int(text)


def _whole(layout: Layout, head: DebitHead, lines: list[bytes], total: int) -> DebitFile:
    first = (VERSION, head.bank, head.batch, f"{head.day:%Y%m%d}", str(len(lines)), str(total))
    body = b"".join([_line(layout, "H", first, _HEAD), *lines])
    sha256 = hashlib.sha256(body).hexdigest()
    return DebitFile(body + _line(layout, "T", (sha256,), (64,)), len(lines), total, sha256)


def _line(layout: Layout, tag: str, fields: Sequence[str], widths: Sequence[int]) -> bytes:
    if any("\n" in field or "\r" in field for field in fields):
        raise ValueError("a field holds a line feed")
    if layout.separator:
        if any(layout.separator in field for field in fields):
            raise ValueError("a field holds the separator")
        return (layout.separator.join((tag, *fields)) + "\n").encode(layout.encoding)
    parts = [field.encode(layout.encoding) for field in fields]
    if any(len(part) > width for part, width in zip(parts, widths, strict=True)):
        raise ValueError("a field is wider than agreed")
    padded = b"".join(part.ljust(width) for part, width in zip(parts, widths, strict=True))
    return tag.encode() + padded + b"\n"


def _fields(layout: Layout, line: bytes, widths: Sequence[int], number: int, tag: str = "D") -> list[str]:
    try:
        if layout.separator:
            parts = line.decode(layout.encoding).split(layout.separator)
            _check(len(parts) == len(widths) + 1 and parts[0] == tag, "bad-row", number)
            return parts[1:]
        _check(len(line) == sum(widths) + 1 and line[:1] == tag.encode(), "bad-row", number)
        found, place = [], 1
        for width in widths:
            found.append(line[place : place + width].decode(layout.encoding).rstrip(" "))
            place += width
    except UnicodeDecodeError as fault:
        raise DebitFileUnusable("not-text", number) from fault
    return found


def _open(layout: Layout, content: bytes) -> tuple[DebitHead, int, int, list[bytes]]:
    """The header, what it says of rows and money, and the rows' lines; the hash is checked first of all."""
    lines = content.split(b"\n")
    _check(len(lines) >= 3 and lines[-1] == b"", "no-end", len(lines))
    (sha256,) = _fields(layout, lines[-2], (64,), len(lines) - 1, "T")
    body = content[: len(content) - len(lines[-2]) - 1]
    _check(hashlib.sha256(body).hexdigest() == sha256, "hash-differs", len(lines) - 1)
    version, bank, batch, day, count, total = _fields(layout, lines[0], _HEAD, 1, "H")
    _check(version == VERSION and re.fullmatch(r"[0-9]{8}", day) is not None, "no-head", 1)
    try:
        head = DebitHead(bank, batch, date.fromisoformat(day))
    except ValueError as fault:
        raise DebitFileUnusable("no-head", 1) from fault
    return head, _whole_number(count, 1), _whole_number(total, 1), lines[1:-2]
