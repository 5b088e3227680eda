"""
A utility of any size for load tests and benchmarks: rows made up in chunks and streamed in by COPY.

Nobody lives there: names repeat, curves are left out, and no bills are made; that is what is to be measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise, repeat
from typing import Any

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from cis.demo.geography import COUNTIES, estate_address, street_address
from cis.demo.people import made_up_phone, make_enterprises, make_people
from cis.demo.plan import HOME_TARIFF, LOW_TARIFF, TEN_KV_TARIFF
from cis.demo.tariffs import carry_tariffs_over
from cis.models import (
    Feeder,
    Reading,
    ReadingRoute,
    Substation,
    SupplyContract,
    Tariff,
    TransformerDistrict,
)
from cis.operations import ledger
from cis.operations.reference import load_reference
from cis.rating.registers import Register, energy_kwh_e2
from config.shared.bulk_copy import copy_in, copy_rows, days_of, sequence_block
from config.shared.models import OrgUnit
from config.shared.names import grams, name_keys
from config.shared.periods import add_months, first_day, reading_date
from config.shared.personal_data import blind_index, encrypt

CHUNK = 50_000
NAMES = 20_000
OPENED_ON = date(2018, 1, 1)
HOME_REGISTERS = (Register.TOTAL,)
BUSINESS_REGISTERS = (Register.TOTAL, Register.SHARP, Register.PEAK, Register.FLAT, Register.VALLEY)
# How a business's energy falls on sharp, peak, flat and valley.
_PERIOD_SHARES = (0.09, 0.27, 0.36, 0.28)
# What a month uses, as a share of the mean month; summers are hot.
_SEASON = (1.05, 0.95, 0.85, 0.8, 0.95, 1.1, 1.5, 1.4, 1.05, 0.8, 0.8, 0.95)
CUSTOMER_COLUMNS = (
    "id",
    "kind",
    "name",
    "name_pinyin",
    "name_initials",
    "name_grams",
    "phone",
    "phone_index",
    "phone_last4",
    "identity_no",
    "version",
)
TRACKED = (
    "cis_customer",
    "cis_premise",
    "cis_account",
    "cis_supply_contract",
    "cis_account_point",
    "cis_metering_point",
    "cis_meter",
    "cis_meter_installation",
)
"""Master tables whose row triggers write the history of changes"""

Progress = Callable[[int], object]


@dataclass
class LoadedUtility:
    """What was written: rows and seconds by table, and the organisation it hangs on."""

    org_unit_id: int = 0
    accounts: int = 0
    cycles: tuple[int, ...] = ()
    rows: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Segment:
    """One kind of customer."""

    price_class: int
    tariff_id: int
    voltage: str
    capacity_kva: int
    ct_ratio: int
    median_kwh: float
    registers: tuple[Register, ...]
    route_ids: tuple[int, ...]
    reading_days: tuple[int, ...]


@dataclass(frozen=True)
class _Frame:
    """What every account hangs on."""

    province_id: int
    county_ids: tuple[int, ...]
    district_ids: tuple[int, ...]
    segments: tuple[_Segment, ...]
    cycles: tuple[int, ...]


@dataclass(frozen=True)
class _Pools:
    """Texts made once and used many times: sealing and spelling a million of them would take longer than the load."""

    people: list[tuple[str, str, str, str]]
    """name, pinyin, initials, grams as an array text"""
    enterprises: list[tuple[str, str, str, str]]
    addresses: list[tuple[str, str]]
    doors: list[str]


def load_utility(
    *,
    accounts: int,
    until: int,
    at: datetime,
    months: int = 12,
    shares: tuple[int, int, int] = (92, 6, 2),
    seed: int = 1,
    on_progress: Progress | None = None,
) -> LoadedUtility:
    """
    Add `accounts` accounts with `months` billable cycles of accepted readings up to the cycle `until`.

    `shares`: hundredths that are homes (tiers), shops and works (both time of use, five registers).

    As the owner of the tables the load is one transaction, in which the master tables are made ready for many rows.
    The history's row triggers are off: a history row for each of a million rows that were never changed says nothing
    and doubles the time. Foreign keys and the constraints against overlapping validity are dropped and added again at
    the end, which checks every row and builds their indexes in one go. All of that is undone with the transaction, so
    nothing of it can stay behind. Nobody else can use these tables meanwhile.

    The application's role may do neither: it loads chunk by chunk, each a transaction of its own, and takes longer.
    """
    loaded = LoadedUtility(accounts=accounts)
    rng = np.random.default_rng(seed)
    frame = _make_frame(until=until, months=months, at=at)
    loaded.org_unit_id, loaded.cycles = frame.province_id, frame.cycles[1:]
    pools = _make_pools(rng)
    bounds = np.cumsum(shares) / sum(shares)
    with connection.cursor() as cursor, _ready_for_many_rows(cursor, loaded):
        done = 0
        while done < accounts:
            count = min(CHUNK, accounts - done)
            kinds = np.searchsorted(bounds, rng.random(count), side="right").clip(max=2)
            with transaction.atomic():
                _write_chunk(cursor, frame, pools, kinds, done, rng, loaded)
            done += count
            if on_progress:
                on_progress(count)
    with connection.cursor() as cursor:
        started = time.perf_counter()
        for table in (*TRACKED, "cis_reading", "cis_ledger_balance"):
            cursor.execute(f"ANALYZE {table}")
        _note(loaded, "analyze", 0, started)
    return loaded


@contextmanager
def _ready_for_many_rows(cursor: Any, loaded: LoadedUtility) -> Iterator[None]:
    """For the owner: one transaction without the history's triggers, constraints checked at its end; else nothing."""
    cursor.execute(
        "SELECT bool_and(tableowner = current_user) FROM pg_tables WHERE tablename = ANY(%s)", [list(TRACKED)]
    )
    if not cursor.fetchone()[0]:
        yield
        return
    with transaction.atomic():
        cursor.execute(
            "SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE contype IN ('f', 'x') AND conrelid::regclass::text = ANY(%s) ORDER BY 1, 2",
            [list(TRACKED)],
        )
        constraints = cursor.fetchall()
        for table in TRACKED:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for table, name, _definition in constraints:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        yield
        started = time.perf_counter()
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL maintenance_work_mem = '256MB'")
        for table, name, definition in constraints:
            cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
        for table in TRACKED:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        _note(loaded, "constraints", 0, started)


