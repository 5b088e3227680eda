"""What a person sees of accounts in the portal, by the quality they are bound in; asked for by the user's id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from django.db.models import Q
from django.utils.translation import gettext as _

from cis.models import Bill, PortalAccess
from cis.queries import billing
from config.shared.errors import NotAllowed, NotFound
from config.shared.personal_data import mask_name


class NoAccounts(NotFound):
    """The person has no account to look at."""

    code = "no-accounts"


class NotForThisRole(NotAllowed):
    """The person sees this account, but not this of it."""

    code = "not-for-this-role"


class Right(StrEnum):
    """What a quality lets a person see or do with an account."""

    PAY = "pay"
    """what is owed, paying it, and one's own payments"""
    BILLS = "bills"
    USAGE = "usage"
    PRICES = "prices"
    RECEIPTS = "receipts"
    """everybody's payments"""
    HOLDER = "holder"
    """the holder's name, masked"""
    ADDRESS = "address"
    WHO_LOOKED = "who-looked"
    """which members of staff looked at the record"""
    BINDINGS = "bindings"
    """who else is bound, and ending it"""


_EVERYTHING_BUT_BINDINGS = frozenset(Right) - {Right.BINDINGS}

# Who sees what. A tenant sees bills and usage of their own time only, the address they live at, and nothing of the
# holder; a payer sees whom they pay for, as on any receipt.
RIGHTS: Mapping[str, frozenset[Right]] = {
    PortalAccess.Role.OWNER: frozenset(Right),
    PortalAccess.Role.DELEGATE: _EVERYTHING_BUT_BINDINGS,
    PortalAccess.Role.AGENT: _EVERYTHING_BUT_BINDINGS,
    PortalAccess.Role.TENANT: frozenset(
        {Right.PAY, Right.BILLS, Right.USAGE, Right.PRICES, Right.ADDRESS, Right.WHO_LOOKED}
    ),
    PortalAccess.Role.PAYER: frozenset({Right.PAY, Right.PRICES, Right.HOLDER}),
}


@dataclass(frozen=True, slots=True)
class MyAccount:
    """One account the user may see; `masked_name` and `address` are empty where they are not for them."""

    account_id: int
    account_no: str
    masked_name: str
    address: str
    is_open: bool
    role: str
    role_word: str = ""
    access_id: int = 0
    from_on: date | None = None
    until_on: date | None = None
    rights: frozenset[Right] = field(default_factory=frozenset)

    def may(self, right: Right) -> bool:
        """Whether the quality gives this."""
        return right in self.rights

    @property
    def sees_bills(self) -> bool:
        """For templates."""
        return Right.BILLS in self.rights

    @property
    def lives_there(self) -> bool:
        """Whether what happens at the address concerns them; somebody who only pays lives elsewhere."""
        return Right.ADDRESS in self.rights

    @property
    def sees_usage(self) -> bool:
        """For templates."""
        return Right.USAGE in self.rights

    @property
    def sees_bindings(self) -> bool:
        """For templates."""
        return Right.BINDINGS in self.rights

    @property
    def sees_who_looked(self) -> bool:
        """For templates."""
        return Right.WHO_LOOKED in self.rights

    @property
    def is_tenant(self) -> bool:
        """Whether bills and usage are cut to their own time."""
        return self.role == PortalAccess.Role.TENANT

    @property
    def first_day(self) -> date | None:
        """The first day that is theirs to see; None for all."""
        return self.from_on if self.is_tenant else None

    @property
    def last_day(self) -> date | None:
        """The last day that is theirs to see; None for all."""
        return self.until_on if self.is_tenant else None

    def require(self, right: Right) -> None:
        """
        Refuse what the quality does not give.

        :raises NotForThisRole: with what they can do instead
        """
        if right not in self.rights:
            raise NotForThisRole(
                _("您是这个户号的%(role)s，看不到这一项。需要时请户主查看，或带证件到营业厅办理。")
                % {"role": self.role_word}
            )


