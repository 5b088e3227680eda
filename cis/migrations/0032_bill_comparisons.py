"""Parallel run: another system's bills against ours."""

import django.db.models.deletion
from django.db import migrations, models

FORWARD = """
CREATE TRIGGER bill_comparison_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON cis_bill_comparison
    FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
CREATE TRIGGER bill_difference_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON cis_bill_difference
    FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON cis_bill_comparison, cis_bill_difference
            FROM dayingxiao_app;
    END IF;
END $$;
"""

BACKWARD = """
DROP TRIGGER bill_difference_is_final ON cis_bill_difference;
DROP TRIGGER bill_comparison_is_final ON cis_bill_comparison;
"""


class Migration(migrations.Migration):
    """Reports of a parallel run and their differences."""

    dependencies = [
        ("cis", "0031_fee_stop_and_instalments"),
        ("shared", "0007_notice_brake"),
    ]

    operations = [
        migrations.CreateModel(
            name="BillComparison",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("file_name", models.CharField(max_length=255)),
                ("digest", models.BinaryField(max_length=32)),
                ("cycle", models.IntegerField()),
                ("with_unbilled", models.BooleanField()),
                ("thresholds", models.JSONField()),
                ("figures", models.JSONField()),
                ("ours_total_fen", models.BigIntegerField()),
                ("theirs_total_fen", models.BigIntegerField()),
                ("is_go", models.BooleanField()),
                ("created_at", models.DateTimeField()),
                (
                    "org_unit",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="shared.orgunit",
                    ),
                ),
            ],
            options={
                "db_table": "cis_bill_comparison",
            },
        ),
        migrations.CreateModel(
            name="BillDifference",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "comparison_id", "account_no", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("account_no", models.CharField(max_length=32)),
                ("account_id", models.BigIntegerField()),
                (
                    "cause",
                    models.SmallIntegerField(
                        choices=[
                            (0, "equal"),
                            (1, "missing_there"),
                            (2, "missing_here"),
                            (3, "other_period"),
                            (4, "other_energy"),
                            (5, "rounding"),
                            (6, "other_tier"),
                            (7, "other_price"),
                            (8, "basic_charge"),
                            (9, "power_factor"),
                            (10, "funds"),
                            (99, "unknown"),
                        ]
                    ),
                ),
                ("ours_from", models.DateField(null=True)),
                ("ours_to", models.DateField(null=True)),
                ("theirs_from", models.DateField(null=True)),
                ("theirs_to", models.DateField(null=True)),
                ("ours_kwh_e2", models.BigIntegerField()),
                ("theirs_kwh_e2", models.BigIntegerField()),
                ("ours_fen", models.BigIntegerField()),
                ("theirs_fen", models.BigIntegerField()),
                ("energy_fen", models.BigIntegerField()),
                ("basic_fen", models.BigIntegerField()),
                ("power_factor_fen", models.BigIntegerField()),
                ("fund_fen", models.BigIntegerField()),
                ("rest_fen", models.BigIntegerField()),
                (
                    "comparison",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="differences",
                        to="cis.billcomparison",
                    ),
                ),
            ],
            options={
                "db_table": "cis_bill_difference",
            },
        ),
        migrations.AddIndex(
            model_name="billcomparison",
            index=models.Index(fields=["-created_at"], name="comparison_newest"),
        ),
        migrations.AddIndex(
            model_name="billdifference",
            index=models.Index(fields=["comparison", "cause"], name="difference_by_cause"),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
