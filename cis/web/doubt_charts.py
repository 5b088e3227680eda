"""What a doubt looks like: the day beside the usual one, the readings before it, the weeks before it."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from cis.queries.readings import DoubtDetail, DoubtRow
from cis.web.usage import QUARTERS
from config.shared.display_formats import format_count
from config.shared.web.day_pictures import DayPicture


def picture_of(row: DoubtRow) -> DayPicture | None:
    """The day of a doubt as a small picture; None where it has no curve."""
    beside = row.beside
    if beside is None:
        return None
    known = [value for value in beside.energy_wh if value is not None and value >= 0]
    words = _("当天 %(kwh)s kWh") % {"kwh": format_count((sum(known) + 500) // 1000)}
    if missing := len(beside.energy_wh) - len(known):
        words += _("，缺 %(slots)s 点") % {"slots": missing}
    if usual := [value for value in beside.usual_wh if value is not None]:
        words += _("，平常 %(kwh)s kWh") % {"kwh": format_count((sum(usual) + 500) // 1000)}
    return DayPicture(beside.energy_wh, beside.usual_wh, beside.doubtful, words)


def of_day(row: DoubtRow) -> dict[str, Any] | None:
    """The 96 points of the day beside the usual day, for the chart frame."""
    beside = row.beside
    if beside is None:
        return None
    series: list[dict[str, Any]] = [{"name": _("当天"), "kind": "bar", "values": list(beside.energy_wh)}]
    if beside.quality:
        filled = [value if beside.quality[slot] > 1 else None for slot, value in enumerate(beside.energy_wh)]
        actual = [value if beside.quality[slot] <= 1 else None for slot, value in enumerate(beside.energy_wh)]
        series = [
            {"name": _("当天"), "kind": "bar", "stack": "day", "values": actual},
            {"name": _("补上的"), "kind": "bar", "stack": "day", "tone": 4, "values": filled},
        ]
    if beside.usual_wh:
        usual = {"name": _("平常（前七天中位数）"), "kind": "line", "forecast": True, "tone": 2}
        series.append({**usual, "values": list(beside.usual_wh)})
    return {
        "x": list(QUARTERS),
        "x_name": _("时刻"),
        "unit": "kWh",
        "scale": 1000,
        "digits": 3,
        "series": series,
    }


def of_readings(detail: DoubtDetail) -> dict[str, Any]:
    """The energies of the register's last readings."""
    known = [one for one in reversed(detail.history) if one.energy_kwh_e2 is not None]
    return {
        "x": [one.read_on.isoformat() for one in known],
        "x_name": _("抄表日"),
        "unit": "kWh",
        "scale": 100,
        "digits": 0,
        "kind": "bar",
        "series": [{"name": _("电量"), "values": [one.energy_kwh_e2 for one in known]}],
    }


def of_weeks(detail: DoubtDetail) -> dict[str, Any]:
    """The daily energies of the weeks before a doubt of use."""
    return {
        "x": [f"{day:%m-%d}" for day, _wh in detail.weeks],
        "x_name": _("日期"),
        "unit": "kWh",
        "scale": 1000,
        "digits": 1,
        "kind": "bar",
        "series": [{"name": _("日电量"), "values": [wh for _day, wh in detail.weeks]}],
    }
