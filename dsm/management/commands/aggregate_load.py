"""`manage.py aggregate_load --first DAY --last DAY`: compute load from curves for days of the past."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from config.shared.errors import Refused
from dsm.operations.forecast_scores import score_forecasts
from dsm.operations.loads import aggregate_day, start_aggregation


class Command(BaseCommand):
    """Computes here and now, or hands the days to the workers; repeated, nothing changes."""

    help = (
        "Compute the load of the system and of every feeder from interval curves, day by day, and score what was "
        "forecast for these days. Days that stand already are only written where they differ."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What can be asked for."""
        parser.add_argument("--first", type=date.fromisoformat, required=True, help="the first day, as 2026-01-31")
        parser.add_argument("--last", type=date.fromisoformat, help="the last day (yesterday)")
        parser.add_argument("--background", action="store_true", help="leave the work to the workers, as a job")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Every day in turn."""
        at = timezone.now()
        first: date = options["first"]
        last: date = options["last"] or timezone.localdate() - timedelta(days=1)
        if options["background"]:
            try:
                job_id = start_aggregation(first=first, last=last, created_by_id=None, at=at)
            except Refused as refusal:
                raise CommandError(refusal.message, returncode=4) from None
            self.stdout.write(f"job {job_id}")
            return
        if first > last or last >= timezone.localdate():
            raise CommandError("--first is after --last, or --last is not over yet", returncode=4)
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        changed = 0
        for day in tqdm(days, unit=" days", disable=not self.stderr.isatty()):
            changed += aggregate_day(day=day, at=at)
        scored = score_forecasts(first=first, last=last, at=at)
        self.stdout.write(f"{len(days)} days, {changed} loads new or different, {scored} forecasts scored")
