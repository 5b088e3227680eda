"""Check what foreign keys would guarantee on bulk tables, and rules across rows."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cis.operations.integrity import check_integrity


class Command(BaseCommand):
    """Exit code 0 when every promise holds, 3 when one is broken."""

    help = "Check the links of bulk tables and the rules across rows; exit code 3 when a promise is broken."

    def add_arguments(self, parser: CommandParser) -> None:
        """How to print."""
        parser.add_argument("--json", action="store_true", help="print one JSON array")

    def handle(self, **options: Any) -> None:
        """Check and print."""
        findings = check_integrity()
        if options["json"]:
            self.stdout.write(json.dumps([dataclasses.asdict(finding) for finding in findings], ensure_ascii=False))
        else:
            for finding in findings:
                says = f"{finding.broken} broken: {', '.join(finding.examples)}" if finding.broken else "holds"
                self.stdout.write(f"{finding.check}: {finding.promise}: {says}")
        broken = sum(finding.broken > 0 for finding in findings)
        if broken:
            raise CommandError(f"{broken} promises are broken", returncode=3)
