"""Households that need more care than others when the supply is interrupted; kept only with a ground for keeping it."""

from __future__ import annotations

from django.db import models

from config.shared.personal_data import EncryptedTextField


class CareCase(models.Model):
    """
    A household in care: what for, and on what ground we may know it.

    Health and age at home are sensitive personal data (个人信息保护法, articles 28 and 29): kept with the separate
    consent of the person or on a ground in law that is named, until a day, and shown for a reason only. `note` is
    sealed.
    """

    class Kind(models.TextChoices):
        """What for."""

        ELDERLY = "elderly", "独居老人"
        MEDICAL = "medical", "居家医疗设备"
        DISABLED = "disabled", "行动不便"
        OTHER = "other", "其他"

    class Basis(models.TextChoices):
        """On what ground."""

        CONSENT = "consent", "本人书面同意"
        LAW = "law", "法律规定"

    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    basis = models.CharField(max_length=16, choices=Basis.choices)
    basis_note = models.CharField(max_length=200)
    note = EncryptedTextField(blank=True)
    noted_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    noted_at = models.DateTimeField()
    until_on = models.DateField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "grid_service_care"
        constraints = (
            models.UniqueConstraint(
                fields=["account", "kind"], name="care_once_a_kind", condition=models.Q(ended_at__isnull=True)
            ),
            models.CheckConstraint(condition=~models.Q(basis_note=""), name="care_names_its_ground"),
        )

    def __str__(self) -> str:
        return f"{self.account_id} {self.kind}"
