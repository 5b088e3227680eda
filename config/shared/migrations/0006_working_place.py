"""What a person's working place remembers: drafts, columns, size of letters, open customers."""

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
                    models.UniqueConstraint(fields=("user", "place"), name="one_customer_per_place"),
                    models.CheckConstraint(
                        condition=models.Q(("place__isnull", True), ("place__range", (1, 9)), _connector="OR"),
                        name="nine_places",
                    ),
                ],
            },
        ),
    ]
