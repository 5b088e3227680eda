"""What of an allocation went to a late fee; the bills that a payer chose."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    """Two columns and a check."""

    dependencies = [
        ("payments", "0003_refunds"),
    ]

    operations = [
        migrations.AddField(
            model_name="allocation",
            name="fee_fen",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="paymentorder",
            name="bill_ids",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(), blank=True, default=list, size=None
            ),
        ),
        migrations.AddConstraint(
            model_name="allocation",
            constraint=models.CheckConstraint(
                condition=models.Q(("fee_fen__gte", 0), ("fee_fen__lte", models.F("amount_fen"))),
                name="late_fee_within_allocation",
            ),
        ),
    ]
