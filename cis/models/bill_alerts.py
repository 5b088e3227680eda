"""What customers want to be told of their running bill and of prices, by their own limits."""

from __future__ import annotations

from django.db import models


class BillAlert(models.Model):
    """
    A person agreed to be told one kind of news about one account, from a moment until they end it; never deleted.

    `least` is the person's own limit: per cent above the usual bill, fen, or 0.01 kWh; none of kinds without one.
    """

    class Kind(models.TextChoices):
        """What they are told."""

        SHOCK = "shock", "这一期可能比平时多很多"
        TIER = "tier", "快要进入更高一档"
        BUDGET_YUAN = "budget-yuan", "这一期电费可能超过预算"
        BUDGET_KWH = "budget-kwh", "这一期用电可能超过预算"
        DEMAND = "demand", "最大需量快要超出合同"
        PRICE = "price", "电价要变"

    user = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    least = models.BigIntegerField(null=True, blank=True)
    agreed_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "cis_bill_alert"
        constraints = (
            models.UniqueConstraint(
                fields=["user", "account", "kind"],
                condition=models.Q(ended_at__isnull=True),
                name="one_bill_alert_of_a_kind",
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=("shock", "budget-yuan", "budget-kwh"), least__gt=0)
                | models.Q(kind__in=("tier", "demand", "price"), least__isnull=True),
                name="bill_alert_has_its_limit",
            ),
        )
        indexes = (
            models.Index(fields=["account"], condition=models.Q(ended_at__isnull=True), name="bill_alerts_of_account"),
        )

    def __str__(self) -> str:
        return f"{self.user_id} {self.account_id} {self.kind}"
