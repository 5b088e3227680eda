"""Import what transformer districts were supplied with."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from cis.operations.line_losses import COLUMNS, SupplyRefused, import_supply


class Command(BaseCommand):
    """All rows of a file or none; the same file twice changes nothing."""

    help = f"Import supplied energy of transformer districts from a CSV file with the columns {', '.join(COLUMNS)}."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What may be chosen."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--replace", action="store_true", help="rows with another energy replace what is there")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *, file: Path, replace: bool, **options: Any) -> None:
        """Do it."""
        try:
            with file.open(encoding="utf-8-sig", newline="") as lines:
                done = import_supply(lines=lines, source=file.name[:100], at=timezone.now(), replace=replace)
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{file}: {error}") from error
        except SupplyRefused as refused:
            raise CommandError(refused.message) from refused
        if options["json"]:
            self.stdout.write(json.dumps(asdict(done)))
        else:
            self.stdout.write(f"{done.rows} rows: {done.new} new, {done.changed} changed")
