"""
Write the demonstration utility: master data in one transaction, then month by month what billing makes of it.

Every step may be repeated: what is there already is left as it is, so that a load that was killed is finished by the
next one. The job row of kind `load-demo` says how far it came; it counts as failed until the last step is done.
"""

from __future__ import annotations

import hashlib
import hmac
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from django.utils.translation import gettext as _
from numpy.typing import NDArray
from psycopg2.extras import DateRange

from cis.demo import geography
from cis.demo.curve_copy import copy_curves
from cis.demo.meter_year import MeterYear, PlannedReading, faulty, meter_years
from cis.demo.plan import (
    CURVE_DAYS,
    HOME_TARIFF,
    LOW_FLAT_TARIFF,
    LOW_TARIFF,
    TEN_KV_TARIFF,
    Payer,
    Plan,
    PlannedAccount,
    make_plan,
)
from cis.demo.tariffs import carry_tariffs_over
from cis.demo.weather import weather_of
from cis.models import (
    Account,
    AccountPoint,
    Bill,
    BillDispute,
    BillHold,
    BillingRun,
    Customer,
    Feeder,
    Meter,
    MeteringPoint,
    MeterInstallation,
    Premise,
    Reading,
    ReadingImport,
    ReadingRoute,
    Substation,
    SupplyContract,
    Tariff,
    TouWindows,
    TransformerDistrict,
)
from cis.operations import bill_holds, billing, demo_portal, ledger
from cis.operations.reading_imports import import_readings
from cis.operations.reference import load_reference
from cis.queries.day_kinds import day_kind
from cis.queries.late_fees import late_fees_so_far
from cis.rating.registers import REGISTER_NAMES, Register
from cis.rating.windows import WindowSet
from config.shared import approvals, jobs
from config.shared.bulk_copy import copy_in, days_of
from config.shared.errors import Refused
from config.shared.models import ApiKey, Job, OrgUnit, Role, RoleGrant, User
from config.shared.names import grams, name_keys
from config.shared.periods import add_months, cycle_of, first_day
from config.shared.personal_data import blind_index

JOB_KIND = "load-demo"
DEMO_PASSWORD = "dayingxiao-demo"  # noqa: S105 - meant to be known; a production installation refuses to load it
WINDOWS = "HB-TOU-2024-77"
FIRST_ACCOUNT_NO = 100_000_001
IMPORT_FILE = "示数冻结_{cycle}.csv"
_BATCH = 1000

Progress = Callable[[int], object]


class NotEmpty(Refused):
    """The database holds a utility that is not the demonstration."""

    code = "not-empty"


class LoadFailed(Refused):
    """A step of the load failed for good; the message says where to look."""

    code = "load-failed"


@dataclass(frozen=True)
class DemoUser:
    """Somebody who can sign in to the demonstration."""

    username: str
    display_name: str
    role: str
    unit: str
    """code of the unit that the role holds for"""
    kind: str = User.Kind.STAFF
    what_for: str = ""


@dataclass(frozen=True)
class DemoState:
    """How far the load is."""

    job_id: int
    until: int
    accounts: int
    seed: int
    today: date
    settled: int
    """the last cycle whose bills and payments are all there; 0 before the first"""
    is_complete: bool


@dataclass(frozen=True)
class PaymentWish:
    """Money that a customer brings: so much, when, to which hall, how. `form_key` makes it happen once."""

    account_id: int
    amount_fen: int
    at: datetime
    hall_id: int
    clerk_id: int
    method: str
    form_key: str


@dataclass(frozen=True)
class MonthResult:
    """What one cycle came to."""

    cycle: int
    bills: int
    left_out: int
    is_complete: bool


