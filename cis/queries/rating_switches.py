"""What a utility chose where the rules of billing are silent or disagree: what holds where, since when, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from cis.models import Bill, RatingSwitches, TariffVersion
from cis.queries.dated_sets import DatedSets, SetChange, changes_of, sources_of
from cis.queries.switch_words import NAMES, SOURCES, choice_in_words
from cis.rating import SWITCHES, CompiledTariff, Switches, compile_rules, read_switches, rules_under
from cis.rating.switches import Value

__all__ = [
    "CHOSEN_ELSEWHERE",
    "SwitchRow",
    "SwitchSets",
    "compiled_for",
    "list_changes",
    "list_switches",
    "values_above",
]


# What the run does not take from here, because it is decided nearer to the matter.
CHOSEN_ELSEWHERE: dict[str, Promise] = {
    "demand_mode": gettext_lazy("由每个户的合同约定"),
    "late_fee_split": gettext_lazy("由欠费催收的规则定"),
    "late_fee_min_yuan": gettext_lazy("由欠费催收的规则定"),
    "allocation": gettext_lazy("由欠费催收的规则定"),
    "negative_advance": gettext_lazy("由示数审核判断"),
    "penalty_on": gettext_lazy("由每件退补单选定"),
}


class SwitchSets(DatedSets[Switches]):
    """
    The switches of units by days; the declared values where nobody chose.

    :raises CannotPrice: a stored row holds a name or a value that no switch has
    """

    def __init__(self) -> None:
        super().__init__(RatingSwitches.objects.values_list("org_unit_id", "valid", "values"), read_switches)

    def of_bill(self, bill: Bill) -> Switches:
        """What a bill went by: what held for its unit on the last day of its period."""
        return self.of_unit(bill.org_unit_id, bill.period_end - timedelta(days=1))


def compiled_for(bill: Bill, version: TariffVersion) -> CompiledTariff:
    """A tariff version as it is for a bill, under the utility's choices; raises CannotPrice."""
    return compile_rules(rules_under(version.rules, SwitchSets().of_bill(bill)))


@dataclass(frozen=True)
class SwitchRow:
    """A switch: what holds here on a day, what may be chosen, where the choice comes from."""

    name: str
    meaning: str
    value: Value
    choices: tuple[tuple[Value, str], ...]
    """value and words, the default first where they are words"""
    in_words: str
    default_in_words: str
    source: str
    is_changed: bool
    elsewhere: str
    """where it is decided, if not here"""


def list_switches(*, day: date, org_path: str = "") -> tuple[SwitchRow, ...]:
    """Every switch with what holds for an organisation path on a day."""
    values = SwitchSets().on(day, org_path)
    own = sources_of(RatingSwitches, day, org_path)
    return tuple(
        SwitchRow(
            name=name,
            meaning=str(NAMES[name]),
            value=values[name],
            choices=tuple((one, choice_in_words(name, one)) for one in switch.values),
            in_words=choice_in_words(name, values[name]),
            default_in_words=choice_in_words(name, switch.default),
            source=own.get(name, str(SOURCES[name])),
            is_changed=name in own,
            elsewhere=str(CHOSEN_ELSEWHERE.get(name, "")),
        )
        for name, switch in SWITCHES.items()
    )


def list_changes(*, unit_ids: Iterable[int], limit: int = 50) -> tuple[SetChange, ...]:
    """What was chosen for the whole utility and for these units in words, newest first."""
    return tuple(
        replace(
            one,
            values=tuple((str(NAMES.get(name, name)), choice_in_words(name, value)) for name, value in one.values),
        )
        for one in changes_of(RatingSwitches, unit_ids=unit_ids, limit=limit)
    )


def values_above(*, day: date, org_path: str = "") -> Mapping[str, Value]:
    """What would hold for an organisation path on a day if nothing were chosen for it."""
    parts = [part for part in org_path.split("/") if part]
    above = SwitchSets().on(day, "/".join(["", *parts[:-1], ""])) if parts else Switches()
    return {name: above[name] for name in SWITCHES}
