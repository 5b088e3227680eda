"""Load, weather, forecasts and their outcomes, day by day."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# What was forecast stays as it was: the application may add forecasts, never change or remove one.
REVOKE = """
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON dsm_load_forecast FROM dayingxiao_app;
    END IF;
END $$;
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="LoadForecast",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("scope", models.CharField(choices=[("system", "系统"), ("feeder", "馈线")], max_length=16)),
                ("scope_id", models.BigIntegerField(default=0)),
                ("day", models.DateField()),
                ("forecaster", models.CharField(max_length=40)),
                ("version", models.CharField(max_length=40)),
                ("issued_at", models.DateTimeField()),
                ("p10_w", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=96)),
                ("p50_w", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=96)),
                ("p90_w", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=96)),
                ("data_state", models.JSONField()),
                ("made_at", models.DateTimeField()),
                (
                    "made_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "dsm_load_forecast",
            },
        ),
        migrations.CreateModel(
            name="LoadDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("scope", models.CharField(choices=[("system", "系统"), ("feeder", "馈线")], max_length=16)),
                ("scope_id", models.BigIntegerField(default=0)),
                ("day", models.DateField()),
                (
                    "source",
                    models.CharField(
                        choices=[("curves", "计量点曲线相加"), ("import", "导入的实测负荷")], max_length=16
                    ),
                ),
                ("load_w", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=96)),
                (
                    "points_by_slot",
                    django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), size=96),
                ),
                ("points_served", models.IntegerField()),
                ("points_delivered", models.IntegerField()),
                ("revision", models.IntegerField(default=0)),
                ("written_at", models.DateTimeField()),
            ],
            options={
                "db_table": "dsm_load_day",
                "indexes": [models.Index(fields=["day"], name="load_day_of_day")],
                "constraints": [
                    models.UniqueConstraint(fields=("scope", "scope_id", "day"), name="one_load_per_day"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("scope", "system"), ("scope_id", 0)),
                            models.Q(("scope", "feeder"), ("scope_id__gt", 0)),
                            _connector="OR",
                        ),
                        name="load_scope_has_its_id",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("load_w__len", 96), ("points_by_slot__len", 96)),
                        name="load_day_has_96_slots",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("points_delivered__range", (0, models.F("points_served")))),
                        name="load_day_points_add_up",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="WeatherDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("kind", models.CharField(choices=[("actual", "实测"), ("forecast", "预报")], max_length=16)),
                ("issued_at", models.DateTimeField()),
                (
                    "temperature_c_e2",
                    django.contrib.postgres.fields.ArrayField(base_field=models.SmallIntegerField(), size=96),
                ),
                ("source", models.TextField()),
                ("written_at", models.DateTimeField()),
            ],
            options={
                "db_table": "dsm_weather_day",
                "constraints": [
                    models.UniqueConstraint(fields=("day", "kind", "issued_at"), name="one_weather_per_issue"),
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "actual")), fields=("day",), name="one_measured_weather_per_day"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("temperature_c_e2__len", 96)), name="weather_has_96_slots"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("source", ""), _negated=True), name="weather_names_its_source"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ForecastOutcome",
            fields=[
                (
                    "forecast",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="outcome",
                        serialize=False,
                        to="dsm.loadforecast",
                    ),
                ),
                ("load_revision", models.IntegerField()),
                ("slots_scored", models.SmallIntegerField()),
                ("mape_e4", models.IntegerField()),
                ("nmae_e4", models.IntegerField()),
                ("accuracy_e4", models.IntegerField()),
                ("coverage_e4", models.IntegerField()),
                ("peak_error_e4", models.IntegerField()),
                ("pinball_w", models.BigIntegerField()),
                ("scored_at", models.DateTimeField()),
            ],
            options={
                "db_table": "dsm_forecast_outcome",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("mape_e4__gte", 0),
                            ("nmae_e4__gte", 0),
                            ("pinball_w__gte", 0),
                            ("slots_scored__range", (1, 96)),
                            ("coverage_e4__range", (0, 10000)),
                        ),
                        name="outcome_is_possible",
                    )
                ],
            },
        ),
        migrations.AddIndex(
            model_name="loadforecast",
            index=models.Index(fields=["day", "scope", "scope_id"], name="forecast_of_day"),
        ),
        migrations.AddConstraint(
            model_name="loadforecast",
            constraint=models.UniqueConstraint(
                fields=("scope", "scope_id", "day", "forecaster", "issued_at"), name="one_forecast_per_issue"
            ),
        ),
        migrations.AddConstraint(
            model_name="loadforecast",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("scope", "system"), ("scope_id", 0)),
                    models.Q(("scope", "feeder"), ("scope_id__gt", 0)),
                    _connector="OR",
                ),
                name="forecast_scope_has_its_id",
            ),
        ),
        migrations.AddConstraint(
            model_name="loadforecast",
            constraint=models.CheckConstraint(
                condition=models.Q(("p10_w__len", 96), ("p50_w__len", 96), ("p90_w__len", 96)),
                name="forecast_has_96_slots",
            ),
        ),
        migrations.RunSQL(REVOKE, migrations.RunSQL.noop),
    ]
