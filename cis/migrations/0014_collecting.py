"""Collecting: rules, cases with their steps, protections, quiet times, reconnections; the law of a cut."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FORWARD = """
CREATE FUNCTION cis_cut_is_lawful() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    c cis_arrears_case;
    r cis_disconnection_rule;
    approved cis_arrears_step;
    printed cis_arrears_step;
    served cis_arrears_step;
    told cis_arrears_step;
    here timestamp := NEW.at AT TIME ZONE 'Asia/Shanghai';
    since bigint;
    due date;
BEGIN
    SELECT * INTO c FROM cis_arrears_case WHERE id = NEW.case_id FOR UPDATE;
    SELECT * INTO r FROM cis_disconnection_rule WHERE id = NEW.rule_id;
    IF r.id IS NULL OR r.is_residential <> c.is_residential OR NOT r.valid @> here::date THEN
        RAISE EXCEPTION 'the rule of a cut must be in force for its class' USING ERRCODE = 'DY020';
    END IF;
    IF NEW.at > clock_timestamp() + interval '10 minutes' THEN
        RAISE EXCEPTION 'a cut cannot be written down ahead' USING ERRCODE = 'DY020';
    END IF;
    -- What was written before the last payment, stop or reconnection does not count any more.
    SELECT coalesce(max(id), 0) INTO since FROM cis_arrears_step
    WHERE case_id = c.id AND what IN ('payment', 'stopped', 'restored');
    IF EXISTS (SELECT 1 FROM cis_arrears_step WHERE case_id = c.id AND what = 'cut' AND id > since) THEN
        RAISE EXCEPTION 'supply is away already' USING ERRCODE = 'DY020';
    END IF;
    SELECT min(b.due_on) INTO due FROM cis_bill b
    WHERE b.account_id = c.account_id AND b.open_fen > 0 AND b.due_on < here::date;
    IF due IS NULL OR here::date - due <= r.overdue_more_than_days THEN
        RAISE EXCEPTION 'nothing has been overdue for more than % days', r.overdue_more_than_days
            USING ERRCODE = 'DY020';
    END IF;
    IF EXISTS (SELECT 1 FROM cis_bill_dispute WHERE account_id = c.account_id AND closed_at IS NULL) THEN
        RAISE EXCEPTION 'a dispute is open' USING ERRCODE = 'DY020';
    END IF;
    IF EXISTS (SELECT 1 FROM cis_protection p WHERE p.account_id = c.account_id AND p.kind <> 'important'
               AND p.ended_at IS NULL AND p.from_on <= here::date
               AND (p.until_on IS NULL OR p.until_on >= here::date)) THEN
        RAISE EXCEPTION 'the account is protected' USING ERRCODE = 'DY020';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM cis_arrears_step WHERE case_id = c.id AND what = 'cause') THEN
        RAISE EXCEPTION 'the cause of the arrears is not known' USING ERRCODE = 'DY020';
    END IF;
    SELECT * INTO approved FROM cis_arrears_step
    WHERE case_id = c.id AND what = 'approved' AND id > since ORDER BY id DESC LIMIT 1;
    IF approved.id IS NULL OR NOT EXISTS (
        SELECT 1 FROM shared_approval a WHERE a.id = approved.approval_id AND a.kind = 'cis.disconnect'
        AND a.state = 'carried-out' AND a.decided_by_id = approved.by_id AND a.asked_by_id = approved.asked_by_id
        AND a.payload ->> 'case_id' = c.id::text
    ) THEN
        RAISE EXCEPTION 'nobody else has approved' USING ERRCODE = 'DY020';
    END IF;
    IF (SELECT count(*) FROM cis_arrears_step WHERE case_id = c.id AND what = 'demand'
        AND at <= approved.at - make_interval(days => r.days_after_demand_min)) < r.demands_min THEN
        RAISE EXCEPTION 'the debt was not demanded in time' USING ERRCODE = 'DY020';
    END IF;
    SELECT * INTO printed FROM cis_arrears_step
    WHERE case_id = c.id AND what = 'notice-printed' AND id > approved.id ORDER BY id DESC LIMIT 1;
    SELECT * INTO served FROM cis_arrears_step
    WHERE case_id = c.id AND what = 'notice-served' AND id > printed.id ORDER BY id DESC LIMIT 1;
    IF served.id IS NULL OR served.at > printed.announced_at - make_interval(days => r.notice_days_min)
       OR served.at < printed.announced_at - make_interval(days => r.notice_days_max) THEN
        RAISE EXCEPTION 'no notice was served in time' USING ERRCODE = 'DY020';
    END IF;
    SELECT * INTO told FROM cis_arrears_step
    WHERE case_id = c.id AND what = 'short-notice' AND id > served.id ORDER BY id DESC LIMIT 1;
    IF told.id IS NULL OR told.at > NEW.at - make_interval(mins => r.short_notice_minutes_min) THEN
        RAISE EXCEPTION 'nobody was told shortly before' USING ERRCODE = 'DY020';
    END IF;
    IF NEW.at < printed.announced_at
       OR NEW.at > printed.announced_at + make_interval(mins => r.cut_window_minutes) THEN
        RAISE EXCEPTION 'this is not the announced time' USING ERRCODE = 'DY020';
    END IF;
    IF here::time < r.cut_from OR here::time >= r.cut_until THEN
        RAISE EXCEPTION 'not at night' USING ERRCODE = 'DY020';
    END IF;
    IF EXISTS (SELECT 1 FROM cis_quiet_time q JOIN shared_org_unit o ON o.id = q.org_unit_id
               JOIN shared_org_unit mine ON mine.id = c.org_unit_id
               WHERE mine.path LIKE o.path || '%' AND q.lasts @> NEW.at) THEN
        RAISE EXCEPTION 'nobody is cut off in these days' USING ERRCODE = 'DY020';
    END IF;
    IF EXISTS (SELECT 1 FROM cis_protection p WHERE p.account_id = c.account_id AND p.kind = 'important'
               AND p.ended_at IS NULL AND p.from_on <= here::date
               AND (p.until_on IS NULL OR p.until_on >= here::date))
       AND NOT EXISTS (SELECT 1 FROM cis_arrears_step WHERE case_id = c.id AND what = 'authority-informed'
                       AND id > since) THEN
        RAISE EXCEPTION 'the authority was not informed' USING ERRCODE = 'DY020';
    END IF;
    IF cis_homes_behind(c.account_id, here::date) > 0
       AND NOT EXISTS (SELECT 1 FROM cis_arrears_step WHERE case_id = c.id AND what = 'homes-kept' AND id > since) THEN
        RAISE EXCEPTION 'homes would lose supply' USING ERRCODE = 'DY020';
    END IF;
    RETURN NEW;
