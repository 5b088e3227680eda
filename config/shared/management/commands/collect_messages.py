"""`manage.py collect_messages`: bring the English catalogue in line with the texts in the code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from config.shared import messages_catalogue


class Command(BaseCommand):
    """Collect, keep what is translated, say what is missing."""

    help = "Collect the texts of Python and templates into locale/en/LC_MESSAGES/django.po, keeping translations."

    def add_arguments(self, parser: CommandParser) -> None:
        """`--check` writes nothing and fails when something is missing."""
        parser.add_argument("--check", action="store_true", help="write nothing; fail when a text has no English")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Collect or check."""
        target = Path(settings.BASE_DIR) / "locale" / "en" / "LC_MESSAGES" / "django.po"
        texts = messages_catalogue.collect(Path(settings.BASE_DIR))
        if not options["check"]:
            messages_catalogue.update(target, texts)
        missing = messages_catalogue.untranslated(target, texts)
        for text in missing:
            self.stdout.write(text.msgid)
        self.stdout.write(f"{len(texts)} texts, {len(missing)} without English")
        if missing and options["check"]:
            raise SystemExit(1)