def demo_users() -> list[DemoUser]:
    """Staff and machines that can sign in, staff with the password `DEMO_PASSWORD`; customers have no password."""
    first, second = geography.COUNTIES
    return [
        DemoUser("clerk1", "陈静", "clerk", f"{first.code}-H1", what_for="东湖中心营业厅柜员 · counter clerk"),
        DemoUser("clerk2", "李敏", "clerk", f"{first.code}-H2", what_for="桂花路营业厅柜员 · counter clerk"),
        DemoUser("clerk3", "王芳", "clerk", f"{second.code}-H1", what_for="临江县营业厅柜员 · counter clerk"),
        DemoUser("manager", "周国平", "hall-manager", f"{first.code}-H1", what_for="营业厅主任 · hall manager"),
        DemoUser("accountant", "赵会计", "accountant", "42", what_for="电费会计 · billing and finance"),
        DemoUser("auditor", "孙抄核", "reading-auditor", "42", what_for="抄核员 · reading auditor"),
        DemoUser("agent", "林小雨", "agent", "42", what_for="95598 坐席 · 95598 agent"),
        DemoUser(
            "grid1",
            "黄志远",
            "district-manager",
            f"{first.code}-S1-D1",
            what_for="东湖第一片区经理（用手机看）· district manager, on a phone",
        ),
        DemoUser("supervisor", "罗建平", "district-supervisor", "4299", what_for="片区主管 · oversees the districts"),
        DemoUser("dispatcher", "吴调度", "dispatcher", "42", what_for="需求侧调度员 · DSM dispatcher"),
        DemoUser("keymanager", "何敬业", "key-account-manager", "42", what_for="大客户经理 · key-account manager"),
        DemoUser("leader", "郑明远", "leader", "42", what_for="分管领导 · leader"),
        DemoUser("inspector", "沈安", "audit-officer", "42", what_for="安全审计员 · audit officer"),
        DemoUser("admin", "系统管理员", "administrator", "42", what_for="系统管理员 · administrator"),
        DemoUser("bank", "江汉银行代收接口", "bank", "42", User.Kind.MACHINE, "银行接口（API key）· bank, by API"),
        DemoUser(
            "collector",
            "用电信息采集系统",
            "collection-system",
            "42",
            User.Kind.MACHINE,
            "采集系统（API key）· meter data",
        ),
    ]


def demo_key(username: str) -> str:
    """The API key of a machine of the demonstration; computed from the installation's secret, stored nowhere."""
    digest = hmac.new(settings.SECRET_KEY.encode(), f"demo-key:{username}".encode(), "sha256").hexdigest()
    return f"{digest[:12]}.{digest[12:52]}"


def demo_state() -> DemoState | None:
    """How far the demonstration is loaded; None where it never was begun."""
    job = Job.objects.filter(kind=JOB_KIND).order_by("pk").first()
    if job is None:
        return None
    facts = job.parameters
    return DemoState(
        job_id=job.pk,
        until=facts["until"],
        accounts=facts["accounts"],
        seed=facts["seed"],
        today=date.fromisoformat(facts["today"]),
        settled=facts.get("settled", 0),
        is_complete=job.state == Job.State.DONE,
    )


def is_empty() -> bool:
    """Whether there is no organisation yet."""
    return not OrgUnit.objects.exists()


def plan_of(state: DemoState) -> Plan:
    """The plan that a load was begun with."""
    return make_plan(
        until=state.until, yesterday=state.today - timedelta(days=1), accounts=state.accounts, seed=state.seed
    )


# --- Master data ---------------------------------------------------------------------------


def begin(*, until: int, accounts: int, seed: int, at: datetime, on_progress: Progress | None = None) -> DemoState:
    """
    Write the utility up to its readings and curves in one transaction: reference data, organisation, users, accounts.

    The readings of the last cycle are left for `import_last_month`. `on_progress` is told of accounts as they are
    metered.

    :raises NotEmpty: there is an organisation already
    """
    if not is_empty():
        raise NotEmpty(_("数据库里已经有单位。示范电网只能载入空库，请换一个新的数据库。"))
    today = at.astimezone(settings.BILLING_TIME_ZONE).date()
    plan = make_plan(until=until, yesterday=today - timedelta(days=1), accounts=accounts, seed=seed)
    with transaction.atomic():
        load_reference(at=at)
        carry_tariffs_over(from_day=first_day(add_months(plan.cycles[0], -3)), to_day=first_day(add_months(until, 13)))
        units = _create_organisation()
        _create_users(units, at)
        ids = _create_accounts(plan, units, at)
        _write_metered(plan, ids, today, on_progress or (lambda _done: None))
        job = Job.objects.create(
            kind=JOB_KIND,
            parameters={"until": until, "accounts": accounts, "seed": seed, "today": today.isoformat()},
            state=Job.State.FAILED,
            created_at=at,
            total_units=len(plan.accounts),
        )
    return DemoState(job.pk, until, accounts, seed, today, settled=0, is_complete=False)


