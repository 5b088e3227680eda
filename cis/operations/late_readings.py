"""
What came after its period was billed: estimates give way to actual readings by themselves, the rest to a person.

A file that corrects thousands is settled set-wise, in chunks of meters, each a transaction of its own. Meters whose
new values validation doubts, whose account comes to more than `CORRECTION_LIMIT_FEN`, or whose period cannot be
rated again are left as they were and wait on the work list with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from cis.models import BillCorrection, LateReading, ReadingImport
from cis.operations import ledger
from cis.operations.bill_differences import Record, Touched, settle_differences
from cis.operations.reading_changes import of_one_key, put_in_place
from cis.operations.reading_validation import unit_of
from cis.validation import HOLDS_BILL
from config.shared.errors import NotFound, Refused
from config.shared.jobs import Claim, ShardSpec, create_job
from config.shared.money import yuan_from_fen
from config.shared.permissions import is_within

SETTLE_JOB = "cis.settle-late-readings"
INSTALLATIONS_PER_CHUNK = 2_000
# A reading may be taken so many days off its schedule and still bound a period.
OFF_SCHEDULE = timedelta(days=20)

State, Why = LateReading.State, LateReading.Why


class AlreadyDecided(Refused):
    """Somebody has decided about it."""

    code: ClassVar[str] = "late-reading-decided"


class ReasonMissing(Refused):
    """Whoever turns a reading down says why."""

    code: ClassVar[str] = "reason-missing"
    status: ClassVar[int] = 422


@dataclass
class _Wait:
    """Why some rows wait."""

    why: str
    doubts: int = 0
    detail: str = ""


@dataclass
class _Attempt:
    """Which rows of an attempt must wait; the attempt is undone where there are any."""

    waits: dict[int, _Wait] = field(default_factory=dict)


def settle_arrived(*, import_id: int, at: datetime, low: int = 0, high: int | None = None) -> int:
    """
    Settle what an import brought late, of installations in [low, high); gives how many rows took their place.

    Repeat it after an interruption: what is settled stays so.
    """
    arrived = LateReading.objects.filter(reading_import_id=import_id, state=State.ARRIVED, installation_id__gte=low)
    if high is not None:
        arrived = arrived.filter(installation_id__lt=high)
    ids = list(arrived.order_by("installation_id").values_list("installation_id", flat=True).distinct())
    taken = 0
    for start in range(0, len(ids), INSTALLATIONS_PER_CHUNK):
        chunk = ids[start : start + INSTALLATIONS_PER_CHUNK]
        with transaction.atomic():
            taken += _settle_chunk(import_id, chunk, at)
    return taken


def start_settling(*, import_id: int, created_by_id: int | None, at: datetime) -> int:
    """Have a job settle what a large import brought late; gives its id."""
    arrived = LateReading.objects.filter(reading_import_id=import_id, state=State.ARRIVED)
    ids = list(arrived.order_by("installation_id").values_list("installation_id", flat=True).distinct())
    chunks = [ids[at_ : at_ + INSTALLATIONS_PER_CHUNK] for at_ in range(0, len(ids), INSTALLATIONS_PER_CHUNK)]
    with transaction.atomic():
        return create_job(
            kind=SETTLE_JOB,
            parameters={"import_id": import_id},
            shards=[ShardSpec(low=chunk[0], high=chunk[-1] + 1, units=len(chunk)) for chunk in chunks],
            created_by_id=created_by_id,
            at=at,
            org_unit_id=unit_of(created_by_id),
        )


def settle_shard(claim: Claim, *, at: datetime) -> None:
    """One shard of such a job: the installations in [low, high)."""
    taken = settle_arrived(import_id=claim.parameters["import_id"], at=at, low=claim.low, high=claim.high)
    with transaction.atomic():
        claim.finish(result={"taken": taken}, done_units=claim.high - claim.low, at=at)


def refuse(*, late_ids: Sequence[int], reason: str, by_id: int, at: datetime, within: Sequence[str] | None) -> None:
    """
    Let the bills stand: the readings that came late are not taken, and stay on record.

    :raises ReasonMissing: no reason was given
    :raises NotFound: one of them is not there, or not of an account `within` these organisation paths
    :raises AlreadyDecided: somebody was faster
    """
    if not reason.strip():
        raise ReasonMissing(_("请填写不采信的原因。"))
    with transaction.atomic():
        rows = lock_waiting(late_ids, within)
        _decide([one.pk for one in rows], State.REFUSED, Record(reason.strip(), by_id, at))


def lock_waiting(late_ids: Sequence[int], within: Sequence[str] | None) -> list[LateReading]:
    """
    Lock late readings that wait for a person, in the order of their days.

    :raises NotFound: one of them is not there, or not of an account `within` these organisation paths
    :raises AlreadyDecided: somebody was faster
    """
    rows = list(
        LateReading.objects.select_for_update(of=("self",))
        .select_related("account__org_unit", "installation")
        .filter(pk__in=late_ids)
        .order_by("read_on", "register", "pk")
    )
    if not rows or len(rows) != len(set(late_ids)):
        raise NotFound(_("没有这条晚到的示数。"))
    if within is not None and any(not is_within(one.account.org_unit.path, within) for one in rows):
        raise NotFound(_("没有这条晚到的示数。"))
    if any(one.state != State.WAITING for one in rows):
        raise AlreadyDecided(_("这条晚到的示数已经处理，无需再处理。"))
    return rows


def mark_taken(late_ids: Sequence[int], record: Record) -> None:
    """They stand now; in the transaction that settled their bills."""
    _decide(late_ids, State.TAKEN, record)


def _decide(late_ids: Sequence[int], state: str, record: Record) -> None:
    LateReading.objects.filter(pk__in=late_ids).update(
        state=state, reason=record.reason, decided_by_id=record.asked_by_id, decided_at=record.at
    )


# --- A chunk of meters ------------------------------------------------------------------------


def _settle_chunk(import_id: int, installations: Sequence[int], at: datetime) -> int:
    rows = list(
        LateReading.objects.select_for_update()
        .filter(reading_import_id=import_id, state=State.ARRIVED, installation_id__in=installations)
        .order_by("pk")
    )
    if not rows:
        return 0
    by_id = ReadingImport.objects.values_list("created_by_id", flat=True).get(pk=import_id)
    estimates = of_one_key([one for one in rows if one.replaces_estimate])
    record = Record(_("晚到的实抄随导入文件 %(import)s 到达，原为估算") % {"import": import_id}, by_id, at)
    conflicts = [one for one in rows if one.pk not in {each.pk for each in estimates}]
    waits = {pk: _Wait(Why.CONFLICT, flags) for pk, flags in _judged_only(conflicts, record).items()}
    accounts = accounts_of([one.pk for one in estimates])
    ledger.lock_balances(sorted({account for account, _first, _last in accounts.values()}))
    going = estimates
    while going:
        attempt = _attempt(going, accounts, record)
        waits |= attempt.waits
        if not attempt.waits:
            break
        going = [one for one in going if one.pk not in attempt.waits]
    _decide([one.pk for one in going], State.TAKEN, record)
    _put_on_list(waits)
    return len(going)


def _judged_only(late: Sequence[LateReading], record: Record) -> dict[int, int]:
    """What validation doubts of values that do not take their place yet."""
    flags: dict[int, int] = {one.pk: 0 for one in late}
    if late:
        with transaction.atomic():
            flags |= put_in_place(of_one_key(late), record)
            transaction.set_rollback(True)
    return flags


def _attempt(
    late: Sequence[LateReading], accounts: dict[tuple[int, int], tuple[int, date, date]], record: Record
) -> _Attempt:
    """Put values in their place and settle the bills; undone, with the reasons, where one of them has to wait."""
    attempt = _Attempt()
    ids = {one.pk for one in late}
    with transaction.atomic():
        flags = put_in_place(late, record)
        touched: dict[int, Touched] = {}
        for (pk, _nth), (account, first, last) in accounts.items():
            if pk in ids:
                known = touched.get(account) or Touched(first, last, BillCorrection.Cause.LATE)
                touched[account] = known.with_also(first, last)
        made = settle_differences(touched, record)
        amounts: dict[int, int] = {}
        for one in made.found:
            amounts[one.bill.account_id] = amounts.get(one.bill.account_id, 0) + abs(one.amount_fen)
        why_of: dict[int, _Wait] = {
            account: _Wait(Why.CANNOT_RATE, detail=detail) for account, detail in made.refused.items()
        }
        for account, fen in amounts.items():
            if fen > settings.CORRECTION_LIMIT_FEN:
                detail = _("差额 %(yuan)s 元") % {"yuan": yuan_from_fen(fen)}
                why_of.setdefault(account, _Wait(Why.ABOVE_LIMIT, detail=detail))
        _spread(attempt, late, flags, why_of, accounts)
        if attempt.waits:
            transaction.set_rollback(True)
    return attempt


def _spread(
    attempt: _Attempt,
    late: Sequence[LateReading],
    flags: dict[int, int],
    why_of: dict[int, _Wait],
    accounts: dict[tuple[int, int], tuple[int, date, date]],
) -> None:
    """All values of a meter wait together: its registers and months were read as one."""
    of_meter: dict[int, _Wait] = {}
    for one in late:
        held = flags.get(one.pk, 0) & int(HOLDS_BILL)
        if held:
            of_meter.setdefault(one.installation_id, _Wait(Why.DOUBTFUL))
    by_id = {one.pk: one for one in late}
    for (pk, _nth), (account, _first, _last) in accounts.items():
        if account in why_of and pk in by_id:
            of_meter.setdefault(by_id[pk].installation_id, why_of[account])
    for one in late:
        wait = of_meter.get(one.installation_id)
        if wait is not None:
            attempt.waits[one.pk] = _Wait(wait.why, flags.get(one.pk, 0), wait.detail)


_ACCOUNTS = """
SELECT l.id, ap.account_id, l.read_on - CASE WHEN l.value_e4 IS NULL THEN 0 ELSE %(off)s END,
       l.read_on + CASE WHEN l.value_e4 IS NULL THEN 0 ELSE %(off)s END
