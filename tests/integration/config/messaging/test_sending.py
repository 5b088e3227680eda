"""Messages are rows first, go once, keep to limits and quiet hours, and forget their secrets."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from config.shared import messaging
from config.shared.messaging import delivery
from config.shared.messaging.sending import AskedOutsideTransaction
from config.shared.models import Message, MessageAttempt, User
from tests.factories.messages import parameters_of, send_all
from tests.integration.config.messaging.conftest import CODE, NOTICE, PHONE, QUIET, Ask

pytestmark = pytest.mark.django_db
committing = pytest.mark.django_db(transaction=True)

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
LATE_EVENING = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
"""23:30 in Shanghai."""


def now_of(message: Message) -> Message:
    return Message.objects.get(pk=message.pk)


class TestAsking:
    def test_writes_a_row_that_waits(self, ask: Ask) -> None:
        message = ask()

        assert (message.state, message.channel, message.recipient, message.attempts) == ("waiting", "sms", PHONE, 0)

    def test_seals_who_and_what_in_the_database(self, ask: Ask) -> None:
        message = ask(parameters={"what": "张三欠费"})

        with connection.cursor() as cursor:
            cursor.execute("SELECT m::text FROM shared_message m WHERE id = %s", [message.pk])
            stored = cursor.fetchone()[0]
        assert PHONE not in stored and "张三" not in stored

    @committing
    def test_needs_a_transaction(self, own_templates: None) -> None:
        with pytest.raises(AskedOutsideTransaction):
            messaging.send(
                template=NOTICE.code,
                to=messaging.Recipient(phone=PHONE),
                parameters={"what": "x"},
                dedupe_key="k",
                at=NOON,
            )

    def test_of_what_did_not_happen_leaves_nothing(self, ask: Ask) -> None:
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            ask()
            raise ZeroDivisionError

        assert not Message.objects.exists()

    def test_the_same_key_is_the_same_message(self, ask: Ask) -> None:
        first, again = ask(), ask(parameters={"what": "别的"})

        assert first.pk == again.pk and parameters_of(again) == {"what": "停电"}

    @committing
    def test_eight_at_once_make_one(self, ask: Ask, outside: Any) -> None:
        barrier = threading.Barrier(8)

        def one(_number: int) -> int:
            barrier.wait()
            made = ask().pk
            connection.close()
            return made

        with ThreadPoolExecutor(8) as pool:
            made = set(pool.map(one, range(8)))

        assert len(made) == 1 and Message.objects.count() == 1

    def test_whoever_cannot_be_reached_is_refused(self, ask: Ask) -> None:
        with pytest.raises(messaging.Unreachable):
            ask(to=messaging.Recipient(phone="027-88880000"))

    def test_takes_the_first_way_there_is(self, ask: Ask) -> None:
        assert ask(to=messaging.Recipient(phone="027-88880000", email="z@example.cn")).channel == "email"

    def test_many_at_once_take_a_fixed_number_of_statements(
        self, own_templates: None, django_assert_num_queries: Any
    ) -> None:
        def some(count: int) -> list[messaging.BulkMessage]:
            return [
                messaging.BulkMessage(messaging.Recipient(phone=f"1200000{n:04d}"), {"what": "停电"}, f"bulk:{n}")
                for n in range(count)
            ]

        with django_assert_num_queries(12) as few, transaction.atomic():
            assert messaging.send_many(template=NOTICE.code, channel="sms", messages=some(3), at=NOON) == 3
        with django_assert_num_queries(len(few)), transaction.atomic():
            assert messaging.send_many(template=NOTICE.code, channel="sms", messages=some(300), at=NOON) == 297
        one = Message.objects.get(dedupe_key="bulk:7")
        assert (one.recipient, parameters_of(one), one.state) == ("12000000007", {"what": "停电"}, "waiting")


class TestSending:
    def test_hands_it_to_the_provider_once(self, ask: Ask, outside: Any) -> None:
        message = ask()

        send_all(now=timezone.now())
        send_all(now=timezone.now() + timedelta(hours=1))

        kept = outside.shelf.all(channel="sms")
        assert [(one.to, one.text, one.out_id) for one in kept] == [
            (PHONE, "【示范电力】请注意：停电。", str(message.uid))
        ]
        sent = now_of(message)
        assert (sent.state, sent.provider_id, sent.attempts) == ("sent", kept[0].details["biz_id"], 1)
        assert sent.tries.get().outcome == MessageAttempt.Outcome.ACCEPTED

    @committing
    def test_two_workers_send_it_once(self, ask: Ask, outside: Any) -> None:
        for number in range(6):
            ask(key=f"key-{number}", to=messaging.Recipient(phone=f"1200000000{number}"))
        barrier = threading.Barrier(4)

        def work(_number: int) -> None:
            barrier.wait()
            send_all(now=timezone.now())
            connection.close()

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(4)))

        assert len(outside.shelf.all()) == 6 and Message.objects.filter(state="sent").count() == 6

    def test_speaks_the_recipients_language(self, ask: Ask, outside: Any) -> None:
        ask(to=messaging.Recipient(phone=PHONE, language="en"))

        send_all(now=timezone.now())

        assert outside.shelf.all()[0].text == "【示范电力】Please note: 停电."

    def test_waits_while_the_provider_is_away_and_longer_each_time(self, ask: Ask, settings: Any) -> None:
        settings.SMS_ENDPOINT = "http://127.0.0.1:9/sms/"
        message, now, waits = ask(), timezone.now(), []

        for _ in range(3):
            send_all(now=now)
            due = now_of(message).due_at
            assert due is not None
            waits.append(due - now)
            now = due

        assert waits == [timedelta(seconds=5), timedelta(seconds=10), timedelta(seconds=20)]
        assert now_of(message).state == "waiting"

    def test_is_given_up_in_the_end_and_says_why(self, ask: Ask, settings: Any) -> None:
        settings.SMS_ENDPOINT = "http://127.0.0.1:9/sms/"
        message, now = ask(), timezone.now()

        for hour in range(20):
            send_all(now=now + timedelta(hours=hour))

        lost = now_of(message)
        assert (lost.state, lost.failure) == ("given-up", "ConnectionRefusedError")
        assert lost.attempts == delivery.MAX_ATTEMPTS

    def test_refused_goes_the_next_way(self, ask: Ask, outside: Any) -> None:
        outside.sms.behaviour.refuse = ["isv.BLACK_KEY_CONTROL_LIMIT"]
        message = ask(to=messaging.Recipient(phone=PHONE, email="z@example.cn"))

        send_all(now=timezone.now() + timedelta(seconds=1))

        assert now_of(message).state == "failed" and now_of(message).failure == "isv.BLACK_KEY_CONTROL_LIMIT"
        other = Message.objects.get(instead_of=message)
        assert (other.channel, other.recipient, other.state) == ("email", "z@example.cn", "sent")
        assert [one.to for one in outside.shelf.all()] == ["z@example.cn"]

    def test_a_person_can_send_a_lost_one_again(self, ask: Ask, outside: Any) -> None:
        outside.sms.behaviour.refuse = ["isv.BLACK_KEY_CONTROL_LIMIT"]
        message = ask()
        send_all(now=timezone.now())

        delivery.retry(message_id=message.pk, at=timezone.now())
        send_all(now=timezone.now())

        assert now_of(message).state == "sent" and len(outside.shelf.all()) == 1
        with pytest.raises(delivery.CannotRetry):
            delivery.retry(message_id=message.pk, at=timezone.now())


class TestQuietHours:
    @pytest.fixture(autouse=True)
    def _hold(self, settings: Any) -> None:
        settings.MESSAGE_QUIET_HOURS = ("22:00", "08:00")

    def test_what_can_wait_waits_for_the_morning(self, ask: Ask, outside: Any) -> None:
        message = ask(template=QUIET.code, at=LATE_EVENING)

        assert message.due_at == datetime(2026, 11, 21, 0, 0, tzinfo=UTC), "08:00 in Shanghai"
        assert send_all(now=LATE_EVENING) == 0

    def test_what_is_urgent_goes(self, ask: Ask) -> None:
        assert ask(at=LATE_EVENING).due_at == LATE_EVENING

    def test_what_was_held_up_into_the_night_waits_too(self, ask: Ask, outside: Any) -> None:
        message = ask(template=QUIET.code, at=LATE_EVENING - timedelta(hours=3))

        send_all(now=LATE_EVENING)

        assert now_of(message).due_at == datetime(2026, 11, 21, 0, 0, tzinfo=UTC)
        assert not outside.shelf.all()

    def test_can_be_none(self, ask: Ask, settings: Any) -> None:
        settings.MESSAGE_QUIET_HOURS = ("00:00", "00:00")

        assert ask(template=QUIET.code, at=LATE_EVENING).due_at == LATE_EVENING


class TestLimits:
    def test_one_code_a_minute_to_a_number(self, ask: Ask, outside: Any) -> None:
        now = timezone.now()
        first, second = ask(template=CODE.code, key="1"), ask(template=CODE.code, key="2")

        send_all(now=now + timedelta(seconds=1))

        assert (now_of(first).state, now_of(second).state) == ("sent", "waiting")
        due = now_of(second).due_at
        assert due is not None and timedelta(seconds=59) < due - now < timedelta(seconds=62)
        assert len(outside.shelf.all()) == 1 and outside.sms.requests == 1, "the provider was not even asked"

    @committing
    def test_hold_between_two_workers(self, ask: Ask, outside: Any) -> None:
        for number in range(4):
            ask(template=CODE.code, key=f"{number}")
        barrier = threading.Barrier(4)

        def work(_number: int) -> None:
            barrier.wait()
            send_all(now=timezone.now())
            connection.close()

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(4)))

        assert outside.sms.requests == 1

    def test_another_number_is_not_concerned(self, ask: Ask, outside: Any) -> None:
        ask(template=CODE.code, key="1")
        ask(template=CODE.code, key="2", to=messaging.Recipient(phone="12000009999"))

        send_all(now=timezone.now())

        assert len(outside.shelf.all()) == 2

    def test_what_would_come_too_late_is_given_up(self, ask: Ask, outside: Any) -> None:
        outside.sms.behaviour.is_throttling = False
        now = timezone.now()
        for number in range(6):
            ask(template=CODE.code, key=f"{number}", at=now)
        for minute in range(5):
            send_all(now=now + timedelta(seconds=61 * minute + 1))

        assert Message.objects.filter(state="sent").count() == 5
        lost = Message.objects.get(state="given-up")
        assert (lost.failure, parameters_of(lost), lost.attempts) == ("limited", {}, 0)

    def test_the_providers_own_no_waits_a_minute(self, ask: Ask, outside: Any) -> None:
        outside.sms.behaviour.refuse = ["isv.BUSINESS_LIMIT_CONTROL"]
        message, now = ask(), timezone.now() + timedelta(seconds=1)

        send_all(now=now)

        held = now_of(message)
        assert (held.state, held.due_at, held.sent_at) == ("waiting", now + timedelta(minutes=1), None)
        assert held.tries.get().answer == "isv.BUSINESS_LIMIT_CONTROL"


class TestSecrets:
    def test_are_erased_once_sent_and_the_fact_is_kept(self, ask: Ask, outside: Any) -> None:
        message = ask(template=CODE.code)

        send_all(now=timezone.now())

        sent = now_of(message)
        assert sent.erased_at is not None and parameters_of(sent) == {}
        assert "123456" in outside.shelf.all()[0].text

    def test_are_erased_when_too_old_to_be_sent(self, ask: Ask, settings: Any) -> None:
        settings.SMS_ENDPOINT = "http://127.0.0.1:9/sms/"
        message, now = ask(template=CODE.code), timezone.now()
        send_all(now=now + timedelta(seconds=1))

        delivery.sweep(now=now + timedelta(minutes=6))

        assert (now_of(message).state, parameters_of(now_of(message))) == ("given-up", {})

    def test_cannot_be_sent_again(self, ask: Ask, outside: Any) -> None:
        outside.sms.behaviour.refuse = ["isv.MOBILE_NUMBER_ILLEGAL"]
        message = ask(template=CODE.code)
        send_all(now=timezone.now())

        with pytest.raises(delivery.CannotRetry):
            delivery.retry(message_id=message.pk, at=timezone.now())

    def test_never_reach_the_log(self, ask: Ask, outside: Any, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("DEBUG")
        outside.sms.behaviour.refuse = ["isv.MOBILE_NUMBER_ILLEGAL"]
        ask(template=CODE.code, parameters={"code": "918273"})
        ask(key="2", parameters={"what": "张三"}, to=messaging.Recipient(phone="12000007777", email="zs@example.cn"))
        send_all(now=timezone.now())

        said = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
        assert "message tried" in said
        assert not any(word in said for word in ("918273", PHONE, "12000007777", "张三", "zs@example.cn"))


class TestInbox:
    def test_being_written_is_being_delivered(self, ask: Ask) -> None:
        user = User.objects.create_user("reader", kind="customer")

        message = ask(to=messaging.Recipient(user_id=user.pk))

        assert (message.channel, message.state, message.recipient, message.due_at) == ("in_app", "delivered", "", None)
