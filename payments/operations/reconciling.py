"""
Hold what a channel says of one of its accounting days against our books, and carry every difference.

The day is the channel's own: what it collected after its cut-off stands in our books and in its file under the next
day. A day is held against its file once, after our books of it are closed, so that neither side moves any more. Money
of a difference leaves the channel's clearing account for a suspense account; what a neighbouring day's file shows the
other way round clears itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import BinaryIO

from django.conf import settings
from django.db import connection, transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cis.operations import ledger
from config.shared.bulk_copy import copy_rows
from config.shared.errors import NotFound, Refused
from payments.channels import CHANNELS
from payments.matching.channel_file import FileHead, FileUnusable, check_file, read_rows
from payments.models import ChannelClient, ChannelFile, Difference, Reconciliation
from payments.operations.taking import CLEARING, lock_serial

_LINE = 1_001
_AT_ONCE = 10_000
WHY: dict[str, str | Promise] = {
    "after-end": gettext_lazy("结束行后面还有内容"),
    "no-end": gettext_lazy("没有结束行，文件可能没有传完"),
    "count-differs": gettext_lazy("明细笔数和文件头不同"),
    "total-differs": gettext_lazy("明细合计金额和文件头不同"),
    "hash-differs": gettext_lazy("文件的校验值不对，内容可能改动过"),
    "cut-off": gettext_lazy("这一行不完整"),
    "not-utf8": gettext_lazy("这一行不是 UTF-8 文字"),
    "no-head": gettext_lazy("第一行不是对账文件头"),
    "bad-row": gettext_lazy("这一行的内容不符合约定"),
    "bad-amount": gettext_lazy("这一行的金额不符合约定"),
}


class FileRefused(Refused):
    """Nothing of the file was kept."""

    code = "file-refused"
    status = 422


class FileChanged(Refused):
    """The channel's day has a file, and this is another."""

    code = "file-changed"


