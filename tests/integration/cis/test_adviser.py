"""The adviser on real bills: what is in use gives them again to the fen, everything else is the engine's own price."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from psycopg2.extras import DateRange

from cis.advising import WAYS
from cis.advising.operating import CostPart
from cis.demo.tariffs import carry_tariffs_over
from cis.models import (
    Bill,
    BillBasis,
    BillLine,
    BillUsage,
    IntervalDay,
    SupplyContract,
    SupplyLoss,
    SupplyPart,
    Tariff,
    TariffVersion,
)
from cis.operations.billing import issue_bill_now
from cis.queries.adviser import Advice, Asked, advise
from cis.queries.adviser_options import Option
from cis.queries.billed_year import NotAgain, PeriodsFrom
from cis.queries.operating_cost import operating_cost
from cis.rating import Register
from cis.rating.rules.basic_charge import DemandMode
from config.shared.display_formats import format_money
from config.shared.periods import add_months, first_day
from tests.factories.portal import bind, end_all, signed_in
from tests.factories.world import AccountIds, World, small_world
from tests.integration.cis.test_two_part_bills import PARTS, PRICES, RATIO, TARIFF, make_works, read_beside
from tests.oracle import two_part as oracle

pytestmark = pytest.mark.django_db

CYCLES = 12
TODAY = date(2026, 2, 3)
# kW as the register shows them: 720 in the usual month, twice a good deal more.
DEMANDS = ["18", "18.2", "17.9", "18", "24.0013", "18.1", "18", "17", "18", "22.5", "18", "18"]


@pytest.fixture
def world() -> World:
    """The tiny utility with a year of readings; the two-part table of January stands for all its months."""
    world = small_world(cycles=CYCLES)
    start, end = first_day(add_months(world.cycles[0], -2)), first_day(add_months(world.cycles[-1], 13))
    carry_tariffs_over(from_day=start, to_day=end, prefix=TARIFF)
    return world


def billed(world: World, account: AccountIds) -> AccountIds:
    for cycle in world.cycles:
        issue_bill_now(account_id=account.account_id, cycle=cycle, issued_by_id=None, at=world.at)
    return account


def works(world: World, **terms: Any) -> AccountIds:
    """A works of 1630 kVA with a year of bills, its reactive energy and its maximum demand."""
    agreed: dict[str, Any] = {"demand_mode": DemandMode.CAPACITY, "pf_standard_e2": 90} | terms
    made = make_works(world, **agreed)
    read_beside(made, Register.DEMAND, ["0", *DEMANDS])
    read_beside(made, Register.REACTIVE_IMPORT, [str(900 * number) for number in range(CYCLES + 1)])
    return billed(world, made)


def ask(account: AccountIds, **asked: object) -> Advice:
    return advise(account.account_id, today=TODAY, asked=Asked(**asked))  # type: ignore[arg-type]


def option(advice: Advice, *, two_part: bool, periods: bool, mode: DemandMode) -> Option:
    [found] = [
        one
        for one in (*advice.options, *advice.unknown)
        if (one.is_two_part, one.has_periods, one.mode) == (two_part, periods, mode)
    ]
    return found


def slow_month(demand_kw: Decimal, mode: str, contract_kw: int = 0) -> int:
    """A month of the works by the oracle: energy, basic charge, adjustment; and the funds."""
    energy = sum(
        (
            oracle.fen(Decimal(PARTS[Register[name]] * RATIO) * (Decimal(price) - Decimal("0.0452")))
            for name, price in PRICES.items()
        ),
        Decimal(0),
    )
    kva, kwh = Decimal(1630), Decimal(sum(PARTS.values()) * RATIO)
    basic = oracle.Basic(mode, [(kva, Decimal(1), False)], kva, Decimal(contract_kw), [demand_kw])
    rule = {"capacity_price_yuan_per_kva_month": "26.3", "demand_price_yuan_per_kw_month": "42"}
    base = energy + sum((line[3] for line in oracle.basic_lines(basic, rule, kwh)), Decimal(0))
    factor = oracle.power_factor(kwh, Decimal(900 * RATIO))
    assert factor == Decimal("0.89"), "half a per cent on"
    funds = sum((oracle.fen(kwh * Decimal(price)) for price in ("0.02", "0.0062", "0.019")), Decimal(0))
    return int((base + oracle.fen(base * Decimal("0.005")) + funds) * 100)


class TestAWorks:
    @pytest.mark.acceptance("F95")
    @pytest.mark.acceptance("F13")
    def test_is_told_the_cheapest_way_as_the_slow_way_over_every_kw_finds_it(self, world: World) -> None:
        account = works(world)

        advice = ask(account)

        demands = [Decimal(one) * RATIO for one in DEMANDS]
        slow = {
            "capacity": sum(slow_month(one, "capacity") for one in demands),
            "actual": sum(slow_month(one, "actual") for one in demands),
        }
        by_kw = {kw: sum(slow_month(one, "contract", kw) for one in demands) for kw in range(652, 1000)}
        assert advice.now is not None and advice.best is not None
        issued = Bill.objects.filter(account_id=account.account_id).order_by("cycle")
        assert list(advice.now.month_fen) == [bill.total_fen for bill in issued], "what is in use is what was billed"
        assert advice.now.total_fen == slow["capacity"]
        contract = option(advice, two_part=True, periods=True, mode=DemandMode.CONTRACT)
        assert (contract.contract_kw, contract.total_fen) == min(by_kw.items(), key=lambda pair: (pair[1], pair[0]))
        assert option(advice, two_part=True, periods=True, mode=DemandMode.ACTUAL).total_fen == slow["actual"]
        assert [one.total_fen for one in advice.options] == sorted(one.total_fen for one in advice.options)
        assert advice.saves_fen == slow["capacity"] - min(slow["actual"], min(by_kw.values()))
        assert len(advice.months) == CYCLES and not advice.left_out

    def test_may_not_leave_two_parts_or_its_periods(self, world: World) -> None:
        advice = ask(works(world))

        assert all(one.is_two_part and one.has_periods for one in (*advice.options, *advice.unknown))

    def test_is_told_the_value_of_each_month_alone(self, world: World) -> None:
        advice = ask(works(world))

        for value, shown in zip(advice.by_month, DEMANDS, strict=True):
            demand = Decimal(shown) * RATIO
            each = {kw: slow_month(demand, "contract", kw) for kw in range(652, 1000)}
            assert (value.kw, value.fen) == min(each.items(), key=lambda pair: (pair[1], pair[0]))

    @pytest.mark.acceptance("000-07")
    def test_is_told_when_and_how_to_use_with_the_yuan_of_each(self, world: World) -> None:
        account = works(world)

        levers = ask(account, transformers_kva=(1030, 600), shift_percent=20).levers

        assert levers is not None
        # Compensated to 0.90 the half per cent is gone; a kvar is 120 yuan; the load is the highest demand.
        first, *_more, last = levers.compensation
        before = sum(slow_month(Decimal(one) * RATIO, "capacity") for one in DEMANDS)
        base = (before - self.funds_fen() * CYCLES) / Decimal("1.005")
        assert first.power_factor_e2 == 90 and abs(first.saves_fen - base * Decimal("0.005")) <= CYCLES
        assert last.power_factor_e2 == 95 and abs(last.saves_fen - base * Decimal("0.0125")) <= CYCLES
        assert first.cost_fen == first.kvar * 12_000 and levers.is_by_demand
        assert (levers.worst_factor_e2, levers.idle_kva) == (89, 1630 - 1349)
        # 720 kW at 0.89 and four fifths of its size need 1012 kVA: the smaller one may stand still, six months.
        suspended = levers.suspension
        assert suspended is not None and suspended.sealed_kva_e2 == (60_000,) and len(suspended.cycles) == 6
        assert abs(suspended.saves_fen - 6 * 600 * 2630 * Decimal("1.005")) <= 6
        assert not set(suspended.cycles) & {world.cycles[4], world.cycles[9]}, "the months of 960 and 900 kW"
        # A fifth of 200 x 40 sharp and 450 x 40 peak kWh at valley prices, and half a per cent of the difference.
        moved = Decimal(1600) * (Decimal(PRICES["SHARP"]) - Decimal(PRICES["VALLEY"])) + Decimal(3600) * (
            Decimal(PRICES["PEAK"]) - Decimal(PRICES["VALLEY"])
        )
        assert levers.shift_saves_fen is not None
        assert abs(levers.shift_saves_fen - CYCLES * moved * 100 * Decimal("1.005")) <= CYCLES * 2

    def funds_fen(self) -> int:
        kwh = Decimal(sum(PARTS.values()) * RATIO)
        return int(sum(oracle.fen(kwh * Decimal(one)) for one in ("0.02", "0.0062", "0.019")) * 100)

    def test_is_told_what_is_not_known(self, world: World) -> None:
        made = make_works(world, demand_mode=DemandMode.CAPACITY)
        billed(world, made)

        advice = ask(made)

        unknown = option(advice, two_part=True, periods=True, mode=DemandMode.CONTRACT)
        assert (unknown.why_not, unknown.missing) == ("no-demand", world.cycles)
        assert advice.best is not None and advice.best.is_now
        assert advice.levers is not None and advice.levers.idle_kva is None

    def test_is_told_which_bill_is_not_given_again(self, world: World) -> None:
        account = works(world)
        wrong = Bill.objects.get(account_id=account.account_id, cycle=world.cycles[3])
        other = Bill.objects.get(pk=wrong.pk)
        other.pk, other.revision = None, 1
        other.total_fen, other.open_fen = wrong.total_fen + 5, 0
        other.save(force_insert=True)
        for stretch in BillUsage.objects.filter(bill_id=wrong.pk):
            stretch.pk = (other.pk, stretch.seq)
            stretch.save(force_insert=True)
        basis = BillBasis.objects.get(bill_id=wrong.pk)
        basis.bill_id = other.pk
        basis.save(force_insert=True)

        advice = ask(account)

        assert [(one.cycle, one.why, one.differs_fen) for one in advice.left_out] == [
            (world.cycles[3], NotAgain.DIFFERS, 5)
        ]
        assert len(advice.months) == CYCLES - 1
        assert all(len(one.month_fen) == CYCLES - 1 for one in advice.options)

    def test_costs_as_many_statements_for_twelve_bills_as_for_one(self, world: World) -> None:
        made = make_works(world, demand_mode=DemandMode.CAPACITY)
        issue_bill_now(account_id=made.account_id, cycle=world.cycles[0], issued_by_id=None, at=world.at)
        with CaptureQueriesContext(connection) as one:
            ask(made)
        for cycle in world.cycles[1:]:
            issue_bill_now(account_id=made.account_id, cycle=cycle, issued_by_id=None, at=world.at)

        with CaptureQueriesContext(connection) as twelve:
            ask(made)

        assert len(twelve) == len(one)


class TestAShop:
    def test_of_100_kva_may_not_choose_two_parts_and_one_of_200_may(self, world: World) -> None:
        shop = billed(world, world.commercial)

        small = ask(shop)
        SupplyContract.objects.filter(pk=shop.contract_id).update(capacity_kva=99)
        smaller = ask(shop)

        SupplyContract.objects.filter(pk=shop.contract_id).update(capacity_kva=200, voltage="1-10kV")
        Tariff.objects.filter(code=TARIFF).update(voltage="<1kV")
        larger = ask(shop)

        assert [one.key for one in small.options] == ["now"] and not small.unknown
        [other] = [one for one in smaller.options if not one.is_now]
        assert (other.is_two_part, other.has_periods) == (False, False)
        every = [one for one in (*larger.options, *larger.unknown) if not one.is_now]
        assert {(one.is_two_part, one.mode) for one in every} == {(True, int(mode)) for mode in WAYS}
        assert {one.why_not for one in larger.unknown} == {"no-demand"}


def extra_of_tiers(kwh: list[int], more: int, cycles: tuple[int, ...]) -> Decimal:
    """Yuan above the first tier's price of a Jiangsu home that uses so much, and so much more, in each month."""
    used, yuan = 0, Decimal(0)
    for number, month in enumerate(kwh):
        before = 0 if cycles[number] % 100 == 1 else used
        used = before + month + more
        second = min(used, 4800) - min(max(before, 2760), 4800)
        yuan += max(second, 0) * Decimal("0.05") + max(used - max(before, 4800), 0) * Decimal("0.30")
    return yuan


