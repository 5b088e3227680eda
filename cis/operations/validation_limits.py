"""The limits of the reading checks are changed: by an administrator, from a day on, with where the numbers are from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import ClassVar

from django.db import connection, transaction
from django.utils.translation import gettext as _
from psycopg2.extras import DateRange

from cis.models import ValidationThresholds
from cis.validation import PARAMETERS, Thresholds, UnknownParameter
from config.shared.errors import Refused
from config.shared.models import OrgUnit

# Two changes for one unit take turns.
LIMITS_LOCK = 20_011


class LimitsNotPossible(Refused):
    """A name that no check declares, or a number outside what its check allows."""

    code: ClassVar[str] = "limits-not-possible"
    status: ClassVar[int] = 422


class SourceMissing(Refused):
    """Whoever changes a limit says where the number comes from."""

    code: ClassVar[str] = "source-missing"
    status: ClassVar[int] = 422


class LimitsLieBack(Refused):
    """A change from a day that lies before the last one would rewrite what readings were judged by."""

    code: ClassVar[str] = "limits-lie-back"


def set_limits(
    *,
    values: Mapping[str, int],
    source: str,
    from_on: date,
    org_unit_id: int | None,
    set_by_id: int,
    at: datetime,
) -> int:
    """
    From a day on, go by other numbers in the whole utility (None) or in a part of it; gives the id of the row.

    `values` names the parameters that differ from what the checks declare, and replaces what was set for this part
    before; empty takes everything back. What held until then stays on record and keeps holding for earlier days.

    :raises LimitsLieBack: the day is not after the beginning of what is set now, or lies in the past
    :raises LimitsNotPossible: an unknown name, or a number outside its bounds
    :raises SourceMissing: no source was given
    """
    if not source.strip():
        raise SourceMissing(_("请填写依据：这些数值出自哪个文件或由谁确定。"))
    try:
        Thresholds(**values)
    except UnknownParameter as fault:
        names = ", ".join(sorted(set(values) - set(PARAMETERS)))
        raise LimitsNotPossible(_("没有名为 %(names)s 的校验参数。") % {"names": names}) from fault
    except ValueError as fault:
        raise LimitsNotPossible(_("数值超出允许的范围：%(fault)s") % {"fault": _in_words(values)}) from fault
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LIMITS_LOCK])
        unit = OrgUnit.objects.get(pk=org_unit_id) if org_unit_id is not None else None
        holding = ValidationThresholds.objects.filter(org_unit=unit, valid__endswith=None).order_by("-pk").first()
        begins = holding.valid.lower if holding else None
        if (begins is not None and from_on <= begins) or from_on < at.date():
            raise LimitsLieBack(_("新参数只能从今天或以后、且晚于现行参数的日期起执行，以前的校验结果不改。"))
        if holding is not None:
            holding.valid = DateRange(begins, from_on)
            holding.save(update_fields=["valid"])
        return ValidationThresholds.objects.create(
            org_unit=unit,
            valid=DateRange(from_on, None),
            values=dict(values),
            source=source.strip(),
            set_by_id=set_by_id,
            set_at=at,
        ).pk


def _in_words(values: Mapping[str, int]) -> str:
    """The numbers that do not fit, with their bounds."""
    wrong = [
        PARAMETERS[name]
        for name, value in values.items()
        if isinstance(value, bool)
        or not isinstance(value, int)
        or not PARAMETERS[name].low <= value <= PARAMETERS[name].high
    ]
    return "；".join(
        _("%(name)s 须为 %(low)s 至 %(high)s") % {"name": one.name, "low": one.low, "high": one.high} for one in wrong
    )
