"""Days of channels held against our books, and their differences, as people see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.db.models import Count, F, Q, QuerySet
from django.utils.translation import gettext as _

from config.shared import approval_queries
from config.shared.errors import NotFound
from payments.channels import CHANNELS
from payments.models import ChannelClient, ChannelFile, Difference, Reconciliation
from payments.words import METHODS

MOST = 200


@dataclass(frozen=True, slots=True)
class DayRow:
    """A channel's day; `reconciliation_id` is 0 while its file waits for our books to be closed."""

    file_id: int
    reconciliation_id: int
    channel_word: str
    day: date
    rows_count: int
    theirs_fen: int
    open_count: int
    is_settled: bool


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """One difference; `fen` is what the channel says less what we say, `days` its age in calendar days."""

    difference_id: int
    reconciliation_id: int
    channel_word: str
    day: date
    serial: str
    outcome: str
    outcome_word: str
    theirs_fen: int
    ours_fen: int
    fen: int
    owner: str
    owner_id: int
    raised_at: datetime
    days: int
    resolution_word: str
    resolved_at: datetime | None
    receipt_no: str
    resolved_receipt_no: str
    other_id: int | None


@dataclass(frozen=True, slots=True)
class OutcomeSum:
    """The differences of one kind on a day."""

    word: str
    count: int
    fen: int


@dataclass(frozen=True, slots=True)
class DayPage:
    """One day: ours, plus and minus its differences by kind, is theirs to the fen; differences in rows, open first."""

    reconciliation_id: int
    channel_word: str
    day: date
    file_name: str
    rows_count: int
    matched: int
    ours_fen: int
    theirs_fen: int
    sums: tuple[OutcomeSum, ...]
    differences: tuple[DifferenceRow, ...]
    open_count: int
    settled_at: datetime | None
    received_fen: int
    fee_fen: int


@dataclass(frozen=True, slots=True)
class ListPage:
    """The newest days of all channels and the oldest open differences; `open_count` is of all."""

    days: tuple[DayRow, ...]
    open: tuple[DifferenceRow, ...]
    open_count: int


def channel_words() -> dict[str, str]:
    """What every channel is called."""
    own = {code: str(METHODS[channel.method]) for code, channel in CHANNELS.items()}
    return {**dict(ChannelClient.objects.values_list("code", "name")), **own}


def list_days(*, at: datetime) -> ListPage:
    """The newest 200 days and the oldest 200 open differences."""
    words = channel_words()
    files = (
        ChannelFile.objects.select_related("reconciliation")
        .annotate(open_count=Count("reconciliation__differences", filter=Q(reconciliation__differences__resolution="")))
        .order_by("-day", "channel")[:MOST]
    )
    days = []
    for file in files:
        run: Reconciliation | None = getattr(file, "reconciliation", None)
        days.append(
            DayRow(
                file_id=file.pk,
                reconciliation_id=run.pk if run else 0,
                channel_word=words.get(file.channel, file.channel),
                day=file.day,
                rows_count=file.rows_count,
                theirs_fen=file.total_fen,
                open_count=file.open_count,
                is_settled=bool(run and run.settled_at),
            )
        )
    waiting = Difference.objects.filter(resolution="")
    return ListPage(tuple(days), _rows(waiting.order_by("raised_at", "pk")[:MOST], at), waiting.count())


def get_day(reconciliation_id: int, *, at: datetime) -> DayPage:
    """
    One day of a channel.

    :raises NotFound: there is none
    """
    run = Reconciliation.objects.select_related("file").filter(pk=reconciliation_id).first()
    if run is None:
        raise NotFound(_("这一天还没有对账。"))
    found = Difference.objects.filter(reconciliation=run)
    words = dict(Difference.Outcome.choices)
    counted: dict[str, list[int]] = {}
    for outcome, theirs, ours in found.values_list("outcome", "theirs_fen", "ours_fen").iterator():
        sums = counted.setdefault(outcome, [0, 0])
        sums[0] += 1
        sums[1] += theirs - ours
    return DayPage(
        reconciliation_id=run.pk,
        channel_word=channel_words().get(run.channel, run.channel),
        day=run.day,
        file_name=run.file.name,
        rows_count=run.file.rows_count,
        matched=run.matched,
        ours_fen=run.ours_fen,
        theirs_fen=run.theirs_fen,
        sums=tuple(
            OutcomeSum(str(words[name]), *counted[name]) for name in Difference.Outcome.values if name in counted
        ),
        differences=_rows(found.order_by(F("resolved_at").desc(nulls_first=True), "pk")[:MOST], at),
        open_count=found.filter(resolution="").count(),
        settled_at=run.settled_at,
        received_fen=run.received_fen or 0,
        fee_fen=run.fee_fen or 0,
    )


def get_difference(difference_id: int, *, at: datetime) -> DifferenceRow:
    """
    One of them.

    :raises NotFound: there is none
    """
    rows = _rows(Difference.objects.filter(pk=difference_id), at)
    if not rows:
        raise NotFound(_("没有这笔对账差异。"))
    return rows[0]


def waiting_for(difference_id: int) -> approval_queries.ApprovalRow | None:
    """The request that waits for somebody's decision."""
    about = approval_queries.list_about(f"difference:{difference_id}")
    return next((row for row in about if row.state == "waiting"), None)


def _rows(found: QuerySet[Difference], at: datetime) -> tuple[DifferenceRow, ...]:
    words = channel_words()
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    return tuple(
        DifferenceRow(
            difference_id=one.pk,
            reconciliation_id=one.reconciliation_id,
            channel_word=words.get(one.channel, one.channel),
            day=one.day,
            serial=one.serial,
            outcome=one.outcome,
            outcome_word=str(one.get_outcome_display()),
            theirs_fen=one.theirs_fen,
            ours_fen=one.ours_fen,
            fen=one.theirs_fen - one.ours_fen,
            owner=one.owner.display_name,
            owner_id=one.owner_id,
            raised_at=one.raised_at,
            days=(today - one.day).days,
            resolution_word=str(one.get_resolution_display()) if one.resolution else "",
            resolved_at=one.resolved_at,
            receipt_no=str(one.payment) if one.payment else "",
            resolved_receipt_no=str(one.resolved_payment) if one.resolved_payment else "",
            other_id=one.other_id,
        )
        for one in found.select_related("owner", "payment", "resolved_payment")
    )
