"""Who looked at customers' records: for the customer, and for auditors with what is unusual first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from cis.models import Account
from cis.queries.customers import no_account
from cis.queries.portal import MyAccounts, Right
from config.shared import looks
from config.shared.errors import NotFound
from config.shared.languages import in_language
from config.shared.models import OrgUnit, User
from config.shared.permissions import is_within


@dataclass(frozen=True, slots=True)
class StaffDay:
    """What one member of staff looked at on one day; `is_unusual` by the rule of `list_staff_days`."""

    user_id: int
    name: str
    hall: str
    day: date
    records: int
    not_served: int
    outside_hours: int
    unmasked: int
    is_unusual: bool


@dataclass(frozen=True, slots=True)
class LookRow:
    """One page that one member of staff opened about one account, or hidden values shown."""

    at: datetime
    user_id: int
    name: str
    hall: str
    account_no: str
    page: str
    came_from: str
    fields: str
    reason: str


@dataclass(frozen=True, slots=True)
class QuestionRow:
    """A customer's open question about a look."""

    question_id: int
    account_no: str
    about_user_id: int
    about_user: str
    about_at: datetime
    text: str
    asked_at: datetime


def record_of(account_id: int) -> str:
    """What the looks at an account are filed under."""
    return f"account:{account_id}"


def visits_to_mine(
    mine: MyAccounts, *, before: datetime, limit: int = 200
) -> tuple[list[looks.Visit], datetime | None]:
    """Who looked at the account that a portal user has before them; `looks.list_visits` says how it is folded."""
    account_id = mine.current.account_id
    return looks.list_visits(record_of(account_id), persons=persons_of(mine), before=before, limit=limit)


def persons_of(mine: MyAccounts) -> list[str]:
    """Whose hidden values were shown is told to who may know the holder: a tenant learns nothing about the owner."""
    if not mine.current.may(Right.HOLDER):
        return []
    customers = Account.objects.filter(pk=mine.current.account_id).values_list("customer_id", flat=True)
    return [f"customer:{customer_id}" for customer_id in customers]


_STAFF_DAYS = """
WITH seen AS (
    SELECT l.user_id, (l.looked_at AT TIME ZONE %(zone)s)::date AS day, l.subject,
           bool_or(extract(hour FROM l.looked_at AT TIME ZONE %(zone)s) NOT BETWEEN %(opens)s AND %(closes)s - 1) AS odd
    FROM shared_look l
    WHERE l.looked_at >= %(since)s AND l.looked_at < %(until)s AND l.subject LIKE 'account:%%'
    GROUP BY 1, 2, 3
), judged AS (
    SELECT s.*, EXISTS (
        SELECT 1 FROM cis_ledger_transfer t
        WHERE t.account_id = split_part(s.subject, ':', 2)::bigint AND t.business_date BETWEEN s.day AND s.day + 1
          AND t.actor_id = s.user_id
        UNION ALL
        SELECT 1 FROM cis_bill_dispute d
        WHERE d.account_id = split_part(s.subject, ':', 2)::bigint AND s.user_id IN (d.opened_by_id, d.closed_by_id)
          AND (d.opened_at AT TIME ZONE %(zone)s)::date = s.day
        UNION ALL
        SELECT 1 FROM cis_account a JOIN cis_customerevent e ON e.pgh_obj_id = a.customer_id
        JOIN pghistory_context x ON x.id = e.pgh_context_id
        WHERE a.id = split_part(s.subject, ':', 2)::bigint AND (x.metadata ->> 'user')::bigint = s.user_id
          AND (e.pgh_created_at AT TIME ZONE %(zone)s)::date = s.day) AS served
    FROM seen s
), counted AS (
    SELECT user_id, day, count(*) AS records, count(*) FILTER (WHERE NOT served) AS not_served,
           count(*) FILTER (WHERE odd) AS outside_hours
    FROM judged GROUP BY 1, 2
)
SELECT c.user_id, coalesce(nullif(u.display_name, ''), u.username), coalesce(o.name, ''), coalesce(o.name_en, ''),
       c.day, c.records, c.not_served, c.outside_hours,
       (SELECT count(*) FROM shared_personal_data_access p WHERE p.user_id = c.user_id
          AND p.seen_at >= c.day::timestamp AT TIME ZONE %(zone)s
          AND p.seen_at < (c.day + 1)::timestamp AT TIME ZONE %(zone)s),
       c.not_served >= %(many)s OR c.outside_hours >= %(few)s AS is_unusual
FROM counted c JOIN shared_user u ON u.id = c.user_id LEFT JOIN shared_org_unit o ON o.id = u.org_unit_id
WHERE o.path LIKE ANY(%(within)s)
ORDER BY is_unusual DESC, c.not_served + c.outside_hours DESC, c.day DESC, c.user_id LIMIT %(limit)s
"""


