"""Limits on use, the generation meter of a plant, and what is wrong with plants."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

FORWARD = """
CREATE TRIGGER cis_use_limit_notice_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON cis_use_limit_notice
FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
CREATE TRIGGER cis_plant_alert_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON cis_plant_alert
FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON cis_use_limit_notice, cis_plant_alert
            FROM dayingxiao_app;
        REVOKE UPDATE, DELETE, TRUNCATE ON cis_use_limit FROM dayingxiao_app;
        GRANT UPDATE (ended_at) ON cis_use_limit TO dayingxiao_app;
    END IF;
END $$;
"""
BACKWARD = """
DROP TRIGGER cis_plant_alert_is_final ON cis_plant_alert;
DROP TRIGGER cis_use_limit_notice_is_final ON cis_use_limit_notice;
"""


class Migration(migrations.Migration):
    """Three tables, two of which are written once; a column of a plant."""

    dependencies = [
        ("cis", "0039_reading_photos"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="PlantAlert",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("output", "出力超过登记容量"),
                            ("reverse", "上网功率超过登记容量"),
                            ("nothing", "该发电的日子没有发电"),
                        ],
                        max_length=8,
                    ),
                ),
                ("measured", models.BigIntegerField()),
                ("bound", models.BigIntegerField()),
                ("noted_at", models.DateTimeField()),
            ],
            options={
                "db_table": "cis_plant_alert",
            },
        ),
        migrations.CreateModel(
            name="UseLimit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("measure", models.CharField(choices=[("kwh", "用电量"), ("yuan", "电费")], max_length=8)),
                ("amount", models.BigIntegerField()),
                ("warn_percent", models.SmallIntegerField()),
                ("by_utility", models.BooleanField()),
                ("reason", models.TextField(blank=True)),
                ("set_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "db_table": "cis_use_limit",
            },
        ),
        migrations.CreateModel(
            name="UseLimitNotice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("period_start", models.DateField()),
                ("stage", models.CharField(choices=[("warning", "快到限额"), ("crossed", "超过限额")], max_length=8)),
                ("used", models.BigIntegerField()),
                ("known_until", models.DateField()),
                ("noted_at", models.DateTimeField()),
            ],
            options={
                "db_table": "cis_use_limit_notice",
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="solarplant",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="solarplant",
            name="update_update",
        ),
        migrations.AddField(
            model_name="solarplant",
            name="generation_point",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="cis.meteringpoint",
            ),
        ),
        migrations.AddField(
            model_name="solarplantevent",
            name="generation_point",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="cis.meteringpoint",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="solarplant",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "cis_solarplantevent" ("account_id", "bank", "capacity_kw_e2", "card_last4", "closed_on", "connected_on", "generation_point_id", "id", "kind", "payee", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "version") VALUES (NEW."account_id", NEW."bank", NEW."capacity_kw_e2", NEW."card_last4", NEW."closed_on", NEW."connected_on", NEW."generation_point_id", NEW."id", NEW."kind", NEW."payee", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."version"); RETURN NULL;',
                    hash="3667f83cc72582105279deb46c4fbfe0d15f3e82",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_9137e",
                    table="cis_solar_plant",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="solarplant",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."account_id" IS DISTINCT FROM (NEW."account_id") OR OLD."bank" IS DISTINCT FROM (NEW."bank") OR OLD."capacity_kw_e2" IS DISTINCT FROM (NEW."capacity_kw_e2") OR OLD."card_last4" IS DISTINCT FROM (NEW."card_last4") OR OLD."closed_on" IS DISTINCT FROM (NEW."closed_on") OR OLD."connected_on" IS DISTINCT FROM (NEW."connected_on") OR OLD."generation_point_id" IS DISTINCT FROM (NEW."generation_point_id") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."kind" IS DISTINCT FROM (NEW."kind") OR OLD."payee" IS DISTINCT FROM (NEW."payee") OR OLD."version" IS DISTINCT FROM (NEW."version"))',
                    func='INSERT INTO "cis_solarplantevent" ("account_id", "bank", "capacity_kw_e2", "card_last4", "closed_on", "connected_on", "generation_point_id", "id", "kind", "payee", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "version") VALUES (NEW."account_id", NEW."bank", NEW."capacity_kw_e2", NEW."card_last4", NEW."closed_on", NEW."connected_on", NEW."generation_point_id", NEW."id", NEW."kind", NEW."payee", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."version"); RETURN NULL;',
                    hash="e4e33f0aac8a473c6c04531c24b7fb8f2498f250",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_d5db8",
                    table="cis_solar_plant",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddField(
            model_name="plantalert",
            name="plant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="alerts", to="cis.solarplant"
            ),
        ),
        migrations.AddField(
            model_name="uselimit",
            name="account",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.account"),
        ),
        migrations.AddField(
            model_name="uselimit",
            name="set_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="uselimitnotice",
            name="limit",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="notices", to="cis.uselimit"
            ),
        ),
        migrations.AddIndex(
            model_name="plantalert",
            index=models.Index(fields=["-day"], name="plant_alerts_newest"),
        ),
        migrations.AddConstraint(
            model_name="plantalert",
            constraint=models.UniqueConstraint(fields=("plant", "day", "kind"), name="plant_alert_once_a_day"),
        ),
        migrations.AddConstraint(
            model_name="uselimit",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)),
                fields=("account", "measure", "by_utility"),
                name="one_use_limit_of_a_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="uselimit",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gt", 0), ("warn_percent__gt", 0), ("warn_percent__lt", 100)),
                name="use_limit_is_a_limit",
            ),
        ),
        migrations.AddConstraint(
            model_name="uselimit",
            constraint=models.CheckConstraint(
                condition=models.Q(("by_utility", False), models.Q(("reason", ""), _negated=True), _connector="OR"),
                name="utility_says_why_it_limits",
            ),
        ),
        migrations.AddConstraint(
            model_name="uselimitnotice",
            constraint=models.UniqueConstraint(
                fields=("limit", "period_start", "stage"), name="limit_told_once_a_period"
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
