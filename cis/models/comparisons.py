"""Another system's bills held against ours before the cut-over: reports, and every difference with its cause."""

from __future__ import annotations

from django.db import models

from cis.parallel_run import Cause

CAUSE_CHOICES = tuple((int(cause), cause.name.lower()) for cause in Cause)


class BillComparison(models.Model):
    """
    One file of another system compared with our bills of a cycle: figures by cause, thresholds, verdict.

    Append-only: the next week's is another row, so that progress can be seen.
    """

    file_name = models.CharField(max_length=255)
    digest = models.BinaryField(max_length=32)
    cycle = models.IntegerField()
    org_unit = models.ForeignKey("shared.OrgUnit", models.PROTECT, null=True, blank=True, related_name="+")
    with_unbilled = models.BooleanField()
    """accounts that were not billed yet were rated for it"""
    thresholds = models.JSONField()
    figures = models.JSONField()
    """by cause: bills, more_fen, absolute_fen, largest_fen"""
    ours_total_fen = models.BigIntegerField()
    theirs_total_fen = models.BigIntegerField()
    is_go = models.BooleanField()
    created_at = models.DateTimeField()

    class Meta:
        db_table = "cis_bill_comparison"
        indexes = (models.Index(fields=["-created_at"], name="comparison_newest"),)

    def __str__(self) -> str:
        return f"{self.file_name} {self.cycle}"


class BillDifference(models.Model):
    """
    One account whose two bills differ; amounts are ours less theirs, of groups 0 where the other side states none.

    Bulk table, written by COPY, with no foreign key but that to its report; `account_id` is 0 where we have no such
    account.
    """

    pk = models.CompositePrimaryKey("comparison_id", "account_no")
    comparison = models.ForeignKey(BillComparison, models.PROTECT, db_index=False, related_name="differences")
    account_no = models.CharField(max_length=32)
    account_id = models.BigIntegerField()
    cause = models.SmallIntegerField(choices=CAUSE_CHOICES)
    ours_from = models.DateField(null=True)
    ours_to = models.DateField(null=True)
    theirs_from = models.DateField(null=True)
    theirs_to = models.DateField(null=True)
    ours_kwh_e2 = models.BigIntegerField()
    theirs_kwh_e2 = models.BigIntegerField()
    ours_fen = models.BigIntegerField()
    theirs_fen = models.BigIntegerField()
    energy_fen = models.BigIntegerField()
    basic_fen = models.BigIntegerField()
    power_factor_fen = models.BigIntegerField()
    fund_fen = models.BigIntegerField()
    rest_fen = models.BigIntegerField()

    class Meta:
        db_table = "cis_bill_difference"
        indexes = (models.Index(fields=["comparison", "cause"], name="difference_by_cause"),)

    def __str__(self) -> str:
        return f"{self.comparison_id} {self.account_no}"
