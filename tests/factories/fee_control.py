"""An account under fee control whose balance runs down: each thing at its lawful time."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from cis.models import FeeControlAgreement, FeeControlCommand, FeeControlStep, IntervalDay
from cis.operations import fee_control, fee_control_acts, fee_control_commands, fee_control_days
from config.shared.messaging import delivery
from config.shared.models import Message
from tests.factories.arrears import SHANGHAI
from tests.factories.world import AccountIds, World

PAPER = b"%PDF-1.4 a signed agreement"


def at(day: int, hour: int = 10, minute: int = 0, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=SHANGHAI)


def curves(account: AccountIds, first: date, until: date, wh: int = 100) -> None:
    """So many Wh in each quarter-hour of the days [first, until)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT cis_make_interval_partitions(%s, %s)", [first, until])
    IntervalDay.objects.bulk_create(
        IntervalDay(point_id=account.point_id, day=first + timedelta(days=n), energy_wh=[wh] * 96, missing_slots=0)
        for n in range((until - first).days)
    )


class Controlled:
    """The flat of small_world under fee control from 1 March 2026; curves of some weeks, nothing paid ahead."""

    def __init__(self, world: World, *, terms: str = "SG-PREPAID", account: AccountIds | None = None) -> None:
        self.world, self.account = world, account or world.residential
        curves(self.account, date(2026, 2, 1), date(2026, 4, 1))
        self.agreement_id = self.agree(terms)

    def agree(self, terms: str, **changed: Any) -> int:
        return fee_control.agree(
            **{
                "account_no": self.account.account_no,
                "terms_code": terms,
                "from_on": date(2026, 3, 1),
                "until_on": None,
                "signed_by": "张三",
                "signed_on": date(2026, 2, 27),
                "paper": PAPER,
                "paper_name": "协议.pdf",
                "by_id": self.world.manager_id,
                "at": at(1, 9),
                **changed,
            }
        )

    def day(self, when: datetime) -> dict[str, int]:
        """The estimate of a day and what follows from it."""
        with transaction.atomic():
            fee_control_days.estimate([self.account.account_id], at=when)
            return fee_control_acts.act_on([self.account.account_id], at=when)

    def look(self, when: datetime) -> dict[str, int]:
        """What the watch does at a moment."""
        return fee_control_acts.watch(at=when)

    def deliver(self, when: datetime, outside: Any) -> None:
        """Send the messages that wait, by the clock of the provider too."""
        outside.sms.clock = when.timestamp
        while delivery.send_next(now=when):
            pass

    def send(self, when: datetime, outside: Any) -> None:
        """Send and ask for commands, by the clock of the collection system too."""
        outside.collection.clock = when.timestamp
        while fee_control_commands.send_next(now=when):
            pass

    def steps(self) -> list[str]:
        return list(FeeControlStep.objects.order_by("pk").values_list("what", flat=True))

    def commands(self) -> list[tuple[str, str]]:
        return list(FeeControlCommand.objects.exclude(kind="warn").order_by("pk").values_list("kind", "state"))

    def told(self) -> list[str]:
        return list(Message.objects.filter(channel="sms").order_by("pk").values_list("template", flat=True))

    def end(self, when: datetime) -> None:
        fee_control.end_agreement(
            account_no=self.account.account_no, reason="客户要求", by_id=self.world.manager_id, at=when
        )

    @property
    def agreement(self) -> FeeControlAgreement:
        return FeeControlAgreement.objects.get(pk=self.agreement_id)
