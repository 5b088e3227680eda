"""Readings as people look at them: the work list of doubts, one doubt with its history, imports, usage by day."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO, Any

import numpy as np
from django.db import connection
from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from cis.models import (
    CurveEdit,
    ReadingDoubt,
    ReadingEdit,
    ReadingImport,
    ReadingReject,
    SupplyContract,
    TariffVersion,
)
from cis.models.metering import Reading, ReadingSource
from cis.queries.day_kinds import kinds_for
from cis.queries.doubt_pictures import DayBeside, days_beside_usual, weeks_before
from cis.rating.registers import PERIOD_REGISTERS, REGISTER_NAMES, Register
from cis.rating.windows import WindowSet
from cis.reading_files import Reject, write_rejects
from cis.validation import DOUBTS, Doubt, doubts_in
from config.shared import files
from config.shared.errors import NotFound
from config.shared.keysets import Ask, Order, Page, SortKey
from config.shared.permissions import in_scope

HISTORY_ROWS = 13


@dataclass(frozen=True)
class DoubtName:
    """One thing found, what it is called and what to do next."""

    code: str
    name: str
    next_step: str


@dataclass(frozen=True)
class DoubtRow:
    """One line of the work list; `beside` where the day has a curve."""

    doubt_id: int
    subject: str
    subject_name: str
    account_no: str
    customer_name: str
    org_unit: str
    meter_no: str
    register: str
    read_on: date
    cycle: int
    doubts: tuple[DoubtName, ...]
    current_e4: int | None
    previous_e4: int | None
    energy_kwh_e2: int | None
    expected_kwh_e2: int | None
    owner: str
    is_mine: bool
    awaits_reread: bool
    opened_at: datetime
    age_days: int
    beside: DayBeside | None


@dataclass(frozen=True)
class HistoryRow:
    """One reading of a register, newest first."""

    read_on: date
    value_e4: int
    energy_kwh_e2: int | None
    days: int
    source: str
    state: str
    is_rollover: bool
    is_in_doubt: bool


@dataclass(frozen=True)
class EditRow:
    """A change of the reading by hand."""

    edited_at: datetime
    value_before_e4: int
    value_after_e4: int
    method: str
    reason: str
    edited_by: str


@dataclass(frozen=True)
class CurveEditRow:
    """A change of a day's curve: its energy before and after, and how many quarter-hours differ."""

    edited_at: datetime
    before_kwh_e2: int
    after_kwh_e2: int
    slots: int
    method: str
    reason: str
    edited_by: str
    before_wh: tuple[int | None, ...]


@dataclass(frozen=True)
class DoubtDetail:
    """All that a decision needs: the doubt, its facts, the register's last readings, what was changed before."""

    row: DoubtRow
    facts: dict[str, Any]
    history: tuple[HistoryRow, ...]
    edits: tuple[EditRow, ...]
    curve_edits: tuple[CurveEditRow, ...]
    weeks: tuple[tuple[date, int | None], ...]
    """daily energies in Wh behind a doubt of use"""
    resolution: str
    reason: str
    resolved_by: str
    resolved_at: datetime | None


@dataclass(frozen=True)
class ImportSummary:
    """One import and what became of its rows."""

    import_id: int
    file_name: str
    layout: str
    all_or_nothing: bool
    state: str
    state_name: str
    rows: int
    landed: int
    unchanged: int
    rejected: int
    late: int
    doubtful: int
    message: str
    digest: str
    created_by: str
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True)
class RejectRow:
    """A row that did not land."""

    line_no: int
    code: str
    reason: str
    raw: str


@dataclass(frozen=True)
class ReadingRow:
    """One stored reading of an account."""

    meter_no: str
    register: int
    register_name: str
    read_on: date
    cycle: int
    value_e4: int
    energy_kwh_e2: int | None
    days: int
    source: str
    state: str
    is_estimated: bool
    is_rollover: bool


@dataclass(frozen=True)
class DayUsage:
    """Energy of a day in Wh from the curve; `by_period` only where the tariff has windows."""

    day: date
    energy_wh: int
    missing_slots: int
    by_period: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Curve:
    """96 quarter-hours in Wh, None where missing; `periods` names the period of each where the tariff has windows."""

    day: date
    energy_wh: tuple[int | None, ...]
    periods: tuple[str, ...] = ()


