"""What bills are computed from when life happens: exchanges, roll-overs, moves, curves, two-month routes."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.db import connection
from psycopg2.extras import DateRange

from cis.models import (
    Account,
    AccountPoint,
    Bill,
    BillLine,
    BillUsage,
    IntervalDay,
    Meter,
    MeteringPoint,
    MeterInstallation,
    Reading,
    ReadingRoute,
    SupplyContract,
    TariffVersion,
)
from cis.operations import billing, ledger
from cis.queries import billing as bills
from cis.rating import Register, Usage, compile_rules, rate
from tests.factories.world import AccountIds, World, small_world

AT = datetime(2026, 2, 16, 2, tzinfo=UTC)
CYCLE = 202601
KWH = 100
UNIT = 10_000

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return small_world(at=AT)


def bill_of(account: AccountIds | int, cycle: int = CYCLE) -> Bill:
    account_id = account if isinstance(account, int) else account.account_id
    bill_id = billing.issue_bill_now(account_id=account_id, cycle=cycle, issued_by_id=None, at=AT)
    bill = Bill.objects.get(pk=bill_id)
    assert bills.get_bill(str(bill)).recomputes
    return bill


def reading(installation_id: int, account_id: int, on: date, units: int, **more: object) -> Reading:
    fields = {"register": Register.TOTAL, "state": Reading.State.ACCEPTED, "value_e4": units * UNIT, **more}
    return Reading.objects.create(installation_id=installation_id, account_id=account_id, read_on=on, **fields)


def last_reading(account: AccountIds) -> Reading:
    return Reading.objects.get(installation_id=account.installation_id, cycle=CYCLE, register=Register.TOTAL)


def change(row: Reading, **fields: object) -> None:
    Reading.objects.filter(installation_id=row.installation_id, register=row.register, read_on=row.read_on).update(
        **fields
    )


class TestMeterExchange:
    def test_the_bill_is_the_sum_of_both_meters_each_with_its_own_ratio(self, world: World):
        home = world.residential
        end = last_reading(home)
        before = Reading.objects.get(installation_id=home.installation_id, cycle=202512)
        day = date(2026, 1, 12)
        MeterInstallation.objects.filter(pk=home.installation_id).update(valid=DateRange(date(2025, 1, 1), day))
        Reading.objects.filter(installation_id=home.installation_id, cycle=CYCLE).delete()
        reading(home.installation_id, home.account_id, day, before.value_e4 // UNIT + 70, kind=Reading.Kind.REMOVED)
        meter = Meter.objects.create(meter_no="NEW1", digits=6)
        new = MeterInstallation.objects.create(
            meter=meter, point_id=home.point_id, ct_ratio=2, valid=DateRange(day, None)
        )
        reading(new.pk, home.account_id, day, 5, kind=Reading.Kind.INSTALLED)
        reading(new.pk, home.account_id, end.read_on, 65, cycle=CYCLE)

        bill = bill_of(home)

        assert bill.energy_kwh_e2 == (70 + 60 * 2) * KWH
        assert BillUsage.objects.filter(bill_id=bill.pk).count() == 2

    @pytest.mark.acceptance("F5")
    def test_across_a_swap_it_comes_to_what_both_segments_come_to_alone(self, world: World):
        """A shop whose 40-fold meter is swapped for a 30-fold one: by period, to the fen."""
        shop, day = world.commercial, date(2026, 1, 12)
        registers = (Register.SHARP, Register.PEAK, Register.FLAT, Register.VALLEY)
        first, second = {1: 61, 2: 13, 3: 17, 4: 21, 5: 10}, {1: 47, 2: 5, 3: 11, 4: 19, 5: 12}
        Reading.objects.filter(installation_id=shop.installation_id).delete()
        MeterInstallation.objects.filter(pk=shop.installation_id).update(valid=DateRange(date(2025, 1, 1), day))
        meter = Meter.objects.create(meter_no="NEW3", digits=6)
        new = MeterInstallation.objects.create(
            meter=meter, point_id=shop.point_id, ct_ratio=30, valid=DateRange(day, None)
        )
        for register in (Register.TOTAL, *registers):
            old, last = {"register": register}, {"register": register, "cycle": CYCLE}
            reading(shop.installation_id, shop.account_id, date(2026, 1, 1), 0, cycle=202512, **old)
            reading(shop.installation_id, shop.account_id, day, first[register], kind=Reading.Kind.REMOVED, **old)
            reading(new.pk, shop.account_id, day, 0, kind=Reading.Kind.INSTALLED, **old)
            reading(new.pk, shop.account_id, date(2026, 2, 1), second[register], **last)

        bill = bill_of(shop)

        tariff = compile_rules(TariffVersion.objects.get(pk=bill.tariff_version_id).rules)
        alone = [
            rate(tariff, Usage.of(1, {r: [units[r] * ratio * KWH] for r in registers})).lines
            for units, ratio in ((first, 40), (second, 30))
        ]
        for code in set(alone[0].code.tolist()):
            of_bill = BillLine.objects.get(bill_id=bill.pk, code=code)
            parts = [(lines.quantity[lines.code == code], lines.amount_fen[lines.code == code]) for lines in alone]
            assert of_bill.quantity == sum(int(quantity.sum()) for quantity, _fen in parts)
            assert abs(of_bill.amount_fen - sum(int(fen.sum()) for _quantity, fen in parts)) <= 1

    def test_a_new_meter_that_never_spoke_keeps_the_account_out(self, world: World):
        home = world.residential
        day = date(2026, 1, 12)
        MeterInstallation.objects.filter(pk=home.installation_id).update(valid=DateRange(date(2025, 1, 1), day))
        meter = Meter.objects.create(meter_no="NEW2", digits=6)
        MeterInstallation.objects.create(meter=meter, point_id=home.point_id, valid=DateRange(day, None))

        with pytest.raises(billing.CannotBill) as refused:
            bill_of(home)

        assert refused.value.facts["reason"] == "reading-missing"
        assert not Bill.objects.exists()


class TestRollOver:
    def test_a_register_that_turned_counts_through_zero(self, world: World):
        home = world.residential
        end = last_reading(home)
        start = Reading.objects.get(installation_id=home.installation_id, cycle=202512)
        change(start, value_e4=999_900 * UNIT)
        change(end, value_e4=50 * UNIT, is_rollover=True, advance_kwh_e2=150 * KWH)

        assert bill_of(home).energy_kwh_e2 == 150 * KWH

    def test_a_register_that_turned_at_a_daily_freeze_in_between_counts_through_zero_too(self, world: World):
        home = world.residential
        end = last_reading(home)
        start = Reading.objects.get(installation_id=home.installation_id, cycle=202512)
        change(start, value_e4=999_900 * UNIT)
        reading(
            home.installation_id, home.account_id, date(2026, 1, 20), 10, is_rollover=True, advance_kwh_e2=110 * KWH
        )
        change(end, value_e4=50 * UNIT, is_rollover=False, advance_kwh_e2=40 * KWH, days=12)

        bill = bill_of(home)

        assert bill.energy_kwh_e2 == 150 * KWH
        assert BillUsage.objects.get(bill_id=bill.pk).is_rollover


class TestReadingsThatMayNotBeBilled:
    @pytest.mark.parametrize(
        ("state", "reason"),
        [(Reading.State.DOUBTFUL, "reading-doubtful"), (Reading.State.PENDING, "reading-pending")],
    )
    def test_leave_the_account_out_with_the_reason(self, world: World, state: int, reason: str):
        change(last_reading(world.residential), state=state)

        with pytest.raises(billing.CannotBill) as refused:
            bill_of(world.residential)

        assert refused.value.facts["reason"] == reason

    def test_another_energy_than_was_accepted_leaves_the_account_out(self, world: World):
        end = last_reading(world.residential)
        change(end, value_e4=end.value_e4 + UNIT)

        with pytest.raises(billing.CannotBill) as refused:
            bill_of(world.residential)

        assert refused.value.facts["reason"] == "accepted-energy-differs"
        assert not Bill.objects.filter(account_id=world.residential.account_id).exists()

    def test_an_advance_over_other_days_than_the_stretch_is_not_held_against_it(self, world: World):
        end = last_reading(world.residential)
        change(end, value_e4=end.value_e4 + UNIT, days=end.days - 1)

        assert bill_of(world.residential).energy_kwh_e2 == end.advance_kwh_e2 + KWH

    def test_a_missing_period_register_leaves_the_account_out(self, world: World):
        shop = world.commercial
        Reading.objects.filter(installation_id=shop.installation_id, cycle=CYCLE, register=Register.PEAK).delete()

        with pytest.raises(billing.CannotBill) as refused:
            bill_of(shop)

        assert refused.value.facts["reason"] == "reading-missing"

    @pytest.mark.acceptance("F17")
    def test_a_tariff_that_cannot_be_priced_is_refused_never_zero(self, world: World):
        contract = SupplyContract.objects.get(account_id=world.residential.account_id)
        TariffVersion.objects.filter(tariff_id=contract.tariff_id).update(rules=[{"kind": "hourly-auction"}])

        with pytest.raises(billing.CannotBill) as refused:
            bill_of(world.residential)

        assert refused.value.facts["reason"] == "cannot-price"
        assert not Bill.objects.exists()


class TestMoves:
    def test_old_and_new_tenant_share_the_reading_between_them(self, world: World):
        home = world.residential
        end = last_reading(home)
        start = Reading.objects.get(installation_id=home.installation_id, cycle=202512)
        day = date(2026, 1, 10)
        old = Account.objects.get(pk=home.account_id)
        Account.objects.filter(pk=old.pk).update(state=Account.State.CLOSED, closed_on=day)
        AccountPoint.objects.filter(account=old).update(valid=DateRange(date(2025, 1, 1), day))
        new = Account.objects.create(
            account_no="4290009999",
            customer_id=home.customer_id,
            premise_id=home.premise_id,
            org_unit_id=old.org_unit_id,
            route_id=home.route_id,
            opened_on=day,
        )
        AccountPoint.objects.create(account=new, point_id=home.point_id, valid=DateRange(day, None))
        contract = SupplyContract.objects.get(account=old)
        contract.pk, contract.account, contract.valid = None, new, DateRange(day, None)
        contract.save()
        ledger.create_balances([new.pk])
        reading(home.installation_id, home.account_id, day, start.value_e4 // UNIT + 33, kind=Reading.Kind.MOVE_OUT)
        change(end, value_e4=start.value_e4 + 200 * UNIT)

        last, first = bill_of(home), bill_of(new.pk)

        assert (last.energy_kwh_e2, last.period_end) == (33 * KWH, day)
        assert (first.energy_kwh_e2, first.period_start) == (167 * KWH, day)


class TestTierYear:
    def test_what_was_billed_before_in_the_year_counts_and_the_new_year_begins_at_nothing(self, world: World):
        home = world.residential
        december = bill_of(home, 202512)
        assert december.tier_kwh_e2_before == 0

        january = bill_of(home, 202601)
        Reading.objects.create(
            installation_id=home.installation_id,
            account_id=home.account_id,
            register=Register.TOTAL,
            read_on=date(2026, 3, 1),
            cycle=202602,
            value_e4=last_reading(home).value_e4 + 10 * UNIT,
            state=Reading.State.ACCEPTED,
        )
        bill_id = billing.issue_bill_now(
            account_id=home.account_id, cycle=202602, issued_by_id=None, at=datetime(2026, 3, 2, tzinfo=UTC)
        )

        assert january.tier_kwh_e2_before == 0
        assert Bill.objects.get(pk=bill_id).tier_kwh_e2_before == january.energy_kwh_e2 > 0


class TestTwoMonthRoute:
    def test_is_due_every_other_month_and_covers_both(self, world: World):
        home = world.residential
        ReadingRoute.objects.filter(pk=home.route_id).update(cycle_months=2, cycle_phase=1)
        shop_free = Account.objects.filter(route_id=home.route_id).exclude(pk=home.account_id)
        assert shop_free.exists()
        in_between = Reading.objects.filter(installation_id=home.installation_id, cycle=202512)
        advance = (
            last_reading(home).value_e4
            - Reading.objects.get(installation_id=home.installation_id, cycle=202511).value_e4
        )
        in_between.delete()

        bill = bill_of(home, 202601)

        assert bill.months == 2
        assert bill.energy_kwh_e2 == advance // UNIT * KWH
        with pytest.raises(billing.CannotBill):
            bill_of(home, 202512)

    def test_the_bill_of_january_belongs_to_the_year_before_and_is_not_carried_into_the_new_one(self, world: World):
        home = world.residential
        ReadingRoute.objects.filter(pk=home.route_id).update(cycle_months=2, cycle_phase=1)
        Reading.objects.filter(installation_id=home.installation_id, cycle=202512).delete()
        january = bill_of(home, 202601)
        reads = ((202603, date(2026, 4, 1), 10), (202605, date(2026, 6, 1), 30))
        for cycle, on, units in reads:
            value = last_reading(home).value_e4 // UNIT + units
            reading(home.installation_id, home.account_id, on, value, cycle=cycle)

        march, may = (
            Bill.objects.get(
                pk=billing.issue_bill_now(
                    account_id=home.account_id, cycle=cycle, issued_by_id=None, at=datetime(2026, 6, 2, tzinfo=UTC)
                )
            )
            for cycle in (202603, 202605)
        )

        assert january.energy_kwh_e2 > 0
        assert (march.tier_kwh_e2_before, may.tier_kwh_e2_before) == (0, 10 * KWH)


class TestPeriodsThatAreNotOnePiece:
    """What cannot be billed at one price, or would upset the tier year, is left out with its reason."""

    def reason(self, account: AccountIds, cycle: int = CYCLE) -> str:
        with pytest.raises(billing.CannotBill) as refused:
            bill_of(account, cycle)
        return str(refused.value.facts["reason"])

    def test_another_way_of_charging_that_begins_within_the_period(self, world: World):
        shop, day = world.commercial, date(2026, 1, 20)
        contract = SupplyContract.objects.get(account_id=shop.account_id)
        since = contract.valid.lower
        SupplyContract.objects.filter(pk=contract.pk).update(valid=DateRange(since, day))
        contract.pk, contract.pf_standard_e2, contract.valid = None, 85, DateRange(day, None)
        contract.save()

        assert self.reason(shop) == "contract-changes"
        assert bill_of(shop, 202512).people == 1

    def test_a_period_before_it_that_is_not_billed(self, world: World):
        bill_of(world.residential, 202511)

        assert self.reason(world.residential, 202601) == "earlier-unbilled"
        bill_of(world.residential, 202512)
        bill_of(world.residential, 202601)

    def test_a_period_after_it_that_is_billed(self, world: World):
        bill_of(world.residential, 202601)

        assert self.reason(world.residential, 202512) == "later-billed"

    def test_days_that_another_bill_holds_after_a_change_of_route(self, world: World):
        home = world.residential
        bill_of(home, 202512)
        Account.objects.filter(pk=home.account_id).update(route_id=world.route_day_15_id)

        assert self.reason(home) == "billed-in-part"


class TestPointsThatChangeHands:
    def test_only_the_days_in_which_the_point_was_the_accounts_own_are_billed(self, world: World):
        home, other, day = world.residential, world.residential_tou, date(2026, 1, 10)
        point = MeteringPoint.objects.create(point_no="X1", premise_id=home.premise_id)
        meter = Meter.objects.create(meter_no="X1", digits=6)
        hung = MeterInstallation.objects.create(meter=meter, point=point, valid=DateRange(date(2025, 1, 1), None))
        AccountPoint.objects.create(account_id=other.account_id, point=point, valid=DateRange(date(2025, 1, 1), day))
        AccountPoint.objects.create(account_id=home.account_id, point=point, valid=DateRange(day, None))
        reading(hung.pk, other.account_id, date(2026, 1, 1), 100, cycle=202512)
        reading(hung.pk, other.account_id, day, 140, kind=Reading.Kind.MOVE_OUT)
        reading(hung.pk, home.account_id, date(2026, 2, 1), 200, cycle=CYCLE)

        bill = bill_of(home)

        of_point = BillUsage.objects.get(bill_id=bill.pk, installation_id=hung.pk)
        assert (of_point.from_on, of_point.energy_kwh_e2) == (day, 60 * KWH)


class TestSeveralMeters:
    def hang(self, account: AccountIds) -> int:
        """A second meter with a total only, which moved by 100 kWh in the period."""
        point = MeteringPoint.objects.create(point_no="X2", premise_id=account.premise_id)
        meter = Meter.objects.create(meter_no="X2", digits=6)
        hung = MeterInstallation.objects.create(meter=meter, point=point, valid=DateRange(date(2025, 1, 1), None))
        AccountPoint.objects.create(account_id=account.account_id, point=point, valid=DateRange(date(2025, 1, 1), None))
        reading(hung.pk, account.account_id, date(2026, 1, 1), 100, cycle=202512)
        reading(hung.pk, account.account_id, date(2026, 2, 1), 200, cycle=CYCLE)
        return hung.pk

    def test_a_meter_without_periods_is_not_billed_as_flat_under_a_price_by_period(self, world: World):
        self.hang(world.commercial)

        with pytest.raises(billing.CannotBill) as refused:
            bill_of(world.commercial)

        assert refused.value.facts["reason"] == "registers-disagree"

    def test_their_totals_are_added_up_where_periods_do_not_matter(self, world: World):
        home = world.residential
        alone = (
            last_reading(home).value_e4
            - Reading.objects.get(installation_id=home.installation_id, cycle=202512).value_e4
        )
        self.hang(home)

        assert bill_of(home).energy_kwh_e2 == alone // UNIT * KWH + 100 * KWH

    def test_a_total_beside_a_meter_that_has_only_periods_is_no_sum(self, world: World):
        home = world.residential
        hung = self.hang(home)
        Reading.objects.filter(installation_id=hung).update(register=Register.PEAK)

        with pytest.raises(billing.CannotBill) as refused:
            bill_of(home)

        assert refused.value.facts["reason"] == "registers-disagree"


class TestCurves:
    def fill(self, world: World, days: int, wh: int = 250) -> None:
        MeteringPoint.objects.filter(pk=world.commercial.point_id).update(basis=MeteringPoint.Basis.CURVE)
        IntervalDay.objects.bulk_create(
            IntervalDay(point_id=world.commercial.point_id, day=date(2026, 1, day), energy_wh=[wh] * 96)
            for day in range(1, days + 1)
        )

    @pytest.fixture(autouse=True)
    def _partitions(self, world: World, db: None) -> None:

        with connection.cursor() as cursor:
            cursor.execute("SELECT cis_make_interval_partitions(%s, %s)", [date(2026, 1, 1), date(2026, 2, 1)])

    def test_a_point_billed_from_its_curve_is_folded_by_the_tariffs_windows(self, world: World):
        self.fill(world, 31)

        bill = bill_of(world.commercial)
        by_code = {line.code: line.quantity for line in bills.get_bill(str(bill)).lines}

        # Hubei, January: sharp 2 h, peak 6 h, flat 8 h, valley 8 h a day at 1 kW.
        assert bill.energy_kwh_e2 == 31 * 24 * KWH
        assert by_code["ENERGY_SHARP"] == 31 * 2 * KWH
        assert by_code["ENERGY_PEAK"] == 31 * 6 * KWH
        assert by_code["ENERGY_FLAT"] == 31 * 8 * KWH
        assert by_code["ENERGY_VALLEY"] == 31 * 8 * KWH

    def test_a_curve_with_a_day_missing_is_not_billed(self, world: World):
        self.fill(world, 30)

        with pytest.raises(billing.CannotBill) as refused:
            bill_of(world.commercial)

        assert refused.value.facts["reason"] == "curve-incomplete"


class TestRoundingBetweenRegisters:
    def test_periods_without_flat_price_are_billed_as_the_meter_shows_them(self, world: World):
        home = world.residential_tou
        of_end = Reading.objects.filter(installation_id=home.installation_id, cycle=CYCLE)
        for row in of_end:
            tenths = {Register.TOTAL: 9_000, Register.PEAK: 4_500, Register.VALLEY: 4_500}[Register(row.register)]
            change(row, value_e4=row.value_e4 + tenths, advance_kwh_e2=-1)

        bill = bill_of(home)

        peak_and_valley = sum(
            u.energy_kwh_e2 for u in BillUsage.objects.filter(bill_id=bill.pk).exclude(register=Register.TOTAL)
        )
        assert bill.energy_kwh_e2 == peak_and_valley
