"""
The brake on mass notices, in the one place all of them pass: `send_many`.

What is asked for in a mass is counted. Where the share of outliers jumps, or too much of what was sent failed, the
template is stopped: messages are written and held, nothing of it goes, and what is asked for afterwards is held too,
until two persons release or cancel it (`config.shared.notice_stops`). More than the limit of an hour goes later.
Templates that are `never_held`, such as notices of outages, are counted only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db import connection, transaction
from django.db.models import Sum

from config.shared.events import Event, publish, send_task
from config.shared.messaging import templates
from config.shared.messaging.channels import CHANNELS
from config.shared.messaging.templates import Kind, Template
from config.shared.models import Message, NoticeCount, NoticeLimit, NoticeStop

HOUR = timedelta(hours=1)
USUAL = timedelta(days=30)
"""over how long what is usual is measured"""
_OURS = "本企业约定：低于会引来集中询问的水平"
# (template, most an hour, least messages, outliers permille, jump in hundredths, failed permille, source)
_STARTING = (
    ("", 200_000, 100, 50, 300, 300, _OURS),
    ("fee-control-last-warning", 20_000, 20, 50, 200, 300, "本企业约定：之后就是停电，从严"),
    ("fee-control-short", 50_000, 50, 50, 200, 300, "本企业约定：之后可能停电，从严"),
)


@dataclass(frozen=True)
class NoticesStopped(Event):
    """The brake stopped the mass notices of a template."""

    name: ClassVar[str] = "shared.notices-stopped"
    key_field: ClassVar[str] = "stop_id"

    stop_id: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What happens to a batch: `stop_id` where it is held; `ahead` messages of the template go before it."""

    stop_id: int | None = None
    most_an_hour: int = 0
    ahead: int = 0


def load_notice_limits() -> None:
    """Enter the starting limits that are missing; what the utility set stays as it is."""
    NoticeLimit.objects.bulk_create(
        [
            NoticeLimit(
                template=template,
                most_an_hour=most,
                least_messages=least,
                outlier_permille=outliers,
                jump_e2=jump,
                failed_permille=failed,
                source=source,
            )
            for template, most, least, outliers, jump, failed, source in _STARTING
        ],
        ignore_conflicts=True,
    )


def judge(form: Template, channel: str, *, messages: int, outliers: int, at: datetime) -> Verdict:
    """
    What happens to so many new messages of one template; in the caller's transaction, one at a time for a template.
    """
    if form.kind != Kind.NOTICE or form.never_held:
        return Verdict()
    _lock(form.code)
    open_stop = NoticeStop.objects.filter(template=form.code, state=NoticeStop.State.OPEN).first()
    if open_stop is not None:
        return Verdict(open_stop.pk)
    limit = _limit(form.code)
    if limit is None:
        return Verdict()
    found = _outliers(form.code, limit, messages=messages, outliers=outliers, at=at) or _failures(
        form.code, limit, at=at
    )
    if found is not None:
        return Verdict(_stop(form.code, *found, at=at))
    if not CHANNELS[channel].rings:
        return Verdict()
    return Verdict(None, limit.most_an_hour, _ahead(form.code, channel, at=at))


def watch(*, at: datetime) -> list[int]:
    """
    Stop templates of which too much fails while their messages are going out; what still waits is held. The stops' ids.
    """
    stops = []
    lately = NoticeCount.objects.filter(at__gt=at - timedelta(days=1)).values_list("template", flat=True).distinct()
    for code in sorted(lately):
        form = templates.TEMPLATES.get(code)
        if form is None or form.never_held or form.kind != Kind.NOTICE:
            continue
        with transaction.atomic():
            _lock(code)
            limit = _limit(code)
            is_open = NoticeStop.objects.filter(template=code, state=NoticeStop.State.OPEN).exists()
            found = None if limit is None or is_open else _failures(code, limit, at=at)
            if found is None:
                continue
            stops.append(_stop(code, *found, at=at))
    return stops


def release(*, stop_id: int, approval_id: int, at: datetime) -> dict[str, int]:
    """
    Let what is held go, once and no faster than the limit of an hour; what it says is out of date by now is given up
    instead. How many of each.

    In the caller's transaction, which has decided it.
    """
    stop = _ended(stop_id, NoticeStop.State.RELEASED, approval_id, at)
    held = _held(stop)
    late = held.filter(expires_at__lte=at).update(
        state=Message.State.GIVEN_UP, failure="expired", failed_at=at, due_at=None
    )
    shown = _held(stop).filter(channel="in_app")
    here = shown.update(state=Message.State.DELIVERED, sent_at=at, delivered_at=at, stop_id=None)
    limit, gone = _limit(stop.template), 0
    for channel, one in CHANNELS.items():
        if limit is not None and one.rings:
            asked = {"ahead": _ahead(stop.template, channel, at=at), "most": limit.most_an_hour}
            with connection.cursor() as cursor:
                cursor.execute(_PACED, {**asked, "stop": stop.pk, "channel": channel, "at": at})
                gone += cursor.rowcount
    gone += _held(stop).update(due_at=at, not_before=at, stop_id=None)
    return _done(stop, {"released": here + gone, "expired": late})


