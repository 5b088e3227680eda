"""Days that are declared: a critical peak that the weather calls, told to customers before it begins."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from cis.models import Bill, DeclaredDay
from config.shared.errors import BadInput, NotFound, Refused
from config.shared.models import OrgUnit

__all__ = ["DayRefused", "declare_day", "withdraw_day"]

_LEAST_C, _MOST_C = Decimal(-50), Decimal(60)


class DayRefused(Refused):
    """Customers were not told in time, the day is declared already, or bills hold it."""

    code = "day-refused"


def declare_day(
    *,
    org_unit_id: int,
    day: date,
    trigger_c: Decimal,
    source: str,
    noticed_at: datetime,
    declared_by_id: int | None,
    at: datetime,
) -> int:
    """
    Let the windows for declared days hold on a day, for a unit and all below it; gives the declaration's id.

    `trigger_c`: the forecast temperature that called it (°C), `noticed_at`: when customers were told, which must be
    before the day begins.

    :raises BadInput: no source, or a temperature that cannot be
    :raises DayRefused: told too late, declared before, or a bill of the unit holds the day already
    :raises NotFound: there is no such unit
    """
    if not source.strip():
        raise BadInput(_("请写明依据，例如预报的发布单位和时间。"), errors=[])
    if not _LEAST_C <= trigger_c <= _MOST_C or (trigger_c * 10) % 1:
        raise BadInput(_("请填写摄氏温度，最多一位小数。"), errors=[])
    if noticed_at >= datetime.combine(day, time.min, settings.BILLING_TIME_ZONE):
        raise DayRefused(_("尖峰日须在当天 0 时以前告知用户，没有告知的不能按尖峰计费。"))
    with transaction.atomic():
        unit = OrgUnit.objects.select_for_update().filter(pk=org_unit_id).first()
        if unit is None:
            raise NotFound(_("没有这个单位。"))
        if DeclaredDay.objects.filter(org_unit=unit, day=day).exists():
            raise DayRefused(_("%(day)s 已经登记过。") % {"day": day.isoformat()})
        _check_not_billed(unit, day)
        return DeclaredDay.objects.create(
            org_unit=unit,
            day=day,
            trigger_c_e1=int(trigger_c * 10),
            source=source.strip(),
            noticed_at=noticed_at,
            declared_by_id=declared_by_id,
            declared_at=at,
        ).pk


def withdraw_day(*, org_unit_id: int, day: date) -> None:
    """
    Take a declaration back while no bill holds its day.

    :raises DayRefused: a bill of the unit holds the day
    :raises NotFound: it was not declared for this unit
    """
    with transaction.atomic():
        declared = DeclaredDay.objects.select_for_update().filter(org_unit_id=org_unit_id, day=day).first()
        if declared is None:
            raise NotFound(_("这个单位没有登记这一天。"))
        _check_not_billed(declared.org_unit, day)
        declared.delete()


def _check_not_billed(unit: OrgUnit, day: date) -> None:
    """:raises DayRefused: some account of the unit was billed for the day"""
    billed = Bill.objects.filter(org_unit__path__startswith=unit.path, period_start__lte=day, period_end__gt=day)
    if billed.exists():
        raise DayRefused(_("%(day)s 的电费已经有发行的，不能再改这一天是不是尖峰日。") % {"day": day.isoformat()})
