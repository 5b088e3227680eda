"""
Key accounts and who looks after them: named, handed over in one act, ended; never a moment without a manager.

What has ended may be named again from its end on: that is another key account of the same customer's account.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from psycopg2.extras import DateTimeTZRange

from config.shared.errors import BadInput, NotFound, Refused
from config.shared.models import User
from crm.models import KeyAccount, ManagerAssignment


class AlreadyKeyAccount(Refused):
    """The account is a key account already, or will be."""

    code = "already-key-account"


class HandOverRefused(BadInput):
    """The hand-over or the end names nobody, the same person, no reason, or a moment that does not fit."""

    code = "hand-over-refused"


def name_key_account(
    *,
    account_id: int,
    manager_id: int,
    deputy_id: int | None,
    telephone: str,
    reason: str,
    from_at: datetime,
    by_id: int | None,
    at: datetime,
) -> int:
    """
    Make an account a key account with its first manager from a moment on; gives the key account's id.

    :raises AlreadyKeyAccount: it is one then, or will be
    :raises HandOverRefused: the people or the reason do not do
    """
    with transaction.atomic():
        _check(manager_id, deputy_id, reason)
        not_over = Q(ended_at=None) | Q(ended_at__gt=from_at)
        if KeyAccount.objects.select_for_update().filter(not_over, account_id=account_id).exists():
            raise AlreadyKeyAccount(_("这一户已经是大客户。要换客户经理，请办交接。"))
        key_account = KeyAccount.objects.create(account_id=account_id, since=from_at)
        ManagerAssignment.objects.create(
            key_account=key_account,
            manager_id=manager_id,
            deputy_id=deputy_id,
            telephone=telephone,
            valid=DateTimeTZRange(from_at, None),
            reason=reason.strip(),
            assigned_by_id=by_id,
            assigned_at=at,
        )
        return key_account.pk


def hand_over(
    *,
    key_account_id: int,
    manager_id: int,
    deputy_id: int | None,
    telephone: str,
    reason: str,
    from_at: datetime,
    by_id: int,
    at: datetime,
) -> int:
    """
    Give a key account to another manager from a moment on, now or later; gives the new assignment's id.

    One act: what ran until then ends at the very moment at which the new assignment begins.

    :raises NotFound: there is no such key account, or it has ended
    :raises HandOverRefused: the people or the reason do not do, or the moment lies before `at` or before the beginning
        of the newest assignment
    """
    with transaction.atomic():
        key_account = KeyAccount.objects.select_for_update().filter(pk=key_account_id, ended_at=None).first()
        if key_account is None:
            raise NotFound(_("没有找到这个大客户。"))
        _check(manager_id, deputy_id, reason)
        last = key_account.assignments.select_for_update().get(valid__endswith=None)
        begins = last.valid.lower
        if begins is None or from_at <= begins or from_at < at:
            raise HandOverRefused(
                _("交接时间不能早于现在，也不能早于已经安排的交接。请改为更晚的时间。"),
                errors=[{"pointer": "/from_at", "detail": _("请改为更晚的时间。")}],
            )
        last.valid = DateTimeTZRange(begins, from_at)
        last.save(update_fields=["valid"])
        return ManagerAssignment.objects.create(
            key_account=key_account,
            manager_id=manager_id,
            deputy_id=deputy_id,
            telephone=telephone,
            valid=DateTimeTZRange(from_at, None),
            reason=reason.strip(),
            assigned_by_id=by_id,
            assigned_at=at,
        ).pk


def end_key_account(*, key_account_id: int, reason: str, ends_at: datetime, by_id: int, at: datetime) -> None:
    """
    End a key account at a moment, now or later: its manager looks after it until then, and nobody from then on.

    Its emergencies, plans and managers stay to be read.

    :raises NotFound: there is no such key account, or it has ended
    :raises HandOverRefused: no reason is given, or the moment lies before `at` or before the beginning of the newest
        assignment
    """
    with transaction.atomic():
        key_account = KeyAccount.objects.select_for_update().filter(pk=key_account_id, ended_at=None).first()
        if key_account is None:
            raise NotFound(_("没有找到这个大客户。"))
        _check_reason(reason)
        last = key_account.assignments.select_for_update().get(valid__endswith=None)
        begins = last.valid.lower
        if begins is None or ends_at <= begins or ends_at < at:
            raise HandOverRefused(
                _("结束时间不能早于现在，也不能早于已经安排的接手。请改为更晚的时间。"),
                errors=[{"pointer": "/ends_at", "detail": _("请改为更晚的时间。")}],
            )
        last.valid = DateTimeTZRange(begins, ends_at)
        last.save(update_fields=["valid"])
        key_account.ended_at, key_account.end_reason, key_account.ended_by_id = ends_at, reason.strip(), by_id
        key_account.save(update_fields=["ended_at", "end_reason", "ended_by"])


def _check_reason(reason: str) -> None:
    if not reason.strip():
        detail = _("请写明原因，交接记录里会看到。")
        raise HandOverRefused(detail, errors=[{"pointer": "/reason", "detail": detail}])


def _check(manager_id: int, deputy_id: int | None, reason: str) -> None:
    _check_reason(reason)
    wanted = {manager_id} if deputy_id is None else {manager_id, deputy_id}
    staff = set(User.objects.filter(pk__in=wanted, is_active=True, kind=User.Kind.STAFF).values_list("pk", flat=True))
    if manager_id == deputy_id or staff != wanted:
        detail = _("客户经理和代理人要是两位在职员工。")
        raise HandOverRefused(detail, errors=[{"pointer": "/manager", "detail": detail}])
