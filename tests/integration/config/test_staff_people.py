"""Administration of users: added, given roles by a second person, disabled at once, locked and unlocked."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from config.shared import approvals, people, role_changes, second_factors
from config.shared.api.keys import issue_key
from config.shared.errors import NotFound
from config.shared.models import ApiKey, Approval, OrgUnit, Role, RoleGrant, User
from config.shared.roles import load_roles
from tests.factories.staff import give_app, prove, through_the_door
from tests.factories.world import PASSWORD, make_unit, make_user

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/console/people/"


class House:
    """A province with two counties; an administrator and a leader for all, an administrator for one county."""

    def __init__(self) -> None:
        load_roles()
        self.province = make_unit(None, OrgUnit.Kind.PROVINCE, "01", "一省")
        self.county = make_unit(self.province, OrgUnit.Kind.COUNTY, "0101", "东湖")
        self.other = make_unit(self.province, OrgUnit.Kind.COUNTY, "0102", "临江")
        self.administrator = make_user("administrator", self.province, "administrator")
        self.local = make_user("local", self.county, "administrator")
        self.leader = make_user("leader", self.province, "leader")
        self.clerk = make_user("clerk", self.county, "clerk", "陈静")
        self.far = make_user("far", self.other, "clerk", "李敏")
        self.role = Role.objects.get(code="agent")

    def ask(self, user: User | None = None, **more: Any) -> int:
        """The usual request: the agent's role for the clerk."""
        return role_changes.ask_for_role(
            **{
                "user_id": (user or self.clerk).pk,
                "role_id": self.role.pk,
                "org_unit_id": self.county.pk,
                "reason": "轮岗",
                "asked_by_id": self.administrator.pk,
                "within": [self.province.path],
                "at": timezone.now(),
                **more,
            }
        )


@pytest.fixture
def house() -> House:
    return House()


def password_in(answer: Any) -> str:
    found = re.search(r'id="temporary-password"[^>]*>([^<]+)<', answer.content.decode())
    assert found is not None
    return found[1]


class TestAddingAUser:
    def test_takes_one_form_and_the_role_waits_for_a_second_person(self, house: House) -> None:
        client = through_the_door("administrator")
        typed = {
            "username": "Wang.Fang",
            "name": "王芳",
            "org_unit": house.county.pk,
            "role": house.role.pk,
            "role_unit": "",
            "reason": "新入职",
        }

        answer = client.post(f"{LIST}add/", typed)

        assert answer.status_code == 200 and "只显示这一次" in answer.content.decode()
        user = User.objects.get(username="wang.fang")
        assert not RoleGrant.objects.filter(user=user).exists()
        asked = Approval.objects.get()
        assert (asked.kind, asked.org_unit_id, asked.concerned_ids) == ("shared.grant-role", house.county.pk, [user.pk])
        newcomer = through_the_door("wang.fang", password=password_in(answer))
        assert newcomer.get("/console/search/")["Location"] == "/account/password/"
        prove(leader := through_the_door("leader"))
        assert "王芳" in leader.get("/console/approvals/").content.decode()
        leader.post(f"/console/approvals/{asked.pk}/approve/", {"note": "同意"})
        assert RoleGrant.objects.get(user=user).org_unit == house.county

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"username": "clerk"}, "已经有人用"),
            ({"username": "1x"}, "以字母开头"),
            ({"reason": ""}, "请写明申请原因"),
            ({"org_unit": "99999999"}, "org_unit"),
        ],
    )
    def test_that_is_wrong_somewhere_keeps_what_was_typed(self, house: House, wrong: dict[str, str], said: str) -> None:
        typed = {
            "username": "wang",
            "name": "王芳",
            "org_unit": house.county.pk,
            "role": house.role.pk,
            "role_unit": "",
            "reason": "新入职",
        }

        answer = through_the_door("administrator").post(f"{LIST}add/", {**typed, **wrong})

        assert answer.status_code == 422 and 'value="王芳"' in answer.content.decode()
        assert said in answer.content.decode() and not User.objects.filter(display_name="王芳").exists()

    def test_asks_again_who_is_there_and_loses_nothing(self, house: House) -> None:
        client = prove(through_the_door("administrator"), at=timezone.now() - timedelta(hours=1))

        answer = client.post(f"{LIST}add/", {"username": "wang", "name": "王芳", "org_unit": house.county.pk})

        assert answer.status_code == 422 and 'name="name" value="王芳"' in answer.content.decode()
        assert not User.objects.filter(username="wang").exists()


