"""Messages to people: templates, attempts, delivery and read states."""

from django.db import migrations


class Migration(migrations.Migration):
    """Messages to people: templates, attempts, delivery and read states."""

    dependencies = [("shared", "0003_staff_identity")]

    operations: list[object] = []
