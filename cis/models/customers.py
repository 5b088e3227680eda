"""Who is supplied, where, under which contract: customer, premise, account (户号), supply contract, point served."""

from __future__ import annotations

import pghistory
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, RangeOperators
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from cis.rating.power_factors import STANDARDS_E2
from cis.rating.rules.basic_charge import DemandMode
from config.shared.personal_data import EncryptedTextField

DEMAND_MODE_CHOICES = tuple((int(mode), mode.name.lower()) for mode in DemandMode)


@pghistory.track()
class Customer(models.Model):
    """
    A person or an enterprise; holds any number of accounts.

    The name is clear and searchable: `name_pinyin` sorts, `name_initials` finds "zs", `name_grams` holds every
    character and every pair of neighbours. Telephone and identity number are sealed; their digests find them.
    """

    class Kind(models.TextChoices):
        """Person or enterprise."""

        PERSON = "person", "个人"
        ENTERPRISE = "enterprise", "企业"

    kind = models.CharField(max_length=16, choices=Kind.choices)
    name = models.CharField(max_length=200)
    name_pinyin = models.CharField(max_length=400, blank=True)
    name_initials = models.CharField(max_length=100, blank=True)
    name_grams = ArrayField(models.CharField(max_length=2), default=list)
    phone = EncryptedTextField(blank=True)
    phone_index = models.BinaryField(max_length=32, null=True, blank=True)
    phone_last4 = models.CharField(max_length=4, blank=True)
    identity_no = EncryptedTextField(blank=True)
    identity_index = models.BinaryField(max_length=32, null=True, blank=True)
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "cis_customer"
        indexes = (
            models.Index(fields=["phone_index"], name="customer_phone_index"),
            models.Index(fields=["phone_last4"], name="customer_phone_last4"),
            models.Index(fields=["identity_index"], name="customer_identity_index"),
            models.Index(fields=["name_initials"], name="customer_initials", opclasses=["varchar_pattern_ops"]),
            GinIndex(fields=["name_grams"], name="customer_name_grams"),
        )

    def __str__(self) -> str:
        return f"{self.pk} {self.name}"


@pghistory.track()
class Premise(models.Model):
    """A supply address (用电地址): the standard part clear, the door number sealed."""

    org_unit = models.ForeignKey("shared.OrgUnit", models.PROTECT, related_name="+")
    transformer_district = models.ForeignKey("cis.TransformerDistrict", models.PROTECT, related_name="+")
    address = models.CharField(max_length=200)
    address_grams = ArrayField(models.CharField(max_length=2), default=list)
    door = EncryptedTextField(blank=True)
    longitude = models.DecimalField(max_digits=9, decimal_places=6, null=True, blank=True)
    latitude = models.DecimalField(max_digits=9, decimal_places=6, null=True, blank=True)
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "cis_premise"
        indexes = (GinIndex(fields=["address_grams"], name="premise_address_grams"),)

    def __str__(self) -> str:
        return f"{self.pk} {self.address}"


@pghistory.track()
class Account(models.Model):
    """
    An account (户号): what is billed. It belongs to one customer and stands in one county and one reading route.

    `account_no` is text: formats differ between utilities and imported numbers stay as they come.
    """

    class State(models.TextChoices):
        """Whether the account is billed."""

        OPEN = "open", "在用"
        CLOSED = "closed", "已销户"

    account_no = models.CharField(max_length=32, unique=True)
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="accounts")
    premise = models.ForeignKey(Premise, models.PROTECT, related_name="+")
    org_unit = models.ForeignKey("shared.OrgUnit", models.PROTECT, related_name="+")
    route = models.ForeignKey("cis.ReadingRoute", models.PROTECT, related_name="+")
    state = models.CharField(max_length=16, choices=State.choices, default=State.OPEN)
    opened_on = models.DateField()
    closed_on = models.DateField(null=True, blank=True)
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "cis_account"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(closed_on__isnull=True) | models.Q(closed_on__gte=models.F("opened_on")),
                name="account_closes_after_opening",
            ),
        )
        indexes = (models.Index(fields=["account_no"], name="account_no_prefix", opclasses=["varchar_pattern_ops"]),)

    def __str__(self) -> str:
        return self.account_no


