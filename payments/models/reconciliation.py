"""
What channels say that they took, day by day, held against our books; every difference until somebody resolved it.

Files and their rows are kept as they came and never change; a difference changes once, when it is resolved (see the
migration `reconciliation`).
"""

from __future__ import annotations

from django.db import models

from payments.models.money import Payment


class ChannelFile(models.Model):
    """One accounting day of a channel as the channel tells it, whole; `total_fen` is what moved, returns taken off."""

    channel = models.CharField(max_length=16)
    day = models.DateField()
    name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    rows_count = models.BigIntegerField()
    total_fen = models.BigIntegerField()
    received_at = models.DateTimeField()
    received_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    """who brought or fetched it; nobody where the clock did"""

    class Meta:
        db_table = "payments_channel_file"
        constraints = (models.UniqueConstraint(fields=["channel", "day"], name="one_file_per_channel_day"),)

    def __str__(self) -> str:
        return f"{self.channel} {self.day}"


class ChannelFileRow(models.Model):
    """One line of a file: a payment (positive) or a return (negative) under the payment's serial."""

    pk = models.CompositePrimaryKey("file_id", "seq")
    file = models.ForeignKey(ChannelFile, models.PROTECT, db_index=False, related_name="rows")
    seq = models.BigIntegerField()
    serial = models.CharField(max_length=64)
    account_no = models.CharField(max_length=20, blank=True)
    amount_fen = models.BigIntegerField()
    kind = models.CharField(max_length=1)
    at = models.DateTimeField()
    status = models.CharField(max_length=16)
    provider_no = models.CharField(max_length=64, blank=True)

    class Meta:
        db_table = "payments_channel_file_row"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(kind="P", amount_fen__gt=0) | models.Q(kind="R", amount_fen__lt=0),
                name="file_row_has_its_sign",
            ),
        )

    def __str__(self) -> str:
        return f"{self.file_id} {self.seq}"


class Reconciliation(models.Model):
    """A channel's day held against ours, once; `received_fen` and `fee_fen` say how the channel paid it at last."""

    file = models.OneToOneField(ChannelFile, models.PROTECT, related_name="reconciliation")
    channel = models.CharField(max_length=16)
    day = models.DateField()
    clearing_id = models.BigIntegerField()
    theirs_fen = models.BigIntegerField()
    ours_fen = models.BigIntegerField()
    matched = models.BigIntegerField()
    run_at = models.DateTimeField()
    run_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    received_fen = models.BigIntegerField(null=True, blank=True)
    fee_fen = models.BigIntegerField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        db_table = "payments_reconciliation"
        constraints = (
            models.UniqueConstraint(fields=["channel", "day"], name="reconciled_once"),
            models.CheckConstraint(
                condition=models.Q(
                    settled_at__isnull=True, received_fen__isnull=True, fee_fen__isnull=True, settled_by__isnull=True
                )
                | models.Q(
                    settled_at__isnull=False,
                    settled_by__isnull=False,
                    received_fen__gte=0,
                    fee_fen__gte=0,
                    theirs_fen=models.F("received_fen") + models.F("fee_fen"),
                ),
                name="settled_for_what_it_took",
            ),
        )

    def __str__(self) -> str:
        return f"{self.channel} {self.day}"


class Difference(models.Model):
    """
    A serial of a channel's day of which the channel and we say different sums; owned by somebody until it is resolved.

    `theirs_fen` less `ours_fen` lies on the suspense account of long or of short money meanwhile.
    """

    class Outcome(models.TextChoices):
        """How the two sides differ."""

        LONG = "LONG", "长款"
        SHORT = "SHORT", "短款"
        AMOUNT_DIFF = "AMOUNT_DIFF", "金额不符"
        STATUS_DIFF = "STATUS_DIFF", "状态不符"
        DUPLICATE = "DUPLICATE", "重复"

    class Resolution(models.TextChoices):
        """How it ended."""

        DAY_SHIFT = "DAY_SHIFT", "跨日自动核销"
        BOOKED = "BOOKED", "记到户号"
        BANK = "BANK", "渠道补付或退回渠道"
        WRITTEN_OFF = "WRITTEN_OFF", "转营业外收支"

    reconciliation = models.ForeignKey(Reconciliation, models.PROTECT, related_name="differences")
    channel = models.CharField(max_length=16)
    day = models.DateField()
    serial = models.CharField(max_length=64)
    outcome = models.CharField(max_length=16, choices=Outcome.choices)
    theirs_fen = models.BigIntegerField()
    ours_fen = models.BigIntegerField()
    payment = models.ForeignKey(Payment, models.PROTECT, null=True, blank=True, db_index=False, related_name="+")
    owner = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    raised_at = models.DateTimeField()
    resolution = models.CharField(max_length=16, choices=Resolution.choices, blank=True, default="")
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    resolved_payment = models.OneToOneField(Payment, models.PROTECT, null=True, blank=True, related_name="+")
    other = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="+")
    """the difference of the other day that it went up against"""

    class Meta:
        db_table = "payments_difference"
        constraints = (
            models.UniqueConstraint(fields=["channel", "day", "serial"], name="difference_once"),
            models.CheckConstraint(condition=~models.Q(theirs_fen=models.F("ours_fen")), name="difference_is_one"),
            models.CheckConstraint(
                condition=models.Q(
                    resolution="", resolved_at__isnull=True, resolved_payment__isnull=True, other__isnull=True
                )
                | (~models.Q(resolution="") & models.Q(resolved_at__isnull=False)),
                name="difference_open_or_resolved",
            ),
            models.CheckConstraint(
                condition=(models.Q(resolution="BOOKED") & models.Q(resolved_payment__isnull=False))
                | (~models.Q(resolution="BOOKED") & models.Q(resolved_payment__isnull=True)),
                name="booked_difference_has_payment",
            ),
            models.CheckConstraint(
                condition=(models.Q(resolution="DAY_SHIFT") & models.Q(other__isnull=False))
                | (~models.Q(resolution="DAY_SHIFT") & models.Q(other__isnull=True)),
                name="shifted_difference_has_other",
            ),
        )
        indexes = (
            models.Index(fields=["channel", "serial"], condition=models.Q(resolution=""), name="difference_open"),
        )

    def __str__(self) -> str:
        return f"{self.channel} {self.day} {self.serial}"
