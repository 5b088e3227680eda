"""Load the reference data that every installation starts from."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from cis.operations.reference import load_reference


class Command(BaseCommand):
    """Charges, control accounts, published tariffs, thresholds, starting roles; repeating it is harmless."""

    help = "Load charges, control accounts, published tariffs, thresholds and starting roles; repeating is harmless."

    def handle(self, **_options: Any) -> None:
        """Do it."""
        load_reference(at=timezone.now())
        self.stdout.write("reference data is in place")
