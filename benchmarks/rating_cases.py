"""Tariffs that we and the calculators beside us can express, the accounts that are billed by them, and our way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cis.rating import (
    PERIOD_REGISTERS,
    ChargeCode,
    CompiledTariff,
    DayKind,
    Rated,
    Register,
    Usage,
    WindowSet,
    advance,
    compile_rules,
    energy_kwh_e2,
    rate,
    read_catalogue,
)

YEAR = 2029
"""begins on a Monday and has 365 days, as the year of the calculator beside us always does"""
DAYS, HOURS, MONTHS = 365, 8760, 12
_TABLES = Path(__file__).resolve().parents[1] / "cis/data/tariffs.json"

_OF_YEAR = [date(YEAR, 1, 1) + timedelta(days=number) for number in range(DAYS)]
DAY_MONTHS = np.array([day.month for day in _OF_YEAR], dtype=np.int64)
DAY_KINDS = np.array([DayKind.REST_DAY if day.weekday() >= 5 else DayKind.WORKDAY for day in _OF_YEAR], dtype=np.int64)
FIRST_DAYS = np.flatnonzero(np.diff(DAY_MONTHS, prepend=0))

Curves = NDArray[np.int64]
"""(n accounts, 8760 hours) in 0.01 kWh"""


@dataclass(frozen=True)
class Case:
    """One tariff, and how it reads for a calculator of periods and tiers."""

    name: str
    about: str
    tariff: CompiledTariff
    windows: WindowSet | None
    """None: the time of day does not matter"""
    as_periods: dict[str, Any]
    """two 12 x 24 tables of periods, and the tiers of each period as (upper bound in kWh, price in yuan)"""
    codes: dict[str, int]
    """"period.tier" -> ChargeCode"""


def time_of_use() -> Case:
    """Shanghai's published windows of two-part customers, and prices of our own."""
    windows = WindowSet.parse(_published()["windows"]["SH-TOU-2022-50-2P"])
    prices = {
        "sharp": "1.528875",
        "peak": "1.223100",
        "flat": "0.679500",
        "valley": "0.339750",
        "deep_valley": "0.135900",
    }
    tables = {"weekday": DayKind.WORKDAY, "weekend": DayKind.REST_DAY}
    number_of = {register: number for number, register in enumerate(PERIOD_REGISTERS)}

    def table(kind: DayKind) -> list[list[int]]:
        return [[number_of[Register(r)] for r in windows.period_of_slots(m + 1, kind)[::4].tolist()] for m in range(12)]

    return Case(
        "time_of_use",
        "five periods, two seasons and cheap weekends",
        compile_rules([{"kind": "time_of_use", "price_yuan": prices}]),
        windows,
        {name: table(kind) for name, kind in tables.items()}
        | {"periods": [[(None, prices[register.name.lower()])] for register in PERIOD_REGISTERS]},
        {f"{number}.0": ChargeCode[f"ENERGY_{register.name}"] for register, number in number_of.items()},
    )


def tiers() -> Case:
    """The published household tiers of Shenzhen: three a month, with other bounds in summer."""
    rules = _published()["rules"]["GD-SZ-RES"]
    (rule,) = rules
    season_of = {month: number for number, season in enumerate(rule["seasons"]) for month in season["months"]}
    table = [[season_of[month]] * 24 for month in range(1, 13)]
    steps = [list(zip([*season["upper_kwh"], None], rule["price_yuan"], strict=True)) for season in rule["seasons"]]
    codes = {f"{period}.{tier}": ChargeCode[f"ENERGY_T{tier + 1}"] for period in range(len(steps)) for tier in range(3)}
    return Case(
        "tiers", "three tiers a month, wider in summer", compile_rules(rules), None,
        {"weekday": table, "weekend": table, "periods": steps}, codes,
    )  # fmt: skip


def _published() -> dict[str, dict[str, Any]]:
    catalogue = read_catalogue(_TABLES.read_text("utf-8"))
    return {
        "windows": {spec["code"]: spec for spec in catalogue.window_sets},
        "rules": {record.code: record.rules for record in catalogue.records},
    }


def make_curves(accounts: int, seed: int) -> Curves:
    """Made-up customers: each its own size, a day with two humps, every hour its own."""
    rng = np.random.default_rng(seed)
    hour = np.arange(HOURS) % 24
    shape = 30 + 25 * np.exp(-((hour - 11) ** 2) / 18) + 45 * np.exp(-((hour - 19) ** 2) / 8)
    size = rng.uniform(0.2, 3.0, (accounts, 1))
    return (shape * size * rng.uniform(0.3, 1.7, (accounts, HOURS))).astype(np.int64)


def registers_of(case: Case) -> tuple[Register, ...]:
    """The registers of a meter for this tariff."""
    return (Register.TOTAL,) if case.windows is None else case.windows.registers


def monthly_energy(case: Case, curves: Curves) -> Curves:
    """Curves folded into the case's registers, (n, 12, registers) in 0.01 kWh."""
    accounts = curves.shape[0]
    days = curves.reshape(accounts * DAYS, 24)
    if case.windows is None:
        by_hour = np.add.reduceat(curves, FIRST_DAYS * 24, axis=1)
        return by_hour[:, :, np.newaxis]
    folded = case.windows.fold_hourly(days, np.tile(DAY_MONTHS, accounts), np.tile(DAY_KINDS, accounts))
    by_month = np.add.reduceat(folded.reshape(accounts, DAYS, -1), FIRST_DAYS, axis=1)
    return by_month[:, :, [PERIOD_REGISTERS.index(register) for register in registers_of(case)]]


def rate_curves(case: Case, curves: Curves) -> list[Rated]:
    """Our way from hours to bills: fold, then rate month by month; lines and totals are rounded to fen."""
    return rate_energy(case, monthly_energy(case, curves))


def rate_energy(case: Case, energy: Curves) -> list[Rated]:
    """From (n, 12, registers) energy to the bills of twelve months."""
    names = registers_of(case)
    return [
        rate(case.tariff, Usage.of(month + 1, {r: energy[:, month, at] for at, r in enumerate(names)}))
        for month in range(MONTHS)
    ]


def readings_of(case: Case, curves: Curves) -> Curves:
    """What the registers of these customers showed, (13, n, registers) in 1e-4 kWh; the year before left 1,000 kWh."""
    energy = monthly_energy(case, curves)
    advanced = np.concatenate([np.zeros_like(energy[:, :1]), np.cumsum(energy, axis=1)], axis=1) * 100
    return np.ascontiguousarray(np.moveaxis(advanced + 10_000_000, 1, 0))


def rate_readings(case: Case, readings: Curves) -> list[Rated]:
    """Our way from register readings to bills: difference, ratio 1 and rounding to 0.01 kWh, then rate."""
    names = registers_of(case)
    rated = []
    for month in range(MONTHS):
        before, after = readings[month], readings[month + 1]
        energy = {
            register: energy_kwh_e2(advance(before[:, at], after[:, at], 8, False), 1, whole_kwh=False)
            for at, register in enumerate(names)
        }
        rated.append(rate(case.tariff, Usage.of(month + 1, energy)))
    return rated
