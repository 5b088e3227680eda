"""Where a transformer district goes that is new: no place is without its people until somebody decides."""

from __future__ import annotations

from django.db import models


class ReceivingDistrict(models.Model):
    """
    The service district of a county that a new transformer district (台区) belongs to from the first moment on.

    A trigger on `cis_transformer_district` covers whatever is added to the county in the very statement that adds it,
    whether a page, a file or a bulk load does; somebody of the house then moves it where it belongs.
    """

    county = models.OneToOneField("shared.OrgUnit", models.PROTECT, related_name="+")
    service_district = models.ForeignKey("grid_service.ServiceDistrict", models.PROTECT, related_name="+")
    reason = models.CharField(max_length=500)
    decided_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    decided_at = models.DateTimeField()

    class Meta:
        db_table = "grid_service_receiving"
        constraints = (models.CheckConstraint(condition=~models.Q(reason=""), name="receiving_has_a_reason"),)

    def __str__(self) -> str:
        return f"{self.county_id} {self.service_district_id}"
