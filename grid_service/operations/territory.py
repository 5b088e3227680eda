"""Opening a district, handing it over, moving transformer districts; never a gap, never two at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from psycopg2.extras import DateTimeTZRange

from config.shared.errors import BadInput, NotFound, Refused
from config.shared.models import OrgUnit, User
from config.shared.permissions import is_within, may
from grid_service.models import Assignment, Coverage, ServiceDistrict
from grid_service.queries.territory import no_district

WORKS = "grid_service.work_district"
# Whoever moves transformer districts takes turns: what is covered by none yet has no row that could be locked.
_COVERAGE_LOCK = "SELECT pg_advisory_xact_lock(20264)"


class NotADistrict(BadInput):
    """The unit is not a district, or has its people already."""

    code = "not-a-district"


class SamePerson(BadInput):
    """Manager and deputy are two people."""

    code = "same-person"


class CannotHoldPost(BadInput):
    """The person may not work in a district console, or is no member of staff."""

    code = "cannot-hold-post"


class EffectiveInThePast(BadInput):
    """What customers were told yesterday cannot be changed today."""

    code = "effective-in-the-past"


class LaterChangePlanned(Refused):
    """A change is planned for later; it would be undone silently."""

    code = "later-change-planned"


class NothingChanges(BadInput):
    """The people stay the same, or the transformer districts are there already."""

    code = "nothing-changes"


class ReasonMissing(BadInput):
    """Every hand-over says why."""

    code = "reason-missing"


class NotPlanned(Refused):
    """It has begun already, or was never planned."""

    code = "not-planned"


def open_district(
    *,
    org_unit_id: int,
    manager_id: int,
    deputy_id: int,
    manager_phone: str,
    deputy_phone: str,
    begins_at: datetime,
    reason: str,
    decided_by_id: int,
    at: datetime,
) -> int:
    """
    Give a unit of kind district its manager, its deputy and their telephones from a moment on; the district's id.

    :raises NotADistrict: the unit is none, or is open already
    :raises SamePerson: manager and deputy are one
    :raises CannotHoldPost: one of them may not work there
    """
    why = reason_of(reason)
    with transaction.atomic():
        unit = OrgUnit.objects.select_for_update().filter(pk=org_unit_id).first()
        if unit is None or unit.kind != OrgUnit.Kind.DISTRICT:
            raise NotADistrict(_("请选择一个片区单位。"))
        if ServiceDistrict.objects.filter(org_unit=unit).exists():
            raise NotADistrict(_("这个片区已经启用，请用交接更换人员。"))
        if manager_id == deputy_id:
            raise SamePerson(_("片区经理和副经理不能是同一个人，请另选一位。"))
        _check_people({manager_id, deputy_id})
        district = ServiceDistrict.objects.create(
            org_unit=unit, begins_at=begins_at, manager_phone=manager_phone, deputy_phone=deputy_phone
        )
        Assignment.objects.bulk_create(
            Assignment(
                service_district=district,
                role=role,
                user_id=user_id,
                valid=DateTimeTZRange(begins_at, None),
                reason=why,
                decided_by_id=decided_by_id,
                decided_at=at,
            )
            for role, user_id in ((Assignment.Role.MANAGER, manager_id), (Assignment.Role.DEPUTY, deputy_id))
        )
    return district.pk


def hand_over(
    *,
    district_id: int,
    people: Mapping[str, int],
    from_at: datetime,
    reason: str,
    decided_by_id: int,
    at: datetime,
    within: Sequence[str] | None = None,
) -> None:
    """
    From `from_at` on, `people` (role to user id, one post or both) hold the posts: one act that ends and begins.

    `from_at` is now or to come; until then nothing changes for anybody.

    :raises NotFound: there is no such district within the organisation paths
    :raises EffectiveInThePast: `from_at` is before `at`
    :raises LaterChangePlanned: another hand-over of the post is planned for then or later
    :raises NothingChanges: everybody holds their post already
    :raises SamePerson: one person would be manager and deputy at once
    :raises CannotHoldPost: somebody may not work there
    """
    why = reason_of(reason)
    if from_at < at:
        raise EffectiveInThePast(_("生效时间不能早于现在，请选现在或以后的时间。"))
    with transaction.atomic():
        district = locked_district(district_id, within)
        if from_at < district.begins_at:
            raise EffectiveInThePast(_("片区那时还没有启用，请选更晚的时间。"))
        rows = list(Assignment.objects.filter(service_district=district, valid__upper_inf=True))
        last = {row.role: row for row in rows}
        changed = {role: user for role, user in people.items() if last[role].user_id != user}
        if not changed:
            raise NothingChanges(_("选的就是现在的人，不用交接。"))
        for role in changed:
            if _begins(last[role]) >= from_at:
                raise LaterChangePlanned(_("这个岗位已有以后的交接安排，请先取消那一次，再办这一次。"))
        after = {role: changed.get(role, row.user_id) for role, row in last.items()}
        if len(set(after.values())) < len(after) or _is_the_other(district, changed, from_at):
            raise SamePerson(_("片区经理和副经理不能是同一个人，请另选一位，或两个岗位一起交接。"))
        _check_people(set(changed.values()))
        ended = [last[role] for role in changed]
        for row in ended:
            row.valid = DateTimeTZRange(row.valid.lower, from_at)
        # Both posts end before either begins: two people may change places.
        Assignment.objects.bulk_update(ended, ["valid"])
        Assignment.objects.bulk_create(
            Assignment(
                service_district=district,
                role=role,
                user_id=user_id,
                valid=DateTimeTZRange(from_at, None),
                reason=why,
                decided_by_id=decided_by_id,
                decided_at=at,
            )
            for role, user_id in changed.items()
        )


def cancel_hand_over(*, assignment_id: int, at: datetime, within: Sequence[str] | None = None) -> None:
    """
    Take a planned hand-over back before it takes effect: who holds the post goes on.

    :raises NotFound: there is none within the organisation paths
    :raises NotPlanned: it has taken effect
    :raises SamePerson: who would go on holds the other post from then on
    """
    with transaction.atomic():
        found = Assignment.objects.filter(pk=assignment_id).first()
        if found is None:
            raise NotFound(_("没有找到这次交接。"))
        district = locked_district(found.service_district_id, within)
        row = Assignment.objects.filter(pk=assignment_id, valid__startswith__gt=at, valid__upper_inf=True).first()
        before = Assignment.objects.filter(
            service_district=district, role=found.role, valid__endswith=found.valid.lower
        ).first()
        if row is None or before is None:
            raise NotPlanned(_("这次交接已经生效，不能取消。请另办一次交接。"))
        if _is_the_other(district, {row.role: before.user_id}, _begins(row)):
            raise SamePerson(_("原来的人从那时起担任另一个岗位，请先取消那一次交接。"))
        row.delete()
        before.valid = DateTimeTZRange(before.valid.lower, None)
        before.save(update_fields=["valid"])


def cover(
    *,
    district_id: int,
    transformer_district_ids: Collection[int],
    from_at: datetime,
    reason: str,
    decided_by_id: int,
    at: datetime,
    within: Sequence[str] | None = None,
) -> int:
    """
    From `from_at` on the district covers these transformer districts, whoever covered them before; gives how many move.

    Set-wise, in a fixed number of statements. For what is covered for the first time `from_at` may lie in the past, as
    far as the district reaches.

    :raises NotFound: there is no such district within the organisation paths
    :raises EffectiveInThePast: one that is covered would move before `at`
    :raises LaterChangePlanned: one of them has moved or moves at or after `from_at`
    :raises NothingChanges: the district covers all of them already
    """
    why = reason_of(reason)
    wanted = sorted(set(transformer_district_ids))
    with transaction.atomic():
        lock_coverage()
        district = locked_district(district_id, within)
        if from_at < district.begins_at:
            raise EffectiveInThePast(_("片区那时还没有启用，请选更晚的时间。"))
        rows = Coverage.objects.filter(transformer_district_id__in=wanted, valid__upper_inf=True)
        last = {row.transformer_district_id: row for row in rows}
        moving = [one for one in wanted if one not in last or last[one].service_district_id != district.pk]
        if not moving:
            raise NothingChanges(_("这些台区已经在这个片区。"))
        ended = [last[one] for one in moving if one in last]
        if ended and from_at < at:
            raise EffectiveInThePast(_("生效时间不能早于现在，请选现在或以后的时间。"))
        if any(_begins(row) >= from_at for row in ended):
            raise LaterChangePlanned(_("有台区在那之后还有调整安排，请选更晚的时间。"))
        for row in ended:
            row.valid = DateTimeTZRange(row.valid.lower, from_at)
        Coverage.objects.bulk_update(ended, ["valid"], batch_size=1000)
        Coverage.objects.bulk_create(
            [
                Coverage(
                    service_district=district,
                    transformer_district_id=one,
                    valid=DateTimeTZRange(from_at, None),
                    reason=why,
                    decided_by_id=decided_by_id,
                    decided_at=at,
                )
                for one in moving
            ],
            batch_size=1000,
        )
    return len(moving)


def lock_coverage() -> None:
    """Let nobody else move transformer districts until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(_COVERAGE_LOCK)


