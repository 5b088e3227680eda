"""Tables of halls, counters and pay points as a utility keeps them: read line by line, every fault with its line."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import time
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from django.conf import settings
from django.utils.translation import gettext as _

from halls.models import Hall, PayPoint, Zone
from halls.queueing import DISCIPLINES
from halls.service_kinds import SERVICE_KINDS

COLUMNS: dict[str, tuple[str, ...]] = {
    "halls": ("code", "grade", "address", "longitude", "latitude", "opens_at", "closes_at", "weekdays"),
    "counters": ("hall", "number", "skills"),
    "pay_points": ("code", "kind", "name", "longitude", "latitude", "unit"),
}
MORE_COLUMNS: dict[str, tuple[str, ...]] = {
    "halls": ("parent", "name", "name_en", "zones", "min_open_counters", "wait_target_min", "discipline"),
    "counters": ("zone", "is_low"),
    "pay_points": ("name_en", "address", "hall", "is_working"),
}
EVERY_SKILL = "all"
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_DAYS = re.compile(r"([1-7])(?:-([1-7]))?")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a line of a table; the first line with values is line 2."""

    table: str
    line: int
    detail: str


@dataclass(frozen=True, slots=True)
class HallLine:
    """One hall. `parent`, `name`, `name_en` serve for a unit that is not there yet."""

    line: int
    code: str
    parent: str
    name: str
    name_en: str
    zones: tuple[str, ...]
    values: dict[str, object]
    """what the row of the hall holds, by its field"""


@dataclass(frozen=True, slots=True)
class CounterLine:
    """One counter of the hall with this code; `zone` may be empty."""

    line: int
    hall: str
    number: int
    zone: str
    values: dict[str, object]


@dataclass(frozen=True, slots=True)
class PayPointLine:
    """One pay point; `unit` and `hall` are codes, `hall` empty where it is none of ours."""

    line: int
    code: str
    unit: str
    hall: str
    values: dict[str, object]


Row = dict[str, str]
Line = TypeVar("Line", HallLine, CounterLine, PayPointLine)


def read_halls(lines: Iterable[str], faults: list[Fault]) -> list[HallLine]:
    """The halls of a table; what is wrong is added to `faults`, and its line left out."""
    return _read("halls", lines, _hall, lambda one: one.code, faults)


def read_counters(lines: Iterable[str], faults: list[Fault]) -> list[CounterLine]:
    """The counters of a table."""
    return _read("counters", lines, _counter, lambda one: (one.hall, one.number), faults)


def read_pay_points(lines: Iterable[str], faults: list[Fault]) -> list[PayPointLine]:
    """The pay points of a table."""
    return _read("pay_points", lines, _pay_point, lambda one: one.code, faults)


def _read(
    table: str,
    lines: Iterable[str],
    parse: Callable[[int, Row], Line],
    key_of: Callable[[Line], object],
    faults: list[Fault],
) -> list[Line]:
    reader = csv.DictReader(lines)
    columns = set(reader.fieldnames or ())
    missing = [name for name in COLUMNS[table] if name not in columns]
    unknown = sorted(columns - {*COLUMNS[table], *MORE_COLUMNS[table]})
    if missing:
        faults.append(Fault(table, 1, _("文件缺少列：%(columns)s。") % {"columns": "、".join(missing)}))
    if unknown:
        faults.append(Fault(table, 1, _("不认识的列：%(columns)s。") % {"columns": "、".join(map(str, unknown))}))
    if missing or unknown:
        return []
    found: dict[object, Line] = {}
    for typed in reader:
        row = {name: (value or "").strip() for name, value in typed.items() if isinstance(name, str)}
        try:
            if None in typed:
                raise ValueError(_("这一行的列比表头多。"))
            one = parse(reader.line_num, row)
            if key_of(one) in found:
                raise ValueError(_("和第 %(line)s 行重复。") % {"line": found[key_of(one)].line})
            found[key_of(one)] = one
        except ValueError as error:
            faults.append(Fault(table, reader.line_num, str(error)))
    return list(found.values())


