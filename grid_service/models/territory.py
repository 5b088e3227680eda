"""Who answers for whom: service districts, what they cover, their managers and deputies; everything with dates."""

from __future__ import annotations

import pghistory
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.db import models


@pghistory.track()
class ServiceDistrict(models.Model):
    """
    A service district (片区): an organisational unit of kind district with people who answer for it from `begins_at`.

    The telephones belong to the posts and not to persons: whoever takes over is reached by the number customers know.
    A deferred constraint trigger refuses a commit after which the district would be without a manager or a deputy at
    any moment from `begins_at` on.
    """

    org_unit = models.OneToOneField("shared.OrgUnit", models.PROTECT, related_name="+")
    begins_at = models.DateTimeField()
    manager_phone = models.CharField(max_length=20)
    deputy_phone = models.CharField(max_length=20)

    class Meta:
        db_table = "grid_service_district"
        constraints = (
            models.CheckConstraint(
                condition=~models.Q(manager_phone="") & ~models.Q(deputy_phone=""), name="district_can_be_called"
            ),
        )

    def __str__(self) -> str:
        return f"{self.pk}"


@pghistory.track()
class Community(models.Model):
    """
    An urban community (社区) or an administrative village (行政村) and the district that serves it.

    `address_words` tell from a supply address that it lies here; the check of coverage compares the two.
    """

    class Kind(models.TextChoices):
        """What it is called by law."""

        COMMUNITY = "community", "社区"
        VILLAGE = "village", "行政村"

    county = models.ForeignKey("shared.OrgUnit", models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    name = models.CharField(max_length=100)
    address_words = ArrayField(models.CharField(max_length=50), default=list)
    service_district = models.ForeignKey(ServiceDistrict, models.PROTECT, related_name="communities")

    class Meta:
        db_table = "grid_service_community"
        constraints = (models.UniqueConstraint(fields=["county", "name"], name="community_once_a_county"),)

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class Coverage(models.Model):
    """
    Which service district a transformer district (台区) belongs to, from when to when; to one at a time.

    Once covered it stays covered: the stretches of one transformer district follow each other without a gap and the
    last one has no end, which a deferred constraint trigger holds.
    """

    service_district = models.ForeignKey(ServiceDistrict, models.PROTECT, related_name="coverage")
    transformer_district = models.ForeignKey("cis.TransformerDistrict", models.PROTECT, related_name="+")
    valid = DateTimeRangeField()
    reason = models.CharField(max_length=500)
    decided_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    decided_at = models.DateTimeField()

    class Meta:
        db_table = "grid_service_coverage"
        constraints = (
            ExclusionConstraint(
                name="one_service_district_at_a_time",
                expressions=[("transformer_district", RangeOperators.EQUAL), ("valid", RangeOperators.OVERLAPS)],
            ),
            models.CheckConstraint(condition=~models.Q(reason=""), name="coverage_has_a_reason"),
            models.CheckConstraint(condition=models.Q(valid__isempty=False), name="coverage_lasts"),
        )

    def __str__(self) -> str:
        return f"{self.transformer_district_id} {self.valid}"


@pghistory.track()
class Assignment(models.Model):
    """
    Who is manager or deputy of a district, from when to when.

    One a post at a time, and nobody both at once. A hand-over ends one and begins the next at the same moment; what
    has been is never changed but for the end it got.
    """

    class Role(models.TextChoices):
        """The two posts of a district."""

        MANAGER = "manager", "片区经理"
        DEPUTY = "deputy", "副经理"

    service_district = models.ForeignKey(ServiceDistrict, models.PROTECT, related_name="assignments")
    role = models.CharField(max_length=16, choices=Role.choices)
    user = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    valid = DateTimeRangeField()
    reason = models.CharField(max_length=500)
    decided_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    decided_at = models.DateTimeField()

    class Meta:
        db_table = "grid_service_assignment"
        constraints = (
            ExclusionConstraint(
                name="one_holder_of_a_post",
                expressions=[
                    ("service_district", RangeOperators.EQUAL),
                    ("role", RangeOperators.EQUAL),
                    ("valid", RangeOperators.OVERLAPS),
                ],
            ),
            ExclusionConstraint(
                name="manager_and_deputy_are_two_people",
                expressions=[
                    ("service_district", RangeOperators.EQUAL),
                    ("user", RangeOperators.EQUAL),
                    ("valid", RangeOperators.OVERLAPS),
                ],
            ),
            models.CheckConstraint(condition=models.Q(role__in=["manager", "deputy"]), name="post_is_known"),
            models.CheckConstraint(condition=~models.Q(reason=""), name="hand_over_has_a_reason"),
            models.CheckConstraint(condition=models.Q(valid__isempty=False), name="post_is_held_for_some_time"),
        )
        indexes = (models.Index(fields=["user"], name="assignments_of_user"),)

    def __str__(self) -> str:
        return f"{self.service_district_id} {self.role} {self.valid}"
