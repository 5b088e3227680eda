"""Why a bill is more than the one before: effects that add up, on the customer's and the clerk's page."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from django.db import connection

from cis.explaining import Effect, NoBasis, Response
from cis.models import Bill, IntervalDay
from cis.operations.billing import issue_bill_now
from cis.queries.why_more import why_more
from dsm.models import WeatherDay
from tests.factories.portal import bind, end_all, signed_in
from tests.factories.world import AccountIds, World, small_world

pytestmark = pytest.mark.django_db

DECEMBER, JANUARY, FEBRUARY = date(2025, 12, 1), date(2026, 1, 1), date(2026, 2, 1)
BASE_WH, DEGREE_WH = 4_000, 150


@pytest.fixture
def world() -> World:
    return small_world()


def bills(world: World, account: AccountIds) -> list[str]:
    """The account's bills of all cycles of the tiny utility, oldest first."""
    for cycle in world.cycles:
        issue_bill_now(account_id=account.account_id, cycle=cycle, issued_by_id=None, at=world.at)
    return [str(bill) for bill in Bill.objects.filter(account_id=account.account_id).order_by("cycle")]


def cold_january(account: AccountIds) -> None:
    """December with 8 degrees, January with 2, and a customer who heats with 150 Wh a degree and day."""
    days = [DECEMBER + timedelta(days=number) for number in range((FEBRUARY - DECEMBER).days)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT cis_make_interval_partitions(%s, %s)", [DECEMBER, FEBRUARY])
    for day in days:
        degrees = 8 if day < JANUARY else 2
        energy = BASE_WH + DEGREE_WH * (18 - degrees)
        IntervalDay.objects.create(
            point_id=account.point_id, day=day, energy_wh=[energy // 100] * 95 + [energy // 100 * 5], missing_slots=0
        )
        WeatherDay.objects.create(
            day=day,
            kind=WeatherDay.Kind.ACTUAL,
            issued_at=datetime(day.year, day.month, day.day, tzinfo=UTC),
            temperature_c_e2=[degrees * 100] * 96,
            source="made for a test",
            written_at=datetime(2026, 2, 1, tzinfo=UTC),
        )


class TestTheDifference:
    @pytest.mark.parametrize("name", ["residential", "residential_day_15", "residential_tou", "commercial"])
    def test_adds_up_for_every_tariff_of_the_house(self, world: World, name: str) -> None:
        numbers = bills(world, getattr(world, name))

        for before, now in pairwise(numbers):
            found = why_more(now)

            assert found is not None and found.is_split
            assert found.before.bill_no == before
            assert found.difference_fen == found.now.total_fen - found.before.total_fen
            assert sum(fen for _effect, fen in found.effects) == found.difference_fen != 0
            sizes = [abs(fen) for _effect, fen in found.effects]
            assert sizes == sorted(sizes, reverse=True)

    def test_of_the_first_bill_is_none(self, world: World) -> None:
        first, *_later = bills(world, world.residential)

        assert why_more(first) is None
        assert why_more(first, against="year") is None

    def test_lays_to_the_weather_what_the_customers_own_days_say(self, world: World) -> None:
        numbers = bills(world, world.residential)
        cold_january(world.residential)

        found = why_more(numbers[-1])

        assert found is not None
        assert isinstance(found.weather, Response)
        assert found.weather.heating_wh_per_degree == DEGREE_WH
        # Six degrees colder on 31 days.
        assert found.weather_kwh_e2 == 6 * DEGREE_WH * 31 // 10
        assert (found.before.temperature_c_e2, found.now.temperature_c_e2) == (800, 200)
        effects = dict(found.effects)
        assert effects[Effect.WEATHER] > 0
        assert effects[Effect.USAGE] < 0, "the meter says ten kWh more only: the rest was saved"
        assert sum(effects.values()) == found.difference_fen

    def test_leaves_the_weather_out_where_nothing_is_known_of_it(self, world: World) -> None:
        found = why_more(bills(world, world.residential)[-1])

        assert found is not None
        assert found.weather is NoBasis.NO_TEMPERATURES
        assert Effect.WEATHER not in dict(found.effects)


class TestThePages:
    def test_say_it_in_a_sentence_with_a_bar_each(self, world: World) -> None:
        number = bills(world, world.residential)[-1]
        cold_january(world.residential)
        found = why_more(number)
        assert found is not None

        for user_id, path in (
            (world.portal_user_id, f"/my/bills/{number}/"),
            (world.clerk_a_id, f"/console/bills/{number}/"),
        ):
            answer = signed_in(user_id).get(path)
            text = answer.content.decode()

            assert "比上次多" in text and "天更冷" in text
            assert text.count('class="effect-bar"') == len(found.effects) >= 2
            assert "style=" not in text

    def test_compare_with_the_year_before_when_asked(self, world: World) -> None:
        number = bills(world, world.residential)[-1]

        text = signed_in(world.portal_user_id).get(f"/my/bills/{number}/?beside=year").content.decode()

        assert "没有去年同月的账单可以比" in text

    def test_show_a_tenant_no_bill_of_the_time_before_theirs(self, world: World) -> None:
        number = bills(world, world.residential)[-1]
        client = signed_in(world.portal_user_id)

        end_all(world.portal_user_id, at=world.at)
        bind(world.portal_user_id, world.residential.account_id, role="tenant", from_on=JANUARY)
        assert "比上次" not in client.get(f"/my/bills/{number}/").content.decode()
        end_all(world.portal_user_id, at=world.at)
        bind(world.portal_user_id, world.residential.account_id, role="tenant", from_on=DECEMBER)
        assert "比上次" in client.get(f"/my/bills/{number}/").content.decode()
