"""Acts that need a second person: asked, decided by somebody else, carried out once, never by oneself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client

from config.shared import approval_queries, approvals
from config.shared.errors import NotAllowed, NotFound, Refused
from config.shared.models import Approval, ApprovalStep, OrgUnit, OutboxEvent, Role, RoleGrant, User
from config.shared.roles import load_roles
from tests.factories.staff import prove
from tests.factories.world import make_unit, make_user

AT = datetime(2026, 2, 3, 1, 0, tzinfo=UTC)
KIND = "test.grant"


class Nope(Refused):
    """The act says no."""

    code = "nope"


@pytest.fixture
def granting() -> Iterator[None]:
    """A kind of act for tests: give somebody the agent's role, unless they are the one who is never given any."""

    def grant(act: approvals.Act) -> dict[str, Any]:
        if act.payload["username"] == "never":
            raise Nope("这个人不能有岗位。")
        user = User.objects.get(username=act.payload["username"])
        row = RoleGrant.objects.create(user=user, role=Role.objects.get(code="agent"), org_unit_id=act.org_unit_id)
        return {"grant_id": row.pk, "url": "/console/approvals/"}

    approvals.carries_out(
        KIND,
        label="授岗",
        ask="shared.manage_users",
        decide="shared.approve_role_changes",
        consequence=lambda payload: f"{payload['username']} 会成为坐席。",
    )(grant)
    yield
    del approvals.KINDS[KIND]


class Staff:
    """Two counties under a city; an asker for both, leaders of the city and of one county."""

    def __init__(self) -> None:
        load_roles()
        self.city = make_unit(None, OrgUnit.Kind.CITY, "P1", "江汉")
        self.county = make_unit(self.city, OrgUnit.Kind.COUNTY, "P2", "东湖")
        self.other = make_unit(self.city, OrgUnit.Kind.COUNTY, "P3", "临江")
        self.asker = make_user("asker", self.city, "administrator")
        self.leader = make_user("leader", self.city, "leader")
        self.elsewhere = make_user("elsewhere", self.other, "leader")
        self.clerk = make_user("clerk", self.county, "clerk")
        self.new = make_user("new", self.county, None)

    def ask(self, username: str = "new", **more: Any) -> int:
        """The usual request."""
        return approvals.request(
            **{
                "kind": KIND,
                "payload": {"username": username},
                "asked_by_id": self.asker.pk,
                "reason": "新来的坐席",
                "at": AT,
                "org_unit_id": self.county.pk,
                "subject": f"user:{username}",
                **more,
            }
        )


def approve(approval_id: int, user: User, at: datetime = AT) -> Any:
    """The usual approval."""
    return approvals.approve(approval_id=approval_id, decided_by_id=user.pk, at=at, note="同意")