def _hall(line: int, row: Row) -> HallLine:
    opens_at, closes_at = _time(row["opens_at"]), _time(row["closes_at"])
    if closes_at <= opens_at:
        raise ValueError(_("关门时间要晚于开门时间。"))
    zones = _several(row.get("zones") or Zone.Kind.BUSINESS.value, Zone.Kind.values, _("功能区"))
    return HallLine(
        line=line,
        code=_code(row["code"]),
        parent=row.get("parent", ""),
        name=row.get("name", "")[:100],
        name_en=row.get("name_en", "")[:100],
        zones=zones,
        values={
            "grade": _one_of(row["grade"], Hall.Grade.values, _("等级")),
            "address": _text(row["address"], 200, _("地址")),
            "longitude": _degrees(row["longitude"], 180, _("经度")),
            "latitude": _degrees(row["latitude"], 90, _("纬度")),
            "opens_at": opens_at,
            "closes_at": closes_at,
            "weekdays": _weekdays(row["weekdays"]),
            "min_open_counters": _number(row.get("min_open_counters") or "1", 100, _("最少开放窗口")),
            "wait_target_s": 60
            * _number(
                row.get("wait_target_min") or str(settings.HALLS_WAIT_TARGET_S // 60), 240, _("等候目标（分钟）")
            ),
            "discipline": _one_of(row.get("discipline") or "fair", list(DISCIPLINES), _("叫号次序")),
        },
    )


def _counter(line: int, row: Row) -> CounterLine:
    kinds = list(SERVICE_KINDS)
    skills = kinds if row["skills"] == EVERY_SKILL else list(_several(row["skills"], kinds, _("业务")))
    return CounterLine(
        line=line,
        hall=_code(row["hall"]),
        number=_number(row["number"], 999, _("窗口号")),
        zone=_one_of(row["zone"], Zone.Kind.values, _("功能区")) if row.get("zone") else "",
        values={"skills": skills, "is_low": _yes(row.get("is_low", ""), is_by_default=False)},
    )


def _pay_point(line: int, row: Row) -> PayPointLine:
    kind = _one_of(row["kind"], PayPoint.Kind.values, _("类别"))
    hall = row.get("hall", "")
    if (kind == PayPoint.Kind.HALL) != bool(hall):
        raise ValueError(_("类别是 hall 的网点要填营业厅编码，别的网点不填。"))
    return PayPointLine(
        line=line,
        code=_code(row["code"]),
        unit=_code(row["unit"]),
        hall=hall,
        values={
            "kind": kind,
            "name": _text(row["name"], 100, _("名称")),
            "name_en": row.get("name_en", "")[:100],
            "address": row.get("address", "")[:200],
            "longitude": _degrees(row["longitude"], 180, _("经度")),
            "latitude": _degrees(row["latitude"], 90, _("纬度")),
            "is_working": _yes(row.get("is_working", ""), is_by_default=True),
        },
    )


def _code(text: str) -> str:
    if not _CODE.fullmatch(text):
        raise ValueError(_("编码「%(code)s」只能用字母、数字和 . _ -，最多 32 位。") % {"code": text})
    return text


def _text(text: str, longest: int, what: str) -> str:
    if not 0 < len(text) <= longest:
        raise ValueError(_("%(what)s要填，最多 %(longest)s 个字。") % {"what": what, "longest": longest})
    return text


def _one_of(text: str, known: list[str], what: str) -> str:
    if text not in known:
        raise ValueError(
            _("%(what)s「%(text)s」不认识，可以是 %(known)s。")
            % {"what": what, "text": text, "known": "、".join(known)}
        )
    return text


def _several(text: str, known: list[str], what: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_one_of(one.strip(), known, what) for one in text.split(";")))


def _number(text: str, most: int, what: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 7 and 1 <= int(text) <= most):
        raise ValueError(_("%(what)s要是 1 到 %(most)s 的整数。") % {"what": what, "most": most})
    return int(text)


def _degrees(text: str, most: int, what: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(_("%(what)s不是数字。") % {"what": what}) from None
    if not value.is_finite() or abs(value) > most:
        raise ValueError(_("%(what)s超出了 ±%(most)s 度。") % {"what": what, "most": most})
    return round(value, 6)


def _time(text: str) -> time:
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(_("时间要写成 08:30 这样。"))
    return time(int(found[1]), int(found[2]))


def _weekdays(text: str) -> list[int]:
    days: set[int] = set()
    for part in text.split(";"):
        found = _DAYS.fullmatch(part.strip())
        if found is None:
            raise ValueError(_("营业日要写成 1-5 或 1;3;5，1 是星期一，7 是星期日。"))
        days.update(range(int(found[1]), int(found[2] or found[1]) + 1))
    if not days:
        raise ValueError(_("营业日要写成 1-5 或 1;3;5，1 是星期一，7 是星期日。"))
    return sorted(days)


def _yes(text: str, *, is_by_default: bool) -> bool:
    return is_by_default if not text else _one_of(text, ["yes", "no"], _("是否")) == "yes"
