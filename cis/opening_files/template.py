"""Pure: empty files with their heads, and the description of the format, from the layouts."""

from __future__ import annotations

import json

from cis.opening_files.control import Totals
from cis.opening_files.layouts import CONTROL_FILE, LAYOUTS, Column, Layout

__all__ = ["control_template", "header_of", "read_me"]


def header_of(layout: Layout) -> str:
    """The head of a file."""
    return ",".join(column.name for column in layout.columns) + "\n"


def control_template() -> str:
    """A control file of an empty hand-over."""
    files = {layout.name: Totals().as_json(layout) for layout in LAYOUTS}
    stated = {"batch": "2026-A", "cut_over_on": "2026-01-01", "balance_yuan": "0.00", "files": files}
    return json.dumps(stated, ensure_ascii=False, indent=2) + "\n"


def read_me() -> str:
    """The format in words."""
    parts = [_HEAD]
    for layout in LAYOUTS:
        rows = [
            f"| {column.name} | {column.meaning} | {column.kind.described} | {_may_be_empty(column)} |"
            for column in layout.columns
        ]
        parts.append(
            f"## {layout.file}：{layout.meaning}\n\n"
            f"不得重复：{'、'.join(layout.key)}。\n\n"
            "| 列 | 含义 | 写法 | 可否留空 |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"
        )
    return "\n".join(parts)


def _may_be_empty(column: Column) -> str:
    if column.may_be_absent:
        return "可留空，也可没有这一列"
    default = column.default
    if default is None:
        return "必填"
    return f"可留空，视为 {default}" if default != "" else "可留空"


_HEAD = f"""# 期初数据格式

一个文件夹，每个文件一行表头，UTF-8，逗号分隔。没有数据的文件也要有表头。{CONTROL_FILE} 写明批次、切换日与核对总数：
每个文件的行数、金额与电量的合计、示数的合计，以及 balance_yuan（未收金额合计减预存余额合计）。
任何一行有误、任何一个总数不符，整批不导入。

- 每个户号要有最后一张账单（已结清的也要，未收金额填 0.00），下一期从它的止日接着计费；从未发行过的户号可以没有。
- 有阶梯的电价要有阶梯年度累计电量。
- 违约金在原系统算到了哪一天，写在 bills.csv 的 late_fee_through，本系统从次日起计收；没有写的按原缴费截止日计收。
  原系统已计收未缴的违约金不转入，请先在原系统结清。
- 同一批次改正后可以再次导入，只要这一批的户号还没有发行、缴费或变更。
"""
