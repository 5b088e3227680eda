"""Pages about several settlements a month: what is agreed, how a month stands, and everybody's in a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.db import connection
from django.utils.translation import gettext as _

from cis.collecting.advances import WHOLE, agreed_day, amount_of, due_day
from cis.models import AdvanceAgreement, SupplyContract
from cis.queries import ledger
from cis.queries.advances import (
    MONTHS_BACK,
    Advance,
    advances_of_account,
    advances_under,
    bills_of_month,
    is_workday,
    state_of,
)
from config.shared.periods import add_months, cycle_of
from config.shared.personal_data import mask_name

PAGE = 50


def percent_of(share: int) -> str:
    """A share in thousandths as people read it, such as 33.3%."""
    return f"{share // 10}.{share % 10}%" if share % 10 else f"{share // 10}%"


@dataclass(frozen=True, slots=True)
class Terms:
    """An agreement as pages show it; `last_on` is the last day on which a settlement may fall."""

    agreement_id: int
    begins_on: date
    last_on: date | None
    is_in_force: bool
    is_to_come: bool
    basis: str
    basis_word: str
    monthly_fen: int | None
    settlements: tuple[tuple[int, str], ...]
    """day of the month and share, in order"""
    rest: str
    """what the final bill takes"""
    paper: str
    signed_by: str
    signed_on: date
    made_by: str
    end_reason: str


@dataclass(frozen=True, slots=True)
class MonthRow:
    """A settlement of a month: asked, to come, or why it is not asked; `amount_fen` None where nobody can say yet."""

    number: int
    due_on: date
    share: int
    amount_fen: int | None
    paid_fen: int
    open_fen: int
    state: str
    word: str

    @property
    def percent(self) -> str:
        """The share."""
        return percent_of(self.share)

    @property
    def kind(self) -> str:
        """Of the chip."""
        return {"paid": "good", "overdue": "bad", "part": "warn", "open": "warn"}.get(self.state, "neutral")


@dataclass(frozen=True, slots=True)
class Month:
    """The settlements of a month under the agreement, and what their shares are of."""

    cycle: int
    rows: tuple[MonthRow, ...]
    basis_fen: int | None
    bill_no: str
    """the bill that took them, "" while there is none"""

    @property
    def open_fen(self) -> int:
        """What is asked for now."""
        return sum(row.open_fen for row in self.rows)


@dataclass(frozen=True, slots=True)
class AdvancePage:
    """What is agreed with an account, newest first, and its settlements of this month and the one before."""

    terms: tuple[Terms, ...]
    months: tuple[Month, ...]
    prepayment_fen: int
    may_be_agreed: bool

    @property
    def may_be_ended(self) -> bool:
        """Whether any of them runs or is to come: what ends already may end earlier."""
        return any(one.is_in_force or one.is_to_come for one in self.terms)

    @property
    def current(self) -> Terms | None:
        """The agreement in force, or the one that is to come."""
        found = [one for one in self.terms if one.is_in_force] or [one for one in self.terms if one.is_to_come]
        return found[0] if found else None


@dataclass(frozen=True, slots=True)
class ListedAdvance:
    """An advance in the list; a person's name is masked."""

    advance: Advance
    account_no: str
    masked_name: str
    unit: str
    state: str
    word: str

    @property
    def kind(self) -> str:
        """Of the chip."""
        return {"paid": "good", "overdue": "bad", "part": "warn", "open": "warn"}.get(self.state, "neutral")


@dataclass(frozen=True, slots=True)
class AdvanceList:
    """A page of the list, by due date; `after` leads to the next one, "" at the end."""

    rows: tuple[ListedAdvance, ...]
    after: str


def list_advances(*, within: Sequence[str], on: date, cycle: int = 0, state: str = "", after: str = "") -> AdvanceList:
    """
    Advances of a month (0: all that are not billed), earliest due first, of these organisation paths.

    `state`: "open" what is still asked for, "overdue" what is past its day, "paid" what is covered, "" all. Those who
    have such agreements are some hundreds to the million: a year of theirs is read at once and cut to pages.
    """
    rows = []
    for one in advances_under(within, since=add_months(cycle or cycle_of(on), -MONTHS_BACK)):
        code = state_of(one, on)
        is_of_month = one.cycle == cycle if cycle else code not in ("billed", "dropped")
        if is_of_month and (state in ("", code) or (state == "open" and code in ("part", "overdue"))):
            rows.append((one, code))
    rows.sort(key=lambda row: (row[0].due_on, row[0].demand_id))
    start = int(after) if after.isdecimal() and len(after) < 10 else 0
    shown = rows[start : start + PAGE]
    names = _names([one.account_id for one, _code in shown])
    return AdvanceList(
        tuple(ListedAdvance(one, *names[one.account_id], code, state_word(code)) for one, code in shown),
        str(start + PAGE) if len(rows) > start + PAGE else "",
    )