class TestARole:
    @pytest.mark.acceptance("F165")
    def test_is_never_approved_by_who_asked_or_who_gets_it(self, house: House) -> None:
        RoleGrant.objects.create(
            user=house.administrator, role=Role.objects.get(code="leader"), org_unit=house.province
        )
        asked = house.ask(house.leader, org_unit_id=house.province.pk)

        for decider in (house.administrator, house.leader):
            with pytest.raises(approvals.OwnRequest):
                approvals.approve(approval_id=asked, decided_by_id=decider.pk, at=timezone.now())

        assert not RoleGrant.objects.filter(user=house.leader, role=house.role).exists()

    def test_is_given_when_somebody_else_approves(self, house: House) -> None:
        asked = house.ask()

        approvals.approve(approval_id=asked, decided_by_id=house.leader.pk, at=timezone.now())

        assert RoleGrant.objects.filter(user=house.clerk, role=house.role, org_unit=house.county).exists()
        with pytest.raises(role_changes.HeldAlready):
            house.ask()

    def test_is_taken_back_the_same_way(self, house: House) -> None:
        grant = RoleGrant.objects.get(user=house.clerk)
        asked = role_changes.ask_to_withdraw_role(
            user_id=house.clerk.pk,
            grant_id=grant.pk,
            reason="调走",
            asked_by_id=house.administrator.pk,
            within=[house.province.path],
            at=timezone.now(),
        )
        assert RoleGrant.objects.filter(pk=grant.pk).exists()

        approvals.approve(approval_id=asked, decided_by_id=house.leader.pk, at=timezone.now())

        assert not RoleGrant.objects.filter(pk=grant.pk).exists()

    def test_of_a_unit_beyond_ones_own_cannot_be_asked_for(self, house: House) -> None:
        mine: dict[str, Any] = {"asked_by_id": house.local.pk, "within": [house.county.path]}

        with pytest.raises(people.NotYourUnit):
            house.ask(org_unit_id=house.province.pk, **mine)
        with pytest.raises(NotFound):
            house.ask(house.far, **mine)

    def test_changes_what_it_lets_people_do_only_by_somebody_who_does_not_hold_it(self, house: House) -> None:
        asked = role_changes.ask_to_change_role(
            role_id=Role.objects.get(code="leader").pk,
            permissions=["shared.use_approvals", "shared.approve_role_changes", "cis.close_day"],
            reason="试",
            asked_by_id=house.administrator.pk,
            within=[house.province.path],
            at=timezone.now(),
        )
        with pytest.raises(approvals.OwnRequest):
            approvals.approve(approval_id=asked, decided_by_id=house.leader.pk, at=timezone.now())
        auditor = make_user("auditor", house.province, "audit-officer")

        approvals.approve(approval_id=asked, decided_by_id=auditor.pk, at=timezone.now())

        assert "cis.close_day" in Role.objects.get(code="leader").permissions

    def test_that_was_changed_meanwhile_is_not_overwritten(self, house: House) -> None:
        asked = role_changes.ask_to_change_role(
            role_id=house.role.pk,
            permissions=["cis.view_customer"],
            reason="试",
            asked_by_id=house.administrator.pk,
            within=[house.province.path],
            at=timezone.now(),
        )
        Role.objects.filter(pk=house.role.pk).update(permissions=["cis.close_day"])

        with pytest.raises(role_changes.RoleChanged):
            approvals.approve(approval_id=asked, decided_by_id=house.leader.pk, at=timezone.now())

    def test_is_the_whole_utilitys(self, house: House) -> None:
        with pytest.raises(role_changes.NotEverywhere):
            role_changes.ask_to_change_role(
                role_id=house.role.pk,
                permissions=[],
                reason="试",
                asked_by_id=house.local.pk,
                within=[house.county.path],
                at=timezone.now(),
            )


