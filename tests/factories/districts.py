"""Service districts for tests: units, people who may work there, transformer districts covered from the beginning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from config.shared.models import OrgUnit, User
from grid_service.operations.territory import cover, open_district
from tests.factories.world import World, make_unit, make_user


@dataclass(frozen=True)
class District:
    """A district of a test with its people."""

    district_id: int
    unit_id: int
    manager_id: int
    deputy_id: int


def make_district(
    world: World,
    name: str = "桂苑片区",
    *,
    transformers: Sequence[int] | None = None,
    begins_at: datetime | None = None,
    manager: User | None = None,
) -> District:
    """A district of county A that covers these transformer districts (the world's own by default)."""
    county = OrgUnit.objects.get(pk=world.county_a_id)
    unit = make_unit(county, OrgUnit.Kind.DISTRICT, f"D-{name}", name)
    manager = manager or make_user(f"manager_{unit.pk}", unit, "district-manager", f"{name[:2]}经理")
    deputy = make_user(f"deputy_{unit.pk}", unit, "district-manager", f"{name[:2]}副经理")
    since = begins_at or world.at
    district_id = open_district(
        org_unit_id=unit.pk,
        manager_id=manager.pk,
        deputy_id=deputy.pk,
        manager_phone="0728-8100001",
        deputy_phone="0728-8100002",
        begins_at=since,
        reason="启用",
        decided_by_id=world.administrator_id,
        at=since,
    )
    covered = [world.transformer_district_id] if transformers is None else list(transformers)
    if covered:
        cover(
            district_id=district_id,
            transformer_district_ids=covered,
            from_at=since,
            reason="启用",
            decided_by_id=world.administrator_id,
            at=since,
        )
    return District(district_id, unit.pk, manager.pk, deputy.pk)
