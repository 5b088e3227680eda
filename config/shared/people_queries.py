"""Users, roles, keys and locks as administrators see them; only what lies within their part of the organisation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _

from config.shared import approvals
from config.shared.errors import NotFound
from config.shared.languages import in_language
from config.shared.models import ApiKey, Approval, OrgUnit, Role, RoleGrant, User
from config.shared.permissions import PERMISSIONS, in_scope
from config.shared.role_changes import GRANT, RESET_FACTORS, WITHDRAW


@dataclass(frozen=True, slots=True)
class PersonRow:
    """Somebody in the list."""

    user_id: int
    username: str
    name: str
    unit: str
    roles: tuple[str, ...]
    is_active: bool
    last_login: datetime | None


@dataclass(frozen=True, slots=True)
class Grant:
    """A role somebody holds, and where."""

    grant_id: int
    role: str
    unit: str


@dataclass(frozen=True, slots=True)
class WaitingRequest:
    """A change for somebody that waits for a second person."""

    approval_id: int
    consequence: str
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key of a program; its secret is nowhere."""

    key_id: int
    name: str
    prefix: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Person:
    """Everything an administrator may know and change about a user."""

    user_id: int
    username: str
    name: str
    unit_id: int | None
    unit: str
    is_machine: bool
    is_active: bool
    must_change_password: bool
    last_login: datetime | None
    grants: tuple[Grant, ...]
    waiting: tuple[WaitingRequest, ...]
    keys: tuple[KeyRow, ...]


@dataclass(frozen=True, slots=True)
class RoleRow:
    """A role and what it lets people do."""

    role_id: int
    code: str
    name: str
    words: tuple[tuple[str, str, bool], ...]
    """every permission: word, what it lets people do, whether the role holds it"""

    @property
    def held(self) -> list[str]:
        """What it lets people do, in words."""
        return [label for _word, label, is_held in self.words if is_held]


def list_people(
    *, within: Sequence[str], kind: User.Kind, text: str = "", after: str = "", limit: int = 30
) -> list[PersonRow]:
    """Users of a kind by name of sign-in, from a key on; two queries."""
    users = User.objects.filter(in_scope("org_unit", within), kind=kind, username__gt=after)
    if text:
        users = users.filter(Q(username__icontains=text) | Q(display_name__icontains=text))
    rows = list(users.select_related("org_unit").order_by("username")[:limit])
    roles: dict[int, list[str]] = defaultdict(list)
    for grant in RoleGrant.objects.filter(user__in=[row.pk for row in rows]).select_related("role").order_by("pk"):
        roles[grant.user_id].append(in_language(grant.role.name, grant.role.name_en))
    return [
        PersonRow(
            user_id=row.pk,
            username=row.username,
            name=row.display_name,
            unit=row.org_unit.shown_name if row.org_unit else "",
            roles=tuple(dict.fromkeys(roles[row.pk])),
            is_active=row.is_active,
            last_login=row.last_login,
        )
        for row in rows
    ]


def get_person(user_id: int, *, within: Sequence[str]) -> Person:
    """
    One user.

    :raises NotFound: there is none in this part of the organisation
    """
    user = (
        User.objects.filter(in_scope("org_unit", within), pk=user_id, kind__in=(User.Kind.STAFF, User.Kind.MACHINE))
        .select_related("org_unit")
        .first()
    )
    if user is None:
        raise NotFound(_("没有找到这个用户，或不归您管理。"))
    grants = RoleGrant.objects.filter(user=user).select_related("role", "org_unit").order_by("pk")
    waiting = Approval.objects.filter(
        state="waiting", kind__in=(GRANT, WITHDRAW, RESET_FACTORS), concerned_ids__contains=[user.pk]
    ).order_by("pk")
    return Person(
        user_id=user.pk,
        username=user.username,
        name=user.display_name,
        unit_id=user.org_unit_id,
        unit=user.org_unit.shown_name if user.org_unit else "",
        is_machine=user.kind == User.Kind.MACHINE,
        is_active=user.is_active,
        must_change_password=user.must_change_password,
        last_login=user.last_login,
        grants=tuple(
            Grant(row.pk, in_language(row.role.name, row.role.name_en), row.org_unit.shown_name) for row in grants
        ),
        waiting=tuple(
            WaitingRequest(row.pk, approvals.kind_of(row.kind).consequence(row.payload), row.asked_at)
            for row in waiting
        ),
        keys=tuple(
            KeyRow(row.pk, row.name, row.prefix, row.created_at, row.last_used_at, row.revoked_at)
            for row in ApiKey.objects.filter(user=user).order_by("revoked_at", "-pk")
        ),
    )


def find_person(username: str, *, within: Sequence[str]) -> int:
    """
    Whose name of sign-in this is.

    :raises NotFound: nobody's in this part of the organisation
    """
    found = User.objects.filter(in_scope("org_unit", within), username=username).values_list("pk", flat=True).first()
    if found is None:
        raise NotFound(_("没有找到这个用户，或不归您管理。"))
    return found


def unit_choices(*, within: Sequence[str]) -> list[tuple[int, str]]:
    """The units of a part of the organisation, as a tree that can be chosen from."""
    units = OrgUnit.objects.filter(in_scope_of_units(within)).order_by("path")
    return [(unit.pk, "\u3000" * (unit.path.count("/") - 2) + unit.shown_name) for unit in units]


def role_choices() -> list[tuple[int, str]]:
    """Every role."""
    return [(role.pk, in_language(role.name, role.name_en)) for role in Role.objects.order_by("pk")]


def list_roles() -> list[RoleRow]:
    """Every role with every permission."""
    return [_role_row(role) for role in Role.objects.order_by("pk")]


def get_role(role_id: int) -> RoleRow:
    """
    One role.

    :raises NotFound: there is none
    """
    role = Role.objects.filter(pk=role_id).first()
    if role is None:
        raise NotFound(_("没有找到这个岗位。"))
    return _role_row(role)


def in_scope_of_units(within: Sequence[str]) -> Q:
    """Units in or under a scope."""
    found = Q(pk__in=())
    for path in within:
        found |= Q(path__startswith=path)
    return found


def _role_row(role: Role) -> RoleRow:
    words = tuple((word, str(label), word in role.permissions) for word, label in PERMISSIONS.items())
    return RoleRow(role.pk, role.code, in_language(role.name, role.name_en), words)
