"""
Agents: their contract, their deposit, what they sell against it, and the settlement of each of their days.

The deposit's row is locked after the customer's money and after the ledger's day, so that sales of one agent take
turns and nothing waits in a circle. What is paid in and out by bank needs a second person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q, Sum
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cis.operations import ledger
from config.shared import approvals
from config.shared.errors import BadInput, NotFound, Refused
from config.shared.events import publish
from config.shared.money import MAX_FEN, yuan_from_fen
from config.shared.permissions import is_within
from payments.agent_rules import commission_fen, may_sell
from payments.channel_rules import DayRules, accounting_day
from payments.events import AgentDepositLow
from payments.models import AgentContract, AgentDay, AgentDeposit, AgentMove, AgentSettlement, ChannelClient
from payments.models.agents import MOST_BP
from payments.operations.taking import next_id

WORK, APPROVE = "payments.work_agents", "payments.approve_agents"
MOVE_DEPOSIT = "payments.move-agent-deposit"


class NoAgent(Refused):
    """The client is no agent, or nothing was agreed with it as one."""

    code = "agent-contract-missing"


class StillSelling(Refused):
    """A productive agent's contract is changed only while it is switched off."""

    code = "client-still-on"


class UnusableTerms(BadInput):
    """Limits or commission that cannot be."""

    code = "agent-terms-unusable"


class OverLimit(Refused):
    """More than one sale, or one day, may bring."""

    code = "agent-over-limit"


class DepositShort(Refused):
    """The deposit does not cover the sale, or what is to be paid back."""

    code = "agent-deposit-short"


class DaySettled(Refused):
    """The agent's day was settled; nothing is sold or taken back on it any more."""

    code = "day-not-accepted"


class PaperUsed(Refused):
    """The bank's number was booked before."""

    code = "agent-paper-used"


@dataclass(frozen=True, slots=True)
class AgentTerms:
    """What is agreed with an agent; see `payments.models.AgentContract`."""

    outlet: str
    contract_no: str
    single_limit_fen: int
    daily_limit_fen: int
    commission_bp: int = 0
    commission_fen: int = 0
    low_deposit_fen: int = 0


def agree_terms(*, code: str, terms: AgentTerms, within: Sequence[str] | None) -> None:
    """
    Write down what is agreed with an agent, and give it a deposit of nothing to begin with.

    :raises NotFound: there is no such client within
    :raises NoAgent: it is a bank or an integrator, or its sales may be taken back on a later day
    :raises StillSelling: it is productive and on; what a second person approved is not changed behind their back
    :raises UnusableTerms: limits or commission that cannot be
    """
    _check_terms(terms)
    with transaction.atomic():
        client = _client(code, within, lock=True)
        if client.kind != ChannelClient.Kind.AGENT:
            raise NoAgent(_("这个接入方不是代收点，没有备付金。请先把类型改为代收点。"))
        if client.reversal_days:
            raise NoAgent(_("代收点只能当日冲正。请先把接入方的“几天内可以冲正”改为 0。"))
        if client.is_on and not client.is_sandbox:
            raise StillSelling(_("代收点在用时不能改约定。请先停用，改好后再申请启用。"))
        AgentContract.objects.update_or_create(client=client, defaults=asdict(terms))
        AgentDeposit.objects.get_or_create(client=client)


def _check_terms(terms: AgentTerms) -> None:
    if not terms.contract_no.strip() or terms.outlet not in AgentContract.Outlet.values:
        raise UnusableTerms(_("请填写合同编号和网点类型。"))
    if not 0 < terms.single_limit_fen <= terms.daily_limit_fen <= MAX_FEN:
        raise UnusableTerms(_("限额要大于 0，单笔限额不能超过每日限额。"))
    if not (0 <= terms.commission_bp <= MOST_BP and 0 <= terms.commission_fen <= 100_00 and terms.low_deposit_fen >= 0):
        raise UnusableTerms(_("手续费按万分之几填 0 到 1000，每笔 0 到 100 元；提醒线不能小于 0。"))


