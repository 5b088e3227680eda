"""What a contract agrees beside tariff and capacity: losses, parts at other prices, free energy of households."""

from __future__ import annotations

import pghistory
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, RangeOperators
from django.db import models

from cis.models.customers import Account, SupplyContract
from cis.models.metering import MeteringPoint


@pghistory.track()
class SupplyLoss(models.Model):
    """
    Losses that belong to the customer because the meter stands behind transformer or line (高供低计的变损、线损).

    By table (so much a month, by days where it is less), or by formula (iron loss x hours + coefficient x what was
    read); the line's as a share of both. Figures are the utility's tables. Source: billing-rules 2.6.
    """

    class Method(models.TextChoices):
        """How the transformer's loss is reckoned."""

        TABLE = "table", "查表"
        FORMULA = "formula", "公式"
        NONE = "none", "不计变损"

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    method = models.CharField(max_length=8, choices=Method.choices)
    month_kwh_e2 = models.BigIntegerField(default=0)
    month_kvarh_e2 = models.BigIntegerField(default=0)
    iron_w = models.BigIntegerField(default=0)
    iron_var = models.BigIntegerField(default=0)
    coefficient_e6 = models.IntegerField(default=0)
    coefficient_k_e6 = models.IntegerField(default=0)
    """of reactive energy"""
    line_loss_e6 = models.IntegerField(default=0)
    source = models.CharField(max_length=300)
    valid = DateRangeField()

    class Meta:
        db_table = "cis_supply_loss"
        constraints = (
            ExclusionConstraint(
                name="one_loss_at_a_time",
                expressions=[("account", RangeOperators.EQUAL), ("valid", RangeOperators.OVERLAPS)],
            ),
            models.CheckConstraint(
                condition=models.Q(
                    month_kwh_e2__gte=0, month_kvarh_e2__gte=0, iron_w__gte=0, iron_var__gte=0, coefficient_e6__gte=0,
                    coefficient_k_e6__gte=0, line_loss_e6__gte=0, line_loss_e6__lt=1_000_000,
                ) & ~models.Q(source=""),
                name="loss_makes_sense",
            ),
        )  # fmt: skip

    def __str__(self) -> str:
        return f"{self.account_id} {self.valid}"


@pghistory.track()
class SupplyPart(models.Model):
    """
    A part of an account's energy that has a price of its own (混合用电): behind a sub-meter, a fixed quantity (定量),
    or a fixed share (定比). Its price is a tariff of energy alone. Source: billing-rules 2.7.
    """

    class Kind(models.IntegerChoices):
        """What says how much it is."""

        SUB_METER = 2, "分表"
        FIXED = 3, "定量"
        RATIO = 4, "定比"

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    kind = models.SmallIntegerField(choices=Kind.choices)
    point = models.ForeignKey(MeteringPoint, models.PROTECT, null=True, blank=True, related_name="+")
    month_kwh = models.IntegerField(default=0)
    ratio_e6 = models.IntegerField(default=0)
    tariff = models.ForeignKey("cis.Tariff", models.PROTECT, related_name="+")
    price_class = models.SmallIntegerField(choices=SupplyContract.PriceClass.choices)
    source = models.CharField(max_length=300)
    valid = DateRangeField()

    class Meta:
        db_table = "cis_supply_part"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(kind=2, point__isnull=False, month_kwh=0, ratio_e6=0)
                | models.Q(kind=3, point__isnull=True, month_kwh__gt=0, ratio_e6=0)
                | models.Q(kind=4, point__isnull=True, month_kwh=0, ratio_e6__gt=0, ratio_e6__lt=1_000_000),
                name="part_has_what_its_kind_needs",
            ),
            models.CheckConstraint(condition=~models.Q(source=""), name="part_has_a_source"),
            ExclusionConstraint(
                name="a_point_is_one_part",
                expressions=[("point", RangeOperators.EQUAL), ("valid", RangeOperators.OVERLAPS)],
            ),
            ExclusionConstraint(
                name="one_agreed_part_of_a_kind",
                expressions=[
                    ("account", RangeOperators.EQUAL),
                    ("kind", RangeOperators.EQUAL),
                    ("valid", RangeOperators.OVERLAPS),
                ],
                condition=models.Q(point__isnull=True),
            ),
        )

    def __str__(self) -> str:
        return f"{self.account_id} {self.kind} {self.valid}"


