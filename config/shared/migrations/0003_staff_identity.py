"""How staff prove who they are: second factors, sessions, approvals of role changes."""

from django.db import migrations


class Migration(migrations.Migration):
    """How staff prove who they are: second factors, sessions, approvals of role changes."""

    dependencies = [("shared", "0002_personal_data_access")]

    operations: list[object] = []
