"""What a day costs: the kernel that bills rates the period up to each moment."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest
from django.db import connection
from django.test import Client

from cis.models import (
    Bill,
    IntervalDay,
    MeteringPoint,
    Reading,
    SupplyContract,
    TariffVersion,
    TouWindows,
)
from cis.operations.billing import issue_bill_now
from cis.queries import day_costs, readings
from config.shared.models import User
from tests.factories.portal import only
from tests.factories.world import AccountIds, World, small_world

pytestmark = pytest.mark.django_db

JANUARY, FEBRUARY, MARCH = date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)
PLACES = ("residential", "residential_tou", "commercial")


@pytest.fixture
def world() -> World:
    return small_world()


def curves(account: AccountIds, first: date, until: date, *, wh: int = 1000) -> None:
    """Every quarter-hour of the day is `wh`, twice it on the next and three times on the third day, and again."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT cis_make_interval_partitions(%s, %s)", [first, until])
    IntervalDay.objects.bulk_create(
        IntervalDay(
            point_id=account.point_id,
            day=first + timedelta(days=number),
            energy_wh=[wh * (number % 3 + 1)] * 96,
            missing_slots=0,
        )
        for number in range((until - first).days)
    )


def billed_from_curve(account: AccountIds) -> None:
    """From now on the point is billed from its curve, so that bill and days speak of the same energy."""
    MeteringPoint.objects.filter(pk=account.point_id).update(basis=MeteringPoint.Basis.CURVE)


def rules_of(account: AccountIds, day: date) -> TariffVersion:
    contract = SupplyContract.objects.get(pk=account.contract_id)
    return TariffVersion.objects.get(tariff_id=contract.tariff_id, valid__contains=day)


