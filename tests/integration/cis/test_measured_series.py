"""
Measured load of real customers through the import into bills: what is billed is what was measured.

Reads the series beside the project (`../shared/data`); they are not part of it, and the test says so when they are
absent. The Swiss households come as seven undated weeks each: five are laid one after another from 1 January 2026, and
the first 31 days make the month. The Korean steel works' January of 2018 is moved to January 2026.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from django.core.management import call_command
from numpy.typing import NDArray

from cis.models import (
    Bill,
    BillException,
    BillingRun,
    BillUsage,
    IntervalDay,
    ReadingDoubt,
    ReadingRoute,
    TransformerDistrict,
)
from cis.operations import billing, curves
from cis.queries import statistics
from config.shared import jobs
from config.shared.events import deliver_waiting
from config.shared.models import OrgUnit
from tests.conftest import PROJECT
from tests.factories.metering import interval_file, make_curve_accounts
from tests.factories.world import AT, World, small_world

DATA = PROJECT.parent / "shared" / "data"
HOUSEHOLDS = DATA / "customers_swiss_households_15min_weeks.csv.gz"
STEEL = DATA / "customer_steel_kr_15min.csv.gz"
START, DAYS, SLOTS = date(2026, 1, 1), 31, 96
CYCLE = 202601

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        not (HOUSEHOLDS.exists() and STEEL.exists()),
        reason="THE MEASURED SERIES ARE ABSENT (../shared/data): billing of real load curves was not tested",
    ),
]


@pytest.fixture
def world(db: None) -> World:
    return small_world()


@dataclass(frozen=True)
class Month:
    """A customer's quarter-hours in kWh as text, (31, 96), and in whole Wh rounded half-up."""

    text: NDArray[Any]
    wh: NDArray[np.int64]

    @property
    def whole_kwh(self) -> int:
        """The month's sum, rounded half-up."""
        return int((self.wh.sum() + 500) // 1000)

    @property
    def bad_days(self) -> int:
        """Days with a quarter-hour below nothing."""
        return int((self.wh < 0).any(axis=1).sum())

    def rows(self, meter_no: str) -> Iterator[tuple[str, date, list[str]]]:
        """The days as rows of an import."""
        for number in range(DAYS):
            yield meter_no, START + timedelta(days=number), self.text[number].tolist()


def _month(kwh: NDArray[Any]) -> Month:
    first = kwh[: DAYS * SLOTS].astype(np.float64).reshape(DAYS, SLOTS)
    micro = np.rint(first * 1_000_000).astype(np.int64)
    text = np.array([f"{value / 1_000_000:.6f}" for value in micro.ravel()]).reshape(DAYS, SLOTS)
    return Month(text, (micro + 500) // 1000)


def _households() -> dict[str, Month]:
    with gzip.open(HOUSEHOLDS) as file:
        weeks = pd.read_csv(file)
    slots = [name for name in weeks.columns if name.startswith("V") and name != "VID"]
    return {
        str(number): _month(one.sort_values("week")[slots].to_numpy()[:5].ravel())
        for number, one in weeks.groupby("VID")
    }


def _import(folder: Path, name: str, content: bytes) -> int:
    file = folder / name
    file.write_bytes(content)
    try:
        call_command("import_readings", str(file), "--json", stdout=io.StringIO())
    except SystemExit as left:
        return int(left.code or 0)
    return 0


def _bill_everybody() -> int:
    run_id = billing.start_run(cycle=CYCLE, org_unit_id=None, created_by_id=None, at=AT)
    jobs.work_on(job_id=BillingRun.objects.get(pk=run_id).job_id or 0)
    return run_id


def _place(world: World) -> dict[str, Any]:
    return {
        "unit": OrgUnit.objects.get(pk=world.county_a_id),
        "route": ReadingRoute.objects.get(pk=world.route_day_0_id),
        "district": TransformerDistrict.objects.get(pk=world.transformer_district_id),
        "since": START,
    }


class TestHouseholds:
    """537 Swiss households, a month of quarter-hours each."""

    def test_every_household_is_billed_what_was_measured(self, world: World, tmp_path: Path) -> None:
        months = _households()
        accounts = make_curve_accounts([f"CH{number}" for number in months], tariff_code="JS-RES", **_place(world))
        of_account = {one.account_id: months[one.account_no.removeprefix("CH")] for one in accounts}
        rows = (row for one in accounts for row in of_account[one.account_id].rows(one.meter_no))

        code = _import(tmp_path, "households.csv", interval_file(rows))
        doubts = ReadingDoubt.objects.order_by("pk")
        assert 0 < doubts.count() < IntervalDay.objects.count() // 100
        held = set(doubts.values_list("account_id", flat=True))
        run_id = _bill_everybody()
        # What is in doubt is not billed until a person has taken it.
        assert not Bill.objects.filter(account_id__in=held).exists()
        for doubt in doubts:
            curves.accept_curve(doubt_id=doubt.pk, reason="核对无误", resolved_by_id=world.auditor_id, at=AT)
        deliver_waiting(now=AT + timedelta(days=9999))

        whole = {number: month for number, month in of_account.items() if not month.bad_days}
        broken = set(of_account) - set(whole)
        bills = dict(Bill.objects.filter(account_id__in=of_account).values_list("account_id", "energy_kwh_e2"))
        left_out = dict(BillException.objects.filter(run_id=run_id).values_list("account_id", "code"))
        assert len(of_account) == 537
        assert code == (3 if broken else 0)
        assert IntervalDay.objects.count() == sum(DAYS - month.bad_days for month in of_account.values())
        assert bills == {number: month.whole_kwh * 100 for number, month in whole.items()}
        # Days with negative energy were rejected with their lines: their accounts are counted, not billed.
        assert left_out == dict.fromkeys(broken | held, "curve-incomplete")


class TestSteelWorks:
    """A steel works with reactive energy, on a time-of-use tariff."""

    def test_the_works_are_billed_by_period_what_was_measured(self, world: World, tmp_path: Path) -> None:
        with gzip.open(STEEL) as file:
            series = pd.read_csv(file)
        energy, lag, lead = (_month(series[name].to_numpy()) for name in ("energy_kwh", "lag_kvarh", "lead_kvarh"))
        (works,) = make_curve_accounts(
            ["KR1"], tariff_code="HB-2026-01-1P-10", price_class=3, voltage="10kV", capacity_kva=800, **_place(world)
        )

        codes = [
            _import(tmp_path, f"{register}.csv", interval_file(month.rows(works.meter_no), register))
            for register, month in (("total", energy), ("reactive_import", lag), ("reactive_export", lead))
        ]
        _bill_everybody()

        bill = Bill.objects.get(account_id=works.account_id)
        usage = BillUsage.objects.filter(bill_id=bill.pk)
        assert codes == [0, 0, 0]
        assert IntervalDay.objects.filter(point_id=works.point_id).count() == 3 * DAYS
        assert usage.count() > 1
        assert all(one.is_from_curve for one in usage)
        # Each period is rounded to whole kWh by itself.
        assert abs(bill.energy_kwh_e2 / 100 - energy.wh.sum() / 1000) <= 0.5 * usage.count()
        assert sum(one.energy_kwh_e2 for one in usage) == bill.energy_kwh_e2
        curve = statistics.load_curve(day=START, district_id=world.transformer_district_id)
        assert curve.energy_wh == tuple(energy.wh[0].tolist())
