"""What is wrong in the files of an opening import, in words that say what to do."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from cis.opening_files import BY_NAME, Fault

__all__ = ["OpeningFault", "in_words"]


@dataclass(frozen=True)
class OpeningFault:
    """One place in the files and what to do about it."""

    file: str
    line: int
    column: str
    code: str
    message: str

    @classmethod
    def of(cls, fault: Fault, message: str) -> OpeningFault:
        """A fault with its words."""
        return cls(fault.file, fault.line, fault.column, fault.code, message)

    @property
    def place(self) -> str:
        """bills.csv:12."""
        return f"{self.file}:{self.line}" if self.line else self.file


def in_words(fault: Fault) -> str:
    """The fault as an operator reads it."""
    values = {"column": fault.column, "text": fault.text}
    return (_of_cells(fault) or _of_rows(fault) or fault.code) % values


def _of_cells(fault: Fault) -> str:
    layout = BY_NAME.get(fault.file.removesuffix(".csv"))
    words = {
        "file-missing": _("文件夹里没有这个文件。没有数据也要放一个只有表头的文件。"),
        "no-head": _("第一行不是表头。"),
        "column-missing": _("表头缺少 %(column)s 列。"),
        "column-twice": _("表头里 %(column)s 列出现了两次。"),
        "column-unknown": _("表头里的 %(column)s 不是这个文件的列，请删去或改名。"),
        "not-csv": _("引号没有成对，从这一行起读不出来。"),
        "cells": _("格数与表头不同（%(text)s）。"),
        "empty": _("%(column)s 必填。"),
        "too-long": _("%(column)s 太长：%(text)s。"),
        "not-printable": _("%(column)s 里有不能显示的字符，请另存为 UTF-8。"),
        "rounded-number": _("%(column)s 被表格软件改写成 %(text)s，请把这一列设为文本后重新导出。"),
        "negative": _("%(column)s 不能是负数：%(text)s。"),
    }
    if fault.code in words:
        return words[fault.code]
    is_of_a_cell = layout is not None and any(column.name == fault.column for column in layout.columns)
    unreadable = {"not-a-day", "not-a-whole-number", "out-of-bounds", "not-a-number", "too-many-decimals"}
    if layout is not None and is_of_a_cell and fault.code in unreadable | {"unknown-word"}:
        described = layout.column(fault.column).kind.described.replace("%", "%%")
        return _("%(column)s 的“%(text)s”写法不对，要填") + described + _("。")
    return ""


def _of_rows(fault: Fault) -> str:
    words = {
        "total-differs": _("核对总数 %(column)s 不符：%(text)s（前为申报，后为文件合计）。"),
        "line-twice": _("与前面的一行重复：%(text)s。"),
        "unknown-customer": _("customers.csv 里没有客户 %(text)s。"),
        "customer-without-account": _("客户 %(text)s 没有户号。"),
        "unknown-unit": _("没有编码为 %(text)s 的供电单位，请先建立。"),
        "unknown-route": _("没有编码为 %(text)s 的抄表段，请先建立。"),
        "unknown-district": _("没有编码为 %(text)s 的台区，请先建立。"),
        "account-without-contract": _("户号 %(text)s 在 contracts.csv 里没有合同。"),
        "account-without-meter": _("户号 %(text)s 在 meters.csv 里没有电能表。"),
        "account-is-there": _("户号 %(text)s 在本系统里已经有了，不属于这一批。"),
        "account-left-out": _("户号 %(text)s 上次在这一批里，改正后的文件不能去掉它。"),
        "period-left-out": _("上次导入的账单（户号、起日）%(text)s 在改正后的文件里没有了，请保留，可以改金额。"),
        "unknown-account": _("accounts.csv 里没有户号 %(text)s。"),
        "unknown-tariff": _("没有编码为 %(text)s 的电价，请先建立。"),
        "contract-too-late": _("合同起始日 %(text)s 晚于最后一张账单的止日，下一期会没有合同。"),
        "no-price-then": _("电价 %(text)s 在最后一张账单的时候没有版本，请先补上。"),
        "point-twice": _("计量点 %(text)s 出现了两次。"),
        "point-is-there": _("计量点 %(text)s 在本系统里已经有了。"),
        "meter-is-there": _("电能表 %(text)s 在本系统里已经有了。"),
        "meter-without-register": _("电能表 %(text)s 在 registers.csv 里没有示数。"),
        "unknown-meter": _("meters.csv 里没有电能表 %(text)s。"),
        "register-too-large": _("电能表 %(text)s 的示数超过了它的整数位数。"),
        "register-of-another-day": _("示数日期应当是最后一张账单的止日：%(text)s。"),
        "read-before-installed": _("示数日期 %(text)s 早于装表日期。"),
        "reference-twice": _("账单编号 %(text)s 出现了两次。"),
        "period-has-no-days": _("止日 %(text)s 不晚于起日。"),
        "periods-overlap": _("起日 %(text)s 落在前一张账单的期间里。"),
        "more-open-than-billed": _("户号 %(text)s 的未收金额大于应收金额。"),
        "late-fee-of-another-day": _("违约金算到的日期 %(text)s 应当不早于缴费截止日、早于切换日。"),
        "billed-after-cut-over": _("止日 %(text)s 晚于切换日。"),
        "tier-of-another-day": _("累计日期应当是最后一张账单的止日：%(text)s。"),
        "tier-less-than-bill": _("户号 %(text)s 的年度累计电量小于最后一张账单的电量。"),
        "no-tier-energy": _("户号 %(text)s 的电价有阶梯，tier_energy.csv 里要有它的年度累计电量。"),
        "not-the-reading-day": _("最后一张账单的年月与止日不合抄表段的抄表例日，下一期接不上：%(text)s。"),
    }
    return words.get(fault.code, "")
