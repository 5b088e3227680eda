"""Write the table of every address and who may open it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.shared.permission_table import as_markdown, list_rules

TABLE = Path(settings.BASE_DIR) / "docs" / "permissions.md"


class Command(BaseCommand):
    """Writes `docs/permissions.md`; with --check says whether it is what the code says (exit code 1 if not)."""

    help = "Write docs/permissions.md: every address with the permission it asks for and the roles that hold it."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """--check compares only."""
        parser.add_argument("--check", action="store_true", help="compare only; exit code 1 when they differ")

    def handle(self, *_args: Any, check: bool, **_options: Any) -> None:
        """Write or compare."""
        text = as_markdown(list_rules())
        if not check:
            TABLE.write_text(text, encoding="utf-8")
            self.stdout.write(f"{TABLE.name}: {text.count(chr(10))} lines")
        elif not TABLE.exists() or TABLE.read_text(encoding="utf-8") != text:
            raise CommandError("docs/permissions.md is not what the code says; run `manage.py permission_table`.")
