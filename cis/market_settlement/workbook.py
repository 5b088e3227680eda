"""Pure: the cells of a workbook's first sheet as texts (XLSX, ISO/IEC 29500), row by row."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

__all__ = ["MOST_UNPACKED", "NotAWorkbook", "cells_of"]

MOST_UNPACKED = 200_000_000
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_PLACE = re.compile(r"([A-Z]{1,3})[0-9]+", re.ASCII)
# A spreadsheet keeps numbers in binary and shows fifteen digits of them: what lies behind is no figure of anybody's.
_SHOWN = Context(prec=15, rounding=ROUND_HALF_EVEN)

_UNREADABLE = (ElementTree.ParseError, NotImplementedError, RuntimeError)


class NotAWorkbook(ValueError):
    """The bytes are no workbook that can be read."""


def cells_of(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """
    (row number, its cells as texts, empty ones as "") of every row of the first sheet that has cells.

    :raises NotAWorkbook: it is none, it is damaged, or it unpacks to more than `MOST_UNPACKED` bytes
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as book:
            if sum(part.file_size for part in book.infolist()) > MOST_UNPACKED:
                raise NotAWorkbook("too large")
            shared = _shared(book)
            sheet = _part(book, _first_sheet(book))
    except (zipfile.BadZipFile, zlib.error, KeyError, UnicodeDecodeError, *_UNREADABLE) as fault:
        raise NotAWorkbook(str(fault)) from fault
    for at, row in enumerate(sheet.iter(f"{_MAIN}row"), start=1):
        cells: list[str] = []
        for cell in row.iter(f"{_MAIN}c"):
            place = _PLACE.fullmatch(cell.get("r", ""))
            column = _column(place[1]) if place else len(cells)
            cells += [""] * (column - len(cells))
            cells.append(_text(cell, shared))
        if cells:
            number = row.get("r", "")
            yield (int(number) if number.isdecimal() else at), cells


def _part(book: zipfile.ZipFile, name: str) -> Element:
    # No workbook declares a document type; what does is made to expand.
    text = book.read(name).decode("utf-8-sig")
    if "<!DOCTYPE" in text:
        raise NotAWorkbook("document type")
    return ElementTree.fromstring(text.partition("?>")[2] if text.startswith("<?xml") else text)  # noqa: S314 - no entity


def _first_sheet(book: zipfile.ZipFile) -> str:
    sheet = next(_part(book, "xl/workbook.xml").iter(f"{_MAIN}sheet"), None)
    if sheet is None:
        raise NotAWorkbook("no sheet")
    wanted = sheet.get(_RELATION)
    for one in _part(book, "xl/_rels/workbook.xml.rels"):
        if one.get("Id") == wanted:
            target = one.get("Target", "")
            return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    raise NotAWorkbook("no sheet")


def _shared(book: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in book.namelist():
        return []
    return [_plain(one) for one in _part(book, "xl/sharedStrings.xml").iter(f"{_MAIN}si")]


def _plain(element: Element) -> str:
    """Its text without the phonetic guide."""
    runs = [element, *element.iter(f"{_MAIN}r")]
    return "".join(text.text or "" for run in runs for text in run.findall(f"{_MAIN}t"))


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _text(cell: Element, shared: list[str]) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        inline = cell.find(f"{_MAIN}is")
        return "" if inline is None else _plain(inline)
    value = cell.findtext(f"{_MAIN}v") or ""
    if kind == "s":
        place = int(value) if value.isdecimal() else -1
        if not 0 <= place < len(shared):
            raise NotAWorkbook("shared string")
        return shared[place]
    return _number(value) if kind == "n" and value else value


def _number(text: str) -> str:
    try:
        return format(_SHOWN.create_decimal(Decimal(text)).normalize(_SHOWN), "f")
    except InvalidOperation:
        return text
