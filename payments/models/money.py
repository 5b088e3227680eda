"""
Money coming in: payments, where each went, reversals, refunds of prepayment, orders at a wallet, notices of a wallet.

Payments, allocations, reversals and refunds are money records: written once, never changed (see the migrations
`0002_money_law`, `0003_refunds` and `0005_channel_clients`).
"""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from config.shared.money import MAX_FEN
from config.shared.personal_data import EncryptedTextField


class Payment(models.Model):
    """
    One sum taken for one account; (channel, serial) is its business key for ever, whatever happens to it later.

    At a counter the serial is the key that the form carried from the moment it was drawn; at a wallet it is our
    order number, at a bank or an agent its own serial under the code of the client; `business_date` is then the
    accounting day that it named, and `means`, `branch`, `teller` and `paid_at` say how it took the money.
    `prepaid_fen` is the surplus that went to the prepayment balance.
    """

    class Method(models.TextChoices):
        """What was paid with."""

        CASH = "cash", "现金"
        CARD = "card", "刷卡"
        QR = "qr", "扫码"
        WALLET = "wallet", "电子钱包"
        BANK = "bank", "银行代收"
        WECHAT = "wechat", "微信支付"
        ALIPAY = "alipay", "支付宝"
        CHEQUE = "cheque", "支票"
        TRANSFER = "transfer", "对公转账"
        NOTE = "note", "银行承兑汇票"
        DEBIT = "debit", "银行代扣"
        AGENT = "agent", "代收点"
        TERMINAL = "terminal", "自助终端"

    NOT_BACK_ITS_WAY: ClassVar = (
        Method.CASH,
        Method.BANK,
        Method.CHEQUE,
        Method.TRANSFER,
        Method.NOTE,
        Method.DEBIT,
        Method.AGENT,
        Method.TERMINAL,
    )
    """what a refund cannot yet send back the way it came"""

    channel = models.CharField(max_length=16)
    serial = models.CharField(max_length=64)
    account = models.ForeignKey("cis.Account", models.PROTECT, db_index=False, related_name="+")
    amount_fen = models.BigIntegerField()
    prepaid_fen = models.BigIntegerField()
    method = models.CharField(max_length=16, choices=Method.choices)
    reference = models.CharField(max_length=64, blank=True)
    received_at = models.DateTimeField()
    business_date = models.DateField()
    org_unit = models.ForeignKey(
        "shared.OrgUnit", models.PROTECT, null=True, blank=True, db_index=False, related_name="+"
    )
    received_by = models.ForeignKey(
        "shared.User", models.PROTECT, null=True, blank=True, db_index=False, related_name="+"
    )
    means = models.CharField(max_length=16, blank=True, default="")
    branch = models.CharField(max_length=32, blank=True, default="")
    teller = models.CharField(max_length=32, blank=True, default="")
    paid_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "payments_payment"
        constraints = (
            models.UniqueConstraint(fields=["channel", "serial"], name="paid_once"),
            models.CheckConstraint(
                condition=models.Q(amount_fen__gt=0) & models.Q(amount_fen__lte=MAX_FEN), name="payment_is_positive"
            ),
            models.CheckConstraint(
                condition=models.Q(prepaid_fen__gte=0) & models.Q(prepaid_fen__lte=models.F("amount_fen")),
                name="surplus_within_payment",
            ),
        )
        indexes = (
            models.Index(fields=["account", "-id"], name="payment_of_account"),
            models.Index(fields=["business_date", "org_unit", "-id"], name="payment_of_day"),
        )

    def __str__(self) -> str:
        return f"{self.business_date:%Y%m%d}{self.pk:010d}"


class Allocation(models.Model):
    """
    So much of a payment went to this bill; the allocations and the surplus add up to the payment.

    `fee_fen` of the amount went to the bill's late fee.
    """

    pk = models.CompositePrimaryKey("payment_id", "seq")
    payment = models.ForeignKey(Payment, models.PROTECT, db_index=False, related_name="allocations")
    seq = models.SmallIntegerField()
    bill_id = models.BigIntegerField()
    bill_no = models.CharField(max_length=32)
    amount_fen = models.BigIntegerField()
    fee_fen = models.BigIntegerField(default=0)

    class Meta:
        db_table = "payments_allocation"
        constraints = (
            models.UniqueConstraint(fields=["payment", "bill_id"], name="bill_once_per_payment"),
            models.CheckConstraint(condition=models.Q(amount_fen__gt=0), name="allocation_is_positive"),
            models.CheckConstraint(
                condition=models.Q(fee_fen__gte=0) & models.Q(fee_fen__lte=models.F("amount_fen")),
                name="late_fee_within_allocation",
            ),
        )
        indexes = (models.Index(fields=["bill_id"], name="allocation_of_bill"),)

    def __str__(self) -> str:
        return f"{self.payment_id}/{self.seq}"


class Reversal(models.Model):
    """
    A payment was taken back on the day it was made, once, for a reason.

    A client that took one back did so under a serial of its own, unique within its channel.

    `approved_by` is the second person where somebody else than the taker asked for it.
    """

    payment = models.OneToOneField(Payment, models.PROTECT, related_name="+")
    reason = models.CharField(max_length=500)
    reversed_at = models.DateTimeField()
    reversed_by = models.ForeignKey(
        "shared.User", models.PROTECT, null=True, blank=True, db_index=False, related_name="+"
    )
    approved_by = models.ForeignKey(
        "shared.User", models.PROTECT, null=True, blank=True, db_index=False, related_name="+"
    )
    business_date = models.DateField()
    channel = models.CharField(max_length=16, null=True, blank=True)
    serial = models.CharField(max_length=64, null=True, blank=True)

    class Meta:
        db_table = "payments_reversal"
        constraints = (
            models.UniqueConstraint(fields=["channel", "serial"], name="reversed_once_under_a_serial"),
            models.CheckConstraint(condition=~models.Q(reason=""), name="reversal_has_reason"),
            models.CheckConstraint(
                condition=models.Q(approved_by__isnull=True) | ~models.Q(approved_by=models.F("reversed_by")),
                name="reversal_by_another_person",
            ),
        )

    def __str__(self) -> str:
        return f"{self.payment_id}"


