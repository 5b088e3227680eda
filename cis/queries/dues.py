"""What an account owes, for whoever takes its money: who it is, its open bills oldest first, its balances."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db import connection
from django.db.models import Q, Sum
from django.utils.translation import gettext as _

from cis.collecting.instalments import Part
from cis.models import Account, Bill, Customer
from cis.queries import ledger
from cis.queries.advances import Advance, asked_advances
from cis.queries.agreements import next_instalment
from cis.queries.bad_debts import written_off_fen
from cis.queries.late_fees import late_fees_so_far
from config.shared.errors import NotFound
from config.shared.personal_data import mask_name


@dataclass(frozen=True, slots=True)
class OpenBill:
    """A bill that is not fully paid; `late_fee_fen` is what its late fee has run to and is not paid."""

    bill_id: int
    bill_no: str
    cycle: int
    total_fen: int
    open_fen: int
    due_on: date
    late_fee_fen: int = 0

    @property
    def to_pay_fen(self) -> int:
        """What pays the bill off on the day."""
        return self.open_fen + self.late_fee_fen


@dataclass(frozen=True, slots=True)
class Dues:
    """
    An account and what it owes on a day, in the order in which a payment is applied.

    `to_pay_fen` is what pays everything off on that day: open bills and late fees, charged or only run up. The
    receivable is what is booked: open bills and the late fees that were charged.
    """

    account_id: int
    account_no: str
    name: str
    masked_name: str
    address: str
    is_open: bool
    receivable_fen: int
    prepayment_fen: int
    open_bills: tuple[OpenBill, ...]
    written_off_fen: int = 0
    """what was written off and can still be paid; a payment reaches it when nothing else is open"""
    next_instalment: Part | None = None
    """what is to be paid next by the agreement that is kept; None where there is none"""
    advances: tuple[Advance, ...] = ()
    """settlements within a month that are asked for and not covered, earliest first; no bills, nothing is booked"""

    @property
    def open_fen(self) -> int:
        """What is open of the bills themselves."""
        return sum(bill.open_fen for bill in self.open_bills)

    @property
    def late_fee_fen(self) -> int:
        """All late fees to pay on the day."""
        return sum(bill.late_fee_fen for bill in self.open_bills)

    @property
    def to_pay_fen(self) -> int:
        """What pays everything off on the day."""
        return sum(bill.to_pay_fen for bill in self.open_bills)

    @property
    def advance_fen(self) -> int:
        """What is asked for ahead of the month's bill."""
        return sum(one.open_fen for one in self.advances)

    @property
    def asked_fen(self) -> int:
        """What pays off everything that is asked for on the day, settlements within the month among it."""
        return self.to_pay_fen + self.advance_fen


def account_id_of(account_no: str) -> int:
    """
    The id behind an account number.

    :raises NotFound: there is no such account
    """
    account_id = Account.objects.filter(account_no=account_no).values_list("id", flat=True).first()
    if account_id is None:
        raise NotFound(_("没有找到这个户号，请核对后再试。"))
    return account_id


def place_of(account_no: str) -> tuple[int, str]:
    """
    The id behind an account number, and the organisation path of the unit it belongs to; one statement.

    :raises NotFound: there is no such account
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.id, u.path FROM cis_account a JOIN shared_org_unit u ON u.id = a.org_unit_id "
            "WHERE a.account_no = %s",
            [account_no],
        )
        found = cursor.fetchone()
    if found is None:
        raise NotFound(_("没有找到这个户号，请核对后再试。"))
    return found[0], found[1]


def get_dues(*, account_id: int, on: date) -> Dues:
    """
    What the account owes, with the late fees up to and including `on`; whatever area it stands in.

    :raises NotFound: there is no such account
    """
    account = Account.objects.select_related("customer", "premise").filter(pk=account_id).first()
    if account is None:
        raise NotFound(_("没有找到这个户号，请核对后再试。"))
    balance = ledger.balance(account_id)
    fees = {fee.bill_id: fee.due_fen for fee in late_fees_so_far(account_id, on=on).bills}
    bills = (
        Bill.objects.filter(Q(account_id=account_id, open_fen__gt=0) | Q(pk__in=list(fees)))
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
            OpenBill(bill_id, f"{cycle}{bill_id:010d}", cycle, total_fen, open_fen, due_on, fees.get(bill_id, 0))
            for bill_id, cycle, total_fen, open_fen, due_on in bills
        ),
        written_off_fen=written_off_fen(account_id),
        next_instalment=next_instalment(account_id, on=on),
        advances=asked_advances(account_id),
    )


def payable_fen(*, account_id: int, on: date) -> int:
    """All that can be paid on a day: open bills, late fees up to and including it, and what was written off."""
    return to_pay_fen(account_id=account_id, on=on) + written_off_fen(account_id)


def to_pay_fen(*, account_id: int, on: date) -> int:
    """What pays everything off on a day: open bills, and late fees up to and including it."""
    bills = Bill.objects.filter(account_id=account_id, open_fen__gt=0)
    open_fen: int = bills.aggregate(fen=Sum("open_fen"))["fen"] or 0
    return open_fen + late_fees_so_far(account_id, on=on).fee_fen


def is_open(*, account_id: int) -> bool:
    """Whether the account exists and is not closed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT state FROM cis_account WHERE id = %s", [account_id])
        found = cursor.fetchone()
    return found is not None and found[0] == Account.State.OPEN


def names_of(account_ids: list[int]) -> dict[int, tuple[str, str]]:
    """Account id to (account number, name of its customer, a person's masked), for lists; one statement."""
    rows = Account.objects.filter(pk__in=account_ids).values_list(
        "id", "account_no", "customer__name", "customer__kind"
    )
    return {
        account_id: (account_no, mask_name(name) if kind == Customer.Kind.PERSON else name)
        for account_id, account_no, name, kind in rows
    }
