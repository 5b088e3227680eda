"""Interruptions of supply: lists, one of them, and whether somebody's home is without supply now or soon."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, Q
from django.utils.translation import gettext as _

from cis.models import Account, Outage, OutagePlace
from config.shared.errors import NotFound
from config.shared.permissions import in_scope

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class OutageRow:
    """
    One interruption. `is_now` while the supply is away, `is_ahead` while it is known and has not begun.

    `hours_short` is by how many whole hours its announcement was or would be late; 0 in time.
    """

    outage_id: int
    kind: str
    kind_word: str
    state: str
    state_word: str
    area: str
    reason: str
    starts_at: datetime
    ends_at: datetime
    announced_at: datetime | None
    started_at: datetime | None
    restored_at: datetime | None
    version: int
    late_reason: str
    hours_short: int
    transformer_district_ids: tuple[int, ...] = ()

    @property
    def is_now(self) -> bool:
        """Whether supply is away."""
        return self.state == Outage.State.STARTED

    @property
    def is_ahead(self) -> bool:
        """Whether it was told of and has not begun."""
        return self.state in Outage.AHEAD

    @property
    def is_over(self) -> bool:
        """Whether supply is back."""
        return self.restored_at is not None

    @property
    def is_off(self) -> bool:
        """Whether it will not happen."""
        return self.state == Outage.State.CANCELLED


@dataclass(frozen=True, slots=True)
class StepRow:
    """What was done with an outage, and the times it had then."""

    state_word: str
    at: datetime
    by: str
    note: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class OutagePage:
    """One outage with its places and what was done with it."""

    outage: OutageRow
    created_by_id: int
    org_unit_id: int
    places: tuple[str, ...] = ()
    steps: tuple[StepRow, ...] = field(default_factory=tuple)


def hours_short(kind: str, starts_at: datetime, *, at: datetime) -> int:
    """By how many hours, rounded up, a notice at `at` comes later than `OUTAGE_NOTICE` asks for; 0 in time."""
    ahead = settings.OUTAGE_NOTICE.get(kind)
    if ahead is None or starts_at - at >= ahead:
        return 0
    return -((at + ahead - starts_at) // -HOUR)


def list_outages(
    *, within: Sequence[str] | None = None, transformer_district_ids: Iterable[int] | None = None,
    states: Sequence[str] | None = None, at: datetime, limit: int = 100,
) -> list[OutageRow]:  # fmt: skip
    """Outages of the organisation paths or of these transformer districts, those that begin last first."""
    rows = Outage.objects.filter(in_scope("org_unit", within))
    if transformer_district_ids is not None:
        concerned = OutagePlace.objects.filter(transformer_district_id__in=list(transformer_district_ids))
        rows = rows.filter(pk__in=concerned.values("outage_id"))
    if states is not None:
        rows = rows.filter(state__in=states)
    return [_row(row, at) for row in rows.order_by("-starts_at", "-pk")[:limit]]


def known_outages(*, transformer_district_ids: Iterable[int], at: datetime, limit: int = 50) -> list[OutageRow]:
    """
    What customers behind these transformer districts may know: under way first, then to come, then lately over.

    Drafts are left out; what ended or was cancelled is shown for `OUTAGE_SHOWN_AFTER`.
    """
    lately = at - settings.OUTAGE_SHOWN_AFTER
    concerned = OutagePlace.objects.filter(transformer_district_id__in=list(transformer_district_ids))
    rows = Outage.objects.filter(pk__in=concerned.values("outage_id")).filter(
        Q(state__in=[*Outage.AHEAD, Outage.State.STARTED])
        | Q(restored_at__gte=lately)
        | Q(state=Outage.State.CANCELLED, announced_at__isnull=False, starts_at__gte=lately)
    )
    found = [_row(row, at) for row in rows.order_by(F("starts_at"))[:limit]]
    return sorted(found, key=lambda one: (not one.is_now, not one.is_ahead, one.starts_at))


def known_to_account(account_id: int, *, at: datetime) -> list[OutageRow]:
    """What the people of one account may know of interruptions, those under way first."""
    places = Account.objects.filter(pk=account_id).values_list("premise__transformer_district_id", flat=True)
    return known_outages(transformer_district_ids=list(places), at=at)


def get_outage(outage_id: int, *, at: datetime, within: Sequence[str] | None = None) -> OutagePage:
    """
    One outage with everything about it.

    :raises NotFound: there is none within the organisation paths
    """
    row = Outage.objects.filter(in_scope("org_unit", within), pk=outage_id).first()
    if row is None:
        raise no_outage()
    places = row.places.select_related("transformer_district").order_by("transformer_district__code")
    steps = row.steps.select_related("done_by").order_by("pk")
    ids = tuple(place.transformer_district_id for place in places)
    return OutagePage(
        outage=_row(row, at, ids),
        created_by_id=row.created_by_id,
        org_unit_id=row.org_unit_id,
        places=tuple(place.transformer_district.name for place in places),
        steps=tuple(
            StepRow(
                _(Outage.State(step.state).label),
                step.done_at,
                step.done_by.display_name or step.done_by.username,
                step.note,
                step.starts_at,
                step.ends_at,
            )
            for step in steps
        ),
    )


def no_outage() -> NotFound:
    """There is none, or it is not for the asker."""
    return NotFound(_("没有找到这次停电。"))


def _row(row: Outage, at: datetime, places: tuple[int, ...] = ()) -> OutageRow:
    return OutageRow(
        outage_id=row.pk,
        kind=row.kind,
        kind_word=_(Outage.Kind(row.kind).label),
        state=row.state,
        state_word=_(Outage.State(row.state).label),
        area=row.area,
        reason=row.reason,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        announced_at=row.announced_at,
        started_at=row.started_at,
        restored_at=row.restored_at,
        version=row.version,
        late_reason=row.late_reason,
        hours_short=hours_short(row.kind, row.starts_at, at=row.announced_at or at),
        transformer_district_ids=places,
    )
