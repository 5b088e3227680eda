"""
Money that comes to the utility's bank accounts, line by line, and whose it turned out to be.

Statements and their lines are kept as they came; of a line only its state moves, as claims are made and undone. Claims,
their parts and returns are written once and end once (see the migration `transfers`).
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from config.shared.personal_data import EncryptedTextField
from payments.models.money import Payment


class BankAccount(models.Model):
    """One of the utility's own bank accounts, of which the bank gives statements."""

    number = models.CharField(max_length=32, unique=True)
    bank = models.CharField(max_length=100)
    added_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    added_at = models.DateTimeField()

    class Meta:
        db_table = "payments_bank_account"

    def __str__(self) -> str:
        return self.number


class SubAccount(models.Model):
    """
    A virtual sub-account number (虚拟子账户) that the bank gave us, assigned to one account for some time.

    What comes under it on a day of `from_on` up to and without `until_on` is that account's.
    """

    number = models.CharField(max_length=40)
    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    from_on = models.DateField()
    until_on = models.DateField(null=True, blank=True)
    assigned_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    assigned_at = models.DateTimeField()

    class Meta:
        db_table = "payments_sub_account"
        constraints = (
            models.UniqueConstraint(fields=["number"], condition=Q(until_on__isnull=True), name="one_live_sub_account"),
            models.UniqueConstraint(
                fields=["account"], condition=Q(until_on__isnull=True), name="one_sub_account_an_account"
            ),
            models.CheckConstraint(
                condition=Q(until_on__isnull=True) | Q(until_on__gte=F("from_on")), name="sub_account_ends_after_begin"
            ),
        )

    def __str__(self) -> str:
        return self.number


class BankStatement(models.Model):
    """One day of a bank account as the bank tells it, whole; debits positive."""

    bank_account = models.ForeignKey(BankAccount, models.PROTECT, related_name="statements")
    day = models.DateField()
    name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    opening_fen = models.BigIntegerField()
    closing_fen = models.BigIntegerField()
    rows_count = models.BigIntegerField()
    credit_fen = models.BigIntegerField()
    debit_fen = models.BigIntegerField()
    received_at = models.DateTimeField()
    received_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")

    class Meta:
        db_table = "payments_bank_statement"
        constraints = (
            models.UniqueConstraint(fields=["bank_account", "day"], name="one_statement_a_day"),
            models.CheckConstraint(
                condition=Q(closing_fen=F("opening_fen") + F("credit_fen") - F("debit_fen")),
                name="statement_adds_up",
            ),
        )

    def __str__(self) -> str:
        return f"{self.bank_account_id} {self.day}"


class BankLine(models.Model):
    """
    One movement on a bank account, negative where money left; its bank serial is unique on that account for ever.

    An open line's money lies on the account of unidentified money: nobody guesses whose it is.
    """

    class State(models.TextChoices):
        """What became of it."""

        OPEN = "open", "待认领"
        CLAIMED = "claimed", "已认领"
        RETURNED = "returned", "退回汇款人"
        MATCHED = "matched", "我方在途款"
        OUT = "out", "转出"

    statement = models.ForeignKey(BankStatement, models.PROTECT, db_index=False, related_name="lines")
    seq = models.BigIntegerField()
    bank_account = models.ForeignKey(BankAccount, models.PROTECT, db_index=False, related_name="+")
    day = models.DateField()
    serial = models.CharField(max_length=64)
    at = models.DateTimeField()
    amount_fen = models.BigIntegerField()
    payer_name = models.CharField(max_length=200, blank=True)
    payer_account = EncryptedTextField(blank=True)
    payer_index = models.BinaryField(max_length=32, null=True, blank=True)
    payer_last4 = models.CharField(max_length=4, blank=True)
    sub_number = models.CharField(max_length=40, blank=True)
    remark = models.CharField(max_length=500, blank=True)
    state = models.CharField(max_length=16, choices=State.choices)

    class Meta:
        db_table = "payments_bank_line"
        constraints = (
            models.UniqueConstraint(fields=["statement", "seq"], name="one_line_a_place"),
            models.UniqueConstraint(fields=["bank_account", "serial"], name="one_line_a_serial"),
            models.CheckConstraint(
                condition=Q(amount_fen__gt=0, state__in=["open", "claimed", "returned", "matched"])
                | Q(amount_fen__lt=0, state="out"),
                name="line_goes_its_way",
            ),
        )
        indexes = (
            models.Index(fields=["day", "id"], condition=Q(state="open"), name="line_open"),
            models.Index(fields=["payer_index"], condition=Q(state="claimed"), name="line_payer"),
        )

    def __str__(self) -> str:
        return f"{self.bank_account_id} {self.serial}"


