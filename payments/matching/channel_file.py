"""
Pure: the file in which a channel says what it took on one of its accounting days.

UTF-8, one record a line, fields parted by `|`, every line ended by a line feed:

    H|1|channel|YYYY-MM-DD|rows|total fen
    D|serial|account no|fen|P or R|moment with offset|status|number at the channel
    T|SHA-256 in hexadecimal of every byte before this line

A payment is positive, a return negative and under the serial of the payment that it returns. Status OK: the money
moved; anything else: it did not, and does not count in the total. Read twice by its caller: once to believe it, once
to keep it, so that memory does not grow with the file.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

VERSION = "1"
OK = "OK"
MOST_FEN = 10**15
_SERIAL = re.compile(r"[\x21-\x7b\x7d\x7e]{1,64}")
_NUMBER = re.compile(r"-?[0-9]{1,15}")
_ACCOUNT = re.compile(r"[0-9]{0,20}")
_STATUS = re.compile(r"[A-Z_]{1,16}")
_LONGEST_LINE = 1_000


class FileUnusable(ValueError):
    """The file is not what its header and trailer say, or a line cannot be read; `line` counts from one."""

    def __init__(self, why: str, line: int) -> None:
        super().__init__(f"{why} (line {line})")
        self.why, self.line = why, line


@dataclass(frozen=True, slots=True)
class FileHead:
    """What the header says and the whole file bears out."""

    channel: str
    day: date
    rows: int
    total_fen: int
    sha256: str


@dataclass(frozen=True, slots=True)
class FileRow:
    """One payment ("P", positive) or return ("R", negative) as the channel tells it."""

    serial: str
    account_no: str
    amount_fen: int
    kind: str
    at: datetime
    status: str
    provider_no: str


def check_file(lines: Iterable[bytes]) -> FileHead:
    """
    The header of a file that was read to its end and adds up: count, total and SHA-256.

    :raises FileUnusable: it does not; nothing of it may be kept
    """
    digest, sha256 = hashlib.sha256(), ""
    channel, day, stated_rows, stated_fen = "", date.min, 0, 0
    count = total = number = 0
    for number, line in enumerate(lines, start=1):
        if sha256:
            raise FileUnusable("after-end", number)
        fields = _fields(line, number)
        if number == 1:
            channel, day, stated_rows, stated_fen = _head(fields)
        elif fields[0] == "T" and len(fields) == 2:
            sha256 = fields[1]
            continue
        else:
            row = _row(fields, number)
            count += 1
            total += row.amount_fen if row.status == OK else 0
        digest.update(line)
    if not sha256:
        raise FileUnusable("no-end", number)
    if count != stated_rows:
        raise FileUnusable("count-differs", 1)
    if total != stated_fen:
        raise FileUnusable("total-differs", 1)
    if digest.hexdigest() != sha256:
        raise FileUnusable("hash-differs", number)
    return FileHead(channel, day, count, total, sha256)


def read_rows(lines: Iterable[bytes]) -> Iterator[FileRow]:
    """The rows of a file that `check_file` believed."""
    for number, line in enumerate(lines, start=1):
        if line.startswith(b"D|"):
            yield _row(_fields(line, number), number)


def write_file(channel: str, day: date, rows: Iterable[FileRow]) -> bytes:
    """The file that says these rows; for a channel's side of an agreement."""
    kept = list(rows)
    total = sum(row.amount_fen for row in kept if row.status == OK)
    body = f"H|{VERSION}|{channel}|{day.isoformat()}|{len(kept)}|{total}\n" + "".join(
        f"D|{row.serial}|{row.account_no}|{row.amount_fen}|{row.kind}|{row.at.isoformat()}|{row.status}"
        f"|{row.provider_no}\n"
        for row in kept
    )
    raw = body.encode()
    return raw + f"T|{hashlib.sha256(raw).hexdigest()}\n".encode()


def _fields(line: bytes, number: int) -> list[str]:
    if len(line) > _LONGEST_LINE or not line.endswith(b"\n"):
        raise FileUnusable("cut-off", number)
    try:
        return line[:-1].decode("utf-8").split("|")
    except UnicodeDecodeError as error:
        raise FileUnusable("not-utf8", number) from error


def _head(fields: list[str]) -> tuple[str, date, int, int]:
    if len(fields) != 6 or fields[:2] != ["H", VERSION]:
        raise FileUnusable("no-head", 1)
    try:
        return fields[2], date.fromisoformat(fields[3]), int(fields[4]), int(fields[5])
    except ValueError as error:
        raise FileUnusable("no-head", 1) from error


def _row(fields: list[str], number: int) -> FileRow:
    if len(fields) != 8 or fields[0] != "D":
        raise FileUnusable("bad-row", number)
    _mark, serial, account_no, fen, kind, at, status, provider_no = fields
    shapes = (
        _SERIAL.fullmatch(serial),
        _ACCOUNT.fullmatch(account_no),
        _NUMBER.fullmatch(fen),
        _STATUS.fullmatch(status),
        not provider_no or _SERIAL.fullmatch(provider_no),
    )
    if not all(shapes) or kind not in ("P", "R"):
        raise FileUnusable("bad-row", number)
    amount = int(fen)
    if (amount > 0) != (kind == "P") or not 0 < abs(amount) < MOST_FEN:
        raise FileUnusable("bad-amount", number)
    try:
        moment = datetime.fromisoformat(at)
    except ValueError as error:
        raise FileUnusable("bad-row", number) from error
    if moment.tzinfo is None:
        raise FileUnusable("bad-row", number)
    return FileRow(serial, account_no, amount, kind, moment, status, provider_no)
