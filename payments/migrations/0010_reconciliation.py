"""Files of channels, a day held against ours, differences that are resolved once."""

import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models

FORWARD = """
CREATE FUNCTION payments_refuse_second_resolution() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.resolution <> '' OR (OLD.id, OLD.reconciliation_id, OLD.channel, OLD.day, OLD.serial, OLD.outcome,
        OLD.theirs_fen, OLD.ours_fen, OLD.raised_at) IS DISTINCT FROM (NEW.id, NEW.reconciliation_id, NEW.channel,
        NEW.day, NEW.serial, NEW.outcome, NEW.theirs_fen, NEW.ours_fen, NEW.raised_at)
    THEN
        RAISE EXCEPTION 'a difference changes once, when it is resolved' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_difference_resolved_once BEFORE UPDATE ON payments_difference
FOR EACH ROW EXECUTE FUNCTION payments_refuse_second_resolution();
CREATE TRIGGER payments_difference_stays BEFORE DELETE OR TRUNCATE ON payments_difference
FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
CREATE TRIGGER payments_channel_file_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON payments_channel_file
FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
CREATE TRIGGER payments_channel_file_row_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON payments_channel_file_row
FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON payments_channel_file, payments_channel_file_row
        FROM dayingxiao_app;
        REVOKE DELETE, TRUNCATE ON payments_difference, payments_reconciliation FROM dayingxiao_app;
    END IF;
END $$;
"""

