"""Photographs of meters, kept beside the readings they were taken for."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from cis.models.metering import MeterInstallation


class ReadingPhoto(models.Model):
    """
    A photograph of a meter on the day it was read, by whom; known by its SHA-256, never changed.

    What is kept is drawn anew without place and device (`cis.reading_pictures`). File and row go together when the
    time for keeping them is over.
    """

    installation = models.ForeignKey(MeterInstallation, models.PROTECT, related_name="+")
    read_on = models.DateField()
    key = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    size = models.IntegerField()
    taken_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    taken_at = models.DateTimeField()

    class Meta:
        db_table = "cis_reading_photo"
        constraints = (
            models.UniqueConstraint(fields=["installation", "read_on", "sha256"], name="photo_once_a_reading"),
            models.CheckConstraint(condition=Q(size__gt=0) & Q(sha256__regex="^[0-9a-f]{64}$"), name="photo_is_known"),
        )
        indexes = (models.Index(fields=["taken_at"], name="photos_by_age"),)

    def __str__(self) -> str:
        return f"{self.installation_id} {self.read_on}"
