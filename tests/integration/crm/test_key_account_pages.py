"""The plan on one page, edited in versions; hand-overs by a leader; objections and overrides through their pages."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pypdf import PdfReader

from config.shared.models import OrgUnit, User
from crm.emergency_plans import Load, PlanContent
from crm.models import EmergencyPlan, ManagerAssignment, TagObjection
from crm.operations import key_accounts, profiles
from crm.operations.demo import _plan
from crm.operations.emergencies import NotKeyAccount, take_emergency
from crm.operations.emergency_plans import PlanIsStale, PlanRefused, write_plan
from tests.factories.staff import prove
from tests.factories.world import World, make_user, small_world


@pytest.fixture
def world(db: None) -> World:
    """A key account with its manager."""
    world, now = small_world(), timezone.now()
    province = OrgUnit.objects.get(pk=world.province_id)
    manager = make_user("keymanager", province, "key-account-manager", "何敬业")
    make_user("leader", province, "leader", "郑明远")
    make_user("other", province, "key-account-manager", "周代理")
    key_accounts.name_key_account(
        account_id=world.commercial.account_id,
        manager_id=manager.pk,
        deputy_id=None,
        telephone="027-80000000",
        reason="大客户",
        from_at=now - timedelta(days=1),
        by_id=None,
        at=now,
    )
    return world


def as_user(username: str) -> Client:
    """Their browser, having proved who they are."""
    client = Client()
    client.force_login(User.objects.get(username=username))
    prove(client)
    return client


class TestPlan:
    def test_a_full_plan_is_one_page_of_paper(self, world: World) -> None:
        write_plan(
            account_id=world.commercial.account_id, content=_plan(800, 1), from_version=0, changed_what="第一版",
            by_id=None, at=timezone.now(),
        )  # fmt: skip

        answer = as_user("keymanager").get(f"/console/accounts/{world.commercial.account_no}/plan/plan.pdf")

        paper = PdfReader(io.BytesIO(answer.content))
        assert len(paper.pages) == 1
        text = paper.pages[0].extract_text()
        assert all(word in text for word in ("供电电源", "内部配电", "主要设备", "其中保安负荷", "处置步骤", "联系人"))

    def test_is_edited_into_a_new_version_and_a_stale_form_is_refused(self, world: World) -> None:
        client, address = as_user("keymanager"), f"/console/accounts/{world.commercial.account_no}/plan/edit/"
        form = {
            "from_version": "0",
            "changed_what": "第一版",
            "distribution": "单母线",
            "steps": "",
            "dangers": "",
            "way_in": "",
        }
        for name in ("sources", "equipment", "loads", "generators", "contacts"):
            form |= {f"{name}-TOTAL_FORMS": "1", f"{name}-INITIAL_FORMS": "0"}
        form |= {"loads-0-name": "水泵", "loads-0-load_kw": "45", "loads-0-security_kw": "15"}

        assert client.post(address, form).status_code == 302
        again = client.post(address, form)

        kept = EmergencyPlan.objects.get()
        assert (kept.version, kept.content["loads"][0]["security_kw"]) == (1, 15) and kept.written_by is not None
        assert again.status_code == 422
        with pytest.raises(PlanIsStale):
            write_plan(
                account_id=world.commercial.account_id, content=PlanContent(), from_version=0, changed_what="x",
                by_id=None, at=timezone.now(),
            )  # fmt: skip
        with pytest.raises(PlanRefused):
            write_plan(
                account_id=world.commercial.account_id, content=PlanContent(loads=(Load("泵", 1, 2, ""),)),
                from_version=1, changed_what="x", by_id=None, at=timezone.now(),
            )  # fmt: skip


class TestPages:
    def test_a_leader_hands_over_and_a_manager_may_not(self, world: World) -> None:
        address = f"/console/accounts/{world.commercial.account_no}/manager/"
        other = User.objects.get(username="other").pk
        said = {"manager": other, "deputy": "", "telephone": "", "from_at": "", "reason": "轮岗"}

        assert as_user("keymanager").post(address, said).status_code == 403
        assert as_user("leader").post(address, said).status_code == 302

        assert list(ManagerAssignment.objects.order_by("pk").values_list("manager__username", flat=True)) == [
            "keymanager",
            "other",
        ]

    def test_one_named_from_next_week_is_shown_handed_over_and_ended(self, world: World) -> None:
        home, now, leader = world.residential, timezone.now(), as_user("leader")
        address = f"/console/accounts/{home.account_no}/manager/"
        people = {name: User.objects.get(username=name).pk for name in ("keymanager", "other")}
        said = {"manager": people["keymanager"], "deputy": "", "telephone": "", "reason": "新投产"}

        def on(days: int) -> str:
            return timezone.localtime(now + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M")

        assert leader.post(address, {**said, "from_at": on(7)}).status_code == 302
        part = leader.get(f"/console/accounts/{home.account_no}/key-account/").content.decode()
        listed = leader.get("/console/key-accounts/").content.decode()
        assert leader.post(address, {**said, "manager": people["other"], "from_at": on(9)}).status_code == 302
        ended = leader.post(address, {"end": "1", "end-ends_at": on(30), "end-reason": "搬迁"})

        assert "何敬业" in part and home.account_no in listed
        assert ended.status_code == 302
        rows = ManagerAssignment.objects.filter(key_account__account_id=home.account_id).order_by("pk")
        assert [row.manager_id for row in rows] == [people["keymanager"], people["other"]]
        assert rows[1].key_account.end_reason == "搬迁" and rows[1].valid.upper == rows[1].key_account.ended_at
        with pytest.raises(NotKeyAccount, match="起才是大客户"):
            take_emergency(
                account_no=home.account_no, channel="telephone", request_key="k", what="失电", caller="",
                received_by_id=people["other"], at=now,
            )  # fmt: skip

    def test_an_objection_is_noted_shown_and_answered(self, world: World) -> None:
        profiles.recompute_profile(account_id=world.commercial.account_id, at=timezone.now())
        page = f"/console/accounts/{world.commercial.account_no}/profile/"
        clerk = as_user("clerk_a")

        assert clerk.post(page + "objection/", {"code": "basic.class", "reason": "我们是工业"}).status_code == 302
        noted = TagObjection.objects.get()
        assert "有异议" in clerk.get(page).content.decode()
        assert clerk.post(page + "objection/", {"code": "basic.class", "reason": "再说一次"}).status_code == 422
        manager = as_user("keymanager")
        answer = manager.post(f"{page}objections/{noted.pk}/", {"outcome": "已核实，合同是商业"})

        assert answer.status_code == 302
        noted.refresh_from_db()
        assert noted.closed_at is not None and noted.outcome
        assert "有异议" not in manager.get(page).content.decode()
