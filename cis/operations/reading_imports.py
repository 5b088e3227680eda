"""
Files of readings: take them in, in constant memory, every row either stored, known already, or rejected with its line.

A file is read twice: once to see that it is usable to its end, once to store it. So a file that is cut short or broken
somewhere lands nothing at all. What lands is decided by the key (installation, register, day): the same file a second
time changes nothing, and an import that was killed is finished by sending its file again.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, BinaryIO, ClassVar, NamedTuple

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from cis.models import ReadingImport
from cis.operations import curve_validation, late_readings, reading_validation
from cis.operations.curve_storing import store_curves
from cis.operations.reading_places import locate
from cis.operations.register_storing import store_registers
from cis.reading_files import FileRefused, IntervalBatch, RegisterBatch, open_readings
from config.shared import files
from config.shared.bulk_copy import (
    copy_rows,
)
from config.shared.errors import Refused

# Imports take turns, one transaction at a time: two files with the same keys in another order would deadlock.
IMPORT_LOCK = 20_003
RAW_LIMIT = 4000
_BLOCK_BYTES = 1024 * 1024
FOLDER = "readings"

Progress = Callable[[int, int], None]
RejectRow = tuple[int, str, str, str]
"""line, code, reason, raw"""


@dataclass(frozen=True)
class ImportResult:
    """
    What became of a file. `doubtful` and `accepted` count readings, the rest rows; `validation_job_id` if queued.

    `late` rows say something else than what was billed: `corrected` of them were settled, the rest wait for a person.
    """

    import_id: int
    state: str
    layout: str
    rows: int
    landed: int
    unchanged: int
    rejected: int
    late: int = 0
    corrected: int = 0
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
    late: int = 0
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
    accepted = doubtful = corrected = 0
    job_id = None
    is_registers = entry.layout == "registers"
    by_job = validate_at_once_up_to is not None and counts.landed + counts.late > validate_at_once_up_to
    if by_job:
        start = reading_validation.start_validation if is_registers else curve_validation.start_validation
        job_id = start(batch_id=entry.pk, created_by_id=created_by_id, at=at)
        if counts.late:
            late_readings.start_settling(import_id=entry.pk, created_by_id=created_by_id, at=at)
    else:
        validate = reading_validation.validate_pending if is_registers else curve_validation.validate_curves
        validated = validate(batch_id=entry.pk, at=at)
        accepted, doubtful = validated.accepted, validated.doubtful
        ReadingImport.objects.filter(pk=entry.pk).update(doubtful=doubtful)
        if counts.late:
            corrected = late_readings.settle_arrived(import_id=entry.pk, at=at)
    _end(entry, ReadingImport.State.DONE, counts, "", at)
    return ImportResult(
        import_id=entry.pk,
        state=str(ReadingImport.State.DONE),
        layout=entry.layout,
        rows=sum(counts),
        landed=counts.landed,
        unchanged=counts.unchanged,
        rejected=counts.rejected,
        late=counts.late,
        corrected=corrected,
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
        late=counts.late,
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
                _end(entry, ReadingImport.State.REFUSED, _Counts(rejected=counts.rejected), message, at)
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


def _store(
    cursor: Any, import_id: int, batch: RegisterBatch | IntervalBatch, actor_id: int | None, at: datetime
) -> _Fate:
    """Store the good rows of a batch in the caller's transaction; the rest comes back as rejects."""
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [IMPORT_LOCK])
    rejects: list[RejectRow] = [(r.line_no, r.code, r.message(), r.raw) for r in batch.rejects]
    if not len(batch):
        return _Fate(_Counts(rejected=len(rejects)), rejects)
    is_curve = isinstance(batch, IntervalBatch)
    places = locate(cursor, batch, is_curve=is_curve)
    good = np.flatnonzero(places.installation > 0)
    if isinstance(batch, IntervalBatch):
        stored = store_curves(cursor, import_id, batch, places, good, actor_id, at)
    else:
        stored = store_registers(cursor, import_id, batch, places, good, actor_id, at)
    for row, (code, reason) in sorted((places.rejects | stored.conflicts).items()):
        rejects.append((int(batch.line_no[row]), code, reason, batch.raw(row)))
    rejects.sort(key=lambda reject: reject[0])
    return _Fate(_Counts(stored.landed, stored.unchanged, stored.late, len(rejects)), rejects)
