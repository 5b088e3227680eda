"""Reading is audited: every page that shows a record leaves a trace, the customer sees it and may ask about it."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from cis.operations import customers
from cis.queries import audit
from config.shared import looks
from config.shared.models import Look, LookQuestion, PersonalDataAccess, User
from tests.factories.bills import issue
from tests.factories.portal import bind, end_all
from tests.factories.world import World, make_user, small_world
from tests.integration.payments import pay

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return small_world()


def client(user_id: int) -> Client:
    browser = Client()
    browser.force_login(User.objects.get(pk=user_id), "django.contrib.auth.backends.ModelBackend")
    return browser


def look(world: World, user_id: int, at: datetime, account_id: int | None = None, page: str = "cis:account") -> None:
    looks.note_look(
        user_id=user_id,
        org_unit_id=world.hall_a_id,
        role="clerk",
        subject=audit.record_of(account_id or world.residential.account_id),
        page=page,
        came_from="",
        at=at,
    )


@pytest.mark.acceptance("F168")
class TestReadingIsAudited:
    def test_every_customer_page_opened_is_kept_with_who_whose_where_and_from_which_page(self, world: World) -> None:
        clerk = client(world.clerk_b_id)
        number = world.residential.account_no

        found = clerk.post("/console/search/", {"q": "张三"})
        clerk.get(found["Location"], HTTP_REFERER="http://testserver/console/search/")

        seen = Look.objects.get()
        assert found["Location"].endswith(f"/{number}/")
        assert (seen.user_id, seen.org_unit_id, seen.role) == (world.clerk_b_id, world.hall_b_id, "clerk")
        assert (seen.subject, seen.page, seen.came_from) == (
            f"account:{world.residential.account_id}",
            "cis:account",
            "cis:search",
        )
        assert seen.request_id

    def test_a_page_that_is_not_there_or_not_allowed_leaves_none(self, world: World) -> None:
        client(world.clerk_a_id).get("/console/accounts/0000000000/")
        client(world.stranger_id).get(f"/console/accounts/{world.residential.account_no}/")

        assert not Look.objects.exists()

    def test_what_customers_open_is_their_own(self, world: World) -> None:
        client(world.portal_user_id).get("/my/")

        assert not Look.objects.exists()

    def test_a_trace_that_cannot_be_written_does_not_take_the_page_away(
        self, world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(audit, "record_of", lambda account_id: f"account:{account_id}".ljust(90, "x"))
        monkeypatch.setattr("cis.web.customers.record_of", audit.record_of)

        answer = client(world.clerk_a_id).get(f"/console/accounts/{world.residential.account_no}/")

        assert answer.status_code == 200 and world.residential.account_no in answer.content.decode()
        assert "a look was not recorded" in caplog.text

    def test_nobody_edits_or_deletes_what_was_seen(self, world: World) -> None:
        look(world, world.clerk_a_id, timezone.now())

        for act in (lambda: Look.objects.update(page="x"), lambda: Look.objects.all().delete()):
            with pytest.raises(DatabaseError), transaction.atomic():
                act()

    def test_old_traces_go_by_the_setting_and_young_ones_never(self, world: World) -> None:
        now = timezone.now()
        for days in (0, 170, 400):
            look(world, world.clerk_a_id, now - timedelta(days=days))

        gone = [looks.prune_looks(before=now - timedelta(days=days)) for days in (500, 300, 0)]

        assert gone == [0, 1, 0]
        assert Look.objects.count() == 2


@pytest.mark.django_db(transaction=True)
class TestTheTrace:
    def test_costs_one_statement(self, django_assert_num_queries: Any) -> None:
        world = small_world()

        with django_assert_num_queries(1):
            look(world, world.clerk_a_id, timezone.now())

        assert Look.objects.count() == 1

    def test_holds_a_page_up_for_a_moment_only_when_its_table_is_locked(self, owner_connection: Any) -> None:
        world = small_world()
        with owner_connection.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("LOCK TABLE shared_look IN ACCESS EXCLUSIVE MODE")

            answer = client(world.clerk_a_id).get(f"/console/accounts/{world.residential.account_no}/")

            cursor.execute("ROLLBACK")
        assert answer.status_code == 200
        assert not Look.objects.exists()


@pytest.mark.acceptance("F90")
class TestTheCustomer:
    def page(self, user_id: int) -> str:
        return html.unescape(client(user_id).get("/my/who-looked/").content.decode())

    def test_sees_hall_role_staff_number_moment_what_and_why(self, world: World) -> None:
        client(world.clerk_b_id).get(f"/console/accounts/{world.residential.account_no}/")
        customers.reveal_personal_data(
            account_no=world.residential.account_no,
            user_id=world.manager_id,
            reason="核对来电人身份",
            at=timezone.now(),
        )

        text = self.page(world.portal_user_id)

        assert "临江营业厅" in text and "柜员" in text and looks.staff_number(world.clerk_b_id) in text
        assert "客户总览" in text and "办理业务" in text
        assert "东湖营业厅" in text and "电话、证件号码、门牌" in text and "核对来电人身份" in text
        assert "李敏" not in text and "王主任" not in text, "staff are known by their number"

    def test_sees_nothing_of_others(self, world: World) -> None:
        look(world, world.clerk_a_id, timezone.now(), account_id=world.commercial.account_id)
        customers.reveal_personal_data(
            account_no=world.commercial.account_no, user_id=world.manager_id, reason="别人的原因", at=timezone.now()
        )

        text = self.page(world.portal_user_id)

        assert "还没有员工看过" in text and "别人的原因" not in text

    def test_who_only_rents_is_not_told_what_was_seen_of_the_owner(self, world: World) -> None:
        end_all(world.portal_user_id, at=world.at)
        bind(world.portal_user_id, world.residential.account_id, "tenant")
        look(world, world.clerk_a_id, timezone.now() - timedelta(hours=2))
        customers.reveal_personal_data(
            account_no=world.residential.account_no, user_id=world.manager_id, reason="只关户主", at=timezone.now()
        )

        text = self.page(world.portal_user_id)

        assert "客户总览" in text and "只关户主" not in text

    def test_pages_of_one_visit_are_told_as_one(self, world: World) -> None:
        start = timezone.now() - timedelta(days=1)
        for minutes, page in ((0, "cis:account"), (2, "cis:bill"), (3, "cis:bill"), (60, "cis:account")):
            look(world, world.clerk_a_id, start + timedelta(minutes=minutes), page=page)

        visits, more = looks.list_visits(audit.record_of(world.residential.account_id), before=timezone.now())

        assert more is None
        assert [visit.pages for visit in visits] == [("cis:account",), ("cis:bill", "cis:account")]

    def test_a_long_list_goes_on(self, world: World) -> None:
        start = timezone.now() - timedelta(days=9)
        for day in range(5):
            look(world, world.clerk_a_id, start + timedelta(days=day))
        record, before, seen = audit.record_of(world.residential.account_id), timezone.now(), 0

        while True:
            visits, more = looks.list_visits(record, before=before, limit=2)
            seen += len(visits)
            if more is None:
                break
            before = more

        assert seen == 5

    def test_asks_about_a_look_and_reads_the_answer(self, world: World) -> None:
        look(world, world.clerk_a_id, timezone.now())
        browser = client(world.portal_user_id)
        page = browser.get("/my/who-looked/").content.decode()
        key = re.search(r'name="about_at" value="([^"]+)"', page)
        assert key is not None
        fields = {"about_user": world.clerk_a_id, "about_at": html.unescape(key[1]), "text": "我没有来过营业厅"}

        empty = browser.post("/my/who-looked/ask/", {**fields, "text": " "})
        asked = browser.post("/my/who-looked/ask/", fields)
        again = browser.post("/my/who-looked/ask/", fields, follow=True).content.decode()
        auditor = client(world.administrator_id)
        waiting = auditor.get("/console/audit/").content.decode()
        question = LookQuestion.objects.get()
        auditor.post(f"/console/audit/questions/{question.pk}/answer/", {"answer": "您拨打过 95598，坐席代查账单。"})

        assert (empty.status_code, asked.status_code) == (422, 302)
        assert "已经有人问过" in again
        assert "我没有来过营业厅" in waiting and world.residential.account_no in waiting
        assert "坐席代查账单" in self.page(world.portal_user_id)

    def test_cannot_ask_about_a_look_at_somebody_else(self, world: World) -> None:
        at = timezone.now()
        look(world, world.clerk_a_id, at, account_id=world.commercial.account_id)

        answer = client(world.portal_user_id).post(
            "/my/who-looked/ask/", {"about_user": world.clerk_a_id, "about_at": at.isoformat(), "text": "为什么"}
        )

        assert answer.status_code == 404 and not LookQuestion.objects.exists()

    def test_is_not_answered_by_who_looked(self, world: World) -> None:
        at = timezone.now()
        look(world, world.administrator_id, at)
        looks.ask_about(
            record=audit.record_of(world.residential.account_id),
            persons=(),
            about_user_id=world.administrator_id,
            about_at=at,
            asked_by_id=world.portal_user_id,
            text="为什么",
            at=at,
        )
        question = LookQuestion.objects.get()

        with pytest.raises(looks.OwnLook):
            looks.answer_question(question_id=question.pk, text="没什么", answered_by_id=world.administrator_id, at=at)
        with pytest.raises(IntegrityError, match="answered_by_somebody_else"), transaction.atomic():
            LookQuestion.objects.update(answer="没什么", answered_by_id=world.administrator_id, answered_at=at)


@pytest.mark.acceptance("F168")
class TestTheAuditor:
    DAY = datetime(2026, 2, 3, 2, tzinfo=UTC)

    def days(self, world: World) -> list[audit.StaffDay]:
        return audit.list_staff_days(within=["/"], since=self.DAY.date(), until=self.DAY.date() + timedelta(days=2))

    def test_finds_first_who_looked_at_many_and_served_none(self, world: World, settings: Any) -> None:
        settings.AUDIT_MANY_NOT_SERVED = 3
        issue(world, 1_000)
        pay(world, fen=1_000, at=self.DAY)
        for account in world.accounts:
            look(world, world.clerk_b_id, self.DAY, account_id=account.account_id)
        for account in world.accounts[:3]:
            look(world, world.clerk_a_id, self.DAY, account_id=account.account_id)

        found = self.days(world)

        assert [(row.name, row.records, row.not_served, row.is_unusual) for row in found] == [
            ("李敏", 4, 4, True),
            ("陈静", 3, 2, False),
        ]

    def test_finds_who_looked_in_the_night(self, world: World, settings: Any) -> None:
        settings.AUDIT_FEW_OUTSIDE_HOURS = 1
        look(world, world.clerk_a_id, self.DAY.replace(hour=14))
        look(world, world.clerk_b_id, self.DAY.replace(hour=2), account_id=world.commercial.account_id)

        found = {row.user_id: (row.outside_hours, row.is_unusual) for row in self.days(world)}

        assert found == {world.clerk_a_id: (1, True), world.clerk_b_id: (0, False)}

    def test_sees_a_record_and_a_member_of_staff_look_by_look_with_reasons(self, world: World) -> None:
        clerk = client(world.clerk_a_id)
        clerk.get(f"/console/accounts/{world.residential.account_no}/")
        customers.reveal_personal_data(
            account_no=world.residential.account_no, user_id=world.manager_id, reason="核对身份", at=timezone.now()
        )
        auditor = client(world.administrator_id)

        of_record = auditor.get("/console/audit/", {"account_no": world.residential.account_no}).content.decode()
        of_staff = auditor.get("/console/audit/", {"staff": "clerk_a"}).content.decode()
        nobody = auditor.get("/console/audit/", {"staff": "no_one"}).content.decode()

        assert "陈静" in of_record and "王主任" in of_record and "核对身份" in of_record and "客户总览" in of_record
        assert "客户总览" in of_staff and "核对身份" not in of_staff
        assert "没有找到这位员工" in nobody

    def test_sees_only_the_staff_of_their_own_part(self, world: World) -> None:
        look(world, world.clerk_a_id, timezone.now())
        look(world, world.clerk_b_id, timezone.now())
        unit = User.objects.get(pk=world.clerk_b_id).org_unit
        assert unit is not None and unit.parent is not None
        officer = client(make_user("officer_b", unit.parent, "audit-officer").pk)

        page = officer.get("/console/audit/").content.decode()
        other = officer.get("/console/audit/", {"staff": "clerk_a"}).content.decode()

        assert "李敏" in page and "陈静" not in page
        assert "没有找到这位员工" in other

    def test_reasons_hide_numbers_typed_into_them(self, world: World) -> None:
        customers.reveal_personal_data(
            account_no=world.residential.account_no,
            user_id=world.manager_id,
            reason="机主 13812345678 来电",
            at=timezone.now(),
        )

        assert PersonalDataAccess.objects.get().reason == "机主 138****5678 来电"
