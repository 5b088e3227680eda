"""
Several settlements a month (分次结算): agreed, ended, and what falls due asked for every morning.

An advance is a claim until the month is billed. It is no bill: nothing is booked, no late fee runs, nobody is cut off
for it. Payments reach open bills first as always, what is over lies ahead and covers the advances; the final bill is
issued for the whole month and takes what lies there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NoReturn

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from cis.collecting.advances import AgreedDay, agreed_day, amount_of, check_terms, days_falling_due
from cis.messages import ADVANCE_DUE
from cis.models import Account, AdvanceAgreement, AdvanceDemand, BudgetPlan, SupplyContract
from cis.operations.bulk_notices import Notice, tell_customers
from cis.queries.advances import advance_terms, bills_of_month, is_workday, usual_bills
from cis.rating import CannotPrice
from config.shared.errors import BadInput, NotFound, Refused
from config.shared.money import MAX_FEN, yuan_from_fen
from config.shared.periods import add_months, cycle_of

Basis = AdvanceAgreement.Basis
_MONTHS_AHEAD = 12


class NotForSettlements(Refused):
    """The account is closed or a home's, or pays equal amounts."""

    code = "not-for-settlements"


class MonthAsked(Refused):
    """Advances of the month were asked for under the agreement there is, or a later agreement stands."""

    code = "month-asked"


class BadSettlements(BadInput):
    """Days, shares, basis, month or paper are missing or wrong."""

    code = "bad-settlements"


class NoSettlements(NotFound):
    """No agreement is in force or to come, or it ends earlier already."""

    code = "no-settlements"


def agree(
    *,
    account_id: int,
    from_cycle: int,
    basis: str,
    monthly_fen: int | None,
    settlements: Sequence[tuple[int, int]],
    paper: str,
    signed_by: str,
    signed_on: date,
    by_id: int,
    at: datetime,
) -> int:
    """
    Agree on settlements, (day of the month, share in thousandths) in order, from a month on; the agreement's id.

    An agreement in force ends where this one begins. `monthly_fen` is the amount of a month where the shares are of
    an agreed amount, None where they are of the bill of the month before.

    :raises NotFound: there is no such account
    :raises NotForSettlements: it is closed, a home's, or keeps a plan of equal amounts
    :raises MonthAsked: something of that month was asked for, or an agreement begins then or later
    :raises BadSettlements: the terms, the month or the paper cannot be used
    """
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    _check(from_cycle, basis, monthly_fen, settlements, paper, signed_by, signed_on, today)
    begins_on = agreed_day(from_cycle, 1)
    with transaction.atomic():
        account = Account.objects.select_for_update().filter(pk=account_id).first()
        if account is None:
            raise NotFound(_("没有找到这个户号，请核对后再试。"))
        contracts = SupplyContract.objects.filter(account_id=account_id, valid__contains=max(today, begins_on))
        if (
            account.state != Account.State.OPEN
            or not contracts.exclude(price_class=SupplyContract.PriceClass.RESIDENTIAL).exists()
            or BudgetPlan.objects.filter(account_id=account_id, state=BudgetPlan.State.KEPT).exists()
        ):
            raise NotForSettlements(_("分次结算只和用电中的非居民户约定，并且没有正在履行的均衡交费。"))
        if (
            AdvanceDemand.objects.filter(account_id=account_id, cycle__gte=from_cycle).exists()
            or AdvanceAgreement.objects.filter(account_id=account_id, begins_on__gte=begins_on)
            .exclude(ends_on=F("begins_on"))
            .exists()
        ):
            raise MonthAsked(_("这个月已经按现有协议通知过，或已有从这个月起的协议。请选以后的月份。"))
        AdvanceAgreement.objects.filter(account_id=account_id, begins_on__lt=begins_on).exclude(
            ends_on__lte=begins_on
        ).update(ends_on=begins_on, ended_by_id=by_id, ended_at=at, end_reason=_("签了新的协议"))
        return AdvanceAgreement.objects.create(
            account=account,
            begins_on=begins_on,
            basis=basis,
            monthly_fen=monthly_fen,
            days=[day for day, _share in settlements],
            shares=[share for _day, share in settlements],
            paper=paper.strip(),
            signed_by=signed_by.strip(),
            signed_on=signed_on,
            made_by_id=by_id,
            made_at=at,
        ).pk


