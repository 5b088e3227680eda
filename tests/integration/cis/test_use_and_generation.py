"""Consumption is limited and warned of, demand too; plants are metered by day and watched, for owner and utility."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from psycopg2.extras import DateRange

from cis.feed_in import PlantDay, WatchTerms, judge_day
from cis.models import (
    IntervalDay,
    Meter,
    MeteringPoint,
    MeterInstallation,
    PlantAlert,
    PortalAccess,
    Reading,
    SolarPlant,
    SupplyContract,
    UseLimit,
    UseLimitNotice,
)
from cis.operations import generation, use_limits
from cis.operations.bill_alerts import Wish, choose_alerts, watch_running_bills
from cis.queries.generation import GenerationDay, days_of_account
from cis.rating.registers import Register
from config.shared.errors import BadInput
from config.shared.models import Message, User
from tests.factories.solar import make_homes
from tests.factories.world import AccountIds, World, small_world

pytestmark = pytest.mark.django_db

FEBRUARY = date(2026, 2, 1)
DAY_20, DAY_25 = datetime(2026, 2, 20, 1, 0, tzinfo=UTC), datetime(2026, 2, 25, 1, 0, tzinfo=UTC)
SUNNY = date(2026, 2, 16)


@pytest.fixture
def world() -> World:
    world = small_world()
    with connection.cursor() as cursor:
        cursor.execute("SELECT cis_make_interval_partitions('2026-01-01', '2026-03-31')")
    return world


def curve(point_id: int, day: date, energy_wh: list[int], register: int = Register.TOTAL) -> None:
    IntervalDay.objects.create(point_id=point_id, register=register, day=day, energy_wh=energy_wh, missing_slots=0)


def noon(wh: int, base: int = 100) -> list[int]:
    """A day of a plant: nothing at night, `base` a quarter-hour from 8 to 16, one quarter-hour of `wh` at noon."""
    return [wh if slot == 48 else base if 32 <= slot < 64 else 0 for slot in range(96)]


def said(template: str) -> list[dict[str, str]]:
    return [
        json.loads(one.parameters) for one in Message.objects.filter(template=template, channel="in_app").order_by("pk")
    ]


def signed_in(user_id: int) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=user_id), backend="django.contrib.auth.backends.ModelBackend")
    return client


def with_meter(account: AccountIds, number: str) -> int:
    """A generation meter at the account's premise; its point."""
    point = MeteringPoint.objects.create(point_no=f"G{number}", premise_id=account.premise_id)
    meter = Meter.objects.create(meter_no=f"G{number}")
    MeterInstallation.objects.create(meter=meter, point=point, valid=DateRange(date(2024, 1, 1), None))
    return point.pk