def _create_organisation() -> dict[str, OrgUnit]:
    units: dict[str, OrgUnit] = {}

    def create(parent: OrgUnit | None, kind: str, code: str, name: str, name_en: str) -> OrgUnit:
        unit = OrgUnit.objects.create(parent=parent, kind=kind, code=code, name=name, name_en=name_en, path=code)
        unit.path = f"{parent.path if parent else '/'}{unit.pk}/"
        unit.save(update_fields=["path"])
        units[code] = unit
        return unit

    kinds = OrgUnit.Kind
    province = create(None, kinds.PROVINCE, "42", geography.PROVINCE, "Hubei Electric Power (demonstration)")
    city = create(province, kinds.CITY, "4299", geography.CITY, "Jianghan City")
    for place in geography.COUNTIES:
        county = create(city, kinds.COUNTY, place.code, f"{place.name}供电公司", place.name_en)
        for number, (name, name_en) in enumerate(place.halls, start=1):
            create(county, kinds.HALL, f"{place.code}-H{number}", name, name_en)
        for number, (name, name_en) in enumerate(place.stations, start=1):
            station = create(county, kinds.STATION, f"{place.code}-S{number}", name, name_en)
            create(
                station, kinds.DISTRICT, f"{place.code}-S{number}-D1", f"{name[:2]}第一片区", f"{name_en} District 1"
            )
    return units


def _create_users(units: dict[str, OrgUnit], at: datetime) -> None:
    Role.objects.get_or_create(
        code="bank",
        defaults={
            "name": "银行代收接口（可查客户）",
            "name_en": "Bank, may look up customers",
            "permissions": ["cis.view_customer", "payments.take_payment", "payments.view_payments"],
        },
    )
    roles = {role.code: role for role in Role.objects.all()}
    password = make_password(DEMO_PASSWORD)
    for user in demo_users():
        created = User.objects.create(
            username=user.username,
            password=password if user.kind != User.Kind.MACHINE else make_password(None),
            kind=user.kind,
            display_name=user.display_name,
            org_unit=units.get(user.unit),
        )
        if user.role:
            RoleGrant.objects.create(user=created, role=roles[user.role], org_unit=units[user.unit])
        if user.kind == User.Kind.MACHINE:
            prefix, secret = demo_key(user.username).split(".")
            digest = hashlib.sha256(secret.encode()).digest()
            ApiKey.objects.create(user=created, name="demo", prefix=prefix, digest=digest, created_at=at)


@dataclass(frozen=True)
class _Ids:
    """Account number of the plan to what it became."""

    account: list[int]
    point: list[int]
    installation: list[tuple[int, ...]]
    meter_no: list[tuple[str, ...]]


def _create_accounts(plan: Plan, units: dict[str, OrgUnit], at: datetime) -> _Ids:
    districts = _create_network(plan, units)
    routes = {
        (index, route.key): ReadingRoute.objects.create(
            code=f"{county.code}-{route.key}",
            name=f"{county.name}{route.name}",
            org_unit=units[county.code],
            reading_day=route.reading_day,
            cycle_months=route.cycle_months,
            cycle_phase=route.cycle_phase,
        )
        for index, county in enumerate(geography.COUNTIES)
        for route in plan.routes.values()
    }
    codes = (HOME_TARIFF, LOW_TARIFF, LOW_FLAT_TARIFF, TEN_KV_TARIFF)
    tariffs = {tariff.code: tariff for tariff in Tariff.objects.filter(code__in=codes)}
    planned = plan.accounts
    counties = [units[county.code] for county in geography.COUNTIES]
    customers = Customer.objects.bulk_create([_customer(a) for a in planned], _BATCH)
    premises = Premise.objects.bulk_create(
        [
            Premise(
                org_unit=counties[a.county],
                transformer_district=districts[_district_key(a)],
                address=a.address.text,
                address_grams=list(grams(a.address.text)),
                door=a.address.door,
                longitude=a.address.longitude,
                latitude=a.address.latitude,
            )
            for a in planned
        ],
        _BATCH,
    )
    accounts = Account.objects.bulk_create(
        [
            Account(
                account_no=f"{FIRST_ACCOUNT_NO + a.number:010d}",
                customer=customers[a.number],
                premise=premises[a.number],
                org_unit=counties[a.county],
                route=routes[a.county, a.route],
                opened_on=a.opened_on,
            )
            for a in planned
        ],
        _BATCH,
    )
    since = [DateRange(a.opened_on, None) for a in planned]
    SupplyContract.objects.bulk_create(
        [
            SupplyContract(
                account=accounts[a.number],
                tariff=tariffs[a.tariff],
                price_class=a.price_class,
                voltage=a.voltage,
                capacity_kva=a.capacity_kva,
                people=a.people,
                valid=since[a.number],
            )
            for a in planned
        ],
        _BATCH,
    )
    points = MeteringPoint.objects.bulk_create(
        [MeteringPoint(point_no=f"P{accounts[a.number].account_no}", premise=premises[a.number]) for a in planned],
        _BATCH,
    )
    AccountPoint.objects.bulk_create(
        [AccountPoint(account=accounts[a.number], point=points[a.number], valid=since[a.number]) for a in planned],
        _BATCH,
    )
    installations = _create_meters(planned, points)
    ledger.create_balances([account.pk for account in accounts])
    _create_portal_access(planned, accounts, at)
    return _Ids(
        account=[account.pk for account in accounts],
        point=[point.pk for point in points],
        installation=[tuple(i.pk for i in own) for own in installations],
        meter_no=[tuple(i.meter.meter_no for i in own) for own in installations],
    )


