"""
Sending what waits: claim in Postgres, call the provider outside any transaction, write down what it said.

Never twice: before the call the row says that an attempt runs and under which key. Whoever finds a row whose attempt
never came to an end (the worker died, the provider fell silent) asks the provider for it first, and repeats it under
the same key only when the provider does not have it. Where a channel cannot be asked, a person decides.
"""

from __future__ import annotations

import json
import logging
import uuid
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils.translation import gettext as _

from config.shared.errors import Refused
from config.shared.messaging import limits, templates
from config.shared.messaging.channels import CHANNELS
from config.shared.messaging.channels.base import Answer, Envelope, Outcome
from config.shared.messaging.quiet import after_quiet
from config.shared.messaging.sending import nudge, nudge_after_commit
from config.shared.models import Message, MessageAttempt, ReceiptNonce
from config.shared.personal_data import blind_index

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
"""longer than a provider may take to answer"""
MAX_ATTEMPTS = 8
_FIRST_RETRY = timedelta(seconds=5)
_LONGEST_RETRY = timedelta(minutes=30)
_NONCES_KEPT = timedelta(days=1)

_NEXT = """
SELECT id FROM shared_message
WHERE state IN ('waiting', 'sending') AND due_at <= %s
ORDER BY is_urgent DESC, due_at
LIMIT 1
FOR UPDATE SKIP LOCKED
"""


class CannotRetry(Refused):
    """The message is on its way or gone, or its words are erased."""

    code = "cannot-retry"


def send_next(*, now: datetime) -> bool:
    """Look at the next message that is due and send it if it may go; False when nothing is due."""
    claimed = _claim(now=now)
    if isinstance(claimed, Message):
        _work(claimed, now=now)
    return claimed is not None


def sweep(*, now: datetime) -> None:
    """Ring for what is due and nobody was told of; erase the secrets of what is too old to be sent."""
    if Message.objects.filter(state__in=Message.UNFINISHED, due_at__lte=now).exists():
        nudge()
    codes = [code for code, form in templates.TEMPLATES.items() if form.secrets]
    # One that runs or whose outcome is unknown ends in `_finish` and is erased there.
    too_old = Message.objects.filter(
        template__in=codes, erased_at=None, expires_at__lte=now, attempt_key=None, state=Message.State.WAITING
    )
    for message in too_old[:500]:
        _give_up_expired(message.pk, now=now)
    ReceiptNonce.objects.filter(taken_at__lt=now - _NONCES_KEPT).delete()


def retry(*, message_id: int, at: datetime) -> None:
    """
    Send a lost message once more, with fresh attempts; a person decided it.

    :raises CannotRetry: it is not lost, or what it said is erased
    """
    with transaction.atomic():
        message = Message.objects.select_for_update().filter(pk=message_id).first()
        if message is None or message.state not in Message.LOST:
            raise CannotRetry(_("这条消息不在未送达之列，不用重发。请刷新后再看。"))
        if message.erased_at is not None:
            raise CannotRetry(_("验证码已经失效并清除，不能重发。请客户重新获取。"))
        message.state, message.attempts, message.attempt_key = Message.State.WAITING, 0, None
        message.due_at, message.failure, message.failed_at, message.sent_at = at, "", None, None
        message.expires_at = at + templates.get(message.template).lasts
        message.stop = None
        if CHANNELS[message.channel].is_immediate:
            message.state, message.due_at = Message.State.DELIVERED, None
            message.sent_at = message.delivered_at = at
        message.save()
        nudge_after_commit()


