"""Signing in to the portal: one-time codes."""

from __future__ import annotations

from django.db import models


class OneTimeCode(models.Model):
    """
    A code that was asked for under an account number, whether or not there is such an account.

    `subject` is the keyed digest of what was typed and `asked_from` that of the network address, so that limits hold
    alike for numbers that exist and numbers that do not. Only a keyed digest of the code is kept.
    """

    subject = models.BinaryField(max_length=32)
    asked_from = models.BinaryField(max_length=32)
    account = models.ForeignKey("cis.Account", models.CASCADE, null=True, blank=True, related_name="+")
    salt = models.BinaryField(max_length=16)
    digest = models.BinaryField(max_length=32)
    tries = models.SmallIntegerField(default=0)
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "cis_one_time_code"
        constraints = (models.CheckConstraint(condition=models.Q(tries__range=(0, 5)), name="code_has_five_tries"),)
        indexes = (
            models.Index(fields=["subject", "-sent_at"], name="code_of_subject"),
            models.Index(fields=["asked_from", "-sent_at"], name="code_asked_from"),
        )

    def __str__(self) -> str:
        return f"{self.pk}"
