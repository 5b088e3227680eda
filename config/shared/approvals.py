"""
Acts that need a second person: asked for by one, approved by another, carried out in the approval's transaction.

A kind of act is registered once, beside the operation it leads to:

    @approvals.carries_out("app.act", label=…, ask="app.ask_for_it", decide="app.decide_on_it",
                           consequence=words_of_it)
    def carry_it_out(act: Act) -> dict[str, Any]: …

Permissions are read here, freshly, and not only by the pages: nobody can ask or decide by another way in. Deciding
holds for the unit a request belongs to and everything above it; whoever asked, and whoever it is about, cannot decide.
The request's row is locked before anything that the act locks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db import IntegrityError, transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from config.shared.errors import BadInput, NotAllowed, NotFound, Refused
from config.shared.events import Event, publish
from config.shared.models import Approval, ApprovalStep, OrgUnit, User
from config.shared.permissions import is_within, may, scope_of

WAITS_FOR = timedelta(days=7)


class UnknownKind(LookupError):
    """No act is registered under this word; a fault of the program."""


class ReasonMissing(BadInput):
    """Whoever asks or refuses says why."""

    code = "reason-missing"


class AlreadyAsked(Refused):
    """The same thing was asked for and nobody has decided yet."""

    code = "already-asked"


class AlreadyDecided(Refused):
    """Somebody decided, the asker withdrew, or time ran out."""

    code = "already-decided"


class OwnRequest(NotAllowed):
    """Nobody decides on what they asked for, or on what is about themselves."""

    code = "own-request"


class NotTheAsker(NotAllowed):
    """Only who asked can withdraw."""

    code = "not-the-asker"


@dataclass(frozen=True)
class ApprovalAsked(Event):
    """Somebody asked for an act that needs a second person."""

    name: ClassVar[str] = "shared.approval-asked"
    key_field: ClassVar[str] = "approval_id"

    approval_id: int
    kind: str
    asked_by_id: int


@dataclass(frozen=True)
class ApprovalDecided(Event):
    """A request ended: `state` is carried-out, refused, withdrawn or expired."""

    name: ClassVar[str] = "shared.approval-decided"
    key_field: ClassVar[str] = "approval_id"

    approval_id: int
    kind: str
    state: str
    asked_by_id: int


@dataclass(frozen=True, slots=True)
class Act:
    """What an approved request asks the registered function to do."""

    approval_id: int
    payload: Mapping[str, Any]
    reason: str
    org_unit_id: int
    asked_by_id: int
    asked_at: datetime
    decided_by_id: int
    at: datetime


CarryOut = Callable[[Act], Mapping[str, Any] | None]
Consequence = Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of act: its name, who may ask and decide, what will happen in words, and the function that does it."""

    code: str
    label: str | Promise
    ask: str
    decide: str
    consequence: Consequence
    carry_out: CarryOut
    waits_for: timedelta


KINDS: dict[str, Kind] = {}


def carries_out(
    code: str,
    *,
    label: str | Promise,
    ask: str,
    decide: str,
    consequence: Consequence,
    waits_for: timedelta = WAITS_FOR,
) -> Callable[[CarryOut], CarryOut]:
    """
    Register the function that carries out an approved act of this kind.

    It runs inside the approval's transaction and may say no with a `Refused`: nothing is decided then. What it
    returns (plain values) is kept as the outcome; a `url` among it is linked. `consequence` turns a payload into one
    sentence in the language of the request, and reads nothing: lists call it for every row.
    """

    def register(function: CarryOut) -> CarryOut:
        KINDS[code] = Kind(code, label, ask, decide, consequence, function, waits_for)
        return function

    return register


def kind_of(code: str) -> Kind:
    """
    The registered kind.

    :raises UnknownKind: there is none
    """
    if code not in KINDS:
        raise UnknownKind(code)
    return KINDS[code]


