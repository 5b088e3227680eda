"""What a utility's own tables say of its districts, read line by line; every fault is found before anything is done."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import partial
from typing import TypeVar

from django.conf import settings
from django.utils.translation import gettext as _

from cis.queries import network
from config.shared.models import OrgUnit, User
from config.shared.permissions import is_within, may
from grid_service.models import Assignment, Community, Coverage, ReceivingDistrict, ServiceDistrict
from grid_service.operations.territory import WORKS

DISTRICTS, COMMUNITIES, PLACES = "districts", "communities", "places"
COLUMNS = {
    DISTRICTS: ("org_code", "manager", "deputy", "manager_phone", "deputy_phone", "begins"),
    COMMUNITIES: ("county", "kind", "name", "words", "district"),
    PLACES: ("transformer_district", "district"),
}
"""The columns that each table must have; that of districts may also have `MORE_OF_DISTRICTS`."""
MORE_OF_DISTRICTS = ("name", "name_en", "parent", "receives_new")

_PHONE = re.compile(r"\+?[0-9][0-9 -]{3,18}")
_BETWEEN_WORDS = re.compile("[;；|、]")
_KINDS = {
    **{kind: kind for kind in Community.Kind.values},
    **{label: kind for kind, label in Community.Kind.choices},
    "村": Community.Kind.VILLAGE.value,
}
_YES, _NO = {"yes", "true", "1", "是"}, {"", "no", "false", "0", "否"}
_LONGEST_CODE, _LONGEST_NAME, _LONGEST_WORD = 32, 100, 50


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a line of a table, and what to do."""

    table: str
    line: int
    detail: str


@dataclass(frozen=True, slots=True)
class DistrictLine:
    """A district as the table wants it; `district_id` where it is open already, `unit_id` where its unit exists."""

    line: int
    code: str
    unit_id: int | None
    district_id: int | None
    parent_id: int | None
    name: str
    name_en: str
    manager_id: int
    deputy_id: int
    manager_phone: str
    deputy_phone: str
    begins_at: datetime
    county_id: int | None
    receives_new: bool


@dataclass(frozen=True, slots=True)
class CommunityLine:
    """A community or village as the table wants it."""

    line: int
    county_id: int
    kind: str
    name: str
    words: tuple[str, ...]
    district: str


@dataclass(frozen=True, slots=True)
class PlaceLine:
    """Which district a transformer district belongs to; `moves` where another one covers it."""

    line: int
    transformer_district_id: int
    district: str
    is_covered: bool
    moves: bool


@dataclass(frozen=True, slots=True)
class Sheets:
    """All tables as read; nothing may be done while there are `faults`."""

    districts: list[DistrictLine]
    communities: list[CommunityLine]
    places: list[PlaceLine]
    faults: list[Fault]


Line = TypeVar("Line")
_Row = tuple[int, dict[str, str]]
_Named = dict[str, tuple[OrgUnit | None, int | None]]
"""Code of a district to its county, and its id where it is open."""


class _Wrong(Exception):
    """The line cannot be used."""


def read_sheets(
    *,
    districts: Iterable[str] = (),
    communities: Iterable[str] = (),
    places: Iterable[str] = (),
    within: Sequence[str],
    move: bool,
) -> Sheets:
    """
    Read CSV lines of the three tables and check each line against the house and the other lines.

    `within` are the organisation paths the tables may speak of. `move`: transformer districts of another district may
    change it.
    """
    faults: list[Fault] = []
    units = _Units(within)
    opened = {row.org_unit_id: row for row in ServiceDistrict.objects.all()}
    rows = list(_rows(DISTRICTS, districts, faults))
    named = units.of_districts({row["org_code"]: row for _number, row in rows}, opened)
    wanted = list(_rows(PLACES, places, faults))
    return Sheets(
        districts=_read(DISTRICTS, rows, ("org_code",), _Districts(units, opened, rows).read, faults),
        communities=_read(
            COMMUNITIES,
            _rows(COMMUNITIES, communities, faults),
            ("county", "name"),
            partial(_community, units=units, named=named),
            faults,
        ),
        places=_read(PLACES, wanted, ("transformer_district",), _Places(wanted, named, move=move).read, faults),
        faults=sorted(faults, key=lambda fault: (list(COLUMNS).index(fault.table), fault.line)),
    )


