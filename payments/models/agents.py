"""
Agents that take our customers' cash: telecom shops, post offices, supermarkets, property offices.

An agent sells against a deposit it paid in before: each sale takes from it, a reversal and the day's commission give
back. The deposit is the credit of the client's own clearing account; its row here is what sales take turns on, and
the database refuses a balance below nothing. Moves and settlements are money records (see the migration's triggers).
"""

from __future__ import annotations

from typing import ClassVar

import pghistory
from django.db import models

from payments.models.channels import ChannelClient
from payments.models.money import Payment

MOST_BP = 1_000
"""a commission of more than a tenth is a slip of the pen"""


@pghistory.track()
class AgentContract(models.Model):
    """
    What was agreed with an agent beside what every client agrees; no public rule names a number.

    `commission_bp` are ten-thousandths of what was sold, `commission_fen` is for every sale; both may be nought. Below
    `low_deposit_fen` the agent is asked to pay in.
    """

    class Outlet(models.TextChoices):
        """What kind of place it is (source 000, 便民缴费点)."""

        TELECOM = "telecom", "电信营业厅"
        POST = "post", "邮政"
        SUPERMARKET = "supermarket", "超市"
        PROPERTY = "property", "小区物业"

    client = models.OneToOneField(ChannelClient, models.PROTECT, primary_key=True, related_name="agent")
    outlet = models.CharField(max_length=16, choices=Outlet.choices)
    contract_no = models.CharField(max_length=64)
    single_limit_fen = models.BigIntegerField()
    daily_limit_fen = models.BigIntegerField()
    commission_bp = models.IntegerField(default=0)
    commission_fen = models.BigIntegerField(default=0)
    low_deposit_fen = models.BigIntegerField(default=0)

    class Meta:
        db_table = "payments_agent_contract"
        constraints = (
            models.CheckConstraint(condition=~models.Q(contract_no=""), name="agent_contract_has_number"),
            models.CheckConstraint(
                condition=models.Q(single_limit_fen__gt=0, daily_limit_fen__gte=models.F("single_limit_fen")),
                name="agent_limits_are_sane",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    commission_bp__range=(0, MOST_BP), commission_fen__range=(0, 100_00), low_deposit_fen__gte=0
                ),
                name="agent_commission_is_sane",
            ),
        )

    def __str__(self) -> str:
        return self.contract_no


class AgentDeposit(models.Model):
    """What an agent has left to sell against; its row is the lock of its sales, never below nothing."""

    client = models.OneToOneField(ChannelClient, models.PROTECT, primary_key=True, related_name="+")
    balance_fen = models.BigIntegerField(default=0)

    class Meta:
        db_table = "payments_agent_deposit"
        constraints = (
            models.CheckConstraint(condition=models.Q(balance_fen__gte=0), name="agent_deposit_not_overdrawn"),
        )

    def __str__(self) -> str:
        return f"{self.client_id}"


class AgentDay(models.Model):
    """What an agent sold on one accounting day and did not take back: what its daily limit is held against."""

    pk = models.CompositePrimaryKey("client_id", "business_date")
    client_id = models.BigIntegerField()
    business_date = models.DateField()
    sold_fen = models.BigIntegerField(default=0)

    class Meta:
        db_table = "payments_agent_day"
        constraints = (models.CheckConstraint(condition=models.Q(sold_fen__gte=0), name="agent_day_sold_something"),)

    def __str__(self) -> str:
        return f"{self.client_id} {self.business_date}"


class AgentSettlement(models.Model):
    """
    One accounting day of an agent, reckoned up once: its sales, its reversals, its commission to the fen.

    From then on nothing is sold or taken back on that day.
    """

    client = models.ForeignKey(ChannelClient, models.PROTECT, db_index=False, related_name="+")
    business_date = models.DateField()
    sales = models.IntegerField()
    sales_fen = models.BigIntegerField()
    reversals = models.IntegerField()
    reversals_fen = models.BigIntegerField()
    commission_bp = models.IntegerField()
    commission_each_fen = models.BigIntegerField()
    commission_fen = models.BigIntegerField()
    balance_fen = models.BigIntegerField()
    """the deposit after the commission was added"""
    settled_at = models.DateTimeField()

    class Meta:
        db_table = "payments_agent_settlement"
        constraints = (
            models.UniqueConstraint(fields=["client", "business_date"], name="agent_day_settled_once"),
            models.CheckConstraint(
                condition=models.Q(
                    sales__gt=0,
                    reversals__gte=0,
                    reversals__lte=models.F("sales"),
                    reversals_fen__gte=0,
                    reversals_fen__lte=models.F("sales_fen"),
                    commission_fen__gte=0,
                    balance_fen__gte=0,
                ),
                name="agent_settlement_adds_up",
            ),
        )

    def __str__(self) -> str:
        return f"{self.client_id} {self.business_date}"


class AgentMove(models.Model):
    """
    One movement of an agent's deposit and what was left after it; `amount_fen` is signed, in is positive.

    `reference` of what was paid in or out is the bank's number, once for ever within the agent.
    """

    class Kind(models.TextChoices):
        """Why it moved."""

        TOPPED_UP = "topped-up", "存入"
        PAID_OUT = "paid-out", "退回"
        SALE = "sale", "代收"
        REVERSED = "reversed", "冲正"
        COMMISSION = "commission", "手续费"

    BY_HAND: ClassVar = (Kind.TOPPED_UP, Kind.PAID_OUT)

    client = models.ForeignKey(ChannelClient, models.PROTECT, db_index=False, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    amount_fen = models.BigIntegerField()
    balance_fen = models.BigIntegerField()
    payment = models.ForeignKey(Payment, models.PROTECT, null=True, db_index=False, related_name="+")
    settlement = models.OneToOneField(AgentSettlement, models.PROTECT, null=True, related_name="+")
    reference = models.CharField(max_length=64, null=True)
    approval_id = models.BigIntegerField(null=True)
    business_date = models.DateField()
    moved_at = models.DateTimeField()

    class Meta:
        db_table = "payments_agent_move"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(kind__in=["topped-up", "reversed", "commission"], amount_fen__gt=0)
                | models.Q(kind__in=["paid-out", "sale"], amount_fen__lt=0),
                name="agent_move_has_its_sign",
            ),
            models.CheckConstraint(condition=models.Q(balance_fen__gte=0), name="agent_move_leaves_something"),
            models.CheckConstraint(
                condition=models.Q(kind__in=["sale", "reversed"], payment__isnull=False, approval_id__isnull=True)
                | models.Q(kind="commission", settlement__isnull=False, payment__isnull=True)
                | models.Q(
                    kind__in=["topped-up", "paid-out"],
                    approval_id__isnull=False,
                    reference__isnull=False,
                    payment__isnull=True,
                ),
                name="agent_move_has_its_paper",
            ),
            models.UniqueConstraint(fields=["payment", "kind"], name="agent_move_of_payment_once"),
            models.UniqueConstraint(fields=["client", "kind", "reference"], name="agent_move_of_bank_paper_once"),
            models.UniqueConstraint(fields=["approval_id"], name="agent_move_of_approval_once"),
        )
        indexes = (models.Index(fields=["client", "business_date", "-id"], name="agent_move_of_day"),)

    def __str__(self) -> str:
        return f"{self.client_id} {self.pk}"
