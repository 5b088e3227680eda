"""What a hall's display zone shows besides tariffs and outages, which come from the house's own records."""

from __future__ import annotations

import pghistory
from django.db import models


@pghistory.track()
class DisplayNote(models.Model):
    """
    A text for the display zone (智能展示区): how to save energy, or a notice; of one hall, or of all.

    Shown from `from_on` up to, not including, `until_on`.
    """

    class Kind(models.TextChoices):
        """What it is about."""

        SAVING = "saving", "节能知识"
        NOTICE = "notice", "公告"

    hall = models.ForeignKey("halls.Hall", models.CASCADE, null=True, blank=True, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    title = models.CharField(max_length=60)
    title_en = models.CharField(max_length=120, blank=True)
    text = models.CharField(max_length=300)
    text_en = models.CharField(max_length=600, blank=True)
    from_on = models.DateField()
    until_on = models.DateField()

    class Meta:
        db_table = "halls_display_note"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(until_on__gt=models.F("from_on")), name="note_ends_after_it_began"
            ),
        )

    def __str__(self) -> str:
        return f"{self.pk} {self.title}"
