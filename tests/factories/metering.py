"""Files of readings for tests, and the meter exchange that some of them are about."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from psycopg2.extras import DateRange

from cis.models import (
    Account,
    AccountPoint,
    Customer,
    Meter,
    MeteringPoint,
    MeterInstallation,
    Premise,
    Reading,
    ReadingRoute,
    SupplyContract,
    Tariff,
    TransformerDistrict,
)
from cis.operations.ledger import create_balances
from cis.operations.reading_imports import ImportResult, import_readings
from config.shared.models import OrgUnit
from tests.factories.world import AT

HEADER = "meter_no,register,read_on,value"
SLOTS = 96


def register_file(rows: Iterable[Sequence[object]], header: str = HEADER) -> bytes:
    """A CSV of register values."""
    return "\n".join([header, *(",".join(map(str, row)) for row in rows), ""]).encode()


def interval_file(rows: Iterable[tuple[str, date, Sequence[object]]], register: str = "") -> bytes:
    """A CSV of daily curves: meter, day and 96 values in kWh; one register for all of them if named."""
    names = [
        "meter_no",
        "day",
        *(["register"] if register else []),
        *(f"kwh_{slot:02d}" for slot in range(1, SLOTS + 1)),
    ]
    lines = [",".join(names)]
    for meter_no, day, values in rows:
        lines.append(",".join([meter_no, str(day), *([register] if register else []), *map(str, values)]))
    return ("\n".join(lines) + "\n").encode()


def send(
    content: bytes,
    *,
    all_or_nothing: bool = False,
    at: datetime = AT,
    name: str = "readings.csv",
    by: int | None = None,
) -> ImportResult:
    """Import a file."""
    return import_readings(
        stream=io.BytesIO(content), file_name=name, all_or_nothing=all_or_nothing, created_by_id=by, at=at
    )


def reading(installation_id: int, read_on: date, register: int = 1) -> Reading:
    """One stored reading."""
    return Reading.objects.get(installation_id=installation_id, register=register, read_on=read_on)


def exchange_meter(installation_id: int, on: date, meter_no: str, *, digits: int = 6) -> int:
    """End an installation on a day and hang another meter at the point; gives the new installation."""
    old = MeterInstallation.objects.get(pk=installation_id)
    old.valid = DateRange(old.valid.lower, on)
    old.save(update_fields=["valid"])
    meter = Meter.objects.create(meter_no=meter_no, digits=digits)
    point = MeteringPoint.objects.get(pk=old.point_id)
    return MeterInstallation.objects.create(meter=meter, point=point, valid=DateRange(on, None)).pk


@dataclass(frozen=True)
class CurveAccount:
    """An account whose one point is billed from its curve."""

    account_id: int
    account_no: str
    meter_no: str
    point_id: int


def make_curve_accounts(
    numbers: Sequence[str],
    *,
    unit: OrgUnit,
    route: ReadingRoute,
    district: TransformerDistrict,
    tariff_code: str,
    since: date,
    price_class: int = SupplyContract.PriceClass.RESIDENTIAL,
    voltage: str = "<1kV",
    capacity_kva: int = 0,
) -> list[CurveAccount]:
    """Many accounts at once, each with a meter `M<number>`, served since a day."""
    valid = DateRange(since, None)
    customers = Customer.objects.bulk_create(Customer(kind="person", name=f"客户{number}") for number in numbers)
    premises = Premise.objects.bulk_create(
        Premise(org_unit=unit, transformer_district=district, address=f"样本路{number}号") for number in numbers
    )
    accounts = Account.objects.bulk_create(
        Account(account_no=number, customer=who, premise=where, org_unit=unit, route=route, opened_on=since)
        for number, who, where in zip(numbers, customers, premises, strict=True)
    )
    tariff = Tariff.objects.get(code=tariff_code)
    SupplyContract.objects.bulk_create(
        SupplyContract(
            account=account,
            tariff=tariff,
            price_class=price_class,
            voltage=voltage,
            capacity_kva=capacity_kva,
            valid=valid,
        )
        for account in accounts
    )
    points = MeteringPoint.objects.bulk_create(
        MeteringPoint(point_no=f"P{number}", premise=where, basis=MeteringPoint.Basis.CURVE)
        for number, where in zip(numbers, premises, strict=True)
    )
    AccountPoint.objects.bulk_create(
        AccountPoint(account=account, point=point, valid=valid) for account, point in zip(accounts, points, strict=True)
    )
    meters = Meter.objects.bulk_create(Meter(meter_no=f"M{number}") for number in numbers)
    MeterInstallation.objects.bulk_create(
        MeterInstallation(meter=meter, point=point, valid=valid) for meter, point in zip(meters, points, strict=True)
    )
    create_balances([account.pk for account in accounts])
    return [
        CurveAccount(account.pk, account.account_no, meter.meter_no, point.pk)
        for account, meter, point in zip(accounts, meters, points, strict=True)
    ]
