"""Which key accounts and emergencies somebody sees: those of their parts of the organisation, and their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet
from psycopg2.extras import DateTimeTZRange

from config.shared.permissions import in_scope
from crm.models import Emergency, KeyAccount, ManagerAssignment


@dataclass(frozen=True, slots=True)
class Sight:
    """Who looks, and the organisation paths they answer for."""

    user_id: int
    within: Sequence[str]


def key_accounts_in(sight: Sight, *, now: datetime) -> QuerySet[KeyAccount]:
    """The key accounts of the parts, and those one looks after, stands in for, or will from a later day on."""
    own = ManagerAssignment.objects.filter(
        Q(manager_id=sight.user_id) | Q(deputy_id=sight.user_id), valid__overlap=DateTimeTZRange(now, None)
    )
    return KeyAccount.objects.filter(
        in_scope("account__org_unit", sight.within) | Q(pk__in=own.values("key_account_id"))
    )


def emergencies_in(sight: Sight, *, now: datetime) -> QuerySet[Emergency]:
    """The emergencies of these key accounts, and those one took oneself: any hall takes one for any customer."""
    seen = key_accounts_in(sight, now=now)
    return Emergency.objects.filter(Q(key_account__in=seen) | Q(received_by_id=sight.user_id))


def sees_key_account(sight: Sight, *, account_id: int, now: datetime) -> bool:
    """Whether the account is a key account that one sees."""
    return key_accounts_in(sight, now=now).filter(account_id=account_id).exists()
