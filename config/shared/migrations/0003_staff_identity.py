"""How staff prove who they are: temporary passwords, where they are signed in, when a key was last used."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """How staff prove who they are: temporary passwords, where they are signed in, when a key was last used."""

    dependencies = [("shared", "0002_personal_data_access")]

    operations = [
        migrations.AddField("apikey", "last_used_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("user", "must_change_password", models.BooleanField(default=False)),
        migrations.AddField("user", "password_until", models.DateTimeField(blank=True, null=True)),
        migrations.CreateModel(
            name="StaffSession",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("session_key", models.CharField(max_length=40, null=True, unique=True)),
                ("device", models.CharField(blank=True, max_length=100)),
                ("address", models.GenericIPAddressField(null=True)),
                ("began_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "end",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("signed-out", "自己退出"),
                            ("idle", "长时间没有操作"),
                            ("too-old", "超过最长时间"),
                            ("too-many", "同时登录过多"),
                            ("ended-elsewhere", "在别处退出"),
                            ("ended-by-administrator", "管理员退出"),
                            ("password-changed", "密码已更换"),
                            ("disabled", "账号已停用"),
                        ],
                        max_length=32,
                    ),
                ),
                (
                    "ended_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "shared_staff_session",
                "indexes": [
                    models.Index(fields=["user", "-began_at"], name="staff_session_of"),
                    models.Index(fields=["ended_at"], name="staff_session_ended"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("end", ""), ("ended_at", None)),
                            models.Q(("ended_at__isnull", False), ("session_key", None)),
                            _connector="OR",
                        ),
                        name="staff_session_open_or_ended",
                    )
                ],
            },
        ),
    ]
