"""The cockpit (驾驶舱): every indicator of the house for one part of the organisation, and what lies below it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from config.navigation import SLOTS
from config.shared.display_formats import ABSENT, MINUS, format_count, format_energy, format_money, format_month
from config.shared.errors import NotFound
from config.shared.indicators import (
    Asked,
    Indicator,
    Reading,
    Unit,
    all_indicators,
    ask,
    part_of,
    read_months,
    read_now,
    unit_in,
    why_not_compared,
)
from config.shared.languages import in_language
from config.shared.models import OrgUnit, Role
from config.shared.periods import add_months, cycle_of, is_cycle
from config.shared.permissions import is_within, may, scope_of, staff_of
from config.shared.web.pages import requires
from config.shared.web.parts import address_of, parts_for, render_part

_MONTHS = 13
# Sums over millions of rows are made once for everybody who looks at the same part.
_KEPT_S = 600

_WORDS: dict[Unit, str | Promise] = {
    Unit.YUAN: gettext_lazy("元"),
    Unit.KWH: gettext_lazy("度"),
    Unit.KW: "kW",
    Unit.FEN_PER_KWH: gettext_lazy("分/度"),
    Unit.PERCENT: "%",
    Unit.SCORE: gettext_lazy("分"),
    Unit.MINUTES: gettext_lazy("分钟"),
    Unit.COUNT: "",
}
# How many of a figure's integers make one of what is shown, and with how many decimals.
_SCALES = {
    Unit.YUAN: (100, 2),
    Unit.KWH: (100, 0),
    Unit.KW: (1, 0),
    Unit.FEN_PER_KWH: (100, 2),
    Unit.PERCENT: (100, 2),
    Unit.SCORE: (100, 2),
    Unit.MINUTES: (60, 1),
    Unit.COUNT: (1, 0),
}


@dataclass(frozen=True, slots=True)
class Line:
    """An indicator, or a part of the organisation, as one row: finished text, and whether the target is reached."""

    label: str | Promise
    url: str
    figure: str
    year_before: str
    change: str
    target: str
    is_reached: bool | None
    owner: str = ""
    meaning: str | Promise = ""

    @property
    def kind(self) -> str:
        """How the figure is coloured."""
        return "warn" if self.is_reached is False else ""

    @property
    def note(self) -> str:
        """What stands below the figure: the year before and the target, where there are any."""
        notes = []
        if self.year_before != ABSENT:
            notes.append(_("去年同期 %(figure)s") % {"figure": self.year_before})
        if self.target:
            notes.append(_("目标 %(figure)s") % {"figure": self.target})
        return " · ".join(notes)


@dataclass(frozen=True, slots=True)
class Place:
    """A part of the organisation as a link."""

    name: str
    url: str


def say(figure: int | None, unit: Unit, *, with_sign: bool = False) -> str:
    """A figure as people read it, without its unit."""
    if figure is None:
        return ABSENT
    if unit in (Unit.YUAN, Unit.FEN_PER_KWH, Unit.PERCENT, Unit.SCORE):
        text = format_money(figure)
    elif unit == Unit.KWH:
        text = format_energy(round(figure, -2))
    elif unit == Unit.MINUTES:
        tenths = round(abs(figure) / 6)
        text = f"{MINUS if figure < 0 else ''}{tenths // 10}.{tenths % 10}"
    else:
        text = format_count(figure)
    return f"+{text}" if with_sign and figure > 0 else text


@requires("shared.see_cockpit")
@require_safe
def cockpit(request: HttpRequest) -> HttpResponse:
    """Every indicator one may see of one part of the organisation, and the apps' own tiles."""
    unit, month = _asked(request)
    around = _around(request, unit, month, "cockpit")
    # A tile shows all that somebody answers for, and would be misread beside the figures of a part of it.
    tiles = SLOTS["cockpit"] if len(around["way"]) == 1 else ()
    context = {**around, "lines": _lines(request, unit, month), "parts": parts_for(request, tiles)}
    return render(request, "shared/cockpit/cockpit.html", context)


