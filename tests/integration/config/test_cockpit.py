"""The cockpit: figures add up from below, stay within what one answers for, and say where there is nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date

import pytest
from django.test import Client

from cis.models import Bill, BillingRun
from cis.operations import billing
from config.shared import indicators, jobs
from config.shared.indicators import Asked, all_indicators, part_of
from config.shared.models import OrgUnit, RoleGrant, User
from tests.factories.bills import issue
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

    def test_what_several_figures_rest_on_is_summed_once(
        self, world: World, django_assert_num_queries: Callable[[int], AbstractContextManager[None]]
    ) -> None:
        unit = part_of(OrgUnit.objects.get(pk=world.province_id))
        asked = indicators.ask(parts=[unit], month=MONTH, today=TODAY)
        codes = ("cis.energy-sold", "cis.billed", "cis.average-price", "cis.collection-rate")

        with django_assert_num_queries(1):
            readings = [indicators.read_now(all_indicators()[code], asked) for code in codes]

        assert all(found[world.province_id].figure is not None for found in readings)

    def test_a_reading_holds_the_year_before(self, world: World) -> None:
        unit = part_of(OrgUnit.objects.get(pk=world.province_id))

        found = indicators.read_now(
            all_indicators()["cis.billed"], indicators.ask(parts=[unit], month=MONTH, today=TODAY)
        )

        assert found[world.province_id].year_before is None and found[world.province_id].change is None


class TestTheYearBefore:
    """Like is held against like, or against nothing, with the reason said."""

    @pytest.fixture
    def two_years(self) -> World:
        world = small_world()
        issue(world, 100_00, cycle=202502)
        issue(world, 150_00, cycle=202602)
        return world

    def read(self, world: World, code: str, today: date) -> indicators.Reading:
        unit = part_of(OrgUnit.objects.get(pk=world.province_id))
        asked = indicators.ask(parts=[unit], month=202602, today=today)
        return indicators.read_now(all_indicators()[code], asked)[world.province_id]

    def test_a_whole_month_stands_against_a_whole_month(self, two_years: World) -> None:
        reading = self.read(two_years, "cis.billed", date(2026, 3, 5))

        assert (reading.figure, reading.year_before, reading.change_e4) == (150_00, 100_00, 50_00)

    def test_a_month_that_runs_stands_against_nothing(self, two_years: World) -> None:
        reading = self.read(two_years, "cis.billed", date(2026, 2, 20))

        assert (reading.figure, reading.year_before) == (150_00, None)

    def test_what_was_collected_so_far_stands_against_nothing_and_the_page_says_why(
        self, two_years: World, client: Client
    ) -> None:
        reading = self.read(two_years, "cis.collection-rate", date(2026, 3, 5))
        make_user("leader", OrgUnit.objects.get(pk=two_years.province_id), "leader")
        client.force_login(User.objects.get(username="leader"), "django.contrib.auth.backends.ModelBackend")

        page = client.get("/dsm/cockpit/cis.collection-rate/?month=202602").content.decode()

        assert (reading.figure, reading.year_before) == (0, None)
        assert "去年同月的电费多收了一年，不能相比。" in page


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
