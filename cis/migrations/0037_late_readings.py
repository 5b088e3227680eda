"""Readings that come after their period was billed are kept; bills of closed accounts for what was found afterwards."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FORWARD = """
CREATE TRIGGER cis_late_reading_is_kept BEFORE DELETE OR TRUNCATE ON cis_late_reading
FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
CREATE TRIGGER cis_late_reading_is_final BEFORE UPDATE OF id, installation_id, register, read_on, account_id, value_e4,
    energy_wh, source, stood_e4, replaces_estimate, arrived_at ON cis_late_reading
FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON cis_late_reading FROM dayingxiao_app;
        GRANT UPDATE (reading_import_id, state, why, doubts, detail, reason, decided_by_id, decided_at)
            ON cis_late_reading TO dayingxiao_app;
    END IF;
END $$;
"""

BACKWARD = """
DROP TRIGGER cis_late_reading_is_final ON cis_late_reading;
DROP TRIGGER cis_late_reading_is_kept ON cis_late_reading;
"""


class Migration(migrations.Migration):
    """One table, a count of imports, a kind of run."""

    dependencies = [
        ("cis", "0036_answer_clocks"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="readingimport",
            name="late",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AlterField(
            model_name="billingrun",
            name="kind",
            field=models.CharField(
                choices=[
                    ("regular", "例行"),
                    ("follow-up", "补发行"),
                    ("single", "柜台即时"),
                    ("re-bill", "作废重开"),
                    ("preview", "试算"),
                    ("opening", "期初转入"),
                    ("difference", "销户后差额"),
                ],
                max_length=16,
            ),
        ),
        migrations.CreateModel(
            name="LateReading",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
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
                        ]
                    ),
                ),
                ("read_on", models.DateField()),
                ("value_e4", models.BigIntegerField(blank=True, null=True)),
                (
                    "energy_wh",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(), blank=True, null=True, size=96
                    ),
                ),
                (
                    "source",
                    models.SmallIntegerField(
                        choices=[(1, "远程采集"), (2, "现场抄录"), (3, "客户自报"), (4, "估算"), (5, "人工更正")]
                    ),
                ),
                ("stood_e4", models.BigIntegerField(blank=True, null=True)),
                ("replaces_estimate", models.BooleanField()),
                ("arrived_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("arrived", "刚收到"),
                            ("waiting", "待处理"),
                            ("taken", "已采信"),
                            ("refused", "未采信"),
                        ],
                        default="arrived",
                        max_length=10,
                    ),
                ),
                (
                    "why",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("conflict", "与已出账的实抄不同"),
                            ("doubtful", "审核存疑"),
                            ("above-limit", "差额超过限额"),
                            ("cannot-rate", "不能重算"),
                        ],
                        max_length=16,
                    ),
                ),
                ("doubts", models.IntegerField(default=0)),
                ("detail", models.TextField(blank=True)),
                ("reason", models.TextField(blank=True)),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                (
                    "account",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.account"),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "installation",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="cis.meterinstallation",
                    ),
                ),
                (
                    "reading_import",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.readingimport"
                    ),
                ),
            ],
            options={
                "db_table": "cis_late_reading",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "waiting")), fields=["arrived_at"], name="late_readings_that_wait"
                    ),
                    models.Index(fields=["reading_import", "installation"], name="late_readings_of_import"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("installation", "register", "read_on", "value_e4", "energy_wh"),
                        name="late_reading_kept_once",
                        nulls_distinct=False,
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("energy_wh__isnull", True),
                                ("stood_e4__isnull", False),
                                ("value_e4__gte", 0),
                                ("value_e4__isnull", False),
                            ),
                            models.Q(
                                ("energy_wh__isnull", False), ("stood_e4__isnull", True), ("value_e4__isnull", True)
                            ),
                            _connector="OR",
                        ),
                        name="late_reading_is_value_or_curve",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_at__isnull", True), ("state", "arrived"), ("why", "")),
                            models.Q(
                                ("decided_at__isnull", True), ("state", "waiting"), models.Q(("why", ""), _negated=True)
                            ),
                            models.Q(
                                ("decided_at__isnull", False),
                                ("state", "taken"),
                                models.Q(("reason", ""), _negated=True),
                            ),
                            models.Q(
                                ("decided_at__isnull", False),
                                ("decided_by__isnull", False),
                                ("state", "refused"),
                                models.Q(("reason", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="late_reading_ends_with_a_reason",
                    ),
                ],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
