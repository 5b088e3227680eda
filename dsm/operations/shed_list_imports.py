"""The yearly list from a file: every line checked before anything is written, all faults told at once."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q, Sum
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cis.queries.contract_facts import RESIDENTIAL, NamedAccount, accounts_named, contracts_on
from cis.queries.curve_sums import list_feeders
from config.shared.errors import BadInput, NotFound
from config.shared.models import OrgUnit
from dsm.models import ShedEntry, ShedList
from dsm.operations.shed_lists import FeederPlace, Surveyed, draw_list
from dsm.shedding.problem import PROTECTED_TIER

REQUIRED = ("account_no", "tier", "process_pct", "compensation_fen_kwh", "lost_output_fen_kwh")
OPTIONAL = ("protected_because", "security_kw", "lead_h", "burden_before_h")
FEEDER_COLUMNS = ("feeder", "expected_kw", "households")
_MOST = 10_000_000
_MOST_H = 8784

Row = dict[str, str]
Check = Callable[[int, Row], None]


class ShedListRefused(BadInput):
    """The files cannot be taken as they are; `errors` names file and line of every fault. Nothing was written."""

    code = "shed-list-refused"


@dataclass(frozen=True, slots=True)
class ImportedList:
    """The list that waits for approval, what it holds, and whether it is new; power in kW."""

    list_id: int
    year: int
    unit: str
    is_new: bool
    accounts: int
    protected: int
    not_surveyed: int
    not_measured: int
    sheddable_kw: int
    feeders: int


def import_list(
    *,
    year: int,
    unit_code: str,
    lines: Iterable[str],
    feeder_lines: Iterable[str] = (),
    made_by_id: int | None,
    at: datetime,
    only_check: bool = False,
) -> ImportedList | None:
    """
    Draw the list of a year from CSV lines with the columns `REQUIRED` and `OPTIONAL`, and its order of feeders from
    lines with `FEEDER_COLUMNS`, in the order in which they are opened. All lines or none.

    The unit is the one whose shortages are planned with it; "" is the only one at the top. Peaks come from measured
    curves, capacities from contracts. The newest list again, line by line the same, is found and not drawn again; a
    draft that another one follows is discarded. `only_check` writes nothing and gives None.

    :raises NotFound: there is no such unit, or several at the top
    :raises ShedListRefused: what a line says is wrong, unknown or stands twice
    """
    unit = _unit(unit_code)
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    wrong: list[dict[str, str]] = []
    numbered = _read(lines, "list", REQUIRED, wrong)
    named = accounts_named(row["account_no"] for _number, row in numbered)
    ids = [one.account_id for one in named.values()]
    contracts = contracts_on(ids, day=today)
    agreed = dict(zip(ids, zip(contracts.price_class, contracts.capacity_kva, strict=True), strict=True))
    surveyed: dict[int, Surveyed] = {}

    def take_account(_number: int, row: Row) -> None:
        account = _account(row["account_no"], named, unit)
        price_class, capacity_kva = (int(value) for value in agreed[account.account_id])
        if price_class == RESIDENTIAL:
            raise ValueError(_("这一户是居民。居民不列入有序用电名单，请删去这一行。"))
        if not capacity_kva:
            raise ValueError(_("这一户今天没有合同容量。请先补录供电合同。"))
        if account.account_id in surveyed:
            raise ValueError(_("这个户号前面已经出现过。请只留一行。"))
        surveyed[account.account_id] = _surveyed(row, account.account_id, capacity_kva)

    _each(numbered, "list", take_account, wrong)
    if not numbered and not wrong:
        wrong.append({"pointer": "/list/1", "detail": _("文件里没有一户。")})
    feeders = _feeders(feeder_lines, unit, wrong)
    if wrong:
        raise _refused(wrong)
    if only_check:
        return None
    with transaction.atomic():
        return _drawn(year, unit, list(surveyed.values()), feeders, made_by_id, at)


def _unit(code: str) -> OrgUnit:
    found = OrgUnit.objects.filter(code=code) if code else OrgUnit.objects.filter(parent=None)
    units = list(found[:2])
    if not units:
        raise NotFound(_("没有编号为「%(code)s」的单位。") % {"code": code})
    if len(units) > 1:
        raise NotFound(_("最上级的单位不止一个，请用 --unit 写明编号。"))
    return units[0]


def _read(
    lines: Iterable[str], file: str, required: tuple[str, ...], wrong: list[dict[str, str]]
) -> list[tuple[int, Row]]:
    """The lines that are not empty with their numbers, texts stripped; missing columns are a fault of line 1."""
    reader = csv.DictReader(lines)
    missing = [name for name in required if name not in (reader.fieldnames or ())]
    if missing:
        detail = _("文件缺少列：%(columns)s。") % {"columns": "、".join(missing)}
        wrong.append({"pointer": f"/{file}/1", "detail": detail})
        return []
    found = []
    for row in reader:
        texts = {name: (value or "").strip() for name, value in row.items() if isinstance(name, str)}
        if any(texts.values()):
            found.append((reader.line_num, texts))
    return found


def _each(rows: list[tuple[int, Row]], file: str, take: Check, wrong: list[dict[str, str]]) -> None:
    for number, row in rows:
        try:
            take(number, row)
        except ValueError as error:
            wrong.append({"pointer": f"/{file}/{number}", "detail": str(error)})


def _account(number: str, named: dict[str, NamedAccount], unit: OrgUnit) -> NamedAccount:
    if not number:
        raise ValueError(_("没有写户号。"))
    account = named.get(number)
    if account is None:
        raise ValueError(_("没有户号 %(no)s。请核对，前面的 0 不要丢。") % {"no": number})
    if not account.is_open:
        raise ValueError(_("户号 %(no)s 已经销户。请删去这一行。") % {"no": number})
    if not account.org_path.startswith(unit.path):
        raise ValueError(_("户号 %(no)s 不归%(unit)s管。") % {"no": number, "unit": unit.name})
    return account


def _surveyed(row: Row, account_id: int, capacity_kva: int) -> Surveyed:
    because = row.get("protected_because", "")
    tier = _whole(row, "tier", 1, PROTECTED_TIER)
    if (tier == PROTECTED_TIER) != bool(because):
        raise ValueError(_("第 9 档是受保护的：写第 9 档就要在 protected_because 写明理由，别的档不写。"))
    if len(because) > 100:
        raise ValueError(_("protected_because 最多 100 个字。"))
    return Surveyed(
        account_id=account_id,
        capacity_kva=capacity_kva,
        tier=tier,
        protected_because=because,
        security_kw=_whole(row, "security_kw", 0, _MOST) if row.get("security_kw") else None,
        process_pct=_whole(row, "process_pct", 0, 100),
        lead_h=_whole(row, "lead_h", 0, 168, empty=0),
        compensation_fen_kwh=_whole(row, "compensation_fen_kwh", 0, _MOST),
        lost_output_fen_kwh=_whole(row, "lost_output_fen_kwh", 0, _MOST),
        burden_before_h=_whole(row, "burden_before_h", 0, _MOST_H, empty=0),
    )


def _whole(row: Row, name: str, low: int, high: int, *, empty: int | None = None) -> int:
    text = row.get(name, "")
    if not text and empty is not None:
        return empty
    if not (text.isascii() and text.isdecimal() and len(text) <= 8 and low <= int(text) <= high):
        raise ValueError(
            _("%(name)s 要写 %(low)s 到 %(high)s 的整数，现在是「%(text)s」。")
            % {"name": name, "low": low, "high": high, "text": text[:20]}
        )
    return int(text)


def _feeders(lines: Iterable[str], unit: OrgUnit, wrong: list[dict[str, str]]) -> list[FeederPlace]:
    lines = list(lines)
    if not lines:
        return []
    known = {one.code: one.feeder_id for one in list_feeders() if one.org_path.startswith(unit.path)}
    places: dict[int, FeederPlace] = {}

    def take(_number: int, row: Row) -> None:
        feeder_id = known.get(row["feeder"])
        if feeder_id is None:
            raise ValueError(_("没有编号为「%(code)s」的馈线。") % {"code": row["feeder"]})
        if feeder_id in places:
            raise ValueError(_("这条馈线前面已经出现过。"))
        places[feeder_id] = FeederPlace(
            feeder_id, _whole(row, "expected_kw", 0, _MOST), _whole(row, "households", 0, _MOST)
        )

    _each(_read(lines, "feeders", FEEDER_COLUMNS, wrong), "feeders", take, wrong)
    return list(places.values())


def _refused(wrong: list[dict[str, str]]) -> ShedListRefused:
    said = ngettext(
        "有 %(count)s 处不对，什么都没有写入。改好后再导入一次。",
        "有 %(count)s 处不对，什么都没有写入。改好后再导入一次。",
        len(wrong),
    )
    return ShedListRefused(said % {"count": len(wrong)}, errors=wrong)


def _drawn(
    year: int,
    unit: OrgUnit,
    rows: list[Surveyed],
    feeders: list[FeederPlace],
    made_by_id: int | None,
    at: datetime,
) -> ImportedList:
    # Two imports for one unit take turns.
    OrgUnit.objects.select_for_update(no_key=True).get(pk=unit.pk)
    digest = _digest(rows, feeders)
    there = ShedList.objects.select_for_update().filter(
        year=year, org_unit=unit, state__in=(ShedList.State.DRAFT, ShedList.State.APPROVED)
    )
    newest = there.order_by("-pk").first()
    if newest is not None and newest.source_digest == digest:
        return _told(newest, unit, is_new=False)
    there.filter(state=ShedList.State.DRAFT).update(state=ShedList.State.DISCARDED)
    list_id = draw_list(
        year=year, org_unit_id=unit.pk, rows=rows, feeders=feeders, made_by_id=made_by_id, at=at, source_digest=digest
    )
    return _told(ShedList.objects.get(pk=list_id), unit, is_new=True)


def _digest(rows: list[Surveyed], feeders: list[FeederPlace]) -> str:
    # Capacities are the contracts', which lists follow by themselves; the order of accounts says nothing.
    said: list[dict[str, Any]] = [{**asdict(row), "capacity_kva": 0} for row in rows]
    said.sort(key=lambda row: int(row["account_id"]))
    return hashlib.sha256(repr([said, [asdict(place) for place in feeders]]).encode()).hexdigest()


def _told(listed: ShedList, unit: OrgUnit, *, is_new: bool) -> ImportedList:
    sums = listed.entries.aggregate(
        accounts=Count("pk"),
        protected=Count("pk", filter=Q(tier=PROTECTED_TIER)),
        not_surveyed=Count("pk", filter=Q(security_source=ShedEntry.SecuritySource.DEFAULT)),
        not_measured=Count("pk", filter=Q(measured_peak_kw=0)),
        sheddable_kw=Sum("sheddable_kw"),
    )
    return ImportedList(
        list_id=listed.pk,
        year=listed.year,
        unit=unit.code,
        is_new=is_new,
        feeders=listed.feeder_cuts.count(),
        **sums,
    )
