"""Tickets of a queue, what happened to each, and how customers rated who served them."""

from __future__ import annotations

from django.db import models

_AT_COUNTER = ("called", "serving")


class TicketSeries(models.Model):
    """The last number given out in a hall on a day under a letter."""

    hall = models.ForeignKey("halls.Hall", models.PROTECT, db_index=False, related_name="+")
    day = models.DateField()
    letter = models.CharField(max_length=1)
    last = models.IntegerField()

    class Meta:
        db_table = "halls_ticket_series"
        constraints = (models.UniqueConstraint(fields=["hall", "day", "letter"], name="series_once_a_day"),)

    def __str__(self) -> str:
        return f"{self.hall_id} {self.day} {self.letter}{self.last}"


class Ticket(models.Model):
    """
    One customer's place in a hall's queue (号票).

    `number` is what screens show, such as A012: a letter for the kind of service, never for the person. `token` is the
    secret address of the paper. `waiting_since` is when the present wait began: a transfer keeps it, coming back after
    a missed call begins anew and waits until `back_after_call` calls were made. `called_at` is the latest call.
    `waited_s` is from taking to the first call, the outcome of the prediction made then (`ahead` people before it; no
    figures where no counter was open).

    Not here yet, of the states that the field knows: booked and checked in (appointments), paused.
    """

    class State(models.TextChoices):
        """Where a ticket is; of the last four only a missed call is ever left, by coming back."""

        WAITING = "waiting", "等候"
        CALLED = "called", "已叫号"
        SERVING = "serving", "办理中"
        SERVED = "served", "已办结"
        NO_SHOW = "no_show", "过号"
        CANCELLED = "cancelled", "已取消"
        EXPIRED = "expired", "已过期"

    class Channel(models.TextChoices):
        """Where a ticket was taken."""

        KIOSK = "kiosk", "取号机"
        PORTAL = "portal", "网上"
        COUNTER = "counter", "引导台"

    hall = models.ForeignKey("halls.Hall", models.PROTECT, db_index=False, related_name="+")
    day = models.DateField()
    letter = models.CharField(max_length=1)
    serial = models.IntegerField()
    number = models.CharField(max_length=8)
    token = models.CharField(max_length=32, unique=True)
    form_key = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=32)
    priority = models.CharField(max_length=16)
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    channel = models.CharField(max_length=16, choices=Channel.choices)
    account = models.ForeignKey("cis.Account", models.PROTECT, null=True, blank=True, related_name="+")
    person = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, db_index=False, related_name="+")
    taken_at = models.DateTimeField()
    waiting_since = models.DateTimeField()
    back_after_call = models.BigIntegerField(null=True, blank=True)
    calls = models.SmallIntegerField(default=0)
    counter = models.ForeignKey("halls.Counter", models.PROTECT, null=True, blank=True, related_name="+")
    clerk = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, db_index=False, related_name="+")
    called_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ahead = models.IntegerField(default=0)
    predicted_p50_s = models.IntegerField(null=True, blank=True)
    predicted_p90_s = models.IntegerField(null=True, blank=True)
    waited_s = models.IntegerField(null=True, blank=True)

    class Meta:
        db_table = "halls_ticket"
        constraints = (
            models.UniqueConstraint(fields=["hall", "day", "letter", "serial"], name="ticket_number_once_a_day"),
            models.UniqueConstraint(
                fields=["clerk"], condition=models.Q(state__in=_AT_COUNTER), name="one_ticket_a_clerk"
            ),
            models.UniqueConstraint(
                fields=["counter"], condition=models.Q(state__in=_AT_COUNTER), name="one_ticket_a_counter"
            ),
            models.UniqueConstraint(
                fields=["person"],
                condition=models.Q(state__in=("waiting", *_AT_COUNTER)),
                name="one_live_ticket_a_person",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="waiting")
                | models.Q(counter__isnull=True, clerk__isnull=True, ended_at__isnull=True),
                name="who_waits_is_at_no_counter",
            ),
            models.CheckConstraint(
                condition=~models.Q(state__in=(*_AT_COUNTER, "served", "no_show"))
                | models.Q(counter__isnull=False, clerk__isnull=False, called_at__isnull=False),
                name="who_is_called_has_a_counter",
            ),
            models.CheckConstraint(
                condition=models.Q(predicted_p50_s__isnull=True, predicted_p90_s__isnull=True)
                | models.Q(predicted_p50_s__gte=0, predicted_p90_s__gte=models.F("predicted_p50_s")),
                name="prediction_is_whole",
            ),
        )
        indexes = (
            models.Index(fields=["hall", "day", "state"], name="ticket_of_hall_and_day"),
            models.Index(fields=["hall"], condition=models.Q(state="waiting"), name="ticket_that_waits"),
            models.Index(fields=["person", "-id"], name="ticket_of_person"),
            models.Index(fields=["clerk", "-id"], name="ticket_of_clerk"),
        )

    def __str__(self) -> str:
        return f"{self.hall_id} {self.day} {self.number}"


class TicketEvent(models.Model):
    """What happened to a ticket: written once (see the migration). Who did it, when, at which counter and device."""

    class Kind(models.TextChoices):
        """What may happen."""

        TAKEN = "taken", "取号"
        CALLED = "called", "叫号"
        RECALLED = "recalled", "重呼"
        STARTED = "started", "开始办理"
        TRANSFERRED = "transferred", "转办"
        FINISHED = "finished", "办结"
        MISSED = "missed", "过号"
        BACK = "back", "过号回来"
        CANCELLED = "cancelled", "取消"
        EXPIRED = "expired", "过期"
        RATED = "rated", "评价"

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    at = models.DateTimeField()
    counter = models.ForeignKey("halls.Counter", models.PROTECT, null=True, db_index=False, related_name="+")
    user = models.ForeignKey("shared.User", models.PROTECT, null=True, db_index=False, related_name="+")
    device = models.CharField(max_length=64, blank=True)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "halls_ticket_event"

    def __str__(self) -> str:
        return f"{self.ticket_id} {self.kind}"


class Rating(models.Model):
    """
    What a customer thought of one service: bound to the ticket and to the clerk who served it.

    The database holds (ticket, clerk) to the ticket's own pair, so that no rating can land on another person.
    """

    class Reason(models.TextChoices):
        """What a low score is about; what is no clerk's doing is charged to none."""

        NONE = "", "没有说明"
        ATTITUDE = "attitude", "服务态度"
        SKILL = "skill", "业务不熟"
        SPEED = "speed", "办理太慢"
        WAIT = "wait", "等候太久"
        TARIFF = "tariff", "电价电费"
        OUTAGE = "outage", "停电"
        OTHER = "other", "其他"

    ticket = models.OneToOneField(Ticket, models.PROTECT, related_name="rating")
    clerk = models.ForeignKey("shared.User", models.PROTECT, db_index=False, related_name="+")
    hall = models.ForeignKey("halls.Hall", models.PROTECT, db_index=False, related_name="+")
    score = models.SmallIntegerField()
    reason = models.CharField(max_length=16, choices=Reason.choices, blank=True)
    comment = models.CharField(max_length=500, blank=True)
    rated_at = models.DateTimeField()

    class Meta:
        db_table = "halls_rating"
        constraints = (
            models.CheckConstraint(condition=models.Q(score__range=(1, 5)), name="service_rated_one_to_five"),
        )
        indexes = (
            models.Index(fields=["hall", "-rated_at"], name="rating_of_hall"),
            models.Index(fields=["clerk", "-rated_at"], name="rating_of_clerk"),
        )

    def __str__(self) -> str:
        return f"{self.ticket_id} {self.score}"
