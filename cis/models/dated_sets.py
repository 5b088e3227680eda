"""Values by name that a utility or a part of it goes by from a day on, with where they come from."""

from __future__ import annotations

from django.contrib.postgres.fields import DateRangeField
from django.db import models


class DatedSet(models.Model):
    """
    What differs from what the program declares, as data with a source; a change ends one row and begins another.

    For the whole utility (no unit), or for a part of the organisation: the nearest part above an account that names a
    value decides (`cis.queries.dated_sets`).
    """

    org_unit = models.ForeignKey("shared.OrgUnit", models.PROTECT, null=True, blank=True, related_name="+")
    valid = DateRangeField()
    values = models.JSONField()
    source = models.TextField()
    set_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    set_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.valid}"
