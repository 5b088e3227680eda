"""A home with rooftop solar beside a home without, and what its owner is paid by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from cis.models import FeedInPayment, PayoutLine, ReadingRoute, TransformerDistrict
from cis.operations import feed_in, payouts
from cis.rating.registers import Register
from config.shared import approvals
from config.shared.models import OrgUnit
from tests.factories.market import leader_of
from tests.factories.world import RESIDENTIAL_TARIFF, AccountIds, World, make_account

CARD, OTHER_CARD = "6222020200112233446", "6217000010001234569"
PRICE_E8, SUBSIDY_E8 = 41_610_000, 3_000_000
IMPORTED, EXPORTED = 2_300, 1_237
"""kWh a month: the import of January crosses the bound between the tiers"""


@dataclass(frozen=True)
class Homes:
    """Two homes that take in the same energy; one feeds in as well."""

    plain: AccountIds
    solar: AccountIds
    plant_id: int


def make_homes(world: World, *, kind: str = "household", bank: str = "工行东湖支行") -> Homes:
    """Make them, with readings of all the world's cycles and a feed-in price."""
    unit = OrgUnit.objects.get(pk=world.county_a_id)
    route = ReadingRoute.objects.get(pk=world.route_day_0_id)
    district = TransformerDistrict.objects.get(pk=world.transformer_district_id)
    used = {Register.TOTAL: tuple(IMPORTED for _ in world.cycles)}
    fed = {Register.EXPORT_TOTAL: tuple(EXPORTED for _ in world.cycles)}
    plain = make_account("4290000021", "赵平", unit, route, district, RESIDENTIAL_TARIFF, world.cycles, used)
    solar = make_account("4290000022", "钱阳", unit, route, district, RESIDENTIAL_TARIFF, world.cycles, used | fed)
    feed_in.add_price(
        province="湖北",
        kind=kind,
        regime="benchmark",
        connected_from=None,
        connected_until=date(2025, 6, 1),
        valid_from=date(2020, 1, 1),
        valid_until=None,
        price_e8=PRICE_E8,
        subsidy_e8=SUBSIDY_E8,
        source="湖北燃煤基准价（待核对）",
    )
    plant = feed_in.register_plant(
        account_id=solar.account_id,
        kind=kind,
        capacity_kw_e2=10_00,
        connected_on=date(2024, 5, 1),
        payee="钱阳",
        bank=bank,
        card_no=CARD,
    )
    return Homes(plain, solar, plant)


@dataclass(frozen=True)
class FeedIn:
    """What `feed_in_a_month` made."""

    payment_id: int
    payout_batch_id: int


def feed_in_a_month(world: World, *, at: datetime) -> FeedIn:
    """A home with solar whose newest month is computed, confirmed and handed to the bank."""
    homes = make_homes(world)
    feed_in.compute_month(cycle=world.cycle, by_id=world.accountant_id, at=at)
    feed_in.confirm_month(cycle=world.cycle, by_id=world.accountant_id, at=at)
    asked = payouts.ask_payout(asked_by_id=world.accountant_id, at=at)
    approvals.approve(approval_id=asked, decided_by_id=leader_of(world), at=at)
    payment = FeedInPayment.objects.get(account_id=homes.solar.account_id)
    return FeedIn(payment.pk, PayoutLine.objects.get(payment=payment).batch_id)
