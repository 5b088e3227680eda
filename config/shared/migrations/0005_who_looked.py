"""Who looked at what, and acts that need a second person."""

from django.db import migrations


class Migration(migrations.Migration):
    """Who looked at what, and acts that need a second person."""

    dependencies = [("shared", "0004_messages_to_people")]

    operations: list[object] = []
