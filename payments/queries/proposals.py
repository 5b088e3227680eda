"""Whose a bank line's money may be: accounts, each with the reasons that speak for it. Nothing is booked by these."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from cis.queries import payers as cis_payers
from cis.queries.payers import Payer
from payments.models import BankLine, ClaimPart, SubAccount

MOST = 8
_EARLIER = 200
_NUMBER = re.compile(r"(?<![0-9])[0-9]{6,20}(?![0-9])", re.ASCII)

# How much a reason weighs in the order of the list; no sum of them books anything.
WEIGHTS: dict[str, int] = {"sub-account": 16, "number": 8, "earlier-payer": 4, "name": 3, "amount": 2, "amounts": 2}
REASONS: dict[str, str | Promise] = {
    "sub-account": gettext_lazy("虚拟子账户对应这个户号"),
    "number": gettext_lazy("附言里写了户号"),
    "earlier-payer": gettext_lazy("同一汇款账号以前交的是这一户"),
    "name": gettext_lazy("汇款人和户名相同"),
    "amount": gettext_lazy("金额和欠费正好相等"),
    "amounts": gettext_lazy("金额和几户欠费的合计正好相等"),
}


@dataclass(frozen=True, slots=True)
class ProposedPart:
    """One account of a proposal; `owed_fen` is what pays it off today."""

    account_no: str
    amount_fen: int
    owed_fen: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """Accounts of one customer that the money may be for, and why; `weight` orders proposals."""

    name: str
    parts: tuple[ProposedPart, ...]
    reasons: tuple[str, ...]
    weight: int


def propose(line: BankLine, *, on: date) -> tuple[Proposal, ...]:
    """At most eight, the best first; the line's amount is shared out only where several accounts' debts are just it."""
    why = _reasons(line)
    known = cis_payers.payers(sorted(why))
    family = cis_payers.accounts_of(sorted({payer.customer_id for payer in known.values()}))
    known |= cis_payers.payers([account_id for account_id in family if account_id not in known])
    owed = cis_payers.owed_fen(sorted(known), on=on)
    for account_id, fen in owed.items():
        if fen == line.amount_fen and account_id in why:
            why[account_id].add("amount")
    single = [_single(line, known[account_id], owed[account_id], why[account_id]) for account_id in why]
    found = [*single, *_shared(line, known, owed, why)]
    return tuple(sorted(found, key=lambda one: (-one.weight, one.parts[0].account_no))[:MOST])


def _reasons(line: BankLine) -> dict[int, set[str]]:
    why: dict[int, set[str]] = defaultdict(set)
    for account_id in cis_payers.ids_of_numbers(_NUMBER.findall(line.remark)).values():
        why[account_id].add("number")
    if line.sub_number:
        for account_id in SubAccount.objects.filter(number=line.sub_number).values_list("account_id", flat=True):
            why[account_id].add("sub-account")
    if line.payer_index is not None:
        earlier = ClaimPart.objects.filter(
            claim__undone_at=None, claim__line__payer_index=bytes(line.payer_index), claim__line__state="claimed"
        )
        for account_id in earlier.order_by("-claim_id").values_list("account_id", flat=True)[:_EARLIER]:
            why[account_id].add("earlier-payer")
    for account_id in cis_payers.accounts_named(line.payer_name):
        why[account_id].add("name")
    for account_id in cis_payers.accounts_owing(line.amount_fen):
        why[account_id].add("amount")
    return {account_id: reasons for account_id, reasons in why.items() if account_id}


def _single(line: BankLine, payer: Payer, owed_fen: int, why: set[str]) -> Proposal:
    return _proposal(payer.name, (ProposedPart(payer.account_no, line.amount_fen, owed_fen),), why)


def _shared(
    line: BankLine, known: Mapping[int, Payer], owed: Mapping[int, int], why: Mapping[int, set[str]]
) -> Sequence[Proposal]:
    """Customers several of whose accounts owe together exactly what came."""
    families: dict[int, list[Payer]] = defaultdict(list)
    for payer in known.values():
        if owed[payer.account_id] > 0:
            families[payer.customer_id].append(payer)
    found = []
    for family in families.values():
        if len(family) < 2 or sum(owed[payer.account_id] for payer in family) != line.amount_fen:
            continue
        parts = tuple(
            ProposedPart(payer.account_no, owed[payer.account_id], owed[payer.account_id])
            for payer in sorted(family, key=lambda payer: payer.account_no)
        )
        reasons = {reason for payer in family for reason in why.get(payer.account_id, ())} - {"amount"}
        found.append(_proposal(family[0].name, parts, {*reasons, "amounts"}))
    return found


def _proposal(name: str, parts: tuple[ProposedPart, ...], why: set[str]) -> Proposal:
    ordered = [reason for reason in REASONS if reason in why]
    return Proposal(
        name, parts, tuple(str(REASONS[reason]) for reason in ordered), sum(WEIGHTS[reason] for reason in ordered)
    )
