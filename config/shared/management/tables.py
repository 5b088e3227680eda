"""Commands that take CSV tables in: opened together, every fault said by its file and line, all of it or nothing."""

from __future__ import annotations

import json
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.shared.errors import Refused


class TablesCommand(BaseCommand):
    """
    A command that reads tables; `tables` describes them below its help.

    The act it calls writes all or nothing and refuses with the faults it found, each a dataclass with `table`, `line`
    and `detail`. Exit code 0: done (or could be done); 1: something is wrong; 2: called wrongly.
    """

    tables = ""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        """The description of the tables as it is written."""
        return super().create_parser(
            prog_name, subcommand, epilog=self.tables, formatter_class=RawDescriptionHelpFormatter, **kwargs
        )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What every such command lets one choose."""
        parser.add_argument("--check", action="store_true", help="try everything and keep nothing")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def take_in(
        self,
        files: Mapping[str, Path | None],
        act: Callable[[dict[str, Iterable[str]]], Any],
        *,
        only_check: bool,
        as_json: bool,
    ) -> None:
        """
        Open the files that were named, hand their lines to the act by table, and say what it counted (a dataclass).

        :raises CommandError: a file cannot be read, or the act refused; nothing was written then
        """
        try:
            with ExitStack() as opened:
                done = act(
                    {
                        table: opened.enter_context(file.open(encoding="utf-8-sig", newline=""))
                        for table, file in files.items()
                        if file is not None
                    }
                )
        except UnicodeDecodeError as error:
            raise CommandError(f"the tables must be UTF-8: {error}") from error
        except OSError as error:
            raise CommandError(str(error)) from error
        except Refused as refused:
            found = getattr(refused, "faults", ())
            faults = [{**asdict(fault), "file": str(files[fault.table])} for fault in found]
            if as_json and faults:
                self.stdout.write(json.dumps({"code": refused.code, "faults": faults}, ensure_ascii=False))
            else:
                for fault in faults:
                    self.stderr.write(f"{fault['file']}:{fault['line']}: {fault['detail']}")
            raise CommandError(refused.message) from refused
        if as_json:
            self.stdout.write(json.dumps(asdict(done)))
        else:
            told = [f"{word.replace('_', ' ')} {count}" for word, count in asdict(done).items() if count]
            self.stdout.write(f"{'would be' if only_check else 'done'}: {', '.join(told) or 'nothing'}")
