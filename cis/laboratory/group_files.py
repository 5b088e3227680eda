"""Pure: a list of accounts and the group each belongs to, such as groups of income, from a CSV file.

Two columns, account number and group, with or without a head; UTF-8 or GB 18030, as spreadsheets save it.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

__all__ = ["MAX_GROUPS", "GroupFile", "GroupFileFault", "read_group_file"]

MAX_GROUPS = 20
_LONGEST_NAME = 50


class GroupFileFault(ValueError):
    """The file cannot be used; `code` says why, `line` where (from 1; 0: the whole file)."""

    def __init__(self, code: str, line: int = 0) -> None:
        super().__init__(f"{code} at line {line}")
        self.code = code
        self.line = line


@dataclass(frozen=True)
class GroupFile:
    """The names of the groups in the order of their first line, and account number -> place among the names."""

    names: tuple[str, ...]
    group_of: dict[str, int]


def read_group_file(data: bytes) -> GroupFile:
    """
    Read the list.

    :raises GroupFileFault: `encoding`, `columns` (not two), `empty`, `account_no` (not digits), `group` (none, or too
        long), `twice` (an account in two lines), `too_many_groups`
    """
    names: dict[str, int] = {}
    group_of: dict[str, int] = {}
    for line, row in enumerate(csv.reader(io.StringIO(_text(data))), start=1):
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        if len(cells) != 2:
            raise GroupFileFault("columns", line)
        number, name = cells
        if not number.isascii() or not number.isdigit():
            if line == 1:
                continue  # the head
            raise GroupFileFault("account_no", line)
        if not name or len(name) > _LONGEST_NAME:
            raise GroupFileFault("group", line)
        if number in group_of:
            raise GroupFileFault("twice", line)
        group_of[number] = names.setdefault(name, len(names))
        if len(names) > MAX_GROUPS:
            raise GroupFileFault("too_many_groups", line)
    if not group_of:
        raise GroupFileFault("empty")
    return GroupFile(tuple(names), group_of)


def _text(data: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise GroupFileFault("encoding")
