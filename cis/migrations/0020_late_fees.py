"""Late fees charged to the ledger, and waived by two persons; the only thing that changes is what is open."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FORWARD = """
CREATE TRIGGER cis_late_fee_charge_stays BEFORE DELETE OR TRUNCATE ON cis_late_fee_charge
    FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
-- Only what is open of it may change.
CREATE TRIGGER cis_late_fee_charge_is_final
    BEFORE UPDATE OF id, account_id, bill_id, through_on, base_fen, fee_fen, rule, charged_at, business_date
    ON cis_late_fee_charge FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
CREATE TRIGGER cis_late_fee_waiver_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON cis_late_fee_waiver
    FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
INSERT INTO cis_ledger_account (id, name) VALUES (-6302, '电费违约金收入') ON CONFLICT DO NOTHING;
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON cis_late_fee_charge, cis_late_fee_waiver
            FROM dayingxiao_app;
        GRANT UPDATE (open_fen) ON cis_late_fee_charge TO dayingxiao_app;
    END IF;
END $$;
"""

BACKWARD = """
DROP TRIGGER cis_late_fee_waiver_is_final ON cis_late_fee_waiver;
DROP TRIGGER cis_late_fee_charge_is_final ON cis_late_fee_charge;
DROP TRIGGER cis_late_fee_charge_stays ON cis_late_fee_charge;
"""


class Migration(migrations.Migration):
    """Two tables and their law."""

    dependencies = [
        ("cis", "0019_corrections"),
        ("shared", "0006_working_place"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
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
                ]
            ),
        ),
        migrations.CreateModel(
            name="LateFeeCharge",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("through_on", models.DateField()),
                ("base_fen", models.BigIntegerField()),
                ("fee_fen", models.BigIntegerField()),
                ("open_fen", models.BigIntegerField()),
                ("rule", models.CharField(max_length=32)),
                ("charged_at", models.DateTimeField()),
                ("business_date", models.DateField()),
                (
                    "account",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.account"),
                ),
                (
                    "bill",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.bill"
                    ),
                ),
            ],
            options={
                "db_table": "cis_late_fee_charge",
            },
        ),
        migrations.CreateModel(
            name="LateFeeWaiver",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("amount_fen", models.BigIntegerField()),
                ("reason", models.CharField(max_length=500)),
                ("at", models.DateTimeField()),
                ("business_date", models.DateField()),
                (
                    "approval",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="shared.approval"
                    ),
                ),
                (
                    "approved_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "asked_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "charge",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="waivers", to="cis.latefeecharge"
                    ),
                ),
            ],
            options={
                "db_table": "cis_late_fee_waiver",
            },
        ),
        migrations.AddConstraint(
            model_name="latefeecharge",
            constraint=models.UniqueConstraint(fields=("bill", "through_on"), name="late_fee_charged_once"),
        ),
        migrations.AddConstraint(
            model_name="latefeecharge",
            constraint=models.CheckConstraint(
                condition=models.Q(("open_fen__gte", 0), ("open_fen__lte", models.F("fee_fen")), ("base_fen__gte", 0)),
                name="late_fee_open_within_fee",
            ),
        ),
        migrations.AddConstraint(
            model_name="latefeewaiver",
            constraint=models.UniqueConstraint(fields=("approval", "charge"), name="late_fee_waived_once"),
        ),
        migrations.AddConstraint(
            model_name="latefeewaiver",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_fen__gt", 0)), name="late_fee_waiver_is_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="latefeewaiver",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="late_fee_waiver_has_reason"
            ),
        ),
        migrations.AddConstraint(
            model_name="latefeewaiver",
            constraint=models.CheckConstraint(
                condition=models.Q(("approved_by", models.F("asked_by")), _negated=True),
                name="late_fee_waived_by_another_person",
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
