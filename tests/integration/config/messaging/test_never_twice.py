"""Whatever dies in the middle, nobody gets a message twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from config.shared import messaging
from config.shared.messaging import delivery
from config.shared.messaging.channels import CHANNELS
from config.shared.models import Message
from tests.factories.messages import parameters_of, send_all
from tests.integration.config.messaging.conftest import CODE, Ask

PROJECT = Path(__file__).resolve().parents[4]
LATER = timedelta(minutes=2)
# A worker of its own that sends what is due; templates of tests are unknown to it, so it sends the house's own.
WORKER = """
import django
django.setup()
from django.utils import timezone
from config.shared.messaging import delivery
while delivery.send_next(now=timezone.now()):
    pass
"""


def now_of(message: Message) -> Message:
    return Message.objects.get(pk=message.pk)


@pytest.mark.django_db
class TestASilentProvider:
    def test_that_took_it_is_asked_and_nothing_is_repeated(self, ask: Ask, outside: Any) -> None:
        outside.sms.behaviour.drop_after_taking = 1
        message, now = ask(template=CODE.code), timezone.now()

        send_all(now=now)
        unknown = now_of(message)
        send_all(now=now + LATER)

        assert unknown.state == "sending" and parameters_of(unknown) == {"code": "123456"}
        assert len(outside.shelf.all()) == 1
        sent = now_of(message)
        assert (sent.state, sent.attempts, parameters_of(sent)) == ("sent", 1, {})
        assert [(one.is_look_up, one.outcome) for one in sent.tries.order_by("number")] == [
            (False, "unknown"),
            (True, "accepted"),
        ]

    def test_that_did_not_take_it_is_asked_and_gets_it_again(self, ask: Ask, outside: Any) -> None:
        outside.sms.behaviour.drop_before_taking = 1
        message, now = ask(), timezone.now()

        send_all(now=now)
        send_all(now=now + LATER)

        assert len(outside.shelf.all()) == 1
        assert (now_of(message).state, now_of(message).attempts) == ("sent", 2)

    def test_rests_before_it_is_asked(self, ask: Ask, outside: Any) -> None:
        outside.sms.behaviour.drop_after_taking = 1
        message, now = ask(), timezone.now()

        send_all(now=now)

        due = now_of(message).due_at
        assert due is not None and due - now >= CHANNELS["sms"].look_up_after

    def test_whose_first_request_comes_late_takes_the_repeat_for_the_same(self, ask: Ask, outside: Any) -> None:
        """The look-up finds nothing, and then the first request arrives before the repeat does."""
        outside.sms.behaviour.drop_after_taking = 1
        message, now = ask(), timezone.now()
        send_all(now=now)
        late, outside.sms._sent = outside.sms._sent, []  # the provider's books lag behind

        send_all(now=now + LATER)
        stuck = now_of(message)
        outside.sms._sent = late
        send_all(now=now + 2 * LATER)

        assert stuck.state == "sending" and stuck.tries.filter(answer="SignatureNonceUsed").exists()
        assert len(outside.shelf.all()) == 1 and now_of(message).state == "sent"

    def test_that_stays_silent_when_asked_gets_nothing_again(self, ask: Ask, outside: Any, settings: Any) -> None:
        outside.sms.behaviour.drop_after_taking = 1
        message, now = ask(), timezone.now()
        send_all(now=now)
        there, settings.SMS_ENDPOINT = settings.SMS_ENDPOINT, "http://127.0.0.1:9/sms/"
        send_all(now=now + LATER)

        settings.SMS_ENDPOINT = there
        send_all(now=now + timedelta(minutes=10))

        assert len(outside.shelf.all()) == 1 and now_of(message).state == "sent"

    def test_who_cannot_be_asked_leaves_it_to_a_person(self, ask: Ask, outside: Any) -> None:
        outside.mail.drop_after_data = 1
        message = ask(to=messaging.Recipient(email="z@example.cn", user_id=None))
        now = timezone.now()

        send_all(now=now)
        send_all(now=now + LATER)

        assert len(outside.shelf.all(channel="email")) == 1
        lost = now_of(message)
        assert (lost.state, lost.failure) == ("failed", "outcome-unknown")
        assert not Message.objects.filter(instead_of=message).exists()


@pytest.mark.django_db
class TestADeadWorker:
    def test_between_the_providers_yes_and_our_commit(
        self, ask: Ask, outside: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        message, now = ask(), timezone.now()

        def die(*_args: Any, **_more: Any) -> None:
            raise SystemExit

        with monkeypatch.context() as dying, pytest.raises(SystemExit):
            dying.setattr(delivery, "_settle", die)
            send_all(now=now)
        assert now_of(message).state == "sending" and len(outside.shelf.all()) == 1
        assert send_all(now=now + delivery.LEASE / 2) == 0, "its lease still runs"
        send_all(now=now + delivery.LEASE)

        assert len(outside.shelf.all()) == 1 and now_of(message).state == "sent"

    def test_before_the_provider_heard_of_it(self, ask: Ask, outside: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        message, now = ask(), timezone.now()

        def die(*_args: Any, **_more: Any) -> None:
            raise SystemExit

        with monkeypatch.context() as dying, pytest.raises(SystemExit):
            dying.setattr(delivery, "_work", die)
            send_all(now=now)
        send_all(now=now + delivery.LEASE)

        assert len(outside.shelf.all()) == 1 and now_of(message).state == "sent"


@pytest.mark.django_db(transaction=True)
class TestAKilledProcess:
    def test_that_was_waiting_for_the_providers_answer(self, ask: Ask, outside: Any, settings: Any) -> None:
        """SIGKILL while the provider, which has taken the message, is still thinking."""
        message = ask(template="payment-received")
        Message.objects.update(is_urgent=True)
        outside.sms.behaviour.report = "none"
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "SMS_ENDPOINT": settings.SMS_ENDPOINT,
            "SIMULATORS_URL": outside.url,
        }
        taken = outside.sms._take

        def take_and_think(asked: Any, *, nonce: str) -> Any:
            answer = taken(asked, nonce=nonce)
            time.sleep(6)
            return answer

        outside.sms._take = take_and_think
        worker = subprocess.Popen([sys.executable, "-c", WORKER], cwd=PROJECT, env=environment)
        deadline = time.monotonic() + 60
        while not outside.shelf.all() and time.monotonic() < deadline:
            time.sleep(0.05)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        outside.sms._take = taken

        assert len(outside.shelf.all()) == 1 and now_of(message).state == "sending"
        send_all(now=timezone.now() + delivery.LEASE)

        assert len(outside.shelf.all()) == 1
        assert (now_of(message).state, now_of(message).attempts) == ("sent", 1)
