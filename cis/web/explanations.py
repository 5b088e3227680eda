"""Why a line of a bill is what it is, in sentences that read aloud well."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from cis.queries.billing import LineExplained
from cis.rating import PRICE_COMPONENTS
from cis.rating.columns import WHOLE
from cis.rating.tier_years import TIER_YEAR_MONTHS
from config.shared.display_formats import MINUS, format_demand, format_energy, format_money, format_price
from config.shared.languages import in_language


def name_of(line: LineExplained) -> str:
    """What the line is called in the language of the request."""
    return in_language(line.name_zh, line.name_en)


def quantity_of(line: LineExplained) -> str:
    """How much, without its unit."""
    if line.unit == "yuan":
        return format_money(line.quantity)
    return format_demand(line.quantity) if line.unit == "kW" else format_energy(line.quantity)


def unit_of(line: LineExplained) -> str:
    """The unit of the quantity, as people say it."""
    return {"kWh": _("度"), "kVA": _("千伏安"), "kW": _("千瓦"), "yuan": _("元")}[line.unit]


def price_of(line: LineExplained) -> str:
    """The price, or the rate of an adjustment, with its unit."""
    if line.unit == "yuan":
        return f"{Decimal(line.price_e8).scaleb(-6).normalize():f}%".replace("-", MINUS)
    per = {"kWh": _("元/度"), "kVA": _("元/千伏安·月"), "kW": _("元/千瓦·月")}[line.unit]
    return f"{format_price(line.price_e8)} {per}"


def formula_of(line: LineExplained) -> str:
    """Quantity x price x share = amount."""
    words = {
        "quantity": f"{quantity_of(line)} {unit_of(line)}",
        "price": price_of(line),
        "amount": format_money(line.amount_fen),
    }
    if line.share == WHOLE:
        return _("%(quantity)s × %(price)s = %(amount)s 元") % words
    share = f"{line.share // 2}/30" if line.share % 2 == 0 else f"{line.share}/60"
    return _("%(quantity)s × %(price)s × %(share)s = %(amount)s 元") % (words | {"share": share})


def sentences_of(line: LineExplained) -> list[str]:
    """The rule behind the line, a sentence each; empty where the formula says everything."""
    facts = line.facts
    said = [*_of_other_bills(line), *_of_part(facts)]
    if "tier" in facts:
        said += _of_tier(facts)
    if facts.get("is_shared_meter"):
        said.append(_("合表用户不分档，全部电量按一个价格算。"))
    if facts.get("price_of_tier") == 1 and "register" in facts:
        said.append(_("分时部分按第 1 档的价格算；超出的档次另外加价。"))
    if facts.get("price_season"):
        said.append(_("%(season)s的价格。") % {"season": _season(str(facts["price_season"]))})
    if facts.get("components_yuan"):
        said.append(_of_components(facts))
    if "demand_mode" in facts:
        said += _of_basic_charge(line, facts)
    if "pf_standard_e2" in facts:
        said += _of_power_factor(line, facts)
    if facts.get("base") == "import_energy":
        said.append(_("按全部用电量代国家征收，不归供电企业。"))
    return said


def _of_other_bills(line: LineExplained) -> list[str]:
    """Lines that no tariff made: what they are of."""
    words = {
        "CORRECTION_MORE": _("以前的账单按更正后的示数重算，少收的部分在这里补上。"),
        "CORRECTION_LESS": _("以前的账单按更正后的示数重算，多收的部分在这里退还。"),
        "CORRECTION_FUND_MORE": _("以前账单里代国家征收的基金，少收的部分。"),
        "CORRECTION_FUND_LESS": _("以前账单里代国家征收的基金，多收的部分。"),
        **dict.fromkeys(
            ("CORRECTION_FUND_RURAL", "CORRECTION_FUND_RESERVOIR", "CORRECTION_FUND_RENEWABLE"),
            _("以前账单里代国家征收的这项基金，按更正后的电量多退少补。"),
        ),
        "CORRECTION_FREE_KWH": _("以前账单里的免费电量，按更正后的电量多退少补。"),
        "CREDIT_KEPT": _("要退的比本期电费多，多出的部分转入您的预存，以后的电费先用它抵。"),
        "BACK_BILLED": _("按退补单追补的电费，依据和计算见退补单。"),
        "BREACH_PENALTY": _("按退补单收取的违约使用电费，依据和计算见退补单。"),
        "MARKET_SETTLED_MORE": _(
            "以前月份的市场化购电，交易中心的结算比当时计的多，差额在这里补上。月份和结算单见下方。"
        ),
        "MARKET_SETTLED_LESS": _(
            "以前月份的市场化购电，交易中心的结算比当时计的少，差额在这里退还。月份和结算单见下方。"
        ),
    }
    return [words[line.code]] if line.code in words else []


def _of_part(facts: Mapping[str, Any]) -> list[str]:
    """Which part of the bill the line is of, where it has several; and what losses are in it."""
    said = []
    if "part_from" in facts:
        first, end = (date.fromisoformat(str(facts[name])) for name in ("part_from", "part_to"))
        last = end - timedelta(days=1)
        said.append(
            _("%(first)s 至 %(last)s 的部分：这一期里价格或合同变更，分段计算。")
            % {"first": f"{first:%Y-%m-%d}", "last": f"{last:%Y-%m-%d}"}
        )
    others = {
        "sub_meter": _("分表计量的部分，按它自己的电价。"),
        "fixed": _("按约定的定量，从总表电量里划出。"),
        "ratio": _("按约定的定比，从总表电量里划出。"),
    }
    if facts.get("part") in others:
        said.append(others[str(facts["part"])])
    if facts.get("loss_kwh_e2"):
        said.append(
            _("其中变压器和线路损耗 %(loss)s 度，按合同由用户承担。") % {"loss": format_energy(facts["loss_kwh_e2"])}
        )
    return said


def _of_tier(facts: Mapping[str, Any]) -> list[str]:
    tier, lower, upper = facts["tier"], facts["lower_kwh_e2"], facts["upper_kwh_e2"]
    place = {"tier": tier, "lower": format_energy(lower), "upper": format_energy(upper) if upper is not None else ""}
    is_monthly = facts.get("tier_period") == "month"
    if upper is None:
        text = _("第 %(tier)s 档：%(lower)s 度以上的部分") % place
    else:
        text = _("第 %(tier)s 档：%(lower)s–%(upper)s 度") % place
    span = (
        _("（按 %(months)s 个月算）") % {"months": facts["bound_months"]}
        if is_monthly
        else _("（按年累计，%(months)s 个月）") % {"months": facts["bound_months"]}
    )
    said = [text + span + _("。")]
    if not is_monthly and facts["bound_months"] < TIER_YEAR_MONTHS:
        said.append(_("过户当年的分档按这一户实际用电的月份折算，过户的那个月算一个月。"))
    if facts.get("season"):
        said.append(_("现在用的是%(season)s的分档。") % {"season": _season(str(facts["season"]))})
    if not is_monthly and facts["energy_before_kwh_e2"]:
        said.append(_("今年在此之前已用 %(before)s 度。") % {"before": format_energy(facts["energy_before_kwh_e2"])})
    if facts.get("household_extra_kwh_e2"):
        said.append(
            _("家里登记 %(people)s 人，这一档多给 %(extra)s 度。")
            % {"people": facts["people"], "extra": format_energy(facts["household_extra_kwh_e2"])}
        )
    return said


def _of_basic_charge(line: LineExplained, facts: Mapping[str, Any]) -> list[str]:
    said: list[str] = []
    if line.share != WHOLE:
        said.append(_("这部分容量本月只用了一部分日子，每天按月费的三十分之一计。"))
    if facts["demand_mode"] == "capacity":
        said.append(_("按变压器容量计收，与用电多少无关。"))
    elif facts["demand_mode"] == "actual":
        said.append(_("按本月实际最大需量计收。"))
    else:
        words = {
            "contract": format_demand(facts["contract_kw_e4"]),
            "demand": format_demand(facts["demand_kw_e4"]),
            "threshold": format_demand(facts["threshold_kw_e4"]),
            "pct": facts["threshold_pct"],
        }
        said.append(_("按合同需量 %(contract)s 千瓦计收；本月最大需量 %(demand)s 千瓦。") % words)
        if "lifted_from_kw_e4" in facts:
            said.append(
                _("申请值 %(applied)s 千瓦低于容量的 %(pct)s%%，按 %(contract)s 千瓦计。")
                % {
                    "applied": format_demand(facts["lifted_from_kw_e4"]),
                    "pct": facts["floor_pct"],
                    "contract": words["contract"],
                }
            )
        if facts["demand_kw_e4"] > facts["threshold_kw_e4"]:
            said.append(_("最大需量超过合同值的 %(pct)s%%（%(threshold)s 千瓦），超出部分加倍。") % words)
    if "discount_price_pct" in facts:
        said.append(
            _("每千伏安用电达到 %(kwh)s 度，需量单价按 %(pct)s%% 计。")
            % {"kwh": facts["discount_from_kwh_per_kva"], "pct": facts["discount_price_pct"]}
        )
    return said


def _of_power_factor(line: LineExplained, facts: Mapping[str, Any]) -> list[str]:
    words = {
        "active": format_energy(facts.get("pf_active_kwh_e2")),
        "reactive": format_energy(facts.get("pf_reactive_kvarh_e2")),
        "factor": f"{facts['power_factor_e2'] / 100:.2f}",
        "standard": f"{facts['pf_standard_e2'] / 100:.2f}",
    }
    said = [_("有功 %(active)s 度、无功 %(reactive)s 千乏时，功率因数 %(factor)s，标准 %(standard)s。") % words]
    said.append(
        _("高于标准，按比例减收基本电费和电度电费（不含代征基金）。")
        if line.price_e8 < 0
        else _("低于标准，按比例加收基本电费和电度电费（不含代征基金）；装设无功补偿可以减少。")
    )
    return said


def _of_components(facts: Mapping[str, Any]) -> str:
    parts = facts["components_yuan"]
    listed = _("、").join(f"{in_language(*PRICE_COMPONENTS[key])} {_plain(value)}" for key, value in parts.items())
    text = _("每度价格由这几部分相加：%(parts)s。") % {"parts": listed}
    if "ratio" in facts:
        text += _("其中浮动部分乘以 %(ratio)s。") % {"ratio": _plain(facts["ratio"])}
    return text


def _season(name: str) -> str:
    words = {
        "heating": _("采暖季"),
        "non_heating": _("非采暖季"),
        "wet": _("丰水期"),
        "dry": _("枯水期"),
        "summer": _("夏季"),
        "non_summer": _("非夏季"),
        "jul_sep": _("7–9 月"),
        "other": _("其余月份"),
    }
    return words.get(name, name)


def _plain(value: object) -> str:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)