def locked_district(district_id: int, within: Sequence[str] | None) -> ServiceDistrict:
    """
    The district, locked until the transaction ends.

    :raises NotFound: there is none within the organisation paths
    """
    district = (
        ServiceDistrict.objects.select_for_update(of=("self",)).select_related("org_unit").filter(pk=district_id)
    ).first()
    if district is None or (within is not None and not is_within(district.org_unit.path, within)):
        raise no_district()
    return district


def _is_the_other(district: ServiceDistrict, changed: Mapping[str, int], from_at: datetime) -> bool:
    """Whether somebody would hold a post that does not change hands at some moment from `from_at` on."""
    others = Assignment.objects.filter(service_district=district, user_id__in=list(changed.values()))
    # An end that is not set is no end: a comparison with it is neither true nor false.
    lasts = Q(valid__upper_inf=True) | Q(valid__endswith__gt=from_at)
    return others.exclude(role__in=list(changed)).filter(lasts).exists()


def _begins(row: Assignment | Coverage) -> datetime:
    begins: datetime = row.valid.lower  # type: ignore[assignment]  # never without a beginning
    return begins


def _check_people(user_ids: Collection[int]) -> None:
    users = list(User.objects.filter(pk__in=user_ids, kind=User.Kind.STAFF, is_active=True))
    unfit = [user for user in users if not may(user, WORKS)]
    if len(users) < len(user_ids) or unfit:
        raise CannotHoldPost(_("这个人还不能担任片区岗位。请先给他「片区经理」岗位权限，再办交接。"))


def reason_of(text: str) -> str:
    """
    What somebody gave as the reason, as it is kept.

    :raises ReasonMissing: nothing stands there
    """
    why = text.strip()[:500]
    if not why:
        raise ReasonMissing(_("请写明原因，例如「轮岗」。"))
    return why
