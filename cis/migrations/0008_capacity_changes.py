"""Changes of contract capacity, written once."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FORWARD = """
CREATE TRIGGER cis_capacity_change_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON cis_capacity_change
FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON cis_capacity_change FROM dayingxiao_app;
    END IF;
END $$;
"""

BACKWARD = "DROP TRIGGER cis_capacity_change_is_final ON cis_capacity_change;"


class Migration(migrations.Migration):
    """The table and its law."""

    dependencies = [
        ("cis", "0007_fast_pages"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CapacityChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("from_kva", models.IntegerField()),
                ("to_kva", models.IntegerField()),
                ("from_on", models.DateField()),
                ("reason", models.CharField(max_length=200)),
                ("changed_at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.account"),
                ),
                (
                    "after",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.supplycontract"
                    ),
                ),
                (
                    "before",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.supplycontract"
                    ),
                ),
                (
                    "changed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "cis_capacity_change",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("to_kva__gt", 0), models.Q(("to_kva", models.F("from_kva")), _negated=True)
                        ),
                        name="capacity_change_changes",
                    )
                ],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
