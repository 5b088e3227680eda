"""Who looked: at whose record, and at what is normally hidden. Written only; nobody edits what they have seen."""

from __future__ import annotations

import pgtrigger
from django.contrib.postgres.indexes import BrinIndex
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


class Look(models.Model):
    """
    Somebody of the staff opened a record with its masks on: who, in which role, from which hall, whose, which page.

    One row a page, written by one INSERT; `subject` is such as `account:17`, `page` and `came_from` are names of
    addresses. The application may insert and read, no more; rows leave by `shared_prune_looks` when they are older
    than the setting says, never before half a year (migration 0005).
    """

    user = models.ForeignKey("shared.User", models.PROTECT, db_index=False, related_name="+")
    org_unit = models.ForeignKey(
        "shared.OrgUnit", models.PROTECT, null=True, blank=True, db_index=False, related_name="+"
    )
    role = models.CharField(max_length=64, blank=True)
    subject = models.CharField(max_length=40)
    page = models.CharField(max_length=64)
    came_from = models.CharField(max_length=64, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    looked_at = models.DateTimeField()

    class Meta:
        db_table = "shared_look"
        indexes = (
            models.Index(fields=["subject", "-looked_at"], name="look_of_subject"),
            models.Index(fields=["user", "-looked_at"], name="look_by_user"),
            BrinIndex(fields=["looked_at"], name="look_by_time"),
        )

    def __str__(self) -> str:
        return f"{self.user_id} {self.subject} {self.looked_at}"


class LookQuestion(models.Model):
    """
    A customer asks why somebody looked at their record; an auditor answers.

    `about_user` and `about_at` name the look; one question a look.
    """

    asked_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    subject = models.CharField(max_length=40)
    about_user = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    about_at = models.DateTimeField()
    text = models.CharField(max_length=500)
    asked_at = models.DateTimeField()
    answer = models.CharField(max_length=1000, blank=True)
    answered_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "shared_look_question"
        constraints = (
            models.UniqueConstraint(fields=["subject", "about_user", "about_at"], name="asked_about_once"),
            models.CheckConstraint(condition=~models.Q(text=""), name="question_says_something"),
            models.CheckConstraint(
                condition=models.Q(answer="", answered_by__isnull=True, answered_at__isnull=True)
                | ~models.Q(answer="") & models.Q(answered_by__isnull=False, answered_at__isnull=False),
                name="answer_has_an_author",
            ),
            models.CheckConstraint(
                condition=models.Q(answered_by__isnull=True) | ~models.Q(answered_by=models.F("about_user")),
                name="answered_by_somebody_else",
            ),
        )
        indexes = (models.Index(fields=["asked_at"], name="look_question_open", condition=models.Q(answer="")),)

    def __str__(self) -> str:
        return f"{self.subject} {self.about_user_id} {self.asked_at}"