class TestControl:
    @pytest.mark.acceptance("001-21")
    def test_use_is_limited_and_generation_is_metered_and_watched(self, world: World) -> None:
        """From stored curves and readings: limits of customer and utility, demand, and a plant's days."""
        home = world.residential
        for number in range(24):
            curve(home.point_id, FEBRUARY + timedelta(days=number), [100] * 96)
        mine, staff = signed_in(world.portal_user_id), signed_in(world.accountant_id)
        own = {"act": "set", "measure": "kwh", "amount": "200", "warn_percent": "90"}
        assert mine.post(reverse("cis:portal_limits"), own).status_code == 302
        theirs = {"act": "set", "measure": "yuan", "amount": "10", "warn_percent": "50", "reason": "租赁户担保限额"}
        assert staff.post(reverse("cis:account_limits", args=[home.account_no]), theirs).status_code == 302
        choose_alerts(user_id=world.portal_user_id, account_no=home.account_no, wishes=[Wish("demand")], at=DAY_20)

        # 19 days of 9.6 kWh are 91 % of 200 kWh; the money is passed already, and is told as that only.
        assert use_limits.watch(at=DAY_20) == 2 and use_limits.watch(at=DAY_20) == 0
        assert said("use-limit-near") == [{"tail": "0001", "used": "182.40", "limit": "200", "unit": "度"}]
        assert [one["unit"] for one in said("use-limit-crossed")] == ["元"]
        # Five days later the energy is passed too, once a period.
        assert use_limits.watch(at=DAY_25) == 1 and use_limits.watch(at=DAY_25) == 0
        assert [one["unit"] for one in said("use-limit-crossed")] == ["元", "度"]
        stages = UseLimitNotice.objects.order_by("pk").values_list("limit__measure", "stage", "used")
        assert [row for row in stages if row[0] == "kwh"] == [("kwh", "warning", 18_240), ("kwh", "crossed", 23_040)]
        # Demand is told of with the 105 % from which it costs double (发改办价格〔2016〕1583号).
        SupplyContract.objects.filter(account_id=home.account_id).update(contract_demand_kw=1)
        curve(home.point_id, date(2026, 2, 25), [260] * 96)
        assert watch_running_bills(at=datetime(2026, 2, 26, 1, 0, tzinfo=UTC)) > 0
        assert [one["percent"] for one in said("demand-alert")] == ["105"]
        # Both see it.
        for browser, address in (
            (mine, reverse("cis:portal_limits")), (staff, reverse("cis:account_limits", args=[home.account_no])),
            (staff, reverse("cis:use_limits")),
        ):  # fmt: skip
            assert "超过限额" in browser.get(address).content.decode(), address

        self.generation(world, staff)

    def generation(self, world: World, staff: Client) -> None:
        homes = make_homes(world)
        solar, plant = homes.solar, SolarPlant.objects.get(pk=homes.plant_id)
        owner = User.objects.create_user("sun", kind=User.Kind.CUSTOMER)
        PortalAccess.objects.create(user=owner, account_id=solar.account_id, began_at=world.at)
        point = with_meter(solar, "22")
        address = reverse("cis:account_generation", args=[solar.account_no])
        assert staff.post(address, {"meter_no": solar.meter_no}).status_code == 422
        assert staff.post(address, {"meter_no": "G22"}).status_code == 302
        plant.refresh_from_db()
        assert plant.generation_point_id == point
        assert 'value="G22"' in staff.get(address).content.decode(), "saved as it is shown, the meter stays"
        for number in range(15):
            curve(point, FEBRUARY + timedelta(days=number), noon(100))
            curve(solar.point_id, FEBRUARY + timedelta(days=number), noon(40, 40), Register.EXPORT_TOTAL)
        # 10 kW are registered: a quarter-hour of 2.7 kWh is 10.8 kW, above 105 %.
        curve(point, SUNNY, noon(2_700))
        curve(solar.point_id, SUNNY, noon(2_650, 40), Register.EXPORT_TOTAL)
        # The day after the curve is missing: the daily freezes say it.
        other = MeterInstallation.objects.get(point_id=point)
        for on, value in ((SUNNY + timedelta(days=1), 1_000), (SUNNY + timedelta(days=2), 1_005)):
            Reading.objects.create(
                installation_id=other.pk, register=Register.TOTAL, read_on=on, account_id=0, value_e4=value * 10_000,
                state=Reading.State.ACCEPTED,
            )  # fmt: skip
        curve(point, SUNNY + timedelta(days=2), [0] * 96)

        days = {row.day: row for row in days_of_account(solar.account_id, today=date(2026, 2, 19))}

        assert days[FEBRUARY].gross_wh == 3_200 and days[FEBRUARY].export_wh == 1_280
        assert days[FEBRUARY].self_use_wh == 1_920
        assert (days[SUNNY].peak_gross_w, days[SUNNY].peak_export_w) == (10_800, 10_600)
        assert days[SUNNY + timedelta(days=1)].gross_wh == 5_000
        assert generation.watch(day=FEBRUARY + timedelta(days=10), at=DAY_20) == 0
        assert [generation.watch(day=SUNNY, at=DAY_20) for _twice in range(2)] == [2, 0]
        assert generation.watch(day=SUNNY + timedelta(days=2), at=DAY_20) == 1
        found = PlantAlert.objects.order_by("day", "kind").values_list("kind", "measured", "bound")
        assert list(found) == [("output", 10_800, 10_500), ("reverse", 10_600, 10_500), ("nothing", 0, 64)]
        assert [one["kind"] for one in said("plant-alert")] == [
            "出力超过登记容量", "上网功率超过登记容量", "该发电的日子没有发电",
        ]  # fmt: skip
        shown = PlantAlert.objects.count()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("django.utils.timezone.localdate", lambda *_a, **_k: date(2026, 2, 19))
            own = signed_in(owner.pk).get(reverse("cis:portal_feed_in")).content.decode()
            theirs = staff.get(address).content.decode()
            listed = staff.get(reverse("cis:plant_alerts")).content.decode()
            file = b"".join(staff.get(reverse("cis:account_generation_export", args=[solar.account_no]))).decode()
        for page in (own, theirs, listed):
            assert page.count("出力超过登记容量") >= 1 and "该发电的日子没有发电" in page
        assert "2026-02-01,3.200,1.280,1.920,0.400,0.160" in file
        assert shown == 3

    def test_a_lower_day_under_clouds_is_no_alert_and_a_lone_plant_that_stops_is(self) -> None:
        terms = WatchTerms(over_percent=105, nothing_permille=20, least_days=5)
        usual = [30_000] * 10

        def kinds(gross: int, *, others_made: bool, before: list[int] = usual) -> list[str]:
            day = PlantDay(gross, None)
            found = judge_day(day, capacity_w=10_000, before_wh=before, others_made=others_made, terms=terms)
            return [one.kind for one in found]

        assert kinds(0, others_made=True) == ["nothing"]
        assert kinds(0, others_made=False) == []
        assert kinds(2_000, others_made=True) == []
        assert kinds(0, others_made=True, before=usual[:4]) == []

    def test_self_use_is_generation_less_what_was_fed_in(self) -> None:
        day = GenerationDay(1, SUNNY, 10_000, 4_000, None, None)
        assert day.self_use_wh == 6_000
        assert GenerationDay(1, SUNNY, 10_000, None, None, None).self_use_wh is None

    def test_limits_say_what_they_need_and_are_never_rewritten(self, world: World) -> None:
        who: dict[str, Any] = {
            "account_id": world.residential.account_id, "measure": "kwh", "by_id": world.accountant_id, "at": DAY_20,
        }  # fmt: skip
        for wrong in ({"amount": 0}, {"warn_percent": 100}, {"by_utility": True}, {"measure": "kvar"}):
            with pytest.raises(BadInput):
                use_limits.set_limit(**{"amount": 100, "warn_percent": 80, "by_utility": False, **who, **wrong})
        for amount in (100_00, 200_00):
            use_limits.set_limit(**who, amount=amount, warn_percent=80, by_utility=False)
        assert list(UseLimit.objects.filter(ended_at=None).values_list("amount", flat=True)) == [200_00]
        assert UseLimit.objects.count() == 2
        with pytest.raises(DatabaseError), transaction.atomic():
            UseLimit.objects.update(amount=1)
