"""Orders can be called back, and those that stand cut a customer once a day; plans say of what data they were made."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

PRIVILEGES = """
DO $$ BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'dayingxiao_app') THEN
        GRANT UPDATE (called_back_at, called_back_by_id, call_back_reason) ON dsm_shed_order TO dayingxiao_app;
    END IF;
END $$;
"""
ONCE = """
CREATE FUNCTION dsm_refuse_second_call_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an order is called back once (%)', OLD.id USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER dsm_shed_order_is_called_back_once BEFORE UPDATE ON dsm_shed_order
    FOR EACH ROW WHEN (OLD.called_back_at IS NOT NULL) EXECUTE FUNCTION dsm_refuse_second_call_back();
"""
NOT_ONCE = """
DROP TRIGGER dsm_shed_order_is_called_back_once ON dsm_shed_order;
DROP FUNCTION dsm_refuse_second_call_back();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("dsm", "0003_measured_peak"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="shortage", name="a_chosen_shortage_has_its_plan"),
        migrations.RemoveConstraint(model_name="shortagestep", name="a_choice_has_reasons"),
        migrations.AlterField(
            model_name="shortage",
            name="state",
            field=models.CharField(
                choices=[
                    ("drafted", "方案已拟"),
                    ("submitted", "已报批"),
                    ("authorised", "政府已批准"),
                    ("chosen", "已选定方案"),
                    ("issued", "指令已下达"),
                    ("called-back", "指令已收回"),
                    ("withdrawn", "已撤销"),
                ],
                default="drafted",
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="shortagestep",
            name="kind",
            field=models.CharField(
                choices=[
                    ("drafted", "拟定"),
                    ("submitted", "报批"),
                    ("authorised", "政府批准"),
                    ("chosen", "选定方案"),
                    ("issued", "下达指令"),
                    ("called-back", "收回指令"),
                    ("withdrawn", "撤销"),
                ],
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="shortageplan",
            name="digest",
            field=models.CharField(blank=True, default="", max_length=64),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="plancut", name="capacity_kva", field=models.IntegerField(default=0), preserve_default=False
        ),
        migrations.AddField(
            model_name="plancut", name="notice_min", field=models.IntegerField(default=0), preserve_default=False
        ),
        migrations.AddField(
            model_name="shedorder", name="called_back_at", field=models.DateTimeField(blank=True, null=True)
        ),
        migrations.AddField(
            model_name="shedorder",
            name="called_back_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="shedorder",
            name="call_back_reason",
            field=models.CharField(blank=True, default="", max_length=1000),
            preserve_default=False,
        ),
        migrations.AddConstraint(
            model_name="shortage",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("chosen__isnull", False), ("state__in", ("chosen", "issued", "called-back"))),
                    models.Q(
                        models.Q(("state__in", ("chosen", "issued", "called-back")), _negated=True),
                        ("chosen__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="a_chosen_shortage_has_its_plan",
            ),
        ),
        migrations.AddConstraint(
            model_name="shortagestep",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind__in", ("chosen", "called-back", "withdrawn")), _negated=True),
                    models.Q(("reasons", ""), _negated=True),
                    _connector="OR",
                ),
                name="a_choice_has_reasons",
            ),
        ),
        migrations.AddConstraint(
            model_name="shedorder",
            constraint=models.UniqueConstraint(
                models.F("account"),
                models.Func(
                    models.F("starts_at"),
                    output_field=models.DateField(),
                    template="((%(expressions)s AT TIME ZONE 'Asia/Shanghai')::date)",
                ),
                condition=models.Q(("called_back_at__isnull", True)),
                name="one_cut_a_day",
            ),
        ),
        migrations.AddConstraint(
            model_name="shedorder",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("call_back_reason", ""), ("called_back_at__isnull", True), ("called_back_by__isnull", True)
                    ),
                    models.Q(
                        ("called_back_at__isnull", False),
                        ("called_back_by__isnull", False),
                        models.Q(("call_back_reason", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="a_call_back_has_a_reason",
            ),
        ),
        migrations.RunSQL(ONCE, NOT_ONCE),
        migrations.RunSQL(PRIVILEGES, migrations.RunSQL.noop),
    ]
