"""
The legal road from a missed due date to the stop of supply and back: one operation an act.

Every act reads the case anew under its lock and asks `cis.collecting.disconnection` whether anything hinders it; a cut
is judged once more by the database. Payments, disputes and protections come in from outside and put it back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cis.collecting.disconnection import Hindrance, Stage, Step, What, stand
from cis.events import DebtorTold
from cis.models import ArrearsCase, ArrearsStep, ReconnectionOrder
from cis.queries.collecting_facts import CaseFacts, facts_of
from cis.queries.collecting_words import words_of
from config.shared import approvals
from config.shared.errors import BadInput, NotFound, Refused
from config.shared.events import publish
from config.shared.money import yuan_from_fen
from config.shared.permissions import is_within

DISCONNECT = "cis.disconnect"


class NotYet(Refused):
    """The law or the evidence stands against it; the message says what and until when."""

    code = "not-yet"


class EvidenceMissing(BadInput):
    """Every step says by what it can be proved."""

    code = "evidence-missing"


def open_cases(*, at: datetime) -> dict[str, int]:
    """
    Look at all bills: open a case for every account with an overdue one, renew what open cases owe, close the paid.

    Supply that is away though nothing is owed any more, or something stands against it, is ordered back. Set-wise, a
    fixed number of statements and one for each order; gives how many were opened and closed. Repeated, it finds nothing
    to do.
    """
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_OVERDUE, {"today": today})
        cursor.execute(_RENEW, {"today": today})
        cursor.execute(_OPEN, {"today": today, "at": at})
        opened = cursor.rowcount
        cursor.execute(_CLOSE, {"today": today, "at": at})
        closed = cursor.rowcount
        cursor.execute("DROP TABLE overdue_now")
        ordered = ReconnectionOrder.objects.filter(case=OuterRef("pk"), done_at=None)
        away = list(
            ArrearsCase.objects.select_for_update()
            .filter(closed_at=None, stage=Stage.CUT)
            .exclude(Exists(ordered))
            .order_by("pk")
        )
        for case_id, facts in facts_of(away, at=at).items():
            _order_back_if_due(case_id, facts, at=at)
    return {"opened": opened, "closed": closed}


_OVERDUE = """
CREATE TEMPORARY TABLE overdue_now ON COMMIT DROP AS
SELECT account_id, fen - cis_in_hand_fen(account_id) AS fen, due_on
FROM (SELECT account_id, sum(open_fen)::bigint AS fen, min(due_on) AS due_on FROM cis_bill
      WHERE open_fen > 0 AND due_on < %(today)s GROUP BY 1) b
WHERE fen > cis_in_hand_fen(account_id)
"""
_RENEW = """
UPDATE cis_arrears_case c SET overdue_fen = o.fen, oldest_due_on = o.due_on, looked_on = %(today)s
FROM overdue_now o WHERE o.account_id = c.account_id AND c.closed_at IS NULL
"""
# The class is that of the contract in force today, of the last one where none is.
_OPEN = """
INSERT INTO cis_arrears_case
    (account_id, org_unit_id, is_residential, opened_at, cause, stage, overdue_fen, oldest_due_on, looked_on)
SELECT o.account_id, a.org_unit_id, s.price_class = 1, %(at)s, '', 'overdue', o.fen, o.due_on, %(today)s
FROM overdue_now o JOIN cis_account a ON a.id = o.account_id
CROSS JOIN LATERAL (SELECT price_class FROM cis_supply_contract
                    WHERE account_id = a.id AND lower(valid) <= %(today)s ORDER BY lower(valid) DESC LIMIT 1) s
