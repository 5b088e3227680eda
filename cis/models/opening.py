"""What was taken over from another system: batches, their accounts, and the bills that came with them."""

from __future__ import annotations

from django.db import models

from cis.models.billing import Bill, BillingRun


class OpeningImport(models.Model):
    """
    One folder that was taken over whole: its batch, its digest, and the totals that it was checked against.

    A corrected folder of the same batch is a new row that replaces the one before. Append-only.
    """

    batch = models.CharField(max_length=40)
    revision = models.SmallIntegerField()
    digest = models.BinaryField(max_length=32)
    cut_over_on = models.DateField()
    totals = models.JSONField()
    run = models.OneToOneField(BillingRun, models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        db_table = "cis_opening_import"
        constraints = (models.UniqueConstraint(fields=["batch", "revision"], name="one_revision_of_a_batch"),)

    def __str__(self) -> str:
        return f"{self.batch} {self.revision}"


class OpeningAccount(models.Model):
    """An account of an opening import, whose customer it was there, and what it had paid ahead. Append-only."""

    opening_import = models.ForeignKey(OpeningImport, models.PROTECT, related_name="accounts")
    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    customer_no = models.CharField(max_length=32)
    prepaid_fen = models.BigIntegerField()

    class Meta:
        db_table = "cis_opening_account"
        constraints = (
            models.UniqueConstraint(fields=["opening_import", "account"], name="an_account_opens_once"),
            models.CheckConstraint(condition=models.Q(prepaid_fen__gte=0), name="opening_prepayment_not_negative"),
        )

    def __str__(self) -> str:
        return f"{self.opening_import_id} {self.account_id}"


class OpeningBill(models.Model):
    """
    A bill of another system: its number there, and what was open on it at the cut-over. Append-only.

    Its late fees up to and including `late_fee_through` were charged there; here they run from the day after.
    """

    bill = models.OneToOneField(Bill, models.PROTECT, primary_key=True, related_name="opening")
    opening_import = models.ForeignKey(OpeningImport, models.PROTECT, related_name="bills")
    reference = models.CharField(max_length=40)
    open_fen = models.BigIntegerField()
    late_fee_through = models.DateField(null=True)

    class Meta:
        db_table = "cis_opening_bill"
        constraints = (models.CheckConstraint(condition=models.Q(open_fen__gte=0), name="opening_amount_not_negative"),)

    def __str__(self) -> str:
        return f"{self.bill_id} {self.reference}"