def _customer(account: PlannedAccount) -> Customer:
    person = account.person
    keys = name_keys(person.name, is_person=person.is_person)
    return Customer(
        kind=Customer.Kind.PERSON if person.is_person else Customer.Kind.ENTERPRISE,
        name=person.name,
        name_pinyin=keys.pinyin,
        name_initials=keys.initials,
        name_grams=list(keys.grams),
        phone=person.phone,
        phone_index=blind_index(person.phone),
        phone_last4=person.phone[-4:],
        identity_no=person.identity_no,
        identity_index=blind_index(person.identity_no),
    )


def _district_key(account: PlannedAccount) -> tuple[int, int]:
    """Works at 10 kV have a transformer of their own; everybody else shares the neighbourhood's."""
    return account.county, -account.number - 1 if account.pt_ratio > 1 else account.address.cluster


def _create_network(plan: Plan, units: dict[str, OrgUnit]) -> dict[tuple[int, int], TransformerDistrict]:
    districts: dict[tuple[int, int], TransformerDistrict] = {}
    for index, county in enumerate(geography.COUNTIES):
        feeders = []
        for number, name in enumerate(county.substations, start=1):
            substation = Substation.objects.create(
                code=f"{county.code}-B{number}", name=name, org_unit=units[county.code]
            )
            feeders += [
                Feeder.objects.create(
                    substation=substation, code=f"{county.code}-B{number}F{n}", name=f"{name[5:]}10kV{n}号线"
                )
                for n in (1, 2, 3)
            ]
        names = [*county.estates, *county.villages, *county.streets]
        for cluster, name in enumerate(names):
            districts[index, cluster] = TransformerDistrict(
                feeder=feeders[cluster % len(feeders)],
                code=f"{county.code}-T{cluster + 1:03d}",
                name=f"{name}公变",
                capacity_kva=(400, 315, 630, 200)[cluster % 4],
            )
        for account in plan.accounts:
            if account.county == index and account.pt_ratio > 1:
                districts[_district_key(account)] = TransformerDistrict(
                    feeder=feeders[account.number % len(feeders)],
                    code=f"{county.code}-Z{account.number:05d}",
                    name=f"{account.person.name[:8]}专变",
                    capacity_kva=account.capacity_kva,
                    is_dedicated=True,
                )
    created = TransformerDistrict.objects.bulk_create(districts.values())
    return dict(zip(districts, created, strict=True))


def _create_meters(planned: list[PlannedAccount], points: list[MeteringPoint]) -> list[list[MeterInstallation]]:
    """One meter each, two where one was exchanged; by account, in the order of time."""
    rows: list[MeterInstallation] = []
    for a in planned:
        cuts = [a.opened_on, *([a.exchanged_on] if a.exchanged_on else []), None]
        for number, (start, end) in enumerate(pairwise(cuts)):
            model = "DTZ341" if a.has_periods else "DDZY102"
            meter = Meter(meter_no=f"42{number}{a.number:09d}", model=model, digits=a.digits)
            rows.append(
                MeterInstallation(
                    meter=meter,
                    point=points[a.number],
                    ct_ratio=a.ct_ratio,
                    pt_ratio=a.pt_ratio,
                    valid=DateRange(start, end),
                )
            )
    Meter.objects.bulk_create([row.meter for row in rows], _BATCH)
    for row in rows:
        row.meter_id = row.meter.pk
    created = iter(MeterInstallation.objects.bulk_create(rows, _BATCH))
    return [[next(created) for _meter in range(2 if a.exchanged_on else 1)] for a in planned]