# --- The frame -----------------------------------------------------------------------------


def _make_frame(*, until: int, months: int, at: datetime) -> _Frame:
    load_reference(at=at)
    cycles = tuple(add_months(until, -back) for back in range(months, -1, -1))
    carry_tariffs_over(from_day=first_day(add_months(cycles[0], -1)), to_day=first_day(add_months(until, 13)))
    mark = f"L{OrgUnit.objects.count() + 1}"
    with transaction.atomic():
        province = _unit(None, OrgUnit.Kind.PROVINCE, mark, "压测省公司")
        counties = [
            _unit(province, OrgUnit.Kind.COUNTY, f"{mark}-{county.code}", f"压测{county.name}") for county in COUNTIES
        ]
        districts = []
        for county in counties:
            station = Substation.objects.create(code=f"{county.code}-B", name="压测变", org_unit=county)
            feeder = Feeder.objects.create(code=f"{county.code}-F", name="压测线", substation=station)
            districts += TransformerDistrict.objects.bulk_create(
                TransformerDistrict(
                    feeder=feeder, code=f"{county.code}-T{n:04d}", name=f"压测台区{n}", capacity_kva=400
                )
                for n in range(500)
            )
        days = (5, 12, 18, 0)
        routes = [
            ReadingRoute.objects.create(
                code=f"{mark}-R{day:02d}", name=f"压测{day}日段", org_unit=counties[0], reading_day=day
            ).pk
            for day in days
        ]
    tariff = dict(Tariff.objects.values_list("code", "pk"))
    classes = SupplyContract.PriceClass
    homes, business = (tuple(routes[:3]), days[:3]), (tuple(routes[3:]), days[3:])
    return _Frame(
        province_id=province.pk,
        county_ids=tuple(county.pk for county in counties),
        district_ids=tuple(district.pk for district in districts),
        segments=(
            _Segment(classes.RESIDENTIAL, tariff[HOME_TARIFF], "<1kV", 8, 1, 2300, HOME_REGISTERS, *homes),
            _Segment(classes.COMMERCIAL, tariff[LOW_TARIFF], "<1kV", 60, 1, 15000, BUSINESS_REGISTERS, *business),
            _Segment(
                classes.INDUSTRIAL, tariff[TEN_KV_TARIFF], "1-10(20)kV", 400, 40, 400_000, BUSINESS_REGISTERS, *business
            ),
        ),
        cycles=cycles,
    )


def _unit(parent: OrgUnit | None, kind: str, code: str, name: str) -> OrgUnit:
    unit = OrgUnit.objects.create(parent=parent, kind=kind, code=code, name=name, path=code)
    unit.path = f"{parent.path if parent else '/'}{unit.pk}/"
    unit.save(update_fields=["path"])
    return unit


