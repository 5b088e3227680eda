"""The demonstration's agents can be loaded again, and have a settled day to show."""

from __future__ import annotations

import pytest
from django.utils import timezone

from cis.operations import ledger
from config.shared.models import OrgUnit
from payments.models import AgentContract, AgentSettlement, Payment
from payments.operations import demo_agents
from tests.factories.world import make_user, small_world
from tests.integration.payments import pay

pytestmark = pytest.mark.django_db


def test_four_kinds_of_agents_are_loaded_once() -> None:
    world = small_world()
    make_user("leader", OrgUnit.objects.get(pk=world.province_id), "leader")
    for account in world.accounts:
        pay(world, fen=1_000, account=account)
    now = timezone.now()

    demo_agents.load(today=timezone.localdate(), at=now)
    demo_agents.load(today=timezone.localdate(), at=now)

    assert set(AgentContract.objects.values_list("outlet", flat=True)) == set(AgentContract.Outlet.values)
    assert Payment.objects.filter(method="agent").exists() and AgentSettlement.objects.exists()
    assert ledger.verify().faults == ()