class DayStillOpen(Refused):
    """Our books of the day are not closed: what would be compared might still move."""

    code = "day-still-open"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a file; `is_repeat`: the day had been held against it before."""

    reconciliation_id: int
    is_repeat: bool


def keep_file(*, name: str, file: BinaryIO, by_id: int | None, at: datetime) -> ChannelFile:
    """
    Keep a channel's file whole; the same file again gives the kept one.

    `file` can be read twice. Memory does not grow with it. `by_id` None: the clock fetched it.

    :raises FileRefused: count, total, SHA-256 or a line is wrong; nothing is kept
    :raises FileChanged: the channel's day has a file with other content
    :raises NotFound: there is no such channel
    """
    file.seek(0)
    try:
        head = check_file(iter(lambda: file.readline(_LINE), b""))
    except FileUnusable as fault:
        raise FileRefused(
            _("整份文件没有收下：第 %(line)s 行，%(why)s。请让渠道重新生成文件。")
            % {"line": fault.line, "why": WHY[fault.why]}
        ) from fault
    clearing_of(head.channel)
    with transaction.atomic():
        lock_serial(f"{head.channel}:file", head.day.isoformat())
        kept = ChannelFile.objects.filter(channel=head.channel, day=head.day).first()
        if kept is None:
            return _store(head, name, file, by_id, at)
        if kept.sha256 != head.sha256:
            raise FileChanged(
                _("渠道 %(channel)s %(day)s 已有对账文件 %(name)s，这一份内容不同，没有收下。请和渠道核实哪一份为准。")
                % {"channel": kept.channel, "day": kept.day, "name": kept.name}
            )
        return kept


def _store(head: FileHead, name: str, file: BinaryIO, by_id: int | None, at: datetime) -> ChannelFile:
    kept = ChannelFile.objects.create(
        channel=head.channel,
        day=head.day,
        name=name[-200:],
        sha256=head.sha256,
        rows_count=head.rows,
        total_fen=head.total_fen,
        received_at=at,
        received_by_id=by_id,
    )
    file.seek(0)
    rows = read_rows(iter(lambda: file.readline(_LINE), b""))
    columns = ("file_id", "seq", "serial", "account_no", "amount_fen", "kind", "at", "status", "provider_no")
    with connection.cursor() as cursor:
        copy_rows(
            cursor,
            "payments_channel_file_row",
            columns,
            (
                (kept.pk, seq, r.serial, r.account_no, r.amount_fen, r.kind, r.at.isoformat(), r.status, r.provider_no)
                for seq, r in enumerate(rows, start=1)
            ),
        )
        # The planner must know what a million new rows look like before it joins them.
        cursor.execute("ANALYZE payments_channel_file_row")
    return kept


def clearing_of(channel: str) -> int:
    """
    The ledger account on which a channel's money lies until the channel pays.

    :raises NotFound: there is no such channel
    """
    if channel in CHANNELS:
        return ledger.control_id(CLEARING[CHANNELS[channel].method])
    found = ChannelClient.objects.filter(code=channel).values_list("clearing_id", flat=True).first()
    if found is None:
        raise NotFound(_("没有代号为 %(code)s 的渠道。请核对对账文件的第一行。") % {"code": channel[:16]})
    return found


# --- The day ------------------------------------------------------------------------------------

# Both sides add up by the serial of the payment: a payment and its return on one day are nothing on either side, so
# that a payment reversed the same day may stand in the file or not. Ours are what moved the clearing account: payments
# that were booked from money put aside before did not; money of a provider that was put aside did, and so did refunds
# that a provider took up.
_COMPARE = """
WITH theirs AS (
    SELECT serial, coalesce(sum(amount_fen) FILTER (WHERE status = 'OK'), 0)::bigint AS fen,
        count(*) FILTER (WHERE status = 'OK' AND kind = 'P') AS paid,
        bool_or(status <> 'OK' OR kind = 'R') AS is_odd
    FROM payments_channel_file_row WHERE file_id = %(file)s GROUP BY serial
), moved AS (
    SELECT p.serial, p.amount_fen AS fen, p.id AS payment_id FROM payments_payment p
    WHERE p.channel = %(channel)s AND p.business_date = %(day)s
    AND NOT EXISTS (SELECT 1 FROM payments_notice n WHERE n.settled_payment_id = p.id)
    AND NOT EXISTS (SELECT 1 FROM payments_difference d WHERE d.resolved_payment_id = p.id)
    UNION ALL
    SELECT p.serial, -p.amount_fen, p.id FROM payments_reversal r JOIN payments_payment p ON p.id = r.payment_id
    WHERE p.channel = %(channel)s AND r.business_date = %(day)s
    UNION ALL
    SELECT p.serial, CASE WHEN t.credit_id = %(clearing)s THEN -t.amount_fen ELSE t.amount_fen END, p.id
    FROM cis_ledger_transfer t JOIN payments_payback b ON b.refund_id = t.document_id
    JOIN payments_payment p ON p.id = b.payment_id
    WHERE t.kind = ANY(%(refunds)s) AND t.business_date = %(day)s AND b.channel = %(channel)s
    AND %(clearing)s IN (t.debit_id, t.credit_id)
    UNION ALL
    SELECT n.out_trade_no, t.amount_fen, NULL FROM cis_ledger_transfer t JOIN payments_notice n ON n.id = t.document_id
    WHERE t.kind = %(held)s AND t.business_date = %(day)s AND n.channel = %(channel)s
), ours AS (
    SELECT serial, sum(fen)::bigint AS fen, count(*) FILTER (WHERE fen > 0) AS paid,
        bool_or(fen < 0) AS is_odd, min(payment_id) AS payment_id
    FROM moved GROUP BY serial
), both_sides AS (
    SELECT serial, coalesce(t.fen, 0) AS theirs_fen, coalesce(o.fen, 0) AS ours_fen, coalesce(t.paid, 0) AS t_paid,
        coalesce(o.paid, 0) AS o_paid, t.serial IS NOT NULL AS has_theirs, o.serial IS NOT NULL AS has_ours,
        coalesce(t.is_odd, false) OR coalesce(o.is_odd, false) AS is_odd, o.payment_id
    FROM theirs t FULL JOIN ours o USING (serial)
), raised AS (
    INSERT INTO payments_difference (reconciliation_id, channel, day, serial, outcome, theirs_fen, ours_fen,
        payment_id, owner_id, raised_at, resolution)
    SELECT %(run)s, %(channel)s, %(day)s, serial,
        CASE WHEN t_paid > greatest(o_paid, 1) AND NOT is_odd THEN 'DUPLICATE'
             WHEN NOT has_ours AND NOT is_odd THEN 'LONG'
             WHEN NOT has_theirs AND NOT is_odd THEN 'SHORT'
             WHEN NOT is_odd THEN 'AMOUNT_DIFF'
             ELSE 'STATUS_DIFF' END,
        theirs_fen, ours_fen, payment_id, %(owner)s, %(at)s, ''
    FROM both_sides WHERE theirs_fen <> ours_fen
)
UPDATE payments_reconciliation SET
    ours_fen = (SELECT coalesce(sum(ours_fen), 0) FROM both_sides),
    matched = (SELECT count(*) FROM both_sides WHERE theirs_fen = ours_fen)
