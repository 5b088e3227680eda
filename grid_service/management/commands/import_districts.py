"""Set districts up: who answers for them, their communities, what they cover."""

from __future__ import annotations

import json
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.shared.errors import Refused
from grid_service.operations.district_sheets import COLUMNS, MORE_OF_DISTRICTS
from grid_service.operations.imports import DistrictsRefused, import_districts

_TABLES = f"""
The tables are CSV in UTF-8 with these columns in the first line, in any order:

  districts    {", ".join(COLUMNS["districts"])};
               besides, if you like: {", ".join(MORE_OF_DISTRICTS)}
               manager, deputy: user names of staff with the role district-manager
               begins: 2026-01-01 or 2026-01-01T08:30, in the billing time zone
               name, name_en, parent: for a unit that is to be made below the unit with the code parent
               receives_new: yes for the one district of a county that new transformer districts come to
  communities  {", ".join(COLUMNS["communities"])}
               kind: community or village; words: what stands in addresses there, parted by ;
  places       {", ".join(COLUMNS["places"])}
               codes of a transformer district and of the district that covers it

All of it or nothing. The same tables once more change nothing; other telephones, words and communities are taken over.
Other people are a hand-over, on the district's page. Exit code 0: done (or, with --check, could be done); 1: something
is wrong, nothing was written; 2: the command was called wrongly.
"""


class Command(BaseCommand):
    """Every line is checked, and nothing written unless all is well."""

    help = "Open districts with their people, communities and transformer districts, from CSV tables."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        """The description of the tables as it is written."""
        return super().create_parser(
            prog_name, subcommand, epilog=_TABLES, formatter_class=RawDescriptionHelpFormatter, **kwargs
        )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What may be chosen."""
        parser.add_argument("districts", type=Path, help="the table of districts")
        parser.add_argument("--communities", type=Path, help="the table of communities and villages")
        parser.add_argument("--places", type=Path, help="the table of transformer districts")
        parser.add_argument("--by", required=True, metavar="USERNAME", help="who decided it: may hand districts over")
        parser.add_argument("--reason", default="启用片区", help="why; stands beside every post and place")
        parser.add_argument("--move", action="store_true", help="what another district covers moves, from now on")
        parser.add_argument("--check", action="store_true", help="try everything and keep nothing")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *, districts: Path, communities: Path | None, places: Path | None, **options: Any) -> None:
        """Do it."""
        files = {"districts": districts, "communities": communities, "places": places}
        try:
            with ExitStack() as opened:
                lines = {
                    table: opened.enter_context(file.open(encoding="utf-8-sig", newline=""))
                    for table, file in files.items()
                    if file is not None
                }
                done = import_districts(
                    **lines,
                    reason=options["reason"],
                    decided_by=options["by"],
                    at=timezone.now(),
                    move=options["move"],
                    only_check=options["check"],
                )
        except UnicodeDecodeError as error:
            raise CommandError(f"the tables must be UTF-8: {error}") from error
        except OSError as error:
            raise CommandError(str(error)) from error
        except DistrictsRefused as refused:
            faults = [{**asdict(fault), "file": str(files[fault.table])} for fault in refused.faults]
            if options["json"]:
                self.stdout.write(json.dumps({"code": refused.code, "faults": faults}, ensure_ascii=False))
            else:
                for fault in faults:
                    self.stderr.write(f"{fault['file']}:{fault['line']}: {fault['detail']}")
            raise CommandError(refused.message) from refused
        except Refused as refused:
            raise CommandError(refused.message) from refused
        if options["json"]:
            self.stdout.write(json.dumps(asdict(done)))
        else:
            told = [f"{word.replace('_', ' ')} {count}" for word, count in asdict(done).items() if count]
            self.stdout.write(f"{'would be' if options['check'] else 'done'}: {', '.join(told) or 'nothing'}")
