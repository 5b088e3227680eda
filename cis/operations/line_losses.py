"""What transformer districts were supplied with, from a file of the collection system: the other half of line loss."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation

from django.db import transaction
from django.utils.translation import gettext as _

from cis.models import DistrictSupply, TransformerDistrict
from config.shared.errors import BadInput
from config.shared.periods import is_cycle

COLUMNS = ("district", "cycle", "energy_kwh")
_MOST_KWH = Decimal(10) ** 12


class SupplyRefused(BadInput):
    """The file cannot be taken as it is; `errors` names lines. Nothing was written."""

    code = "supply-refused"


@dataclass(frozen=True, slots=True)
class SupplyImported:
    """Rows of the file, and how many of them were new or changed something."""

    rows: int
    new: int
    changed: int


def import_supply(*, lines: Iterable[str], source: str, at: datetime, replace: bool = False) -> SupplyImported:
    """
    Take the supplied energy of districts and cycles from CSV lines with the columns `COLUMNS`, all rows or none.

    A row that is there already with the same energy changes nothing; with another it is refused unless `replace`.

    :raises SupplyRefused: a column is missing, a district unknown, a month or number wrong, a pair twice in the file
    """
    reader = csv.DictReader(lines)
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise SupplyRefused(_("文件缺少列：%(columns)s。") % {"columns": "、".join(missing)})
    known = dict(TransformerDistrict.objects.values_list("code", "pk"))
    asked: dict[tuple[int, int], int] = {}
    wrong: list[dict[str, str]] = []
    for number, row in enumerate(reader, start=2):
        try:
            key, energy = _parse(row, known)
            if key in asked:
                raise ValueError(_("同一台区同一月份出现了两次。"))
            asked[key] = energy
        except ValueError as error:
            wrong.append({"pointer": f"/lines/{number}", "detail": str(error)})
    if wrong:
        first = wrong[0]
        raise SupplyRefused(
            _("第 %(line)s 行：%(what)s 共 %(count)s 行有误，文件没有导入。")
            % {"line": first["pointer"].rpartition("/")[2], "what": first["detail"], "count": len(wrong)},
            errors=wrong,
        )
    with transaction.atomic():
        return _write(asked, source, at, replace=replace)


def _parse(row: dict[str, str | None], known: dict[str, int]) -> tuple[tuple[int, int], int]:
    code, cycle = (row["district"] or "").strip(), (row["cycle"] or "").strip()
    if code not in known:
        raise ValueError(_("没有编号为 %(code)s 的台区。") % {"code": code})
    if not (cycle.isdecimal() and len(cycle) == 6 and is_cycle(int(cycle))):
        raise ValueError(_("月份要写成 202601 这样的六位数字。"))
    try:
        energy = Decimal((row["energy_kwh"] or "").strip())
    except InvalidOperation:
        raise ValueError(_("电量不是数字。")) from None
    if not energy.is_finite() or not 0 <= energy < _MOST_KWH or energy != round(energy, 2):
        raise ValueError(_("电量要大于等于零，最多两位小数。"))
    return (known[code], int(cycle)), int(energy * 100)


def _write(asked: dict[tuple[int, int], int], source: str, at: datetime, *, replace: bool) -> SupplyImported:
    there = {
        (row.transformer_district_id, row.cycle): row
        for row in DistrictSupply.objects.select_for_update()
        .filter(cycle__in={cycle for _district, cycle in asked})
        .order_by("pk")
    }
    other = [key for key, energy in asked.items() if key in there and there[key].energy_kwh_e2 != energy]
    if other and not replace:
        raise SupplyRefused(
            _("有 %(count)s 个台区月份已经有另一个电量。确认要改的，请用 --replace 再导入一次。")
            % {"count": len(other)}
        )
    for key in other:
        row = there[key]
        row.energy_kwh_e2, row.source, row.imported_at = asked[key], source, at
    DistrictSupply.objects.bulk_update((there[key] for key in other), ["energy_kwh_e2", "source", "imported_at"])
    new = [
        DistrictSupply(
            transformer_district_id=district, cycle=cycle, energy_kwh_e2=energy, source=source, imported_at=at
        )
        for (district, cycle), energy in asked.items()
        if (district, cycle) not in there
    ]
    DistrictSupply.objects.bulk_create(new, batch_size=1000)
    return SupplyImported(len(asked), len(new), len(other))
