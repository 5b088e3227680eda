"""
A settlement held against the bills of its month: differences with their causes, cleared on next bills or answered.

Every check is written beside the one before it. A clearing is what is left after bills, corrections and all earlier
clearings of the month, so that repeating one asks nothing twice; its amount waits for the account's next bill as
`cis.operations.bill_riders` has it. Above `CORRECTION_LIMIT_FEN` a second person decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cis.market_settlement import CLEARABLE, CLOSED_CAUSES, Cause, classify, difference_fen
from cis.models import (
    MarketSettlement,
    SettlementAnswer,
    SettlementCheck,
    SettlementDifference,
)
from cis.operations import ledger
from cis.operations.bill_corrections import AmountChanged, ReasonMissing, Record
from cis.operations.market_tariffs import lock_market
from cis.queries.settlement_sides import Sides, ranges_of, sides_of
from config.shared import approvals
from config.shared.bulk_copy import copy_in
from config.shared.errors import NotFound, Refused
from config.shared.models import OrgUnit
from config.shared.money import yuan_from_fen
from config.shared.permissions import in_scope

__all__ = [
    "Cleared",
    "NothingToClear",
    "NothingToSay",
    "Superseded",
    "answer_difference",
    "check_again",
    "check_settlement",
    "clear_settlement",
]

CLEAR = "cis.clear-settlement"


class Superseded(Refused):
    """A later file of the same month counts."""

    code = "settlement-superseded"


class NothingToClear(Refused):
    """No account differs by money alone, or those that do have no next bill."""

    code = "nothing-to-clear"


class NothingToSay(Refused):
    """The account's settlement and bills are equal."""

    code = "nothing-to-say"


@dataclass(frozen=True)
class Cleared:
    """What is asked (more) and given back (less) of how many accounts; `approval_id` when a second person must decide.

    `without_next_bill`: accounts that are closed and have their last bill.
    """

    accounts: int
    more_fen: int
    less_fen: int
    without_next_bill: int
    approval_id: int | None = None


def check_settlement(*, settlement_id: int, by_id: int, at: datetime) -> int:
    """
    Hold the newest file of a month against the bills as they stand now; the check's id.

    :raises NotFound: no such settlement
    :raises Superseded: a later file of its month is there
    """
    with transaction.atomic():
        lock_market()
        return check_again(_newest(settlement_id), by_id=by_id, at=at).pk


def clear_settlement(*, settlement_id: int, reason: str, by_id: int, at: datetime) -> Cleared:
    """
    Put what every account's settlement differs by, where it is money alone, on its next bill; by a second person above
    the limit.

    :raises ReasonMissing: no reason was given
    :raises NotFound, Superseded: as `check_settlement`
    :raises NothingToClear: there is nothing that could ride on a next bill
    :raises approvals.AlreadyAsked: it waits for a second person already
    """
    if not reason.strip():
        raise ReasonMissing(_("请填写清算依据。"))
    with transaction.atomic():
        lock_market()
        settlement = _newest(settlement_id)
        with transaction.atomic():
            found = _clear(settlement, Record(reason.strip(), by_id, at))
            waits = found.more_fen + found.less_fen > settings.CORRECTION_LIMIT_FEN
            if waits:
                transaction.set_rollback(True)
        if not waits:
            return found
        approval_id = approvals.request(
            kind=CLEAR,
            payload={
                "settlement_id": settlement.pk,
                "province": settlement.province,
                "month": settlement.month,
                "accounts": found.accounts,
                "more_fen": found.more_fen,
                "less_fen": found.less_fen,
            },
            asked_by_id=by_id,
            reason=reason,
            at=at,
            org_unit_id=OrgUnit.objects.filter(parent=None).order_by("pk")[0].pk,
            subject=f"clear-settlement:{settlement.province}:{settlement.month}",
        )
    return Cleared(found.accounts, found.more_fen, found.less_fen, found.without_next_bill, approval_id)


def _words(payload: Mapping[str, Any]) -> str:
    return _(
        "清算%(province)s %(month)s 的市场化购电差额：%(n)s 户，下期账单共补收 %(more)s 元、退还 %(less)s 元。"
    ) % {
        "province": payload["province"],
        "month": payload["month"],
        "n": payload["accounts"],
        "more": yuan_from_fen(payload["more_fen"]),
        "less": yuan_from_fen(payload["less_fen"]),
    }


@approvals.carries_out(
    CLEAR,
    label=gettext_lazy("清算市场化购电差额"),
    ask="cis.work_settlements",
    decide="cis.approve_corrections",
    consequence=_words,
)
def _carry_out(act: approvals.Act) -> dict[str, Any]:
    lock_market()
    found = _clear(_newest(act.payload["settlement_id"]), Record(act.reason, act.asked_by_id, act.at, act))
    if (found.accounts, found.more_fen, found.less_fen) != tuple(
        act.payload[name] for name in ("accounts", "more_fen", "less_fen")
    ):
        raise AmountChanged(_("差额与申请时不同，账单在申请后变过。请驳回，由申请人重新核对后提出。"))
    return {"accounts": found.accounts, "more_fen": found.more_fen, "less_fen": found.less_fen}


