"""Notices that said they were a provider's and were not believed."""

from __future__ import annotations

from django.db import models


class RefusedNotice(models.Model):
    """
    So many in one hour, by channel and reason: counted and never kept, whoever sends them must not fill a disk.

    `hour` is its first moment; `last_address` is where the last one came from.
    """

    pk = models.CompositePrimaryKey("channel", "hour", "reason")
    channel = models.CharField(max_length=16)
    hour = models.DateTimeField()
    reason = models.CharField(max_length=64)
    count = models.BigIntegerField()
    last_at = models.DateTimeField()
    last_address = models.CharField(max_length=45, blank=True, default="")

    class Meta:
        db_table = "payments_refused_notice"
        constraints = (models.CheckConstraint(condition=models.Q(count__gt=0), name="refused_notice_happened"),)

    def __str__(self) -> str:
        return f"{self.channel} {self.hour:%Y-%m-%d %H} {self.reason}"
