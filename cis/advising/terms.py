"""Pure: who may choose what, with how much notice, on a day: dated entries with their sources."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

__all__ = ["Terms", "read_terms"]


@dataclass(frozen=True)
class Terms:
    """What holds on a day; `sources` says where each part comes from."""

    single_only_up_to_kva: int
    two_part_from_kva: int
    existing_single_may_stay: bool
    homes_choose_periods: bool
    periods_by_choice_below_kva: int
    kind_working_days: int
    kind_holds_months: int
    contract_value_working_days: int
    suspension_working_days: int
    suspensions_a_year: int
    suspended_months_a_year: int
    sources: tuple[str, ...]

    def may_be_single(self, capacity_kva: int, *, is_single: bool) -> bool:
        """Whether a business of this capacity may pay energy alone."""
        return capacity_kva < self.two_part_from_kva or (is_single and self.existing_single_may_stay)

    def may_be_two_part(self, capacity_kva: int) -> bool:
        """Whether it may pay in two parts."""
        return capacity_kva > self.single_only_up_to_kva

    def may_leave_periods(self, capacity_kva: int, *, is_home: bool) -> bool:
        """Whether it may choose prices without time of use, or with it."""
        return self.homes_choose_periods if is_home else capacity_kva < self.periods_by_choice_below_kva


def read_terms(text: str, *, on: date) -> Terms:
    """The entries in force on a day. Raises ValueError where a kind of entry has none."""
    tables = json.loads(text)
    two_part = _in_force(tables, "two_part", on)
    homes = _in_force(tables, "time_of_use", on, residential=True)
    business = _in_force(tables, "time_of_use", on, residential=False)
    notice = _in_force(tables, "notice", on)
    suspension = _in_force(tables, "suspension", on)
    return Terms(
        single_only_up_to_kva=two_part["single_only_up_to_kva"],
        two_part_from_kva=two_part["two_part_from_kva"],
        existing_single_may_stay=two_part["existing_single_may_stay"],
        homes_choose_periods=homes["may_choose_below_kva"] is None,
        periods_by_choice_below_kva=business["may_choose_below_kva"],
        kind_working_days=notice["kind_working_days"],
        kind_holds_months=notice["kind_holds_months"],
        contract_value_working_days=notice["contract_value_working_days"],
        suspension_working_days=notice["suspension_working_days"],
        suspensions_a_year=suspension["times_a_year"],
        suspended_months_a_year=suspension["months_a_year"],
        sources=tuple(dict.fromkeys(entry["source"] for entry in (two_part, homes, business, notice, suspension))),
    )


def _in_force(tables: Mapping[str, Any], kind: str, on: date, **wanted: object) -> Mapping[str, Any]:
    """The entry of a kind that began last."""
    entries = [
        entry
        for entry in tables.get(kind, ())
        if date.fromisoformat(entry["effective_from"]) <= on
        and all(entry[name] == value for name, value in wanted.items())
    ]
    if not entries:
        raise ValueError(f"no entry of {kind} holds on {on}")
    latest: Mapping[str, Any] = max(entries, key=lambda entry: entry["effective_from"])
    return latest