# Beyond the limit of an hour they go in the hours after it, as they do when they are asked for.
_PACED = """
UPDATE shared_message m
SET due_at = %(at)s + p.hours * interval '1 hour', not_before = %(at)s + p.hours * interval '1 hour',
    expires_at = m.expires_at + p.hours * interval '1 hour', stop_id = NULL
FROM (SELECT id, (%(ahead)s + row_number() OVER (ORDER BY id) - 1) / %(most)s AS hours FROM shared_message
      WHERE stop_id = %(stop)s AND state = 'waiting' AND channel = %(channel)s) p
WHERE p.id = m.id
"""


def cancel(*, stop_id: int, approval_id: int, at: datetime) -> dict[str, int]:
    """Give up what is held; each message stays on record with its reason. How many."""
    stop = _ended(stop_id, NoticeStop.State.CANCELLED, approval_id, at)
    gone = _held(stop).update(state=Message.State.GIVEN_UP, failure="stopped", failed_at=at, due_at=None)
    return _done(stop, {"cancelled": gone})


def held_count(stop_id: int) -> int:
    """How many messages a stop holds now."""
    return Message.objects.filter(stop_id=stop_id, state=Message.State.WAITING).count()


def _held(stop: NoticeStop) -> Any:
    return Message.objects.filter(stop_id=stop.pk, state=Message.State.WAITING)


def _ended(stop_id: int, state: NoticeStop.State, approval_id: int, at: datetime) -> NoticeStop:
    stop = NoticeStop.objects.select_for_update().get(pk=stop_id)
    _lock(stop.template)
    stop.state, stop.approval_id, stop.ended_at = state, approval_id, at
    return stop


def _done(stop: NoticeStop, outcome: dict[str, int]) -> dict[str, int]:
    stop.outcome = outcome
    stop.save(update_fields=["state", "approval", "ended_at", "outcome"])
    transaction.on_commit(_ring)
    return outcome


def _ring() -> None:
    send_task("config.shared.tasks.send_messages")


def _ahead(code: str, channel: str, *, at: datetime) -> int:
    """How many messages of a template go before new ones: what waits to go, and what went in the last hour."""
    ahead = Message.objects.filter(template=code, channel=channel)
    waiting = ahead.filter(state__in=Message.UNFINISHED, due_at__isnull=False).count()
    return waiting + ahead.filter(sent_at__gt=at - HOUR).count()


def _limit(code: str) -> NoticeLimit | None:
    """The template's own, else that of all."""
    return NoticeLimit.objects.filter(template__in=["", code]).order_by("-template").first()


def _outliers(
    code: str, limit: NoticeLimit, *, messages: int, outliers: int, at: datetime
) -> tuple[NoticeStop.Why, dict[str, int]] | None:
    """Whether the share of outliers jumps, in this batch alone or together with the hour before it."""
    counts = NoticeCount.objects.filter(template=code, stop=None)
    hour = counts.filter(at__gt=at - HOUR, at__lte=at).aggregate(m=Sum("messages"), o=Sum("outliers"))
    before = counts.filter(at__gt=at - USUAL, at__lte=at - HOUR).aggregate(m=Sum("messages"), o=Sum("outliers"))
    usual = 1000 * (before["o"] or 0) // before["m"] if before["m"] else 0
    together = (messages + (hour["m"] or 0), outliers + (hour["o"] or 0))
    for asked, far in ((messages, outliers), together):
        share = 1000 * far // asked if asked else 0
        is_jump = share >= limit.outlier_permille and 100 * share >= limit.jump_e2 * usual
        if asked >= limit.least_messages and is_jump:
            return NoticeStop.Why.OUTLIERS, {
                "messages": asked,
                "outliers": far,
                "permille": share,
                "usual_permille": usual,
                "limit_permille": limit.outlier_permille,
            }
    return None


def _failures(code: str, limit: NoticeLimit, *, at: datetime) -> tuple[NoticeStop.Why, dict[str, int]] | None:
    """
    Whether too much of what ended in the last hour failed. Failures before the last stop are what it was decided on.
    """
    last = NoticeStop.objects.filter(template=code).exclude(ended_at=None).order_by("-ended_at").first()
    since = max(at - HOUR, last.ended_at) if last is not None and last.ended_at is not None else at - HOUR
    ringing = Message.objects.filter(
        template=code, channel__in=[name for name, one in CHANNELS.items() if one.rings], stop=None
    )
    failed = ringing.filter(state__in=Message.LOST, failed_at__gt=since, failed_at__lte=at).count()
    good = ringing.filter(
        state__in=(Message.State.SENT, Message.State.DELIVERED, Message.State.READ), sent_at__gt=since, sent_at__lte=at
    ).count()
    ended = failed + good
    if ended < limit.least_messages or 1000 * failed < limit.failed_permille * ended:
        return None
    return NoticeStop.Why.FAILURES, {
        "messages": ended,
        "failed": failed,
        "permille": 1000 * failed // ended,
        "limit_permille": limit.failed_permille,
    }


def _stop(code: str, why: NoticeStop.Why, figures: dict[str, int], *, at: datetime) -> int:
    stop = NoticeStop.objects.create(template=code, why=why, figures=figures, opened_at=at)
    # What is being sent at this moment is sent; everything that waits stays, whoever asked for it before.
    Message.objects.filter(template=code, state=Message.State.WAITING, attempt_key=None, due_at__isnull=False).update(
        stop_id=stop.pk, due_at=None
    )
    publish(NoticesStopped(stop_id=stop.pk))
    return stop.pk


def _lock(code: str) -> None:
    """Whoever judges, stops or releases a template takes turns."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 23))", [code])
