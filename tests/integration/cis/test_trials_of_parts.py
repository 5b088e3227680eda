"""The tariff laboratory on bills of several parts, and under what a utility chose for a day."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pytest
from psycopg2.extras import DateRange

from cis.models import Bill, BillPart, RatingSwitches, Reading, SupplyContract, SupplyLoss, SupplyPart, Tariff
from cis.models import TariffVersion as Version
from cis.operations.billing import issue_bill_now
from cis.operations.tariff_trials import rate_twice
from cis.queries.billed_population import Population, billed_columns
from cis.rating import Register
from tests.factories.world import World, small_world

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 16, 2, tzinfo=UTC)
CYCLE = 202601
CHANGE = date(2026, 1, 11)
PF = {"kind": "power_factor", "table": "1983-215"}
YEARLY = {"kind": "tier", "period": "year", "upper_kwh": ["100", "150"], "price_yuan": ["0.5", "0.6", "0.9"]}


def flat(price: str) -> dict[str, Any]:
    return {"kind": "flat_energy", "price_yuan": price}


def tariff(code: str, *stretches: tuple[date | None, date | None, list[dict[str, Any]]]) -> Tariff:
    made = Tariff.objects.create(code=code, name=code, province="湖北", category="test")
    for first, last, rules in stretches:
        Version.objects.create(tariff=made, valid=DateRange(first, last), rules=rules, source="test", confidence="high")
    return made


@pytest.fixture
def world() -> World:
    """Works with losses and two parts at other prices, a home whose price changes on the 11th."""
    world = small_world(at=AT, cycles=4)
    works, home = world.commercial, world.residential
    everywhere = DateRange(None, None)
    own = tariff("T-WORKS", (None, None, [flat("0.72"), PF]))
    SupplyContract.objects.filter(pk=works.contract_id).update(tariff=own, price_class=3, pf_standard_e2=90)
    SupplyLoss.objects.create(
        account_id=works.account_id, valid=everywhere, source="test", method="table", month_kwh_e2=103_700,
        month_kvarh_e2=720_000, line_loss_e6=30_000,
    )  # fmt: skip
    for code, price, price_class, terms in (
        ("T-LIGHT", "0.8021", 2, {"kind": 4, "ratio_e6": 100_000}),
        ("T-HOMES", "0.5583", 1, {"kind": 3, "month_kwh": 20}),
    ):
        SupplyPart.objects.create(
            account_id=works.account_id, tariff=tariff(code, (None, None, [flat(price)])), price_class=price_class,
            valid=everywhere, source="test", **terms,
        )  # fmt: skip
    for on, value in ((date(2026, 1, 1), 0), (date(2026, 2, 1), 2_500_000)):
        Reading.objects.create(
            installation_id=works.installation_id, register=Register.REACTIVE_IMPORT, read_on=on, value_e4=value,
            account_id=works.account_id, state=Reading.State.ACCEPTED,
        )  # fmt: skip
    dearer = YEARLY | {"price_yuan": ["0.7", "0.8", "1.1"]}
    of_home = tariff("T-CUT", (None, CHANGE, [YEARLY]), (CHANGE, None, [dearer]))
    SupplyContract.objects.filter(pk=home.contract_id).update(tariff=of_home)
    # A choice that is not the declared one: the reactive base, and the share that parts are of.
    RatingSwitches.objects.create(
        org_unit_id=world.province_id, valid=everywhere, source="test",
        values={"ratio_base": "after_deductions", "pf_active_base": "after_deductions"},
    )  # fmt: skip
    for who in world.accounts:
        issue_bill_now(account_id=who.account_id, cycle=CYCLE, issued_by_id=None, at=AT)
    return world


def bill_of(account_id: int) -> Bill:
    return Bill.objects.get(account_id=account_id, cycle=CYCLE)


def test_a_draft_equal_to_the_tariff_changes_nothing_for_bills_of_several_parts(world: World) -> None:
    found = billed_columns(Population("", None, None, CYCLE, CYCLE), low=0, high=10**9)
    works = Version.objects.get(tariff__code="T-WORKS")
    assert BillPart.objects.filter(account_id=world.commercial.account_id).count() == 3
    assert BillPart.objects.filter(account_id=world.residential.account_id).count() == 2

    fen, left_out = rate_twice(found, works.rules, of_tariff=works.tariff_id)

    at = int(np.flatnonzero(found.account == world.commercial.account_id)[0])
    assert (left_out[at], int(fen[at])) == ("", bill_of(world.commercial.account_id).total_fen)
    # Every bill is given again by its own tariff, the one with a price change inside it too.
    assert not {"not-recomputed", "own-not-priced"} & set(left_out.tolist())


def test_the_draft_takes_the_accounts_own_price_and_no_other_parts(world: World) -> None:
    found = billed_columns(Population("", None, None, CYCLE, CYCLE), low=0, high=10**9)
    works = Version.objects.get(tariff__code="T-WORKS")
    account = world.commercial.account_id
    at = int(np.flatnonzero(found.account == account)[0])
    main = BillPart.objects.get(account_id=account, kind=BillPart.Kind.MAIN)

    dearer, _ = rate_twice(found, [flat("0.82")], of_tariff=works.tariff_id)
    plain, _ = rate_twice(found, [flat("0.72")], of_tariff=works.tariff_id)
    light = Version.objects.get(tariff__code="T-LIGHT")
    of_light, _ = rate_twice(found, [flat("0.72")], of_tariff=light.tariff_id)

    energy = main.energy_kwh_e2[0]
    assert int(dearer[at] - plain[at]) == (energy * 82 + 50) // 100 - (energy * 72 + 50) // 100
    # A draft of the lighting tariff prices the lighting part too.
    energy = BillPart.objects.get(account_id=account, tariff_version_id=light.pk).energy_kwh_e2[0]
    assert int(plain[at] - of_light[at]) == (energy * 8021 + 5_000) // 10_000 - (energy * 72 + 50) // 100


def test_a_draft_holds_in_every_stretch_of_the_period(world: World) -> None:
    found = billed_columns(Population("", None, None, CYCLE, CYCLE), low=0, high=10**9)
    home = Version.objects.filter(tariff__code="T-CUT").order_by("-pk")[0]
    at = int(np.flatnonzero(found.account == world.residential.account_id)[0])

    fen, left_out = rate_twice(found, [flat("0.5")], of_tariff=home.tariff_id)

    assert left_out[at] == ""
    assert int(fen[at]) == (bill_of(world.residential.account_id).energy_kwh_e2 * 50 + 50) // 100
