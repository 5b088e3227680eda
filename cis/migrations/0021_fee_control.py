"""Fee control: terms, agreements, the balance of each day, commands with receipts; the law of a stop."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

LAW = """
-- When a customer was reached by what a step told: a call at once, a message when it left for their telephone or
-- mailbox, one in the portal when they read it.
CREATE FUNCTION cis_fee_control_reached(step cis_fee_control_step) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN step.channel = 'phone' THEN step.at ELSE (
        SELECT min(CASE WHEN m.channel = 'in_app' THEN m.read_at ELSE coalesce(m.delivered_at, m.sent_at) END)
        FROM shared_message m WHERE m.account_id = step.account_id
          AND m.state = ANY(CASE WHEN m.channel = 'in_app' THEN '{read}' ELSE '{sent,delivered,read}' END::text[])
          AND starts_with(m.dedupe_key, step.key || ':')) END
$$;

-- A stop without its evidence is not written, whoever writes it.
CREATE FUNCTION cis_fee_stop_is_lawful() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    g cis_fee_control_agreement;
    t cis_fee_control_terms;
    e cis_fee_control_estimate;
    announced cis_fee_control_step;
    told cis_fee_control_step;
    cut cis_arrears_step;
    here timestamp := NEW.ordered_at AT TIME ZONE 'Asia/Shanghai';
    until timestamp := NEW.not_after AT TIME ZONE 'Asia/Shanghai';
    owed bigint;
    credit bigint;
BEGIN
    SELECT * INTO g FROM cis_fee_control_agreement
    WHERE id = NEW.agreement_id AND account_id = NEW.account_id AND valid @> here::date AND ended_at IS NULL;
    SELECT * INTO t FROM cis_fee_control_terms WHERE code = g.terms_code AND valid @> here::date;
    IF g.id IS NULL OR t.id IS NULL THEN
        RAISE EXCEPTION 'no agreement holds' USING ERRCODE = 'DY030';
    END IF;
    IF NEW.ordered_at > clock_timestamp() + interval '10 minutes' THEN
        RAISE EXCEPTION 'a stop cannot be ordered ahead' USING ERRCODE = 'DY030';
    END IF;
    IF here::time < t.stop_from OR here::time >= t.stop_until
       OR until::date <> here::date OR until::time > t.stop_until THEN
        RAISE EXCEPTION 'not at night' USING ERRCODE = 'DY030';
    END IF;
    IF EXISTS (SELECT 1 FROM cis_quiet_time q JOIN shared_org_unit o ON o.id = q.org_unit_id
               JOIN cis_account a ON a.id = NEW.account_id JOIN shared_org_unit mine ON mine.id = a.org_unit_id
               WHERE mine.path LIKE o.path || '%' AND q.lasts && tstzrange(NEW.ordered_at, NEW.not_after)) THEN
        RAISE EXCEPTION 'nobody is cut off at this time' USING ERRCODE = 'DY030';
    END IF;
    IF EXISTS (SELECT 1 FROM cis_protection p WHERE p.account_id = NEW.account_id AND p.ended_at IS NULL
               AND p.from_on <= here::date AND (p.until_on IS NULL OR p.until_on >= here::date))
       OR EXISTS (SELECT 1 FROM cis_bill_dispute WHERE account_id = NEW.account_id AND closed_at IS NULL)
       OR cis_homes_behind(NEW.account_id, here::date) > 0 THEN
        RAISE EXCEPTION 'a protection or a dispute stands against it' USING ERRCODE = 'DY030';
    END IF;
    IF t.mode = 'postpaid' THEN
        SELECT s.* INTO cut FROM cis_arrears_step s JOIN cis_arrears_case c ON c.id = s.case_id
        WHERE s.id = NEW.arrears_cut_id AND s.what = 'cut' AND c.account_id = NEW.account_id;
        IF cut.id IS NULL OR EXISTS (SELECT 1 FROM cis_arrears_step WHERE case_id = cut.case_id AND id > cut.id
                                     AND what IN ('payment', 'stopped', 'restored')) THEN
            RAISE EXCEPTION 'no lawful cut stands' USING ERRCODE = 'DY030';
        END IF;
        RETURN NEW;
    END IF;
    SELECT * INTO announced FROM cis_fee_control_step
    WHERE id = NEW.announced_id AND account_id = NEW.account_id AND what = 'announced';
    SELECT * INTO told FROM cis_fee_control_step
    WHERE id = NEW.last_warned_id AND account_id = NEW.account_id AND what = 'last-warned' AND id > announced.id;
    IF announced.id IS NULL OR told.id IS NULL
       OR cis_fee_control_reached(announced) IS NULL OR cis_fee_control_reached(told) IS NULL
       OR cis_fee_control_reached(announced) > NEW.ordered_at - make_interval(days => t.grace_days)
       OR cis_fee_control_reached(told) > NEW.ordered_at - make_interval(mins => t.last_warning_minutes)
       OR told.at < NEW.ordered_at - make_interval(mins => t.last_warning_minutes + t.last_warning_lasts_minutes) THEN
        RAISE EXCEPTION 'the customer was not warned in time' USING ERRCODE = 'DY030';
    END IF;
    IF EXISTS (SELECT 1 FROM cis_fee_control_step WHERE account_id = NEW.account_id AND id > announced.id
               AND what IN ('recovered', 'refilled'))
       OR EXISTS (SELECT 1 FROM cis_fee_control_command WHERE account_id = NEW.account_id AND kind = 'reconnect'
                  AND state = 'executed' AND ordered_at > announced.at) THEN
        RAISE EXCEPTION 'the balance had recovered since the warning' USING ERRCODE = 'DY030';
    END IF;
    SELECT * INTO e FROM cis_fee_control_estimate WHERE id = NEW.estimate_id AND account_id = NEW.account_id;
    IF e.running_fen IS NULL OR e.day < here::date - 1 THEN
        RAISE EXCEPTION 'the balance of the day is not known' USING ERRCODE = 'DY030';
    END IF;
    SELECT coalesce(sum(debit_fen - credit_fen), 0) INTO owed FROM cis_ledger_balance
    WHERE ledger_account_id IN (NEW.account_id * 10 + 1, NEW.account_id * 10 + 2);
    SELECT coalesce(sum(credit_fen), 0) INTO credit FROM cis_fee_control_step
    WHERE account_id = NEW.account_id AND what = 'credit' AND period_start = e.period_start;
    IF credit - owed - e.running_fen >= t.stop_below_fen THEN
        RAISE EXCEPTION 'the balance is not below the threshold' USING ERRCODE = 'DY030';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER cis_fee_stop_is_lawful BEFORE INSERT ON cis_fee_control_command
