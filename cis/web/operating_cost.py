"""What electricity costs a business, at the counter and in the portal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cis.advising.operating import CostPart, per_kwh_e8
from cis.queries import customers, portal
from cis.queries.audit import record_of
from cis.queries.operating_cost import OperatingCost, operating_cost
from cis.queries.portal import Right
from cis.rating import REGISTER_NAMES
from cis.web.advice_words import in_words
from cis.web.usage import QUARTERS
from config.shared.display_formats import (
    MINUS,
    format_energy,
    format_money,
    format_month,
    format_price,
)
from config.shared.languages import in_language
from config.shared.permissions import staff_of
from config.shared.web.looks import saw
from config.shared.web.pages import requires
from config.shared.web.portal_pages import for_customers, preferred_account

_WIDTH = 1000
_LEAST_E8 = 5_000


@dataclass(frozen=True, slots=True)
class PartInWords:
    """One part of the cost with its bar."""

    name: str
    yuan: str
    share: str
    price: str
    bar_width: int
    is_less: bool


@requires("cis.view_customer")
@require_safe
def operating(request: HttpRequest, account_no: str) -> HttpResponse:
    """What the electricity of an account costs, for whoever serves it."""
    head = customers.get_head(account_no)
    saw(request, record_of(head.account_id))
    found = operating_cost(head.account_id, today=timezone.localdate())
    return render(request, "cis/advice/operating_account.html", {"head": head, **_context(found)})


@for_customers
@require_safe
def my_operating(request: HttpRequest) -> HttpResponse:
    """What the electricity of the account one looks at costs."""
    today = timezone.localdate()
    mine = portal.my_accounts(user_id=staff_of(request).pk, preferred=preferred_account(request), today=today)
    mine.current.require(Right.BILLS)
    own_days = (mine.current.first_day, mine.current.last_day)
    found = operating_cost(mine.current.account_id, today=today, within=own_days)
    # Hours of the day are usage, which not everybody who sees bills may see.
    context = _context(found, with_hours=mine.current.sees_usage)
    return render(request, "cis/advice/operating_portal.html", {"mine": mine, **context})


def _context(found: OperatingCost, *, with_hours: bool = True) -> dict[str, Any]:
    said = in_words(found.advice)
    return {
        "cost": found,
        "parts": _parts(found),
        "headline": _headline(found),
        "drivers": _drivers(found),
        "of_losses": _of_losses(found),
        "of_load": _of_load(found),
        "by_month": _by_month(found) if found.months else None,
        "by_hour": _by_hour(found) if found.day_w and with_hours else None,
        "said": said,
        "levers": [text for text in (_of_way(found), said.of_shift, _of_compensation(found), said.of_idle) if text],
    }


def _headline(found: OperatingCost) -> str:
    if found.per_kwh_e8 is None:
        return _("还没有可以分析的账单。")
    words = {
        "months": found.advice.months_covered,
        "kwh": format_energy(_whole(found.energy_kwh_e2)),
        "yuan": format_money(found.total_fen),
        "price": _price(found.per_kwh_e8),
    }
    return _("%(months)s 个月用电 %(kwh)s 度，电费 %(yuan)s 元，每度 %(price)s 元。") % words


def _parts(found: OperatingCost) -> tuple[PartInWords, ...]:
    widest = max((abs(fen) for _part, fen in found.parts), default=0) or 1
    whole = found.total_fen or 1
    return tuple(
        PartInWords(
            name=name_of(part),
            yuan=format_money(fen),
            share=_tenths(fen * 1_000 // whole),
            price=_price(per_kwh_e8(fen, found.energy_kwh_e2) or 0),
            bar_width=max(abs(fen) * _WIDTH // widest, 4),
            is_less=fen < 0,
        )
        for part, fen in found.parts
    )


def name_of(part: CostPart) -> str:
    """What a part of the cost is called."""
    words = {
        CostPart.BASIC: _("基本电费（容量或需量）"),
        CostPart.SHARP: _("尖峰电费"),
        CostPart.PEAK: _("高峰电费"),
        CostPart.FLAT: _("平段电费"),
        CostPart.VALLEY: _("低谷电费"),
        CostPart.ENERGY: _("电度电费"),
        CostPart.POWER_FACTOR: _("功率因数调整"),
        CostPart.FUNDS: _("代征基金"),
        CostPart.OTHER: _("其他"),
    }
    return words[part]


def _drivers(found: OperatingCost) -> list[str]:
    """Why a kWh costs what it does."""
    others = found.others
    if others is None or found.per_kwh_e8 is None:
        return [_("同单位同类用户太少，没有可以比较的平均价。")] if found.months else []
    difference = found.per_kwh_e8 - others.per_kwh_e8
    words = {
        "accounts": others.accounts,
        "mean": _price(others.per_kwh_e8),
        "difference": _price(abs(difference)),
    }
    if difference > 0:
        said = [_("同单位同类 %(accounts)s 户平均每度 %(mean)s 元，这户每度贵 %(difference)s 元。") % words]
    else:
        said = [_("同单位同类 %(accounts)s 户平均每度 %(mean)s 元，这户每度便宜 %(difference)s 元。") % words]
    # What does not show at four places is no reason.
    shown = [(part, e8) for part, e8 in others.dearer_e8 if abs(e8) >= _LEAST_E8]
    for part, e8 in shown[:4]:
        one = {"part": name_of(part), "yuan": _price(abs(e8))}
        said.append(_("%(part)s：每度贵 %(yuan)s 元") % one if e8 > 0 else _("%(part)s：每度便宜 %(yuan)s 元") % one)
    return said


def _of_losses(found: OperatingCost) -> str:
    if not found.loss_kwh_e2 or not found.energy_kwh_e2:
        return ""
    return _("其中变压器和线路损耗 %(kwh)s 度，占 %(share)s。") % {
        "kwh": format_energy(found.loss_kwh_e2),
        "share": _tenths(found.loss_kwh_e2 * 1_000 // found.energy_kwh_e2),
    }


def _of_load(found: OperatingCost) -> str:
    if found.load_factor_e4 is None:
        return _("有的月份没有最大需量，算不出全年负荷率。")
    return _("全年负荷率 %(factor)s：电量除以最高需量一直用满的电量。越高，同样的需量分摊到每度的基本电费越少。") % {
        "factor": _tenths(found.load_factor_e4 // 10)
    }


def _of_way(found: OperatingCost) -> str:
    best = found.advice.best
    if best is None or best.is_now or not found.advice.saves_fen:
        return ""
    return _("换计收方式，可少付 %(yuan)s 元。") % {"yuan": format_money(found.advice.saves_fen)}


def _of_compensation(found: OperatingCost) -> str:
    steps = found.advice.levers.compensation if found.advice.levers else ()
    if not steps:
        return ""
    last = steps[-1]
    return _("无功补偿到 %(factor)s：约 %(kvar)s 千乏、%(cost)s 元，可少付 %(yuan)s 元，约 %(months)s 个月收回。") % {
        "factor": f"{last.power_factor_e2 / 100:.2f}",
        "kvar": last.kvar,
        "cost": format_money(last.cost_fen),
        "yuan": format_money(last.saves_fen),
        "months": last.pays_back_months,
    }


def _by_month(found: OperatingCost) -> dict[str, Any]:
    registers = list(dict.fromkeys(register for month in found.months for register, _kwh in month.periods))
    if registers:
        each = [dict(month.periods) for month in found.months]
        series = [
            {
                "name": in_language(*REGISTER_NAMES[register]),
                "stack": "month",
                "values": [periods.get(register, 0) for periods in each],
            }
            for register in registers
        ]
    else:
        series = [{"name": _("用电量"), "values": [month.energy_kwh_e2 for month in found.months]}]
    return {
        "x": [format_month(month.cycle) for month in found.months],
        "x_name": _("月份"),
        "unit": _("度"),
        "scale": 100,
        "digits": 0,
        "kind": "bar",
        "series": series,
        "columns": [
            {
                "name": _("电费"),
                "unit": _("元"),
                "scale": 100,
                "digits": 2,
                "values": [month.total_fen for month in found.months],
            },
            {
                "name": _("最大需量"),
                "unit": _("千瓦"),
                "scale": 10_000,
                "digits": 0,
                "values": [month.demand_kw_e4 for month in found.months],
            },
            {
                "name": _("负荷率"),
                "unit": "%",
                "scale": 100,
                "digits": 1,
                "values": [month.load_factor_e4 for month in found.months],
            },
            {
                "name": _("功率因数"),
                "unit": "",
                "scale": 100,
                "digits": 2,
                "values": [month.power_factor_e2 for month in found.months],
            },
        ],
    }


def _by_hour(found: OperatingCost) -> dict[str, Any]:
    return {
        "x": list(QUARTERS),
        "x_name": _("时刻"),
        "unit": _("千瓦"),
        "scale": 1000,
        "digits": 1,
        "kind": "area",
        "series": [{"name": _("平均功率"), "values": list(found.day_w)}],
    }


def _price(e8: int) -> str:
    """Yuan a kWh to four places."""
    sign = MINUS if e8 < 0 else ""
    return f"{sign}{format_price((abs(e8) + 5_000) // 10_000 * 10_000)}"


def _tenths(permille: int) -> str:
    """A share in per cent to one place."""
    sign = MINUS if permille < 0 else ""
    return f"{sign}{abs(permille) // 10}.{abs(permille) % 10}%"


def _whole(kwh_e2: int) -> int:
    return (kwh_e2 + 50) // 100 * 100
