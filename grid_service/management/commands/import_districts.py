"""Set districts up: who answers for them, their communities, what they cover."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils import timezone

from config.shared.management.tables import TablesCommand
from grid_service.operations.district_sheets import COLUMNS, MORE_OF_DISTRICTS
from grid_service.operations.imports import import_districts

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


class Command(TablesCommand):
    """Every line is checked, and nothing written unless all is well."""

    tables = _TABLES
    help = "Open districts with their people, communities and transformer districts, from CSV tables."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What may be chosen."""
        parser.add_argument("districts", type=Path, help="the table of districts")
        parser.add_argument("--communities", type=Path, help="the table of communities and villages")
        parser.add_argument("--places", type=Path, help="the table of transformer districts")
        parser.add_argument("--by", required=True, metavar="USERNAME", help="who decided it: may hand districts over")
        parser.add_argument("--reason", default="启用片区", help="why; stands beside every post and place")
        parser.add_argument("--move", action="store_true", help="what another district covers moves, from now on")
        super().add_arguments(parser)

    def handle(self, *, districts: Path, communities: Path | None, places: Path | None, **options: Any) -> None:
        """Do it."""
        self.take_in(
            {"districts": districts, "communities": communities, "places": places},
            lambda lines: import_districts(
                **lines,
                reason=options["reason"],
                decided_by=options["by"],
                at=timezone.now(),
                move=options["move"],
                only_check=options["check"],
            ),
            only_check=options["check"],
            as_json=options["json"],
        )
