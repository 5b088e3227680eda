"""Agreements by instalments, write-offs and deposits, with the law that keeps them honest."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

WRITTEN_ONCE = (
    "cis_agreed_bill",
    "cis_instalment",
    "cis_write_off",
    "cis_written_off_bill",
    "cis_write_off_recovery",
    "cis_deposit_move",
)

FORWARD = (
    """
-- At the end of a transaction: an approval of this kind was carried out, asked for and decided by the two whom the row
-- names. Arguments: the kind, the column of who asked.
CREATE FUNCTION cis_two_persons_did_it() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    mine jsonb := to_jsonb(NEW);
BEGIN
    IF NOT EXISTS (SELECT 1 FROM shared_approval a WHERE a.id = (mine ->> 'approval_id')::bigint
                   AND a.kind = TG_ARGV[0] AND a.state = 'carried-out'
                   AND a.asked_by_id = (mine ->> TG_ARGV[1])::bigint
                   AND a.decided_by_id = (mine ->> 'approved_by_id')::bigint AND a.asked_by_id <> a.decided_by_id) THEN
        RAISE EXCEPTION '% needs an approval by a second person', TG_TABLE_NAME USING ERRCODE = 'DY021';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER cis_write_off_of_two AFTER INSERT ON cis_write_off DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION cis_two_persons_did_it('cis.write_off', 'asked_by_id');
CREATE CONSTRAINT TRIGGER cis_late_fee_waiver_of_two AFTER INSERT ON cis_late_fee_waiver DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION cis_two_persons_did_it('cis.waive_late_fee', 'asked_by_id');
CREATE CONSTRAINT TRIGGER cis_deposit_return_of_two AFTER INSERT ON cis_deposit_move DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.what = 'returned')
    EXECUTE FUNCTION cis_two_persons_did_it('cis.return_deposit', 'by_id');

CREATE FUNCTION cis_agreement_adds_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.debt_fen <> coalesce((SELECT sum(amount_fen) FROM cis_instalment WHERE agreement_id = NEW.id), 0)
       OR NEW.debt_fen <> coalesce((SELECT sum(open_fen) FROM cis_agreed_bill WHERE agreement_id = NEW.id), 0) THEN
        RAISE EXCEPTION 'the instalments of agreement % do not add up to its debt', NEW.id USING ERRCODE = 'DY022';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER cis_instalments_add_up AFTER INSERT ON cis_instalment_agreement
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION cis_agreement_adds_up();
CREATE TRIGGER cis_agreement_stays BEFORE DELETE OR TRUNCATE ON cis_instalment_agreement
    FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
CREATE TRIGGER cis_agreement_is_final
    BEFORE UPDATE OF id, account_id, debt_fen, signed_on, evidence, made_by_id, made_at ON cis_instalment_agreement
    FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
CREATE FUNCTION cis_ended_agreement_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'agreement % has ended', OLD.id USING ERRCODE = 'DY004';
END $$;
CREATE TRIGGER cis_agreement_ends_once BEFORE UPDATE ON cis_instalment_agreement
    FOR EACH ROW WHEN (OLD.state <> 'kept') EXECUTE FUNCTION cis_ended_agreement_stays();

-- Whoever keeps an agreement is not cut off, whoever writes the cut.
CREATE FUNCTION cis_agreement_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM cis_instalment_agreement g JOIN cis_arrears_case c ON c.account_id = g.account_id
               WHERE c.id = NEW.case_id AND g.state = 'kept') THEN
        RAISE EXCEPTION 'an agreement by instalments is kept' USING ERRCODE = 'DY020';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER cis_arrears_cut_keeps_agreements BEFORE INSERT ON cis_arrears_step
    FOR EACH ROW WHEN (NEW.what = 'cut') EXECUTE FUNCTION cis_agreement_is_kept();

ALTER TABLE cis_ledger_balance
    ADD CONSTRAINT deposit_not_overdrawn CHECK (ledger_account_id % 10 <> 3 OR debit_fen <= credit_fen),
    ADD CONSTRAINT memo_not_overdrawn CHECK (ledger_account_id % 10 <> 4 OR credit_fen <= debit_fen);