def _create_portal_access(planned: list[PlannedAccount], accounts: list[Account], at: datetime) -> None:
    home = next(a for a in planned if not a.is_business and a.annual_kwh > 1500 and not a.fault)
    works = next(a for a in planned if a.has_periods)
    demo_portal.create_people(
        home=accounts[home.number], works=accounts[works.number], clerk=User.objects.get(username="clerk1"), at=at
    )


# --- Readings and curves -------------------------------------------------------------------


def _metered(plan: Plan) -> Iterator[MeterYear]:
    """The metered year; the same for the same plan, every time."""
    windows = WindowSet.parse(TouWindows.objects.get(code=WINDOWS).windows)
    rng = np.random.default_rng([plan.seed, 2])
    weather = weather_of(plan.days, rng)
    return meter_years(plan, weather, windows, [day_kind(day) for day in plan.days], rng)


def _write_metered(plan: Plan, ids: _Ids, today: date, on_progress: Progress) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT cis_make_interval_partitions(%s, %s)", [plan.days[0], today + timedelta(days=62)])
        for year in _metered(plan):
            _copy_readings(cursor, ids, [r for r in year.readings if r.cycle != plan.until])
            _copy_curves(cursor, plan, ids, year, today)
            on_progress(len(year.accounts))


def _copy_readings(cursor: Any, ids: _Ids, rows: list[PlannedReading]) -> None:
    def column(values: list[int], kind: Any = np.int64) -> NDArray[Any]:
        return np.array(values, dtype=kind)

    copy_in(
        cursor,
        "cis_reading",
        {
            "installation_id": ("int8", column([ids.installation[r.account][r.installation] for r in rows])),
            "register": ("int2", column([r.register for r in rows])),
            "read_on": ("date", column([days_of(r.read_on) for r in rows])),
            "account_id": ("int8", column([ids.account[r.account] for r in rows])),
            "cycle": ("int4", column([r.cycle for r in rows])),
            "kind": ("int2", column([r.kind for r in rows])),
            "value_e4": ("int8", column([r.value_e4 for r in rows])),
            "advance_kwh_e2": ("int8", column([r.advance_kwh_e2 for r in rows])),
            "days": ("int2", column([r.days for r in rows])),
            "is_rollover": ("bool", column([r.is_rollover for r in rows], np.bool_)),
            "source": ("int2", 1),
            "state": ("int2", int(Reading.State.ACCEPTED)),
            "batch_id": ("int8", 0),
        },
    )


def _copy_curves(cursor: Any, plan: Plan, ids: _Ids, year: MeterYear, today: date) -> None:
    """Businesses have every day of the year, homes the last two months."""
    end = plan.place(today)
    year_start, recent = plan.place(first_day(plan.cycles[0])), max(end - CURVE_DAYS, 0)
    day_numbers = np.array([days_of(day) for day in plan.days], dtype=np.int32)
    for row, account in enumerate(year.accounts):
        start = year_start if account.is_business else recent
        if account.is_new:
            start = max(start, plan.place(account.opened_on))
        days = day_numbers[start:end]
        point = np.full(len(days), ids.point[account.number])
        copy_curves(cursor, point, int(Register.TOTAL), days, year.taken_wh[row, start:end])
        if account.number in year.fed_in_wh:
            fed_in = year.fed_in_wh[account.number][start:end]
            copy_curves(cursor, point, int(Register.EXPORT_TOTAL), days, fed_in)


