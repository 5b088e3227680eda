"""
Bank batch debit (批扣): who agreed to it, what was asked of a bank in one file, and what the bank answered row by row.

A row is what an account owed when it was frozen; it is written once, answered once and ended once, and an account is in
one open row at most (see the migration `bank_debits`).
"""

from __future__ import annotations

from typing import Any

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.db import models

from config.shared.personal_data import EncryptedTextField
from payments.models.channels import ChannelClient
from payments.models.money import Payment


def standard_codes() -> dict[str, Any]:
    """A bank's return codes to ours where nothing else is agreed; ours are `payments.matching.debit_file.OUTCOMES`."""
    return {
        "0000": "ok",
        "0001": "short",
        "0002": "closed",
        "0003": "refused",
        "0004": "limit",
        "0005": "blocked",
        "9999": "other",
    }


@pghistory.track()
class DebitBank(models.Model):
    """
    A bank that debits for us: the form of its files and codes, how often a debt is tried and after how many days.

    `separator`: what parts the fields of a line; empty: fields of fixed width. `client`: whose signed requests sign and
    end agreements for it.
    """

    code = models.CharField(max_length=16, unique=True)
    name = models.CharField(max_length=100)
    client = models.OneToOneField(ChannelClient, models.PROTECT, null=True, blank=True, related_name="+")
    separator = models.CharField(max_length=1, blank=True)
    encoding = models.CharField(max_length=8, choices=[("utf-8", "UTF-8"), ("gb18030", "GB18030")])
    return_codes = models.JSONField(default=standard_codes)
    max_tries = models.SmallIntegerField(default=3)
    retry_days = models.SmallIntegerField(default=3)

    class Meta:
        db_table = "payments_debit_bank"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(code__regex=r"^[a-z0-9][a-z0-9-]{1,15}$"), name="debit_bank_code"
            ),
            models.CheckConstraint(
                condition=models.Q(max_tries__range=(1, 9), retry_days__range=(0, 31)), name="debit_tries_are_sane"
            ),
            models.CheckConstraint(
                condition=models.Q(separator__in=["", "|", ",", ";"]), name="debit_separator_is_known"
            ),
        )

    def __str__(self) -> str:
        return self.code


@pghistory.track(exclude=["card_no", "card_index", "holder"])
class DebitAgreement(models.Model):
    """
    An account's agreement that a bank pays its bills from a card; one is active at a time.

    `tries`: how often the debt was refused in a row; it is not asked for again before `not_before`. After the last try
    nothing is asked for until there is a bill newer than `given_up_bill_id`.
    """

    class Place(models.TextChoices):
        """Where it was signed."""

        BANK = "bank", "银行"
        HALL = "hall", "营业厅"
        PORTAL = "portal", "网上营业厅"

    class State(models.TextChoices):
        """Whether it holds."""

        ACTIVE = "active", "有效"
        ENDED = "ended", "已解约"

    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    bank = models.ForeignKey(DebitBank, models.PROTECT, related_name="+")
    card_no = EncryptedTextField()
    card_index = models.BinaryField(max_length=32, db_index=True)
    card_last4 = models.CharField(max_length=4)
    holder = EncryptedTextField()
    place = models.CharField(max_length=16, choices=Place.choices)
    bank_serial = models.CharField(max_length=64, blank=True)
    """the bank's own number of the signing, where it was signed there"""
    limit_fen = models.BigIntegerField()
    valid_from = models.DateField()
    valid_until = models.DateField(null=True, blank=True)
    state = models.CharField(max_length=16, choices=State.choices, default=State.ACTIVE)
    signed_at = models.DateTimeField()
    signed_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    end_reason = models.CharField(max_length=200, blank=True)
    tries = models.SmallIntegerField(default=0)
    not_before = models.DateField(null=True, blank=True)
    given_up_bill_id = models.BigIntegerField(default=0)

    class Meta:
        db_table = "payments_debit_agreement"
        constraints = (
            models.UniqueConstraint(
                fields=["account"], condition=models.Q(state="active"), name="one_debit_agreement_per_account"
            ),
            models.UniqueConstraint(
                fields=["bank", "bank_serial"], condition=~models.Q(bank_serial=""), name="debit_signed_once"
            ),
            models.CheckConstraint(
                condition=models.Q(limit_fen__gt=0) & ~models.Q(card_no="") & ~models.Q(holder=""),
                name="debit_agreement_is_whole",
            ),
            models.CheckConstraint(
                condition=models.Q(valid_until__isnull=True) | models.Q(valid_until__gte=models.F("valid_from")),
                name="debit_agreement_lasts",
            ),
            models.CheckConstraint(
                condition=models.Q(state="active", ended_at__isnull=True, end_reason="")
                | (models.Q(state="ended", ended_at__isnull=False) & ~models.Q(end_reason="")),
                name="ended_debit_agreement_says_why",
            ),
        )

    def __str__(self) -> str:
        return f"DK{self.pk:010d}"


