"""Agents as the console shows them: deposit, moves, settled days."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext as _

from config.shared import approval_queries
from config.shared.errors import NotFound
from config.shared.permissions import is_within
from payments.models import AgentContract, AgentDay, AgentDeposit, AgentMove, AgentSettlement, ChannelClient
from payments.receipt_numbers import receipt_number

LATEST = 50


@dataclass(frozen=True, slots=True)
class AgentRow:
    """An agent in a list; `is_low` when its deposit is below the line agreed with it. No contract: nothing agreed."""

    code: str
    name: str
    is_on: bool
    contract: AgentContract | None
    outlet: str
    balance_fen: int
    sold_fen: int
    is_low: bool


@dataclass(frozen=True, slots=True)
class AgentMoveRow:
    """A movement of a deposit and what was left; `receipt_no` of a sale and its reversal."""

    moved_at: datetime
    business_date: date
    word: str
    amount_fen: int
    balance_fen: int
    receipt_no: str
    reference: str

    @property
    def sold_fen(self) -> int:
        """What was sold, negative when it was taken back."""
        return -self.amount_fen


@dataclass(frozen=True, slots=True)
class SettledDay:
    """One settled day; `kept_fen` is what was sold and not taken back."""

    business_date: date
    sales: int
    sales_fen: int
    reversals: int
    reversals_fen: int
    commission_bp: int
    commission_each_fen: int
    commission_fen: int
    balance_fen: int
    settled_at: datetime

    @property
    def slug(self) -> str:
        """The day as it stands in an address."""
        return self.business_date.isoformat()

    @property
    def kept_fen(self) -> int:
        """Sold and not taken back."""
        return self.sales_fen - self.reversals_fen

    @property
    def kept(self) -> int:
        """How many sales were not taken back."""
        return self.sales - self.reversals


@dataclass(frozen=True, slots=True)
class AgentPage:
    """All of an agent."""

    row: AgentRow
    moves: tuple[AgentMoveRow, ...]
    days: tuple[SettledDay, ...]
    waiting: tuple[approval_queries.ApprovalRow, ...]


@dataclass(frozen=True, slots=True)
class SettlementPage:
    """The paper of one settled day, with every sale and reversal of it."""

    row: AgentRow
    day: SettledDay
    moves: tuple[AgentMoveRow, ...]


@dataclass(frozen=True, slots=True)
class DepositLeft:
    """What an agent may still sell today."""

    balance_fen: int
    single_limit_fen: int
    daily_limit_fen: int
    sold_fen: int


def list_agents(*, within: Sequence[str], day: date) -> tuple[AgentRow, ...]:
    """Every agent all of whose area lies within, those short of deposit first; four statements."""
    clients = ChannelClient.objects.filter(kind=ChannelClient.Kind.AGENT).prefetch_related("areas__org_unit")
    inside = [client for client in clients if all(is_within(area.org_unit.path, within) for area in client.areas.all())]
    return tuple(sorted(_rows(inside, day), key=lambda row: (not row.is_low, row.code)))


def get_agent(code: str, *, within: Sequence[str], day: date) -> AgentPage:
    """
    One agent with its latest moves and days.

    :raises NotFound: there is none of this code, or it is not the asker's
    """
    client = _client(code, within)
    waiting = approval_queries.list_about(f"agent-deposit:{client.pk}", limit=1)
    return AgentPage(
        row=_rows([client], day)[0],
        moves=_moves(AgentMove.objects.filter(client=client).order_by("-pk")[:LATEST]),
        days=tuple(map(_day, AgentSettlement.objects.filter(client=client).order_by("-business_date")[:LATEST])),
        waiting=tuple(row for row in waiting if row.state == "waiting"),
    )


def get_settlement(code: str, day: date, *, within: Sequence[str]) -> SettlementPage:
    """
    One settled day.

    :raises NotFound: it was not settled, or the agent is not the asker's
    """
    client = _client(code, within)
    settled = AgentSettlement.objects.filter(client=client, business_date=day).first()
    if settled is None:
        raise NotFound(_("这一天还没有结算。"))
    moves = AgentMove.objects.filter(
        client=client, business_date=day, kind__in=(AgentMove.Kind.SALE, AgentMove.Kind.REVERSED)
    )
    return SettlementPage(row=_rows([client], day)[0], day=_day(settled), moves=_moves(moves.order_by("pk")))


def deposit_left(*, client_id: int, day: date) -> DepositLeft:
    """
    What an agent may still sell on an accounting day.

    :raises NotFound: the client is no agent
    """
    contract = AgentContract.objects.filter(client_id=client_id).first()
    deposit = AgentDeposit.objects.filter(client_id=client_id).first()
    if contract is None or deposit is None:
        raise NotFound(_("这个接入方没有备付金。"))
    sold = AgentDay.objects.filter(client_id=client_id, business_date=day).values_list("sold_fen", flat=True).first()
    return DepositLeft(deposit.balance_fen, contract.single_limit_fen, contract.daily_limit_fen, sold or 0)


def _client(code: str, within: Sequence[str]) -> ChannelClient:
    client = (
        ChannelClient.objects.prefetch_related("areas__org_unit")
        .filter(code=code, kind=ChannelClient.Kind.AGENT)
        .first()
    )
    if client is None or not all(is_within(area.org_unit.path, within) for area in client.areas.all()):
        raise NotFound(_("没有找到这个代收点。"))
    return client


def _rows(clients: Sequence[ChannelClient], day: date) -> tuple[AgentRow, ...]:
    ids = [client.pk for client in clients]
    contracts = AgentContract.objects.in_bulk(ids)
    balances = dict(AgentDeposit.objects.filter(client_id__in=ids).values_list("client_id", "balance_fen"))
    sold = dict(AgentDay.objects.filter(client_id__in=ids, business_date=day).values_list("client_id", "sold_fen"))
    rows = []
    for client in clients:
        contract, balance_fen = contracts.get(client.pk), balances.get(client.pk, 0)
        rows.append(
            AgentRow(
                code=client.code,
                name=client.name,
                is_on=client.is_on,
                contract=contract,
                outlet=str(_(contract.get_outlet_display())) if contract else "",
                balance_fen=balance_fen,
                sold_fen=sold.get(client.pk, 0),
                is_low=contract is not None and balance_fen < contract.low_deposit_fen,
            )
        )
    return tuple(rows)


def _moves(moves: Iterable[AgentMove]) -> tuple[AgentMoveRow, ...]:
    return tuple(
        AgentMoveRow(
            moved_at=move.moved_at,
            business_date=move.business_date,
            word=str(_(move.get_kind_display())),
            amount_fen=move.amount_fen,
            balance_fen=move.balance_fen,
            receipt_no=receipt_number(move.payment_id, move.business_date) if move.payment_id else "",
            reference=move.reference or "",
        )
        for move in moves
    )


def _day(settled: AgentSettlement) -> SettledDay:
    return SettledDay(
        settled.business_date,
        settled.sales,
        settled.sales_fen,
        settled.reversals,
        settled.reversals_fen,
        settled.commission_bp,
        settled.commission_each_fen,
        settled.commission_fen,
        settled.balance_fen,
        settled.settled_at,
    )