class Claim(models.Model):
    """
    Whose a line's money is: the whole line, for one customer's accounts; by its sub-account, or by staff who know.

    One live claim a line; undone, every payment of it was reversed and the money lies unidentified again.
    """

    class Way(models.TextChoices):
        """How one knows."""

        SUB_ACCOUNT = "sub-account", "虚拟子账户"
        STAFF = "staff", "人工认领"

    line = models.ForeignKey(BankLine, models.PROTECT, related_name="claims")
    customer = models.ForeignKey("cis.Customer", models.PROTECT, db_index=False, related_name="+")
    way = models.CharField(max_length=16, choices=Way.choices)
    amount_fen = models.BigIntegerField()
    reason = models.CharField(max_length=500, blank=True)
    claimed_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    approved_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    claimed_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    undo_approved_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    undo_reason = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        db_table = "payments_claim"
        constraints = (
            models.UniqueConstraint(fields=["line"], condition=Q(undone_at__isnull=True), name="one_live_claim"),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="claim_is_positive"),
            models.CheckConstraint(
                condition=Q(way="sub-account", claimed_by__isnull=True, approved_by__isnull=True)
                | Q(way="staff", claimed_by__isnull=False, reason__regex=r"\S"),
                name="claim_has_claimant",
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("claimed_by")), name="claim_by_another_person"
            ),
            models.CheckConstraint(
                condition=Q(undone_at__isnull=True, undone_by__isnull=True, undo_reason="")
                | Q(undone_at__isnull=False, undone_by__isnull=False, undo_reason__regex=r"\S"),
                name="claim_undone_for_reason",
            ),
            models.CheckConstraint(
                condition=Q(undo_approved_by__isnull=True) | ~Q(undo_approved_by=F("undone_by")),
                name="claim_undone_by_another",
            ),
        )

    def __str__(self) -> str:
        return f"{self.pk}"


class ClaimPart(models.Model):
    """So much of a claim went to this account, as this payment; the parts add up to the claim and to its line."""

    pk = models.CompositePrimaryKey("claim_id", "seq")
    claim = models.ForeignKey(Claim, models.PROTECT, db_index=False, related_name="parts")
    seq = models.SmallIntegerField()
    account = models.ForeignKey("cis.Account", models.PROTECT, db_index=False, related_name="+")
    amount_fen = models.BigIntegerField()
    payment = models.OneToOneField(Payment, models.PROTECT, related_name="+")

    class Meta:
        db_table = "payments_claim_part"
        constraints = (
            models.UniqueConstraint(fields=["claim", "account"], name="account_once_a_claim"),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="claim_part_is_positive"),
        )

    def __str__(self) -> str:
        return f"{self.claim_id}/{self.seq}"


class BankReturn(models.Model):
    """
    A line's money that goes back to whoever sent it: asked for by one, approved by another, owed until the bank's
    statement shows it leave (`out_line`).
    """

    line = models.OneToOneField(BankLine, models.PROTECT, related_name="bank_return")
    approval = models.OneToOneField("shared.Approval", models.PROTECT, related_name="+")
    reason = models.CharField(max_length=500)
    asked_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    approved_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    approved_at = models.DateTimeField()
    out_line = models.OneToOneField(BankLine, models.PROTECT, null=True, blank=True, related_name="paid_return")
    paid_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "payments_bank_return"
        constraints = (
            models.CheckConstraint(condition=~Q(approved_by=F("asked_by")), name="return_by_another_person"),
            models.CheckConstraint(
                condition=Q(out_line__isnull=True, paid_at__isnull=True)
                | Q(out_line__isnull=False, paid_at__isnull=False),
                name="return_paid_by_a_line",
            ),
        )

    def __str__(self) -> str:
        return f"TH{self.pk:08d}"
