"""Cheques, which only move on; a bank line may be the money of one."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FORWARD = """
CREATE FUNCTION payments_keep_cheque() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF to_jsonb(NEW) - '{state,banked_on,line_id,reversal_id,ended_at,ended_by_id}'::text[]
            IS DISTINCT FROM to_jsonb(OLD) - '{state,banked_on,line_id,reversal_id,ended_at,ended_by_id}'::text[]
        OR (OLD.state, NEW.state) NOT IN
            (('received', 'banked'), ('received', 'returned'), ('banked', 'cleared'), ('banked', 'returned'))
    THEN
        RAISE EXCEPTION 'a cheque only moves on' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_cheque_moves_on BEFORE UPDATE ON payments_cheque
    FOR EACH ROW EXECUTE FUNCTION payments_keep_cheque();
CREATE TRIGGER payments_cheque_stays BEFORE DELETE OR TRUNCATE ON payments_cheque
    FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        REVOKE DELETE, TRUNCATE ON payments_cheque FROM dayingxiao_app;
    END IF;
END $$;
"""

BACKWARD = """
DROP TRIGGER payments_cheque_stays ON payments_cheque;
DROP TRIGGER payments_cheque_moves_on ON payments_cheque;
DROP FUNCTION payments_keep_cheque();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("cis", "0049_notices_held"),
        ("payments", "0015_transfers"),
        ("shared", "0008_app_sessions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Cheque",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.CharField(max_length=20)),
                ("bank", models.CharField(max_length=100)),
                ("drawer", models.CharField(max_length=200)),
                ("issued_on", models.DateField()),
                ("amount_fen", models.BigIntegerField()),
                ("taken_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("received", "已收，待送存"),
                            ("banked", "已送存"),
                            ("cleared", "已到账"),
                            ("returned", "已退票"),
                        ],
                        default="received",
                        max_length=16,
                    ),
                ),
                ("banked_on", models.DateField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "db_table": "payments_cheque",
            },
        ),
        migrations.RemoveConstraint(
            model_name="bankline",
            name="line_goes_its_way",
        ),
        migrations.AlterField(
            model_name="bankline",
            name="state",
            field=models.CharField(
                choices=[
                    ("open", "待认领"),
                    ("claimed", "已认领"),
                    ("returned", "退回汇款人"),
                    ("matched", "我方在途款"),
                    ("out", "转出"),
                ],
                max_length=16,
            ),
        ),
        migrations.AddConstraint(
            model_name="bankline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("amount_fen__gt", 0), ("state__in", ["open", "claimed", "returned", "matched"])),
                    models.Q(("amount_fen__lt", 0), ("state", "out")),
                    _connector="OR",
                ),
                name="line_goes_its_way",
            ),
        ),
        migrations.AddField(
            model_name="cheque",
            name="account",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.account"),
        ),
        migrations.AddField(
            model_name="cheque",
            name="ended_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="cheque",
            name="line",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="cheque",
                to="payments.bankline",
            ),
        ),
        migrations.AddField(
            model_name="cheque",
            name="org_unit",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="shared.orgunit",
            ),
        ),
        migrations.AddField(
            model_name="cheque",
            name="payment",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="cheque", to="payments.payment"
            ),
        ),
        migrations.AddField(
            model_name="cheque",
            name="reversal",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="cheque",
                to="payments.reversal",
            ),
        ),
        migrations.AddField(
            model_name="cheque",
            name="taken_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddIndex(
            model_name="cheque",
            index=models.Index(fields=["state", "id"], name="cheque_of_state"),
        ),
        migrations.AddConstraint(
            model_name="cheque",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "returned"), _negated=True),
                fields=("bank", "number"),
                name="one_live_cheque",
            ),
        ),
        migrations.AddConstraint(
            model_name="cheque",
            constraint=models.CheckConstraint(condition=models.Q(("amount_fen__gt", 0)), name="cheque_is_positive"),
        ),
        migrations.AddConstraint(
            model_name="cheque",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("banked_on__isnull", True),
                        ("line__isnull", True),
                        ("reversal__isnull", True),
                        ("state", "received"),
                    ),
                    models.Q(
                        ("banked_on__gte", models.F("issued_on")),
                        ("line__isnull", True),
                        ("reversal__isnull", True),
                        ("state", "banked"),
                    ),
                    models.Q(
                        ("banked_on__isnull", False),
                        ("line__isnull", False),
                        ("reversal__isnull", True),
                        ("state", "cleared"),
                    ),
                    models.Q(("line__isnull", True), ("reversal__isnull", False), ("state", "returned")),
                    _connector="OR",
                ),
                name="cheque_state_has_its_paper",
            ),
        ),
        migrations.AddConstraint(
            model_name="cheque",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("ended_at__isnull", True), ("ended_by__isnull", True), ("state__in", ["received", "banked"])
                    ),
                    models.Q(
                        ("ended_at__isnull", False), ("ended_by__isnull", False), ("state__in", ["cleared", "returned"])
                    ),
                    _connector="OR",
                ),
                name="cheque_ended_by_somebody",
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