@dataclass(frozen=True, slots=True)
class MyAccounts:
    """The accounts a portal user may see, and the one being looked at."""

    accounts: tuple[MyAccount, ...]
    current: MyAccount

    @property
    def ids(self) -> tuple[int, ...]:
        """The ids of all of them."""
        return tuple(account.account_id for account in self.accounts)

    def ids_with(self, right: Right) -> tuple[int, ...]:
        """The ids of those whose quality gives this."""
        return tuple(account.account_id for account in self.accounts if account.may(right))

    def only(self, account_no: str) -> MyAccounts:
        """
        The same with one account alone, so that an answer about it can be of no other.

        :raises NotFound: it is not among them
        """
        chosen = next((account for account in self.accounts if account.account_no == account_no), None)
        if chosen is None:
            raise no_such_account()
        return MyAccounts((chosen,), chosen)

    def own_days_of(self, account_id: int) -> tuple[date | None, date | None]:
        """The first and last day of one of them that are the person's to see; None for no bound."""
        account = next(one for one in self.accounts if one.account_id == account_id)
        return account.first_day, account.last_day


def my_accounts(*, user_id: int, today: date, preferred: str = "") -> MyAccounts:
    """
    The user's accounts; `preferred` is looked at if it is theirs, else the first.

    :raises NoAccounts: the user has none
    """
    accounts = list_my_accounts(user_id=user_id, today=today)
    if not accounts:
        raise NoAccounts(_("您还没有可以查看的户号。请在「我的」里绑定户号，或到任一营业厅办理。"))
    chosen = next((account for account in accounts if account.account_no == preferred), None)
    # Open accounts first: "open" sorts after "closed".
    return MyAccounts(accounts, chosen or next((a for a in accounts if a.is_open), accounts[0]))


def list_my_accounts(*, user_id: int, today: date) -> tuple[MyAccount, ...]:
    """The user's accounts, maybe none. An agent's letter that has run out opens nothing."""
    rows = (
        PortalAccess.objects.filter(user_id=user_id, ended_at=None)
        .exclude(Q(role=PortalAccess.Role.AGENT) & Q(until_on__lt=today))
        .select_related("account__customer", "account__premise")
        .order_by("account__state", "account__account_no")
    )
    return tuple(_mine(row) for row in rows)


def _mine(row: PortalAccess) -> MyAccount:
    rights = RIGHTS[row.role]
    return MyAccount(
        account_id=row.account_id,
        account_no=row.account.account_no,
        masked_name=mask_name(row.account.customer.name) if Right.HOLDER in rights else "",
        address=row.account.premise.address if Right.ADDRESS in rights else "",
        is_open=row.account.state == "open",
        role=str(row.role),
        role_word=_(PortalAccess.Role(row.role).label),
        access_id=row.pk,
        from_on=row.from_on,
        until_on=row.until_on,
        rights=rights,
    )


def my_account(*, user_id: int, account_no: str, today: date) -> MyAccount:
    """
    One account of the user's own.

    :raises NotFound: it is not theirs, or there is no such account
    """
    mine = my_accounts(user_id=user_id, today=today, preferred=account_no)
    if mine.current.account_no != account_no:
        raise no_such_account()
    return mine.current


def no_such_account() -> NotFound:
    """There is none, or it is somebody else's."""
    return NotFound(_("没有找到这个户号。"))


def not_own_day() -> NotFound:
    """A day outside a tenant's time."""
    return NotFound(_("这一天不在您的租期里，看不到用电。"))


def get_my_bill(bill_no: str, *, mine: MyAccounts) -> billing.BillPage:
    """
    One bill of the user's own accounts, explained; a tenant's only if its whole period is their own time.

    :raises NotFound: it is not theirs, or there is no such bill
    """
    row = (
        Bill.objects.filter(pk=billing.bill_id_of(bill_no), account_id__in=mine.ids_with(Right.BILLS))
        .values_list("account_id", "period_start", "period_end")
        .first()
    )
    account = next((one for one in mine.accounts if row is not None and one.account_id == row[0]), None)
    if row is None or account is None or not is_own_time(account, row[1], row[2]):
        raise NotFound(_("没有这张账单，请核对账单编号。"))
    return billing.get_bill(bill_no, account_id=account.account_id)


def is_own_time(account: MyAccount, start: date, end: date) -> bool:
    """Whether [start, end) lies in the account's own time."""
    starts_in = account.first_day is None or start >= account.first_day
    ends_in = account.last_day is None or end.toordinal() - 1 <= account.last_day.toordinal()
    return starts_in and ends_in
