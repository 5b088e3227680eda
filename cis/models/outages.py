"""Interruptions of supply: what is planned, what happened, whom it concerns, and every change that was told."""

from __future__ import annotations

from django.db import models


class Outage(models.Model):
    """
    An interruption of supply to some transformer districts, from its draft to its end.

    `version` counts what was told: 1 when it was announced, one more with every change after that. Times are those
    planned; `started_at` and `restored_at` what became of them. `late_reason` says why customers heard of it later
    than they should have.
    """

    class Kind(models.TextChoices):
        """Why there is no supply."""

        PLANNED = "planned", "计划停电"
        TEMPORARY = "temporary", "临时停电"
        FAULT = "fault", "故障停电"
        OVERLOAD = "overload", "超容停电"

    class State(models.TextChoices):
        """How far it is; `changed` is published anew with other words."""

        DRAFT = "draft", "草稿"
        APPROVED = "approved", "已批准"
        PUBLISHED = "published", "已发布"
        CHANGED = "changed", "已变更"
        STARTED = "started", "停电中"
        RESTORED = "restored", "已送电"
        CLOSED = "closed", "已归档"
        CANCELLED = "cancelled", "已取消"

    AHEAD = (State.PUBLISHED, State.CHANGED)
    TOLD = (State.PUBLISHED, State.CHANGED, State.STARTED, State.RESTORED, State.CLOSED, State.CANCELLED)

    org_unit = models.ForeignKey("shared.OrgUnit", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    area = models.CharField(max_length=200)
    reason = models.CharField(max_length=200)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    state = models.CharField(max_length=16, choices=State.choices, default=State.DRAFT)
    version = models.IntegerField(default=0)
    late_reason = models.CharField(max_length=200, blank=True)
    created_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    approved_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    announced_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    restored_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "cis_outage"
        constraints = (
            models.CheckConstraint(condition=models.Q(ends_at__gt=models.F("starts_at")), name="outage_lasts"),
            models.CheckConstraint(
                condition=~models.Q(area="") & ~models.Q(reason=""), name="outage_says_where_and_why"
            ),
            models.CheckConstraint(
                condition=~models.Q(approved_by=models.F("created_by")), name="outage_approved_by_another_person"
            ),
            models.CheckConstraint(
                condition=models.Q(restored_at__isnull=True)
                | models.Q(started_at__isnull=False, restored_at__gte=models.F("started_at")),
                name="restored_after_the_start",
            ),
            models.CheckConstraint(
                condition=~models.Q(state__in=("restored", "closed")) | models.Q(restored_at__isnull=False),
                name="restored_at_a_moment",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=("draft", "approved", "cancelled")) | models.Q(announced_at__isnull=False),
                name="known_outage_was_announced",
            ),
        )
        indexes = (
            models.Index(
                fields=["starts_at"],
                name="outages_to_come",
                condition=models.Q(state__in=("published", "changed", "started")),
            ),
            models.Index(fields=["org_unit", "-starts_at"], name="outages_of_unit"),
        )

    def __str__(self) -> str:
        return f"{self.pk} {self.kind}"


class OutagePlace(models.Model):
    """A transformer district that an outage concerns."""

    outage = models.ForeignKey(Outage, models.CASCADE, related_name="places")
    transformer_district = models.ForeignKey("cis.TransformerDistrict", models.PROTECT, related_name="+")

    class Meta:
        db_table = "cis_outage_place"
        constraints = (
            models.UniqueConstraint(fields=["outage", "transformer_district"], name="outage_concerns_a_place_once"),
        )

    def __str__(self) -> str:
        return f"{self.outage_id} {self.transformer_district_id}"


class OutageStep(models.Model):
    """What was done with an outage, by whom and when, and the times it had then; written once."""

    outage = models.ForeignKey(Outage, models.CASCADE, related_name="steps")
    state = models.CharField(max_length=16, choices=Outage.State.choices)
    version = models.IntegerField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    note = models.CharField(max_length=300, blank=True)
    done_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    done_at = models.DateTimeField()

    class Meta:
        db_table = "cis_outage_step"
        indexes = (models.Index(fields=["outage", "id"], name="steps_of_outage"),)

    def __str__(self) -> str:
        return f"{self.outage_id} {self.state}"
