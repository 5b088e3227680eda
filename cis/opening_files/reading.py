"""Pure: the lines of one file to exact rows; a line that cannot be taken becomes a fault and no row."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cis.opening_files.columns import Number, Unreadable, Value
from cis.opening_files.layouts import Layout

__all__ = ["Fault", "Row", "read_cells", "read_rows"]


@dataclass(frozen=True)
class Fault:
    """What is wrong where: the file, its line (from 1; 0: the whole file), a stable code, the column and the text."""

    file: str
    line: int
    code: str
    column: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line's values, in the order of the layout's columns."""

    line: int
    values: tuple[Value | None, ...]


def read_rows(layout: Layout, lines: Iterable[str]) -> Iterator[Row | Fault]:
    """
    The rows and faults of a file, as they come; the first line is the head and names every column once, in any order.

    Faults: `no-head`, `column-missing`, `column-unknown` (the whole file, which then has no rows), `cells` (too few or
    too many), `empty`, and what `cis.opening_files.columns` refuses; of a line the first one.
    """
    reader = csv.reader(lines, strict=True)
    try:
        yield from read_cells(layout, ((reader.line_num, cells) for cells in reader))
    except csv.Error:
        yield Fault(layout.file, reader.line_num, "not-csv")


def read_cells(layout: Layout, lines: Iterable[tuple[int, list[str]]]) -> Iterator[Row | Fault]:
    """The same of lines that are cut into cells already, each with its number."""
    rest = iter(lines)
    head = [name.strip().removeprefix("\ufeff") for name in next(rest, (1, []))[1]]
    wrong = list(_head_faults(layout, head))
    yield from wrong
    if wrong:
        return
    place = [head.index(column.name) if column.name in head else -1 for column in layout.columns]
    for line, cells in rest:
        if any(cell.strip() for cell in cells):
            yield _row(layout, place, len(head), cells, line)


def _head_faults(layout: Layout, head: list[str]) -> Iterator[Fault]:
    names = [column.name for column in layout.columns]
    if not any(head):
        yield Fault(layout.file, 1, "no-head")
        return
    for column in layout.columns:
        name = column.name
        if head.count(name) != 1 and not (column.may_be_absent and name not in head):
            yield Fault(layout.file, 1, "column-missing" if name not in head else "column-twice", name)
    for name in head:
        if name not in names:
            yield Fault(layout.file, 1, "column-unknown", name[:40])


def _row(layout: Layout, place: list[int], width: int, cells: list[str], line: int) -> Row | Fault:
    if len(cells) != width:
        return Fault(layout.file, line, "cells", text=f"{len(cells)}/{width}")
    values: list[Value | None] = []
    for column, at in zip(layout.columns, place, strict=True):
        text = cells[at].strip() if at >= 0 else ""
        if not text and column.may_be_absent:
            values.append(None)
            continue
        if not text:
            if column.default is None:
                return Fault(layout.file, line, "empty", column.name)
            values.append(column.default)
            continue
        try:
            values.append(column.kind.read(text))
        except Unreadable as why:
            return Fault(layout.file, line, why.code, column.name, text[:40])
    return Row(line, tuple(values))


def written(layout: Layout, column: str, value: int) -> str:
    """A sum of a column as it stands in the control file."""
    kind = layout.column(column).kind
    return kind.write(value) if isinstance(kind, Number) else str(value)
