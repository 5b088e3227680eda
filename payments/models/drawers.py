"""The counter's drawer: whose cash it is from opening to closing, and every sum that went in or out."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q


class DrawerShift(models.Model):
    """
    One clerk's drawer from opening to closing: opened with a float, counted blind, then closed; never reopened.

    The database refuses a second open drawer of a clerk, a count that is not held against all its entries, a changed
    count, and a closing whose difference nobody explained.
    """

    user = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    org_unit = models.ForeignKey("shared.OrgUnit", models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    float_fen = models.BigIntegerField()
    counted_at = models.DateTimeField(null=True, blank=True)
    denominations = models.JSONField(default=dict, blank=True)
    """fen of a note or coin, as text, to how many were counted"""
    counted_fen = models.BigIntegerField(null=True, blank=True)
    expected_fen = models.BigIntegerField(null=True, blank=True)
    difference_fen = models.BigIntegerField(null=True, blank=True)
    """counted less expected: negative where cash is short"""
    explanation = models.CharField(max_length=500, blank=True, default="")
    confirmed_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "payments_drawer_shift"
        constraints = (
            models.UniqueConstraint(fields=["user"], condition=Q(closed_at__isnull=True), name="one_open_drawer"),
            models.CheckConstraint(condition=Q(float_fen__gte=0), name="drawer_float_not_negative"),
            models.CheckConstraint(
                condition=Q(
                    counted_at__isnull=True,
                    counted_fen__isnull=True,
                    expected_fen__isnull=True,
                    difference_fen__isnull=True,
                    closed_at__isnull=True,
                )
                | Q(
                    counted_at__isnull=False,
                    counted_fen__gte=0,
                    expected_fen__isnull=False,
                    difference_fen__isnull=False,
                    difference_fen=F("counted_fen") - F("expected_fen"),
                ),
                name="drawer_closed_by_its_count",
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True) | Q(difference_fen=0) | Q(explanation__regex=r"\S"),
                name="drawer_difference_explained",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_by__isnull=True) | ~Q(confirmed_by=F("user")), name="drawer_confirmed_by_another"
            ),
        )
        indexes = (models.Index(fields=["org_unit", "-opened_at"], name="drawer_of_hall"),)

    def __str__(self) -> str:
        return f"{self.pk}"


class DrawerEntry(models.Model):
    """Cash that went into a drawer, or out of it: one row for each cash act, written with the act."""

    class Kind(models.TextChoices):
        """The act whose document `document_id` is."""

        PAYMENT = "payment", "收款"
        REVERSAL = "reversal", "冲正"
        REFUND = "refund", "退费"

    shift = models.ForeignKey(DrawerShift, models.PROTECT, related_name="entries")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    document_id = models.BigIntegerField()
    amount_fen = models.BigIntegerField()
    """into the drawer; negative where it went out"""
    booked_at = models.DateTimeField()

    class Meta:
        db_table = "payments_drawer_entry"
        constraints = (
            models.UniqueConstraint(fields=["kind", "document_id"], name="in_a_drawer_once"),
            models.CheckConstraint(
                condition=Q(kind="payment", amount_fen__gt=0) | Q(kind__in=["reversal", "refund"], amount_fen__lt=0),
                name="drawer_entry_goes_its_way",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.document_id}"
