"""Who serves whom at a moment: districts, posts, and the way from a point of supply to its two people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.utils.translation import gettext as _

from cis.queries import network
from config.shared.errors import NotFound
from config.shared.languages import in_language
from config.shared.models import RoleGrant, User
from grid_service.models import Assignment, ServiceDistrict

MANAGER, DEPUTY = str(Assignment.Role.MANAGER), str(Assignment.Role.DEPUTY)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a post, and the number customers know it by; `portrait` is the digest of their photo, "" without."""

    user_id: int
    name: str
    phone: str
    portrait: str = ""

    @property
    def initial(self) -> str:
        """What stands in place of a photo: the family name's first character."""
        return self.name[:1].upper()


@dataclass(frozen=True, slots=True)
class Served:
    """The district that serves a place at a moment, with its two people."""

    district_id: int
    district_name: str
    manager: Holder
    deputy: Holder


@dataclass(frozen=True, slots=True)
class Duty:
    """A post that somebody holds."""

    district_id: int
    role: str


_DISTRICTS = """
SELECT d.id, o.name, o.name_en, m.user_id, coalesce(nullif(mu.display_name, ''), mu.username), d.manager_phone,
       coalesce(right(mf.key, 64), ''),
       p.user_id, coalesce(nullif(pu.display_name, ''), pu.username), d.deputy_phone, coalesce(right(pf.key, 64), '')
FROM grid_service_district d
JOIN shared_org_unit o ON o.id = d.org_unit_id
JOIN grid_service_assignment m ON m.service_district_id = d.id AND m.role = 'manager' AND m.valid @> %(at)s
JOIN shared_user mu ON mu.id = m.user_id
JOIN grid_service_assignment p ON p.service_district_id = d.id AND p.role = 'deputy' AND p.valid @> %(at)s
JOIN shared_user pu ON pu.id = p.user_id
LEFT JOIN grid_service_portrait mf ON mf.user_id = m.user_id
LEFT JOIN grid_service_portrait pf ON pf.user_id = p.user_id
WHERE d.id = ANY(%(districts)s)
"""


def districts_at(district_ids: Iterable[int], *, at: datetime) -> dict[int, Served]:
    """Districts with who is manager and deputy at a moment; one that has not begun by then is left out."""
    with connection.cursor() as cursor:
        cursor.execute(_DISTRICTS, {"at": at, "districts": list(district_ids)})
        return {
            row[0]: Served(row[0], in_language(row[1], row[2]), Holder(*row[3:7]), Holder(*row[7:11]))
            for row in cursor.fetchall()
        }


def districts_of_transformers(transformer_district_ids: Iterable[int], *, at: datetime) -> dict[int, int]:
    """Transformer district to the service district that covers it at a moment; those covered by none are left out."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT transformer_district_id, service_district_id FROM grid_service_coverage "
            "WHERE transformer_district_id = ANY(%s) AND valid @> %s",
            [list(transformer_district_ids), at],
        )
        return dict(cursor.fetchall())


def transformers_of(district_ids: Iterable[int], *, at: datetime) -> list[int]:
    """The transformer districts that these service districts cover at a moment, by id."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT transformer_district_id FROM grid_service_coverage WHERE service_district_id = ANY(%s) "
            "AND valid @> %s ORDER BY 1",
            [list(district_ids), at],
        )
        return [row[0] for row in cursor.fetchall()]


def who_serves(
    *, at: datetime, account_ids: Iterable[int] = (), point_ids: Iterable[int] = ()
) -> tuple[dict[int, Served], dict[int, Served]]:
    """
    Who serves accounts and metering points at a moment: id to district and people; a fixed number of statements.

    What hangs on a transformer district that no service district covers is left out.
    """
    accounts, points = list(account_ids), list(point_ids)
    of_account = network.transformers_of_accounts(accounts) if accounts else {}
    of_point = network.transformers_of_points(points) if points else {}
    covered = districts_of_transformers({*of_account.values(), *of_point.values()}, at=at)
    served = districts_at(set(covered.values()), at=at)

    def resolved(places: dict[int, int]) -> dict[int, Served]:
        return {
            one: served[covered[transformer]]
            for one, transformer in places.items()
            if transformer in covered and covered[transformer] in served
        }

    return resolved(of_account), resolved(of_point)


def who_serves_account(account_id: int, *, at: datetime) -> Served | None:
    """Who serves one account at a moment."""
    return who_serves(at=at, account_ids=[account_id])[0].get(account_id)


def duties_of(user_id: int, *, at: datetime) -> tuple[Duty, ...]:
    """The posts somebody holds at a moment, manager's first."""
    rows = Assignment.objects.filter(user_id=user_id, valid__contains=at).order_by("-role", "service_district_id")
    return tuple(Duty(district, role) for district, role in rows.values_list("service_district_id", "role"))


def my_districts(*, user_id: int, overseen: Sequence[str], at: datetime) -> tuple[int, ...]:
    """The districts somebody works in at a moment: where they hold a post, and those of the units they oversee."""
    found = {duty.district_id for duty in duties_of(user_id, at=at)}
    for path in overseen:
        found |= set(ServiceDistrict.objects.filter(org_unit__path__startswith=path).values_list("pk", flat=True))
    return tuple(sorted(found))


def no_district() -> NotFound:
    """There is none, or it is not for the asker."""
    return NotFound(_("没有找到这个片区。"))


def fit_for_post(*, within_path: str) -> list[tuple[int, str]]:
    """Who may hold a post: active staff with the role for it, those of the same county first; id and name."""
    rows = RoleGrant.objects.filter(
        role__permissions__contains=["grid_service.work_district"], user__is_active=True, user__kind=User.Kind.STAFF
    ).select_related("user__org_unit")
    county = "/".join(within_path.split("/")[:4]) + "/"
    found = {
        row.user_id: (
            not (row.user.org_unit is not None and row.user.org_unit.path.startswith(county)),
            row.user.display_name or row.user.username,
        )
        for row in rows
    }
    return [(user_id, name) for user_id, (_far, name) in sorted(found.items(), key=lambda one: one[1])]
