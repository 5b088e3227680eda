"""Bank statements, whose the money of their lines is, what goes back; written once, ended once."""

import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models

import config.shared.personal_data

FORWARD = """
CREATE FUNCTION payments_keep_bank_line() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF to_jsonb(NEW) - 'state' IS DISTINCT FROM to_jsonb(OLD) - 'state' THEN
        RAISE EXCEPTION 'of a bank line only its state moves' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_bank_line_is_kept BEFORE UPDATE ON payments_bank_line
    FOR EACH ROW EXECUTE FUNCTION payments_keep_bank_line();
CREATE TRIGGER payments_bank_line_stays BEFORE DELETE OR TRUNCATE ON payments_bank_line
    FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
CREATE TRIGGER payments_bank_statement_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON payments_bank_statement
    FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
CREATE TRIGGER payments_claim_part_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON payments_claim_part
    FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();

CREATE FUNCTION payments_undo_claim_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.undone_at IS NOT NULL
        OR to_jsonb(NEW) - '{undone_at,undone_by_id,undo_approved_by_id,undo_reason}'::text[]
            IS DISTINCT FROM to_jsonb(OLD) - '{undone_at,undone_by_id,undo_approved_by_id,undo_reason}'::text[]
    THEN
        RAISE EXCEPTION 'a claim is undone once and not changed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_claim_undone_once BEFORE UPDATE ON payments_claim
    FOR EACH ROW EXECUTE FUNCTION payments_undo_claim_once();
CREATE TRIGGER payments_claim_stays BEFORE DELETE OR TRUNCATE ON payments_claim
    FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();

CREATE FUNCTION payments_claim_is_whole() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.amount_fen IS DISTINCT FROM (SELECT sum(amount_fen) FROM payments_claim_part WHERE claim_id = NEW.id)
        OR NEW.amount_fen IS DISTINCT FROM (SELECT amount_fen FROM payments_bank_line WHERE id = NEW.line_id)
    THEN
        RAISE EXCEPTION 'the parts of a claim are its line, to the fen' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER payments_claim_adds_up AFTER INSERT ON payments_claim
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION payments_claim_is_whole();

CREATE FUNCTION payments_pay_return_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.out_line_id IS NOT NULL
        OR to_jsonb(NEW) - '{out_line_id,paid_at}'::text[] IS DISTINCT FROM to_jsonb(OLD) - '{out_line_id,paid_at}'::text[]
    THEN
        RAISE EXCEPTION 'a return is paid once and not changed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_bank_return_paid_once BEFORE UPDATE ON payments_bank_return
    FOR EACH ROW EXECUTE FUNCTION payments_pay_return_once();
CREATE TRIGGER payments_bank_return_stays BEFORE DELETE OR TRUNCATE ON payments_bank_return
    FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON payments_bank_statement, payments_claim_part
        FROM dayingxiao_app;
        REVOKE DELETE, TRUNCATE ON payments_bank_account, payments_sub_account, payments_bank_line, payments_claim,
            payments_bank_return FROM dayingxiao_app;
    END IF;
END $$;
"""