WHERE id = %(run)s
"""

# One serial that is long on one day and short by as much on another was only counted on another day.
_PAIR = """
WITH numbered AS (
    SELECT id, serial, theirs_fen - ours_fen AS fen,
        row_number() OVER (PARTITION BY serial, theirs_fen - ours_fen ORDER BY day) AS place
    FROM payments_difference WHERE channel = %(channel)s AND resolution = '' AND serial IN (
        SELECT serial FROM payments_difference WHERE reconciliation_id = %(run)s
    )
), pairs AS (
    SELECT a.id AS one, b.id AS other FROM numbered a
    JOIN numbered b ON b.serial = a.serial AND b.fen = -a.fen AND b.place = a.place
)
UPDATE payments_difference d SET resolution = 'DAY_SHIFT', resolved_at = %(at)s, other_id = pairs.other
FROM pairs WHERE d.id = pairs.one RETURNING d.id, d.theirs_fen - d.ours_fen
"""


def reconcile(*, file_id: int, by_id: int, at: datetime) -> Outcome:
    """
    Hold a kept file against our books of its day: all or nothing, and once; again it changes nothing.

    Every difference belongs to `by_id` until somebody else takes it.

    :raises NotFound: there is no such file
    :raises DayStillOpen: our books of the day are not closed
    """
    file = ChannelFile.objects.filter(pk=file_id).first()
    if file is None:
        raise NotFound(_("没有这份对账文件。"))
    with transaction.atomic():
        # One run of a channel at a time: runs of two days pair each other's differences.
        lock_serial("reconciliation", file.channel)
        done = Reconciliation.objects.filter(file=file).first()
        if done is not None:
            return Outcome(done.pk, is_repeat=True)
        if not is_closed(file.day):
            raise DayStillOpen(_("营业日 %(day)s 还没有日结，账还会变。请先日结，再对账。") % {"day": file.day})
        run = Reconciliation.objects.create(
            file=file,
            channel=file.channel,
            day=file.day,
            clearing_id=clearing_of(file.channel),
            theirs_fen=file.total_fen,
            ours_fen=0,
            matched=0,
            run_at=at,
            run_by_id=by_id,
        )
        with connection.cursor() as cursor:
            cursor.execute(
                _COMPARE,
                {
                    "file": file.pk,
                    "channel": file.channel,
                    "day": file.day,
                    "held": ledger.TransferKind.NOTICE_HELD,
                    "refunds": [int(ledger.TransferKind.REFUND_SENT), int(ledger.TransferKind.REFUND_FAILED)],
                    "clearing": run.clearing_id,
                    "run": run.pk,
                    "owner": by_id,
                    "at": at,
                },
            )
        _put_aside(run, by_id, at)
        _settle_shifted(run, at)
        return Outcome(run.pk, is_repeat=False)


def is_closed(day: date) -> bool:
    """Whether nothing can be booked on the day any more."""
    return ledger.open_business_date(datetime.combine(day, time(12), settings.BILLING_TIME_ZONE)) > day


def _put_aside(run: Reconciliation, by_id: int, at: datetime) -> None:
    """The money of every new difference leaves the clearing account."""
    postings: list[ledger.Posting] = []
    booked_on = ledger.open_business_date(at)
    for difference_id, theirs, ours in (
        Difference.objects.filter(reconciliation=run).values_list("pk", "theirs_fen", "ours_fen").iterator(_AT_ONCE)
    ):
        postings.append(suspense_posting(difference_id, theirs - ours, run.clearing_id))
        if len(postings) == _AT_ONCE:
            ledger.post(postings, booked_at=at, business_date=booked_on, actor_id=by_id)
            postings.clear()
    ledger.post(postings, booked_at=at, business_date=booked_on, actor_id=by_id)


def suspense_posting(difference_id: int, fen: int, clearing_id: int) -> ledger.Posting:
    """What puts a difference aside: long money is owed to somebody, short money is owed to us by the channel."""
    return ledger.Posting(
        kind=ledger.TransferKind.DIFFERENCE_RAISED,
        document_id=difference_id,
        leg=1,
        account_id=0,
        debit_id=clearing_id if fen > 0 else ledger.control_id("SHORT_SUSPENSE"),
        credit_id=ledger.control_id("LONG_SUSPENSE") if fen > 0 else clearing_id,
        amount_fen=abs(fen),
    )


def resolving_posting(difference_id: int, fen: int, against_id: int) -> ledger.Posting:
    """The one entry that ends a difference: out of suspense, against another account."""
    return ledger.Posting(
        kind=ledger.TransferKind.DIFFERENCE_RESOLVED,
        document_id=difference_id,
        leg=1,
        account_id=0,
        debit_id=ledger.control_id("LONG_SUSPENSE") if fen > 0 else against_id,
        credit_id=against_id if fen > 0 else ledger.control_id("SHORT_SUSPENSE"),
        amount_fen=abs(fen),
    )


def _settle_shifted(run: Reconciliation, at: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_PAIR, {"channel": run.channel, "run": run.pk, "at": at})
        shifted = cursor.fetchall()
    ledger.post(
        [resolving_posting(difference_id, fen, run.clearing_id) for difference_id, fen in shifted],
        booked_at=at,
        business_date=ledger.open_business_date(at),
    )