class TestAHome:
    @pytest.mark.acceptance("F143")
    def test_is_told_what_time_of_use_would_have_cost_and_what_more_in_the_valley_costs(self, world: World) -> None:
        home = billed(world, world.residential_tou)

        advice = ask(home, more_kwh=30, more_in="valley")

        plain = next(one for one in advice.options if not one.has_periods)
        # 180, 200, … kWh a month in Jiangsu: 2760 a year are the first tier, 4800 the second.
        year = [180 + 20 * number for number in range(CYCLES)]
        used, fen = 0, []
        in_february = 1 if world.cycles[0] % 100 == 2 else 0
        assert in_february, "the tier year begins with the second month of the twelve"
        for number, kwh in enumerate(year):
            used = 0 if world.cycles[number] % 100 == 1 else used
            first = min(max(2760 - used, 0), kwh)
            second = min(max(4800 - used, 0), kwh) - first
            prices = ((first, "0.5283"), (second, "0.5783"), (kwh - first - second, "0.8283"))
            fen.append(sum(int(oracle.fen(Decimal(part) * Decimal(price)) * 100) for part, price in prices))
            used += kwh
        assert list(plain.month_fen) == fen
        assert advice.what_if is not None and advice.now is not None
        # Thirty kWh of valley at 0.3583 each month, and the tiers they fill; a line rounds once each month.
        more = (
            CYCLES * 30 * Decimal("0.3583")
            + extra_of_tiers(year, 30, world.cycles)
            - extra_of_tiers(year, 0, world.cycles)
        )
        assert abs(advice.what_if.total_fen - advice.now.total_fen - 100 * more) <= 2 * CYCLES
        assert advice.what_if.billed_fen == advice.now.total_fen

    def test_with_one_register_is_told_by_its_own_curves_and_that_this_is_an_estimate(self, world: World) -> None:
        home = world.residential_tou
        SupplyContract.objects.filter(pk=home.contract_id).update(tariff=Tariff.objects.get(code="JS-RES"))
        billed(world, home)
        without = ask(home)
        with connection.cursor() as cursor:
            cursor.execute("SELECT cis_make_interval_partitions(%s, %s)", [date(2026, 1, 1), date(2026, 2, 1)])
        for number in range(30):
            # From midnight to 8 all of it: valley.
            IntervalDay.objects.create(
                point_id=home.point_id, day=date(2026, 1, 1) + timedelta(days=number),
                energy_wh=[100] * 32 + [0] * 64, missing_slots=0,
            )  # fmt: skip

        advice = ask(home)

        [unknown] = without.unknown
        assert (unknown.has_periods, unknown.why_not) == (True, "no-periods")
        with_periods = next(one for one in advice.options if one.has_periods)
        assert with_periods.periods_from == PeriodsFrom.OTHER_DAYS
        january = 180 + 20 * 11
        assert with_periods.month_fen[-1] == int(oracle.fen(Decimal(january) * Decimal("0.3583")) * 100)


