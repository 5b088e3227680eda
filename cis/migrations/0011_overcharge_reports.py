"""Reports of an overcharge: what was said never changes, only where it stands."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import config.shared.personal_data

LAW = """
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON cis_overcharge_report FROM dayingxiao_app;
        GRANT UPDATE (state, taken_by_id, taken_at, answer, answered_by_id, answered_at)
            ON cis_overcharge_report TO dayingxiao_app;
    END IF;
END $$;
"""


class Migration(migrations.Migration):
    """One table."""

    dependencies = [
        ("cis", "0010_outages"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="OverchargeReport",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("form_key", models.CharField(max_length=64, unique=True)),
                ("where_said", config.shared.personal_data.EncryptedTextField()),
                (
                    "charged_by",
                    models.CharField(
                        choices=[("landlord", "房东"), ("estate", "物业或园区"), ("other", "其他")], max_length=16
                    ),
                ),
                ("text", config.shared.personal_data.EncryptedTextField()),
                ("energy_kwh_e2", models.BigIntegerField(blank=True, null=True)),
                ("paid_fen", models.BigIntegerField(blank=True, null=True)),
                ("most_fen", models.BigIntegerField(blank=True, null=True)),
                ("telephone", config.shared.personal_data.EncryptedTextField(blank=True)),
                ("language", models.CharField(max_length=8)),
                ("asked_from", models.BinaryField(max_length=32)),
                ("told_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[("received", "已受理"), ("taken-up", "核实中"), ("answered", "已答复")],
                        default="received",
                        max_length=16,
                    ),
                ),
                ("taken_at", models.DateTimeField(blank=True, null=True)),
                ("answer", models.TextField(blank=True)),
                ("answered_at", models.DateTimeField(blank=True, null=True)),
                (
                    "account",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="cis.account",
                    ),
                ),
                (
                    "answered_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "taken_by",
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
                "db_table": "cis_overcharge_report",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "answered"), _negated=True),
                        fields=["told_at"],
                        name="overcharges_to_answer",
                    ),
                    models.Index(fields=["asked_from", "-told_at"], name="overcharges_asked_from"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("answered_at__isnull", False),
                                ("answered_by__isnull", False),
                                ("state", "answered"),
                                models.Q(("answer", ""), _negated=True),
                            ),
                            models.Q(
                                models.Q(("state", "answered"), _negated=True),
                                ("answer", ""),
                                ("answered_at__isnull", True),
                                ("answered_by__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="overcharge_is_answered_whole",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "received"), ("taken_at__isnull", True), ("taken_by__isnull", True)),
                            models.Q(
                                models.Q(("state", "received"), _negated=True),
                                ("taken_at__isnull", False),
                                ("taken_by__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="overcharge_is_taken_up_by_somebody",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("energy_kwh_e2__isnull", True), ("energy_kwh_e2__gt", 0), _connector="OR"),
                            models.Q(("paid_fen__isnull", True), ("paid_fen__gt", 0), _connector="OR"),
                        ),
                        name="overcharge_figures_are_above_zero",
                    ),
                ],
            },
        ),
        migrations.RunSQL(LAW, migrations.RunSQL.noop),
    ]
