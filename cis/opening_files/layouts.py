"""
Pure: which files there are and which columns they have; the one place that says so.

The reader, the templates, the control totals and the tables that hold the rows while they are checked come from here.
"""

from __future__ import annotations

from dataclasses import dataclass

from cis.opening_files.columns import Day, Kind, Number, Text, Whole, Word
from cis.rating.registers import Register
from cis.rating.rules.basic_charge import DemandMode

__all__ = ["BY_NAME", "CONTROL_FILE", "LAYOUTS", "Column", "Layout"]

CONTROL_FILE = "control.json"


@dataclass(frozen=True)
class Column:
    """One column: its name in the head, how its cells are read, what it means; a total is added up for control."""

    name: str
    kind: Kind
    meaning: str
    default: int | str | None = None
    """what an empty cell means; None: a cell must not be empty"""
    is_total: bool = False
    may_be_absent: bool = False
    """whether the column may be left out of the head, and an empty cell says nothing (`default` is not read)"""


@dataclass(frozen=True)
class Layout:
    """One file; `key` names the columns that must differ from line to line."""

    name: str
    meaning: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def file(self) -> str:
        """Its name in the folder."""
        return f"{self.name}.csv"

    @property
    def totals(self) -> tuple[str, ...]:
        """The columns that are added up."""
        return tuple(column.name for column in self.columns if column.is_total)

    def column(self, name: str) -> Column:
        """One of its columns."""
        return next(column for column in self.columns if column.name == name)


_ACCOUNT = Column("account_no", Text(32), "户号")

LAYOUTS: tuple[Layout, ...] = (
    Layout(
        "customers",
        "客户",
        ("customer_no",),
        (
            Column("customer_no", Text(32), "原系统的客户编号"),
            Column("kind", Word({"person": "person", "enterprise": "enterprise"}), "个人或企业"),
            Column("name", Text(200), "户名"),
            Column("phone", Text(20), "联系电话", ""),
            Column("identity_no", Text(32), "证件号码", ""),
        ),
    ),
    Layout(
        "accounts",
        "户号与用电地址",
        ("account_no",),
        (
            _ACCOUNT,
            Column("customer_no", Text(32), "所属客户，见 customers.csv"),
            Column("org_unit", Text(32), "供电单位编码，须已建立"),
            Column("route", Text(32), "抄表段编码，须已建立"),
            Column("district", Text(32), "台区编码，须已建立"),
            Column("address", Text(200), "用电地址，不含门牌"),
            Column("door", Text(100), "门牌", ""),
            Column("opened_on", Day(), "立户日期"),
        ),
    ),
    Layout(
        "contracts",
        "供用电合同",
        ("account_no",),
        (
            _ACCOUNT,
            Column("tariff", Text(64), "电价编码，须已建立"),
            Column(
                "price_class",
                Word({"residential": 1, "commercial": 2, "industrial": 3, "agricultural": 4}),
                "用电类别",
            ),
            Column("voltage", Text(16), "电压等级"),
            Column("capacity_kva", Whole(), "合同容量，千伏安", 0),
            Column("people", Whole(1, 99), "家庭人口", 1),
            Column(
                "demand_mode",
                Word({mode.name.lower(): int(mode) for mode in DemandMode}),
                "基本电费计收方式，单一制填第一个",
                0,
            ),
            Column("contract_demand_kw", Whole(), "合同最大需量，千瓦", 0),
            Column("power_factor", Word({"0.90": 90, "0.85": 85, "0.80": 80}), "功率因数标准，不考核的留空", 0),
            Column("valid_from", Day(), "合同条款起始日"),
        ),
    ),
    Layout(
        "meters",
        "计量点、电能表与安装",
        ("meter_no",),
        (
            _ACCOUNT,
            Column("point_no", Text(32), "计量点编号，一个计量点一只在运电能表"),
            Column("meter_no", Text(32), "电能表编号"),
            Column("model", Text(64), "型号", ""),
            Column("digits", Whole(3, 10), "示数整数位数"),
            Column("ct_ratio", Whole(1, 1_000_000), "电流互感器变比", 1),
            Column("pt_ratio", Whole(1, 1_000_000), "电压互感器变比", 1),
            Column("installed_on", Day(), "装表日期"),
        ),
    ),
    Layout(
        "registers",
        "最后一次计费的示数",
        ("meter_no", "register"),
        (
            Column("meter_no", Text(32), "电能表编号，见 meters.csv"),
            Column("register", Word({one.name.lower(): int(one) for one in Register}), "示数类型"),
            Column("read_on", Day(), "示数日期：最后一张账单的止日；从未发行的户号为立户日"),
            Column("value", Number(4), "示数", is_total=True),
        ),
    ),
    Layout(
        "bills",
        "每个户号的最后一张账单，以及所有未结清的账单",
        ("account_no", "period_start"),
        (
            Column("reference", Text(40), "原系统的账单编号"),
            _ACCOUNT,
            Column("cycle", Whole(199001, 220012), "电费年月，例如 202601"),
            Column("period_start", Day(), "用电起日（含）"),
            Column("period_end", Day(), "用电止日（不含），即抄表例日"),
            Column("months", Whole(1, 2), "包含几个月", 1),
            Column("energy_kwh", Number(2), "计费电量，千瓦时", is_total=True),
            Column("amount_yuan", Number(2), "应收金额，元", is_total=True),
            Column("open_yuan", Number(2), "未收金额，元", is_total=True),
            Column("due_on", Day(), "缴费截止日"),
            Column(
                "late_fee_through",
                Day(),
                "违约金在原系统已算到哪一天（含），从次日起在本系统计收；没有算过的不填",
                may_be_absent=True,
            ),
        ),
    ),
    Layout(
        "prepayments",
        "预存余额",
        ("account_no",),
        (_ACCOUNT, Column("balance_yuan", Number(2), "预存余额，元", is_total=True)),
    ),
    Layout(
        "tier_energy",
        "阶梯年度累计电量",
        ("account_no",),
        (
            _ACCOUNT,
            Column("as_of", Day(), "累计到哪一天（不含），即最后一张账单的止日"),
            Column("energy_kwh", Number(2), "本阶梯年度已计费电量，含最后一张账单，千瓦时", is_total=True),
        ),
    ),
)

BY_NAME = {layout.name: layout for layout in LAYOUTS}
