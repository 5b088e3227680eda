"""An agent with a contract and a deposit, for tests."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings

from config.shared import approvals
from payments.channel_rules import DayRules
from payments.models import ChannelClient
from payments.operations import agents
from payments.operations.agents import AgentTerms
from payments.operations.channel_payments import Collected, collect, take_back
from payments.operations.channel_requests import Caller, Limits
from tests.factories.channels import Bank, connect_bank
from tests.factories.world import World, make_user


def connect_agent(world: World, code: str = "shop", *, deposit_fen: int = 0, terms: dict[str, Any] | None = None,
                  at: datetime | None = None, **agreed: Any) -> Bank:  # fmt: skip
    """A sandbox telecom shop for the whole province; with a deposit that two persons booked."""
    at = at or world.at
    bank = connect_bank(world, code, at=at, **{"name": f"{code} 电信营业厅", "kind": "agent", **agreed})
    known = {"outlet": "telecom", "contract_no": "DS-2026-001", "single_limit_fen": 50_000, "daily_limit_fen": 10**9}
    agents.agree_terms(code=code, terms=AgentTerms(**{**known, **(terms or {})}), within=None)
    if deposit_fen:
        move_deposit(world, code, deposit_fen, at=at)
    return bank


def move_deposit(
    world: World, code: str, fen: int, *, kind: str = "topped-up", reference: str = "", at: datetime | None = None
) -> None:
    """What the bank moved, asked for by the administrator and approved by the leader."""
    at = at or world.at
    approval_id = agents.ask_to_move(
        code=code, kind=kind, amount_fen=fen, reference=reference or f"HD{fen}", reason="银行已到账",
        asked_by_id=world.administrator_id, within=None, at=at,
    )  # fmt: skip
    leader = make_user(f"leader{approval_id}", ChannelClient.objects.get(code=code).areas.get().org_unit, "leader")
    approvals.approve(approval_id=approval_id, decided_by_id=leader.pk, at=at)


def sell_a_day(world: World, code: str = "shop", *, at: datetime) -> str:
    """An agent that is short of deposit, with one settled day of a sale and a reversal; the day."""
    connect_agent(world, code, deposit_fen=6_000, terms={"commission_bp": 25, "low_deposit_fen": 5_000}, at=at)
    day = at.astimezone(settings.BILLING_TIME_ZONE).date()
    for serial, fen in (("A1", 2_000), ("A2", 1_000)):
        collected = Collected(f"{code}{serial}", day, world.residential.account_no, fen)
        collect(caller=caller(code), collected=collected, at=at)
    take_back(
        caller=caller(code), serial=f"{code}A2", reversal_serial=f"{code}R2", bank_date=day, reason="输错金额", at=at
    )
    agents.settle_day(client_id=caller(code).client_id, business_date=day, at=at)
    return day.isoformat()


def caller(code: str) -> Caller:
    """The agent as an admitted request names it."""
    client = ChannelClient.objects.get(code=code)
    return Caller(
        client_id=client.pk,
        code=code,
        name=client.name,
        key_id="",
        is_sandbox=True,
        clearing_id=client.clearing_id,
        is_agent=True,
        rules=DayRules(None, 7, 0, None, None),
        limits=Limits(600, 600, 60),
        areas=(*client.areas.values_list("org_unit__path", "is_on"),),
    )
