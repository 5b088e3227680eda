"""
Seeded faults: at least 99 % of every kind found, under 1 % of clean reading-days doubted, by the defaults as shipped.

The defaults were chosen on populations of the seeds 1 to 4 and on the measured series; the population, the days and the
sizes of the faults judged here come from another seed.
"""

from __future__ import annotations

import gzip
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from cis.validation import (
    DOUBTS,
    LEVEL_DAYS,
    AccountKind,
    CurveColumns,
    LevelColumns,
    ReadingColumns,
    Thresholds,
    check,
    check_curves,
    check_levels,
    check_rate_sum,
    daily_energy_e2,
    expect_daily_energy,
    usual_days,
)
from tests.conftest import PROJECT
from tests.factories.seeded_faults import (
    CURVE_FAULTS,
    DAYS,
    FIRST,
    RATES,
    REGISTER_FAULTS,
    CurveDays,
    Freezes,
    Population,
    clean_population,
    pick,
)

SEED = 90_417
EACH = 12
FAULTS = 500
MIN_RECALL, MAX_FALSE = 0.99, 0.01
LARGE_KVA = 100
DATA = PROJECT.parent / "shared" / "data"
DEFAULTS = Thresholds()

Flags = NDArray[np.uint32]


@pytest.fixture(scope="module")
def population() -> Population:
    return clean_population(SEED, EACH)


def _mask(codes: tuple[str, ...]) -> np.uint32:
    return np.uint32(sum(int(doubt) for doubt, text in DOUBTS.items() if text.code in codes))


def _curve_flags(wh: NDArray[np.int64], rows: Any, days: Any, collected: CurveDays) -> Flags:
    """Judge what was collected on account-days, by the seven clean days before each."""
    earlier = np.stack([wh[rows, days - back] for back in range(7, 0, -1)], axis=1)
    columns = CurveColumns(
        collected.wh,
        collected.present,
        collected.capacity_kva,
        collected.freeze_wh,
        collected.multiplier,
        usual_days(earlier),
    )
    return check_curves(columns, DEFAULTS).flags


def _collected(people: Population, rows: Any, days: Any, *, with_freeze: bool = True) -> CurveDays:
    shown = people.shown_e4(people.daily_wh)
    freeze = (shown[rows, days + 1] - shown[rows, days]) * people.multiplier[rows] // 10
    return CurveDays(
        wh=people.wh[rows, days].copy(),
        present=np.ones((len(rows), 96), np.bool_),
        freeze_wh=freeze if with_freeze else np.full(len(rows), -1),
        capacity_kva=people.capacity_kva[rows],
        multiplier=people.multiplier[rows],
    )


def _freezes(people: Population, rows: Any, days: Any) -> Freezes:
    total = people.shown_e4(people.daily_wh)
    rates = np.stack([people.shown_e4(people.wh[:, :, rate == RATES].sum(axis=2)) for rate in range(4)], axis=2)
    return Freezes(
        before_e4=total[rows, days],
        after_e4=total[rows, days + 1],
        rates_before_e4=rates[rows, days],
        rates_after_e4=rates[rows, days + 1],
        days=np.ones(len(rows), np.int64),
        multiplier=people.multiplier[rows],
    )


