"""Bills of several parts: prices and contracts that change inside a period, losses, parts at other prices."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from psycopg2.extras import DateRange

from cis.models import (
    Account,
    AccountPoint,
    Bill,
    BillLine,
    BillPart,
    FreeEnergyRight,
    Meter,
    MeteringPoint,
    MeterInstallation,
    RatingSwitches,
    Reading,
    ReadingRoute,
    SupplyContract,
    SupplyLoss,
    SupplyPart,
    Tariff,
    TariffVersion,
)
from cis.operations import billing, rerating
from cis.queries.billing import get_bill
from cis.rating import CHARGES, ChargeCode, Register
from cis.web.bills import in_words
from config.shared.errors import Refused
from tests.factories.world import AccountIds, World, small_world

AT = datetime(2026, 3, 16, 2, tzinfo=UTC)
CYCLE = 202601
START, END = date(2026, 1, 1), date(2026, 2, 1)
UNIT = 10_000
MONTHLY = [{"kind": "tier", "period": "month", "upper_kwh": ["100", "150"], "price_yuan": ["0.5", "0.6", "0.9"]}]
YEARLY = [{"kind": "tier", "period": "year", "upper_kwh": ["100", "150"], "price_yuan": ["0.5", "0.6", "0.9"]}]
PF = {"kind": "power_factor", "table": "1983-215"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return small_world(at=AT, cycles=4)


def flat(price: str) -> list[dict[str, Any]]:
    return [{"kind": "flat_energy", "price_yuan": price}]


def tariff(code: str, *stretches: tuple[date | None, date | None, list[dict[str, Any]]]) -> Tariff:
    """A tariff with one version a stretch."""
    made = Tariff.objects.create(code=code, name=code, province="湖北", category="test")
    for first, last, rules in stretches:
        TariffVersion.objects.create(
            tariff=made, valid=DateRange(first, last), rules=rules, source="test", confidence="high"
        )
    return made


def on_tariff(account: AccountIds, made: Tariff, **more: Any) -> None:
    SupplyContract.objects.filter(pk=account.contract_id).update(tariff=made, **more)


def contract_from(account: AccountIds, on: date, **changed: Any) -> None:
    """Another contract from a day on."""
    contract = SupplyContract.objects.get(pk=account.contract_id)
    SupplyContract.objects.filter(pk=contract.pk).update(valid=DateRange(contract.valid.lower, on))
    contract.pk, contract.valid = None, DateRange(on, None)
    for name, value in changed.items():
        setattr(contract, name, value)
    contract.save()


def reading(account: AccountIds, on: date, units: int | str, **more: Any) -> None:
    fields = {"register": Register.TOTAL, "state": Reading.State.ACCEPTED, "installation_id": account.installation_id}
    Reading.objects.create(
        **fields | {"account_id": account.account_id, "read_on": on, "value_e4": int(Decimal(units) * UNIT)} | more
    )


def uses(account: AccountIds, *kwh: int) -> None:
    """So many kWh from January on, month by month, whatever was read."""
    ratio = MeterInstallation.objects.get(pk=account.installation_id).ct_ratio
    Reading.objects.filter(installation_id=account.installation_id).delete()
    value = 1000
    reading(account, START, value, cycle=202512)
    for month, used in enumerate(kwh, start=1):
        value += used // ratio
        reading(account, date(2026, month + 1, 1), value, cycle=202600 + month)


def bill_of(account: AccountIds, cycle: int = CYCLE) -> Bill:
    bill_id = billing.issue_bill_now(account_id=account.account_id, cycle=cycle, issued_by_id=None, at=AT)
    bill = Bill.objects.get(pk=bill_id)
    assert get_bill(str(bill)).recomputes, "it is explained from what was kept"
    return bill


def lines_of(bill: Bill) -> list[tuple[str, str, str, str]]:
    """(charge, quantity, price, yuan)."""
    found = []
    for line in BillLine.objects.filter(bill_id=bill.pk).order_by("seq"):
        charge = CHARGES[ChargeCode(line.code)]
        quantity, price = Decimal(line.quantity).scaleb(-charge.places), Decimal(line.price_e8).scaleb(-8)
        yuan = Decimal(line.amount_fen).scaleb(-2)
        found.append((charge.text, f"{quantity.normalize():f}", f"{price.normalize():f}", f"{yuan:.2f}"))
    return found


class TestAPriceThatChangesInsideThePeriod:
    CHANGE = date(2026, 1, 11)

    def two_prices(self, rules: list[list[dict[str, Any]]]) -> Tariff:
        return tariff("T-TWO", (None, self.CHANGE, rules[0]), (self.CHANGE, None, rules[1]))

    def test_by_days_where_nothing_was_read_on_the_day(self, world: World):
        on_tariff(world.residential, self.two_prices([flat("0.5"), flat("0.8")]))
        uses(world.residential, 310)

        bill = bill_of(world.residential)

        assert lines_of(bill) == [("ENERGY", "100", "0.5", "50.00"), ("ENERGY", "210", "0.8", "168.00")]
        assert bill.energy_kwh_e2 == 31_000

    def test_by_what_was_read_on_the_day(self, world: World):
        on_tariff(world.residential, self.two_prices([flat("0.5"), flat("0.8")]))
        uses(world.residential, 310)
        reading(world.residential, self.CHANGE, 1240)

        assert lines_of(bill_of(world.residential)) == [
            ("ENERGY", "240", "0.5", "120.00"),
            ("ENERGY", "70", "0.8", "56.00"),
        ]

    def test_by_days_all_the_same_where_the_utility_chose_that(self, world: World):
        on_tariff(world.residential, self.two_prices([flat("0.5"), flat("0.8")]))
        uses(world.residential, 310)
        reading(world.residential, self.CHANGE, 1240)
        RatingSwitches.objects.create(
            org_unit_id=world.province_id, valid=DateRange(None, None), values={"proration": "by_days"}, source="test"
        )

        assert lines_of(bill_of(world.residential))[0] == ("ENERGY", "100", "0.5", "50.00")

    def test_each_tier_is_cut_in_the_same_shares(self, world: World):
        dearer = [MONTHLY[0] | {"price_yuan": ["0.7", "0.8", "1.1"]}]
        on_tariff(world.residential, self.two_prices([MONTHLY, dearer]))
        uses(world.residential, 310)

        bill = bill_of(world.residential)

        # 10 of 31 days: 32.26, 16.13 and 51.6 kWh, in whole kWh.
        assert lines_of(bill) == [
            ("ENERGY_T1", "32", "0.5", "16.00"),
            ("ENERGY_T2", "16", "0.6", "9.60"),
            ("ENERGY_T3", "52", "0.9", "46.80"),
            ("ENERGY_T1", "68", "0.7", "47.60"),
            ("ENERGY_T2", "34", "0.8", "27.20"),
            ("ENERGY_T3", "108", "1.1", "118.80"),
        ]

    @pytest.mark.acceptance("F12")
    def test_yearly_tiers_go_on_over_a_move_in_and_a_change_of_bounds_and_prices(self, world: World):
        """Moved in on the 6th; bounds and prices change on the 16th; the year's position is carried over both."""
        wider = [YEARLY[0] | {"upper_kwh": ["120", "200"], "price_yuan": ["0.4", "0.7", "1.0"]}]
        moved_in, changed = date(2026, 1, 6), date(2026, 1, 16)
        on_tariff(world.residential, tariff("T-YEAR", (None, changed, YEARLY), (changed, None, wider)))
        account = world.residential
        Reading.objects.filter(installation_id=account.installation_id).delete()
        SupplyContract.objects.filter(pk=account.contract_id).update(valid=DateRange(moved_in, None))
        AccountPoint.objects.filter(account_id=account.account_id).update(valid=DateRange(moved_in, None))
        Account.objects.filter(pk=account.account_id).update(opened_on=moved_in)
        reading(account, moved_in, 1000, kind=Reading.Kind.MOVE_IN)
        reading(account, changed, 1110)
        reading(account, END, 1230, cycle=CYCLE)
        reading(account, date(2026, 3, 1), 1240, cycle=202602)

        january, february = bill_of(account), bill_of(account, 202602)

        assert lines_of(january) == [
            # 110 kWh at the old price: 100 in tier 1.
            ("ENERGY_T1", "100", "0.5", "50.00"),
            ("ENERGY_T2", "10", "0.6", "6.00"),
            # 120 more from 110 on, under the new bounds of 120 and 200.
            ("ENERGY_T1", "10", "0.4", "4.00"),
            ("ENERGY_T2", "80", "0.7", "56.00"),
            ("ENERGY_T3", "30", "1", "30.00"),
        ]
        assert january.energy_kwh_e2 == 23_000
        assert lines_of(february) == [("ENERGY_T3", "10", "1", "10.00")], "230 kWh of the year are behind it"

    def test_periods_cut_each_by_its_own_register(self, world: World):
        def prices(peak: str, valley: str) -> list[dict[str, Any]]:
            return [{"kind": "time_of_use", "price_yuan": {"peak": peak, "valley": valley}}]

        home = world.residential_tou
        on_tariff(home, self.two_prices([prices("0.6", "0.3"), prices("0.9", "0.2")]))
        Reading.objects.filter(installation_id=home.installation_id).delete()
        for register, values in ((Register.PEAK, (0, 10, 100)), (Register.VALLEY, (0, 40, 50))):
            for on, value, cycle in zip((START, self.CHANGE, END), values, (202512, 0, CYCLE), strict=True):
                reading(home, on, value, register=register, cycle=cycle)

        assert lines_of(bill_of(home)) == [
            ("ENERGY_PEAK", "10", "0.6", "6.00"),
            ("ENERGY_VALLEY", "40", "0.3", "12.00"),
            ("ENERGY_PEAK", "90", "0.9", "81.00"),
            ("ENERGY_VALLEY", "10", "0.2", "2.00"),
        ]

    def test_a_basic_charge_whose_price_changes_is_charged_by_the_day_and_adjusted_once(self, world: World):
        def rules(energy: str, capacity: str) -> list[dict[str, Any]]:
            basic = {"kind": "basic_charge", "capacity_price_yuan_per_kva_month": capacity}
            return [*flat(energy), basic, PF]

        works = world.commercial
        made = self.two_prices([rules("0.5", "20"), rules("0.6", "26")])
        on_tariff(works, made, demand_mode=1, pf_standard_e2=90, capacity_kva=300)
        uses(works, 31_000)
        reading(works, START, 0, register=Register.REACTIVE_IMPORT)
        reading(works, END, 0, register=Register.REACTIVE_IMPORT)

        found = lines_of(bill_of(works))

        # Sixtieths of the month: 10 of 31 days are 19, the rest is 41.
        assert found[:4] == [
            ("ENERGY", "10000", "0.5", "5000.00"),
            ("CAPACITY", "300", "20", "1900.00"),
            ("ENERGY", "21000", "0.6", "12600.00"),
            ("CAPACITY", "300", "26", "5330.00"),
        ]
        assert found[4:] == [("PF_ADJ", "24830", "-0.0075", "-186.23")]

    def test_tiers_of_a_month_whose_bounds_change_have_no_rule_and_wait(self, world: World):
        wider = [MONTHLY[0] | {"upper_kwh": ["200", "400"]}]
        on_tariff(world.residential, self.two_prices([MONTHLY, wider]))
        uses(world.residential, 310)

        with pytest.raises(Refused) as refused:
            bill_of(world.residential)

        assert refused.value.facts["reason"] == "tariff-changes"


