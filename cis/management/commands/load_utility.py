"""Load a utility of any size for load tests and benchmarks."""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from cis.operations.bulk_utility import load_utility
from config.shared.periods import add_months, cycle_of, is_cycle


def _shares(text: str) -> tuple[int, int, int]:
    try:
        homes, shops, works = (int(part) for part in text.split("/"))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not three whole numbers such as 92/6/2") from error
    if min(homes, shops, works) < 0 or homes + shops + works == 0:
        raise argparse.ArgumentTypeError(f"{text!r}: shares must not be negative, and not all nothing")
    return homes, shops, works


class Command(BaseCommand):
    """
    Stream accounts with accepted readings in by COPY, in constant memory; no bills.

    Run it as the owner (DAYINGXIAO_AS=owner): the history's row triggers are then switched off while it writes.
    """

    help = "Add N accounts with accepted readings, streamed by COPY, for load tests and benchmarks; makes no bills."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """What may be chosen."""
        parser.add_argument("--accounts", type=int, required=True, help="how many accounts")
        parser.add_argument("--months", type=int, default=12, help="billable cycles of readings (1 to 120)")
        parser.add_argument("--until", type=int, help="last cycle, such as 202610; the last whole month by default")
        parser.add_argument("--share", type=_shares, default=(92, 6, 2), help="homes/shops/works, 92/6/2 by default")
        parser.add_argument("--seed", type=int, default=1, help="another seed makes other numbers")
        parser.add_argument("--json", action="store_true", help="print rows and seconds as one JSON document")

    def handle(self, **options: Any) -> None:
        """Load it."""
        if not settings.SIMULATORS:
            raise CommandError("生产环境不载入压测数据。 Made-up customers are not loaded in production.")
        now = timezone.now()
        last_whole = add_months(cycle_of(now.astimezone(settings.BILLING_TIME_ZONE).date()), -1)
        until = options["until"] or last_whole
        if options["accounts"] < 1 or not 1 <= options["months"] <= 120 or not is_cycle(until):
            raise CommandError("--accounts from 1, --months from 1 to 120, --until a month such as 202610")
        started = time.perf_counter()
        hidden = options["json"] or options["verbosity"] == 0
        with tqdm(total=options["accounts"], desc="  户 accounts", unit="", disable=hidden) as bar:
            loaded = load_utility(
                accounts=options["accounts"],
                until=until,
                at=now,
                months=options["months"],
                shares=options["share"],
                seed=options["seed"],
                on_progress=bar.update,
            )
        seconds = time.perf_counter() - started
        summary = {
            "accounts": loaded.accounts,
            "org_unit_id": loaded.org_unit_id,
            "cycles": loaded.cycles,
            "rows": loaded.rows,
            "seconds_by_table": {table: round(value, 2) for table, value in loaded.seconds.items()},
            "seconds": round(seconds, 2),
        }
        if options["json"]:
            self.stdout.write(json.dumps(summary, ensure_ascii=False))
        else:
            self.stdout.write(f"{sum(loaded.rows.values()):,} rows in {seconds:.1f} s: {summary['seconds_by_table']}")
