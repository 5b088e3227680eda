"""Late fees that were charged, and those that were waived."""

from __future__ import annotations

from django.db import models


class LateFeeCharge(models.Model):
    """
    The late fee of a bill for a stretch of days, charged when a payment or a decision came: a debt of its own.

    The stretch goes from the day after the last one of the bill (the first: after the due date) up to and including
    `through_on`, on a principal of `base_fen`. A stretch may cost nothing and is kept all the same: it says what was
    open. The application's role may update `open_fen` only; charges, bills and the receivable agree (`ledger.verify`).
    """

    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    bill = models.ForeignKey("cis.Bill", models.PROTECT, db_index=False, related_name="+")
    through_on = models.DateField()
    base_fen = models.BigIntegerField()
    fee_fen = models.BigIntegerField()
    open_fen = models.BigIntegerField()
    rule = models.CharField(max_length=32)
    charged_at = models.DateTimeField()
    business_date = models.DateField()

    class Meta:
        db_table = "cis_late_fee_charge"
        constraints = (
            models.UniqueConstraint(fields=["bill", "through_on"], name="late_fee_charged_once"),
            models.CheckConstraint(
                condition=models.Q(open_fen__gte=0)
                & models.Q(open_fen__lte=models.F("fee_fen"))
                & models.Q(base_fen__gte=0),
                name="late_fee_open_within_fee",
            ),
        )

    def __str__(self) -> str:
        return f"{self.bill_id} {self.through_on}"


class LateFeeWaiver(models.Model):
    """So much of a charged late fee was waived: asked for by one with a reason, approved by another; written once."""

    approval = models.ForeignKey("shared.Approval", models.PROTECT, related_name="+")
    charge = models.ForeignKey(LateFeeCharge, models.PROTECT, related_name="waivers")
    amount_fen = models.BigIntegerField()
    reason = models.CharField(max_length=500)
    asked_by = models.ForeignKey("shared.User", models.PROTECT, db_index=False, related_name="+")
    approved_by = models.ForeignKey("shared.User", models.PROTECT, db_index=False, related_name="+")
    at = models.DateTimeField()
    business_date = models.DateField()

    class Meta:
        db_table = "cis_late_fee_waiver"
        constraints = (
            models.UniqueConstraint(fields=["approval", "charge"], name="late_fee_waived_once"),
            models.CheckConstraint(condition=models.Q(amount_fen__gt=0), name="late_fee_waiver_is_positive"),
            models.CheckConstraint(condition=~models.Q(reason=""), name="late_fee_waiver_has_reason"),
            models.CheckConstraint(
                condition=~models.Q(approved_by=models.F("asked_by")), name="late_fee_waived_by_another_person"
            ),
        )

    def __str__(self) -> str:
        return f"{self.charge_id} {self.amount_fen}"