def end(*, account_id: int, last_on: date, reason: str, by_id: int, at: datetime) -> None:
    """
    End the agreement in force, or one to come, after a day; settlements agreed for later days are not asked any more.

    :raises NoSettlements: there is none that runs beyond that day
    :raises BadSettlements: the day is past, or nothing says why
    """
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    ends_on = last_on + timedelta(days=1)
    if ends_on < today or not reason.strip():
        text = _("最后一天不能早于昨天，并写明为什么终止。")
        raise BadSettlements(text, errors=[{"pointer": "/last_on", "detail": text}])
    with transaction.atomic():
        Account.objects.select_for_update().filter(pk=account_id).first()
        found = [
            one
            for one in AdvanceAgreement.objects.filter(account_id=account_id).order_by("begins_on")
            if one.ends_on is None or one.ends_on > max(today, one.begins_on)
        ]
        ended = [one for one in found if one.ends_on is None or ends_on < one.ends_on]
        if not ended:
            raise NoSettlements(_("没有在那一天之后还有效的分次结算协议。"))
        for one in ended:
            one.ends_on = max(ends_on, one.begins_on)
            one.ended_by_id, one.ended_at, one.end_reason = by_id, at, reason.strip()
            one.save(update_fields=["ends_on", "ended_by_id", "ended_at", "end_reason"])


# Whoever agrees anew at this moment waits, or has ended what would have been asked.
_LOCK = """
SELECT a.id FROM cis_account a WHERE a.id IN
    (SELECT account_id FROM cis_advance_agreement WHERE ends_on IS NULL OR ends_on > %s)
ORDER BY a.id FOR NO KEY UPDATE
"""
_AGREED = """
SELECT g.id, g.account_id, a.account_no, g.basis, g.monthly_fen, w.cycle, p.number, w.agreed_on, w.due_on, p.share
FROM cis_advance_agreement g
JOIN cis_account a ON a.id = g.account_id AND a.state = 'open'
CROSS JOIN LATERAL unnest(g.days, g.shares) WITH ORDINALITY AS p(day, share, number)
JOIN unnest(%(cycles)s::int[], %(days)s::smallint[], %(agreed)s::date[], %(due)s::date[])
    AS w(cycle, day, agreed_on, due_on) ON w.day = p.day
WHERE g.begins_on <= w.agreed_on AND (g.ends_on IS NULL OR w.agreed_on < g.ends_on)
  AND NOT EXISTS (SELECT 1 FROM cis_advance_demand d
                  WHERE d.account_id = g.account_id AND d.cycle = w.cycle AND d.number = p.number)
  AND NOT EXISTS (SELECT 1 FROM cis_bill b WHERE b.account_id = g.account_id AND b.cycle >= w.cycle AND b.months > 0)
ORDER BY g.account_id, w.due_on, p.number
"""
_ASK = """
INSERT INTO cis_advance_demand
    (agreement_id, account_id, cycle, number, agreed_on, due_on, share, basis_fen, basis_bill_id, amount_fen, made_at)
SELECT *, %s FROM unnest(%s::bigint[], %s::bigint[], %s::int[], %s::smallint[], %s::date[], %s::date[], %s::smallint[],
                         %s::bigint[], %s::bigint[], %s::bigint[])
ON CONFLICT (account_id, cycle, number) DO NOTHING RETURNING id, account_id, cycle, number
"""


def demand_advances(*, at: datetime) -> int:
    """
    Ask for the settlements that fall due within the days of notice and tell the customers; how many are new.

    A fixed number of statements, each settlement once whoever runs this how often. Where last month has no bill,
    nothing is asked: the next morning looks again, until the day is past. A month that is billed asks nothing more.
    """
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    _most, notice_days = advance_terms(on=today)
    falling = days_falling_due(today, today + timedelta(days=notice_days), is_workday)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_LOCK, [today])
        asked = _with_amounts(_agreed(falling))
        if not asked:
            return 0
        with connection.cursor() as cursor:
            columns = zip(*(one.row for one in asked), strict=True)
            cursor.execute(_ASK, [at, *(list(column) for column in columns)])
            new = {(account_id, cycle, number): pk for pk, account_id, cycle, number in cursor.fetchall()}
        # One account may have two that fall due in these days; each is a message of its own.
        told: dict[tuple[int, int], list[Notice]] = {}
        for one in asked:
            pk = new.get((one.agreed.account_id, one.agreed.cycle, one.agreed.number))
            if pk is not None:
                notice = Notice(one.agreed.account_id, _said(one), f"advance:{pk}", is_outlier=one.is_outlier)
                told.setdefault((one.agreed.cycle, one.agreed.number), []).append(notice)
        for notices in told.values():
            tell_customers(template=ADVANCE_DUE.code, notices=notices, at=at)
        return len(new)


