"""Tiers by rules: bounds, ranks, and the order of the rules."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.tiering import TIERS, Limits, rule_tiers
from crm.tiering.rules import REASONS

LIMITS = Limits(dedicated_kva=315, key_kva=1000, key_kwh=1_000_000, vip_kva=8000, vip_kwh=20_000_000)


def ruled(capacity: int, kwh: int, *, dedicated: bool = False) -> tuple[str, str]:
    """Tier and reason of one account."""
    found = rule_tiers(
        capacity_kva=np.array([capacity]),
        energy_12m_kwh_e2=np.array([kwh * 100]),
        is_dedicated=np.array([dedicated]),
        limits=LIMITS,
    )
    return TIERS[found.tier[0]], REASONS[found.reason[0]]


class TestRules:
    @pytest.mark.parametrize(
        ("capacity", "kwh", "dedicated", "expected"),
        [
            (314, 0, True, ("normal", "below-all")),
            (315, 0, False, ("normal", "below-all")),
            (315, 0, True, ("dedicated", "dedicated-capacity")),
            (999, 999_999, True, ("dedicated", "dedicated-capacity")),
            (1000, 0, False, ("key", "key-capacity")),
            (8, 1_000_000, False, ("key", "key-energy")),
            (8000, 0, False, ("vip", "vip-capacity")),
            (1000, 20_000_000, False, ("vip", "vip-energy")),
        ],
    )
    def test_a_bound_belongs_to_the_tier_it_begins(
        self, capacity: int, kwh: int, dedicated: bool, expected: tuple[str, str]
    ) -> None:
        assert ruled(capacity, kwh, dedicated=dedicated) == expected

    @given(st.integers(0, 20_000), st.integers(0, 40_000_000), st.integers(0, 5_000), st.booleans())
    def test_more_never_means_a_lower_tier(self, capacity: int, kwh: int, more: int, dedicated: bool) -> None:
        rank = TIERS.index(ruled(capacity, kwh, dedicated=dedicated)[0])

        assert TIERS.index(ruled(capacity + more, kwh, dedicated=dedicated)[0]) >= rank
        assert TIERS.index(ruled(capacity, kwh + more * 1000, dedicated=dedicated)[0]) >= rank
        assert TIERS.index(ruled(capacity, kwh, dedicated=True)[0]) >= rank

    def test_limits_that_cross_are_refused(self) -> None:
        with pytest.raises(ValueError, match="below"):
            Limits.parse({"dedicated_kva": 1, "key_kva": 9, "key_kwh": 1, "vip_kva": 8, "vip_kwh": 2})
