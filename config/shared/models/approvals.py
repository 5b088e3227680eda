"""Acts that need a second person: what was asked for, by whom and why, and how it was decided."""

from __future__ import annotations

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q


class Approval(models.Model):
    """
    One act that somebody asked for and somebody else decides on.

    What was asked never changes and a decision is final (triggers); whoever asked, and whoever it is about
    (`concerned_ids`), cannot decide (CHECK constraints). `org_unit` says whose affair it is: deciders need their
    permission there or above.
    """

    class State(models.TextChoices):
        """Where the request stands; an approved act is carried out in the same transaction."""

        WAITING = "waiting", "待审批"
        CARRIED_OUT = "carried-out", "已批准并执行"
        REFUSED = "refused", "已驳回"
        WITHDRAWN = "withdrawn", "已撤回"
        EXPIRED = "expired", "已过期"

    kind = models.CharField(max_length=64)
    payload = models.JSONField(default=dict)
    subject = models.CharField(max_length=100, blank=True)
    """what it is about, such as `payment:17`: while one request about it waits there is no second one"""
    org_unit = models.ForeignKey("shared.OrgUnit", models.PROTECT, related_name="+")
    asked_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    concerned_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)
    reason = models.CharField(max_length=500)
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    decided_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=500, blank=True)
    outcome = models.JSONField(default=dict, blank=True)

    class Meta:
        db_table = "shared_approval"
        constraints = (
            models.CheckConstraint(condition=~Q(reason=""), name="approval_has_a_reason"),
            models.CheckConstraint(condition=Q(expires_at__gt=models.F("asked_at")), name="approval_waits_a_while"),
            models.CheckConstraint(
                condition=Q(state="waiting", decided_at__isnull=True, decided_by__isnull=True)
                | Q(state="expired", decided_at__isnull=False, decided_by__isnull=True)
                | Q(
                    state="withdrawn",
                    decided_at__isnull=False,
                    decided_by__isnull=False,
                    decided_by=models.F("asked_by"),
                )
                | Q(
                    Q(state__in=("carried-out", "refused"), decided_at__isnull=False, decided_by__isnull=False),
                    ~Q(decided_by=models.F("asked_by")),
                ),
                name="approval_by_another_person",
            ),
            models.CheckConstraint(condition=~Q(state="refused", note=""), name="refusal_says_why"),
            models.UniqueConstraint(
                fields=["kind", "subject"], condition=Q(state="waiting") & ~Q(subject=""), name="asked_for_once"
            ),
        )
        indexes = (
            models.Index(fields=["asked_at"], name="approval_waiting", condition=Q(state="waiting")),
            models.Index(fields=["asked_by", "-id"], name="approval_asked_by"),
            models.Index(fields=["subject", "-id"], name="approval_about"),
        )
        triggers = (
            pgtrigger.ReadOnly(
                name="asked_is_asked",
                fields=[
                    "kind",
                    "payload",
                    "subject",
                    "org_unit",
                    "asked_by",
                    "concerned_ids",
                    "reason",
                    "asked_at",
                    "expires_at",
                ],
            ),
            pgtrigger.Protect(
                name="decided_is_final", operation=pgtrigger.Update, condition=pgtrigger.Q(old__state__df="waiting")
            ),
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.pk} {self.state}"


class ApprovalStep(models.Model):
    """What happened to a request, one row a step; never edited, never deleted. Nobody did it: time ran out."""

    class What(models.TextChoices):
        """The steps."""

        ASKED = "asked", "提出申请"
        APPROVED = "approved", "批准"
        CARRIED_OUT = "carried-out", "执行完毕"
        REFUSED = "refused", "驳回"
        WITHDRAWN = "withdrawn", "撤回"
        EXPIRED = "expired", "过期"

    approval = models.ForeignKey(Approval, models.PROTECT, related_name="steps")
    what = models.CharField(max_length=16, choices=What.choices)
    by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    at = models.DateTimeField()
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        db_table = "shared_approval_step"
        constraints = (models.UniqueConstraint(fields=["approval", "what"], name="approval_step_once"),)
        triggers = (pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),)

    def __str__(self) -> str:
        return f"{self.approval_id} {self.what}"