@dataclass(frozen=True, slots=True)
class _Agreed:
    """A settlement that falls due and was not asked for; fields in the order of `_AGREED`."""

    agreement_id: int
    account_id: int
    account_no: str
    basis: str
    monthly_fen: int | None
    cycle: int
    number: int
    agreed_on: date
    due_on: date
    share: int


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked for it; `is_outlier`: its basis lies far above the customer's own mean of three."""

    agreed: _Agreed
    basis_fen: int
    basis_bill_id: int | None
    is_outlier: bool

    @property
    def amount_fen(self) -> int:
        return amount_of(self.basis_fen, self.agreed.share)

    @property
    def row(self) -> tuple[Any, ...]:
        one = self.agreed
        return (
            one.agreement_id, one.account_id, one.cycle, one.number, one.agreed_on, one.due_on, one.share,
            self.basis_fen, self.basis_bill_id, self.amount_fen,
        )  # fmt: skip


def _agreed(falling: Sequence[AgreedDay]) -> list[_Agreed]:
    with connection.cursor() as cursor:
        cursor.execute(
            _AGREED,
            {
                "cycles": [one.cycle for one in falling],
                "days": [one.day for one in falling],
                "agreed": [one.agreed_on for one in falling],
                "due": [one.due_on for one in falling],
            },
        )
        return [_Agreed(*row) for row in cursor.fetchall()]


def _with_amounts(agreed: Sequence[_Agreed]) -> list[_Asked]:
    """With the amounts; without those whose month before has no bill, or none of more than zero."""
    found = []
    for cycle in sorted({one.cycle for one in agreed}):
        of_cycle = [one for one in agreed if one.cycle == cycle]
        by_bill = sorted({one.account_id for one in of_cycle if one.basis == Basis.LAST_BILL})
        last = add_months(cycle, -1)
        bills, usual = bills_of_month(by_bill, cycle=last), usual_bills(by_bill, before=last)
        for one in of_cycle:
            fen, bill_id = bills.get(one.account_id, (0, None)) if one.monthly_fen is None else (one.monthly_fen, None)
            asked = _Asked(one, fen, bill_id, _is_far(fen, usual.get(one.account_id)))
            if asked.amount_fen > 0:
                found.append(asked)
    return found


def _is_far(fen: int, usual_fen: int | None) -> bool:
    if usual_fen is None:
        return False
    return 100 * fen > settings.OUTLIER_TIMES_E2 * usual_fen and fen - usual_fen > int(settings.OUTLIER_LEAST_FEN)


def _said(one: _Asked) -> dict[str, str]:
    return {
        "tail": one.agreed.account_no[-4:],
        "month": f"{one.agreed.cycle // 100}-{one.agreed.cycle % 100:02d}",
        "number": str(one.agreed.number),
        "yuan": yuan_from_fen(one.amount_fen),
        "due": str(one.agreed.due_on),
    }


def _check(
    from_cycle: int,
    basis: str,
    monthly_fen: int | None,
    settlements: Sequence[tuple[int, int]],
    paper: str,
    signed_by: str,
    signed_on: date,
    today: date,
) -> None:
    this_month = cycle_of(today)
    if not this_month <= from_cycle <= add_months(this_month, _MONTHS_AHEAD):
        _refuse("/from_cycle", _("协议从本月或以后一年内的某个月起。"))
    if basis not in Basis.values or (basis == Basis.AMOUNT) != (monthly_fen is not None):
        _refuse("/basis", _("请选择按上月电费还是按约定金额；按约定金额的要填每月金额。"))
    if monthly_fen is not None and not 0 < monthly_fen <= MAX_FEN:
        _refuse("/monthly", _("每月约定金额要大于 0。"))
    most, _notice = advance_terms(on=today)
    try:
        check_terms([day for day, _share in settlements], [share for _day, share in settlements], most=most)
    except CannotPrice:
        _refuse(
            "/settlements",
            _("每月一到 %(most)s 次，日期从早到晚，每次比例大于 0，合计不超过 100%%；余下的由月度账单结清。")
            % {"most": most},
        )
    if not paper.strip() or not signed_by.strip() or signed_on > today:
        _refuse("/paper", _("请写明协议编号、原件存放处和客户方签字人；签订日期不能晚于今天。"))


def _refuse(pointer: str, text: str) -> NoReturn:
    raise BadSettlements(text, errors=[{"pointer": pointer, "detail": text}])