class TestThePages:
    def test_say_the_same_to_the_clerk_the_owner_and_a_program(self, world: World) -> None:
        account = works(world)
        end_all(world.portal_user_id, at=world.at)
        bind(world.portal_user_id, account.account_id)
        clerk = signed_in(world.clerk_a_id)
        best = ask(account).best
        assert best is not None

        counter = clerk.get(f"/console/accounts/{account.account_no}/advice/?more=1000&at=valley&transformers=1030+600")
        portal = signed_in(world.portal_user_id).get("/my/advice/")
        api = clerk.get(f"/api/v1/accounts/{account.account_no}/advice/?more_kwh=1000&more_in=valley")

        yuan = format_money(best.total_fen)
        for page in (counter, portal):
            assert page.status_code == 200
            assert yuan in page.content.decode() and "无功补偿" in page.content.decode()
        assert "每月低谷多用" in counter.content.decode() and "停 600 千伏安" in counter.content.decode()
        assert api.json()["options"][0]["total_fen"] == best.total_fen
        # A thousand kWh at the printed valley price each month, adjusted with all but the funds.
        more = CYCLES * 1000 * (Decimal("0.387724") * Decimal("1.005") + Decimal("0.0452"))
        what_if = api.json()["what_if"]
        assert abs(what_if["total_fen"] - what_if["billed_fen"] - more * 100) <= 3 * CYCLES

    def test_are_for_those_who_see_the_bills(self, world: World) -> None:
        billed(world, world.residential)
        end_all(world.portal_user_id, at=world.at)
        binding = bind(world.portal_user_id, world.residential.account_id, "payer")
        client = signed_in(world.portal_user_id)

        as_payer = client.get("/my/advice/")
        end_all(world.portal_user_id, at=world.at)
        # A tenant of the last three months sees what those three would have cost.
        bind(world.portal_user_id, world.residential.account_id, "tenant", from_on=date(2025, 11, 1))
        as_tenant = client.get("/my/advice/")

        assert binding.pk and as_payer.status_code == 403
        assert as_tenant.status_code == 200 and "这 3 个月" in as_tenant.content.decode()

    def test_say_what_is_wrong_with_what_was_typed(self, world: World) -> None:
        account = works(world)

        page = signed_in(world.clerk_a_id).get(f"/console/accounts/{account.account_no}/advice/?transformers=eins")

        assert page.status_code == 422 and "请填各台的千伏安数" in page.content.decode()


