"""Long work: a job, cut into shards that any worker may claim under a lease."""

from __future__ import annotations

from django.db import models


class Job(models.Model):
    """
    One piece of long work, with progress, cancel and resume; what it does is named by `kind`.

    `org_unit` says whose affair it is, and so who sees it; none: the whole utility's.
    """

    class State(models.TextChoices):
        """Where the work stands."""

        RUNNING = "running", "进行中"
        CANCELLING = "cancelling", "正在取消"
        CANCELLED = "cancelled", "已取消"
        FAILED = "failed", "有分片失败"
        DONE = "done", "已完成"

    kind = models.CharField(max_length=64)
    parameters = models.JSONField(default=dict)
    state = models.CharField(max_length=16, choices=State.choices, default=State.RUNNING)
    org_unit = models.ForeignKey("shared.OrgUnit", models.PROTECT, null=True, blank=True, related_name="+")
    created_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    total_units = models.BigIntegerField(default=0)
    done_units = models.BigIntegerField(default=0)

    class Meta:
        db_table = "shared_job"
        indexes = (
            models.Index(
                fields=["state"],
                name="job_unfinished",
                condition=models.Q(state__in=("running", "cancelling")),
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class JobShard(models.Model):
    """
    One part of a job: keys from `low` up to, not including, `high`.

    Shards of a later `stage` are claimed only when every shard of the earlier ones is finished: a job's closing
    check is its last stage, with the same lease as any other shard.
    """

    class State(models.TextChoices):
        """Where the shard stands."""

        WAITING = "waiting", "等待"
        RUNNING = "running", "进行中"
        DONE = "done", "完成"
        FAILED = "failed", "失败"
        CANCELLED = "cancelled", "已取消"

    job = models.ForeignKey(Job, models.CASCADE, related_name="shards")
    number = models.IntegerField()
    stage = models.SmallIntegerField(default=0)
    low = models.BigIntegerField(default=0)
    high = models.BigIntegerField(default=0)
    units = models.BigIntegerField(default=0)
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    claim_token = models.UUIDField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    worker = models.CharField(max_length=100, blank=True)
    attempts = models.SmallIntegerField(default=0)
    result = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "shared_job_shard"
        constraints = (models.UniqueConstraint(fields=["job", "number"], name="job_shard_number_once"),)
        indexes = (
            models.Index(
                fields=["job", "stage", "number"],
                name="job_shard_unfinished",
                condition=models.Q(state__in=("waiting", "running")),
            ),
        )

    def __str__(self) -> str:
        return f"{self.job_id}/{self.number}"
