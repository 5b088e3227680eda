"""Requests for a second person, as their pages show them: what waits for me, what I asked for, one with its history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from config.shared.approvals import KINDS, may_decide
from config.shared.errors import NotFound
from config.shared.models import Approval, ApprovalStep, User
from config.shared.permissions import is_within, scope_of


@dataclass(frozen=True, slots=True)
class ApprovalRow:
    """One request in a list, in finished words."""

    approval_id: int
    kind: str
    label: str
    consequence: str
    reason: str
    unit: str
    asked_by: str
    asked_at: datetime
    expires_at: datetime
    state: str
    state_label: str
    decided_by: str
    decided_at: datetime | None
    note: str
    outcome_url: str


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step in the history of a request."""

    what: str
    label: str
    who: str
    at: datetime
    note: str


@dataclass(frozen=True, slots=True)
class ApprovalPage:
    """One request, its history, and what the reader may do about it."""

    row: ApprovalRow
    steps: tuple[StepRow, ...]
    may_decide: bool
    may_withdraw: bool


def list_waiting_for(user: User, *, at: datetime, limit: int, after: int | None = None) -> list[ApprovalRow]:
    """What this person may decide on now, oldest first; `after` is the id the last page ended with."""
    mine = Q()
    for kind in KINDS.values():
        for path in scope_of(user, kind.decide):
            mine |= Q(kind=kind.code, org_unit__path__startswith=path)
    if not mine:
        return []
    rows = _rows().filter(mine, state=Approval.State.WAITING, expires_at__gt=at).exclude(asked_by=user)
    rows = rows.exclude(concerned_ids__contains=[user.pk]).order_by("pk")
    if after is not None:
        rows = rows.filter(pk__gt=after)
    return [_row(row) for row in rows[:limit]]


def list_of(user: User, *, limit: int, before: int | None = None) -> list[ApprovalRow]:
    """What this person asked for or decided, newest first; `before` is the id the last page ended with."""
    rows = _rows().filter(Q(asked_by=user) | Q(decided_by=user)).order_by("-pk")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return [_row(row) for row in rows[:limit]]


def list_about(subject: str, *, limit: int = 5) -> list[ApprovalRow]:
    """The newest requests about one thing, such as `payment:17`."""
    return [_row(row) for row in _rows().filter(subject=subject).order_by("-pk")[:limit]]


def get_approval(approval_id: int, *, user: User, at: datetime) -> ApprovalPage:
    """
    One request, for whoever asked, decided, may decide, or audits the unit.

    :raises NotFound: there is none, or it is none of the user's business
    """
    row = _rows().filter(pk=approval_id).first()
    if row is None or not _may_see(user, row):
        raise NotFound(_("没有找到这份申请。"))
    waits = row.state == Approval.State.WAITING and row.expires_at > at
    steps = row.steps.select_related("by").order_by("pk")
    return ApprovalPage(
        row=_row(row),
        steps=tuple(
            StepRow(step.what, _(ApprovalStep.What(step.what).label), _name(step.by), step.at, step.note)
            for step in steps
        ),
        may_decide=waits and _is_second(user, row),
        may_withdraw=row.state == Approval.State.WAITING and row.asked_by_id == user.pk,
    )


def _may_see(user: User, row: Approval) -> bool:
    if user.pk in (row.asked_by_id, row.decided_by_id) or _is_second(user, row):
        return True
    return is_within(row.org_unit.path, scope_of(user, "shared.see_audit"))


def _is_second(user: User, row: Approval) -> bool:
    return may_decide(
        user,
        kind=row.kind,
        path=row.org_unit.path,
        asked_by_id=row.asked_by_id,
        concerned_ids=row.concerned_ids,
    )


def _rows() -> QuerySet[Approval]:
    return Approval.objects.select_related("org_unit", "asked_by", "decided_by")


def _row(row: Approval) -> ApprovalRow:
    kind = KINDS.get(row.kind)
    return ApprovalRow(
        approval_id=row.pk,
        kind=row.kind,
        label=str(kind.label) if kind else row.kind,
        consequence=str(kind.consequence(row.payload)) if kind else "",
        reason=row.reason,
        unit=row.org_unit.shown_name,
        asked_by=_name(row.asked_by),
        asked_at=row.asked_at,
        expires_at=row.expires_at,
        state=row.state,
        state_label=_(Approval.State(row.state).label),
        decided_by=_name(row.decided_by),
        decided_at=row.decided_at,
        note=row.note,
        outcome_url=_url(row.outcome),
    )


def _url(outcome: Mapping[str, Any]) -> str:
    url = str(outcome.get("url", ""))
    return url if url.startswith("/") and not url.startswith("//") else ""


def _name(user: User | None) -> str:
    return (user.display_name or user.username) if user is not None else ""
