"""Rate one document: a bill's determinants and its tariff in, lines out; no database is needed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from cis.previews import preview
from cis.previews.document import read_json
from cis.queries.published import own_tariffs, published_tables
from cis.rating import CannotPrice

REFUSED = 2
UNREADABLE = 3


class Command(BaseCommand):
    """Exit code 0 when rated, 2 when refused (what is missing or unknown is said), 3 when it is no JSON."""

    help = (
        "Rate one bill, correction or late fee from a JSON document (docs/rating-preview.schema.json) and print its "
        "lines. Tariffs are the published tables that come with the house."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """The document and the form of the answer."""
        parser.add_argument("file", nargs="?", default="-", help="the document; - or nothing: standard input")
        parser.add_argument("--json", action="store_true", help="print one JSON object, also when it is refused")
        parser.add_argument(
            "--own-tariffs", action="store_true", help="look tariffs up in the database first, by the period's start"
        )

    def handle(self, *, file: str, **options: Any) -> None:
        """Print it."""
        published = own_tariffs(today=timezone.localdate()) if options["own_tariffs"] else published_tables()
        try:
            answer = preview(self._read(file), published)
        except CannotPrice as refused:
            if options["json"]:
                self._print({"error": {"code": refused.code, "detail": refused.detail}})
            raise CommandError(f"refused: {refused}", returncode=REFUSED) from refused
        if options["json"]:
            self._print(answer)
            return
        for line in answer["lines"]:
            factor = f" x {line['factor']}" if "factor" in line else ""
            self.stdout.write(
                f"{line['code']:<18} {line['quantity']:>14} {line['unit']:<4} x {line['unit_price']:>12}{factor}"
                f" = {line['amount']:>14}  {line['name']}"
            )
        self.stdout.write(f"{'合计 total':<18} {answer['total']:>14}")
        if "settlement" in answer:
            self.stdout.write(f"{'上网 feed-in':<18} {answer['settlement']['amount_payable_to_customer']:>14}")

    def _read(self, file: str) -> Any:
        try:
            text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8-sig")
            return read_json(text)
        except (OSError, ValueError, RecursionError) as wrong:
            raise CommandError(f"cannot read {file}: {wrong}", returncode=UNREADABLE) from wrong

    def _print(self, answer: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(answer, ensure_ascii=False, indent=1))
