"""Electricity of an account by day and by quarter-hour, with what it costs: for the portal and for the counter."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cis.queries import customers, day_costs, readings
from cis.queries.audit import record_of
from config.shared.permissions import may, staff_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires

# A first and a last day; None is open.
Days = tuple[date | None, date | None]

QUARTERS = tuple(f"{slot // 4:02d}:{slot % 4 * 15:02d}" for slot in range(96))


@requires("cis.view_customer")
@require_safe
def month(request: HttpRequest, account_no: str) -> HttpResponse:
    """A month of an account by day."""
    head = customers.get_head(account_no)
    saw(request, record_of(head.account_id))
    context = {
        "head": head,
        "may_limit": may(staff_of(request), "cis.control_fees"),
        **of_month(head.account_id, request.GET.get("month", "")),
    }
    return render(request, "cis/usage.html", context)


@requires("cis.view_customer")
@require_safe
def day(request: HttpRequest, account_no: str, day: date) -> HttpResponse:
    """One day of an account by quarter-hour."""
    head = customers.get_head(account_no)
    saw(request, record_of(head.account_id))
    return render(request, "cis/usage_day.html", {"head": head, **of_day(head.account_id, day)})


@requires("cis.view_customer")
@require_safe
def month_export(request: HttpRequest, account_no: str) -> StreamingHttpResponse:
    """A month of an account as a file."""
    account_id = customers.get_head(account_no).account_id
    saw(request, record_of(account_id))
    return month_file(account_id, account_no, request.GET.get("month", ""))


@requires("cis.view_customer")
@require_safe
def day_export(request: HttpRequest, account_no: str, day: date) -> StreamingHttpResponse:
    """One day of an account as a file."""
    account_id = customers.get_head(account_no).account_id
    saw(request, record_of(account_id))
    return day_file(account_id, account_no, day)


def of_month(account_id: int, asked: str, *, within: Days = (None, None)) -> dict[str, Any]:
    """
    What a page about a month shows; `asked` is the month as 2026-01, this month where it is none.

    Of days outside `within` (first and last, None for open) nothing is shown.
    """
    first = _month_in(asked) or timezone.localdate().replace(day=1)
    until = _month_after(first)
    start, end = _cut(first, until, within)
    days = readings.daily_usage(account_id, start, end)
    costs = day_costs.costs_of_days(account_id, start, end)
    known = [cost.cost_fen for cost in costs.values() if cost.cost_fen is not None]
    return {
        "month": f"{first:%Y-%m}",
        "days": [
            {
                "day": day.day,
                "kwh_e2": day.energy_wh // 10,
                "missing": day.missing_slots,
                "cost_fen": costs[day.day].cost_fen,
                "is_billed": costs[day.day].is_billed,
            }
            for day in reversed(days)
        ],
        "chart": _by_day(days, costs) if days else None,
        "total_kwh_e2": sum(day.energy_wh for day in days) // 10,
        "total_fen": sum(known) if known else None,
        "is_estimate": any(not cost.is_billed for cost in costs.values()),
        "is_demonstration": any(cost.is_demonstration for cost in costs.values()),
        "why_not": next((cost.why_not for cost in costs.values() if cost.why_not), ""),
        "previous": f"{first - timedelta(days=1):%Y-%m}",
        "next": f"{until:%Y-%m}" if until <= timezone.localdate() else "",
    }


def of_day(account_id: int, day: date) -> dict[str, Any]:
    """What a page about a day shows."""
    curve = readings.curve(account_id, day)
    costs = day_costs.costs_of_quarters(account_id, day)
    known = [value for value in curve.energy_wh if value is not None]
    priced = [cost for cost in costs.cost_fen if cost is not None]
    return {
        "day": day,
        "chart": _by_quarter(curve, costs) if known else None,
        "total_kwh_e2": sum(known) // 10,
        "total_fen": sum(priced) if priced else None,
        "is_estimate": not costs.is_billed,
        "is_demonstration": costs.is_demonstration,
        "why_not": costs.why_not,
        "missing": len(curve.energy_wh) - len(known),
        "previous": day - timedelta(days=1),
        "next": day + timedelta(days=1) if day < timezone.localdate() else None,
    }


def month_file(account_id: int, account_no: str, asked: str, *, within: Days = (None, None)) -> StreamingHttpResponse:
    """A month's days and quarter-hours as CSV, those inside `within`."""
    first = _month_in(asked) or timezone.localdate().replace(day=1)
    rows = day_costs.usage_rows(account_id, *_cut(first, _month_after(first), within))
    return _file(f"usage-{account_no}-{first:%Y-%m}.csv", rows)


def day_file(account_id: int, account_no: str, day: date) -> StreamingHttpResponse:
    """A day's quarter-hours as CSV."""
    return _file(f"usage-{account_no}-{day.isoformat()}.csv", day_costs.quarter_rows(account_id, day))


def _by_day(days: Sequence[readings.DayUsage], costs: Mapping[date, day_costs.DayCost]) -> dict[str, Any]:
    periods = list(dict.fromkeys(name for day in days for name, _wh in day.by_period))
    series: list[dict[str, Any]]
    if periods:
        parts = [dict(day.by_period) for day in days]
        series = [{"name": name, "stack": "day", "values": [part.get(name, 0) for part in parts]} for name in periods]
    else:
        series = [{"name": _("用电量"), "values": [day.energy_wh for day in days]}]
    return {
        "x": [f"{day.day:%m-%d}" for day in days],
        "x_name": _("日期"),
        "unit": _("度"),
        "scale": 1000,
        "digits": 2,
        "kind": "bar",
        "series": series,
        "columns": [_cost_column([costs[day.day].cost_fen for day in days])],
    }


def _by_quarter(curve: readings.Curve, costs: day_costs.QuarterCosts) -> dict[str, Any]:
    periods = list(dict.fromkeys(curve.periods))
    series: list[dict[str, Any]]
    if len(periods) > 1:
        series = [
            {
                "name": name,
                "stack": "day",
                "values": [
                    value if curve.periods[slot] == name else None for slot, value in enumerate(curve.energy_wh)
                ],
            }
            for name in periods
        ]
    else:
        series = [{"name": _("用电量"), "values": list(curve.energy_wh)}]
    return {
        "x": list(QUARTERS),
        "x_name": _("时刻"),
        "unit": _("度"),
        "scale": 1000,
        "digits": 3,
        "kind": "bar",
        "series": series,
        "columns": [_cost_column(costs.cost_fen)],
    }


def _cost_column(cost_fen: Sequence[int | None]) -> dict[str, Any]:
    """A column of the table behind a chart that is not drawn."""
    return {"name": _("电费"), "unit": _("元"), "scale": 100, "digits": 2, "values": list(cost_fen)}


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        """The text."""
        return text


def _file(name: str, rows: Iterable[tuple[str, ...]]) -> StreamingHttpResponse:
    answer = StreamingHttpResponse(_csv(rows), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _csv(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\ufeff"
    for row in rows:
        yield writer.writerow(row)


def _cut(start: date, end: date, within: Days) -> tuple[date, date]:
    """[start, end) without the days before the first and after the last of `within`; maybe empty."""
    first, last = within
    if first is not None:
        start = max(start, first)
    if last is not None:
        end = min(end, last + timedelta(days=1))
    return start, max(start, end)


def _month_in(text: str) -> date | None:
    """The first day of a month written as 2026-01; None where it is none."""
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        return None


def _month_after(first: date) -> date:
    return (first + timedelta(days=32)).replace(day=1)