class TestADaysCost:
    @pytest.mark.acceptance("001-23")
    @pytest.mark.parametrize("name", PLACES)
    def test_days_and_quarter_hours_add_up_to_the_bill(self, world: World, name: str) -> None:
        account: AccountIds = getattr(world, name)
        curves(account, JANUARY, FEBRUARY)
        billed_from_curve(account)

        before = day_costs.costs_of_days(account.account_id, JANUARY, FEBRUARY)
        issue_bill_now(account_id=account.account_id, cycle=202601, issued_by_id=None, at=world.at)
        after = day_costs.costs_of_days(account.account_id, JANUARY, FEBRUARY)

        bill = Bill.objects.get()
        assert len(before) == 31
        for costs, is_billed in ((before, False), (after, True)):
            assert {cost.is_billed for cost in costs.values()} == {is_billed}
            assert sum(cost.cost_fen or 0 for cost in costs.values()) == bill.total_fen
        day = date(2026, 1, 20)
        quarters = day_costs.costs_of_quarters(account.account_id, day)
        assert sum(cost or 0 for cost in quarters.cost_fen) == after[day].cost_fen

    def test_a_day_costs_what_its_tier_costs(self, world: World) -> None:
        account = world.residential
        curves(account, FEBRUARY, MARCH)
        rule = rules_of(account, FEBRUARY).rules[0]

        costs = day_costs.costs_of_days(account.account_id, FEBRUARY, MARCH)

        bounds, prices = [*map(Decimal, rule["upper_kwh"]), Decimal(10**9)], [*map(Decimal, rule["price_yuan"])]
        assert rule["period"] == "year"

        def fen(kwh: Decimal) -> Decimal:
            """The bill of so many kWh, walked through tier by tier."""
            total, lower = Decimal(0), Decimal(0)
            for upper, price in zip(bounds, prices, strict=True):
                part = max(min(kwh, upper) - lower, Decimal(0))
                total += (part * price).quantize(Decimal("0.01"), ROUND_HALF_UP)
                lower = upper
            return total * 100

        used = Decimal(0)
        for number in range(28):
            more = Decimal(96 * (number % 3 + 1))
            assert costs[FEBRUARY + timedelta(days=number)].cost_fen == fen(used + more) - fen(used)
            used += more
        assert used > bounds[1] > bounds[0], "the month reaches the third tier"

    def test_a_bill_before_counts_towards_the_tiers_of_the_year(self, world: World) -> None:
        account = world.residential
        curves(account, FEBRUARY, date(2026, 2, 2))
        rule = rules_of(account, FEBRUARY).rules[0]
        Reading.objects.filter(installation_id=account.installation_id, cycle=202601).update(
            value_e4=9_000_0000, advance_kwh_e2=7_630_00
        )
        before = day_costs.costs_of_days(account.account_id, FEBRUARY, MARCH)[FEBRUARY]

        issue_bill_now(account_id=account.account_id, cycle=202601, issued_by_id=None, at=world.at)

        after = day_costs.costs_of_days(account.account_id, FEBRUARY, MARCH)[FEBRUARY]
        first, *_between, last = (Decimal(price) for price in rule["price_yuan"])
        assert (before.cost_fen, after.cost_fen) == (round(9600 * first), round(9600 * last))

    @pytest.mark.acceptance("001-23")
    def test_a_quarter_hour_at_night_costs_less_than_one_at_noon(self, world: World) -> None:
        account = world.residential_tou
        curves(account, JANUARY, FEBRUARY, wh=2000)
        measured = readings.curve(account.account_id, JANUARY)

        costs = day_costs.costs_of_quarters(account.account_id, JANUARY)

        by_period: dict[str, set[int | None]] = {}
        for period, cost in zip(measured.periods, costs.cost_fen, strict=True):
            by_period.setdefault(period, set()).add(cost)
        prices = {name: Decimal(price) for name, price in rules_of(account, JANUARY).rules[0]["price_yuan"].items()}
        assert len(by_period) == len(prices) == 2
        for period, price in (("高峰", prices["peak"]), ("低谷", prices["valley"])):
            # 2 kWh at its price, a fen more or less where the running total rounds.
            assert all(abs(Decimal(cost or 0) - 200 * price) <= 1 for cost in by_period[period])

    def test_a_day_of_another_tenant_has_none(self, world: World) -> None:
        assert day_costs.costs_of_days(world.residential.account_id, date(2020, 1, 1), date(2020, 2, 1)) == {}

    def test_a_gap_costs_nothing_and_is_left_open(self, world: World) -> None:
        curves(world.residential, JANUARY, FEBRUARY)
        day = IntervalDay.objects.get(point_id=world.residential.point_id, day=date(2026, 1, 3))
        IntervalDay.objects.filter(point_id=day.point_id, day=day.day).update(
            energy_wh=[*day.energy_wh[:95], -1], missing_slots=1
        )

        costs = day_costs.costs_of_quarters(world.residential.account_id, day.day)

        assert costs.cost_fen[95] is None and costs.cost_fen[94] is not None


class TestWithoutAPrice:
    """No zero in silence: the cost is left out and the reason said."""

    @pytest.mark.parametrize("fault", ["unknown rule", "no windows", "no contract", "no version"])
    def test_says_why(self, world: World, fault: str) -> None:
        account = world.residential_tou
        curves(account, JANUARY, date(2026, 1, 4))
        if fault == "unknown rule":
            TariffVersion.objects.update(rules=[{"kind": "by-the-moon"}])
        elif fault == "no windows":
            TariffVersion.objects.update(windows=None)
        elif fault == "no contract":
            SupplyContract.objects.all().delete()
        else:
            TariffVersion.objects.all().delete()
        only(world.portal_user_id, account.account_id, at=world.at)

        costs = day_costs.costs_of_days(account.account_id, JANUARY, date(2026, 1, 4))
        quarters = day_costs.costs_of_quarters(account.account_id, JANUARY)
        page = of(world).get("/my/usage/?month=2026-01").content.decode()

        assert len(costs) == 3
        assert all(cost.cost_fen is None and cost.why_not for cost in costs.values())
        assert set(quarters.cost_fen) == {None} and quarters.why_not
        assert "算不出电费" in page and "0.00" not in page


def of(world: World) -> Client:
    client = Client()
    user = User.objects.get(pk=world.portal_user_id)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def staff(username: str) -> Client:
    client = Client()
    client.force_login(User.objects.get(username=username), "django.contrib.auth.backends.ModelBackend")
    return client


