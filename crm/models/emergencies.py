"""An emergency of a key account: two clocks from its receipt, what was warned of, what proves reply and arrival."""

from __future__ import annotations

from django.db import models


class Emergency(models.Model):
    """
    A key account asked for help at once; both clocks run from `received_at`, whatever the channel.

    `reply_due_at` and `arrive_due_at` are fixed at receipt from the settings of that moment. It is open until somebody
    closes it with what was done.
    """

    class Channel(models.TextChoices):
        """How it came in."""

        CONSOLE = "console", "营业台"
        TELEPHONE = "telephone", "电话"
        PORTAL = "portal", "网上营业厅"
        API = "api", "接口"

    key_account = models.ForeignKey("crm.KeyAccount", models.PROTECT, related_name="+")
    channel = models.CharField(max_length=16, choices=Channel.choices)
    request_key = models.CharField(max_length=80, unique=True)
    what = models.CharField(max_length=500)
    caller = models.CharField(max_length=100, blank=True)
    received_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    received_at = models.DateTimeField()
    reply_due_at = models.DateTimeField()
    arrive_due_at = models.DateTimeField()
    outcome = models.CharField(max_length=500, blank=True)
    closed_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "crm_emergency"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(reply_due_at__gt=models.F("received_at"))
                & models.Q(arrive_due_at__gt=models.F("received_at")),
                name="emergency_clocks_run_from_receipt",
            ),
            models.CheckConstraint(condition=~models.Q(what=""), name="emergency_says_what"),
            models.CheckConstraint(
                condition=models.Q(closed_at__isnull=True, closed_by__isnull=True, outcome="")
                | (models.Q(closed_at__isnull=False, closed_by__isnull=False) & ~models.Q(outcome="")),
                name="emergency_is_closed_whole",
            ),
        )
        indexes = (
            models.Index(fields=["received_at"], name="emergencies_by_time"),
            models.Index(fields=["reply_due_at"], name="emergencies_open", condition=models.Q(closed_at__isnull=True)),
        )

    def __str__(self) -> str:
        return f"{self.pk} {self.received_at}"


class Clock(models.TextChoices):
    """The two clocks of an emergency."""

    REPLY = "reply", "回复"
    ARRIVAL = "arrival", "到场"


class EmergencyProof(models.Model):
    """
    What stops a clock: the reply (what was said, by whom, when) or the arrival (when, and where or by which paper).

    Written once. An arrival is proven by coordinates, with the distance to the premise where that has a place, or by a
    note of the photograph or paper that shows it.
    """

    emergency = models.ForeignKey(Emergency, models.PROTECT, related_name="proofs")
    clock = models.CharField(max_length=16, choices=Clock.choices)
    proven_at = models.DateTimeField()
    text = models.CharField(max_length=500)
    longitude = models.DecimalField(max_digits=9, decimal_places=6, null=True, blank=True)
    latitude = models.DecimalField(max_digits=9, decimal_places=6, null=True, blank=True)
    distance_m = models.IntegerField(null=True, blank=True)
    paper = models.CharField(max_length=200, blank=True)
    written_by = models.ForeignKey("shared.User", models.PROTECT, related_name="+")
    written_at = models.DateTimeField()

    class Meta:
        db_table = "crm_emergency_proof"
        constraints = (
            models.UniqueConstraint(fields=["emergency", "clock"], name="proven_once"),
            models.CheckConstraint(condition=models.Q(clock__in=("reply", "arrival")), name="proof_of_a_clock"),
            models.CheckConstraint(
                condition=models.Q(clock="arrival") | ~models.Q(text=""), name="reply_says_something"
            ),
            models.CheckConstraint(
                condition=models.Q(clock="reply")
                | models.Q(longitude__isnull=False, latitude__isnull=False)
                | ~models.Q(paper=""),
                name="arrival_has_a_place_or_a_paper",
            ),
            models.CheckConstraint(
                condition=models.Q(longitude__isnull=True, latitude__isnull=True)
                | models.Q(longitude__isnull=False, latitude__isnull=False),
                name="a_place_has_two_coordinates",
            ),
            models.CheckConstraint(
                condition=models.Q(proven_at__lte=models.F("written_at")), name="proof_is_not_of_the_future"
            ),
        )

    def __str__(self) -> str:
        return f"{self.emergency_id} {self.clock}"


class EmergencyAlarm(models.Model):
    """A clock came near its end, or passed it; written once, whoever looks at the clocks how often."""

    class Level(models.TextChoices):
        """How bad it is."""

        WARNING = "warning", "预警"
        BREACH = "breach", "超时"

    emergency = models.ForeignKey(Emergency, models.PROTECT, related_name="alarms")
    clock = models.CharField(max_length=16, choices=Clock.choices)
    level = models.CharField(max_length=16, choices=Level.choices)
    due_at = models.DateTimeField()
    raised_at = models.DateTimeField()

    class Meta:
        db_table = "crm_emergency_alarm"
        constraints = (
            models.UniqueConstraint(fields=["emergency", "clock", "level"], name="alarmed_once"),
            models.CheckConstraint(
                condition=models.Q(clock__in=("reply", "arrival")) & models.Q(level__in=("warning", "breach")),
                name="alarm_of_a_clock",
            ),
        )

    def __str__(self) -> str:
        return f"{self.emergency_id} {self.clock} {self.level}"
