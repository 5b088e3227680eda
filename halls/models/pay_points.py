"""Where electricity can be paid for on foot."""

from __future__ import annotations

import pghistory
from django.db import models


@pghistory.track()
class PayPoint(models.Model):
    """A pay point (缴费网点): one of our halls, a bank's branch, an agency's shop, a kiosk."""

    class Kind(models.TextChoices):
        """Who runs it."""

        HALL = "hall", "营业厅"
        BANK = "bank", "银行网点"
        AGENCY = "agency", "代收点"
        KIOSK = "kiosk", "自助终端"

    code = models.CharField(max_length=32, unique=True)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    name = models.CharField(max_length=100)
    name_en = models.CharField(max_length=100, blank=True)
    address = models.CharField(max_length=200, blank=True)
    longitude = models.DecimalField(max_digits=9, decimal_places=6)
    latitude = models.DecimalField(max_digits=9, decimal_places=6)
    org_unit = models.ForeignKey("shared.OrgUnit", models.PROTECT, related_name="+")
    hall = models.OneToOneField("halls.Hall", models.PROTECT, null=True, blank=True, related_name="+")
    is_working = models.BooleanField(default=True)

    class Meta:
        db_table = "halls_pay_point"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(longitude__range=(-180, 180)) & models.Q(latitude__range=(-90, 90)),
                name="pay_point_is_on_earth",
            ),
            models.CheckConstraint(
                condition=models.Q(kind="hall", hall__isnull=False) | ~models.Q(kind="hall") & models.Q(hall=None),
                name="pay_point_of_a_hall_names_it",
            ),
        )

    def __str__(self) -> str:
        return f"{self.code} {self.name}"
