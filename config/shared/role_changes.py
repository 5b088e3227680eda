"""
Changes that need a second person: who holds which role where, what a role lets people do, the loss of second factors.

Asked for here; decided on the approvals page by somebody else; carried out in the approval's transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.shared import approvals, people, second_factors, sessions
from config.shared.errors import BadInput, NotAllowed, NotFound, Refused
from config.shared.languages import in_language
from config.shared.models import OrgUnit, Role, RoleGrant, StaffSession, User
from config.shared.permissions import PERMISSIONS, holds_everywhere

ASK, DECIDE = "shared.manage_users", people.DECIDES
GRANT, WITHDRAW = "shared.grant-role", "shared.withdraw-role"
CHANGE_ROLE, RESET_FACTORS = "shared.change-role", "shared.reset-second-factors"


class HeldAlready(Refused):
    """The person holds the role there."""

    code = "role-held-already"


class NothingChanges(Refused):
    """The role already lets people do exactly this."""

    code = "nothing-changes"


class RoleChanged(Refused):
    """Somebody changed the role since this was asked for."""

    code = "role-changed"


class UnknownPermission(BadInput):
    """Not a word of this house."""

    code = "unknown-permission"


class NotEverywhere(NotAllowed):
    """A role is the whole utility's."""

    code = "not-everywhere"


# --- A role for somebody -------------------------------------------------------------------


def ask_for_role(
    *, user_id: int, role_id: int, org_unit_id: int, reason: str, asked_by_id: int, within: Sequence[str], at: datetime
) -> int:
    """
    Ask that somebody gets a role for a unit and what lies under it; the approval's id.

    :raises NotFound: no such user in the asker's part of the organisation, or no such role
    :raises HeldAlready: they hold it there
    :raises approvals.AlreadyAsked, approvals.ReasonMissing: see there
    """
    with transaction.atomic():
        user, unit = people.lock_person(user_id, within), people.unit_within(org_unit_id, within)
        role = _role(role_id)
        if not user.is_active:
            raise people.UserDisabled(_("这个用户已停用，请先启用。"))
        if RoleGrant.objects.filter(user=user, role=role, org_unit=unit).exists():
            raise HeldAlready(_("这个人在这个单位已经有这个岗位。"))
        return approvals.request(
            kind=GRANT,
            payload=_payload(user, role, unit),
            asked_by_id=asked_by_id,
            reason=reason,
            at=at,
            org_unit_id=unit.pk,
            subject=f"role:{user.pk}:{role.pk}:{unit.pk}",
            concerned_ids=[user.pk],
        )


def ask_to_withdraw_role(
    *, user_id: int, grant_id: int, reason: str, asked_by_id: int, within: Sequence[str], at: datetime
) -> int:
    """
    Ask that somebody loses a role; the approval's id. (Who must go at once is disabled, which needs nobody else.)

    :raises NotFound: no such grant of a user in the asker's part of the organisation
    :raises approvals.AlreadyAsked, approvals.ReasonMissing: see there
    """
    with transaction.atomic():
        user = people.lock_person(user_id, within)
        grant = RoleGrant.objects.filter(pk=grant_id, user=user).select_related("role", "org_unit").first()
        if grant is None:
            raise NotFound(_("这个人已经没有这个岗位，刷新页面看最新的列表。"))
        return approvals.request(
            kind=WITHDRAW,
            payload={**_payload(user, grant.role, grant.org_unit), "grant_id": grant.pk},
            asked_by_id=asked_by_id,
            reason=reason,
            at=at,
            org_unit_id=grant.org_unit_id,
            subject=f"role:{user.pk}:{grant.role_id}:{grant.org_unit_id}",
            concerned_ids=[user.pk],
        )


def _words_of_grant(payload: Mapping[str, Any]) -> str:
    return _("%(name)s（%(username)s）得到岗位“%(role)s”，管到%(unit)s和它的下级。") % _shown(payload)


def _words_of_withdrawal(payload: Mapping[str, Any]) -> str:
    return _("%(name)s（%(username)s）不再有%(unit)s的岗位“%(role)s”。") % _shown(payload)


@approvals.carries_out(GRANT, label=gettext_lazy("授予岗位"), ask=ASK, decide=DECIDE, consequence=_words_of_grant)
def _grant(act: approvals.Act) -> dict[str, Any]:
    user = User.objects.select_for_update().get(pk=act.payload["user_id"])
    if not user.is_active:
        raise people.UserDisabled(_("这个用户已停用，请先启用。"))
    RoleGrant.objects.get_or_create(user=user, role_id=act.payload["role_id"], org_unit_id=act.payload["unit_id"])
    return {"url": reverse("person", args=[user.pk])}


@approvals.carries_out(
    WITHDRAW, label=gettext_lazy("收回岗位"), ask=ASK, decide=DECIDE, consequence=_words_of_withdrawal
)
def _withdraw(act: approvals.Act) -> dict[str, Any]:
    RoleGrant.objects.filter(pk=act.payload["grant_id"]).delete()
    return {"url": reverse("person", args=[act.payload["user_id"]])}


# --- What a role lets people do ------------------------------------------------------------


