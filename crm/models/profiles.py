"""What is known of an account in a few words: its profile, its tags with their evidence, objections to them."""

from __future__ import annotations

from django.db import models


class ProfileRun(models.Model):
    """
    One night's profiles of all accounts, done shard by shard by a job.

    `value_bounds`: price class to the four bounds between the quintiles of what its accounts were billed in twelve
    months; fixed when the run begins, so that every shard, and one account alone afterwards, is measured by the same.
    """

    job = models.OneToOneField("shared.Job", models.PROTECT, related_name="+")
    on_day = models.DateField()
    value_bounds = models.JSONField()
    created_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        db_table = "crm_profile_run"

    def __str__(self) -> str:
        return f"{self.pk} {self.on_day}"


class Profile(models.Model):
    """
    The figures of an account that tiers and lists need, as of `on_day`; bulk table, written set-wise.

    `energy_12m_kwh_e2` (10^-2 kWh) and `billed_12m_fen` are of the bills of the last twelve months.
    """

    account = models.OneToOneField("cis.Account", models.CASCADE, primary_key=True, related_name="+")
    org_unit = models.ForeignKey("shared.OrgUnit", models.PROTECT, related_name="+")
    price_class = models.SmallIntegerField()
    capacity_kva = models.IntegerField()
    is_dedicated = models.BooleanField()
    energy_12m_kwh_e2 = models.BigIntegerField()
    billed_12m_fen = models.BigIntegerField()
    on_day = models.DateField()
    computed_at = models.DateTimeField()

    class Meta:
        db_table = "crm_profile"
        indexes = (
            models.Index(fields=["billed_12m_fen", "account"], name="profiles_by_billed"),
            models.Index(fields=["energy_12m_kwh_e2", "account"], name="profiles_by_energy"),
        )

    def __str__(self) -> str:
        return f"{self.account_id} {self.on_day}"


class AccountTag(models.Model):
    """
    A tag of an account: its value, what proves it, by which version of the definition, since when and until when.

    `source` is "rule" for tags that the nightly job computes, otherwise the app that asserted it. Bulk table, written
    set-wise; a tag that runs out is not shown any more, whether or not a night has taken it away.
    """

    pk = models.CompositePrimaryKey("account_id", "code")
    account = models.ForeignKey("cis.Account", models.CASCADE, db_index=False, related_name="+")
    code = models.CharField(max_length=40)
    value = models.CharField(max_length=40)
    evidence = models.JSONField(default=dict)
    definition_version = models.SmallIntegerField()
    source = models.CharField(max_length=16)
    since_on = models.DateField()
    until_on = models.DateField()
    computed_at = models.DateTimeField()

    class Meta:
        db_table = "crm_account_tag"
        constraints = (
            models.CheckConstraint(condition=models.Q(until_on__gte=models.F("since_on")), name="tag_lasts_a_day"),
        )
        indexes = (models.Index(fields=["code", "value", "account"], name="accounts_of_tag"),)

    def __str__(self) -> str:
        return f"{self.account_id} {self.code} {self.value}"


class TagObjection(models.Model):
    """The customer says that a tag is wrong; it stays open until somebody answers."""

    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    code = models.CharField(max_length=40)
    value = models.CharField(max_length=40)
    reason = models.CharField(max_length=500)
    noted_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    noted_at = models.DateTimeField()
    outcome = models.CharField(max_length=500, blank=True)
    closed_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "crm_tag_objection"
        constraints = (
            models.UniqueConstraint(
                fields=["account", "code"],
                name="one_open_objection_per_tag",
                condition=models.Q(closed_at__isnull=True),
            ),
            models.CheckConstraint(condition=~models.Q(reason=""), name="objection_has_reason"),
            models.CheckConstraint(
                condition=models.Q(closed_at__isnull=True, closed_by__isnull=True, outcome="")
                | (models.Q(closed_at__isnull=False, closed_by__isnull=False) & ~models.Q(outcome="")),
                name="objection_is_closed_whole",
            ),
        )

    def __str__(self) -> str:
        return f"{self.account_id} {self.code}"
