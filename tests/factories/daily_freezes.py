"""Many meters of a small utility, and a file with a reading of each of them for each day."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from cis.models import ReadingRoute, TransformerDistrict
from config.shared.models import OrgUnit
from tests.factories.metering import HEADER, make_curve_accounts
from tests.factories.world import RESIDENTIAL_TARIFF, World

FIRST_DAY = date(2026, 2, 1)


def write_daily_freezes(file: Path, world: World, *, meters: int, days: int) -> int:
    """Make so many metered accounts and write their total register for so many days; gives the number of rows."""
    accounts = make_curve_accounts(
        [f"77{number:08d}" for number in range(meters)],
        unit=OrgUnit.objects.get(pk=world.county_a_id),
        route=ReadingRoute.objects.get(pk=world.route_day_0_id),
        district=TransformerDistrict.objects.get(pk=world.transformer_district_id),
        tariff_code=RESIDENTIAL_TARIFF,
        since=FIRST_DAY,
        capacity_kva=8,
    )
    with file.open("w", encoding="ascii") as out:
        out.write(f"{HEADER}\n")
        for number in range(days):
            day = FIRST_DAY + timedelta(days=number)
            out.writelines(f"{account.meter_no},total,{day},{1000 + 6 * number}\n" for account in accounts)
    return meters * days
