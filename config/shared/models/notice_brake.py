"""The brake on mass notices: its limits as data, what was asked for in a mass, and what was stopped and why."""

from __future__ import annotations

from django.db import models


class NoticeLimit(models.Model):
    """
    The limits of one template, or of every template without its own (`template` ""); data of the utility with a source.

    A batch is stopped where at least `least_messages` were asked for and the share of outliers reaches
    `outlier_permille` and `jump_e2` hundredths of what is usual, or where `failed_permille` of what was sent in the
    last hour failed. `most_an_hour`: more than that go later, by telephone.
    """

    template = models.CharField(max_length=64, blank=True, unique=True)
    most_an_hour = models.IntegerField()
    least_messages = models.IntegerField()
    outlier_permille = models.IntegerField()
    jump_e2 = models.IntegerField()
    failed_permille = models.IntegerField()
    source = models.CharField(max_length=200)

    class Meta:
        db_table = "shared_notice_limit"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(most_an_hour__gt=0)
                & models.Q(least_messages__gt=0)
                & models.Q(outlier_permille__gt=0)
                & models.Q(jump_e2__gte=100)
                & models.Q(failed_permille__gt=0)
                & ~models.Q(source=""),
                name="notice_limit_makes_sense",
            ),
        )

    def __str__(self) -> str:
        return self.template or "*"


class NoticeStop(models.Model):
    """
    A template whose mass notices are held since a moment, with the figures it was stopped on; one open a template.

    It ends by an approval of a second person: what is held is released, or cancelled.
    """

    class State(models.TextChoices):
        """What became of it."""

        OPEN = "open", "已拦下"
        RELEASED = "released", "已放行"
        CANCELLED = "cancelled", "已取消"

    class Why(models.TextChoices):
        """On what it was stopped."""

        OUTLIERS = "outliers", "异常比例突增"
        FAILURES = "failures", "发送失败过多"

    template = models.CharField(max_length=64)
    why = models.CharField(max_length=16, choices=Why.choices)
    figures = models.JSONField()
    opened_at = models.DateTimeField()
    state = models.CharField(max_length=16, choices=State.choices, default=State.OPEN)
    approval = models.ForeignKey("shared.Approval", models.PROTECT, null=True, blank=True, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.JSONField(default=dict)

    class Meta:
        db_table = "shared_notice_stop"
        constraints = (
            models.UniqueConstraint(fields=["template"], condition=models.Q(state="open"), name="one_open_notice_stop"),
            models.CheckConstraint(
                condition=models.Q(state="open", ended_at__isnull=True)
                | (~models.Q(state="open") & models.Q(ended_at__isnull=False, approval__isnull=False)),
                name="notice_stop_ends_by_approval",
            ),
        )

    def __str__(self) -> str:
        return f"{self.template} {self.opened_at}"


class NoticeCount(models.Model):
    """How many new messages one call asked for in a mass, how many were outliers, and how many have to wait."""

    template = models.CharField(max_length=64)
    channel = models.CharField(max_length=16)
    at = models.DateTimeField()
    messages = models.IntegerField()
    outliers = models.IntegerField()
    paced = models.IntegerField(default=0)
    stop = models.ForeignKey(NoticeStop, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        db_table = "shared_notice_count"
        indexes = (models.Index(fields=["template", "at"], name="notice_counts_of_template"),)

    def __str__(self) -> str:
        return f"{self.template} {self.channel} {self.at}"
