"""Why a line of a bill is what it is, in sentences that read aloud well."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from cis.queries.billing import LineExplained
from cis.rating import PRICE_COMPONENTS
from config.shared.display_formats import format_energy, format_money, format_price
from config.shared.languages import in_language


def name_of(line: LineExplained) -> str:
    """What the line is called in the language of the request."""
    return in_language(line.name_zh, line.name_en)


def formula_of(line: LineExplained) -> str:
    """Quantity x price = amount."""
    return _("%(quantity)s 度 × %(price)s 元/度 = %(amount)s 元") % {
        "quantity": format_energy(line.quantity),
        "price": format_price(line.price_e8),
        "amount": format_money(line.amount_fen),
    }


def sentences_of(line: LineExplained) -> list[str]:
    """The rule behind the line, a sentence each; empty where the formula says everything."""
    facts = line.facts
    said: list[str] = []
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
    if facts.get("base") == "import_energy":
        said.append(_("按全部用电量代国家征收，不归供电企业。"))
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