# --- Doubts ---------------------------------------------------------------------------------


DOUBT_ORDERS = {
    # By days of waiting: doubts are numbered in the order in which they were opened.
    "waiting": Order((SortKey("doubt_id", int, "pk", is_descending=True),)),
    "read_on": Order((SortKey("read_on", date), SortKey("doubt_id", int, "pk"))),
}


def page_of_doubts(
    ask: Ask,
    *,
    within: Sequence[str],
    user_id: int,
    at: datetime,
    kind: str = "",
    mine: bool = False,
    unclaimed: bool = False,
    opened_before: datetime | None = None,
) -> Page[DoubtRow]:
    """One page of the open doubts of the organisation paths `within`, in one of `DOUBT_ORDERS`; `kind` is a code."""
    rows = ReadingDoubt.objects.filter(_in_scope(within), resolved_at=None)
    flag = next((doubt for doubt, text in DOUBTS.items() if text.code == kind), None)
    if flag is not None:
        rows = rows.annotate(of_kind=F("doubts").bitand(int(flag))).filter(of_kind__gt=0)
    if mine:
        rows = rows.filter(owner_id=user_id)
    if unclaimed:
        rows = rows.filter(owner=None)
    if opened_before is not None:
        rows = rows.filter(opened_at__lt=opened_before)
    found = ask.of(_with_names(rows))

    def rows_of(doubts: Sequence[ReadingDoubt]) -> list[DoubtRow]:
        beside = days_beside_usual(doubts)
        return [_doubt_row(doubt, user_id, at, beside.get(doubt.pk)) for doubt in doubts]

    return ask.page(found, rows_of)


def count_doubts(*, within: Sequence[str]) -> int:
    """How many doubts are open in these organisation paths."""
    return ReadingDoubt.objects.filter(_in_scope(within), resolved_at=None).count()


def get_doubt(*, doubt_id: int, within: Sequence[str], user_id: int, at: datetime) -> DoubtDetail:
    """
    One doubt with the last readings of its register.

    :raises NotFound: there is none in these organisation paths
    """
    doubt = _with_names(ReadingDoubt.objects.filter(_in_scope(within), pk=doubt_id)).first()
    if doubt is None:
        raise NotFound(_("没有这条存疑示数。"))
    register = {"installation_id": doubt.installation_id, "register": doubt.register}
    is_curve, is_use = (doubt.subject == one for one in (ReadingDoubt.Subject.CURVE, ReadingDoubt.Subject.USE))
    curve_edits = CurveEdit.objects.filter(
        point_id=doubt.installation.point_id, register=doubt.register, day=doubt.read_on
    ).select_related("edited_by")
    readings = Reading.objects.filter(**register, read_on__lte=doubt.read_on).order_by("-read_on")[: HISTORY_ROWS + 1]
    edits = ReadingEdit.objects.filter(**register, read_on=doubt.read_on).select_related("edited_by").order_by("-pk")
    return DoubtDetail(
        row=_doubt_row(doubt, user_id, at, days_beside_usual([doubt]).get(doubt.pk)),
        facts=doubt.facts,
        history=tuple(
            HistoryRow(
                read_on=one.read_on,
                value_e4=one.value_e4,
                energy_kwh_e2=_energy(one),
                days=one.days,
                source=_(ReadingSource(one.source).label),
                state=_(Reading.State(one.state).label),
                is_rollover=one.is_rollover,
                is_in_doubt=one.state == Reading.State.DOUBTFUL,
            )
            for one in readings
        ),
        edits=tuple(
            EditRow(
                edited_at=edit.edited_at,
                value_before_e4=edit.value_before_e4,
                value_after_e4=edit.value_after_e4,
                method=edit.method,
                reason=edit.reason,
                edited_by=edit.edited_by.display_name or edit.edited_by.username if edit.edited_by else "",
            )
            for edit in edits
        ),
        curve_edits=tuple(_curve_edit(edit) for edit in curve_edits.order_by("-pk")) if is_curve else (),
        weeks=weeks_before(doubt) if is_use else (),
        resolution=_(ReadingDoubt.Resolution(doubt.resolution).label) if doubt.resolution else "",
        reason=doubt.reason,
        resolved_by=_name(doubt.resolved_by),
        resolved_at=doubt.resolved_at,
    )


