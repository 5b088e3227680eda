"""Why a bill is more than an earlier one, in sentences with a bar each; read without a script."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cis.explaining import Effect, NoBasis
from cis.queries.why_more import Against, WhyMore
from config.shared.display_formats import MINUS, format_energy, format_money, format_month

# Bars begin in the middle and reach at most to either end; all of it is this long.
_WIDTH = 1000


@dataclass(frozen=True, slots=True)
class EffectInWords:
    """One effect: what it is, how much with its sign, a sentence behind it, and its bar."""

    name: str
    amount: str
    sentence: str
    is_more: bool
    bar_from: int
    bar_width: int


@dataclass(frozen=True, slots=True)
class DifferenceInWords:
    """A whole comparison, said; `effects` is empty where nothing differs or nothing can be told."""

    headline: str
    summary: str
    other_bill_no: str
    other_words: str
    effects: tuple[EffectInWords, ...]
    of_weather: str
    """why the weather has no share, empty where it has one or needs none"""
    against: Against


def against_of(asked: str) -> Against:
    """What the page was asked to compare with."""
    return "year" if asked == "year" else "last"


def in_words(found: WhyMore | None) -> DifferenceInWords | None:
    """A comparison as pages show it; None where there is nothing to compare with."""
    if found is None:
        return None
    widest = max((abs(fen) for _effect, fen in found.effects), default=1)
    effects = tuple(_of_effect(found, effect, fen, widest) for effect, fen in found.effects)
    return DifferenceInWords(
        headline=_headline(found),
        summary=_("，").join(f"{one.name} {one.amount}" for one in effects),
        other_bill_no=found.before.bill_no,
        other_words=_("%(month)s 的电费是 %(yuan)s 元。")
        % {"month": format_month(found.before.cycle), "yuan": format_money(found.before.total_fen)},
        effects=effects,
        of_weather=_of_weather(found) if effects else "",
        against=found.against,
    )


def _headline(found: WhyMore) -> str:
    yuan = {"yuan": format_money(abs(found.difference_fen))}
    if not found.is_split:
        return _("这两张账单的算法不同，没有办法逐项比较。")
    if found.difference_fen == 0:
        return _("和去年同月一样多。") if found.against == "year" else _("和上次一样多。")
    if found.against == "year":
        text = _("比去年同月多 %(yuan)s 元") if found.difference_fen > 0 else _("比去年同月少 %(yuan)s 元")
    else:
        text = _("比上次多 %(yuan)s 元") if found.difference_fen > 0 else _("比上次少 %(yuan)s 元")
    return text % yuan


def _of_effect(found: WhyMore, effect: Effect, fen: int, widest: int) -> EffectInWords:
    width = max(abs(fen) * _WIDTH // (2 * widest), 4)
    return EffectInWords(
        name=_NAMES[effect](found, fen),
        amount=f"{'+' if fen > 0 else MINUS}{format_money(abs(fen))}",
        sentence=_SENTENCES[effect](found, fen),
        is_more=fen > 0,
        bar_from=_WIDTH // 2 if fen > 0 else _WIDTH // 2 - width,
        bar_width=width,
    )


def _days_name(found: WhyMore, _fen: int) -> str:
    more = found.now.days - found.before.days
    if more > 0:
        return ngettext("多 %(days)s 天", "多 %(days)s 天", more) % {"days": more}
    if more < 0:
        return ngettext("少 %(days)s 天", "少 %(days)s 天", -more) % {"days": -more}
    return _("计费月数不同")


def _weather_name(found: WhyMore, fen: int) -> str:
    if fen < 0:
        return _("天气更温和")
    before, now = found.before.temperature_c_e2 or 0, found.now.temperature_c_e2 or 0
    if _degrees(before) == _degrees(now):
        return _("冷热的日子更多")
    return _("天更热") if now > before else _("天更冷")


def _usage_name(_found: WhyMore, fen: int) -> str:
    return _("用电更多") if fen > 0 else _("用电更少")


def _tiers_name(found: WhyMore, fen: int) -> str:
    if fen < 0:
        return _("高档的电量更少")
    if found.now.top_tier > found.before.top_tier:
        return _("进入第 %(tier)s 档") % {"tier": found.now.top_tier}
    return _("高档的电量更多")


def _price_name(found: WhyMore, _fen: int) -> str:
    if found.now.tariff_id != found.before.tariff_id:
        return _("换了电价")
    return _("电价调整")


_NAMES: dict[Effect, Callable[[WhyMore, int], str]] = {
    Effect.HOUSEHOLD: lambda _found, _fen: _("登记人数变了"),
    Effect.DAYS: _days_name,
    Effect.WEATHER: _weather_name,
    Effect.USAGE: _usage_name,
    Effect.PERIODS: lambda _found, _fen: _("用电的时段变了"),
    Effect.TIERS: _tiers_name,
    Effect.SEASON: lambda _found, _fen: _("换季"),
    Effect.TERMS: lambda _found, _fen: _("容量、需量等变了"),
    Effect.PRICE: _price_name,
    Effect.OTHER: lambda _found, _fen: _("更正和退补"),
}


def _days_sentence(found: WhyMore, _fen: int) -> str:
    return _("这次 %(now)s 天，那次 %(before)s 天。") % {"now": found.now.days, "before": found.before.days}


def _weather_sentence(found: WhyMore, _fen: int) -> str:
    words = {
        "before": _degrees(found.before.temperature_c_e2),
        "now": _degrees(found.now.temperature_c_e2),
        "kwh": format_energy(_whole(abs(found.weather_kwh_e2))),
    }
    if words["before"] == words["now"]:
        # The mean says nothing then: it is the days above and below it that count.
        change = _("平均气温同样是 %(now)s °C，冷热的日子不一样，") % words
    else:
        change = _("平均气温从 %(before)s °C 到 %(now)s °C，") % words
    if found.weather_kwh_e2 < 0:
        text = change + _("估算少用了 %(kwh)s 度。") % words
    else:
        text = change + _("估算多用了 %(kwh)s 度。") % words
    if found.is_by_day:
        return text + _("依据是自己每天的用电和当天气温。")
    return text + _("依据是自己一年来各次账单的用电和气温。")


def _usage_sentence(found: WhyMore, fen: int) -> str:
    before, now = found.before, found.now
    more = now.energy_kwh_e2 - before.energy_kwh_e2 * now.days // before.days - found.weather_kwh_e2
    kwh = {"kwh": format_energy(_whole(abs(more)))}
    if found.weather_kwh_e2:
        text = _("除去天数和天气，多用了 %(kwh)s 度。") if fen > 0 else _("除去天数和天气，少用了 %(kwh)s 度。")
    else:
        text = _("除去天数，多用了 %(kwh)s 度。") if fen > 0 else _("除去天数，少用了 %(kwh)s 度。")
    return text % kwh


def _price_sentence(found: WhyMore, _fen: int) -> str:
    if Effect.PERIODS in found.left_to_price:
        return _("同样多的电，按这次的电价和时段计算的差别。")
    return _("同样的用电，按这次的电价计算的差别。")


_SENTENCES: dict[Effect, Callable[[WhyMore, int], str]] = {
    Effect.HOUSEHOLD: lambda _found, _fen: _("登记的人数决定每一档有多少度。"),
    Effect.DAYS: _days_sentence,
    Effect.WEATHER: _weather_sentence,
    Effect.USAGE: _usage_sentence,
    Effect.PERIODS: lambda _found, _fen: _("同样多的电，用在价格不同的时段。"),
    Effect.TIERS: lambda _found, _fen: _("第 1 档以上的电量比第 1 档贵的部分，都算在这里。"),
    Effect.SEASON: lambda _found, _fen: _("这个季节的价格或分档和那次不同。"),
    Effect.TERMS: lambda _found, _fen: _("除电量以外的计费量，例如容量、需量、功率因数。"),
    Effect.PRICE: _price_sentence,
    Effect.OTHER: lambda _found, _fen: _("不是这两期用电算出来的金额，例如前期更正。"),
}


def _of_weather(found: WhyMore) -> str:
    words: dict[NoBasis, str] = {
        NoBasis.NO_TEMPERATURES: _("天气的影响没有单独算：没有这段时间的气温记录。它包含在用电多少里。"),
        NoBasis.FEW_DAYS: _("天气的影响没有单独算：每日用电和账单的记录还太少。它包含在用电多少里。"),
        NoBasis.NO_PATTERN: _("天气的影响没有单独算：用电和气温没有明显关系。"),
    }
    return words[found.weather] if isinstance(found.weather, NoBasis) else ""


def _degrees(c_e2: int | None) -> str:
    """A temperature to one place, rounded half away from zero."""
    if c_e2 is None:
        return "—"
    tenths = (abs(c_e2) + 5) // 10
    return f"{MINUS if c_e2 < 0 and tenths else ''}{tenths // 10}.{tenths % 10}"


def _whole(kwh_e2: int) -> int:
    """Rounded to whole kWh: an estimate is not told to hundredths."""
    return (kwh_e2 + 50) // 100 * 100
