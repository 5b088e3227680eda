"""Supplied energy comes in whole files or not at all, and gives the line loss together with what was billed."""

from __future__ import annotations

from datetime import date

import pytest

from cis.models import Bill, BillingRun, DistrictSupply, Feeder, TransformerDistrict
from cis.operations import billing, demo_losses
from cis.operations.line_losses import SupplyRefused, import_supply
from config.shared import jobs
from config.shared.indicators import Asked, all_indicators, part_of
from config.shared.models import OrgUnit
from tests.factories.bills import issue
from tests.factories.world import AT, World, small_world

pytestmark = pytest.mark.django_db

CYCLE = 202601


@pytest.fixture
def world() -> World:
    """The tiny utility, its last cycle billed."""
    world = small_world()
    run_id = billing.start_run(
        cycle=CYCLE, org_unit_id=None, created_by_id=None, at=AT, kind=BillingRun.Kind.REGULAR, shard_size=10
    )
    jobs.work_on(job_id=BillingRun.objects.values_list("job_id", flat=True).get(pk=run_id) or 0)
    return world


def send(*rows: str, replace: bool = False) -> tuple[int, int, int]:
    """A file of these rows."""
    done = import_supply(lines=["district,cycle,energy_kwh", *rows], source="supply.csv", at=AT, replace=replace)
    return done.rows, done.new, done.changed


class TestImport:
    """All rows or none; the same file twice changes nothing."""

    def test_twice_is_once_and_another_value_asks_for_replace(self, world: World) -> None:
        code = TransformerDistrict.objects.get(pk=world.transformer_district_id).code

        assert send(f"{code},{CYCLE},1000.50") == (1, 1, 0)
        assert send(f"{code},{CYCLE},1000.50") == (1, 0, 0)
        with pytest.raises(SupplyRefused, match="--replace"):
            send(f"{code},{CYCLE},1001")
        assert send(f"{code},{CYCLE},1001", replace=True) == (1, 0, 1)
        assert DistrictSupply.objects.get().energy_kwh_e2 == 100_100

    @pytest.mark.parametrize(
        "row", ["nowhere,202601,1", "{code},202613,1", "{code},202601,abc", "{code},202601,-1", "{code},202601,1.005"]
    )
    def test_one_wrong_row_keeps_the_whole_file_out_and_is_named(self, world: World, row: str) -> None:
        code = TransformerDistrict.objects.get(pk=world.transformer_district_id).code

        with pytest.raises(SupplyRefused) as refused:
            send(f"{code},202512,5", row.format(code=code))

        assert [one["pointer"] for one in refused.value.errors] == ["/lines/3"]
        assert not DistrictSupply.objects.exists()

    def test_a_missing_column_is_named(self, world: World) -> None:
        with pytest.raises(SupplyRefused, match="energy_kwh"):
            import_supply(lines=["district,cycle", "a,202601"], source="x", at=AT)


def supply(district_id: int, **energy_kwh_e2: int) -> None:
    """What a district was supplied with, by month: `m202601=…`."""
    DistrictSupply.objects.bulk_create(
        DistrictSupply(
            transformer_district_id=district_id, cycle=int(month[1:]), energy_kwh_e2=energy, source="x", imported_at=AT
        )
        for month, energy in energy_kwh_e2.items()
    )


def losses(world: World, *months: int) -> dict[int, int | None]:
    """The province's line loss of each month, 0.01 %."""
    unit = part_of(OrgUnit.objects.get(pk=world.province_id))
    found = all_indicators()["cis.line-loss"].figures(Asked((unit,), months, date(2026, 2, 3)))
    return {month: figure for (_unit, month), figure in found.items()}


class TestLossOverTheBillsOwnMonths:
    """Twice 210 kWh were supplied; a household read every two months and a shop read monthly bought 200 a month."""

    @pytest.fixture
    def mixed(self) -> World:
        world = small_world()
        issue(world, 100_00, cycle=202601, months=2)
        issue(world, 50_00, cycle=202512, account=world.commercial)
        issue(world, 50_00, cycle=202601, account=world.commercial)
        return world

    def test_two_months_of_supply_stand_against_a_bill_of_two_months(self, mixed: World) -> None:
        supply(mixed.transformer_district_id, m202512=210_00, m202601=210_00)

        assert losses(mixed, 202512, 202601, 202602) == {202601: round(20_00 * 10_000 / 420_00)}

    def test_half_of_the_supply_is_no_supply(self, mixed: World) -> None:
        supply(mixed.transformer_district_id, m202601=210_00)

        assert losses(mixed, 202512, 202601) == {}

    def test_who_was_supplied_and_billed_nothing_is_a_loss_once_the_unit_was_billed(self, mixed: World) -> None:
        supply(mixed.transformer_district_id, m202512=210_00, m202601=210_00)
        feeder = Feeder.objects.get(code="T-F1")
        empty = TransformerDistrict.objects.create(code="T-D9", name="空台区", feeder=feeder, capacity_kva=100)
        supply(empty.pk, m202601=80_00, m202602=80_00)

        assert losses(mixed, 202601, 202602) == {202601: 20_00}

    def test_the_demonstration_supplies_both_months(self, mixed: World) -> None:
        demo_losses.load(today=AT.date(), at=AT)

        assert dict(DistrictSupply.objects.values_list("cycle", "energy_kwh_e2")).keys() == {202512, 202601}
        found = losses(mixed, 202512, 202601)
        assert found.keys() == {202601} and 1_80 <= (found[202601] or 0) <= 5_60


class TestLineLoss:
    """The share of the supply that nobody was billed for."""

    def test_is_what_was_supplied_and_not_billed(self, world: World) -> None:
        district = TransformerDistrict.objects.get(pk=world.transformer_district_id)
        sold = sum(bill.energy_kwh_e2 for bill in Bill.objects.filter(cycle=CYCLE))
        unit = part_of(OrgUnit.objects.get(pk=world.province_id))
        loss = all_indicators()["cis.line-loss"].figures

        before = loss(Asked((unit,), (CYCLE,), date(2026, 2, 3)))
        DistrictSupply.objects.create(
            transformer_district=district, cycle=CYCLE, energy_kwh_e2=sold * 2, source="x", imported_at=AT
        )
        after = loss(Asked((unit,), (CYCLE,), date(2026, 2, 3)))

        assert before == {}
        assert after == {(world.province_id, CYCLE): 50_00}
