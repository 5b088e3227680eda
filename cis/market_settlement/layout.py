"""Pure: which columns a settlement file has, in the words of its head."""

from __future__ import annotations

from cis.opening_files import Column, Layout, Number, SignedNumber, Text, Whole

__all__ = ["HEADS", "NO_PRICE", "SETTLEMENT", "template"]

NO_PRICE = -1
"""the file states no price"""

SETTLEMENT = Layout(
    "settlement",
    "交易中心一个月的零售结算，每个户号（或计量点）与售电公司一行",
    ("account_no", "point_no"),
    (
        Column("month", Whole(200001, 220012), "结算月份，例如 202602"),
        Column("account_no", Text(32), "户号"),
        Column("point_no", Text(32), "计量点编号；整户一行的留空", ""),
        Column("retailer_code", Text(32), "售电公司在交易中心的编号"),
        Column("energy_kwh", Number(2), "结算电量，千瓦时", is_total=True),
        Column("price_yuan", Number(8), "结算均价，元/千瓦时", NO_PRICE),
        Column("energy_yuan", SignedNumber(2), "电能电费，元", is_total=True),
        Column("deviation_yuan", SignedNumber(2), "偏差费用，元", 0, is_total=True),
        Column("green_yuan", SignedNumber(2), "绿电环境价值费用，元", 0, is_total=True),
        Column("total_yuan", SignedNumber(2), "结算电费合计，元：前三项之和", is_total=True),
    ),
)

HEADS: dict[str, str] = {
    "month": "结算月份",
    "account_no": "户号",
    "point_no": "计量点编号",
    "retailer_code": "售电公司编号",
    "energy_kwh": "结算电量",
    "price_yuan": "结算均价",
    "energy_yuan": "电能电费",
    "deviation_yuan": "偏差费用",
    "green_yuan": "绿电环境价值费用",
    "total_yuan": "结算电费",
}
"""Column to its Chinese head; a file has the ones or the others."""


def template() -> str:
    """An empty file with its Chinese head."""
    return ",".join(HEADS[column.name] for column in SETTLEMENT.columns) + "\n"
