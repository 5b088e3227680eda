"""Reasons to talk to a customer before they ask: proposed by a rule, decided by a person."""

from __future__ import annotations

from django.db import models


class ProposedContact(models.Model):
    """
    A rule says somebody should be told something; a person accepts (and a message goes) or dismisses with a reason.

    (reason, source_key) is unique for ever: `bill-shock` and the bill's id, so that an event delivered twice proposes
    once.
    """

    class Reason(models.TextChoices):
        """Which rule proposes."""

        BILL_SHOCK = "bill-shock", "电费突增"

    class State(models.TextChoices):
        """What became of it."""

        PROPOSED = "proposed", "待定"
        ACCEPTED = "accepted", "已联系"
        DISMISSED = "dismissed", "不联系"

    reason = models.CharField(max_length=32, choices=Reason.choices)
    source_key = models.CharField(max_length=64)
    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    org_unit = models.ForeignKey("shared.OrgUnit", models.PROTECT, related_name="+")
    evidence = models.JSONField(default=dict)
    weight_fen = models.BigIntegerField()
    happened_at = models.DateTimeField()
    proposed_at = models.DateTimeField()
    state = models.CharField(max_length=16, choices=State.choices, default=State.PROPOSED)
    note = models.CharField(max_length=500, blank=True)
    message_id = models.BigIntegerField(null=True, blank=True)
    decided_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "crm_proposed_contact"
        constraints = (
            models.UniqueConstraint(fields=["reason", "source_key"], name="proposed_once"),
            models.CheckConstraint(
                condition=models.Q(state="proposed", decided_at__isnull=True, decided_by__isnull=True)
                | (~models.Q(state="proposed") & models.Q(decided_at__isnull=False, decided_by__isnull=False)),
                name="proposal_is_decided_whole",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="dismissed") | ~models.Q(note=""), name="dismissal_has_reason"
            ),
        )
        indexes = (
            models.Index(fields=["weight_fen", "id"], name="proposals_waiting", condition=models.Q(state="proposed")),
            models.Index(fields=["account", "-id"], name="proposals_of_account"),
        )

    def __str__(self) -> str:
        return f"{self.reason} {self.source_key}"
