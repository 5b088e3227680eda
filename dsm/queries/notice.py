"""Whose notice would be too short, were a plan's orders to go out at a moment."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Count, F

from dsm.models import PlanCut, Shortage
from dsm.queries.shed_problem import day_starts_at


def late_orders(shortage: Shortage, *, at: datetime) -> dict[int, int]:
    """Plan id to how many of its customers would hear too late from `at` on; plans without any are missing."""
    minutes = (at - day_starts_at(shortage.on_day)) / timedelta(minutes=1)
    rows = (
        PlanCut.objects.filter(plan__shortage=shortage)
        .annotate(latest_min=F("start_slot") * 15 - F("notice_min"))
        .filter(latest_min__lt=minutes)
        .values_list("plan_id")
        .annotate(count=Count("pk"))
    )
    return dict(rows)
