"""Limits on what an account uses in a billing period, set by the customer or by the utility, and what was told."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class UseLimit(models.Model):
    """
    So much energy (0.01 kWh) or money (fen) a billing period, with a warning at a share of it; ended, never changed.

    The customer's and the utility's stand beside each other.
    """

    class Measure(models.TextChoices):
        """What is limited."""

        KWH = "kwh", "用电量"
        YUAN = "yuan", "电费"

    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    measure = models.CharField(max_length=8, choices=Measure.choices)
    amount = models.BigIntegerField()
    warn_percent = models.SmallIntegerField()
    by_utility = models.BooleanField()
    reason = models.TextField(blank=True)
    set_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    set_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "cis_use_limit"
        constraints = (
            models.UniqueConstraint(
                fields=["account", "measure", "by_utility"],
                name="one_use_limit_of_a_kind",
                condition=Q(ended_at__isnull=True),
            ),
            models.CheckConstraint(
                condition=Q(amount__gt=0, warn_percent__gt=0, warn_percent__lt=100), name="use_limit_is_a_limit"
            ),
            models.CheckConstraint(condition=Q(by_utility=False) | ~Q(reason=""), name="utility_says_why_it_limits"),
        )

    def __str__(self) -> str:
        return f"{self.account_id} {self.measure} {self.amount}"


class UseLimitNotice(models.Model):
    """A limit was near or passed in a period; once each, written once."""

    class Stage(models.TextChoices):
        """How far."""

        WARNING = "warning", "快到限额"
        CROSSED = "crossed", "超过限额"

    limit = models.ForeignKey(UseLimit, models.PROTECT, related_name="notices")
    period_start = models.DateField()
    stage = models.CharField(max_length=8, choices=Stage.choices)
    used = models.BigIntegerField()
    known_until = models.DateField()
    noted_at = models.DateTimeField()

    class Meta:
        db_table = "cis_use_limit_notice"
        constraints = (
            models.UniqueConstraint(fields=["limit", "period_start", "stage"], name="limit_told_once_a_period"),
        )

    def __str__(self) -> str:
        return f"{self.limit_id} {self.period_start} {self.stage}"


class PlantAlert(models.Model):
    """What a day's metering of a plant says is wrong; once a plant, day and kind, written once."""

    class Kind(models.TextChoices):
        """What."""

        OUTPUT = "output", "出力超过登记容量"
        REVERSE = "reverse", "上网功率超过登记容量"
        NOTHING = "nothing", "该发电的日子没有发电"

    plant = models.ForeignKey("cis.SolarPlant", models.PROTECT, related_name="alerts")
    day = models.DateField()
    kind = models.CharField(max_length=8, choices=Kind.choices)
    measured = models.BigIntegerField()
    """W of the highest quarter-hour; Wh of the day where nothing was made"""
    bound = models.BigIntegerField()
    """what it should have stayed below, or reached"""
    noted_at = models.DateTimeField()

    class Meta:
        db_table = "cis_plant_alert"
        constraints = (models.UniqueConstraint(fields=["plant", "day", "kind"], name="plant_alert_once_a_day"),)
        indexes = (models.Index(fields=["-day"], name="plant_alerts_newest"),)

    def __str__(self) -> str:
        return f"{self.plant_id} {self.day} {self.kind}"
