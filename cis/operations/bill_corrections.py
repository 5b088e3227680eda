"""
A reading or ratio inside a billed period was wrong, or an actual reading came late: the period is rated again.

The change, the new rating of every bill it touches and the differences stand or fall together. What is asked or given
back waits for the account's next bill (`cis.operations.bill_riders`). Above `CORRECTION_LIMIT_FEN` nothing changes
until a second person approves; then all of it is done anew, and must come to what was approved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cis.models import Account, AccountPoint, Bill, BillCorrection, CorrectionShare, MeterInstallation, Reading
from cis.models.metering import ReadingSource
from cis.operations import ledger
from cis.operations.readings import change_billed_reading
from cis.operations.rerating import Rerated, Share, live_bills, rerate
from cis.rating.registers import Register, advance, energy_kwh_e2
from config.shared import approvals
from config.shared.bulk_copy import read_columns
from config.shared.errors import NotFound, Refused
from config.shared.money import yuan_from_fen
from config.shared.permissions import is_within

CORRECT_BILLS = "cis.correct-bills"
# A cycle's reading may be taken so many days off its schedule and still bound the period.
_OFF_SCHEDULE = timedelta(days=20)


class ReasonMissing(Refused):
    """Whoever corrects says why."""

    code = "reason-missing"
    status = 422


class NothingChanges(Refused):
    """The values are those that stand already, or no bill was made from them."""

    code = "nothing-changes"


class NoNextBill(Refused):
    """The account is closed and has its last bill: no difference could ride on a next one."""

    code = "no-next-bill"


class AmountChanged(Refused):
    """What was approved is not what it comes to today."""

    code = "amount-changed"


@dataclass(frozen=True)
class Values:
    """What the registers of a meter really showed on a day; register to 10^-4 units."""

    installation_id: int
    read_on: date
    values_e4: Mapping[int, int]
    is_late_actual: bool = False
    """an actual reading that came after the estimate was billed"""


@dataclass(frozen=True)
class Ratio:
    """The transformer ratios that a meter really had since it hung there."""

    installation_id: int
    ct_ratio: int
    pt_ratio: int


Change = Values | Ratio


@dataclass(frozen=True)
class Record:
    """What is kept of who corrects and why; with the approval where there was one."""

    reason: str
    asked_by_id: int | None
    at: datetime
    act: approvals.Act | None = None


@dataclass(frozen=True)
class Corrected:
    """What a change comes to: the bills it touches, oldest first; `approval_id` when a second person must decide."""

    bills: tuple[Rerated, ...]
    approval_id: int | None = None

    @property
    def amount_fen(self) -> int:
        """What the next bill will be more by."""
        return sum(one.amount_fen for one in self.bills)


def preview(*, change: Change, at: datetime, within: Sequence[str] | None = None) -> Corrected:
    """
    What a change would come to; nothing is kept.

    :raises NotFound, NothingChanges, CannotRerate, ValueBelowPrevious, ValueNotPossible: as `correct`
    """
    with transaction.atomic():
        found = _apply(change, Record(_("试算"), None, at), within)
        transaction.set_rollback(True)
    return Corrected(tuple(found))


def correct(*, change: Change, reason: str, by_id: int, at: datetime, within: Sequence[str] | None = None) -> Corrected:
    """
    Change what was read and settle the difference of every bill it touches; above the limit ask a second person.

    :raises ReasonMissing: no reason was given
    :raises NotFound: no such meter or reading `within` these organisation paths
    :raises NothingChanges: it changes nothing that was billed
    :raises NoNextBill: the account is closed and has its last bill
    :raises CannotRerate: a period cannot be rated again as it was billed
    :raises ValueBelowPrevious, ValueNotPossible: the value does not fit the readings around it
    :raises approvals.AlreadyAsked: the same waits for a second person
    """
    if not reason.strip():
        raise ReasonMissing(_("请填写更正原因。"))
    with transaction.atomic():
        with transaction.atomic():
            found = _apply(change, Record(reason.strip(), by_id, at), within)
            waits = sum(abs(one.amount_fen) for one in found) > settings.CORRECTION_LIMIT_FEN
            if waits:
                transaction.set_rollback(True)
        if not waits:
            return Corrected(tuple(found))
        account = Account.objects.get(pk=found[0].bill.account_id)
        approval_id = approvals.request(
            kind=CORRECT_BILLS,
            payload={
                **_as_json(change),
                "account_no": account.account_no,
                "cycles": [one.bill.cycle for one in found],
                "amount_fen": sum(one.amount_fen for one in found),
            },
            asked_by_id=by_id,
            reason=reason,
            at=at,
            org_unit_id=account.org_unit_id,
            subject=f"correct-installation:{change.installation_id}",
        )
    return Corrected(tuple(found), approval_id)


def _words(payload: Mapping[str, Any]) -> str:
    words = {
        "no": payload["account_no"],
        "cycles": "、".join(map(str, payload["cycles"])),
        "yuan": yuan_from_fen(abs(payload["amount_fen"])),
    }
    if payload["amount_fen"] >= 0:
        return _("更正户号 %(no)s 的抄表数据，重算 %(cycles)s 的电费，下期账单补收 %(yuan)s 元。") % words
    return _("更正户号 %(no)s 的抄表数据，重算 %(cycles)s 的电费，下期账单退还 %(yuan)s 元。") % words


@approvals.carries_out(
    CORRECT_BILLS,
    label=gettext_lazy("更正已发行的电费"),
    ask="cis.correct_bills",
    decide="cis.approve_corrections",
    consequence=_words,
)
def _carry_out(act: approvals.Act) -> dict[str, Any]:
    change = _from_json(act.payload)
    found = _apply(change, Record(act.reason, act.asked_by_id, act.at, act), None)
    if sum(one.amount_fen for one in found) != act.payload["amount_fen"]:
        raise AmountChanged(_("重算的金额与申请时不同，示数或账单在申请后变过。请驳回，由申请人重新提出。"))
    return {"amount_fen": act.payload["amount_fen"], "bills": [str(one.bill) for one in found]}


def correct_followers(*, account_id: int, from_day: date, record: Record) -> list[Rerated]:
    """
    Settle what bills from a day on differ by since an earlier one was replaced: tier years go on from another figure.

    Runs inside the caller's transaction, which holds the account's balances.
    """
    return _walk(account_id, from_day, from_day, BillCorrection.Cause.FOLLOWS, record)


def _as_json(change: Change) -> dict[str, Any]:
    if isinstance(change, Ratio):
        return {
            "what": "ratio",
            "installation_id": change.installation_id,
            "ct": change.ct_ratio,
            "pt": change.pt_ratio,
        }
    return {
        "what": "values",
        "installation_id": change.installation_id,
        "read_on": change.read_on.isoformat(),
        "values_e4": {str(register): value for register, value in change.values_e4.items()},
        "is_late_actual": change.is_late_actual,
    }


def _from_json(payload: Mapping[str, Any]) -> Change:
    if payload["what"] == "ratio":
        return Ratio(payload["installation_id"], payload["ct"], payload["pt"])
    return Values(
        payload["installation_id"],
        date.fromisoformat(payload["read_on"]),
        {int(register): value for register, value in payload["values_e4"].items()},
        payload["is_late_actual"],
    )


# --- Applying --------------------------------------------------------------------------------


def _apply(change: Change, record: Record, within: Sequence[str] | None) -> list[Rerated]:
    """Change what was read, rate again what was made from it, keep the differences; in the caller's transaction."""
    installation = MeterInstallation.objects.select_related("point").filter(pk=change.installation_id).first()
    if installation is None:
        raise NotFound(_("没有这只电能表。"))
    first = change.read_on - _OFF_SCHEDULE if isinstance(change, Values) else installation.valid.lower or date.min
    last = change.read_on + _OFF_SCHEDULE if isinstance(change, Values) else installation.valid.upper or date.max
    accounts = sorted(
        AccountPoint.objects.filter(point_id=installation.point_id, valid__overlap=(first, last))
        .values_list("account_id", flat=True)
        .distinct()
    )
    units = Account.objects.filter(pk__in=accounts).values_list("org_unit__path", flat=True)
    if not accounts or (within is not None and any(not is_within(path, within) for path in units)):
        raise NotFound(_("没有这只电能表。"))
    ledger.lock_balances(accounts)
    if isinstance(change, Values):
        _change_values(change, record)
        cause = BillCorrection.Cause.LATE if change.is_late_actual else BillCorrection.Cause.READING
    else:
        _change_ratio(installation, change)
        cause = BillCorrection.Cause.RATIO
    found = [one for account_id in accounts for one in _walk(account_id, first, last, cause, record)]
    if not found:
        raise NothingChanges(_("没有账单用到这些数，不用更正电费。"))
    closed = Account.objects.filter(pk__in=[one.bill.account_id for one in found], closed_on__isnull=False)
    for account in closed:
        if Bill.objects.filter(account_id=account.pk, period_end__gte=account.closed_on).exists():
            raise NoNextBill(
                _("户号 %(no)s 已销户，没有下期账单可以列入差额。请改办电费退补。") % {"no": account.account_no}
            )
    return found


