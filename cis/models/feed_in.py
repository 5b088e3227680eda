"""Rooftop solar: plants, the prices of what they feed in, what their owners are owed and how it is paid out."""

from __future__ import annotations

import pghistory
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q

from config.shared.personal_data import EncryptedTextField


@pghistory.track(exclude=["card_no"])
class SolarPlant(models.Model):
    """
    A rooftop plant behind an account's meter (分布式光伏) and where its owner is paid.

    The number of the card is sealed; pages show its last four digits. An account has one plant at a time.
    """

    class Kind(models.TextChoices):
        """Which prices and which tax papers hold."""

        HOUSEHOLD = "household", "居民户用"
        BUSINESS = "business", "工商业"

    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    capacity_kw_e2 = models.IntegerField()
    connected_on = models.DateField()
    closed_on = models.DateField(null=True, blank=True)
    payee = models.CharField(max_length=200)
    bank = models.CharField(max_length=200)
    card_no = EncryptedTextField()
    card_last4 = models.CharField(max_length=4)
    generation_point = models.ForeignKey("cis.MeteringPoint", models.PROTECT, null=True, blank=True, related_name="+")
    """where the plant's gross generation is measured, beside the account's own point"""
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "cis_solar_plant"
        constraints = (
            models.UniqueConstraint(
                fields=["account"], name="one_plant_per_account", condition=Q(closed_on__isnull=True)
            ),
            models.CheckConstraint(
                condition=Q(capacity_kw_e2__gt=0) & ~Q(payee="") & ~Q(bank="") & ~Q(card_no=""),
                name="plant_can_be_paid",
            ),
        )

    def __str__(self) -> str:
        return f"{self.account_id} {self.connected_on}"


@pghistory.track()
class FeedInPrice(models.Model):
    """
    What a kWh fed in earns, by province, kind of plant and when it was connected, for some time; with its source.

    Regimes: `benchmark` coal benchmark, `mechanism` price of the mechanism, `market` price of the market.
    """

    class Regime(models.TextChoices):
        """Where the price comes from."""

        BENCHMARK = "benchmark", "燃煤基准价"
        MECHANISM = "mechanism", "机制电价"
        MARKET = "market", "市场均价"

    province = models.CharField(max_length=50)
    kind = models.CharField(max_length=16, choices=SolarPlant.Kind.choices)
    regime = models.CharField(max_length=16, choices=Regime.choices)
    connected = DateRangeField()
    valid = DateRangeField()
    price_e8 = models.BigIntegerField()
    subsidy_e8 = models.BigIntegerField(default=0)
    source = models.TextField()

    class Meta:
        db_table = "cis_feed_in_price"
        constraints = (
            ExclusionConstraint(
                name="one_feed_in_price_at_a_time",
                expressions=[
                    ("province", RangeOperators.EQUAL),
                    ("kind", RangeOperators.EQUAL),
                    ("connected", RangeOperators.OVERLAPS),
                    ("valid", RangeOperators.OVERLAPS),
                ],
            ),
            models.CheckConstraint(
                condition=Q(price_e8__gte=0, subsidy_e8__gte=0) & ~Q(source=""), name="feed_in_price_has_source"
            ),
        )

    def __str__(self) -> str:
        return f"{self.province} {self.kind} {self.valid}"


