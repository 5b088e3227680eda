"""Which tier accounts are in, why, and what applying the rules would change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection
from numpy.typing import NDArray

from cis.queries import supply_places
from config.shared.bulk_copy import read_columns
from crm.models import AccountTier, TierChange, TierOverride
from crm.queries.key_accounts import name_of
from crm.tiering import NORMAL, TIERS, Limits, Ruled, rule_tiers
from crm.tiering.rules import REASONS

_MOVES_SHOWN = 50
_KEY_TIERS = ("vip", "key")


def tiers_of(account_ids: Iterable[int]) -> dict[int, str]:
    """
    Account id to the code of its tier: "vip", "key", "dedicated" (a transformer of its own) or "normal"; one statement.

    Who has not been ruled on yet is "normal".
    """
    ids = list(account_ids)
    known = dict(AccountTier.objects.filter(account_id__in=ids).values_list("account_id", "tier"))
    return {account_id: known.get(account_id, NORMAL) for account_id in ids}


def key_among(account_ids: Iterable[int]) -> set[int]:
    """Which of the accounts are key or above (VIP); one statement."""
    return set(
        AccountTier.objects.filter(account_id__in=list(account_ids), tier__in=_KEY_TIERS).values_list(
            "account_id", flat=True
        )
    )


def current_limits() -> Limits:
    """From where on a tier begins, as the utility set it."""
    return Limits.parse(settings.CRM_TIER_LIMITS)


# --- What the rules say of many --------------------------------------------------------------

# Places in TIERS as numbers, -1 for none yet; an override counts where it runs on the day.
_STANDING = """
SELECT p.account_id, p.capacity_kva, p.energy_12m_kwh_e2, p.is_dedicated,
       coalesce(array_position(%(tiers)s::varchar[], t.tier) - 1, -1)::int2,
       coalesce(array_position(%(tiers)s::varchar[], t.rule_tier) - 1, -1)::int2,
       coalesce(array_position(%(tiers)s::varchar[], o.tier) - 1, -1)::int2
FROM crm_profile p
LEFT JOIN crm_account_tier t ON t.account_id = p.account_id
LEFT JOIN crm_tier_override o ON o.account_id = p.account_id AND o.ended_at IS NULL AND o.valid @> %(on)s::date
WHERE p.account_id >= %(low)s AND p.account_id < %(high)s
ORDER BY p.account_id
"""
_STANDING_TYPES = {
    "account": "int8",
    "capacity_kva": "int4",
    "energy_12m_kwh_e2": "int8",
    "is_dedicated": "bool",
    "tier": "int2",
    "rule_tier": "int2",
    "override": "int2",
}
EVERYBODY = 2**62


@dataclass(frozen=True)
class Standing:
    """Accounts of a range: what they are judged by, where they stand (places in TIERS, -1: nowhere yet)."""

    account: NDArray[np.int64]
    capacity_kva: NDArray[np.int64]
    energy_12m_kwh_e2: NDArray[np.int64]
    is_dedicated: NDArray[np.bool_]
    tier: NDArray[np.int64]
    rule_tier: NDArray[np.int64]
    override: NDArray[np.int64]

    def ruled(self, limits: Limits) -> Ruled:
        """What the rules say."""
        return rule_tiers(
            capacity_kva=self.capacity_kva,
            energy_12m_kwh_e2=self.energy_12m_kwh_e2,
            is_dedicated=self.is_dedicated,
            limits=limits,
        )

    def holds(self, ruled: Ruled) -> NDArray[np.int64]:
        """What holds: a running override, else the rules."""
        return np.where(self.override >= 0, self.override, ruled.tier).astype(np.int64)


def read_standing(*, low: int = 0, high: int = EVERYBODY, on: date) -> Standing:
    """Where the accounts of a range stand; one statement."""
    with connection.cursor() as cursor:
        asked = {"low": low, "high": high, "on": on, "tiers": list(TIERS)}
        found = read_columns(cursor, _STANDING, asked, _STANDING_TYPES)
    dedicated = found.pop("is_dedicated").astype(np.bool_)
    return Standing(is_dedicated=dedicated, **{name: values.astype(np.int64) for name, values in found.items()})


@dataclass(frozen=True, slots=True)
class Move:
    """An account that would change its tier; `from_tier` is empty for its first."""

    account_id: int
    account_no: str
    masked_name: str
    from_tier: str
    to_tier: str
    capacity_kva: int
    energy_12m_kwh_e2: int


@dataclass(frozen=True, slots=True)
class TierCount:
    """How many accounts a tier holds now and would hold."""

    tier: str
    now: int
    then: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What applying the rules today would change; nothing is written. `moves` are the first few of `moving`."""

    counts: tuple[TierCount, ...]
    moving: int
    overridden: int
    moves: tuple[Move, ...]
    limits: Limits


