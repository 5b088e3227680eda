"""A hall as a place: its zones, its counters, and who stands at which counter."""

from __future__ import annotations

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.db import models


@pghistory.track()
class Hall(models.Model):
    """
    A business hall (营业厅): the same row of the organisation, as a place that customers go to.

    `weekdays` are ISO days (1 Monday to 7 Sunday); hours are local. `wait_target_s` and `min_open_counters` are the
    hall's own where its grade asks for others than the settings.
    """

    class Grade(models.TextChoices):
        """What a hall is (data, not law: services, hours and least counters follow from the row itself)."""

        A = "A", "A 级：地市中心营业厅"
        B = "B", "B 级：县中心营业厅"
        C = "C", "C 级：非中心营业厅"
        D = "D", "D 级：单一功能或自助网点"

    org_unit = models.OneToOneField("shared.OrgUnit", models.PROTECT, primary_key=True, related_name="+")
    grade = models.CharField(max_length=1, choices=Grade.choices)
    address = models.CharField(max_length=200)
    longitude = models.DecimalField(max_digits=9, decimal_places=6)
    latitude = models.DecimalField(max_digits=9, decimal_places=6)
    opens_at = models.TimeField()
    closes_at = models.TimeField()
    weekdays = ArrayField(models.SmallIntegerField(), default=list)
    min_open_counters = models.SmallIntegerField(default=1)
    wait_target_s = models.IntegerField()
    discipline = models.CharField(max_length=32, default="fair")

    class Meta:
        db_table = "halls_hall"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(closes_at__gt=models.F("opens_at")), name="hall_closes_after_opening"
            ),
            models.CheckConstraint(
                condition=models.Q(longitude__range=(-180, 180)) & models.Q(latitude__range=(-90, 90)),
                name="hall_is_on_earth",
            ),
            models.CheckConstraint(condition=models.Q(wait_target_s__gt=0), name="hall_has_a_target"),
        )

    def __str__(self) -> str:
        return f"{self.pk}"


class HallQueue(models.Model):
    """The lock of a hall's queue: whoever calls holds it. `calls` counts calls ever made, for those who come back."""

    hall = models.OneToOneField(Hall, models.CASCADE, primary_key=True, related_name="+")
    calls = models.BigIntegerField(default=0)

    class Meta:
        db_table = "halls_queue"

    def __str__(self) -> str:
        return f"{self.pk}"


class Zone(models.Model):
    """A functional zone (功能区) of a hall."""

    class Kind(models.TextChoices):
        """The five zones of a smart hall, and the rooms that some have besides."""

        BUSINESS = "business", "业务办理区"
        GUIDANCE = "guidance", "智能引导区"
        DISPLAY = "display", "智能展示区"
        EVALUATION = "evaluation", "智能评价区"
        SELF_SERVICE = "self-service", "自助服务区"
        PAYMENT = "payment", "收费区"
        WAITING = "waiting", "等候休息区"
        MEETING = "meeting", "洽谈室"

    hall = models.ForeignKey(Hall, models.CASCADE, related_name="zones")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    position = models.SmallIntegerField(default=0)

    class Meta:
        db_table = "halls_zone"
        constraints = (models.UniqueConstraint(fields=["hall", "kind"], name="zone_once_a_hall"),)

    def __str__(self) -> str:
        return f"{self.hall_id} {self.kind}"


class Counter(models.Model):
    """
    A counter (窗口): its number on the screen, what can be done there, and how it is now.

    `skills` are codes of `halls.service_kinds.SERVICE_KINDS`. `is_low`: the low counter that the law asks for
    (无障碍环境建设法 article 39).
    """

    class State(models.TextChoices):
        """What a counter is; with a reason where it is on a break or closed during the day."""

        OPEN = "open", "开放"
        BREAK = "break", "暂停"
        CLOSED = "closed", "关闭"

    hall = models.ForeignKey(Hall, models.PROTECT, related_name="counters")
    zone = models.ForeignKey(Zone, models.PROTECT, null=True, blank=True, related_name="+")
    number = models.SmallIntegerField()
    skills = ArrayField(models.CharField(max_length=32), default=list)
    is_low = models.BooleanField(default=False)
    state = models.CharField(max_length=8, choices=State.choices, default=State.CLOSED)
    reason = models.CharField(max_length=100, blank=True)
    state_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "halls_counter"
        constraints = (
            models.UniqueConstraint(fields=["hall", "number"], name="counter_number_once"),
            models.CheckConstraint(condition=models.Q(number__gt=0), name="counter_number_is_positive"),
            models.CheckConstraint(
                condition=~models.Q(state="break") | ~models.Q(reason=""), name="a_break_has_a_reason"
            ),
        )

    def __str__(self) -> str:
        return f"{self.hall_id}/{self.number}"


class CounterDuty(models.Model):
    """Who stood at which counter from when to when; one at a counter and one counter a clerk at a time."""

    counter = models.ForeignKey(Counter, models.PROTECT, related_name="duties")
    clerk = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "halls_counter_duty"
        constraints = (
            models.UniqueConstraint(
                fields=["counter"], condition=models.Q(ended_at__isnull=True), name="one_clerk_at_a_counter"
            ),
            models.UniqueConstraint(
                fields=["clerk"], condition=models.Q(ended_at__isnull=True), name="one_counter_a_clerk"
            ),
            models.CheckConstraint(
                condition=models.Q(ended_at__isnull=True) | models.Q(ended_at__gte=models.F("began_at")),
                name="duty_ends_after_it_began",
            ),
        )

    def __str__(self) -> str:
        return f"{self.clerk_id} at {self.counter_id}"
