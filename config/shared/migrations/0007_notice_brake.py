"""The brake on mass notices: its limits, what was stopped, what was counted; messages that are held."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Three tables and a column."""

    dependencies = [
        ("shared", "0006_working_place"),
    ]

    operations = [
        migrations.CreateModel(
            name="NoticeLimit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("template", models.CharField(blank=True, max_length=64, unique=True)),
                ("most_an_hour", models.IntegerField()),
                ("least_messages", models.IntegerField()),
                ("outlier_permille", models.IntegerField()),
                ("jump_e2", models.IntegerField()),
                ("failed_permille", models.IntegerField()),
                ("source", models.CharField(max_length=200)),
            ],
            options={
                "db_table": "shared_notice_limit",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("most_an_hour__gt", 0),
                            ("least_messages__gt", 0),
                            ("outlier_permille__gt", 0),
                            ("jump_e2__gte", 100),
                            ("failed_permille__gt", 0),
                            models.Q(("source", ""), _negated=True),
                        ),
                        name="notice_limit_makes_sense",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="NoticeStop",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("template", models.CharField(max_length=64)),
                (
                    "why",
                    models.CharField(
                        choices=[("outliers", "异常比例突增"), ("failures", "发送失败过多")], max_length=16
                    ),
                ),
                ("figures", models.JSONField()),
                ("opened_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "已拦下"), ("released", "已放行"), ("cancelled", "已取消")],
                        default="open",
                        max_length=16,
                    ),
                ),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("outcome", models.JSONField(default=dict)),
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
            ],
            options={
                "db_table": "shared_notice_stop",
            },
        ),
        migrations.CreateModel(
            name="NoticeCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("template", models.CharField(max_length=64)),
                ("channel", models.CharField(max_length=16)),
                ("at", models.DateTimeField()),
                ("messages", models.IntegerField()),
                ("outliers", models.IntegerField()),
                ("paced", models.IntegerField(default=0)),
                (
                    "stop",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="shared.noticestop",
                    ),
                ),
            ],
            options={
                "db_table": "shared_notice_count",
            },
        ),
        migrations.AddField(
            model_name="message",
            name="stop",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="shared.noticestop",
            ),
        ),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("stop__isnull", True),
                    models.Q(("due_at__isnull", True), ("state", "waiting")),
                    ("state", "given-up"),
                    _connector="OR",
                ),
                name="stopped_message_does_not_go",
            ),
        ),
        migrations.AddConstraint(
            model_name="noticestop",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "open")), fields=("template",), name="one_open_notice_stop"
            ),
        ),
        migrations.AddConstraint(
            model_name="noticestop",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at__isnull", True), ("state", "open")),
                    models.Q(
                        models.Q(("state", "open"), _negated=True),
                        ("approval__isnull", False),
                        ("ended_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="notice_stop_ends_by_approval",
            ),
        ),
        migrations.AddIndex(
            model_name="noticecount",
            index=models.Index(fields=["template", "at"], name="notice_counts_of_template"),
        ),
    ]
