"""Load the demonstration utility; it stands here because it takes money, and money stands above billing."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone
from tqdm import tqdm

from cis.operations import demo, ledger
from config import navigation
from config.shared.periods import add_months, cycle_of, is_cycle
from config.shared.systems import load_installed
from payments.operations.reversing import reverse_payment
from payments.operations.taking import KeyUsedOtherwise, take_payment

ACCOUNTS = 2000
SEED = 20_260_101
# So many payments share one commit; each is an act of its own all the same.
PAYMENTS_PER_COMMIT = 100
# A process that was killed holds its part of a billing run until its lease runs out.
PATIENCE_S = 120


class Command(BaseCommand):
    """
    One fictitious city in Hubei: about 2,000 accounts, thirteen months of readings, bills and payments.

    A load that was killed is finished by the next call. A production installation refuses.
    """

    help = "Load the demonstration utility (about 2,000 accounts, thirteen months of bills) into an empty database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What may be chosen."""
        parser.add_argument("--if-empty", action="store_true", help="do nothing where there is a utility already")
        parser.add_argument("--until", type=int, help="last cycle, such as 202610; the last whole month by default")
        parser.add_argument("--accounts", type=int, default=ACCOUNTS, help="about how many accounts")
        parser.add_argument("--seed", type=int, default=SEED, help="another seed makes another utility")

    def handle(
        self, *, if_empty: bool, until: int | None, accounts: int, seed: int, verbosity: int, **_options: Any
    ) -> None:
        """Begin, or go on where the last load stopped."""
        if not settings.SIMULATORS:
            if if_empty:
                return
            raise CommandError("生产环境不载入示范数据。 The demonstration is not loaded in production.")
        started, now = time.monotonic(), timezone.now()
        self.quiet = verbosity == 0
        state = demo.demo_state()
        if state is None:
            if not demo.is_empty():
                if if_empty:
                    return
                raise CommandError("数据库不是空的。 The database is not empty.")
            last_whole = add_months(cycle_of(now.astimezone(settings.BILLING_TIME_ZONE).date()), -1)
            until = until or last_whole
            if not is_cycle(until) or until > last_whole:
                raise CommandError(f"--until: {until} is not a whole month of the past, such as {last_whole}")
            with self._bar("示数与曲线 readings, curves", accounts) as bar:
                state = demo.begin(until=until, accounts=accounts, seed=seed, at=now, on_progress=bar.update)
        elif state.is_complete:
            if not if_empty:
                raise CommandError("示范电网已经载入。 The demonstration is loaded already.")
            return
        self._months(state, now)
        self._days_and_apps(now)
        demo.finish(job_id=state.job_id, at=timezone.now())
        self.stdout.write(f"示范电网已就绪 · the demonstration is ready ({time.monotonic() - started:.0f} s)")

    def _days_and_apps(self, now: datetime) -> None:
        accountant, today = demo.user_id("accountant"), now.astimezone(settings.BILLING_TIME_ZONE).date()
        for day in self._steps("日结 closing days", demo.days_to_close(today=today)):
            at = datetime.combine(day, datetime.min.time(), settings.BILLING_TIME_ZONE) + timedelta(hours=25)
            ledger.close_day(business_date=day, closed_by_id=accountant, at=at)
        for load in self._steps("其他各系统 the other apps", load_installed(navigation.DEMO)):
            load(today=today, at=now)

    def _months(self, state: demo.DemoState, now: datetime) -> None:
        plan = demo.plan_of(state)
        accountant, auditor = demo.user_id("accountant"), demo.user_id("auditor")
        for cycle in self._steps("十三个月电费 bills, payments", plan.cycles):
            if cycle <= state.settled:
                continue
            issued = demo.issue_moment(cycle, now)
            if cycle == plan.until:
                demo.import_last_month(plan=plan, created_by_id=auditor, at=issued - timedelta(hours=20))
            self._bill(cycle, accountant, now)
            wishes = demo.wished_payments(plan=plan, cycle=cycle, now=now)
            for start in range(0, len(wishes), PAYMENTS_PER_COMMIT):
                with transaction.atomic():
                    for wish in wishes[start : start + PAYMENTS_PER_COMMIT]:
                        self._take(wish)
            if cycle == plan.cycles[-2] and wishes:
                self._take_and_reverse(wishes[len(wishes) // 2])
                demo.open_dispute(cycle=cycle, at=issued + timedelta(days=6))
            demo.note_settled(job_id=state.job_id, cycle=cycle)

    def _bill(self, cycle: int, accountant: int, now: datetime) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not demo.bill_month(cycle=cycle, created_by_id=accountant, now=now).is_complete:
            if time.monotonic() > deadline:
                raise CommandError(f"{cycle}: 发行未完成，请重新运行。 The billing run did not end; run it again.")
            time.sleep(1)

    def _take(self, wish: demo.PaymentWish) -> None:
        # A load that goes on may find that the account has paid after this cycle already.
        with suppress(KeyUsedOtherwise):
            take_payment(
                account_id=wish.account_id,
                amount_fen=wish.amount_fen,
                method=wish.method,
                org_unit_id=wish.hall_id,
                received_by_id=wish.clerk_id,
                form_key=wish.form_key,
                at=wish.at,
            )

    def _take_and_reverse(self, wish: demo.PaymentWish) -> None:
        """A clerk typed one nought too many, and took it back before the day was over."""
        with transaction.atomic():
            taken = take_payment(
                account_id=wish.account_id,
                amount_fen=wish.amount_fen * 10,
                method=wish.method,
                org_unit_id=wish.hall_id,
                received_by_id=wish.clerk_id,
                form_key=f"{wish.form_key}x",
                at=wish.at,
            )
            if not taken.is_repeat:
                reverse_payment(
                    payment_id=taken.payment_id,
                    reason="金额录错，多录一位。",
                    reversed_by_id=wish.clerk_id,
                    at=wish.at + timedelta(minutes=4),
                )

    def _bar(self, what: str, total: int) -> Any:
        return tqdm(total=total, desc=f"  {what}", unit="", disable=self.quiet, leave=True)

    def _steps(self, what: str, items: Iterable[Any]) -> Iterator[Any]:
        yield from tqdm(list(items), desc=f"  {what}", unit="", disable=self.quiet, leave=True)
