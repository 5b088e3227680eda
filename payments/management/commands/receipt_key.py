"""The key that signs receipts: list, rotate, withdraw."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.shared.errors import Refused
from payments.operations.receipt_keys import rotate_receipt_key, withdraw_receipt_key
from payments.queries.receipt_checks import public_keys


class Command(BaseCommand):
    """Exit code 1 where a key is unknown or no reason is given."""

    help = "List the keys that sign receipts; --rotate makes a new one, --withdraw KEY stops believing one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What may be done."""
        act = parser.add_mutually_exclusive_group()
        act.add_argument("--rotate", action="store_true", help="make a new key; what older ones signed stays good")
        act.add_argument("--withdraw", metavar="KEY", help="believe this key no more (needs --reason)")
        parser.add_argument("--reason", default="", help="why a key is withdrawn")
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *, rotate: bool, withdraw: str | None, reason: str, json: bool, **_options: Any) -> None:
        """Act, then list."""
        try:
            if rotate:
                rotate_receipt_key(at=timezone.now())
            if withdraw:
                withdraw_receipt_key(key_id=withdraw, reason=reason, at=timezone.now())
        except Refused as refused:
            raise CommandError(refused.message) from refused
        keys = public_keys()
        if json:
            self.stdout.write(_dumped([asdict(key) for key in keys]))
            return
        for key in keys:
            state = "withdrawn" if key.withdrawn_at else "retired" if key.retired_at else "signs"
            self.stdout.write(f"{key.key_id}  {key.made_at:%Y-%m-%d %H:%M}Z  {state}  {key.public_key}")


def _dumped(keys: list[dict[str, Any]]) -> str:
    return json.dumps(keys, default=str)
