"""
Files of readings: take them in, in constant memory, every row either stored, known already, or rejected with its line.

A file is read twice: once to see that it is usable to its end, once to store it. So a file that is cut short or broken
somewhere lands nothing at all. What lands is decided by the key (installation, register, day): the same file a second
time changes nothing, and an import that was killed is finished by sending its file again.
"""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, BinaryIO, ClassVar, NamedTuple

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from cis.models import ReadingDoubt, ReadingImport
from cis.models.metering import Reading, ReadingSource
from cis.operations import curve_validation, reading_validation
from cis.rating.registers import Register
from cis.reading_files import FileRefused, IntervalBatch, RegisterBatch, open_readings
from config.shared import files
from config.shared.bulk_copy import (
    copy_in,
    copy_rows,
    day_of,
    days_of,
    days_of_datetime64,
    encode,
    read_columns,
)
from config.shared.display_formats import format_register
from config.shared.errors import Refused
from config.shared.periods import add_months, cycle_of, reading_date

# Imports take turns, one transaction at a time: two files with the same keys in another order would deadlock.
IMPORT_LOCK = 20_003
SLOTS = 96
RAW_LIMIT = 4000
FIRST_CURVE_DAY = date(2000, 1, 1)
_BLOCK_BYTES = 1024 * 1024
FOLDER = "readings"
_NEVER = days_of(date(2000, 1, 1))

Progress = Callable[[int, int], None]
RejectRow = tuple[int, str, str, str]
"""line, code, reason, raw"""

_SOURCES = {
    "": ReadingSource.REMOTE,
    "remote": ReadingSource.REMOTE,
    "manual": ReadingSource.MANUAL,
    "self": ReadingSource.SELF,
    "estimated": ReadingSource.ESTIMATED,
}


@dataclass(frozen=True)
class ImportResult:
    """What became of a file. `doubtful` and `accepted` count readings, the rest rows; `validation_job_id` if queued."""

    import_id: int
    state: str
    layout: str
    rows: int
    landed: int
    unchanged: int
    rejected: int
    accepted: int = 0
    doubtful: int = 0
    validation_job_id: int | None = None


class ImportRefused(Refused):
    """Nothing of the file landed. `facts` name the import, under which rejected rows are kept."""

    code: ClassVar[str] = "import-refused"
    status: ClassVar[int] = 422


class FileUnusable(ImportRefused):
    """The file as a whole cannot be used; `reason` is the stable code of why."""

    code: ClassVar[str] = "file-unusable"


class RowsRejected(ImportRefused):
    """All or nothing was asked for, and some rows cannot be taken."""

    code: ClassVar[str] = "rows-rejected"


class _KeepNothing(Exception):
    """Leaves the transaction of an all-or-nothing import."""


