"""What a person's working place remembers: drafts, columns, size of letters, open customers."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import config.shared.personal_data


class Migration(migrations.Migration):
    """What a person's working place remembers: drafts, columns, size of letters, open customers."""

    dependencies = [("shared", "0005_who_looked")]

    operations = [
        migrations.CreateModel(
            name="Draft",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("form", models.CharField(max_length=64)),
                ("subject", models.CharField(blank=True, max_length=64)),
                ("address", models.CharField(max_length=500)),
                ("content", config.shared.personal_data.EncryptedTextField()),
                ("is_sent", models.BooleanField(default=False)),
                ("saved_at", models.DateTimeField()),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "shared_draft",
                "indexes": [models.Index(fields=["saved_at"], name="draft_by_age")],
                "constraints": [models.UniqueConstraint(fields=("user", "form", "subject"), name="one_draft_per_form")],
            },
        ),
        migrations.CreateModel(
            name="ServedCustomer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("subject", models.CharField(max_length=32)),
                ("label", models.CharField(max_length=200)),
                ("place", models.SmallIntegerField(blank=True, null=True)),
                ("seen_at", models.DateTimeField()),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "shared_served_customer",
                "indexes": [models.Index(fields=["user", "-seen_at"], name="served_customer_newest")],
                "constraints": [
                    models.UniqueConstraint(fields=("user", "subject"), name="served_customer_once"),
                    models.UniqueConstraint(
                        deferrable=models.Deferrable.DEFERRED, fields=("user", "place"), name="one_customer_per_place"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("place__isnull", True), ("place__range", (1, 9)), _connector="OR"),
                        name="nine_places",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="user",
            name="theme",
            field=models.CharField(
                blank=True, choices=[("", "跟随系统"), ("light", "浅色"), ("dark", "深色")], default="", max_length=8
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="text_size",
            field=models.CharField(blank=True, choices=[("", "标准字"), ("elder", "大字")], default="", max_length=8),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(("theme__in", ["", "light", "dark"])), name="theme_is_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(("text_size__in", ["", "elder"])), name="text_size_is_known"
            ),
        ),
        migrations.CreateModel(
            name="TableChoice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("table", models.CharField(max_length=64)),
                (
                    "columns",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40), blank=True, default=list, size=None
                    ),
                ),
                ("sort", models.CharField(blank=True, max_length=41)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "shared_table_choice",
                "constraints": [models.UniqueConstraint(fields=("user", "table"), name="one_choice_per_table")],
            },
        ),
    ]
