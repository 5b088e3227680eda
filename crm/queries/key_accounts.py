"""Key accounts: from when an account is one, and who looks after it at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from config.shared.models import User
from crm.models import KeyAccount, ManagerAssignment


@dataclass(frozen=True, slots=True)
class AccountManager:
    """Who looks after a key account, and who when they cannot; `deputy_id` is None where there is no deputy."""

    key_account_id: int
    user_id: int
    name: str
    telephone: str
    deputy_id: int | None
    deputy_name: str
    since: datetime


def manager_of(account_id: int, at: datetime) -> AccountManager | None:
    """The manager of a key account at a moment; None for an account that is none then."""
    row = (
        ManagerAssignment.objects.filter(key_account__account_id=account_id, valid__contains=at)
        .select_related("manager", "deputy")
        .first()
    )
    return _manager(row) if row is not None else None


@dataclass(frozen=True, slots=True)
class KeyAccountState:
    """
    A key account that has not ended: from when, until when (None while nothing is said), and its manager.

    `manager` is the one of now, or the first where it begins later.
    """

    key_account_id: int
    since: datetime
    ended_at: datetime | None
    manager: AccountManager
    is_ahead: bool


def key_account_of(account_id: int, at: datetime) -> KeyAccountState | None:
    """The key account that an account is, or will be from a later moment on; None for one that is none or was."""
    found = (
        KeyAccount.objects.filter(Q(ended_at=None) | Q(ended_at__gt=at), account_id=account_id)
        .order_by("since")
        .first()
    )
    if found is None:
        return None
    row = found.assignments.select_related("manager", "deputy").get(valid__contains=max(found.since, at))
    return KeyAccountState(found.pk, found.since, found.ended_at, _manager(row), is_ahead=found.since > at)


def managers_of(account_ids: list[int], at: datetime) -> dict[int, AccountManager]:
    """Account id to its manager at a moment, for lists; who is no key account then is left out. One statement."""
    rows = ManagerAssignment.objects.filter(key_account__account_id__in=account_ids, valid__contains=at).select_related(
        "key_account", "manager", "deputy"
    )
    return {row.key_account.account_id: _manager(row) for row in rows}


def _manager(row: ManagerAssignment) -> AccountManager:
    return AccountManager(
        key_account_id=row.key_account_id,
        user_id=row.manager_id,
        name=name_of(row.manager),
        telephone=row.telephone,
        deputy_id=row.deputy_id,
        deputy_name=name_of(row.deputy),
        since=row.valid.lower or row.assigned_at,
    )


def name_of(user: User | None) -> str:
    """What a member of staff is called; empty for nobody."""
    return "" if user is None else user.display_name or user.username