FOR EACH ROW WHEN (NEW.kind = 'stop') EXECUTE FUNCTION cis_fee_stop_is_lawful();
CREATE TRIGGER cis_fee_control_estimate_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON cis_fee_control_estimate
FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
CREATE TRIGGER cis_fee_control_step_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON cis_fee_control_step
FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
CREATE TRIGGER cis_fee_control_receipt_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON cis_fee_control_receipt
FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
CREATE TRIGGER cis_fee_control_command_stays BEFORE DELETE OR TRUNCATE ON cis_fee_control_command
FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON cis_fee_control_estimate, cis_fee_control_step,
            cis_fee_control_receipt, cis_fee_control_command, cis_fee_control_agreement FROM dayingxiao_app;
        GRANT UPDATE (state, attempts, look_at, answer, ended_at) ON cis_fee_control_command TO dayingxiao_app;
        GRANT UPDATE (own_warn_fen, valid, ended_by_id, ended_at, end_reason)
            ON cis_fee_control_agreement TO dayingxiao_app;
    END IF;
END $$;
"""

UNDO = """
DROP TRIGGER cis_fee_control_command_stays ON cis_fee_control_command;
DROP TRIGGER cis_fee_control_receipt_is_final ON cis_fee_control_receipt;
DROP TRIGGER cis_fee_control_step_is_final ON cis_fee_control_step;
DROP TRIGGER cis_fee_control_estimate_is_final ON cis_fee_control_estimate;
DROP TRIGGER cis_fee_stop_is_lawful ON cis_fee_control_command;
DROP FUNCTION cis_fee_stop_is_lawful();
DROP FUNCTION cis_fee_control_reached(cis_fee_control_step);
"""


class Migration(migrations.Migration):
    """Six tables and the trigger that judges a stop."""

    dependencies = [
        ("cis", "0020_late_fees"),
        ("shared", "0006_working_place"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="FeeControlAgreement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("terms_code", models.CharField(max_length=32)),
                ("valid", django.contrib.postgres.fields.ranges.DateRangeField()),
                ("signed_by", models.CharField(max_length=80)),
                ("signed_on", models.DateField()),
                ("paper_key", models.CharField(max_length=100)),
                ("paper_name", models.CharField(max_length=120)),
                ("paper_type", models.CharField(max_length=40)),
                ("made_at", models.DateTimeField()),
                ("own_warn_fen", models.BigIntegerField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("end_reason", models.CharField(blank=True, max_length=200)),
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
                    "made_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "org_unit",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="shared.orgunit"
                    ),
                ),
            ],
            options={
                "db_table": "cis_fee_control_agreement",
            },
        ),
        migrations.CreateModel(
            name="FeeControlEstimate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("period_start", models.DateField()),
                ("energy_kwh_e2", models.BigIntegerField()),
                ("days_known", models.SmallIntegerField()),
                ("running_fen", models.BigIntegerField(blank=True, null=True)),
                ("usual_a_day_fen", models.BigIntegerField(blank=True, null=True)),
                ("prepayment_fen", models.BigIntegerField()),
                ("open_fen", models.BigIntegerField()),
                ("balance_fen", models.BigIntegerField(blank=True, null=True)),
                ("why_not", models.CharField(blank=True, max_length=200)),
                ("is_outlier", models.BooleanField(default=False)),
                ("made_at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.account"),
                ),
            ],
            options={
                "db_table": "cis_fee_control_estimate",
            },
        ),
        migrations.CreateModel(
            name="FeeControlCommand",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.CharField(max_length=32, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[("warn", "预警"), ("stop", "停电"), ("reconnect", "复电")], max_length=16
                    ),
                ),
                ("meter_no", models.CharField(max_length=32)),
                ("balance_fen", models.BigIntegerField(blank=True, null=True)),
                ("ordered_at", models.DateTimeField()),
                ("not_after", models.DateTimeField()),
                ("why", models.CharField(max_length=200)),
                ("due_at", models.DateTimeField(blank=True, null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "待发送"),
                            ("sending", "发送中"),
                            ("unknown", "结果不明，待查询"),
                            ("accepted", "集中器已受理"),
                            ("executed", "电能表已执行"),
                            ("refused", "被拒绝"),
                            ("timeout", "执行超时"),
                            ("withdrawn", "已撤回"),
                        ],
                        default="waiting",
                        max_length=16,
                    ),
                ),
                ("attempts", models.SmallIntegerField(default=0)),
                ("look_at", models.DateTimeField(blank=True, null=True)),
                ("answer", models.CharField(blank=True, max_length=80)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "account",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.account"),
                ),
                (
                    "agreement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="commands",
                        to="cis.feecontrolagreement",
                    ),
                ),
                (
                    "arrears_cut",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="cis.arrearsstep",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "org_unit",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="shared.orgunit"
                    ),
                ),
                (
                    "undoes",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="cis.feecontrolcommand",
                    ),
                ),
                (
                    "estimate",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="cis.feecontrolestimate",
                    ),
                ),
            ],
            options={
                "db_table": "cis_fee_control_command",
            },
        ),
        migrations.CreateModel(
            name="FeeControlReceipt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("what", models.CharField(max_length=16)),
                ("at", models.DateTimeField()),
                ("code", models.CharField(blank=True, max_length=80)),
                ("kept_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "command",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="receipts", to="cis.feecontrolcommand"
                    ),
                ),
            ],
            options={
                "db_table": "cis_fee_control_receipt",
            },
        ),
        migrations.CreateModel(
            name="FeeControlStep",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "what",
                    models.CharField(
                        choices=[
                            ("warned", "余额预警"),
                            ("announced", "停电预告"),
                            ("last-warned", "停电前再次通知"),
                            ("recovered", "余额恢复"),
                            ("refilled", "余额充足"),
                            ("credit", "应急用电额度"),
                        ],
                        max_length=16,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("balance_fen", models.BigIntegerField()),
                ("channel", models.CharField(max_length=16)),
                ("key", models.CharField(max_length=80, unique=True)),
                ("evidence", models.CharField(max_length=300)),
                ("credit_fen", models.BigIntegerField(default=0)),
                ("period_start", models.DateField(blank=True, null=True)),
                (
                    "account",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.account"),
                ),
                (
                    "agreement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="steps", to="cis.feecontrolagreement"
                    ),
                ),
                (
                    "by",
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
                "db_table": "cis_fee_control_step",
            },
        ),
        migrations.AddField(
            model_name="feecontrolcommand",
            name="announced",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="cis.feecontrolstep",
            ),
        ),
        migrations.AddField(
            model_name="feecontrolcommand",
            name="last_warned",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="cis.feecontrolstep",
            ),
        ),
        migrations.CreateModel(
            name="FeeControlTerms",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=32)),
                ("name", models.CharField(max_length=80)),
                ("name_en", models.CharField(blank=True, max_length=80)),
                (
                    "mode",
                    models.CharField(choices=[("prepaid", "预付费"), ("postpaid", "后付费远程停复电")], max_length=16),
                ),
                ("valid", django.contrib.postgres.fields.ranges.DateRangeField()),
                ("warn_below_fen", models.BigIntegerField()),
                ("stop_below_fen", models.BigIntegerField()),
                ("reconnect_from_fen", models.BigIntegerField()),
                ("grace_days", models.SmallIntegerField()),
                ("last_warning_minutes", models.SmallIntegerField()),
                ("last_warning_lasts_minutes", models.SmallIntegerField()),
                ("emergency_credit_fen", models.BigIntegerField()),
                ("stop_from", models.TimeField()),
                ("stop_until", models.TimeField()),
                ("quiet_days_before_closed", models.SmallIntegerField()),
                ("reconnect_hours", models.SmallIntegerField()),
                ("source", models.TextField()),
                ("confidence", models.TextField()),
            ],
            options={
                "db_table": "cis_fee_control_terms",
                "constraints": [
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        expressions=[("code", "="), ("valid", "&&")], name="one_fee_control_version_at_a_time"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("warn_below_fen__gte", models.F("stop_below_fen")),
                            ("reconnect_from_fen__gte", models.F("stop_below_fen")),
                            ("grace_days__gte", 0),
                            ("last_warning_minutes__gte", 30),
                            ("last_warning_lasts_minutes__gt", 0),
                            ("emergency_credit_fen__gte", 0),
                            ("stop_until__gt", models.F("stop_from")),
                            ("reconnect_hours__gt", 0),
                            models.Q(("source", ""), _negated=True),
                        ),
                        name="fee_control_terms_make_sense",
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="feecontrolagreement",
            index=models.Index(fields=["org_unit", "id"], name="fee_control_of_unit"),
        ),
        migrations.AddConstraint(
            model_name="feecontrolagreement",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[("account", "="), ("valid", "&&")], name="one_fee_control_agreement_at_a_time"
            ),
        ),
        migrations.AddConstraint(
            model_name="feecontrolagreement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("paper_key", ""), _negated=True),
                    models.Q(("signed_by", ""), _negated=True),
                    ("valid__startswith__isnull", False),
                ),
                name="fee_control_agreement_is_signed",
            ),
        ),
        migrations.AddConstraint(
            model_name="feecontrolagreement",
            constraint=models.CheckConstraint(
                condition=models.Q(("own_warn_fen__isnull", True), ("own_warn_fen__gte", 0), _connector="OR"),
                name="own_warning_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="feecontrolagreement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ended_at__isnull", True),
                    models.Q(("ended_by__isnull", False), models.Q(("end_reason", ""), _negated=True)),
                    _connector="OR",
                ),
                name="fee_control_end_says_who_and_why",
            ),
        ),
        migrations.AddConstraint(
            model_name="feecontrolestimate",
            constraint=models.UniqueConstraint(fields=("account", "day"), name="one_fee_control_estimate_a_day"),
        ),
        migrations.AddConstraint(
            model_name="feecontrolestimate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("balance_fen__isnull", True),
                        ("running_fen__isnull", True),
                        models.Q(("why_not", ""), _negated=True),
                    ),
                    models.Q(
                        (
                            "balance_fen",
                            django.db.models.expressions.CombinedExpression(
                                django.db.models.expressions.CombinedExpression(
                                    models.F("prepayment_fen"), "-", models.F("open_fen")
                                ),
                                "-",
                                models.F("running_fen"),
                            ),
                        ),
                        ("why_not", ""),
                    ),
                    _connector="OR",
                ),
                name="fee_control_balance_adds_up",
            ),
        ),
        migrations.AddConstraint(
            model_name="feecontrolreceipt",
            constraint=models.UniqueConstraint(
                condition=models.Q(("what__in", ("accepted", "executed", "refused", "timeout", "withdrawn"))),
                fields=("command", "what"),
                name="one_receipt_of_a_kind",
            ),
        ),
        migrations.AddIndex(
            model_name="feecontrolstep",
            index=models.Index(fields=["account", "id"], name="fee_control_steps_of_account"),
        ),
        migrations.AddConstraint(
            model_name="feecontrolstep",
            constraint=models.CheckConstraint(
                condition=models.Q(("evidence", ""), _negated=True), name="fee_control_step_has_evidence"
            ),
        ),
        migrations.AddConstraint(
            model_name="feecontrolstep",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("channel", "phone"), _negated=True), ("by__isnull", False), _connector="OR"
                ),
                name="fee_control_call_has_a_caller",
            ),
        ),
        migrations.AddConstraint(
            model_name="feecontrolstep",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("credit_fen__gt", 0), ("period_start__isnull", False), ("what", "credit")),
                    models.Q(models.Q(("what", "credit"), _negated=True), ("credit_fen", 0)),
                    _connector="OR",
                ),
                name="only_credit_gives_credit",
            ),
        ),
        migrations.AddConstraint(
            model_name="feecontrolstep",
            constraint=models.UniqueConstraint(
                condition=models.Q(("what", "credit")),
                fields=("account", "period_start"),
                name="one_emergency_credit_a_period",
            ),
        ),
        migrations.AddIndex(
            model_name="feecontrolcommand",
            index=models.Index(
                condition=models.Q(("state__in", ("waiting", "sending", "unknown", "accepted"))),
                fields=["look_at"],
                name="fee_control_commands_due",
            ),
        ),
        migrations.AddIndex(
            model_name="feecontrolcommand",
            index=models.Index(fields=["account", "id"], name="fee_control_commands_of"),
        ),
        migrations.AddIndex(
            model_name="feecontrolcommand",
            index=models.Index(fields=["org_unit", "-id"], name="fee_control_commands_in"),
        ),
        migrations.AddConstraint(
            model_name="feecontrolcommand",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ("waiting", "sending", "unknown", "accepted"))),
                fields=("account", "kind"),
                name="one_open_command_of_a_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="feecontrolcommand",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "reconnect"), _negated=True),
                    models.Q(("undoes__isnull", False), ("due_at__isnull", False)),
                    _connector="OR",
                ),
                name="reconnection_undoes_a_stop_by_a_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="feecontrolcommand",
            constraint=models.CheckConstraint(
                condition=models.Q(("not_after__gt", models.F("ordered_at"))), name="command_has_time"
            ),
        ),
        migrations.AddConstraint(
            model_name="feecontrolcommand",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("ended_at__isnull", True),
                        ("look_at__isnull", False),
                        ("state__in", ("waiting", "sending", "unknown", "accepted")),
                    ),
                    models.Q(
                        ("ended_at__isnull", False),
                        ("look_at__isnull", True),
                        ("state__in", ("executed", "refused", "timeout", "withdrawn")),
                    ),
                    _connector="OR",
                ),
                name="open_command_is_looked_at",
            ),
        ),
        migrations.RunSQL(LAW, UNDO),
    ]
