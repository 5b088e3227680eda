"""
The demonstration's market: three shops that buy from two retailers, a month settled otherwise, and rooftop solar.

The tables are January 2026's figures and say so. The shops are billed for four months, the first by the utility's own
purchase; of the second month a deviation is cleared on the fourth bill, of the third two differences are open. Three
plants are paid for the last two months and stand in different states.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from django.db import transaction
from psycopg2.extras import DateRange

from cis.demo.market_table import SOURCE, january_values
from cis.demo.plan import HOME_TARIFF, LOW_TARIFF
from cis.market_settlement import HEADS
from cis.models import (
    Account,
    AccountPoint,
    Bill,
    BillLine,
    Customer,
    FeedInPayment,
    MarketMonth,
    Meter,
    MeteringPoint,
    MeterInstallation,
    Premise,
    Reading,
    ReadingRoute,
    Retailer,
    SupplyContract,
    Tariff,
    TransformerDistrict,
)
from cis.operations import feed_in, market_months, market_settlements, payouts, retail
from cis.operations.billing import issue_bill_now
from cis.operations.ledger import create_balances
from cis.operations.settlement_files import import_settlement
from cis.rating import ChargeCode, Register
from cis.rating.registers import energy_kwh_e2
from config.shared import approvals
from config.shared.models import User
from config.shared.names import grams, name_keys
from config.shared.periods import add_months, cycle_of, reading_date
from config.shared.personal_data import blind_index

PROVINCE = "湖北"
MONTHS = 4
_RATIO = 20
_OPENING = 1_000
_SHOP_UNITS = {Register.SHARP: 22, Register.PEAK: 64, Register.FLAT: 82, Register.VALLEY: 45}


@dataclass(frozen=True)
class _Place:
    """Who is connected: register units a month, what of them is fed in, and the package bought."""

    account_no: str
    name: str
    phone: str
    door: str
    tariff: str
    price_class: SupplyContract.PriceClass
    package: str = ""
    ratio: int = 1
    percent: int = 100
    fed_in: int = 0
    card_no: str = ""
    used: dict[Register, int] = field(default_factory=lambda: dict(_SHOP_UNITS))


_COMMERCIAL, _HOME = SupplyContract.PriceClass.COMMERCIAL, SupplyContract.PriceClass.RESIDENTIAL
PLACES = (
    _Place("4299880011", "江汉大酒店有限公司", "12000009911", "湖滨路3号", LOW_TARIFF, _COMMERCIAL, "GD1", _RATIO, 140),
    _Place(
        "4299880012", "东湖冷链物流有限公司", "12000009912", "物流园2号", LOW_TARIFF, _COMMERCIAL, "FC1", _RATIO, 180,
        260, "6222020200112233446",
    ),
    _Place(
        "4299880013", "桂花食品厂", "12000009913", "工业园二路6号", LOW_TARIFF, _COMMERCIAL, "LD1", _RATIO, 90, 180,
        "6217000010001234569",
    ),
    _Place(
        "4299880014", "周向阳", "12000009914", "向阳村12号", HOME_TARIFF, _HOME, fed_in=640,
        card_no="6222020200998877662", used={},
    ),
)  # fmt: skip
_RETAILERS = (
    ("SD4201", "江汉售电有限公司", "Jianghan Retail", (
        ("GD1", "全年固定价", "fixed", {"price_yuan": "0.379", "floats": True}, False),
        ("FC1", "差价分成（月结后定价）", "share", {
            "reference": "monthly_auction", "base_yuan": "0.392", "customer_share_pct": 60, "shares_losses": False,
            "floats": True,
        }, True),
    )),
    ("SD4202", "楚能绿电售电有限公司", "Chuneng Green Retail", (
        ("LD1", "绿电参考价", "green", {
            "energy": {"kind": "spread", "reference": "agent_purchase", "spread_yuan": "-0.006", "floats": True},
            "premium_yuan": "0.02", "green_share_pct": 50,
        }, False),
    )),
)  # fmt: skip


def load(*, today: date, at: datetime) -> None:
    """Make all of it in one transaction; nothing where it is there or the demonstration has no such tariffs."""
    users = dict(User.objects.filter(username__in=("admin", "leader", "accountant")).values_list("username", "pk"))
    tariffs = {one.code: one for one in Tariff.objects.filter(code__in=(LOW_TARIFF, HOME_TARIFF))}
    district = TransformerDistrict.objects.order_by("pk").select_related("feeder__substation__org_unit").first()
    if len(users) < 3 or len(tariffs) < 2 or district is None or Retailer.objects.exists():
        return
    newest = add_months(cycle_of(today), -1)
    cycles = [add_months(newest, -back) for back in range(MONTHS - 1, -1, -1)]
    with transaction.atomic():
        accounts = _connect(tariffs, district, cycles)
        _publish(cycles[1:], users, at)
        _agree(accounts, cycles[1], users["accountant"], at)
        _bill(accounts, cycles[:3], at)
        _settle(accounts, cycles[1], at, users, clears=True)
        _bill(accounts, cycles[3:], at)
        _settle(accounts, cycles[2], at, users, clears=False)
        _feed_in(accounts, cycles[2:], users, at)


def _connect(tariffs: dict[str, Tariff], district: TransformerDistrict, cycles: list[int]) -> dict[str, int]:
    """The places with their meters and readings, set-wise; account number to id."""
    days = [reading_date(add_months(cycles[0], -1), 0), *(reading_date(cycle, 0) for cycle in cycles)]
    unit, valid = district.feeder.substation.org_unit, DateRange(days[0], None)
    route, _created = ReadingRoute.objects.get_or_create(
        code=f"{unit.code}-HV", defaults={"name": "高压零点冻结段", "org_unit": unit, "reading_day": 0}
    )
    customers = Customer.objects.bulk_create([_customer(place) for place in PLACES])
    premises = Premise.objects.bulk_create(
        [
            Premise(
                org_unit=unit,
                transformer_district=district,
                address=f"{unit.name.removesuffix('供电公司')}{place.door}",
                address_grams=list(grams(place.door)),
                door="",
            )
            for place in PLACES
        ]
    )
    accounts = Account.objects.bulk_create(
        [
            Account(
                account_no=place.account_no, customer=customers[at], premise=premises[at], org_unit=unit, route=route,
                opened_on=days[0],
            )
            for at, place in enumerate(PLACES)
        ]
    )  # fmt: skip
    SupplyContract.objects.bulk_create(
        [
            SupplyContract(
                account=accounts[at],
                tariff=tariffs[place.tariff],
                price_class=place.price_class,
                voltage=tariffs[place.tariff].voltage,
                capacity_kva=80,
                valid=valid,
            )
            for at, place in enumerate(PLACES)
        ]
    )
    points = MeteringPoint.objects.bulk_create(
        [MeteringPoint(point_no=f"P{place.account_no}", premise=premises[at]) for at, place in enumerate(PLACES)]
    )
    AccountPoint.objects.bulk_create(
        [AccountPoint(account=accounts[at], point=points[at], valid=valid) for at in range(len(PLACES))]
    )
    meters = Meter.objects.bulk_create(
        [Meter(meter_no=f"{place.account_no}001", model="DTZY", digits=6) for place in PLACES]
    )
    hung = MeterInstallation.objects.bulk_create(
        [
            MeterInstallation(meter=meters[at], point=points[at], ct_ratio=place.ratio, valid=valid)
            for at, place in enumerate(PLACES)
        ]
    )
    create_balances([account.pk for account in accounts])
    Reading.objects.bulk_create(
        [one for at, place in enumerate(PLACES) for one in _readings(place, hung[at].pk, accounts[at].pk, cycles, days)]
    )
    return {account.account_no: account.pk for account in accounts}


def _customer(place: _Place) -> Customer:
    is_person = place.price_class == _HOME
    keys = name_keys(place.name, is_person=is_person)
    return Customer(
        kind=Customer.Kind.PERSON if is_person else Customer.Kind.ENTERPRISE,
        name=place.name,
        name_pinyin=keys.pinyin,
        name_initials=keys.initials,
        name_grams=list(keys.grams),
        phone=place.phone,
        phone_index=blind_index(place.phone),
        phone_last4=place.phone[-4:],
    )


def _readings(
    place: _Place, installation_id: int, account_id: int, cycles: list[int], days: list[date]
) -> list[Reading]:
    """Accepted readings of every register on every freeze."""
    advances = {register: units * place.percent // 100 for register, units in place.used.items()}
    advances[Register.TOTAL] = sum(advances.values()) or 210
    if place.fed_in:
        advances[Register.EXPORT_TOTAL] = place.fed_in
    rows = []
    for register, units in advances.items():
        for number, (cycle, on) in enumerate(zip((0, *cycles), days, strict=True)):
            rows.append(
                Reading(
                    installation_id=installation_id,
                    account_id=account_id,
                    register=register,
                    read_on=on,
                    cycle=cycle,
                    kind=Reading.Kind.CYCLE if cycle else Reading.Kind.INSTALLED,
                    value_e4=(_OPENING + number * units) * 10_000,
                    advance_kwh_e2=int(energy_kwh_e2(units * 10_000, place.ratio)) if cycle else -1,
                    days=(on - days[number - 1]).days if cycle else 0,
                    state=Reading.State.ACCEPTED,
                )
            )
    return rows


def _publish(months: list[int], users: dict[str, int], at: datetime) -> None:
    for month in months:
        entered = market_months.enter_month(
            province=PROVINCE,
            month=month,
            values=january_values(),
            source=f"{SOURCE}（{month}）",
            entered_by_id=users["admin"],
            at=at,
            is_demonstration=True,
        )
        waits = MarketMonth.objects.values_list("approval_id", flat=True).get(pk=entered)
        approvals.approve(approval_id=waits or 0, decided_by_id=users["leader"], at=at)


def _agree(accounts: dict[str, int], month: int, by_id: int, at: datetime) -> None:
    packages: dict[str, int] = {}
    for code, name, name_en, sold in _RETAILERS:
        retailer = retail.add_retailer(code=code, name=name, name_en=name_en)
        for package, title, kind, terms, settled_later in sold:
            packages[package] = retail.add_package(
                retailer_id=retailer, code=package, name=title, kind=kind, terms=terms, source="示范套餐，没有备案",
                settled_later=settled_later,
            )  # fmt: skip
    for place in PLACES:
        if place.package:
            retail.sign_agreement(
                account_id=accounts[place.account_no], package_id=packages[place.package], from_month=month,
                until_month=None, document=f"示范零售合同 {place.account_no}", signed_by_id=by_id, at=at,
            )  # fmt: skip


def _bill(accounts: dict[str, int], cycles: list[int], at: datetime) -> None:
    for account_id in accounts.values():
        for cycle in cycles:
            issue_bill_now(account_id=account_id, cycle=cycle, issued_by_id=None, at=at)


def _settle(accounts: dict[str, int], month: int, at: datetime, users: dict[str, int], *, clears: bool) -> None:
    """A file of the month: as billed, but for a deviation, a package priced only now, or energy measured otherwise."""
    rows = []
    for number, place in enumerate(one for one in PLACES if one.package):
        kwh, fen = _billed(accounts[place.account_no], month)
        # Of the month that is cleared: a deviation, a later price. Of the other: other energy, a later price.
        deviation = 8_640 if clears and number == 0 else 0
        energy = fen - (kwh * 45 // 10_000 if number == 1 else 0)
        if not clears and number == 2:
            kwh += 12_000
        seller = next(code for code, _name, _en, sold in _RETAILERS if any(one[0] == place.package for one in sold))
        rows.append(
            (str(month), place.account_no, "", seller, _text(kwh), "", _text(energy), _text(deviation), "0.00",
             _text(energy + deviation))
        )  # fmt: skip
    lines = [",".join(HEADS.values()), *(",".join(row) for row in rows)]
    kept = import_settlement(
        data=("\n".join(lines) + "\n").encode(),
        file_name=f"零售结算_{month}.csv",
        province=PROVINCE,
        month=month,
        by_id=users["accountant"],
        at=at,
    )
    if clears:
        market_settlements.clear_settlement(
            settlement_id=kept.settlement_id, reason="按交易中心月度结算依据", by_id=users["accountant"], at=at
        )


def _billed(account_id: int, month: int) -> tuple[int, int]:
    """(0.01 kWh, fen) of the retail lines of a month's bill."""
    lines = BillLine.objects.filter(
        account_id=account_id,
        code__gte=ChargeCode.ENERGY_RETAIL,
        code__lte=ChargeCode.ENERGY_RETAIL_DEEP_VALLEY,
        bill_id__in=Bill.objects.filter(account_id=account_id, cycle=month).values("pk"),
    ).values_list("quantity", "amount_fen")
    return sum(quantity for quantity, _fen in lines), sum(fen for _quantity, fen in lines)