INSERT INTO cis_ledger_account (id, name) VALUES (-6702, '坏账损失'), (-9001, '账销案存备查') ON CONFLICT DO NOTHING;
"""
    + "\n".join(
        f"CREATE TRIGGER {table}_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();"
        for table in WRITTEN_ONCE
    )
    + f"""
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON {", ".join(WRITTEN_ONCE)}, cis_instalment_agreement
            FROM dayingxiao_app;
        GRANT UPDATE (state, ended_on) ON cis_instalment_agreement TO dayingxiao_app;
    END IF;
END $$;
"""
)

BACKWARD = (
    "\n".join(f"DROP TRIGGER {table}_is_final ON {table};" for table in WRITTEN_ONCE)
    + """
ALTER TABLE cis_ledger_balance DROP CONSTRAINT deposit_not_overdrawn, DROP CONSTRAINT memo_not_overdrawn;
DROP TRIGGER cis_arrears_cut_keeps_agreements ON cis_arrears_step;
DROP FUNCTION cis_agreement_is_kept();
DROP TRIGGER cis_agreement_ends_once ON cis_instalment_agreement;
DROP FUNCTION cis_ended_agreement_stays();
DROP TRIGGER cis_agreement_is_final ON cis_instalment_agreement;
DROP TRIGGER cis_agreement_stays ON cis_instalment_agreement;
DROP TRIGGER cis_instalments_add_up ON cis_instalment_agreement;
DROP FUNCTION cis_agreement_adds_up();
DROP TRIGGER cis_deposit_return_of_two ON cis_deposit_move;
DROP TRIGGER cis_late_fee_waiver_of_two ON cis_late_fee_waiver;
DROP TRIGGER cis_write_off_of_two ON cis_write_off;
DROP FUNCTION cis_two_persons_did_it();
"""
)


class Migration(migrations.Migration):
    """Seven tables and their law."""

    dependencies = [
        ("cis", "0023_the_market"),
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
                    (33, "核销坏账"),
                    (34, "收回已核销"),
                    (35, "收存保证金"),
                    (36, "保证金抵欠费"),
                    (37, "退还保证金"),
                ]
            ),
        ),
        migrations.CreateModel(
            name="InstalmentAgreement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("debt_fen", models.BigIntegerField()),
                ("signed_on", models.DateField()),
                ("evidence", models.CharField(max_length=200)),
                (
                    "state",
                    models.CharField(
                        choices=[("kept", "履行中"), ("done", "已还清"), ("broken", "已违约终止")],
                        default="kept",
                        max_length=8,
                    ),
                ),
                ("made_at", models.DateTimeField()),
                ("ended_on", models.DateField(blank=True, null=True)),
                (
                    "account",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.account"),
                ),
                (
                    "made_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "cis_instalment_agreement",
            },
        ),
        migrations.CreateModel(
            name="Instalment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("seq", models.SmallIntegerField()),
                ("due_on", models.DateField()),
                ("amount_fen", models.BigIntegerField()),
                (
                    "agreement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="instalments",
                        to="cis.instalmentagreement",
                    ),
                ),
            ],
            options={
                "db_table": "cis_instalment",
            },
        ),
        migrations.CreateModel(
            name="AgreedBill",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("open_fen", models.BigIntegerField()),
                (
                    "bill",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.bill"),
                ),
                (
                    "agreement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="bills", to="cis.instalmentagreement"
                    ),
                ),
            ],
            options={
                "db_table": "cis_agreed_bill",
            },
        ),
        migrations.CreateModel(
            name="WriteOff",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "ground",
                    models.CharField(
                        choices=[
                            ("bankrupt", "破产清算完毕"),
                            ("deceased", "死亡且无遗产"),
                            ("untraceable", "下落不明，无法追索"),
                        ],
                        max_length=16,
                    ),
                ),
                ("evidence", models.CharField(max_length=300)),
                ("amount_fen", models.BigIntegerField()),
                ("at", models.DateTimeField()),
                ("business_date", models.DateField()),
                (
                    "account",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.account"),
                ),
                (
                    "approval",
                    models.OneToOneField(
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
            ],
            options={
                "db_table": "cis_write_off",
            },
        ),
        migrations.CreateModel(
            name="WrittenOffBill",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("principal_fen", models.BigIntegerField()),
                ("fee_fen", models.BigIntegerField()),
                (
                    "bill",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.bill"),
                ),
                (
                    "write_off",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="bills", to="cis.writeoff"
                    ),
                ),
            ],
            options={
                "db_table": "cis_written_off_bill",
            },
        ),
        migrations.CreateModel(
            name="WriteOffRecovery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("payment_id", models.BigIntegerField()),
                ("principal_fen", models.BigIntegerField()),
                ("fee_fen", models.BigIntegerField()),
                ("at", models.DateTimeField()),
                (
                    "written_off",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="recoveries", to="cis.writtenoffbill"
                    ),
                ),
            ],
            options={
                "db_table": "cis_write_off_recovery",
            },
        ),
        migrations.CreateModel(
            name="DepositMove",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "what",
                    models.CharField(
                        choices=[("held", "收存保证金"), ("applied", "保证金抵欠费"), ("returned", "退还保证金")],
                        max_length=8,
                    ),
                ),
                ("amount_fen", models.BigIntegerField()),
                ("basis", models.CharField(max_length=300)),
                ("at", models.DateTimeField()),
                ("business_date", models.DateField()),
                (
                    "account",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.account"),
                ),
                (
                    "approval",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="shared.approval",
                    ),
                ),
                (
                    "approved_by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "cis_deposit_move",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount_fen__gt", 0), models.Q(("basis", ""), _negated=True)),
                        name="deposit_move_has_basis",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("what", "returned"), _negated=True),
                            models.Q(
                                ("approval__isnull", False),
                                ("approved_by__isnull", False),
                                models.Q(("approved_by", models.F("by")), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="deposit_returned_by_two_persons",
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="instalmentagreement",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "kept")), fields=("account",), name="one_agreement_at_a_time"
            ),
        ),
        migrations.AddConstraint(
            model_name="instalmentagreement",
            constraint=models.CheckConstraint(
                condition=models.Q(("debt_fen__gt", 0), models.Q(("evidence", ""), _negated=True)),
                name="agreement_has_debt_and_evidence",
            ),
        ),
        migrations.AddConstraint(
            model_name="instalmentagreement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_on__isnull", True), ("state", "kept")),
                    models.Q(models.Q(("state", "kept"), _negated=True), ("ended_on__isnull", False)),
                    _connector="OR",
                ),
                name="ended_agreement_has_its_day",
            ),
        ),
        migrations.AddConstraint(
            model_name="instalment",
            constraint=models.UniqueConstraint(fields=("agreement", "seq"), name="instalment_once"),
        ),
        migrations.AddConstraint(
            model_name="instalment",
            constraint=models.UniqueConstraint(fields=("agreement", "due_on"), name="one_instalment_a_day"),
        ),
        migrations.AddConstraint(
            model_name="instalment",
            constraint=models.CheckConstraint(condition=models.Q(("amount_fen__gt", 0)), name="instalment_is_positive"),
        ),
        migrations.AddConstraint(
            model_name="agreedbill",
            constraint=models.UniqueConstraint(fields=("agreement", "bill"), name="bill_agreed_once"),
        ),
        migrations.AddConstraint(
            model_name="agreedbill",
            constraint=models.CheckConstraint(condition=models.Q(("open_fen__gt", 0)), name="agreed_bill_is_open"),
        ),
        migrations.AddConstraint(
            model_name="writeoff",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_fen__gt", 0), models.Q(("evidence", ""), _negated=True)),
                name="write_off_has_evidence",
            ),
        ),
        migrations.AddConstraint(
            model_name="writeoff",
            constraint=models.CheckConstraint(
                condition=models.Q(("approved_by", models.F("asked_by")), _negated=True),
                name="write_off_by_another_person",
            ),
        ),
        migrations.AddConstraint(
            model_name="writtenoffbill",
            constraint=models.UniqueConstraint(fields=("write_off", "bill"), name="bill_written_off_once"),
        ),
        migrations.AddConstraint(
            model_name="writtenoffbill",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("principal_fen__gte", 0),
                    ("fee_fen__gte", 0),
                    models.Q(("principal_fen__gt", 0), ("fee_fen__gt", 0), _connector="OR"),
                ),
                name="written_off_bill_is_positive",
            ),
        ),
        migrations.AddConstraint(
            model_name="writeoffrecovery",
            constraint=models.UniqueConstraint(fields=("written_off", "payment_id"), name="recovered_once_a_payment"),
        ),
        migrations.AddConstraint(
            model_name="writeoffrecovery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("principal_fen__gte", 0),
                    ("fee_fen__gte", 0),
                    models.Q(("principal_fen__gt", 0), ("fee_fen__gt", 0), _connector="OR"),
                ),
                name="recovery_is_positive",
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
