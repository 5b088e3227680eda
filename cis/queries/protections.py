"""What protects accounts from being cut off, times in which nobody is, and requests about them that wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q
from django.utils.translation import gettext as _

from cis.models import Protection, QuietTime
from config.shared.models import Approval, OrgUnit
from config.shared.permissions import in_scope


@dataclass(frozen=True, slots=True)
class ProtectionRow:
    """A protection of the account that holds or lies ahead; `waiting_approval_id` where its end is asked for."""

    protection_id: int
    kind_word: str
    basis: str
    from_on: date
    until_on: date | None
    waiting_approval_id: int | None


@dataclass(frozen=True, slots=True)
class QuietRow:
    """A time in which nobody of a unit is cut off."""

    kind_word: str
    from_at: datetime | None
    until_at: datetime | None
    reason: str
    unit: str


def list_protections(account_id: int, *, today: date) -> tuple[ProtectionRow, ...]:
    """What protects an account now or later, with the requests to end it that wait; two statements."""
    rows = list(
        Protection.objects.filter(account_id=account_id, ended_at=None)
        .filter(Q(until_on=None) | Q(until_on__gte=today))
        .order_by("pk")
    )
    asked = waiting_about([f"protection:{row.pk}" for row in rows])
    return tuple(
        ProtectionRow(
            row.pk,
            _(Protection.Kind(row.kind).label),
            row.basis,
            row.from_on,
            row.until_on,
            asked.get(f"protection:{row.pk}"),
        )
        for row in rows
    )


def list_quiet_times(*, within: Sequence[str], at: datetime) -> tuple[QuietRow, ...]:
    """Times without cuts of these organisation paths that are not over."""
    rows = QuietTime.objects.filter(in_scope("org_unit", within), lasts__endswith__gt=at).select_related("org_unit")
    return tuple(
        QuietRow(_(QuietTime.Kind(row.kind).label), row.lasts.lower, row.lasts.upper, row.reason, row.org_unit.name)
        for row in rows.order_by("lasts", "pk")
    )


def units_of(paths: Sequence[str]) -> list[int]:
    """The ids of the units at these organisation paths."""
    return list(OrgUnit.objects.filter(path__in=paths).order_by("path").values_list("pk", flat=True))


def choices_of_protections() -> list[tuple[str, str]]:
    """The kinds of protection by code, named in the language of the request."""
    return [(kind.value, _(kind.label)) for kind in Protection.Kind]


def choices_of_quiet_times() -> list[tuple[str, str]]:
    """Why nobody is cut off, by code, named in the language of the request."""
    return [(kind.value, _(kind.label)) for kind in QuietTime.Kind]


def waiting_about(subjects: Sequence[str]) -> dict[str, int]:
    """Requests that wait for a decision, by the subject they are about."""
    rows = Approval.objects.filter(state=Approval.State.WAITING, subject__in=subjects)
    return dict(rows.values_list("subject", "pk"))
