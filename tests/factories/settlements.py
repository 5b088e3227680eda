"""Settlement files of the trading centre, as texts and as bytes."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import Any

import xlsxwriter

from cis.market_settlement import HEADS

HEAD = tuple(HEADS.values())


def line(account_no: str, *, month: int, kwh: str, energy: str, **more: str) -> dict[str, str]:
    """A row of a file; `total_yuan` must be given where there is more than energy."""
    return {
        "month": str(month),
        "account_no": account_no,
        "point_no": "",
        "retailer_code": "SD001",
        "energy_kwh": kwh,
        "price_yuan": "",
        "energy_yuan": energy,
        "deviation_yuan": "",
        "green_yuan": "",
        "total_yuan": energy,
        **more,
    }


def as_csv(rows: Iterable[Mapping[str, str]]) -> bytes:
    """A file as the trading centre's platform exports it."""
    lines = [",".join(HEAD), *(",".join(row[name] for name in HEADS) for row in rows)]
    return ("\ufeff" + "\r\n".join(lines) + "\r\n").encode()


def as_xlsx(rows: Iterable[Mapping[str, str]], *, as_numbers: bool = True) -> bytes:
    """The same as a workbook; energy and money as the numbers that a spreadsheet keeps, with a title column beside."""
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        sheet: Any = book.add_worksheet("结算单")
        sheet.write_row(0, 0, ("户名", *HEAD))
        for at, row in enumerate(rows, start=1):
            sheet.write_string(at, 0, "示范用户")
            for place, name in enumerate(HEADS, start=1):
                if not row[name]:
                    continue
                if as_numbers and (name == "month" or name.endswith(("_kwh", "_yuan"))):
                    sheet.write_number(at, place, float(row[name]))
                else:
                    sheet.write_string(at, place, row[name])
    return stream.getvalue()
