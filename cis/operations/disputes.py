"""
A customer questions a bill or a reading, or asks for the meter to be tested: note it, look into it, answer it.

Each has a clock of working days from `cis/data/answer_limits.json`. Who answers for the account's unit is told on the
day before the last, and again when the limit has passed; the customer is told the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from cis.events import DisputeAnswered, DisputeNearsLimit
from cis.models import Account, AccountPoint, BackBillCase, Bill, BillDispute, MeterInstallation
from cis.operations import collecting
from cis.queries.billing import bill_id_of
from cis.queries.dispute_clock import due_at, limit_of, warn_at
from config.shared.errors import BadInput, NotFound, Refused
from config.shared.events import publish

Kind, Channel, Result = BillDispute.Kind, BillDispute.Channel, BillDispute.Result
_MOST_ERROR_E2 = 1_000_000


class DisputeIsOpen(Refused):
    """It is being looked into already."""

    code = "dispute-is-open"


class NoOpenDispute(Refused):
    """Nothing about it is open."""

    code = "no-open-dispute"


class CannotLink(Refused):
    """The back-billing case is of another account."""

    code = "cannot-link"


@dataclass(frozen=True)
class Answer:
    """What came out, in words for the customer; `error_e2` hundredths of a per cent, for a test."""

    outcome: str
    result: str
    error_e2: int | None = None


def open_dispute(
    *,
    bill_no: str,
    reason: str,
    opened_by_id: int | None,
    at: datetime,
    channel: str = Channel.COUNTER,
    account_id: int | None = None,
) -> int:
    """
    Note that a customer disagrees with a bill (of `account_id`, where given); gives the dispute's id.

    The account is not chased until the dispute is closed.

    :raises BadInput: no reason was given
    :raises DisputeIsOpen: one is open already
    :raises NotFound: there is no such bill, or it is not the account's
    """
    _check_text(reason, "/reason", _("请写明客户不认可的地方，例如「本月电量比往月多一倍」。"))
    with transaction.atomic():
        bill = _lock(bill_no)
        if account_id is not None and bill.account_id != account_id:
            raise NotFound(_("没有这张账单，请核对账单编号。"))
        if BillDispute.objects.filter(bill=bill, closed_at=None).exists():
            raise DisputeIsOpen(_("这张账单已经登记了异议，正在核实；有新的情况请补充到原来的异议里。"))
        dispute = BillDispute(kind=Kind.BILL, bill=bill, account_id=bill.account_id)
        return _open(
            dispute, reason, channel, opened_by_id, at, _("客户对账单 %(no)s 有异议") % {"no": bill_no.strip()}
        )


def open_question(
    *,
    kind: str,
    account_id: int,
    installation_id: int,
    reason: str,
    channel: str,
    opened_by_id: int | None,
    at: datetime,
) -> int:
    """
    Note that a customer questions a reading (`reading`) or asks for the meter to be tested (`meter-test`); its id.

    :raises BadInput: no reason was given, or another kind
    :raises DisputeIsOpen: the same of this meter is open already
    :raises NotFound: the account has no such meter today
    """
    _check_text(reason, "/reason", _("请写明哪里不对，例如「空调没开，电量却多了一倍」。"))
    if kind not in (Kind.READING, Kind.METER_TEST):
        text = _("请选择要核实示数还是校表。")
        raise BadInput(text, errors=[{"pointer": "/kind", "detail": text}])
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    with transaction.atomic():
        if not Account.objects.select_for_update(of=("self",)).filter(pk=account_id).exists():
            raise NotFound(_("没有找到这个户号。"))
        points = AccountPoint.objects.filter(account_id=account_id, valid__contains=today).values("point_id")
        found = MeterInstallation.objects.filter(pk=installation_id, point_id__in=points, valid__contains=today)
        if not found.exists():
            raise NotFound(_("这个户号下没有这只电能表。"))
        if BillDispute.objects.filter(installation_id=installation_id, kind=kind, closed_at=None).exists():
            raise DisputeIsOpen(_("这只表已经登记过，正在核实；有新的情况请补充到原来的单子里。"))
        words = _("客户申请校表") if kind == Kind.METER_TEST else _("客户认为示数不对")
        dispute = BillDispute(kind=kind, account_id=account_id, installation_id=installation_id)
        return _open(dispute, reason, channel, opened_by_id, at, words)


def _open(
    dispute: BillDispute, reason: str, channel: str, opened_by_id: int | None, at: datetime, why_stopped: str
) -> int:
    """Start the clock by the limit of today, and stop chasing the account."""
    limit = limit_of(dispute.kind, at.astimezone(settings.BILLING_TIME_ZONE).date())
    dispute.reason, dispute.channel, dispute.opened_by_id, dispute.opened_at = (
        reason.strip(),
        channel,
        opened_by_id,
        at,
    )
    dispute.limit_days, dispute.limit_source = limit.working_days, limit.source
    dispute.due_at = due_at(at, limit)
    dispute.warn_at = warn_at(dispute.due_at, limit)
    dispute.save()
    collecting.stop(
        account_id=dispute.account_id,
        why=why_stopped,
        source_key=f"dispute:{dispute.pk}",
        by_id=opened_by_id,
        at=at,
    )
    return dispute.pk


def close_dispute(
    *, bill_no: str, outcome: str, closed_by_id: int | None, at: datetime, result: str = Result.NO_FAULT
) -> None:
    """
    End the open dispute of a bill with what was found.

    :raises BadInput: no outcome was given
    :raises NoOpenDispute: none is open
    :raises NotFound: there is no such bill
    """
    _check_text(outcome, "/outcome", _("请写明核实的结果和已经告诉客户的话。"))
    with transaction.atomic():
        bill = _lock(bill_no)
        dispute = BillDispute.objects.select_for_update().filter(bill=bill, closed_at=None).first()
        if dispute is None:
            raise NoOpenDispute(_("这张账单没有办理中的异议，无需办结。"))
        _close(dispute, Answer(outcome.strip(), result), closed_by_id, at)


def answer(*, dispute_id: int, given: Answer, by_id: int, at: datetime) -> None:
    """
    Answer what a customer questioned; they are told.

    :raises BadInput: words or a result are missing, or what a test measured
    :raises NoOpenDispute: it has been answered
    :raises NotFound: there is none
    """
    _check_text(given.outcome, "/outcome", _("请写明核实的结果和已经告诉客户的话。"))
    if given.result not in Result.values:
        text = _("请选择核实的结论。")
        raise BadInput(text, errors=[{"pointer": "/result", "detail": text}])
    with transaction.atomic():
        dispute = BillDispute.objects.select_for_update(of=("self",)).filter(pk=dispute_id).first()
        if dispute is None:
            raise NotFound(_("没有这件事。"))
        if dispute.closed_at is not None:
            raise NoOpenDispute(_("这件事已经答复，无需再办。"))
        measured = given.error_e2
        if dispute.kind != Kind.METER_TEST or given.result == Result.WITHDRAWN:
            measured = None
        elif measured is None or abs(measured) > _MOST_ERROR_E2:
            text = _("请填写校验的误差，例如 -1.20。")
            raise BadInput(text, errors=[{"pointer": "/error", "detail": text}])
        _close(dispute, Answer(given.outcome.strip(), given.result, measured), by_id, at)


def _close(dispute: BillDispute, given: Answer, by_id: int | None, at: datetime) -> None:
    dispute.outcome, dispute.result, dispute.error_e2 = given.outcome, given.result, given.error_e2
    dispute.closed_by_id, dispute.closed_at = by_id, at
    dispute.save(update_fields=["outcome", "result", "error_e2", "closed_by", "closed_at"])
    collecting.lift(
        account_id=dispute.account_id,
        why=_("账单 %(no)s 的异议已办结") % {"no": dispute.bill} if dispute.bill_id else _("客户的疑问已经答复"),
        source_key=f"dispute:{dispute.pk}",
        by_id=by_id,
        at=at,
    )
    if dispute.result != Result.WITHDRAWN:
        publish(DisputeAnswered(dispute_id=dispute.pk))


def link_back_bill(*, dispute_id: int, case_id: int) -> None:
    """
    Note which back-billing case charges or gives back what an answer found, in the caller's transaction.

    :raises CannotLink: it is of another account, or one is linked already
    """
    linked = BillDispute.objects.filter(
        pk=dispute_id,
        account_id__in=BackBillCase.objects.filter(pk=case_id).values("account_id"),
        result=Result.FAULT,
        back_bill=None,
    ).update(back_bill=case_id)
    if not linked:
        raise CannotLink(_("这件事不能关联这张退补单：户号不同、还没有认定差错，或已经关联过。"))


def watch(*, at: datetime) -> int:
    """Note what nears its limit and what has passed it, each once, and tell; gives how many. Two statements."""
    waiting = BillDispute.objects.filter(closed_at=None, due_at__isnull=False)
    told = 0
    for stage, rows, column in (
        ("warning", waiting.filter(warn_at__lte=at, due_at__gt=at, warned_at=None), "warned_at"),
        ("breach", waiting.filter(due_at__lte=at, breached_at=None), "breached_at"),
    ):
        with transaction.atomic():
            ids = list(rows.select_for_update(skip_locked=True).order_by("pk").values_list("pk", flat=True))
            BillDispute.objects.filter(pk__in=ids).update(**{column: at})
            for dispute_id in ids:
                publish(DisputeNearsLimit(dispute_id=dispute_id, stage=stage))
        told += len(ids)
    return told


def _check_text(typed: str, pointer: str, text: str) -> None:
    if not typed.strip():
        raise BadInput(text, errors=[{"pointer": pointer, "detail": text}])


def _lock(bill_no: str) -> Bill:
    bill = Bill.objects.select_for_update().filter(pk=bill_id_of(bill_no)).first()
    if bill is None or str(bill) != bill_no.strip():
        raise NotFound(_("没有这张账单，请核对账单编号。"))
    return bill
