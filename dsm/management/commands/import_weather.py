"""`manage.py import_weather FILE`: take in air temperatures, measured or forecast."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.shared.errors import Refused
from dsm.operations.measured_series import import_weather
from dsm.series_files import FileRefused, SeriesColumns, read_series

REFUSED = 4


class Command(BaseCommand):
    """Exit codes: 0 taken in, 4 refused (nothing landed)."""

    help = (
        "Take in air temperatures in °C from a CSV file (also .gz) with a head, every 15, 30 or 60 minutes, whole "
        "days. With --issued-at they are a forecast of that moment, which forecasts of load made earlier never see; "
        "without it they were measured. Exit codes: 0 taken in, 4 refused."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What can be asked for."""
        parser.add_argument("file", type=Path, help="the CSV file")
        parser.add_argument("--time", default="time", help="the column of times (time)")
        parser.add_argument("--temperature", default="temperature_c", help="the column of temperatures (temperature_c)")
        parser.add_argument("--zone", help="the zone of times that carry none, such as Asia/Shanghai")
        parser.add_argument("--issued-at", type=datetime.fromisoformat, help="when it was forecast, with its zone")
        parser.add_argument("--source", default="", help="who says so (the file's name)")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Read, keep, report."""
        file: Path = options["file"]
        issued_at: datetime | None = options["issued_at"]
        if issued_at is not None and issued_at.tzinfo is None:
            raise CommandError("--issued-at: write the zone too, such as 2026-01-31T08:00+08:00", returncode=2)
        try:
            series = read_series(
                file,
                # Degrees are handed through as they are.
                SeriesColumns(options["time"], options["temperature"], "W"),
                zone=ZoneInfo(options["zone"]) if options["zone"] else settings.BILLING_TIME_ZONE,
                naive_is_local=bool(options["zone"]),
            )
            days = import_weather(
                series=series, issued_at=issued_at, source=options["source"] or file.name, at=timezone.now()
            )
        except ZoneInfoNotFoundError as error:
            raise CommandError(f"--zone: {error}", returncode=2) from error
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror or error}", returncode=2) from error
        except (FileRefused, Refused) as refusal:
            raise CommandError(f"{file.name}: {refusal} ({refusal.code})", returncode=REFUSED) from None
        self.stdout.write(f"{days} days of weather from {series.first}")