def _make_pools(rng: np.random.Generator) -> _Pools:
    def spelt(name: str, *, is_person: bool) -> tuple[str, str, str, str]:
        keys = name_keys(name, is_person=is_person)
        return name, keys.pinyin, keys.initials, _array(keys.grams)

    companies = make_enterprises(NAMES // 20, rng, place="江汉", is_works=False)
    addresses = [
        (estate_address if n % 3 else street_address)(COUNTIES[n % len(COUNTIES)], rng).text for n in range(3000)
    ]
    return _Pools(
        people=[spelt(person.name, is_person=True) for person in make_people(NAMES, rng)],
        enterprises=[spelt(company.name, is_person=False) for company in companies],
        addresses=[(text, _array(grams(text))) for text in addresses],
        doors=[encrypt(f"{n % 30 + 1}栋{n // 30 + 1}01室") for n in range(900)],
    )


def _array(parts: tuple[str, ...]) -> str:
    """An array as COPY's text format has it; the parts hold letters and figures only."""
    return "{" + ",".join(f'"{part}"' for part in parts) + "}"


# --- Chunks --------------------------------------------------------------------------------


def _write_chunk(
    cursor: Any,
    frame: _Frame,
    pools: _Pools,
    kinds: NDArray[np.int64],
    first: int,
    rng: np.random.Generator,
    loaded: LoadedUtility,
) -> None:
    count = len(kinds)
    ids = {table: sequence_block(cursor, f"{table}_id_seq", count) for table in TRACKED}
    place = rng.integers(0, len(pools.addresses), count)
    which = rng.integers(0, NAMES, count)
    route = np.zeros(count, dtype=np.int64)
    for number, segment in enumerate(frame.segments):
        own = kinds == number
        route[own] = np.array(segment.route_ids)[rng.integers(0, len(segment.route_ids), int(own.sum()))]
    county = np.array(frame.county_ids)[place % len(frame.county_ids)]
    district = np.array(frame.district_ids)[rng.integers(0, len(frame.district_ids), count)]
    people_of = rng.integers(1, 6, count)

    def write(table: str, columns: tuple[str, ...], rows: Iterator[tuple[Any, ...]]) -> None:
        started = time.perf_counter()
        copy_rows(cursor, table, columns, rows)
        _note(loaded, table, count, started)

    def listed(values: NDArray[Any]) -> list[Any]:
        return list(values.tolist())

    of = {table: listed(values) for table, values in ids.items()}
    kind_of = listed(kinds)
    since = f"[{OPENED_ON},)"
    segments = frame.segments
    write(
        "cis_customer",
        CUSTOMER_COLUMNS,
        (
            (customer, *_customer(pools, kind, pick), *_phone(first + n), "", 1)
            for n, (customer, kind, pick) in enumerate(zip(of["cis_customer"], kind_of, listed(which), strict=True))
        ),
    )
    write(
        "cis_premise",
        ("id", "org_unit_id", "transformer_district_id", "address", "address_grams", "door", "version"),
        (
            (premise, unit, near, *pools.addresses[at], pools.doors[at % len(pools.doors)], 1)
            for premise, unit, near, at in zip(
                of["cis_premise"], listed(county), listed(district), listed(place), strict=True
            )
        ),
    )
    write(
        "cis_account",
        ("id", "account_no", "customer_id", "premise_id", "org_unit_id", "route_id", "state", "opened_on", "version"),
        (
            (account, f"{1_000_000_000 + account:010d}", customer, premise, unit, on, "open", OPENED_ON, 1)
            for account, customer, premise, unit, on in zip(
                of["cis_account"], of["cis_customer"], of["cis_premise"], listed(county), listed(route), strict=True
            )
        ),
    )
    write(
        "cis_supply_contract",
        ("id", "account_id", "tariff_id", "price_class", "voltage", "capacity_kva", "people", "valid", "version"),
        (
            (
                contract,
                account,
                s.tariff_id,
                s.price_class,
                s.voltage,
                s.capacity_kva,
                people if not kind else 1,
                since,
                1,
            )
            for contract, account, kind, people in zip(
                of["cis_supply_contract"], of["cis_account"], kind_of, listed(people_of), strict=True
            )
            for s in (segments[kind],)
        ),
    )
    write(
        "cis_metering_point",
        ("id", "point_no", "premise_id", "basis"),
        (
            (point, f"Q{point:010d}", premise, "registers")
            for point, premise in zip(of["cis_metering_point"], of["cis_premise"], strict=True)
        ),
    )
    write(
        "cis_account_point",
        ("id", "account_id", "point_id", "valid"),
        zip(of["cis_account_point"], of["cis_account"], of["cis_metering_point"], repeat(since)),
    )
    write(
        "cis_meter",
        ("id", "meter_no", "model", "digits"),
        ((meter, f"43{meter:010d}", "DDZY102", 6) for meter in of["cis_meter"]),
    )
    write(
        "cis_meter_installation",
        ("id", "meter_id", "point_id", "ct_ratio", "pt_ratio", "valid"),
        (
            (installation, meter, point, segments[kind].ct_ratio, 1, since)
            for installation, meter, point, kind in zip(
                of["cis_meter_installation"], of["cis_meter"], of["cis_metering_point"], kind_of, strict=True
            )
        ),
    )
    started = time.perf_counter()
    ledger.create_balances(of["cis_account"])
    _note(loaded, "cis_ledger_balance", 2 * count, started)
    started = time.perf_counter()
    written = 0
    for number, segment in enumerate(frame.segments):
        for route_id, reading_day in zip(segment.route_ids, segment.reading_days, strict=True):
            own = (kinds == number) & (route == route_id)
            written += _copy_readings(
                cursor, frame, segment, reading_day, ids["cis_meter_installation"][own], ids["cis_account"][own], rng
            )
    _note(loaded, "cis_reading", written, started)


def _note(loaded: LoadedUtility, table: str, rows: int, started: float) -> None:
    if rows:
        loaded.rows[table] = loaded.rows.get(table, 0) + rows
    loaded.seconds[table] = loaded.seconds.get(table, 0.0) + time.perf_counter() - started


def _customer(pools: _Pools, kind: int, pick: int) -> tuple[str, str, str, str, str]:
    """kind, name, pinyin, initials, grams"""
    if kind:
        return ("enterprise", *pools.enterprises[pick % len(pools.enterprises)])
    return ("person", *pools.people[pick])


def _phone(number: int) -> tuple[str, bytes, str]:
    """sealed, index, last four"""
    phone = made_up_phone(number)
    return encrypt(phone), blind_index(phone), phone[-4:]


def _copy_readings(
    cursor: Any,
    frame: _Frame,
    segment: _Segment,
    reading_day: int,
    installation: NDArray[np.int64],
    account: NDArray[np.int64],
    rng: np.random.Generator,
) -> int:
    """Accepted readings of accounts of one route, in the order of the key; gives how many."""
    count, registers = len(installation), len(segment.registers)
    if not count:
        return 0
    dates = [reading_date(cycle, reading_day) for cycle in frame.cycles]
    season = np.array([_SEASON[cycle % 100 - 1] for cycle in frame.cycles[1:]])
    annual = segment.median_kwh * rng.lognormal(0.0, 0.45, count)
    monthly = annual[:, None] / 12 * season * rng.uniform(0.85, 1.15, (count, len(season)))
    units = np.rint(monthly / segment.ct_ratio).astype(np.int64)[:, None, :]
    if registers > 1:
        parts = np.rint(units * np.array(_PERIOD_SHARES)[None, :, None]).astype(np.int64)
        units = np.concatenate([parts.sum(axis=1, keepdims=True), parts], axis=1)
    opening = (
        rng.integers(100, 20_000, count)[:, None, None]
        * np.array([registers - 1 or 1, *[1] * (registers - 1)])[None, :, None]
    )
    steps = np.concatenate([np.zeros((count, registers, 1), np.int64), np.cumsum(units, axis=2)], axis=2)
    advance = np.concatenate(
        [np.full((count, registers, 1), -1), energy_kwh_e2(units * 10_000, segment.ct_ratio)], axis=2
    )
    shape = steps.shape

    def spread(values: Any) -> NDArray[np.int64]:
        return np.broadcast_to(np.asarray(values, dtype=np.int64), shape).reshape(-1)

    copy_in(
        cursor,
        "cis_reading",
        {
            "installation_id": ("int8", spread(installation[:, None, None])),
            "register": ("int2", spread(np.array([int(r) for r in segment.registers])[None, :, None])),
            "read_on": ("date", spread([days_of(day) for day in dates])),
            "account_id": ("int8", spread(account[:, None, None])),
            "cycle": ("int4", spread(frame.cycles)),
            "kind": ("int2", 0),
            "value_e4": ("int8", ((opening + steps) * 10_000).reshape(-1)),
            "advance_kwh_e2": ("int8", advance.reshape(-1)),
            "days": (
                "int2",
                spread([0, *(b.toordinal() - a.toordinal() for a, b in pairwise(dates))]),
            ),
            "is_rollover": ("bool", False),
            "source": ("int2", 1),
            "state": ("int2", int(Reading.State.ACCEPTED)),
            "batch_id": ("int8", 0),
        },
    )
    return int(np.prod(shape))
