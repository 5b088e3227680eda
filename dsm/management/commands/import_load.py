"""`manage.py import_load FILE`: take in a measured load series of the system."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.shared.errors import Refused
from dsm.operations.measured_series import import_system_load
from dsm.series_files import FileRefused, SeriesColumns, read_series

REFUSED = 4


class Command(BaseCommand):
    """Exit codes: 0 taken in, 4 refused (nothing landed)."""

    help = (
        "Take in a measured load series of the system from a CSV file (also .gz) with a head: a column of times with "
        "their zone, one of load, possibly one of temperature, every 15, 30 or 60 minutes. A time that comes twice, a "
        "step that is left out, or a time without a zone refuses the whole file. Exit codes: 0 taken in, 4 refused."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What can be asked for."""
        parser.add_argument("file", type=Path, help="the CSV file")
        parser.add_argument("--time", default="time", help="the column of times (time)")
        parser.add_argument("--load", default="load", help="the column of load (load)")
        parser.add_argument("--unit", default="kW", choices=("W", "kW", "MW"), help="the unit of load (kW)")
        parser.add_argument("--temperature", default="", help="the column of temperatures in °C, if there is one")
        parser.add_argument("--zone", help="the zone of times that carry none, such as Asia/Shanghai")
        parser.add_argument("--gaps", action="store_true", help="a step that is left out is not known, not a mistake")
        parser.add_argument("--replace", action="store_true", help="drop the load of the system summed from curves")
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Read, keep, report."""
        file: Path = options["file"]
        columns = SeriesColumns(options["time"], options["load"], options["unit"], options["temperature"])
        try:
            series = read_series(
                file,
                columns,
                zone=ZoneInfo(options["zone"]) if options["zone"] else settings.BILLING_TIME_ZONE,
                naive_is_local=bool(options["zone"]),
                gaps_are_missing=options["gaps"],
            )
            done = import_system_load(
                series=series, replace_curves=options["replace"], source=file.name, at=timezone.now()
            )
        except ZoneInfoNotFoundError as error:
            raise CommandError(f"--zone: {error}", returncode=2) from error
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror or error}", returncode=2) from error
        except (FileRefused, Refused) as refusal:
            if options["json"]:
                self.stdout.write(json.dumps({"state": "refused", "code": refusal.code, "message": str(refusal)}))
            raise CommandError(f"{file.name}: {refusal} ({refusal.code})", returncode=REFUSED) from None
        if options["json"]:
            self.stdout.write(json.dumps({"state": "done", "step_min": series.step_min, **asdict(done)}))
        else:
            self.stdout.write(
                f"{done.days} days of load from {series.first} (step {series.step_min} min), {done.changed} new or "
                f"different; {done.weather_days} days of weather"
            )
