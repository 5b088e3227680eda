"""Back the whole database up into one file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from cis.operations import backups
from config.shared.errors import Refused


class Command(BaseCommand):
    """One consistent dump and its signed manifest; the file holds personal data as it is stored."""

    help = "Dump the database into FILE, with FILE.manifest.json beside it; refuses to overwrite."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to."""
        parser.add_argument("file", type=Path)

    def handle(self, *, file: Path, **_options: Any) -> None:
        """Dump, or say why not."""
        try:
            manifest = backups.back_up(file=file.absolute(), at=timezone.now())
        except (Refused, OSError) as error:
            raise CommandError(str(error)) from error
        for line in (f"backed up to {file}", *backups.summary(manifest)):
            self.stdout.write(line)
        self.stdout.write("keep PERSONAL_DATA_KEYS and BLIND_INDEX_KEY elsewhere: without them the backup is useless")
