"""Quality of readings: what is doubted, what people changed, by which limits the checks go."""

from __future__ import annotations

import pghistory
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, RangeOperators
from django.db import models
from django.db.models.functions import Coalesce

from cis.models.dated_sets import DatedSet
from cis.models.metering import REGISTER_CHOICES, MeteringPoint, MeterInstallation


class ReadingDoubt(models.Model):
    """
    A doubtful reading on somebody's work list, with what was found, who looks at it and how it ended.

    Until it is resolved the reading is not billed, and the account is counted among those left out.
    """

    class Subject(models.TextChoices):
        """What is doubted. Curves are of the day `read_on`; use is that of the weeks before it."""

        REGISTER = "register", "示数"
        CURVE = "curve", "负荷曲线"
        USE = "use", "用电异常"

    class Resolution(models.TextChoices):
        """How a doubt ended."""

        ACCEPTED = "accepted", "采信"
        CORRECTED = "corrected", "更正"
        ESTIMATED = "estimated", "估算"
        REREAD = "reread", "重抄"
        INSPECTED = "inspected", "转用电检查"

    subject = models.CharField(max_length=16, choices=Subject.choices, default=Subject.REGISTER, db_default="register")
    installation = models.ForeignKey(MeterInstallation, models.PROTECT, related_name="+")
    register = models.SmallIntegerField(choices=REGISTER_CHOICES)
    read_on = models.DateField()
    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    cycle = models.IntegerField(default=0)
    doubts = models.IntegerField()
    facts = models.JSONField(default=dict)
    owner_unit = models.ForeignKey("shared.OrgUnit", models.PROTECT, related_name="+")
    owner = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    reread_requested_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField()
    resolution = models.CharField(max_length=16, choices=Resolution.choices, blank=True)
    reason = models.TextField(blank=True)
    resolved_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "cis_reading_doubt"
        constraints = (
            models.UniqueConstraint(
                fields=["installation", "register", "read_on", "subject"],
                name="one_open_doubt_per_reading",
                condition=models.Q(resolved_at__isnull=True),
            ),
            models.CheckConstraint(
                condition=models.Q(resolved_at__isnull=True) | ~models.Q(resolution="") & ~models.Q(reason=""),
                name="doubt_ends_with_a_reason",
            ),
        )
        indexes = (
            models.Index(fields=["opened_at"], name="doubt_open", condition=models.Q(resolved_at__isnull=True)),
            models.Index(fields=["account"], name="doubt_of_account"),
        )

    def __str__(self) -> str:
        return f"{self.installation_id}/{self.register} {self.read_on}"


class ReadingEdit(models.Model):
    """A reading was changed by hand: the raw value, the new one, why, by whom. Never edited itself."""

    installation = models.ForeignKey(MeterInstallation, models.PROTECT, related_name="+")
    register = models.SmallIntegerField(choices=REGISTER_CHOICES)
    read_on = models.DateField()
    value_before_e4 = models.BigIntegerField()
    value_after_e4 = models.BigIntegerField()
    method = models.CharField(max_length=32)
    reason = models.TextField()
    edited_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    edited_at = models.DateTimeField()

    class Meta:
        db_table = "cis_reading_edit"
        indexes = (models.Index(fields=["installation", "read_on"], name="reading_edit_of"),)

    def __str__(self) -> str:
        return f"{self.installation_id}/{self.register} {self.read_on} at {self.edited_at}"


class CurveEdit(models.Model):
    """
    A day's curve was filled or changed: the 96 values and their quality before and after, how, why, by whom.

    Written once: the oldest edit of a day holds what was collected.
    """

    point = models.ForeignKey(MeteringPoint, models.PROTECT, related_name="+")
    register = models.SmallIntegerField(choices=REGISTER_CHOICES)
    day = models.DateField()
    before_wh = ArrayField(models.IntegerField(), size=96)
    after_wh = ArrayField(models.IntegerField(), size=96)
    quality_before = ArrayField(models.SmallIntegerField(), size=96)
    quality_after = ArrayField(models.SmallIntegerField(), size=96)
    method = models.CharField(max_length=32)
    reason = models.TextField()
    edited_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    edited_at = models.DateTimeField()

    class Meta:
        db_table = "cis_curve_edit"
        constraints = (models.CheckConstraint(condition=~models.Q(reason=""), name="curve_edit_has_a_reason"),)
        indexes = (models.Index(fields=["point", "day"], name="curve_edit_of"),)

    def __str__(self) -> str:
        return f"{self.point_id}/{self.register} {self.day} at {self.edited_at}"


@pghistory.track()
class ValidationThresholds(DatedSet):
    """Limits of the reading checks that differ from what the checks declare."""

    class Meta:
        db_table = "cis_validation_thresholds"
        constraints = (
            ExclusionConstraint(
                name="one_set_of_thresholds",
                expressions=[
                    (Coalesce("org_unit", models.Value(0)), RangeOperators.EQUAL),
                    ("valid", RangeOperators.OVERLAPS),
                ],
            ),
            models.CheckConstraint(condition=~models.Q(source=""), name="thresholds_have_a_source"),
        )