def sell(*, client_id: int, payment_id: int, amount_fen: int, business_date: date, at: datetime) -> None:
    """
    Take a sale out of an agent's deposit, in the transaction that booked the payment.

    :raises NoAgent: nothing was agreed with it
    :raises DaySettled, OverLimit, DepositShort: it may not sell that
    """
    contract, deposit = _lock(client_id)
    _check_day(client_id, business_date)
    day, _made = AgentDay.objects.get_or_create(client_id=client_id, business_date=business_date)
    stands = may_sell(
        amount_fen=amount_fen,
        sold_fen=day.sold_fen,
        balance_fen=deposit.balance_fen,
        single_limit_fen=contract.single_limit_fen,
        daily_limit_fen=contract.daily_limit_fen,
    )
    if stands == "over-single-limit":
        raise OverLimit(
            _("超过单笔限额 %(yuan)s 元，请客户到营业厅缴费。") % {"yuan": yuan_from_fen(contract.single_limit_fen)}
        )
    if stands == "over-daily-limit":
        raise OverLimit(
            _("超过每日限额 %(yuan)s 元，今天不能再收这么多。") % {"yuan": yuan_from_fen(contract.daily_limit_fen)}
        )
    if stands == "over-deposit":
        raise DepositShort(_("备付金余额不足，请先存入备付金再收。"))
    day.sold_fen += amount_fen
    AgentDay.objects.filter(client_id=client_id, business_date=business_date).update(sold_fen=day.sold_fen)
    was_fen = deposit.balance_fen
    _move(deposit, AgentMove.Kind.SALE, -amount_fen, business_date, at, payment_id=payment_id)
    if was_fen >= contract.low_deposit_fen > deposit.balance_fen:
        publish(AgentDepositLow(client_id=client_id, balance_fen=deposit.balance_fen))


def give_back(*, client_id: int, payment_id: int, amount_fen: int, business_date: date, at: datetime) -> None:
    """
    Give a reversed sale back to the deposit, in the transaction that reversed the payment.

    :raises NoAgent, DaySettled: as for `sell`
    """
    _contract, deposit = _lock(client_id)
    _check_day(client_id, business_date)
    day = AgentDay.objects.get(client_id=client_id, business_date=business_date)
    AgentDay.objects.filter(client_id=client_id, business_date=business_date).update(sold_fen=day.sold_fen - amount_fen)
    _move(deposit, AgentMove.Kind.REVERSED, amount_fen, business_date, at, payment_id=payment_id)


def ask_to_move(
    *,
    code: str,
    kind: str,
    amount_fen: int,
    reference: str,
    reason: str,
    asked_by_id: int,
    within: Sequence[str] | None,
    at: datetime,
) -> int:
    """
    Ask that what an agent paid in by bank is added to its deposit, or some of it paid back; the approval's id.

    `kind`: topped-up or paid-out. `reference`: the bank's number, once for ever.

    :raises NotFound, NoAgent: there is no such agent within
    :raises UnusableTerms: no amount, or no number
    :raises PaperUsed: the bank's number was booked before
    :raises DepositShort: more than there is
    :raises approvals.AlreadyAsked, approvals.ReasonMissing, NotAllowed: see there
    """
    if kind not in AgentMove.BY_HAND or not 0 < amount_fen <= MAX_FEN or not reference.strip():
        raise UnusableTerms(_("请填写大于 0 的金额和银行回单号。"))
    with transaction.atomic():
        client = _client(code, within)
        _contract, deposit = _lock(client.pk)
        _check_paper(client.pk, kind, reference.strip())
        if kind == AgentMove.Kind.PAID_OUT and amount_fen > deposit.balance_fen:
            raise DepositShort(
                _("备付金只有 %(yuan)s 元，退不了这么多。") % {"yuan": yuan_from_fen(deposit.balance_fen)}
            )
        return approvals.request(
            kind=MOVE_DEPOSIT,
            payload={
                "code": client.code,
                "name": client.name,
                "kind": str(kind),
                "amount_fen": amount_fen,
                "reference": reference.strip(),
            },
            asked_by_id=asked_by_id,
            reason=reason,
            at=at,
            org_unit_id=client.areas.order_by("pk").values_list("org_unit_id", flat=True)[0],
            subject=f"agent-deposit:{client.pk}",
        )


