"""Questions of customers about a bill, a reading or a meter, with a clock on each."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from cis.models.billing import Bill


class BillDispute(models.Model):
    """
    A customer questions a bill, questions a reading, or asks for the meter to be tested; while it is open, the account
    is not chased.

    The limit is the one in force on the day it was asked, kept with its source; `due_at` is the end of the last
    working day. Rows from before there was a clock have none.
    """

    class Kind(models.TextChoices):
        """What is questioned."""

        BILL = "bill", "账单异议"
        READING = "reading", "抄表数据异常"
        METER_TEST = "meter-test", "申请校表"

    class Channel(models.TextChoices):
        """How it came."""

        COUNTER = "counter", "营业厅"
        PORTAL = "portal", "网上"
        TELEPHONE = "telephone", "电话"

    class Result(models.TextChoices):
        """What came out."""

        NO_FAULT = "no-fault", "核实无误"
        FAULT = "fault", "确有差错"
        WITHDRAWN = "withdrawn", "客户撤回"

    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.BILL)
    bill = models.ForeignKey(Bill, models.PROTECT, null=True, blank=True, related_name="+")
    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    installation = models.ForeignKey("cis.MeterInstallation", models.PROTECT, null=True, blank=True, related_name="+")
    channel = models.CharField(max_length=16, choices=Channel.choices, default=Channel.COUNTER)
    reason = models.TextField()
    opened_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    opened_at = models.DateTimeField()
    limit_days = models.SmallIntegerField(null=True, blank=True)
    limit_source = models.TextField(blank=True)
    warn_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    warned_at = models.DateTimeField(null=True, blank=True)
    breached_at = models.DateTimeField(null=True, blank=True)
    """when it was noticed and told that the limit had passed"""
    result = models.CharField(max_length=16, choices=Result.choices, blank=True)
    error_e2 = models.IntegerField(null=True, blank=True)
    """what a test measured, in hundredths of a per cent; slow is negative"""
    outcome = models.TextField(blank=True)
    closed_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)
    back_bill = models.ForeignKey("cis.BackBillCase", models.PROTECT, null=True, blank=True, related_name="disputes")
    """the case that charges or gives back what the answer found"""

    class Meta:
        db_table = "cis_bill_dispute"
        constraints = (
            models.UniqueConstraint(
                fields=["bill"], name="one_open_dispute_per_bill", condition=Q(closed_at__isnull=True)
            ),
            models.UniqueConstraint(
                fields=["installation", "kind"],
                name="one_open_question_per_meter",
                condition=Q(closed_at__isnull=True, kind__in=("reading", "meter-test")),
            ),
            models.CheckConstraint(
                condition=Q(kind="bill", bill__isnull=False) | ~Q(kind="bill") & Q(installation__isnull=False),
                name="dispute_is_about_something",
            ),
            models.CheckConstraint(
                condition=Q(due_at__isnull=True, limit_days__isnull=True, warn_at__isnull=True)
                | Q(due_at__gt=F("opened_at"), limit_days__gt=0, warn_at__lt=F("due_at")) & ~Q(limit_source=""),
                name="clock_has_its_limit",
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, result="")
                | Q(closed_at__isnull=False) & (~Q(result="") | Q(due_at__isnull=True)),
                name="answer_has_a_result",
            ),
            models.CheckConstraint(
                condition=~Q(kind="meter-test", result__in=("no-fault", "fault")) | Q(error_e2__isnull=False),
                name="test_has_its_measure",
            ),
        )
        indexes = (
            models.Index(fields=["due_at"], name="disputes_that_wait", condition=Q(closed_at__isnull=True)),
            models.Index(fields=["opened_at"], name="disputes_by_month"),
            models.Index(fields=["account", "-opened_at"], name="disputes_of_account"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.account_id} {self.opened_at}"
