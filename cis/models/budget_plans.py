"""Equal monthly amounts for a year (均衡交费), settled once."""

from __future__ import annotations

from django.db import models


class BudgetPlan(models.Model):
    """
    A signed plan: so much on each of twelve days, bills that fall due meanwhile are not chased, then one settlement.

    Only `state`, `ended_on`, `settle_due_on`, `billed_fen` and `paid_fen` may change, and only from kept.
    """

    class State(models.TextChoices):
        """How it stands; the last two are never left."""

        KEPT = "kept", "履行中"
        SETTLED = "settled", "已清算"
        BROKEN = "broken", "已违约终止"

    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    monthly_fen = models.BigIntegerField()
    signed_on = models.DateField()
    first_due_on = models.DateField()
    last_due_on = models.DateField()
    evidence = models.CharField(max_length=200)
    state = models.CharField(max_length=8, choices=State.choices, default=State.KEPT)
    made_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    ended_on = models.DateField(null=True, blank=True)
    settle_due_on = models.DateField(null=True, blank=True)
    """until when the difference is to be paid"""
    billed_fen = models.BigIntegerField(null=True, blank=True)
    paid_fen = models.BigIntegerField(null=True, blank=True)

    class Meta:
        db_table = "cis_budget_plan"
        constraints = (
            models.UniqueConstraint(
                fields=["account"], name="one_budget_plan_at_a_time", condition=models.Q(state="kept")
            ),
            models.CheckConstraint(
                condition=models.Q(monthly_fen__gt=0)
                & ~models.Q(evidence="")
                & models.Q(first_due_on__gt=models.F("signed_on"))
                & models.Q(last_due_on__gt=models.F("first_due_on")),
                name="budget_plan_has_amount_and_evidence",
            ),
            models.CheckConstraint(
                condition=models.Q(state="kept", ended_on__isnull=True)
                | models.Q(state="broken", ended_on__isnull=False)
                | models.Q(
                    state="settled",
                    ended_on__isnull=False,
                    settle_due_on__isnull=False,
                    billed_fen__isnull=False,
                    paid_fen__isnull=False,
                ),
                name="settled_plan_has_its_sums",
            ),
        )

    def __str__(self) -> str:
        return f"{self.account_id} {self.signed_on}"
