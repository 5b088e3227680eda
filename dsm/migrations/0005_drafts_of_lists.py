"""A list knows the file it was drawn from and who put its approval down; a draft can be discarded."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("dsm", "0004_orders_that_stand"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="shedlist", name="list_is_approved_by_somebody"),
        migrations.AlterField(
            model_name="shedlist",
            name="state",
            field=models.CharField(
                choices=[
                    ("draft", "待批"),
                    ("approved", "已批准"),
                    ("replaced", "已被新名单替换"),
                    ("discarded", "未报批，已被新稿替换"),
                ],
                default="draft",
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="shedlist",
            name="approved_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="shedlist",
            name="source_digest",
            field=models.CharField(blank=True, default="", max_length=64),
            preserve_default=False,
        ),
        migrations.AddConstraint(
            model_name="shedlist",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ("draft", "discarded")),
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
    ]
