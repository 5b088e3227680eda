"""A held bill is released by a second person, exactly as it was rated, or sent back to readings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cis.models import BillHold, Reading, ReadingDoubt
from cis.operations import billing, ledger
from cis.operations.bill_corrections import ReasonMissing
from cis.operations.rerating import as_they_stand
from cis.validation import Doubt
from config.shared import approvals
from config.shared.errors import NotFound, Refused
from config.shared.money import yuan_from_fen
from config.shared.permissions import is_within

RELEASE_BILL = "cis.release-bill"


class HoldMoved(Refused):
    """The bill would not be the one that was looked at: readings or terms changed since."""

    code = "hold-moved"


class NothingToSendBack(Refused):
    """The bill was made from curves; their days are judged on their own work list."""

    code = "nothing-to-send-back"


def ask_release(*, hold_id: int, reason: str, by_id: int, at: datetime, within: Sequence[str] | None = None) -> int:
    """
    Ask a second person to release a held bill, with why it is right; the approval's id.

    :raises NotFound: nothing waits under this id `within` these organisation paths
    :raises ReasonMissing: no reason was given
    :raises approvals.AlreadyAsked: somebody has asked already
    """
    if not reason.strip():
        raise ReasonMissing(_("请写明核实的结果，审批人要凭它决定。"))
    with transaction.atomic():
        hold = _locked(hold_id, within)
        return approvals.request(
            kind=RELEASE_BILL,
            payload={
                "hold_id": hold.pk,
                "account_no": hold.account.account_no,
                "cycle": hold.cycle,
                "total_fen": hold.total_fen,
                "usual_fen": hold.usual_fen,
                "rated": _digest(hold),
            },
            asked_by_id=by_id,
            reason=reason,
            at=at,
            org_unit_id=hold.org_unit_id,
            subject=f"bill-hold:{hold.pk}",
        )


def _words(payload: Mapping[str, Any]) -> str:
    return _("放行户号 %(no)s 在 %(cycle)s 的账单 %(yuan)s 元；这个户平时约 %(usual)s 元。") % {
        "no": payload["account_no"],
        "cycle": payload["cycle"],
        "yuan": yuan_from_fen(payload["total_fen"]),
        "usual": yuan_from_fen(payload["usual_fen"]),
    }


@approvals.carries_out(
    RELEASE_BILL,
    label=gettext_lazy("放行异常账单"),
    ask="cis.correct_bills",
    decide="cis.approve_corrections",
    consequence=_words,
)
def _release(act: approvals.Act) -> dict[str, Any]:
    hold = _locked(int(act.payload["hold_id"]), None)
    if act.payload.get("rated") != _digest(hold):
        raise HoldMoved(_("这张账单在申请之后又试算过，金额或明细已不同。请驳回，按现在的账单重新提。"))
    bill = billing.issue_held(account_id=hold.account_id, cycle=hold.cycle, issued_by_id=act.asked_by_id, at=act.at)
    stands = as_they_stand([bill])[bill.pk]
    if (stands.lines, stands.usage, bill.period_start) != (hold.lines, hold.usage, hold.period_start):
        raise HoldMoved(_("示数或合同在搁置后变过，算出来的已不是这张账单。请驳回，重新试算后再提。"))
    hold.state, hold.bill, hold.approval_id = BillHold.State.RELEASED, bill, act.approval_id
    hold.asked_by_id, hold.decided_by_id, hold.decided_at = act.asked_by_id, act.decided_by_id, act.at
    hold.reason = act.reason
    hold.save(update_fields=["state", "bill", "approval", "asked_by", "decided_by", "decided_at", "reason"])
    return {"bill_no": str(bill), "total_fen": bill.total_fen}


def send_back(*, hold_id: int, reason: str, by_id: int, at: datetime, within: Sequence[str] | None = None) -> int:
    """
    Send a held bill back to readings: those that close its period are doubted again; gives how many.

    Once they are settled the account is billed by itself, and held again where it is still far above the usual.

    :raises NotFound: nothing waits under this id `within` these organisation paths
    :raises ReasonMissing: no reason was given
    :raises NothingToSendBack: the bill was made from curves
    """
    if not reason.strip():
        raise ReasonMissing(_("请写明要核对什么。"))
    with transaction.atomic():
        hold = _locked(hold_id, within)
        closing: dict[tuple[int, int, date], Mapping[str, Any]] = {}
        for one in hold.usage:
            if not one["is_from_curve"] and one["to_on"] == max(
                other["to_on"] for other in hold.usage if other["installation"] == one["installation"]
            ):
                closing[one["installation"], one["register"], date.fromisoformat(one["to_on"])] = one
        if not closing:
            raise NothingToSendBack(_("这张账单按负荷曲线出账，请在存疑示数里核对曲线。"))
        for (installation_id, register, read_on), one in sorted(closing.items()):
            key = {"installation_id": installation_id, "register": register, "read_on": read_on}
            reading = Reading.objects.select_for_update().filter(**key).first()
            if reading is None or reading.state != Reading.State.ACCEPTED:
                continue
            Reading.objects.filter(**key).update(state=Reading.State.DOUBTFUL)
            ReadingDoubt.objects.create(
                installation_id=installation_id,
                register=register,
                read_on=read_on,
                account_id=hold.account_id,
                cycle=reading.cycle,
                doubts=int(Doubt.SUDDEN_RISE),
                facts={
                    "current_e4": one["to_e4"],
                    "previous_e4": one["from_e4"],
                    "previous_on": one["from_on"],
                    "days": (read_on - date.fromisoformat(one["from_on"])).days,
                    "multiplier": one["multiplier"],
                    "energy_kwh_e2": one["kwh_e2"],
                    "note": reason.strip(),
                },
                owner_unit_id=hold.org_unit_id,
                opened_at=at,
            )
        hold.state, hold.decided_by_id, hold.decided_at = BillHold.State.SENT_BACK, by_id, at
        hold.reason = reason.strip()
        hold.save(update_fields=["state", "decided_by", "decided_at", "reason"])
    return len(closing)


def _digest(hold: BillHold) -> str:
    """A fingerprint of what was rated: billing holds the same account again in the same row."""
    rated = [hold.period_start.isoformat(), hold.period_end.isoformat(), hold.total_fen, hold.lines, hold.usage]
    return hashlib.sha256(json.dumps(rated, sort_keys=True).encode()).hexdigest()


def _locked(hold_id: int, within: Sequence[str] | None) -> BillHold:
    """The hold, after its account's money: billing, which writes holds, locks in this order too."""
    account_id = BillHold.objects.filter(pk=hold_id).values_list("account_id", flat=True).first()
    if account_id is not None:
        ledger.lock_balances([account_id])
    hold = (
        BillHold.objects.select_for_update(of=("self",))
        .select_related("account", "org_unit")
        .filter(pk=hold_id, state=BillHold.State.WAITING)
        .first()
    )
    if hold is None or (within is not None and not is_within(hold.org_unit.path, within)):
        raise NotFound(_("没有这张等待复核的账单，可能已经处理。"))
    return hold