def list_staff_days(*, within: Sequence[str], since: date, until: date, limit: int = 100) -> list[StaffDay]:
    """
    Who looked at how many records on which day (`until` not included), what is unusual first.

    Served is a record for which the same person booked something, noted or ended a dispute, or changed the customer's
    particulars on that day. A day is unusual with `AUDIT_MANY_NOT_SERVED` records looked at and not served, or with
    `AUDIT_FEW_OUTSIDE_HOURS` records outside `AUDIT_HOURS`. It is a hint to ask, not a verdict.
    """
    zone = settings.BILLING_TIME_ZONE
    opens, closes = settings.AUDIT_HOURS
    with connection.cursor() as cursor:
        cursor.execute(
            _STAFF_DAYS,
            {
                "zone": str(zone),
                "since": datetime.combine(since, datetime.min.time(), zone),
                "until": datetime.combine(until, datetime.min.time(), zone),
                "opens": opens,
                "closes": closes,
                "many": settings.AUDIT_MANY_NOT_SERVED,
                "few": settings.AUDIT_FEW_OUTSIDE_HOURS,
                "within": [f"{path}%" for path in within],
                "limit": limit,
            },
        )
        return [
            StaffDay(user_id, name, in_language(hall, hall_en), day, *rest)
            for user_id, name, hall, hall_en, day, *rest in cursor.fetchall()
        ]


_LOOKS = """
SELECT * FROM (
    SELECT l.looked_at AS at, l.user_id, l.org_unit_id, split_part(l.subject, ':', 2)::bigint AS account_id, l.page,
           l.came_from, '' AS fields, '' AS reason
    FROM shared_look l WHERE l.subject LIKE 'account:%%' AND {look} AND l.looked_at < %(before)s
    UNION ALL
    SELECT p.seen_at, p.user_id, u.org_unit_id,
           (SELECT min(a.id) FROM cis_account a WHERE a.customer_id = split_part(p.subject, ':', 2)::bigint), '', '',
           p.fields, p.reason
    FROM shared_personal_data_access p JOIN shared_user u ON u.id = p.user_id
    WHERE p.subject LIKE 'customer:%%' AND {access} AND p.seen_at < %(before)s) r
ORDER BY 1 DESC LIMIT %(limit)s
"""
_LOOKS_SHOWN = """
SELECT r.at, r.user_id, coalesce(nullif(u.display_name, ''), u.username), coalesce(o.name, ''), coalesce(o.name_en, ''),
       coalesce(a.account_no, ''), r.page, r.came_from, r.fields, r.reason
FROM ({looks}) r JOIN shared_user u ON u.id = r.user_id LEFT JOIN shared_org_unit o ON o.id = r.org_unit_id
LEFT JOIN cis_account a ON a.id = r.account_id ORDER BY r.at DESC
"""


def list_looks_at(account_no: str, *, before: datetime, limit: int = 50) -> list[LookRow]:
    """
    Who looked at one account, page by page, newest first: whoever audits may ask for any account.

    :raises NotFound: there is no such account
    """
    account = Account.objects.filter(account_no=account_no).values_list("pk", "customer_id").first()
    if account is None:
        raise no_account()
    account_id, customer_id = account
    look, access = "l.subject = %(record)s", "p.subject = %(person)s"
    asked = {"record": record_of(account_id), "person": f"customer:{customer_id}", "before": before, "limit": limit}
    return _look_rows(look, access, asked)


def list_looks_by(user_id: int, *, within: Sequence[str], before: datetime, limit: int = 50) -> list[LookRow]:
    """
    What one member of staff of the organisation paths `within` looked at, newest first.

    :raises NotFound: there is nobody of that kind there
    """
    user = User.objects.select_related("org_unit").filter(pk=user_id).first()
    unit: OrgUnit | None = user.org_unit if user is not None else None
    if unit is None or not is_within(unit.path, within):
        raise NotFound(_("没有找到这位员工。"))
    asked = {"user": user_id, "before": before, "limit": limit}
    return _look_rows("l.user_id = %(user)s", "p.user_id = %(user)s", asked)


def _look_rows(look: str, access: str, asked: dict[str, Any]) -> list[LookRow]:
    sql = _LOOKS_SHOWN.format(looks=_LOOKS.format(look=look, access=access))
    with connection.cursor() as cursor:
        cursor.execute(sql, asked)
        return [
            LookRow(at, user_id, name, in_language(hall, hall_en), *rest)
            for at, user_id, name, hall, hall_en, *rest in cursor.fetchall()
        ]


def find_staff(text: str, *, within: Sequence[str]) -> int | None:
    """The member of staff with this sign-in name or staff number, of the organisation paths `within`."""
    staff = User.objects.filter(kind=User.Kind.STAFF).select_related("org_unit")
    typed = text.strip()
    found = staff.filter(username=typed).first()
    if found is None and typed.isdecimal() and len(typed) < 12:
        found = staff.filter(pk=int(typed)).first()
    if found is None or found.org_unit is None or not is_within(found.org_unit.path, within):
        return None
    return found.pk


def list_questions(*, within: Sequence[str], limit: int = 50) -> list[QuestionRow]:
    """Customers' open questions about looks by people of the organisation paths `within`, oldest first."""
    rows = looks.list_open_questions(within=within, limit=limit)
    numbers = dict(
        Account.objects.filter(pk__in=[int(row.subject.partition(":")[2]) for row in rows]).values_list(
            "pk", "account_no"
        )
    )
    return [
        QuestionRow(
            question_id=row.question_id,
            account_no=numbers.get(int(row.subject.partition(":")[2]), ""),
            about_user_id=row.about_user_id,
            about_user=row.about_user,
            about_at=row.about_at,
            text=row.text,
            asked_at=row.asked_at,
        )
        for row in rows
    ]


def last_days(today: date, days: int = 7) -> tuple[date, date]:
    """From which day to which (not included) the last so many days go."""
    return today - timedelta(days=days - 1), today + timedelta(days=1)