def _words_of_move(payload: Mapping[str, Any]) -> str:
    words = {
        "name": payload["name"],
        "code": payload["code"],
        "yuan": yuan_from_fen(payload["amount_fen"]),
        "no": payload["reference"],
    }
    if payload["kind"] == AgentMove.Kind.TOPPED_UP:
        return _("%(name)s（%(code)s）的备付金增加 %(yuan)s 元，银行回单 %(no)s；马上可以用来代收。") % words
    return _("从 %(name)s（%(code)s）的备付金退回 %(yuan)s 元，银行回单 %(no)s。") % words


@approvals.carries_out(
    MOVE_DEPOSIT, label=gettext_lazy("代收点备付金存入和退回"), ask=WORK, decide=APPROVE, consequence=_words_of_move
)
def _carry_out(act: approvals.Act) -> dict[str, Any]:
    client = _client(str(act.payload["code"]), None)
    kind, amount_fen = str(act.payload["kind"]), int(act.payload["amount_fen"])
    business_date = ledger.open_business_date(act.at)
    ledger.lock_day(business_date)
    _contract, deposit = _lock(client.pk)
    _check_paper(client.pk, kind, str(act.payload["reference"]))
    is_in = kind == AgentMove.Kind.TOPPED_UP
    if not is_in and amount_fen > deposit.balance_fen:
        raise DepositShort(_("备付金只有 %(yuan)s 元，退不了这么多。") % {"yuan": yuan_from_fen(deposit.balance_fen)})
    move_id = _move(
        deposit,
        AgentMove.Kind(kind),
        amount_fen if is_in else -amount_fen,
        business_date,
        act.at,
        reference=str(act.payload["reference"]),
        approval_id=act.approval_id,
    )
    bank = ledger.control_id("BANK_DEPOSIT")
    posting = ledger.Posting(
        kind=ledger.TransferKind.AGENT_TOPPED_UP if is_in else ledger.TransferKind.AGENT_PAID_OUT,
        document_id=move_id,
        leg=1,
        account_id=0,
        debit_id=bank if is_in else client.clearing_id,
        credit_id=client.clearing_id if is_in else bank,
        amount_fen=amount_fen,
    )
    ledger.post([posting], booked_at=act.at, business_date=business_date, actor_id=act.decided_by_id)
    return {"url": reverse("payments:agent", args=[client.code])}


def settle_days(*, at: datetime) -> int:
    """Settle every day of every agent that is over and not settled; how many were. Repeated, there are none left."""
    waiting = (
        AgentMove.objects.filter(kind=AgentMove.Kind.SALE)
        .values_list("client_id", "business_date")
        .distinct()
        .order_by("client_id", "business_date")
    )
    done = set(AgentSettlement.objects.values_list("client_id", "business_date"))
    local = at.astimezone(settings.BILLING_TIME_ZONE)
    clients = {client.pk: client for client in ChannelClient.objects.filter(kind=ChannelClient.Kind.AGENT)}
    count = 0
    for client_id, day in waiting:
        client = clients.get(client_id)
        if (client_id, day) in done or client is None or day >= accounting_day(local, _rules(client)):
            continue
        count += settle_day(client_id=client_id, business_date=day, at=at)
    return count