class DebitBatch(models.Model):
    """
    What one bank is asked to debit on one day, in one file.

    Frozen: a payment that comes first takes its row out. Sent: the bank has the file, and nobody else collects from its
    accounts until the answer is there. `skipped`: why other accounts with an agreement are not in it, to how many.
    """

    class State(models.TextChoices):
        """How far it is."""

        FROZEN = "frozen", "已冻结，未送盘"
        SENT = "sent", "已送盘，等回盘"
        ANSWERED = "answered", "已回盘，正在入账"
        DONE = "done", "已完成"
        CANCELLED = "cancelled", "已撤销"

    bank = models.ForeignKey(DebitBank, models.PROTECT, related_name="+")
    debit_on = models.DateField()
    state = models.CharField(max_length=16, choices=State.choices, default=State.FROZEN)
    skipped = models.JSONField(default=dict)
    frozen_at = models.DateTimeField()
    frozen_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    sent_at = models.DateTimeField(null=True, blank=True)
    sent_rows = models.BigIntegerField(default=0)
    sent_fen = models.BigIntegerField(default=0)
    sent_sha256 = models.CharField(max_length=64, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    answer_sha256 = models.CharField(max_length=64, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "payments_debit_batch"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(state__in=["frozen", "cancelled"], sent_at__isnull=True, sent_sha256="")
                | (models.Q(state__in=["sent", "answered", "done"], sent_at__isnull=False) & ~models.Q(sent_sha256="")),
                name="sent_debit_batch_has_its_file",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["answered", "done"], answered_at__isnull=False)
                | models.Q(state__in=["frozen", "sent", "cancelled"], answered_at__isnull=True),
                name="answered_debit_batch_has_answer",
            ),
        )

    def __str__(self) -> str:
        return f"DK{self.debit_on:%Y%m%d}{self.pk:08d}"


class DebitRow(models.Model):
    """
    What one account is debited: all that it owed when it was frozen, late fees up to the day of the debit among it.

    `code`: what the bank answered, in our words. `fault`: why a debited amount could not be booked yet.
    """

    class State(models.TextChoices):
        """What became of it."""

        OPEN = "open", "处理中"
        BOOKED = "booked", "扣款成功，已入账"
        FAILED = "failed", "没有扣成"
        EXCLUDED = "excluded", "没有送盘"

    batch = models.ForeignKey(DebitBatch, models.PROTECT, db_index=False, related_name="rows")
    seq = models.IntegerField()
    agreement = models.ForeignKey(DebitAgreement, models.PROTECT, related_name="rows")
    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    amount_fen = models.BigIntegerField()
    bill_ids = ArrayField(models.BigIntegerField())
    state = models.CharField(max_length=16, choices=State.choices, default=State.OPEN)
    code = models.CharField(max_length=16, blank=True)
    bank_serial = models.CharField(max_length=40, blank=True)
    fault = models.CharField(max_length=64, blank=True)
    payment = models.OneToOneField(Payment, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        db_table = "payments_debit_row"
        constraints = (
            models.UniqueConstraint(fields=["batch", "seq"], name="debit_row_once"),
            models.UniqueConstraint(
                fields=["account"], condition=models.Q(state="open"), name="account_in_one_open_debit"
            ),
            models.CheckConstraint(condition=models.Q(amount_fen__gt=0), name="debit_row_is_positive"),
            models.CheckConstraint(
                condition=models.Q(state="booked", code="ok", payment__isnull=False)
                | (~models.Q(state="booked") & models.Q(payment__isnull=True)),
                name="booked_debit_has_payment",
            ),
        )

    def __str__(self) -> str:
        return f"{self.batch_id} {self.seq}"
