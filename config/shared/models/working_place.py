"""What a person's working place remembers: forms that were not sent, open customers, columns of tables."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from config.shared.personal_data import EncryptedTextField


class Draft(models.Model):
    """
    What somebody typed into a form and has not sent: one row for each person, form and subject, sealed.

    `content` is a JSON object of field names and lists of texts; `address` is the page that shows the form. `is_sent`
    when the form was sent after the session had ended, so that nothing of it was done.
    """

    user = models.ForeignKey("shared.User", models.CASCADE, related_name="+")
    form = models.CharField(max_length=64)
    subject = models.CharField(max_length=64, blank=True)
    address = models.CharField(max_length=500)
    content = EncryptedTextField()
    is_sent = models.BooleanField(default=False)
    saved_at = models.DateTimeField()

    class Meta:
        db_table = "shared_draft"
        constraints = (models.UniqueConstraint(fields=["user", "form", "subject"], name="one_draft_per_form"),)
        indexes = (models.Index(fields=["saved_at"], name="draft_by_age"),)

    def __str__(self) -> str:
        return f"{self.user_id} {self.form} {self.subject}"


class ServedCustomer(models.Model):
    """
    A customer somebody serves or served lately: `place` 1 to 9 while it is open as a tab, none after it was closed.

    `subject` is the account number; `label` is what the tab says, as of the last look.
    """

    user = models.ForeignKey("shared.User", models.CASCADE, related_name="+")
    subject = models.CharField(max_length=32)
    label = models.CharField(max_length=200)
    place = models.SmallIntegerField(null=True, blank=True)
    seen_at = models.DateTimeField()

    class Meta:
        db_table = "shared_served_customer"
        constraints = (
            models.UniqueConstraint(fields=["user", "subject"], name="served_customer_once"),
            # Compared at the end of the transaction: one statement moves two customers.
            models.UniqueConstraint(
                fields=["user", "place"], name="one_customer_per_place", deferrable=models.Deferrable.DEFERRED
            ),
            models.CheckConstraint(
                condition=models.Q(place__isnull=True) | models.Q(place__range=(1, 9)), name="nine_places"
            ),
        )
        indexes = (models.Index(fields=["user", "-seen_at"], name="served_customer_newest"),)

    def __str__(self) -> str:
        return f"{self.user_id} {self.subject}"


class TableChoice(models.Model):
    """Which columns of one table a person wants to see, and in what order its rows."""

    user = models.ForeignKey("shared.User", models.CASCADE, related_name="+")
    table = models.CharField(max_length=64)
    columns = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    sort = models.CharField(max_length=41, blank=True)

    class Meta:
        db_table = "shared_table_choice"
        constraints = (models.UniqueConstraint(fields=["user", "table"], name="one_choice_per_table"),)

    def __str__(self) -> str:
        return f"{self.user_id} {self.table}"
