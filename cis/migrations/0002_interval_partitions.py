"""Interval curves in monthly partitions, made ahead of time by a function that the application may call."""

import django.contrib.postgres.fields
from django.db import migrations, models

FORWARD = """
CREATE TABLE cis_interval_day (
    point_id bigint NOT NULL,
    register smallint NOT NULL DEFAULT 1,
    day date NOT NULL,
    energy_wh integer[] NOT NULL CHECK (array_length(energy_wh, 1) = 96),
    missing_slots smallint NOT NULL DEFAULT 0,
    source smallint NOT NULL DEFAULT 1,
    batch_id bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (point_id, register, day)
) PARTITION BY RANGE (day);
-- Curves arrive day by day: what all points did on one day stands together, and is found without reading the month.
CREATE INDEX interval_day_of_day ON cis_interval_day USING brin (day) WITH (autosummarize = on);

CREATE FUNCTION cis_make_interval_partitions(from_day date, to_day date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    month date := date_trunc('month', from_day)::date;
    name text;
    made integer := 0;
BEGIN
    IF from_day < DATE '2000-01-01' OR to_day > DATE '2100-01-01' OR to_day - from_day > 20000 THEN
        RAISE EXCEPTION 'days % to % are outside the range of interval curves', from_day, to_day;
    END IF;
    WHILE month <= to_day LOOP
        name := 'cis_interval_day_' || to_char(month, 'YYYYMM');
        IF to_regclass('public.' || name) IS NULL THEN
            PERFORM pg_advisory_xact_lock(20002);
            IF to_regclass('public.' || name) IS NULL THEN
                EXECUTE format('CREATE TABLE %I PARTITION OF cis_interval_day FOR VALUES FROM (%L) TO (%L)',
                               name, month, (month + interval '1 month')::date);
                made := made + 1;
            END IF;
        END IF;
        month := (month + interval '1 month')::date;
    END LOOP;
    RETURN made;
END $$;
"""

BACKWARD = """
DROP FUNCTION cis_make_interval_partitions(date, date);
DROP TABLE cis_interval_day;
"""


class Migration(migrations.Migration):
    """Partitions are beyond Django's schema editor: the table is made in SQL, the model only in the state."""

    dependencies = [("cis", "0001_initial")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(FORWARD, BACKWARD)],
            state_operations=[
                migrations.CreateModel(
                    name="IntervalDay",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "point_id",
                                "register",
                                "day",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("point_id", models.BigIntegerField()),
                        (
                            "register",
                            models.SmallIntegerField(
                                choices=[
                                    (1, "total"),
                                    (2, "sharp"),
                                    (3, "peak"),
                                    (4, "flat"),
                                    (5, "valley"),
                                    (6, "deep_valley"),
                                    (11, "export_total"),
                                    (12, "export_sharp"),
                                    (13, "export_peak"),
                                    (14, "export_flat"),
                                    (15, "export_valley"),
                                    (16, "export_deep_valley"),
                                    (21, "reactive_import"),
                                    (22, "reactive_export"),
                                    (31, "demand"),
                                ],
                                default=1,
                            ),
                        ),
                        ("day", models.DateField()),
                        (
                            "energy_wh",
                            django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), size=96),
                        ),
                        ("missing_slots", models.SmallIntegerField(default=0)),
                        (
                            "source",
                            models.SmallIntegerField(
                                choices=[
                                    (1, "远程采集"),
                                    (2, "现场抄录"),
                                    (3, "客户自报"),
                                    (4, "估算"),
                                    (5, "人工更正"),
                                ],
                                default=1,
                            ),
                        ),
                        ("batch_id", models.BigIntegerField(default=0)),
                    ],
                    options={
                        "db_table": "cis_interval_day",
                    },
                ),
            ],
        ),
    ]
