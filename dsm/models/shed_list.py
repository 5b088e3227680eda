"""The approved yearly list of orderly power use (有序用电): who gives how much, who is protected, feeders."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

PROTECTED_TIER = 9


class ShedList(models.Model):
    """
    The list of one year (定用户、定负荷), drawn by the utility and approved by the authority.

    Only an approved list is planned with; there is one a year, a new one replaces the old. `approved_by` put the
    authority's approval down. `source_digest` is of the file a list was drawn from, so that the same file is not drawn
    twice; a draft that another one followed is discarded.
    """

    class State(models.TextChoices):
        """Whether it may be planned with."""

        DRAFT = "draft", "待批"
        APPROVED = "approved", "已批准"
        REPLACED = "replaced", "已被新名单替换"
        DISCARDED = "discarded", "未报批，已被新稿替换"

    year = models.SmallIntegerField()
    state = models.CharField(max_length=16, choices=State.choices, default=State.DRAFT)
    org_unit = models.ForeignKey("shared.OrgUnit", models.PROTECT, related_name="+")
    authority = models.CharField(max_length=100, blank=True)
    document_no = models.CharField(max_length=100, blank=True)
    approved_on = models.DateField(null=True, blank=True)
    made_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    made_at = models.DateTimeField()
    approved_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    source_digest = models.CharField(max_length=64, blank=True)

    class Meta:
        db_table = "dsm_shed_list"
        constraints = (
            models.UniqueConstraint(
                fields=["year", "org_unit"], condition=Q(state="approved"), name="one_approved_list_a_year"
            ),
            models.CheckConstraint(
                condition=Q(state__in=("draft", "discarded"))
                | (~Q(authority="") & ~Q(document_no="") & Q(approved_on__isnull=False)),
                name="list_is_approved_by_somebody",
            ),
        )

    def __str__(self) -> str:
        return f"{self.year} {self.state}"


class ShedEntry(models.Model):
    """
    One account on the list. Power in kW; compensation and lost output in fen a kWh, both estimates.

    `measured_peak_kw` is the highest mean quarter-hour measured while the capacity was `measured_capacity_kva`; both
    stay as they were drawn. `capacity_kva` is the newest capacity agreed, from `capacity_from_on` where it changed
    since, which may lie ahead; `peak_kw`, `security_kw` and `sheddable_kw` are what the list shows for it. A plan takes
    the capacity of its own day instead, and a security load that nobody surveyed follows it
    (`dsm.queries.listed_facts`).
    """

    class SecuritySource(models.TextChoices):
        """Where the security load comes from."""

        SURVEYED = "surveyed", "现场核定"
        DEFAULT = "default", "未核定，按默认比例"

    shed_list = models.ForeignKey(ShedList, models.PROTECT, related_name="entries")
    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    tier = models.SmallIntegerField()
    protected_because = models.CharField(max_length=100, blank=True)
    group_no = models.SmallIntegerField()
    measured_peak_kw = models.IntegerField()
    peak_kw = models.IntegerField()
    measured_capacity_kva = models.IntegerField()
    capacity_kva = models.IntegerField()
    capacity_from_on = models.DateField(null=True, blank=True)
    security_kw = models.IntegerField()
    security_source = models.CharField(max_length=16, choices=SecuritySource.choices)
    process_pct = models.SmallIntegerField()
    sheddable_kw = models.IntegerField()
    lead_h = models.SmallIntegerField(default=0)
    is_key = models.BooleanField(default=False)
    compensation_fen_kwh = models.IntegerField()
    lost_output_fen_kwh = models.IntegerField()
    burden_before_h = models.IntegerField(default=0)
    computed_at = models.DateTimeField()

    class Meta:
        db_table = "dsm_shed_entry"
        constraints = (
            models.UniqueConstraint(fields=["shed_list", "account"], name="account_stands_once_on_a_list"),
            models.CheckConstraint(
                condition=Q(tier__range=(1, PROTECTED_TIER))
                & Q(process_pct__range=(0, 100))
                & Q(measured_peak_kw__gte=0, peak_kw__gte=0, security_kw__gte=0, sheddable_kw__gte=0)
                & Q(lead_h__gte=0, burden_before_h__gte=0, capacity_kva__gt=0, measured_capacity_kva__gt=0)
                & Q(compensation_fen_kwh__gte=0, lost_output_fen_kwh__gte=0),
                name="shed_entry_makes_sense",
            ),
            models.CheckConstraint(
                condition=(Q(tier=PROTECTED_TIER) & ~Q(protected_because=""))
                | (Q(tier__lt=PROTECTED_TIER) & Q(protected_because="")),
                name="protection_has_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(tier__lt=PROTECTED_TIER) | Q(sheddable_kw=0), name="protected_give_nothing"
            ),
        )
        indexes = (models.Index(fields=["account"], name="shed_entry_of_account"),)

    def __str__(self) -> str:
        return f"{self.account_id} {self.tier}"


class ShedEntryChange(models.Model):
    """What a change of capacity made of an entry; one row a change, written once. Old ones do not say which."""

    change = models.ForeignKey("cis.CapacityChange", models.PROTECT, null=True, blank=True, related_name="+")
    entry = models.ForeignKey(ShedEntry, models.PROTECT, related_name="changes")
    capacity_kva = models.IntegerField()
    from_on = models.DateField()
    sheddable_before_kw = models.IntegerField()
    sheddable_kw = models.IntegerField()
    computed_at = models.DateTimeField()

    class Meta:
        db_table = "dsm_shed_entry_change"
        constraints = (
            models.UniqueConstraint(fields=["entry", "change"], name="a_change_is_seen_once"),
            models.UniqueConstraint(
                fields=["entry", "from_on", "capacity_kva"],
                condition=Q(change__isnull=True),
                name="a_change_without_a_number_is_seen_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.entry_id} {self.from_on}"


class FeederCut(models.Model):
    """
    One line of the approved order of feeders (限电序位表): what is opened when no plan helps any more.

    It is no strategy: nothing here is computed, chosen or ordered by the planning of a shortage.
    """

    shed_list = models.ForeignKey(ShedList, models.PROTECT, related_name="feeder_cuts")
    order_no = models.SmallIntegerField()
    feeder = models.ForeignKey("cis.Feeder", models.PROTECT, related_name="+")
    expected_kw = models.IntegerField()
    households = models.IntegerField()

    class Meta:
        db_table = "dsm_feeder_cut"
        constraints = (
            models.UniqueConstraint(fields=["shed_list", "order_no"], name="one_feeder_at_a_place"),
            models.UniqueConstraint(fields=["shed_list", "feeder"], name="a_feeder_stands_once"),
            models.CheckConstraint(condition=Q(expected_kw__gte=0, order_no__gt=0), name="feeder_cut_makes_sense"),
        )

    def __str__(self) -> str:
        return f"{self.order_no} {self.feeder_id}"