class FeedInPayment(models.Model):
    """
    What an owner is owed for one period: energy fed in x price, each part rounded once. Its figures never change.

    `stretches` are the readings of the export register it was computed from. It is a payable of its own: no bill knows
    of it.
    """

    class State(models.TextChoices):
        """How far it is."""

        COMPUTED = "computed", "待确认"
        CONFIRMED = "confirmed", "待取得发票"
        PAPERED = "papered", "待付款"
        PAYING = "paying", "付款中"
        PAID = "paid", "已付款"
        FAILED = "failed", "付款失败"
        RETURNED = "returned", "被退回"
        NOTHING = "nothing", "没有上网电量"

    plant = models.ForeignKey(SolarPlant, models.PROTECT, related_name="payments")
    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    cycle = models.IntegerField()
    period_start = models.DateField()
    period_end = models.DateField()
    stretches = models.JSONField()
    energy_kwh_e2 = models.BigIntegerField()
    price = models.ForeignKey(FeedInPrice, models.PROTECT, related_name="+")
    price_e8 = models.BigIntegerField()
    subsidy_e8 = models.BigIntegerField()
    energy_fen = models.BigIntegerField()
    subsidy_fen = models.BigIntegerField()
    total_fen = models.BigIntegerField()
    state = models.CharField(max_length=16, choices=State.choices)
    paper_no = models.CharField(max_length=64, blank=True)
    """number of the invoice: the utility's own for a household, the owner's for a business"""
    computed_at = models.DateTimeField()

    class Meta:
        db_table = "cis_feed_in_payment"
        constraints = (
            models.UniqueConstraint(fields=["plant", "period_start"], name="one_feed_in_payment_per_period"),
            models.UniqueConstraint(fields=["paper_no"], name="one_payment_per_paper", condition=~Q(paper_no="")),
            models.CheckConstraint(
                condition=Q(total_fen=F("energy_fen") + F("subsidy_fen"))
                & Q(energy_kwh_e2__gte=0, energy_fen__gte=0, subsidy_fen__gte=0)
                & Q(period_end__gt=F("period_start")),
                name="feed_in_payment_adds_up",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["computed", "confirmed", "nothing"]) | ~Q(paper_no=""),
                name="no_payout_without_paper",
            ),
        )
        indexes = (models.Index(fields=["state", "account"], name="feed_in_payment_state"),)

    def __str__(self) -> str:
        return f"{self.plant_id} {self.cycle}"


class FeedInStep(models.Model):
    """What happened to a payment, when, by whom; append-only."""

    payment = models.ForeignKey(FeedInPayment, models.PROTECT, related_name="steps")
    state = models.CharField(max_length=16, choices=FeedInPayment.State.choices)
    note = models.CharField(max_length=200, blank=True)
    by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "cis_feed_in_step"
        indexes = (models.Index(fields=["payment", "id"], name="feed_in_step_order"),)

    def __str__(self) -> str:
        return f"{self.payment_id} {self.state}"


class PayoutBatch(models.Model):
    """Payments handed to the bank together, approved by a second person; its file never changes."""

    class State(models.TextChoices):
        """How far it is."""

        SENT = "sent", "等银行回盘"
        ANSWERED = "answered", "已回盘"

    state = models.CharField(max_length=16, choices=State.choices, default=State.SENT)
    count = models.IntegerField()
    total_fen = models.BigIntegerField()
    approval = models.OneToOneField("shared.Approval", models.PROTECT, related_name="+")
    asked_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    approved_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    answer_digest = models.BinaryField(max_length=32, null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "cis_payout_batch"
        constraints = (
            models.CheckConstraint(condition=~Q(asked_by=F("approved_by")), name="payout_needs_two"),
            models.CheckConstraint(
                condition=Q(state="sent", answered_at__isnull=True) | Q(state="answered", answered_at__isnull=False),
                name="payout_answered_has_time",
            ),
        )

    @property
    def number(self) -> str:
        """What the bank knows it by."""
        return f"SF{self.pk:08d}"

    def __str__(self) -> str:
        return self.number


class PayoutLine(models.Model):
    """One payment in a batch, with the card as it was then; while it waits or is paid there is no second one."""

    class State(models.TextChoices):
        """What became of it."""

        WAITING = "waiting", "等银行回盘"
        PAID = "paid", "已付"
        FAILED = "failed", "失败"
        RETURNED = "returned", "退回"

    batch = models.ForeignKey(PayoutBatch, models.PROTECT, related_name="lines")
    payment = models.ForeignKey(FeedInPayment, models.PROTECT, related_name="payouts")
    seq = models.IntegerField()
    payee = models.CharField(max_length=200)
    bank = models.CharField(max_length=200)
    card_no = EncryptedTextField()
    card_last4 = models.CharField(max_length=4)
    amount_fen = models.BigIntegerField()
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "cis_payout_line"
        constraints = (
            models.UniqueConstraint(fields=["batch", "seq"], name="one_payout_line_per_place"),
            models.UniqueConstraint(
                fields=["payment"], name="paid_out_once", condition=Q(state__in=["waiting", "paid"])
            ),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="payout_is_positive"),
        )

    def __str__(self) -> str:
        return f"{self.batch_id}/{self.seq}"
