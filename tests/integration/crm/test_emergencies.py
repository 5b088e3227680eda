"""Emergencies of key accounts: two clocks from receipt by any channel, warned, breached, proven."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.test import Client

from cis.models import PortalAccess, Premise
from config.shared.models import Message, OrgUnit, Role, RoleGrant, User
from crm.models import Emergency, EmergencyAlarm, EmergencyProof, ManagerAssignment
from crm.operations import emergencies, key_accounts
from tests.factories.world import World, make_user, small_world

AT = datetime.fromisoformat("2026-10-01T23:55+08:00")
"""Shortly before midnight on the national holiday: the clocks do not care."""
MINUTE = timedelta(minutes=1)


class Works:
    """A key account with manager, deputy and a leader above."""

    def __init__(self) -> None:
        self.world: World = small_world()
        province = OrgUnit.objects.get(pk=self.world.province_id)
        self.manager = make_user("keymanager", province, "key-account-manager", "何敬业")
        self.deputy = make_user("deputy", province, "key-account-manager", "周代理")
        self.leader = make_user("leader", province, "leader", "郑明远")
        self.account_no = self.world.commercial.account_no
        Premise.objects.filter(pk=self.world.commercial.premise_id).update(
            longitude=Decimal("114.300000"), latitude=Decimal("30.600000")
        )
        key_accounts.name_key_account(
            account_id=self.world.commercial.account_id,
            manager_id=self.manager.pk,
            deputy_id=self.deputy.pk,
            telephone="",
            reason="大客户",
            from_at=AT - timedelta(days=30),
            by_id=None,
            at=AT - timedelta(days=30),
        )

    def call(self, key: str = "call-1", channel: str = "telephone", at: datetime = AT) -> emergencies.Taken:
        """Somebody at the works asks for help."""
        return emergencies.take_emergency(
            account_no=self.account_no,
            channel=channel,
            request_key=key,
            what="高压进线失电，炉子在烧",
            caller="炉前班长",
            received_by_id=self.world.clerk_a_id,
            at=at,
        )

    def reply(self, emergency_id: int, at: datetime) -> None:
        """The manager replies."""
        emergencies.reply(emergency_id=emergency_id, text="已派抢修，先停二号炉", by_id=self.manager.pk, at=at)

    def arrive(self, emergency_id: int, *, arrived_at: datetime, at: datetime, **proof: Any) -> int | None:
        """Somebody is there."""
        given: dict[str, Any] = {
            "longitude": Decimal("114.301000"),
            "latitude": Decimal("30.600000"),
            "paper": "",
            "text": "",
        } | proof
        return emergencies.arrive(
            emergency_id=emergency_id, arrived_at=arrived_at, by_id=self.manager.pk, at=at, **given
        )

    def told(self, user: User) -> list[str]:
        """What was said to somebody, in order."""
        return [
            row.dedupe_key.split(":", 2)[2].rpartition(":")[0] if row.dedupe_key.count(":") > 2 else "receipt"
            for row in Message.objects.filter(user=user).order_by("pk")
        ]


@pytest.fixture
def works(db: None) -> Works:
    """The works."""
    return Works()


def alarms() -> list[tuple[str, str]]:
    """What was raised, in order."""
    return list(EmergencyAlarm.objects.order_by("pk").values_list("clock", "level"))


class TestClocks:
    @pytest.mark.acceptance("003-52")
    def test_ten_and_forty_five_minutes_from_receipt_with_warning_breach_and_proof(self, works: Works) -> None:
        taken = works.call()
        assert taken.reply_due_at - taken.received_at == 10 * MINUTE
        assert taken.arrive_due_at - taken.received_at == 45 * MINUTE
        seen = {}
        for minutes in (0, 5, 6, 6, 10, 11, 11, 29, 30, 45):
            emergencies.check_clocks(at=AT + minutes * MINUTE)
            seen[minutes] = alarms()

        assert seen[5] == [] and seen[6] == [("reply", "warning")] == seen[10], "in time at the tenth minute still"
        assert seen[11] == [("reply", "warning"), ("reply", "breach")] == seen[29]
        assert seen[30] == [*seen[29], ("arrival", "warning")] == seen[45]

        works.reply(taken.emergency_id, AT + 12 * MINUTE)
        distance = works.arrive(taken.emergency_id, arrived_at=AT + 44 * MINUTE, at=AT + 50 * MINUTE)
        emergencies.check_clocks(at=AT + 60 * MINUTE)
        emergencies.close_emergency(
            emergency_id=taken.emergency_id, outcome="恢复供电", by_id=works.manager.pk, at=AT + 90 * MINUTE
        )

        assert alarms() == seen[45], "who came at the 44th minute was in time, whenever it was written down"
        assert distance is not None and 90 < distance < 100
        proofs = {proof.clock: proof for proof in EmergencyProof.objects.all()}
        assert proofs["reply"].text and proofs["reply"].written_by_id == works.manager.pk
        assert proofs["arrival"].proven_at == AT + 44 * MINUTE and proofs["arrival"].distance_m == distance
        assert works.told(works.manager) == ["receipt", "reply:warning", "reply:breach", "arrival:warning"]
        assert works.told(works.deputy) == works.told(works.manager)
        assert works.told(works.leader) == ["reply:breach"]

    def test_a_manager_who_hears_of_breaches_too_keeps_the_sms(self, works: Works) -> None:
        ManagerAssignment.objects.update(telephone="13900000007")
        province = OrgUnit.objects.get(pk=works.world.province_id)
        RoleGrant.objects.create(user=works.manager, role=Role.objects.get(code="leader"), org_unit=province)
        taken = works.call()

        emergencies.check_clocks(at=AT + 11 * MINUTE)

        key = f"emergency:{taken.emergency_id}:reply:breach:{works.manager.pk}"
        assert set(Message.objects.filter(dedupe_key__startswith=key).values_list("channel", flat=True)) == {
            "in_app",
            "sms",
        }

    def test_a_breach_that_nobody_looked_at_is_noted_with_the_late_proof(self, works: Works) -> None:
        taken = works.call()

        works.reply(taken.emergency_id, AT + 11 * MINUTE)
        works.arrive(taken.emergency_id, arrived_at=AT + 46 * MINUTE, at=AT + 47 * MINUTE)

        assert alarms() == [("reply", "breach"), ("arrival", "breach")]

    def test_in_time_raises_nothing(self, works: Works) -> None:
        taken = works.call()
        works.reply(taken.emergency_id, AT + 3 * MINUTE)
        works.arrive(taken.emergency_id, arrived_at=AT + 20 * MINUTE, at=AT + 20 * MINUTE)

        emergencies.check_clocks(at=AT + 500 * MINUTE)

        assert alarms() == []

    def test_a_repeated_request_is_one_emergency(self, works: Works) -> None:
        first, again = works.call(), works.call(at=AT + MINUTE)

        assert first == again and Emergency.objects.count() == 1
        assert works.told(works.manager) == ["receipt"]


class TestProof:
    @pytest.mark.parametrize(
        ("proof", "minutes"),
        [
            ({"longitude": None, "latitude": None}, 20),
            ({"longitude": None}, 20),
            ({}, -1),
            ({}, 21),
        ],
    )
    def test_an_arrival_needs_a_place_or_a_paper_and_a_time_that_can_be(
        self, works: Works, proof: dict[str, Any], minutes: int
    ) -> None:
        taken = works.call()

        with pytest.raises(emergencies.EmergencyRefused):
            works.arrive(taken.emergency_id, arrived_at=AT + minutes * MINUTE, at=AT + 20 * MINUTE, **proof)
        assert works.arrive(
            taken.emergency_id, arrived_at=AT + 20 * MINUTE, at=AT + 20 * MINUTE,
            longitude=None, latitude=None, paper="签字单 0012",
        ) is None  # fmt: skip

    def test_is_written_once_and_not_closed_without(self, works: Works) -> None:
        taken = works.call()
        works.reply(taken.emergency_id, AT + MINUTE)

        with pytest.raises(emergencies.AlreadyProven):
            works.reply(taken.emergency_id, AT + 2 * MINUTE)
        with pytest.raises(emergencies.StillRunning):
            emergencies.close_emergency(
                emergency_id=taken.emergency_id, outcome="x", by_id=works.manager.pk, at=AT + 9 * MINUTE
            )
        with pytest.raises(DatabaseError), transaction.atomic():
            EmergencyProof.objects.all().update(text="别的")
        with pytest.raises(IntegrityError), transaction.atomic():
            EmergencyAlarm.objects.bulk_create(
                EmergencyAlarm(emergency_id=taken.emergency_id, clock="reply", level="breach", due_at=AT, raised_at=AT)
                for _twice in range(2)
            )


class TestChannels:
    def test_console_portal_and_program_each_start_both_clocks(self, works: Works) -> None:
        clerk, customer = Client(), Client()
        clerk.force_login(User.objects.get(pk=works.world.clerk_a_id))
        PortalAccess.objects.create(user_id=works.world.portal_user_id, account_id=works.world.commercial.account_id)
        customer.force_login(User.objects.get(pk=works.world.portal_user_id))
        form = clerk.get(f"/console/accounts/{works.account_no}/emergency/").context["form"]
        said = {"what": "失电", "caller": "值班员", "request_key": form["request_key"].value(), "channel": "telephone"}

        assert clerk.post(f"/console/accounts/{works.account_no}/emergency/", said).status_code == 302
        customer.post("/my/account/", {"account_no": works.account_no})
        asked = {"what": "失电", "request_key": "p" * 32}
        assert customer.post("/my/emergency/", asked).status_code == 302
        answer = clerk.post(
            f"/api/v1/accounts/{works.account_no}/emergencies/",
            data=json.dumps({"what": "失电", "caller": "SCADA"}),
            content_type="application/json",
            headers={"Idempotency-Key": "scada-0001"},
        )

        assert answer.status_code == 201, answer.content
        rows = list(Emergency.objects.order_by("pk"))
        assert [row.channel for row in rows] == ["telephone", "portal", "api"]
        assert {(row.reply_due_at - row.received_at, row.arrive_due_at - row.received_at) for row in rows} == {
            (10 * MINUTE, 45 * MINUTE)
        }
        home = "/api/v1/accounts/" + works.world.residential.account_no + "/emergencies/"
        said_at_home = json.dumps({"what": "失电"})
        refused = clerk.post(
            home, data=said_at_home, content_type="application/json", headers={"Idempotency-Key": "home-0001"}
        )
        assert (refused.status_code, refused.json()["code"]) == (409, "not-a-key-account")
