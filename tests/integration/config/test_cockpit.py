"""The cockpit: figures add up from below, stay within what one answers for, and say where there is nothing."""

from __future__ import annotations

from datetime import date

import pytest
from django.test import Client

from cis.models import Bill, BillingRun
from cis.operations import billing
from config.shared import indicators, jobs
from config.shared.indicators import Asked, all_indicators, part_of
from config.shared.models import OrgUnit, RoleGrant, User
from tests.factories.world import AT, World, make_user, small_world

pytestmark = pytest.mark.django_db

TODAY = date(2026, 2, 3)
MONTH = 202601


@pytest.fixture
def world() -> World:
    """The tiny utility, its last cycle billed."""
    world = small_world()
    run_id = billing.start_run(
        cycle=MONTH, org_unit_id=None, created_by_id=None, at=AT, kind=BillingRun.Kind.REGULAR, shard_size=10
    )
    jobs.work_on(job_id=BillingRun.objects.values_list("job_id", flat=True).get(pk=run_id) or 0)
    return world


def figures(code: str, *units: int) -> list[int | None]:
    """The figure of each unit in the month."""
    parts = tuple(part_of(OrgUnit.objects.get(pk=unit)) for unit in units)
    found = all_indicators()[code].figures(Asked(parts, (MONTH,), TODAY))
    return [found.get((unit, MONTH)) for unit in units]


class TestFigures:
    """They are the bills' and the ledger's own."""

    def test_the_counties_add_up_to_the_province(self, world: World) -> None:
        province, *counties = figures("cis.energy-sold", world.province_id, world.county_a_id, world.county_b_id)

        assert province == sum(bill.energy_kwh_e2 for bill in Bill.objects.filter(cycle=MONTH))
        assert province == sum(value or 0 for value in counties) and province

    def test_the_average_price_is_money_by_energy(self, world: World) -> None:
        bills = Bill.objects.filter(cycle=MONTH)

        expected = round(sum(b.total_fen for b in bills) * 10_000 / sum(b.energy_kwh_e2 for b in bills))
        assert figures("cis.average-price", world.province_id) == [expected]

    def test_where_nothing_was_billed_there_is_no_figure(self, world: World) -> None:
        assert figures("cis.collection-rate", world.hall_a_id) == [None]

    def test_a_reading_holds_the_year_before(self, world: World) -> None:
        unit = part_of(OrgUnit.objects.get(pk=world.province_id))

        found = indicators.read_now(all_indicators()["cis.billed"], parts=[unit], month=MONTH, today=TODAY)

        assert found[world.province_id].year_before is None and found[world.province_id].change is None


class TestPages:
    """Whoever answers for a county sees it and nothing above or beside it."""

    def test_a_leader_goes_down_from_the_province_to_a_bill(self, world: World, client: Client) -> None:
        make_user("leader", OrgUnit.objects.get(pk=world.province_id), "leader")
        client.force_login(User.objects.get(username="leader"), "django.contrib.auth.backends.ModelBackend")

        top = client.get(f"/dsm/cockpit/?month={MONTH}").content.decode()
        below = client.get(f"/dsm/cockpit/cis.billed/?month={MONTH}&unit={world.city_id}").content.decode()

        assert "电费回收率" in top and f"unit={world.city_id}" in top
        assert (
            f"unit={world.county_a_id}" in below and f"/console/bills/?unit={world.city_id}&amp;cycle={MONTH}" in below
        )

    def test_a_county_does_not_see_the_city(self, world: World, client: Client) -> None:
        user = make_user("county", OrgUnit.objects.get(pk=world.county_a_id), "leader")
        assert RoleGrant.objects.filter(user=user).exists()
        client.force_login(user, "django.contrib.auth.backends.ModelBackend")

        own = client.get("/dsm/cockpit/")
        city = client.get(f"/dsm/cockpit/?unit={world.city_id}")
        beside = client.get(f"/dsm/cockpit/cis.billed/?unit={world.county_b_id}")

        assert (own.status_code, city.status_code, beside.status_code) == (200, 404, 404)
