"""News of demand that nears the contract."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cis", "0016_bill_alerts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="billalert",
            name="bill_alert_has_its_limit",
        ),
        migrations.AlterField(
            model_name="billalert",
            name="kind",
            field=models.CharField(
                choices=[
                    ("shock", "这一期可能比平时多很多"),
                    ("tier", "快要进入更高一档"),
                    ("budget-yuan", "这一期电费可能超过预算"),
                    ("budget-kwh", "这一期用电可能超过预算"),
                    ("demand", "最大需量快要超出合同"),
                    ("price", "电价要变"),
                ],
                max_length=16,
            ),
        ),
        migrations.AddConstraint(
            model_name="billalert",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind__in", ("shock", "budget-yuan", "budget-kwh")), ("least__gt", 0)),
                    models.Q(("kind__in", ("tier", "demand", "price")), ("least__isnull", True)),
                    _connector="OR",
                ),
                name="bill_alert_has_its_limit",
            ),
        ),
    ]
