"""Several settlements a month (分次结算): what was agreed, and each advance that was asked for."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, RangeOperators
from django.db import models


class AdvanceAgreement(models.Model):
    """
    So many settlements a month, each a share (thousandths) of the month before or of an amount, due on a day of it.

    In force from `begins_on` up to and not including `ends_on`, one at a time an account. Terms are never changed: a
    new agreement follows. Only the end may be set, with who ended it and why, and only earlier.
    """

    class Basis(models.TextChoices):
        """What the shares are of."""

        LAST_BILL = "last-bill", "上月电费"
        AMOUNT = "amount", "约定金额"

    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    begins_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)
    basis = models.CharField(max_length=12, choices=Basis.choices)
    monthly_fen = models.BigIntegerField(null=True, blank=True)
    """the agreed amount of a month; None where the shares are of the last bill"""
    days = ArrayField(models.SmallIntegerField())
    shares = ArrayField(models.SmallIntegerField())
    paper = models.CharField(max_length=200)
    signed_by = models.CharField(max_length=100)
    signed_on = models.DateField()
    made_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    ended_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "cis_advance_agreement"
        constraints = (
            ExclusionConstraint(
                name="one_advance_agreement_at_a_time",
                expressions=[
                    ("account", RangeOperators.EQUAL),
                    (
                        models.Func("begins_on", "ends_on", function="daterange", output_field=DateRangeField()),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
            models.CheckConstraint(
                condition=models.Q(basis="last-bill", monthly_fen__isnull=True)
                | models.Q(basis="amount", monthly_fen__gt=0),
                name="advance_agreement_has_its_basis",
            ),
            models.CheckConstraint(
                condition=models.Q(ends_on__isnull=True) | models.Q(ends_on__gte=models.F("begins_on")),
                name="advance_agreement_ends_after_it_begins",
            ),
            models.CheckConstraint(
                condition=~models.Q(paper="") & ~models.Q(signed_by="") & models.Q(begins_on__day=1),
                name="advance_agreement_has_paper",
            ),
            models.CheckConstraint(
                condition=models.Q(ends_on__isnull=True) | models.Q(ended_at__isnull=False) & ~models.Q(end_reason=""),
                name="ended_advance_agreement_says_why",
            ),
        )

    def __str__(self) -> str:
        return f"{self.account_id} {self.begins_on}"


class AdvanceDemand(models.Model):
    """
    One advance that was asked for: a claim until the month is billed, never a bill, never booked. Written once.

    What is paid on it follows from the prepayment (`cis.queries.advances`). `basis_bill_id` is the bill the share is
    of, without a foreign key as everywhere on bills; None for an agreed amount.
    """

    agreement = models.ForeignKey(AdvanceAgreement, models.PROTECT, related_name="demands")
    account = models.ForeignKey("cis.Account", models.PROTECT, db_index=False, related_name="+")
    cycle = models.IntegerField()
    number = models.SmallIntegerField()
    agreed_on = models.DateField()
    due_on = models.DateField()
    share = models.SmallIntegerField()
    basis_fen = models.BigIntegerField()
    basis_bill_id = models.BigIntegerField(null=True)
    amount_fen = models.BigIntegerField()
    made_at = models.DateTimeField()

    class Meta:
        db_table = "cis_advance_demand"
        constraints = (
            models.UniqueConstraint(fields=["account", "cycle", "number"], name="advance_asked_once"),
            models.CheckConstraint(
                condition=models.Q(amount_fen__gt=0, amount_fen__lte=models.F("basis_fen"))
                & models.Q(due_on__gte=models.F("agreed_on")),
                name="advance_is_a_share",
            ),
        )
        indexes = (models.Index(fields=["cycle", "due_on"], name="advances_of_month"),)

    def __str__(self) -> str:
        return f"{self.account_id} {self.cycle}/{self.number}"
