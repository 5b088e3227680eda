"""Forecasters: what all of them promise, and what each can do."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsm.forecasting.backtest import backtest, summarise
from dsm.forecasting.bands import error_quantiles
from dsm.forecasting.day_facts import FAR, chinese_days
from dsm.forecasting.forecaster import DayBand
from dsm.forecasting.history import LoadHistory, NotEnoughHistory, known_at
from dsm.forecasting.registry import FORECASTERS
from dsm.forecasting.scores import score_day

FIRST = date(2024, 4, 1)
SLOTS = 24


def made_up(days: int = 120, *, first: date = FIRST, seed: int = 1, noise: float = 0.01) -> LoadHistory:
    """Load that follows the hour, the working day and the heat, with a little chance."""
    rng = np.random.default_rng(seed)
    facts = chinese_days(first, days + 1)
    warmth = 20 + 8 * np.sin(np.arange(days) / 9)[:, None] + 5 * np.sin(np.arange(SLOTS) / 4)[None, :]
    shape = 100 + 40 * np.sin(np.arange(SLOTS) / 24 * 2 * np.pi)
    load = shape[None, :] * np.where(facts.is_off[:days], 0.7, 1.0)[:, None] * (1 + 0.02 * np.maximum(warmth - 22, 0))
    load = load * rng.normal(1, noise, load.shape)
    return LoadHistory(first, load, warmth, warmth + rng.normal(0, 0.3, warmth.shape), facts)


def forecast(name: str, history: LoadHistory, target: date, eve_slots: int = 10) -> DayBand:
    known = known_at(history, target=target, eve_slots=eve_slots)
    return FORECASTERS[name].fit(known).predict(known)


@pytest.mark.parametrize("name", FORECASTERS)
class TestEveryForecaster:
    def test_gives_a_band_around_its_middle(self, name: str):
        band = forecast(name, made_up(), FIRST + timedelta(days=100))

        assert band.p10.shape == band.p50.shape == band.p90.shape == (SLOTS,)
        assert (band.p10 > 0).all()
        assert (band.p10 <= band.p50).all()
        assert (band.p50 <= band.p90).all()

    @settings(max_examples=8, deadline=None)
    @given(seed=st.integers(0, 10_000), eve_slots=st.integers(0, SLOTS), target=st.integers(45, 65))
    def test_uses_nothing_that_became_known_after_its_issue(self, name: str, seed: int, eve_slots: int, target: int):
        history = made_up(70, seed=seed % 7)
        rng = np.random.default_rng(seed)
        load, measured = history.load.copy(), history.measured_c.copy()
        # The future is anything at all: load and weather after the issue, forecasts for days after the target.
        for values in (load, measured):
            values[target - 1, eve_slots:] *= rng.uniform(0, 9, SLOTS - eve_slots)
            values[target:] = rng.uniform(-100, 10_000, values[target:].shape)
        foretold = history.forecast_c.copy()
        foretold[target + 1 :] = np.nan
        other = LoadHistory(history.first, load, measured, foretold, history.facts)
        day = FIRST + timedelta(days=target)

        before, after = (forecast(name, one, day, eve_slots) for one in (history, other))

        assert before.p10.tolist() == after.p10.tolist()
        assert before.p50.tolist() == after.p50.tolist()
        assert before.p90.tolist() == after.p90.tolist()

    def test_stands_holes_and_days_that_are_missing(self, name: str):
        history = made_up()
        load = history.load.copy()
        load[60:64] = np.nan
        load[90, 5:9] = np.nan
        load[95] = 0
        holed = LoadHistory(history.first, load, history.measured_c, history.forecast_c, history.facts)

        band = forecast(name, holed, FIRST + timedelta(days=101))

        assert np.isfinite(band.p10).all()
        assert np.abs(band.p50 / history.load[101] - 1).mean() < 0.2

    def test_says_so_when_too_little_is_known(self, name: str):
        history = made_up(9)

        with pytest.raises(NotEnoughHistory):
            forecast(name, history, FIRST + timedelta(days=5))


class TestLinearBySlot:
    def test_beats_last_week_where_load_follows_heat_and_working_days(self):
        history = made_up(200)
        span: dict[str, Any] = {
            "first": FIRST + timedelta(days=120),
            "last": FIRST + timedelta(days=180),
            "eve_slots": 10,
        }

        errors = {name: summarise(backtest(FORECASTERS[name], history, **span), history).mape for name in FORECASTERS}

        assert errors["linear_by_slot"] < 0.7 * errors["seasonal_naive"]
        assert errors["linear_by_slot"] < 0.025

    def test_its_band_holds_about_four_slots_in_five(self):
        history = made_up(260, noise=0.03)
        span: dict[str, Any] = {
            "first": FIRST + timedelta(days=160),
            "last": FIRST + timedelta(days=250),
            "eve_slots": 0,
        }

        summary = summarise(backtest(FORECASTERS["linear_by_slot"], history, **span), history)

        assert 0.74 < summary.coverage < 0.9

    def test_knows_a_saturday_that_is_worked(self):
        history = made_up(190, first=date(2024, 4, 1), noise=0.002)
        worked = date(2024, 9, 14)  # in exchange for the Mid-Autumn Festival
        row = history.place(worked)

        assert history.facts.is_swapped[row]
        assert np.abs(forecast("linear_by_slot", history, worked).p50 / history.load[row] - 1).mean() < 0.05

    def test_without_the_weather_of_the_day_it_does_not_learn_from_weather(self):
        history = made_up()
        day = FIRST + timedelta(days=100)
        unknown = history.forecast_c.copy()
        unknown[100:] = np.nan
        without = LoadHistory(history.first, history.load, history.measured_c, unknown, history.facts)
        none = np.full_like(unknown, np.nan)
        never = LoadHistory(history.first, history.load, none, none, history.facts)

        assert (
            forecast("linear_by_slot", without, day).p50.tolist() == forecast("linear_by_slot", never, day).p50.tolist()
        )

    def test_an_impossible_value_does_not_pass_for_load(self):
        history = made_up()
        spiked = history.load.copy()
        spiked[97, 3:6] *= 400
        other = LoadHistory(history.first, spiked, history.measured_c, history.forecast_c, history.facts)
        day = FIRST + timedelta(days=100)

        changed = forecast("linear_by_slot", other, day).p50 / forecast("linear_by_slot", history, day).p50

        assert np.abs(changed - 1).max() < 0.03


class TestSeasonalNaive:
    def test_a_working_day_is_as_that_of_last_week(self):
        history = made_up()
        day = date(2024, 6, 26)

        band = forecast("seasonal_naive", history, day)

        assert band.p50 == pytest.approx(history.load[history.place(day) - 7])

    def test_a_holiday_is_as_the_last_day_off(self):
        history = made_up()
        day = date(2024, 6, 10)  # Dragon Boat Festival, a Monday; the Sunday before is too near to be known

        band = forecast("seasonal_naive", history, day)

        assert history.facts.is_holiday[history.place(day)]
        assert band.p50 == pytest.approx(history.load[history.place(date(2024, 6, 8))])


class TestChineseDays:
    def test_holidays_first_days_swaps_and_the_festival(self):
        facts = chinese_days(date(2024, 2, 1), 60)

        def row(day: date) -> int:
            return (day - date(2024, 2, 1)).days

        festivals = [date(2024, 2, 1) + timedelta(days=int(n)) for n in np.flatnonzero(facts.is_festival)]
        assert festivals == [date(2024, 2, 10)]
        assert facts.is_holiday[row(date(2024, 2, 17))]
        assert facts.is_swapped[row(date(2024, 2, 4))]
        assert facts.is_off[row(date(2024, 2, 12))]
        assert facts.from_spring[row(date(2024, 2, 5))] == -5
        assert facts.from_spring[row(date(2024, 3, 20))] == FAR


class TestScores:
    def test_against_figures_worked_by_hand(self):
        band = DayBand(np.array([90.0, 90.0]), np.array([100.0, 110.0]), np.array([120.0, 115.0]))

        score = score_day(band, np.array([100.0, 120.0]))

        assert score is not None
        assert score.mape == pytest.approx((0 + 10 / 120) / 2)
        assert score.nmae == pytest.approx(5 / 110)
        assert score.accuracy == pytest.approx(1 - np.sqrt((10 / 120) ** 2 / 2))
        assert score.coverage == 0.5
        assert score.peak_error == pytest.approx(-10 / 120)
        # p10: 0.1 x (10, 30), p50: 0.5 x (0, 10), p90: (0.1 x 20, 0.9 x 5)
        assert score.pinball == pytest.approx((2.0 + 2.5 + (2.0 + 4.5) / 2) / 3)

    def test_nothing_known_is_no_score(self):
        band = DayBand(np.ones(2), np.ones(2), np.ones(2))

        assert score_day(band, np.array([np.nan, 0.0])) is None


class TestBands:
    def test_few_days_give_a_wide_band(self):
        def errors(days: int) -> np.ndarray:
            return np.linspace(-1, 1, days)[:, None] * np.ones((1, 4))

        few, many = error_quantiles(errors(5)), error_quantiles(errors(400))

        assert (few[0] < many[0]).all()
        assert (few[1] > many[1]).all()
        assert many[1] == pytest.approx(np.full(4, 0.8), abs=0.05)
