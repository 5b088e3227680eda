"""The demonstration's works at 10 kV: two transformers, charged in two parts, read with demand and reactive energy."""

from __future__ import annotations

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
from cis.operations.billing import issue_bill_now
from cis.operations.ledger import create_balances
from cis.rating import Register
from cis.rating.registers import energy_kwh_e2
from cis.rating.rules.basic_charge import DemandMode
from config.shared.names import grams, name_keys
from config.shared.periods import add_months, cycle_of, reading_date
from config.shared.personal_data import blind_index

ACCOUNT_NO = "4299880001"
TARIFF = "HB-2026-01-2P-10"
CAPACITY_KVA = 2_260
"""1600 and 660 kVA"""
RATIO = 400
MONTHS = 13
_NAME = "江汉铸锻有限公司"
_PHONE = "12000009881"
# Register units a month in sharp, peak, flat and valley hours, and how much of the year's mean each month takes, in per
# cent: summer and the weeks before the new year are busy, the spring festival is not.
_UNITS = {Register.SHARP: 90, Register.PEAK: 260, Register.FLAT: 330, Register.VALLEY: 180}
_OF_MEAN = (96, 58, 97, 101, 100, 104, 118, 121, 103, 95, 101, 106)
_REACTIVE_PERCENT = 55
# kW in hundredths of a register unit at a mean month.
_DEMAND_E2 = 255


def load(*, today: date, at: datetime) -> None:
    """Connect the works thirteen months ago and bill every month since; what is there already stays as it is."""
    newest = cycle_of(today)
    cycles = [add_months(newest, -back) for back in range(MONTHS, 0, -1)]
    days = [reading_date(add_months(cycles[0], -1), 0), *(reading_date(cycle, 0) for cycle in cycles)]
    tariff = Tariff.objects.filter(code=TARIFF, versions__valid__contains=days[0]).first()
    district = TransformerDistrict.objects.order_by("pk").select_related("feeder__substation__org_unit").first()
    if tariff is None or district is None or Account.objects.filter(account_no=ACCOUNT_NO).exists():
        return
    account_id, installation_id = _connect(tariff, district, days[0])
    _read(account_id, installation_id, cycles, days)
    for cycle in cycles:
        issue_bill_now(account_id=account_id, cycle=cycle, issued_by_id=None, at=at)


def _connect(tariff: Tariff, district: TransformerDistrict, since: date) -> tuple[int, int]:
    unit = district.feeder.substation.org_unit
    keys = name_keys(_NAME, is_person=False)
    customer = Customer.objects.create(
        kind=Customer.Kind.ENTERPRISE,
        name=_NAME,
        name_pinyin=keys.pinyin,
        name_initials=keys.initials,
        name_grams=list(keys.grams),
        phone=_PHONE,
        phone_index=blind_index(_PHONE),
        phone_last4=_PHONE[-4:],
    )
    address = f"{unit.name.removesuffix('供电公司')}工业园一路8号"
    premise = Premise.objects.create(
        org_unit=unit, transformer_district=district, address=address, address_grams=list(grams(address)), door="厂区"
    )
    route, _created = ReadingRoute.objects.get_or_create(
        code=f"{unit.code}-HV", defaults={"name": "高压零点冻结段", "org_unit": unit, "reading_day": 0}
    )
    account = Account.objects.create(
        account_no=ACCOUNT_NO, customer=customer, premise=premise, org_unit=unit, route=route, opened_on=since
    )
    valid = DateRange(since, None)
    SupplyContract.objects.create(
        account=account,
        tariff=tariff,
        price_class=SupplyContract.PriceClass.INDUSTRIAL,
        voltage=tariff.voltage,
        capacity_kva=CAPACITY_KVA,
        demand_mode=DemandMode.CAPACITY,
        pf_standard_e2=90,
        valid=valid,
    )
    point = MeteringPoint.objects.create(point_no=f"P{ACCOUNT_NO}", premise=premise)
    AccountPoint.objects.create(account=account, point=point, valid=valid)
    meter = Meter.objects.create(meter_no="4299880001001", model="DSZY", digits=6)
    installation = MeterInstallation.objects.create(meter=meter, point=point, ct_ratio=RATIO, valid=valid)
    create_balances([account.pk])
    return account.pk, installation.pk


def _read(account_id: int, installation_id: int, cycles: list[int], days: list[date]) -> None:
    """Accepted readings of every register on every freeze."""
    advances: dict[Register, list[int]] = {
        register: [units * _OF_MEAN[cycle % 100 - 1] // 100 for cycle in cycles] for register, units in _UNITS.items()
    }
    totals = [sum(month) for month in zip(*advances.values(), strict=True)]
    advances[Register.TOTAL] = totals
    advances[Register.REACTIVE_IMPORT] = [total * _REACTIVE_PERCENT // 100 for total in totals]
    rows = []
    for register, months in advances.items():
        value = 1_000
        rows.append(_reading(installation_id, account_id, register, days[0], 0, value * 10_000, 0, 0))
        for cycle, before, on, units in zip(cycles, days[:-1], days[1:], months, strict=True):
            value += units
            energy = int(energy_kwh_e2(units * 10_000, RATIO))
            rows.append(
                _reading(installation_id, account_id, register, on, cycle, value * 10_000, energy, (on - before).days)
            )
    for cycle, on in zip(cycles, days[1:], strict=True):
        shown_e4 = _DEMAND_E2 * _OF_MEAN[cycle % 100 - 1]
        rows.append(_reading(installation_id, account_id, Register.DEMAND, on, cycle, shown_e4, 0, 0))
    Reading.objects.bulk_create(rows)


def _reading(
    installation_id: int,
    account_id: int,
    register: Register,
    on: date,
    cycle: int,
    value_e4: int,
    energy: int,
    days: int,
) -> Reading:
    return Reading(
        installation_id=installation_id,
        account_id=account_id,
        register=register,
        read_on=on,
        cycle=cycle,
        kind=Reading.Kind.CYCLE if cycle else Reading.Kind.INSTALLED,
        value_e4=value_e4,
        advance_kwh_e2=energy if cycle else -1,
        days=days,
        state=Reading.State.ACCEPTED,
    )
