"""
Deposits: held out of what the customer paid ahead, applied when the account is closed, given back by two persons.

Held money stands on a ledger account of its own and pays no bill by itself. Given back it returns to the prepayment;
from there it leaves the house as a refund, which again takes two persons.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cis.models import Account, DepositMove
from cis.models.ledger import LedgerKind, TransferKind
from cis.operations import collecting, ledger, settlement
from cis.operations.ledger import Posting
from cis.queries import dues
from cis.queries.deposits import held_fen
from config.shared import approvals
from config.shared.errors import BadInput, NotFound, Refused
from config.shared.money import yuan_from_fen
from config.shared.permissions import is_within

RETURN = "cis.return_deposit"


class NotEnough(Refused):
    """There is not so much: prepaid, or held."""

    code = "not-enough"


class NotClosed(Refused):
    """The account is open: a deposit is applied when it is closed."""

    code = "not-closed"


class BasisMissing(BadInput):
    """A deposit names the agreement it is held under."""

    code = "basis-missing"


def hold_deposit(
    *, account_id: int, amount_fen: int, basis: str, by_id: int, at: datetime, within: Sequence[str] | None = None
) -> int:
    """
    Hold so much of the prepayment as a deposit under a signed agreement; the move's id.

    :raises NotFound: there is no such account within the organisation paths
    :raises BasisMissing: no agreement is named
    :raises NotEnough: nothing, or more than is prepaid
    """
    if not basis.strip():
        text = _("请写明收取保证金的依据：协议编号和签订日期。")
        raise BasisMissing(text, errors=[{"pointer": "/basis", "detail": text}])
    with transaction.atomic():
        _account(account_id, within)
        prepaid = ledger.lock_balances([account_id])[account_id][1]
        _check(amount_fen, prepaid, _("预存电费现在只有 %(yuan)s 元，请先收款再转保证金。"))
        return _book(
            DepositMove.What.HELD,
            account_id=account_id,
            amount_fen=amount_fen,
            basis=basis,
            by_id=by_id,
            at=at,
        )


def apply_deposit(*, account_id: int, by_id: int, at: datetime, within: Sequence[str] | None = None) -> int:
    """
    Pay what a closed account owes out of its deposit, by the rule for payments; what is left stays held. Fen applied.

    :raises NotFound: there is no such account within the organisation paths
    :raises NotClosed: it is open
    :raises NotEnough: nothing is held, or nothing is owed
    """
    with transaction.atomic():
        account = _account(account_id, within)
        ledger.lock_balances([account_id])
        if account.state != Account.State.CLOSED:
            raise NotClosed(_("销户以后才能用保证金抵欠费；现在欠费请按催交程序办。"))
        on = at.astimezone(settings.BILLING_TIME_ZONE).date()
        amount_fen = min(held_fen(account_id), dues.to_pay_fen(account_id=account_id, on=on))
        _check(amount_fen, amount_fen, _("没有保证金，或者没有欠费，不用抵。"))
        move_id = _write(
            DepositMove.What.APPLIED,
            account_id=account_id,
            amount_fen=amount_fen,
            basis=_("销户结清"),
            by_id=by_id,
            at=at,
        )
        settlement.settle_from(
            account_id=account_id,
            amount_fen=amount_fen,
            kind=TransferKind.DEPOSIT_APPLIED,
            document_id=move_id,
            source_id=ledger.deposit_id(account_id),
            at=at,
            business_date=ledger.open_business_date(at),
            actor_id=by_id,
        )
    return amount_fen


def ask_return(
    *,
    account_id: int,
    amount_fen: int,
    reason: str,
    asked_by_id: int,
    at: datetime,
    within: Sequence[str] | None = None,
) -> int:
    """
    Ask that so much of the deposit goes back to the prepayment; the approval's id.

    :raises NotFound: there is no such account within the organisation paths
    :raises NotEnough: nothing, or more than is held
    :raises approvals.AlreadyAsked, approvals.ReasonMissing, NotAllowed: see there
    """
    with transaction.atomic():
        account = _account(account_id, within)
        ledger.lock_balances([account_id])
        _check(amount_fen, held_fen(account_id), _("保证金现在只有 %(yuan)s 元，请按现有金额申请。"))
        return approvals.request(
            kind=RETURN,
            payload={"account_id": account_id, "account_no": account.account_no, "amount_fen": amount_fen},
            asked_by_id=asked_by_id,
            reason=reason,
            at=at,
            org_unit_id=account.org_unit_id,
            subject=f"deposit:{account_id}",
        )


def _words_of_return(payload: Mapping[str, Any]) -> str:
    return _("户号 %(no)s 的保证金退 %(yuan)s 元，转入预存电费；要现金再办退费。") % {
        "no": payload["account_no"],
        "yuan": yuan_from_fen(payload["amount_fen"]),
    }


@approvals.carries_out(
    RETURN,
    label=gettext_lazy("退还保证金"),
    ask="cis.collect_arrears",
    decide="cis.approve_debt_relief",
    consequence=_words_of_return,
)
def _return(act: approvals.Act) -> dict[str, Any]:
    account_id, amount_fen = int(act.payload["account_id"]), int(act.payload["amount_fen"])
    ledger.lock_balances([account_id])
    _check(amount_fen, held_fen(account_id), _("保证金现在只有 %(yuan)s 元，请按现有金额申请。"))
    move_id = _book(
        DepositMove.What.RETURNED,
        account_id=account_id,
        amount_fen=amount_fen,
        basis=act.reason,
        by_id=act.asked_by_id,
        approval_id=act.approval_id,
        approved_by_id=act.decided_by_id,
        at=act.at,
    )
    settlement.apply_prepayment(account_id=account_id, at=act.at, actor_id=act.decided_by_id)
    collecting.look_again(account_id=account_id, at=act.at)
    return {"move_id": move_id}


def _account(account_id: int, within: Sequence[str] | None) -> Account:
    account = Account.objects.select_related("org_unit").filter(pk=account_id).first()
    if account is None or (within is not None and not is_within(account.org_unit.path, within)):
        raise NotFound(_("没有找到这个户号，请核对后再试。"))
    return account


def _check(amount_fen: int, there_fen: int, words: str) -> None:
    if amount_fen <= 0 or amount_fen > there_fen:
        raise NotEnough(words % {"yuan": yuan_from_fen(there_fen)} if "%(" in words else words)


def _write(what: DepositMove.What, *, at: datetime, basis: str, **more: Any) -> int:
    business_date = ledger.open_business_date(at)
    return DepositMove.objects.create(
        what=what, at=at, business_date=business_date, basis=basis.strip()[:300], **more
    ).pk


def _book(what: DepositMove.What, *, account_id: int, amount_fen: int, at: datetime, **more: Any) -> int:
    """Write the move and book it between prepayment and deposit; the account's balances are locked."""
    move_id = _write(what, account_id=account_id, amount_fen=amount_fen, at=at, **more)
    ledger.open_balance(account_id, LedgerKind.DEPOSIT)
    prepayment, deposit = ledger.prepayment_id(account_id), ledger.deposit_id(account_id)
    is_held = what == DepositMove.What.HELD
    kind = TransferKind.DEPOSIT_HELD if is_held else TransferKind.DEPOSIT_RETURNED
    debit, credit = (prepayment, deposit) if is_held else (deposit, prepayment)
    ledger.post(
        [Posting(int(kind), move_id, 1, account_id, debit, credit, amount_fen)],
        booked_at=at,
        business_date=ledger.open_business_date(at),
        actor_id=more.get("approved_by_id") or more["by_id"],
    )
    return move_id
