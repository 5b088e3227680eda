"""Key accounts (大客户): who looks after each at every moment, and what is done when their supply is in danger."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models


class KeyAccount(models.Model):
    """
    An account that has a named manager from `since` until `ended_at` (empty while it lasts), without a gap.

    An account may become one again after it ended; two never last at once.

    A deferred trigger (`0001_initial`) compares this stretch with what its assignments cover together: at the end of
    every transaction they are the same, or the transaction does not happen.
    """

    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    since = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    end_reason = models.CharField(max_length=500, blank=True)

    class Meta:
        db_table = "crm_key_account"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(ended_at__isnull=True) | models.Q(ended_at__gt=models.F("since")),
                name="key_account_ends_after_it_begins",
            ),
            models.CheckConstraint(
                condition=models.Q(ended_at__isnull=True, ended_by__isnull=True, end_reason="")
                | (models.Q(ended_at__isnull=False, ended_by__isnull=False) & ~models.Q(end_reason="")),
                name="key_account_is_ended_whole",
            ),
            ExclusionConstraint(
                name="one_key_account_at_a_time",
                expressions=[
                    ("account", RangeOperators.EQUAL),
                    (
                        models.Func("since", "ended_at", function="tstzrange", output_field=DateTimeRangeField()),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        )

    def __str__(self) -> str:
        return f"{self.account_id}"


class ManagerAssignment(models.Model):
    """A manager (and a deputy) looks after a key account for some time; two never at once, see `KeyAccount`."""

    key_account = models.ForeignKey(KeyAccount, models.PROTECT, related_name="assignments")
    manager = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    deputy = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    telephone = models.CharField(max_length=20, blank=True)
    valid = DateTimeRangeField()
    reason = models.CharField(max_length=500)
    assigned_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    assigned_at = models.DateTimeField()

    class Meta:
        db_table = "crm_manager_assignment"
        constraints = (
            ExclusionConstraint(
                name="one_manager_at_a_time",
                expressions=[("key_account", RangeOperators.EQUAL), ("valid", RangeOperators.OVERLAPS)],
            ),
            models.CheckConstraint(condition=models.Q(valid__isempty=False), name="assignment_lasts"),
            models.CheckConstraint(
                condition=models.Q(deputy__isnull=True) | ~models.Q(deputy=models.F("manager")),
                name="deputy_is_another_person",
            ),
        )

    def __str__(self) -> str:
        return f"{self.key_account_id} {self.manager_id} {self.valid}"


class EmergencyPlan(models.Model):
    """
    One version of the one-page plan of a key account (一户一案); a change is a new version, none is ever edited.

    `content` is read and written through `crm.emergency_plans.PlanContent`.
    """

    key_account = models.ForeignKey(KeyAccount, models.PROTECT, related_name="+")
    version = models.IntegerField()
    content = models.JSONField()
    changed_what = models.CharField(max_length=200)
    written_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    written_at = models.DateTimeField()

    class Meta:
        db_table = "crm_emergency_plan"
        constraints = (
            models.UniqueConstraint(fields=["key_account", "version"], name="plan_version_once"),
            models.CheckConstraint(condition=models.Q(version__gte=1), name="plan_versions_begin_at_one"),
        )

    def __str__(self) -> str:
        return f"{self.key_account_id} v{self.version}"