def preview_tiers(*, on: date) -> Preview:
    """Who would be in which tier if the rules were applied on a day; the same reckoning as the application."""
    limits, standing = current_limits(), read_standing(on=on)
    ruled = standing.ruled(limits)
    then = standing.holds(ruled)
    # The first time everybody gets a tier; being normal is no news.
    now = np.where(standing.tier < 0, 0, standing.tier)
    moving = np.flatnonzero(then != now)
    # The highest tiers first: these are the moves somebody wants to look at.
    shown = moving[np.argsort(-np.maximum(then[moving], now[moving]), kind="stable")][:_MOVES_SHOWN].tolist()
    where = supply_places.places_of([int(standing.account[at]) for at in shown])
    names = {account_id: (place.account_no, place.shown_name) for account_id, place in where.items()}
    return Preview(
        counts=tuple(
            TierCount(tier, int((now == place).sum()), int((then == place).sum()))
            for place, tier in reversed(list(enumerate(TIERS)))
        ),
        moving=len(moving),
        overridden=int((standing.override >= 0).sum()),
        moves=tuple(
            Move(
                account_id=int(standing.account[at]),
                account_no=names[int(standing.account[at])][0],
                masked_name=names[int(standing.account[at])][1],
                from_tier=TIERS[int(now[at])],
                to_tier=TIERS[int(then[at])],
                capacity_kva=int(standing.capacity_kva[at]),
                energy_12m_kwh_e2=int(standing.energy_12m_kwh_e2[at]),
            )
            for at in shown
        ),
        limits=limits,
    )


# --- Why one account is where it is ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Override:
    """What a person decided otherwise; `last_day` is the last day on which it holds."""

    override_id: int
    tier: str
    reason: str
    set_by: str
    set_at: datetime
    first_day: date
    last_day: date


@dataclass(frozen=True, slots=True)
class Changed:
    """A move from one tier to another."""

    from_tier: str
    to_tier: str
    because: str
    at: datetime


@dataclass(frozen=True, slots=True)
class WhyTier:
    """The tier of an account and what it rests on: the rule that decided, figures, limits, a running override."""

    tier: str
    rule_tier: str
    reason: str
    evidence: dict[str, Any]
    limits: Limits
    override: Override | None
    changes: tuple[Changed, ...]
    is_ruled: bool


def why_tier(*, account_id: int, today: date) -> WhyTier:
    """Why an account is in its tier; three statements."""
    row = AccountTier.objects.filter(account_id=account_id).first()
    override = (
        TierOverride.objects.filter(account_id=account_id, ended_at=None, valid__endswith__gt=today)
        .select_related("set_by")
        .order_by("-pk")
        .first()
    )
    changes = TierChange.objects.filter(account_id=account_id).order_by("-pk")[:10]
    limits = current_limits()
    return WhyTier(
        tier=row.tier if row else NORMAL,
        rule_tier=row.rule_tier if row else NORMAL,
        reason=row.reason if row else REASONS[0],
        evidence=dict(row.evidence) if row else {},
        limits=limits,
        override=_override(override),
        changes=tuple(Changed(one.from_tier, one.to_tier, one.because, one.changed_at) for one in changes),
        is_ruled=row is not None,
    )


def _override(row: TierOverride | None) -> Override | None:
    if row is None or row.valid.lower is None or row.valid.upper is None:
        return None
    return Override(
        override_id=row.pk,
        tier=row.tier,
        reason=row.reason,
        set_by=name_of(row.set_by),
        set_at=row.set_at,
        first_day=row.valid.lower,
        last_day=date.fromordinal(row.valid.upper.toordinal() - 1),
    )
