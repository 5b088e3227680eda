"""The yearly list, shortages, plans, decisions, orders and receipts."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# What is evidence is written once; of a shortage only how far it is can move.
REVOKE = """
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON dsm_plan_cut, dsm_shortage_step, dsm_shed_order,
            dsm_order_receipt, dsm_shed_entry_change, dsm_shortage FROM dayingxiao_app;
        REVOKE DELETE, TRUNCATE, REFERENCES, TRIGGER ON dsm_shortage_plan, dsm_shed_list, dsm_shed_entry,
            dsm_feeder_cut FROM dayingxiao_app;
        GRANT UPDATE (state, job_id, chosen_id) ON dsm_shortage TO dayingxiao_app;
    END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("cis", "0008_capacity_changes"),
        ("dsm", "0001_loads"),
        ("shared", "0006_working_place"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="PlanCut",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("measure", models.CharField(max_length=16)),
                ("start_slot", models.SmallIntegerField()),
                ("end_slot", models.SmallIntegerField()),
                ("depth_permille", models.SmallIntegerField()),
                ("load_kw", django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), size=96)),
                ("security_kw", models.IntegerField()),
                ("process_pct", models.SmallIntegerField()),
                ("peak_cut_kw", models.IntegerField()),
                ("cut_kwh", models.IntegerField()),
                ("tier", models.SmallIntegerField()),
                ("group_no", models.SmallIntegerField()),
                ("burden_h", models.IntegerField()),
                (
                    "account",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.account"),
                ),
            ],
            options={
                "db_table": "dsm_plan_cut",
            },
        ),
        migrations.CreateModel(
            name="ShedList",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("year", models.SmallIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[("draft", "待批"), ("approved", "已批准"), ("replaced", "已被新名单替换")],
                        default="draft",
                        max_length=16,
                    ),
                ),
                ("authority", models.CharField(blank=True, max_length=100)),
                ("document_no", models.CharField(blank=True, max_length=100)),
                ("approved_on", models.DateField(blank=True, null=True)),
                ("made_at", models.DateTimeField()),
                (
                    "made_by",
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
            ],
            options={
                "db_table": "dsm_shed_list",
            },
        ),
        migrations.CreateModel(
            name="ShedEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("tier", models.SmallIntegerField()),
                ("protected_because", models.CharField(blank=True, max_length=100)),
                ("group_no", models.SmallIntegerField()),
                ("peak_kw", models.IntegerField()),
                ("measured_capacity_kva", models.IntegerField()),
                ("capacity_kva", models.IntegerField()),
                ("former_capacity_kva", models.IntegerField()),
                ("capacity_from_on", models.DateField(blank=True, null=True)),
                ("security_kw", models.IntegerField()),
                (
                    "security_source",
                    models.CharField(
                        choices=[("surveyed", "现场核定"), ("default", "未核定，按默认比例")], max_length=16
                    ),
                ),
                ("process_pct", models.SmallIntegerField()),
                ("sheddable_kw", models.IntegerField()),
                ("lead_h", models.SmallIntegerField(default=0)),
                ("is_key", models.BooleanField(default=False)),
                ("compensation_fen_kwh", models.IntegerField()),
                ("lost_output_fen_kwh", models.IntegerField()),
                ("burden_before_h", models.IntegerField(default=0)),
                ("computed_at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.account"),
                ),
                (
                    "shed_list",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="entries", to="dsm.shedlist"
                    ),
                ),
            ],
            options={
                "db_table": "dsm_shed_entry",
            },
        ),
        migrations.CreateModel(
            name="FeederCut",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("order_no", models.SmallIntegerField()),
                ("expected_kw", models.IntegerField()),
                ("households", models.IntegerField()),
                (
                    "feeder",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.feeder"),
                ),
                (
                    "shed_list",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="feeder_cuts", to="dsm.shedlist"
                    ),
                ),
            ],
            options={
                "db_table": "dsm_feeder_cut",
            },
        ),
        migrations.CreateModel(
            name="ShedOrder",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("notice_due_at", models.DateTimeField()),
                ("issued_at", models.DateTimeField()),
                (
                    "account",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.account"),
                ),
                (
                    "cut",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="order", to="dsm.plancut"
                    ),
                ),
                (
                    "issued_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "dsm_shed_order",
            },
        ),
        migrations.CreateModel(
            name="OrderReceipt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "how",
                    models.CharField(choices=[("portal", "网上营业厅确认"), ("telephone", "电话确认")], max_length=16),
                ),
                ("at", models.DateTimeField()),
                ("note", models.CharField(blank=True, max_length=200)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "order",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="receipt", to="dsm.shedorder"
                    ),
                ),
            ],
            options={
                "db_table": "dsm_order_receipt",
            },
        ),
        migrations.CreateModel(
            name="Shortage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("on_day", models.DateField()),
                ("cause", models.CharField(max_length=200)),
                (
                    "demand",
                    models.CharField(
                        choices=[("p50", "预测中值"), ("p90", "预测高值（90%）"), ("imported", "按时段录入")],
                        max_length=16,
                    ),
                ),
                ("forecast_issued_at", models.DateTimeField(blank=True, null=True)),
                ("demand_kw", django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), size=96)),
                ("supply_kw", django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), size=96)),
                ("gap_kw", django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), size=96)),
                ("level", models.CharField(max_length=4)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("drafted", "方案已拟"),
                            ("submitted", "已报批"),
                            ("authorised", "政府已批准"),
                            ("chosen", "已选定方案"),
                            ("issued", "指令已下达"),
                            ("withdrawn", "已撤销"),
                        ],
                        default="drafted",
                        max_length=16,
                    ),
                ),
                ("drafted_at", models.DateTimeField()),
                (
                    "drafted_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "job",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="shared.job",
                    ),
                ),
                (
                    "org_unit",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="shared.orgunit"
                    ),
                ),
                (
                    "shed_list",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="dsm.shedlist"),
                ),
            ],
            options={
                "db_table": "dsm_shortage",
            },
        ),
        migrations.AddField(
            model_name="shedorder",
            name="shortage",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="orders", to="dsm.shortage"
            ),
        ),
        migrations.CreateModel(
            name="ShortagePlan",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("strategy", models.CharField(max_length=32)),
                ("order_no", models.SmallIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "等待计算"),
                            ("complete", "计算完成"),
                            ("time-limit", "到时限，取已得结果"),
                            ("no-solution", "求解器没有给出结果，取贪心方案"),
                            ("killed", "求解器被终止，取贪心方案"),
                            ("failed", "求解器出错，取贪心方案"),
                        ],
                        default="waiting",
                        max_length=16,
                    ),
                ),
                ("figures", models.JSONField(default=dict)),
                (
                    "shed_kw",
                    django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), default=list, size=96),
                ),
                ("objective_fen", models.BigIntegerField(blank=True, null=True)),
                ("bound_fen", models.BigIntegerField(blank=True, null=True)),
                ("took_ms", models.IntegerField(default=0)),
                ("computed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "shortage",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="plans", to="dsm.shortage"
                    ),
                ),
                (
                    "worst_account",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="cis.account",
                    ),
                ),
            ],
            options={
                "db_table": "dsm_shortage_plan",
            },
        ),
        migrations.AddField(
            model_name="shortage",
            name="chosen",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="dsm.shortageplan",
            ),
        ),
        migrations.AddField(
            model_name="plancut",
            name="plan",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="cuts", to="dsm.shortageplan"
            ),
        ),
        migrations.CreateModel(
            name="ShortageStep",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("drafted", "拟定"),
                            ("submitted", "报批"),
                            ("authorised", "政府批准"),
                            ("chosen", "选定方案"),
                            ("issued", "下达指令"),
                            ("withdrawn", "撤销"),
                        ],
                        max_length=16,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("reasons", models.CharField(blank=True, max_length=1000)),
                ("authority", models.CharField(blank=True, max_length=100)),
                ("document_no", models.CharField(blank=True, max_length=100)),
                ("document_on", models.DateField(blank=True, null=True)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "plan",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="dsm.shortageplan",
                    ),
                ),
                (
                    "shortage",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="steps", to="dsm.shortage"
                    ),
                ),
            ],
            options={
                "db_table": "dsm_shortage_step",
            },
        ),
        migrations.CreateModel(
            name="ShedEntryChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("capacity_kva", models.IntegerField()),
                ("from_on", models.DateField()),
                ("sheddable_before_kw", models.IntegerField()),
                ("sheddable_kw", models.IntegerField()),
                ("computed_at", models.DateTimeField()),
                (
                    "entry",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="changes", to="dsm.shedentry"
                    ),
                ),
            ],
            options={
                "db_table": "dsm_shed_entry_change",
                "constraints": [
                    models.UniqueConstraint(fields=("entry", "from_on", "capacity_kva"), name="a_change_is_seen_once")
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="shedlist",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "approved")), fields=("year", "org_unit"), name="one_approved_list_a_year"
            ),
        ),
        migrations.AddConstraint(
            model_name="shedlist",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state", "draft"),
                    models.Q(
                        models.Q(("authority", ""), _negated=True),
                        models.Q(("document_no", ""), _negated=True),
                        ("approved_on__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="list_is_approved_by_somebody",
            ),
        ),
        migrations.AddIndex(
            model_name="shedentry",
            index=models.Index(fields=["account"], name="shed_entry_of_account"),
        ),
        migrations.AddConstraint(
            model_name="shedentry",
            constraint=models.UniqueConstraint(fields=("shed_list", "account"), name="account_stands_once_on_a_list"),
        ),
        migrations.AddConstraint(
            model_name="shedentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("tier__range", (1, 9)),
                    ("process_pct__range", (0, 100)),
                    ("burden_before_h__gte", 0),
                    ("lead_h__gte", 0),
                    ("peak_kw__gte", 0),
                    ("security_kw__gte", 0),
                    ("sheddable_kw__gte", 0),
                    ("capacity_kva__gt", 0),
                    ("former_capacity_kva__gt", 0),
                    ("measured_capacity_kva__gt", 0),
                    ("compensation_fen_kwh__gte", 0),
                    ("lost_output_fen_kwh__gte", 0),
                ),
                name="shed_entry_makes_sense",
            ),
        ),
        migrations.AddConstraint(
            model_name="shedentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("tier", 9), models.Q(("protected_because", ""), _negated=True)),
                    models.Q(("tier__lt", 9), ("protected_because", "")),
                    _connector="OR",
                ),
                name="protection_has_a_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="shedentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("tier__lt", 9), ("sheddable_kw", 0), _connector="OR"), name="protected_give_nothing"
            ),
        ),
        migrations.AddConstraint(
            model_name="feedercut",
            constraint=models.UniqueConstraint(fields=("shed_list", "order_no"), name="one_feeder_at_a_place"),
        ),
        migrations.AddConstraint(
            model_name="feedercut",
            constraint=models.UniqueConstraint(fields=("shed_list", "feeder"), name="a_feeder_stands_once"),
        ),
        migrations.AddConstraint(
            model_name="feedercut",
            constraint=models.CheckConstraint(
                condition=models.Q(("expected_kw__gte", 0), ("order_no__gt", 0)), name="feeder_cut_makes_sense"
            ),
        ),
        migrations.AddConstraint(
            model_name="orderreceipt",
            constraint=models.CheckConstraint(
                condition=models.Q(("how", "portal"), models.Q(("note", ""), _negated=True), _connector="OR"),
                name="a_telephone_receipt_says_who_answered",
            ),
        ),
        migrations.AddIndex(
            model_name="shedorder",
            index=models.Index(fields=["account", "-starts_at"], name="shed_order_of_account"),
        ),
        migrations.AddConstraint(
            model_name="shedorder",
            constraint=models.UniqueConstraint(fields=("shortage", "account"), name="one_order_a_shortage"),
        ),
        migrations.AddConstraint(
            model_name="shedorder",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_at__gt", models.F("starts_at"))), name="order_lasts"
            ),
        ),
        migrations.AddConstraint(
            model_name="shortageplan",
            constraint=models.UniqueConstraint(fields=("shortage", "strategy"), name="one_plan_a_strategy"),
        ),
        migrations.AddConstraint(
            model_name="shortageplan",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("computed_at__isnull", True), ("state", "waiting")),
                    models.Q(
                        models.Q(("state", "waiting"), _negated=True),
                        ("computed_at__isnull", False),
                        ("shed_kw__len", 96),
                    ),
                    _connector="OR",
                ),
                name="a_computed_plan_is_there",
            ),
        ),
        migrations.AddIndex(
            model_name="shortage",
            index=models.Index(fields=["-on_day", "-id"], name="shortage_by_day"),
        ),
        migrations.AddConstraint(
            model_name="shortage",
            constraint=models.CheckConstraint(
                condition=models.Q(("demand_kw__len", 96), ("gap_kw__len", 96), ("supply_kw__len", 96)),
                name="shortage_has_96_slots",
            ),
        ),
        migrations.AddConstraint(
            model_name="shortage",
            constraint=models.CheckConstraint(
                condition=models.Q(models.Q(("cause", ""), _negated=True), ("level__in", ("I", "II", "III", "IV"))),
                name="shortage_has_a_cause",
            ),
        ),
        migrations.AddConstraint(
            model_name="shortage",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("chosen__isnull", False), ("state__in", ("chosen", "issued"))),
                    models.Q(models.Q(("state__in", ("chosen", "issued")), _negated=True), ("chosen__isnull", True)),
                    _connector="OR",
                ),
                name="a_chosen_shortage_has_its_plan",
            ),
        ),
        migrations.AddIndex(
            model_name="plancut",
            index=models.Index(fields=["account"], name="plan_cut_of_account"),
        ),
        migrations.AddConstraint(
            model_name="plancut",
            constraint=models.UniqueConstraint(fields=("plan", "account"), name="one_cut_a_customer"),
        ),
        migrations.AddConstraint(
            model_name="plancut",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("end_slot__lte", 96),
                    ("start_slot__gte", 0),
                    ("start_slot__lt", models.F("end_slot")),
                    ("depth_permille__range", (1, 1000)),
                    ("load_kw__len", 96),
                    ("cut_kwh__gte", 0),
                    ("peak_cut_kw__gt", 0),
                ),
                name="plan_cut_makes_sense",
            ),
        ),
        migrations.AddConstraint(
            model_name="plancut",
            constraint=models.CheckConstraint(
                condition=models.Q(("tier__range", (1, 8))), name="the_protected_are_never_cut"
            ),
        ),
        migrations.AddConstraint(
            model_name="shortagestep",
            constraint=models.UniqueConstraint(fields=("shortage", "kind"), name="each_step_is_taken_once"),
        ),
        migrations.AddConstraint(
            model_name="shortagestep",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "authorised"), _negated=True),
                    models.Q(
                        models.Q(("authority", ""), _negated=True),
                        models.Q(("document_no", ""), _negated=True),
                        ("document_on__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="an_approval_has_its_document",
            ),
        ),
        migrations.AddConstraint(
            model_name="shortagestep",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind__in", ("chosen", "withdrawn")), _negated=True),
                    models.Q(("reasons", ""), _negated=True),
                    _connector="OR",
                ),
                name="a_choice_has_reasons",
            ),
        ),
        migrations.RunSQL(REVOKE, migrations.RunSQL.noop),
    ]
