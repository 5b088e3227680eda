"""The keys that sign receipts: one signs, all that ever signed stay known, so that old paper stays good."""

from __future__ import annotations

from django.db import models

from config.shared.personal_data import EncryptedTextField


class ReceiptKey(models.Model):
    """
    A key pair (Ed25519, base64url) of the utility's own; never deleted, its public half never changed.

    One signs at a time. A retired one forgets its private half. A withdrawn one is believed no more: somebody else may
    have had it.
    """

    key_id = models.CharField(max_length=8, unique=True)
    public_key = models.CharField(max_length=43)
    private_key = EncryptedTextField(blank=True)
    made_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=200, blank=True, default="")
    """why it was withdrawn"""

    class Meta:
        db_table = "payments_receipt_key"
        constraints = (
            models.UniqueConstraint(
                fields=["retired_at"],
                condition=models.Q(retired_at__isnull=True),
                nulls_distinct=False,
                name="one_receipt_key_signs",
            ),
            models.CheckConstraint(
                condition=models.Q(retired_at__isnull=True) & ~models.Q(private_key="")
                | models.Q(retired_at__isnull=False, private_key=""),
                name="receipt_key_that_signs_has_its_half",
            ),
            models.CheckConstraint(
                condition=models.Q(withdrawn_at__isnull=True, reason="")
                | models.Q(withdrawn_at__isnull=False, retired_at__isnull=False) & ~models.Q(reason=""),
                name="withdrawn_receipt_key_has_reason",
            ),
        )

    def __str__(self) -> str:
        return self.key_id
