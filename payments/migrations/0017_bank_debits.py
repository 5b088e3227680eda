"""Bank batch debit: agreements, batches and rows; what was frozen, sent and answered does not change."""

import django.contrib.postgres.fields
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import config.shared.personal_data
import payments.models.debits

FORWARD = """
CREATE FUNCTION payments_keep_debit_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.state <> 'open'
        OR (NEW.id, NEW.batch_id, NEW.seq, NEW.agreement_id, NEW.account_id, NEW.amount_fen, NEW.bill_ids)
            IS DISTINCT FROM (OLD.id, OLD.batch_id, OLD.seq, OLD.agreement_id, OLD.account_id, OLD.amount_fen,
                OLD.bill_ids)
        OR OLD.code <> '' AND (NEW.code, NEW.bank_serial) IS DISTINCT FROM (OLD.code, OLD.bank_serial)
        OR NEW.state = 'failed' AND NEW.code IN ('', 'ok')
    THEN
        RAISE EXCEPTION 'a debit is frozen once, answered once and ended once' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state = 'excluded' AND (SELECT state FROM payments_debit_batch WHERE id = NEW.batch_id)
        NOT IN ('frozen', 'cancelled')
    THEN
        RAISE EXCEPTION 'what the bank has cannot be left out' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_debit_row_is_kept BEFORE UPDATE OR DELETE ON payments_debit_row
    FOR EACH ROW EXECUTE FUNCTION payments_keep_debit_row();

CREATE FUNCTION payments_keep_debit_batch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.state IN ('done', 'cancelled')
        OR (NEW.id, NEW.bank_id, NEW.debit_on, NEW.frozen_at, NEW.frozen_by_id)
            IS DISTINCT FROM (OLD.id, OLD.bank_id, OLD.debit_on, OLD.frozen_at, OLD.frozen_by_id)
        OR OLD.sent_sha256 <> '' AND (NEW.sent_sha256, NEW.sent_rows, NEW.sent_fen)
            IS DISTINCT FROM (OLD.sent_sha256, OLD.sent_rows, OLD.sent_fen)
        OR OLD.answer_sha256 <> '' AND NEW.answer_sha256 <> OLD.answer_sha256
        OR (OLD.state, NEW.state) NOT IN (('frozen', 'frozen'), ('frozen', 'sent'), ('frozen', 'cancelled'),
            ('sent', 'sent'), ('sent', 'answered'), ('answered', 'answered'), ('answered', 'done'))
    THEN
        RAISE EXCEPTION 'what a bank was asked and answered is not changed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_debit_batch_is_kept BEFORE UPDATE OR DELETE ON payments_debit_batch
    FOR EACH ROW EXECUTE FUNCTION payments_keep_debit_batch();
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        REVOKE DELETE, TRUNCATE ON payments_debit_row, payments_debit_batch, payments_debit_agreement
            FROM dayingxiao_app;
    END IF;
END $$;
"""
BACKWARD = """
DROP TRIGGER payments_debit_batch_is_kept ON payments_debit_batch;
DROP TRIGGER payments_debit_row_is_kept ON payments_debit_row;
DROP FUNCTION payments_keep_debit_batch();
DROP FUNCTION payments_keep_debit_row();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("cis", "0049_notices_held"),
        ("payments", "0016_cheques"),
        ("pghistory", "0007_auto_20250421_0444"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DebitAgreement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("card_no", config.shared.personal_data.EncryptedTextField()),
                ("card_index", models.BinaryField(db_index=True, max_length=32)),
                ("card_last4", models.CharField(max_length=4)),
                ("holder", config.shared.personal_data.EncryptedTextField()),
                (
                    "place",
                    models.CharField(
                        choices=[("bank", "银行"), ("hall", "营业厅"), ("portal", "网上营业厅")], max_length=16
                    ),
                ),
                ("bank_serial", models.CharField(blank=True, max_length=64)),
                ("limit_fen", models.BigIntegerField()),
                ("valid_from", models.DateField()),
                ("valid_until", models.DateField(blank=True, null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[("active", "有效"), ("ended", "已解约")], default="active", max_length=16
                    ),
                ),
                ("signed_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("end_reason", models.CharField(blank=True, max_length=200)),
                ("tries", models.SmallIntegerField(default=0)),
                ("not_before", models.DateField(blank=True, null=True)),
                ("given_up_bill_id", models.BigIntegerField(default=0)),
                (
                    "account",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.account"),
                ),
                (
                    "ended_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "signed_by",
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
                "db_table": "payments_debit_agreement",
            },
        ),
        migrations.CreateModel(
            name="DebitBank",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=16, unique=True)),
                ("name", models.CharField(max_length=100)),
                ("separator", models.CharField(blank=True, max_length=1)),
                ("encoding", models.CharField(choices=[("utf-8", "UTF-8"), ("gb18030", "GB18030")], max_length=8)),
                ("return_codes", models.JSONField(default=payments.models.debits.standard_codes)),
                ("max_tries", models.SmallIntegerField(default=3)),
                ("retry_days", models.SmallIntegerField(default=3)),
                (
                    "client",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="payments.channelclient",
                    ),
                ),
            ],
            options={
                "db_table": "payments_debit_bank",
            },
        ),
        migrations.CreateModel(
            name="DebitAgreementEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("card_last4", models.CharField(max_length=4)),
                (
                    "place",
                    models.CharField(
                        choices=[("bank", "银行"), ("hall", "营业厅"), ("portal", "网上营业厅")], max_length=16
                    ),
                ),
                ("bank_serial", models.CharField(blank=True, max_length=64)),
                ("limit_fen", models.BigIntegerField()),
                ("valid_from", models.DateField()),
                ("valid_until", models.DateField(blank=True, null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[("active", "有效"), ("ended", "已解约")], default="active", max_length=16
                    ),
                ),
                ("signed_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("end_reason", models.CharField(blank=True, max_length=200)),
                ("tries", models.SmallIntegerField(default=0)),
                ("not_before", models.DateField(blank=True, null=True)),
                ("given_up_bill_id", models.BigIntegerField(default=0)),
                (
                    "account",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="cis.account",
                    ),
                ),
                (
                    "ended_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "pgh_context",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="pghistory.context",
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="events",
                        to="payments.debitagreement",
                    ),
                ),
                (
                    "signed_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "bank",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="payments.debitbank",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddField(
            model_name="debitagreement",
            name="bank",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="payments.debitbank"
            ),
        ),
        migrations.CreateModel(
            name="DebitBankEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("id", models.BigIntegerField()),
                ("code", models.CharField(max_length=16)),
                ("name", models.CharField(max_length=100)),
                ("separator", models.CharField(blank=True, max_length=1)),
                ("encoding", models.CharField(choices=[("utf-8", "UTF-8"), ("gb18030", "GB18030")], max_length=8)),
                ("return_codes", models.JSONField(default=payments.models.debits.standard_codes)),
                ("max_tries", models.SmallIntegerField(default=3)),
                ("retry_days", models.SmallIntegerField(default=3)),
                (
                    "client",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="payments.channelclient",
                    ),
                ),
                (
                    "pgh_context",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="pghistory.context",
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="events",
                        to="payments.debitbank",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="DebitBatch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("debit_on", models.DateField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("frozen", "已冻结，未送盘"),
                            ("sent", "已送盘，等回盘"),
                            ("answered", "已回盘，正在入账"),
                            ("done", "已完成"),
                            ("cancelled", "已撤销"),
                        ],
                        default="frozen",
                        max_length=16,
                    ),
                ),
                ("skipped", models.JSONField(default=dict)),
                ("frozen_at", models.DateTimeField()),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                ("sent_rows", models.BigIntegerField(default=0)),
                ("sent_fen", models.BigIntegerField(default=0)),
                ("sent_sha256", models.CharField(blank=True, max_length=64)),
                ("answered_at", models.DateTimeField(blank=True, null=True)),
                ("answer_sha256", models.CharField(blank=True, max_length=64)),
                ("done_at", models.DateTimeField(blank=True, null=True)),
                (
                    "answered_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "bank",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="payments.debitbank"
                    ),
                ),
                (
                    "frozen_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "payments_debit_batch",
            },
        ),
        migrations.CreateModel(
            name="DebitRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("seq", models.IntegerField()),
                ("amount_fen", models.BigIntegerField()),
                ("bill_ids", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "处理中"),
                            ("booked", "扣款成功，已入账"),
                            ("failed", "没有扣成"),
                            ("excluded", "没有送盘"),
                        ],
                        default="open",
                        max_length=16,
                    ),
                ),
                ("code", models.CharField(blank=True, max_length=16)),
                ("bank_serial", models.CharField(blank=True, max_length=40)),
                ("fault", models.CharField(blank=True, max_length=64)),
                (
                    "account",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.account"),
                ),
                (
                    "agreement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="rows", to="payments.debitagreement"
                    ),
                ),
                (
                    "batch",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rows",
                        to="payments.debitbatch",
                    ),
                ),
                (
                    "payment",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="payments.payment",
                    ),
                ),
            ],
            options={
                "db_table": "payments_debit_row",
            },
        ),
        migrations.AddConstraint(
            model_name="debitbank",
            constraint=models.CheckConstraint(
                condition=models.Q(("code__regex", "^[a-z0-9][a-z0-9-]{1,15}$")), name="debit_bank_code"
            ),
        ),
        migrations.AddConstraint(
            model_name="debitbank",
            constraint=models.CheckConstraint(
                condition=models.Q(("max_tries__range", (1, 9)), ("retry_days__range", (0, 31))),
                name="debit_tries_are_sane",
            ),
        ),
        migrations.AddConstraint(
            model_name="debitbank",
            constraint=models.CheckConstraint(
                condition=models.Q(("separator__in", ["", "|", ",", ";"])), name="debit_separator_is_known"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="debitbank",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "payments_debitbankevent" ("client_id", "code", "encoding", "id", "max_tries", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "retry_days", "return_codes", "separator") VALUES (NEW."client_id", NEW."code", NEW."encoding", NEW."id", NEW."max_tries", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."retry_days", NEW."return_codes", NEW."separator"); RETURN NULL;',
                    hash="dce6f6e3dc0c5aada740635821b0c921b64d362e",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_54d4d",
                    table="payments_debit_bank",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="debitbank",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "payments_debitbankevent" ("client_id", "code", "encoding", "id", "max_tries", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "retry_days", "return_codes", "separator") VALUES (NEW."client_id", NEW."code", NEW."encoding", NEW."id", NEW."max_tries", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."retry_days", NEW."return_codes", NEW."separator"); RETURN NULL;',
                    hash="4aa77e08323f85d1781902dcff8ae2e6e647c5cd",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_a1e71",
                    table="payments_debit_bank",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="debitagreement",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "active")), fields=("account",), name="one_debit_agreement_per_account"
            ),
        ),
        migrations.AddConstraint(
            model_name="debitagreement",
            constraint=models.UniqueConstraint(
                condition=models.Q(("bank_serial", ""), _negated=True),
                fields=("bank", "bank_serial"),
                name="debit_signed_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="debitagreement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("limit_fen__gt", 0),
                    models.Q(("card_no", ""), _negated=True),
                    models.Q(("holder", ""), _negated=True),
                ),
                name="debit_agreement_is_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="debitagreement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("valid_until__isnull", True), ("valid_until__gte", models.F("valid_from")), _connector="OR"
                ),
                name="debit_agreement_lasts",
            ),
        ),
        migrations.AddConstraint(
            model_name="debitagreement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("end_reason", ""), ("ended_at__isnull", True), ("state", "active")),
                    models.Q(
                        ("ended_at__isnull", False), ("state", "ended"), models.Q(("end_reason", ""), _negated=True)
                    ),
                    _connector="OR",
                ),
                name="ended_debit_agreement_says_why",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="debitagreement",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "payments_debitagreementevent" ("account_id", "bank_id", "bank_serial", "card_last4", "end_reason", "ended_at", "ended_by_id", "given_up_bill_id", "id", "limit_fen", "not_before", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "place", "signed_at", "signed_by_id", "state", "tries", "valid_from", "valid_until") VALUES (NEW."account_id", NEW."bank_id", NEW."bank_serial", NEW."card_last4", NEW."end_reason", NEW."ended_at", NEW."ended_by_id", NEW."given_up_bill_id", NEW."id", NEW."limit_fen", NEW."not_before", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."place", NEW."signed_at", NEW."signed_by_id", NEW."state", NEW."tries", NEW."valid_from", NEW."valid_until"); RETURN NULL;',
                    hash="6ad4e063700ed6f8c38eaae01bb0d3bdb30e3342",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_81164",
                    table="payments_debit_agreement",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="debitagreement",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."account_id" IS DISTINCT FROM (NEW."account_id") OR OLD."bank_id" IS DISTINCT FROM (NEW."bank_id") OR OLD."bank_serial" IS DISTINCT FROM (NEW."bank_serial") OR OLD."card_last4" IS DISTINCT FROM (NEW."card_last4") OR OLD."end_reason" IS DISTINCT FROM (NEW."end_reason") OR OLD."ended_at" IS DISTINCT FROM (NEW."ended_at") OR OLD."ended_by_id" IS DISTINCT FROM (NEW."ended_by_id") OR OLD."given_up_bill_id" IS DISTINCT FROM (NEW."given_up_bill_id") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."limit_fen" IS DISTINCT FROM (NEW."limit_fen") OR OLD."not_before" IS DISTINCT FROM (NEW."not_before") OR OLD."place" IS DISTINCT FROM (NEW."place") OR OLD."signed_at" IS DISTINCT FROM (NEW."signed_at") OR OLD."signed_by_id" IS DISTINCT FROM (NEW."signed_by_id") OR OLD."state" IS DISTINCT FROM (NEW."state") OR OLD."tries" IS DISTINCT FROM (NEW."tries") OR OLD."valid_from" IS DISTINCT FROM (NEW."valid_from") OR OLD."valid_until" IS DISTINCT FROM (NEW."valid_until"))',
                    func='INSERT INTO "payments_debitagreementevent" ("account_id", "bank_id", "bank_serial", "card_last4", "end_reason", "ended_at", "ended_by_id", "given_up_bill_id", "id", "limit_fen", "not_before", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "place", "signed_at", "signed_by_id", "state", "tries", "valid_from", "valid_until") VALUES (NEW."account_id", NEW."bank_id", NEW."bank_serial", NEW."card_last4", NEW."end_reason", NEW."ended_at", NEW."ended_by_id", NEW."given_up_bill_id", NEW."id", NEW."limit_fen", NEW."not_before", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."place", NEW."signed_at", NEW."signed_by_id", NEW."state", NEW."tries", NEW."valid_from", NEW."valid_until"); RETURN NULL;',
                    hash="b98c979b17cacc47b175864a3c0dc3c917e779e2",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_43d74",
                    table="payments_debit_agreement",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="debitbatch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("sent_at__isnull", True), ("sent_sha256", ""), ("state__in", ["frozen", "cancelled"])),
                    models.Q(
                        ("sent_at__isnull", False),
                        ("state__in", ["sent", "answered", "done"]),
                        models.Q(("sent_sha256", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="sent_debit_batch_has_its_file",
            ),
        ),
        migrations.AddConstraint(
            model_name="debitbatch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("answered_at__isnull", False), ("state__in", ["answered", "done"])),
                    models.Q(("answered_at__isnull", True), ("state__in", ["frozen", "sent", "cancelled"])),
                    _connector="OR",
                ),
                name="answered_debit_batch_has_answer",
            ),
        ),
        migrations.AddConstraint(
            model_name="debitrow",
            constraint=models.UniqueConstraint(fields=("batch", "seq"), name="debit_row_once"),
        ),
        migrations.AddConstraint(
            model_name="debitrow",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "open")), fields=("account",), name="account_in_one_open_debit"
            ),
        ),
        migrations.AddConstraint(
            model_name="debitrow",
            constraint=models.CheckConstraint(condition=models.Q(("amount_fen__gt", 0)), name="debit_row_is_positive"),
        ),
        migrations.AddConstraint(
            model_name="debitrow",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("code", "ok"), ("payment__isnull", False), ("state", "booked")),
                    models.Q(models.Q(("state", "booked"), _negated=True), ("payment__isnull", True)),
                    _connector="OR",
                ),
                name="booked_debit_has_payment",
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
