"""The bill of the period that runs, what customers are told of it, and of prices before they change."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from psycopg2.extras import DateRange

from cis.demo.tariffs import carry_tariffs_over
from cis.models import BillAlert, BillBasis, IntervalDay, SupplyContract, TariffVersion
from cis.operations.bill_alerts import Wish, WrongLimit, choose_alerts, tell_of_prices, watch_running_bills
from cis.operations.billing import issue_bill_now
from cis.operations.portal_bindings import unbind
from cis.queries.day_costs import costs_of_days
from cis.queries.running_bills import RunningBill, running_bill, running_bills
from cis.rating import Register
from cis.rating.rules.basic_charge import DemandMode
from config.shared.models import Message
from config.shared.periods import add_months, first_day
from tests.factories.portal import signed_in
from tests.factories.world import AccountIds, World, small_world
from tests.integration.cis import test_two_part_bills as two_part_bills

pytestmark = pytest.mark.django_db

FEBRUARY, MARCH = date(2026, 2, 1), date(2026, 3, 1)
TODAY = date(2026, 2, 20)
AT = datetime(2026, 2, 20, 1, 0, tzinfo=UTC)
HEAVY_WH = 800
"""a quarter-hour of a household that will reach the second tier of its year in February"""


@pytest.fixture
def world() -> World:
    return small_world()


def curves(account: AccountIds, first: date, until: date, wh: int = 100) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT cis_make_interval_partitions(%s, %s)", [first, until])
    IntervalDay.objects.bulk_create(
        IntervalDay(point_id=account.point_id, day=first + timedelta(days=n), energy_wh=[wh] * 96, missing_slots=0)
        for n in range((until - first).days)
    )


def billed(world: World, account: AccountIds) -> None:
    for cycle in world.cycles:
        issue_bill_now(account_id=account.account_id, cycle=cycle, issued_by_id=None, at=world.at)


def seen(account: AccountIds, today: date = TODAY) -> RunningBill:
    found = running_bill(account.account_id, today=today)
    assert found is not None
    return found


def wish(world: World, *wishes: Wish) -> None:
    account_no = world.residential.account_no
    choose_alerts(user_id=world.portal_user_id, account_no=account_no, wishes=wishes, at=AT)


def said(template: str) -> list[dict[str, str]]:
    """The parameters of the messages of a template that lie in the inbox."""
    return [json.loads(one.parameters) for one in Message.objects.filter(template=template, channel="in_app")]


class TestATwoPartBill:
    """A works whose bill is more than energy; its curve stands at 4 kW."""

    @pytest.fixture
    def works(self, world: World) -> AccountIds:
        start, end = first_day(add_months(world.cycles[0], -2)), first_day(add_months(world.cycles[-1], 13))
        carry_tariffs_over(from_day=start, to_day=end, prefix=two_part_bills.TARIFF)
        made = two_part_bills.make_works(world, demand_mode=DemandMode.CAPACITY)
        curves(made, date(2026, 1, 1), TODAY, wh=1000)
        return made

    def agree(self, works: AccountIds, **terms: object) -> RunningBill:
        SupplyContract.objects.filter(pk=works.contract_id).update(**terms)
        return seen(works)

    def test_has_the_whole_basic_charge_and_the_demand_so_far(self, works: AccountIds) -> None:
        rules = TariffVersion.objects.get(tariff__code=two_part_bills.TARIFF, valid__contains=TODAY).rules
        basic = next(rule for rule in rules if rule["kind"] == "basic_charge")
        per_kva = Decimal(basic["capacity_price_yuan_per_kva_month"]) * 100
        per_kw = Decimal(basic["demand_price_yuan_per_kw_month"]) * 100

        large = self.agree(works, capacity_kva=1630)
        small = self.agree(works, capacity_kva=1000)
        by_demand = self.agree(works, demand_mode=DemandMode.ACTUAL)
        # Before the period the works took 8 kW: the days to come may bring that again.
        IntervalDay.objects.filter(point_id=works.point_id, day=date(2026, 1, 28)).update(energy_wh=[2000] * 96)
        dearer = seen(works)

        assert large.so_far_fen is not None and small.so_far_fen is not None
        assert large.so_far_fen - small.so_far_fen == 630 * per_kva
        assert large.middle_fen is not None and small.middle_fen is not None
        assert large.middle_fen - small.middle_fen == 630 * per_kva
        assert by_demand.so_far_fen is not None and dearer.middle_fen is not None and dearer.low_fen is not None
        assert small.so_far_fen - by_demand.so_far_fen == 1000 * per_kva - 4 * per_kw
        assert dearer.so_far_fen == by_demand.so_far_fen
        assert dearer.high_fen is not None
        assert dearer.middle_fen - dearer.low_fen >= 4 * per_kw

    def test_is_adjusted_by_the_factor_of_the_newest_bill(self, world: World, works: AccountIds) -> None:
        plain = seen(works)
        unknown = self.agree(works, pf_standard_e2=90)
        two_part_bills.read_beside(works, Register.REACTIVE_IMPORT, ["0", "2000", "4000", "6000"])
        issue_bill_now(account_id=works.account_id, cycle=world.cycles[0], issued_by_id=None, at=world.at)

        adjusted = seen(works)

        assert (unknown.so_far_fen, bool(unknown.why_not)) == (None, True)
        assert plain.so_far_fen is not None and adjusted.so_far_fen is not None
        assert adjusted.so_far_fen > plain.so_far_fen
        factor = BillBasis.objects.get(account_id=works.account_id).power_factor_e2
        assert 0 < factor < 90


class TestTheRunningBill:
    @pytest.mark.parametrize("name", ["residential", "residential_tou", "commercial"])
    def test_of_even_days_comes_to_what_the_whole_period_costs(self, world: World, name: str) -> None:
        account: AccountIds = getattr(world, name)
        billed(world, account)
        curves(account, date(2026, 1, 1), TODAY, wh=1000)

        found = seen(account)

        assert (found.period_start, found.period_end, found.days_known, found.days_left) == (FEBRUARY, MARCH, 19, 9)
        so_far = costs_of_days(account.account_id, FEBRUARY, MARCH)
        assert found.so_far_fen == sum(cost.cost_fen or 0 for cost in so_far.values())
        curves(account, TODAY, MARCH, wh=1000)
        whole = sum(cost.cost_fen or 0 for cost in costs_of_days(account.account_id, FEBRUARY, MARCH).values())
        assert found.middle_fen is not None and abs(found.middle_fen - whole) <= (0 if name == "residential" else 300)
        assert found.low_fen == found.middle_fen == found.high_fen
        assert found.usual_fen is not None

    def test_foresees_the_day_on_which_a_tier_is_reached(self, world: World) -> None:
        billed(world, world.residential)
        curves(world.residential, FEBRUARY, TODAY, wh=HEAVY_WH)

        found = seen(world.residential)

        # 200 kWh in January; 76.8 a day pass 2160 on the 26th day.
        assert (found.top_tier, found.crosses_into, found.crosses_on) == (1, 2, date(2026, 2, 26))

    def test_is_not_told_from_few_days(self, world: World) -> None:
        curves(world.residential, date(2026, 2, 10), TODAY)

        found = seen(world.residential)

        assert found.middle_fen is None and "太少" in found.why_not

    def test_of_many_takes_no_more_statements_than_of_one(
        self, world: World, django_assert_max_num_queries: object
    ) -> None:
        for account in world.accounts:
            curves(account, FEBRUARY, TODAY)

        with django_assert_max_num_queries(10):  # type: ignore[operator]
            found = running_bills([one.account_id for one in world.accounts], today=TODAY)

        assert len(found) == len(world.accounts)

    def test_stands_on_the_portals_bills_and_in_the_360(self, world: World) -> None:
        billed(world, world.residential)

        for user_id, path in (
            (world.portal_user_id, "/my/bills/"),
            (world.clerk_a_id, f"/console/accounts/{world.residential.account_no}/running/"),
        ):
            text = signed_in(user_id).get(path).content.decode()
            assert "这一期电费预计" in text, path


class TestAlerts:
    def test_of_every_kind_come_once_a_period_to_who_asked(self, world: World) -> None:
        billed(world, world.residential)
        curves(world.residential, FEBRUARY, TODAY, wh=HEAVY_WH)
        assert watch_running_bills(at=AT) == 0, "nobody asked"
        wish(world, Wish("shock", 50), Wish("tier"), Wish("budget-yuan", 500_00), Wish("budget-kwh", 2000_00))

        first, again = watch_running_bills(at=AT), watch_running_bills(at=AT + timedelta(days=1))

        assert (first, again) == (8, 0), "into the inbox and to the telephone, once"
        found = seen(world.residential)
        assert said("tier-alert") == [{"tail": "0001", "day": "2026-02-26", "tier": "2"}]
        [shock] = said("bill-shock-alert")
        assert found.middle_fen is not None and found.usual_fen is not None
        assert (shock["yuan"], shock["usual"]) == (f"{found.middle_fen / 100:.2f}", f"{found.usual_fen / 100:.2f}")
        assert [one["budget"] for one in said("budget-alert") + said("energy-alert")] == ["500.00", "2000"]

    def test_of_demand_come_when_the_contract_is_reached(self, world: World) -> None:
        curves(world.residential, date(2026, 2, 15), TODAY, wh=1000)  # 4 kW, too few days for any other news
        contract = SupplyContract.objects.filter(pk=world.residential.contract_id)
        wish(world, Wish("demand"))
        contract.update(contract_demand_kw=5)
        assert watch_running_bills(at=AT) == 0
        contract.update(contract_demand_kw=4)

        assert (watch_running_bills(at=AT), watch_running_bills(at=AT)) == (2, 0)
        assert said("demand-alert") == [{"tail": "0001", "peak": "4.0", "contract": "4", "percent": "105"}]
        assert "最大需量" in signed_in(world.portal_user_id).get("/my/alerts/").content.decode()

    def test_do_not_come_below_the_persons_own_limit(self, world: World) -> None:
        billed(world, world.residential)
        curves(world.residential, date(2026, 1, 20), TODAY, wh=75)
        wish(world, Wish("shock", 50), Wish("tier"), Wish("budget-yuan", 500_00), Wish("budget-kwh", 2000_00))

        assert watch_running_bills(at=AT) == 0

    def test_end_with_consent_and_with_the_binding(self, world: World) -> None:
        curves(world.residential, FEBRUARY, TODAY, wh=HEAVY_WH)
        wish(world, Wish("budget-yuan", 100))
        wish(world)
        assert watch_running_bills(at=AT) == 0
        assert BillAlert.objects.filter(ended_at=AT).count() == 1, "what was agreed to is kept"
        wish(world, Wish("budget-yuan", 100))
        unbind(user_id=world.portal_user_id, account_no=world.residential.account_no, at=AT)

        assert watch_running_bills(at=AT) == 0

    def test_keep_the_moment_of_consent_while_nothing_changes(self, world: World) -> None:
        wish(world, Wish("tier"), Wish("budget-yuan", 100))
        wish(world, Wish("tier"), Wish("budget-yuan", 200))

        rows = BillAlert.objects.order_by("pk").values_list("kind", "least", "ended_at")
        assert list(rows) == [("tier", None, None), ("budget-yuan", 100, AT), ("budget-yuan", 200, None)]

    def test_need_a_limit_that_means_something(self, world: World) -> None:
        for wrong in (Wish("shock"), Wish("budget-yuan", 0), Wish("tier", 5), Wish("moon")):
            with pytest.raises(WrongLimit):
                wish(world, wrong)

    def test_are_chosen_in_the_portal(self, world: World) -> None:
        client = signed_in(world.portal_user_id)

        saved = client.post("/my/alerts/", {"tier": "on", "budget_yuan": "on", "budget_yuan_least": "200.50"})
        refused = client.post("/my/alerts/", {"budget_kwh": "on"})

        assert (saved.status_code, refused.status_code) == (302, 422)
        assert "数额" in refused.content.decode()
        assert set(BillAlert.objects.values_list("kind", "least")) == {("tier", None), ("budget-yuan", 200_50)}
        assert 'value="200.50"' in client.get("/my/alerts/").content.decode()


class TestAPriceThatWillChange:
    @pytest.fixture
    def dearer(self, world: World) -> TariffVersion:
        """From March on every tier of the household's tariff costs a fen more."""
        contract = SupplyContract.objects.get(pk=world.residential.contract_id)
        old = TariffVersion.objects.get(tariff_id=contract.tariff_id, valid__contains=TODAY)
        [rule, *rest] = old.rules
        changed = rule | {"price_yuan": [str(Decimal(price) + Decimal("0.01")) for price in rule["price_yuan"]]}
        TariffVersion.objects.filter(pk=old.pk).update(valid=DateRange(old.valid.lower, MARCH))
        return TariffVersion.objects.create(
            tariff_id=old.tariff_id,
            valid=DateRange(MARCH, None),
            rules=[changed, *rest],
            source="made for a test",
            confidence="test",
        )

    @pytest.mark.acceptance("001-20")
    def test_is_told_before_it_does_to_who_asked(self, world: World, dearer: TariffVersion) -> None:
        billed(world, world.residential)
        assert tell_of_prices(at=AT) == 0, "nobody asked"
        wish(world, Wish("price"))

        first, again = tell_of_prices(at=AT), tell_of_prices(at=AT + timedelta(days=1))

        assert (first, again) == (2, 0)
        # The last bill had 200 kWh.
        assert said("price-alert") == [
            {"tail": "0001", "day": "2026-03-01", "old": "0.5580", "new": "0.5680", "change": "+2.00"}
        ]
        assert all(one.created_at.date() < MARCH == dearer.valid.lower for one in Message.objects.all())

    def test_is_told_without_a_bill_too(self, world: World, dearer: TariffVersion) -> None:
        wish(world, Wish("price"))

        assert tell_of_prices(at=AT) == 2
        assert said("price-alert-first")[0]["new"] == "0.5680"
        assert dearer.pk

    def test_is_no_news_once_it_has(self, world: World, dearer: TariffVersion) -> None:
        wish(world, Wish("price"))

        assert tell_of_prices(at=AT + timedelta(days=10)) == 0
        assert dearer.pk