END $$;

-- Homes of other accounts behind the same customer's own transformer: they lose supply with it.
CREATE FUNCTION cis_homes_behind(of_account bigint, on_day date) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT count(DISTINCT other.id)
    FROM cis_account a JOIN cis_premise p ON p.id = a.premise_id
    JOIN cis_transformer_district d ON d.id = p.transformer_district_id AND d.is_dedicated
    JOIN cis_premise beside ON beside.transformer_district_id = d.id
    JOIN cis_account other ON other.premise_id = beside.id AND other.id <> a.id AND other.state = 'open'
    JOIN cis_supply_contract s ON s.account_id = other.id AND s.valid @> on_day AND s.price_class = 1
    WHERE a.id = of_account
$$;

CREATE TRIGGER cis_arrears_cut_is_lawful BEFORE INSERT ON cis_arrears_step
FOR EACH ROW WHEN (NEW.what = 'cut') EXECUTE FUNCTION cis_cut_is_lawful();
CREATE TRIGGER cis_arrears_step_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON cis_arrears_step
FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON cis_arrears_step FROM dayingxiao_app;
    END IF;
END $$;
"""

BACKWARD = """
DROP TRIGGER cis_arrears_step_is_final ON cis_arrears_step;
DROP TRIGGER cis_arrears_cut_is_lawful ON cis_arrears_step;
DROP FUNCTION cis_cut_is_lawful();
DROP FUNCTION cis_homes_behind(bigint, date);
"""


class Migration(migrations.Migration):
    """Six tables and the trigger that judges a cut."""

    dependencies = [
        ("cis", "0013_two_part_bills"),
        ("shared", "0006_working_place"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ArrearsCase",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("is_residential", models.BooleanField()),
                ("opened_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "cause",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("forgotten", "忘记或不知道"),
                            ("unreached", "账单、短信没有收到"),
                            ("cash", "资金周转困难"),
                            ("poverty", "家庭生活困难"),
                            ("disagrees", "对电费有意见"),
                            ("moved", "已搬走或租户换人"),
                            ("closed-down", "停产、歇业或破产"),
                            ("refuses", "有能力而拒交"),
                            ("our-fault", "我方差错"),
                        ],
                        max_length=16,
                    ),
                ),
                ("stage", models.CharField(default="overdue", max_length=24)),
                ("overdue_fen", models.BigIntegerField()),
                ("oldest_due_on", models.DateField()),
                ("looked_on", models.DateField()),
                (
                    "account",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.account"),
                ),
                (
                    "org_unit",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="shared.orgunit"
                    ),
                ),
            ],
            options={
                "db_table": "cis_arrears_case",
            },
        ),
        migrations.CreateModel(
            name="DisconnectionRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=32)),
                ("province", models.CharField(blank=True, max_length=50)),
                ("is_residential", models.BooleanField()),
                ("valid", django.contrib.postgres.fields.ranges.DateRangeField()),
                ("overdue_more_than_days", models.SmallIntegerField()),
                ("demands_min", models.SmallIntegerField()),
                ("days_after_demand_min", models.SmallIntegerField()),
                ("notice_days_min", models.SmallIntegerField()),
                ("notice_days_max", models.SmallIntegerField(blank=True, null=True)),
                ("short_notice_minutes_min", models.SmallIntegerField()),
                ("short_notice_minutes_max", models.SmallIntegerField()),
                ("cut_window_minutes", models.SmallIntegerField()),
                ("cut_from", models.TimeField()),
                ("cut_until", models.TimeField()),
                ("quiet_days_before_closed", models.SmallIntegerField()),
                ("restore_hours", models.SmallIntegerField()),
                ("source", models.TextField()),
                ("confidence", models.TextField()),
            ],
            options={
                "db_table": "cis_disconnection_rule",
                "constraints": [
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        expressions=[
                            ("province", "="),
                            (models.Func("is_residential", function="int4"), "="),
                            ("valid", "&&"),
                        ],
                        name="one_disconnection_rule_at_a_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("overdue_more_than_days__gte", 30),
                            ("demands_min__gte", 1),
                            ("days_after_demand_min__gte", 0),
                            ("notice_days_min__gte", 3),
                            ("short_notice_minutes_min__gte", 30),
                            ("short_notice_minutes_max__gte", models.F("short_notice_minutes_min")),
                            ("cut_window_minutes__gte", models.F("short_notice_minutes_min")),
                            ("cut_until__gt", models.F("cut_from")),
                            ("restore_hours__gt", 0),
                            models.Q(("source", ""), _negated=True),
                        ),
                        name="disconnection_rule_within_the_nation",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ArrearsStep",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "what",
                    models.CharField(
                        choices=[
                            ("cause", "认定欠费原因"),
                            ("demand", "催交"),
                            ("approved", "批准停电"),
                            ("notice-printed", "停电通知书"),
                            ("authority-informed", "报送电力管理部门"),
                            ("homes-kept", "保住居民用电"),
                            ("notice-served", "通知书送达"),
                            ("short-notice", "停电前再次通知"),
                            ("cut", "停电"),
                            ("restored", "恢复供电"),
                            ("payment", "交费"),
                            ("stopped", "中止"),
                            ("lifted", "中止解除"),
                        ],
                        max_length=24,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("channel", models.CharField(blank=True, max_length=16)),
                ("evidence", models.CharField(max_length=300)),
                ("announced_at", models.DateTimeField(blank=True, null=True)),
                ("source_key", models.CharField(blank=True, max_length=64)),
                (
                    "approval",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="shared.approval",
                    ),
                ),
                (
                    "asked_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
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
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="steps", to="cis.arrearscase"
                    ),
                ),
                (
                    "rule",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="cis.disconnectionrule",
                    ),
                ),
            ],
            options={
                "db_table": "cis_arrears_step",
            },
        ),
        migrations.CreateModel(
            name="Protection",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("important", "重要用户"),
                            ("life-support", "家中有生命支持设备"),
                            ("low-income", "低保、五保户"),
                            ("hardship", "困难缓交"),
                            ("welfare-home", "福利、养老机构"),
                            ("exam", "学校考试期间"),
                            ("shared-meter", "总表户（会影响已交费的人）"),
                        ],
                        max_length=16,
                    ),
                ),
                ("basis", models.CharField(max_length=200)),
                ("from_on", models.DateField()),
                ("until_on", models.DateField(blank=True, null=True)),
                ("set_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("end_reason", models.CharField(blank=True, max_length=200)),
                (
                    "account",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.account"),
                ),
                (
                    "approval",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="shared.approval",
                    ),
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
                    "set_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "cis_protection",
            },
        ),
        migrations.CreateModel(
            name="QuietTime",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("weather", "极端天气"), ("exam", "考试"), ("other", "其他")], max_length=16
                    ),
                ),
                ("lasts", django.contrib.postgres.fields.ranges.DateTimeRangeField()),
                ("reason", models.CharField(max_length=200)),
                ("set_at", models.DateTimeField()),
                (
                    "org_unit",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="shared.orgunit"
                    ),
                ),
                (
                    "set_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "cis_quiet_time",
            },
        ),
        migrations.CreateModel(
            name="ReconnectionOrder",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("paid_at", models.DateTimeField()),
                ("ordered_at", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                ("done_at", models.DateTimeField(blank=True, null=True)),
                (
                    "case",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.arrearscase"
                    ),
                ),
                (
                    "cut",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.arrearsstep"
                    ),
                ),
            ],
            options={
                "db_table": "cis_reconnection_order",
            },
        ),
        migrations.AddIndex(
            model_name="arrearscase",
            index=models.Index(
                condition=models.Q(("closed_at__isnull", True)),
                fields=["org_unit", "oldest_due_on", "id"],
                name="open_cases_of_unit",
            ),
        ),
        migrations.AddConstraint(
            model_name="arrearscase",
            constraint=models.UniqueConstraint(
                condition=models.Q(("closed_at__isnull", True)), fields=("account",), name="one_open_arrears_case"
            ),
        ),
        migrations.AddConstraint(
            model_name="arrearscase",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("overdue_fen__gt", 0), ("closed_at__isnull", False), ("stage", "cut"), _connector="OR"
                ),
                name="open_case_owes_or_is_cut",
            ),
        ),
        migrations.AddIndex(
            model_name="arrearsstep",
            index=models.Index(fields=["case", "id"], name="steps_of_arrears_case"),
        ),
        migrations.AddConstraint(
            model_name="arrearsstep",
            constraint=models.CheckConstraint(
                condition=models.Q(("evidence", ""), _negated=True), name="arrears_step_has_evidence"
            ),
        ),
        migrations.AddConstraint(
            model_name="arrearsstep",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("what", "approved"), _negated=True),
                    models.Q(
                        ("approval__isnull", False),
                        ("by__isnull", False),
                        ("asked_by__isnull", False),
                        models.Q(("by", models.F("asked_by")), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="disconnection_approved_by_another_person",
            ),
        ),
        migrations.AddConstraint(
            model_name="arrearsstep",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("what", "notice-printed"), _negated=True),
                    ("announced_at__isnull", False),
                    _connector="OR",
                ),
                name="disconnection_notice_names_a_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="arrearsstep",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("what", "cut"), _negated=True),
                    models.Q(("rule__isnull", False), ("by__isnull", False)),
                    _connector="OR",
                ),
                name="cut_names_its_rule_and_person",
            ),
        ),
        migrations.AddConstraint(
            model_name="arrearsstep",
            constraint=models.UniqueConstraint(
                condition=models.Q(("source_key", ""), _negated=True),
                fields=("case", "what", "source_key"),
                name="arrears_happening_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="protection",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)),
                fields=("account", "kind"),
                name="one_protection_of_a_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="protection",
            constraint=models.CheckConstraint(
                condition=models.Q(("basis", ""), _negated=True), name="protection_has_basis"
            ),
        ),
        migrations.AddConstraint(
            model_name="protection",
            constraint=models.CheckConstraint(
                condition=models.Q(("until_on__isnull", True), ("until_on__gte", models.F("from_on")), _connector="OR"),
                name="protection_ends_after_it_begins",
            ),
        ),
        migrations.AddConstraint(
            model_name="protection",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ended_at__isnull", True),
                    models.Q(
                        ("ended_by__isnull", False),
                        ("approval__isnull", False),
                        models.Q(("end_reason", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="protection_ended_by_approval",
            ),
        ),
        migrations.AddConstraint(
            model_name="quiettime",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("reason", ""), _negated=True),
                    ("lasts__startswith__isnull", False),
                    ("lasts__endswith__isnull", False),
                ),
                name="quiet_time_says_why_and_how_long",
            ),
        ),
        migrations.AddIndex(
            model_name="reconnectionorder",
            index=models.Index(
                condition=models.Q(("done_at__isnull", True)), fields=["due_at"], name="open_reconnections"
            ),
        ),
        migrations.AddConstraint(
            model_name="reconnectionorder",
            constraint=models.CheckConstraint(
                condition=models.Q(("due_at__gt", models.F("paid_at"))), name="reconnection_has_time"
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
