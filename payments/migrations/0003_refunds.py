"""
Refunds of prepayment, asked for by one and approved by another, written once; who approved the reversal of a payment
that somebody else took.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FORWARD = """
CREATE TRIGGER payments_refund_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON payments_refund
FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON payments_refund FROM dayingxiao_app;
    END IF;
END $$;
"""

BACKWARD = "DROP TRIGGER payments_refund_is_final ON payments_refund;"


class Migration(migrations.Migration):
    """The table of refunds with its law; the second person of a reversal."""

    dependencies = [
        ("cis", "0007_fast_pages"),
        ("payments", "0002_money_law"),
        ("shared", "0006_working_place"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Refund",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("amount_fen", models.BigIntegerField()),
                (
                    "method",
                    models.CharField(
                        choices=[("cash", "现金"), ("card", "刷卡"), ("qr", "扫码"), ("wallet", "电子钱包")],
                        max_length=16,
                    ),
                ),
                ("reason", models.CharField(max_length=500)),
                ("asked_at", models.DateTimeField()),
                ("refunded_at", models.DateTimeField()),
                ("business_date", models.DateField()),
            ],
            options={
                "db_table": "payments_refund",
            },
        ),
        migrations.AddField(
            model_name="reversal",
            name="approved_by",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddConstraint(
            model_name="reversal",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("approved_by__isnull", True),
                    models.Q(("approved_by", models.F("reversed_by")), _negated=True),
                    _connector="OR",
                ),
                name="reversal_by_another_person",
            ),
        ),
        migrations.AddField(
            model_name="refund",
            name="account",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.account"
            ),
        ),
        migrations.AddField(
            model_name="refund",
            name="approval",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="shared.approval"
            ),
        ),
        migrations.AddField(
            model_name="refund",
            name="approved_by",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="refund",
            name="asked_by",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="refund",
            name="org_unit",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="shared.orgunit"
            ),
        ),
        migrations.AddField(
            model_name="refund",
            name="payment",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="payments.payment",
            ),
        ),
        migrations.AddIndex(
            model_name="refund",
            index=models.Index(fields=["account", "-id"], name="refund_of_account"),
        ),
        migrations.AddIndex(
            model_name="refund",
            index=models.Index(fields=["business_date", "org_unit", "-id"], name="refund_of_day"),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_fen__gt", 0), ("amount_fen__lte", 100000000000)), name="refund_is_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="refund_has_reason"
            ),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.CheckConstraint(
                condition=models.Q(("approved_by", models.F("asked_by")), _negated=True),
                name="refund_by_another_person",
            ),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("method", "cash"), ("payment__isnull", True)),
                    models.Q(models.Q(("method", "cash"), _negated=True), ("payment__isnull", False)),
                    _connector="OR",
                ),
                name="refund_goes_a_known_way",
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
