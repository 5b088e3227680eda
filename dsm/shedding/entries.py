"""Pure: what an account on the yearly list can give, from what was measured, its capacity and what was surveyed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EntryPower:
    """In whole kW; `is_surveyed` says whether the security load was surveyed or is the default share."""

    peak_kw: int
    security_kw: int
    sheddable_kw: int
    is_surveyed: bool


def power_of(
    *,
    measured_peak_kw: int,
    measured_capacity_kva: int,
    capacity_kva: int,
    surveyed_security_kw: int | None,
    default_security_pct: int,
    process_pct: int,
    is_protected: bool,
) -> EntryPower:
    """
    Load is taken to follow the capacity until it is measured anew; nothing measured gives nothing.

    The contract capacity itself is never what can be cut: only load above the security load is, and of that only what
    the process can stop (domain 2.3).
    """
    peak = measured_peak_kw * capacity_kva // measured_capacity_kva
    is_surveyed = surveyed_security_kw is not None
    security = surveyed_security_kw if surveyed_security_kw is not None else -(-peak * default_security_pct // 100)
    sheddable = 0 if is_protected else max(peak - security, 0) * process_pct // 100
    return EntryPower(peak, security, sheddable, is_surveyed)