ON CONFLICT DO NOTHING
"""
# A case whose supply is away stays until it is back.
_CLOSE = """
UPDATE cis_arrears_case c SET closed_at = %(at)s, overdue_fen = 0, looked_on = %(today)s
WHERE c.closed_at IS NULL AND c.stage <> 'cut'
AND NOT EXISTS (SELECT 1 FROM overdue_now o WHERE o.account_id = c.account_id)
"""


def record_cause(
    *, case_id: int, cause: str, evidence: str, by_id: int, at: datetime, within: Sequence[str] | None = None
) -> None:
    """
    Say why the customer does not pay and how that is known; needed before a stop of supply may be asked for.

    :raises NotFound, EvidenceMissing: see `_act`
    :raises BadInput: there is no such cause
    """
    if cause not in ArrearsCase.Cause.values:
        text = _("请选择欠费原因。")
        raise BadInput(text, errors=[{"pointer": "/cause", "detail": text}])
    with transaction.atomic():
        case, facts = _locked(case_id, within, at)
        case.cause = cause
        _act(case, facts, What.CAUSE, evidence=f"{_(ArrearsCase.Cause(cause).label)}：{evidence}", by_id=by_id, at=at)


def record_demand(
    *, case_id: int, channel: str, evidence: str, by_id: int, at: datetime, within: Sequence[str] | None = None
) -> int:
    """
    Demand what is overdue; the step's id. `channel` "sms" sends a message, the others note what a person did.

    :raises NotFound, EvidenceMissing, NotYet: see `_act`
    """
    with transaction.atomic():
        case, facts = _locked(case_id, within, at)
        step = _act(case, facts, What.DEMAND, evidence=evidence, by_id=by_id, at=at, channel=channel)
        _tell(step)
    return step.pk


def ask_disconnection(
    *, case_id: int, reason: str, asked_by_id: int, at: datetime, within: Sequence[str] | None = None
) -> int:
    """
    Ask the head of the unit to approve that supply is stopped; the approval's id.

    :raises NotFound, NotYet: see `_act`; what the approval needs must be there already
    :raises approvals.AlreadyAsked, approvals.ReasonMissing, NotAllowed: see there
    """
    with transaction.atomic():
        case, facts = _locked(case_id, within, at)
        _refuse_if(facts.hindrances(What.APPROVED, at=at))
        return approvals.request(
            kind=DISCONNECT,
            payload={
                "case_id": str(case.pk),
                "account_no": case.account.account_no,
                "overdue_fen": facts.situation.overdue_fen,
                "due_on": str(facts.situation.oldest_due_on),
            },
            asked_by_id=asked_by_id,
            reason=reason,
            at=at,
            org_unit_id=case.org_unit_id,
            subject=f"arrears-case:{case.pk}",
        )


def _words_of_disconnection(payload: Mapping[str, Any]) -> str:
    return _("对户号 %(no)s 启动欠费停电：欠费 %(yuan)s 元，最早应交日 %(due)s。批准后仍要送达通知，交费即停止。") % {
        "no": payload["account_no"],
        "yuan": yuan_from_fen(payload["overdue_fen"]),
        "due": payload["due_on"],
    }


@approvals.carries_out(
    DISCONNECT,
    label=gettext_lazy("欠费停电"),
    ask="cis.collect_arrears",
    decide="cis.approve_disconnection",
    consequence=_words_of_disconnection,
)
def _approve(act: approvals.Act) -> dict[str, Any]:
    case, facts = _locked(int(act.payload["case_id"]), None, act.at)
    step = _act(
        case,
        facts,
        What.APPROVED,
        evidence=act.reason,
        by_id=act.decided_by_id,
        at=act.at,
        asked_by_id=act.asked_by_id,
        approval_id=act.approval_id,
    )
    return {"step_id": step.pk}


def print_notice(
    *, case_id: int, announced_at: datetime, by_id: int, at: datetime, within: Sequence[str] | None = None
) -> int:
    """
    Make out the notice that names when supply will be stopped; the step's id. It still has to be served.

    :raises NotFound, NotYet: see `_act`; the moment named must be lawful itself
    """
    with transaction.atomic():
        case, facts = _locked(case_id, within, at)
        step = _act(
            case,
            facts,
            What.NOTICE_PRINTED,
            evidence=_("停电通知书"),
            by_id=by_id,
            at=at,
            announced_at=announced_at,
        )
    return step.pk


def note_step(
    *,
    case_id: int,
    what: str,
    channel: str = "",
    evidence: str,
    by_id: int,
    at: datetime,
    within: Sequence[str] | None = None,
) -> int:
    """
    Note what was done with its proof: the notice served, the authority informed, homes kept supplied, told again.

    The step's id. Told by "sms", the message goes out with it.

    :raises NotFound, EvidenceMissing, NotYet: see `_act`
    :raises BadInput: it is none of these
    """
    if what not in _NOTED:
        raise BadInput(_("没有这一步。"))
    with transaction.atomic():
        case, facts = _locked(case_id, within, at)
        step = _act(case, facts, What(what), evidence=evidence, by_id=by_id, at=at, channel=channel)
        _tell(step)
    return step.pk


_NOTED = {What.NOTICE_SERVED, What.AUTHORITY_INFORMED, What.HOMES_KEPT, What.SHORT_NOTICE}


def cut_supply(*, case_id: int, evidence: str, by_id: int, at: datetime, within: Sequence[str] | None = None) -> int:
    """
    Note that supply was stopped, at this moment and lawfully; the step's id.

    :raises NotFound, EvidenceMissing, NotYet: see `_act`; the database judges it once more
    """
    with transaction.atomic():
        case, facts = _locked(case_id, within, at)
        step = _act(case, facts, What.CUT, evidence=evidence, by_id=by_id, at=at, rule_id=facts.rule_id)
    return step.pk


def restore_supply(
    *, case_id: int, evidence: str, by_id: int, at: datetime, within: Sequence[str] | None = None
) -> None:
    """
    Note that supply is back; an order to bring it back is done with that, and a case that owes nothing is closed.

    :raises NotFound, EvidenceMissing, NotYet: see `_act`
    """
    with transaction.atomic():
        case, facts = _locked(case_id, within, at)
        _restore(case, facts, evidence=evidence, by_id=by_id, at=at)


def note_payment(*, account_id: int, payment_id: int, paid_at: datetime, at: datetime) -> int | None:
    """
    A payment came in: an open case goes back to before its approval; paid whole, it ends, or supply is ordered back.

    Gives the id of the order to bring supply back, None where none is needed. The same payment twice changes nothing.
    """
    with transaction.atomic():
        case = _open_case(account_id)
        if case is None or paid_at < case.opened_at:
            # What came in before the case was opened is not among what it owes.
            return None
        if ArrearsStep.objects.filter(case=case, what=What.PAYMENT, source_key=f"payment:{payment_id}").exists():
            return None
        facts = facts_of([case], at=at)[case.pk]
        case.overdue_fen = facts.situation.overdue_fen
        case.oldest_due_on = facts.situation.oldest_due_on or case.oldest_due_on
        is_cut, is_paid = facts.standing.is_cut, facts.situation.overdue_fen <= 0
        if is_paid and not is_cut:
            case.closed_at = at
        _write(case, facts, What.PAYMENT, evidence=_("系统收费记录"), at=paid_at, source_key=f"payment:{payment_id}")
        if not (is_paid and is_cut):
            return None
        return _order_back(case.pk, facts, paid_at=paid_at, at=at)


def look_again(*, account_id: int, at: datetime) -> int | None:
    """
    Order supply back where it is away and nothing is overdue any more, or something stands against it: written off,
    cancelled, agreed, disputed. Gives the order's id, None where none is needed; repeated, it is the same order.
    """
    with transaction.atomic():
        case = _open_case(account_id)
        return None if case is None else _order_back_if_due(case.pk, facts_of([case], at=at)[case.pk], at=at)


def note_restored(*, account_id: int, evidence: str, at: datetime) -> None:
    """Note that the meter was switched on again, in a case whose supply is away; in the caller's transaction."""
    case = _open_case(account_id)
    if case is None:
        return
    facts = facts_of([case], at=at)[case.pk]
    if facts.standing.is_cut:
        _restore(case, facts, evidence=evidence, at=at)


