"""What the list in force and the contracts say of its accounts for one day: what plans rest on besides curves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from django.conf import settings

from cis.queries.contract_facts import contracts_on
from dsm.models import ShedEntry
from dsm.shedding.entries import power_of
from dsm.shedding.problem import PROTECTED_TIER, Bools, Ints


@dataclass(frozen=True)
class ListedFacts:
    """
    Columns in account order. `capacity_kva` and `security_kw` are those of the day, whatever was agreed for later.

    A security load that nobody surveyed is the default share of the measured peak, brought to the capacity of the day;
    one that was surveyed stays.
    """

    account: Ints
    capacity_kva: Ints
    security_kw: Ints
    process_pct: Ints
    tier: Ints
    group: Ints
    lead_h: Ints
    compensation_fen: Ints
    lost_output_fen: Ints
    burden_before_h: Ints
    is_key: Bools
    is_residential: Bools


def facts_on(*, list_id: int, day: date, account_ids: list[int] | None = None) -> ListedFacts:
    """The accounts of a list, or these of them, as they stand on a day; two statements."""
    rows = ShedEntry.objects.filter(shed_list_id=list_id).order_by("account_id")
    entries = list(rows if account_ids is None else rows.filter(account_id__in=account_ids))
    ids = [entry.account_id for entry in entries]
    contracts = contracts_on(ids, day=day)
    agreed = contracts.capacity_kva
    capacity = np.where(agreed > 0, agreed, np.array([entry.capacity_kva for entry in entries], np.int64))

    def column(values: list[int]) -> Ints:
        return np.array(values, np.int64)

    return ListedFacts(
        account=column(ids),
        capacity_kva=capacity,
        security_kw=column(
            [_security_kw(entry, kva) for entry, kva in zip(entries, capacity.tolist(), strict=True)],
        ),
        process_pct=column([entry.process_pct for entry in entries]),
        tier=column([entry.tier for entry in entries]),
        group=column([entry.group_no for entry in entries]),
        lead_h=column([entry.lead_h for entry in entries]),
        compensation_fen=column([entry.compensation_fen_kwh for entry in entries]),
        lost_output_fen=column([entry.lost_output_fen_kwh for entry in entries]),
        burden_before_h=column([entry.burden_before_h for entry in entries]),
        is_key=np.array([entry.is_key for entry in entries], bool),
        is_residential=contracts.is_residential,
    )


def _security_kw(entry: ShedEntry, capacity_kva: int) -> int:
    is_surveyed = entry.security_source == ShedEntry.SecuritySource.SURVEYED
    return power_of(
        measured_peak_kw=entry.measured_peak_kw,
        measured_capacity_kva=entry.measured_capacity_kva,
        capacity_kva=capacity_kva,
        surveyed_security_kw=entry.security_kw if is_surveyed else None,
        default_security_pct=settings.DSM_SECURITY_DEFAULT_PCT,
        process_pct=entry.process_pct,
        is_protected=entry.tier == PROTECTED_TIER,
    ).security_kw
