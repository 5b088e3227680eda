"""The published January 2026 table of Hubei as the month's table of any month, and packages to buy by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cis.demo.market_table import january_values
from cis.models import MarketMonth
from cis.operations import market_months, retail
from cis.operations.settlement_files import import_settlement
from config.shared import approvals
from config.shared.models import OrgUnit, User
from config.shared.periods import add_months
from tests.factories.settlements import as_csv, line
from tests.factories.world import World, make_user

FIXED = {"price_yuan": "0.392", "floats": True}
SHARE = {
    "reference": "monthly_auction",
    "base_yuan": "0.41",
    "customer_share_pct": 60,
    "shares_losses": False,
    "floats": True,
}


def month_values(**changed: Any) -> dict[str, Any]:
    """Hubei, January 2026, with a multiple of 1.5 and the price of a monthly auction that nobody published."""
    return january_values() | changed


@dataclass(frozen=True)
class Market:
    """What `open_market` made."""

    market_month_id: int
    retailer_id: int
    package_id: int
    agreement_id: int
    settlement_id: int


def leader_of(world: World) -> int:
    """Who publishes prices for the whole utility."""
    known = User.objects.filter(username="price_leader").first()
    return (known or make_user("price_leader", OrgUnit.objects.get(pk=world.province_id), "leader")).pk


def publish_month(world: World, month: int, *, at: datetime, **changed: Any) -> MarketMonth:
    """The administrator enters a month's table, a leader publishes it."""
    entered = enter_month(world, month, at=at, **changed)
    approvals.approve(approval_id=entered.approval_id or 0, decided_by_id=leader_of(world), at=at)
    return MarketMonth.objects.get(pk=entered.pk)


def enter_month(world: World, month: int, *, at: datetime, **changed: Any) -> MarketMonth:
    """The administrator enters a month's table; it waits."""
    entered = market_months.enter_month(
        province="湖北",
        month=month,
        values=month_values(**changed),
        source=f"代理购电价格表 {month}",
        entered_by_id=world.administrator_id,
        at=at,
    )
    return MarketMonth.objects.get(pk=entered)


def open_market(world: World, *, at: datetime) -> Market:
    """A published month, a retailer with a package, and the shop that buys by it from the next month on."""
    month = add_months(world.cycle, 2)
    row = publish_month(world, month, at=at)
    seller = retail.add_retailer(code="SD001", name="江汉售电有限公司", name_en="Jianghan Retail")
    package = retail.add_package(
        retailer_id=seller, code="F1", name="固定价一年", kind="fixed", terms=FIXED, source="零售平台备案 0117"
    )
    agreement = retail.sign_agreement(
        account_id=world.commercial.account_id,
        package_id=package,
        from_month=month,
        until_month=None,
        document="零售合同 2026-0117",
        signed_by_id=world.accountant_id,
        at=at,
    )
    # The shop and a home, settled as a retailer's customers in a month in which they were none: both differ.
    differ = (world.commercial.account_no, world.residential.account_no)
    settled = import_settlement(
        data=as_csv([line(one, month=world.cycle, kwh="4000.00", energy="1568.00") for one in differ]),
        file_name=f"零售结算_{world.cycle}.csv",
        province="湖北",
        month=world.cycle,
        by_id=world.accountant_id,
        at=at,
    )
    return Market(row.pk, seller, package, agreement, settled.settlement_id)
