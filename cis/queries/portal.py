"""What a customer sees of their own accounts in the portal; everything here is asked for by the user's id."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from cis.models import Bill, PortalAccess
from cis.queries import billing
from config.shared.errors import NotFound
from config.shared.personal_data import mask_name


@dataclass(frozen=True, slots=True)
class MyAccount:
    """One account the user may see."""

    account_id: int
    account_no: str
    masked_name: str
    address: str
    is_open: bool
    role: str


@dataclass(frozen=True, slots=True)
class MyAccounts:
    """The accounts a portal user may see, and the one being looked at."""

    accounts: tuple[MyAccount, ...]
    current: MyAccount

    @property
    def ids(self) -> tuple[int, ...]:
        """The ids of all of them."""
        return tuple(account.account_id for account in self.accounts)


def my_accounts(*, user_id: int, preferred: str = "") -> MyAccounts:
    """
    The user's accounts; `preferred` is looked at if it is theirs, else the first.

    :raises NotFound: the user has none
    """
    rows = (
        PortalAccess.objects.filter(user_id=user_id)
        .select_related("account__customer", "account__premise")
        .order_by("account__state", "account__account_no")
    )
    accounts = tuple(
        MyAccount(
            account_id=row.account_id,
            account_no=row.account.account_no,
            masked_name=mask_name(row.account.customer.name),
            address=row.account.premise.address,
            is_open=row.account.state == "open",
            role=str(row.role),
        )
        for row in rows
    )
    if not accounts:
        raise NotFound(_("您名下还没有可以查看的户号。请重新登录，或到任一营业厅办理。"))
    chosen = next((account for account in accounts if account.account_no == preferred), None)
    # Open accounts first: "open" sorts after "closed".
    return MyAccounts(accounts, chosen or next((a for a in accounts if a.is_open), accounts[0]))


def my_account(*, user_id: int, account_no: str) -> MyAccount:
    """
    One account of the user's own.

    :raises NotFound: it is not theirs, or there is no such account
    """
    mine = my_accounts(user_id=user_id, preferred=account_no)
    if mine.current.account_no != account_no:
        raise NotFound(_("没有找到这个户号。"))
    return mine.current


def get_my_bill(bill_no: str, *, mine: MyAccounts) -> billing.BillPage:
    """
    One bill of the user's own accounts, explained.

    :raises NotFound: it is not theirs, or there is no such bill
    """
    account_id = (
        Bill.objects.filter(pk=billing.bill_id_of(bill_no), account_id__in=mine.ids)
        .values_list("account_id", flat=True)
        .first()
    )
    if account_id is None:
        raise NotFound(_("没有这张账单，请核对账单编号。"))
    return billing.get_bill(bill_no, account_id=account_id)
