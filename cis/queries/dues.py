"""What an account owes, for whoever takes its money: who it is, its open bills oldest first, its balances."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from cis.models import Account, Bill, Customer
from cis.queries import ledger
from config.shared.errors import NotFound
from config.shared.personal_data import mask_name


@dataclass(frozen=True, slots=True)
class OpenBill:
    """A bill that is not fully paid."""

    bill_id: int
    bill_no: str
    cycle: int
    total_fen: int
    open_fen: int
    due_on: date


@dataclass(frozen=True, slots=True)
class Dues:
    """An account and what it owes; the sum of the open bills is the receivable."""

    account_id: int
    account_no: str
    name: str
    masked_name: str
    address: str
    is_open: bool
    receivable_fen: int
    prepayment_fen: int
    open_bills: tuple[OpenBill, ...]


def account_id_of(account_no: str) -> int:
    """
    The id behind an account number.

    :raises NotFound: there is no such account
    """
    account_id = Account.objects.filter(account_no=account_no).values_list("id", flat=True).first()
    if account_id is None:
        raise NotFound(_("没有找到这个户号，请核对后再试。"))
    return account_id


def get_dues(*, account_id: int) -> Dues:
    """
    What the account owes now, in the order in which a payment is applied; whatever area it stands in.

    :raises NotFound: there is no such account
    """
    account = Account.objects.select_related("customer", "premise").filter(pk=account_id).first()
    if account is None:
        raise NotFound(_("没有找到这个户号，请核对后再试。"))
    balance = ledger.balance(account_id)
    bills = (
        Bill.objects.filter(account_id=account_id, open_fen__gt=0)
        .order_by("due_on", "id")
        .values_list("id", "cycle", "total_fen", "open_fen", "due_on")
    )
    return Dues(
        account_id=account.pk,
        account_no=account.account_no,
        name=account.customer.name,
        masked_name=mask_name(account.customer.name),
        address=account.premise.address,
        is_open=account.state == Account.State.OPEN,
        receivable_fen=balance.receivable_fen,
        prepayment_fen=balance.prepayment_fen,
        open_bills=tuple(
            OpenBill(bill_id, f"{cycle}{bill_id:010d}", cycle, total_fen, open_fen, due_on)
            for bill_id, cycle, total_fen, open_fen, due_on in bills
        ),
    )


def is_open(*, account_id: int) -> bool:
    """Whether the account exists and is not closed."""
    return Account.objects.filter(pk=account_id, state=Account.State.OPEN).exists()


def names_of(account_ids: list[int]) -> dict[int, tuple[str, str]]:
    """Account id to (account number, name of its customer, a person's masked), for lists; one statement."""
    rows = Account.objects.filter(pk__in=account_ids).values_list(
        "id", "account_no", "customer__name", "customer__kind"
    )
    return {
        account_id: (account_no, mask_name(name) if kind == Customer.Kind.PERSON else name)
        for account_id, account_no, name, kind in rows
    }