class _Counts(NamedTuple):
    landed: int = 0
    unchanged: int = 0
    rejected: int = 0

    def plus(self, other: _Counts) -> _Counts:
        return _Counts(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


def import_readings(
    *,
    stream: BinaryIO,
    file_name: str,
    all_or_nothing: bool,
    created_by_id: int | None,
    at: datetime,
    validate_at_once_up_to: int | None = None,
    on_progress: Progress | None = None,
) -> ImportResult:
    """
    Take in a CSV or Parquet file of register values or curves, then validate what landed.

    `all_or_nothing`: one rejected row and nothing lands; otherwise every batch is a transaction of its own and the good
    rows land. With more new readings than `validate_at_once_up_to` they are validated by a job. `on_progress` is told
    (rows done, rows in the file).

    :raises FileUnusable: wrong encoding, missing columns, cut short, ...; nothing landed
    :raises RowsRejected: all or nothing was asked for and rows were rejected; they are kept under the import
    """
    with ExitStack() as stack:
        if not stream.seekable():
            stream = _received(stream, stack)
        name = _clean(file_name)[:255]
        entry = ReadingImport.objects.create(
            file_name=name,
            digest=kept_digest(files.keep(stream, folder=FOLDER)),
            all_or_nothing=all_or_nothing,
            created_by_id=created_by_id,
            created_at=at,
        )
        today = at.astimezone(settings.BILLING_TIME_ZONE).date()
        try:
            rows = _inspect(entry, stream, today)
        except FileRefused as fault:
            message = fault.message()
            _end(entry, ReadingImport.State.REFUSED, _Counts(), message, at)
            raise FileUnusable(message, import_id=entry.pk, reason=fault.code, line_no=fault.line_no) from fault
        progress = on_progress or (lambda _done, _total: None)
        try:
            take = _take_all_or_nothing if all_or_nothing else _take_good_rows
            counts = take(entry, stream, today, rows, created_by_id, at, progress)
        except RowsRejected:
            raise
        except Exception:
            # Kept for the person who looks at the import; what landed is whole batches, the same file finishes it.
            ReadingImport.objects.filter(pk=entry.pk).update(
                message=_("导入中断。请用同一文件重新导入，已入库的行不会重复。")
            )
            raise
    return _finish(entry, counts, at, validate_at_once_up_to, created_by_id)


def _finish(
    entry: ReadingImport, counts: _Counts, at: datetime, validate_at_once_up_to: int | None, created_by_id: int | None
) -> ImportResult:
    accepted = doubtful = 0
    job_id = None
    is_registers = entry.layout == "registers"
    if validate_at_once_up_to is not None and counts.landed > validate_at_once_up_to:
        start = reading_validation.start_validation if is_registers else curve_validation.start_validation
        job_id = start(batch_id=entry.pk, created_by_id=created_by_id, at=at)
    else:
        validate = reading_validation.validate_pending if is_registers else curve_validation.validate_curves
        validated = validate(batch_id=entry.pk, at=at)
        accepted, doubtful = validated.accepted, validated.doubtful
        ReadingImport.objects.filter(pk=entry.pk).update(doubtful=doubtful)
    _end(entry, ReadingImport.State.DONE, counts, "", at)
    return ImportResult(
        import_id=entry.pk,
        state=str(ReadingImport.State.DONE),
        layout=entry.layout,
        rows=sum(counts),
        landed=counts.landed,
        unchanged=counts.unchanged,
        rejected=counts.rejected,
        accepted=accepted,
        doubtful=doubtful,
        validation_job_id=job_id,
    )


def _end(entry: ReadingImport, state: ReadingImport.State, counts: _Counts, message: str, at: datetime) -> None:
    ReadingImport.objects.filter(pk=entry.pk).update(
        state=state,
        rows=sum(counts),
        landed=counts.landed,
        unchanged=counts.unchanged,
        rejected=counts.rejected,
        message=message,
        finished_at=at,
    )


# --- Reading the file ----------------------------------------------------------------------


def _received(stream: BinaryIO, stack: ExitStack) -> BinaryIO:
    """The stream in a temporary file, for those that come only once."""
    kept = stack.enter_context(tempfile.TemporaryFile())
    while block := stream.read(_BLOCK_BYTES):
        kept.write(block)
    kept.seek(0)
    return kept


def kept_digest(key: str) -> bytes:
    """The digest in the key under which a handed-over file is kept."""
    return bytes.fromhex(key.rsplit("/", 1)[1])


def _inspect(entry: ReadingImport, stream: BinaryIO, today: date) -> int:
    """Read the file to its end once, so that it is known to be usable; gives its rows."""
    stream.seek(0)
    file = open_readings(stream, entry.file_name, today=today)
    rows = sum(len(batch) + len(batch.rejects) for batch in file.batches)
    if file.last_line_open:
        # A number cut in its middle is a number too: 12345.6 of 12345.67 must not become a reading.
        raise FileRefused("last-line-open", rows + 1)
    entry.layout = file.layout
    ReadingImport.objects.filter(pk=entry.pk).update(layout=file.layout, rows=rows)
    return rows


def _batches(entry: ReadingImport, stream: BinaryIO, today: date) -> Iterator[RegisterBatch | IntervalBatch]:
    stream.seek(0)
    yield from open_readings(stream, entry.file_name, today=today).batches


def _take_good_rows(
    entry: ReadingImport,
    stream: BinaryIO,
    today: date,
    rows: int,
    actor_id: int | None,
    at: datetime,
    progress: Progress,
) -> _Counts:
    counts = _Counts()
    for batch in _batches(entry, stream, today):
        with transaction.atomic(), connection.cursor() as cursor:
            fate = _store(cursor, entry.pk, batch, actor_id, at)
            _keep_rejects(cursor, entry.pk, fate.rejects)
            counts = counts.plus(fate.counts)
            ReadingImport.objects.filter(pk=entry.pk).update(**counts._asdict())
        progress(sum(counts), rows)
    return counts


def _take_all_or_nothing(
    entry: ReadingImport,
    stream: BinaryIO,
    today: date,
    rows: int,
    actor_id: int | None,
    at: datetime,
    progress: Progress,
) -> _Counts:
    counts = _Counts()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as spool:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                for batch in _batches(entry, stream, today):
                    fate = _store(cursor, entry.pk, batch, actor_id, at)
                    # Rejects outlive the transaction; there may be as many as rows, so they wait in a file.
                    spool.writelines(json.dumps(reject, ensure_ascii=False) + "\n" for reject in fate.rejects)
                    counts = counts.plus(fate.counts)
                    progress(sum(counts), rows)
                if counts.rejected:
                    raise _KeepNothing
        except _KeepNothing:
            spool.seek(0)
            with transaction.atomic(), connection.cursor() as cursor:
                _keep_rejects(cursor, entry.pk, (json.loads(line) for line in spool))
                message = _(
                    "有 %(rejected)s 行不合格；您选了整个文件不导入，所以一行也没有导入。请改正后重新上传。"
                ) % {"rejected": counts.rejected}
                _end(entry, ReadingImport.State.REFUSED, _Counts(0, 0, counts.rejected), message, at)
            spool.seek(0)
            first_lines = [json.loads(line)[0] for line, _number in zip(spool, range(20), strict=False)]
            raise RowsRejected(message, import_id=entry.pk, rejected=counts.rejected, first_lines=first_lines) from None
    return counts


def _keep_rejects(cursor: Any, import_id: int, rejects: Iterable[Sequence[Any]]) -> None:
    copy_rows(
        cursor,
        "cis_reading_reject",
        ("reading_import_id", "line_no", "code", "reason", "raw"),
        ((import_id, line, code, _clean(reason), _clean(raw)[:RAW_LIMIT]) for line, code, reason, raw in rejects),
    )


def _clean(text: str) -> str:
    """Text that Postgres can keep: no NUL, nothing that UTF-8 cannot write."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


# --- Storing a batch -----------------------------------------------------------------------


class _Fate(NamedTuple):
    """What became of one batch."""

    counts: _Counts
    rejects: list[RejectRow]


class _Places(NamedTuple):
    """Where each row of a batch belongs, (n,); installation 0 where nothing was found."""

    installation: NDArray[np.int64]
    point: NDArray[np.int64]
    account: NDArray[np.int64]
    cycle: NDArray[np.int32]
    scheduled_on: NDArray[np.int32]
    kind: NDArray[np.int16]
    rejects: dict[int, tuple[str, str]]


def _store(
    cursor: Any, import_id: int, batch: RegisterBatch | IntervalBatch, actor_id: int | None, at: datetime
) -> _Fate:
    """Store the good rows of a batch in the caller's transaction; the rest comes back as rejects."""
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [IMPORT_LOCK])
    rejects: list[RejectRow] = [(r.line_no, r.code, r.message(), r.raw) for r in batch.rejects]
    if not len(batch):
        return _Fate(_Counts(rejected=len(rejects)), rejects)
    is_curve = isinstance(batch, IntervalBatch)
    places = _locate(cursor, batch, is_curve=is_curve)
    good = np.flatnonzero(places.installation > 0)
    if isinstance(batch, IntervalBatch):
        landed, unchanged, conflicts = _store_curves(cursor, import_id, batch, places, good, actor_id, at)
    else:
        landed, unchanged, conflicts = _store_registers(cursor, import_id, batch, places, good, actor_id, at)
    for row, (code, reason) in sorted((places.rejects | conflicts).items()):
        rejects.append((int(batch.line_no[row]), code, reason, batch.raw(row)))
    rejects.sort(key=lambda reject: reject[0])
    return _Fate(_Counts(landed, unchanged, len(rejects)), rejects)


