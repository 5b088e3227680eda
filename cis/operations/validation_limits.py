"""The limits of the reading checks are changed: by an administrator, from a day on, with where the numbers are from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import ClassVar

from django.utils.translation import gettext as _

from cis.models import ValidationThresholds
from cis.operations.dated_sets import begin_set
from cis.validation import PARAMETERS, Thresholds, UnknownParameter
from config.shared.errors import Refused


class LimitsNotPossible(Refused):
    """A name that no check declares, or a number outside what its check allows."""

    code: ClassVar[str] = "limits-not-possible"
    status: ClassVar[int] = 422


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

    :raises SetLiesBack: the day is not after the beginning of what is set now, or lies in the past
    :raises LimitsNotPossible: an unknown name, or a number outside its bounds
    :raises SourceMissing: no source was given
    """
    try:
        Thresholds(**values)
    except UnknownParameter as fault:
        names = ", ".join(sorted(set(values) - set(PARAMETERS)))
        raise LimitsNotPossible(_("没有名为 %(names)s 的校验参数。") % {"names": names}) from fault
    except ValueError as fault:
        raise LimitsNotPossible(_("数值超出允许的范围：%(fault)s") % {"fault": _in_words(values)}) from fault
    return begin_set(
        ValidationThresholds,
        values=values,
        source=source,
        from_on=from_on,
        org_unit_id=org_unit_id,
        set_by_id=set_by_id,
        at=at,
    )


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
