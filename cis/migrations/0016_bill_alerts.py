"""What customers want to be told; consent is kept, and only its end is written."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

LAW = """
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON cis_bill_alert FROM dayingxiao_app;
        GRANT UPDATE (ended_at) ON cis_bill_alert TO dayingxiao_app;
    END IF;
END $$;
"""


class Migration(migrations.Migration):
    """One table."""

    dependencies = [
        ("cis", "0015_quality_of_readings"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="BillAlert",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("shock", "这一期可能比平时多很多"),
                            ("tier", "快要进入更高一档"),
                            ("budget-yuan", "这一期电费可能超过预算"),
                            ("budget-kwh", "这一期用电可能超过预算"),
                            ("price", "电价要变"),
                        ],
                        max_length=16,
                    ),
                ),
                ("least", models.BigIntegerField(blank=True, null=True)),
                ("agreed_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "account",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.account"),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "cis_bill_alert",
                "indexes": [
                    models.Index(
                        condition=models.Q(("ended_at__isnull", True)),
                        fields=["account"],
                        name="bill_alerts_of_account",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at__isnull", True)),
                        fields=("user", "account", "kind"),
                        name="one_bill_alert_of_a_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind__in", ("shock", "budget-yuan", "budget-kwh")), ("least__gt", 0)),
                            models.Q(("kind__in", ("tier", "price")), ("least__isnull", True)),
                            _connector="OR",
                        ),
                        name="bill_alert_has_its_limit",
                    ),
                ],
            },
        ),
        migrations.RunSQL(LAW, migrations.RunSQL.noop),
    ]
