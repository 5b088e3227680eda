"""The demonstration's weather and load curves."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from cis.demo.calendar import day_types
from cis.demo.profiles import ARCHETYPES, curves_wh, shapes_of, solar_wh, split_net, standard_profile
from cis.demo.weather import Weather, weather_of

DAYS = [date(2025, 1, 1) + timedelta(days=n) for n in range(365)]
YEAR = slice(0, 365)


@pytest.fixture(scope="module")
def weather() -> Weather:
    return weather_of(DAYS, np.random.default_rng(1))


def _month(values: np.ndarray, month: int) -> float:
    return float(values[[day.month == month for day in DAYS]].mean())


class TestWeather:
    """A southern summer, a mild winter."""

    def test_july_is_hot_and_january_mild(self, weather: Weather) -> None:
        assert 27 < _month(weather.temperature_c, 7) < 32
        assert 1 < _month(weather.temperature_c, 1) < 8

    def test_the_sun_shines_at_noon_and_not_at_night(self, weather: Weather) -> None:
        assert weather.irradiance_w_m2[:, 48].mean() > 300
        assert weather.irradiance_w_m2[:, 4].max() == 0

    def test_the_same_seed_gives_the_same_weather(self, weather: Weather) -> None:
        again = weather_of(DAYS, np.random.default_rng(1))

        np.testing.assert_array_equal(again.temperature_c, weather.temperature_c)


class TestCalendar:
    """Days as load sees them."""

    def test_a_working_saturday_counts_as_a_workday(self) -> None:
        types = day_types([date(2025, 1, 26), date(2025, 1, 25), date(2025, 1, 29)])

        assert types.column.tolist() == [2, 0, 1]
        assert types.spring_festival[2] == 1.0

    def test_years_that_no_calendar_knows_have_weekends(self) -> None:
        assert day_types([date(2040, 6, 2), date(2040, 6, 4)]).column.tolist() == [0, 2]


class TestStandardProfile:
    """The profiles as the package ships them."""

    @pytest.mark.parametrize("name", ["h25", "g25", "l25"])
    def test_the_mean_day_of_each_month_is_one(self, name: str) -> None:
        profile = standard_profile(name)

        week = (5 * profile[:, 2] + profile[:, 0] + profile[:, 1]).sum(axis=1) / 7
        np.testing.assert_allclose(week, 1.0)

    def test_homes_peak_in_the_evening_and_trade_by_day(self) -> None:
        homes, trade = standard_profile("h25")[3, 2], standard_profile("g25")[3, 2]

        assert homes[76:84].mean() > homes[40:48].mean()
        assert trade[40:48].mean() > trade[76:84].mean()


class TestCurves:
    """Curves of accounts."""

    @pytest.mark.parametrize("code", list(ARCHETYPES))
    def test_a_year_holds_about_the_energy_asked_for(self, code: str, weather: Weather) -> None:
        archetype, rng = ARCHETYPES[code], np.random.default_rng(3)
        annual = np.full(20, 5000.0)

        curves = curves_wh(archetype, shapes_of(archetype, DAYS, weather, YEAR), annual, rng)

        assert curves.min() >= 0
        assert abs(curves.sum() / 1000 / annual.sum() - 1) < 0.03

    def test_homes_use_more_in_july_than_in_april(self, weather: Weather) -> None:
        archetype = ARCHETYPES["flat"]
        shapes = shapes_of(archetype, DAYS, weather, YEAR)

        daily = curves_wh(archetype, shapes, np.full(30, 2300.0), np.random.default_rng(4)).sum(axis=(0, 2))

        assert _month(daily, 7) > 1.4 * _month(daily, 4)

    def test_spring_festival_empties_works_and_fills_villages(self, weather: Weather) -> None:
        festival, usual = DAYS.index(date(2025, 1, 30)), DAYS.index(date(2025, 3, 13))

        works = shapes_of(ARCHETYPES["two-shift"], DAYS, weather, YEAR).base.sum(axis=1)
        village = shapes_of(ARCHETYPES["village-home"], DAYS, weather, YEAR).base.sum(axis=1)

        assert works[festival] < 0.3 * works[usual]
        assert village[festival] > 1.3 * village[usual]

    def test_a_roof_either_takes_or_feeds_in(self, weather: Weather) -> None:
        made = solar_wh(weather, np.array([8.0]))[0]
        used = np.full_like(made, 120)

        taken, fed_in = split_net(used, made)

        assert ((taken == 0) | (fed_in == 0)).all()
        np.testing.assert_array_equal(taken - fed_in, used - made)
        assert 6000 < made.sum() / 1000 < 12000