def doubt_kinds() -> tuple[tuple[str, str], ...]:
    """Code and name of every doubt that stands on the work list, for a filter."""
    return tuple((text.code, _doubt_name(doubt).name) for doubt, text in DOUBTS.items() if text.is_worked)


def _in_scope(within: Sequence[str]) -> Q:
    scope = Q(pk__in=())
    for path in within:
        scope |= Q(owner_unit__path__startswith=path)
    return scope


def _with_names(rows: Any) -> Any:
    return rows.select_related("account__customer", "owner_unit", "owner", "resolved_by", "installation__meter")


def _doubt_name(doubt: Doubt) -> DoubtName:
    text = DOUBTS[doubt]
    if (get_language() or "").startswith("en"):
        return DoubtName(text.code, text.name_en, text.next_en)
    return DoubtName(text.code, text.name_zh, text.next_zh)


def doubt_names(flags: int) -> tuple[str, ...]:
    """What the doubts in a mask are called, in the language of the request."""
    return tuple(_doubt_name(one).name for one in doubts_in(flags))


def _curve_edit(edit: CurveEdit) -> CurveEditRow:
    before, after = np.array(edit.before_wh), np.array(edit.after_wh)
    return CurveEditRow(
        edited_at=edit.edited_at,
        before_kwh_e2=(int(before[before >= 0].sum()) + 5) // 10,
        after_kwh_e2=(int(after[after >= 0].sum()) + 5) // 10,
        slots=int((before != after).sum()),
        method=edit.method,
        reason=edit.reason,
        edited_by=_name(edit.edited_by),
        before_wh=tuple(None if value == -1 else value for value in edit.before_wh),
    )


def _doubt_row(doubt: ReadingDoubt, user_id: int, at: datetime, beside: DayBeside | None) -> DoubtRow:
    return DoubtRow(
        doubt_id=doubt.pk,
        subject=doubt.subject,
        subject_name=_(ReadingDoubt.Subject(doubt.subject).label),
        account_no=doubt.account.account_no,
        customer_name=doubt.account.customer.name,
        org_unit=doubt.owner_unit.shown_name,
        meter_no=doubt.installation.meter.meter_no,
        register=register_name(doubt.register),
        read_on=doubt.read_on,
        cycle=doubt.cycle,
        doubts=tuple(_doubt_name(one) for one in doubts_in(doubt.doubts)),
        current_e4=doubt.facts.get("current_e4"),
        previous_e4=doubt.facts.get("previous_e4"),
        energy_kwh_e2=doubt.facts.get("energy_kwh_e2"),
        expected_kwh_e2=doubt.facts.get("expected_kwh_e2"),
        owner=_name(doubt.owner),
        is_mine=doubt.owner_id == user_id,
        awaits_reread=doubt.reread_requested_at is not None,
        opened_at=doubt.opened_at,
        age_days=(at - doubt.opened_at).days,
        beside=beside,
    )


def _name(user: Any) -> str:
    return (user.display_name or user.username) if user else ""


def _energy(reading: Reading) -> int | None:
    return reading.advance_kwh_e2 if reading.days > 0 and reading.advance_kwh_e2 != -1 else None


def register_name(register: int) -> str:
    """What a register is called in the reader's language."""
    return REGISTER_NAMES[Register(register)][(get_language() or "").startswith("en")]


# --- Imports --------------------------------------------------------------------------------


def list_imports(
    *, limit: int = 30, before: int | None = None, within: Sequence[str] | None = None
) -> list[ImportSummary]:
    """Imports of people of the organisation paths `within`, newest first; `before` is the id to go on from."""
    rows = ReadingImport.objects.select_related("created_by").order_by("-pk")
    rows = rows.filter(in_scope("created_by__org_unit", within))
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return [_summary(entry) for entry in rows[:limit]]


