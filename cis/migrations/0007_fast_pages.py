"""Indexes that pages of a million accounts need, and whose a bill is beside it."""

import django.db.models.deletion
from django.db import migrations, models


def _of_list(name: str, *keys: object) -> migrations.AddIndex:
    is_open = models.ExpressionWrapper(models.Q(("open_fen__gt", 0)), output_field=models.BooleanField())
    return migrations.AddIndex(
        model_name="bill",
        index=models.Index(models.F("cycle"), is_open, *keys, models.F("org_unit"), name=name),
    )


class Migration(migrations.Migration):
    """Indexes that pages of a million accounts need, and whose a bill is beside it."""

    dependencies = [("cis", "0006_portal_identity")]

    operations = [
        migrations.AddField(
            model_name="bill",
            name="org_unit",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                default=0,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="shared.orgunit",
            ),
            preserve_default=False,
        ),
        _of_list("bill_list_by_no", models.F("id") + 0),
        _of_list("bill_list_by_amount", models.F("total_fen"), models.F("id")),
    ]
