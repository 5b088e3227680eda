"""
Pure: a day of one of the utility's bank accounts as the bank tells it.

CSV in UTF-8, amounts in yuan with two decimals, every line ended by a line feed, no line break inside a field:

    H,1,our account,YYYY-MM-DD,opening,closing,lines,credits,debits
    D,serial,moment with offset,C or D,amount,balance after it,other side's name,its account,sub-account,remark
    T,SHA-256 in hexadecimal of every byte before this line

C is money in, D money out; amounts are positive. Each line's balance follows from the one before, the first from the
opening balance, and the last is the closing balance. Read twice by its caller, as `channel_file` is: once to believe
it, once to keep it.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from payments.matching.channel_file import MOST_FEN, FileUnusable

VERSION = "1"
_LONGEST_LINE = 2_000
_YUAN = re.compile(r"(-?)([0-9]{1,13})\.([0-9]{2})", re.ASCII)
_NUMBER = re.compile(r"[0-9]{4,32}", re.ASCII)
_COUNT = re.compile(r"[0-9]{1,9}", re.ASCII)
_SERIAL = re.compile(r"[\x21-\x2b\x2d-\x7e]{1,64}")
_ACCOUNT = re.compile(r"[0-9A-Za-z-]{0,40}", re.ASCII)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class StatementHead:
    """What the header says and the whole file bears out; amounts in fen, debits positive."""

    account: str
    day: date
    opening_fen: int
    closing_fen: int
    rows: int
    credit_fen: int
    debit_fen: int
    sha256: str


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One movement, negative where money left; `balance_fen` after it, the other side as the bank names it."""

    serial: str
    at: datetime
    amount_fen: int
    balance_fen: int
    name: str = ""
    account: str = ""
    sub_account: str = ""
    remark: str = ""


def check_statement(lines: Iterable[bytes]) -> StatementHead:
    """
    The header of a statement that was read to its end and adds up: balances line by line, count, sums and SHA-256.

    :raises FileUnusable: it does not; nothing of it may be kept
    """
    digest, sha256 = hashlib.sha256(), ""
    head: StatementHead | None = None
    count = credit = debit = balance = number = 0
    for number, line in enumerate(lines, start=1):
        if sha256:
            raise FileUnusable("after-end", number)
        fields = _fields(line, number)
        if head is None:
            head = _head(fields)
            balance = head.opening_fen
        elif fields[0] == "T" and len(fields) == 2:
            sha256 = fields[1]
            continue
        else:
            row = _line(fields, number)
            balance += row.amount_fen
            if row.balance_fen != balance:
                raise FileUnusable("balance-breaks", number)
            count += 1
            credit += max(row.amount_fen, 0)
            debit += max(-row.amount_fen, 0)
        digest.update(line)
    if head is None or not sha256:
        raise FileUnusable("no-end", number)
    _add_up(head, (count, credit, debit, balance))
    if digest.hexdigest() != sha256:
        raise FileUnusable("hash-differs", number)
    return StatementHead(head.account, head.day, head.opening_fen, head.closing_fen, count, credit, debit, sha256)


def _add_up(head: StatementHead, read: tuple[int, int, int, int]) -> None:
    count, credit, debit, balance = read
    if count != head.rows:
        raise FileUnusable("count-differs", 1)
    if (credit, debit) != (head.credit_fen, head.debit_fen):
        raise FileUnusable("total-differs", 1)
    if balance != head.closing_fen:
        raise FileUnusable("balance-breaks", 1)


def read_lines(lines: Iterable[bytes]) -> Iterator[StatementLine]:
    """The movements of a statement that `check_statement` believed."""
    for number, line in enumerate(lines, start=1):
        if line.startswith(b"D,"):
            yield _line(_fields(line, number), number)


def write_statement(account: str, day: date, opening_fen: int, lines: Iterable[StatementLine]) -> bytes:
    """The file that says these movements, balances reckoned anew; for a bank's side of an agreement."""
    kept = list(lines)
    credit = sum(max(line.amount_fen, 0) for line in kept)
    debit = sum(max(-line.amount_fen, 0) for line in kept)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    closing = opening_fen + credit - debit
    writer.writerow(
        ["H", VERSION, account, day.isoformat(), _yuan(opening_fen), _yuan(closing), len(kept), _yuan(credit),
         _yuan(debit)]
    )  # fmt: skip
    balance = opening_fen
    for line in kept:
        balance += line.amount_fen
        way = "C" if line.amount_fen > 0 else "D"
        writer.writerow(
            ["D", line.serial, line.at.isoformat(), way, _yuan(abs(line.amount_fen)), _yuan(balance), line.name,
             line.account, line.sub_account, line.remark]
        )  # fmt: skip
    raw = text.getvalue().encode()
    return raw + f"T,{hashlib.sha256(raw).hexdigest()}\n".encode()


def _yuan(fen: int) -> str:
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def _fen(text: str, line: int) -> int:
    match = _YUAN.fullmatch(text)
    if match is None:
        raise FileUnusable("bad-amount", line)
    fen = int(match[2]) * 100 + int(match[3])
    return -fen if match[1] else fen


def _fields(line: bytes, number: int) -> list[str]:
    if len(line) > _LONGEST_LINE or not line.endswith(b"\n"):
        raise FileUnusable("cut-off", number)
    try:
        text = line[:-1].decode("utf-8")
    except UnicodeDecodeError as error:
        raise FileUnusable("not-utf8", number) from error
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error as error:
        raise FileUnusable("bad-row", number) from error
    if len(rows) != 1 or not rows[0]:
        raise FileUnusable("bad-row", number)
    return rows[0]


def _head(fields: list[str]) -> StatementHead:
    if len(fields) != 9 or fields[:2] != ["H", VERSION] or not _NUMBER.fullmatch(fields[2]):
        raise FileUnusable("no-head", 1)
    if not _COUNT.fullmatch(fields[6]):
        raise FileUnusable("no-head", 1)
    try:
        day = date.fromisoformat(fields[3])
    except ValueError as error:
        raise FileUnusable("no-head", 1) from error
    opening, closing, credit, debit = (_fen(fields[place], 1) for place in (4, 5, 7, 8))
    return StatementHead(fields[2], day, opening, closing, int(fields[6]), credit, debit, "")


def _line(fields: list[str], number: int) -> StatementLine:
    if len(fields) != 10 or fields[0] != "D" or fields[3] not in ("C", "D"):
        raise FileUnusable("bad-row", number)
    _mark, serial, at, way, yuan, balance, name, account, sub_account, remark = fields
    shapes = (_SERIAL.fullmatch(serial), _ACCOUNT.fullmatch(account), _ACCOUNT.fullmatch(sub_account))
    if not all(shapes) or len(name) > 200 or len(remark) > 500 or _UNPRINTABLE.search(name + remark):
        raise FileUnusable("bad-row", number)
    fen = _fen(yuan, number)
    if not 0 < fen < MOST_FEN:
        raise FileUnusable("bad-amount", number)
    try:
        moment = datetime.fromisoformat(at)
    except ValueError as error:
        raise FileUnusable("bad-row", number) from error
    if moment.tzinfo is None:
        raise FileUnusable("bad-row", number)
    signed = fen if way == "C" else -fen
    return StatementLine(serial, moment, signed, _fen(balance, number), name, account, sub_account, remark)
