"""Verify the whole ledger: balances, day totals, the chain of seals, open bills."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cis.operations.ledger import verify_snapshot
from config.shared.money import yuan_from_fen


class Command(BaseCommand):
    """Exit code 0 when the ledger is sound, 3 when it is not."""

    help = "Verify the whole ledger in one snapshot: balances, day totals, seals, open bills; exit code 3 on faults."

    def add_arguments(self, parser: CommandParser) -> None:
        """How to print."""
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, **options: Any) -> None:
        """Verify and print."""
        found = verify_snapshot()
        if options["json"]:
            self.stdout.write(json.dumps(dataclasses.asdict(found), ensure_ascii=False))
        else:
            self.stdout.write(f"{found.transfers} transfers, {found.closed_days} closed days")
            self.stdout.write(
                f"debits {yuan_from_fen(found.debit_fen)} yuan, credits {yuan_from_fen(found.credit_fen)} yuan"
            )
            for fault in found.faults:
                self.stdout.write(f"  {fault}")
        if found.faults:
            raise CommandError(f"{len(found.faults)} faults", returncode=3)
        if not options["json"]:
            self.stdout.write("the ledger is sound")
