"""Pure: the file of another system's bills, one line a bill."""

from __future__ import annotations

from cis.opening_files import Column, Day, Layout, Number, SignedNumber, Text

__all__ = ["OTHER_BILLS"]

NOT_STATED_IN_FILE = -(1 << 63)

OTHER_BILLS = Layout(
    "bills",
    "另一个系统同一电费年月的账单，每个户号一行",
    ("account_no",),
    (
        Column("account_no", Text(32), "户号"),
        Column("period_start", Day(), "用电起日（含）"),
        Column("period_end", Day(), "用电止日（不含）"),
        Column("energy_kwh", Number(2), "计费电量，千瓦时", is_total=True),
        Column("total_yuan", SignedNumber(2), "电费合计，元", is_total=True),
        Column("energy_yuan", SignedNumber(2), "其中电度电费，元", NOT_STATED_IN_FILE),
        Column("basic_yuan", SignedNumber(2), "其中基本电费，元", NOT_STATED_IN_FILE),
        Column("power_factor_yuan", SignedNumber(2), "其中功率因数调整电费，元", NOT_STATED_IN_FILE),
        Column("fund_yuan", SignedNumber(2), "其中政府性基金及附加，元", NOT_STATED_IN_FILE),
        Column("tier2_kwh", Number(2), "其中第2档电量，千瓦时", NOT_STATED_IN_FILE),
        Column("tier3_kwh", Number(2), "其中第3档电量，千瓦时", NOT_STATED_IN_FILE),
    ),
)