class TestAContractThatChangesInsideThePeriod:
    def test_another_class_has_its_own_price_and_its_own_tiers(self, world: World):
        """A shop that becomes a home: what it used as a shop is not in the home's tiers, then or later."""
        home, on = world.residential, date(2026, 1, 11)
        shop = tariff("T-SHOP", (None, None, flat("0.9")))
        on_tariff(home, shop, price_class=SupplyContract.PriceClass.COMMERCIAL)
        contract_from(home, on, tariff=tariff("T-HOME", (None, None, YEARLY)), price_class=1)
        uses(home, 310, 20)
        reading(home, on, 1250)

        january, february = bill_of(home), bill_of(home, 202602)

        assert lines_of(january) == [("ENERGY", "250", "0.9", "225.00"), ("ENERGY_T1", "60", "0.5", "30.00")]
        assert lines_of(february) == [("ENERGY_T1", "20", "0.5", "10.00")]

    def test_a_day_without_a_contract_waits(self, world: World):
        home = world.residential
        contract_from(home, date(2026, 1, 11), people=3)
        newest = SupplyContract.objects.filter(account_id=home.account_id).order_by("-pk").first()
        assert newest is not None
        SupplyContract.objects.filter(pk=newest.pk).update(valid=DateRange(date(2026, 1, 12), None))

        with pytest.raises(Refused) as refused:
            bill_of(home)

        assert refused.value.facts["reason"] == "contract-changes"