def _restore(case: ArrearsCase, facts: CaseFacts, *, evidence: str, at: datetime, by_id: int | None = None) -> None:
    if facts.situation.overdue_fen <= 0:
        case.closed_at, case.overdue_fen = at, 0
    step = _act(case, facts, What.RESTORED, evidence=evidence, by_id=by_id, at=at)
    ReconnectionOrder.objects.filter(case=case, done_at=None).update(done_at=step.at)


def _order_back_if_due(case_id: int, facts: CaseFacts, *, at: datetime) -> int | None:
    # A payment that is not noted yet stops the case, but brings supply back only where it pays all.
    is_due = facts.situation.overdue_fen <= 0 or set(facts.situation.stops) - {"payment"}
    return _order_back(case_id, facts, paid_at=at, at=at) if facts.standing.is_cut and is_due else None


def _order_back(case_id: int, facts: CaseFacts, *, paid_at: datetime, at: datetime) -> int:
    """Order supply back, once a cut; the promised hours run from when the reason to keep it away ended."""
    order, _made = ReconnectionOrder.objects.get_or_create(
        cut=ArrearsStep.objects.filter(case=case_id, what=What.CUT).latest("pk"),
        defaults={
            "case_id": case_id,
            "paid_at": paid_at,
            "ordered_at": at,
            "due_at": paid_at + timedelta(hours=facts.rule.restore_hours),
        },
    )
    return order.pk


