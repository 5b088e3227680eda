"""
A reading or ratio inside a billed period was wrong, or an actual reading came late: the period is rated again.

The change, the new rating of every bill it touches and the differences stand or fall together. What is asked or given
back waits for the account's next bill (`cis.operations.bill_riders`). Above `CORRECTION_LIMIT_FEN` nothing changes
until a second person approves; then all of it is done anew, and must come to what was approved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from psycopg2.extras import DateRange

from cis.models import Account, AccountPoint, Bill, BillCorrection, MeterInstallation
from cis.operations import ledger
from cis.operations.bill_differences import Differences, Record, Touched, settle_differences
from cis.operations.correction_changes import (
    Change,
    Curve,
    Late,
    NothingChanges,
    Ratio,
    TwoValues,
    Values,
    apply,
    as_json,
    from_json,
    span_of,
)
from cis.operations.rerating import CannotRerate, Rerated
from cis.queries.correction_limits import alone_fen
from config.shared import approvals
from config.shared.errors import NotFound, Refused
from config.shared.money import yuan_from_fen
from config.shared.permissions import is_within

__all__ = [
    "Change",
    "Corrected",
    "Curve",
    "Late",
    "NothingChanges",
    "Ratio",
    "Record",
    "TwoValues",
    "Values",
    "correct",
    "correct_followers",
    "preview",
]

CORRECT_BILLS = "cis.correct-bills"


class ReasonMissing(Refused):
    """Whoever corrects says why."""

    code = "reason-missing"
    status = 422


class AmountChanged(Refused):
    """What was approved is not what it comes to today."""

    code = "amount-changed"


@dataclass(frozen=True)
class Corrected:
    """What a change comes to: the bills it touches, oldest first; `approval_id` when a second person must decide."""

    bills: tuple[Rerated, ...]
    approval_id: int | None = None
    own_bills: tuple[Bill, ...] = ()
    """issued at once for closed accounts, which no later bill would ask"""

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
        made = _apply(change, Record(_("试算"), None, at), within)
        transaction.set_rollback(True)
    return Corrected(made.found, own_bills=made.own_bills)


def correct(*, change: Change, reason: str, by_id: int, at: datetime, within: Sequence[str] | None = None) -> Corrected:
    """
    Change what was read and settle the difference of every bill it touches; above the limit ask a second person.

    :raises ReasonMissing: no reason was given
    :raises NotFound: no such meter or reading `within` these organisation paths
    :raises NothingChanges: it changes nothing that was billed
    :raises CannotRerate: a period cannot be rated again as it was billed
    :raises ValueBelowPrevious, ValueNotPossible: the value does not fit the readings around it
    :raises approvals.AlreadyAsked: the same waits for a second person
    """
    if not reason.strip():
        raise ReasonMissing(_("请填写更正原因。"))
    with transaction.atomic():
        with transaction.atomic():
            made = _apply(change, Record(reason.strip(), by_id, at), within)
            found = made.found
            moved_fen = sum(abs(one.amount_fen) for one in found)
            if found and moved_fen <= settings.CORRECTION_LIMIT_FEN:
                # What was made just now is among what one person moved.
                moved_fen = alone_fen(sorted({one.bill.account_id for one in found}), at=at)
            waits = moved_fen > settings.CORRECTION_LIMIT_FEN
            if waits:
                transaction.set_rollback(True)
        if not waits:
            return Corrected(found, own_bills=made.own_bills)
        account = Account.objects.get(pk=found[0].bill.account_id)
        approval_id = approvals.request(
            kind=CORRECT_BILLS,
            payload={
                **as_json(change),
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
    return Corrected(found, approval_id)


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
    found = _apply(from_json(act.payload), Record(act.reason, act.asked_by_id, act.at, act), None).found
    if sum(one.amount_fen for one in found) != act.payload["amount_fen"]:
        raise AmountChanged(_("重算的金额与申请时不同，示数或账单在申请后变过。请驳回，由申请人重新提出。"))
    return {"amount_fen": act.payload["amount_fen"], "bills": [str(one.bill) for one in found]}


def correct_followers(*, account_id: int, from_day: date, record: Record) -> None:
    """
    Settle what bills from a day on differ by since an earlier one was replaced: tier years go on from another figure.

    Runs inside the caller's transaction, which holds the account's balances.

    :raises CannotRerate: a later bill of the tier year cannot be rated again
    """
    follows = Touched(from_day, from_day, BillCorrection.Cause.FOLLOWS)
    made = settle_differences({account_id: follows}, record)
    if made.refused:
        raise CannotRerate(next(iter(made.refused.values())))


# --- Applying --------------------------------------------------------------------------------


def _apply(change: Change, record: Record, within: Sequence[str] | None) -> Differences:
    """Change what was read, rate again what was made from it, keep the differences; in the caller's transaction."""
    installation = MeterInstallation.objects.select_related("point", "meter").filter(pk=change.installation_id).first()
    if installation is None:
        raise NotFound(_("没有这只电能表。"))
    first, last = span_of(change, installation)
    accounts = sorted(
        AccountPoint.objects.filter(point_id=installation.point_id, valid__overlap=DateRange(first, last, "[]"))
        .values_list("account_id", flat=True)
        .distinct()
    )
    units = Account.objects.filter(pk__in=accounts).values_list("org_unit__path", flat=True)
    if not accounts or (within is not None and any(not is_within(path, within) for path in units)):
        raise NotFound(_("没有这只电能表。"))
    ledger.lock_balances(accounts)
    cause = apply(change, installation, record)
    made = settle_differences(dict.fromkeys(accounts, Touched(first, last, cause)), record)
    if made.refused:
        raise CannotRerate(next(iter(made.refused.values())))
    if not made.found and not isinstance(change, Late):
        raise NothingChanges(_("没有账单用到这些数，不用更正电费。"))
    return made
