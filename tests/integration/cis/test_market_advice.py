"""The adviser's ways of buying are priced as bills are: to the fen, by the month's table or the one that is named."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.db import transaction

from cis.models import Bill
from cis.operations import retail
from cis.operations.billing import issue_bill_now
from cis.queries.adviser import advise
from cis.queries.market_advice import MarketAdvice
from tests.factories.market import FIXED, publish_month
from tests.factories.portal import signed_in
from tests.factories.world import World, small_world

pytestmark = pytest.mark.django_db

AT = datetime.fromisoformat("2026-04-03T09:00+08:00")


@pytest.fixture
def world(settings: Any) -> World:
    """The tiny utility in April; February's and March's tables are published, January's is not."""
    settings.BILL_DUE_DAYS = 20_000
    world = small_world(at=AT)
    for month, price in ((202602, "0.384470"), (202603, "0.401000")):
        publish_month(world, month, at=AT, agent_purchase_yuan=price)
    return world


def package(code: str, kind: str, terms: dict[str, Any]) -> int:
    sellers = retail.add_retailer(code=f"SD{code}", name=f"售电{code}")
    return retail.add_package(
        retailer_id=sellers, code=code, name=f"套餐{code}", kind=kind, terms=terms, source="零售平台备案"
    )


def bill(world: World) -> list[int]:
    """The shop's three bills; what they come to."""
    for cycle in world.cycles:
        issue_bill_now(account_id=world.commercial.account_id, cycle=cycle, issued_by_id=None, at=AT)
    return list(
        Bill.objects.filter(account_id=world.commercial.account_id)
        .order_by("cycle")
        .values_list("total_fen", flat=True)
    )


def advice(world: World) -> MarketAdvice:
    found = advise(world.commercial.account_id, today=AT.date()).market
    assert found is not None
    return found


def test_every_way_is_what_would_have_been_billed(world: World) -> None:
    bought = package("F1", "fixed", FIXED)
    with transaction.atomic():
        retail.sign_agreement(
            account_id=world.commercial.account_id, package_id=bought, from_month=202602, until_month=None,
            document="零售合同", signed_by_id=world.accountant_id, at=AT,
        )  # fmt: skip
        as_retail = bill(world)
        transaction.set_rollback(True)
    as_agent = bill(world)

    found = advice(world)

    ways = {way.key: way for way in found.ways}
    assert list(ways["now"].month_fen) == as_agent
    assert list(ways["agent"].month_fen[1:]) == as_agent[1:]
    assert list(ways[str(bought)].month_fen[1:]) == as_retail[1:]
    assert as_retail[1:] != as_agent[1:]
    assert [way.total_fen for way in found.ways] == sorted(way.total_fen for way in found.ways)
    # January has no table of its own: reckoned by February's, which is the first there is.
    assert found.assumed == ((202601, 202602),)


def test_a_package_that_the_tables_cannot_price_is_named_and_not_ranked(world: World) -> None:
    bought = package("S1", "spread", {"reference": "gas", "spread_yuan": "0", "floats": True})
    bill(world)

    found = advice(world)

    assert [(way.key, way.missing) for way in found.unknown] == [(str(bought), world.cycles)]
    assert str(bought) not in {way.key for way in found.ways}


def test_who_pays_a_multiple_is_told_the_multiple(world: World) -> None:
    retail.sign_agreement(
        account_id=world.commercial.account_id, package_id=None, ground="left_market", from_month=202602,
        until_month=None, document="退市通知", signed_by_id=world.accountant_id, at=AT,
    )  # fmt: skip
    billed = bill(world)

    ways = {way.key: way for way in advice(world).ways}

    assert list(ways["agent"].month_fen[1:]) == billed[1:]


def test_homes_have_no_such_choice_and_pages_say_what_is_assumed(world: World) -> None:
    bill(world)
    issue_bill_now(account_id=world.residential.account_id, cycle=world.cycles[0], issued_by_id=None, at=AT)
    client = signed_in(world.accountant_id)

    home = client.get(f"/console/accounts/{world.residential.account_no}/advice/").content.decode()
    shop = client.get(f"/console/accounts/{world.commercial.account_no}/advice/").content.decode()

    assert "代理购电，还是向售电公司购电" not in home
    assert "代理购电，还是向售电公司购电" in shop
    assert "没有录入公布的电价表" in shop
