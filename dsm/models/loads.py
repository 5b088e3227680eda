"""Load and weather day by day, forecasts of load, and what became of them."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

SLOTS = 96
NOT_KNOWN = -1


class Scope(models.TextChoices):
    """Whose load it is; the id beside it is 0 for the system and the feeder's otherwise."""

    SYSTEM = "system", "系统"
    FEEDER = "feeder", "馈线"


def _array_has_slots(field: str) -> models.Q:
    return models.Q(**{f"{field}__len": SLOTS})


_SCOPE_HAS_ITS_ID = models.Q(scope=Scope.SYSTEM, scope_id=0) | models.Q(scope=Scope.FEEDER, scope_id__gt=0)


class LoadDay(models.Model):
    """
    One day of load of the system or a feeder: the mean power in W of each of 96 quarter-hours from 00:00 local time.

    `load_w` is -1 where nothing is known. From curves it is what the points delivered, never scaled up:
    `points_by_slot` says how many of `points_served` that were, slot by slot. An imported series has one point.
    `feeder_id` (in `scope_id`) is left without a foreign key; rows of feeders that are gone harm nobody.
    `revision` counts how often the day was changed after it was first written.
    """

    class Source(models.TextChoices):
        """Where the figures come from."""

        CURVES = "curves", "计量点曲线相加"
        IMPORT = "import", "导入的实测负荷"

    scope = models.CharField(max_length=16, choices=Scope.choices)
    scope_id = models.BigIntegerField(default=0)
    day = models.DateField()
    source = models.CharField(max_length=16, choices=Source.choices)
    load_w = ArrayField(models.BigIntegerField(), size=SLOTS)
    points_by_slot = ArrayField(models.IntegerField(), size=SLOTS)
    points_served = models.IntegerField()
    points_delivered = models.IntegerField()
    revision = models.IntegerField(default=0)
    written_at = models.DateTimeField()

    class Meta:
        db_table = "dsm_load_day"
        constraints = (
            models.UniqueConstraint(fields=["scope", "scope_id", "day"], name="one_load_per_day"),
            models.CheckConstraint(condition=_SCOPE_HAS_ITS_ID, name="load_scope_has_its_id"),
            models.CheckConstraint(
                condition=_array_has_slots("load_w") & _array_has_slots("points_by_slot"), name="load_day_has_96_slots"
            ),
            models.CheckConstraint(
                condition=models.Q(points_delivered__range=(0, models.F("points_served"))),
                name="load_day_points_add_up",
            ),
        )
        indexes = (models.Index(fields=["day"], name="load_day_of_day"),)

    def __str__(self) -> str:
        return f"{self.scope} {self.scope_id} {self.day}"


class WeatherDay(models.Model):
    """
    The air temperature of a day's 96 quarter-hours in 0.01 °C: measured, or as it was forecast at `issued_at`.

    Nobody may use a row before its `issued_at`; that of a measured day is the end of the day.
    """

    class Kind(models.TextChoices):
        """Measured or forecast."""

        ACTUAL = "actual", "实测"
        FORECAST = "forecast", "预报"

    day = models.DateField()
    kind = models.CharField(max_length=16, choices=Kind.choices)
    issued_at = models.DateTimeField()
    temperature_c_e2 = ArrayField(models.SmallIntegerField(), size=SLOTS)
    source = models.TextField()
    written_at = models.DateTimeField()

    class Meta:
        db_table = "dsm_weather_day"
        constraints = (
            models.UniqueConstraint(fields=["day", "kind", "issued_at"], name="one_weather_per_issue"),
            models.UniqueConstraint(
                fields=["day"], condition=models.Q(kind="actual"), name="one_measured_weather_per_day"
            ),
            models.CheckConstraint(condition=_array_has_slots("temperature_c_e2"), name="weather_has_96_slots"),
            models.CheckConstraint(condition=~models.Q(source=""), name="weather_names_its_source"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.day}"


class LoadForecast(models.Model):
    """
    What was forecast at `issued_at` for a day: 96 values in W for the middle and for the band from p10 to p90.

    Written once, never changed. `made_by` is who asked for it (None: the nightly work). `data_state` says what the
    model had: first and last training day, days left out, how far the load of the eve was known, weather, digest of
    the input.
    """

    scope = models.CharField(max_length=16, choices=Scope.choices)
    scope_id = models.BigIntegerField(default=0)
    day = models.DateField()
    forecaster = models.CharField(max_length=40)
    version = models.CharField(max_length=40)
    issued_at = models.DateTimeField()
    p10_w = ArrayField(models.BigIntegerField(), size=SLOTS)
    p50_w = ArrayField(models.BigIntegerField(), size=SLOTS)
    p90_w = ArrayField(models.BigIntegerField(), size=SLOTS)
    data_state = models.JSONField()
    made_by = models.ForeignKey("shared.User", models.PROTECT, null=True, blank=True, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        db_table = "dsm_load_forecast"
        constraints = (
            models.UniqueConstraint(
                fields=["scope", "scope_id", "day", "forecaster", "issued_at"], name="one_forecast_per_issue"
            ),
            models.CheckConstraint(condition=_SCOPE_HAS_ITS_ID, name="forecast_scope_has_its_id"),
            models.CheckConstraint(
                condition=_array_has_slots("p10_w") & _array_has_slots("p50_w") & _array_has_slots("p90_w"),
                name="forecast_has_96_slots",
            ),
        )
        indexes = (models.Index(fields=["day", "scope", "scope_id"], name="forecast_of_day"),)

    def __str__(self) -> str:
        return f"{self.scope} {self.scope_id} {self.day} {self.forecaster} at {self.issued_at}"


class ForecastOutcome(models.Model):
    """
    How a forecast came out, against the load of `load_revision`; corrected when a late curve corrects the load.

    In 1e-4: `mape`, `nmae` (mean absolute error over mean load), `accuracy` (1 - root of the mean squared relative
    error, the daily accuracy of dispatchers), `coverage` (share of slots within the band), `peak_error` (of the day's
    maximum, with its sign). `pinball_w` is the mean over p10, p50 and p90.
    """

    forecast = models.OneToOneField(LoadForecast, models.CASCADE, primary_key=True, related_name="outcome")
    load_revision = models.IntegerField()
    slots_scored = models.SmallIntegerField()
    mape_e4 = models.IntegerField()
    nmae_e4 = models.IntegerField()
    accuracy_e4 = models.IntegerField()
    coverage_e4 = models.IntegerField()
    peak_error_e4 = models.IntegerField()
    pinball_w = models.BigIntegerField()
    scored_at = models.DateTimeField()

    class Meta:
        db_table = "dsm_forecast_outcome"
        constraints = (
            models.CheckConstraint(
                condition=models.Q(slots_scored__range=(1, SLOTS), mape_e4__gte=0, nmae_e4__gte=0, pinball_w__gte=0)
                & models.Q(coverage_e4__range=(0, 10_000)),
                name="outcome_is_possible",
            ),
        )

    def __str__(self) -> str:
        return f"outcome of {self.forecast_id}"