def ask_to_change_role(
    *, role_id: int, permissions: Sequence[str], reason: str, asked_by_id: int, within: Sequence[str], at: datetime
) -> int:
    """
    Ask that a role lets everybody who holds it do exactly this; the approval's id.

    :raises NotEverywhere: the asker manages only a part of the utility
    :raises UnknownPermission: a word nobody knows
    :raises NothingChanges: it does already
    :raises approvals.AlreadyAsked, approvals.ReasonMissing: see there
    """
    if not holds_everywhere(within):
        raise NotEverywhere(_("岗位全公司通用，要由管理全公司的管理员申请修改。"))
    if unknown := set(permissions) - PERMISSIONS.keys():
        raise UnknownPermission(_("没有这项权限：%(words)s。") % {"words": ", ".join(sorted(unknown))})
    with transaction.atomic():
        role = _role(role_id)
        before, after = sorted(role.permissions), sorted(set(permissions))
        if before == after:
            raise NothingChanges(_("和现在的权限一样，没有要改的。"))
        holders = RoleGrant.objects.filter(role=role).values_list("user_id", flat=True)
        return approvals.request(
            kind=CHANGE_ROLE,
            payload={
                "role_id": role.pk,
                "role": role.name,
                "role_en": role.name_en,
                "before": before,
                "after": after,
            },
            asked_by_id=asked_by_id,
            reason=reason,
            at=at,
            org_unit_id=OrgUnit.objects.filter(parent=None).order_by("pk").values_list("pk", flat=True)[0],
            subject=f"role-words:{role.pk}",
            concerned_ids=list(holders),
        )


def _words_of_change(payload: Mapping[str, Any]) -> str:
    before, after = set(payload["before"]), set(payload["after"])
    words = {
        "role": in_language(payload["role"], payload["role_en"]),
        "more": "、".join(_labels(after - before)) or _("无"),
        "less": "、".join(_labels(before - after)) or _("无"),
    }
    return _("岗位“%(role)s”增加权限：%(more)s；去掉权限：%(less)s。") % words


@approvals.carries_out(
    CHANGE_ROLE, label=gettext_lazy("修改岗位权限"), ask=ASK, decide=DECIDE, consequence=_words_of_change
)
def _change_role(act: approvals.Act) -> dict[str, Any]:
    role = Role.objects.select_for_update().get(pk=act.payload["role_id"])
    if sorted(role.permissions) != act.payload["before"]:
        raise RoleChanged(_("提出申请后岗位已被改过，请驳回，让申请人按现在的权限重新提出。"))
    role.permissions = list(act.payload["after"])
    role.save(update_fields=["permissions"])
    return {"url": reverse("people_role", args=[role.pk])}


# --- Lost second factors -------------------------------------------------------------------


def ask_to_reset_factors(*, user_id: int, reason: str, asked_by_id: int, within: Sequence[str], at: datetime) -> int:
    """
    Ask that somebody who lost telephone and recovery codes may sign in without; the approval's id.

    One person alone could otherwise take over anybody's account: a new password and no second factor.

    :raises NotFound: no such user, or they have none
    :raises approvals.AlreadyAsked, approvals.ReasonMissing: see there
    """
    with transaction.atomic():
        user = people.lock_person(user_id, within)
        if not second_factors.has_any(user_id=user.pk) or user.org_unit_id is None:
            raise NotFound(_("这个人没有绑定第二重验证，不用解除。"))
        return approvals.request(
            kind=RESET_FACTORS,
            payload={"user_id": user.pk, "username": user.username, "name": user.display_name},
            asked_by_id=asked_by_id,
            reason=reason,
            at=at,
            org_unit_id=user.org_unit_id,
            subject=f"factors:{user.pk}",
            concerned_ids=[user.pk],
        )


def _words_of_reset(payload: Mapping[str, Any]) -> str:
    return _("%(name)s（%(username)s）的动态码、通行密钥和恢复码全部解除，下次凭密码登录。") % payload


@approvals.carries_out(
    RESET_FACTORS, label=gettext_lazy("解除第二重验证"), ask=ASK, decide=DECIDE, consequence=_words_of_reset
)
def _reset_factors(act: approvals.Act) -> dict[str, Any]:
    user_id = int(act.payload["user_id"])
    second_factors.remove_all(user_id=user_id)
    sessions.end_all(user_id=user_id, end=StaffSession.End.ENDED_BY_ADMINISTRATOR, at=act.at, by_id=act.decided_by_id)
    return {"url": reverse("person", args=[user_id])}


# --- Inside --------------------------------------------------------------------------------


def _role(role_id: int) -> Role:
    role = Role.objects.select_for_update().filter(pk=role_id).first()
    if role is None:
        raise NotFound(_("没有找到这个岗位。"))
    return role


def _payload(user: User, role: Role, unit: OrgUnit) -> dict[str, Any]:
    return {
        "user_id": user.pk,
        "username": user.username,
        "name": user.display_name,
        "role_id": role.pk,
        "role": role.name,
        "role_en": role.name_en,
        "unit_id": unit.pk,
        "unit": unit.name,
        "unit_en": unit.name_en,
    }


def _shown(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **payload,
        "role": in_language(payload["role"], payload["role_en"]),
        "unit": in_language(payload["unit"], payload["unit_en"]),
    }


def _labels(words: set[str]) -> list[str]:
    return [str(PERMISSIONS.get(word, word)) for word in sorted(words)]
