"""Set halls up: their places and hours, zones, counters, and where else can be paid."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from config.shared.management.tables import TablesCommand
from halls.models import Hall, PayPoint, Zone
from halls.operations.hall_sheets import COLUMNS, EVERY_SKILL, MORE_COLUMNS
from halls.operations.imports import import_halls
from halls.service_kinds import SERVICE_KINDS

_TABLES = f"""
The tables are CSV in UTF-8 with these columns in the first line, in any order:

  halls       {", ".join(COLUMNS["halls"])};
              besides, if you like: {", ".join(MORE_COLUMNS["halls"])}
              code: of the unit; one that is not there yet is made below the unit with the code parent, named name
              grade: {", ".join(Hall.Grade.values)}; opens_at, closes_at: 08:30; weekdays: 1-5 or 1;3;5 (1 Monday)
              longitude, latitude: degrees (WGS 84)
              zones, parted by ;: {", ".join(Zone.Kind.values)}
  counters    {", ".join(COLUMNS["counters"])}; besides: {", ".join(MORE_COLUMNS["counters"])}
              hall: its code; skills: {EVERY_SKILL}, or parted by ;: {", ".join(SERVICE_KINDS)}
              zone: one of the hall's; is_low: yes for the low counter
  pay points  {", ".join(COLUMNS["pay_points"])}; besides: {", ".join(MORE_COLUMNS["pay_points"])}
              kind: {", ".join(PayPoint.Kind.values)}; unit: the code of the unit it lies in
              hall: the code of the hall where kind is hall; is_working: no where it is shut for now

All of it or nothing. The same tables once more change nothing; other values are taken over, and what the tables do not
name stays. Counters are closed until a clerk opens them; clerks come by `appoint` or the pages of users. Exit code 0:
done (or, with --check, could be done); 1: something is wrong, nothing was written; 2: the command was called wrongly.
"""


class Command(TablesCommand):
    """Every line is checked, and nothing written unless all is well."""

    tables = _TABLES
    help = "Set halls, counters and pay points up from CSV tables."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What may be chosen."""
        parser.add_argument("halls", type=Path, help="the table of halls")
        parser.add_argument("--counters", type=Path, help="the table of counters")
        parser.add_argument("--pay-points", type=Path, help="the table of pay points")
        super().add_arguments(parser)

    def handle(self, *, halls: Path, counters: Path | None, pay_points: Path | None, **options: Any) -> None:
        """Do it."""
        self.take_in(
            {"halls": halls, "counters": counters, "pay_points": pay_points},
            lambda lines: import_halls(**lines, only_check=options["check"]),
            only_check=options["check"],
            as_json=options["json"],
        )