def advance_page(account_id: int, *, on: date) -> AdvancePage:
    """What is agreed with an account and how this month and the one before stand."""
    agreements = list(
        AdvanceAgreement.objects.select_related("made_by").filter(account_id=account_id).order_by("-begins_on", "-pk")
    )
    homes = SupplyContract.PriceClass.RESIDENTIAL
    contract = SupplyContract.objects.filter(account_id=account_id, valid__contains=on, account__state="open")
    now, months = cycle_of(on), []
    standing = advances_of_account(account_id) if agreements else []
    for cycle in (now, add_months(now, -1)):
        month = _month(agreements, cycle, {one.number: one for one in standing if one.cycle == cycle}, on=on)
        if month is not None:
            months.append(month)
    return AdvancePage(
        tuple(_terms(one, on) for one in agreements),
        tuple(months),
        ledger.balance(account_id).prepayment_fen,
        contract.exclude(price_class=homes).exists(),
    )


def state_word(code: str) -> str:
    """How an advance stands, in the language of the request."""
    return {
        "paid": _("已到账"),
        "part": _("到账一部分"),
        "open": _("等待交款"),
        "overdue": _("过期未交"),
        "billed": _("已并入账单"),
        "dropped": _("不再要交"),
        "to-come": _("未到通知日"),
        "no-basis": _("上月没有账单，不通知"),
        "waits": _("等上月账单"),
        "missed": _("没有通知，由账单结清"),
        "not-in-force": _("不在协议期内"),
    }[code]


def _month(
    agreements: Sequence[AdvanceAgreement], cycle: int, asked: Mapping[int, Advance], *, on: date
) -> Month | None:
    """A month under the agreement that holds in it; None where none does."""
    first, following = agreed_day(cycle, 1), agreed_day(add_months(cycle, 1), 1)
    agreement = next(
        (
            one
            for one in agreements
            if one.begins_on < following
            and (one.ends_on is None or one.ends_on > first)
            and one.ends_on != one.begins_on
        ),
        None,
    )
    if agreement is None:
        return None
    if agreement.basis == AdvanceAgreement.Basis.AMOUNT:
        basis = agreement.monthly_fen
    else:
        bills = bills_of_month([agreement.account_id], cycle=add_months(cycle, -1))
        basis = bills.get(agreement.account_id, (None, 0))[0]
    is_billed = agreement.account_id in bills_of_month([agreement.account_id], cycle=cycle)
    rows = []
    for number, (day, share) in enumerate(zip(agreement.days, agreement.shares, strict=True), start=1):
        agreed_on = agreed_day(cycle, day)
        due_on = due_day(agreed_on, is_workday)
        one = asked.get(number)
        if one is not None:
            code = state_of(one, on)
            rows.append(
                MonthRow(
                    number, one.due_on, one.share, one.amount_fen, one.paid_fen, one.open_fen, code, state_word(code)
                )
            )
            continue
        amount = amount_of(basis, share) if basis is not None and basis > 0 else None
        if agreement.ends_on is not None and agreed_on >= agreement.ends_on:
            code = "not-in-force"
        elif amount is None:
            code = "waits" if due_on >= on and not is_billed else "no-basis"
        else:
            code = "to-come" if due_on >= on and not is_billed else "missed"
        rows.append(MonthRow(number, due_on, share, amount, 0, 0, code, state_word(code)))
    bill_no = next((one.bill_no for one in asked.values() if one.bill_no), "")
    return Month(cycle, tuple(rows), basis, bill_no)


def _terms(one: AdvanceAgreement, on: date) -> Terms:
    return Terms(
        agreement_id=one.pk,
        begins_on=one.begins_on,
        last_on=None if one.ends_on is None else date.fromordinal(one.ends_on.toordinal() - 1),
        is_in_force=one.begins_on <= on and (one.ends_on is None or on < one.ends_on),
        is_to_come=one.begins_on > on and one.ends_on != one.begins_on,
        basis=one.basis,
        basis_word=_(AdvanceAgreement.Basis(one.basis).label),
        monthly_fen=one.monthly_fen,
        settlements=tuple((day, percent_of(share)) for day, share in zip(one.days, one.shares, strict=True)),
        rest=percent_of(WHOLE - sum(one.shares)),
        paper=one.paper,
        signed_by=one.signed_by,
        signed_on=one.signed_on,
        made_by=one.made_by.display_name,
        end_reason=one.end_reason,
    )


def _names(account_ids: Sequence[int]) -> dict[int, tuple[str, str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.id, a.account_no, c.name, c.kind, u.name FROM cis_account a "
            "JOIN cis_customer c ON c.id = a.customer_id JOIN shared_org_unit u ON u.id = a.org_unit_id "
            "WHERE a.id = ANY(%s)",
            [list(account_ids)],
        )
        rows = cursor.fetchall()
    return {
        account_id: (account_no, mask_name(name) if kind == "person" else name, unit)
        for account_id, account_no, name, kind, unit in rows
    }