BACKWARD = """
DROP TRIGGER payments_channel_file_row_is_final ON payments_channel_file_row;
DROP TRIGGER payments_channel_file_is_final ON payments_channel_file;
DROP TRIGGER payments_difference_stays ON payments_difference;
DROP TRIGGER payments_difference_resolved_once ON payments_difference;
DROP FUNCTION payments_refuse_second_resolution();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0009_agents"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ChannelFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("channel", models.CharField(max_length=16)),
                ("day", models.DateField()),
                ("name", models.CharField(max_length=200)),
                ("sha256", models.CharField(max_length=64)),
                ("rows_count", models.BigIntegerField()),
                ("total_fen", models.BigIntegerField()),
                ("received_at", models.DateTimeField()),
                (
                    "received_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "payments_channel_file",
            },
        ),
        migrations.CreateModel(
            name="ChannelFileRow",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "file_id", "seq", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("seq", models.BigIntegerField()),
                ("serial", models.CharField(max_length=64)),
                ("account_no", models.CharField(blank=True, max_length=20)),
                ("amount_fen", models.BigIntegerField()),
                ("kind", models.CharField(max_length=1)),
                ("at", models.DateTimeField()),
                ("status", models.CharField(max_length=16)),
                ("provider_no", models.CharField(blank=True, max_length=64)),
                (
                    "file",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rows",
                        to="payments.channelfile",
                    ),
                ),
            ],
            options={
                "db_table": "payments_channel_file_row",
            },
        ),
        migrations.CreateModel(
            name="Reconciliation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("channel", models.CharField(max_length=16)),
                ("day", models.DateField()),
                ("clearing_id", models.BigIntegerField()),
                ("theirs_fen", models.BigIntegerField()),
                ("ours_fen", models.BigIntegerField()),
                ("matched", models.BigIntegerField()),
                ("run_at", models.DateTimeField()),
                ("received_fen", models.BigIntegerField(blank=True, null=True)),
                ("fee_fen", models.BigIntegerField(blank=True, null=True)),
                ("settled_at", models.DateTimeField(blank=True, null=True)),
                (
                    "file",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reconciliation",
                        to="payments.channelfile",
                    ),
                ),
                (
                    "run_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "settled_by",
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
                "db_table": "payments_reconciliation",
            },
        ),
        migrations.CreateModel(
            name="Difference",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("channel", models.CharField(max_length=16)),
                ("day", models.DateField()),
                ("serial", models.CharField(max_length=64)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("LONG", "长款"),
                            ("SHORT", "短款"),
                            ("AMOUNT_DIFF", "金额不符"),
                            ("STATUS_DIFF", "状态不符"),
                            ("DUPLICATE", "重复"),
                        ],
                        max_length=16,
                    ),
                ),
                ("theirs_fen", models.BigIntegerField()),
                ("ours_fen", models.BigIntegerField()),
                ("raised_at", models.DateTimeField()),
                (
                    "resolution",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("DAY_SHIFT", "跨日自动核销"),
                            ("BOOKED", "记到户号"),
                            ("BANK", "渠道补付或退回渠道"),
                            ("WRITTEN_OFF", "转营业外收支"),
                        ],
                        default="",
                        max_length=16,
                    ),
                ),
                ("resolved_at", models.DateTimeField(blank=True, null=True)),
                (
                    "other",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="payments.difference",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "payment",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="payments.payment",
                    ),
                ),
                (
                    "resolved_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "resolved_payment",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="payments.payment",
                    ),
                ),
                (
                    "reconciliation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="differences",
                        to="payments.reconciliation",
                    ),
                ),
            ],
            options={
                "db_table": "payments_difference",
            },
        ),
        migrations.AddConstraint(
            model_name="channelfile",
            constraint=models.UniqueConstraint(fields=("channel", "day"), name="one_file_per_channel_day"),
        ),
        migrations.AddConstraint(
            model_name="channelfilerow",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("amount_fen__gt", 0), ("kind", "P")),
                    models.Q(("amount_fen__lt", 0), ("kind", "R")),
                    _connector="OR",
                ),
                name="file_row_has_its_sign",
            ),
        ),
        migrations.AddConstraint(
            model_name="reconciliation",
            constraint=models.UniqueConstraint(fields=("channel", "day"), name="reconciled_once"),
        ),
        migrations.AddConstraint(
            model_name="reconciliation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("fee_fen__isnull", True),
                        ("received_fen__isnull", True),
                        ("settled_at__isnull", True),
                        ("settled_by__isnull", True),
                    ),
                    models.Q(
                        ("fee_fen__gte", 0),
                        ("received_fen__gte", 0),
                        ("settled_at__isnull", False),
                        ("settled_by__isnull", False),
                        (
                            "theirs_fen",
                            django.db.models.expressions.CombinedExpression(
                                models.F("received_fen"), "+", models.F("fee_fen")
                            ),
                        ),
                    ),
                    _connector="OR",
                ),
                name="settled_for_what_it_took",
            ),
        ),
        migrations.AddIndex(
            model_name="difference",
            index=models.Index(
                condition=models.Q(("resolution", "")), fields=["channel", "serial"], name="difference_open"
            ),
        ),
        migrations.AddConstraint(
            model_name="difference",
            constraint=models.UniqueConstraint(fields=("channel", "day", "serial"), name="difference_once"),
        ),
        migrations.AddConstraint(
            model_name="difference",
            constraint=models.CheckConstraint(
                condition=models.Q(("theirs_fen", models.F("ours_fen")), _negated=True), name="difference_is_one"
            ),
        ),
        migrations.AddConstraint(
            model_name="difference",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("other__isnull", True),
                        ("resolution", ""),
                        ("resolved_at__isnull", True),
                        ("resolved_payment__isnull", True),
                    ),
                    models.Q(models.Q(("resolution", ""), _negated=True), ("resolved_at__isnull", False)),
                    _connector="OR",
                ),
                name="difference_open_or_resolved",
            ),
        ),
        migrations.AddConstraint(
            model_name="difference",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("resolution", "BOOKED"), ("resolved_payment__isnull", False)),
                    models.Q(models.Q(("resolution", "BOOKED"), _negated=True), ("resolved_payment__isnull", True)),
                    _connector="OR",
                ),
                name="booked_difference_has_payment",
            ),
        ),
        migrations.AddConstraint(
            model_name="difference",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("resolution", "DAY_SHIFT"), ("other__isnull", False)),
                    models.Q(models.Q(("resolution", "DAY_SHIFT"), _negated=True), ("other__isnull", True)),
                    _connector="OR",
                ),
                name="shifted_difference_has_other",
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
