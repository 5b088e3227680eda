"""Values that a utility goes by are changed from a day on: what held before stays on record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, ClassVar

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _
from psycopg2.extras import DateRange

from cis.models.dated_sets import DatedSet
from config.shared.errors import Refused
from config.shared.models import OrgUnit

# Two changes for one unit take turns.
SETS_LOCK = 20_011


class SourceMissing(Refused):
    """Whoever changes a value says where it comes from."""

    code: ClassVar[str] = "source-missing"
    status: ClassVar[int] = 422


class SetLiesBack(Refused):
    """A change from a day that lies before the last one would rewrite what was judged or billed by it."""

    code: ClassVar[str] = "set-lies-back"


def begin_set(
    model: type[DatedSet],
    *,
    values: Mapping[str, Any],
    source: str,
    from_on: date,
    org_unit_id: int | None,
    set_by_id: int,
    at: datetime,
) -> int:
    """
    From a day on, go by these values in the whole utility (None) or in a part of it; gives the id of the row.

    They replace what was set for this part before; the caller has judged them. What held until then keeps holding for
    earlier days.

    :raises SetLiesBack: the day is not after the beginning of what is set now, or lies in the past
    :raises SourceMissing: no source was given
    """
    if not source.strip():
        raise SourceMissing(_("请填写依据：这些数值出自哪个文件或由谁确定。"))
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SETS_LOCK])
        unit = OrgUnit.objects.get(pk=org_unit_id) if org_unit_id is not None else None
        rows = model._default_manager
        holding = rows.filter(org_unit=unit, valid__endswith=None).order_by("-pk").first()
        begins = holding.valid.lower if holding else None
        today = at.astimezone(settings.BILLING_TIME_ZONE).date()
        if (begins is not None and from_on <= begins) or from_on < today:
            raise SetLiesBack(_("只能从今天或以后、且晚于现行设定的日期起执行，以前的结果不改。"))
        if holding is not None:
            holding.valid = DateRange(begins, from_on)
            holding.save(update_fields=["valid"])
        return int(
            rows.create(
                org_unit=unit,
                valid=DateRange(from_on, None),
                values=dict(values),
                source=source.strip(),
                set_by_id=set_by_id,
                set_at=at,
            ).pk
        )
