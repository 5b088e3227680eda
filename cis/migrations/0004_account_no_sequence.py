"""The sequence that new account numbers are drawn from; imported numbers stay as they come."""

from django.db import migrations


class Migration(migrations.Migration):
    """One sequence, far above the numbers a demonstration makes up."""

    dependencies = [("cis", "0003_ledger_law")]

    operations = [
        migrations.RunSQL(
            "CREATE SEQUENCE cis_account_no_seq AS bigint START WITH 500000001",
            "DROP SEQUENCE cis_account_no_seq",
        )
    ]