_LOCATE = """
SELECT k.row, coalesce(i.id, 0), coalesce(i.point_id, 0), coalesce(ap.account_id, 0), coalesce(r.reading_day, 0)::int2,
       coalesce(r.cycle_months, 1)::int2, coalesce(r.cycle_phase, 0)::int2,
       (CASE WHEN upper(i.valid) = k.read_on THEN 2 WHEN lower(i.valid) = k.read_on THEN 1
             WHEN upper(ap.valid) = k.read_on THEN 4 WHEN lower(ap.valid) = k.read_on THEN 3 ELSE 0 END)::int2,
       coalesce((SELECT max(b.period_end) FROM cis_bill b WHERE b.account_id = ap.account_id), DATE '2000-01-01')
FROM incoming_key k
LEFT JOIN LATERAL (
    SELECT id, point_id, valid FROM cis_meter_installation
    WHERE meter_id = k.meter_id AND lower(valid) <= k.read_on
      AND (upper(valid) IS NULL OR k.read_on < upper(valid) OR NOT %(is_curve)s AND k.read_on = upper(valid))
    ORDER BY lower(valid) LIMIT 1) i ON true
LEFT JOIN LATERAL (
    SELECT account_id, valid FROM cis_account_point
    WHERE point_id = i.point_id AND lower(valid) <= k.read_on
      AND (upper(valid) IS NULL OR k.read_on < upper(valid) OR NOT %(is_curve)s AND k.read_on = upper(valid))
    ORDER BY lower(valid) LIMIT 1) ap ON true
LEFT JOIN cis_account a ON a.id = ap.account_id
LEFT JOIN cis_reading_route r ON r.id = a.route_id
ORDER BY k.row
"""
# A reading at 00:00 closes what lies before it: on the day a meter is removed or an account ends it belongs to the
# older of the two. A curve is the day itself and belongs to the newer.

