"""Providers say what became of messages: signed, once, in any order."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from config.shared import messaging
from config.shared.messaging import receipts
from config.shared.models import Message
from config.simulators.smtp import notification
from tests.factories.messages import parameters_of, send_all
from tests.integration.config.messaging.conftest import CODE, PHONE, Ask

pytestmark = pytest.mark.django_db

SMS, MAIL = "/messaging/reports/sms/", "/messaging/reports/email/"


def signed(body: bytes, secret: str, *, at: float | None = None, nonce: str = "") -> dict[str, str]:
    stamp, nonce = str(int(at if at is not None else time.time())), nonce or uuid.uuid4().hex
    signature = receipts.signature_of(secret=secret, timestamp=stamp, nonce=nonce, body=body)
    return {"X-Timestamp": stamp, "X-Nonce": nonce, "X-Signature": signature}


def report(message: Message, *, success: bool = True, code: str = "DELIVERED") -> bytes:
    return json.dumps(
        [
            {
                "phone_number": PHONE,
                "send_time": "2026-11-20 12:00:00",
                "report_time": "2026-11-20 12:00:03",
                "success": success,
                "err_code": code,
                "err_msg": "",
                "sms_size": "1",
                "biz_id": "932702304080415357^0",
                "out_id": str(message.uid),
            }
        ]
    ).encode()


def post(address: str, body: bytes, headers: dict[str, str]) -> int:
    answer = Client(enforce_csrf_checks=True).post(address, body, "application/json", headers=headers)
    return answer.status_code


@pytest.fixture
def message(ask: Ask, outside: Any) -> Message:
    outside.sms.behaviour.report = "none"
    made = ask(to=messaging.Recipient(phone=PHONE, email="z@example.cn"))
    send_all(now=timezone.now())
    return made


def state_of(message: Message) -> str:
    return Message.objects.get(pk=message.pk).state


class TestASignedReport:
    def test_says_that_it_arrived(self, message: Message, settings: Any) -> None:
        body = report(message)

        assert post(SMS, body, signed(body, settings.RECEIPT_SECRETS["sms"])) == 200

        told = Message.objects.get(pk=message.pk)
        assert told.state == "delivered" and told.delivered_at is not None

    def test_twice_changes_nothing(self, message: Message, settings: Any) -> None:
        body, secret = report(message), settings.RECEIPT_SECRETS["sms"]
        post(SMS, body, signed(body, secret))
        first = Message.objects.get(pk=message.pk).delivered_at

        assert post(SMS, body, signed(body, secret)) == 200

        assert Message.objects.get(pk=message.pk).delivered_at == first

    def test_that_it_failed_takes_the_next_way_once(self, message: Message, outside: Any, settings: Any) -> None:
        body, secret = report(message, success=False, code="MOBILE_OFF"), settings.RECEIPT_SECRETS["sms"]

        for _ in range(2):
            assert post(SMS, body, signed(body, secret)) == 200
        send_all(now=timezone.now())

        assert Message.objects.get(pk=message.pk).failure == "MOBILE_OFF"
        assert Message.objects.get(instead_of=message).state == "sent"
        assert len(outside.shelf.all(channel="email")) == 1

    def test_of_failure_after_delivery_is_too_late(self, message: Message, settings: Any) -> None:
        for body in (report(message), report(message, success=False, code="MOBILE_OFF")):
            post(SMS, body, signed(body, settings.RECEIPT_SECRETS["sms"]))

        assert state_of(message) == "delivered"

    def test_before_our_own_call_came_back_is_kept(self, ask: Ask, outside: Any, settings: Any) -> None:
        outside.sms.behaviour.drop_after_taking = 1
        outside.sms.behaviour.report = "none"
        message = ask(template=CODE.code)
        send_all(now=timezone.now())
        body = report(message)

        post(SMS, body, signed(body, settings.RECEIPT_SECRETS["sms"]))

        told = Message.objects.get(pk=message.pk)
        assert (told.state, told.provider_id, parameters_of(told)) == ("delivered", "932702304080415357^0", {})

    def test_of_a_message_we_never_sent_is_taken_and_changes_nothing(self, message: Message, settings: Any) -> None:
        body = report(Message(uid=uuid.uuid4()))

        assert post(SMS, body, signed(body, settings.RECEIPT_SECRETS["sms"])) == 200
        assert state_of(message) == "sent"


class TestAnythingElse:
    @pytest.mark.parametrize("fault", ["none", "wrong-secret", "other-body", "old", "early", "other-channel"])
    def test_is_refused(self, message: Message, settings: Any, fault: str) -> None:
        body, secrets = report(message), settings.RECEIPT_SECRETS
        headers = {
            "none": {},
            "wrong-secret": signed(body, "guessed"),
            "other-body": signed(body + b" ", secrets["sms"]),
            "old": signed(body, secrets["sms"], at=time.time() - 301),
            "early": signed(body, secrets["sms"], at=time.time() + 302),
            "other-channel": signed(body, secrets["email"]),
        }[fault]

        assert post(SMS, body, headers) == 401
        assert state_of(message) == "sent"

    def test_taken_before_is_refused(self, message: Message, settings: Any) -> None:
        body = report(message)
        headers = signed(body, settings.RECEIPT_SECRETS["sms"])

        assert [post(SMS, body, headers), post(SMS, body, headers)] == [200, 401]

    @pytest.mark.parametrize("body", [b"", b"{}", b"[{}]", b'[{"out_id": "x"}]', b"\xff", b"[1]"])
    def test_signed_nonsense_is_refused(self, settings: Any, body: bytes) -> None:
        assert post(SMS, body, signed(body, settings.RECEIPT_SECRETS["sms"])) == 400

    def test_no_secret_lets_nobody_in(self, message: Message, settings: Any) -> None:
        settings.RECEIPT_SECRETS = {"sms": ""}
        body = report(message)

        assert post(SMS, body, signed(body, "")) == 401


class TestABounce:
    @pytest.fixture
    def mail(self, ask: Ask, outside: Any) -> Message:
        made = ask(to=messaging.Recipient(email="z@example.cn"))
        send_all(now=timezone.now())
        return made

    def bounce(self, mail: Message, **more: str) -> bytes:
        sender = f"bounces+{mail.uid.hex}@dayingxiao.example"
        return notification(sender=sender, recipient="z@example.cn", about="<x>", **more).as_bytes()

    def test_says_that_it_failed(self, mail: Message, settings: Any) -> None:
        body = self.bounce(mail)

        assert post(MAIL, body, signed(body, settings.RECEIPT_SECRETS["email"])) == 200
        assert Message.objects.get(pk=mail.pk).failure == "5.1.1"

    def test_that_is_only_delayed_changes_nothing(self, mail: Message, settings: Any) -> None:
        body = self.bounce(mail, action="delayed", status="4.4.1")

        assert post(MAIL, body, signed(body, settings.RECEIPT_SECRETS["email"])) == 200
        assert state_of(mail) == "sent"

    def test_that_is_an_ordinary_mail_is_refused(self, settings: Any) -> None:
        body = b"To: bounces+00@x\r\n\r\nI am on holiday"

        assert post(MAIL, body, signed(body, settings.RECEIPT_SECRETS["email"])) == 400
