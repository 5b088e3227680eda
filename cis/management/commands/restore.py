"""Bring a backup up on a fresh server, and verify it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cis.operations import backups
from config.shared.errors import Refused


class Command(BaseCommand):
    """Restores into the database of DATABASE_URL and DATABASE_OWNER_URL, which must be empty or not exist yet."""

    help = "Restore FILE into the empty database of the settings (roles are made with DATABASE_SUPERUSER_URL)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Where from."""
        parser.add_argument("file", type=Path)

    def handle(self, *, file: Path, **_options: Any) -> None:
        """Restore and verify, or say what is wrong."""
        try:
            manifest = backups.restore(file=file.absolute())
        except (Refused, OSError) as error:
            raise CommandError(str(error)) from error
        for line in (f"restored from {file}", *backups.summary(manifest), "counts and seal agree; the ledger is sound"):
            self.stdout.write(line)
