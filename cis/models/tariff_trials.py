"""The tariff laboratory: drafts of tariffs, what a population would have paid, and for whom it changes most."""

from __future__ import annotations

from django.db import models

from cis.models.customers import SupplyContract


class TariffDraft(models.Model):
    """
    What a tariff might say: rules that the kernel can price, made from an existing version. Nobody is billed by it.

    A draft is never changed (a trigger refuses it), so that a trial's result stays what it says; another idea is
    another draft.
    """

    name = models.CharField(max_length=100)
    base_version = models.ForeignKey("cis.TariffVersion", models.PROTECT, related_name="+")
    rules = models.JSONField()
    created_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        db_table = "cis_tariff_draft"
        constraints = (models.CheckConstraint(condition=~models.Q(name=""), name="draft_has_a_name"),)

    def __str__(self) -> str:
        return f"{self.pk} {self.name}"


class TariffTrial(models.Model):
    """
    A draft tried on the bills of a population: a job over its accounts, and in the end sums by group.

    `org_unit` empty: the whole utility; `price_class` empty: every class. `result` is what
    `cis.laboratory.figures_of` gives for all shards, with the bills that could not be compared.
    """

    draft = models.ForeignKey(TariffDraft, models.PROTECT, related_name="+")
    job = models.OneToOneField("shared.Job", models.PROTECT, null=True, blank=True, related_name="+")
    org_unit = models.ForeignKey("shared.OrgUnit", models.PROTECT, null=True, blank=True, related_name="+")
    price_class = models.SmallIntegerField(choices=SupplyContract.PriceClass.choices, null=True, blank=True)
    own_tariff_only = models.BooleanField(default=True)
    first_cycle = models.IntegerField()
    last_cycle = models.IntegerField()
    usage_bands_kwh = models.JSONField()
    group_names = models.JSONField(default=list)
    unknown_in_list = models.IntegerField(default=0)
    result = models.JSONField(null=True, blank=True)
    created_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "cis_tariff_trial"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(last_cycle__gte=models.F("first_cycle")), name="trial_months_in_order"
            ),
            models.CheckConstraint(
                condition=models.Q(result__isnull=True, finished_at__isnull=True)
                | models.Q(result__isnull=False, finished_at__isnull=False),
                name="trial_has_a_result_when_finished",
            ),
        )

    def __str__(self) -> str:
        return f"{self.pk} {self.first_cycle}-{self.last_cycle}"


class TrialGroupMember(models.Model):
    """Which group of a trial's list an account belongs to; gone when the trial is finished."""

    trial = models.ForeignKey(TariffTrial, models.CASCADE, related_name="+", db_index=False)
    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+", db_index=False)
    group = models.SmallIntegerField()

    class Meta:
        db_table = "cis_trial_group_member"
        constraints = (models.UniqueConstraint(fields=["trial", "account"], name="account_in_one_group_of_a_trial"),)

    def __str__(self) -> str:
        return f"{self.trial_id}/{self.account_id}"


class TrialAccount(models.Model):
    """One of the accounts that would save or pay most more under a trial's draft."""

    trial = models.ForeignKey(TariffTrial, models.CASCADE, related_name="+", db_index=False)
    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+", db_index=False)
    price_class = models.SmallIntegerField(choices=SupplyContract.PriceClass.choices)
    bills = models.IntegerField()
    energy_kwh_e2 = models.BigIntegerField()
    billed_fen = models.BigIntegerField()
    draft_fen = models.BigIntegerField()
    difference_fen = models.BigIntegerField()

    class Meta:
        db_table = "cis_trial_account"
        constraints = (
            models.UniqueConstraint(fields=["trial", "account"], name="account_once_in_a_trial"),
            models.CheckConstraint(
                condition=models.Q(difference_fen=models.F("draft_fen") - models.F("billed_fen")),
                name="difference_is_draft_less_billed",
            ),
        )
        indexes = (models.Index(fields=["trial", "difference_fen", "id"], name="trial_accounts_by_change"),)

    def __str__(self) -> str:
        return f"{self.trial_id}/{self.account_id}"