def _read(
    table: str,
    rows: Iterable[_Row],
    key: tuple[str, ...],
    read: Callable[[int, dict[str, str]], Line],
    faults: list[Fault],
) -> list[Line]:
    """Every line that can be used; what is wrong with the others comes to the faults."""
    found: list[Line] = []
    seen: set[tuple[str, ...]] = set()
    for number, row in rows:
        what = tuple(row[column] for column in key)
        try:
            if what in seen:
                raise _Wrong(_("和上面的一行重复了，请只留一行。"))
            seen.add(what)
            found.append(read(number, row))
        except _Wrong as wrong:
            faults.append(Fault(table, number, str(wrong)))
    return found


def _rows(table: str, lines: Iterable[str], faults: list[Fault]) -> Iterator[_Row]:
    """The lines of a table with their numbers, trimmed; none where a column is missing."""
    reader = csv.DictReader(lines)
    try:
        yield from _checked(table, reader, faults)
    except csv.Error as error:
        what = _("这一行不是 CSV：%(error)s。请用表格软件另存为 UTF-8 的 CSV。") % {"error": error}
        faults.append(Fault(table, reader.line_num, what))


def _checked(table: str, reader: csv.DictReader[str], faults: list[Fault]) -> Iterator[_Row]:
    if reader.fieldnames is None:
        return
    missing = [name for name in COLUMNS[table] if name not in reader.fieldnames]
    if missing:
        what = _("第一行缺少列：%(columns)s。请照说明补上列名。") % {"columns": "、".join(missing)}
        faults.append(Fault(table, 1, what))
        return
    for row in reader:
        values = {name: (text or "").strip() for name, text in row.items() if isinstance(name, str)}
        if any(values.values()):
            yield reader.line_num, values


class _Units:
    """The organisation as the tables may speak of it."""

    def __init__(self, within: Sequence[str]) -> None:
        self._within = within
        rows = list(OrgUnit.objects.all())
        self.by_code = {row.code: row for row in rows}
        self._counties = {row.path: row for row in rows if row.kind == OrgUnit.Kind.COUNTY}

    def get(self, code: str) -> OrgUnit | None:
        """The unit with this code, if there is one that the tables may speak of."""
        unit = self.by_code.get(code)
        if unit is not None and not is_within(unit.path, self._within):
            raise _Wrong(_("单位 %(code)s 不在您办理交接的范围里，请换有权限的人导入。") % {"code": code})
        return unit

    def county_of(self, path: str) -> OrgUnit | None:
        """The county a path lies in."""
        inside = [county for above, county in self._counties.items() if path.startswith(above)]
        return max(inside, key=lambda county: len(county.path), default=None)

    def of_districts(self, asked: dict[str, dict[str, str]], opened: dict[int, ServiceDistrict]) -> _Named:
        """Code of every district that is open or in the table, with its county and the district's id if it is open."""
        named: _Named = {}
        for code, row in asked.items():
            parent = self.by_code.get(row.get("parent", ""))
            path = parent.path if parent is not None else ""
            named[code] = (self.county_of(path), None)
        for code, unit in self.by_code.items():
            district = opened.get(unit.pk)
            if district is not None or code in asked:
                named[code] = (self.county_of(unit.path), district.pk if district is not None else None)
        return named


