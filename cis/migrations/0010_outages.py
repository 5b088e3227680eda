"""Interruptions of supply: what is planned and what happened, the places concerned, what was done."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FORWARD = """
CREATE TRIGGER cis_outage_step_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON cis_outage_step
FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON cis_outage_step FROM dayingxiao_app;
    END IF;
END $$;
"""

BACKWARD = "DROP TRIGGER cis_outage_step_is_final ON cis_outage_step;"


class Migration(migrations.Migration):
    """Three tables."""

    dependencies = [
        ("cis", "0009_district_supply"),
        ("shared", "0006_working_place"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Outage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("planned", "计划停电"),
                            ("temporary", "临时停电"),
                            ("fault", "故障停电"),
                            ("overload", "超容停电"),
                        ],
                        max_length=16,
                    ),
                ),
                ("area", models.CharField(max_length=200)),
                ("reason", models.CharField(max_length=200)),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "草稿"),
                            ("approved", "已批准"),
                            ("published", "已发布"),
                            ("changed", "已变更"),
                            ("started", "停电中"),
                            ("restored", "已送电"),
                            ("closed", "已归档"),
                            ("cancelled", "已取消"),
                        ],
                        default="draft",
                        max_length=16,
                    ),
                ),
                ("version", models.IntegerField(default=0)),
                ("late_reason", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField()),
                ("announced_at", models.DateTimeField(blank=True, null=True)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("restored_at", models.DateTimeField(blank=True, null=True)),
                (
                    "approved_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "org_unit",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="shared.orgunit"
                    ),
                ),
            ],
            options={
                "db_table": "cis_outage",
            },
        ),
        migrations.CreateModel(
            name="OutagePlace",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "outage",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="places", to="cis.outage"
                    ),
                ),
                (
                    "transformer_district",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.transformerdistrict"
                    ),
                ),
            ],
            options={
                "db_table": "cis_outage_place",
            },
        ),
        migrations.CreateModel(
            name="OutageStep",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "草稿"),
                            ("approved", "已批准"),
                            ("published", "已发布"),
                            ("changed", "已变更"),
                            ("started", "停电中"),
                            ("restored", "已送电"),
                            ("closed", "已归档"),
                            ("cancelled", "已取消"),
                        ],
                        max_length=16,
                    ),
                ),
                ("version", models.IntegerField()),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("note", models.CharField(blank=True, max_length=300)),
                ("done_at", models.DateTimeField()),
                (
                    "done_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "outage",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="steps", to="cis.outage"
                    ),
                ),
            ],
            options={
                "db_table": "cis_outage_step",
            },
        ),
        migrations.AddIndex(
            model_name="outage",
            index=models.Index(
                condition=models.Q(("state__in", ("published", "changed", "started"))),
                fields=["starts_at"],
                name="outages_to_come",
            ),
        ),
        migrations.AddIndex(
            model_name="outage",
            index=models.Index(fields=["org_unit", "-starts_at"], name="outages_of_unit"),
        ),
        migrations.AddConstraint(
            model_name="outage",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_at__gt", models.F("starts_at"))), name="outage_lasts"
            ),
        ),
        migrations.AddConstraint(
            model_name="outage",
            constraint=models.CheckConstraint(
                condition=models.Q(models.Q(("area", ""), _negated=True), models.Q(("reason", ""), _negated=True)),
                name="outage_says_where_and_why",
            ),
        ),
        migrations.AddConstraint(
            model_name="outage",
            constraint=models.CheckConstraint(
                condition=models.Q(("approved_by", models.F("created_by")), _negated=True),
                name="outage_approved_by_another_person",
            ),
        ),
        migrations.AddConstraint(
            model_name="outage",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("restored_at__isnull", True),
                    models.Q(("restored_at__gte", models.F("started_at")), ("started_at__isnull", False)),
                    _connector="OR",
                ),
                name="restored_after_the_start",
            ),
        ),
        migrations.AddConstraint(
            model_name="outage",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ("restored", "closed")), _negated=True),
                    ("restored_at__isnull", False),
                    _connector="OR",
                ),
                name="restored_at_a_moment",
            ),
        ),
        migrations.AddConstraint(
            model_name="outage",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ("draft", "approved", "cancelled")), ("announced_at__isnull", False), _connector="OR"
                ),
                name="known_outage_was_announced",
            ),
        ),
        migrations.AddConstraint(
            model_name="outageplace",
            constraint=models.UniqueConstraint(
                fields=("outage", "transformer_district"), name="outage_concerns_a_place_once"
            ),
        ),
        migrations.AddIndex(
            model_name="outagestep",
            index=models.Index(fields=["outage", "id"], name="steps_of_outage"),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
