"""Tomorrow's load: the forecast with its band, how the forecasts of the last weeks came out, what the model had."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from config.shared.display_formats import format_day, format_moment
from config.shared.errors import BadInput, Refused
from config.shared.permissions import may, scope_of, staff_of
from config.shared.web.pages import requires
from config.shared.web.table_exports import Sheet
from dsm.models.loads import SLOTS
from dsm.operations.forecasts import make_forecast
from dsm.queries import forecast_records
from dsm.queries.forecast_records import DayError, ForecastDay, Record
from dsm.queries.loads import DayLoad
from dsm.queries.places import place_of
from dsm.web.load_parts import QUARTERS, VIEW, axis, chosen_in, file_address, highest, kw, percent

MAKE = "dsm.make_forecast"


@requires(VIEW)
@require_safe
def forecast_page(request: HttpRequest) -> HttpResponse:
    """What is expected of tomorrow, or was of another day."""
    chosen = chosen_in(request)
    place, today = chosen.place, timezone.localdate()
    sheet = forecast_records.forecast_sheet(
        scope=place.scope, scope_id=place.scope_id, on_day=chosen.day, else_day=today + timedelta(days=1)
    )
    day = sheet.day
    context = {
        "places": chosen.places,
        "place": place,
        "day": day,
        "export_url": file_address("dsm:forecasts_export", place, day),
        "tomorrow": today + timedelta(days=1),
        "previous": day - timedelta(days=1),
        "next": day + timedelta(days=1) if day <= today else None,
        "may_make": may(request.user, MAKE) and day in (today, today + timedelta(days=1)),
        **(_expected(sheet.forecast, sheet.actual) if sheet.forecast else {"chart": None}),
        **_came_out(sheet.record),
    }
    return render(request, "dsm/forecasts.html", context)


def _expected(found: ForecastDay, actual: DayLoad | None) -> dict[str, Any]:
    series: list[dict[str, Any]] = [
        {
            "name": _("预测"),
            "values": list(found.p50_w),
            "low": list(found.p10_w),
            "high": list(found.p90_w),
            "forecast": True,
        }
    ]
    if actual is not None:
        series.append({"name": _("实际"), "values": list(actual.load_w), "tone": 2})
    columns = [
        {"name": _("低值 P10"), "values": list(found.p10_w), "unit": "kW", "scale": 1000, "digits": 1},
        {"name": _("高值 P90"), "values": list(found.p90_w), "unit": "kW", "scale": 1000, "digits": 1},
    ]
    top, top_at = highest(found.p50_w)
    slot = QUARTERS.index(top_at)
    words = {
        "top": kw(top),
        "at": top_at,
        "low": kw(found.p10_w[slot]),
        "high": kw(found.p90_w[slot]),
    }
    return {
        "chart": axis(series=series, columns=columns),
        "answer": _("预计最高 %(top)s kW，在 %(at)s；十次里有八次落在 %(low)s 到 %(high)s kW 之间。") % words,
        "used": _used(found),
        "has_actual": actual is not None,
    }


def _used(found: ForecastDay) -> list[str]:
    """What the model had, in plain words."""
    zone = timezone.get_current_timezone()
    used = [
        _("%(at)s 的时候作的预测，之后才知道的数据都没有用。") % {"at": format_moment(found.issued_at, zone)},
        _("学了 %(first)s 到 %(last)s 之间 %(days)s 天的负荷，用到的最近一整天是 %(known)s。")
        % {
            "first": format_day(found.trained_from, zone),
            "last": format_day(found.trained_to, zone),
            "days": found.trained_days,
            "known": format_day(found.last_known_day, zone),
        },
        _("看的是：前几天和上周同一时刻的负荷、星期几、节假日和调休、节前节后。"),
    ]
    if 0 < found.eve_slots < SLOTS:
        used.append(_("还用了前一天到 %(at)s 为止的实测负荷。") % {"at": QUARTERS[found.eve_slots - 1]})
    if found.weather:
        used.append(_("气温用的是当时的天气预报，不是事后的实测（来源：%(source)s）。") % {"source": found.weather})
    else:
        used.append(_("没有这一天的天气预报，所以没有考虑气温。"))
    used.append(
        _("方法：每个时刻一个线性模型（%(name)s，第 %(version)s 版）；浅色带由没有参加学习的日子上的误差得出。")
        % {"name": found.forecaster, "version": found.version}
    )
    if found.made_by:
        used.append(
            _("由 %(who)s 在 %(at)s 重新计算。") % {"who": found.made_by, "at": format_moment(found.made_at, zone)}
        )
    return used


def _came_out(record: Record) -> dict[str, Any]:
    days = record.days
    if not days:
        return {"errors": None}
    compared = [one for one in days if one.measure_nmae_e4 is not None]
    zone = timezone.get_current_timezone()
    series: list[dict[str, Any]] = [{"name": _("预测"), "values": [one.nmae_e4 for one in days]}]
    if compared:
        series.append({"name": _("照抄上周同类日"), "values": [one.measure_nmae_e4 for one in days], "tone": 5})
    chart = {
        "x": [format_day(one.day, zone)[5:] for one in days],
        "x_name": _("日期"),
        "unit": "%",
        "scale": 100,
        "digits": 1,
        "kind": "bar",
        "series": series,
        "columns": [
            _column(_("准确率"), [one.accuracy_e4 for one in days]),
            _column(_("落在带内"), [one.coverage_e4 for one in days]),
            _column(_("最高负荷偏差"), [one.peak_error_e4 for one in days]),
        ],
    }
    return {
        "errors": chart,
        "errors_answer": _errors_in_words(days, compared),
        "mean_error": percent(_mean([one.nmae_e4 for one in days])),
        "mean_accuracy": percent(_mean([one.accuracy_e4 for one in days])),
        "mean_coverage": percent(_mean([one.coverage_e4 for one in days]), 0),
        "worst": [
            {"at": QUARTERS[one.slot], "error_kw": kw(one.error_w), "error": percent(one.error_e4)}
            for one in record.worst
        ],
        "days_judged": len(days),
    }


def _column(name: str, values: list[int]) -> dict[str, Any]:
    return {"name": name, "values": values, "unit": "%", "scale": 100, "digits": 1}


def _mean(values: list[int]) -> int:
    return round(sum(values) / len(values))


def _errors_in_words(days: tuple[DayError, ...], compared: list[DayError]) -> str:
    own = percent(_mean([one.nmae_e4 for one in days]))
    if not compared:
        return _("平均差 %(own)s。") % {"own": own}
    naive = _mean([one.measure_nmae_e4 or 0 for one in compared])
    same_days = _mean([one.nmae_e4 for one in compared])
    words = {"own": own, "naive": percent(naive)}
    if same_days < naive:
        return _("平均差 %(own)s；照抄上周同类日要差 %(naive)s。") % words
    return _("平均差 %(own)s，还不如照抄上周同类日（%(naive)s）。") % words


@requires(VIEW)
@require_safe
def forecast_export(request: HttpRequest) -> HttpResponseBase:
    """A day's forecast as a file, with the load where it is known."""
    chosen = chosen_in(request)
    place = chosen.place
    sheet = forecast_records.forecast_sheet(
        scope=place.scope, scope_id=place.scope_id, on_day=chosen.day, else_day=timezone.localdate()
    )
    found = sheet.forecast
    if found is None:
        raise BadInput(_("这一天没有预测，没有可导出的内容。"))
    heads = [
        (_("对象"), "text"),
        (_("日期"), "day"),
        (_("时刻"), "text"),
        (_("低值 P10（kW）"), "number"),
        (_("预测（kW）"), "number"),
        (_("高值 P90（kW）"), "number"),
        (_("实际（kW）"), "number"),
    ]
    seen = sheet.actual.load_w if sheet.actual else (None,) * SLOTS
    rows = (
        (place.name, found.day, QUARTERS[slot], *(_kw_text(value) for value in values))
        for slot, values in enumerate(zip(found.p10_w, found.p50_w, found.p90_w, seen, strict=True))
    )
    wanted = request.GET.get("format", "csv")
    return Sheet(heads, rows).answer(wanted if wanted == "xlsx" else "csv", f"forecast-{place.value}")


def _kw_text(watts: int | None) -> str:
    return "" if watts is None else f"{watts / 1000:.3f}"


@requires(MAKE)
@require_POST
def forecast_make(request: HttpRequest) -> HttpResponseBase:
    """Forecast the day anew, with what is known now."""
    user = staff_of(request)
    place = place_of(request.POST.get("place", ""), within=scope_of(user, MAKE))
    try:
        day = date.fromisoformat(request.POST.get("day", ""))
    except ValueError:
        raise BadInput(_("请选择日期。")) from None
    try:
        make_forecast(scope=place.scope, scope_id=place.scope_id, on_day=day, at=timezone.now(), made_by_id=user.pk)
    except Refused as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, _("已按现在的数据重新预测。"))
    return redirect(f"{reverse('dsm:forecasts')}?{urlencode({'place': place.value, 'day': day.isoformat()})}")
