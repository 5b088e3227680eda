"""Facts on their way out: one row an event, one row a delivery."""

from __future__ import annotations

from django.db import models


class OutboxEvent(models.Model):
    """Something that happened, written in the transaction in which it happened."""

    name = models.CharField(max_length=100)
    key = models.CharField(max_length=100)
    payload = models.JSONField()
    request_id = models.CharField(max_length=64, blank=True)
    published_at = models.DateTimeField()

    class Meta:
        db_table = "shared_outbox_event"
        indexes = (models.Index(fields=["published_at"], name="outbox_event_published"),)

    def __str__(self) -> str:
        return f"{self.name} {self.key} {self.pk}"


class OutboxDelivery(models.Model):
    """One event for one handler: delivered at least once, in order and one at a time per key."""

    class State(models.TextChoices):
        """Where the delivery stands."""

        WAITING = "waiting", "等待"
        DELIVERED = "delivered", "已送达"
        DEAD = "dead", "已放弃"

    event = models.ForeignKey(OutboxEvent, models.CASCADE, related_name="deliveries")
    handler = models.CharField(max_length=200)
    key = models.CharField(max_length=100)
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    attempts = models.SmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        db_table = "shared_outbox_delivery"
        constraints = (models.UniqueConstraint(fields=["event", "handler"], name="outbox_delivery_once"),)
        indexes = (
            models.Index(
                fields=["handler", "key", "event"],
                name="outbox_delivery_waiting",
                condition=models.Q(state="waiting"),
            ),
        )

    def __str__(self) -> str:
        return f"{self.event_id} to {self.handler}"
