"""Whose money a bank line may be: accounts by number, by their customer's name, by what they owe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Sum

from cis.models import Account, Bill, Customer
from cis.queries.late_fees import open_debts
from config.shared.names import grams, normal_text
from config.shared.personal_data import mask_name

_MOST = 50


@dataclass(frozen=True, slots=True)
class Payer:
    """One account as who claims money sees it; a person's name masked."""

    account_id: int
    account_no: str
    customer_id: int
    name: str
    is_open: bool


def payers(account_ids: Sequence[int]) -> dict[int, Payer]:
    """The accounts of these ids that there are; one statement."""
    rows = Account.objects.filter(pk__in=account_ids).values_list(
        "id", "account_no", "customer_id", "customer__name", "customer__kind", "state"
    )
    return {
        account_id: Payer(
            account_id,
            account_no,
            customer_id,
            mask_name(name) if kind == Customer.Kind.PERSON else name,
            state == Account.State.OPEN,
        )
        for account_id, account_no, customer_id, name, kind, state in rows
    }


def ids_of_numbers(account_nos: Sequence[str]) -> dict[str, int]:
    """Account number to id, of those that there are."""
    return dict(Account.objects.filter(account_no__in=list(account_nos)).values_list("account_no", "id"))


def accounts_named(name: str) -> list[int]:
    """Open accounts of customers of exactly this name, whatever its width and case; at most fifty."""
    wanted = normal_text(name)
    if len(wanted) < 2:
        return []
    found = Customer.objects.filter(name_grams__contains=list(grams(name))).values_list("id", "name")[: _MOST * 4]
    ids = [customer_id for customer_id, own in found if normal_text(own) == wanted]
    return accounts_of(ids)


def accounts_of(customer_ids: Sequence[int]) -> list[int]:
    """The open accounts of these customers in the order of their numbers; at most fifty."""
    accounts = Account.objects.filter(customer_id__in=customer_ids, state=Account.State.OPEN)
    return list(accounts.order_by("account_no").values_list("id", flat=True)[:_MOST])


def accounts_owing(fen: int, *, most: int = 10) -> list[int]:
    """
    Accounts whose open bills come to exactly so much; at most `most`, by id.

    Reads every open bill once: for the page of one line, not for a list of them.
    """
    owing = Bill.objects.filter(open_fen__gt=0).values("account_id").annotate(fen=Sum("open_fen")).filter(fen=fen)
    return list(owing.order_by("account_id").values_list("account_id", flat=True)[:most])


def owed_fen(account_ids: Sequence[int], *, on: date) -> dict[int, int]:
    """Account id to what pays it off on a day, late fees among it."""
    debts = open_debts(list(account_ids), on=on)
    return {
        account_id: sum(bill.open_fen for bill in owed.bills.values()) + owed.late_fees.fee_fen
        for account_id, owed in debts.items()
    }
