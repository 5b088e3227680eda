"""Energy supplied to transformer districts."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cis", "0008_capacity_changes"),
    ]

    operations = [
        migrations.CreateModel(
            name="DistrictSupply",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("cycle", models.IntegerField()),
                ("energy_kwh_e2", models.BigIntegerField()),
                ("source", models.CharField(max_length=100)),
                ("imported_at", models.DateTimeField()),
                (
                    "transformer_district",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cis.transformerdistrict"
                    ),
                ),
            ],
            options={
                "db_table": "cis_district_supply",
                "constraints": [
                    models.UniqueConstraint(fields=("transformer_district", "cycle"), name="one_supply_a_cycle"),
                    models.CheckConstraint(
                        condition=models.Q(("energy_kwh_e2__gte", 0)), name="supply_is_not_negative"
                    ),
                ],
            },
        ),
    ]