def import_last_month(*, plan: Plan, created_by_id: int | None, at: datetime) -> int:
    """
    Hand the last cycle's readings in as a file, through the real import, with faults for validation to find.

    Gives how many readings are doubtful; 0 when it was imported before.
    """
    name = IMPORT_FILE.format(cycle=plan.until)
    if ReadingImport.objects.filter(file_name=name, state=ReadingImport.State.DONE).exists():
        return 0
    lines = ["表号,示数类型,抄表日期,示数,抄表方式"]
    for year in _metered(plan):
        before: dict[tuple[int, int], PlannedReading] = {}
        for reading in year.readings:
            account = plan.accounts[reading.account]
            if reading.cycle == plan.until:
                value = faulty(reading, before[reading.account, reading.register], account.fault)
                if value is not None:
                    meter_no = f"42{reading.installation}{account.number:09d}"
                    register = REGISTER_NAMES[Register(reading.register)][0].partition("（")[0]
                    lines.append(f"{meter_no},{register},{reading.read_on},{value / 10_000:.2f},远程")
            before[reading.account, reading.register] = reading
    stream = io.BytesIO("\n".join([*lines, ""]).encode())
    result = import_readings(stream=stream, file_name=name, all_or_nothing=False, created_by_id=created_by_id, at=at)
    return result.doubtful


# --- Month by month ------------------------------------------------------------------------


def issue_moment(cycle: int, now: datetime) -> datetime:
    """When a cycle's bills were issued: half past nine on the third of the next month, or now if that is to come."""
    day = first_day(add_months(cycle, 1)) + timedelta(days=2)
    return min(datetime.combine(day, time(9, 30), settings.BILLING_TIME_ZONE), now)


def bill_month(*, cycle: int, created_by_id: int | None, now: datetime) -> MonthResult:
    """
    Bill a cycle by a real run, here and now, at the moment at which it would have been billed.

    What a dead process holds of the run is free when its lease has run out: until then the result is not complete,
    and the caller asks again.

    :raises LoadFailed: the run failed
    """
    root = OrgUnit.objects.get(parent=None)
    runs = BillingRun.objects.select_related("job").filter(cycle=cycle, kind=BillingRun.Kind.REGULAR)
    run = runs.order_by("-pk").first()
    if run is None:
        run_id = billing.start_run(
            cycle=cycle, org_unit_id=root.pk, created_by_id=created_by_id, at=issue_moment(cycle, now)
        )
        run = runs.get(pk=run_id)
    if run.closed_at is None and run.job_id is not None:
        jobs.work_on(job_id=run.job_id)
        run = runs.get(pk=run.pk)
    if run.job is not None and run.job.state == Job.State.FAILED:
        raise LoadFailed(
            _("%(cycle)s 的电费发行没有完成，请在后台任务 %(job)s 查看原因。") % {"cycle": cycle, "job": run.job_id}
        )
    if cycle < add_months(cycle_of(now.astimezone(settings.BILLING_TIME_ZONE).date()), -1):
        _release_held(cycle=cycle, at=issue_moment(cycle, now))
    bills = Bill.objects.filter(run_id=run.pk).count()
    return MonthResult(cycle, bills, run.exceptions.count(), is_complete=run.closed_at is not None)


def _release_held(*, cycle: int, at: datetime) -> None:
    """Two persons release what was held of an earlier month, so that the months after it are billed."""
    people = dict(User.objects.filter(username__in=("accountant", "leader")).values_list("username", "pk"))
    if len(people) < 2:
        return
    for hold in BillHold.objects.filter(cycle=cycle, state=BillHold.State.WAITING).order_by("pk"):
        asked = bill_holds.ask_release(
            hold_id=hold.pk, reason="夏季空调用电，已与客户核实", by_id=people["accountant"], at=at
        )
        approvals.approve(approval_id=asked, decided_by_id=people["leader"], at=at)


def note_settled(*, job_id: int, cycle: int) -> None:
    """Remember that a cycle is billed and its payments are in: a later load does not go over it again."""
    job = Job.objects.get(pk=job_id)
    job.parameters["settled"] = cycle
    job.save(update_fields=["parameters"])


