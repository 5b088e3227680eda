"""Cheques taken at a counter, until the bank paid them or gave them back (see the migration `cheques`)."""

from __future__ import annotations

from datetime import date, timedelta

from django.db import models
from django.db.models import F, Q

from payments.models.money import Payment, Reversal
from payments.models.transfers import BankLine

PRESENTED_WITHIN = timedelta(days=10)


class Cheque(models.Model):
    """
    A cheque and the payment it made; its money is on its way until a line of a bank statement shows it.

    Returned, by the bank or to the customer before it was cleared, its payment is reversed and the bills open again.
    """

    class State(models.TextChoices):
        """Where it is; it only moves on."""

        RECEIVED = "received", "已收，待送存"
        BANKED = "banked", "已送存"
        CLEARED = "cleared", "已到账"
        RETURNED = "returned", "已退票"

    payment = models.OneToOneField(Payment, models.PROTECT, related_name="cheque")
    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    number = models.CharField(max_length=20)
    bank = models.CharField(max_length=100)
    drawer = models.CharField(max_length=200)
    issued_on = models.DateField()
    amount_fen = models.BigIntegerField()
    org_unit = models.ForeignKey("shared.OrgUnit", models.PROTECT, null=True, blank=True, related_name="+")
    taken_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    taken_at = models.DateTimeField()
    state = models.CharField(max_length=16, choices=State.choices, default=State.RECEIVED)
    banked_on = models.DateField(null=True, blank=True)
    line = models.OneToOneField(BankLine, models.PROTECT, null=True, blank=True, related_name="cheque")
    reversal = models.OneToOneField(Reversal, models.PROTECT, null=True, blank=True, related_name="cheque")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        db_table = "payments_cheque"
        constraints = (
            models.UniqueConstraint(fields=["bank", "number"], condition=~Q(state="returned"), name="one_live_cheque"),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="cheque_is_positive"),
            models.CheckConstraint(
                condition=Q(state="received", banked_on__isnull=True, line__isnull=True, reversal__isnull=True)
                | Q(state="banked", banked_on__gte=F("issued_on"), line__isnull=True, reversal__isnull=True)
                | Q(state="cleared", banked_on__isnull=False, line__isnull=False, reversal__isnull=True)
                | Q(state="returned", line__isnull=True, reversal__isnull=False),
                name="cheque_state_has_its_paper",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["received", "banked"], ended_at__isnull=True, ended_by__isnull=True)
                | Q(state__in=["cleared", "returned"], ended_at__isnull=False, ended_by__isnull=False),
                name="cheque_ended_by_somebody",
            ),
        )
        indexes = (models.Index(fields=["state", "id"], name="cheque_of_state"),)

    def __str__(self) -> str:
        return self.number

    @property
    def present_by(self) -> date:
        """The last day on which it may be presented: ten days from its date (票据法, article 91)."""
        return self.issued_on + PRESENTED_WITHIN
