"""A utility chooses how it bills where the rules are silent or disagree: from a day on, with its source."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import ClassVar

from django.utils.translation import gettext as _

from cis.models import RatingSwitches
from cis.operations.dated_sets import begin_set
from cis.queries.rating_switches import CHOSEN_ELSEWHERE
from cis.queries.switch_words import NAMES
from cis.rating import CannotPrice, read_switches
from config.shared.errors import Refused


class SwitchNotPossible(Refused):
    """A switch there is not, or a choice it does not have."""

    code: ClassVar[str] = "switch-not-possible"
    status: ClassVar[int] = 422


def choose(
    *,
    values: Mapping[str, object],
    source: str,
    from_on: date,
    org_unit_id: int | None,
    set_by_id: int,
    at: datetime,
) -> int:
    """
    From a day on, bill by these choices in the whole utility (None) or in a part of it; gives the id of the row.

    `values` names the switches that differ from what holds above, and replaces what was chosen for this part before.
    Bills go by what holds on the last day of their period, so days that are over cannot be chosen for.

    :raises SetLiesBack: the day is not after the beginning of what is set now, or lies in the past
    :raises SourceMissing: no source was given
    :raises SwitchNotPossible: an unknown switch, a choice it does not have, or one that is decided elsewhere
    """
    elsewhere = sorted(set(values) & set(CHOSEN_ELSEWHERE))
    if elsewhere:
        raise SwitchNotPossible(
            _("%(name)s 不在这里选定：%(where)s。")
            % {"name": NAMES[elsewhere[0]], "where": CHOSEN_ELSEWHERE[elsewhere[0]]}
        )
    try:
        chosen = read_switches(values)
    except CannotPrice as fault:
        raise SwitchNotPossible(_("没有这个口径或这种选择：%(fault)s") % {"fault": fault}) from fault
    return begin_set(
        RatingSwitches,
        values={name: chosen[name] for name in values},
        source=source,
        from_on=from_on,
        org_unit_id=org_unit_id,
        set_by_id=set_by_id,
        at=at,
    )
