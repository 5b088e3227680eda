"""The demonstration's agents: one of each kind of place, with a deposit, some sales and a settled day."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db import transaction

from cis.operations import ledger
from cis.queries import dues
from config.shared import approvals
from config.shared.models import OrgUnit, User
from payments.channel_rules import DayRules
from payments.models import ChannelClient, Payment
from payments.operations import agents, channel_clients
from payments.operations.agents import AgentTerms
from payments.operations.channel_clients import Contract
from payments.operations.channel_payments import Collected, collect
from payments.operations.channel_requests import Caller, Limits

# code, name, place, deposit, ten-thousandths, fen a sale
_SHOPS = (
    ("dx-yyt", "电信东门营业厅", "telecom", 20_000_00, 25, 0),
    ("yz-dongmen", "邮政东门支局", "post", 15_000_00, 20, 0),
    ("cs-huilian", "惠联超市", "supermarket", 3_000_00, 0, 30),
    ("wy-yangguang", "阳光花园物业", "property", 800_00, 0, 50),
)
_SALES = 3


def load(*, today: date, at: datetime) -> None:
    """Connect four agents and let them sell yesterday and today; repeated, nothing changes."""
    asker, decider = (User.objects.get(username=name) for name in ("accountant", "leader"))
    root = OrgUnit.objects.order_by("path").first()
    with transaction.atomic():
        if root is None or ChannelClient.objects.filter(kind=ChannelClient.Kind.AGENT).exists():
            return
        paid = Payment.objects.order_by("-pk").values_list("account_id", flat=True)[:200]
        numbers = [no for no, *_rest in dues.names_of(list(dict.fromkeys(paid))[: _SALES * len(_SHOPS)]).values()]
        for place, (code, name, outlet, deposit_fen, bp, each_fen) in enumerate(_SHOPS):
            contract = Contract(name=name, kind="agent", networks=["127.0.0.0/8"], area_ids=[root.pk])
            channel_clients.open_client(
                code=code, contract=contract, is_sandbox=True, by_id=asker.pk, within=None, at=at
            )
            terms = AgentTerms(outlet, f"DSD-{today.year}-{place + 1:03d}", 500_00, 10_000_00, bp, each_fen, 1_000_00)
            agents.agree_terms(code=code, terms=terms, within=None)
            approval_id = agents.ask_to_move(
                code=code, kind="topped-up", amount_fen=deposit_fen, reference=f"HD{today:%Y%m%d}{place + 1:03d}",
                reason="银行已到账", asked_by_id=asker.pk, within=None, at=at - timedelta(minutes=50),
            )  # fmt: skip
            approvals.approve(approval_id=approval_id, decided_by_id=decider.pk, at=at - timedelta(minutes=40))
            for day in sorted({ledger.open_business_date(at - timedelta(days=1)), today}):
                _sell(code, numbers[place * _SALES :][:_SALES], day, at)
        agents.settle_days(at=at)


def _sell(code: str, numbers: list[str], day: date, at: datetime) -> None:
    client = ChannelClient.objects.get(code=code)
    caller = Caller(
        client_id=client.pk,
        code=code,
        name=client.name,
        key_id="",
        is_sandbox=True,
        clearing_id=client.clearing_id,
        is_agent=True,
        rules=DayRules(None, 1, 0, None, None),
        limits=Limits(600, 600, 60),
        areas=tuple(client.areas.values_list("org_unit__path", "is_on")),
    )
    for place, number in enumerate(numbers):
        sold = Collected(f"{day:%y%m%d}{place + 1:04d}", day, number, 100_00 + 25_50 * place, means="counter")
        collect(caller=caller, collected=sold, at=at)
