"""Refunds of prepayment, asked for by one and approved by another."""

from django.db import migrations


class Migration(migrations.Migration):
    """Refunds of prepayment, asked for by one and approved by another."""

    dependencies = [("payments", "0002_money_law")]

    operations: list[object] = []
