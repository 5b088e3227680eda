"""
Who may do what, where.

A permission is a word such as `cis.run_billing`. Acts on customers are whole-utility: whoever may serve customers
may serve any customer of any hall (no rule here ever compares a customer's area with a user's). Acts on the
organisation's own affairs are scoped: they hold for the unit of the grant and everything below it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, Q
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from rest_framework.permissions import BasePermission

from config.shared.models import OrgUnit, RoleGrant, User

# Every permission there is, with what it lets people do. Apps add theirs from `permissions.py` of their own.
PERMISSIONS: dict[str, Any] = {
    "shared.see_cockpit": _("查看驾驶舱"),
    "shared.see_jobs": _("查看后台任务"),
    "shared.manage_jobs": _("取消、继续后台任务，重投未送达事件"),
    "shared.see_messages": _("查看未送达的消息和信函批次"),
    "shared.resend_messages": _("重发未送达的消息，打印和寄出信函"),
    "shared.watch_notices": _("查看群发刹车，申请放行或取消被拦下的群发"),
    "shared.release_notices": _("批准放行或取消被拦下的群发"),
    "shared.see_audit": _("查看审计记录"),
    "shared.manage_users": _("管理用户与角色"),
    "shared.use_approvals": _("提出申请、查看和办理审批"),
    "shared.approve_role_changes": _("审批岗位与授权变更"),
}


def grants_of(user: User | AnonymousUser) -> dict[str, list[str]]:
    """Permission word to the organisation paths it holds for; read once per request and kept on the user."""
    if not isinstance(user, User) or not user.is_active:
        return {}
    known: dict[str, list[str]] | None = getattr(user, "_grants_by_permission", None)
    if known is None:
        known = {}
        roles: list[str] = []
        rows = RoleGrant.objects.filter(user=user).order_by("pk")
        for code, permissions, path in rows.values_list("role__code", "role__permissions", "org_unit__path"):
            if code not in roles:
                roles.append(code)
            for permission in permissions:
                known.setdefault(permission, []).append(path)
        user._grants_by_permission = known  # type: ignore[attr-defined]
        user._role_codes = roles  # type: ignore[attr-defined]
    return known


def roles_of(user: User | AnonymousUser) -> list[str]:
    """The codes of the roles the user holds anywhere, oldest first; read together with the grants."""
    grants_of(user)
    codes: list[str] = getattr(user, "_role_codes", [])
    return codes


def may(user: User | AnonymousUser, permission: str) -> bool:
    """Whether the user holds the permission anywhere."""
    return permission in grants_of(user)


def scope_of(user: User | AnonymousUser, permission: str) -> list[str]:
    """The organisation paths for which the user holds the permission; empty means nowhere."""
    return grants_of(user).get(permission, [])


def is_within(path: str, scope: Iterable[str]) -> bool:
    """Whether an organisation path lies in or under one of the paths of a scope."""
    return any(path.startswith(root) for root in scope)


def in_scope(unit: str, within: Sequence[str] | None) -> Q:
    """
    Rows whose `unit` (a foreign key to the organisation, such as `org_unit` or `created_by__org_unit`) lies within.

    A row without a unit concerns the whole utility: it is seen by those who hold every root of the tree. None: no
    limit. A condition for the statement itself, so that nobody counts or pages over what they may not see.
    """
    if within is None:
        return Q()
    inside = Q(pk__in=())
    for path in within:
        inside |= Q(**{f"{unit}__path__startswith": path})
    beyond = OrgUnit.objects.filter(parent=None)
    for path in within:
        beyond = beyond.exclude(path__startswith=path)
    return inside | (Q(**{f"{unit}__isnull": True}) & Q(~Exists(beyond)))


def holds_everywhere(within: Sequence[str] | None) -> bool:
    """Whether a scope covers the whole utility, however many trees it has."""
    if within is None:
        return True
    roots = OrgUnit.objects.filter(parent=None).values_list("path", flat=True)
    return bool(within) and all(is_within(root, within) for root in roots)


class Nobody(BasePermission):
    """The default of the API: a view that forgot to name its permission lets nobody in."""

    def has_permission(self, _request: Any, _view: Any) -> bool:
        """Never."""
        return False


def needs(permission: str) -> type[BasePermission]:
    """A permission class for API views: the user holds this permission somewhere."""

    class Needs(BasePermission):
        """Holds one named permission."""

        permission: str

        def has_permission(self, request: Any, _view: Any) -> bool:
            """Whether the grant exists."""
            return may(request.user, permission)

    Needs.permission = permission
    Needs.__name__ = f"Needs_{permission.replace('.', '_')}"
    return Needs


def staff_of(request: HttpRequest) -> User:
    """The signed-in user of a request that passed a permission check."""
    if not isinstance(request.user, User):
        raise TypeError("the view was not checked for permission")
    return request.user