@pghistory.track()
class SupplyContract(models.Model):
    """
    What was agreed for an account for some time: tariff, price class, voltage, capacity, household size.

    A change is a new row; the rows of one account never overlap. They are the account's tariff history.
    """

    class PriceClass(models.IntegerChoices):
        """The classes that receivables and statistics are kept by."""

        RESIDENTIAL = 1, "居民"
        COMMERCIAL = 2, "一般工商业"
        INDUSTRIAL = 3, "工业"
        AGRICULTURAL = 4, "农业"

    account = models.ForeignKey(Account, models.PROTECT, related_name="contracts")
    tariff = models.ForeignKey("cis.Tariff", models.PROTECT, related_name="+")
    price_class = models.SmallIntegerField(choices=PriceClass.choices)
    voltage = models.CharField(max_length=16)
    capacity_kva = models.IntegerField(default=0)
    people = models.SmallIntegerField(default=1)
    demand_mode = models.SmallIntegerField(choices=DEMAND_MODE_CHOICES, default=0, db_default=0)
    """how the basic charge of a two-part tariff is paid"""
    contract_demand_kw = models.IntegerField(default=0, db_default=0)
    """the agreed maximum demand, where it is paid by that"""
    pf_standard_e2 = models.SmallIntegerField(default=0, db_default=0)
    """the power-factor standard in hundredths (90, 85, 80); 0: not subject"""
    valid = DateRangeField()
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "cis_supply_contract"
        constraints = (
            ExclusionConstraint(
                name="one_contract_at_a_time",
                expressions=[("account", RangeOperators.EQUAL), ("valid", RangeOperators.OVERLAPS)],
            ),
            models.CheckConstraint(
                condition=models.Q(capacity_kva__gte=0) & models.Q(people__gte=1), name="contract_makes_sense"
            ),
            models.CheckConstraint(
                condition=models.Q(demand_mode__in=[int(mode) for mode in DemandMode])
                & models.Q(contract_demand_kw__gte=0)
                & models.Q(pf_standard_e2__in=[0, *STANDARDS_E2]),
                name="contract_terms_are_known",
            ),
        )

    def __str__(self) -> str:
        return f"{self.account_id} {self.valid}"


@pghistory.track()
class AccountPoint(models.Model):
    """Which metering point serves which account for how long; a point serves one account at a time."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="points")
    point = models.ForeignKey("cis.MeteringPoint", models.PROTECT, related_name="accounts")
    valid = DateRangeField()

    class Meta:
        db_table = "cis_account_point"
        constraints = (
            ExclusionConstraint(
                name="one_account_at_a_time",
                expressions=[("point", RangeOperators.EQUAL), ("valid", RangeOperators.OVERLAPS)],
            ),
        )

    def __str__(self) -> str:
        return f"{self.account_id} at {self.point_id} {self.valid}"


class TermsChange(models.Model):
    """
    Another way of charging agreed (计费方式变更): which contract row followed which, why, and who entered it.

    Append-only; a wrong one is followed by another.
    """

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    before = models.ForeignKey(SupplyContract, models.PROTECT, related_name="+")
    after = models.ForeignKey(SupplyContract, models.PROTECT, related_name="+")
    from_on = models.DateField()
    reason = models.CharField(max_length=200)
    changed_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    changed_at = models.DateTimeField()

    class Meta:
        db_table = "cis_terms_change"

    def __str__(self) -> str:
        return f"{self.account_id} {self.from_on}"


class CapacityChange(models.Model):
    """
    An increase or decrease of capacity (增容、减容): which contract row followed which, why, and who entered it.

    Append-only; a wrong one is followed by another.
    """

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    before = models.ForeignKey(SupplyContract, models.PROTECT, related_name="+")
    after = models.ForeignKey(SupplyContract, models.PROTECT, related_name="+")
    from_kva = models.IntegerField()
    to_kva = models.IntegerField()
    from_on = models.DateField()
    reason = models.CharField(max_length=200)
    changed_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    changed_at = models.DateTimeField()

    class Meta:
        db_table = "cis_capacity_change"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(to_kva__gt=0) & ~models.Q(to_kva=models.F("from_kva")),
                name="capacity_change_changes",
            ),
        )

    def __str__(self) -> str:
        return f"{self.account_id} {self.from_kva} > {self.to_kva} kVA"