def _freeze_flags(people: Population, rows: Any, days: Any, one: Freezes) -> Flags:
    """Judge daily freezes of the total by the days before and the same weekdays, and the rates against it."""
    recent, weekdays = (
        expect_daily_energy(np.stack([people.daily_wh[rows, days - back] // 10 for back in far], axis=1))
        for far in ((1, 2, 3), (7, 14, 21))
    )
    checked = check(_columns(people, rows, one.before_e4, one.after_e4, one.days, recent, weekdays), DEFAULTS)
    group = np.repeat(np.arange(len(rows)), 5)
    advance = np.concatenate([checked.advance_e4[:, None], one.rates_after_e4 - one.rates_before_e4], axis=1)
    is_total = np.tile([True, False, False, False, False], len(rows))
    return checked.flags | check_rate_sum(group, is_total, advance.ravel(), DEFAULTS)[::5]


def _columns(
    people: Population, rows: Any, before: Any, after: Any, days: Any, expected: Any, reference: Any
) -> ReadingColumns:
    large = people.capacity_kva[rows] >= LARGE_KVA
    return ReadingColumns(
        previous_e4=before,
        current_e4=after,
        multiplier=people.multiplier[rows],
        digits=np.full(len(rows), 6),
        days=days,
        capacity_kva=people.capacity_kva[rows],
        expected_kwh_e2_per_day=expected,
        kind=np.where(large, int(AccountKind.LARGE), int(AccountKind.RESIDENTIAL)),
        previous_estimated=np.zeros(len(rows), np.bool_),
        reference_kwh_e2_per_day=reference,
    )


def _all_days(people: Population) -> tuple[Any, Any]:
    rows, days = np.meshgrid(np.arange(len(people.wh)), np.arange(366, DAYS), indexing="ij")
    return rows.ravel(), days.ravel()


@pytest.mark.acceptance("F8")
class TestCleanReadings:
    """What is right is let through."""

    @pytest.mark.parametrize("with_freeze", [True, False])
    def test_curves(self, population: Population, with_freeze: bool) -> None:
        rows, days = _all_days(population)
        flags = [
            _curve_flags(population.wh, r, d, _collected(population, r, d, with_freeze=with_freeze))
            for r, d in zip(np.array_split(rows, 20), np.array_split(days, 20), strict=True)
        ]

        assert _share(np.concatenate(flags)) < MAX_FALSE

    def test_daily_freezes_with_their_rates(self, population: Population) -> None:
        rows, days = _all_days(population)

        assert _share(_freeze_flags(population, rows, days, _freezes(population, rows, days))) < MAX_FALSE

    def test_monthly_readings(self, population: Population) -> None:
        _rows, flags = _monthly(population)

        assert _share(flags) < MAX_FALSE

    def test_weeks_beside_their_neighbours(self, population: Population) -> None:
        daily = population.daily_wh
        flags = [_levels(population, daily, day) for day in range(366, DAYS + 1, 7)]

        assert _share(np.concatenate(flags)) < MAX_FALSE


@pytest.mark.acceptance("F8", "F161")
class TestSeededFaults:
    """What is wrong is found, kind by kind."""

    @pytest.mark.parametrize("kind", CURVE_FAULTS)
    def test_in_curves(self, population: Population, kind: str) -> None:
        spoil, codes = CURVE_FAULTS[kind]
        rng = np.random.default_rng([SEED, len(kind)])
        rows, days = pick(rng, FAULTS, _material(population))
        collected = _collected(population, rows, days)
        spoil(collected, rng)

        flags = _curve_flags(population.wh, rows, days, collected)

        assert _share(flags & _mask(codes)) >= MIN_RECALL

    @pytest.mark.parametrize("kind", REGISTER_FAULTS)
    def test_in_daily_freezes(self, population: Population, kind: str) -> None:
        spoil, codes = REGISTER_FAULTS[kind]
        rng = np.random.default_rng([SEED, len(kind)])
        rows, days = pick(rng, FAULTS, _material(population))
        freezes = _freezes(population, rows, days)
        spoil(freezes, rng)

        flags = _freeze_flags(population, rows, days, freezes)

        assert _share(flags & _mask(codes)) >= MIN_RECALL

    @pytest.mark.parametrize(("factor", "code"), [(3000, "sudden-rise"), (150, "sudden-fall")])
    def test_in_monthly_readings(self, population: Population, factor: int, code: str) -> None:
        """Three times the energy, or a seventh of it, where that is more than what no check looks at."""
        kwh, flags = _monthly(population, factor)

        assert _share(flags[kwh > 400] & _mask((code, "over-capacity"))) >= MIN_RECALL

    def test_in_export_registers(self) -> None:
        rng = np.random.default_rng(SEED)
        before = rng.integers(0, 100, FAULTS) * 10_000
        columns = replace(
            _columns(
                _homes(FAULTS), np.arange(FAULTS), before, before + rng.integers(10_000, 10**6, FAULTS), *_same(FAULTS)
            ),
            unexpected_export=np.ones(FAULTS, np.bool_),
        )

        assert _share(check(columns, DEFAULTS).flags & _mask(("reversed",))) >= MIN_RECALL

    @pytest.mark.parametrize(
        ("lowest", "highest", "codes"),
        [(667, 667, ("phase-lost",)), (333, 333, ("phase-lost",)), (100, 500, ("lasting-drop", "phase-lost"))],
        ids=["one phase lost", "two phases lost or one reversed", "theft"],
    )
    def test_in_weeks(self, population: Population, lowest: int, highest: int, codes: tuple[str, ...]) -> None:
        """A level that falls on any day of two years and stays; found on one of the days 14 to 21 after."""
        rng = np.random.default_rng([SEED, lowest])
        daily, transformed = population.daily_wh, population.multiplier > 1
        found: list[bool] = []
        while len(found) < 600:
            on, spoilt, hit = int(rng.integers(LEVEL_DAYS, DAYS - 22)), daily.copy(), np.zeros(len(daily), np.bool_)
            usable = (daily[:, on - LEVEL_DAYS : on].mean(axis=1) > 2500) & (transformed | (codes[0] != "phase-lost"))
            # One of a kind at a time: where half of them fall together, it is no fault.
            chosen = [
                int(rng.choice(of_kind))
                for kind in np.unique(population.kind)
                if len(of_kind := np.flatnonzero(usable & (population.kind == kind)))
            ]
            spoilt[chosen, on:] = spoilt[chosen, on:] * rng.integers(lowest, highest + 1, len(chosen))[:, None] // 1000
            for day in range(on + 14, on + 22):
                hit |= (_levels(population, spoilt, day) & _mask(codes)) > 0
            found += hit[chosen].tolist()

        assert np.mean(found) >= MIN_RECALL


@pytest.mark.skipif(
    not (DATA / "customer_steel_kr_15min.csv.gz").exists(),
    reason="THE MEASURED SERIES ARE ABSENT (../shared/data): checks of real load curves were not tested",
)
class TestMeasuredSeries:
    """537 Swiss households of seven weeks each, and a year of a Korean steel works."""

    @pytest.fixture(scope="class")
    @classmethod
    def households(cls) -> Population:
        with gzip.open(DATA / "customers_swiss_households_15min_weeks.csv.gz") as file:
            weeks = pd.read_csv(file)
        slots = [name for name in weeks.columns if name.startswith("V") and name != "VID"]
        kwh = np.stack([one.sort_values("week")[slots].to_numpy().ravel() for _, one in weeks.groupby("VID")])
        wh = np.rint(kwh[(kwh >= 0).all(axis=1)] * 1000).astype(np.int64).reshape(-1, 49, 96)
        return _measured(wh, 1)

    @pytest.fixture(scope="class")
    @classmethod
    def works(cls) -> Population:
        with gzip.open(DATA / "customer_steel_kr_15min.csv.gz") as file:
            kwh = pd.read_csv(file)["energy_kwh"].to_numpy()
        return _measured(np.rint(kwh * 1000).astype(np.int64).reshape(1, 365, 96), 100)

    @pytest.mark.parametrize("with_freeze", [True, False])
    @pytest.mark.parametrize("series", ["households", "works"])
    def test_clean_days_pass(self, series: str, with_freeze: bool, request: pytest.FixtureRequest) -> None:
        people = request.getfixturevalue(series)
        rows, days = np.nonzero(np.ones(people.wh.shape[:2], np.bool_) & (np.arange(people.wh.shape[1]) >= 7))

        flags = _curve_flags(people.wh, rows, days, _collected(people, rows, days, with_freeze=with_freeze))

        assert _share(flags) < MAX_FALSE

    @pytest.mark.parametrize("series", ["households", "works"])
    def test_clean_weeks_pass(self, series: str, request: pytest.FixtureRequest) -> None:
        people = request.getfixturevalue(series)
        daily = people.daily_wh

        flags = [_levels(people, daily, day) for day in range(LEVEL_DAYS, daily.shape[1] + 1)]

        assert _share(np.concatenate(flags)) < MAX_FALSE

    @pytest.mark.parametrize("kind", CURVE_FAULTS)
    def test_faults_in_households_are_found(self, households: Population, kind: str) -> None:
        spoil, codes = CURVE_FAULTS[kind]
        rng = np.random.default_rng([SEED, len(kind)])
        where = (households.daily_wh > 1500) & (households.wh.min(axis=2) > 0)
        where[:, :7] = False
        rows, days = pick(rng, FAULTS, where)
        collected = _collected(households, rows, days)
        spoil(collected, rng)

        flags = _curve_flags(households.wh, rows, days, collected)

        assert _share(flags & _mask(codes)) >= MIN_RECALL


def _measured(wh: NDArray[np.int64], ratio: int) -> Population:
    """Real customers with a contract for what they take; nobody is anybody's neighbour."""
    kva = np.maximum(wh.max(axis=(1, 2)) * 4 // 1200 + 1, 8)
    return Population(wh, np.arange(len(wh)), kva, np.full(len(wh), ratio))


def _homes(count: int) -> Population:
    return Population(
        np.zeros((count, 1, 96), np.int64), np.zeros(count, np.int64), np.full(count, 8), np.ones(count, np.int64)
    )


def _same(count: int) -> tuple[Any, Any, Any]:
    """A month, no history, no reference."""
    return np.full(count, 30), np.full(count, 0), np.full(count, -1)


def _material(people: Population) -> NDArray[np.bool_]:
    """Account-days of the second year of more than 1.5 kWh: what is left is no subject for a bill."""
    where = people.daily_wh > 1500
    where[:, :366] = False
    return where


def _share(flags: Flags) -> float:
    return float((flags > 0).mean())


def _months() -> Any:
    first = np.arange("2024-01", "2026-01", dtype="datetime64[M]").astype("datetime64[D]")
    return (first - np.datetime64(FIRST)).astype(np.int64)


def _monthly(people: Population, factor: Any = None) -> tuple[Any, Flags]:
    """Readings of 2025 by month, judged by the three before and the same month of the year before."""
    at = _months()
    shown = people.shown_e4(people.daily_wh)[:, at]
    length = np.diff(at)
    energy = (shown[:, 1:] - shown[:, :-1]) * people.multiplier[:, None] // 100
    per_day = daily_energy_e2(energy, np.broadcast_to(length, energy.shape))
    flags, where = [], []
    for month in range(12, 23):
        recent = per_day[:, [month - 1, month - 2, month - 3]]
        expected = expect_daily_energy(recent, per_day[:, month - 12])
        rows = np.arange(len(shown))
        before = shown[:, month]
        after = before + (shown[:, month + 1] - before) * (1000 if factor is None else factor) // 1000
        days = np.full(len(rows), length[month])
        columns = _columns(people, rows, before, after, days, expected, per_day[:, month - 12])
        flags.append(check(columns, DEFAULTS).flags)
        where.append(energy[:, month] / 100)
    return np.concatenate(where), np.concatenate(flags)


def _levels(people: Population, daily: NDArray[np.int64], day: int) -> Flags:
    columns = LevelColumns(daily[:, day - LEVEL_DAYS : day], people.kind, people.kind, people.multiplier)
    return check_levels(columns, DEFAULTS)
