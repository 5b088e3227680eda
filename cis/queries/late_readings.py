"""Late readings as pages need them: meters that wait, and what came for one beside what stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Count, Max, Min, QuerySet
from django.utils.translation import gettext as _

from cis.models import IntervalDay, LateReading, MeterInstallation, Reading
from cis.queries.bill_corrections import register_name
from cis.queries.readings import doubt_names
from config.shared.errors import NotFound
from config.shared.models import Approval
from config.shared.permissions import in_scope, is_within

_WAITING = LateReading.State.WAITING


@dataclass(frozen=True, slots=True)
class LateMeter:
    """A meter for which values wait that came late."""

    installation_id: int
    meter_no: str
    account_no: str
    customer_name: str
    unit: str
    first_on: date
    last_on: date
    values: int
    whys: tuple[str, ...]
    arrived_at: datetime
    is_asked: bool
    """a second person has been asked"""


@dataclass(frozen=True, slots=True)
class LateValue:
    """One value that came late beside what stands; registers in 10^-4 units, a curve's day in Wh."""

    late_id: int
    register: str
    read_on: date
    is_curve: bool
    stands: int | None
    came: int
    differing_slots: int
    stands_as: str
    came_as: str
    why: str
    detail: str
    doubts: tuple[str, ...]
    arrived_at: datetime
    import_id: int
    file_name: str
    state: str
    state_label: str
    decided_by: str
    decided_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class LatePage:
    """What came late for a meter: what waits, and what was decided."""

    meter: LateMeter | None
    """None when nothing waits"""
    account_id: int
    account_no: str
    meter_no: str
    waiting: tuple[LateValue, ...]
    decided: tuple[LateValue, ...]


def list_waiting(*, within: Sequence[str] | None, limit: int = 200) -> list[LateMeter]:
    """Meters with values that wait, who has waited longest first; a fixed number of statements."""
    return _of_meters(LateReading.objects.filter(in_scope("account__org_unit", within), state=_WAITING), limit)


def count_waiting(*, within: Sequence[str] | None) -> int:
    """How many meters wait."""
    rows = LateReading.objects.filter(in_scope("account__org_unit", within), state=_WAITING)
    return rows.values("installation_id").distinct().count()


def get_meter(installation_id: int, *, within: Sequence[str] | None) -> LatePage:
    """
    What came late for a meter.

    :raises NotFound: nothing did, or it is not of an account `within` these organisation paths
    """
    rows = list(
        LateReading.objects.select_related("account__org_unit", "reading_import", "decided_by", "installation__meter")
        .filter(installation_id=installation_id)
        .order_by("read_on", "register", "pk")
    )
    if not rows or (within is not None and not all(is_within(one.account.org_unit.path, within) for one in rows)):
        raise NotFound(_("没有晚到的示数。"))
    waits = _of_meters(LateReading.objects.filter(installation_id=installation_id, state=_WAITING), 1)
    values = [(one.state == _WAITING, _value(one, *stands)) for one, stands in zip(rows, _stands(rows), strict=True)]
    first = rows[0]
    return LatePage(
        meter=waits[0] if waits else None,
        account_id=first.account_id,
        account_no=first.account.account_no,
        meter_no=first.installation.meter.meter_no,
        waiting=tuple(value for is_waiting, value in values if is_waiting),
        decided=tuple(value for is_waiting, value in values if not is_waiting)[-50:],
    )


def _of_meters(rows: QuerySet[LateReading], limit: int) -> list[LateMeter]:
    found = list(
        rows.values("installation_id")
        .annotate(
            first_on=Min("read_on"),
            last_on=Max("read_on"),
            count=Count("pk"),
            arrived=Min("arrived_at"),
        )
        .order_by("arrived", "installation_id")[:limit]
    )
    ids = [one["installation_id"] for one in found]
    whys: dict[int, set[str]] = {}
    owner: dict[int, LateReading] = {}
    waiting = LateReading.objects.select_related("account__customer", "account__org_unit").filter(
        installation_id__in=ids, state=_WAITING
    )
    for one in waiting.order_by("pk"):
        whys.setdefault(one.installation_id, set()).add(one.why)
        owner.setdefault(one.installation_id, one)
    meters = dict(MeterInstallation.objects.filter(pk__in=ids).values_list("pk", "meter__meter_no"))
    subjects = {f"correct-installation:{pk}": pk for pk in ids}
    asked = {
        subjects[subject]
        for subject in Approval.objects.filter(
            kind="cis.correct-bills", state=Approval.State.WAITING, subject__in=list(subjects)
        ).values_list("subject", flat=True)
    }
    return [
        LateMeter(
            installation_id=pk,
            meter_no=meters[pk],
            account_no=owner[pk].account.account_no,
            customer_name=owner[pk].account.customer.name,
            unit=owner[pk].account.org_unit.shown_name,
            first_on=one["first_on"],
            last_on=one["last_on"],
            values=one["count"],
            whys=tuple(_(LateReading.Why(why).label) for why in sorted(whys[pk])),
            arrived_at=one["arrived"],
            is_asked=pk in asked,
        )
        for pk, one in zip(ids, found, strict=True)
    ]


def _stands(rows: Sequence[LateReading]) -> list[tuple[int | None, str, int]]:
    """Of each: what stands today, how it was read, and how many quarter-hours differ."""
    ids, days = {one.installation_id for one in rows}, {one.read_on for one in rows}
    registers = {
        (one.installation_id, one.register, one.read_on): one
        for one in Reading.objects.filter(installation_id__in=ids, read_on__in=days)
    }
    points = {one.installation.point_id for one in rows if one.energy_wh is not None}
    curves = {
        (one.point_id, one.register, one.day): one
        for one in IntervalDay.objects.filter(point_id__in=points, day__in=days)
    }
    found: list[tuple[int | None, str, int]] = []
    for one in rows:
        if one.energy_wh is None:
            reading = registers.get((one.installation_id, one.register, one.read_on))
            found.append((reading.value_e4, _(reading.get_source_display()), 0) if reading else (None, "", 0))
            continue
        day = curves.get((one.installation.point_id, one.register, one.read_on))
        if day is None:
            found.append((None, "", 0))
            continue
        differing = sum(came >= 0 and came != stood for came, stood in zip(one.energy_wh, day.energy_wh, strict=True))
        found.append((sum(max(value, 0) for value in day.energy_wh), "", differing))
    return found


def _value(one: LateReading, stands: int | None, stands_as: str, differing: int) -> LateValue:
    by = one.decided_by
    return LateValue(
        late_id=one.pk,
        register=register_name(one.register),
        read_on=one.read_on,
        is_curve=one.energy_wh is not None,
        stands=stands if one.state == _WAITING else one.stood_e4,
        came=one.value_e4 if one.value_e4 is not None else sum(max(value, 0) for value in one.energy_wh or ()),
        differing_slots=differing,
        stands_as=stands_as if one.state == _WAITING else "",
        came_as=_(one.get_source_display()),
        why=_(LateReading.Why(one.why).label) if one.why else "",
        detail=one.detail,
        doubts=doubt_names(one.doubts),
        arrived_at=one.arrived_at,
        import_id=one.reading_import_id,
        file_name=one.reading_import.file_name,
        state=one.state,
        state_label=_(LateReading.State(one.state).label),
        decided_by=(by.display_name or by.username) if by else "",
        decided_at=one.decided_at,
        reason=one.reason,
    )
