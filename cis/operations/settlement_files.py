"""
The trading centre's settlement of a month: its file is taken whole or not at all, and held against the bills at once.

The rows are staged by COPY and checked together; a fault of any refuses the file with the rows named. The same bytes
are known again and bring nothing new; another file of the same month is its next revision.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from cis.market_settlement import HEADS, MOST_BYTES, SETTLEMENT, read_file
from cis.models import MarketSettlement
from cis.opening_files import Fault
from cis.operations.market_settlements import check_again
from cis.operations.market_tariffs import lock_market
from config.shared.bulk_copy import copy_rows
from config.shared.errors import BadInput
from config.shared.periods import add_months, first_day, is_cycle

__all__ = ["FaultRow", "Imported", "SettlementRefused", "import_settlement"]

_MOST_FAULTS = 200


@dataclass(frozen=True, slots=True)
class FaultRow:
    """A row of the file and what is wrong with it; line 0: the file as a whole."""

    line: int
    code: str
    message: str


class SettlementRefused(BadInput):
    """The file cannot be taken; `faults` name its rows (the first 200), `count` says how many there are."""

    code = "settlement-refused"

    def __init__(self, message: str, faults: tuple[FaultRow, ...] = (), count: int = 0) -> None:
        errors = [{"pointer": f"/file/{one.line}", "detail": one.message} for one in faults]
        super().__init__(message, errors=errors or [{"pointer": "/file", "detail": message}])
        self.faults = faults
        self.count = count


@dataclass(frozen=True)
class Imported:
    """The file as it is kept; `is_new` is false where the same bytes were there."""

    settlement_id: int
    revision: int
    rows: int
    is_new: bool


def import_settlement(*, data: bytes, file_name: str, province: str, month: int, by_id: int, at: datetime) -> Imported:
    """
    Take a settlement file of a province and month, CSV or XLSX, and hold it against the bills.

    :raises SettlementRefused: no province, a month that has not ended, a file too large, or rows that cannot be taken
    """
    province = province.strip()
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    if not province or not is_cycle(month) or first_day(add_months(month, 1)) > today:
        raise SettlementRefused(_("请选择省份，月份写成 202602 这样的六位数字；还没有过完的月份不会有结算单。"))
    if len(data) > MOST_BYTES:
        raise SettlementRefused(_("文件太大，不像一个月的结算单。请按月、按省分开导出。"))
    digest = hashlib.sha256(data).digest()
    with transaction.atomic():
        lock_market()
        of_month = MarketSettlement.objects.filter(province=province, month=month)
        known = of_month.filter(digest=digest).first()
        if known is not None:
            return Imported(known.pk, known.revision, known.rows, is_new=False)
        _stage(data, month)
        kept = MarketSettlement.objects.create(
            province=province,
            month=month,
            revision=of_month.count() + 1,
            file_name=file_name[:255],
            digest=digest,
            **_totals(),
            imported_by_id=by_id,
            imported_at=at,
        )
        _keep(kept.pk)
        check_again(kept, by_id=by_id, at=at)
    return Imported(kept.pk, kept.revision, kept.rows, is_new=True)


_NAMES = tuple(column.name for column in SETTLEMENT.columns)


def _stage(data: bytes, month: int) -> None:
    """The file into `settled_rows` with our ids; refuses it where a row is at fault."""
    faults: list[Fault] = []
    count = 0

    def rows() -> Iterator[tuple[Any, ...]]:
        nonlocal count
        for found in read_file(data, month=month):
            if isinstance(found, Fault):
                count += 1
                if len(faults) < _MOST_FAULTS:
                    faults.append(found)
                continue
            yield (found.line, *found.values)

    described = ", ".join(f"{column.name} {column.kind.postgres}" for column in SETTLEMENT.columns)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.settled_rows; DROP TABLE IF EXISTS pg_temp.settled_file")
        cursor.execute(f"CREATE TEMPORARY TABLE settled_file (line int4, {described}) ON COMMIT DROP")
        copy_rows(cursor, "settled_file", ("line", *_NAMES), rows())
        cursor.execute(_RESOLVED)
        cursor.execute("CREATE INDEX ON settled_rows (account_id); ANALYZE settled_rows")
        cursor.execute(_FAULTS, {"month": first_day(month), "end": first_day(add_months(month, 1))})
        for line, code, text in cursor.fetchall():
            count += 1
            if len(faults) < _MOST_FAULTS:
                faults.append(Fault(SETTLEMENT.file, line, code, text=text))
        cursor.execute("SELECT count(*) FROM settled_rows")
        (landed,) = cursor.fetchone()
    if not landed and not faults:
        faults, count = [Fault(SETTLEMENT.file, 0, "no-rows")], 1
    if faults:
        listed = sorted(faults, key=lambda one: one.line)
        raise SettlementRefused(
            _("结算单没有导入：%(n)s 处有误。请改正后重新导入，整个文件要么全部导入，要么不导入。") % {"n": count},
            tuple(FaultRow(one.line, one.code, _in_words(one)) for one in listed),
            count,
        )


_RESOLVED = """
CREATE TEMPORARY TABLE settled_rows ON COMMIT DROP AS
SELECT coalesce(a.id, 0) AS account_id, coalesce(p.id, 0) AS point_id, coalesce(r.id, 0) AS retailer_id, f.*
FROM settled_file f LEFT JOIN cis_account a ON a.account_no = f.account_no
LEFT JOIN cis_metering_point p ON p.point_no = f.point_no AND f.point_no <> ''
LEFT JOIN cis_retailer r ON r.code = f.retailer_code
"""

_FAULTS = """
SELECT line, 'unknown-account', account_no FROM settled_rows WHERE account_id = 0
UNION ALL SELECT line, 'unknown-retailer', retailer_code FROM settled_rows WHERE retailer_id = 0
UNION ALL SELECT line, 'unknown-point', s.point_no FROM settled_rows s WHERE s.point_no <> '' AND s.account_id > 0
    AND NOT EXISTS (SELECT 1 FROM cis_account_point ap WHERE ap.account_id = s.account_id AND ap.point_id = s.point_id
                    AND ap.valid && daterange(%(month)s, %(end)s))
