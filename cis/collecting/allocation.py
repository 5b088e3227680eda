"""
Pure: where a payment goes. Debts with principal and late fee in, what each gets out, the rest is prepayment.

The rule is a switch, `allocation`: sources are silent, so the order is a convention of the utility (ours by default:
oldest bill first, inside a bill the late fee before the principal).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from cis.rating import CannotPrice

__all__ = ["Allocation", "AllocationRule", "OpenDebt", "Share", "allocate"]


class AllocationRule(StrEnum):
    """What a payment pays first."""

    FEE_THEN_PRINCIPAL = "fee_then_principal"
    """bill by bill, oldest due date first; of each the late fee, then the principal"""
    PRINCIPAL_FIRST = "principal_first"
    """the principal of every bill, oldest due date first; then the late fees in the same order"""


@dataclass(frozen=True, slots=True)
class OpenDebt:
    """A bill that is not paid and the late fee that it has drawn up to the day of payment."""

    bill_id: int
    due_on: date
    principal_fen: int
    fee_fen: int


@dataclass(frozen=True, slots=True)
class Share:
    """What one bill gets; at least one of the two is more than zero."""

    bill_id: int
    fee_fen: int
    principal_fen: int


@dataclass(frozen=True, slots=True)
class Allocation:
    """The shares in the order in which they were served, and the rest. Together they are the payment."""

    shares: tuple[Share, ...]
    prepaid_fen: int


def allocate(
    amount_fen: int, debts: Sequence[OpenDebt], rule: AllocationRule | str, *, chosen: Sequence[int] = ()
) -> Allocation:
    """
    Share a payment out. `chosen` are bills that the payer named: they come first, in that order.

    :raises CannotPrice: the amount or a debt is negative, a bill is named twice or is not open, the rule is unknown
    """
    try:
        rule = AllocationRule(rule)
    except ValueError as unknown:
        raise CannotPrice("unknown_switch_value", f"allocation: {rule!r}") from unknown
    if amount_fen < 0 or any(debt.principal_fen < 0 or debt.fee_fen < 0 for debt in debts):
        raise CannotPrice("bad_amount", "a payment and what is open must not be negative")
    by_id = {debt.bill_id: debt for debt in debts}
    if len(by_id) != len(debts) or len(set(chosen)) != len(chosen) or not by_id.keys() >= set(chosen):
        raise CannotPrice("bad_choice", "every bill once, and only open bills may be chosen")
    wanted = set(chosen)
    rest = sorted((debt for debt in debts if debt.bill_id not in wanted), key=lambda debt: (debt.due_on, debt.bill_id))
    queue = [*(by_id[bill_id] for bill_id in chosen), *rest]
    fees, principals = dict.fromkeys(by_id, 0), dict.fromkeys(by_id, 0)
    left = amount_fen
    if rule is AllocationRule.FEE_THEN_PRINCIPAL:
        order = [(debt, is_fee) for debt in queue for is_fee in (True, False)]
    else:
        order = [(debt, is_fee) for is_fee in (False, True) for debt in queue]
    for debt, is_fee in order:
        part = min(left, debt.fee_fen if is_fee else debt.principal_fen)
        (fees if is_fee else principals)[debt.bill_id] = part
        left -= part
    shares = tuple(
        Share(debt.bill_id, fees[debt.bill_id], principals[debt.bill_id])
        for debt in queue
        if fees[debt.bill_id] or principals[debt.bill_id]
    )
    return Allocation(shares, left)
