"""Close business days: write their balances and seal them."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from cis.operations import ledger
from config.shared.errors import Refused


class Command(BaseCommand):
    """Without a day: every day that is over and has transfers, oldest first."""

    help = "Close a business day (YYYY-MM-DD), or every day up to yesterday that has transfers, oldest first."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which day."""
        parser.add_argument("day", nargs="?", type=date.fromisoformat, help="the business day, such as 2026-01-31")

    def handle(self, *, day: date | None, **_options: Any) -> None:
        """Close, or say why not."""
        now = timezone.now()
        try:
            if day is None:
                closed = ledger.close_days(closed_by_id=None, at=now)
            else:
                ledger.close_day(business_date=day, closed_by_id=None, at=now)
                closed = [day]
        except Refused as refused:
            raise CommandError(refused.message) from refused
        for each in closed:
            self.stdout.write(f"{each} closed")
        if not closed:
            self.stdout.write("no open day is over")