_LOCATE_TYPES = {
    "row": "int4",
    "installation": "int8",
    "point": "int8",
    "account": "int8",
    "reading_day": "int2",
    "cycle_months": "int2",
    "cycle_phase": "int2",
    "kind": "int2",
    "billed_to": "date",
}


def _locate(cursor: Any, batch: RegisterBatch | IntervalBatch, *, is_curve: bool) -> _Places:
    """Find the installation and account of every row, and the cycle that a register value closes."""
    days = days_of_datetime64(batch.read_on)
    numbers, number_of = np.unique(batch.meter_no.astype(str), return_inverse=True)
    cursor.execute("SELECT meter_no, id FROM cis_meter WHERE meter_no = ANY(%s)", [numbers.tolist()])
    ids = dict(cursor.fetchall())
    meter = np.array([ids.get(number, 0) for number in numbers.tolist()], dtype=np.int64)[number_of]

    # Six registers of a meter on one day are looked up once.
    pairs, pair_of = np.unique(np.stack([meter, days.astype(np.int64)]), axis=1, return_inverse=True)
    pair_of = pair_of.reshape(-1)
    cursor.execute(
        "CREATE TEMPORARY TABLE IF NOT EXISTS incoming_key (row integer, meter_id bigint, read_on date) ON COMMIT DROP;"
        "TRUNCATE incoming_key"
    )
    copy_in(
        cursor,
        "incoming_key",
        {
            "row": ("int4", np.arange(pairs.shape[1])),
            "meter_id": ("int8", pairs[0]),
            "read_on": ("date", pairs[1]),
        },
    )
    found = read_columns(cursor, _LOCATE, {"is_curve": is_curve}, _LOCATE_TYPES)
    found["cycle"], found["scheduled_on"] = _cycles(found, pairs[1])
    of_row = {name: column[pair_of] for name, column in found.items()}

    rejects: dict[int, tuple[str, str]] = {}
    too_old = days < days_of(FIRST_CURVE_DAY)
    for row in np.flatnonzero((of_row["installation"] == 0) | (of_row["account"] == 0) | too_old & is_curve).tolist():
        facts = {"number": batch.meter_no[row], "day": day_of(int(days[row]))}
        if meter[row] == 0:
            rejects[row] = (
                "meter-unknown",
                _("表号“%(number)s”不存在。请核对表号或先建表计档案。") % facts,
            )
        elif is_curve and too_old[row]:
            rejects[row] = ("date-too-old", _("曲线日期 %(day)s 早于 2000 年，不能入库。") % facts)
        elif of_row["installation"][row] == 0:
            rejects[row] = (
                "meter-not-installed",
                _("表号“%(number)s”在 %(day)s 未安装在任何计量点。请补录装表或核对日期。") % facts,
            )
        else:
            rejects[row] = (
                "no-account",
                _("表号“%(number)s”的计量点在 %(day)s 没有用电户。请核对立户或过户日期。") % facts,
            )
        of_row["installation"][row] = 0
    return _Places(
        installation=of_row["installation"],
        point=of_row["point"],
        account=of_row["account"],
        cycle=of_row["cycle"],
        scheduled_on=of_row["scheduled_on"],
        kind=of_row["kind"],
        rejects=rejects,
    )