FROM cis_late_reading l
JOIN cis_meter_installation i ON i.id = l.installation_id
JOIN cis_account_point ap ON ap.point_id = i.point_id AND ap.valid && CASE WHEN l.value_e4 IS NULL
     THEN daterange(l.read_on, l.read_on, '[]') ELSE daterange(l.read_on - %(off)s, l.read_on + %(off)s, '[]') END
WHERE l.id = ANY(%(ids)s) ORDER BY l.id, ap.account_id
"""


def accounts_of(late_ids: Sequence[int]) -> dict[tuple[int, int], tuple[int, date, date]]:
    """Whose bills late readings may have been in, and the days about each; by (id, a number); one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_ACCOUNTS, {"ids": list(late_ids), "off": OFF_SCHEDULE.days})
        return {(pk, nth): (account, first, last) for nth, (pk, account, first, last) in enumerate(cursor.fetchall())}


_WAIT = """
UPDATE cis_late_reading l SET state = 'waiting', why = w.why, doubts = w.doubts, detail = w.detail
FROM unnest(%s::bigint[], %s::text[], %s::int[], %s::text[]) AS w(id, why, doubts, detail) WHERE l.id = w.id
"""


def _put_on_list(waits: dict[int, _Wait]) -> None:
    if not waits:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _WAIT,
            [
                list(waits),
                [str(one.why) for one in waits.values()],
                [one.doubts for one in waits.values()],
                [one.detail for one in waits.values()],
            ],
        )
