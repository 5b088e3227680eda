"""Indexes that pages of a million accounts need."""

from django.db import migrations, models


def _of_list(name: str, *keys: object) -> migrations.AddIndex:
    is_open = models.ExpressionWrapper(models.Q(("open_fen__gt", 0)), output_field=models.BooleanField())
    return migrations.AddIndex(
        model_name="bill",
        index=models.Index(models.F("cycle"), is_open, *keys, name=name),
    )


class Migration(migrations.Migration):
    """Indexes that pages of a million accounts need."""

    dependencies = [("cis", "0006_portal_identity")]

    operations = [
        _of_list("bill_list_by_no", models.F("id") + 0),
        _of_list("bill_list_by_amount", models.F("total_fen"), models.F("id")),
    ]
