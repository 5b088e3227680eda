"""Readings and curves that came after their period was billed and say something else than the bill."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from cis.models.metering import REGISTER_CHOICES, MeterInstallation, ReadingImport, ReadingSource


class LateReading(models.Model):
    """
    What one register showed on a day that was billed otherwise, by a file that came afterwards.

    Kept beside what stands: a register value (10^-4 units) or the 96 quarter-hours of a day (Wh, -1 where missing).
    What was billed as an estimate gives way to it once validation has no doubt; everything else waits for a person.
    What came never changes, only what became of it; the same value a second time is the same row.
    """

    class State(models.TextChoices):
        """What became of it."""

        ARRIVED = "arrived", "刚收到"
        WAITING = "waiting", "待处理"
        TAKEN = "taken", "已采信"
        REFUSED = "refused", "未采信"

    class Why(models.TextChoices):
        """Why a person must look at it."""

        CONFLICT = "conflict", "与已出账的实抄不同"
        DOUBTFUL = "doubtful", "审核存疑"
        ABOVE_LIMIT = "above-limit", "差额超过限额"
        CANNOT_RATE = "cannot-rate", "不能重算"

    installation = models.ForeignKey(MeterInstallation, models.PROTECT, related_name="+", db_index=False)
    register = models.SmallIntegerField(choices=REGISTER_CHOICES)
    read_on = models.DateField()
    """the day at whose 00:00 a register was read, or the day of a curve"""
    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    value_e4 = models.BigIntegerField(null=True, blank=True)
    energy_wh = ArrayField(models.IntegerField(), size=96, null=True, blank=True)
    source = models.SmallIntegerField(choices=ReadingSource.choices)
    stood_e4 = models.BigIntegerField(null=True, blank=True)
    """what the register stood at here when it came"""
    replaces_estimate = models.BooleanField()
    reading_import = models.ForeignKey(ReadingImport, models.PROTECT, related_name="+")
    arrived_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.ARRIVED)
    why = models.CharField(max_length=16, choices=Why.choices, blank=True)
    doubts = models.IntegerField(default=0)
    detail = models.TextField(blank=True)
    reason = models.TextField(blank=True)
    decided_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "cis_late_reading"
        constraints = (
            models.UniqueConstraint(
                fields=["installation", "register", "read_on", "value_e4", "energy_wh"],
                name="late_reading_kept_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(value_e4__isnull=False, energy_wh__isnull=True, stood_e4__isnull=False, value_e4__gte=0)
                | Q(value_e4__isnull=True, energy_wh__isnull=False, stood_e4__isnull=True),
                name="late_reading_is_value_or_curve",
            ),
            models.CheckConstraint(
                condition=Q(state="arrived", why="", decided_at__isnull=True)
                | Q(state="waiting", decided_at__isnull=True) & ~Q(why="")
                | Q(state="taken", decided_at__isnull=False) & ~Q(reason="")
                | Q(state="refused", decided_at__isnull=False, decided_by__isnull=False) & ~Q(reason=""),
                name="late_reading_ends_with_a_reason",
            ),
        )
        indexes = (
            models.Index(fields=["arrived_at"], name="late_readings_that_wait", condition=Q(state="waiting")),
            models.Index(fields=["reading_import", "installation"], name="late_readings_of_import"),
        )

    def __str__(self) -> str:
        return f"{self.installation_id}/{self.register} {self.read_on}"