def _cycles(found: dict[str, NDArray[Any]], days: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """
    The cycle that a reading on each day closes for its route, and the day on which the route is due; 0 for none.

    Readings of an exchange or a move close no cycle, nor does one of a period that is billed already.
    """
    cycle, due = np.zeros(len(days), dtype=np.int32), np.zeros(len(days), dtype=np.int32)
    routes = np.stack([found["reading_day"], found["cycle_months"], found["cycle_phase"], days])
    kinds, kind_of = np.unique(routes, axis=1, return_inverse=True)
    for number, (reading_day, months, phase, day) in enumerate(kinds.T.tolist()):
        closes, due_on = closing_cycle(day_of(day), reading_day, months, phase)
        rows = kind_of.reshape(-1) == number if closes else np.empty(0, dtype=np.int64)
        if closes:
            cycle[rows], due[rows] = closes, days_of(due_on)
    off = (found["kind"] != int(Reading.Kind.CYCLE)) | (due <= found["billed_to"])
    cycle[off] = 0
    return cycle, due


def closing_cycle(day: date, reading_day: int, cycle_months: int, cycle_phase: int) -> tuple[int, date]:
    """The cycle whose reading day lies nearest to a day, within the tolerance, and that day; (0, day) if none does."""
    tolerance = timedelta(days=settings.READING_DAY_TOLERANCE_DAYS)
    nearest: tuple[timedelta, date, int] | None = None
    for back in (-1, 0, 1):
        cycle = add_months(cycle_of(day), back)
        if (cycle % 100) % cycle_months != cycle_phase:
            continue
        due = reading_date(cycle, reading_day)
        candidate = (abs(due - day), due, cycle)
        if candidate[0] <= tolerance and (nearest is None or candidate < nearest):
            nearest = candidate
    return (nearest[2], nearest[1]) if nearest else (0, day)


# --- Register values -----------------------------------------------------------------------

_INCOMING = """
CREATE TEMPORARY TABLE IF NOT EXISTS incoming_reading (
    row integer, installation_id bigint, register smallint, read_on date, account_id bigint, cycle integer,
    scheduled_on date, kind smallint, value_e4 bigint, source smallint) ON COMMIT DROP;
TRUNCATE incoming_reading
"""

_INSERT = """
WITH landed AS (
    INSERT INTO cis_reading (installation_id, register, read_on, account_id, cycle, kind, value_e4, advance_kwh_e2,
                             days, is_rollover, source, state, batch_id)
    SELECT installation_id, register, read_on, account_id, cycle, kind, value_e4, -1, 0, false, source, 0, %(import)s
    FROM incoming_reading ORDER BY installation_id, register, read_on
    ON CONFLICT DO NOTHING
    RETURNING installation_id, register, read_on)
SELECT n.row FROM incoming_reading n JOIN landed USING (installation_id, register, read_on)
"""

_STORED = """
SELECT n.row, r.value_e4, r.state::int2, d.id IS NOT NULL, coalesce(d.id, 0)
FROM incoming_reading n
JOIN cis_reading r USING (installation_id, register, read_on)
LEFT JOIN cis_reading_doubt d ON d.installation_id = n.installation_id AND d.register = n.register
     AND d.read_on = n.read_on AND d.subject = 'register' AND d.resolved_at IS NULL
     AND d.reread_requested_at IS NOT NULL
WHERE n.row = ANY(%(rows)s)
"""

# A killed import left its readings pending: whoever sends the file again has them validated.
_ADOPT = """
UPDATE cis_reading r SET batch_id = %(import)s FROM incoming_reading n
WHERE n.row = ANY(%(rows)s) AND r.installation_id = n.installation_id AND r.register = n.register
  AND r.read_on = n.read_on AND r.state = 0
"""

# Daily freezes bring many readings near the reading day: the nearest one closes the cycle, the earlier of two.
_ONE_CLOSES = """
UPDATE cis_reading r SET cycle = 0
FROM (SELECT DISTINCT installation_id, register, cycle, scheduled_on FROM incoming_reading WHERE cycle > 0) n
WHERE r.installation_id = n.installation_id AND r.register = n.register AND r.cycle = n.cycle
  AND r.read_on BETWEEN n.scheduled_on - %(tolerance)s AND n.scheduled_on + %(tolerance)s
  AND EXISTS (
    SELECT 1 FROM cis_reading o
    WHERE o.installation_id = n.installation_id AND o.register = n.register AND o.cycle = n.cycle
      AND o.read_on BETWEEN n.scheduled_on - %(tolerance)s AND n.scheduled_on + %(tolerance)s
      AND (abs(o.read_on - n.scheduled_on), o.read_on) < (abs(r.read_on - n.scheduled_on), r.read_on))
"""


def _store_registers(
    cursor: Any,
    import_id: int,
    batch: RegisterBatch,
    places: _Places,
    good: NDArray[np.intp],
    actor_id: int | None,
    at: datetime,
) -> tuple[int, int, dict[int, tuple[str, str]]]:
    """Gives rows landed, rows unchanged, and the conflicts by row."""
    cursor.execute(_INCOMING)
    if not len(good):
        return 0, 0, {}
    source = np.array([int(_SOURCES[word]) for word in batch.source.tolist()], dtype=np.int16)
    source[batch.quality == "estimated"] = int(ReadingSource.ESTIMATED)
    source[batch.quality == "edited"] = int(ReadingSource.CORRECTED)
    copy_in(
        cursor,
        "incoming_reading",
        {
            "row": ("int4", good),
            "installation_id": ("int8", places.installation[good]),
            "register": ("int2", _register_codes(batch.register)[good]),
            "read_on": ("date", days_of_datetime64(batch.read_on)[good]),
            "account_id": ("int8", places.account[good]),
            "cycle": ("int4", places.cycle[good]),
            "scheduled_on": ("date", places.scheduled_on[good]),
            "kind": ("int2", places.kind[good]),
            "value_e4": ("int8", batch.value_e4[good]),
            "source": ("int2", source[good]),
        },
    )
    cursor.execute(_INSERT, {"import": import_id})
    landed_rows = np.array([row[0] for row in cursor.fetchall()], dtype=np.int64)
    rest = np.setdiff1d(good, landed_rows)
    unchanged, conflicts, rereads = 0, {}, []
    if len(rest):
        types = {"row": "int4", "value_e4": "int8", "state": "int2", "reread": "bool", "doubt": "int8"}
        stored = read_columns(cursor, _STORED, {"rows": rest.tolist()}, types)
        same = stored["value_e4"] == batch.value_e4[stored["row"]]
        unchanged = int(same.sum())
        awaits = ~same & stored["reread"] & (stored["state"] == int(Reading.State.DOUBTFUL))
        rereads = list(zip(stored["row"][awaits].tolist(), stored["doubt"][awaits].tolist(), strict=True))
        for row, value in zip(
            stored["row"][~same & ~awaits].tolist(), stored["value_e4"][~same & ~awaits].tolist(), strict=True
        ):
            conflicts[row] = (
                "conflicts-with-stored",
                _("已入库的示数为 %(stored)s，与本行不同。要更改请先申请复抄或更正。")
                % {"stored": format_register(value)},
            )
        pending = stored["row"][same & (stored["state"] == int(Reading.State.PENDING))].tolist()
        if pending:
            cursor.execute(_ADOPT, {"import": import_id, "rows": pending})
    if rereads:
        _replace_by_rereads(cursor, import_id, rereads, actor_id, at)
    cursor.execute(_ONE_CLOSES, {"tolerance": settings.READING_DAY_TOLERANCE_DAYS})
    return len(landed_rows) + len(rereads), unchanged, conflicts


_REREAD = """
WITH asked AS (
    SELECT n.installation_id, n.register, n.read_on, n.value_e4, n.source, a.doubt_id, r.value_e4 AS before_e4
    FROM unnest(%(rows)s::int[], %(doubts)s::bigint[]) AS a(row, doubt_id)
    JOIN incoming_reading n ON n.row = a.row
    JOIN cis_reading_doubt d ON d.id = a.doubt_id AND d.resolved_at IS NULL
    JOIN cis_reading r ON r.installation_id = n.installation_id AND r.register = n.register AND r.read_on = n.read_on
    ORDER BY a.doubt_id),
kept AS (
    INSERT INTO cis_reading_edit (installation_id, register, read_on, value_before_e4, value_after_e4, method, reason,
                                  edited_by_id, edited_at)
    SELECT installation_id, register, read_on, before_e4, value_e4, 'reread', %(reason)s, %(actor)s, %(at)s FROM asked),
replaced AS (
    UPDATE cis_reading r SET value_e4 = a.value_e4, source = a.source, state = 0, advance_kwh_e2 = -1, days = 0,
           is_rollover = false, batch_id = %(import)s
    FROM asked a WHERE r.installation_id = a.installation_id AND r.register = a.register AND r.read_on = a.read_on)
UPDATE cis_reading_doubt d SET resolution = %(resolution)s, reason = %(reason)s, resolved_by_id = %(actor)s,
       resolved_at = %(at)s
FROM asked a WHERE d.id = a.doubt_id
"""


def _replace_by_rereads(
    cursor: Any, import_id: int, rereads: list[tuple[int, int]], actor_id: int | None, at: datetime
) -> None:
    """Put the new values in the place of doubtful ones that were to be read again; the raw values stay on record."""
    doubt_ids = [doubt for _row, doubt in rereads]
    cursor.execute("SELECT 1 FROM cis_reading_doubt WHERE id = ANY(%s) ORDER BY id FOR UPDATE", [doubt_ids])
    cursor.execute(
        _REREAD,
        {
            "rows": [row for row, _doubt in rereads],
            "doubts": doubt_ids,
            "import": import_id,
            "reason": _("复抄示数随导入文件 %(import)s 到达") % {"import": import_id},
            "resolution": str(ReadingDoubt.Resolution.REREAD),
            "actor": actor_id,
            "at": at,
        },
    )


def _register_codes(names: NDArray[np.object_]) -> NDArray[np.int16]:
    words, word_of = np.unique(names.astype(str), return_inverse=True)
    codes = np.array([int(Register[word.upper()]) for word in words.tolist()], dtype=np.int16)
    return np.asarray(codes[word_of], dtype=np.int16)


# --- Curves --------------------------------------------------------------------------------

_INCOMING_CURVES = """
CREATE TEMPORARY TABLE IF NOT EXISTS incoming_curve (
    row integer, point_id bigint, register smallint, day date, missing_slots smallint, energy_wh integer[])
ON COMMIT DROP;
TRUNCATE incoming_curve
"""

_INSERT_CURVES = """
WITH landed AS (
    INSERT INTO cis_interval_day (point_id, register, day, energy_wh, missing_slots, source, batch_id, state)
    SELECT point_id, register, day, energy_wh, missing_slots, 1, %(import)s, 0 FROM incoming_curve
    ORDER BY point_id, register, day
    ON CONFLICT DO NOTHING
    RETURNING point_id, register, day)
SELECT n.row FROM incoming_curve n JOIN landed USING (point_id, register, day)
"""

# Stored slots and new ones may complete each other; where both are there they must agree. What was estimated (2) gives
# way to what was collected after all.
_STORED_CURVES = """
SELECT n.row, s.conflicts, s.fills
FROM incoming_curve n
JOIN cis_interval_day r USING (point_id, register, day)
CROSS JOIN LATERAL (
    SELECT (count(*) FILTER (WHERE u.new >= 0 AND u.old >= 0 AND u.new <> u.old
                                   AND coalesce(u.quality, 1) <> 2))::int4 AS conflicts,
           (count(*) FILTER (WHERE u.new >= 0 AND (u.old < 0 OR u.quality = 2)))::int4 AS fills
    FROM unnest(n.energy_wh, r.energy_wh, r.quality) AS u(new, old, quality)) s
WHERE n.row = ANY(%(rows)s)
"""

_COMPLETE_CURVES = """
WITH merged AS (
    SELECT n.point_id, n.register, n.day, o.energy_wh AS before_wh,
           coalesce(o.quality, ARRAY(SELECT (v >= 0)::int::smallint FROM unnest(o.energy_wh) WITH ORDINALITY u(v, slot)
                                     ORDER BY u.slot)) AS quality_before,
           o.quality IS NOT NULL AS was_filled, s.energy_wh, s.quality
    FROM incoming_curve n JOIN cis_interval_day o USING (point_id, register, day)
    CROSS JOIN LATERAL (
        SELECT array_agg(CASE WHEN u.new >= 0 THEN u.new ELSE u.old END ORDER BY u.slot) AS energy_wh,
               array_agg(CASE WHEN u.new >= 0 AND coalesce(u.quality, 1) <> 3 THEN 1 WHEN u.old < 0 THEN 0
                              ELSE coalesce(u.quality, 1) END::smallint ORDER BY u.slot) AS quality
        FROM unnest(n.energy_wh, o.energy_wh, o.quality) WITH ORDINALITY u(new, old, quality, slot)) s
    WHERE n.row = ANY(%(rows)s)),
kept AS (
    INSERT INTO cis_curve_edit (point_id, register, day, before_wh, after_wh, quality_before, quality_after, method,
                                reason, edited_by_id, edited_at)
    SELECT point_id, register, day, before_wh, energy_wh, quality_before, quality, 'collected', %(reason)s, %(actor)s,
           %(at)s FROM merged WHERE was_filled)
UPDATE cis_interval_day r SET energy_wh = m.energy_wh, batch_id = %(import)s, state = 0,
       quality = CASE WHEN m.was_filled THEN m.quality END,
       missing_slots = (SELECT count(*) FROM unnest(m.energy_wh) v WHERE v < 0)
FROM merged m
WHERE r.point_id = m.point_id AND r.register = m.register AND r.day = m.day
"""

_CURVE_TYPES = {
    "row": "int4",
    "point_id": "int8",
    "register": "int2",
    "day": "date",
    "missing_slots": "int2",
}
_ARRAY_HEAD = 5 * 4
_INT4_OID = 23


def _store_curves(
    cursor: Any,
    import_id: int,
    batch: IntervalBatch,
    places: _Places,
    good: NDArray[np.intp],
    actor_id: int | None,
    at: datetime,
) -> tuple[int, int, dict[int, tuple[str, str]]]:
    """Gives days landed or completed, days unchanged, and the conflicts by row."""
    if not len(good):
        return 0, 0, {}
    days = days_of_datetime64(batch.read_on)[good]
    for month in np.unique(batch.read_on[good].astype("datetime64[M]")).astype("datetime64[D]").tolist():
        cursor.execute("SELECT cis_make_interval_partitions(%s, %s)", [month, month])
    cursor.execute(_INCOMING_CURVES)
    stream = io.BytesIO(
        _encode_curves(
            {
                "row": good,
                "point_id": places.point[good],
                "register": _register_codes(batch.register)[good],
                "day": days,
                "missing_slots": SLOTS - batch.present[good].sum(axis=1),
            },
            np.where(batch.present, batch.energy_wh, -1)[good],
        )
    )
    names = ", ".join([*_CURVE_TYPES, "energy_wh"])
    cursor.copy_expert(f"COPY incoming_curve ({names}) FROM STDIN (FORMAT binary)", stream)
    cursor.execute(_INSERT_CURVES, {"import": import_id})
    landed_rows = np.array([row[0] for row in cursor.fetchall()], dtype=np.int64)
    rest = np.setdiff1d(good, landed_rows)
    if not len(rest):
        return len(landed_rows), 0, {}
    types = {"row": "int4", "conflicts": "int4", "fills": "int4"}
    stored = read_columns(cursor, _STORED_CURVES, {"rows": rest.tolist()}, types)
    fills = stored["row"][(stored["conflicts"] == 0) & (stored["fills"] > 0)].tolist()
    if fills:
        cursor.execute(
            _COMPLETE_CURVES,
            {
                "import": import_id,
                "rows": fills,
                "reason": _("补采数据随导入文件 %(import)s 到达") % {"import": import_id},
                "actor": actor_id,
                "at": at,
            },
        )
    conflicts = {
        row: ("conflicts-with-stored", _("该日曲线已入库，其中 %(slots)s 点与本行不同。") % {"slots": slots})
        for row, slots in zip(stored["row"].tolist(), stored["conflicts"].tolist(), strict=True)
        if slots
    }
    return len(landed_rows) + len(fills), len(stored["row"]) - len(fills) - len(conflicts), conflicts


def _encode_curves(columns: dict[str, Any], energy_wh: NDArray[np.integer[Any]]) -> bytes:
    """
    The binary COPY stream of fixed-width columns followed by one int4 array of 96 values a row.

    The array is as wide in every row (head of five int4, then length and value of each), so it is one record too.
    """
    fixed = encode({name: (kind, np.asarray(columns[name])) for name, kind in _CURVE_TYPES.items()})
    head, tail = fixed[:19], fixed[-2:]
    body = np.frombuffer(fixed[19:-2], dtype=np.uint8).reshape(len(energy_wh), -1).copy()
    body[:, 0:2] = np.frombuffer(np.array([len(_CURVE_TYPES) + 1], dtype=">i2").tobytes(), dtype=np.uint8)
    array = np.empty((len(energy_wh), 1 + 5 + 2 * SLOTS), dtype=">i4")
    array[:, 0] = _ARRAY_HEAD + SLOTS * 8
    array[:, 1:6] = (1, 0, _INT4_OID, SLOTS, 1)
    array[:, 6::2] = 4
    array[:, 7::2] = energy_wh
    octets = np.frombuffer(array.tobytes(), dtype=np.uint8).reshape(len(energy_wh), -1)
    return head + np.hstack([body, octets]).tobytes() + tail
