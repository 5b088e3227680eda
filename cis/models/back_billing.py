"""Back-billing cases: wrong metering, breach of contract, theft; with evidence, notice and a second person."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from cis.models.corrections import BillCorrection


class BackBillCase(models.Model):
    """
    What is asked or given back beside the month's bill, by which rule, from which facts, on which evidence.

    Facts and lines never change. A charge rides on the next bill, a refund becomes prepayment.
    """

    class Kind(models.TextChoices):
        """Why; each has its articles in `cis.operations.back_billing`."""

        ERROR = "meter-error", "计量误差超差"
        RATE = "wrong-wiring", "接线错误（更正率）"
        RATIO = "wrong-ratio", "倍率错误"
        MISUSE = "class-misuse", "高价低接"
        CAPACITY = "over-capacity", "超合同容量用电"
        SEALED = "sealed-equipment", "私自启用封存设备"
        THEFT = "theft", "窃电"

    class State(models.TextChoices):
        """How far it is."""

        OPEN = "open", "取证中"
        NOTICED = "noticed", "已通知客户"
        POSTED = "posted", "已执行"
        DROPPED = "dropped", "已撤销"

    account = models.ForeignKey("cis.Account", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    story = models.TextField()
    inputs = models.JSONField()
    lines = models.JSONField()
    legal_basis = models.TextField()
    energy_fen = models.BigIntegerField()
    penalty_fen = models.BigIntegerField()
    amount_fen = models.BigIntegerField()
    opened_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    noticed_at = models.DateTimeField(null=True, blank=True)
    notice_proof = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    approval = models.ForeignKey("shared.Approval", models.PROTECT, null=True, blank=True, related_name="+")
    asked_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    decided_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    correction = models.OneToOneField(BillCorrection, models.PROTECT, null=True, blank=True, related_name="case")
    """the charge that rides on the next bill; none for a refund"""
    drop_reason = models.TextField(blank=True)

    class Meta:
        db_table = "cis_back_bill"
        constraints = (
            models.CheckConstraint(
                condition=Q(amount_fen=F("energy_fen") + F("penalty_fen")), name="back_bill_adds_up"
            ),
            models.CheckConstraint(condition=Q(penalty_fen__gte=0), name="penalty_is_not_negative"),
            models.CheckConstraint(condition=~Q(story="") & ~Q(legal_basis=""), name="back_bill_has_facts_and_basis"),
            models.CheckConstraint(
                condition=~Q(state__in=("noticed", "posted")) | Q(noticed_at__isnull=False) & ~Q(notice_proof=""),
                name="back_bill_notice_has_proof",
            ),
            models.CheckConstraint(
                condition=~Q(state="posted")
                | Q(
                    approval__isnull=False,
                    asked_by__isnull=False,
                    decided_by__isnull=False,
                    decided_at__isnull=False,
                )
                & ~Q(decided_by=F("asked_by")),
                name="back_bill_approved_by_another_person",
            ),
        )
        indexes = (models.Index(fields=["account", "-id"], name="back_bills_of_account"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class BackBillEvidence(models.Model):
    """A photo or document of a case, kept as it came; its SHA-256 says that it is still the same. Written once."""

    case = models.ForeignKey(BackBillCase, models.PROTECT, related_name="evidence")
    key = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    content_type = models.CharField(max_length=100)
    size = models.BigIntegerField()
    added_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    added_at = models.DateTimeField()

    class Meta:
        db_table = "cis_back_bill_evidence"
        constraints = (
            models.UniqueConstraint(fields=["case", "sha256"], name="evidence_once_a_case"),
            models.CheckConstraint(condition=Q(sha256__regex=r"^[0-9a-f]{64}$"), name="evidence_has_its_digest"),
        )

    def __str__(self) -> str:
        return self.name
