"""Inboxes, lost messages, letters: who sees what, and what a press does."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from config.shared import messaging
from config.shared.messaging import inbox, letters, templates
from config.shared.models import LetterBatch, Message, User
from tests.factories.messages import send_all
from tests.factories.world import World, small_world
from tests.integration.config.messaging.conftest import CODE, NOTICE, PHONE, Ask

pytestmark = pytest.mark.django_db

POSTAL = messaging.PostalAddress("欧阳㐂", ("江汉市东湖区楚天路 8 号", "3 栋 301 室"), "430000")


@pytest.fixture
def world() -> World:
    return small_world()


def signed_in(user_id: int) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=user_id), backend="django.contrib.auth.backends.ModelBackend")
    return client


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


class TestTheInboxInThePortal:
    def test_counts_shows_and_knows_what_was_read(self, world: World, ask: Ask) -> None:
        message = ask(to=messaging.Recipient(user_id=world.portal_user_id))
        client = signed_in(world.portal_user_id)

        assert "1 条未读" in text(client, "/my/messages/bell/")
        assert "通知 停电" in text(client, "/my/messages/")
        assert "请注意：停电。" in text(client, f"/my/messages/{message.pk}/")
        assert "未读" not in text(client, "/my/messages/bell/")

        read = Message.objects.get(pk=message.pk)
        assert read.state == "read" and read.read_at is not None

    def test_is_nobody_elses(self, world: World, ask: Ask) -> None:
        message = ask(to=messaging.Recipient(user_id=world.portal_user_id))
        stranger = User.objects.create_user("another", kind="customer")

        assert signed_in(stranger.pk).get(f"/my/messages/{message.pk}/").status_code == 404
        assert "通知 停电" not in text(signed_in(stranger.pk), "/my/messages/")
        assert signed_in(world.clerk_a_id).get(f"/my/messages/{message.pk}/").status_code == 404
        assert Message.objects.get(pk=message.pk).state == "delivered"

    def test_speaks_the_readers_language(self, world: World, ask: Ask) -> None:
        message = ask(to=messaging.Recipient(user_id=world.portal_user_id))

        shown = inbox.read_message(
            user_id=world.portal_user_id, message_id=message.pk, language="en", at=timezone.now()
        )

        assert shown.text == "Please note: 停电."

    def test_all_can_be_marked_at_once(self, world: World, ask: Ask) -> None:
        for number in range(3):
            ask(key=f"{number}", to=messaging.Recipient(user_id=world.portal_user_id))

        signed_in(world.portal_user_id).post("/my/messages/read/")

        assert inbox.unread_count(user_id=world.portal_user_id, at=timezone.now()) == 0

    def test_what_is_meant_for_later_is_not_there_yet(self, world: World, ask: Ask) -> None:
        now = timezone.now()
        ask(to=messaging.Recipient(user_id=world.portal_user_id), not_before=now + timedelta(hours=1))

        assert inbox.unread_count(user_id=world.portal_user_id, at=now) == 0
        assert inbox.unread_count(user_id=world.portal_user_id, at=now + timedelta(hours=1)) == 1

    def test_pages_by_key_with_a_fixed_number_of_statements(
        self, world: World, ask: Ask, django_assert_max_num_queries: Any
    ) -> None:
        for number in range(25):
            ask(key=f"{number}", to=messaging.Recipient(user_id=world.portal_user_id))
        client = signed_in(world.portal_user_id)

        with django_assert_max_num_queries(6):
            first = text(client, "/my/messages/")
        oldest = Message.objects.order_by("-pk")[19].pk
        assert f"?before={oldest}" in first
        assert text(client, f"/my/messages/?before={oldest}").count("通知 停电") == 5


class TestTheInboxOfStaff:
    def test_has_a_bell_on_every_page(self, world: World, ask: Ask) -> None:
        message = ask(to=messaging.Recipient(user_id=world.clerk_a_id))
        client = signed_in(world.clerk_a_id)

        assert 'hx-get="/console/inbox/bell/"' in text(client, "/console/search/")
        assert "1 条未读" in text(client, "/console/inbox/bell/")
        assert "请注意：停电。" in text(client, f"/console/inbox/{message.pk}/")
        assert "条未读" not in text(client, "/console/inbox/bell/")

    def test_is_not_for_customers(self, world: World) -> None:
        assert signed_in(world.portal_user_id).get("/console/inbox/").status_code == 404


class TestLostMessages:
    @pytest.fixture
    def lost(self, ask: Ask, outside: Any) -> Message:
        outside.sms.behaviour.refuse = ["isv.BLACK_KEY_CONTROL_LIMIT"]
        message = ask(to=messaging.Recipient(phone=PHONE))
        send_all(now=timezone.now())
        return message

    def test_say_why_and_show_no_number(self, world: World, lost: Message) -> None:
        page = text(signed_in(world.manager_id), "/console/messages/")

        assert "号码在拒收名单里" in page and "120****1234" in page and PHONE not in page

    def test_can_be_sent_again(self, world: World, lost: Message, outside: Any) -> None:
        signed_in(world.manager_id).post(f"/console/messages/{lost.pk}/resend/")
        send_all(now=timezone.now())

        assert Message.objects.get(pk=lost.pk).state == "sent" and len(outside.shelf.all()) == 1

    def test_are_not_for_everybody(self, world: World, lost: Message) -> None:
        clerk = signed_in(world.clerk_a_id)

        assert clerk.get("/console/messages/").status_code == 403
        assert clerk.post(f"/console/messages/{lost.pk}/resend/").status_code == 403
        assert Message.objects.get(pk=lost.pk).state == "failed"

    def test_never_show_a_code(self, world: World, ask: Ask, outside: Any) -> None:
        outside.sms.behaviour.refuse = ["isv.MOBILE_NUMBER_ILLEGAL"]
        ask(template=CODE.code, parameters={"code": "918273"})
        send_all(now=timezone.now())

        page = text(signed_in(world.manager_id), "/console/messages/")
        assert "••••••" in page and "918273" not in page and "重发" not in page.split("lost-messages")[1]


class TestMessagesOfAnAccount:
    def test_stand_in_the_customers_page_masked_and_without_codes_on_their_way(self, world: World, ask: Ask) -> None:
        account = world.residential
        ask(account_id=account.account_id)
        ask(key="2", template=CODE.code, parameters={"code": "918273"}, account_id=account.account_id)
        ask(key="3", account_id=world.commercial.account_id, parameters={"what": "别人的事"})

        page = text(signed_in(world.clerk_b_id), f"/console/accounts/{account.account_no}/messages/")

        assert "通知 停电" in page and "120****1234" in page and "等待发送" in page
        assert not any(word in page for word in ("918273", PHONE, "别人的事"))

    def test_have_their_place_in_the_360(self, world: World) -> None:
        account_no = world.residential.account_no

        assert f"/console/accounts/{account_no}/messages/" in text(
            signed_in(world.clerk_b_id), f"/console/accounts/{account_no}/"
        )


class TestLetters:
    @pytest.fixture
    def two(self, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> list[Message]:
        by_post = templates.Template(
            **{**NOTICE.__dict__, "code": "tests-letter", "channels": ("letter",), "zh": "请注意：{what}。\n谢谢。"}
        )
        monkeypatch.setitem(templates.TEMPLATES, by_post.code, by_post)
        to = messaging.Recipient(postal=POSTAL)
        return [ask(template=by_post.code, key="1", to=to), ask(template=by_post.code, key="2", to=to)]

    def test_wait_for_people_and_no_worker_takes_them(self, two: list[Message]) -> None:
        assert send_all(now=timezone.now() + timedelta(days=30)) == 0
        assert letters.waiting_count() == 2

    def test_go_through_the_print_room(self, world: World, two: list[Message]) -> None:
        client = signed_in(world.manager_id)

        client.post("/console/messages/letters/make/")
        batch = LetterBatch.objects.get()
        client.post(f"/console/messages/letters/{batch.pk}/done/", {"done": "posted"})
        assert not Message.objects.filter(state="sent").exists(), "posted before it was printed"
        client.post(f"/console/messages/letters/{batch.pk}/done/", {"done": "printed"})
        client.post(f"/console/messages/letters/{batch.pk}/done/", {"done": "posted"})
        client.post(f"/console/messages/letters/{batch.pk}/done/", {"done": "posted"})

        assert Message.objects.filter(state="sent", batch=batch).count() == 2
        assert "430000" not in text(client, "/console/messages/letters/")

    def test_are_one_sheet_each_with_the_address_in_the_window(self, two: list[Message], world: World) -> None:
        batch_id = letters.make_batch(made_by_id=world.manager_id, at=timezone.now())

        pdf = letters.print_batch(batch_id=batch_id)

        pypdf = pytest.importorskip("pypdf")
        pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]
        assert len(pages) == 2
        assert all("楚天路 8 号" in page and "㐂" in page and "请注意：停电。" in page for page in pages)

    def test_are_put_into_one_batch_only(self, two: list[Message], world: World) -> None:
        letters.make_batch(made_by_id=world.manager_id, at=timezone.now())

        with pytest.raises(letters.NothingToPrint):
            letters.make_batch(made_by_id=world.manager_id, at=timezone.now())

    def test_addresses_are_for_those_who_print(self, two: list[Message], world: World) -> None:
        batch_id = letters.make_batch(made_by_id=world.manager_id, at=timezone.now())

        for user_id, status in ((world.clerk_a_id, 403), (world.portal_user_id, 404)):
            assert signed_in(user_id).get(f"/console/messages/letters/{batch_id}/letters.pdf").status_code == status
