"""What of a customer's energy is the weather's, from their own days."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cis.explaining import Bases, NoBasis, Response, Use, fit_response, weather_energy_kwh_e2

BASES = Bases(cool_above_c_e2=26_00, heat_below_c_e2=18_00)
LEAST: dict[str, Any] = {"bases": BASES, "least": 30, "least_permille": 300}
temperatures = st.lists(st.integers(-10_00, 40_00), min_size=30, max_size=60)


def day(temperature: int, *, cooling: int, heating: int, base: int = 5000) -> Use:
    """A day of a customer of whom everything is known; Wh a degree."""
    degrees_e2 = cooling * max(temperature - 26_00, 0) + heating * max(18_00 - temperature, 0)
    return Use(base + degrees_e2 // 100, [temperature])


class TestTheResponse:
    @given(temperatures, st.integers(1, 3000), st.integers(1, 3000))
    def test_is_found_again(self, found: list[int], cooling: int, heating: int) -> None:
        # Both kinds of weather, so that both slopes can be told.
        some = [*found, 30_00, 35_00, 10_00, 2_00]

        fitted = fit_response([day(one // 100 * 100, cooling=cooling, heating=heating) for one in some], **LEAST)

        assert isinstance(fitted, Response)
        assert (fitted.cooling_wh_per_degree, fitted.heating_wh_per_degree) == (cooling, heating)
        assert fitted.explained_permille == 1000

    def test_is_the_same_from_the_means_of_periods(self) -> None:
        periods = []
        for month in range(12):
            days = [day(100 * (3 * month + number % 7 - 4), cooling=900, heating=400) for number in range(30)]
            energy = sum((Fraction(one.energy_wh) for one in days), Fraction(0))
            periods.append(Use(energy / 30, [one.temperatures_c_e2[0] for one in days]))

        fitted = fit_response(periods, bases=BASES, least=9, least_permille=600)

        assert fitted == Response(900, 400, 1000, 12)

    def test_is_not_told_from_few_days(self) -> None:
        days = [day(30_00 + 10 * number, cooling=500, heating=0) for number in range(29)]

        assert fit_response(days, **LEAST) is NoBasis.FEW_DAYS
        assert isinstance(fit_response([*days, *days], **LEAST), Response)

    def test_is_not_told_where_nothing_follows_the_weather(self) -> None:
        days = [Use(5000 + 1000 * (number % 2), [20_00 + 100 * (number % 15)]) for number in range(60)]

        assert fit_response(days, **LEAST) is NoBasis.NO_PATTERN
        assert fit_response([Use(5000, one.temperatures_c_e2) for one in days], **LEAST) is (NoBasis.NO_PATTERN)

    def test_never_says_that_heat_saves(self) -> None:
        days = [Use(9000 - 5 * number, [20_00 + 30 * number]) for number in range(60)]

        assert fit_response(days, **LEAST) is NoBasis.NO_PATTERN


class TestTheWeathersEnergy:
    def test_is_degrees_times_response_times_days(self) -> None:
        response = Response(1200, 0, 900, 60)

        # Two degrees of a day more, over 31 days, at 1.2 kWh each.
        assert weather_energy_kwh_e2(
            response, before_c_e2=[27_00] * 30, now_c_e2=[29_00] * 20, days=31, bases=BASES
        ) == (31 * 2 * 120)

    def test_is_nothing_between_mild_periods(self) -> None:
        response = Response(1200, 800, 900, 60)

        assert weather_energy_kwh_e2(response, before_c_e2=[19_00], now_c_e2=[25_00], days=31, bases=BASES) == 0
