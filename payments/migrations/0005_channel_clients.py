"""Clients that collect for us: banks, agents, integrators, with keys, areas, nonces and first answers."""

import django.contrib.postgres.fields
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import config.shared.personal_data

FORWARD = """
CREATE TRIGGER payments_blocked_serial_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON payments_blocked_serial
FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON payments_blocked_serial FROM dayingxiao_app;
        REVOKE DELETE, TRUNCATE ON payments_channel_client, payments_client_key FROM dayingxiao_app;
        REVOKE UPDATE, TRUNCATE ON payments_answered_request, payments_client_nonce FROM dayingxiao_app;
    END IF;
END $$;
"""

BACKWARD = "DROP TRIGGER payments_blocked_serial_is_final ON payments_blocked_serial;"


class Migration(migrations.Migration):
    """Their tables; what a bank says of its payments; serials that are blocked are never changed."""

    dependencies = [
        ("payments", "0004_late_fees"),
        ("pghistory", "0007_auto_20250421_0444"),
        ("shared", "0007_notice_brake"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AnsweredRequest",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "client_id", "route", "key", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("client_id", models.BigIntegerField()),
                ("route", models.CharField(max_length=200)),
                ("key", models.CharField(max_length=255)),
                ("digest", models.BinaryField(max_length=32)),
                ("status", models.SmallIntegerField()),
                ("body", models.BinaryField()),
                ("answered_at", models.DateTimeField(db_index=True)),
            ],
            options={
                "db_table": "payments_answered_request",
            },
        ),
        migrations.CreateModel(
            name="BlockedSerial",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("channel", models.CharField(max_length=16)),
                ("serial", models.CharField(max_length=64)),
                ("reversal_serial", models.CharField(max_length=64)),
                ("bank_date", models.DateField()),
                ("reason", models.CharField(max_length=500)),
                ("blocked_at", models.DateTimeField()),
            ],
            options={
                "db_table": "payments_blocked_serial",
            },
        ),
        migrations.CreateModel(
            name="ChannelArea",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("is_on", models.BooleanField(default=True)),
            ],
            options={
                "db_table": "payments_client_area",
            },
        ),
        migrations.CreateModel(
            name="ChannelAreaEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("is_on", models.BooleanField(default=True)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="ChannelClient",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=16, unique=True)),
                ("name", models.CharField(max_length=100)),
                (
                    "kind",
                    models.CharField(
                        choices=[("bank", "银行"), ("agent", "代收点"), ("integrator", "集成商")], max_length=16
                    ),
                ),
                ("is_sandbox", models.BooleanField()),
                ("is_on", models.BooleanField(default=False)),
                ("clearing_id", models.BigIntegerField(unique=True)),
                ("cutoff_time", models.TimeField(blank=True, null=True)),
                ("days_apart", models.SmallIntegerField(default=1)),
                ("reversal_days", models.SmallIntegerField(default=0)),
                ("blackout_from", models.TimeField(blank=True, null=True)),
                ("blackout_until", models.TimeField(blank=True, null=True)),
                (
                    "networks",
                    django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=43), size=None),
                ),
                (
                    "fingerprints",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64), blank=True, default=list, size=None
                    ),
                ),
                ("queries_per_minute", models.IntegerField(default=600)),
                ("payments_per_minute", models.IntegerField(default=1200)),
                ("account_queries_per_hour", models.IntegerField(default=60)),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "db_table": "payments_channel_client",
            },
        ),
        migrations.CreateModel(
            name="ChannelClientEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("code", models.CharField(max_length=16)),
                ("name", models.CharField(max_length=100)),
                (
                    "kind",
                    models.CharField(
                        choices=[("bank", "银行"), ("agent", "代收点"), ("integrator", "集成商")], max_length=16
                    ),
                ),
                ("is_sandbox", models.BooleanField()),
                ("is_on", models.BooleanField(default=False)),
                ("clearing_id", models.BigIntegerField()),
                ("cutoff_time", models.TimeField(blank=True, null=True)),
                ("days_apart", models.SmallIntegerField(default=1)),
                ("reversal_days", models.SmallIntegerField(default=0)),
                ("blackout_from", models.TimeField(blank=True, null=True)),
                ("blackout_until", models.TimeField(blank=True, null=True)),
                (
                    "networks",
                    django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=43), size=None),
                ),
                (
                    "fingerprints",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64), blank=True, default=list, size=None
                    ),
                ),
                ("queries_per_minute", models.IntegerField(default=600)),
                ("payments_per_minute", models.IntegerField(default=1200)),
                ("account_queries_per_hour", models.IntegerField(default=60)),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="ChannelNonce",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "client_id", "nonce", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("client_id", models.BigIntegerField()),
                ("nonce", models.CharField(max_length=64)),
                ("seen_at", models.DateTimeField(db_index=True)),
            ],
            options={
                "db_table": "payments_client_nonce",
            },
        ),
        migrations.CreateModel(
            name="ClientKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key_id", models.CharField(max_length=32, unique=True)),
                (
                    "algorithm",
                    models.CharField(
                        choices=[
                            ("RSA2048-SHA256", "RSA2048-SHA256"),
                            ("HMAC-SHA256", "HMAC-SHA256"),
                            ("SM2-SM3", "SM2-SM3"),
                        ],
                        max_length=20,
                    ),
                ),
                ("public_key", models.TextField(blank=True)),
                ("secret", config.shared.personal_data.EncryptedTextField(blank=True)),
                ("slot", models.SmallIntegerField()),
                ("valid_from", models.DateTimeField()),
                ("valid_until", models.DateTimeField(blank=True, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "db_table": "payments_client_key",
            },
        ),
        migrations.CreateModel(
            name="ClientKeyEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("key_id", models.CharField(max_length=32)),
                (
                    "algorithm",
                    models.CharField(
                        choices=[
                            ("RSA2048-SHA256", "RSA2048-SHA256"),
                            ("HMAC-SHA256", "HMAC-SHA256"),
                            ("SM2-SM3", "SM2-SM3"),
                        ],
                        max_length=20,
                    ),
                ),
                ("public_key", models.TextField(blank=True)),
                ("slot", models.SmallIntegerField()),
                ("valid_from", models.DateTimeField()),
                ("valid_until", models.DateTimeField(blank=True, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddField(
            model_name="payment",
            name="branch",
            field=models.CharField(blank=True, default="", max_length=32),
        ),
        migrations.AddField(
            model_name="payment",
            name="means",
            field=models.CharField(blank=True, default="", max_length=16),
        ),
        migrations.AddField(
            model_name="payment",
            name="paid_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="payment",
            name="teller",
            field=models.CharField(blank=True, default="", max_length=32),
        ),
        migrations.AddField(
            model_name="reversal",
            name="channel",
            field=models.CharField(blank=True, max_length=16, null=True),
        ),
        migrations.AddField(
            model_name="reversal",
            name="serial",
            field=models.CharField(blank=True, max_length=64, null=True),
        ),
        migrations.AlterField(
            model_name="payment",
            name="method",
            field=models.CharField(
                choices=[
                    ("cash", "现金"),
                    ("card", "刷卡"),
                    ("qr", "扫码"),
                    ("wallet", "电子钱包"),
                    ("bank", "银行代收"),
                ],
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="refund",
            name="method",
            field=models.CharField(
                choices=[
                    ("cash", "现金"),
                    ("card", "刷卡"),
                    ("qr", "扫码"),
                    ("wallet", "电子钱包"),
                    ("bank", "银行代收"),
                ],
                max_length=16,
            ),
        ),
        migrations.AddConstraint(
            model_name="reversal",
            constraint=models.UniqueConstraint(fields=("channel", "serial"), name="reversed_once_under_a_serial"),
        ),
        migrations.AddConstraint(
            model_name="blockedserial",
            constraint=models.UniqueConstraint(fields=("channel", "serial"), name="serial_blocked_once"),
        ),
        migrations.AddConstraint(
            model_name="blockedserial",
            constraint=models.UniqueConstraint(fields=("channel", "reversal_serial"), name="blocking_serial_once"),
        ),
        migrations.AddConstraint(
            model_name="blockedserial",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="blocked_serial_has_reason"
            ),
        ),
        migrations.AddField(
            model_name="channelarea",
            name="org_unit",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="shared.orgunit"),
        ),
        migrations.AddField(
            model_name="channelareaevent",
            name="org_unit",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="shared.orgunit",
            ),
        ),
        migrations.AddField(
            model_name="channelareaevent",
            name="pgh_context",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="pghistory.context",
            ),
        ),
        migrations.AddField(
            model_name="channelareaevent",
            name="pgh_obj",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="events",
                to="payments.channelarea",
            ),
        ),
        migrations.AddField(
            model_name="channelclient",
            name="created_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="channelareaevent",
            name="client",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="payments.channelclient",
            ),
        ),
        migrations.AddField(
            model_name="channelarea",
            name="client",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="areas", to="payments.channelclient"
            ),
        ),
        migrations.AddField(
            model_name="channelclientevent",
            name="created_by",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="channelclientevent",
            name="pgh_context",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="pghistory.context",
            ),
        ),
        migrations.AddField(
            model_name="channelclientevent",
            name="pgh_obj",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="events",
                to="payments.channelclient",
            ),
        ),
        migrations.AddField(
            model_name="clientkey",
            name="client",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="keys", to="payments.channelclient"
            ),
        ),
        migrations.AddField(
            model_name="clientkeyevent",
            name="client",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="payments.channelclient",
            ),
        ),
        migrations.AddField(
            model_name="clientkeyevent",
            name="pgh_context",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="pghistory.context",
            ),
        ),
        migrations.AddField(
            model_name="clientkeyevent",
            name="pgh_obj",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="events",
                to="payments.clientkey",
            ),
        ),
        migrations.AddConstraint(
            model_name="channelclient",
            constraint=models.CheckConstraint(
                condition=models.Q(("code__regex", "^[a-z0-9][a-z0-9-]{1,15}$")), name="client_code"
            ),
        ),
        migrations.AddConstraint(
            model_name="channelclient",
            constraint=models.CheckConstraint(
                condition=models.Q(("code__in", ["counter", "wallet"]), _negated=True),
                name="client_code_is_no_channel_of_ours",
            ),
        ),
        migrations.AddConstraint(
            model_name="channelclient",
            constraint=models.CheckConstraint(
                condition=models.Q(("clearing_id__lt", 0)), name="client_clears_on_our_account"
            ),
        ),
        migrations.AddConstraint(
            model_name="channelclient",
            constraint=models.CheckConstraint(
                condition=models.Q(("networks__len__gt", 0)), name="client_calls_from_somewhere"
            ),
        ),
        migrations.AddConstraint(
            model_name="channelclient",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("blackout_from__isnull", True), ("blackout_until__isnull", True)),
                    models.Q(("blackout_from__isnull", False), ("blackout_until__isnull", False)),
                    _connector="OR",
                ),
                name="blackout_is_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="channelclient",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("account_queries_per_hour__gt", 0),
                    ("days_apart__range", (0, 7)),
                    ("payments_per_minute__gt", 0),
                    ("queries_per_minute__gt", 0),
                    ("reversal_days__range", (0, 7)),
                ),
                name="client_rules_are_sane",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="channelclient",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "payments_channelclientevent" ("account_queries_per_hour", "blackout_from", "blackout_until", "clearing_id", "code", "created_at", "created_by_id", "cutoff_time", "days_apart", "fingerprints", "id", "is_on", "is_sandbox", "kind", "name", "networks", "payments_per_minute", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "queries_per_minute", "reversal_days") VALUES (NEW."account_queries_per_hour", NEW."blackout_from", NEW."blackout_until", NEW."clearing_id", NEW."code", NEW."created_at", NEW."created_by_id", NEW."cutoff_time", NEW."days_apart", NEW."fingerprints", NEW."id", NEW."is_on", NEW."is_sandbox", NEW."kind", NEW."name", NEW."networks", NEW."payments_per_minute", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."queries_per_minute", NEW."reversal_days"); RETURN NULL;',
                    hash="72721def792fdd69d227c4410bc71186e6e28d35",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_05242",
                    table="payments_channel_client",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="channelclient",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "payments_channelclientevent" ("account_queries_per_hour", "blackout_from", "blackout_until", "clearing_id", "code", "created_at", "created_by_id", "cutoff_time", "days_apart", "fingerprints", "id", "is_on", "is_sandbox", "kind", "name", "networks", "payments_per_minute", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "queries_per_minute", "reversal_days") VALUES (NEW."account_queries_per_hour", NEW."blackout_from", NEW."blackout_until", NEW."clearing_id", NEW."code", NEW."created_at", NEW."created_by_id", NEW."cutoff_time", NEW."days_apart", NEW."fingerprints", NEW."id", NEW."is_on", NEW."is_sandbox", NEW."kind", NEW."name", NEW."networks", NEW."payments_per_minute", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."queries_per_minute", NEW."reversal_days"); RETURN NULL;',
                    hash="b1b873490e9caf0fe1cba05ecb999cc43c0a0eda",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_e5c89",
                    table="payments_channel_client",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="channelarea",
            constraint=models.UniqueConstraint(fields=("client", "org_unit"), name="client_area_once"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="channelarea",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "payments_channelareaevent" ("client_id", "id", "is_on", "org_unit_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."client_id", NEW."id", NEW."is_on", NEW."org_unit_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id"); RETURN NULL;',
                    hash="f276a970df6f3426ba8816237ef7103293576c22",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_e84ec",
                    table="payments_client_area",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="channelarea",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "payments_channelareaevent" ("client_id", "id", "is_on", "org_unit_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."client_id", NEW."id", NEW."is_on", NEW."org_unit_id", _pgh_attach_context(), NOW(), \'update\', NEW."id"); RETURN NULL;',
                    hash="31ff1894a69900688766540c614cdbf6f852e9c4",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_c27e9",
                    table="payments_client_area",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="clientkey",
            constraint=models.UniqueConstraint(
                condition=models.Q(("revoked_at__isnull", True)),
                fields=("client", "slot"),
                name="two_live_keys_at_most",
            ),
        ),
        migrations.AddConstraint(
            model_name="clientkey",
            constraint=models.CheckConstraint(condition=models.Q(("slot__in", [1, 2])), name="key_slot_is_known"),
        ),
        migrations.AddConstraint(
            model_name="clientkey",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("algorithm", "HMAC-SHA256"), ("public_key", ""), models.Q(("secret", ""), _negated=True)),
                    models.Q(
                        models.Q(("algorithm", "HMAC-SHA256"), _negated=True),
                        models.Q(("public_key", ""), _negated=True),
                        ("secret", ""),
                    ),
                    _connector="OR",
                ),
                name="key_has_its_half",
            ),
        ),
        migrations.AddConstraint(
            model_name="clientkey",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("valid_until__isnull", True), ("valid_until__gt", models.F("valid_from")), _connector="OR"
                ),
                name="key_lasts",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="clientkey",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "payments_clientkeyevent" ("algorithm", "client_id", "id", "key_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "public_key", "revoked_at", "slot", "valid_from", "valid_until") VALUES (NEW."algorithm", NEW."client_id", NEW."id", NEW."key_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."public_key", NEW."revoked_at", NEW."slot", NEW."valid_from", NEW."valid_until"); RETURN NULL;',
                    hash="c90bd5469ce350fb9f76133ad2c76eb6b026a818",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_1a780",
                    table="payments_client_key",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="clientkey",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."algorithm" IS DISTINCT FROM (NEW."algorithm") OR OLD."client_id" IS DISTINCT FROM (NEW."client_id") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."key_id" IS DISTINCT FROM (NEW."key_id") OR OLD."public_key" IS DISTINCT FROM (NEW."public_key") OR OLD."revoked_at" IS DISTINCT FROM (NEW."revoked_at") OR OLD."slot" IS DISTINCT FROM (NEW."slot") OR OLD."valid_from" IS DISTINCT FROM (NEW."valid_from") OR OLD."valid_until" IS DISTINCT FROM (NEW."valid_until"))',
                    func='INSERT INTO "payments_clientkeyevent" ("algorithm", "client_id", "id", "key_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "public_key", "revoked_at", "slot", "valid_from", "valid_until") VALUES (NEW."algorithm", NEW."client_id", NEW."id", NEW."key_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."public_key", NEW."revoked_at", NEW."slot", NEW."valid_from", NEW."valid_until"); RETURN NULL;',
                    hash="1aa6a3dc077a34fc672556a9ac65d679a72ecfe2",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_14b52",
                    table="payments_client_key",
                    when="AFTER",
                ),
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
