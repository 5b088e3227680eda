"""`manage.py import_shed_list FILE --year YEAR`: draw the yearly list of orderly power use from a file."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.shared.errors import NotFound
from dsm.operations.shed_list_imports import FEEDER_COLUMNS, OPTIONAL, REQUIRED, ShedListRefused, import_list

REFUSED = 4
# The first four digits of a year.
_YEARS = range(2000, 2100)


class Command(BaseCommand):
    """Exit codes: 0 drawn or there already, 2 a file or unit is not there, 4 refused (nothing was written)."""

    help = (
        "Draw the yearly list of orderly power use (有序用电名单) of a unit from a CSV file, one account a line, with "
        f"the columns {', '.join(REQUIRED)} and, if wanted, {', '.join(OPTIONAL)}. Tier 1 is cut first; tier 9 is "
        "protected and needs protected_because; an empty security_kw takes the default share of the peak. Peaks come "
        "from measured curves, capacities from contracts. Every line is checked first, and all faults are told with "
        "their lines; nothing is written unless all is well. The same file twice is one list; another file replaces "
        "a draft that waits. The list is planned with once the authority's approval is put down on the page of the "
        "list (/dsm/shed-list/). Exit codes: 0 drawn or there already, 2 a file or unit is not there, 4 refused."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What can be asked for."""
        parser.add_argument("file", type=Path, help="the CSV file of accounts (UTF-8)")
        parser.add_argument("--year", type=int, required=True, help="the year of the list, such as 2027")
        parser.add_argument("--unit", default="", help="code of the unit that plans with it (the one at the top)")
        parser.add_argument(
            "--feeders",
            type=Path,
            help=f"CSV file of the order of feeders (限电序位表), first to open first: {', '.join(FEEDER_COLUMNS)}",
        )
        parser.add_argument("--check", action="store_true", help="check the files and write nothing")
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Read, check, draw, report."""
        if options["year"] not in _YEARS:
            raise CommandError("--year: a year such as 2027", returncode=2)
        try:
            drawn = import_list(
                year=options["year"],
                unit_code=options["unit"],
                lines=_lines(options["file"]),
                feeder_lines=_lines(options["feeders"]) if options["feeders"] else (),
                made_by_id=None,
                at=timezone.now(),
                only_check=options["check"],
            )
        except NotFound as error:
            raise CommandError(f"--unit: {error.message}", returncode=2) from error
        except ShedListRefused as refused:
            self._tell_faults(refused, options)
            raise CommandError(f"{refused.message} ({refused.code})", returncode=REFUSED) from None
        if options["json"]:
            self.stdout.write(json.dumps({"state": "done" if drawn else "checked", **(asdict(drawn) if drawn else {})}))
        elif drawn is None:
            self.stdout.write("all lines are well; nothing was written")
        else:
            self.stdout.write(
                f"list {drawn.list_id} of {drawn.unit} for {drawn.year} {'drawn' if drawn.is_new else 'is there'}: "
                f"{drawn.accounts} accounts, {drawn.protected} protected, {drawn.not_surveyed} not surveyed, "
                f"{drawn.not_measured} without a curve, {drawn.sheddable_kw} kW can be cut; {drawn.feeders} feeders. "
                "Put the authority's approval down at /dsm/shed-list/."
            )

    def _tell_faults(self, refused: ShedListRefused, options: dict[str, Any]) -> None:
        faults = []
        for fault in refused.errors:
            _root, file, line = fault["pointer"].split("/")
            name = options["file" if file == "list" else "feeders"].name
            faults.append({"file": name, "line": int(line), "detail": fault["detail"]})
        if options["json"]:
            self.stdout.write(json.dumps({"state": "refused", "code": refused.code, "errors": faults}))
        else:
            for fault in faults:
                self.stderr.write(f"{fault['file']}:{fault['line']}: {fault['detail']}")


def _lines(file: Path) -> list[str]:
    """The lines of a file, the mark that spreadsheets put before them taken away."""
    try:
        return file.read_text("utf-8-sig").splitlines(keepends=True)
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror or error}", returncode=2) from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{file}: not UTF-8; save it as CSV UTF-8", returncode=2) from error
