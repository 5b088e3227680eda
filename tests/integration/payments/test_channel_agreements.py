"""A productive client goes live as a second person read it, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from config.shared import approval_queries, approvals
from config.shared.models import Approval, OrgUnit, User
from payments.models import ChannelArea, ChannelClient, ClientKey
from payments.operations import channel_clients
from payments.operations.channel_agreements import AreasApart, unit_above
from payments.signing.request_signature import HMAC_SHA256, RSA2048_SHA256, digest_of, new_key
from tests.factories.staff import prove
from tests.factories.world import World, make_user, small_world

pytestmark = pytest.mark.django_db


@dataclass
class Asked:
    """A productive client with a key, off, and who asks and decides."""

    world: World
    leader: User
    public: str

    def contract(self, **changed: Any) -> channel_clients.Contract:
        values = {"networks": ["203.0.113.0/24"], "area_ids": [self.world.county_a_id], **changed}
        return channel_clients.Contract("建设银行", "bank", **values)

    def add_key(self, algorithm: str = RSA2048_SHA256) -> channel_clients.MadeKey:
        return channel_clients.add_key(
            code="ccb", algorithm=algorithm, public_key=self.public, reason="合同 1",
            by_id=self.world.administrator_id, within=None, at=self.world.at,
        )  # fmt: skip

    def switch_on(self) -> int:
        asked = channel_clients.switch_on(
            code="ccb", reason="上线", by_id=self.world.administrator_id, within=None, at=self.world.at
        )
        assert asked is not None
        return asked

    def switch_area(self, unit_id: int, *, is_on: bool = True, reason: str = "新网点") -> int | None:
        return channel_clients.switch_area(
            code="ccb", org_unit_id=unit_id, is_on=is_on, reason=reason,
            by_id=self.world.administrator_id, within=None, at=self.world.at,
        )  # fmt: skip

    def approve(self, approval_id: int | None) -> None:
        assert approval_id is not None
        approvals.approve(approval_id=approval_id, decided_by_id=self.leader.pk, at=self.world.at)


@pytest.fixture
def asked(db: None) -> Asked:
    world = small_world()
    leader = make_user("leader", OrgUnit.objects.get(pk=world.province_id), "leader")
    found = Asked(world, leader, new_key(RSA2048_SHA256, random=b"")[1])
    channel_clients.open_client(
        code="ccb", contract=found.contract(), is_sandbox=False, by_id=world.administrator_id, within=None, at=world.at
    )
    found.approve(found.add_key().approval_id)
    return found


def test_the_second_person_reads_all_of_it(asked: Asked) -> None:
    channel_clients.change_contract(code="ccb", contract=asked.contract(fingerprints=["ab" * 32]), within=None)
    asked.switch_on()

    [row] = [one for one in approval_queries.list_about(f"channel:{ChannelClient.objects.get().pk}", limit=1)]
    digest, key = digest_of(RSA2048_SHA256, asked.public), ClientKey.objects.get()

    unit = OrgUnit.objects.get(pk=asked.world.county_a_id)
    for part in ("203.0.113.0/24", "ab" * 32, unit.name, f"{key.key_id} {RSA2048_SHA256} {digest}", "1200", "600"):
        assert part in row.consequence


@pytest.mark.parametrize(
    "changed",
    [
        {"payments_per_minute": 9_000},
        {"reversal_days": 7},
        {"fingerprints": ["ab" * 32]},
        {"networks": ["198.51.100.0/24"]},
    ],
)
def test_what_was_changed_since_does_not_go_live(asked: Asked, changed: dict[str, Any]) -> None:
    waiting = asked.switch_on()
    channel_clients.change_contract(code="ccb", contract=asked.contract(**changed), within=None)

    with pytest.raises(channel_clients.StillOn):
        asked.approve(waiting)

    assert not ChannelClient.objects.get().is_on


def test_nor_with_another_area_or_key(asked: Asked) -> None:
    waiting = asked.switch_on()
    assert asked.switch_area(asked.world.county_b_id) is None
    with pytest.raises(channel_clients.StillOn):
        asked.approve(waiting)
    asked.switch_area(asked.world.county_b_id, is_on=False)
    ChannelArea.objects.filter(org_unit_id=asked.world.county_b_id).delete()

    asked.approve(asked.add_key().approval_id)
    with pytest.raises(channel_clients.StillOn):
        asked.approve(waiting)


def test_another_area_of_a_client_in_use_needs_a_second_person_who_answers_for_all(asked: Asked) -> None:
    asked.approve(asked.switch_on())

    waiting = asked.switch_area(asked.world.county_b_id) or 0
    above = Approval.objects.get(pk=waiting).org_unit

    assert not ChannelArea.objects.filter(org_unit_id=asked.world.county_b_id).exists()
    both = OrgUnit.objects.filter(pk__in=[asked.world.county_a_id, asked.world.county_b_id])
    assert {unit.parent_id for unit in both} == {above.pk}
    asked.approve(waiting)
    assert ChannelArea.objects.get(org_unit_id=asked.world.county_b_id).is_on
    assert asked.switch_area(asked.world.county_b_id, is_on=False) is None
    assert not ChannelArea.objects.get(org_unit_id=asked.world.county_b_id).is_on


def test_who_decides_stands_above_every_area() -> None:
    assert unit_above(["/1/4/9/"]) == 9
    assert unit_above(["/1/4/9/", "/1/4/10/"]) == 4
    assert unit_above(["/1/4/9/", "/1/4/"]) == 4
    with pytest.raises(AreasApart):
        unit_above(["/1/4/", "/2/"])


def test_a_shared_secret_is_for_sandboxes_alone(asked: Asked) -> None:
    with pytest.raises(channel_clients.UnusableClientKey):
        asked.add_key(HMAC_SHA256)

    assert ClientKey.objects.count() == 1


def test_on_the_page_an_area_is_asked_for_with_a_reason(asked: Asked) -> None:
    asked.approve(asked.switch_on())
    client = Client()
    client.force_login(User.objects.get(pk=asked.world.administrator_id), "django.contrib.auth.backends.ModelBackend")
    client = prove(client)
    target, area = "/console/channels/ccb/area/", {"area": asked.world.county_b_id, "is_on": "1"}

    refused = client.post(target, area)
    taken = client.post(target, {**area, "reason": "新网点"})

    assert refused.status_code == 422 and taken.status_code == 302 and "approvals" in taken["Location"]
    page = client.get("/console/channels/ccb/").content.decode()
    assert "等另一人审批" in page and 'name="reason"' in page