def _change_values(change: Values, record: Record) -> None:
    of_day = Reading.objects.filter(installation_id=change.installation_id, read_on=change.read_on)
    stands = dict(of_day.values_list("register", "value_e4"))
    other = {register: value for register, value in change.values_e4.items() if stands.get(register) != value}
    if not other and not change.is_late_actual:
        raise NothingChanges(_("填的示数与现在的一样，没有要更正的。"))
    source = ReadingSource.MANUAL if change.is_late_actual else ReadingSource.CORRECTED
    for register in sorted(change.values_e4 if change.is_late_actual else other):
        change_billed_reading(
            installation_id=change.installation_id,
            read_on=change.read_on,
            register=register,
            value_e4=change.values_e4[register],
            source=source,
            method="late-actual" if change.is_late_actual else "corrected",
            reason=record.reason,
            by_id=record.asked_by_id,
            at=record.at,
        )


def _change_ratio(installation: MeterInstallation, change: Ratio) -> None:
    """Set the ratios and compute anew what every reading of the meter advanced."""
    if (installation.ct_ratio, installation.pt_ratio) == (change.ct_ratio, change.pt_ratio):
        raise NothingChanges(_("填的倍率与现在的一样，没有要更正的。"))
    installation.ct_ratio, installation.pt_ratio = change.ct_ratio, change.pt_ratio
    installation.save(update_fields=["ct_ratio", "pt_ratio"])
    with connection.cursor() as cursor:
        found = read_columns(
            cursor,
            "SELECT register, read_on, value_e4, advance_kwh_e2, is_rollover FROM cis_reading "
            "WHERE installation_id = %s AND state = 1 ORDER BY register, read_on",
            [installation.pk],
            {"register": "int2", "read_on": "date", "value_e4": "int8", "advance": "int8", "turned": "bool"},
        )
        follows = np.concatenate(([False], found["register"][1:] == found["register"][:-1]))
        at = np.flatnonzero(follows & (found["advance"] != -1) & (found["register"] != int(Register.DEMAND)))
        digits = np.full(len(at), installation.meter.digits, dtype=np.int64)
        moved = advance(found["value_e4"][at - 1], found["value_e4"][at], digits, found["turned"][at])
        energy = energy_kwh_e2(moved, np.full(len(at), change.ct_ratio * change.pt_ratio, dtype=np.int64))
        cursor.execute(
            "UPDATE cis_reading r SET advance_kwh_e2 = n.energy FROM "
            "unnest(%s::int2[], %s::int4[], %s::bigint[]) AS n(register, day, energy) "
            "WHERE r.installation_id = %s AND r.register = n.register AND r.read_on = DATE '2000-01-01' + n.day",
            [found["register"][at].tolist(), found["read_on"][at].tolist(), energy.tolist(), installation.pk],
        )


