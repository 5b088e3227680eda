"""The market as data: the month's published table, retailers and their packages, and who buys how."""

from __future__ import annotations

import pghistory
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models

from cis.market import GROUNDS


class MarketMonth(models.Model):
    """
    The published price table of a province and month (代理购电价格表); a correction is the next revision.

    `values` is what `cis.market.MarketMonth` reads. One person enters it, another publishes it; then the month's
    tariff versions are made from it. Published and refused rows do not change any more but for being replaced.
    """

    class State(models.TextChoices):
        """How far it is."""

        WAITING = "waiting", "等待复核"
        PUBLISHED = "published", "已发布"
        REPLACED = "replaced", "已被更正"

    province = models.CharField(max_length=50)
    month = models.IntegerField()
    revision = models.SmallIntegerField()
    values = models.JSONField()
    source = models.TextField()
    is_demonstration = models.BooleanField(default=False)
    """nobody published these figures for the month: bills by them say so"""
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    entered_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    entered_at = models.DateTimeField()
    approval = models.ForeignKey("shared.Approval", models.PROTECT, null=True, blank=True, related_name="+")
    published_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    published_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "cis_market_month"
        constraints = (
            models.UniqueConstraint(fields=["province", "month", "revision"], name="one_market_month_revision"),
            models.UniqueConstraint(
                fields=["province", "month"],
                name="one_published_market_month",
                condition=models.Q(state="published"),
            ),
            models.CheckConstraint(
                condition=models.Q(state="waiting", published_by__isnull=True)
                | (
                    ~models.Q(state="waiting")
                    & models.Q(published_by__isnull=False, published_at__isnull=False)
                    & ~models.Q(published_by=models.F("entered_by"))
                ),
                name="market_month_needs_two",
            ),
            models.CheckConstraint(condition=~models.Q(source=""), name="market_month_has_source"),
        )

    def __str__(self) -> str:
        return f"{self.province} {self.month}/{self.revision}"


class MarketVersion(models.Model):
    """A tariff version that was made from a month's table; made again while nobody is billed by it."""

    month = models.ForeignKey(MarketMonth, models.PROTECT, related_name="versions")
    version = models.OneToOneField("cis.TariffVersion", models.PROTECT, related_name="+")

    class Meta:
        db_table = "cis_market_version"

    def __str__(self) -> str:
        return f"{self.month_id} > {self.version_id}"


@pghistory.track()
class Retailer(models.Model):
    """A retailer of electricity (售电公司), as the trading centre has it registered."""

    code = models.CharField(max_length=32, unique=True)
    name = models.CharField(max_length=200)
    name_en = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "cis_retailer"
        constraints = (models.CheckConstraint(condition=~models.Q(name=""), name="retailer_has_name"),)

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


@pghistory.track()
class RetailPackage(models.Model):
    """
    A retail package (零售套餐): how a retailer's customers pay for energy; `terms` is what its kind reads.

    Terms never change: another price is another package. `settled_later` marks one whose price of a month is known only
    when the trading centre has settled: bills go by its terms until then, the difference is cleared on a later bill.
    """

    retailer = models.ForeignKey(Retailer, models.PROTECT, related_name="packages")
    code = models.CharField(max_length=32)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=32)
    terms = models.JSONField()
    settled_later = models.BooleanField(default=False)
    source = models.TextField()

    class Meta:
        db_table = "cis_retail_package"
        constraints = (
            models.UniqueConstraint(fields=["retailer", "code"], name="one_package_code_per_retailer"),
            models.CheckConstraint(condition=~models.Q(source=""), name="retail_package_has_source"),
        )

    def __str__(self) -> str:
        return f"{self.retailer_id} {self.code}"


class MarketTariff(models.Model):
    """The tariff of those who would pay `base` of the utility but buy by a package, or pay a multiple (no package)."""

    base = models.ForeignKey("cis.Tariff", models.PROTECT, related_name="+")
    package = models.ForeignKey(RetailPackage, models.PROTECT, null=True, blank=True, related_name="+")
    tariff = models.OneToOneField("cis.Tariff", models.PROTECT, related_name="+")

    class Meta:
        db_table = "cis_market_tariff"
        constraints = (
            models.UniqueConstraint(fields=["base", "package"], name="one_market_tariff_per_way", nulls_distinct=False),
            models.CheckConstraint(condition=~models.Q(base=models.F("tariff")), name="market_tariff_is_another"),
        )

    def __str__(self) -> str:
        return f"{self.tariff_id} of {self.base_id}"


@pghistory.track()
class RetailAgreement(models.Model):
    """
    How an account buys its energy for some months, where the utility does not simply buy it at the published price.

    Either by a retailer's package, or from the utility at a multiple with its ground. Whole months; one at a time. An
    account without one buys through the utility (代理购电). The account's contract has the tariff that follows from it;
    `contract` is the row with which it began, `document` the paper it stands on.
    """

    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    package = models.ForeignKey(RetailPackage, models.PROTECT, null=True, blank=True, related_name="+")
    ground = models.CharField(max_length=32, blank=True)
    valid = DateRangeField()
    document = models.CharField(max_length=200)
    contract = models.ForeignKey("cis.SupplyContract", models.PROTECT, related_name="+")
    signed_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    signed_at = models.DateTimeField()
    ended_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    is_over = models.BooleanField(default=False)
    """whether the contract went back to the utility's tariff"""

    class Meta:
        db_table = "cis_retail_agreement"
        constraints = (
            ExclusionConstraint(
                name="one_retail_agreement_at_a_time",
                expressions=[("account", RangeOperators.EQUAL), ("valid", RangeOperators.OVERLAPS)],
            ),
            models.CheckConstraint(
                condition=models.Q(package__isnull=False, ground="")
                | models.Q(package__isnull=True, ground__in=list(GROUNDS)),
                name="agreement_has_package_or_ground",
            ),
            models.CheckConstraint(condition=~models.Q(document=""), name="agreement_has_document"),
        )

    def __str__(self) -> str:
        return f"{self.account_id} {self.valid}"