def get_import(import_id: int, *, within: Sequence[str] | None = None) -> ImportSummary:
    """
    One import.

    :raises NotFound: there is none of people of the organisation paths `within`
    """
    entries = ReadingImport.objects.select_related("created_by")
    entry = entries.filter(in_scope("created_by__org_unit", within), pk=import_id).first()
    if entry is None:
        raise NotFound(_("没有这次导入。"))
    return _summary(entry)


def open_import_file(import_id: int, *, within: Sequence[str] | None = None) -> tuple[str, IO[bytes]]:
    """
    The name and the bytes of an import's file, as it was handed over.

    :raises NotFound: there is no such import of people `within`, or its file is not kept here
    """
    entry = ReadingImport.objects.filter(in_scope("created_by__org_unit", within), pk=import_id).first()
    if entry is None:
        raise NotFound(_("没有这次导入。"))
    digest = bytes(entry.digest).hex()
    try:
        kept = files.open_kept(f"readings/{digest[:2]}/{digest}")
    except FileNotFoundError as error:
        raise NotFound(_("这次导入的原文件没有保存在这里。")) from error
    return entry.file_name, kept


def list_rejects(*, import_id: int, limit: int = 100) -> list[RejectRow]:
    """The first rejected rows of an import, in line order."""
    rows = ReadingReject.objects.filter(reading_import_id=import_id).order_by("line_no", "pk")[:limit]
    return [RejectRow(row.line_no, row.code, row.reason, row.raw) for row in rows]


def rejects_of(import_id: int) -> Iterator[RejectRow]:
    """Every rejected row of an import in line order, streamed."""
    last: tuple[int, int] = (-1, 0)
    while True:
        rows = list(
            ReadingReject.objects.filter(reading_import_id=import_id)
            .filter(Q(line_no__gt=last[0]) | Q(line_no=last[0], pk__gt=last[1]))
            .order_by("line_no", "pk")[:2000]
        )
        if not rows:
            return
        for row in rows:
            yield RejectRow(row.line_no, row.code, row.reason, row.raw)
        last = (rows[-1].line_no, rows[-1].pk)


@dataclass(frozen=True)
class StoredReject(Reject):
    """A reject whose words are stored already, for `write_rejects`."""

    stored_reason: str = ""

    def message(self, language: str = "zh") -> str:
        """The stored words."""
        return self.stored_reason


def rejects_to_write(import_id: int) -> Iterator[StoredReject]:
    """Every rejected row of an import, as `cis.reading_files.write_rejects` takes them."""
    for row in rejects_of(import_id):
        yield StoredReject(line_no=row.line_no, code=row.code, raw=row.raw, stored_reason=row.reason)


def rejects_file(import_id: int) -> Iterator[bytes]:
    """The file of rejects of an import, a few hundred rows at a time."""
    part: list[StoredReject] = []
    with_header = True
    for reject in rejects_to_write(import_id):
        part.append(reject)
        if len(part) == 500:
            yield _written(part, with_header=with_header)
            part, with_header = [], False
    if part or with_header:
        yield _written(part, with_header=with_header)


def _written(part: list[StoredReject], *, with_header: bool) -> bytes:
    stream = io.BytesIO()
    write_rejects(stream, part, with_header=with_header)
    return stream.getvalue()


def _summary(entry: ReadingImport) -> ImportSummary:
    return ImportSummary(
        import_id=entry.pk,
        file_name=entry.file_name,
        layout=entry.layout,
        all_or_nothing=entry.all_or_nothing,
        state=entry.state,
        state_name=_(ReadingImport.State(entry.state).label),
        rows=entry.rows,
        landed=entry.landed,
        unchanged=entry.unchanged,
        rejected=entry.rejected,
        late=entry.late,
        doubtful=entry.doubtful,
        message=entry.message,
        digest=bytes(entry.digest).hex(),
        created_by=_name(entry.created_by),
        created_at=entry.created_at,
        finished_at=entry.finished_at,
    )


# --- Readings and usage of an account --------------------------------------------------------


