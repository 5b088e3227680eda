"""Tariffs as versioned data: a named tariff, its versions in time, and the time-of-use windows they refer to."""

from __future__ import annotations

import pghistory
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models.functions import Coalesce

from cis.models.dated_sets import DatedSet


@pghistory.track()
class Tariff(models.Model):
    """A tariff (电价) by name; what it costs stands in its versions."""

    code = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=200)
    name_en = models.CharField(max_length=200, blank=True)
    province = models.CharField(max_length=50)
    category = models.CharField(max_length=50)
    voltage = models.CharField(max_length=32, blank=True)

    class Meta:
        db_table = "cis_tariff"

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


@pghistory.track()
class TariffVersion(models.Model):
    """
    What a tariff says for some time: a list of rules, as the rating kernel reads them.

    Versions of one tariff never overlap. `source` and `confidence` say where the figures come from; a version that
    is marked as a demonstration is named as such wherever its figures are shown.
    """

    tariff = models.ForeignKey(Tariff, models.PROTECT, related_name="versions")
    valid = DateRangeField()
    rules = models.JSONField()
    windows = models.ForeignKey("cis.TouWindows", models.PROTECT, null=True, blank=True, related_name="+")
    source = models.TextField()
    confidence = models.TextField()
    note = models.TextField(blank=True)
    is_demonstration = models.BooleanField(default=False)

    class Meta:
        db_table = "cis_tariff_version"
        constraints = (
            ExclusionConstraint(
                name="one_tariff_version_at_a_time",
                expressions=[("tariff", RangeOperators.EQUAL), ("valid", RangeOperators.OVERLAPS)],
            ),
        )

    def __str__(self) -> str:
        return f"{self.tariff_id} {self.valid}"


@pghistory.track()
class TouWindows(models.Model):
    """A published set of time-of-use windows (峰谷时段), valid for some time."""

    code = models.CharField(max_length=64)
    province = models.CharField(max_length=50)
    document = models.CharField(max_length=200)
    valid = DateRangeField()
    windows = models.JSONField()
    source = models.TextField()
    confidence = models.TextField()

    class Meta:
        db_table = "cis_tou_windows"
        constraints = (
            ExclusionConstraint(
                name="one_window_set_at_a_time",
                expressions=[("code", RangeOperators.EQUAL), ("valid", RangeOperators.OVERLAPS)],
            ),
        )

    def __str__(self) -> str:
        return f"{self.code} {self.valid}"


@pghistory.track()
class DeclaredDay(models.Model):
    """
    A day on which windows for declared days hold, for a unit and all below it: a critical peak that the weather calls.

    `trigger_c_e1` is the forecast temperature that called it (0.1 °C), `noticed_at` when customers were told.
    """

    org_unit = models.ForeignKey("shared.OrgUnit", models.PROTECT, related_name="+")
    day = models.DateField()
    trigger_c_e1 = models.IntegerField()
    source = models.CharField(max_length=300)
    noticed_at = models.DateTimeField()
    declared_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    declared_at = models.DateTimeField()

    class Meta:
        db_table = "cis_declared_day"
        constraints = (
            models.UniqueConstraint(fields=["org_unit", "day"], name="one_declaration_a_day"),
            models.CheckConstraint(condition=~models.Q(source=""), name="declaration_has_a_source"),
        )

    def __str__(self) -> str:
        return f"{self.org_unit_id} {self.day}"


@pghistory.track()
class RatingSwitches(DatedSet):
    """
    What a utility chose where the rules are silent or disagree (计费口径): values of `cis.rating.SWITCHES` by name.

    A bill goes by what held on the last day of its period, and is explained by it ever after: nothing that held on a
    day that is over is changed.
    """

    class Meta:
        db_table = "cis_rating_switches"
        constraints = (
            ExclusionConstraint(
                name="one_set_of_switches",
                expressions=[
                    (Coalesce("org_unit", models.Value(0)), RangeOperators.EQUAL),
                    ("valid", RangeOperators.OVERLAPS),
                ],
            ),
            models.CheckConstraint(condition=~models.Q(source=""), name="switches_have_a_source"),
        )
