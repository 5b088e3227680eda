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


class DistrictSupply(models.Model):
    """
    What a transformer district's own meter (台区总表) measured over the reading period of a cycle, in 0.01 kWh.

    Together with what was billed behind it for the same cycle it gives the line loss (台区线损).
    """

    transformer_district = models.ForeignKey(TransformerDistrict, models.PROTECT, related_name="+")
    cycle = models.IntegerField()
    energy_kwh_e2 = models.BigIntegerField()
    source = models.CharField(max_length=100)
    imported_at = models.DateTimeField()

    class Meta:
        db_table = "cis_district_supply"
        constraints = (
            models.UniqueConstraint(fields=["transformer_district", "cycle"], name="one_supply_a_cycle"),
            models.CheckConstraint(condition=models.Q(energy_kwh_e2__gte=0), name="supply_is_not_negative"),
        )

    def __str__(self) -> str:
        return f"{self.transformer_district_id} {self.cycle}"
