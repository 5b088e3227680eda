"""
Webhooks on their way: one message for each endpoint that hears of a fact, sent at least once, in order for an account.

A message is claimed in Postgres, posted outside any transaction, and what came of it is written down. A worker that
dies in between leaves it claimed until its lease is over; then it is sent again, under the same id.
"""

from __future__ import annotations

import logging
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from config.shared.messaging import Recipient, send
from payments.messages import WEBHOOK_SWITCHED_OFF
from payments.models import (
    ChannelClient,
    Payment,
    Reconciliation,
    Refund,
    Reversal,
    WebhookAttempt,
    WebhookEndpoint,
    WebhookKind,
    WebhookMessage,
)
from payments.operations.webhooks import body_of, stop_endpoint
from payments.signing import standard_webhook
from payments.webhook_rules import UnusableUrl, asked_wait_s, read_url, rest_s, wait_s
from payments.webhook_transport import Answer, Limits, Resolver, post, resolve

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=120)
"""longer than finding the address and one POST take together"""
DELIVERED_KEPT, DEAD_KEPT = timedelta(days=30), timedelta(days=90)
GONE = 410


@dataclass(frozen=True, slots=True)
class _Told:
    """What an event says, and of whose channel it is."""

    channel: str
    happened_at: datetime
    values: dict[str, object]


@dataclass(frozen=True, slots=True)
class _Sending:
    """One claimed message and what it takes to send it."""

    message_id: int
    claim: uuid.UUID
    number: int
    url: str
    headers: dict[str, str]
    body: bytes


# --- From a fact to messages --------------------------------------------------------------------


def fan_out(*, kind: str, document_id: int, account_id: int) -> int:
    """
    Write one message for each endpoint of the document's own client that hears of the kind; how many are new.

    Repeated, none is. What happens while an endpoint is off is kept as given up, to be replayed.
    """
    told = _DOCUMENTS[kind](document_id)
    with transaction.atomic():
        endpoints = list(
            WebhookEndpoint.objects.select_for_update(of=("self",), no_key=True)
            .filter(client__code=told.channel, kinds__contains=[kind])
            .order_by("pk")
        )
        known = set(
            WebhookMessage.objects.filter(endpoint__in=endpoints, kind=kind, document_id=document_id).values_list(
                "endpoint_id", flat=True
            )
        )
        fresh = [endpoint for endpoint in endpoints if endpoint.pk not in known]
        body = body_of(kind, told.happened_at, told.values)
        WebhookMessage.objects.bulk_create(
            WebhookMessage(
                uid=uuid.uuid4(),
                endpoint=endpoint,
                kind=kind,
                document_id=document_id,
                account_id=account_id or None,
                body=body,
                created_at=told.happened_at,
                state=WebhookMessage.State.WAITING if endpoint.is_on else WebhookMessage.State.DEAD,
                due_at=told.happened_at if endpoint.is_on else None,
                failure="" if endpoint.is_on else WebhookMessage.OFF,
                ended_at=None if endpoint.is_on else told.happened_at,
            )
            for endpoint in fresh
        )
    return len(fresh)


def _payment_booked(document_id: int) -> _Told:
    payment = Payment.objects.get(pk=document_id)
    return _Told(
        payment.channel,
        payment.received_at,
        {
            "channel_serial": payment.serial,
            "receipt_no": str(payment),
            "amount_fen": payment.amount_fen,
            "bank_date": payment.business_date.isoformat(),
        },
    )


def _payment_reversed(document_id: int) -> _Told:
    reversal = Reversal.objects.select_related("payment").get(pk=document_id)
    return _Told(
        reversal.payment.channel,
        reversal.reversed_at,
        {
            "channel_serial": reversal.payment.serial,
            "reversal_serial": reversal.serial,
            "receipt_no": str(reversal.payment),
            "amount_fen": reversal.payment.amount_fen,
            "bank_date": reversal.business_date.isoformat(),
        },
    )


