"""A shortage as the columns that strategies plan with: the list's entries, what they draw, what they bore already."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
from django.conf import settings
from django.db.models import DurationField, ExpressionWrapper, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, Least

from cis.queries.account_curves import mean_curves
from dsm.models import ShedOrder, Shortage
from dsm.queries.listed_facts import facts_on
from dsm.shedding.problem import SLOTS, Block, Ints, Problem


@dataclass(frozen=True)
class AskedProblem:
    """The problem, and whose rows it has: the account of each."""

    problem: Problem
    account: Ints
    capacity_kva: Ints

    @property
    def digest(self) -> str:
        """The same for the same data: what every plan of one comparison must rest on."""
        columns: dict[str, Any] = {"account": self.account, "capacity_kva": self.capacity_kva, **vars(self.problem)}
        found = hashlib.sha256()
        for field in (*fields(Problem), *fields(self)):
            if isinstance(values := columns.get(field.name), np.ndarray):
                found.update(values.tobytes())
        return found.hexdigest()


def day_starts_at(day: date) -> datetime:
    """00:00 of a day in the billing time zone."""
    return datetime.combine(day, time(), settings.BILLING_TIME_ZONE)


def blocks() -> tuple[Block, ...]:
    """The windows of `DSM_BLOCKS`, in slots."""
    return tuple(Block(measure, start * 4, end * 4) for measure, start, end in settings.DSM_BLOCKS)


def burden_hours(account_ids: list[int], *, on_day: date) -> dict[int, int]:
    """
    Hours each account was ordered to cut in the year of a day, before that day; accounts without any are missing.

    An order that was called back counts the hours it had run by then.
    """
    since = day_starts_at(date(on_day.year, 1, 1))
    until = Least("ends_at", Coalesce("called_back_at", "ends_at"))
    length = ExpressionWrapper(until - F("starts_at"), output_field=DurationField())
    rows = (
        ShedOrder.objects.filter(account_id__in=account_ids, starts_at__gte=since, starts_at__lt=day_starts_at(on_day))
        .filter(Q(called_back_at__isnull=True) | Q(called_back_at__gt=F("starts_at")))
        .values_list("account_id")
        .annotate(length=Sum(length))
    )
    return {account_id: int(length / timedelta(hours=1)) for account_id, length in rows if length}


def standing_on(day: date, account_ids: Sequence[int]) -> QuerySet[ShedOrder]:
    """The orders of a day to these accounts that were not called back."""
    return ShedOrder.objects.filter(
        account_id__in=list(account_ids),
        called_back_at__isnull=True,
        starts_at__gte=day_starts_at(day),
        starts_at__lt=day_starts_at(day + timedelta(days=1)),
    )


def problem_of(shortage: Shortage) -> AskedProblem:
    """
    The problem of a shortage, the same whenever and wherever it is asked for: a fixed number of statements.

    What a customer will draw is the mean of their last whole days, each brought to the contract capacity of the planned
    day; who has no curve is expected to draw nothing and is not planned with. Who has an order of another shortage of
    that day has nothing left to give: a customer is cut once a day. Orders are taken to go out
    `DSM_ISSUE_AFTER_H` after the shortage was put down.
    """
    facts = facts_on(list_id=shortage.shed_list_id, day=shortage.on_day)
    ids = facts.account.tolist()
    drafted_on = shortage.drafted_at.astimezone(settings.BILLING_TIME_ZONE).date()
    curves = mean_curves(ids, to=drafted_on, days=settings.DSM_CUSTOMER_BASE_DAYS, as_on=shortage.on_day)
    before = burden_hours(ids, on_day=shortage.on_day)
    given = standing_on(shortage.on_day, ids).exclude(shortage_id=shortage.pk).values_list("account_id", flat=True)
    problem = Problem(
        load_kw=(curves.mean_w // 1000).reshape(-1, SLOTS),
        security_kw=facts.security_kw,
        process_pct=np.where(np.isin(facts.account, np.array(list(given), np.int64)), 0, facts.process_pct),
        tier=facts.tier,
        group=facts.group,
        compensation_fen=facts.compensation_fen,
        lost_output_fen=facts.lost_output_fen,
        burden_h=facts.burden_before_h + np.array([before.get(account_id, 0) for account_id in ids], np.int64),
        lead_h=facts.lead_h,
        is_key=facts.is_key,
        is_residential=facts.is_residential,
        gap_kw=np.array(shortage.gap_kw, np.int64),
        blocks=blocks(),
        margin_pct=settings.DSM_MARGIN_PCT,
        notice_h=settings.DSM_NOTICE_H,
        compensated_pct=settings.DSM_COMPENSATED_PCT,
        hours_before=(day_starts_at(shortage.on_day) - shortage.drafted_at) / timedelta(hours=1)
        - settings.DSM_ISSUE_AFTER_H,
    )
    return AskedProblem(problem, facts.account, facts.capacity_kva)
