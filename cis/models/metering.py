"""Meters and what they say: points, meters, installations, routes, readings, curves, doubts, imports."""

from __future__ import annotations

import pghistory
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, RangeOperators
from django.db import models

from cis.rating.registers import Register

REGISTER_CHOICES = tuple((int(register), register.name.lower()) for register in Register)


@pghistory.track()
class ReadingRoute(models.Model):
    """
    A reading route (抄表段): accounts that are read on one day (抄表例日) of each cycle.

    Reading day 0 is the freeze of the month's last day. A route of two-month cycles is due in the months whose
    number leaves `cycle_phase` when divided by `cycle_months`.
    """

    code = models.CharField(max_length=32, unique=True)
    name = models.CharField(max_length=100)
    org_unit = models.ForeignKey("shared.OrgUnit", models.PROTECT, related_name="+")
    reading_day = models.SmallIntegerField(default=0)
    cycle_months = models.SmallIntegerField(default=1)
    cycle_phase = models.SmallIntegerField(default=0)

    class Meta:
        db_table = "cis_reading_route"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(reading_day__range=(0, 31))
                & models.Q(cycle_months__in=(1, 2))
                & models.Q(cycle_phase__gte=0, cycle_phase__lt=models.F("cycle_months")),
                name="route_can_be_read",
            ),
        )

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


@pghistory.track()
class MeteringPoint(models.Model):
    """A metering point (计量点): where energy is measured, whatever meter hangs there and whoever lives there."""

    class Basis(models.TextChoices):
        """What its energy is billed from."""

        REGISTERS = "registers", "示数"
        CURVE = "curve", "负荷曲线"

    point_no = models.CharField(max_length=32, unique=True)
    premise = models.ForeignKey("cis.Premise", models.PROTECT, related_name="points")
    basis = models.CharField(max_length=16, choices=Basis.choices, default=Basis.REGISTERS)

    class Meta:
        db_table = "cis_metering_point"

    def __str__(self) -> str:
        return self.point_no


@pghistory.track()
class Meter(models.Model):
    """An energy meter (电能表): `digits` whole digits before its registers roll over."""

    meter_no = models.CharField(max_length=32, unique=True)
    model = models.CharField(max_length=64, blank=True)
    digits = models.SmallIntegerField(default=6)

    class Meta:
        db_table = "cis_meter"
        constraints = (models.CheckConstraint(condition=models.Q(digits__range=(3, 10)), name="meter_has_digits"),)
        indexes = (models.Index(fields=["meter_no"], name="meter_no_prefix", opclasses=["varchar_pattern_ops"]),)

    def __str__(self) -> str:
        return self.meter_no


@pghistory.track()
class MeterInstallation(models.Model):
    """A meter at a point for some time, with its transformer ratios; an exchange ends one row and begins another."""

    meter = models.ForeignKey(Meter, models.PROTECT, related_name="installations")
    point = models.ForeignKey(MeteringPoint, models.PROTECT, related_name="installations")
    ct_ratio = models.IntegerField(default=1)
    pt_ratio = models.IntegerField(default=1)
    valid = DateRangeField()

    class Meta:
        db_table = "cis_meter_installation"
        constraints = (
            ExclusionConstraint(
                name="one_place_per_meter",
                expressions=[("meter", RangeOperators.EQUAL), ("valid", RangeOperators.OVERLAPS)],
            ),
            ExclusionConstraint(
                name="one_meter_per_point",
                expressions=[("point", RangeOperators.EQUAL), ("valid", RangeOperators.OVERLAPS)],
            ),
            models.CheckConstraint(
                condition=models.Q(ct_ratio__gte=1) & models.Q(pt_ratio__gte=1), name="ratios_are_positive"
            ),
        )

    def __str__(self) -> str:
        return f"{self.meter_id} at {self.point_id} {self.valid}"


class ReadingSource(models.IntegerChoices):
    """Where a reading comes from."""

    REMOTE = 1, "远程采集"
    MANUAL = 2, "现场抄录"
    SELF = 3, "客户自报"
    ESTIMATED = 4, "估算"
    CORRECTED = 5, "人工更正"
    PHOTO = 6, "拍照抄录"
    """by a person on the spot, with a photograph of the meter"""


