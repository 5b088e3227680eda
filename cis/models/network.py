"""The network as billing and service need it: substation, feeder, transformer district (台区)."""

from __future__ import annotations

from django.db import models


class Substation(models.Model):
    """A substation (变电站) of one county."""

    code = models.CharField(max_length=32, unique=True)
    name = models.CharField(max_length=100)
    org_unit = models.ForeignKey("shared.OrgUnit", models.PROTECT, related_name="+")

    class Meta:
        db_table = "cis_substation"

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class Feeder(models.Model):
    """A feeder (馈线) of a substation."""

    substation = models.ForeignKey(Substation, models.PROTECT, related_name="feeders")
    code = models.CharField(max_length=32, unique=True)
    name = models.CharField(max_length=100)

    class Meta:
        db_table = "cis_feeder"

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class TransformerDistrict(models.Model):
    """A transformer district (台区): one distribution transformer and everyone behind it."""

    feeder = models.ForeignKey(Feeder, models.PROTECT, related_name="transformer_districts")
    code = models.CharField(max_length=32, unique=True)
    name = models.CharField(max_length=100)
    capacity_kva = models.IntegerField()
    is_dedicated = models.BooleanField(default=False)

    class Meta:
        db_table = "cis_transformer_district"
        constraints = (models.CheckConstraint(condition=models.Q(capacity_kva__gt=0), name="district_has_capacity"),)

    def __str__(self) -> str:
        return f"{self.code} {self.name}"
