"""Opening balances: what another system hands over at the cut-over."""

import django.db.models.deletion
from django.db import migrations, models

FORWARD = """
CREATE TRIGGER opening_import_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON cis_opening_import
    FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
CREATE TRIGGER opening_account_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON cis_opening_account
    FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
CREATE TRIGGER opening_bill_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON cis_opening_bill
    FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER
            ON cis_opening_import, cis_opening_account, cis_opening_bill FROM dayingxiao_app;
    END IF;
END $$;
"""

BACKWARD = """
DROP TRIGGER opening_bill_is_final ON cis_opening_bill;
DROP TRIGGER opening_account_is_final ON cis_opening_account;
DROP TRIGGER opening_import_is_final ON cis_opening_import;
"""


class Migration(migrations.Migration):
    """What is taken over from another system."""

    dependencies = [
        ("cis", "0027_bill_accuracy"),
    ]

    operations = [
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
                ],
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="ledgertransfer",
            name="kind",
            field=models.SmallIntegerField(
                choices=[
                    (1, "电费发行"),
                    (2, "预收抵扣"),
                    (3, "收费"),
                    (4, "冲正"),
                    (5, "退预存电费"),
                    (21, "以前账单差额"),
                    (22, "账单作废"),
                    (23, "电费退补转预存"),
                    (31, "违约金"),
                    (32, "减免违约金"),
                    (33, "核销坏账"),
                    (34, "收回已核销"),
                    (35, "收存保证金"),
                    (36, "保证金抵欠费"),
                    (37, "退还保证金"),
                    (51, "期初未收电费"),
                    (52, "期初预存"),
                    (53, "期初转入作废"),
                ]
            ),
        ),
        migrations.CreateModel(
            name="OpeningImport",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("batch", models.CharField(max_length=40)),
                ("revision", models.SmallIntegerField()),
                ("digest", models.BinaryField(max_length=32)),
                ("cut_over_on", models.DateField()),
                ("totals", models.JSONField()),
                ("created_at", models.DateTimeField()),
                (
                    "run",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.billingrun"
                    ),
                ),
            ],
            options={
                "db_table": "cis_opening_import",
            },
        ),
        migrations.CreateModel(
            name="OpeningBill",
            fields=[
                (
                    "bill",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="opening",
                        serialize=False,
                        to="cis.bill",
                    ),
                ),
                ("reference", models.CharField(max_length=40)),
                ("open_fen", models.BigIntegerField()),
                (
                    "opening_import",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="bills", to="cis.openingimport"
                    ),
                ),
            ],
            options={
                "db_table": "cis_opening_bill",
            },
        ),
        migrations.CreateModel(
            name="OpeningAccount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("customer_no", models.CharField(max_length=32)),
                ("prepaid_fen", models.BigIntegerField()),
                (
                    "account",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.account"),
                ),
                (
                    "opening_import",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="accounts", to="cis.openingimport"
                    ),
                ),
            ],
            options={
                "db_table": "cis_opening_account",
            },
        ),
        migrations.AddConstraint(
            model_name="openingimport",
            constraint=models.UniqueConstraint(fields=("batch", "revision"), name="one_revision_of_a_batch"),
        ),
        migrations.AddConstraint(
            model_name="openingbill",
            constraint=models.CheckConstraint(
                condition=models.Q(("open_fen__gte", 0)), name="opening_amount_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="openingaccount",
            constraint=models.UniqueConstraint(fields=("opening_import", "account"), name="an_account_opens_once"),
        ),
        migrations.AddConstraint(
            model_name="openingaccount",
            constraint=models.CheckConstraint(
                condition=models.Q(("prepaid_fen__gte", 0)), name="opening_prepayment_not_negative"
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