class Refund(models.Model):
    """
    Prepayment given back, asked for by one and approved by another.

    In cash from the drawer of `org_unit`, the hall that the approver answers for, or the way of `payment`, by which it
    had come.
    """

    approval = models.OneToOneField("shared.Approval", models.PROTECT, related_name="+")
    account = models.ForeignKey("cis.Account", models.PROTECT, db_index=False, related_name="+")
    amount_fen = models.BigIntegerField()
    method = models.CharField(max_length=16, choices=Payment.Method.choices)
    payment = models.ForeignKey(Payment, models.PROTECT, null=True, blank=True, related_name="+")
    reason = models.CharField(max_length=500)
    org_unit = models.ForeignKey("shared.OrgUnit", models.PROTECT, db_index=False, related_name="+")
    asked_by = models.ForeignKey("shared.User", models.PROTECT, db_index=False, related_name="+")
    approved_by = models.ForeignKey("shared.User", models.PROTECT, db_index=False, related_name="+")
    asked_at = models.DateTimeField()
    refunded_at = models.DateTimeField()
    business_date = models.DateField()

    class Meta:
        db_table = "payments_refund"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(amount_fen__gt=0) & models.Q(amount_fen__lte=MAX_FEN), name="refund_is_positive"
            ),
            models.CheckConstraint(condition=~models.Q(reason=""), name="refund_has_reason"),
            models.CheckConstraint(
                condition=~models.Q(approved_by=models.F("asked_by")), name="refund_by_another_person"
            ),
            models.CheckConstraint(
                condition=models.Q(method="cash", payment__isnull=True)
                | ~models.Q(method="cash") & models.Q(payment__isnull=False),
                name="refund_goes_a_known_way",
            ),
        )
        indexes = (
            models.Index(fields=["account", "-id"], name="refund_of_account"),
            models.Index(fields=["business_date", "org_unit", "-id"], name="refund_of_day"),
        )

    def __str__(self) -> str:
        return f"TF{self.business_date:%Y%m%d}{self.pk:010d}"


class PaymentOrder(models.Model):
    """What a customer is about to pay through a wallet; the wallet knows it by `out_trade_no`."""

    class State(models.TextChoices):
        """Paid is never left; held: money came that does not fit, people look at it."""

        CREATED = "created", "待支付"
        PAID = "paid", "已支付"
        CLOSED = "closed", "已关闭"
        HELD = "held", "待核对"

    out_trade_no = models.CharField(max_length=64, unique=True)
    channel = models.CharField(max_length=16)
    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    amount_fen = models.BigIntegerField()
    bill_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)
    """the bills that the payer chose, in that order; empty: the oldest first"""
    state = models.CharField(max_length=16, choices=State.choices, default=State.CREATED)
    created_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    payment = models.OneToOneField(Payment, models.PROTECT, null=True, blank=True, related_name="+")
    ask_at = models.DateTimeField(null=True, blank=True)
    """when the provider is asked next whether somebody paid; later after every question"""

    class Meta:
        db_table = "payments_order"
        indexes = (models.Index(fields=["ask_at"], condition=models.Q(state="created"), name="order_to_ask_about"),)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(amount_fen__gt=0) & models.Q(amount_fen__lte=MAX_FEN), name="order_is_positive"
            ),
            models.CheckConstraint(
                condition=models.Q(state="paid", payment__isnull=False)
                | ~models.Q(state="paid") & models.Q(payment__isnull=True),
                name="paid_order_has_payment",
            ),
        )

    def __str__(self) -> str:
        return self.out_trade_no


class WalletNotice(models.Model):
    """
    A verified notice of a provider, as it came, or what it answered when asked; kept before it is booked.

    `outcome` is empty until somebody tried to book it, then "booked" or the code of the refusal. Money of a refused one
    lies on the account of unidentified money from then on; `settled_*` says to which payment it went at last.
    """

    notice_id = models.CharField(max_length=64)
    channel = models.CharField(max_length=16)
    out_trade_no = models.CharField(max_length=64)
    provider_no = models.CharField(max_length=64, blank=True, default="")
    amount_fen = models.BigIntegerField(default=0)
    """what the provider says was paid; 0 where it has it no more"""
    body = EncryptedTextField()
    signature = models.TextField()
    received_at = models.DateTimeField()
    outcome = models.CharField(max_length=40, blank=True)
    is_held = models.BooleanField(default=False)
    settled_payment = models.OneToOneField(Payment, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        db_table = "payments_notice"
        constraints = (
            models.UniqueConstraint(fields=["channel", "notice_id"], name="told_once"),
            models.CheckConstraint(
                condition=models.Q(settled_payment__isnull=True) | models.Q(is_held=True), name="held_before_settled"
            ),
        )
        indexes = (
            models.Index(fields=["out_trade_no"], name="notice_of_order"),
            models.Index(fields=["received_at"], condition=models.Q(is_held=True), name="notice_held"),
        )

    def __str__(self) -> str:
        return self.notice_id


class SeenNonce(models.Model):
    """A nonce of a signed notice, so that the same signed bytes are taken once; forgotten after a day."""

    nonce = models.CharField(max_length=80, primary_key=True)
    seen_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "payments_nonce"

    def __str__(self) -> str:
        return self.nonce
