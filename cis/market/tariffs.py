"""Pure: a tariff version's rules from the month's table and the way the customer buys.

Source: 发改价格〔2021〕1439号, 发改办价格〔2021〕809号, 发改价格〔2023〕526号; billing-rules.md 2.5. Network,
purchase-side loss, system operation and funds are the table's for everybody; what differs is the purchase.
"""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from cis.market.month import MarketMonth, NetworkPrice
from cis.market.packages import Package
from cis.rating.refusal import CannotPrice

__all__ = ["GROUNDS", "agent_rules", "multiple_rules", "retail_rules"]

GROUNDS: dict[str, tuple[str, str]] = {
    "left_market": ("退出市场交易", "left the market"),
    "captive_coal": ("拥有燃煤自备电厂", "has a captive coal plant"),
    "energy_intensive": ("高耗能用户", "energy-intensive user"),
}
"""Why a customer of the agent purchase pays a multiple (发改办价格〔2021〕809号): code to Chinese and English words."""

Rules = list[dict[str, Any]]


def agent_rules(month: MarketMonth, price: NetworkPrice, *, by_period: bool) -> Rules:
    """Return the rules of a tariff whose energy the utility buys."""
    parts = {"agent_purchase": month.agent_purchase, **_others(month, price)}
    return [_composed(month, parts, month.floats, by_period=by_period), *_tail(month, price)]


def multiple_rules(month: MarketMonth, price: NetworkPrice, *, by_period: bool) -> Rules:
    """
    Return the rules of those who pay a multiple of the agent purchase price.

    Raises CannotPrice(`multiple_missing`) where the month's table has no multiple.
    """
    if month.multiple is None:
        raise CannotPrice("multiple_missing", "the table says no multiple")
    parts = {"agent_purchase": month.agent_purchase, **_others(month, price)}
    parts = {name: value * month.multiple if name in month.multiple_on else value for name, value in parts.items()}
    floats = month.floats
    if "agent_purchase" in month.multiple_on:
        parts = {"agent_purchase_multiple" if name == "agent_purchase" else name: v for name, v in parts.items()}
        floats = tuple("agent_purchase_multiple" if name == "agent_purchase" else name for name in floats)
    return [_composed(month, parts, floats, by_period=by_period), *_tail(month, price)]


def retail_rules(month: MarketMonth, price: NetworkPrice, package: Package, *, by_period: bool) -> Rules:
    """Return the rules of a customer of a retailer; raises CannotPrice where the package does not fit the month."""
    energy: dict[str, Any] = {"kind": "market_energy", "retail": package.price(month, by_period=by_period)}
    parts = ("line_loss", "network", "system_operation")
    for part, (name, value) in zip(parts, _others(month, price).items(), strict=True):
        energy[part] = (
            {
                "price_yuan": {
                    period: _text((value * ratio).quantize(Decimal(1).scaleb(-month.places), ROUND_HALF_UP))
                    for period, ratio in month.ratio.items()
                }
            }
            if by_period and name in month.floats
            else {"price_yuan": _text(value)}
        )
    return [energy, *_tail(month, price)]


def _others(month: MarketMonth, price: NetworkPrice) -> dict[str, Decimal]:
    return {
        "line_loss": month.line_loss,
        "transmission_distribution_energy": price.energy,
        "system_operation": month.system_operation,
    }


def _composed(
    month: MarketMonth, parts: dict[str, Decimal], floats: tuple[str, ...], *, by_period: bool
) -> dict[str, Any]:
    """Return the energy rule that adds the parts up, those that float times the period's ratio."""
    groups = {
        "floating_base_yuan": {name: _text(value) for name, value in parts.items() if name in floats},
        "fixed_yuan": {name: _text(value) for name, value in parts.items() if name not in floats},
    }
    composition: dict[str, Any] = {name: group for name, group in groups.items() if group}
    if by_period:
        composition["ratio"] = {period: str(ratio) for period, ratio in month.ratio.items()}
    kind = "time_of_use" if by_period else "flat_energy"
    return {"kind": kind, "composition": composition, "price_places": month.places}


def _tail(month: MarketMonth, price: NetworkPrice) -> Rules:
    tail: Rules = []
    if price.structure == "two_part":
        tail.append(
            {
                "kind": "basic_charge",
                "capacity_price_yuan_per_kva_month": _text(price.capacity or Decimal(0)),
                "demand_price_yuan_per_kw_month": _text(price.demand or Decimal(0)),
            }
        )
    items = [{"charge": name, "price_yuan": _text(value)} for name, value in month.funds.items()]
    return [*tail, {"kind": "power_factor", "table": "1983-215"}, {"kind": "funds", "items": items}]


def _text(value: Decimal) -> str:
    """Return a price as rules write it: at most eight places."""
    return format(value.quantize(Decimal("1e-8"), ROUND_HALF_UP).normalize(), "f")
