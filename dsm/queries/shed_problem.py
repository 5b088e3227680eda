"""A shortage as the columns that strategies plan with: the list's entries, what they draw, what they bore already."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np
from django.conf import settings
from django.db.models import DurationField, ExpressionWrapper, F, Sum

from cis.queries.account_curves import mean_curves
from dsm.models import ShedEntry, ShedOrder, Shortage
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

    What a customer will draw is the mean of their last whole days, in the proportion of a capacity that has changed
    since; who has no curve is expected to draw nothing and is not planned with.
    """
    entries = list(ShedEntry.objects.filter(shed_list_id=shortage.shed_list_id).order_by("account_id"))
    ids = [entry.account_id for entry in entries]
    drafted_on = shortage.drafted_at.astimezone(settings.BILLING_TIME_ZONE).date()
    curves = mean_curves(ids, to=drafted_on, days=settings.DSM_CUSTOMER_BASE_DAYS)
    capacity = np.array([_capacity_on(entry, shortage.on_day) for entry in entries], np.int64)
    measured = np.array([entry.measured_capacity_kva for entry in entries], np.int64)
    before = burden_hours(ids, on_day=shortage.on_day)

    def column(values: list[int]) -> Ints:
        return np.array(values, np.int64)

    problem = Problem(
        load_kw=(curves.mean_w * capacity[:, None] // np.maximum(measured, 1)[:, None] // 1000).reshape(-1, SLOTS),
        security_kw=column([entry.security_kw for entry in entries]),
        process_pct=column([entry.process_pct for entry in entries]),
        tier=column([entry.tier for entry in entries]),
        group=column([entry.group_no for entry in entries]),
        compensation_fen=column([entry.compensation_fen_kwh for entry in entries]),
        lost_output_fen=column([entry.lost_output_fen_kwh for entry in entries]),
        burden_h=column([entry.burden_before_h + before.get(entry.account_id, 0) for entry in entries]),
        lead_h=column([entry.lead_h for entry in entries]),
        is_key=np.array([entry.is_key for entry in entries], bool),
        # No household is ever put on a list; the column stands for what a plan must never do.
        is_residential=np.zeros(len(entries), bool),
        gap_kw=column(shortage.gap_kw),
        blocks=blocks(),
        margin_pct=settings.DSM_MARGIN_PCT,
        notice_h=settings.DSM_NOTICE_H,
        compensated_pct=settings.DSM_COMPENSATED_PCT,
        hours_before=(day_starts_at(shortage.on_day) - shortage.drafted_at) / timedelta(hours=1),
    )
    return AskedProblem(problem, np.array(ids, np.int64))


def _capacity_on(entry: ShedEntry, day: date) -> int:
    if entry.capacity_from_on is not None and day < entry.capacity_from_on:
        return entry.former_capacity_kva
    return entry.capacity_kva