def answer_difference(
    *,
    settlement_id: int,
    account_no: str,
    note: str,
    by_id: int,
    at: datetime,
    within: Sequence[str] | None = None,
) -> int:
    """
    Note what was found about a difference that needs no clearing; it is settled while nothing of it changes.

    :raises ReasonMissing: nothing was noted
    :raises NotFound: no such settlement, or no such account `within` these organisation paths differs
    :raises NothingToSay: they are equal
    """
    if not note.strip():
        raise ReasonMissing(_("请写明核对的结果。"))
    with transaction.atomic():
        lock_market()
        settlement = _newest(settlement_id)
        check = settlement.checks.order_by("-pk")[0]
        row = (
            SettlementDifference.objects.filter(settlement_check=check, account__account_no=account_no)
            .filter(in_scope("account__org_unit", within))
            .first()
        )
        if row is None:
            raise NotFound(_("这个户号在这张结算单里没有差异。"))
        if row.cause in CLOSED_CAUSES:
            raise NothingToSay(_("这个户号已经相符，不用再说明。"))
        return SettlementAnswer.objects.create(
            settlement=settlement,
            account_id=row.account_id,
            cause=row.cause,
            left_fen=row.left_fen,
            note=note.strip()[:500],
            answered_by_id=by_id,
            answered_at=at,
        ).pk


def _newest(settlement_id: int) -> MarketSettlement:
    settlement = MarketSettlement.objects.filter(pk=settlement_id).first()
    if settlement is None:
        raise NotFound(_("没有这张结算单。"))
    later = MarketSettlement.objects.filter(
        province=settlement.province, month=settlement.month, revision__gt=settlement.revision
    )
    if later.exists():
        raise Superseded(_("这个月已有更晚的结算单，请打开最新的那一张。"))
    return settlement


# --- Checking ---------------------------------------------------------------------------------


def check_again(settlement: MarketSettlement, *, by_id: int, at: datetime) -> SettlementCheck:
    """Compare by ranges of accounts, two statements each; in the caller's transaction, which has the market's turn."""
    check_id = _next_id("cis_settlement_check_id_seq")
    figures = _Figures()
    for low, high in ranges_of(settlement_id=settlement.pk, month=settlement.month):
        sides = sides_of(
            settlement_id=settlement.pk, province=settlement.province, month=settlement.month, low=low, high=high
        )
        cause = classify(sides.billed, sides.settled)
        figures.add(sides, cause)
        _note(check_id, sides, cause)
    return SettlementCheck.objects.create(
        pk=check_id, settlement=settlement, figures=figures.as_json(), checked_by_id=by_id, checked_at=at
    )


class _Figures:
    """What the ranges came to so far: by cause, and by retailer."""

    def __init__(self) -> None:
        self.causes: dict[str, dict[str, int]] = {}
        self.retailers: dict[str, dict[str, int]] = {}

    def add(self, sides: Sides, cause: np.ndarray[Any, np.dtype[np.int16]]) -> None:
        """Count a range in."""
        billed, settled = sides.billed, sides.settled
        in_market = billed.has_retail | settled.has
        left = difference_fen(billed, settled)
        for one in np.unique(cause[in_market]).tolist():
            of = left[in_market & (cause == one)]
            self._add(
                self.causes,
                Cause(one).name.lower(),
                {"accounts": len(of), "left_fen": int(of.sum()), "absolute_fen": int(np.abs(of).sum())},
            )
        for retailer in np.unique(np.concatenate([billed.retailer, settled.retailer])).tolist():
            ours = billed.has_retail & (billed.retailer == retailer)
            theirs = settled.has & (settled.retailer == retailer)
            if not (ours.any() or theirs.any()):
                continue
            self._add(
                self.retailers,
                str(retailer),
                {
                    "ours": int(ours.sum()),
                    "theirs": int(theirs.sum()),
                    "ours_kwh_e2": int(billed.energy_kwh_e2[ours].sum()),
                    "theirs_kwh_e2": int(settled.energy_kwh_e2[theirs].sum()),
                    "ours_fen": int(billed.fen[ours].sum()),
                    "theirs_fen": int(settled.fen[theirs].sum()),
                    "cleared_fen": int(billed.cleared_fen[ours].sum()),
                },
            )

    @staticmethod
    def _add(into: dict[str, dict[str, int]], key: str, more: Mapping[str, int]) -> None:
        row = into.setdefault(key, dict.fromkeys(more, 0))
        for name, value in more.items():
            row[name] += value

    def as_json(self) -> dict[str, Any]:
        """As the check keeps them."""
        return {"causes": self.causes, "retailers": self.retailers}


