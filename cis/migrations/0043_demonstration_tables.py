"""Tables of a month that nobody published: bills by them say so."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """A mark on tables for the demonstration."""

    dependencies = [
        ("cis", "0042_more_against_a_stop"),
    ]

    operations = [
        migrations.AddField(
            model_name="marketmonth",
            name="is_demonstration",
            field=models.BooleanField(default=False),
        ),
    ]