class TestLosses:
    def works(self, world: World) -> AccountIds:
        works = world.commercial
        on_tariff(works, tariff("T-LV", (None, None, [*flat("0.5"), PF])), pf_standard_e2=90)
        uses(works, 40_000)
        reading(works, START, 0, register=Register.REACTIVE_IMPORT)
        reading(works, END, 250, register=Register.REACTIVE_IMPORT)
        return works

    def agree(self, works: AccountIds, **more: Any) -> SupplyLoss:
        fields = {"method": "table", "month_kwh_e2": 103_700, "month_kvarh_e2": 720_000, "line_loss_e6": 30_000}
        return SupplyLoss.objects.create(
            account_id=works.account_id, valid=DateRange(None, None), source="test", **fields | more
        )

    def test_enter_energy_and_factor(self, world: World):
        works = self.works(world)
        self.agree(works)

        bill = bill_of(works)

        # The worked bill A15: (40000 + 1037) x 1.03, (10000 + 7200) x 1.03, factor 0.92.
        assert lines_of(bill) == [("ENERGY", "42268", "0.5", "21134.00"), ("PF_ADJ", "21134", "-0.003", "-63.40")]
        assert bill.energy_kwh_e2 == 4_226_800
        assert BillPart.objects.get(bill_id=bill.pk).loss_kwh_e2 == 226_800

    def test_by_formula(self, world: World):
        works = self.works(world)
        self.agree(works, method="formula", iron_w=500, coefficient_e6=10_000, month_kwh_e2=0, line_loss_e6=0)

        # 0.5 kW x 744 h + 1 % of 40000
        assert lines_of(bill_of(works))[0] == ("ENERGY", "40772", "0.5", "20386.00")

    @pytest.mark.parametrize(("values", "flat_kwh"), [({}, "1800"), ({"loss_tou_allocation": "proportional"}, "1500")])
    def test_stand_at_the_flat_price_or_as_the_energy_does(self, world: World, values: dict[str, str], flat_kwh: str):
        works = world.commercial
        prices = {"peak": "1", "flat": "0.6", "valley": "0.3"}
        on_tariff(works, tariff("T-TOU", (None, None, [{"kind": "time_of_use", "price_yuan": prices}])))
        Reading.objects.filter(installation_id=works.installation_id).delete()
        for register, units in ((Register.PEAK, 10), (Register.FLAT, 30), (Register.VALLEY, 20)):
            reading(works, START, 0, register=register, cycle=202512)
            reading(works, END, units, register=register, cycle=CYCLE)
        self.agree(works, month_kwh_e2=60_000, line_loss_e6=0)
        if values:
            RatingSwitches.objects.create(org_unit=None, valid=DateRange(None, None), values=values, source="test")

        by_code = {code: quantity for code, quantity, _price, _yuan in lines_of(bill_of(works))}

        assert by_code["ENERGY_FLAT"] == flat_kwh
        assert sum(map(int, by_code.values())) == 60 * 40 + 600


