"""The load of the system and of feeders: one day beside the day before and the same day of last week."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from config.shared.display_formats import format_day
from config.shared.errors import BadInput
from config.shared.web.pages import requires
from config.shared.web.table_exports import Sheet
from dsm.queries import loads
from dsm.queries.loads import DayLoad, LoadSheet
from dsm.web.load_parts import QUARTERS, VIEW, axis, chosen_in, file_address, highest, kw, lowest, percent

_EXPORT_DAYS = 31


@requires(VIEW)
@require_safe
def load_page(request: HttpRequest) -> HttpResponse:
    """How load ran on a day."""
    chosen = chosen_in(request)
    place = chosen.place
    sheet = loads.load_sheet(
        scope=place.scope, scope_id=place.scope_id, on_day=chosen.day, else_day=timezone.localdate()
    )
    day = sheet.day
    context = {
        "places": chosen.places,
        "place": place,
        "day": day,
        "export_url": file_address("dsm:loads_export", place, day),
        "previous": day - timedelta(days=1),
        "next": day + timedelta(days=1) if day < timezone.localdate() - timedelta(days=1) else None,
        **_shown(sheet),
    }
    return render(request, "dsm/loads.html", context)


def _shown(sheet: LoadSheet) -> dict[str, Any]:
    today, before, week = sheet.load, sheet.day_before, sheet.week_before
    if today is None:
        return {"chart": None}
    zone = timezone.get_current_timezone()
    series: list[dict[str, Any]] = [{"name": format_day(sheet.day, zone), "values": list(today.load_w)}]
    if before is not None:
        series.append({"name": _("前一天"), "values": list(before.load_w), "tone": 3})
    if week is not None:
        series.append({"name": _("上周同日"), "values": list(week.load_w), "tone": 5})
    top, top_at = highest(today.load_w)
    low, low_at = lowest(today.load_w)
    mean = [value for value in today.load_w if value is not None]
    return {
        "chart": axis(series=series),
        "answer": _answer(today, week, top, top_at),
        "top": kw(top),
        "top_at": top_at,
        "low": kw(low),
        "low_at": low_at,
        "factor": percent(10_000 * sum(mean) // (len(mean) * top)) if top else "—",
        "delivered": percent(today.delivered_e4),
        "points": today.points_delivered,
        "points_served": today.points_served,
        "missing": today.load_w.count(None),
        "is_measured": today.is_measured,
    }


def _answer(today: DayLoad, week: DayLoad | None, top: int | None, top_at: str) -> str:
    if top is None:
        return _("到齐的数据太少，还看不出这一天的负荷。")
    if week is None or highest(week.load_w)[0] is None:
        return _("最高 %(top)s kW，在 %(at)s。") % {"top": kw(top), "at": top_at}
    change = top - (highest(week.load_w)[0] or 0)
    words = {"top": kw(top), "at": top_at, "change": kw(abs(change))}
    if change >= 0:
        return _("最高 %(top)s kW，在 %(at)s，比上周同日高 %(change)s kW。") % words
    return _("最高 %(top)s kW，在 %(at)s，比上周同日低 %(change)s kW。") % words


@requires(VIEW)
@require_safe
def load_export(request: HttpRequest) -> HttpResponseBase:
    """The last month of load to the chosen day as a file: one line a quarter-hour."""
    chosen = chosen_in(request)
    place = chosen.place
    days = loads.last_days(scope=place.scope, scope_id=place.scope_id, last=chosen.day, count=_EXPORT_DAYS)
    if not days:
        raise BadInput(_("没有负荷数据，没有可导出的内容。"))
    heads = [
        (_("对象"), "text"),
        (_("日期"), "day"),
        (_("时刻"), "text"),
        (_("负荷（kW）"), "number"),
        (_("数据到齐比例（%）"), "number"),
    ]
    rows = (
        (place.name, one.day, QUARTERS[slot], "" if value is None else f"{value / 1000:.3f}", one.delivered_e4 / 100)
        for one in days
        for slot, value in enumerate(one.load_w)
    )
    wanted = request.GET.get("format", "csv")
    return Sheet(heads, rows).answer(wanted if wanted == "xlsx" else "csv", f"load-{place.value}")
