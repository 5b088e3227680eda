"""Which tier an account is in, why, and what a person decided otherwise for some time."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models


class TierRun(models.Model):
    """One application of the rules to all accounts; `limits` are the thresholds it was made with."""

    job = models.OneToOneField("shared.Job", models.PROTECT, related_name="+")
    limits = models.JSONField()
    created_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        db_table = "crm_tier_run"

    def __str__(self) -> str:
        return f"{self.pk} {self.created_at}"


class AccountTier(models.Model):
    """
    The tier of an account: what the rules say (`rule_tier`) and what holds (`tier`, by an override or by the rules).

    `reason` is the rule that decided (see `crm.tiering`), `evidence` the figures it decided on.
    """

    account = models.OneToOneField("cis.Account", models.CASCADE, primary_key=True, related_name="+")
    tier = models.CharField(max_length=16)
    rule_tier = models.CharField(max_length=16)
    reason = models.CharField(max_length=32)
    evidence = models.JSONField(default=dict)
    decided_at = models.DateTimeField()

    class Meta:
        db_table = "crm_account_tier"
        indexes = (models.Index(fields=["tier", "account"], name="accounts_of_tier"),)

    def __str__(self) -> str:
        return f"{self.account_id} {self.tier}"


class TierOverride(models.Model):
    """A person put an account into a tier for a reason, for some days; at most one holds at a time."""

    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    tier = models.CharField(max_length=16)
    reason = models.CharField(max_length=500)
    valid = DateRangeField()
    set_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    set_at = models.DateTimeField()
    ended_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "crm_tier_override"
        constraints = (
            ExclusionConstraint(
                name="one_override_at_a_time",
                expressions=[("account", RangeOperators.EQUAL), ("valid", RangeOperators.OVERLAPS)],
                condition=models.Q(ended_at__isnull=True),
            ),
            models.CheckConstraint(condition=~models.Q(reason=""), name="override_has_reason"),
            models.CheckConstraint(
                condition=models.Q(valid__isempty=False)
                & models.Q(valid__lower_inf=False)
                & models.Q(valid__upper_inf=False),
                name="override_runs_out",
            ),
        )

    def __str__(self) -> str:
        return f"{self.account_id} {self.tier} {self.valid}"


class TierChange(models.Model):
    """An account moved from one tier to another; written once, never changed. Empty `from_tier`: its first tier."""

    class Because(models.TextChoices):
        """What moved it."""

        RULES = "rules", "规则"
        OVERRIDE = "override", "人工调整"
        OVERRIDE_ENDED = "override-ended", "人工调整结束"

    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    from_tier = models.CharField(max_length=16, blank=True)
    to_tier = models.CharField(max_length=16)
    because = models.CharField(max_length=16, choices=Because.choices)
    run = models.ForeignKey(TierRun, models.PROTECT, null=True, blank=True, related_name="+")
    override = models.ForeignKey(TierOverride, models.PROTECT, null=True, blank=True, related_name="+")
    changed_at = models.DateTimeField()

    class Meta:
        db_table = "crm_tier_change"
        indexes = (models.Index(fields=["account", "-id"], name="tier_changes_of_account"),)

    def __str__(self) -> str:
        return f"{self.account_id} {self.from_tier} > {self.to_tier}"