def _refund_done(document_id: int) -> _Told:
    refund = Refund.objects.select_related("payment").get(pk=document_id)
    payment = refund.payment
    return _Told(
        payment.channel if payment is not None else "",
        refund.refunded_at,
        {
            "channel_serial": payment.serial if payment is not None else None,
            "refund_no": str(refund),
            "amount_fen": refund.amount_fen,
            "business_date": refund.business_date.isoformat(),
        },
    )


def _reconciliation_closed(document_id: int) -> _Told:
    run = Reconciliation.objects.get(pk=document_id)
    return _Told(
        run.channel,
        run.settled_at or run.run_at,
        {
            "bank_date": run.day.isoformat(),
            "total_fen": run.theirs_fen,
            "received_fen": run.received_fen,
            "fee_fen": run.fee_fen,
            "differences": run.differences.count(),
        },
    )


_DOCUMENTS: dict[str, Callable[[int], _Told]] = {
    WebhookKind.PAYMENT_BOOKED: _payment_booked,
    WebhookKind.PAYMENT_REVERSED: _payment_reversed,
    WebhookKind.REFUND_DONE: _refund_done,
    WebhookKind.RECONCILIATION_CLOSED: _reconciliation_closed,
}

# --- On their way -------------------------------------------------------------------------------

_NEXT = """
SELECT m.id FROM payments_webhook_message m
JOIN payments_webhook_endpoint e ON e.id = m.endpoint_id
JOIN payments_channel_client c ON c.id = e.client_id
WHERE m.state = 'waiting' AND m.due_at <= %(now)s AND e.is_on AND c.is_on
  AND (e.rest_until IS NULL OR e.rest_until <= %(now)s)
  AND NOT EXISTS (
    SELECT 1 FROM payments_webhook_message earlier
    WHERE earlier.state = 'waiting' AND earlier.endpoint_id = m.endpoint_id
      AND earlier.account_id = m.account_id AND earlier.id < m.id)
ORDER BY m.due_at, m.id
LIMIT 1
FOR UPDATE OF m SKIP LOCKED
"""


def send_next(*, now: datetime, resolver: Resolver = resolve) -> bool:
    """Send the next message that is due; False when none is."""
    sending = _claim(now)
    if sending is None:
        return False
    _settle(sending, _post(sending, resolver), now)
    return True


def _claim(now: datetime) -> _Sending | None:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_NEXT, {"now": now})
            row = cursor.fetchone()
        if row is None:
            return None
        message = WebhookMessage.objects.select_related("endpoint").get(pk=row[0])
        endpoint = message.endpoint
        claim = uuid.uuid4()
        message.claim, message.due_at, message.attempts = claim, now + LEASE, message.attempts + 1
        message.save(update_fields=["claim", "due_at", "attempts"])
        number = message.tries.count() + 1
        WebhookAttempt.objects.create(message=message, number=number, started_at=now)
    live = [endpoint.secret]
    if endpoint.old_until is not None and endpoint.old_until > now:
        live.append(endpoint.old_secret)
    body, timestamp = message.body.encode(), int(now.timestamp())
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "dayingxiao-webhooks/1",
        "webhook-id": str(message),
        "webhook-timestamp": str(timestamp),
        "webhook-signature": standard_webhook.sign(live, message_id=str(message), timestamp=timestamp, body=body),
    }
    return _Sending(message.pk, claim, number, endpoint.url, headers, body)


def _post(sending: _Sending, resolver: Resolver) -> Answer:
    near = settings.WEBHOOK_NEAR
    try:
        target = read_url(sending.url, ports=settings.WEBHOOK_PORTS, may_be_plain=settings.WEBHOOK_PLAIN, near=near)
    except UnusableUrl:
        # It was usable under the settings of the day on which it was written down.
        return Answer(None, "address-refused")
    limits = Limits(near=near, ca_file=settings.WEBHOOK_CA_FILE, timeout_s=settings.WEBHOOK_TIMEOUT_S)
    return post(target, headers=sending.headers, body=sending.body, limits=limits, resolver=resolver)


