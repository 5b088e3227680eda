"""Who looked at what is normally hidden."""

from __future__ import annotations

import pgtrigger
from django.db import models


class PersonalDataAccess(models.Model):
    """
    Somebody saw personal data without its mask: who, whose, which fields, why. Never edited, never deleted.

    `subject` names what was looked at by table and id, such as `customer:17`.
    """

    user = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    subject = models.CharField(max_length=64)
    fields = models.CharField(max_length=200)
    reason = models.TextField()
    request_id = models.CharField(max_length=64, blank=True)
    seen_at = models.DateTimeField()

    class Meta:
        db_table = "shared_personal_data_access"
        constraints = (models.CheckConstraint(condition=~models.Q(reason=""), name="access_has_a_reason"),)
        indexes = (
            models.Index(fields=["subject", "seen_at"], name="personal_data_access_of"),
            models.Index(fields=["user", "seen_at"], name="personal_data_access_by"),
        )
        triggers = (pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),)

    def __str__(self) -> str:
        return f"{self.user_id} {self.subject} {self.seen_at}"
