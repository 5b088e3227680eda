"""Bills, what they were computed from, and the runs that make them."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from cis.models.customers import DEMAND_MODE_CHOICES, SupplyContract
from cis.models.metering import REGISTER_CHOICES

IS_OPEN = models.ExpressionWrapper(models.Q(open_fen__gt=0), output_field=models.BooleanField())


class ChargeKind(models.Model):
    """
    The whitelist of what may stand on a bill, each with its legal basis; a line of any other code is refused.

    Filled from `cis.rating.CHARGES` by `manage.py load_reference`.
    """

    code = models.SmallIntegerField(primary_key=True)
    text_code = models.CharField(max_length=32, unique=True)
    name = models.CharField(max_length=100)
    name_en = models.CharField(max_length=100)
    ledger = models.CharField(max_length=16)
    legal_basis = models.TextField()

    class Meta:
        db_table = "cis_charge_kind"
        constraints = (models.CheckConstraint(condition=~models.Q(legal_basis=""), name="charge_has_legal_basis"),)

    def __str__(self) -> str:
        return self.text_code


class BillingRun(models.Model):
    """A billing run: one cycle, some part of the organisation, done shard by shard by a job."""

    class Kind(models.TextChoices):
        """Why it runs."""

        REGULAR = "regular", "例行"
        FOLLOW_UP = "follow-up", "补发行"
        SINGLE = "single", "柜台即时"
        REBILL = "re-bill", "作废重开"
        PREVIEW = "preview", "试算"
        OPENING = "opening", "期初转入"
        DIFFERENCE = "difference", "销户后差额"

    job = models.OneToOneField("shared.Job", models.PROTECT, null=True, blank=True, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    cycle = models.IntegerField()
    org_unit = models.ForeignKey("shared.OrgUnit", models.PROTECT, null=True, blank=True, related_name="+")
    created_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()
    closing = models.JSONField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "cis_billing_run"
        indexes = (models.Index(fields=["-cycle", "-created_at"], name="billing_run_newest"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.cycle} {self.pk}"


class Bill(models.Model):
    """
    One account's bill for one period; bulk table, written by COPY, never edited but for what is still open on it.

    The application's role may update `open_fen` only. Left without foreign keys for speed, checked nightly by
    `cis.operations.integrity`: `account`, `contract`, `tariff_version`, `run`, `org_unit`. Its number is its cycle and
    its id. `org_unit` is the account's when it was billed: whoever answers for that unit finds the bill in their list.
    """

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey("cis.Account", models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")
    run = models.ForeignKey(BillingRun, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")
    contract = models.ForeignKey(
        SupplyContract, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    tariff_version = models.ForeignKey(
        "cis.TariffVersion", models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    org_unit = models.ForeignKey(
        "shared.OrgUnit", models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    price_class = models.SmallIntegerField(choices=SupplyContract.PriceClass.choices)
    cycle = models.IntegerField()
    revision = models.SmallIntegerField(default=0)
    period_start = models.DateField()
    period_end = models.DateField()
    months = models.SmallIntegerField(default=1)
    """how many months of use it is of; 0 for the bill of a closed account that carries differences only"""
    people = models.SmallIntegerField(default=1)
    tier_kwh_e2_before = models.BigIntegerField(default=0)
    tier_months = models.SmallIntegerField(default=12, db_default=12)
    """months of the tier year to which annual bounds are pro-rated: fewer than 12 after a transfer"""
    energy_kwh_e2 = models.BigIntegerField()
    total_fen = models.BigIntegerField()
    correction_fen = models.BigIntegerField(default=0, db_default=0)
    """what of the total is of other bills or cases, so that the period itself came to `total_fen - correction_fen`"""
    open_fen = models.BigIntegerField()
    due_on = models.DateField()
    issued_at = models.DateTimeField()

    class Meta:
        db_table = "cis_bill"
        constraints = (
            models.UniqueConstraint(fields=["account", "period_start", "revision"], name="one_bill_per_period"),
            models.CheckConstraint(
                condition=models.Q(open_fen__gte=0) & models.Q(open_fen__lte=models.F("total_fen")),
                name="open_amount_within_bill",
            ),
            models.CheckConstraint(
                condition=models.Q(period_end__gt=models.F("period_start")), name="bill_period_has_days"
            ),
            models.CheckConstraint(
                condition=models.Q(tier_months__gte=1, tier_months__lte=12), name="bill_tier_months_are_of_a_year"
            ),
        )
        indexes = (
            models.Index(fields=["run", "account"], name="bill_of_run"),
            # The list of all bills, see cis.queries.bill_list: the month and the state, then the keys of an order, then
            # whose it is, so that the bills of others are passed over in the index and never read.
            models.Index("cycle", IS_OPEN, models.F("id") + 0, "org_unit", name="bill_list_by_no"),
            models.Index("cycle", IS_OPEN, "total_fen", "id", "org_unit", name="bill_list_by_amount"),
        )

    def __str__(self) -> str:
        return f"{self.cycle}{self.pk:010d}"


class BillLine(models.Model):
    """
    One line of a bill: quantity x price (10^-8 yuan) x share = amount (fen), rounded half-up once.

    The quantity is in 10^-places of the charge's unit (0.01 kWh, 0.01 kVA, 0.0001 kW, fen); the share in sixtieths,
    NULL = whole.

    Bulk table without foreign keys (`bill_id`, `account_id`); `code` is checked against `ChargeKind` by a statement
    trigger.
    """

    pk = models.CompositePrimaryKey("bill_id", "seq")
    bill_id = models.BigIntegerField()
    seq = models.SmallIntegerField()
    account_id = models.BigIntegerField()
    code = models.SmallIntegerField()
    quantity = models.BigIntegerField()
    price_e8 = models.BigIntegerField()
    amount_fen = models.BigIntegerField()
    share = models.SmallIntegerField(null=True)

    class Meta:
        db_table = "cis_bill_line"

    def __str__(self) -> str:
        return f"{self.bill_id}/{self.seq}"


class BillBasis(models.Model):
    """
    What basic charge and power-factor adjustment of a bill were computed from; only bills that have one have a row.

    Stretches of capacity stand in three arrays of one length (0.01 kVA, sixtieths of the month, whether at half). Bulk
    table without foreign keys.
    """

    bill_id = models.BigIntegerField(primary_key=True)
    account_id = models.BigIntegerField()
    demand_mode = models.SmallIntegerField(choices=DEMAND_MODE_CHOICES)
    capacity_kva_e2 = ArrayField(models.BigIntegerField())
    capacity_share = ArrayField(models.SmallIntegerField())
    capacity_is_half = ArrayField(models.SmallIntegerField())
    floor_kva_e2 = models.BigIntegerField()
    contract_kw_e4 = models.BigIntegerField()
    demand_kw_e4 = ArrayField(models.BigIntegerField())
    demand_share = models.SmallIntegerField(default=60, db_default=60)
    """sixtieths of the month for which demand is charged: fewer where the account was there for a part of it"""
    pf_standard_e2 = models.SmallIntegerField()
    active_kwh_e2 = models.BigIntegerField()
    reactive_kvarh_e2 = models.BigIntegerField()
    power_factor_e2 = models.SmallIntegerField()
    """hundredths; -1: no active energy, so no factor"""

    class Meta:
        db_table = "cis_bill_basis"

    def __str__(self) -> str:
        return str(self.bill_id)


class BillUsage(models.Model):
    """
    What a bill's energy was computed from: one register of one installation between two readings, or a folded curve.

    Bulk table without foreign keys (`bill_id`, `account_id`, `installation_id`). For a curve, the register values
    are 0 and `is_from_curve` is set.
    """

    pk = models.CompositePrimaryKey("bill_id", "seq")
    bill_id = models.BigIntegerField()
    seq = models.SmallIntegerField()
    account_id = models.BigIntegerField()
    installation_id = models.BigIntegerField()
    register = models.SmallIntegerField(choices=REGISTER_CHOICES)
    from_on = models.DateField()
    to_on = models.DateField()
    from_value_e4 = models.BigIntegerField()
    to_value_e4 = models.BigIntegerField()
    multiplier = models.IntegerField()
    is_rollover = models.BooleanField(default=False)
    is_estimated = models.BooleanField(default=False)
    is_from_curve = models.BooleanField(default=False)
    energy_kwh_e2 = models.BigIntegerField()

    class Meta:
        db_table = "cis_bill_usage"

    def __str__(self) -> str:
        return f"{self.bill_id}/{self.seq}"


class BillException(models.Model):
    """An account that a run left out, and why."""

    run = models.ForeignKey(BillingRun, models.CASCADE, related_name="exceptions")
    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    code = models.CharField(max_length=40)
    detail = models.TextField(blank=True)

    class Meta:
        db_table = "cis_bill_exception"
        constraints = (models.UniqueConstraint(fields=["run", "account"], name="one_exception_per_account"),)

    def __str__(self) -> str:
        return f"{self.run_id} {self.account_id} {self.code}"
