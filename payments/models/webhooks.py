"""
What connected clients are told by webhook: where to, what of, and every message until it arrived or was given up.

A message is about one client's own payments or days. Messages of one account reach an endpoint one after another.
"""

from __future__ import annotations

from typing import ClassVar

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.db import models

from config.shared.personal_data import EncryptedTextField
from payments.models.channels import ChannelClient


class WebhookKind(models.TextChoices):
    """What a client may be told of; `endpoint.test` goes to whoever asks for it."""

    PAYMENT_BOOKED = "payment.booked", "缴费入账"
    PAYMENT_REVERSED = "payment.reversed", "缴费冲正"
    REFUND_DONE = "refund.done", "退费完成"
    RECONCILIATION_CLOSED = "reconciliation.closed", "对账结清"
    TEST = "endpoint.test", "测试事件"


OFFERED_KINDS: tuple[str, ...] = tuple(kind for kind in WebhookKind.values if kind != WebhookKind.TEST)


@pghistory.track(exclude=["secret", "old_secret", "failures", "failing_since", "rest_until"])
class WebhookEndpoint(models.Model):
    """
    An address of a client to which its events go, signed with `secret` and, until `old_until`, the one before it.

    `failing_since`: no try has succeeded from then on, `failures` of them one after another; until `rest_until` it is
    left alone.
    """

    class OffReason(models.TextChoices):
        """Why nothing is sent to it."""

        PERSON = "person", "人工停用"
        GONE = "gone", "对方答复 410，不再接收"
        FAILING = "failing", "连续多天送不到"

    client = models.ForeignKey(ChannelClient, models.PROTECT, related_name="+")
    url = models.CharField(max_length=500)
    kinds = ArrayField(models.CharField(max_length=32, choices=WebhookKind.choices))
    secret = EncryptedTextField()
    old_secret = EncryptedTextField(blank=True, default="")
    old_until = models.DateTimeField(null=True, blank=True)
    is_on = models.BooleanField(default=True)
    off_reason = models.CharField(max_length=16, choices=OffReason.choices, blank=True, default="")
    off_at = models.DateTimeField(null=True, blank=True)
    failures = models.IntegerField(default=0)
    failing_since = models.DateTimeField(null=True, blank=True)
    rest_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    owner = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    """who made it, and is told when it is switched off"""

    class Meta:
        db_table = "payments_webhook_endpoint"
        constraints = (
            models.UniqueConstraint(fields=["client", "url"], name="webhook_url_once"),
            models.CheckConstraint(
                condition=models.Q(kinds__len__gt=0) & models.Q(kinds__contained_by=list(OFFERED_KINDS)),
                name="webhook_kinds_are_offered",
            ),
            models.CheckConstraint(condition=~models.Q(secret=""), name="webhook_has_a_secret"),
            models.CheckConstraint(
                condition=models.Q(old_secret="", old_until__isnull=True)
                | (~models.Q(old_secret="") & models.Q(old_until__isnull=False)),
                name="old_webhook_secret_ends",
            ),
            models.CheckConstraint(
                condition=models.Q(is_on=True, off_reason="", off_at__isnull=True)
                | (models.Q(is_on=False, off_at__isnull=False) & ~models.Q(off_reason="")),
                name="webhook_is_off_for_a_reason",
            ),
            models.CheckConstraint(
                condition=models.Q(failures=0, failing_since__isnull=True)
                | models.Q(failures__gt=0, failing_since__isnull=False),
                name="webhook_fails_since_then",
            ),
        )

    def __str__(self) -> str:
        return self.url


class WebhookMessage(models.Model):
    """
    One event for one endpoint; its `uid` is the webhook-id of every try, its `body` is sent byte for byte.

    `account_id` orders it: an earlier one of the same account and endpoint that waits comes first. While it is being
    sent it waits too: `claim` says by which worker, `due_at` until when nobody else takes it.
    """

    class State(models.TextChoices):
        """Where it stands."""

        WAITING = "waiting", "等待"
        DELIVERED = "delivered", "已送达"
        DEAD = "dead", "已放弃"

    OFF: ClassVar = "endpoint-off"
    """the failure of what happened while its endpoint was off"""

    uid = models.UUIDField(unique=True)
    endpoint = models.ForeignKey(WebhookEndpoint, models.PROTECT, db_index=False, related_name="messages")
    kind = models.CharField(max_length=32, choices=WebhookKind.choices)
    document_id = models.BigIntegerField()
    account_id = models.BigIntegerField(null=True, blank=True)
    body = models.TextField()
    created_at = models.DateTimeField()
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    attempts = models.SmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True, blank=True)
    claim = models.UUIDField(null=True, blank=True)
    status = models.SmallIntegerField(null=True, blank=True)
    failure = models.CharField(max_length=32, blank=True, default="")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "payments_webhook_message"
        constraints = (
            models.UniqueConstraint(
                fields=["endpoint", "kind", "document_id"],
                condition=~models.Q(kind="endpoint.test"),
                name="webhook_event_once",
            ),
            models.CheckConstraint(
                condition=models.Q(state="waiting", due_at__isnull=False, ended_at__isnull=True)
                | (
                    ~models.Q(state="waiting")
                    & models.Q(due_at__isnull=True, claim__isnull=True, ended_at__isnull=False)
                ),
                name="webhook_message_ends_once",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="delivered") | models.Q(failure=""), name="webhook_delivered_without_fault"
            ),
        )
        indexes = (
            models.Index(fields=["due_at"], condition=models.Q(state="waiting"), name="webhook_due"),
            models.Index(
                fields=["endpoint", "account_id", "id"], condition=models.Q(state="waiting"), name="webhook_in_order"
            ),
            models.Index(fields=["endpoint", "-id"], name="webhook_of_endpoint"),
            models.Index(fields=["ended_at"], condition=~models.Q(state="waiting"), name="webhook_ended"),
        )

    def __str__(self) -> str:
        return f"msg_{self.uid.hex}"


class WebhookAttempt(models.Model):
    """One try: written before it begins, so that one whose worker died stands there without an end."""

    pk = models.CompositePrimaryKey("message_id", "number")
    message = models.ForeignKey(WebhookMessage, models.CASCADE, db_index=False, related_name="tries")
    number = models.SmallIntegerField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    status = models.SmallIntegerField(null=True, blank=True)
    failure = models.CharField(max_length=32, blank=True, default="")

    class Meta:
        db_table = "payments_webhook_attempt"

    def __str__(self) -> str:
        return f"{self.message_id}/{self.number}"
