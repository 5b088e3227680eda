"""How customers prove who they are and which accounts they may see."""

from django.db import migrations


class Migration(migrations.Migration):
    """How customers prove who they are and which accounts they may see."""

    dependencies = [("cis", "0005_one_time_code")]

    operations: list[object] = []