class TestPartsAtOtherPrices:
    def part(self, account: AccountIds, kind: int, made: Tariff, price_class: int, **more: Any) -> None:
        SupplyPart.objects.create(
            account_id=account.account_id, kind=kind, tariff=made, price_class=price_class,
            valid=DateRange(None, None), source="test", **more,
        )  # fmt: skip

    def test_a_sub_meter_is_taken_off_and_only_the_rest_is_adjusted(self, world: World):
        works = world.commercial
        MeterInstallation.objects.filter(pk=works.installation_id).update(ct_ratio=60)
        on_tariff(works, tariff("T-IND", (None, None, [*flat("0.72"), PF])), pf_standard_e2=85)
        Reading.objects.filter(installation_id=works.installation_id).delete()
        for register, first, last in ((1, "1540.20", "1688.70"), (21, "410.10", "480.60")):
            reading(works, START, first, register=register, cycle=202512 if register == 1 else 0)
            reading(works, END, last, register=register, cycle=CYCLE if register == 1 else 0)
        point = MeteringPoint.objects.create(point_no="SUB1", premise_id=works.premise_id)
        meter = Meter.objects.create(meter_no="SUB1", digits=6)
        since = DateRange(date(2025, 1, 1), None)
        hung = MeterInstallation.objects.create(meter=meter, point=point, valid=since)
        AccountPoint.objects.create(account_id=works.account_id, point=point, valid=since)
        reading(works, START, "20010", installation_id=hung.pk, cycle=202512)
        reading(works, END, "21310", installation_id=hung.pk, cycle=CYCLE)
        self.part(works, 2, tariff("T-RES", (None, None, flat("0.5583"))), 1, point=point)

        bill = bill_of(works)

        # The worked bill A28.
        assert lines_of(bill) == [
            ("ENERGY", "7610", "0.72", "5479.20"),
            ("PF_ADJ", "5479.2", "-0.005", "-27.40"),
            ("ENERGY", "1300", "0.5583", "725.79"),
        ]
        assert bill.energy_kwh_e2 == 891_000, "each kWh once"

    def test_a_fixed_quantity_and_a_fixed_share(self, world: World):
        farm = world.commercial
        on_tariff(farm, tariff("T-AGR", (None, None, flat("0.4862"))), price_class=4)
        uses(farm, 5240)
        lighting = tariff("T-LIGHT", (None, None, flat("0.8021")))
        self.part(farm, 3, lighting, 2, month_kwh=800)
        self.part(farm, 4, lighting, 2, ratio_e6=100_000)

        bill = bill_of(farm)

        assert lines_of(bill) == [
            ("ENERGY", "800", "0.8021", "641.68"),
            ("ENERGY", "524", "0.8021", "420.30"),
            ("ENERGY", "3916", "0.4862", "1903.96"),
        ]

    def test_parts_that_are_more_than_the_main_meter_wait(self, world: World):
        farm = world.commercial
        on_tariff(farm, tariff("T-AGR", (None, None, flat("0.4862"))), price_class=4)
        uses(farm, 400)
        self.part(farm, 3, tariff("T-LIGHT", (None, None, flat("0.8021"))), 2, month_kwh=800)

        with pytest.raises(Refused) as refused:
            bill_of(farm)

        assert refused.value.facts["reason"] == "main-below-parts"

    def test_are_written_once(self, world: World):
        farm = world.commercial
        on_tariff(farm, tariff("T-AGR", (None, None, flat("0.4862"))), price_class=4)
        uses(farm, 5240)
        self.part(farm, 3, tariff("T-LIGHT", (None, None, flat("0.8021"))), 2, month_kwh=800)
        bill_of(farm)

        for statement in ("UPDATE cis_bill_part SET people = 2", "DELETE FROM cis_bill_part"):
            with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)