def settle_day(*, client_id: int, business_date: date, at: datetime) -> bool:
    """
    Reckon up one day of an agent and add its commission to its deposit; False where it was settled before, or empty.

    :raises NoAgent: nothing was agreed with it
    """
    with transaction.atomic():
        booked_on = ledger.open_business_date(at)
        ledger.lock_day(booked_on)
        contract, deposit = _lock(client_id)
        if AgentSettlement.objects.filter(client_id=client_id, business_date=business_date).exists():
            return False
        sums = AgentMove.objects.filter(client_id=client_id, business_date=business_date).aggregate(
            sales=Count("pk", filter=Q(kind=AgentMove.Kind.SALE)),
            sales_fen=Sum("amount_fen", filter=Q(kind=AgentMove.Kind.SALE), default=0),
            reversals=Count("pk", filter=Q(kind=AgentMove.Kind.REVERSED)),
            reversals_fen=Sum("amount_fen", filter=Q(kind=AgentMove.Kind.REVERSED), default=0),
        )
        if not sums["sales"]:
            return False
        earned_fen = commission_fen(
            sold_fen=-sums["sales_fen"] - sums["reversals_fen"],
            sales=sums["sales"] - sums["reversals"],
            bp=contract.commission_bp,
            each_fen=contract.commission_fen,
        )
        settlement = AgentSettlement(
            id=next_id("payments_agent_settlement"),
            client_id=client_id,
            business_date=business_date,
            sales=sums["sales"],
            sales_fen=-sums["sales_fen"],
            reversals=sums["reversals"],
            reversals_fen=sums["reversals_fen"],
            commission_bp=contract.commission_bp,
            commission_each_fen=contract.commission_fen,
            commission_fen=earned_fen,
            balance_fen=deposit.balance_fen + earned_fen,
            settled_at=at,
        )
        settlement.save(force_insert=True)
        if earned_fen:
            _move(deposit, AgentMove.Kind.COMMISSION, earned_fen, booked_on, at, settlement_id=settlement.pk)
            posting = ledger.Posting(
                kind=ledger.TransferKind.AGENT_COMMISSION,
                document_id=settlement.pk,
                leg=1,
                account_id=0,
                debit_id=ledger.control_id("AGENT_COMMISSION"),
                credit_id=contract.client.clearing_id,
                amount_fen=earned_fen,
            )
            ledger.post([posting], booked_at=at, business_date=booked_on)
    return True


def _rules(client: ChannelClient) -> DayRules:
    return DayRules(client.cutoff_time, client.days_apart, client.reversal_days, None, None)


def _client(code: str, within: Sequence[str] | None, *, lock: bool = False) -> ChannelClient:
    found = ChannelClient.objects.select_for_update() if lock else ChannelClient.objects
    client = found.filter(code=code).first()
    if client is None or (
        within is not None
        and not all(is_within(path, within) for path in client.areas.values_list("org_unit__path", flat=True))
    ):
        raise NotFound(_("没有找到这个代收点。"))
    return client


def _lock(client_id: int) -> tuple[AgentContract, AgentDeposit]:
    """An agent's contract, and its deposit under lock."""
    deposit = AgentDeposit.objects.select_for_update().filter(client_id=client_id).first()
    contract = AgentContract.objects.select_related("client").filter(client_id=client_id).first()
    if deposit is None or contract is None:
        raise NoAgent(_("这个代收点还没有登记约定和备付金，不能代收。请联系供电公司。"))
    return contract, deposit


def _check_day(client_id: int, business_date: date) -> None:
    """Whether the day is open; the deposit is locked, and settling locks it too."""
    if AgentSettlement.objects.filter(client_id=client_id, business_date=business_date).exists():
        raise DaySettled(_("这个账务日期已经结算，请用当前账务日期重发。"))


def _check_paper(client_id: int, kind: str, reference: str) -> None:
    if AgentMove.objects.filter(client_id=client_id, kind=kind, reference=reference).exists():
        raise PaperUsed(_("银行回单 %(no)s 已经记过，不能再记。") % {"no": reference})


def _move(deposit: AgentDeposit, kind: str, amount_fen: int, on: date, at: datetime, **paper: Any) -> int:
    """Write a movement and the balance after it; the deposit is locked. Gives its id."""
    deposit.balance_fen += amount_fen
    AgentDeposit.objects.filter(pk=deposit.pk).update(balance_fen=deposit.balance_fen)
    return AgentMove.objects.create(
        client_id=deposit.client_id,
        kind=kind,
        amount_fen=amount_fen,
        balance_fen=deposit.balance_fen,
        business_date=on,
        moved_at=at,
        **paper,
    ).pk