def _feed_in(accounts: dict[str, int], cycles: list[int], users: dict[str, int], at: datetime) -> None:
    """Plants and prices; of the first month two are being paid and one waits for an invoice, the last is computed."""
    for kind, subsidy_e8 in (("household", 3_000_000), ("business", 0)):
        feed_in.add_price(
            province=PROVINCE, kind=kind, regime="benchmark", connected_from=None, connected_until=date(2025, 6, 1),
            valid_from=date(2020, 1, 1), valid_until=None, price_e8=41_610_000, subsidy_e8=subsidy_e8,
            source="示范数据：湖北燃煤基准价，待核对",
        )  # fmt: skip
    for place in PLACES:
        if place.fed_in:
            feed_in.register_plant(
                account_id=accounts[place.account_no],
                kind="household" if place.price_class == _HOME else "business",
                capacity_kw_e2=10_00 if place.price_class == _HOME else 120_00,
                connected_on=date(2024, 5, 1),
                payee=place.name,
                bank="示范银行江汉支行",
                card_no=place.card_no,
            )
    first, last = cycles
    feed_in.compute_month(cycle=first, by_id=users["accountant"], at=at)
    feed_in.confirm_month(cycle=first, by_id=users["accountant"], at=at)
    waiting = FeedInPayment.objects.filter(account_id=accounts["4299880012"], cycle=first)[0]
    feed_in.take_paper(payment_id=waiting.pk, paper_no=f"示范{first}0001", by_id=users["accountant"], at=at)
    asked = payouts.ask_payout(asked_by_id=users["accountant"], at=at)
    approvals.approve(approval_id=asked, decided_by_id=users["leader"], at=at)
    feed_in.compute_month(cycle=last, by_id=users["accountant"], at=at)


def _text(hundredths: int) -> str:
    return f"{hundredths // 100}.{hundredths % 100:02d}"
