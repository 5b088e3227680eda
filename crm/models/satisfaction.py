"""What customers say of how they were served: one to five, and why."""

from __future__ import annotations

from django.db import models


class Rating(models.Model):
    """
    One rating, written once. (source, source_key) is where it was given: `hall-ticket` and the ticket's id.

    Who was not asked or did not answer has no row: no rating is never counted as satisfied. `org_unit` is the unit
    that served, `about_user` the person who did, where there was one.
    """

    source = models.CharField(max_length=32)
    source_key = models.CharField(max_length=64)
    account = models.ForeignKey("cis.Account", models.PROTECT, null=True, blank=True, related_name="+")
    score = models.SmallIntegerField()
    reason_code = models.CharField(max_length=32, blank=True)
    comment = models.CharField(max_length=500, blank=True)
    about_user = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    org_unit = models.ForeignKey("shared.OrgUnit", models.PROTECT, related_name="+")
    rated_at = models.DateTimeField()

    class Meta:
        db_table = "crm_rating"
        constraints = (
            models.UniqueConstraint(fields=["source", "source_key"], name="rated_once"),
            models.CheckConstraint(condition=models.Q(score__range=(1, 5)), name="rating_is_one_to_five"),
            models.CheckConstraint(
                condition=~models.Q(source="") & ~models.Q(source_key=""), name="rating_has_a_source"
            ),
        )
        indexes = (
            models.Index(fields=["rated_at", "org_unit"], name="ratings_of_time"),
            models.Index(fields=["about_user", "rated_at"], name="ratings_about_user"),
        )

    def __str__(self) -> str:
        return f"{self.source} {self.source_key} {self.score}"
