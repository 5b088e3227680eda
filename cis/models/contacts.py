"""What customers told us: a contact is written down once and answered once."""

from __future__ import annotations

from django.db import models


class Contact(models.Model):
    """Somebody reported or asked something, about one account or none; it is open until it is answered."""

    class Kind(models.TextChoices):
        """What it is about."""

        FAULT = "fault", "报修"
        QUESTION = "question", "咨询"

    class Channel(models.TextChoices):
        """How it came in."""

        PORTAL = "portal", "网上营业厅"
        TELEPHONE = "telephone", "电话"
        COUNTER = "counter", "营业厅"

    account = models.ForeignKey("cis.Account", models.PROTECT, null=True, blank=True, related_name="+")
    user = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    channel = models.CharField(max_length=16, choices=Channel.choices)
    text = models.TextField()
    form_key = models.CharField(max_length=64, unique=True)
    told_at = models.DateTimeField()
    answer = models.TextField(blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        db_table = "cis_contact"
        constraints = (
            models.CheckConstraint(condition=~models.Q(text=""), name="contact_says_something"),
            models.CheckConstraint(
                condition=models.Q(answered_at__isnull=True, answer="", answered_by__isnull=True)
                | (models.Q(answered_at__isnull=False, answered_by__isnull=False) & ~models.Q(answer="")),
                name="contact_is_answered_whole",
            ),
        )
        indexes = (
            models.Index(fields=["account", "-told_at"], name="contacts_of_account"),
            models.Index(fields=["user", "-told_at"], name="contacts_of_user"),
        )

    def __str__(self) -> str:
        return f"{self.pk} {self.kind}"