def table_of(page: str) -> list[list[str]]:
    """The rows of the table behind the chart, cells as text."""
    body = page.split("<tbody>")[1].split("</tbody>")[0]
    return [
        [cell.split(">", 1)[1].split("<")[0] for cell in row.split("<t") if ">" in cell and cell[:1] in "hd"]
        for row in body.split("<tr>")[1:]
    ]


class TestPages:
    """The portal and the counter show and hand out the same."""

    @pytest.fixture(autouse=True)
    def mine(self, world: World) -> None:
        curves(world.residential_tou, JANUARY, FEBRUARY)
        only(world.portal_user_id, world.residential_tou.account_id, at=world.at)
        assert TouWindows.objects.exists()

    @pytest.mark.acceptance("001-23")
    def test_show_usage_by_day_period_and_quarter_hour_with_cost_and_hand_it_out(self, world: World) -> None:
        number = world.residential_tou.account_no
        costs = day_costs.costs_of_days(world.residential_tou.account_id, JANUARY, FEBRUARY)
        yuan = {day: f"{Decimal(cost.cost_fen or 0) / 100:.2f}" for day, cost in costs.items()}
        quarter_fen = day_costs.costs_of_quarters(world.residential_tou.account_id, JANUARY).cost_fen
        for client, root in (
            (of(world), "/my/usage/"),
            (staff("clerk_b"), f"/console/accounts/{number}/usage/"),
        ):
            month = client.get(f"{root}?month=2026-01").content.decode()
            day = client.get(f"{root}2026-01-01/").content.decode()

            rows = table_of(month)
            assert len(rows) == 31 and "高峰" in month and "低谷" in month and "估算" in month
            assert [row[-1].replace("\u2009\u2060", "") for row in rows] == list(yuan.values())
            quarters = table_of(day)
            assert len(quarters) == 96
            assert [row[-1] for row in quarters] == [f"{Decimal(cost or 0) / 100:.2f}" for cost in quarter_fen]

            export = b"".join(client.get(f"{root}export.csv?month=2026-01")).decode("utf-8-sig")
            exported = list(csv.DictReader(io.StringIO(export)))
            assert [row["cost_yuan"] for row in exported] == list(yuan.values())
            assert {row["cost_state"] for row in exported} == {"estimate"}
            for row in exported:
                parts = Decimal(row["kwh_高峰"]) + Decimal(row["kwh_低谷"])
                assert parts == Decimal(row["energy_kwh"]) == sum(Decimal(row[f"kwh_{n:02d}"]) for n in range(1, 97))
            of_day = b"".join(client.get(f"{root}2026-01-01/export.csv")).decode("utf-8-sig")
            lines = list(csv.DictReader(io.StringIO(of_day)))
            assert (len(lines), lines[1]["from"], {row["period"] for row in lines}) == (96, "00:15", {"高峰", "低谷"})
            assert [row["cost_yuan"] for row in lines] == [f"{Decimal(cost or 0) / 100:.2f}" for cost in quarter_fen]

    def test_say_estimate_only_until_the_bill_is_out(self, world: World) -> None:
        assert "估算" in of(world).get("/my/usage/?month=2026-01").content.decode()

        issue_bill_now(account_id=world.residential_tou.account_id, cycle=202601, issued_by_id=None, at=world.at)

        page = of(world).get("/my/usage/?month=2026-01").content.decode()
        assert "估算" not in page and "已出账" in page

    def test_are_kept_from_strangers(self, world: World) -> None:
        number = world.residential_tou.account_no
        for path in ("", "export.csv", "2026-01-01/", "2026-01-01/export.csv"):
            address = f"/console/accounts/{number}/usage/{path}"
            assert staff("stranger").get(address).status_code == 403
            assert of(world).get(address).status_code == 404

    def test_take_few_queries_for_a_whole_month(self, world: World, django_assert_max_num_queries: object) -> None:
        client = of(world)
        with django_assert_max_num_queries(24):  # type: ignore[operator]
            client.get("/my/usage/?month=2026-01")
