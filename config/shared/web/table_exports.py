"""A table as a file: CSV sent row by row, or a workbook; what stands in it is what the page shows, as values."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import xlsxwriter
from django.http import FileResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.shared.errors import Refused
from config.shared.money import yuan_from_fen

FORMATS: dict[str, str | Promise] = {"xlsx": gettext_lazy("Excel 表格"), "csv": gettext_lazy("CSV 文件")}
XLSX_ROWS = 1_048_575
# Spreadsheets run what begins like this.
_RUNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_CSV_ROWS_AT_ONCE = 500
_NUMBERS = {
    "money": "#,##0.00",
    "energy": "#,##0.00",
    "count": "#,##0",
    "day": "yyyy-mm-dd",
    "moment": "yyyy-mm-dd hh:mm",
}


class TooManyRows(Refused):
    """A workbook holds no more than a million rows and some."""

    code = "too-many-rows"
    status = 422


class Sheet:
    """Heads with their kinds, and rows of values as a table's columns give them."""

    def __init__(self, heads: Sequence[tuple[str, str]], rows: Iterable[Sequence[Any]]) -> None:
        self.heads = heads
        self.rows = rows

    def answer(self, name: str, file_name: str) -> HttpResponseBase:
        """The file, to be saved under a name with today's date."""
        whole_name = f"{file_name}-{timezone.localdate():%Y%m%d}.{name}"
        response: HttpResponseBase
        if name == "csv":
            response = StreamingHttpResponse(self.csv(), content_type="text/csv; charset=utf-8")
        else:
            response = FileResponse(
                self.xlsx(), content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
            )
        response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(whole_name)}"
        response["Cache-Control"] = "no-store"
        return response

    def csv(self) -> Iterator[bytes]:
        """Lines of CSV with the mark by which spreadsheets know UTF-8; no cell of it can be run."""
        lines: list[str] = []
        writer = csv.writer(_Lines(lines), lineterminator="\r\n")
        writer.writerow([safe_text(label) for label, _kind in self.heads])
        yield b"\xef\xbb\xbf"
        for number, row in enumerate(self.rows):
            writer.writerow([_csv_value(kind, value) for (_label, kind), value in zip(self.heads, row, strict=True)])
            if number % _CSV_ROWS_AT_ONCE == 0:
                yield "".join(lines).encode()
                lines.clear()
        yield "".join(lines).encode()

    def xlsx(self) -> Any:
        """
        A workbook in a file that goes away when it is closed; text stays text, numbers are numbers.

        :raises TooManyRows: there are more than a sheet holds
        """
        file = tempfile.TemporaryFile(suffix=".xlsx")
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        with xlsxwriter.Workbook(file, options) as book:
            strong = book.add_format({"bold": True, "bottom": 1})
            looks = {kind: book.add_format({"num_format": look}) for kind, look in _NUMBERS.items()}
            sheet = book.add_worksheet()
            sheet.freeze_panes(1, 0)
            for place, (label, kind) in enumerate(self.heads):
                sheet.set_column(place, place, 18 if kind in ("text", "code", "moment", "chips") else 14)
                sheet.write_string(0, place, label, strong)
            for number, row in enumerate(self.rows, start=1):
                if number > XLSX_ROWS:
                    raise TooManyRows(_("行数超过一张 Excel 表能放下的，请加筛选条件，或导出 CSV。"))
                for place, ((_label, kind), value) in enumerate(zip(self.heads, row, strict=True)):
                    _write_cell(sheet, number, place, kind, value, looks.get(kind))
        file.seek(0)
        return file


class _Lines:
    """What `csv.writer` writes to: keeps each line."""

    def __init__(self, lines: list[str]) -> None:
        self.write = lines.append


def safe_text(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_RUNS) else text


def _csv_value(kind: str, value: Any) -> str:
    if value is None:
        return ""
    if kind in ("money", "energy"):
        return yuan_from_fen(value)  # both are hundredths
    if kind == "count":
        return str(int(value))
    return safe_text(_words(kind, value))


def _words(kind: str, value: Any) -> str:
    if kind == "chips":
        return _("、").join(str(chip.word) for chip in value)
    if isinstance(value, datetime):
        return timezone.localtime(value).strftime("%H:%M" if kind == "clock" else "%Y-%m-%d %H:%M")
    return str(value)


def _write_cell(sheet: Any, row: int, place: int, kind: str, value: Any, look: Any) -> None:
    if value is None or value == "":
        return
    if kind in ("money", "energy"):
        sheet.write_number(row, place, Decimal(int(value)) / 100, look)
    elif kind == "count":
        sheet.write_number(row, place, int(value), look)
    elif isinstance(value, datetime) and kind == "moment":
        sheet.write_datetime(row, place, timezone.localtime(value).replace(tzinfo=None), look)
    elif isinstance(value, date) and kind == "day":
        sheet.write_datetime(row, place, datetime(value.year, value.month, value.day), look)  # noqa: DTZ001
    else:
        sheet.write_string(row, place, _words(kind, value))