class _Districts:
    """Reads lines of the table of districts."""

    def __init__(
        self,
        units: _Units,
        opened: dict[int, ServiceDistrict],
        rows: list[_Row],
    ) -> None:
        self._units, self._opened = units, opened
        wanted = {row[post] for _number, row in rows for post in ("manager", "deputy")}
        staff = User.objects.filter(username__in=wanted, kind=User.Kind.STAFF, is_active=True)
        self._people = {user.username: user.pk for user in staff}
        self._fit = {user.username for user in staff if may(user, WORKS)}
        self._receiving = dict(ReceivingDistrict.objects.values_list("county_id", "service_district__org_unit_id"))
        self._asked_to_receive: dict[int, str] = {}
        self._first: dict[int, dict[str, int]] = {}
        for row in Assignment.objects.select_related("service_district"):
            if row.valid.lower == row.service_district.begins_at:
                self._first.setdefault(row.service_district_id, {})[row.role] = row.user_id

    def read(self, line: int, row: dict[str, str]) -> DistrictLine:
        """A line of the table."""
        code = row["org_code"]
        unit, parent = self._unit(code, row)
        manager, deputy = self._person(row["manager"]), self._person(row["deputy"])
        if manager == deputy:
            raise _Wrong(_("片区经理和副经理不能是同一个人，请另填一位。"))
        begins_at = _moment(row["begins"])
        for column in ("manager_phone", "deputy_phone"):
            if not _PHONE.fullmatch(row[column]):
                raise _Wrong(_("%(column)s 要填客户能打通的电话，例如 0728-8100001。") % {"column": column})
        above = unit if unit is not None else parent
        county = self._units.county_of(above.path) if above is not None else None
        district = self._opened.get(unit.pk) if unit is not None else None
        if district is not None:
            self._check_same(district, manager, deputy, begins_at)
        return DistrictLine(
            line=line,
            code=code,
            unit_id=unit.pk if unit is not None else None,
            district_id=district.pk if district is not None else None,
            parent_id=parent.pk if parent is not None else None,
            name=row.get("name", ""),
            name_en=row.get("name_en", ""),
            manager_id=manager,
            deputy_id=deputy,
            manager_phone=row["manager_phone"],
            deputy_phone=row["deputy_phone"],
            begins_at=begins_at,
            county_id=county.pk if county is not None else None,
            receives_new=self._receives(row.get("receives_new", ""), code, unit, county),
        )

    def _unit(self, code: str, row: dict[str, str]) -> tuple[OrgUnit | None, OrgUnit | None]:
        """The unit that is there, or the one above the unit that is to be made."""
        unit = self._units.get(code)
        if unit is not None:
            if unit.kind != OrgUnit.Kind.DISTRICT:
                raise _Wrong(_("单位 %(code)s 不是片区，请填片区的编号。") % {"code": code})
            return unit, None
        name, parent = row.get("name", ""), self._units.get(row.get("parent", ""))
        if not name or parent is None:
            raise _Wrong(_("没有编号为 %(code)s 的单位。要新建，请填 name 和已有的上级单位 parent。") % {"code": code})
        if parent.kind not in (OrgUnit.Kind.COUNTY, OrgUnit.Kind.STATION):
            raise _Wrong(_("片区要建在区县或供电所下面，%(code)s 不是。") % {"code": parent.code})
        longest = max(len(name), len(row.get("name_en", "")))
        if not code or len(code) > _LONGEST_CODE or longest > _LONGEST_NAME:
            raise _Wrong(_("编号要有，不超过 32 个字；名称不超过 100 个字。"))
        return None, parent

    def _person(self, username: str) -> int:
        if username not in self._people:
            raise _Wrong(_("没有用户名为「%(name)s」的在岗员工，请先在「用户与权限」里加。") % {"name": username})
        if username not in self._fit:
            raise _Wrong(_("「%(name)s」还没有片区经理的岗位权限，请先给他。") % {"name": username})
        return self._people[username]

    def _check_same(self, district: ServiceDistrict, manager: int, deputy: int, begins_at: datetime) -> None:
        """What is open already began as the line says; what came later is the business of hand-overs."""
        first = {str(Assignment.Role.MANAGER): manager, str(Assignment.Role.DEPUTY): deputy}
        if district.begins_at != begins_at:
            raise _Wrong(_("这个片区已经启用，启用时间不能再改，请填原来的时间。"))
        if self._first.get(district.pk) != first:
            raise _Wrong(_("这个片区已经启用，换人请在片区页面办「交接」；这里仍填启用时的人。"))

    def _receives(self, text: str, code: str, unit: OrgUnit | None, county: OrgUnit | None) -> bool:
        if text.lower() in _NO:
            return False
        if text.lower() not in _YES:
            raise _Wrong(_("receives_new 只能填 yes 或空着。"))
        if county is None:
            raise _Wrong(_("这个片区不在任何区县下面，不能接收新台区。"))
        other = self._asked_to_receive.setdefault(county.pk, code)
        if other != code:
            raise _Wrong(_("一个区县只能有一个片区接收新台区，上面已经选了 %(code)s。") % {"code": other})
        now = self._receiving.get(county.pk)
        if now is not None and (unit is None or unit.pk != now):
            raise _Wrong(_("本区县的新台区已经归另一个片区接收，要换请在片区页面点「新台区先归这里」。"))
        return True