def _settle(sending: _Sending, answer: Answer, now: datetime) -> None:
    """Write down what came of a try, unless somebody else has the message by now."""
    log.info(
        "webhook tried",
        extra={"webhook": sending.message_id, "number": sending.number, "status": answer.status, "why": answer.failure},
    )
    with transaction.atomic():
        endpoint = WebhookEndpoint.objects.select_for_update(of=("self",)).get(messages=sending.message_id)
        message = WebhookMessage.objects.select_for_update().get(pk=sending.message_id)
        message.tries.filter(number=sending.number).update(ended_at=now, status=answer.status, failure=answer.failure)
        if message.claim != sending.claim:
            return
        message.claim, message.status, message.failure = None, answer.status, answer.failure
        if not answer.failure:
            message.state, message.due_at, message.ended_at = WebhookMessage.State.DELIVERED, None, now
            message.save()
            if endpoint.failures:
                endpoint.failures, endpoint.failing_since, endpoint.rest_until = 0, None, None
                endpoint.save(update_fields=["failures", "failing_since", "rest_until"])
            return
        _note_failure(endpoint, message, answer, now)


def _note_failure(endpoint: WebhookEndpoint, message: WebhookMessage, answer: Answer, now: datetime) -> None:
    asked = asked_wait_s(answer.retry_after, at=now)
    wait = wait_s(
        message.attempts,
        schedule=settings.WEBHOOK_RETRY_S,
        jitter=settings.WEBHOOK_JITTER,
        draw=random.random(),  # noqa: S311 - spreads tries, protects nothing
    )
    if wait is None or answer.status == GONE:
        message.state, message.due_at, message.ended_at = WebhookMessage.State.DEAD, None, now
    else:
        message.due_at = now + timedelta(seconds=max(wait, asked))
    message.save()
    endpoint.failures += 1
    endpoint.failing_since = endpoint.failing_since or now
    endpoint.rest_until = now + timedelta(seconds=max(rest_s(endpoint.failures), asked))
    endpoint.save(update_fields=["failures", "failing_since", "rest_until"])
    if answer.status == GONE:
        _give_up(endpoint, WebhookEndpoint.OffReason.GONE, now)
    elif endpoint.failing_since <= now - timedelta(days=settings.WEBHOOK_OFF_AFTER_DAYS):
        _give_up(endpoint, WebhookEndpoint.OffReason.FAILING, now)


def _give_up(endpoint: WebhookEndpoint, why: WebhookEndpoint.OffReason, now: datetime) -> None:
    """Switch off an endpoint that takes nothing, and tell its owner."""
    stop_endpoint(endpoint, why, at=now)
    client = ChannelClient.objects.get(pk=endpoint.client_id)
    language = "en" if endpoint.owner.language == "en" else "zh-hans"
    with override(language):
        parameters = {"client": client.name, "url": endpoint.url, "why": _(why.label)}
        send(
            template=WEBHOOK_SWITCHED_OFF.code,
            to=Recipient(user_id=endpoint.owner_id, language=language),
            parameters=parameters,
            dedupe_key=f"webhook-off:{endpoint.pk}:{now.isoformat()}",
            at=now,
        )


def forget_messages(*, at: datetime) -> int:
    """Forget what was delivered a month ago and what was given up three months ago; how many messages."""
    gone = 0
    for state, kept in (
        (WebhookMessage.State.DELIVERED, DELIVERED_KEPT),
        (WebhookMessage.State.DEAD, DEAD_KEPT),
    ):
        old = WebhookMessage.objects.filter(state=state, ended_at__lt=at - kept)
        WebhookAttempt.objects.filter(message__in=old.values("pk")).delete()
        gone += old.delete()[0]
    return gone