def _walk(account_id: int, first: date, last: date, cause: BillCorrection.Cause, record: Record) -> list[Rerated]:
    """
    Rate again the bills whose periods touch [first, last], and those after them whose tier year goes on otherwise.

    Each difference is kept before the next bill is rated: its tier year goes on from the corrected figure.
    """
    found: list[Rerated] = []
    head: int | None = None
    for bill in live_bills(account_id, from_day=first):
        touches = bill.period_start <= last
        one = rerate(bill)
        if one.is_changed:
            found.append(one)
            kept = _keep(one, cause if touches else BillCorrection.Cause.FOLLOWS, head, record)
            head = head or kept
        elif not touches:
            break
    return found


def _keep(one: Rerated, cause: BillCorrection.Cause, follows_id: int | None, record: Record) -> int:
    moves = one.energy_fen or one.fund_fen or one.shares
    kept = BillCorrection.objects.create(
        account_id=one.bill.account_id,
        bill=one.bill,
        period_start=one.bill.period_start,
        follows_id=follows_id,
        cause=cause,
        reason=record.reason,
        tier_kwh_e2_before_then=one.then.tier_kwh_e2_before,
        tier_kwh_e2_before_now=one.now.tier_kwh_e2_before,
        energy_kwh_e2_then=one.then.energy_kwh_e2,
        energy_kwh_e2_now=one.now.energy_kwh_e2,
        usage_then=one.then.usage,
        usage_now=one.now.usage,
        lines_then=one.then.lines,
        lines_now=one.now.lines,
        energy_fen=one.energy_fen,
        fund_fen=one.fund_fen,
        amount_fen=one.amount_fen,
        asked_by_id=record.asked_by_id,
        asked_at=record.at,
        approval_id=record.act.approval_id if record.act else None,
        approved_by_id=record.act.decided_by_id if record.act else None,
        state=BillCorrection.State.STANDING if moves else BillCorrection.State.NOTHING,
    )
    keep_shares(kept.pk, one.shares)
    return kept.pk


def keep_shares(correction_id: int, shares: Sequence[Share]) -> None:
    """Write down what of a difference is of which fund or subsidy, in the transaction that keeps the difference."""
    CorrectionShare.objects.bulk_create(
        CorrectionShare(correction_id=correction_id, code=one.code, amount_fen=one.fen, energy_kwh_e2=one.kwh_e2)
        for one in shares
    )
