"""Supplied energy comes in whole files or not at all, and gives the line loss together with what was billed."""

from __future__ import annotations

from datetime import date

import pytest

from cis.models import Bill, BillingRun, DistrictSupply, TransformerDistrict
from cis.operations import billing
from cis.operations.line_losses import SupplyRefused, import_supply
from config.shared import jobs
from config.shared.indicators import Asked, all_indicators, part_of
from config.shared.models import OrgUnit
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