class TestDisabling:
    @pytest.mark.acceptance("F166")
    def test_takes_effect_at_once_everywhere(self, house: House) -> None:
        theirs, client = through_the_door("clerk"), through_the_door("administrator")
        key = issue_key(user_id=house.clerk.pk, name="x", at=timezone.now())
        assert theirs.get("/account/").status_code == 200

        client.post(f"{LIST}{house.clerk.pk}/disable/")

        assert theirs.get("/account/").status_code == 302
        assert Client().post("/sign-in/", {"username": "clerk", "password": PASSWORD}).status_code == 200
        answer = Client().get("/api/v1/accounts/1/payments/", headers={"Authorization": f"Key {key}"})
        assert answer.json()["code"] == "authentication-failed"
        assert not ApiKey.objects.filter(revoked_at=None).exists()

    def test_is_not_for_oneself(self, house: House) -> None:
        client = through_the_door("administrator")

        client.post(f"{LIST}{house.administrator.pk}/disable/")

        house.administrator.refresh_from_db()
        assert house.administrator.is_active

    def test_is_undone_with_a_new_temporary_password(self, house: House) -> None:
        client = through_the_door("administrator")
        client.post(f"{LIST}{house.clerk.pk}/disable/")

        answer = client.post(f"{LIST}{house.clerk.pk}/enable/")

        assert Client().post("/sign-in/", {"username": "clerk", "password": PASSWORD}).status_code == 200
        through_the_door("clerk", password=password_in(answer))


class TestHelp:
    def test_a_forgotten_password_becomes_a_temporary_one_and_sessions_end(self, house: House) -> None:
        theirs, client = through_the_door("clerk"), through_the_door("administrator")

        answer = client.post(f"{LIST}{house.clerk.pk}/password/")

        assert theirs.get("/account/").status_code == 302
        through_the_door("clerk", password=password_in(answer))

    def test_a_lost_telephone_needs_a_second_person(self, house: House) -> None:
        give_app(house.clerk)
        client = through_the_door("administrator")
        client.post(f"{LIST}{house.clerk.pk}/second-factors/", {"reason": "手机丢失，已回拨确认"})
        assert second_factors.has_any(user_id=house.clerk.pk)

        approvals.approve(approval_id=Approval.objects.get().pk, decided_by_id=house.leader.pk, at=timezone.now())

        assert not second_factors.has_any(user_id=house.clerk.pk)

    @pytest.mark.acceptance("F166")
    def test_a_locked_name_is_seen_and_unlocked(self, house: House) -> None:
        for _ in range(5):
            Client().post("/sign-in/", {"username": "clerk", "password": "wrong"})
        client = through_the_door("administrator")
        assert "clerk" in client.get(f"{LIST}locks/").content.decode()
        assert "解锁" in client.get(f"{LIST}{house.clerk.pk}/").content.decode()

        client.post(f"{LIST}locks/unlock/", {"username": "clerk"})

        assert "现在没有锁定" in client.get(f"{LIST}locks/").content.decode()
        through_the_door("clerk")

    @pytest.mark.acceptance("F166")
    def test_a_person_is_signed_out_from_afar_at_once(self, house: House) -> None:
        theirs, client = through_the_door("clerk"), through_the_door("administrator")

        client.post(f"{LIST}{house.clerk.pk}/sessions/end/")

        assert theirs.get("/account/").status_code == 302
        assert "管理员让它退出" in client.get(f"{LIST}{house.clerk.pk}/").content.decode()


class TestClients:
    def test_get_a_key_that_is_shown_once_listed_and_revoked(self, house: House) -> None:
        client = through_the_door("administrator")
        made = client.post(
            f"{LIST}clients/add/", {"username": "bank-x", "name": "某银行", "org_unit": house.province.pk}
        )
        program = User.objects.get(username="bank-x")
        assert made["Location"] == f"{LIST}{program.pk}/" and program.kind == User.Kind.MACHINE

        shown = client.post(f"{LIST}{program.pk}/keys/add/", {"name": "生产"}).content.decode()

        key = re.search(r'id="new-key"[^>]*>([^<]+)<', shown)
        assert key is not None
        page = client.get(f"{LIST}{program.pk}/").content.decode()
        assert key[1].split(".")[0] in page and key[1].split(".")[1] not in page and "还没用过" in page
        headers = {"Authorization": f"Key {key[1]}"}
        assert Client().get("/api/v1/accounts/1/payments/", headers=headers).json()["code"] == "permission-denied"
        row = ApiKey.objects.get()
        assert row.last_used_at is not None
        client.post(f"{LIST}{program.pk}/keys/{row.pk}/revoke/")
        answer = Client().get("/api/v1/accounts/1/payments/", headers=headers)
        assert answer.json()["code"] == "authentication-failed"

    def test_members_of_staff_have_none(self, house: House) -> None:
        answer = through_the_door("administrator").post(f"{LIST}{house.clerk.pk}/keys/add/", {"name": "x"})

        assert answer.status_code == 404 and not ApiKey.objects.exists()


