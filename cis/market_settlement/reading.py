"""Pure: a settlement file, CSV or XLSX, to exact rows; a row that cannot be taken becomes a fault."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from cis.market_settlement.layout import HEADS, NO_PRICE, SETTLEMENT
from cis.market_settlement.workbook import NotAWorkbook, cells_of
from cis.opening_files import Fault, Row, read_cells

__all__ = ["MOST_BYTES", "read_file"]

MOST_BYTES = 50_000_000
_NAMES = {head: name for name, head in HEADS.items()} | {name: name for name in HEADS}
_PLACE = {column.name: at for at, column in enumerate(SETTLEMENT.columns)}
# A price is printed with at least four places: half of the last one is what rounding may leave.
_PRICE_ROUNDING_E8 = 5_000
_E8 = 100_000_000


def read_file(data: bytes, *, month: int) -> Iterator[Row | Fault]:
    """
    The rows of a month's file and what is wrong in it, as they come; columns that the layout does not know are ignored.

    Beside the faults of `cis.opening_files`: `not-a-workbook`, `not-text`, `other-month`, `does-not-add-up` (the total
    is not the sum of its parts), `price-does-not-fit` (energy times price is not the amount).
    """
    if data.startswith(b"PK\x03\x04"):
        try:
            rows = list(cells_of(data))
        except NotAWorkbook:
            yield Fault(SETTLEMENT.file, 0, "not-a-workbook")
            return
    else:
        try:
            rows = list(_csv_cells(_decoded(data)))
        except UnicodeDecodeError:
            yield Fault(SETTLEMENT.file, 0, "not-text")
            return
        except csv.Error:
            yield Fault(SETTLEMENT.file, 0, "not-csv")
            return
    for found in read_cells(SETTLEMENT, _known_columns(rows)):
        yield found if isinstance(found, Fault) else _checked(found, month)


def _decoded(data: bytes) -> str:
    """UTF-8, else what Chinese spreadsheets write."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("gb18030")


def _csv_cells(text: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    for cells in reader:
        yield reader.line_num, cells


def _known_columns(rows: Iterable[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
    """The rows with the columns that are known, headed by their names; a sheet's short rows are filled up."""
    kept: list[int] | None = None
    for line, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        if kept is None:
            names = [_NAMES.get(cell.strip().removeprefix("\ufeff"), "") for cell in cells]
            kept = [at for at, name in enumerate(names) if name]
            yield line, [names[at] for at in kept]
            continue
        yield line, [cells[at] if at < len(cells) else "" for at in kept]


def _checked(row: Row, month: int) -> Row | Fault:
    def value(name: str) -> int:
        return int(str(row.values[_PLACE[name]]))

    if value("month") != month:
        return Fault(SETTLEMENT.file, row.line, "other-month", "month", str(value("month")))
    parts = value("energy_yuan") + value("deviation_yuan") + value("green_yuan")
    if parts != value("total_yuan"):
        return Fault(SETTLEMENT.file, row.line, "does-not-add-up", "total_yuan", _yuan(value("total_yuan")))
    price = value("price_yuan")
    if price != NO_PRICE:
        # 0.01 kWh x 1e-8 yuan is 1e-8 fen.
        energy = value("energy_kwh")
        off = abs(energy * price - value("energy_yuan") * _E8)
        if off > abs(energy) * _PRICE_ROUNDING_E8 + _E8 // 2:
            return Fault(SETTLEMENT.file, row.line, "price-does-not-fit", "price_yuan", _yuan(value("energy_yuan")))
    return row


def _yuan(fen: int) -> str:
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}"