BACKWARD = """
DROP TRIGGER payments_bank_return_stays ON payments_bank_return;
DROP TRIGGER payments_bank_return_paid_once ON payments_bank_return;
DROP FUNCTION payments_pay_return_once();
DROP TRIGGER payments_claim_adds_up ON payments_claim;
DROP FUNCTION payments_claim_is_whole();
DROP TRIGGER payments_claim_stays ON payments_claim;
DROP TRIGGER payments_claim_undone_once ON payments_claim;
DROP FUNCTION payments_undo_claim_once();
DROP TRIGGER payments_claim_part_is_final ON payments_claim_part;
DROP TRIGGER payments_bank_statement_is_final ON payments_bank_statement;
DROP TRIGGER payments_bank_line_stays ON payments_bank_line;
DROP TRIGGER payments_bank_line_is_kept ON payments_bank_line;
DROP FUNCTION payments_keep_bank_line();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("cis", "0049_notices_held"),
        ("payments", "0014_paybacks"),
        ("shared", "0008_app_sessions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="BankAccount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.CharField(max_length=32, unique=True)),
                ("bank", models.CharField(max_length=100)),
                ("added_at", models.DateTimeField()),
                (
                    "added_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "payments_bank_account",
            },
        ),
        migrations.CreateModel(
            name="BankStatement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("name", models.CharField(max_length=200)),
                ("sha256", models.CharField(max_length=64)),
                ("opening_fen", models.BigIntegerField()),
                ("closing_fen", models.BigIntegerField()),
                ("rows_count", models.BigIntegerField()),
                ("credit_fen", models.BigIntegerField()),
                ("debit_fen", models.BigIntegerField()),
                ("received_at", models.DateTimeField()),
                (
                    "bank_account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="statements",
                        to="payments.bankaccount",
                    ),
                ),
                (
                    "received_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "payments_bank_statement",
            },
        ),
        migrations.CreateModel(
            name="BankLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("seq", models.BigIntegerField()),
                ("day", models.DateField()),
                ("serial", models.CharField(max_length=64)),
                ("at", models.DateTimeField()),
                ("amount_fen", models.BigIntegerField()),
                ("payer_name", models.CharField(blank=True, max_length=200)),
                ("payer_account", config.shared.personal_data.EncryptedTextField(blank=True)),
                ("payer_index", models.BinaryField(blank=True, max_length=32, null=True)),
                ("payer_last4", models.CharField(blank=True, max_length=4)),
                ("sub_number", models.CharField(blank=True, max_length=40)),
                ("remark", models.CharField(blank=True, max_length=500)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "待认领"),
                            ("claimed", "已认领"),
                            ("returned", "退回汇款人"),
                            ("out", "转出"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "bank_account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="payments.bankaccount",
                    ),
                ),
                (
                    "statement",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="payments.bankstatement",
                    ),
                ),
            ],
            options={
                "db_table": "payments_bank_line",
            },
        ),
        migrations.CreateModel(
            name="Claim",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "way",
                    models.CharField(choices=[("sub-account", "虚拟子账户"), ("staff", "人工认领")], max_length=16),
                ),
                ("amount_fen", models.BigIntegerField()),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("claimed_at", models.DateTimeField()),
                ("undone_at", models.DateTimeField(blank=True, null=True)),
                ("undo_reason", models.CharField(blank=True, default="", max_length=500)),
                (
                    "approved_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "claimed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.customer"
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="claims", to="payments.bankline"
                    ),
                ),
                (
                    "undo_approved_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "undone_by",
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
                "db_table": "payments_claim",
            },
        ),
        migrations.CreateModel(
            name="ClaimPart",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "claim_id", "seq", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("seq", models.SmallIntegerField()),
                ("amount_fen", models.BigIntegerField()),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.account"
                    ),
                ),
                (
                    "claim",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="parts",
                        to="payments.claim",
                    ),
                ),
                (
                    "payment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="payments.payment"
                    ),
                ),
            ],
            options={
                "db_table": "payments_claim_part",
            },
        ),
        migrations.CreateModel(
            name="SubAccount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.CharField(max_length=40)),
                ("from_on", models.DateField()),
                ("until_on", models.DateField(blank=True, null=True)),
                ("assigned_at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.account"),
                ),
                (
                    "assigned_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "payments_sub_account",
            },
        ),
        migrations.CreateModel(
            name="BankReturn",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reason", models.CharField(max_length=500)),
                ("approved_at", models.DateTimeField()),
                ("paid_at", models.DateTimeField(blank=True, null=True)),
                (
                    "approval",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="shared.approval"
                    ),
                ),
                (
                    "approved_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "asked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "line",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="bank_return", to="payments.bankline"
                    ),
                ),
                (
                    "out_line",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="paid_return",
                        to="payments.bankline",
                    ),
                ),
            ],
            options={
                "db_table": "payments_bank_return",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("approved_by", models.F("asked_by")), _negated=True),
                        name="return_by_another_person",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("out_line__isnull", True), ("paid_at__isnull", True)),
                            models.Q(("out_line__isnull", False), ("paid_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="return_paid_by_a_line",
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="bankstatement",
            constraint=models.UniqueConstraint(fields=("bank_account", "day"), name="one_statement_a_day"),
        ),
        migrations.AddConstraint(
            model_name="bankstatement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "closing_fen",
                        django.db.models.expressions.CombinedExpression(
                            django.db.models.expressions.CombinedExpression(
                                models.F("opening_fen"), "+", models.F("credit_fen")
                            ),
                            "-",
                            models.F("debit_fen"),
                        ),
                    )
                ),
                name="statement_adds_up",
            ),
        ),
        migrations.AddIndex(
            model_name="bankline",
            index=models.Index(condition=models.Q(("state", "open")), fields=["day", "id"], name="line_open"),
        ),
        migrations.AddIndex(
            model_name="bankline",
            index=models.Index(condition=models.Q(("state", "claimed")), fields=["payer_index"], name="line_payer"),
        ),
        migrations.AddConstraint(
            model_name="bankline",
            constraint=models.UniqueConstraint(fields=("statement", "seq"), name="one_line_a_place"),
        ),
        migrations.AddConstraint(
            model_name="bankline",
            constraint=models.UniqueConstraint(fields=("bank_account", "serial"), name="one_line_a_serial"),
        ),
        migrations.AddConstraint(
            model_name="bankline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("amount_fen__gt", 0), ("state__in", ["open", "claimed", "returned"])),
                    models.Q(("amount_fen__lt", 0), ("state", "out")),
                    _connector="OR",
                ),
                name="line_goes_its_way",
            ),
        ),
        migrations.AddConstraint(
            model_name="claim",
            constraint=models.UniqueConstraint(
                condition=models.Q(("undone_at__isnull", True)), fields=("line",), name="one_live_claim"
            ),
        ),
        migrations.AddConstraint(
            model_name="claim",
            constraint=models.CheckConstraint(condition=models.Q(("amount_fen__gt", 0)), name="claim_is_positive"),
        ),
        migrations.AddConstraint(
            model_name="claim",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("approved_by__isnull", True), ("claimed_by__isnull", True), ("way", "sub-account")),
                    models.Q(("claimed_by__isnull", False), ("reason__regex", "\\S"), ("way", "staff")),
                    _connector="OR",
                ),
                name="claim_has_claimant",
            ),
        ),
        migrations.AddConstraint(
            model_name="claim",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("approved_by__isnull", True),
                    models.Q(("approved_by", models.F("claimed_by")), _negated=True),
                    _connector="OR",
                ),
                name="claim_by_another_person",
            ),
        ),
        migrations.AddConstraint(
            model_name="claim",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("undo_reason", ""), ("undone_at__isnull", True), ("undone_by__isnull", True)),
                    models.Q(("undo_reason__regex", "\\S"), ("undone_at__isnull", False), ("undone_by__isnull", False)),
                    _connector="OR",
                ),
                name="claim_undone_for_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="claim",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("undo_approved_by__isnull", True),
                    models.Q(("undo_approved_by", models.F("undone_by")), _negated=True),
                    _connector="OR",
                ),
                name="claim_undone_by_another",
            ),
        ),
        migrations.AddConstraint(
            model_name="claimpart",
            constraint=models.UniqueConstraint(fields=("claim", "account"), name="account_once_a_claim"),
        ),
        migrations.AddConstraint(
            model_name="claimpart",
            constraint=models.CheckConstraint(condition=models.Q(("amount_fen__gt", 0)), name="claim_part_is_positive"),
        ),
        migrations.AddConstraint(
            model_name="subaccount",
            constraint=models.UniqueConstraint(
                condition=models.Q(("until_on__isnull", True)), fields=("number",), name="one_live_sub_account"
            ),
        ),
        migrations.AddConstraint(
            model_name="subaccount",
            constraint=models.UniqueConstraint(
                condition=models.Q(("until_on__isnull", True)), fields=("account",), name="one_sub_account_an_account"
            ),
        ),
        migrations.AddConstraint(
            model_name="subaccount",
            constraint=models.CheckConstraint(
                condition=models.Q(("until_on__isnull", True), ("until_on__gte", models.F("from_on")), _connector="OR"),
                name="sub_account_ends_after_begin",
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
