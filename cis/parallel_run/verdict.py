"""Pure: whether what two systems' bills differ by lets the new one go live; the limits are data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation

from cis.parallel_run.causes import EQUAL_CAUSES, Cause

__all__ = ["Figures", "Thresholds", "Verdict", "judge", "read_thresholds"]

_SHARE_PLACES = 6


@dataclass(frozen=True)
class Thresholds:
    """What must hold: shares in millionths of all pairs, amounts in fen."""

    equal_share_e6: int
    """at least so many are equal, or differ by rounding"""
    missing_share_e6: int
    """at most so many are on one side only"""
    unexplained_fen: int
    """no difference of unknown cause is larger"""
    unexplained_sum_fen: int
    """all differences of unknown cause together, signs left aside"""
    total_share_e6: int
    """the two totals differ by at most such a share of the other system's"""


@dataclass(frozen=True)
class Figures:
    """One cause: how many pairs, what ours are more by in all, the same without signs, and the largest."""

    bills: int
    more_fen: int
    absolute_fen: int
    largest_fen: int


@dataclass(frozen=True)
class Verdict:
    """Whether to go, and each threshold with what was found and whether it holds."""

    is_go: bool
    tests: tuple[tuple[str, int, int, bool], ...]
    """name, limit, found, holds"""


def judge(
    by_cause: Mapping[Cause, Figures], *, theirs_total_fen: int, ours_total_fen: int, limits: Thresholds
) -> Verdict:
    """Hold the figures against the thresholds; nothing compared is no go."""
    pairs = sum(figures.bills for figures in by_cause.values())
    nothing = Figures(0, 0, 0, 0)
    equal = sum(by_cause.get(cause, nothing).bills for cause in EQUAL_CAUSES)
    missing = sum(by_cause.get(cause, nothing).bills for cause in (Cause.MISSING_HERE, Cause.MISSING_THERE))
    unknown = by_cause.get(Cause.UNKNOWN, nothing)
    off = abs(ours_total_fen - theirs_total_fen)
    # Rounded against us, so that a limit is never passed by rounding.
    equal_share = equal * 1_000_000 // pairs if pairs else 0
    missing_share = -(-missing * 1_000_000 // pairs) if pairs else 0
    total_share = -(-off * 1_000_000 // abs(theirs_total_fen)) if theirs_total_fen else (1_000_000 if off else 0)
    tests = (
        ("equal_share_e6", limits.equal_share_e6, equal_share, bool(pairs) and equal_share >= limits.equal_share_e6),
        ("missing_share_e6", limits.missing_share_e6, missing_share, missing_share <= limits.missing_share_e6),
        ("unexplained_fen", limits.unexplained_fen, unknown.largest_fen, unknown.largest_fen <= limits.unexplained_fen),
        (
            "unexplained_sum_fen",
            limits.unexplained_sum_fen,
            unknown.absolute_fen,
            unknown.absolute_fen <= limits.unexplained_sum_fen,
        ),
        ("total_share_e6", limits.total_share_e6, total_share, total_share <= limits.total_share_e6),
    )
    return Verdict(all(test[3] for test in tests), tests)


def read_thresholds(figures: Mapping[str, str]) -> Thresholds:
    """
    Thresholds by name without the unit: shares as 0.999, amounts in yuan as 1.00.

    :raises ValueError: a name is unknown or missing, or a figure is none, negative, a share above 1, or has too many
        decimals
    """
    names = {field.name.rpartition("_")[0]: field.name for field in fields(Thresholds)}
    found: dict[str, int] = {}
    for name, text in figures.items():
        if name not in names:
            raise ValueError(f"{name}: one of {', '.join(names)}")
        is_share = names[name].endswith("_e6")
        try:
            scaled = Decimal(text).scaleb(_SHARE_PLACES if is_share else 2)
        except InvalidOperation:
            raise ValueError(f"{name}: {text}") from None
        if not scaled.is_finite() or scaled != scaled.to_integral_value() or scaled < 0:
            raise ValueError(f"{name}: {text}")
        if is_share and scaled > 1_000_000:
            raise ValueError(f"{name}: {text}")
        found[names[name]] = int(scaled)
    missing = [name for name, full in names.items() if full not in found]
    if missing:
        raise ValueError(f"{', '.join(missing)}: not stated")
    return Thresholds(**found)