class TestEverythingAtOnce:
    """Losses and parts with prices of their own in a period in which prices change: reckoned once, then cut."""

    MAIN_CHANGE, PART_CHANGE = date(2026, 1, 11), date(2026, 1, 16)

    def works(self, world: World, *, sub_read_on: date | None = None) -> AccountIds:
        """18 000 kWh, 6 000 of them before the 11th; 600 lost; 900 of lighting, 1 300 of a home behind a sub-meter."""
        works = world.commercial
        MeterInstallation.objects.filter(pk=works.installation_id).update(ct_ratio=60)
        made = tariff(
            "T-IND", (None, self.MAIN_CHANGE, [*flat("0.72"), PF]), (self.MAIN_CHANGE, None, [*flat("0.80"), PF])
        )
        on_tariff(works, made, pf_standard_e2=85)
        Reading.objects.filter(installation_id=works.installation_id).delete()
        for on, value, cycle in ((START, 0, 202512), (self.MAIN_CHANGE, 100, 0), (END, 300, CYCLE)):
            reading(works, on, value, cycle=cycle)
        reading(works, START, 0, register=Register.REACTIVE_IMPORT)
        reading(works, END, 100, register=Register.REACTIVE_IMPORT)
        SupplyLoss.objects.create(
            account_id=works.account_id, method="table", month_kwh_e2=60_000, valid=DateRange(None, None), source="t"
        )
        lighting = tariff("T-LIGHT", (None, self.PART_CHANGE, flat("0.5")), (self.PART_CHANGE, None, flat("0.6")))
        self.part(works, 3, lighting, 2, month_kwh=900)
        point = MeteringPoint.objects.create(point_no="SUB1", premise_id=works.premise_id)
        since = DateRange(date(2025, 1, 1), None)
        hung = MeterInstallation.objects.create(
            meter=Meter.objects.create(meter_no="SUB1", digits=6), point=point, valid=since
        )
        AccountPoint.objects.create(account_id=works.account_id, point=point, valid=since)
        for on, value, cycle in ((START, 20_010, 202512), (END, 21_310, CYCLE)):
            reading(works, on, value, installation_id=hung.pk, cycle=cycle)
        if sub_read_on:
            reading(works, sub_read_on, 20_310, installation_id=hung.pk)
        home = tariff("T-RES", (None, self.PART_CHANGE, flat("0.5583")), (self.PART_CHANGE, None, flat("0.6")))
        self.part(works, 2, home, 1, point=point)
        return works

    def part(self, account: AccountIds, kind: int, made: Tariff, price_class: int, **more: Any) -> None:
        SupplyPart.objects.create(
            account_id=account.account_id, kind=kind, tariff=made, price_class=price_class,
            valid=DateRange(None, None), source="test", **more,
        )  # fmt: skip

    def test_is_billed_explained_and_rated_again(self, world: World):
        works = self.works(world, sub_read_on=self.PART_CHANGE)

        bill = bill_of(works)

        # 18 600 kWh less 1 300 and 900: a third before the 11th, as it was read. Of the lighting 8 857 of 18 000 parts
        # lie before the 16th: 6 000, and 5 of 21 days of the rest. The home's meter was read that day.
        assert lines_of(bill) == [
            ("ENERGY", "443", "0.5", "221.50"),
            ("ENERGY", "457", "0.6", "274.20"),
            ("ENERGY", "5467", "0.72", "3936.24"),
            ("ENERGY", "10933", "0.8", "8746.40"),
            # 18 600 kWh and 6 000 kvarh are 0.95: 1.1 % off all but the home, 13 178.34 yuan.
            ("PF_ADJ", "13178.34", "-0.011", "-144.96"),
            ("ENERGY", "300", "0.5583", "167.49"),
            ("ENERGY", "1000", "0.6", "600.00"),
        ]
        assert bill.energy_kwh_e2 == 1_860_000
        kept = BillPart.objects.filter(bill_id=bill.pk).order_by("seq")
        assert sum(part.loss_kwh_e2 for part in kept) == 60_000
        [again], _refused = rerating.rerate_bills([bill])
        assert (again.amount_fen, again.now.lines) == (0, again.then.lines)
        said = " ".join(one for line in in_words(get_bill(str(bill))) for one in line.sentences)
        for words in ("2026-01-11 至 2026-01-31 的部分", "2026-01-16 至 2026-01-31 的部分", "按约定的定量", "损耗"):
            assert words in said

    def test_by_days_where_the_utility_chose_that(self, world: World):
        works = self.works(world, sub_read_on=self.PART_CHANGE)
        RatingSwitches.objects.create(
            org_unit=None, valid=DateRange(None, None), values={"proration": "by_days"}, source="test"
        )

        found = lines_of(bill_of(works))

        # Ten and fifteen of 31 days; of the 18 000 kWh 8 710 before the 16th, in whole kWh as ever.
        assert [line[1] for line in found if line[0] == "ENERGY"] == ["436", "464", "5290", "11110", "629", "671"]

    def test_a_loss_that_begins_inside_the_period_is_of_its_days(self, world: World):
        works = self.works(world)
        SupplyLoss.objects.update(valid=DateRange(date(2026, 1, 12), None))

        # Twenty days: 600 x 20/30.
        assert bill_of(works).energy_kwh_e2 == 1_840_000