UNION ALL SELECT line, 'line-twice', account_no FROM (
    SELECT line, account_no, row_number() OVER (PARTITION BY account_no, point_no ORDER BY line) n FROM settled_rows) t
    WHERE n > 1
UNION ALL SELECT line, 'account-and-points', account_no FROM (
    SELECT line, account_no, point_no, bool_or(point_no <> '') OVER (PARTITION BY account_no) has FROM settled_rows) t
    WHERE has AND point_no = ''
UNION ALL SELECT line, 'two-retailers', account_no FROM (
    SELECT line, account_no, retailer_code, first_value(retailer_code) OVER (PARTITION BY account_no ORDER BY line) one
    FROM settled_rows) t WHERE retailer_code <> one
ORDER BY 1
"""


def _totals() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), sum(energy_kwh)::int8, sum(total_yuan)::int8 FROM settled_rows")
        rows, energy, total = cursor.fetchone()
    return {"rows": rows, "energy_kwh_e2": energy, "total_fen": total}


def _keep(settlement_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO cis_market_settlement_row (settlement_id, line, account_id, point_id, retailer_id, "
            "energy_kwh_e2, price_e8, energy_fen, deviation_fen, green_fen, total_fen) "
            "SELECT %s, line, account_id, nullif(point_id, 0), retailer_id, energy_kwh, nullif(price_yuan, -1), "
            "energy_yuan, deviation_yuan, green_yuan, total_yuan FROM settled_rows",
            [settlement_id],
        )


def _in_words(fault: Fault) -> str:
    """A fault as somebody reads it who has the file before them."""
    values = {"column": _heading(fault.column), "text": fault.text}
    words = {
        "no-head": _("第一行不是表头。"),
        "no-rows": _("文件里只有表头，没有结算行。"),
        "not-csv": _("引号没有成对，文件读不出来。"),
        "not-text": _("文件不是 UTF-8 或 GB18030 编码的文本，也不是 Excel 工作簿。"),
        "not-a-workbook": _("这个 Excel 文件打不开。请另存为 .xlsx 或 CSV 后再导入。"),
        "column-missing": _("表头缺少“%(column)s”一列。"),
        "column-twice": _("表头里“%(column)s”出现了两次。"),
        "empty": _("“%(column)s”必填。"),
        "rounded-number": _("“%(column)s”被表格软件改写成 %(text)s，请把这一列设为文本后重新导出。"),
        "negative": _("“%(column)s”不能是负数：%(text)s。"),
        "other-month": _("这一行是 %(text)s 的结算，不是所选的月份。"),
        "does-not-add-up": _("结算电费 %(text)s 元不等于电能电费、偏差费用、绿电环境价值费用之和。"),
        "price-does-not-fit": _("电量乘均价与电能电费 %(text)s 元不符。"),
        "unknown-account": _("没有户号 %(text)s。"),
        "unknown-retailer": _("没有登记编号为 %(text)s 的售电公司，请先在购电市场登记。"),
        "unknown-point": _("计量点 %(text)s 当月不属于这个户号。"),
        "line-twice": _("户号 %(text)s 的这一行与前面的一行重复。"),
        "account-and-points": _("户号 %(text)s 既有整户一行，又有按计量点的行，只能用一种。"),
        "two-retailers": _("户号 %(text)s 在文件里有两家售电公司；一个月只能有一家。"),
    }
    return words.get(fault.code, _("“%(column)s”的“%(text)s”写法不对。")) % values


def _heading(column: str) -> str:
    return HEADS.get(column, column)