@requires("shared.see_cockpit")
@require_safe
def board(request: HttpRequest) -> HttpResponse:
    """The indicators of the highest part one answers for, as a part of a home page."""
    unit, month = _asked(request)
    context = {**_around(request, unit, month, "cockpit"), "lines": _lines(request, unit, month)}
    return render_part(request, "shared/cockpit/_board.html", context, title=_("驾驶舱"))


@requires("shared.see_cockpit")
@require_safe
def indicator_page(request: HttpRequest, code: str) -> HttpResponse:
    """One indicator: thirteen months of one part, and the parts right below it beside each other."""
    unit, month = _asked(request)
    indicator = all_indicators().get(code)
    if indicator is None or not _may_read(request, indicator, unit):
        raise NotFound(_("没有这个指标，或者您的岗位不看它。"))
    months = [add_months(month, -back) for back in range(_MONTHS - 1, -1, -1)]
    today = timezone.localdate()
    values = _kept(
        ("months", indicator.code, unit.pk, month, today),
        lambda: read_months(indicator, part=part_of(unit), months=months, today=today),
    )
    children = list(OrgUnit.objects.filter(parent=unit).order_by("path"))
    readings = _readings(indicator, _ask(children, month, today))
    scale, digits = _SCALES[indicator.unit]
    chart = {
        "x": [format_month(one) for one in months],
        "x_name": _("月份"),
        "unit": str(_WORDS[indicator.unit]),
        "scale": scale,
        "digits": digits,
        "kind": "line" if indicator.unit in (Unit.PERCENT, Unit.SCORE, Unit.MINUTES, Unit.FEN_PER_KWH) else "bar",
        "series": [{"name": str(indicator.label), "values": values}],
    }
    detail = ""
    if indicator.detail_url_name and may(staff_of(request), indicator.detail_permission):
        address = address_of(indicator.detail_url_name)
        detail = f"{address}?{urlencode({'unit': unit.pk, 'cycle': month})}" if address else ""
    context = {
        **_around(request, unit, month, "cockpit_indicator", code),
        "indicator": indicator,
        "unit_word": _WORDS[indicator.unit],
        "line": _line(request, indicator, _readings(indicator, _ask([unit], month, today))[unit.pk], unit, month),
        "why_not_compared": why_not_compared(indicator, month=month, today=today),
        "chart": chart if any(value is not None for value in values) else None,
        "children": [
            _line(request, indicator, readings[child.pk], child, month, label=child.shown_name) for child in children
        ],
        "detail_url": detail,
    }
    return render(request, "shared/cockpit/indicator.html", context)


def _asked(request: HttpRequest) -> tuple[OrgUnit, int]:
    """The part and the month of the address: by default the highest part one answers for and the last whole month."""
    within = scope_of(staff_of(request), "shared.see_cockpit")
    wanted, month = request.GET.get("unit", ""), request.GET.get("month", "")
    unit = unit_in(int(wanted) if wanted.isdecimal() and len(wanted) < 19 else None, within=within)
    last = add_months(cycle_of(timezone.localdate()), -1)
    is_right = month.isdecimal() and len(month) == 6 and is_cycle(int(month)) and int(month) <= add_months(last, 1)
    return unit, int(month) if is_right else last


def _may_read(request: HttpRequest, indicator: Indicator, unit: OrgUnit) -> bool:
    return is_within(unit.path, scope_of(staff_of(request), indicator.permission))


def _lines(request: HttpRequest, unit: OrgUnit, month: int) -> list[Line]:
    asked = _ask([unit], month, timezone.localdate())
    shown = [indicator for indicator in all_indicators().values() if _may_read(request, indicator, unit)]
    return [_line(request, indicator, _readings(indicator, asked)[unit.pk], unit, month) for indicator in shown]


