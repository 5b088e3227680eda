"""Who wants to be told what about which account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db import connection

from cis.models import BillAlert, PortalAccess, SupplyContract
from cis.queries.portal import RIGHTS, Right
from config.shared.personal_data import decrypt


@dataclass(frozen=True, slots=True)
class Watcher:
    """Somebody who is bound to an account and agreed to be told of one kind; `first_day` cuts a tenant's time."""

    account_id: int
    user_id: int
    kind: str
    least: int | None
    telephone: str
    language: str
    first_day: date | None


# Only who is bound now, in a quality that sees bills; an agent whose letter has run out is not.
_WATCHERS = """
SELECT w.account_id, w.user_id, w.kind, w.least, coalesce(p.telephone, ''), coalesce(u.language, ''),
       CASE WHEN a.role = 'tenant' THEN a.from_on END
FROM cis_bill_alert w
JOIN cis_portal_access a ON a.user_id = w.user_id AND a.account_id = w.account_id AND a.ended_at IS NULL
     AND a.role = ANY(%(roles)s) AND (a.role <> 'agent' OR a.until_on >= %(today)s)
     AND (a.role <> 'tenant' OR a.until_on IS NULL OR a.until_on >= %(today)s)
JOIN shared_user u ON u.id = w.user_id AND u.is_active
LEFT JOIN cis_portal_person p ON p.user_id = w.user_id
WHERE w.account_id = ANY(%(accounts)s) AND w.ended_at IS NULL AND (w.kind = 'price') = %(is_price)s
ORDER BY w.account_id, w.user_id, w.kind
"""


def watched_accounts(*, after: int, limit: int) -> list[int]:
    """The next accounts whose running bill somebody watches, by id."""
    rows = BillAlert.objects.filter(ended_at=None, account_id__gt=after, account__state="open")
    rows = rows.exclude(kind=BillAlert.Kind.PRICE)
    return list(rows.order_by("account_id").values_list("account_id", flat=True).distinct()[:limit])


def watchers_of(account_ids: Sequence[int], *, today: date, kind: str = "") -> list[Watcher]:
    """Who watches the running bills of these accounts, or with `kind` price, their prices; one statement."""
    roles = [str(role) for role in PortalAccess.Role.values if Right.BILLS in RIGHTS[role]]
    with connection.cursor() as cursor:
        cursor.execute(
            _WATCHERS,
            {"accounts": list(account_ids), "roles": roles, "today": today, "is_price": kind == BillAlert.Kind.PRICE},
        )
        return [
            Watcher(account_id, user_id, kind_, least, decrypt(phone) if phone else "", language, first_day)
            for account_id, user_id, kind_, least, phone, language, first_day in cursor.fetchall()
        ]


def chosen_alerts(*, user_id: int, account_id: int) -> dict[str, int | None]:
    """What a person has chosen for an account: kind to limit."""
    rows = BillAlert.objects.filter(user_id=user_id, account_id=account_id, ended_at=None)
    return dict(rows.values_list("kind", "least"))


def has_contract_demand(account_id: int, *, today: date) -> bool:
    """Whether a maximum demand is agreed for the account."""
    contracts = SupplyContract.objects.filter(account_id=account_id, valid__contains=today, contract_demand_kw__gt=0)
    return contracts.exists()
