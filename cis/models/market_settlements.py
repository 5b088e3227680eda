"""The trading centre's settlements of a month, what they differ by from what was billed, and how that was settled."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from cis.market_settlement import Cause


class MarketSettlement(models.Model):
    """
    A settlement file of a province's trading centre for a month (交易中心零售结算); a later file is the next revision.

    Written once with its rows, never changed. The same bytes are one file, however often they are brought.
    """

    province = models.CharField(max_length=50)
    month = models.IntegerField()
    revision = models.SmallIntegerField()
    file_name = models.CharField(max_length=255)
    digest = models.BinaryField(max_length=32)
    rows = models.IntegerField()
    energy_kwh_e2 = models.BigIntegerField()
    total_fen = models.BigIntegerField()
    imported_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    imported_at = models.DateTimeField()

    class Meta:
        db_table = "cis_market_settlement"
        constraints = (
            models.UniqueConstraint(fields=["province", "month", "revision"], name="one_settlement_revision"),
            models.UniqueConstraint(fields=["province", "month", "digest"], name="one_settlement_of_the_same_bytes"),
            models.CheckConstraint(condition=Q(rows__gt=0, revision__gt=0), name="settlement_has_rows"),
        )

    def __str__(self) -> str:
        return f"{self.province} {self.month}/{self.revision}"


class MarketSettlementRow(models.Model):
    """One line of a settlement file. Bulk table without foreign keys; `point_id` NULL: of the whole account."""

    pk = models.CompositePrimaryKey("settlement_id", "line")
    settlement_id = models.BigIntegerField()
    line = models.IntegerField()
    account_id = models.BigIntegerField()
    point_id = models.BigIntegerField(null=True)
    retailer_id = models.BigIntegerField()
    energy_kwh_e2 = models.BigIntegerField()
    price_e8 = models.BigIntegerField(null=True)
    energy_fen = models.BigIntegerField()
    deviation_fen = models.BigIntegerField()
    green_fen = models.BigIntegerField()
    total_fen = models.BigIntegerField()

    class Meta:
        db_table = "cis_market_settlement_row"
        constraints = (
            models.CheckConstraint(
                condition=Q(
                    total_fen=models.F("energy_fen") + models.F("deviation_fen") + models.F("green_fen"),
                ),
                name="settlement_row_adds_up",
            ),
        )
        indexes = (models.Index(fields=["settlement_id", "account_id"], name="settlement_rows_of_account"),)

    def __str__(self) -> str:
        return f"{self.settlement_id}:{self.line}"


class SettlementCheck(models.Model):
    """
    A settlement held against what is billed at a time; the newest of a file counts.

    `figures`: by cause and by retailer (`causes`, `retailers`), as `cis.operations.market_settlements` writes them.
    """

    settlement = models.ForeignKey(MarketSettlement, models.PROTECT, related_name="checks")
    figures = models.JSONField()
    checked_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    checked_at = models.DateTimeField()

    class Meta:
        db_table = "cis_settlement_check"

    def __str__(self) -> str:
        return f"{self.settlement_id} {self.checked_at}"


class SettlementDifference(models.Model):
    """
    An account whose settlement and bills are not equal, or are so since it was cleared; written with its check.

    Bulk table; 0 stands for no retailer. `left_fen`: settled less billed and cleared.
    """

    pk = models.CompositePrimaryKey("settlement_check_id", "account_id")
    settlement_check = models.ForeignKey(
        SettlementCheck, models.PROTECT, related_name="differences", db_index=False, db_constraint=False
    )
    account = models.ForeignKey("cis.Account", models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False)
    cause = models.SmallIntegerField(choices=[(int(cause), cause.name.lower()) for cause in Cause])
    our_retailer_id = models.BigIntegerField()
    their_retailer_id = models.BigIntegerField()
    ours_kwh_e2 = models.BigIntegerField()
    theirs_kwh_e2 = models.BigIntegerField()
    ours_fen = models.BigIntegerField()
    theirs_fen = models.BigIntegerField()
    deviation_fen = models.BigIntegerField()
    cleared_fen = models.BigIntegerField()
    left_fen = models.BigIntegerField()

    class Meta:
        db_table = "cis_settlement_difference"
        constraints = (
            models.CheckConstraint(
                condition=Q(left_fen=models.F("theirs_fen") - models.F("ours_fen") - models.F("cleared_fen")),
                name="settlement_difference_adds_up",
            ),
        )
        indexes = (models.Index(fields=["settlement_check", "cause"], name="settlement_differences_by"),)

    def __str__(self) -> str:
        return f"{self.settlement_check_id} {self.account_id}"


class SettlementClearing(models.Model):
    """
    What a check found and is asked or given back on an account's next bill: its amount waits as a `BillCorrection`.

    The clearings of a month add up to what was settled less what was billed, however often it is checked.
    """

    settlement_check = models.ForeignKey(SettlementCheck, models.PROTECT, related_name="clearings")
    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    correction = models.OneToOneField("cis.BillCorrection", models.PROTECT, related_name="settlement_clearing")
    amount_fen = models.BigIntegerField()

    class Meta:
        db_table = "cis_settlement_clearing"
        constraints = (
            models.UniqueConstraint(fields=["settlement_check", "account"], name="one_clearing_per_check"),
            models.CheckConstraint(condition=~Q(amount_fen=0), name="clearing_has_an_amount"),
        )

    def __str__(self) -> str:
        return f"{self.settlement_check_id} {self.account_id}"


class SettlementAnswer(models.Model):
    """A difference that needs no clearing, with what was found; of one file, so that a later one asks again."""

    settlement = models.ForeignKey(MarketSettlement, models.PROTECT, related_name="answers")
    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    cause = models.SmallIntegerField(choices=[(int(cause), cause.name.lower()) for cause in Cause])
    left_fen = models.BigIntegerField()
    """what was left when it was answered: an answer counts while that is so"""
    note = models.TextField()
    answered_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    answered_at = models.DateTimeField()

    class Meta:
        db_table = "cis_settlement_answer"
        constraints = (models.CheckConstraint(condition=~Q(note=""), name="settlement_answer_says_what"),)
        indexes = (models.Index(fields=["settlement", "account", "-id"], name="settlement_answers_of"),)

    def __str__(self) -> str:
        return f"{self.settlement_id} {self.account_id}"
