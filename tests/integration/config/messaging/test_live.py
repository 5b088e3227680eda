"""The whole way on real processes: web server, worker, simulated providers, and reports coming back."""

from __future__ import annotations

import time

import pytest
from django.db import transaction
from django.utils import timezone

from config.shared import messaging
from config.shared.models import Message
from tests.factories.messages import parameters_of
from tests.stack import Stack

pytestmark = pytest.mark.django_db(transaction=True)


def ask(template: str, key: str, to: messaging.Recipient, parameters: dict[str, str]) -> int:
    with transaction.atomic():
        return messaging.send(template=template, to=to, parameters=parameters, dedupe_key=key, at=timezone.now())


def wait_for(message_id: int, state: str) -> Message:
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        message = Message.objects.get(pk=message_id)
        if message.state == state:
            return message
        time.sleep(0.1)
    raise AssertionError(f"it stayed {message.state} ({message.failure})")


class TestTheWholeWay:
    def test_of_a_code_ends_on_the_telephone_with_a_report_and_no_trace_of_the_code(self, live: Stack) -> None:
        to = messaging.Recipient(phone="12000004321")

        message_id = ask("sign-in-code", "live-1", to, {"code": "918273"})

        assert [one["to"] for one in live.inbox(contains="918273")] == ["12000004321"]
        delivered = wait_for(message_id, "delivered")
        assert delivered.provider_id and parameters_of(delivered) == {}
        for name in ("web", "worker", "simulators"):
            assert "918273" not in live.log(name) and "12000004321" not in live.log(name)

    def test_of_a_mail_that_bounces_ends_as_lost(self, live: Stack) -> None:
        to = messaging.Recipient(email="bounce@example.cn")

        message_id = ask("payment-received", "live-2", to, {"yuan": "1.00", "receipt": "R1"})

        Message.objects.filter(pk=message_id).update(due_at=timezone.now())
        assert wait_for(message_id, "failed").failure == "5.1.1"