def list_readings(account_id: int, *, limit: int = 60, before: date | None = None) -> list[ReadingRow]:
    """Readings of the meters that measured for an account, newest first; `before` is the day to go on from."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT m.meter_no, r.register, r.read_on, r.cycle, r.value_e4, r.advance_kwh_e2, r.days, r.source, r.state,
                   r.is_rollover
            FROM cis_account_point ap
            JOIN cis_meter_installation i ON i.point_id = ap.point_id AND i.valid && ap.valid
            JOIN cis_meter m ON m.id = i.meter_id
            JOIN cis_reading r ON r.installation_id = i.id AND r.account_id = ap.account_id
            WHERE ap.account_id = %s AND r.read_on < %s
            ORDER BY r.read_on DESC, m.meter_no, r.register LIMIT %s
            """,
            [account_id, before or date.max, limit],
        )
        rows = cursor.fetchall()
    return [
        ReadingRow(
            meter_no=meter_no,
            register=register,
            register_name=register_name(register),
            read_on=read_on,
            cycle=cycle,
            value_e4=value,
            energy_kwh_e2=advance if days > 0 and advance != -1 else None,
            days=days,
            source=_(ReadingSource(source).label),
            state=_(Reading.State(state).label),
            is_estimated=source == ReadingSource.ESTIMATED,
            is_rollover=rolled,
        )
        for meter_no, register, read_on, cycle, value, advance, days, source, state, rolled in rows
    ]


_CURVES = """
SELECT d.day, d.energy_wh
FROM cis_account_point ap
JOIN cis_interval_day d ON d.point_id = ap.point_id AND d.register = 1 AND ap.valid @> d.day
WHERE ap.account_id = %s AND d.day >= %s AND d.day < %s
ORDER BY d.day
"""


def daily_usage(account_id: int, from_day: date, to_day: date) -> list[DayUsage]:
    """Energy of each day in [from_day, to_day) that has a curve, by time-of-use period where the tariff has windows."""
    windows = _windows_at(account_id, from_day)
    curves = list(curve_days(account_id, from_day, to_day))
    days = [day for day, _values in curves]
    kinds = kinds_for(windows, account_id, days).tolist() if windows is not None else [0] * len(days)
    result: list[DayUsage] = []
    for (day, values), kind in zip(curves, kinds, strict=True):
        present = np.where(values >= 0, values, 0)
        by_period: tuple[tuple[str, int], ...] = ()
        if windows is not None:
            periods = windows.period_of_slots(day.month, kind)
            by_period = tuple(
                (register_name(int(register)), int(present[periods == int(register)].sum()))
                for register in PERIOD_REGISTERS
                if (periods == int(register)).any()
            )
        result.append(DayUsage(day, int(present.sum()), int((values < 0).sum()), by_period))
    return result


def curve(account_id: int, day: date) -> Curve:
    """The quarter-hours of one day, the points of the account added; a slot that one point lacks is missing."""
    windows = _windows_at(account_id, day)
    periods: tuple[str, ...] = ()
    if windows is not None:
        kind = int(kinds_for(windows, account_id, [day])[0])
        periods = tuple(register_name(int(one)) for one in windows.period_of_slots(day.month, kind))
    for _day, values in curve_days(account_id, day, date.fromordinal(day.toordinal() + 1)):
        return Curve(day, tuple(int(value) if value >= 0 else None for value in values), periods)
    return Curve(day, (None,) * 96, periods)


def curve_days(account_id: int, from_day: date, to_day: date) -> Iterator[tuple[date, Any]]:
    """Each day with its 96 values in Wh, -1 where missing; several points are added."""
    with connection.cursor() as cursor:
        cursor.execute(_CURVES, [account_id, from_day, to_day])
        rows = cursor.fetchall()
    summed: dict[date, Any] = {}
    for day, energy_wh in rows:
        values = np.array(energy_wh, dtype=np.int64)
        if day in summed:
            both = (summed[day] >= 0) & (values >= 0)
            values = np.where(both, summed[day] + values, -1)
        summed[day] = values
    yield from summed.items()


def _windows_at(account_id: int, day: date) -> WindowSet | None:
    """The time-of-use windows of the tariff that the account had on a day."""
    contract = SupplyContract.objects.filter(account_id=account_id, valid__contains=day).first()
    if contract is None:
        return None
    version = (
        TariffVersion.objects.filter(tariff_id=contract.tariff_id, valid__contains=day)
        .select_related("windows")
        .first()
    )
    return WindowSet.parse(version.windows.windows) if version and version.windows else None
