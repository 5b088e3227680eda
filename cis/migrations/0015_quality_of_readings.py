"""Quality of readings: curves have a state and a quality, edits of curves are kept, limits are a unit's own."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.comparison
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

# What the house writes itself is accepted; an import says that its days are pending.
CURVES = """
ALTER TABLE cis_interval_day
    ADD COLUMN state smallint NOT NULL DEFAULT 1 CHECK (state IN (0, 1, 2)),
    ADD COLUMN quality smallint[] CHECK (array_length(quality, 1) = 96);
CREATE INDEX interval_day_not_accepted ON cis_interval_day (point_id) WHERE state <> 1;
"""
CURVES_BACK = """
DROP INDEX interval_day_not_accepted;
ALTER TABLE cis_interval_day DROP COLUMN state, DROP COLUMN quality;
"""

EDITS = """
CREATE TRIGGER cis_curve_edit_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON cis_curve_edit
FOR EACH STATEMENT EXECUTE FUNCTION cis_refuse_change();
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        REVOKE UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON cis_curve_edit FROM dayingxiao_app;
    END IF;
END $$;
"""
EDITS_BACK = "DROP TRIGGER cis_curve_edit_is_final ON cis_curve_edit;"


class Migration(migrations.Migration):
    """One table, and columns of four."""

    dependencies = [
        ("cis", "0014_collecting"),
        ("shared", "0006_working_place"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CurveEdit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "register",
                    models.SmallIntegerField(
                        choices=[
                            (1, "total"),
                            (2, "sharp"),
                            (3, "peak"),
                            (4, "flat"),
                            (5, "valley"),
                            (6, "deep_valley"),
                            (11, "export_total"),
                            (12, "export_sharp"),
                            (13, "export_peak"),
                            (14, "export_flat"),
                            (15, "export_valley"),
                            (16, "export_deep_valley"),
                            (21, "reactive_import"),
                            (22, "reactive_export"),
                            (31, "demand"),
                        ]
                    ),
                ),
                ("day", models.DateField()),
                ("before_wh", django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), size=96)),
                ("after_wh", django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), size=96)),
                (
                    "quality_before",
                    django.contrib.postgres.fields.ArrayField(base_field=models.SmallIntegerField(), size=96),
                ),
                (
                    "quality_after",
                    django.contrib.postgres.fields.ArrayField(base_field=models.SmallIntegerField(), size=96),
                ),
                ("method", models.CharField(max_length=32)),
                ("reason", models.TextField()),
                ("edited_at", models.DateTimeField()),
            ],
            options={
                "db_table": "cis_curve_edit",
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="validationthresholds",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="validationthresholds",
            name="update_update",
        ),
        migrations.RemoveConstraint(
            model_name="readingdoubt",
            name="one_open_doubt_per_reading",
        ),
        migrations.RemoveConstraint(
            model_name="validationthresholds",
            name="one_set_of_thresholds",
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(CURVES, CURVES_BACK)],
            state_operations=[
                migrations.AddField(
                    model_name="intervalday",
                    name="quality",
                    field=django.contrib.postgres.fields.ArrayField(
                        base_field=models.SmallIntegerField(), blank=True, null=True, size=96
                    ),
                ),
                migrations.AddField(
                    model_name="intervalday",
                    name="state",
                    field=models.SmallIntegerField(choices=[(0, "待审核"), (1, "已采信"), (2, "存疑")], default=1),
                ),
            ],
        ),
        migrations.AddField(
            model_name="readingdoubt",
            name="subject",
            field=models.CharField(
                choices=[("register", "示数"), ("curve", "负荷曲线"), ("use", "用电异常")],
                db_default="register",
                default="register",
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="validationthresholds",
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
            model_name="validationthresholds",
            name="set_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="validationthresholds",
            name="set_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="validationthresholdsevent",
            name="org_unit",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to="shared.orgunit",
            ),
        ),
        migrations.AddField(
            model_name="validationthresholdsevent",
            name="set_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="validationthresholdsevent",
            name="set_by",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                related_query_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="readingdoubt",
            name="resolution",
            field=models.CharField(
                blank=True,
                choices=[
                    ("accepted", "采信"),
                    ("corrected", "更正"),
                    ("estimated", "估算"),
                    ("reread", "重抄"),
                    ("inspected", "转用电检查"),
                ],
                max_length=16,
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="validationthresholds",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "cis_validationthresholdsevent" ("id", "org_unit_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "set_at", "set_by_id", "source", "valid", "values") VALUES (NEW."id", NEW."org_unit_id", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."set_at", NEW."set_by_id", NEW."source", NEW."valid", NEW."values"); RETURN NULL;',
                    hash="4163e610d06a926c04b391d3cb3046ee8fec3417",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_69752",
                    table="cis_validation_thresholds",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="validationthresholds",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "cis_validationthresholdsevent" ("id", "org_unit_id", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "set_at", "set_by_id", "source", "valid", "values") VALUES (NEW."id", NEW."org_unit_id", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."set_at", NEW."set_by_id", NEW."source", NEW."valid", NEW."values"); RETURN NULL;',
                    hash="ac5ba3930fceadd3cca488dc1176d1e447591470",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_e1b1b",
                    table="cis_validation_thresholds",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="readingdoubt",
            constraint=models.UniqueConstraint(
                condition=models.Q(("resolved_at__isnull", True)),
                fields=("installation", "register", "read_on", "subject"),
                name="one_open_doubt_per_reading",
            ),
        ),
        migrations.AddConstraint(
            model_name="validationthresholds",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[
                    (django.db.models.functions.comparison.Coalesce("org_unit", models.Value(0)), "="),
                    ("valid", "&&"),
                ],
                name="one_set_of_thresholds",
            ),
        ),
        migrations.AddConstraint(
            model_name="validationthresholds",
            constraint=models.CheckConstraint(
                condition=models.Q(("source", ""), _negated=True), name="thresholds_have_a_source"
            ),
        ),
        migrations.AddField(
            model_name="curveedit",
            name="edited_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="curveedit",
            name="point",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.meteringpoint"
            ),
        ),
        migrations.AddIndex(
            model_name="curveedit",
            index=models.Index(fields=["point", "day"], name="curve_edit_of"),
        ),
        migrations.AddConstraint(
            model_name="curveedit",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="curve_edit_has_a_reason"
            ),
        ),
        migrations.RunSQL(EDITS, EDITS_BACK),
    ]
