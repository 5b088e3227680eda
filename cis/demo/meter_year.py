"""Pure: a year of one archetype's accounts: their curves, and what their registers showed on each reading day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from cis.demo.plan import Fault, Plan, PlannedAccount, PlannedRoute
from cis.demo.profiles import ARCHETYPES, Shapes, curves_wh, shapes_of, solar_wh, split_net
from cis.demo.registers import RESOLUTION_E4, daily_wh, period_masks
from cis.demo.weather import Weather
from cis.rating.registers import Register, energy_kwh_e2
from cis.rating.windows import DayKind, WindowSet
from config.shared.periods import add_months, reading_date

CYCLE, INSTALLED, REMOVED = 0, 1, 2
CHUNK = 150


@dataclass(frozen=True, slots=True)
class PlannedReading:
    """A reading before it has ids; `installation` is 0, or 1 for the meter that came by an exchange."""

    account: int
    installation: int
    register: int
    read_on: date
    cycle: int
    kind: int
    value_e4: int
    advance_kwh_e2: int
    days: int
    is_rollover: bool


@dataclass(frozen=True)
class MeterYear:
    """Some accounts of one archetype: energy taken and fed in, and the readings."""

    accounts: list[PlannedAccount]
    taken_wh: NDArray[np.int32]
    """(accounts, days, 96)"""
    fed_in_wh: dict[int, NDArray[np.int32]]
    """account number to (days, 96), where there are panels"""
    readings: list[PlannedReading]


def meter_years(
    plan: Plan, weather: Weather, windows: WindowSet, kinds: Sequence[DayKind], rng: np.random.Generator
) -> Iterator[MeterYear]:
    """Everything that was metered, in chunks that fit into memory."""
    masks = period_masks(windows, plan.days, kinds)
    for code, archetype in ARCHETYPES.items():
        members = [account for account in plan.accounts if account.archetype == code]
        shapes: Shapes | None = None
        for start in range(0, len(members), CHUNK):
            accounts = members[start : start + CHUNK]
            shapes = shapes or shapes_of(archetype, plan.days, weather, plan.year)
            annual = np.array([account.annual_kwh for account in accounts])
            taken = curves_wh(archetype, shapes, annual, rng)
            fed_in: dict[int, NDArray[np.int32]] = {}
            for row, account in enumerate(accounts):
                if account.solar_kw:
                    made = solar_wh(weather, np.array([account.solar_kw]))[0]
                    taken[row], fed_in[account.number] = split_net(taken[row], made)
                if account.is_new:
                    taken[row, : plan.place(account.opened_on)] = 0
            daily = daily_wh(taken, masks if any(account.has_periods for account in accounts) else None)
            readings: list[PlannedReading] = []
            for row, account in enumerate(accounts):
                own = {
                    register: values[row]
                    for register, values in daily.items()
                    if register == Register.TOTAL or account.has_periods
                }
                if account.number in fed_in:
                    own[Register.EXPORT_TOTAL] = fed_in[account.number].sum(axis=1, dtype=np.int64)
                readings.extend(_readings(plan, account, own))
            yield MeterYear(accounts, taken, fed_in, readings)


def reading_days(plan: Plan, account: PlannedAccount) -> list[tuple[date, int]]:
    """
    The days on which the account is read by schedule, with the cycle each closes.

    They begin a cycle before the first that is billed: validation compares with the same month of last year.
    """
    route: PlannedRoute = plan.routes[account.route]
    due = [cycle for cycle in (add_months(plan.cycles[0], -1), *plan.cycles) if route.is_due(cycle)]
    cycles = [add_months(due[0], -route.cycle_months), *due]
    return [(reading_date(cycle, route.reading_day), cycle) for cycle in cycles]


def _readings(
    plan: Plan, account: PlannedAccount, daily: dict[Register, NDArray[np.int64]]
) -> Iterator[PlannedReading]:
    scheduled = reading_days(plan, account)
    segments: list[tuple[int, list[tuple[date, int, int]]]] = []
    events = [(day, cycle, CYCLE) for day, cycle in scheduled]
    if account.is_new:
        events = [(account.opened_on, 0, INSTALLED), *(event for event in events if event[0] > account.opened_on)]
    if account.exchanged_on is None:
        segments.append((0, events))
    else:
        on = account.exchanged_on
        segments.append((0, [*(event for event in events if event[0] < on), (on, 0, REMOVED)]))
        segments.append((1, [(on, 0, INSTALLED), *(event for event in events if event[0] > on)]))
    for installation, own_events in segments:
        places = np.array([plan.place(day) for day, _, _ in own_events])
        shown = _shown(plan, account, daily, places, own_events, is_second=installation == 1)
        for register, (values, turned) in shown.items():
            yield from _rows(account, installation, register, own_events, values, turned)


def _shown(
    plan: Plan,
    account: PlannedAccount,
    daily: dict[Register, NDArray[np.int64]],
    places: NDArray[np.int64],
    events: list[tuple[date, int, int]],
    *,
    is_second: bool,
) -> dict[Register, tuple[NDArray[np.int64], NDArray[np.bool_]]]:
    """Register to (values in 1e-4 units, turned over) at the events."""
    turn = 10_000 * 10**account.digits
    result = {}
    periods = [register for register in daily if register not in (Register.TOTAL, Register.EXPORT_TOTAL)]
    for register, wh in daily.items():
        since = np.concatenate([[0], np.cumsum(wh)])[places]
        advanced = (since - since[0]) * 10 // account.multiplier // RESOLUTION_E4 * RESOLUTION_E4
        opening = 0 if is_second or register == Register.EXPORT_TOTAL else account.opening_units
        if register in periods:
            opening = account.opening_units // len(periods)
        elif register == Register.TOTAL and periods:
            opening = account.opening_units // len(periods) * len(periods)
        if register == Register.TOTAL and account.rolls_over_in:
            at = next(n for n, event in enumerate(events) if event[1] == account.rolls_over_in)
            half = int(advanced[at - 1] + advanced[at]) // 2
            running = turn - half // RESOLUTION_E4 * RESOLUTION_E4 + advanced
        else:
            running = opening * 10_000 + advanced
        turned = np.zeros(len(running), dtype=np.bool_)
        turned[1:] = running[1:] // turn > running[:-1] // turn
        result[register] = (running % turn, turned)
    return result


def _rows(
    account: PlannedAccount,
    installation: int,
    register: Register,
    events: list[tuple[date, int, int]],
    values: NDArray[np.int64],
    turned: NDArray[np.bool_],
) -> Iterator[PlannedReading]:
    turn = 10_000 * 10**account.digits
    for n, (day, cycle, kind) in enumerate(events):
        difference = int(values[n] - values[n - 1]) + (turn if turned[n] else 0) if n else 0
        yield PlannedReading(
            account=account.number,
            installation=installation,
            register=int(register),
            read_on=day,
            cycle=cycle,
            kind=kind,
            value_e4=int(values[n]),
            advance_kwh_e2=int(energy_kwh_e2(difference, account.multiplier)) if n else -1,
            days=(day - events[n - 1][0]).days if n else 0,
            is_rollover=bool(turned[n]),
        )


def faulty(reading: PlannedReading, before: PlannedReading, fault: Fault | None) -> int | None:
    """What the last month's file says instead of the truth (1e-4 units); None where the row is missing from it."""
    advanced = reading.value_e4 - before.value_e4
    match fault:
        case Fault.NEGATIVE:
            return max(before.value_e4 - 350_000, 0)
        case Fault.RISE:
            return before.value_e4 + max(advanced, 600_000) * 7
        case Fault.ZERO:
            return before.value_e4
        case Fault.MISSING:
            return None
    return reading.value_e4
