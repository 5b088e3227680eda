"""A utility sets its halls up: halls with zones and counters, pay points, from its own tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import models, transaction
from django.utils.translation import gettext as _

from config.shared.errors import BadInput
from config.shared.models import OrgUnit
from halls.models import Counter, Hall, HallQueue, PayPoint, Zone
from halls.operations.hall_sheets import (
    CounterLine,
    Fault,
    HallLine,
    PayPointLine,
    read_counters,
    read_halls,
    read_pay_points,
)


class HallsRefused(BadInput):
    """The tables cannot be taken as they are; nothing was written."""

    code = "halls-refused"

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = sorted(faults, key=lambda one: (one.table, one.line))
        super().__init__(_("有 %(count)s 处要改，什么都没有导入。") % {"count": len(faults)})


@dataclass(frozen=True, slots=True)
class HallsImported:
    """What is new, what became another, what was there already."""

    units_made: int = 0
    halls_new: int = 0
    counters_new: int = 0
    pay_points_new: int = 0
    changed: int = 0
    unchanged: int = 0


def import_halls(
    *,
    halls: Iterable[str],
    counters: Iterable[str] = (),
    pay_points: Iterable[str] = (),
    only_check: bool = False,
) -> HallsImported:
    """
    Take CSV tables with the columns of `hall_sheets.COLUMNS`: all of it or nothing; the same tables twice are once.

    Halls, counters and points that the tables do not name stay as they are. `only_check`: try it and keep nothing.

    :raises HallsRefused: something is wrong; `faults` says where
    """
    faults: list[Fault] = []
    hall_lines = read_halls(halls, faults)
    counter_lines = read_counters(counters, faults) if counters != () else []
    point_lines = read_pay_points(pay_points, faults) if pay_points != () else []
    with transaction.atomic():
        work = _Work(faults)
        for hall in hall_lines:
            work.take_hall(hall)
        for counter in counter_lines:
            work.take_counter(counter)
        for point in point_lines:
            work.take_pay_point(point)
        if faults:
            raise HallsRefused(faults)
        if only_check:
            transaction.set_rollback(True)
    return HallsImported(**work.counts)


class _Work:
    """One import under way; faults are gathered, and whoever called throws everything away where there are any."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        self.counts = dict.fromkeys(HallsImported.__dataclass_fields__, 0)
        self.units = {unit.code: unit for unit in OrgUnit.objects.select_for_update().order_by("pk")}
        self.halls = {hall.org_unit.code: hall for hall in Hall.objects.select_related("org_unit")}
        self.zones = {(zone.hall_id, zone.kind): zone for zone in Zone.objects.all()}
        self.counters = {(counter.hall_id, counter.number): counter for counter in Counter.objects.all()}
        self.points = {point.code: point for point in PayPoint.objects.all()}

    def take_hall(self, line: HallLine) -> None:
        """The unit, the hall and its zones."""
        unit = self._unit_of(line)
        if unit is None:
            return
        hall = self.halls.get(line.code)
        if hall is None:
            hall = Hall.objects.create(org_unit=unit, **line.values)
            HallQueue.objects.create(hall=hall)
            self.halls[line.code] = hall
            self.counts["halls_new"] += 1
        else:
            self._change(hall, line.values)
        for position, kind in enumerate(line.zones):
            if (hall.pk, kind) not in self.zones:
                self.zones[hall.pk, kind] = Zone.objects.create(hall=hall, kind=kind, position=position)

    def take_counter(self, line: CounterLine) -> None:
        """A counter, closed until somebody opens it."""
        hall = self.halls.get(line.hall)
        if hall is None:
            self._fault("counters", line.line, _("没有编码为 %(code)s 的营业厅。") % {"code": line.hall})
            return
        zone = self.zones.get((hall.pk, line.zone))
        if line.zone and zone is None:
            self._fault("counters", line.line, _("这个营业厅没有功能区 %(zone)s。") % {"zone": line.zone})
            return
        counter = self.counters.get((hall.pk, line.number))
        values = {**line.values, "zone_id": zone.pk if zone is not None else None}
        if counter is None:
            Counter.objects.create(hall=hall, number=line.number, **values)
            self.counts["counters_new"] += 1
        else:
            self._change(counter, values)

    def take_pay_point(self, line: PayPointLine) -> None:
        """A pay point; one of a hall stands for that hall alone."""
        unit, hall = self.units.get(line.unit), self.halls.get(line.hall)
        if unit is None:
            self._fault("pay_points", line.line, _("没有编码为 %(code)s 的单位。") % {"code": line.unit})
            return
        if line.hall and hall is None:
            self._fault("pay_points", line.line, _("没有编码为 %(code)s 的营业厅。") % {"code": line.hall})
            return
        values = {**line.values, "org_unit_id": unit.pk, "hall_id": hall.pk if hall is not None else None}
        other = next((one for one in self.points.values() if hall is not None and one.hall_id == hall.pk), None)
        if other is not None and other.code != line.code:
            self._fault("pay_points", line.line, _("这个营业厅已经是网点 %(code)s。") % {"code": other.code})
            return
        point = self.points.get(line.code)
        if point is None:
            self.points[line.code] = PayPoint.objects.create(code=line.code, **values)
            self.counts["pay_points_new"] += 1
        else:
            self._change(point, values)

    def _unit_of(self, line: HallLine) -> OrgUnit | None:
        unit = self.units.get(line.code)
        if unit is not None:
            if unit.kind != OrgUnit.Kind.HALL:
                self._fault("halls", line.line, _("单位 %(code)s 不是营业厅。") % {"code": line.code})
                return None
            return unit
        parent = self.units.get(line.parent)
        if parent is None or not line.name:
            self._fault("halls", line.line, _("没有单位 %(code)s。要新建，请填上级单位和名称。") % {"code": line.code})
            return None
        unit = OrgUnit.objects.create(
            parent=parent,
            kind=OrgUnit.Kind.HALL,
            code=line.code,
            name=line.name,
            name_en=line.name_en,
            path=f"new:{line.code}",
        )
        unit.path = f"{parent.path}{unit.pk}/"
        unit.save(update_fields=["path"])
        self.units[line.code] = unit
        self.counts["units_made"] += 1
        return unit

    def _change(self, row: models.Model, values: dict[str, Any]) -> None:
        other = [name for name, value in values.items() if getattr(row, name) != value]
        for name in other:
            setattr(row, name, values[name])
        if other:
            row.save(update_fields=[name.removesuffix("_id") for name in other])
        self.counts["changed" if other else "unchanged"] += 1

    def _fault(self, table: str, line: int, detail: str) -> None:
        self.faults.append(Fault(table, line, detail))
