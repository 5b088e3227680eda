"""Money on its way back to whoever paid it through a provider, and what the provider tells of it."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from config.shared.personal_data import EncryptedTextField
from payments.models.money import Payment, Refund


class Payback(models.Model):
    """
    A refund that a provider carries out: kept when it is approved, before the provider hears of it.

    The provider knows it by `out_refund_no`, unique for ever: asked for again under that number it is the same refund.
    The state moves along asked, sent, done or failed; what failed may still turn out to be done, nothing else comes
    after an end. The database refuses every other change, and refunds of a payment that are more than it, or of a
    WeChat payment that are more than fifty (see the migration of this table).
    """

    class State(models.TextChoices):
        """Sent: the provider has taken it, the money is not there yet."""

        ASKED = "asked", "待退出"
        SENT = "sent", "退款中"
        DONE = "done", "已退回"
        FAILED = "failed", "没有退成"

    refund = models.OneToOneField(Refund, models.PROTECT, related_name="payback")
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="+")
    channel = models.CharField(max_length=16)
    out_refund_no = models.CharField(max_length=64, unique=True)
    provider_no = models.CharField(max_length=64)
    """the provider's own number of the payment"""
    amount_fen = models.BigIntegerField()
    total_fen = models.BigIntegerField()
    refund_no_there = models.CharField(max_length=64, blank=True, default="")
    """the provider's number of the refund, where it has one"""
    state = models.CharField(max_length=16, choices=State.choices, default=State.ASKED)
    fault = models.CharField(max_length=64, blank=True, default="")
    """the provider's word for why it does not go on, or did not come about"""
    created_at = models.DateTimeField()
    taken_at = models.DateTimeField(null=True, blank=True)
    """when the provider took it"""
    ended_at = models.DateTimeField(null=True, blank=True)
    ask_at = models.DateTimeField(null=True, blank=True)
    """when it is sent or asked about next"""
    turns = models.IntegerField(default=0)

    class Meta:
        db_table = "payments_payback"
        constraints = (
            models.CheckConstraint(
                condition=Q(amount_fen__gt=0) & Q(amount_fen__lte=F("total_fen")), name="payback_within_payment"
            ),
            models.CheckConstraint(
                condition=Q(state__in=("asked", "sent"), ended_at__isnull=True)
                | Q(state__in=("done", "failed"), ended_at__isnull=False),
                name="payback_ended",
            ),
        )
        indexes = (
            models.Index(fields=["ask_at"], condition=Q(ask_at__isnull=False), name="payback_to_pursue"),
            models.Index(fields=["-id"], condition=Q(state="failed"), name="payback_failed"),
        )

    def __str__(self) -> str:
        return self.out_refund_no


class RefundNotice(models.Model):
    """
    What a provider told of a refund, or answered when asked, verified and as it came; kept before it is booked.

    `outcome` is empty until somebody tried to book it, then "booked", "nothing-new", or why it must not be.
    """

    notice_id = models.CharField(max_length=64)
    channel = models.CharField(max_length=16)
    out_refund_no = models.CharField(max_length=64)
    provider_no = models.CharField(max_length=64)
    refund_no_there = models.CharField(max_length=64, blank=True, default="")
    standing = models.CharField(max_length=16)
    amount_fen = models.BigIntegerField()
    """what the provider says goes back; 0 where it does not say"""
    body = EncryptedTextField()
    signature = models.TextField()
    received_at = models.DateTimeField()
    outcome = models.CharField(max_length=40, blank=True)

    class Meta:
        db_table = "payments_refund_notice"
        constraints = (models.UniqueConstraint(fields=["channel", "notice_id"], name="refund_told_once"),)
        indexes = (models.Index(fields=["out_refund_no"], name="notice_of_refund"),)

    def __str__(self) -> str:
        return self.notice_id
