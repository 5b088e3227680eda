"""A clock on every question of a customer, about a bill, a reading or a meter."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cis", "0035_capacity_pauses"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="billdispute",
            name="back_bill",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="disputes",
                to="cis.backbillcase",
            ),
        ),
        migrations.AddField(
            model_name="billdispute",
            name="breached_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="billdispute",
            name="channel",
            field=models.CharField(
                choices=[("counter", "营业厅"), ("portal", "网上"), ("telephone", "电话")],
                default="counter",
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="billdispute",
            name="due_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="billdispute",
            name="error_e2",
            field=models.IntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="billdispute",
            name="installation",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="cis.meterinstallation",
            ),
        ),
        migrations.AddField(
            model_name="billdispute",
            name="kind",
            field=models.CharField(
                choices=[("bill", "账单异议"), ("reading", "抄表数据异常"), ("meter-test", "申请校表")],
                default="bill",
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="billdispute",
            name="limit_days",
            field=models.SmallIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="billdispute",
            name="limit_source",
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name="billdispute",
            name="result",
            field=models.CharField(
                blank=True,
                choices=[("no-fault", "核实无误"), ("fault", "确有差错"), ("withdrawn", "客户撤回")],
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="billdispute",
            name="warn_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="billdispute",
            name="warned_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="billdispute",
            name="bill",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.bill"
            ),
        ),
        migrations.AddIndex(
            model_name="billdispute",
            index=models.Index(
                condition=models.Q(("closed_at__isnull", True)), fields=["due_at"], name="disputes_that_wait"
            ),
        ),
        migrations.AddIndex(
            model_name="billdispute",
            index=models.Index(fields=["opened_at"], name="disputes_by_month"),
        ),
        migrations.AddIndex(
            model_name="billdispute",
            index=models.Index(fields=["account", "-opened_at"], name="disputes_of_account"),
        ),
        migrations.AddConstraint(
            model_name="billdispute",
            constraint=models.UniqueConstraint(
                condition=models.Q(("closed_at__isnull", True), ("kind__in", ("reading", "meter-test"))),
                fields=("installation", "kind"),
                name="one_open_question_per_meter",
            ),
        ),
        migrations.AddConstraint(
            model_name="billdispute",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("bill__isnull", False), ("kind", "bill")),
                    models.Q(models.Q(("kind", "bill"), _negated=True), ("installation__isnull", False)),
                    _connector="OR",
                ),
                name="dispute_is_about_something",
            ),
        ),
        migrations.AddConstraint(
            model_name="billdispute",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("due_at__isnull", True), ("limit_days__isnull", True), ("warn_at__isnull", True)),
                    models.Q(
                        ("due_at__gt", models.F("opened_at")),
                        ("limit_days__gt", 0),
                        ("warn_at__lt", models.F("due_at")),
                        models.Q(("limit_source", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="clock_has_its_limit",
            ),
        ),
        migrations.AddConstraint(
            model_name="billdispute",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("closed_at__isnull", True), ("result", "")),
                    models.Q(
                        ("closed_at__isnull", False),
                        models.Q(models.Q(("result", ""), _negated=True), ("due_at__isnull", True), _connector="OR"),
                    ),
                    _connector="OR",
                ),
                name="answer_has_a_result",
            ),
        ),
        migrations.AddConstraint(
            model_name="billdispute",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "meter-test"), ("result__in", ("no-fault", "fault")), _negated=True),
                    ("error_e2__isnull", False),
                    _connector="OR",
                ),
                name="test_has_its_measure",
            ),
        ),
    ]
