"""Debts that are written off, and kept in memory until they are paid after all."""

from __future__ import annotations

from django.db import models


class WriteOff(models.Model):
    """
    What an account owes was written off: asked for by one with evidence, approved by another; written once.

    The database looks the approval up, whoever writes. The debt is kept as a memo and can be paid later.
    """

    class Ground(models.TextChoices):
        """Why nothing can be had any more."""

        BANKRUPT = "bankrupt", "破产清算完毕"
        DECEASED = "deceased", "死亡且无遗产"
        UNTRACEABLE = "untraceable", "下落不明，无法追索"

    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    approval = models.OneToOneField("shared.Approval", models.PROTECT, related_name="+")
    ground = models.CharField(max_length=16, choices=Ground.choices)
    evidence = models.CharField(max_length=300)
    amount_fen = models.BigIntegerField()
    asked_by = models.ForeignKey("shared.User", models.PROTECT, db_index=False, related_name="+")
    approved_by = models.ForeignKey("shared.User", models.PROTECT, db_index=False, related_name="+")
    at = models.DateTimeField()
    business_date = models.DateField()

    class Meta:
        db_table = "cis_write_off"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(amount_fen__gt=0) & ~models.Q(evidence=""), name="write_off_has_evidence"
            ),
            models.CheckConstraint(
                condition=~models.Q(approved_by=models.F("asked_by")), name="write_off_by_another_person"
            ),
        )

    def __str__(self) -> str:
        return f"{self.account_id} {self.amount_fen}"


class WrittenOffBill(models.Model):
    """What was written off of one bill: its charges and its late fee; written once."""

    write_off = models.ForeignKey(WriteOff, models.PROTECT, related_name="bills")
    bill = models.ForeignKey("cis.Bill", models.PROTECT, related_name="+")
    principal_fen = models.BigIntegerField()
    fee_fen = models.BigIntegerField()

    class Meta:
        db_table = "cis_written_off_bill"
        constraints = (
            models.UniqueConstraint(fields=["write_off", "bill"], name="bill_written_off_once"),
            models.CheckConstraint(
                condition=models.Q(principal_fen__gte=0)
                & models.Q(fee_fen__gte=0)
                & (models.Q(principal_fen__gt=0) | models.Q(fee_fen__gt=0)),
                name="written_off_bill_is_positive",
            ),
        )

    def __str__(self) -> str:
        return f"{self.write_off_id} {self.bill_id}"


class WriteOffRecovery(models.Model):
    """So much of a written-off bill was paid after all, by this payment; written once."""

    written_off = models.ForeignKey(WrittenOffBill, models.PROTECT, related_name="recoveries")
    payment_id = models.BigIntegerField()
    """the payment; payments stand above this app, so there is no foreign key"""
    principal_fen = models.BigIntegerField()
    fee_fen = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        db_table = "cis_write_off_recovery"
        constraints = (
            models.UniqueConstraint(fields=["written_off", "payment_id"], name="recovered_once_a_payment"),
            models.CheckConstraint(
                condition=models.Q(principal_fen__gte=0)
                & models.Q(fee_fen__gte=0)
                & (models.Q(principal_fen__gt=0) | models.Q(fee_fen__gt=0)),
                name="recovery_is_positive",
            ),
        )

    def __str__(self) -> str:
        return f"{self.written_off_id} {self.payment_id}"