class TestTheOperatingCost:
    @pytest.mark.acceptance("000-32")
    def test_of_a_works_is_told_part_by_part_against_its_class_with_what_would_lower_it(
        self, world: World, settings: Any
    ) -> None:
        settings.ADVISER_CLASS_LEAST = 1
        account = works(world)
        other = make_works(world, number="4290000010", demand_mode=DemandMode.EXEMPT)
        billed(world, other)

        cost = operating_cost(account.account_id, today=TODAY)

        parts = dict(cost.parts)
        kwh = CYCLES * sum(PARTS.values()) * RATIO
        issued = Bill.objects.filter(account_id=account.account_id)
        assert cost.total_fen == sum(parts.values()) == sum(bill.total_fen for bill in issued)
        assert parts[CostPart.BASIC] == CYCLES * 42_869_00
        for name, price in PRICES.items():
            fen = oracle.fen(Decimal(PARTS[Register[name]] * RATIO) * (Decimal(price) - Decimal("0.0452")))
            assert parts[CostPart[name]] == CYCLES * int(fen * 100)
        assert parts[CostPart.POWER_FACTOR] > 0 and parts[CostPart.FUNDS] > 0
        assert cost.energy_kwh_e2 == kwh * 100
        assert cost.per_kwh_e8 is not None
        assert abs(Decimal(cost.per_kwh_e8) - Decimal(cost.total_fen) / 100 / kwh * 10**8) <= 1
        # The year's hours at the highest demand of 960.052 kW.
        factor = Decimal(kwh) / (Decimal("24.0013") * RATIO * 365 * 24)
        assert cost.load_factor_e4 is not None and cost.load_factor_e4 == int(factor * 10_000)
        assert [dict(month.periods) for month in cost.months] == [
            {register: units * RATIO * 100 for register, units in PARTS.items()}
        ] * CYCLES
        # The other works buys alike and pays no basic charge and no adjustment: that is what makes this one dear.
        assert cost.others is not None and cost.others.accounts == 1
        assert [part for part, _e8 in cost.others.dearer_e8] == [CostPart.BASIC, CostPart.POWER_FACTOR]
        basic = Decimal(parts[CostPart.BASIC]) / 100 / kwh * 10**8
        assert abs(Decimal(cost.others.dearer_e8[0][1]) - basic) <= 1
        assert cost.advice.saves_fen > 0 and cost.advice.levers is not None and cost.advice.levers.compensation
        clerk = signed_in(world.clerk_a_id)
        page = clerk.get(f"/console/accounts/{account.account_no}/operating-cost/").content.decode()
        end_all(world.portal_user_id, at=world.at)
        bind(world.portal_user_id, account.account_id)
        mine = signed_in(world.portal_user_id).get("/my/operating-cost/").content.decode()
        for shown in (page, mine):
            assert format_money(parts[CostPart.BASIC]) in shown and "功率因数调整" in shown
            assert format_money(cost.advice.saves_fen) in shown

    def test_of_parts_at_other_prices_is_part_of_every_way(self, world: World) -> None:
        made = make_works(world, demand_mode=DemandMode.CAPACITY, pf_standard_e2=90)
        read_beside(made, Register.DEMAND, ["0", *DEMANDS])
        read_beside(made, Register.REACTIVE_IMPORT, [str(900 * number) for number in range(CYCLES + 1)])
        lighting = Tariff.objects.create(code="T-LIGHT", name="照明", province="湖北", category="test")
        TariffVersion.objects.create(
            tariff=lighting, valid=DateRange(None, None), source="test", confidence="high",
            rules=[{"kind": "flat_energy", "price_yuan": "0.8021"}],
        )  # fmt: skip
        SupplyPart.objects.create(
            account_id=made.account_id, kind=4, ratio_e6=100_000, tariff=lighting, price_class=2, source="test",
            valid=DateRange(date(2000, 1, 1), None),
        )  # fmt: skip
        billed(world, made)
        bills = Bill.objects.filter(account_id=made.account_id)

        advice, cost = ask(made), operating_cost(made.account_id, today=TODAY)

        assert advice.left_out == ()
        assert advice.now is not None
        assert advice.now.total_fen == sum(bill.total_fen for bill in bills)
        assert cost.total_fen == sum(dict(cost.parts).values()) == advice.now.total_fen
        # What the lighting costs stands in every way: the ways differ by the main part alone.
        beside = BillLine.objects.filter(bill_id__in=bills.values("pk"), price_e8=80_210_000)
        assert beside.count() == CYCLES
        assert min(one.total_fen for one in advice.options) > sum(line.amount_fen for line in beside)

    def test_of_its_losses_is_told(self, world: World) -> None:
        made = make_works(world, demand_mode=DemandMode.CAPACITY)
        SupplyLoss.objects.create(
            account_id=made.account_id,
            method=SupplyLoss.Method.TABLE,
            month_kwh_e2=30_400,
            source="变损表",
            valid=DateRange(date(2000, 1, 1), None),
        )
        billed(world, made)

        cost = operating_cost(made.account_id, today=TODAY)

        assert cost.loss_kwh_e2 >= CYCLES * 30_000 * 28 // 30 and len(cost.months) == CYCLES
        assert cost.energy_kwh_e2 == CYCLES * sum(PARTS.values()) * RATIO * 100 + cost.loss_kwh_e2

    def test_is_not_for_homes(self, world: World) -> None:
        page = signed_in(world.clerk_a_id).get(f"/console/accounts/{world.residential.account_no}/operating-cost/")

        assert page.status_code == 404
