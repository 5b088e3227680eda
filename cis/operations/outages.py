"""An interruption of supply from its draft to its end; whatever was told is told again when it changes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from cis.events import OutageAnnounced, OutageChanged
from cis.models import Outage, OutagePlace, OutageStep, TransformerDistrict
from cis.queries.outages import hours_short, no_outage
from config.shared.errors import BadInput, NotAllowed, Refused
from config.shared.events import publish
from config.shared.permissions import is_within

_State = Outage.State


class OutageUnclear(BadInput):
    """Where, why, when or whom is missing or makes no sense."""

    code = "outage-unclear"


class WrongState(Refused):
    """The act does not fit how far the outage is."""

    code = "wrong-outage-state"


class ToldTooLate(Refused):
    """Customers would hear of it later than the rule allows, and no reason is given."""

    code = "told-too-late"


class OwnOutage(NotAllowed):
    """Who drafted an outage does not approve it."""

    code = "own-outage"


def draft_outage(
    *,
    kind: str,
    org_unit_id: int,
    area: str,
    reason: str,
    starts_at: datetime,
    ends_at: datetime,
    transformer_district_ids: Collection[int],
    by_id: int,
    at: datetime,
) -> int:
    """
    Write down an interruption that nobody is told of yet; its id.

    :raises OutageUnclear: where, why, when or whom is missing
    """
    _check(area, reason, starts_at, ends_at, transformer_district_ids, kind)
    with transaction.atomic():
        outage = Outage.objects.create(
            kind=kind,
            org_unit_id=org_unit_id,
            area=area.strip(),
            reason=reason.strip(),
            starts_at=starts_at,
            ends_at=ends_at,
            created_by_id=by_id,
            created_at=at,
        )
        _place(outage, transformer_district_ids)
        _note(outage, by_id, at)
    return outage.pk


def approve_outage(*, outage_id: int, by_id: int, at: datetime, within: Sequence[str] | None = None) -> None:
    """
    A second person agrees that the supply is interrupted as drafted.

    :raises NotFound: there is none within the organisation paths
    :raises WrongState: it is no draft
    :raises OwnOutage: it was drafted by the same person
    """
    with transaction.atomic():
        outage = _locked(outage_id, within, _State.DRAFT)
        if outage.created_by_id == by_id:
            raise OwnOutage(_("自己拟的停电要由别人批准。"))
        outage.state, outage.approved_by_id = _State.APPROVED, by_id
        outage.save(update_fields=["state", "approved_by"])
        _note(outage, by_id, at)


def publish_outage(
    *, outage_id: int, late_reason: str = "", by_id: int, at: datetime, within: Sequence[str] | None = None
) -> None:
    """
    Make an interruption known: planned work once it is approved; a fault at once, and it has begun with that.

    :raises NotFound: there is none within the organisation paths
    :raises WrongState: it is known already, or planned and not approved
    :raises ToldTooLate: less notice than `OUTAGE_NOTICE` asks for, without a reason
    """
    with transaction.atomic():
        outage = _locked(outage_id, within, _State.DRAFT, _State.APPROVED)
        if outage.kind == Outage.Kind.PLANNED and outage.state != _State.APPROVED:
            raise WrongState(_("计划停电要先批准，再发布。"))
        why = late_reason.strip()
        short = hours_short(outage.kind, outage.starts_at, at=at)
        if short and not why:
            raise ToldTooLate(
                _("离停电时间太近，比规定少 %(hours)s 小时。请改期，或写明为什么来不及提前通知。") % {"hours": short}
            )
        outage.late_reason = why if short else ""
        outage.version, outage.announced_at, outage.state = 1, at, _State.PUBLISHED
        if outage.kind in (Outage.Kind.FAULT, Outage.Kind.OVERLOAD) and outage.starts_at <= at:
            outage.state, outage.started_at = _State.STARTED, outage.starts_at
        outage.save(update_fields=["late_reason", "version", "announced_at", "state", "started_at"])
        _note(outage, by_id, at, outage.late_reason)
        publish(OutageAnnounced(outage_id=outage.pk, version=1))


def report_fault(
    *,
    area: str,
    reason: str,
    org_unit_id: int,
    starts_at: datetime,
    ends_at: datetime,
    transformer_district_ids: Collection[int],
    by_id: int,
    at: datetime,
) -> int:
    """
    A fault that has happened, made known at once with when supply is expected back; its id.

    :raises OutageUnclear: where, why, when or whom is missing
    """
    with transaction.atomic():
        outage_id = draft_outage(
            kind=Outage.Kind.FAULT,
            org_unit_id=org_unit_id,
            area=area,
            reason=reason,
            starts_at=starts_at,
            ends_at=ends_at,
            transformer_district_ids=transformer_district_ids,
            by_id=by_id,
            at=at,
        )
        publish_outage(outage_id=outage_id, by_id=by_id, at=at)
    return outage_id


def change_outage(
    *,
    outage_id: int,
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
    area: str,
    transformer_district_ids: Collection[int],
    by_id: int,
    at: datetime,
    within: Sequence[str] | None = None,
) -> None:
    """
    Other times, another reason or other places; whoever was told of the old ones is told of the new ones.

    :raises NotFound: there is none within the organisation paths
    :raises WrongState: it is over or was cancelled
    :raises OutageUnclear: where, why, when or whom is missing
    """
    _check(area, reason, starts_at, ends_at, transformer_district_ids)
    with transaction.atomic():
        outage = _locked(outage_id, within, _State.DRAFT, *Outage.AHEAD, _State.STARTED)
        before = set(outage.places.values_list("transformer_district_id", flat=True))
        outage.starts_at, outage.ends_at = starts_at, ends_at
        outage.reason, outage.area = reason.strip(), area.strip()
        fields = ["starts_at", "ends_at", "reason", "area"]
        if outage.state == _State.STARTED:
            # What has begun began when it began.
            outage.starts_at = outage.started_at or starts_at
        if outage.state != _State.DRAFT:
            outage.version += 1
            outage.state = _State.CHANGED if outage.state in Outage.AHEAD else outage.state
            fields += ["version", "state"]
        outage.save(update_fields=fields)
        outage.places.all().delete()
        _place(outage, transformer_district_ids)
        _note(outage, by_id, at)
        if outage.version:
            dropped = tuple(sorted(before - set(transformer_district_ids)))
            publish(OutageChanged(outage_id=outage.pk, version=outage.version, what="changed", dropped=dropped))


def start_outage(*, outage_id: int, by_id: int, at: datetime, within: Sequence[str] | None = None) -> None:
    """
    The supply is interrupted now.

    :raises NotFound: there is none within the organisation paths
    :raises WrongState: it is not known, has begun, or was cancelled
    """
    with transaction.atomic():
        outage = _locked(outage_id, within, *Outage.AHEAD)
        outage.state, outage.started_at = _State.STARTED, at
        outage.save(update_fields=["state", "started_at"])
        _note(outage, by_id, at)


def restore_outage(*, outage_id: int, by_id: int, at: datetime, within: Sequence[str] | None = None) -> None:
    """
    The supply is back; those who were told of the interruption hear of it.

    :raises NotFound: there is none within the organisation paths
    :raises WrongState: it has not begun
    """
    with transaction.atomic():
        outage = _locked(outage_id, within, _State.STARTED)
        outage.state, outage.restored_at, outage.version = _State.RESTORED, at, outage.version + 1
        outage.save(update_fields=["state", "restored_at", "version"])
        _note(outage, by_id, at)
        publish(OutageChanged(outage_id=outage.pk, version=outage.version, what="restored"))


def close_outage(*, outage_id: int, by_id: int, at: datetime, within: Sequence[str] | None = None) -> None:
    """
    Put it away.

    :raises NotFound: there is none within the organisation paths
    :raises WrongState: supply is not back
    """
    with transaction.atomic():
        outage = _locked(outage_id, within, _State.RESTORED)
        outage.state = _State.CLOSED
        outage.save(update_fields=["state"])
        _note(outage, by_id, at)


def cancel_outage(
    *, outage_id: int, reason: str, by_id: int, at: datetime, within: Sequence[str] | None = None
) -> None:
    """
    It will not happen; whoever was told that it would is told that it will not.

    :raises NotFound: there is none within the organisation paths
    :raises WrongState: it has begun, or was cancelled before
    :raises OutageUnclear: no reason was given
    """
    if not reason.strip():
        raise OutageUnclear(_("请写明取消的原因。"))
    with transaction.atomic():
        outage = _locked(outage_id, within, _State.DRAFT, _State.APPROVED, *Outage.AHEAD)
        was_told = outage.version > 0
        outage.state, outage.version = _State.CANCELLED, outage.version + was_told
        outage.save(update_fields=["state", "version"])
        _note(outage, by_id, at, reason.strip())
        if was_told:
            publish(OutageChanged(outage_id=outage.pk, version=outage.version, what="cancelled"))


def _locked(outage_id: int, within: Sequence[str] | None, *states: str) -> Outage:
    rows = Outage.objects.select_for_update(of=("self",)).select_related("org_unit")
    outage = rows.filter(pk=outage_id).first()
    if outage is None or (within is not None and not is_within(outage.org_unit.path, within)):
        raise no_outage()
    if outage.state not in states:
        raise WrongState(
            _("这次停电现在是「%(state)s」，不能这样办。请刷新页面再看。") % {"state": _(_State(outage.state).label)}
        )
    return outage


def _check(
    area: str, reason: str, starts_at: datetime, ends_at: datetime, places: Collection[int], kind: str = "fault"
) -> None:
    if not area.strip() or not reason.strip() or not places or kind not in Outage.Kind.values:
        raise OutageUnclear(_("请写明停电范围和原因，并至少选一个台区。"))
    if ends_at <= starts_at:
        raise OutageUnclear(_("送电时间要晚于停电时间。"))


def _place(outage: Outage, transformer_district_ids: Collection[int]) -> None:
    known = TransformerDistrict.objects.filter(pk__in=set(transformer_district_ids)).values_list("pk", flat=True)
    OutagePlace.objects.bulk_create(OutagePlace(outage=outage, transformer_district_id=one) for one in sorted(known))


def _note(outage: Outage, by_id: int, at: datetime, note: str = "") -> None:
    OutageStep.objects.create(
        outage=outage,
        state=outage.state,
        version=outage.version,
        starts_at=outage.starts_at,
        ends_at=outage.ends_at,
        note=note[:300],
        done_by_id=by_id,
        done_at=at,
    )
