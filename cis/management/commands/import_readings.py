"""`manage.py import_readings FILE`: take in a file of readings."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from cis.operations.reading_imports import ImportRefused, import_readings
from cis.queries.readings import rejects_to_write
from cis.reading_files import write_rejects

ALL_LANDED, SOME_REJECTED, REFUSED = 0, 3, 4


class Command(BaseCommand):
    """Exit codes: 0 all rows landed or were known, 3 some were rejected, 4 the file was refused."""

    help = (
        "Import register values or 15-minute curves from a CSV or Parquet file and validate them. "
        "Exit codes: 0 all landed, 3 some rows rejected, 4 file refused (nothing landed)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What can be asked for."""
        parser.add_argument("file", type=Path, help="the CSV or Parquet file")
        parser.add_argument("--all-or-nothing", action="store_true", help="land nothing if one row is rejected")
        parser.add_argument("--rejects", type=Path, metavar="OUT.csv", help="write the rejected rows there")
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Import, report, and leave with a code that says how it went."""
        file: Path = options["file"]
        quiet = options["json"] or not self.stderr.isatty()
        try:
            with file.open("rb") as stream, tqdm(unit=" rows", disable=quiet) as bar:

                def show(done: int, total: int) -> None:
                    bar.total = total
                    bar.update(done - bar.n)

                result = import_readings(
                    stream=stream,
                    file_name=file.name,
                    all_or_nothing=options["all_or_nothing"],
                    created_by_id=None,
                    at=timezone.now(),
                    on_progress=show,
                )
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror or error}", returncode=2) from error
        except ImportRefused as refusal:
            self._write_rejects(options["rejects"], refusal.facts["import_id"])
            if options["json"]:
                self.stdout.write(
                    json.dumps(
                        {"state": "refused", "code": refusal.code, "message": refusal.message} | refusal.facts,
                        ensure_ascii=False,
                    )
                )
            else:
                self.stderr.write(refusal.message)
            raise SystemExit(REFUSED) from None
        self._write_rejects(options["rejects"], result.import_id)
        if options["json"]:
            self.stdout.write(json.dumps(asdict(result), ensure_ascii=False))
        else:
            self.stdout.write(
                f"import {result.import_id}: {result.rows} rows, {result.landed} landed, {result.unchanged} unchanged, "
                f"{result.rejected} rejected, {result.late} late of which {result.corrected} settled; "
                f"{result.accepted} accepted, {result.doubtful} doubtful"
            )
        if result.rejected:
            raise SystemExit(SOME_REJECTED)

    def _write_rejects(self, target: Path | None, import_id: int) -> None:
        if target is not None:
            with target.open("wb") as stream:
                write_rejects(stream, rejects_to_write(import_id))
