"""Users: added, changed, disabled; what needs no second person. Roles are `config.shared.role_changes`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from config.shared import lockout, passwords, second_factors, sessions
from config.shared.errors import BadInput, NotAllowed, NotFound, Refused
from config.shared.models import ApiKey, OrgUnit, StaffSession, User
from config.shared.permissions import in_scope, is_within, may

_USERNAME = re.compile(r"[a-z][a-z0-9._-]{1,31}")
_MANAGED = (User.Kind.STAFF, User.Kind.MACHINE)
DECIDES = "shared.approve_role_changes"


class BadUsername(BadInput):
    """A name of sign-in that cannot be typed safely everywhere."""

    code = "bad-username"


class UsernameTaken(Refused):
    """Somebody has it, perhaps a disabled user."""

    code = "username-taken"


class NotYourUnit(NotAllowed):
    """The unit lies outside the administrator's part of the organisation."""

    code = "unit-out-of-scope"


class OwnUser(NotAllowed):
    """Nobody disables or resets themselves."""

    code = "own-user"


class UserDisabled(Refused):
    """A disabled user gets nothing new."""

    code = "user-disabled"


class SecondPersonsPassword(NotAllowed):
    """Whoever can give themselves the second person's password needs no second person."""

    code = "second-persons-password"


@dataclass(frozen=True, slots=True)
class NewPerson:
    """A user just made; the temporary password is shown once (empty for a program, which has keys)."""

    user_id: int
    password: str


def add_person(
    *, username: str, name: str, org_unit_id: int, by_id: int | None, within: Sequence[str], at: datetime
) -> NewPerson:
    """
    Add a member of staff, without any role yet, with a temporary password.

    :raises BadUsername, UsernameTaken, NotYourUnit: see there
    """
    with transaction.atomic():
        user = _add(username, name, org_unit_id, within, User.Kind.STAFF)
        password = passwords.set_temporary_password(user_id=user.pk, by_id=by_id, at=at)
    return NewPerson(user.pk, password)


def add_client(*, username: str, name: str, org_unit_id: int, within: Sequence[str]) -> int:
    """
    Add a program that uses the API, without any role or key yet; its user id.

    :raises BadUsername, UsernameTaken, NotYourUnit: see there
    """
    with transaction.atomic():
        return _add(username, name, org_unit_id, within, User.Kind.MACHINE).pk


def edit_person(*, user_id: int, name: str, org_unit_id: int, within: Sequence[str]) -> None:
    """
    Change the name or the unit; roles stay where they are.

    :raises NotFound: not in the administrator's part of the organisation
    :raises NotYourUnit: nor the new unit
    """
    with transaction.atomic():
        user = lock_person(user_id, within)
        user.display_name, user.org_unit = name.strip(), unit_within(org_unit_id, within)
        user.save(update_fields=["display_name", "org_unit"])


def disable_person(*, user_id: int, by_id: int, within: Sequence[str], at: datetime) -> None:
    """
    Let somebody in no more: at once, wherever they are signed in and whatever keys they hold.

    :raises OwnUser: oneself
    :raises NotFound: not in the administrator's part of the organisation
    """
    if user_id == by_id:
        raise OwnUser(_("不能停用自己的账号，请另一位管理员来办。"))
    with transaction.atomic():
        user = lock_person(user_id, within)
        user.is_active = False
        user.save(update_fields=["is_active"])
        sessions.end_all(user_id=user_id, end=StaffSession.End.DISABLED, at=at, by_id=by_id)
        ApiKey.objects.filter(user=user, revoked_at=None).update(revoked_at=at)


def enable_person(*, user_id: int, by_id: int, within: Sequence[str], at: datetime) -> str:
    """
    Let somebody in again, with a new temporary password (empty for a program); keys stay revoked.

    :raises SecondPersonsPassword: they approve role changes, and only the password would stand before that
    :raises NotFound: not in the administrator's part of the organisation
    """
    with transaction.atomic():
        user = lock_person(user_id, within)
        user.is_active = True
        user.save(update_fields=["is_active"])
        if user.kind == User.Kind.MACHINE:
            return ""
        _check_not_second_person(user)
        return passwords.set_temporary_password(user_id=user_id, by_id=by_id, at=at)


