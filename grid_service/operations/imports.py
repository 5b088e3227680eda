"""Setting districts up from a utility's own tables: all of it or nothing, and twice the same is once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from config.shared.errors import BadInput
from config.shared.models import OrgUnit, User
from config.shared.permissions import scope_of
from grid_service.models import Community, ReceivingDistrict, ServiceDistrict
from grid_service.operations.district_sheets import CommunityLine, DistrictLine, Fault, PlaceLine, Sheets, read_sheets
from grid_service.operations.newcomers import receive_new_places
from grid_service.operations.territory import cover, open_district, reason_of

HANDS_OVER = "grid_service.hand_over"


class DistrictsRefused(BadInput):
    """The tables cannot be taken as they are; `faults` names lines. Nothing was written."""

    code = "districts-refused"

    def __init__(self, message: str, faults: Iterable[Fault] = ()) -> None:
        self.faults = tuple(faults)
        errors = [{"pointer": f"/{one.table}/{one.line}", "detail": one.detail} for one in self.faults]
        super().__init__(message, errors=errors)


@dataclass(frozen=True, slots=True)
class DistrictsImported:
    """What an import did: rows by table, and what came to receiving districts besides."""

    units_made: int
    districts_opened: int
    telephones_changed: int
    communities_new: int
    communities_changed: int
    places_covered: int
    places_moved: int
    places_received: int
    unchanged: int


def import_districts(
    *,
    districts: Iterable[str],
    communities: Iterable[str] = (),
    places: Iterable[str] = (),
    reason: str,
    decided_by: str,
    at: datetime,
    move: bool = False,
    only_check: bool = False,
) -> DistrictsImported:
    """
    Open districts, write down their communities and cover transformer districts, from CSV lines of three tables.

    The columns are `district_sheets.COLUMNS`. What is there as the tables say stays as it is. A unit that is not there
    is made where the line says its name and the unit above. A transformer district that no district covers is covered
    from the beginning of its district on; one that another covers is refused, or moves now if `move`. `decided_by` is
    the name of the user who answers for it and may hand districts over. `only_check`: everything is tried and nothing
    kept.

    :raises DistrictsRefused: a line is wrong, or the user may not hand districts over
    :raises Refused: what the acts themselves refuse, such as a move before one that is planned; nothing is written
    """
    why = reason_of(reason)
    user = User.objects.filter(username=decided_by, kind=User.Kind.STAFF, is_active=True).first()
    within = scope_of(user, HANDS_OVER) if user is not None else []
    if user is None or not within:
        raise DistrictsRefused(_("用户「%(name)s」不能办理片区交接，请换一位片区主管。") % {"name": decided_by})
    with transaction.atomic():
        sheets = read_sheets(districts=districts, communities=communities, places=places, within=within, move=move)
        if sheets.faults:
            raise DistrictsRefused(
                _("共 %(count)s 行有误，什么都没有导入。") % {"count": len(sheets.faults)}, sheets.faults
            )
        done = _Import(why, user.pk, at).run(sheets)
        if only_check:
            transaction.set_rollback(True)
    return done


class _Import:
    """The acts of one import, in the order in which they build on each other."""

    def __init__(self, why: str, by_id: int, at: datetime) -> None:
        self._why, self._by_id, self._at = why, by_id, at

    def run(self, sheets: Sheets) -> DistrictsImported:
        """Everything the sheets ask for."""
        made = [self._unit(line, line.parent_id) for line in sheets.districts if line.parent_id is not None]
        units = dict(OrgUnit.objects.filter(kind=OrgUnit.Kind.DISTRICT).values_list("code", "pk"))
        opened = [self._open(line, units[line.code]) for line in sheets.districts if line.district_id is None]
        telephones = self._telephones([line for line in sheets.districts if line.district_id is not None])
        district = dict(ServiceDistrict.objects.values_list("org_unit__code", "pk"))
        new, changed = self._communities(sheets.communities, district)
        covered, moved = self._cover(sheets.places, district)
        received = sum(self._receive(line, district[line.code]) for line in sheets.districts if line.receives_new)
        rows = len(sheets.districts) + len(sheets.communities) + len(sheets.places)
        return DistrictsImported(
            units_made=len(made),
            districts_opened=len(opened),
            telephones_changed=telephones,
            communities_new=new,
            communities_changed=changed,
            places_covered=covered,
            places_moved=moved,
            places_received=received,
            unchanged=rows - len(opened) - telephones - new - changed - covered - moved,
        )

    def _unit(self, line: DistrictLine, parent_id: int) -> OrgUnit:
        parent = OrgUnit.objects.get(pk=parent_id)
        unit = OrgUnit.objects.create(
            parent=parent,
            kind=OrgUnit.Kind.DISTRICT,
            code=line.code,
            name=line.name,
            name_en=line.name_en,
            path=line.code,
        )
        unit.path = f"{parent.path}{unit.pk}/"
        unit.save(update_fields=["path"])
        return unit

    def _open(self, line: DistrictLine, unit_id: int) -> int:
        return open_district(
            org_unit_id=unit_id,
            manager_id=line.manager_id,
            deputy_id=line.deputy_id,
            manager_phone=line.manager_phone,
            deputy_phone=line.deputy_phone,
            begins_at=line.begins_at,
            reason=self._why,
            decided_by_id=self._by_id,
            at=self._at,
        )

    def _telephones(self, lines: list[DistrictLine]) -> int:
        """The numbers belong to the posts: they change without a hand-over."""
        rows = ServiceDistrict.objects.select_for_update().order_by("pk").in_bulk([line.district_id for line in lines])
        changed = []
        for line in lines:
            row = rows[line.district_id or 0]
            if (row.manager_phone, row.deputy_phone) != (line.manager_phone, line.deputy_phone):
                row.manager_phone, row.deputy_phone = line.manager_phone, line.deputy_phone
                changed.append(row)
        ServiceDistrict.objects.bulk_update(changed, ["manager_phone", "deputy_phone"], batch_size=1000)
        return len(changed)

    def _communities(self, lines: list[CommunityLine], district: dict[str, int]) -> tuple[int, int]:
        there = {(row.county_id, row.name): row for row in Community.objects.select_for_update().order_by("pk")}
        new, changed = [], []
        for line in lines:
            known = there.get((line.county_id, line.name))
            row = known or Community(county_id=line.county_id, name=line.name)
            before = (row.kind, list(row.address_words), row.service_district_id)
            row.kind, row.address_words = line.kind, list(line.words)
            row.service_district_id = district[line.district]
            if known is None:
                new.append(row)
            elif before != (row.kind, row.address_words, row.service_district_id):
                changed.append(row)
        Community.objects.bulk_create(new, batch_size=1000)
        Community.objects.bulk_update(changed, ["kind", "address_words", "service_district"], batch_size=1000)
        return len(new), len(changed)

    def _cover(self, lines: list[PlaceLine], district: dict[str, int]) -> tuple[int, int]:
        begins = dict(ServiceDistrict.objects.values_list("pk", "begins_at"))
        first: dict[int, list[int]] = {}
        moving: dict[int, list[int]] = {}
        for line in lines:
            if line.moves:
                moving.setdefault(district[line.district], []).append(line.transformer_district_id)
            elif not line.is_covered:
                first.setdefault(district[line.district], []).append(line.transformer_district_id)
        for district_id, places in first.items():
            self._cover_from(district_id, places, begins[district_id])
        for district_id, places in moving.items():
            self._cover_from(district_id, places, max(self._at, begins[district_id]))
        return sum(map(len, first.values())), sum(map(len, moving.values()))

    def _cover_from(self, district_id: int, places: list[int], from_at: datetime) -> None:
        cover(
            district_id=district_id,
            transformer_district_ids=places,
            from_at=from_at,
            reason=self._why,
            decided_by_id=self._by_id,
            at=self._at,
        )

    def _receive(self, line: DistrictLine, district_id: int) -> int:
        if ReceivingDistrict.objects.filter(service_district_id=district_id).exists():
            return 0
        return receive_new_places(district_id=district_id, reason=self._why, decided_by_id=self._by_id, at=self._at)
