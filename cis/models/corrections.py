"""Bills that turned out wrong: differences that ride on the next one, and bills cancelled for another."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from cis.models.billing import Bill


class BillCorrection(models.Model):
    """
    The difference between a bill as issued and as its period is rated today; it rides on the account's next bill.

    Everything that explains it is kept: stretches and lines then and now, the tier energy before, line by line what is
    more and less. `energy_fen`, `fund_fen` and `penalty_fen` are signed (negative: given back) and go back to where
    the money of the bill went. The application's role may change only how far it is.
    """

    class Cause(models.TextChoices):
        """What was found."""

        READING = "corrected-reading", "示数更正"
        LATE = "late-reading", "实抄晚到，原为估算"
        RATIO = "wrong-ratio", "倍率更正"
        FOLLOWS = "follows", "前期更正引起的后续差额"
        BACK_BILL = "back-bill", "电费退补"
        SETTLEMENT = "market-settlement", "市场化购电差额清算"

    class State(models.TextChoices):
        """How far it is."""

        STANDING = "standing", "等下期账单"
        TAKEN = "taken", "已列入账单"
        NOTHING = "nothing", "没有金额差"
        VOID = "void", "已失效"

    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+", db_index=False)
    bill = models.ForeignKey(Bill, models.PROTECT, null=True, blank=True, related_name="corrections")
    period_start = models.DateField(null=True, blank=True)
    """of the bill"""
    follows = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+")
    cause = models.CharField(max_length=20, choices=Cause.choices)
    reason = models.TextField()
    tier_kwh_e2_before_then = models.BigIntegerField(default=0)
    tier_kwh_e2_before_now = models.BigIntegerField(default=0)
    energy_kwh_e2_then = models.BigIntegerField(default=0)
    energy_kwh_e2_now = models.BigIntegerField(default=0)
    usage_then = models.JSONField(default=list)
    usage_now = models.JSONField(default=list)
    lines_then = models.JSONField(default=list)
    lines_now = models.JSONField(default=list)
    energy_fen = models.BigIntegerField(default=0)
    fund_fen = models.BigIntegerField(default=0)
    penalty_fen = models.BigIntegerField(default=0)
    amount_fen = models.BigIntegerField()
    asked_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    asked_at = models.DateTimeField()
    approval = models.ForeignKey("shared.Approval", models.PROTECT, null=True, blank=True, related_name="+")
    approved_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices)
    taken_by = models.ForeignKey(Bill, models.PROTECT, null=True, blank=True, related_name="taken_corrections")
    taken_at = models.DateTimeField(null=True, blank=True)
    void_reason = models.TextField(blank=True)

    class Meta:
        db_table = "cis_bill_correction"
        constraints = (
            models.CheckConstraint(
                condition=Q(amount_fen=F("energy_fen") + F("fund_fen") + F("penalty_fen")),
                name="correction_adds_up",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="correction_has_a_reason"),
            models.CheckConstraint(
                condition=Q(state="taken", taken_by__isnull=False, taken_at__isnull=False)
                | ~Q(state="taken") & Q(taken_by__isnull=True, taken_at__isnull=True),
                name="correction_taken_by_a_bill",
            ),
            models.CheckConstraint(
                condition=Q(bill__isnull=True, period_start__isnull=True)
                | Q(bill__isnull=False, period_start__isnull=False),
                name="correction_of_a_bill_has_its_period",
            ),
            models.CheckConstraint(
                condition=Q(approval__isnull=True, approved_by__isnull=True)
                | Q(approval__isnull=False, approved_by__isnull=False, asked_by__isnull=False)
                & ~Q(approved_by=F("asked_by")),
                name="correction_approved_by_another_person",
            ),
        )
        indexes = (
            models.Index(fields=["account", "period_start", "-id"], name="corrections_of_account"),
            models.Index(fields=["account"], name="corrections_that_wait", condition=Q(state="standing")),
        )

    def __str__(self) -> str:
        return f"{self.pk}"


class CorrectionShare(models.Model):
    """
    What of a difference is of one fund or subsidy, each of which has its own ledger account; written with it, once.

    The fund's shares add up to the correction's `fund_fen`; a subsidy's is part of `energy_fen`.
    """

    correction = models.ForeignKey(BillCorrection, models.PROTECT, related_name="shares")
    code = models.SmallIntegerField()
    amount_fen = models.BigIntegerField()
    energy_kwh_e2 = models.BigIntegerField()
    """signed, of the energy that it was charged on"""

    class Meta:
        db_table = "cis_correction_share"
        constraints = (
            models.UniqueConstraint(fields=["correction", "code"], name="one_share_of_a_fund"),
            models.CheckConstraint(condition=~Q(amount_fen=0), name="share_is_an_amount"),
        )

    def __str__(self) -> str:
        return f"{self.correction_id}/{self.code}"


class BillCancellation(models.Model):
    """A bill that was cancelled: everything it had booked was reversed and another revision took its place."""

    bill = models.OneToOneField(Bill, models.PROTECT, related_name="cancellation")
    replaced_by = models.OneToOneField(Bill, models.PROTECT, related_name="replaces")
    reason = models.TextField()
    released_fen = models.BigIntegerField()
    """what had been paid of it and became prepayment, from which the new bill was settled"""
    asked_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    approval = models.ForeignKey("shared.Approval", models.PROTECT, null=True, blank=True, related_name="+")
    approved_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    cancelled_at = models.DateTimeField()

    class Meta:
        db_table = "cis_bill_cancellation"
        constraints = (
            models.CheckConstraint(condition=~Q(reason=""), name="cancellation_has_a_reason"),
            models.CheckConstraint(condition=~Q(bill=F("replaced_by")), name="cancelled_for_another_bill"),
            models.CheckConstraint(condition=Q(released_fen__gte=0), name="released_is_not_negative"),
            models.CheckConstraint(
                condition=Q(approval__isnull=True, approved_by__isnull=True)
                | Q(approval__isnull=False, approved_by__isnull=False, asked_by__isnull=False)
                & ~Q(approved_by=F("asked_by")),
                name="cancellation_approved_by_another_person",
            ),
        )

    def __str__(self) -> str:
        return f"{self.bill_id} by {self.replaced_by_id}"


class BillHold(models.Model):
    """
    A bill that a run would have issued and that is far above the account's own: rated, kept, not issued.

    A second person releases exactly this bill, or it is sent back to readings. What was found never changes while it
    waits, except that a later run of the same period finds it anew.
    """

    class State(models.TextChoices):
        """What became of it."""

        WAITING = "waiting", "等待复核"
        RELEASED = "released", "已放行"
        SENT_BACK = "sent-back", "退回核对示数"

    run = models.ForeignKey("cis.BillingRun", models.PROTECT, related_name="+")
    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    org_unit = models.ForeignKey("shared.OrgUnit", models.PROTECT, related_name="+")
    price_class = models.SmallIntegerField()
    cycle = models.IntegerField()
    period_start = models.DateField()
    period_end = models.DateField()
    months = models.SmallIntegerField()
    energy_kwh_e2 = models.BigIntegerField()
    total_fen = models.BigIntegerField()
    usual_fen = models.BigIntegerField()
    """the median of the account's bills of the last twelve months and the same length"""
    bills = models.IntegerField()
    """how many these were"""
    factor_e2 = models.IntegerField()
    floor_fen = models.BigIntegerField()
    lines = models.JSONField()
    usage = models.JSONField()
    held_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    bill = models.OneToOneField(Bill, models.PROTECT, null=True, blank=True, related_name="hold")
    asked_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    approval = models.ForeignKey("shared.Approval", models.PROTECT, null=True, blank=True, related_name="+")
    decided_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True)

    class Meta:
        db_table = "cis_bill_hold"
        constraints = (
            models.UniqueConstraint(
                fields=["account", "period_start"], name="one_waiting_hold", condition=Q(state="waiting")
            ),
            models.CheckConstraint(
                condition=Q(state="waiting", decided_at__isnull=True, bill__isnull=True)
                | Q(state="sent-back", decided_at__isnull=False, decided_by__isnull=False, bill__isnull=True)
                & ~Q(reason="")
                | Q(
                    state="released",
                    decided_at__isnull=False,
                    bill__isnull=False,
                    approval__isnull=False,
                    asked_by__isnull=False,
                    decided_by__isnull=False,
                )
                & ~Q(decided_by=F("asked_by")),
                name="hold_released_by_another_person",
            ),
        )
        indexes = (
            models.Index(fields=["org_unit", "-total_fen"], name="holds_that_wait", condition=Q(state="waiting")),
        )

    def __str__(self) -> str:
        return f"{self.account_id} {self.cycle}"


class BillAccuracy(models.Model):
    """
    How many of a month's bills of a part of the organisation had to be cancelled or corrected, as published.

    Written once a month and part; what is found later shows in the living figure beside it.
    """

    org_unit = models.ForeignKey("shared.OrgUnit", models.PROTECT, related_name="+")
    cycle = models.IntegerField()
    bills = models.BigIntegerField()
    rebilled = models.BigIntegerField()
    corrected = models.BigIntegerField()
    published_at = models.DateTimeField()

    class Meta:
        db_table = "cis_bill_accuracy"
        constraints = (
            models.UniqueConstraint(fields=["org_unit", "cycle"], name="accuracy_once_a_month"),
            models.CheckConstraint(condition=Q(bills__gt=0, rebilled__gte=0, corrected__gte=0), name="accuracy_counts"),
        )

    def __str__(self) -> str:
        return f"{self.org_unit_id} {self.cycle}"