def request(
    *,
    kind: str,
    payload: Mapping[str, Any],
    asked_by_id: int,
    reason: str,
    at: datetime,
    org_unit_id: int,
    subject: str = "",
    concerned_ids: Sequence[int] = (),
) -> int:
    """
    Ask for an act; its id. `payload` holds plain values and nobody's personal data.

    `subject`: what it is about; a second request about it is refused while one waits. `concerned_ids`: users it is
    about, who cannot decide either.

    :raises NotAllowed: the asker does not hold the permission to ask
    :raises ReasonMissing: no reason was given
    :raises AlreadyAsked: the same is waiting
    """
    registered = kind_of(kind)
    reason = reason.strip()
    if not reason:
        raise ReasonMissing(_("请写明申请原因，审批人要凭它决定。"))
    if not may(_fresh(asked_by_id), registered.ask):
        raise NotAllowed(_("您的岗位不能提出这项申请。需要时请联系管理员。"))
    try:
        with transaction.atomic():
            approval = Approval.objects.create(
                kind=kind,
                payload=dict(payload),
                subject=subject,
                org_unit_id=org_unit_id,
                asked_by_id=asked_by_id,
                concerned_ids=sorted(set(concerned_ids)),
                reason=reason[:500],
                asked_at=at,
                expires_at=at + registered.waits_for,
            )
            _step(approval, ApprovalStep.What.ASKED, by_id=asked_by_id, at=at, note=reason)
            publish(ApprovalAsked(approval_id=approval.pk, kind=kind, asked_by_id=asked_by_id))
    except IntegrityError as error:
        if "asked_for_once" not in str(error):
            raise
        raise AlreadyAsked(_("同样的申请已经在等审批，不用再提。可在“审批”页查看进度。")) from error
    return approval.pk


def approve(*, approval_id: int, decided_by_id: int, at: datetime, note: str = "") -> Mapping[str, Any]:
    """
    Approve a request and carry it out at once, all or nothing; gives the outcome.

    :raises NotFound: there is no such request where the decider may decide
    :raises OwnRequest: the decider asked for it, or it is about them
    :raises AlreadyDecided: it waits no longer
    :raises Refused: what the act itself refuses; the request goes on waiting
    """
    with transaction.atomic():
        approval, kind = _lock_waiting(approval_id, decided_by_id, at)
        _step(approval, ApprovalStep.What.APPROVED, by_id=decided_by_id, at=at, note=note)
        outcome = dict(
            kind.carry_out(
                Act(
                    approval_id=approval.pk,
                    payload=approval.payload,
                    reason=approval.reason,
                    org_unit_id=approval.org_unit_id,
                    asked_by_id=approval.asked_by_id,
                    asked_at=approval.asked_at,
                    decided_by_id=decided_by_id,
                    at=at,
                )
            )
            or {}
        )
        _step(approval, ApprovalStep.What.CARRIED_OUT, by_id=decided_by_id, at=at)
        _end(approval, Approval.State.CARRIED_OUT, by_id=decided_by_id, at=at, note=note, outcome=outcome)
    return outcome


def refuse(*, approval_id: int, decided_by_id: int, at: datetime, note: str) -> None:
    """
    Say no to a request, with the reason for whoever asked.

    :raises NotFound, OwnRequest, AlreadyDecided: as for `approve`
    :raises ReasonMissing: no reason was given
    """
    note = note.strip()
    if not note:
        raise ReasonMissing(_("请写明驳回原因，申请人要凭它改正。"))
    with transaction.atomic():
        approval, _kind = _lock_waiting(approval_id, decided_by_id, at)
        _step(approval, ApprovalStep.What.REFUSED, by_id=decided_by_id, at=at, note=note)
        _end(approval, Approval.State.REFUSED, by_id=decided_by_id, at=at, note=note)


