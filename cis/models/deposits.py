"""Deposits (用电保证金): held on a ledger account of their own until they are applied or returned."""

from __future__ import annotations

from django.db import models


class DepositMove(models.Model):
    """
    A deposit was taken out of the prepayment, applied to what a closed account owes, or given back; written once.

    What is held is the ledger's. Given back it goes to the prepayment, by two persons, and from there as a refund.
    """

    class What(models.TextChoices):
        """Where it went."""

        HELD = "held", "收存保证金"
        APPLIED = "applied", "保证金抵欠费"
        RETURNED = "returned", "退还保证金"

    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    what = models.CharField(max_length=8, choices=What.choices)
    amount_fen = models.BigIntegerField()
    basis = models.CharField(max_length=300)
    by = models.ForeignKey("shared.User", models.PROTECT, db_index=False, related_name="+")
    approval = models.OneToOneField("shared.Approval", models.PROTECT, null=True, blank=True, related_name="+")
    approved_by = models.ForeignKey(
        "shared.User", models.PROTECT, null=True, blank=True, db_index=False, related_name="+"
    )
    at = models.DateTimeField()
    business_date = models.DateField()

    class Meta:
        db_table = "cis_deposit_move"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(amount_fen__gt=0) & ~models.Q(basis=""), name="deposit_move_has_basis"
            ),
            models.CheckConstraint(
                condition=~models.Q(what="returned")
                | (
                    models.Q(approval__isnull=False)
                    & models.Q(approved_by__isnull=False)
                    & ~models.Q(approved_by=models.F("by"))
                ),
                name="deposit_returned_by_two_persons",
            ),
        )

    def __str__(self) -> str:
        return f"{self.account_id} {self.what} {self.amount_fen}"