def _ask(units: Sequence[OrgUnit], month: int, today: date) -> Asked:
    return ask(parts=[part_of(unit) for unit in units], month=month, today=today)


def _readings(indicator: Indicator, asked: Asked) -> dict[int, Reading]:
    if not asked.parts:
        return {}
    key = ("now", indicator.code, *(part.org_unit_id for part in asked.parts), asked.months[-1], asked.today)
    found: dict[int, Reading] = _kept(key, lambda: read_now(indicator, asked))
    return found


def _kept(key: Iterable[object], compute: Any) -> Any:
    name = "cockpit:" + ":".join(str(part) for part in key)
    found = cache.get(name)
    if found is None:
        found = compute()
        cache.set(name, found, _KEPT_S)
    return found


def _line(
    request: HttpRequest, indicator: Indicator, reading: Reading, unit: OrgUnit, month: int, *, label: str = ""
) -> Line:
    kind = indicator.unit
    unit_word = str(_WORDS[kind])
    words = {"label": indicator.label, "unit": unit_word}
    name = label or (_("%(label)s（%(unit)s）") % words if unit_word else indicator.label)
    # Figures that are shares themselves change by points, others by a share of what they were.
    if kind in (Unit.PERCENT, Unit.SCORE, Unit.MINUTES, Unit.FEN_PER_KWH):
        change = say(reading.change, kind, with_sign=True)
    else:
        change = say(reading.change_e4, Unit.PERCENT, with_sign=True)
        change += " %" if reading.change_e4 is not None else ""
    return Line(
        label=name,
        url=_address("cockpit_indicator", unit, month, indicator.code),
        figure=say(reading.figure, kind),
        year_before=say(reading.year_before, kind),
        change=change,
        target=say(indicator.target, kind) if indicator.target is not None else "",
        is_reached=indicator.is_reached(reading.figure),
        owner=_owner(indicator.owner),
        meaning=indicator.meaning,
    )


def _owner(code: str) -> str:
    names: dict[str, tuple[str, str]] = _kept(("owners", timezone.localdate()), _role_names)
    return in_language(*names.get(code, (code, code)))


def _role_names() -> dict[str, tuple[str, str]]:
    return {code: (name, name_en) for code, name, name_en in Role.objects.values_list("code", "name", "name_en")}


def _address(name: str, unit: OrgUnit, month: int, code: str = "") -> str:
    base = reverse(name, kwargs={"code": code} if code else None)
    return f"{base}?{urlencode({'unit': unit.pk, 'month': month})}"


def _around(request: HttpRequest, unit: OrgUnit, month: int, name: str, code: str = "") -> dict[str, Any]:
    """Where one is: the way down to the part, its own parts, the months beside this one."""
    within = scope_of(staff_of(request), "shared.see_cockpit")
    above = [int(pk) for pk in unit.path.strip("/").split("/")]
    by_id = {one.pk: one for one in OrgUnit.objects.filter(pk__in=above)}
    way = [by_id[pk] for pk in above if pk in by_id and is_within(by_id[pk].path, within)]
    below = OrgUnit.objects.filter(parent=unit).order_by("path")
    following = add_months(month, 1)
    return {
        "unit": unit,
        "unit_name": unit.shown_name,
        "month": month,
        "month_name": format_month(month),
        "way": [Place(one.shown_name, _address(name, one, month, code)) for one in way],
        "below": [Place(one.shown_name, _address(name, one, month, code)) for one in below],
        "cockpit_url": _address("cockpit", unit, month),
        "earlier_url": _address(name, unit, add_months(month, -1), code),
        "is_running": month >= cycle_of(timezone.localdate()),
        "later_url": _address(name, unit, following, code) if following <= cycle_of(timezone.localdate()) else "",
    }


urlpatterns = [
    path("dsm/cockpit/", cockpit, name="cockpit"),
    path("dsm/cockpit/board/", board, name="cockpit_board"),
    path("dsm/cockpit/<str:code>/", indicator_page, name="cockpit_indicator"),
]
