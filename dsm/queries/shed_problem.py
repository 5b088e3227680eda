"""A shortage as the columns that strategies plan with: the list's entries, what they draw, what they bore already."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np
from django.conf import settings
from django.db.models import DurationField, ExpressionWrapper, F, Sum

from cis.queries.account_curves import mean_curves
from dsm.models import ShedOrder, Shortage
from dsm.queries.listed_facts import facts_on
from dsm.shedding.problem import SLOTS, Block, Ints, Problem


@dataclass(frozen=True)
class AskedProblem:
    """The problem, and whose rows it has: the account of each."""

    problem: Problem
    account: Ints


def day_starts_at(day: date) -> datetime:
    """00:00 of a day in the billing time zone."""
    return datetime.combine(day, time(), settings.BILLING_TIME_ZONE)


def blocks() -> tuple[Block, ...]:
    """The windows of `DSM_BLOCKS`, in slots."""
    return tuple(Block(measure, start * 4, end * 4) for measure, start, end in settings.DSM_BLOCKS)


def burden_hours(account_ids: list[int], *, on_day: date) -> dict[int, int]:
    """Hours each account was ordered to cut in the year of a day, before that day; accounts without any are missing."""
    since = day_starts_at(date(on_day.year, 1, 1))
    length = ExpressionWrapper(F("ends_at") - F("starts_at"), output_field=DurationField())
    rows = (
        ShedOrder.objects.filter(account_id__in=account_ids, starts_at__gte=since, starts_at__lt=day_starts_at(on_day))
        .values_list("account_id")
        .annotate(length=Sum(length))
    )
    return {account_id: int(length / timedelta(hours=1)) for account_id, length in rows if length}


def problem_of(shortage: Shortage) -> AskedProblem:
    """
    The problem of a shortage, the same whenever and wherever it is asked for: a fixed number of statements.

    What a customer will draw is the mean of their last whole days, each brought to the contract capacity of the planned
    day; who has no curve is expected to draw nothing and is not planned with.
    """
    facts = facts_on(list_id=shortage.shed_list_id, day=shortage.on_day)
    ids = facts.account.tolist()
    drafted_on = shortage.drafted_at.astimezone(settings.BILLING_TIME_ZONE).date()
    curves = mean_curves(ids, to=drafted_on, days=settings.DSM_CUSTOMER_BASE_DAYS, as_on=shortage.on_day)
    before = burden_hours(ids, on_day=shortage.on_day)
    problem = Problem(
        load_kw=(curves.mean_w // 1000).reshape(-1, SLOTS),
        security_kw=facts.security_kw,
        process_pct=facts.process_pct,
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
        hours_before=(day_starts_at(shortage.on_day) - shortage.drafted_at) / timedelta(hours=1),
    )
    return AskedProblem(problem, facts.account)