class TestWhoMay:
    PATHS = ("", "add/", "locks/", "clients/", "clients/add/", "roles/")

    def test_nobody_without_the_permission(self, house: House) -> None:
        client = through_the_door("clerk")

        assert {client.get(f"{LIST}{path}").status_code for path in self.PATHS} == {403}
        assert client.post(f"{LIST}{house.far.pk}/disable/").status_code == 403

    def test_only_within_ones_part_of_the_organisation(self, house: House) -> None:
        client = through_the_door("local")

        listed = client.get(LIST).content.decode()

        assert "陈静" in listed and "李敏" not in listed
        for act in ("", "edit/", "second-factors/"):
            assert client.get(f"{LIST}{house.far.pk}/{act}").status_code == 404
        for act in ("disable/", "enable/", "password/", "sessions/end/"):
            assert client.post(f"{LIST}{house.far.pk}/{act}").status_code == 404
        for _ in range(5):
            Client().post("/sign-in/", {"username": "far", "password": "wrong"})
        assert client.post(f"{LIST}locks/unlock/", {"username": "far"}).status_code == 404

    def test_every_page_opens_for_an_administrator(self, house: House) -> None:
        client = through_the_door("administrator")
        paths = (*self.PATHS, f"{house.clerk.pk}/", f"{house.clerk.pk}/edit/", f"roles/{house.role.pk}/")

        assert {client.get(f"{LIST}{path}").status_code for path in paths} == {200}

    def test_the_list_costs_the_same_however_many(self, house: House, django_assert_max_num_queries: Any) -> None:
        for number in range(40):
            make_user(f"clerk-{number:02}", house.county, "clerk")
        client = through_the_door("administrator")

        with django_assert_max_num_queries(8):
            first = client.get(LIST)

        assert "clerk-25" in first.content.decode() and "after=" in first.content.decode()
        assert "陈静" in client.get(f"{LIST}?text=陈").content.decode()


class TestAppointing:
    def test_adds_the_first_people_of_an_installation_from_the_shell(self) -> None:
        make_unit(None, OrgUnit.Kind.PROVINCE, "01", "一省")
        told = StringIO()

        call_command("appoint", "first", "administrator", "01", "--json", stdout=told)
        call_command("appoint", "first", "leader", "01", stdout=StringIO())

        user = User.objects.get(username="first")
        assert set(RoleGrant.objects.filter(user=user).values_list("role__code", flat=True)) == {
            "administrator",
            "leader",
        }
        answer = json.loads(told.getvalue())
        assert through_the_door("first", password=answer["password"]).get(LIST)["Location"] == "/account/password/"

    @pytest.mark.parametrize("wrong", [("first", "king", "01"), ("first", "leader", "99"), ("1x", "leader", "01")])
    def test_says_what_is_wrong_and_adds_nobody(self, wrong: tuple[str, str, str]) -> None:
        make_unit(None, OrgUnit.Kind.PROVINCE, "01", "一省")

        with pytest.raises(CommandError):
            call_command("appoint", *wrong)

        assert not User.objects.exists()


class TestTheSecondPerson:
    @pytest.mark.parametrize("way", ["password", "disable and enable"])
    def test_is_not_to_be_had_by_setting_their_password(self, house: House, way: str) -> None:
        who: dict[str, Any] = {
            "user_id": house.leader.pk,
            "by_id": house.administrator.pk,
            "within": [house.province.path],
            "at": timezone.now(),
        }
        act = people.reset_password if way == "password" else people.enable_person
        if way != "password":
            people.disable_person(**who)

        with pytest.raises(people.SecondPersonsPassword):
            act(**who)
        give_app(house.leader)

        assert act(**who)
