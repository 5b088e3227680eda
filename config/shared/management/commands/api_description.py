"""Write the description of the API, and let no change break a customer's program unannounced."""

from __future__ import annotations

import argparse
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from config.shared.api_differences import breaking_changes, unannounced

DESCRIPTION = Path(settings.BASE_DIR) / "docs" / "openapi.yaml"
CHANGE_LOG = Path(settings.BASE_DIR) / "docs" / "api-changes.md"


class Command(BaseCommand):
    """Writes `docs/openapi.yaml`; a break that `docs/api-changes.md` does not name is refused (exit code 1)."""

    help = "Write docs/openapi.yaml (OpenAPI 3.1); refuse a breaking change that docs/api-changes.md does not name."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """--check compares only; --against compares with another file, such as that of the last release."""
        parser.add_argument("--check", action="store_true", help="compare only; exit code 1 when they differ")
        parser.add_argument("--against", type=Path, default=DESCRIPTION, help="the description programs rely on")

    def handle(self, *_args: Any, check: bool, against: Path, **_options: Any) -> None:
        """Write or compare."""
        text = _describe()
        earlier = against.read_text(encoding="utf-8") if against.exists() else ""
        if earlier and earlier != text:
            changes = breaking_changes(yaml.safe_load(earlier), yaml.safe_load(text))
            missing = unannounced(changes, CHANGE_LOG.read_text(encoding="utf-8"))
            if missing:
                raise CommandError(
                    "These changes break programs written against the API. Undo them, or name each word for word "
                    "between backquotes in docs/api-changes.md, with the date from which it holds:\n"
                    + "\n".join(f"- `{one}`" for one in missing)
                )
        if not check:
            DESCRIPTION.write_text(text, encoding="utf-8")
            self.stdout.write(f"{DESCRIPTION.name}: {text.count(chr(10))} lines")
        elif not DESCRIPTION.exists() or DESCRIPTION.read_text(encoding="utf-8") != text:
            raise CommandError("docs/openapi.yaml is not what the code says; run `manage.py api_description`.")


@cache
def _describe() -> str:
    """The description as the code gives it, valid and without a warning, or CommandError."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "openapi.yaml"
        call_command("spectacular", file=str(file), validate=True, fail_on_warn=True)
        return file.read_text(encoding="utf-8")
