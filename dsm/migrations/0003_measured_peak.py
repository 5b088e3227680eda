"""An entry keeps the peak that was measured, and a change of capacity is known by its own number."""

import django.db.models.deletion
from django.db import migrations, models

FILL = "UPDATE dsm_shed_entry SET measured_peak_kw = peak_kw::bigint * measured_capacity_kva / capacity_kva"


class Migration(migrations.Migration):
    dependencies = [
        ("cis", "0010_outages"),
        ("dsm", "0002_shortage_plans"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="shedentry", name="shed_entry_makes_sense"),
        migrations.RemoveConstraint(model_name="shedentrychange", name="a_change_is_seen_once"),
        migrations.AddField(
            model_name="shedentry",
            name="measured_peak_kw",
            field=models.IntegerField(default=0),
            preserve_default=False,
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.RemoveField(model_name="shedentry", name="former_capacity_kva"),
        migrations.AddField(
            model_name="shedentrychange",
            name="change",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="cis.capacitychange",
            ),
        ),
        migrations.AddConstraint(
            model_name="shedentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("tier__range", (1, 9)),
                    ("process_pct__range", (0, 100)),
                    ("measured_peak_kw__gte", 0),
                    ("peak_kw__gte", 0),
                    ("security_kw__gte", 0),
                    ("sheddable_kw__gte", 0),
                    ("burden_before_h__gte", 0),
                    ("capacity_kva__gt", 0),
                    ("lead_h__gte", 0),
                    ("measured_capacity_kva__gt", 0),
                    ("compensation_fen_kwh__gte", 0),
                    ("lost_output_fen_kwh__gte", 0),
                ),
                name="shed_entry_makes_sense",
            ),
        ),
        migrations.AddConstraint(
            model_name="shedentrychange",
            constraint=models.UniqueConstraint(fields=("entry", "change"), name="a_change_is_seen_once"),
        ),
        migrations.AddConstraint(
            model_name="shedentrychange",
            constraint=models.UniqueConstraint(
                condition=models.Q(("change__isnull", True)),
                fields=("entry", "from_on", "capacity_kva"),
                name="a_change_without_a_number_is_seen_once",
            ),
        ),
    ]