@pghistory.track()
class FreeEnergyRight(models.Model):
    """A household on minimum income that has some energy free each month (低保、五保), and the paper that says so."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    kwh_per_month = models.IntegerField()
    document = models.CharField(max_length=300)
    valid = DateRangeField()

    class Meta:
        db_table = "cis_free_energy_right"
        constraints = (
            ExclusionConstraint(
                name="one_free_energy_right",
                expressions=[("account", RangeOperators.EQUAL), ("valid", RangeOperators.OVERLAPS)],
            ),
            models.CheckConstraint(
                condition=models.Q(kwh_per_month__gt=0) & ~models.Q(document=""), name="right_has_a_document"
            ),
        )

    def __str__(self) -> str:
        return f"{self.account_id} {self.valid}"


@pghistory.track()
class CapacityPause(models.Model):
    """
    Capacity that is sealed or replaced for some days (暂停、减容、暂换); the contract's own capacity stays.

    `off_kva` is what is sealed or taken off, `on_kva` what stands in its place where another transformer does.
    `is_new_install`: within two years of its installation (the half charge of before 2016). Source: billing-rules 2.3.
    """

    class Kind(models.TextChoices):
        """What was agreed."""

        SUSPENSION = "suspension", "暂停"
        REDUCTION = "reduction", "减容"
        REPLACEMENT = "replacement", "暂换"

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    off_kva = models.IntegerField()
    on_kva = models.IntegerField(default=0)
    is_new_install = models.BooleanField(default=False)
    source = models.CharField(max_length=300)
    valid = DateRangeField()

    class Meta:
        db_table = "cis_capacity_pause"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(off_kva__gt=0)
                & (models.Q(kind="replacement", on_kva__gt=0) | ~models.Q(kind="replacement") & models.Q(on_kva=0))
                & ~models.Q(source=""),
                name="pause_makes_sense",
            ),
            models.CheckConstraint(
                condition=models.Q(valid__startswith__isnull=False, valid__endswith__isnull=False),
                name="pause_has_both_days",
            ),
        )
        indexes = (models.Index(fields=["account"], name="pauses_of_account"),)

    def __str__(self) -> str:
        return f"{self.account_id} {self.kind} {self.valid}"


class BillPart(models.Model):
    """
    What a bill was computed from that is more than its readings at one price; only such bills have rows.

    Kind 0 is the energy at the contract's own price with its losses and less the other parts; kind 1 are stretches of
    time with prices of their own (a price or a contract that changed); 2 to 4 are `SupplyPart`. Energy stands by
    register in the order of `registers`. Bulk table without foreign keys, written once.
    """

    class Kind(models.IntegerChoices):
        """What the part is."""

        MAIN = 0, "主计量"
        STRETCH = 1, "分段"
        SUB_METER = 2, "分表"
        FIXED = 3, "定量"
        RATIO = 4, "定比"

    pk = models.CompositePrimaryKey("bill_id", "seq")
    bill_id = models.BigIntegerField()
    seq = models.SmallIntegerField()
    account_id = models.BigIntegerField()
    kind = models.SmallIntegerField(choices=Kind.choices)
    tariff_version_id = models.BigIntegerField()
    price_class = models.SmallIntegerField(choices=SupplyContract.PriceClass.choices)
    people = models.SmallIntegerField()
    from_on = models.DateField()
    to_on = models.DateField()
    tier_kwh_e2_before = models.BigIntegerField()
    registers = ArrayField(models.SmallIntegerField())
    energy_kwh_e2 = ArrayField(models.BigIntegerField())
    loss_kwh_e2 = models.BigIntegerField(default=0)
    """transformer and line, inside the energy"""
    free_kwh_e2_per_month = models.IntegerField(default=0)
    free_months = models.SmallIntegerField(default=0)

    class Meta:
        db_table = "cis_bill_part"

    def __str__(self) -> str:
        return f"{self.bill_id}/{self.seq}"
