"""The customers somebody serves: up to nine are open as tabs, the last ones are remembered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection

from config.shared.models import ServedCustomer

PLACES = 9
"""As many as Alt and a figure can reach."""


@dataclass(frozen=True, slots=True)
class OpenCustomer:
    """A customer somebody has or had open; `place` is None after the tab was closed."""

    subject: str
    label: str
    place: int | None
    seen_at: datetime


# One statement, for every page of a customer begins with it: the row that is open keeps its place; another takes the
# first free one, or that of the tab unseen for the longest time, which is closed. Places are compared at the end.
_OPEN = """
WITH mine AS (SELECT id, subject, place, seen_at FROM shared_served_customer WHERE user_id = %(user)s),
chosen AS (
    SELECT coalesce(
        (SELECT place FROM mine WHERE subject = %(subject)s),
        (SELECT min(n) FROM generate_series(1, %(places)s) n
         WHERE n NOT IN (SELECT place FROM mine WHERE place IS NOT NULL)),
        (SELECT place FROM mine WHERE place IS NOT NULL ORDER BY seen_at, id LIMIT 1)) AS place),
closed AS (
    UPDATE shared_served_customer s SET place = NULL FROM mine, chosen
    WHERE s.id = mine.id AND mine.place = chosen.place AND mine.subject <> %(subject)s)
INSERT INTO shared_served_customer (user_id, subject, label, place, seen_at)
SELECT %(user)s, %(subject)s, %(label)s, place, %(at)s FROM chosen
ON CONFLICT (user_id, subject)
DO UPDATE SET label = excluded.label, place = excluded.place, seen_at = excluded.seen_at
RETURNING place
"""


def open_customer(*, user_id: int, subject: str, label: str, at: datetime) -> int:
    """Open a customer, or look at an open one again; gives its place, 1 to 9."""
    asked = {"user": user_id, "subject": subject, "label": label, "at": at, "places": PLACES}
    try:
        return _open(asked)
    except IntegrityError:
        # Two pages opened in one moment by the same hands chose the same place; the second looks again.
        return _open(asked)


def _open(asked: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, asked)
        return int(cursor.fetchone()[0])


def close_customer(*, user_id: int, place: int) -> None:
    """Close a tab; closing one that is not there changes nothing."""
    ServedCustomer.objects.filter(user_id=user_id, place=place).update(place=None)


def open_customers(*, user_id: int) -> list[OpenCustomer]:
    """The tabs of a user, in their places."""
    rows = ServedCustomer.objects.filter(user_id=user_id, place__isnull=False).order_by("place")
    return [OpenCustomer(row.subject, row.label, row.place, row.seen_at) for row in rows]


def last_served(*, user_id: int, limit: int) -> list[OpenCustomer]:
    """The customers a user looked at last, newest first, open or not."""
    rows = ServedCustomer.objects.filter(user_id=user_id).order_by("-seen_at")[:limit]
    return [OpenCustomer(row.subject, row.label, row.place, row.seen_at) for row in rows]


def forget_served(*, before: datetime) -> int:
    """Forget customers last looked at before a moment; gives how many."""
    deleted, _by_model = ServedCustomer.objects.filter(seen_at__lt=before).delete()
    return deleted