def _claim(*, now: datetime) -> Message | int | None:
    """The next message to work on, claimed; its id alone when looking at it was all; None when nothing is due."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_NEXT, [now])
            row = cursor.fetchone()
        if row is None:
            return None
        message = Message.objects.get(pk=row[0])
        if message.attempt_key is None:
            if message.expires_at <= now:
                _finish(message, Message.State.GIVEN_UP, "expired", now=now)
                return message.pk
            may_go = limits.free_at(message, now=now)
            if CHANNELS[message.channel].rings and not message.is_urgent:
                may_go = after_quiet(may_go)
            if may_go > now:
                message.state, message.due_at = Message.State.WAITING, may_go
                if may_go >= message.expires_at:
                    _finish(message, Message.State.GIVEN_UP, "limited", now=now)
                message.save(update_fields=["state", "due_at"])
                return message.pk
            if message.attempts >= MAX_ATTEMPTS:
                _finish(message, Message.State.GIVEN_UP, "too-many-attempts", now=now)
                return message.pk
        message.claim, message.due_at, message.state = uuid.uuid4(), now + LEASE, Message.State.SENDING
        if message.attempt_key is None:
            _begin_sending(message, now=now)
        else:
            # An attempt that never came to an end.
            message.tries.filter(outcome="").update(outcome=MessageAttempt.Outcome.UNKNOWN, ended_at=now)
        message.save()
    return message


def _begin_sending(message: Message, *, now: datetime, key: uuid.UUID | None = None) -> None:
    """Write down that an attempt runs; `sent_at` already counts against the limits."""
    message.attempt_key, message.sent_at = key or uuid.uuid4(), now
    message.attempts += 1
    _note(message, now=now, is_look_up=False)


def _note(message: Message, *, now: datetime, is_look_up: bool) -> None:
    number = message.tries.count() + 1
    MessageAttempt.objects.create(message=message, number=number, is_look_up=is_look_up, started_at=now)


def _work(message: Message, *, now: datetime) -> None:
    """One claimed message: send it, or find out what became of the attempt nobody finished."""
    channel = CHANNELS[message.channel]
    last = message.tries.order_by("-number").first()
    is_fresh = last is not None and not last.is_look_up and last.outcome == ""
    if is_fresh:
        answer = channel.send(envelope_of(message, now=now))
        _settle(message, answer, now=now)
        return
    if not channel.can_look_up:
        _settle(message, Answer(Outcome.REFUSED, code="outcome-unknown"), now=now)
        return
    with transaction.atomic():
        _note(message, now=now, is_look_up=True)
    answer = channel.look_up(envelope_of(message, now=now))
    if answer.outcome is not Outcome.NOT_FOUND or not _repeats(message, now=now):
        _settle(message, answer, now=now)
        return
    _settle(message, channel.send(envelope_of(message, now=now)), now=now)


def _repeats(message: Message, *, now: datetime) -> bool:
    """The provider does not have it: begin the same attempt again, if it may still go."""
    if message.expires_at <= now or message.attempts >= MAX_ATTEMPTS:
        return False
    with transaction.atomic():
        held = Message.objects.select_for_update().get(pk=message.pk)
        if held.claim != message.claim or held.state != Message.State.SENDING:
            return False
        message.tries.filter(outcome="").update(outcome=MessageAttempt.Outcome.NOT_FOUND, ended_at=now)
        _begin_sending(message, now=now, key=message.attempt_key)
        message.save(update_fields=["attempt_key", "sent_at", "attempts"])
    return True


def _settle(claimed: Message, answer: Answer, *, now: datetime) -> None:
    """Write down what the provider said, unless somebody else has taken the message over or a receipt came first."""
    log.info(
        "message tried",
        extra={"message_id": claimed.pk, "template": claimed.template, "outcome": answer.outcome, "code": answer.code},
    )
    with transaction.atomic():
        message = Message.objects.select_for_update().get(pk=claimed.pk)
        message.tries.filter(outcome="").update(outcome=answer.outcome, answer=answer.code[:200], ended_at=now)
        if answer.provider_id and not message.provider_id:
            message.provider_id = answer.provider_id
            message.save(update_fields=["provider_id"])
        if message.claim != claimed.claim or message.state != Message.State.SENDING:
            return
        if answer.outcome is Outcome.ACCEPTED:
            _finish(message, Message.State.SENT, "", now=now)
        elif answer.outcome is Outcome.REFUSED:
            _finish(message, Message.State.FAILED, answer.code or "refused", now=now)
        elif answer.outcome is Outcome.UNKNOWN:
            # The key stays: it is asked for before anything is sent again.
            message.due_at = now + max(CHANNELS[message.channel].look_up_after, _back_off(message.attempts) / 2)
            message.save(update_fields=["due_at"])
        else:
            message.attempt_key, message.claim, message.sent_at = None, None, None
            message.state = Message.State.WAITING
            message.due_at = now + (answer.wait or _back_off(message.attempts))
            message.save()
            if message.attempts >= MAX_ATTEMPTS:
                _finish(message, Message.State.GIVEN_UP, answer.code or "too-many-attempts", now=now)
            elif message.due_at >= message.expires_at:
                _finish(message, Message.State.GIVEN_UP, answer.code or "expired", now=now)


def end(message: Message, state: Message.State, *, now: datetime, failure: str = "") -> None:
    """A provider says what became of a message; the caller holds its row."""
    _finish(message, state, failure, now=now)


def _give_up_expired(message_id: int, *, now: datetime) -> None:
    with transaction.atomic():
        message = Message.objects.select_for_update(skip_locked=True).filter(pk=message_id).first()
        if message is not None and message.state == Message.State.WAITING and message.expires_at <= now:
            _finish(message, Message.State.GIVEN_UP, "expired", now=now)


def _finish(message: Message, state: Message.State, failure: str, *, now: datetime) -> None:
    """Nothing more is tried: take the next way where this one is lost, then erase what nobody may keep."""
    message.state, message.due_at, message.claim, message.attempt_key = state, None, None, None
    if state in Message.LOST:
        message.failure, message.failed_at = failure[:64], now
        _take_another_way(message, now=now)
    form = templates.TEMPLATES.get(message.template)
    if form is not None and form.secrets and message.erased_at is None:
        kept = {name: value for name, value in json.loads(message.parameters).items() if name not in form.secrets}
        message.parameters, message.erased_at = json.dumps(kept, ensure_ascii=False), now
    message.save()


def _take_another_way(message: Message, *, now: datetime) -> None:
    """The next channel of the template, as a message of its own; its key makes it one, however often this is lost."""
    others = json.loads(message.alternatives) if message.alternatives else []
    if not others or message.expires_at <= now or message.failure == "outcome-unknown":
        return
    (name, address), rest = others[0], others[1:]
    channel = CHANNELS[name]
    is_here = channel.is_immediate
    Message.objects.bulk_create(
        [
            Message(
                dedupe_key=f"{message.dedupe_key}>{name}"[:150],
                template=message.template,
                kind=message.kind,
                language=message.language,
                channel=name,
                is_urgent=message.is_urgent,
                recipient="" if is_here else address,
                recipient_index=blind_index(address),
                alternatives=json.dumps(rest, ensure_ascii=False) if rest else "",
                user_id=int(address.removeprefix("user:")) if is_here else None,
                account_id=message.account_id,
                parameters=message.parameters,
                state=Message.State.DELIVERED if is_here else Message.State.WAITING,
                created_at=now,
                not_before=now,
                expires_at=message.expires_at,
                due_at=None if is_here or channel.is_by_hand else now,
                sent_at=now if is_here else None,
                delivered_at=now if is_here else None,
                instead_of=message,
            )
        ],
        ignore_conflicts=True,
    )
    nudge_after_commit()


def _back_off(attempts: int) -> timedelta:
    doublings = max(attempts - 1, 0)
    return min(_FIRST_RETRY * (1 << doublings), _LONGEST_RETRY)


def envelope_of(message: Message, *, now: datetime) -> Envelope:
    """The message as its channel sees it."""
    parameters = json.loads(message.parameters)
    subject, text = templates.get(message.template).render(message.language, parameters)
    return Envelope(
        uid=message.uid,
        attempt_key=message.attempt_key or uuid.uuid4(),
        recipient=message.recipient,
        template=message.template,
        language=message.language,
        subject=subject,
        text=text,
        parameters=parameters,
        at=now,
        tried_at=message.sent_at or now,
    )