@pytest.mark.django_db
@pytest.mark.usefixtures("granting")
class TestARequest:
    def test_is_carried_out_when_another_approves_it(self) -> None:
        staff = Staff()
        asked = staff.ask()
        assert not RoleGrant.objects.filter(user=staff.new).exists()

        outcome = approve(asked, staff.leader)

        row = Approval.objects.get()
        assert RoleGrant.objects.get(user=staff.new).pk == outcome["grant_id"]
        assert (row.state, row.decided_by_id, row.outcome["grant_id"]) == (
            "carried-out",
            staff.leader.pk,
            outcome["grant_id"],
        )
        assert list(ApprovalStep.objects.order_by("pk").values_list("what", "by__username")) == [
            ("asked", "asker"),
            ("approved", "leader"),
            ("carried-out", "leader"),
        ]
        assert set(OutboxEvent.objects.values_list("name", flat=True)) == {
            "shared.approval-asked",
            "shared.approval-decided",
        }

    def test_is_never_approved_by_whoever_asked_even_with_every_permission(self) -> None:
        staff = Staff()
        RoleGrant.objects.create(user=staff.asker, role=Role.objects.get(code="leader"), org_unit=staff.city)

        for decide in (approve, lambda asked, user: approvals.refuse(
            approval_id=asked, decided_by_id=user.pk, at=AT, note="不"
        )):  # fmt: skip
            with pytest.raises(approvals.OwnRequest):
                decide(staff.ask(f"own-{decide}"[:40]), staff.asker)

    def test_is_never_approved_by_whom_it_is_about(self) -> None:
        staff = Staff()
        asked = staff.ask(concerned_ids=[staff.leader.pk])

        with pytest.raises(approvals.OwnRequest):
            approve(asked, staff.leader)
        assert approval_queries.list_waiting_for(staff.leader, at=AT, limit=9) == []

    def test_is_not_there_for_those_who_may_not_decide(self) -> None:
        staff = Staff()
        asked = staff.ask()

        for user in (staff.elsewhere, staff.clerk, staff.new):
            with pytest.raises(NotFound):
                approve(asked, user)
            with pytest.raises(NotFound):
                approval_queries.get_approval(asked, user=user, at=AT)
            assert approval_queries.list_waiting_for(user, at=AT, limit=9) == []
        assert [row.approval_id for row in approval_queries.list_waiting_for(staff.leader, at=AT, limit=9)] == [asked]

    def test_needs_the_permission_to_ask_and_a_reason(self) -> None:
        staff = Staff()

        with pytest.raises(NotAllowed):
            staff.ask(asked_by_id=staff.clerk.pk)
        with pytest.raises(approvals.ReasonMissing):
            staff.ask(reason="  ")

    def test_is_asked_once_while_it_waits(self) -> None:
        staff = Staff()
        first = staff.ask()

        with pytest.raises(approvals.AlreadyAsked):
            staff.ask()
        approvals.refuse(approval_id=first, decided_by_id=staff.leader.pk, at=AT, note="先培训")
        staff.ask()

        assert Approval.objects.count() == 2

    def test_goes_on_waiting_when_the_act_itself_says_no(self) -> None:
        staff = Staff()
        asked = staff.ask("never")

        with pytest.raises(Nope):
            approve(asked, staff.leader)

        assert Approval.objects.get().state == "waiting"
        assert ApprovalStep.objects.count() == 1

    def test_is_refused_with_a_reason_only(self) -> None:
        staff = Staff()
        asked = staff.ask()

        with pytest.raises(approvals.ReasonMissing):
            approvals.refuse(approval_id=asked, decided_by_id=staff.leader.pk, at=AT, note=" ")
        approvals.refuse(approval_id=asked, decided_by_id=staff.leader.pk, at=AT, note="先培训")
        with pytest.raises(approvals.AlreadyDecided):
            approve(asked, staff.leader)

        assert not RoleGrant.objects.filter(user=staff.new).exists()

    def test_is_withdrawn_by_its_asker_alone(self) -> None:
        staff = Staff()
        asked = staff.ask()

        with pytest.raises(approvals.NotTheAsker):
            approvals.withdraw(approval_id=asked, asked_by_id=staff.leader.pk, at=AT)
        approvals.withdraw(approval_id=asked, asked_by_id=staff.asker.pk, at=AT)
        with pytest.raises(approvals.AlreadyDecided):
            approve(asked, staff.leader)

    def test_ends_by_itself_when_nobody_decides(self) -> None:
        staff = Staff()
        asked = staff.ask()
        late = AT + approvals.WAITS_FOR

        with pytest.raises(approvals.AlreadyDecided):
            approve(asked, staff.leader, at=late)
        ended = [approvals.expire_requests(at=at) for at in (late - timedelta(seconds=1), late, late)]

        assert ended == [0, 1, 0]
        assert Approval.objects.get().state == "expired"

    def test_counts_the_permissions_of_the_moment_of_the_decision(self) -> None:
        staff = Staff()
        asked = staff.ask()
        assert staff.leader.pk and approval_queries.list_waiting_for(staff.leader, at=AT, limit=1)
        RoleGrant.objects.filter(user=staff.leader).delete()

        with pytest.raises(NotFound):
            approve(asked, staff.leader)


@pytest.mark.django_db
@pytest.mark.usefixtures("granting")
class TestTheDatabase:
    """What holds whoever goes around the operations."""

    @pytest.mark.parametrize("state", ["carried-out", "refused"])
    def test_knows_that_the_asker_does_not_decide(self, state: str) -> None:
        staff = Staff()
        staff.ask()

        with pytest.raises(IntegrityError, match="approval_by_another_person"), transaction.atomic():
            Approval.objects.update(state=state, decided_by=staff.asker, decided_at=AT, note="x")

    def test_knows_that_the_concerned_do_not_decide(self) -> None:
        staff = Staff()
        staff.ask(concerned_ids=[staff.leader.pk])

        with pytest.raises(IntegrityError, match="approval_by_nobody_concerned"), transaction.atomic():
            Approval.objects.update(state="refused", decided_by=staff.leader, decided_at=AT, note="x")

    def test_changes_neither_what_was_asked_nor_a_decision_nor_a_step(self) -> None:
        staff = Staff()
        asked = staff.ask()
        acts: list[Callable[[], Any]] = [
            lambda: Approval.objects.update(reason="another"),
            lambda: Approval.objects.update(payload={}),
            lambda: ApprovalStep.objects.update(note="another"),
            lambda: ApprovalStep.objects.all().delete(),
            lambda: Approval.objects.filter(pk=asked)._raw_delete("default"),
        ]
        for act in acts:
            with pytest.raises(DatabaseError), transaction.atomic():
                act()
        approve(asked, staff.leader)
        with pytest.raises(DatabaseError), transaction.atomic():
            Approval.objects.update(state="waiting", decided_by=None, decided_at=None)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("granting")
