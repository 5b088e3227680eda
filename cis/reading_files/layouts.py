"""Pure: which columns and words the files use, in English and Chinese."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from cis.reading_files.refusals import FileRefused

__all__ = ["QUALITIES", "REGISTERS", "SLOTS", "SOURCES", "Layout", "LayoutName", "detect_layout", "is_recognised"]

LayoutName = Literal["registers", "intervals"]
SLOTS = 96

COLUMN_NAMES: dict[str, str] = {
    "meter_no": "meter_no", "表号": "meter_no", "电表号": "meter_no", "电能表号": "meter_no", "表计编号": "meter_no",
    "资产号": "meter_no", "资产编号": "meter_no",
    "register": "register", "示数类型": "register", "寄存器": "register", "计量项": "register",
    "read_on": "read_on", "day": "read_on", "抄表日期": "read_on", "冻结日期": "read_on", "抄表时间": "read_on",
    "冻结时间": "read_on", "日期": "read_on", "数据日期": "read_on",
    "value": "value", "示数": "value", "本次示数": "value", "表码": "value", "止码": "value",
    "source": "source", "来源": "source", "抄表方式": "source", "数据来源": "source",
    "quality": "quality", "质量": "quality", "数据质量": "quality",
}  # fmt: skip
"""Header name (lower case) to column."""

SLOT_NAME = re.compile(r"(?:kwh_?|v_?|电量_?|点)0*([1-9][0-9]?)")

REGISTERS: dict[str, str] = {
    **{name: name for name in (
        "total", "sharp", "peak", "flat", "valley", "deep_valley", "export_total", "export_sharp", "export_peak",
        "export_flat", "export_valley", "export_deep_valley", "reactive_import", "reactive_export", "demand",
    )},
    "总": "total", "正向总": "total", "正向有功总": "total", "有功总": "total",
    "尖": "sharp", "尖峰": "sharp", "正向尖": "sharp", "峰": "peak", "高峰": "peak", "正向峰": "peak",
    "平": "flat", "平段": "flat", "正向平": "flat", "谷": "valley", "低谷": "valley", "正向谷": "valley",
    "深谷": "deep_valley", "正向深谷": "deep_valley",
    "反向总": "export_total", "反向有功总": "export_total", "上网": "export_total", "反向尖": "export_sharp",
    "反向尖峰": "export_sharp", "反向峰": "export_peak", "反向高峰": "export_peak", "反向平": "export_flat",
    "反向平段": "export_flat", "反向谷": "export_valley", "反向低谷": "export_valley",
    "反向深谷": "export_deep_valley",
    "无功": "reactive_import", "正向无功": "reactive_import", "正向无功总": "reactive_import",
    "反向无功": "reactive_export", "反向无功总": "reactive_export",
    "需量": "demand", "最大需量": "demand",
}  # fmt: skip
"""Word (lower case) to register name."""

SOURCES: dict[str, str] = {
    "": "", "manual": "manual", "remote": "remote", "self": "self", "estimated": "estimated",
    "photo": "photo", "拍照": "photo", "拍照抄录": "photo",
    "人工": "manual", "手工": "manual", "现场": "manual", "远程": "remote", "远采": "remote", "集抄": "remote",
    "自动": "remote", "自报": "self", "自抄": "self", "客户自报": "self", "估抄": "estimated", "估算": "estimated",
    "估计": "estimated",
}  # fmt: skip
"""Word (lower case) to source; a blank stays blank and the caller decides."""

QUALITIES: dict[str, str] = {
    "": "", "actual": "actual", "estimated": "estimated", "edited": "edited", "missing": "missing",
    "实际": "actual", "正常": "actual", "估计": "estimated", "估算": "estimated", "估抄": "estimated",
    "修正": "edited", "人工修正": "edited", "缺失": "missing", "缺": "missing",
}  # fmt: skip
"""Word (lower case) to quality; a blank is estimated when the source is estimated, actual otherwise."""

REQUIRED: dict[LayoutName, tuple[str, ...]] = {
    "registers": ("meter_no", "register", "read_on", "value"),
    "intervals": ("meter_no", "day"),
}


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the columns of one file stand. Positions count from 0; -1 = the file does not have the column."""

    name: LayoutName
    width: int
    """number of columns of the file"""
    meter_no: int
    read_on: int
    register: int = -1
    value: int = -1
    source: int = -1
    quality: int = -1
    slots: tuple[int, ...] = ()
    """positions of the 96 quarter-hours, first to last"""
    ignored: tuple[str, ...] = ()
    """names of the columns that are not used"""

    def used(self) -> tuple[int, ...]:
        """Return the positions that are read, in ascending order."""
        named = (self.meter_no, self.read_on, self.register, self.value, self.source, self.quality)
        return tuple(sorted({position for position in (*named, *self.slots) if position >= 0}))


def is_recognised(header: Sequence[str]) -> int:
    """Return how many names of a header are known, to tell one encoding from another."""
    return sum(name in COLUMN_NAMES or SLOT_NAME.fullmatch(name) is not None for name in map(_clean, header))


def detect_layout(header: Sequence[str]) -> Layout:
    """
    Return the layout of a file by its header. A header with any quarter-hour column is `intervals`.

    :raises FileRefused: `columns-missing` (names them), `column-twice`
    """
    found: dict[str, int] = {}
    ignored = []
    twice = []
    for position, original in enumerate(header):
        name = _clean(original)
        slot = SLOT_NAME.fullmatch(name)
        if slot is not None and int(slot[1]) <= SLOTS:
            key = f"kwh_{int(slot[1]):02d}"
        elif name in COLUMN_NAMES:
            key = COLUMN_NAMES[name]
        else:
            ignored.append(original)
            continue
        if key in found:
            twice.append(original)
        found.setdefault(key, position)
    if twice:
        raise FileRefused("column-twice", 1, columns=", ".join(twice))

    layout: LayoutName = "intervals" if any(key.startswith("kwh_") for key in found) else "registers"
    slot_keys = [f"kwh_{slot:02d}" for slot in range(1, SLOTS + 1)] if layout == "intervals" else []
    asked = {"day": "read_on"}
    missing = [key for key in (*REQUIRED[layout], *slot_keys) if asked.get(key, key) not in found]
    if missing:
        shown = missing if len(missing) <= 10 else [*missing[:10], f"… ({len(missing)})"]
        raise FileRefused("columns-missing", 1, columns=", ".join(shown))
    is_registers = layout == "registers"
    return Layout(
        name=layout,
        width=len(header),
        meter_no=found["meter_no"],
        read_on=found["read_on"],
        register=found.get("register", -1),
        value=found["value"] if is_registers else -1,
        source=found.get("source", -1) if is_registers else -1,
        quality=found.get("quality", -1) if is_registers else -1,
        slots=tuple(found[key] for key in slot_keys),
        ignored=tuple(ignored),
    )


def _clean(name: str) -> str:
    return name.strip().strip("\ufeff").lower()
