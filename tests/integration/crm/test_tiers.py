"""Tiers: what the preview says is what the application does; a person's decision holds until its last day."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection, transaction

from cis.models import SupplyContract
from config.shared import jobs
from crm.models import AccountTier, TierChange, TierOverride
from crm.operations import profiles, tiers
from crm.queries.tiers import preview_tiers, tiers_of, why_tier
from tests.factories import bills
from tests.factories.world import World, small_world

# The worker reads the clock: what it is measured against begins now.
AT = datetime.now(settings.BILLING_TIME_ZONE)
DAY = timedelta(days=1)


@pytest.fixture
def world(db: None) -> World:
    """Four accounts with profiles: one large enough for a key account by capacity, one by energy."""
    world = small_world(at=AT)
    SupplyContract.objects.filter(account_id=world.commercial.account_id).update(capacity_kva=1600)
    bills.issue(world, 60_000_000, account=world.residential_tou)
    with transaction.atomic():
        profiles._compute(low=0, high=2**40, on_day=AT.date(), bounds={}, at=AT)
    return world


def standing() -> dict[int, str]:
    """Account to the tier that holds."""
    return dict(AccountTier.objects.values_list("account_id", "tier"))


def override(world: World, tier: str, *, days: int = 5, at: datetime = AT) -> int:
    """A person puts the first household into a tier."""
    return tiers.override_tier(
        account_no=world.residential.account_no,
        tier=tier,
        reason="市属重大项目",
        last_day=at.date() + days * DAY,
        set_by_id=world.manager_id,
        at=at,
    )


class TestRules:
    def test_the_preview_writes_nothing_and_equals_the_application(self, world: World) -> None:
        override(world, "vip")
        with transaction.atomic():
            before = (standing(), TierChange.objects.count())
            preview = preview_tiers(on=AT.date())
            assert (standing(), TierChange.objects.count()) == before

        job_id = tiers.apply_tiers(created_by_id=world.manager_id, at=AT)
        jobs.work_on(job_id=job_id)

        applied = Counter(standing().values())
        assert {count.tier: count.then for count in preview.counts} == {
            tier: applied.get(tier, 0) for tier in ("vip", "key", "dedicated", "normal")
        }
        assert applied == {"vip": 1, "key": 2, "normal": 1}
        moved = TierChange.objects.filter(because="rules").values_list("account_id", "to_tier")
        assert {(move.account_id, move.to_tier) for move in preview.moves} == set(moved)
        assert preview_tiers(on=AT.date()).moving == 0, "applied twice, nothing moves"
        assert tiers_of([world.commercial.account_id, 10**9]) == {world.commercial.account_id: "key", 10**9: "normal"}
        why = why_tier(account_id=world.commercial.account_id, today=AT.date())
        assert (why.reason, why.evidence["capacity_kva"]) == ("key-capacity", 1600)

    def test_changes_are_written_once(self, world: World) -> None:
        override(world, "key")

        with pytest.raises(DatabaseError), transaction.atomic():
            TierChange.objects.all().update(to_tier="vip")


class TestOverride:
    def test_holds_to_its_last_day_and_then_the_rules_again(self, world: World) -> None:
        override(world, "vip", days=5)
        account_id = world.residential.account_id
        last = AT + 5 * DAY

        assert tiers.end_overrides_run_out(at=last) == 0 and standing()[account_id] == "vip"
        assert tiers.end_overrides_run_out(at=last + DAY) == 1 and standing()[account_id] == "normal"

        assert tiers.end_overrides_run_out(at=last + DAY) == 0
        said = TierChange.objects.filter(account_id=account_id).order_by("pk").values_list("to_tier", "because")
        assert list(said) == [("vip", "override"), ("normal", "override-ended")]
        assert why_tier(account_id=account_id, today=(last + DAY).date()).override is None

    def test_the_rules_go_around_it_while_it_holds(self, world: World) -> None:
        override(world, "vip")

        jobs.work_on(job_id=tiers.apply_tiers(created_by_id=None, at=AT))

        row = AccountTier.objects.get(pk=world.residential.account_id)
        assert (row.tier, row.rule_tier) == ("vip", "normal")

    @pytest.mark.parametrize(
        ("tier", "reason", "days"), [("gold", "x", 1), ("vip", " ", 1), ("vip", "x", -1), ("vip", "x", 999)]
    )
    def test_needs_a_tier_a_reason_and_an_end(self, world: World, tier: str, reason: str, days: int) -> None:
        with pytest.raises(tiers.OverrideRefused):
            tiers.override_tier(
                account_no=world.residential.account_no,
                tier=tier,
                reason=reason,
                last_day=AT.date() + days * DAY,
                set_by_id=world.manager_id,
                at=AT,
            )

    def test_two_at_once_are_refused_by_the_operation_and_by_the_database(self, world: World) -> None:
        override_id = override(world, "vip")

        with pytest.raises(tiers.OverrideRunning):
            override(world, "key")
        with pytest.raises(IntegrityError, match="one_override_at_a_time"), transaction.atomic():
            row = TierOverride.objects.get(pk=override_id)
            row.pk = None
            row.save(force_insert=True)

        tiers.end_override(override_id=override_id, ended_by_id=world.manager_id, at=AT)
        assert standing()[world.residential.account_id] == "normal"
        assert override(world, "key") and connection.in_atomic_block