class TestARace:
    def test_of_eight_approvers_carries_the_act_out_once(self) -> None:
        staff = Staff()
        leaders = [make_user(f"leader{number}", staff.city, "leader") for number in range(8)]
        asked = staff.ask()
        gate = threading.Barrier(len(leaders))

        def run(leader: User) -> Any:
            try:
                gate.wait()
                return approve(asked, leader)
            except Refused as refused:
                return refused
            finally:
                connection.close()

        with ThreadPoolExecutor(len(leaders)) as pool:
            results = list(pool.map(run, leaders))

        assert sum(isinstance(result, approvals.AlreadyDecided) for result in results) == 7
        assert RoleGrant.objects.filter(user=staff.new).count() == 1
        assert ApprovalStep.objects.filter(what="carried-out").count() == 1

    def test_of_a_withdrawal_and_an_approval_has_one_winner(self) -> None:
        staff = Staff()
        for number in range(4):
            user = make_user(f"new{number}", staff.county, None)
            asked = staff.ask(user.username)
            gate = threading.Barrier(2)

            def run(act: Callable[[], Any], gate: threading.Barrier = gate) -> bool:
                try:
                    gate.wait()
                    act()
                except Refused:
                    return False
                finally:
                    connection.close()
                return True

            with ThreadPoolExecutor(2) as pool:
                withdrawn, approved = pool.map(
                    run,
                    (
                        partial(approvals.withdraw, approval_id=asked, asked_by_id=staff.asker.pk, at=AT),
                        partial(approve, asked, staff.leader),
                    ),
                )

            assert withdrawn != approved
            assert RoleGrant.objects.filter(user=user).exists() == approved


@pytest.mark.django_db
@pytest.mark.usefixtures("granting")
class TestPages:
    def client(self, user: User) -> Client:
        """Somebody's browser."""
        client = Client()
        client.force_login(user, "django.contrib.auth.backends.ModelBackend")
        prove(client)
        return client

    def test_show_what_waits_decide_it_and_tell_the_asker(self) -> None:
        staff = Staff()
        asked = staff.ask(at=datetime.now(UTC))
        leader, asker = self.client(staff.leader), self.client(staff.asker)
        url = f"/console/approvals/{asked}/"

        listed, shown = leader.get("/console/approvals/").content.decode(), leader.get(url).content.decode()
        own = asker.get(url).content.decode()
        refused = asker.post(f"{url}approve/")
        unsaid = leader.post(f"{url}refuse/")
        decided = leader.post(f"{url}approve/", {"note": "同意"})

        assert url in listed and "new 会成为坐席。" in listed and "新来的坐席" in shown and "批准并执行" in shown
        assert "批准并执行" not in own and "撤回申请" in own
        assert refused.status_code == 403 or refused.status_code == 404
        assert unsaid.status_code == 422 and "驳回原因" in unsaid.content.decode()
        assert decided.status_code == 302 and RoleGrant.objects.filter(user=staff.new).exists()
        assert "同意" in asker.get(url).content.decode()

    def test_are_not_there_for_strangers(self) -> None:
        staff = Staff()
        asked = staff.ask(at=datetime.now(UTC))

        for act in ("", "approve/", "refuse/", "withdraw/"):
            client = self.client(staff.elsewhere)
            url = f"/console/approvals/{asked}/{act}"
            answer = client.post(url, {"note": "x"}) if act else client.get(url)
            assert answer.status_code == 404, act

    def test_of_lists_take_a_fixed_number_of_statements(
        self, django_assert_max_num_queries: Callable[[int], Any]
    ) -> None:
        staff = Staff()
        client = self.client(staff.leader)
        for number in range(12):
            staff.ask(f"user{number}", at=datetime.now(UTC))

        with django_assert_max_num_queries(8):
            client.get("/console/approvals/")