class TestFreeEnergy:
    @pytest.mark.parametrize(
        ("values", "lines"),
        [
            ({}, [("ENERGY_T1", "100"), ("ENERGY_T2", "20"), ("FREE_KWH", "-15")]),
            ({"free_kwh_method": "deduct_before_tiering"}, [("ENERGY_T1", "100"), ("ENERGY_T2", "5")]),
        ],
    )
    def test_is_given_as_the_utility_chose(self, world: World, values: dict[str, str], lines: list[tuple[str, str]]):
        home = world.residential
        on_tariff(home, tariff("T-M", (None, None, MONTHLY)))
        uses(home, 120)
        FreeEnergyRight.objects.create(
            account_id=home.account_id, kwh_per_month=15, document="低保证", valid=DateRange(date(2026, 1, 20), None)
        )
        if values:
            RatingSwitches.objects.create(org_unit=None, valid=DateRange(None, None), values=values, source="test")

        assert [line[:2] for line in lines_of(bill_of(home))] == lines


class TestSwitchesOfAUtility:
    def choose(self, world: World, unit: int | None, first: date | None, last: date | None, **values: Any) -> None:
        RatingSwitches.objects.create(org_unit_id=unit, valid=DateRange(first, last), values=values, source="test")

    def test_the_nearest_unit_decides_on_the_last_day_of_the_period(self, world: World):
        """The tier year begins in February for the county, in January for all others."""
        self.choose(world, world.county_a_id, END, None, tier_year_start=2)
        on_tariff(world.residential, tariff("T-Y", (None, None, YEARLY)))
        uses(world.residential, 90, 20)
        bill_of(world.residential)

        assert bill_of(world.residential, 202602).tier_kwh_e2_before == 0

    def test_a_bill_is_explained_by_what_held_for_it(self, world: World):
        on_tariff(world.residential, tariff("T-Y", (None, None, YEARLY)))
        uses(world.residential, 90, 20)
        self.choose(world, None, None, END, multi_person="first_bound")
        self.choose(world, None, END, None, multi_person="both_bounds")
        bill = bill_of(world.residential)

        assert get_bill(str(bill)).recomputes
        assert bill_of(world.residential, 202602).tier_kwh_e2_before == 9_000

    def test_energy_may_be_kept_to_hundredths(self, world: World):
        self.choose(world, world.province_id, None, None, kwh_rounding="kwh_2_decimals")
        on_tariff(world.residential, tariff("T-F", (None, None, flat("0.5"))))
        uses(world.residential, 100)
        Reading.objects.filter(installation_id=world.residential.installation_id, cycle=CYCLE).update(
            value_e4=1_100 * UNIT + 3_300
        )

        assert lines_of(bill_of(world.residential)) == [("ENERGY", "100.33", "0.5", "50.17")]

    def test_an_unknown_choice_stands_against_billing_and_is_not_passed_over(self, world: World):
        self.choose(world, None, None, None, rounding="down")

        with pytest.raises(Exception, match="unknown_switch"):
            bill_of(world.residential)


def test_the_route_of_two_months_takes_both_prices(world: World) -> None:
    home, on = world.residential, date(2026, 1, 1)
    ReadingRoute.objects.filter(pk=home.route_id).update(cycle_months=2, cycle_phase=1)
    on_tariff(home, tariff("T-TWO", (None, on, flat("0.5")), (on, None, flat("0.8"))))
    Reading.objects.filter(installation_id=home.installation_id).delete()
    reading(home, date(2025, 12, 1), 1000, cycle=202511)
    reading(home, END, 1620, cycle=CYCLE)

    assert lines_of(bill_of(home)) == [("ENERGY", "310", "0.5", "155.00"), ("ENERGY", "310", "0.8", "248.00")]
