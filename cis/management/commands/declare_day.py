"""Declare a critical peak day that the weather calls, or take it back."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from cis.operations.declared_days import declare_day, withdraw_day
from config.shared.errors import Refused
from config.shared.models import OrgUnit


class Command(BaseCommand):
    """Exit code 0: done; 2: refused, with the reason."""

    help = (
        "Declare a day for a unit and all below it: customers billed from their curve are charged by the windows that "
        "their tariff has for such days. Told before the day begins; until a bill holds the day it can be taken back."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What may be chosen."""
        parser.add_argument("unit", help="code of the unit")
        parser.add_argument("day", type=date.fromisoformat, help="2026-05-20")
        parser.add_argument("--temperature", type=Decimal, help="forecast temperature that calls it, in °C")
        parser.add_argument("--source", default="", help="who forecast it, and when")
        parser.add_argument(
            "--noticed-at", type=datetime.fromisoformat, help="when customers were told: 2026-05-19T19:30"
        )
        parser.add_argument("--withdraw", action="store_true", help="take the declaration back")

    def handle(self, *, unit: str, day: date, withdraw: bool, **options: Any) -> None:
        """Do it."""
        org_unit_id = OrgUnit.objects.filter(code=unit).values_list("pk", flat=True).first()
        if org_unit_id is None:
            raise CommandError(f"no unit {unit}", returncode=2)
        try:
            if withdraw:
                withdraw_day(org_unit_id=org_unit_id, day=day)
                return
            noticed_at = options["noticed_at"]
            if noticed_at is None or options["temperature"] is None:
                raise CommandError("--temperature and --noticed-at are needed", returncode=2)
            if noticed_at.tzinfo is None:
                noticed_at = noticed_at.replace(tzinfo=settings.BILLING_TIME_ZONE)
            declare_day(
                org_unit_id=org_unit_id,
                day=day,
                trigger_c=options["temperature"],
                source=options["source"],
                noticed_at=noticed_at,
                declared_by_id=None,
                at=timezone.now(),
            )
        except Refused as refused:
            raise CommandError(refused.message, returncode=2) from refused
        self.stdout.write(f"{day} {unit}")
