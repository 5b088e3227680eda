"""Which district of a county receives new transformer districts, so that none is ever without its people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction
from django.utils.translation import gettext as _
from psycopg2.extras import DateTimeTZRange

from cis.queries import network
from config.shared.errors import Refused
from config.shared.models import OrgUnit
from config.shared.permissions import is_within
from grid_service.models import Coverage, ReceivingDistrict, ServiceDistrict
from grid_service.operations.territory import (
    NotADistrict,
    NothingChanges,
    cover,
    lock_coverage,
    locked_district,
    reason_of,
)
from grid_service.queries.territory import no_district

# Whoever adds a transformer district waits until its county has its receiving district, or is seen by it.
_NO_NEW_PLACES = "LOCK TABLE cis_transformer_district IN SHARE MODE"


class NotBegunYet(Refused):
    """The district begins later; what is new would belong to nobody until then."""

    code = "not-begun-yet"


def receive_new_places(
    *, district_id: int, reason: str, decided_by_id: int, at: datetime, within: Sequence[str] | None = None
) -> int:
    """
    From now on the district receives every transformer district that is added to its county.

    What no district covers in the county comes to it at once, back to the district's beginning, and what is planned for
    another until then. From then on every transformer district of the county belongs to a district at every moment,
    which the database holds. Gives how many came.

    :raises NotFound: there is no such district, or its county is not within the organisation paths
    :raises NotADistrict: it lies in no county
    :raises NothingChanges: it receives them already
    :raises NotBegunYet: another receives them now, and this one begins later
    """
    why = reason_of(reason)
    with transaction.atomic():
        lock_coverage()
        with connection.cursor() as cursor:
            cursor.execute(_NO_NEW_PLACES)
        district = locked_district(district_id, within)
        county = _county_of(district)
        if within is not None and not is_within(county.path, within):
            raise no_district()
        now = ReceivingDistrict.objects.select_for_update().filter(county=county).first()
        if now is not None and now.service_district_id == district.pk:
            raise NothingChanges(_("新台区已经先归这个片区。"))
        if now is not None and district.begins_at > at:
            raise NotBegunYet(_("这个片区还没有启用，请在启用以后再办。"))
        decision = {"service_district": district, "reason": why, "decided_by_id": decided_by_id, "decided_at": at}
        ReceivingDistrict.objects.update_or_create(county=county, defaults=decision)
        places = {row.transformer_district_id for row in network.list_transformer_districts(within=[county.path])}
        came = _fill_until_planned(places, district, why, decided_by_id, at)
        alone = places - set(
            Coverage.objects.filter(transformer_district_id__in=places).values_list(
                "transformer_district_id", flat=True
            )
        )
        if alone:
            came += cover(
                district_id=district.pk,
                transformer_district_ids=alone,
                from_at=district.begins_at,
                reason=why,
                decided_by_id=decided_by_id,
                at=at,
            )
    return came


def _county_of(district: ServiceDistrict) -> OrgUnit:
    steps = district.org_unit.path.strip("/").split("/")
    above = [f"/{'/'.join(steps[:length])}/" for length in range(1, len(steps) + 1)]
    county = OrgUnit.objects.filter(path__in=above, kind=OrgUnit.Kind.COUNTY).order_by("-path").first()
    if county is None:
        raise NotADistrict(_("这个片区不在任何区县下面，不能接收新台区。"))
    return county


def _fill_until_planned(places: set[int], district: ServiceDistrict, why: str, decided_by_id: int, at: datetime) -> int:
    """What gets its first district some day comes to this one until then; how many."""
    first: dict[int, datetime] = {}
    rows = Coverage.objects.filter(transformer_district_id__in=places).values_list("transformer_district_id", "valid")
    for place, valid in rows:
        begins: datetime = valid.lower  # type: ignore[assignment]  # never without a beginning
        first[place] = min(begins, first.get(place, begins))
    waiting = {place: begins for place, begins in first.items() if begins > at and begins > district.begins_at}
    Coverage.objects.bulk_create(
        [
            Coverage(
                service_district=district,
                transformer_district_id=place,
                valid=DateTimeTZRange(district.begins_at, begins),
                reason=why,
                decided_by_id=decided_by_id,
                decided_at=at,
            )
            for place, begins in waiting.items()
        ],
        batch_size=1000,
    )
    return len(waiting)