class Reading(models.Model):
    """
    What one register showed at 00:00 of a day (抄表示数); bulk table, written by COPY.

    Left without foreign keys for speed, checked nightly by `cis.operations.integrity`: `installation_id`, `account_id`.
    `cycle` is the billing cycle that this reading closes (0: none, such as the readings of an exchange).
    `value_e4` in 10^-4 register units; `advance_kwh_e2` is the energy since the register's previous reading
    (10^-2 kWh, multiplied), -1 until validated or where there is none before.
    """

    class Kind(models.IntegerChoices):
        """Why it was read."""

        CYCLE = 0, "例行"
        INSTALLED = 1, "装表"
        REMOVED = 2, "拆表"
        MOVE_IN = 3, "迁入"
        MOVE_OUT = 4, "迁出"

    class State(models.IntegerChoices):
        """Whether it may be billed."""

        PENDING = 0, "待审核"
        ACCEPTED = 1, "已采信"
        DOUBTFUL = 2, "存疑"

    pk = models.CompositePrimaryKey("installation_id", "register", "read_on")
    installation_id = models.BigIntegerField()
    register = models.SmallIntegerField(choices=REGISTER_CHOICES)
    read_on = models.DateField()
    account_id = models.BigIntegerField()
    cycle = models.IntegerField(default=0)
    kind = models.SmallIntegerField(choices=Kind.choices, default=Kind.CYCLE)
    value_e4 = models.BigIntegerField()
    advance_kwh_e2 = models.BigIntegerField(default=-1)
    days = models.SmallIntegerField(default=0)
    is_rollover = models.BooleanField(default=False)
    source = models.SmallIntegerField(choices=ReadingSource.choices, default=ReadingSource.REMOTE)
    state = models.SmallIntegerField(choices=State.choices, default=State.PENDING)
    batch_id = models.BigIntegerField(default=0)

    class Meta:
        db_table = "cis_reading"
        constraints = (models.CheckConstraint(condition=models.Q(value_e4__gte=0), name="register_value_not_negative"),)
        indexes = (
            models.Index(
                fields=["installation_id", "register", "read_on"],
                name="reading_not_accepted",
                condition=models.Q(state__in=(0, 2)),
            ),
        )

    def __str__(self) -> str:
        return f"{self.installation_id}/{self.register} {self.read_on}"


class IntervalDay(models.Model):
    """
    One day of a point's 15-minute curve: 96 values in whole Wh, -1 where a slot is missing; monthly partitions.

    Left without foreign keys for speed, checked nightly by `cis.operations.integrity`: `point_id`. What is imported
    is pending until the checks have run; only accepted days are billed. `quality` has a `Quality` for each slot of a
    day that was filled or edited; without it every slot that is there is actual.
    """

    class State(models.IntegerChoices):
        """Whether it may be billed."""

        PENDING = 0, "待审核"
        ACCEPTED = 1, "已采信"
        DOUBTFUL = 2, "存疑"

    class Quality(models.IntegerChoices):
        """What a quarter-hour is."""

        MISSING = 0, "缺失"
        ACTUAL = 1, "实测"
        ESTIMATED = 2, "估算"
        EDITED = 3, "更正"

    pk = models.CompositePrimaryKey("point_id", "register", "day")
    point_id = models.BigIntegerField()
    register = models.SmallIntegerField(choices=REGISTER_CHOICES, default=int(Register.TOTAL))
    day = models.DateField()
    energy_wh = ArrayField(models.IntegerField(), size=96)
    missing_slots = models.SmallIntegerField(default=0)
    source = models.SmallIntegerField(choices=ReadingSource.choices, default=ReadingSource.REMOTE)
    batch_id = models.BigIntegerField(default=0)
    state = models.SmallIntegerField(choices=State.choices, default=State.ACCEPTED)
    quality = ArrayField(models.SmallIntegerField(), size=96, null=True, blank=True)

    class Meta:
        db_table = "cis_interval_day"

    def __str__(self) -> str:
        return f"{self.point_id}/{self.register} {self.day}"


class ReadingImport(models.Model):
    """One file of readings that was handed over: what it was, what became of its rows."""

    class State(models.TextChoices):
        """How far the import is."""

        RUNNING = "running", "导入中"
        DONE = "done", "已完成"
        REFUSED = "refused", "未导入"

    file_name = models.CharField(max_length=255)
    digest = models.BinaryField(max_length=32)
    layout = models.CharField(max_length=16, blank=True)
    all_or_nothing = models.BooleanField(default=False)
    state = models.CharField(max_length=16, choices=State.choices, default=State.RUNNING)
    rows = models.BigIntegerField(default=0)
    landed = models.BigIntegerField(default=0)
    unchanged = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)
    late = models.BigIntegerField(default=0)
    """rows of periods that were billed otherwise: kept as `LateReading`"""
    doubtful = models.BigIntegerField(default=0)
    message = models.TextField(blank=True)
    created_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "cis_reading_import"

    def __str__(self) -> str:
        return f"{self.file_name} {self.pk}"


class ReadingReject(models.Model):
    """A row of an import that did not land, with the line it stood on and why."""

    reading_import = models.ForeignKey(ReadingImport, models.CASCADE, related_name="rejects")
    line_no = models.BigIntegerField()
    code = models.CharField(max_length=40)
    reason = models.TextField()
    raw = models.TextField()

    class Meta:
        db_table = "cis_reading_reject"
        indexes = (models.Index(fields=["reading_import", "line_no"], name="reading_reject_line"),)

    def __str__(self) -> str:
        return f"{self.reading_import_id}:{self.line_no} {self.code}"
