"""Buying through the utility or from a retailer, compared on one's own bills: in finished words and bars."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from cis.queries.market_advice import MarketAdvice, MarketWay
from config.shared.display_formats import MINUS, format_money, format_month

__all__ = ["MarketInWords", "WayInWords", "market_in_words"]

_WIDTH = 1000


@dataclass(frozen=True, slots=True)
class WayInWords:
    """One way of buying with its bar; `months`: month, as billed, so, and the difference with its sign."""

    name: str
    way: str
    is_now: bool
    is_best: bool
    yuan: str
    difference: str
    is_less: bool
    bar_width: int
    note: str
    months: tuple[tuple[str, str, str, str], ...]


@dataclass(frozen=True, slots=True)
class MarketInWords:
    """The comparison, said; `unknown`: name and why."""

    headline: str
    ways: tuple[WayInWords, ...]
    unknown: tuple[tuple[str, str], ...]
    assumed: tuple[str, ...]


def market_in_words(advice: MarketAdvice) -> MarketInWords:
    """A comparison as pages show it."""
    now, best = advice.now, advice.ways[0]
    widest = max(way.total_fen for way in advice.ways) or 1
    return MarketInWords(
        headline=_headline(now, best),
        ways=tuple(
            WayInWords(
                name=" · ".join(filter(None, (way.seller, way.name))),
                way=way.kind,
                is_now=way.is_now,
                is_best=place == 0,
                yuan=format_money(way.total_fen),
                difference=_difference(way.total_fen - now.total_fen),
                is_less=way.total_fen < now.total_fen,
                bar_width=max(way.total_fen * _WIDTH // widest, 4),
                note=_("这个套餐月结后才定价，这里按条款暂算。") if way.is_provisional else "",
                months=_months(advice, way),
            )
            for place, way in enumerate(advice.ways)
        ),
        unknown=tuple(
            (
                " · ".join(filter(None, (way.seller, way.name))),
                _("%(months)s 定不出价：电价表里没有它要的参考价或时段，或者没有这个电价类别。")
                % {"months": _("、").join(format_month(cycle) for cycle in way.missing)},
            )
            for way in advice.unknown
        ),
        assumed=_assumed(advice),
    )


def _headline(now: MarketWay, best: MarketWay) -> str:
    words = {"yuan": format_money(now.total_fen), "saves": format_money(now.total_fen - best.total_fen)}
    if best.is_now or best.total_fen == now.total_fen:
        return _("这些月份付了 %(yuan)s 元，换别的购电方式不会更省。") % words
    return _("这些月份付了 %(yuan)s 元，换最省的购电方式可少付 %(saves)s 元。") % words


def _difference(fen: int) -> str:
    yuan = {"yuan": format_money(abs(fen))}
    if fen == 0:
        return _("一样多")
    return _("多 %(yuan)s 元") % yuan if fen > 0 else _("少 %(yuan)s 元") % yuan


def _months(advice: MarketAdvice, way: MarketWay) -> tuple[tuple[str, str, str, str], ...]:
    rows = zip(advice.cycles, advice.now.month_fen, way.month_fen, strict=True)
    return tuple(
        (
            format_month(cycle),
            format_money(was),
            format_money(fen),
            "0" if fen == was else f"{'+' if fen > was else MINUS}{format_money(abs(fen - was))}",
        )
        for cycle, was, fen in rows
    )


def _assumed(advice: MarketAdvice) -> tuple[str, ...]:
    """Which months have no table of their own, by the table that stands for them."""
    by_table: dict[int, list[int]] = {}
    for cycle, month in advice.assumed:
        by_table.setdefault(month, []).append(cycle)
    return tuple(
        _("%(months)s 没有录入公布的电价表，按 %(table)s 的表推算。")
        % {"months": _("、").join(format_month(cycle) for cycle in cycles), "table": format_month(month)}
        for month, cycles in sorted(by_table.items())
    )
