"""An account that does not pay, on the legal road to the stop of supply: each step at its lawful time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from cis.models import ArrearsCase, ArrearsStep, DisconnectionRule
from cis.operations import collecting
from config.shared import approvals
from config.shared.models import OrgUnit
from tests.factories.bills import issue
from tests.factories.world import AccountIds, World, make_user

SHANGHAI = ZoneInfo("Asia/Shanghai")


def at(month: int, day: int, hour: int = 10, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=SHANGHAI)


# The bill of December is due on 15 January; the Spring Festival lies in between (15 to 23 February).
DEMANDED, APPROVED, SERVED, CUT = at(1, 22), at(2, 25), at(2, 27), at(3, 3)


class Road:
    """A case of the shop on its way, and the people on it."""

    def __init__(
        self, world: World, *, account: AccountIds | None = None, later: int | None = None, head_id: int = 0
    ) -> None:
        """`later`: so many days later, and on the bills that the world has; otherwise on a bill made up here."""
        self.world, self.account = world, account or world.commercial
        self.later = timedelta(days=later or 0)
        self.bill_no = issue(world, 500_00, account=self.account, cycle=202512) if later is None else ""
        collecting.open_cases(at=at(1, 16) + self.later)
        self.case_id = ArrearsCase.objects.get(account_id=self.account.account_id).pk
        county = OrgUnit.objects.get(pk=world.county_a_id)
        self.collector = world.accountant_id
        self.head = head_id or make_user("head", county, "leader").pk

    def do(self, operation: Any, when: datetime, **more: Any) -> Any:
        return operation(
            case_id=self.case_id, by_id=self.collector, at=when + self.later, **({"evidence": "凭证一号"} | more)
        )

    def cause(self) -> None:
        self.do(collecting.record_cause, at(1, 20), cause="cash")

    def demand(self) -> None:
        self.do(collecting.record_demand, DEMANDED, channel="visit")

    def ask(self, when: datetime = APPROVED) -> int:
        return collecting.ask_disconnection(
            case_id=self.case_id, reason="多次上门催交无果", asked_by_id=self.collector, at=when + self.later
        )

    def approve(self, when: datetime = APPROVED) -> None:
        approvals.approve(approval_id=self.ask(when), decided_by_id=self.head, at=when + self.later)

    def print(self) -> None:
        collecting.print_notice(
            case_id=self.case_id, announced_at=CUT + self.later, by_id=self.collector, at=at(2, 25, 11) + self.later
        )

    def serve(self) -> None:
        self.do(collecting.note_step, SERVED, what="notice-served", channel="person")

    def tell(self) -> None:
        self.do(collecting.note_step, at(3, 3, 9, 20), what="short-notice", channel="phone")

    def cut(self, when: datetime = CUT) -> None:
        self.do(collecting.cut_supply, when)

    def steps(self) -> list[str]:
        return list(ArrearsStep.objects.filter(case=self.case_id).order_by("pk").values_list("what", flat=True))

    def cut_around(self, when: datetime = CUT) -> None:
        """A cut written by a statement, around every operation."""
        rule = DisconnectionRule.objects.get(province="", is_residential=self.account != self.world.commercial)
        with transaction.atomic():
            ArrearsStep.objects.create(
                case_id=self.case_id, what="cut", at=when, by_id=self.collector, evidence="绕过", rule=rule
            )


WALK = ("cause", "demand", "approve", "print", "serve", "tell")
