"""Which meter measures a plant, and what its days say: findings are noted once and the owner is told."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from cis.feed_in import WatchTerms, judge_day, makes_usual
from cis.messages import PLANT_ALERT
from cis.models import Account, AccountPoint, MeterInstallation, PlantAlert, SolarPlant
from cis.operations.limit_messages import tell_owners
from cis.queries.generation import GenerationDay, generation_days
from config.shared.errors import NotFound, Refused


class NoSuchMeter(Refused):
    """The meter does not hang at the plant's premise, or measures what the account takes."""

    code = "no-such-meter"
    status = 422


def set_generation_meter(*, account_id: int, meter_no: str, today: date) -> None:
    """
    Note which meter measures a plant's gross generation; "" for none.

    :raises NotFound: the account has no plant
    :raises NoSuchMeter: no meter of this number hangs at the account's premise beside the account's own
    """
    with transaction.atomic():
        plant = SolarPlant.objects.select_for_update().filter(account_id=account_id, closed_on=None).first()
        if plant is None:
            raise NotFound(_("这个户没有登记光伏电站。"))
        point_id = None
        if meter_no.strip():
            account = Account.objects.get(pk=account_id)
            own = AccountPoint.objects.filter(account_id=account_id, valid__contains=today).values("point_id")
            found = MeterInstallation.objects.filter(
                meter__meter_no=meter_no.strip(), valid__contains=today, point__premise_id=account.premise_id
            ).exclude(point_id__in=own)
            point_id = found.values_list("point_id", flat=True).first()
            if point_id is None:
                raise NoSuchMeter(_("这个地址没有这只发电表。请核对表号；计费用的表不能当发电表。"))
        plant.generation_point_id, plant.version = point_id, plant.version + 1
        plant.save(update_fields=["generation_point", "version"])


def watch(*, day: date, at: datetime) -> int:
    """
    Judge every plant's day by its metering; gives how many findings are new. A fixed number of statements.

    Judged again, a day that was late is found the same: each finding stands once.
    """
    terms = WatchTerms(settings.PLANT_OVER_PERCENT, settings.PLANT_NOTHING_PERMILLE, settings.PLANT_LEAST_DAYS)
    of_plant: dict[int, list[GenerationDay]] = defaultdict(list)
    for row in generation_days(first=day - timedelta(days=settings.PLANT_HISTORY_DAYS), last=day):
        of_plant[row.plant_id].append(row)
    today = {plant: rows[-1] for plant, rows in of_plant.items() if rows[-1].day == day}
    before = {plant: [row.gross_wh for row in of_plant[plant][:-1] if row.gross_wh is not None] for plant in today}
    plants = {plant.pk: plant for plant in SolarPlant.objects.select_related("account").filter(pk__in=today)}
    unit_of = {pk: plant.account.org_unit_id for pk, plant in plants.items()}
    sunny: dict[int, set[int]] = defaultdict(set)
    metered: dict[int, set[int]] = defaultdict(set)
    for plant, row in today.items():
        if row.gross_wh is not None and len(before[plant]) >= terms.least_days:
            metered[unit_of[plant]].add(plant)
        if makes_usual(row.as_judged(), before[plant], terms):
            sunny[unit_of[plant]].add(plant)
    found = [
        PlantAlert(plant_id=plant, day=day, kind=one.kind, measured=one.measured, bound=one.bound, noted_at=at)
        for plant, row in today.items()
        for one in judge_day(
            row.as_judged(),
            capacity_w=plants[plant].capacity_kw_e2 * 10,
            before_wh=before[plant],
            others_made=_others_made(plant, sunny[unit_of[plant]], metered[unit_of[plant]]),
            terms=terms,
        )
    ]
    with transaction.atomic():
        known = set(PlantAlert.objects.filter(day=day).values_list("plant_id", "kind"))
        new = [one for one in found if (one.plant_id, one.kind) not in known]
        PlantAlert.objects.bulk_create(new, ignore_conflicts=True)
        tell_owners(
            template=PLANT_ALERT.code,
            told=[
                (
                    plants[one.plant_id].account_id,
                    f"plant:{one.plant_id}:{one.day}:{one.kind}",
                    {"day": one.day.isoformat(), "kind": PlantAlert.Kind(one.kind).label},
                    {"day": one.day.isoformat(), "kind": _ENGLISH[PlantAlert.Kind(one.kind)]},
                )
                for one in new
            ],
            at=at,
        )
    return len(new)


def _others_made(plant: int, sunny: set[int], metered: set[int]) -> bool:
    """Whether another plant of the unit made energy; one that stands alone always does, be it little."""
    return bool(sunny - {plant}) or not metered - {plant}


_ENGLISH = {
    PlantAlert.Kind.OUTPUT: "output above its registered capacity",
    PlantAlert.Kind.REVERSE: "feed-in above its registered capacity",
    PlantAlert.Kind.NOTHING: "no output on a day it should produce",
}