def _community(line: int, row: dict[str, str], units: _Units, named: _Named) -> CommunityLine:
    county, kind, name = units.get(row["county"]), _KINDS.get(row["kind"]), row["name"]
    if county is None or county.kind != OrgUnit.Kind.COUNTY:
        raise _Wrong(_("没有编号为 %(code)s 的区县。") % {"code": row["county"]})
    if kind is None:
        raise _Wrong(_("kind 要填 community（社区）或 village（行政村）。"))
    words = tuple(dict.fromkeys(word.strip() for word in _BETWEEN_WORDS.split(row["words"]) if word.strip()))
    if not name or len(name) > _LONGEST_NAME or any(len(word) > _LONGEST_WORD for word in words):
        raise _Wrong(_("名称要有，不超过 100 个字；地址用语每个不超过 50 个字。"))
    if row["district"] not in named:
        raise _no_such_district(row["district"])
    where = named[row["district"]][0]
    # Where the county is not known the line of the district says what is wrong.
    if where is not None and where.pk != county.pk:
        raise _Wrong(_("片区 %(code)s 不在这个区县里，请核对。") % {"code": row["district"]})
    return CommunityLine(line, county.pk, kind, name, words or (name,), row["district"])


class _Places:
    """Reads lines of the table of transformer districts."""

    def __init__(self, rows: list[_Row], named: _Named, *, move: bool) -> None:
        codes = {row["transformer_district"] for _number, row in rows}
        self._known = network.transformers_by_code(codes)
        last = Coverage.objects.filter(transformer_district_id__in=self._known.values(), valid__upper_inf=True)
        self._last = {row.transformer_district_id: row for row in last.select_related("service_district__org_unit")}
        self._named, self._move = named, move

    def read(self, line: int, row: dict[str, str]) -> PlaceLine:
        """A line of the table."""
        place = self._known.get(row["transformer_district"])
        if place is None:
            raise _Wrong(_("没有编号为 %(code)s 的台区。") % {"code": row["transformer_district"]})
        if row["district"] not in self._named:
            raise _no_such_district(row["district"])
        last = self._last.get(place)
        moves = last is not None and last.service_district_id != self._named[row["district"]][1]
        if last is not None and moves and not self._move:
            raise _Wrong(
                _("这个台区已经归「%(name)s」。要改划，请在片区页面用「划入台区」，或加 --move 从现在起改划。")
                % {"name": last.service_district.org_unit.shown_name}
            )
        return PlaceLine(line, place, row["district"], is_covered=last is not None, moves=moves)


def _no_such_district(code: str) -> _Wrong:
    return _Wrong(_("没有编号为 %(code)s 的片区。请先在片区表里写上它。") % {"code": code})


def _moment(text: str) -> datetime:
    """A day (its midnight) or a moment, in the billing time zone unless it names another."""
    try:
        if len(text) == len("2026-01-01"):
            return datetime.combine(date.fromisoformat(text), time(), settings.BILLING_TIME_ZONE)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _Wrong(_("begins 要写成 2026-01-01 或 2026-01-01T08:30。")) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=settings.BILLING_TIME_ZONE)