def withdraw(*, approval_id: int, asked_by_id: int, at: datetime) -> None:
    """
    Take one's own request back.

    :raises NotFound: there is no such request
    :raises NotTheAsker: somebody else asked
    :raises AlreadyDecided: it waits no longer
    """
    with transaction.atomic():
        approval = Approval.objects.select_for_update().filter(pk=approval_id).first()
        if approval is None:
            raise NotFound(_("没有找到这份申请。"))
        if approval.asked_by_id != asked_by_id:
            raise NotTheAsker(_("只有申请人自己能撤回。"))
        _check_waits(approval)
        _step(approval, ApprovalStep.What.WITHDRAWN, by_id=asked_by_id, at=at)
        _end(approval, Approval.State.WITHDRAWN, by_id=asked_by_id, at=at)


def expire_requests(*, at: datetime) -> int:
    """End what nobody decided in time; gives how many."""
    ended = 0
    for approval_id in Approval.objects.filter(state="waiting", expires_at__lte=at).values_list("pk", flat=True):
        with transaction.atomic():
            approval = (
                Approval.objects.select_for_update(skip_locked=True).filter(pk=approval_id, state="waiting").first()
            )
            if approval is None:
                # Somebody is deciding at this very moment, or just did.
                continue
            _step(approval, ApprovalStep.What.EXPIRED, by_id=None, at=at)
            _end(approval, Approval.State.EXPIRED, by_id=None, at=at)
            ended += 1
    return ended


def may_decide(user: User, *, kind: str, path: str, asked_by_id: int, concerned_ids: Sequence[int]) -> bool:
    """Whether the user is a second person for a request of a unit with this path."""
    registered = KINDS.get(kind)
    if registered is None or user.pk == asked_by_id or user.pk in concerned_ids:
        return False
    return is_within(path, scope_of(user, registered.decide))


def _lock_waiting(approval_id: int, decided_by_id: int, at: datetime) -> tuple[Approval, Kind]:
    """The request under its lock, with everything checked that does not depend on the act."""
    approval = Approval.objects.select_for_update().filter(pk=approval_id).first()
    decider = _fresh(decided_by_id)
    if approval is None or approval.kind not in KINDS:
        raise NotFound(_("没有找到这份申请。"))
    kind = KINDS[approval.kind]
    path = OrgUnit.objects.values_list("path", flat=True).get(pk=approval.org_unit_id)
    if not is_within(path, scope_of(decider, kind.decide)):
        if approval.asked_by_id == decided_by_id:
            raise OwnRequest(_("自己提出的申请要由别人审批。"))
        raise NotFound(_("没有找到这份申请。"))
    if approval.asked_by_id == decided_by_id or decided_by_id in approval.concerned_ids:
        raise OwnRequest(_("自己提出的、或与自己有关的申请要由别人审批。"))
    _check_waits(approval)
    if at >= approval.expires_at:
        raise AlreadyDecided(_("这份申请已经过期，需要时请申请人重新提出。"))
    return approval, kind


def _check_waits(approval: Approval) -> None:
    if approval.state != Approval.State.WAITING:
        label = _(Approval.State(approval.state).label)
        raise AlreadyDecided(_("这份申请已经有结果：%(state)s。") % {"state": label}, state=approval.state)


def _step(approval: Approval, what: ApprovalStep.What, *, by_id: int | None, at: datetime, note: str = "") -> None:
    ApprovalStep.objects.create(approval=approval, what=what, by_id=by_id, at=at, note=note.strip()[:500])


def _end(
    approval: Approval,
    state: Approval.State,
    *,
    by_id: int | None,
    at: datetime,
    note: str = "",
    outcome: Mapping[str, Any] | None = None,
) -> None:
    approval.state, approval.decided_by_id, approval.decided_at = state, by_id, at
    approval.note, approval.outcome = note.strip()[:500], dict(outcome or {})
    approval.save(update_fields=["state", "decided_by", "decided_at", "note", "outcome"])
    publish(
        ApprovalDecided(approval_id=approval.pk, kind=approval.kind, state=str(state), asked_by_id=approval.asked_by_id)
    )


def _fresh(user_id: int) -> User:
    """The user with the grants of this moment, not those of the session's beginning."""
    return User.objects.get(pk=user_id)
