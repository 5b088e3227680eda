"""Limits on what an account uses in a period: set, ended, watched every morning; told at a share and when passed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from cis.messages import LIMIT_CROSSED, LIMIT_NEAR
from cis.models import Account, UseLimit, UseLimitNotice
from cis.operations.limit_messages import Told, tell_owners
from cis.queries.running_bills import RunningBill, running_bills
from config.shared.display_formats import format_energy, format_money
from config.shared.errors import BadInput, NotFound

Measure, Stage = UseLimit.Measure, UseLimitNotice.Stage
_BATCH = 500
_MOST = 10**13


def set_limit(
    *,
    account_id: int,
    measure: str,
    amount: int,
    warn_percent: int,
    by_id: int,
    by_utility: bool,
    at: datetime,
    reason: str = "",
) -> int:
    """
    Limit what an account uses a period (0.01 kWh or fen), in the place of the limit there was; its id.

    :raises BadInput: no such measure, amount or share; or the utility does not say why
    :raises NotFound: there is no such account
    """
    if measure not in Measure.values or not 0 < amount < _MOST or not 0 < warn_percent < 100:
        text = _("请填写大于 0 的限额，和 1 到 99 的提醒比例。")
        raise BadInput(text, errors=[{"pointer": "/amount", "detail": text}])
    if by_utility and not reason.strip():
        text = _("请写明为什么限。")
        raise BadInput(text, errors=[{"pointer": "/reason", "detail": text}])
    with transaction.atomic():
        if not Account.objects.select_for_update().filter(pk=account_id).exists():
            raise NotFound(_("没有找到这个户号。"))
        _standing(account_id, measure, by_utility).update(ended_at=at)
        return UseLimit.objects.create(
            account_id=account_id,
            measure=measure,
            amount=amount,
            warn_percent=warn_percent,
            by_utility=by_utility,
            reason=reason.strip(),
            set_by_id=by_id,
            set_at=at,
        ).pk


def end_limit(*, account_id: int, measure: str, by_utility: bool, at: datetime) -> None:
    """
    End a limit.

    :raises NotFound: there is none
    """
    if not _standing(account_id, measure, by_utility).update(ended_at=at):
        raise NotFound(_("没有这项限额。"))


def watch(*, at: datetime) -> int:
    """
    Note every limit that is near or passed in the period that runs and tell the owner; gives how many are new.

    Some hundred accounts a transaction with a fixed number of statements; each stage once a period.
    """
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    new, after = 0, 0
    while ids := _next_accounts(after):
        after = ids[-1]
        with transaction.atomic():
            bills = {bill.account_id: bill for bill in running_bills(ids, today=today)}
            limits = UseLimit.objects.filter(account_id__in=ids, ended_at=None).order_by("pk")
            reached = [
                (limit, stage, bills[limit.account_id], used)
                for limit in limits
                if limit.account_id in bills and (used := _used(limit, bills[limit.account_id])) is not None
                for stage in _stages(limit, used)
            ]
            known = set(
                UseLimitNotice.objects.filter(limit__in=[row[0].pk for row in reached]).values_list(
                    "limit_id", "period_start", "stage"
                )
            )
            fresh = [row for row in reached if (row[0].pk, row[2].period_start, row[1]) not in known]
            UseLimitNotice.objects.bulk_create(
                (
                    UseLimitNotice(
                        limit=limit, period_start=bill.period_start, stage=stage, used=used, known_until=today,
                        noted_at=at,
                    )
                    for limit, stage, bill, used in fresh
                ),
                ignore_conflicts=True,
            )  # fmt: skip
            for stage, template in ((Stage.WARNING, LIMIT_NEAR), (Stage.CROSSED, LIMIT_CROSSED)):
                tell_owners(
                    template=template.code,
                    told=[_said(limit, bill, used) for limit, of, bill, used in fresh if of == stage],
                    at=at,
                )
            new += len(fresh)
    return new


def _stages(limit: UseLimit, used: int) -> Sequence[str]:
    """What a use has reached; who passed the limit at once is told that only."""
    if used > limit.amount:
        return (Stage.CROSSED,)
    return (Stage.WARNING,) if used * 100 >= limit.amount * limit.warn_percent else ()


def _used(limit: UseLimit, bill: RunningBill) -> int | None:
    """What was used so far in the limit's unit; None where nobody can say."""
    if limit.measure == Measure.YUAN:
        return bill.so_far_fen
    return bill.so_far_kwh_e2 if bill.days_known else None


def _said(limit: UseLimit, bill: RunningBill, used: int) -> Told:
    is_money = limit.measure == Measure.YUAN
    shown = format_money if is_money else format_energy
    amounts = {"used": shown(used).replace("\u2009", ""), "limit": shown(limit.amount).replace("\u2009", "")}
    key = f"use-limit:{limit.pk}:{bill.period_start}:{'crossed' if used > limit.amount else 'warning'}"
    return (
        limit.account_id,
        key,
        {**amounts, "unit": "元" if is_money else "度"},
        {**amounts, "unit": "yuan" if is_money else "kWh"},
    )


def _next_accounts(after: int) -> list[int]:
    rows = UseLimit.objects.filter(ended_at=None, account_id__gt=after, account__state="open")
    return list(rows.order_by("account_id").values_list("account_id", flat=True).distinct()[:_BATCH])


def _standing(account_id: int, measure: str, by_utility: bool) -> QuerySet[UseLimit]:
    return UseLimit.objects.filter(account_id=account_id, measure=measure, by_utility=by_utility, ended_at=None)
