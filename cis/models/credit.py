"""Credit grades: what is proposed from how an account pays, and what people decided."""

from __future__ import annotations

from django.db import models


class CreditGrade(models.Model):
    """
    An account's grade beside what its paying proposes; computed nightly for those who gave a reason to.

    `grade` changes by a decision only, which a trigger asks for; "" until somebody decided, which counts as A.
    """

    account = models.OneToOneField("cis.Account", models.PROTECT, related_name="+")
    org_unit = models.ForeignKey("shared.OrgUnit", models.PROTECT, db_index=False, related_name="+")
    grade = models.CharField(max_length=1, blank=True)
    proposed = models.CharField(max_length=1)
    reasons = models.JSONField()
    """[fact, value, limit] in the order of the rule"""
    computed_on = models.DateField()

    class Meta:
        db_table = "cis_credit_grade"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(grade__in=["", "A", "B", "C", "D"]) & models.Q(proposed__in=["A", "B", "C", "D"]),
                name="credit_grade_is_known",
            ),
        )
        indexes = (models.Index(fields=["org_unit", "proposed", "account"], name="credit_grades_of_unit"),)

    def __str__(self) -> str:
        return f"{self.account_id} {self.grade or 'A'}"


class CreditDecision(models.Model):
    """What somebody decided on a proposal, with the reasons that stood before them; written once."""

    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    before = models.CharField(max_length=1)
    grade = models.CharField(max_length=1)
    proposed = models.CharField(max_length=1)
    reasons = models.JSONField()
    note = models.CharField(max_length=300)
    by = models.ForeignKey("shared.User", models.PROTECT, db_index=False, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "cis_credit_decision"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(grade__in=["A", "B", "C", "D"]) & ~models.Q(note=""),
                name="credit_decision_has_note",
            ),
        )

    def __str__(self) -> str:
        return f"{self.account_id} {self.grade}"
