"""A tiny utility for tests: two counties, three halls, people with roles, a few accounts with accepted readings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from django.conf import settings
from psycopg2.extras import DateRange

from cis.demo.tariffs import carry_tariffs_over
from cis.models import (
    Account,
    AccountPoint,
    Customer,
    Feeder,
    Meter,
    MeteringPoint,
    MeterInstallation,
    PortalAccess,
    PortalPerson,
    Premise,
    Reading,
    ReadingRoute,
    Substation,
    SupplyContract,
    Tariff,
    TransformerDistrict,
)
from cis.operations.ledger import create_balances
from cis.rating.registers import Register, energy_kwh_e2
from config.shared.models import OrgUnit, Role, RoleGrant, User
from config.shared.names import grams, name_keys
from config.shared.periods import add_months, cycle_of, first_day, reading_date
from config.shared.personal_data import blind_index
from tests.factories.reference import load_reference

PASSWORD = "a-test-password-1"
PORTAL_TELEPHONE = "13800000099"
AT = datetime(2026, 2, 3, 1, 0, tzinfo=UTC)
"""09:00 on 3 February 2026 in Shanghai: the cycle 202601 is read and can be billed."""

RESIDENTIAL_TARIFF = "HB-RES"
RESIDENTIAL_TOU_TARIFF = "JS-RES-TOU"
COMMERCIAL_TOU_TARIFF = "HB-2026-01-1P-LT1"

Energies = Mapping[Register, tuple[int, ...]]
"""Register to whole register units of each cycle."""


@dataclass(frozen=True)
class AccountIds:
    """One account and all that belongs to it."""

    account_id: int
    account_no: str
    customer_id: int
    premise_id: int
    contract_id: int
    point_id: int
    meter_id: int
    meter_no: str
    installation_id: int
    route_id: int


@dataclass(frozen=True)
class World:
    """Ids of everything in the tiny utility; accounts by name and in `accounts`."""

    at: datetime
    cycles: tuple[int, ...]
    province_id: int
    city_id: int
    county_a_id: int
    county_b_id: int
    hall_a_id: int
    hall_b_id: int
    hall_c_id: int
    clerk_a_id: int
    clerk_b_id: int
    manager_id: int
    accountant_id: int
    auditor_id: int
    administrator_id: int
    stranger_id: int
    portal_user_id: int
    route_day_0_id: int
    route_day_15_id: int
    transformer_district_id: int
    residential: AccountIds
    residential_day_15: AccountIds
    residential_tou: AccountIds
    commercial: AccountIds
    accounts: tuple[AccountIds, ...] = field(default=())

    @property
    def cycle(self) -> int:
        """The newest cycle: read and not billed."""
        return self.cycles[-1]


def small_world(*, at: datetime = AT, cycles: int = 3) -> World:
    """
    Create the tiny utility in the caller's transaction, with reference data.

    The last `cycles` whole months before `at` are read and accepted, nothing is billed. Users sign in with `PASSWORD`;
    their names are clerk_a, clerk_b, manager, accountant, auditor, administrator, stranger (no role), portal.
    """
    load_reference(at=at)
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    numbers = tuple(add_months(cycle_of(today), -back) for back in range(cycles, 0, -1))
    start, end = first_day(add_months(numbers[0], -2)), first_day(add_months(numbers[-1], 13))
    carry_tariffs_over(from_day=start, to_day=end, prefix=COMMERCIAL_TOU_TARIFF)

    province = make_unit(None, OrgUnit.Kind.PROVINCE, "T42", "湖北省电力公司")
    city = make_unit(province, OrgUnit.Kind.CITY, "T4299", "江汉市供电公司")
    county_a = make_unit(city, OrgUnit.Kind.COUNTY, "T429901", "东湖区供电公司")
    county_b = make_unit(city, OrgUnit.Kind.COUNTY, "T429902", "临江县供电公司")
    hall_a = make_unit(county_a, OrgUnit.Kind.HALL, "T42990101", "东湖营业厅")
    hall_b = make_unit(county_b, OrgUnit.Kind.HALL, "T42990201", "临江营业厅")
    hall_c = make_unit(county_b, OrgUnit.Kind.HALL, "T42990202", "柳林营业厅")

    users = {
        "clerk_a": make_user("clerk_a", hall_a, "clerk", "陈静"),
        "clerk_b": make_user("clerk_b", hall_b, "clerk", "李敏"),
        "manager": make_user("manager", hall_a, "hall-manager", "王主任"),
        "accountant": make_user("accountant", province, "accountant", "赵会计"),
        "auditor": make_user("auditor", province, "reading-auditor", "周抄核"),
        "administrator": make_user("administrator", province, "administrator", "管理员"),
        "stranger": make_user("stranger", hall_a, None, "过路人"),
        "portal": User.objects.create_user("portal", password=PASSWORD, kind=User.Kind.CUSTOMER),
    }
    substation = Substation.objects.create(code="T-S1", name="东湖变", org_unit=county_a)
    feeder = Feeder.objects.create(code="T-F1", name="东湖一线", substation=substation)
    district = TransformerDistrict.objects.create(code="T-D1", name="桂苑公变", feeder=feeder, capacity_kva=400)
    day_0 = ReadingRoute.objects.create(code="T-R00", name="东湖零点段", org_unit=county_a, reading_day=0)
    day_15 = ReadingRoute.objects.create(code="T-R15", name="临江十五日段", org_unit=county_b, reading_day=15)

    def monthly(first: int) -> tuple[int, ...]:
        return tuple(first + 10 * number for number in range(cycles))

    residential = make_account(
        "4290000001", "张三", county_a, day_0, district, RESIDENTIAL_TARIFF, numbers, {Register.TOTAL: monthly(180)}
    )
    residential_15 = make_account(
        "4290000002", "欧阳娜", county_b, day_15, district, RESIDENTIAL_TARIFF, numbers, {Register.TOTAL: monthly(95)}
    )
    peak, valley = monthly(120), monthly(60)
    residential_tou = make_account(
        "4290000003",
        "李龘",
        county_b,
        day_0,
        district,
        RESIDENTIAL_TOU_TARIFF,
        numbers,
        {
            Register.TOTAL: tuple(map(sum, zip(peak, valley, strict=True))),
            Register.PEAK: peak,
            Register.VALLEY: valley,
        },
    )
    parts = {
        Register.SHARP: monthly(20),
        Register.PEAK: monthly(45),
        Register.FLAT: monthly(80),
        Register.VALLEY: monthly(30),
    }
    commercial = make_account(
        "4290000004",
        "江汉市东湖百货有限公司",
        county_a,
        day_0,
        district,
        COMMERCIAL_TOU_TARIFF,
        numbers,
        {Register.TOTAL: tuple(map(sum, zip(*parts.values(), strict=True))), **parts},
        price_class=SupplyContract.PriceClass.COMMERCIAL,
        ct_ratio=40,
        capacity_kva=100,
    )
    PortalPerson.objects.create(
        user=users["portal"],
        telephone=PORTAL_TELEPHONE,
        telephone_index=blind_index(PORTAL_TELEPHONE),
        telephone_since=at,
        joined_at=at,
    )
    PortalAccess.objects.create(user=users["portal"], account_id=residential.account_id, began_at=at)
    return World(
        at=at,
        cycles=numbers,
        province_id=province.pk,
        city_id=city.pk,
        county_a_id=county_a.pk,
        county_b_id=county_b.pk,
        hall_a_id=hall_a.pk,
        hall_b_id=hall_b.pk,
        hall_c_id=hall_c.pk,
        clerk_a_id=users["clerk_a"].pk,
        clerk_b_id=users["clerk_b"].pk,
        manager_id=users["manager"].pk,
        accountant_id=users["accountant"].pk,
        auditor_id=users["auditor"].pk,
        administrator_id=users["administrator"].pk,
        stranger_id=users["stranger"].pk,
        portal_user_id=users["portal"].pk,
        route_day_0_id=day_0.pk,
        route_day_15_id=day_15.pk,
        transformer_district_id=district.pk,
        residential=residential,
        residential_day_15=residential_15,
        residential_tou=residential_tou,
        commercial=commercial,
        accounts=(residential, residential_15, residential_tou, commercial),
    )


def make_unit(parent: OrgUnit | None, kind: str, code: str, name: str) -> OrgUnit:
    """One node of the organisation with its path."""
    unit = OrgUnit.objects.create(parent=parent, kind=kind, code=code, name=name, path=f"new:{code}")
    unit.path = f"{parent.path if parent else '/'}{unit.pk}/"
    unit.save(update_fields=["path"])
    return unit


def make_user(username: str, unit: OrgUnit, role: str | None, display_name: str = "") -> User:
    """A member of staff who holds one role (or none) for one unit."""
    user = User.objects.create_user(username, password=PASSWORD, display_name=display_name, org_unit=unit)
    if role is not None:
        RoleGrant.objects.create(user=user, role=Role.objects.get(code=role), org_unit=unit)
    return user


def make_account(
    account_no: str,
    name: str,
    unit: OrgUnit,
    route: ReadingRoute,
    district: TransformerDistrict,
    tariff_code: str,
    cycles: tuple[int, ...],
    energies: Energies,
    *,
    price_class: int = SupplyContract.PriceClass.RESIDENTIAL,
    ct_ratio: int = 1,
    capacity_kva: int = 8,
    digits: int = 6,
    people: int = 1,
    opening: int = 1000,
    has_balances: bool = True,
) -> AccountIds:
    """
    An account with contract, point, meter, installation, balances and accepted readings.

    `energies`: register to the register units advanced in each of `cycles`; the register starts at `opening` on the
    reading date of the cycle before, when everything was installed.
    """
    dates = [reading_date(cycle, route.reading_day) for cycle in (add_months(cycles[0], -route.cycle_months), *cycles)]
    since = DateRange(dates[0], None)
    phone = f"1000000{account_no[-4:]}"
    is_person = "公司" not in name
    keys = name_keys(name, is_person=is_person)
    customer = Customer.objects.create(
        kind=Customer.Kind.PERSON if is_person else Customer.Kind.ENTERPRISE,
        name=name,
        name_pinyin=keys.pinyin,
        name_initials=keys.initials,
        name_grams=list(keys.grams),
        phone=phone,
        phone_index=blind_index(phone),
        phone_last4=phone[-4:],
    )
    address = f"{unit.name.removesuffix('供电公司')}桂苑路1号"
    premise = Premise.objects.create(
        org_unit=unit,
        transformer_district=district,
        address=address,
        address_grams=list(grams(address)),
        door=f"{account_no[-1]}栋101室",
    )
    account = Account.objects.create(
        account_no=account_no, customer=customer, premise=premise, org_unit=unit, route=route, opened_on=dates[0]
    )
    contract = SupplyContract.objects.create(
        account=account,
        tariff=Tariff.objects.get(code=tariff_code),
        price_class=price_class,
        voltage="<1kV",
        capacity_kva=capacity_kva,
        people=people,
        valid=since,
    )
    point = MeteringPoint.objects.create(point_no=f"P{account_no}", premise=premise)
    AccountPoint.objects.create(account=account, point=point, valid=since)
    meter = Meter.objects.create(meter_no=f"M{account_no}", model="DDZY", digits=digits)
    installation = MeterInstallation.objects.create(meter=meter, point=point, ct_ratio=ct_ratio, valid=since)
    if has_balances:
        create_balances([account.pk])
    Reading.objects.bulk_create(
        reading
        for register, advances in energies.items()
        for reading in _readings(
            installation.pk, account.pk, register, cycles, dates, opening, advances, ct_ratio, digits
        )
    )
    return AccountIds(
        account_id=account.pk,
        account_no=account_no,
        customer_id=customer.pk,
        premise_id=premise.pk,
        contract_id=contract.pk,
        point_id=point.pk,
        meter_id=meter.pk,
        meter_no=meter.meter_no,
        installation_id=installation.pk,
        route_id=route.pk,
    )


def _readings(
    installation_id: int,
    account_id: int,
    register: Register,
    cycles: tuple[int, ...],
    dates: list[date],
    opening: int,
    advances: tuple[int, ...],
    ratio: int,
    digits: int,
) -> list[Reading]:
    """The opening reading and one a cycle."""
    top = 10**digits
    rows = [
        Reading(
            installation_id=installation_id,
            register=register,
            read_on=dates[0],
            account_id=account_id,
            kind=Reading.Kind.INSTALLED,
            value_e4=opening * 10_000,
            state=Reading.State.ACCEPTED,
        )
    ]
    value = opening
    for cycle, before, on, units in zip(cycles, dates[:-1], dates[1:], advances, strict=True):
        value += units
        rows.append(
            Reading(
                installation_id=installation_id,
                register=register,
                read_on=on,
                account_id=account_id,
                cycle=cycle,
                value_e4=value % top * 10_000,
                advance_kwh_e2=int(energy_kwh_e2(units * 10_000, ratio)),
                days=(on - before).days,
                is_rollover=value >= top,
                state=Reading.State.ACCEPTED,
            )
        )
        value %= top
    return rows
