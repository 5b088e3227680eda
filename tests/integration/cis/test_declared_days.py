"""Prices that the day or the kind of meter decides: declared hot days, charging points, shared meters, by the run."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from psycopg2.extras import DateRange

from cis.models import (
    Bill,
    BillLine,
    DeclaredDay,
    IntervalDay,
    MeteringPoint,
    Reading,
    SupplyContract,
    Tariff,
    TariffVersion,
    TouWindows,
)
from cis.operations.billing import issue_bill_now
from cis.operations.declared_days import DayRefused, declare_day, withdraw_day
from cis.queries.billing import get_bill
from cis.queries.readings import daily_usage
from cis.rating import CHARGES, ChargeCode, Register
from cis.rating.rules.basic_charge import DemandMode
from config.shared.models import OrgUnit
from tests.factories.world import AccountIds, World, small_world

pytestmark = pytest.mark.django_db

JANUARY, START, END = 202601, date(2026, 1, 1), date(2026, 2, 1)
HOT = date(2026, 1, 20)
TOLD = datetime.fromisoformat("2026-01-19T19:30+08:00")


@pytest.fixture
def world() -> World:
    return small_world()


def tariff(
    account: AccountIds, rules: list[dict[str, Any]], windows: dict[str, Any] | None = None, **terms: Any
) -> None:
    """Let an account be billed by these rules alone."""
    made = Tariff.objects.create(code="T-X", name="T-X", province="广东", category="test")
    of = windows and TouWindows.objects.create(
        code="T-W", province="广东", document="test", valid=DateRange(None, None), windows=windows, source="test",
        confidence="high",
    )  # fmt: skip
    TariffVersion.objects.create(
        tariff=made, valid=DateRange(None, None), rules=rules, source="test", confidence="high", windows=of or None
    )
    SupplyContract.objects.filter(pk=account.contract_id).update(tariff=made, **terms)


def bill_of(world: World, account: AccountIds) -> Bill:
    bill_id = issue_bill_now(account_id=account.account_id, cycle=JANUARY, issued_by_id=None, at=world.at)
    bill = Bill.objects.get(pk=bill_id)
    assert get_bill(str(bill)).recomputes
    return bill


def lines(bill: Bill) -> dict[str, tuple[int, Decimal]]:
    """Whole kWh and yuan by charge."""
    rows = BillLine.objects.filter(bill_id=bill.pk)
    return {
        CHARGES[ChargeCode(row.code)].text: (row.quantity // 100, Decimal(row.amount_fen).scaleb(-2)) for row in rows
    }


class TestAHotDay:
    """At 1 kW all January; peak 10 to 14, sharp 11 to 12 and 15 to 17 on declared days only."""

    RULES = [{"kind": "time_of_use", "price_yuan": {"sharp": "1.5", "peak": "1", "flat": "0.6"}}]
    WINDOWS = {
        "code": "T-W",
        "seasons": [{"months": list(range(1, 13)), "windows": {"peak": [[600, 840]]}}],
        "declared_days": {"rule": "hot_day", "text": "35 °C", "windows": {"sharp": [[660, 720], [900, 1020]]}},
    }

    def works(self, world: World) -> AccountIds:
        works = world.commercial
        tariff(works, self.RULES, self.WINDOWS)
        MeteringPoint.objects.filter(pk=works.point_id).update(basis=MeteringPoint.Basis.CURVE)
        with connection.cursor() as cursor:
            cursor.execute("SELECT cis_make_interval_partitions(%s, %s)", [START, END])
        IntervalDay.objects.bulk_create(
            IntervalDay(point_id=works.point_id, day=date(2026, 1, day), energy_wh=[250] * 96, missing_slots=0)
            for day in range(1, 32)
        )
        return works

    def declare(self, unit: int, day: date = HOT, **more: Any) -> int:
        asked: dict[str, Any] = {
            "trigger_c": Decimal("35.5"), "source": "广州气象台 19:00", "noticed_at": TOLD, "declared_by_id": None,
            "at": TOLD,
        }  # fmt: skip
        return declare_day(org_unit_id=unit, day=day, **asked | more)

    def test_is_priced_by_its_own_windows_for_the_unit_and_all_below_it(self, world: World) -> None:
        works = self.works(world)
        self.declare(world.province_id)
        self.declare(world.county_b_id, date(2026, 1, 21), noticed_at=TOLD)

        found = lines(bill_of(world, works))

        # One hour of the peak and two of the flat of that day; the other county's day is not this one's.
        assert found == {
            "ENERGY_SHARP": (3, Decimal("4.50")),
            "ENERGY_PEAK": (31 * 4 - 1, Decimal("123.00")),
            "ENERGY_FLAT": (31 * 20 - 2, Decimal("370.80")),
        }
        used = {day.day: dict(day.by_period) for day in daily_usage(works.account_id, START, END)}
        assert next(iter(used[HOT].values())) == 3_000 and len(used[date(2026, 1, 21)]) == 2

    def test_nobody_was_told_of_is_refused_and_a_billed_one_stays(self, world: World) -> None:
        works = self.works(world)
        with pytest.raises(DayRefused, match="0 时以前"):
            self.declare(world.province_id, noticed_at=datetime.fromisoformat("2026-01-20T00:00+08:00"))
        self.declare(world.province_id)
        with pytest.raises(DayRefused, match="已经登记过"):
            self.declare(world.province_id)
        withdraw_day(org_unit_id=world.province_id, day=HOT)
        bill_of(world, works)

        with pytest.raises(DayRefused, match="已经有发行的"):
            self.declare(world.province_id)

    def test_by_the_command(self, world: World) -> None:
        code = OrgUnit.objects.get(pk=world.county_a_id).code
        asked = {"temperature": "35.5", "source": "气象台", "noticed_at": "2026-01-19T19:30"}

        call_command("declare_day", code, "2026-01-20", *(f"--{k.replace('_', '-')}={v}" for k, v in asked.items()))

        declared = DeclaredDay.objects.get()
        assert (declared.day, declared.trigger_c_e1, declared.noticed_at) == (HOT, 355, TOLD)
        with pytest.raises(CommandError, match="已经登记过"):
            call_command("declare_day", code, "2026-01-20", *(f"--{k.replace('_', '-')}={v}" for k, v in asked.items()))
        call_command("declare_day", code, "2026-01-20", "--withdraw")
        assert not DeclaredDay.objects.exists()


def reads(account: AccountIds, *registers: tuple[Register, int]) -> None:
    """So many whole units from 1 January to 1 February."""
    Reading.objects.filter(installation_id=account.installation_id).delete()
    for register, units in registers:
        for on, value, cycle in ((START, 1_000, 202512), (END, 1_000 + units, JANUARY)):
            Reading.objects.create(
                installation_id=account.installation_id, account_id=account.account_id, register=register, read_on=on,
                cycle=cycle, value_e4=value * 10_000, state=Reading.State.ACCEPTED,
            )  # fmt: skip


class TestMetersOfTheirOwnKind:
    """Worked examples: what a charging point and a shared meter cost (billing-rules 1.1)."""

    def test_a_shared_meter_has_one_price_and_no_tiers(self, world: World) -> None:
        home = world.residential
        SupplyContract.objects.filter(pk=home.contract_id).update(tariff=Tariff.objects.get(code="ZJ-RES-SHARED"))
        reads(home, (Register.TOTAL, 8_000))

        # The published 0.558 of Zhejiang below 1 kV, far above any tier.
        assert lines(bill_of(world, home)) == {"ENERGY_SHARED": (8_000, Decimal("4464.00"))}

    def test_a_charging_point_of_its_own_meter_may_have_periods_on_that_price(self, world: World) -> None:
        home = world.residential_tou
        tariff(home, [{"kind": "time_of_use", "price_yuan": {"peak": "0.588", "valley": "0.308"}}])
        reads(home, (Register.PEAK, 40), (Register.VALLEY, 260))

        assert lines(bill_of(world, home)) == {
            "ENERGY_PEAK": (40, Decimal("23.52")), "ENERGY_VALLEY": (260, Decimal("80.08")),
        }  # fmt: skip

    def test_public_charging_on_two_parts_pays_no_basic_charge(self, world: World) -> None:
        station = world.commercial
        basic = {
            "kind": "basic_charge", "capacity_price_yuan_per_kva_month": "26.3", "demand_price_yuan_per_kw_month": "42",
        }  # fmt: skip
        rules = [{"kind": "flat_energy", "price_yuan": "0.6"}, basic]
        tariff(station, rules, capacity_kva=630, demand_mode=int(DemandMode.EXEMPT))
        reads(station, (Register.TOTAL, 100))

        # 100 x the ratio of 40.
        assert lines(bill_of(world, station)) == {"ENERGY": (4_000, Decimal("2400.00"))}
