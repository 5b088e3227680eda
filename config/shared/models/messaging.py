"""Words on their way to people."""

from __future__ import annotations

from django.db import models

from config.shared.personal_data import EncryptedTextField


class OutgoingMessage(models.Model):
    """
    One message to one person by one channel; `dedupe_key` makes a repeated request the same message.

    The simulator channel only keeps the message, sealed, so that a demonstration can show it.
    """

    dedupe_key = models.CharField(max_length=100, unique=True)
    channel = models.CharField(max_length=32)
    template = models.CharField(max_length=64)
    recipient = EncryptedTextField()
    body = EncryptedTextField()
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        db_table = "shared_outgoing_message"
        indexes = (models.Index(fields=["-created_at"], name="outgoing_message_newest"),)

    def __str__(self) -> str:
        return f"{self.template} {self.pk}"