def stop(*, account_id: int, why: str, source_key: str, by_id: int | None, at: datetime) -> None:
    """
    Note in an open case that a dispute, an agreement or a protection stands against it; once a `source_key`.

    Supply that is away is ordered back, but for an important customer, whom nothing protects.
    """
    _note_from_outside(What.STOPPED, account_id=account_id, why=why, source_key=source_key, by_id=by_id, at=at)
    look_again(account_id=account_id, at=at)


def lift(*, account_id: int, why: str, source_key: str, by_id: int | None, at: datetime) -> None:
    """Note in an open case that this stands against it no longer; the approval has to be asked for anew."""
    _note_from_outside(What.LIFTED, account_id=account_id, why=why, source_key=source_key, by_id=by_id, at=at)


def _note_from_outside(
    what: What, *, account_id: int, why: str, source_key: str, by_id: int | None, at: datetime
) -> None:
    case = _open_case(account_id)
    if case is None or ArrearsStep.objects.filter(case=case, what=what, source_key=source_key):
        return
    _write(case, facts_of([case], at=at)[case.pk], what, evidence=why, by_id=by_id, at=at, source_key=source_key)


def _open_case(account_id: int) -> ArrearsCase | None:
    return ArrearsCase.objects.select_for_update().filter(account_id=account_id, closed_at=None).first()


def _locked(case_id: int, within: Sequence[str] | None, at: datetime) -> tuple[ArrearsCase, CaseFacts]:
    """
    The open case under its lock, and what is known of it now.

    :raises NotFound: there is none within the organisation paths
    """
    rows = ArrearsCase.objects.select_for_update(of=("self",)).select_related("org_unit", "account")
    case = rows.filter(pk=case_id).first()
    if case is None or (within is not None and not is_within(case.org_unit.path, within)):
        raise NotFound(_("没有这件欠费，请回到欠费清单重新选择。"))
    if case.closed_at is not None:
        raise NotYet(_("这件欠费已经了结，不用再办。"))
    return case, facts_of([case], at=at)[case.pk]


def _act(case: ArrearsCase, facts: CaseFacts, what: What, *, evidence: str, at: datetime, **more: Any) -> ArrearsStep:
    """
    Write an act down, if it has evidence and nothing hinders it.

    :raises EvidenceMissing: it has none
    :raises NotYet: something hinders it
    """
    if not evidence.strip():
        text = _("请写明凭证：谁、何时、怎样，或单据编号。")
        raise EvidenceMissing(text, errors=[{"pointer": "/evidence", "detail": text}])
    _refuse_if(facts.hindrances(what, at=at, announced_at=more.get("announced_at")))
    return _write(case, facts, what, evidence=evidence, at=at, **more)


def _refuse_if(found: Sequence[Hindrance]) -> None:
    if found:
        raise NotYet(
            _("现在还不能办：%(why)s") % {"why": _("；").join(words_of(one) for one in found)},
            hindrances=[one.code for one in found],
        )


def _write(case: ArrearsCase, facts: CaseFacts, what: What, *, evidence: str, at: datetime, **more: Any) -> ArrearsStep:
    step = ArrearsStep.objects.create(case=case, what=what, evidence=evidence.strip()[:300], at=at, **more)
    case.stage = stand([*facts.steps, Step(what=what, at=at)]).stage
    case.save(update_fields=["stage", "cause", "overdue_fen", "oldest_due_on", "closed_at"])
    return step


def _tell(step: ArrearsStep) -> None:
    if step.channel == "sms":
        publish(DebtorTold(account_id=step.case.account_id, step_id=step.pk))