def wished_payments(*, plan: Plan, cycle: int, now: datetime) -> list[PaymentWish]:
    """What customers bring in the weeks after a cycle was billed, by their habits; in the order of time."""
    open_bills = _open_bills()
    halls = list(OrgUnit.objects.filter(kind=OrgUnit.Kind.HALL).order_by("code"))
    clerks = {u.org_unit_id: u.pk for u in User.objects.filter(username__startswith="clerk")}
    rng = np.random.default_rng([plan.seed, cycle])
    index, issued = plan.cycles.index(cycle), issue_moment(cycle, now)
    wishes = []
    for account in plan.accounts:
        chance, days, minute = rng.random(), rng.integers(1, 24), rng.integers(0, 480)
        hall_choice, method_choice, extra = rng.random(), rng.random(), rng.integers(3, 9)
        account_id, open_fen, bills, due_on = open_bills.get(account.number, (0, 0, 0, issued.date()))
        amount = _brings(account, cycle, index, open_fen, bills, float(chance), int(extra))
        at = datetime.combine(issued.date() + timedelta(days=int(days)), time(8, 30), issued.tzinfo)
        at += timedelta(minutes=int(minute))
        if amount <= 0 or at >= now - timedelta(hours=12):
            continue
        if due_on < at.date():
            # The counter names the late fee too, and who comes late pays it with the rest.
            amount += late_fees_so_far(account_id, on=at.date()).fee_fen
        own = [hall for hall in halls if hall.code.startswith(geography.COUNTIES[account.county].code)]
        # Some pay wherever they happen to be: every hall serves everybody.
        hall = halls[account.number % len(halls)] if hall_choice < 0.1 else own[account.number % len(own)]
        wishes.append(
            PaymentWish(
                account_id=account_id,
                amount_fen=amount,
                at=at,
                hall_id=hall.pk,
                clerk_id=clerks[hall.pk],
                method=("cash", "qr", "card")[int(method_choice * 2.999) if not account.is_business else 2],
                form_key=f"demo{cycle}{account.number:08d}",
            )
        )
    return sorted(wishes, key=lambda wish: wish.at)


def _brings(
    account: PlannedAccount, cycle: int, index: int, open_fen: int, bills: int, chance: float, extra: int
) -> int:
    """How much the account pays after this cycle, in fen."""
    if not open_fen:
        return 0
    in_turn = (index + account.number) % 4 == 0
    match account.payer:
        case Payer.MONTHLY:
            return open_fen if chance < 0.96 else 0
        case Payer.SEVERAL:
            return open_fen if in_turn or bills > 4 else 0
        case Payer.AHEAD:
            # Round sums, with some hundreds in hand.
            return -(-open_fen // 10_000) * 10_000 + extra * 10_000
        case Payer.LATE:
            return open_fen if bills >= 4 and chance < 0.6 else 0
        case Payer.STOPPED:
            return open_fen if in_turn and cycle < account.stops_in else 0


def _open_bills() -> dict[int, tuple[int, int, int, date]]:
    """Number in the plan to (account id, open fen, open bills, the first due date)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.account_no, a.id, sum(b.open_fen)::bigint, count(*), min(b.due_on) FROM cis_bill b "
            "JOIN cis_account a ON a.id = b.account_id WHERE b.open_fen > 0 GROUP BY 1, 2"
        )
        return {int(no) - FIRST_ACCOUNT_NO: (account, *rest) for no, account, *rest in cursor.fetchall()}


def open_dispute(*, cycle: int, at: datetime) -> None:
    """One customer disagrees with the largest unpaid household bill of a cycle."""
    bill = Bill.objects.filter(cycle=cycle, price_class=1, open_fen__gt=0).order_by("-total_fen", "pk").first()
    if bill is None or BillDispute.objects.exists():
        return
    clerk = User.objects.get(username="clerk1")
    BillDispute.objects.create(
        bill=bill,
        account_id=bill.account_id,
        reason="客户称当月全家外出，用电量不应这么高，要求核对电能表示数。",
        opened_by=clerk,
        opened_at=at,
    )


def days_to_close(*, today: date) -> list[date]:
    """The days with transfers before today that are not closed, in order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT business_date FROM cis_ledger_transfer t WHERE business_date < %s AND NOT EXISTS "
            "(SELECT 1 FROM cis_ledger_day d WHERE d.business_date = t.business_date) ORDER BY 1",
            [today],
        )
        return [row[0] for row in cursor.fetchall()]


def finish(*, job_id: int, at: datetime) -> None:
    """Mark the load as complete."""
    job = Job.objects.get(pk=job_id)
    job.state, job.finished_at, job.done_units = Job.State.DONE, at, job.total_units
    job.save(update_fields=["state", "finished_at", "done_units"])


def user_id(username: str) -> int:
    """The id of one of the demonstration's users."""
    return User.objects.values_list("pk", flat=True).get(username=username)
