"""Take over accounts, open bills, balances and registers from another system."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from cis.operations.opening import BatchInUse, ControlRefused, OpeningRefused, import_opening, write_templates


class _Bar(tqdm):  # type: ignore[type-arg]
    """A bar that is told how much is done, and of how much."""

    def show(self, done: int, total: int) -> None:
        """Go there."""
        self.total = total
        self.update(done - self.n)


class Command(BaseCommand):
    """Exit code 0: taken over, checked or unchanged; 2: refused whole, each fault with its file and line."""

    help = (
        "Take over a folder of CSV files with control totals, whole or not at all. The same folder again changes "
        "nothing; a corrected folder of the same batch replaces it while nothing has happened to its accounts."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What may be chosen."""
        parser.add_argument("folder", type=Path)
        parser.add_argument("--check", action="store_true", help="check everything, take nothing over")
        parser.add_argument("--template", action="store_true", help="write empty files and a README into the folder")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *, folder: Path, check: bool, template: bool, **options: Any) -> None:
        """Do it."""
        as_json = bool(options["json"])
        if template:
            for name in write_templates(folder):
                self.stdout.write(str(folder / name))
            return
        if not folder.is_dir():
            raise CommandError(f"{folder} is not a folder", returncode=2)
        try:
            with _Bar(unit=" rows", disable=as_json or not self.stderr.isatty()) as bar:
                taken = import_opening(folder=folder, at=timezone.now(), check_only=check, on_progress=bar.show)
        except OpeningRefused as refused:
            if as_json:
                faults = [asdict(fault) for fault in refused.faults]
                self.stdout.write(
                    json.dumps(
                        {"outcome": "refused", "fault_count": refused.fault_count, "faults": faults},
                        ensure_ascii=False,
                    )
                )
            else:
                for fault in refused.faults:
                    self.stdout.write(f"{fault.place}  {fault.message}")
            raise CommandError(refused.message, returncode=2) from refused
        except (ControlRefused, BatchInUse) as refused:
            raise CommandError(refused.message, returncode=2) from refused
        if as_json:
            self.stdout.write(json.dumps(asdict(taken), ensure_ascii=False))
            return
        self.stdout.write(f"{taken.outcome}: batch {taken.batch}, revision {taken.revision}")
        for name, totals in taken.totals.items():
            self.stdout.write(f"  {name}: " + ", ".join(f"{key} {value}" for key, value in totals.items()))
