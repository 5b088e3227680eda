"""What a person's working place remembers: drafts, columns, size of letters, open customers."""

from django.db import migrations


class Migration(migrations.Migration):
    """What a person's working place remembers: drafts, columns, size of letters, open customers."""

    dependencies = [("shared", "0005_who_looked")]

    operations: list[object] = []