def _note(check_id: int, sides: Sides, cause: np.ndarray[Any, np.dtype[np.int16]]) -> None:
    differs = cause != Cause.EQUAL
    if not differs.any():
        return
    billed, settled = sides.billed, sides.settled
    with connection.cursor() as cursor:
        copy_in(
            cursor,
            "cis_settlement_difference",
            {
                "settlement_check_id": ("int8", check_id),
                "account_id": ("int8", sides.account[differs]),
                "cause": ("int2", cause[differs]),
                "our_retailer_id": ("int8", billed.retailer[differs]),
                "their_retailer_id": ("int8", settled.retailer[differs]),
                "ours_kwh_e2": ("int8", billed.energy_kwh_e2[differs]),
                "theirs_kwh_e2": ("int8", settled.energy_kwh_e2[differs]),
                "ours_fen": ("int8", billed.fen[differs]),
                "theirs_fen": ("int8", settled.fen[differs]),
                "deviation_fen": ("int8", settled.deviation_fen[differs]),
                "cleared_fen": ("int8", billed.cleared_fen[differs]),
                "left_fen": ("int8", difference_fen(billed, settled)[differs]),
            },
        )


def _next_id(sequence: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(%s)", [sequence])
        (number,) = cursor.fetchone()
    return int(number)


# --- Clearing ---------------------------------------------------------------------------------

# A closed account that has its last bill has no next one.
_DUE = """
SELECT d.account_id, d.left_fen, EXISTS (
    SELECT 1 FROM cis_bill b WHERE b.account_id = a.id AND a.closed_on IS NOT NULL AND b.period_end >= a.closed_on
) AS is_over
FROM cis_settlement_difference d JOIN cis_account a ON a.id = d.account_id
WHERE d.settlement_check_id = %(check)s AND d.cause = ANY(%(clearable)s)
"""

_SUMS = f"""
SELECT count(*) FILTER (WHERE NOT is_over),
       coalesce(sum(left_fen) FILTER (WHERE NOT is_over AND left_fen > 0), 0)::int8,
       coalesce(-sum(left_fen) FILTER (WHERE NOT is_over AND left_fen < 0), 0)::int8,
       count(*) FILTER (WHERE is_over) FROM ({_DUE}) t
"""  # noqa: S608 - only our own statement is put in

_CLEAR = f"""
WITH due AS MATERIALIZED (
    SELECT account_id, left_fen, nextval('cis_bill_correction_id_seq') AS id FROM ({_DUE}) t WHERE NOT is_over),
made AS (
    INSERT INTO cis_bill_correction (id, account_id, cause, reason, tier_kwh_e2_before_then, tier_kwh_e2_before_now,
        energy_kwh_e2_then, energy_kwh_e2_now, usage_then, usage_now, lines_then, lines_now, energy_fen, fund_fen,
        penalty_fen, amount_fen, asked_by_id, asked_at, approval_id, approved_by_id, state, void_reason)
    SELECT id, account_id, 'market-settlement', %(reason)s, 0, 0, 0, 0, '[]', '[]', '[]', '[]', left_fen, 0, 0,
        left_fen, %(by)s, %(at)s, %(approval)s, %(approver)s, 'standing', '' FROM due RETURNING id)
INSERT INTO cis_settlement_clearing (settlement_check_id, account_id, correction_id, amount_fen)
SELECT %(check)s, due.account_id, due.id, due.left_fen FROM due JOIN made USING (id)
"""  # noqa: S608 - only our own statement is put in


def _clear(settlement: MarketSettlement, record: Record) -> Cleared:
    """Check, clear what differs by money alone, and check once more; the accounts' money is held meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT account_id FROM cis_market_settlement_row WHERE settlement_id = %s ORDER BY 1",
            [settlement.pk],
        )
        ledger.lock_balances([row[0] for row in cursor.fetchall()])
        by_id = record.asked_by_id or settlement.imported_by_id
        check = check_again(settlement, by_id=by_id, at=record.at)
        parameters: dict[str, Any] = {"check": check.pk, "clearable": [int(cause) for cause in CLEARABLE]}
        cursor.execute(_SUMS, parameters)
        found = Cleared(*cursor.fetchone())
        if not found.accounts:
            raise NothingToClear(
                _("没有可以列入下期账单的差额。电量、售电公司不一致的请先查清；已销户的请办电费退补。")
            )
        cursor.execute(
            _CLEAR,
            parameters
            | {
                "reason": _("%(month)s 交易中心结算单（第 %(n)s 次，%(file)s）与计费的差额。%(reason)s")
                % {
                    "month": settlement.month,
                    "n": settlement.revision,
                    "file": settlement.file_name,
                    "reason": record.reason,
                },
                "by": record.asked_by_id,
                "at": record.at,
                "approval": record.act.approval_id if record.act else None,
                "approver": record.act.decided_by_id if record.act else None,
            },
        )
    check_again(settlement, by_id=by_id, at=record.at)
    return found
