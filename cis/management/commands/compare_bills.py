"""Hold another system's bills of a month against ours."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from cis.operations.bill_comparisons import OtherBillsRefused, compare_bills
from cis.parallel_run import OTHER_BILLS
from config.shared.errors import Refused
from config.shared.money import yuan_from_fen


class Command(BaseCommand):
    """Exit code 0: go; 3: no go; 2: the file or an option cannot be used."""

    help = (
        "Compare a CSV file of another system's bills with ours of a cycle: every difference with its cause, kept as a "
        "report; exit code 3 where a threshold does not hold. "
        f"Columns: {', '.join(column.name for column in OTHER_BILLS.columns)}."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What may be chosen."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--cycle", type=int, required=True, help="the month of our bills, such as 202601")
        parser.add_argument("--unit", default="", help="only our bills below the unit of this code")
        parser.add_argument("--preview", action="store_true", help="rate accounts that are due and not billed yet, too")
        parser.add_argument(
            "--threshold",
            action="append",
            default=[],
            metavar="NAME=FIGURE",
            help="equal_share, missing_share, total_share (as 0.999), unexplained, unexplained_sum (yuan)",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *, file: Path, cycle: int, unit: str, preview: bool, **options: Any) -> None:
        """Do it."""
        pairs = [text.partition("=")[::2] for text in options["threshold"]]
        try:
            done = compare_bills(
                file=file, cycle=cycle, at=timezone.now(), org_unit_code=unit, with_unbilled=preview, limits=dict(pairs)
            )
        except OtherBillsRefused as refused:
            for fault in refused.faults:
                self.stderr.write(f"{fault.place}  {fault.message}")
            raise CommandError(refused.message, returncode=2) from refused
        except (Refused, OSError) as error:
            raise CommandError(str(error), returncode=2) from error
        if options["json"]:
            self.stdout.write(json.dumps(asdict(done), ensure_ascii=False))
        else:
            for name, figures in done.by_cause.items():
                self.stdout.write(
                    f"{name:15} {figures.bills:9} bills {yuan_from_fen(figures.more_fen):>16} yuan, "
                    f"largest {yuan_from_fen(figures.largest_fen)}"
                )
            for name, limit, found, holds in done.verdict.tests:
                self.stdout.write(f"{'holds' if holds else 'BROKEN'}  {name} {found} (limit {limit})")
            self.stdout.write(f"{'GO' if done.verdict.is_go else 'NO GO'}  report {done.comparison_id}")
        if not done.verdict.is_go:
            raise CommandError("no go", returncode=3)
