"""Agreements with those who cannot pay at once: bills, instalments, and how each ended."""

from __future__ import annotations

from django.db import models


class InstalmentAgreement(models.Model):
    """
    A signed agreement to pay bills by instalments; one at a time an account.

    While it is kept its bills are not chased, cost no late fee, and nothing is cut off. Only `state`, `ended_on` and
    `ended_by` may change, and only from kept; instalments, bills and `debt_fen` agree at the end of every transaction.
    """

    class State(models.TextChoices):
        """How it stands; the last two are never left."""

        KEPT = "kept", "履行中"
        DONE = "done", "已还清"
        BROKEN = "broken", "已违约终止"

    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    debt_fen = models.BigIntegerField()
    signed_on = models.DateField()
    evidence = models.CharField(max_length=200)
    """who signed and where the paper lies"""
    state = models.CharField(max_length=8, choices=State.choices, default=State.KEPT)
    made_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    ended_on = models.DateField(null=True, blank=True)

    class Meta:
        db_table = "cis_instalment_agreement"
        constraints = (
            models.UniqueConstraint(
                fields=["account"], name="one_agreement_at_a_time", condition=models.Q(state="kept")
            ),
            models.CheckConstraint(
                condition=models.Q(debt_fen__gt=0) & ~models.Q(evidence=""), name="agreement_has_debt_and_evidence"
            ),
            models.CheckConstraint(
                condition=models.Q(state="kept", ended_on__isnull=True)
                | ~models.Q(state="kept") & models.Q(ended_on__isnull=False),
                name="ended_agreement_has_its_day",
            ),
        )

    def __str__(self) -> str:
        return f"{self.account_id} {self.signed_on}"


class AgreedBill(models.Model):
    """A bill of an agreement with what was open of it, late fee included, when it was signed; written once."""

    agreement = models.ForeignKey(InstalmentAgreement, models.PROTECT, related_name="bills")
    bill = models.ForeignKey("cis.Bill", models.PROTECT, related_name="+")
    open_fen = models.BigIntegerField()

    class Meta:
        db_table = "cis_agreed_bill"
        constraints = (
            models.UniqueConstraint(fields=["agreement", "bill"], name="bill_agreed_once"),
            models.CheckConstraint(condition=models.Q(open_fen__gt=0), name="agreed_bill_is_open"),
        )

    def __str__(self) -> str:
        return f"{self.agreement_id} {self.bill_id}"


class Instalment(models.Model):
    """So much until the end of a day; written once."""

    agreement = models.ForeignKey(InstalmentAgreement, models.PROTECT, related_name="instalments")
    seq = models.SmallIntegerField()
    due_on = models.DateField()
    amount_fen = models.BigIntegerField()

    class Meta:
        db_table = "cis_instalment"
        constraints = (
            models.UniqueConstraint(fields=["agreement", "seq"], name="instalment_once"),
            models.UniqueConstraint(fields=["agreement", "due_on"], name="one_instalment_a_day"),
            models.CheckConstraint(condition=models.Q(amount_fen__gt=0), name="instalment_is_positive"),
        )

    def __str__(self) -> str:
        return f"{self.agreement_id}/{self.seq}"