def reset_password(*, user_id: int, by_id: int, within: Sequence[str], at: datetime) -> str:
    """
    A temporary password for somebody who forgot theirs; their mistakes are forgiven, their sessions end.

    :raises OwnUser: oneself
    :raises UserDisabled: disabled users are enabled first
    :raises SecondPersonsPassword: they approve role changes, and only the password would stand before that
    :raises NotFound: not in the administrator's part of the organisation
    """
    if user_id == by_id:
        raise OwnUser(_("自己的密码在“我的账号”里更换。"))
    with transaction.atomic():
        user = lock_person(user_id, within)
        if user.kind != User.Kind.STAFF:
            raise NotFound(_("接口没有密码，只有密钥。"))
        if not user.is_active:
            raise UserDisabled(_("这个用户已停用，请先启用。"))
        _check_not_second_person(user)
        password = passwords.set_temporary_password(user_id=user_id, by_id=by_id, at=at)
    lockout.forgive(username=user.username)
    return password


def sign_out_person(*, user_id: int, session_id: int | None, by_id: int, within: Sequence[str], at: datetime) -> None:
    """
    End one session of somebody, or all of them, from the administrator's desk.

    :raises NotFound: not in the administrator's part of the organisation, or the session is over
    """
    end = StaffSession.End.ENDED_BY_ADMINISTRATOR
    with transaction.atomic():
        lock_person(user_id, within)
        if session_id is None:
            sessions.end_all(user_id=user_id, end=end, at=at, by_id=by_id)
        else:
            sessions.end_one(session_id=session_id, end=end, at=at, by_id=by_id, user_id=user_id)


def revoke_key(*, key_id: int, user_id: int, within: Sequence[str], at: datetime) -> None:
    """
    A key opens nothing from now on.

    :raises NotFound: there is no such key in force in the administrator's part of the organisation
    """
    with transaction.atomic():
        user = lock_person(user_id, within)
        if not ApiKey.objects.filter(pk=key_id, user=user, revoked_at=None).update(revoked_at=at):
            raise NotFound(_("这把密钥已经作废，刷新页面看最新的列表。"))


def lock_person(user_id: int, within: Sequence[str]) -> User:
    """
    The user under a lock, if the administrator's part of the organisation holds them.

    :raises NotFound: it does not
    """
    user = (
        User.objects.select_for_update(of=("self",))
        .filter(in_scope("org_unit", within), pk=user_id, kind__in=_MANAGED)
        .first()
    )
    if user is None:
        raise NotFound(_("没有找到这个用户，或不归您管理。"))
    return user


def unit_within(org_unit_id: int, within: Sequence[str]) -> OrgUnit:
    """
    The unit, if it lies in the administrator's part of the organisation.

    :raises NotYourUnit: it does not
    """
    unit = OrgUnit.objects.filter(pk=org_unit_id).first()
    if unit is None or not is_within(unit.path, within):
        raise NotYourUnit(_("这个单位不归您管理，请从列表里选。"))
    return unit


def _check_not_second_person(user: User) -> None:
    if may(user, DECIDES) and not second_factors.has_any(user_id=user.pk):
        raise SecondPersonsPassword(
            _("这个人审批岗位变更，又没有第二重验证，不能由一个人重设密码。请先申请收回他的审批岗位，重设后再授予。")
        )


def _add(username: str, name: str, org_unit_id: int, within: Sequence[str], kind: User.Kind) -> User:
    typed = username.strip().lower()
    if not _USERNAME.fullmatch(typed):
        raise BadUsername(_("用户名用 2 到 32 个小写字母、数字、点、横线，以字母开头。"))
    values: dict[str, Any] = {"kind": kind, "display_name": name.strip(), "org_unit": unit_within(org_unit_id, within)}
    try:
        with transaction.atomic():
            return User.objects.create(username=typed, password=make_password(None), **values)
    except IntegrityError as error:
        raise UsernameTaken(_("用户名“%(name)s”已经有人用，请换一个。") % {"name": typed}) from error
