"""Somebody says that a landlord or an estate charges more for electricity than the law allows."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from config.shared.personal_data import EncryptedTextField


class OverchargeReport(models.Model):
    """
    One report, by anybody, with a number and a state of its own; what was said is never changed.

    `account` is the account whose number was given, if there is one; who reported is not told. `where_said`, `text`
    and `telephone` are kept sealed. `most_fen` is the most that the energy might have cost under the law when it was
    reported, where both are known. `asked_from` is the keyed digest of the network address, for limits.
    """

    class State(models.TextChoices):
        """Where it stands."""

        RECEIVED = "received", "已受理"
        TAKEN_UP = "taken-up", "核实中"
        ANSWERED = "answered", "已答复"

    class ChargedBy(models.TextChoices):
        """Who charges."""

        LANDLORD = "landlord", "房东"
        ESTATE = "estate", "物业或园区"
        OTHER = "other", "其他"

    form_key = models.CharField(max_length=64, unique=True)
    account = models.ForeignKey("cis.Account", models.PROTECT, null=True, blank=True, related_name="+")
    where_said = EncryptedTextField()
    charged_by = models.CharField(max_length=16, choices=ChargedBy.choices)
    text = EncryptedTextField()
    energy_kwh_e2 = models.BigIntegerField(null=True, blank=True)
    paid_fen = models.BigIntegerField(null=True, blank=True)
    most_fen = models.BigIntegerField(null=True, blank=True)
    telephone = EncryptedTextField(blank=True)
    language = models.CharField(max_length=8)
    asked_from = models.BinaryField(max_length=32)
    told_at = models.DateTimeField()
    state = models.CharField(max_length=16, choices=State.choices, default=State.RECEIVED)
    taken_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    taken_at = models.DateTimeField(null=True, blank=True)
    answer = models.TextField(blank=True)
    answered_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "cis_overcharge_report"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(state="answered", answered_at__isnull=False, answered_by__isnull=False)
                & ~models.Q(answer="")
                | ~models.Q(state="answered") & models.Q(answered_at__isnull=True, answered_by__isnull=True, answer=""),
                name="overcharge_is_answered_whole",
            ),
            models.CheckConstraint(
                condition=models.Q(state="received", taken_by__isnull=True, taken_at__isnull=True)
                | (~models.Q(state="received") & models.Q(taken_by__isnull=False, taken_at__isnull=False)),
                name="overcharge_is_taken_up_by_somebody",
            ),
            models.CheckConstraint(
                condition=(models.Q(energy_kwh_e2__isnull=True) | models.Q(energy_kwh_e2__gt=0))
                & (models.Q(paid_fen__isnull=True) | models.Q(paid_fen__gt=0)),
                name="overcharge_figures_are_above_zero",
            ),
        )
        indexes = (
            models.Index(fields=["told_at"], condition=~models.Q(state="answered"), name="overcharges_to_answer"),
            models.Index(fields=["asked_from", "-told_at"], name="overcharges_asked_from"),
        )

    def __str__(self) -> str:
        return f"JB{self.told_at.astimezone(settings.BILLING_TIME_ZONE):%y%m%d}{self.pk:06d}"
