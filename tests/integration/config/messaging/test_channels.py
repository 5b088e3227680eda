"""What every channel keeps to, and what each does with its provider."""

from __future__ import annotations

import smtplib
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from config.shared import messaging
from config.shared.messaging.channels import CHANNELS, sms
from config.shared.messaging.channels.base import Answer, Channel, Envelope, Outcome
from config.shared.models import Message
from tests.factories.messages import send_all
from tests.integration.config.messaging.conftest import PHONE, Ask

pytestmark = pytest.mark.django_db

EVERY_WAY = messaging.Recipient(
    phone=PHONE,
    email="z@example.cn",
    postal=messaging.PostalAddress("张三", ("江汉市东湖区", "一号 2 栋 301"), "430000"),
    user_id=1,
)


def envelope(address: str, *, template: str = "payment-received", **more: Any) -> Envelope:
    now = timezone.now()
    filled = {"yuan": "186.40", "receipt": "R20261122001"}
    return Envelope(
        uid=more.pop("uid", uuid.uuid4()),
        attempt_key=more.pop("attempt_key", uuid.uuid4()),
        recipient=address,
        template=template,
        language="zh-hans",
        subject="已收到电费 186.40 元",
        text="已收到电费 186.40 元，收据号 R20261122001。",
        parameters=more.pop("parameters", filled),
        at=more.pop("at", now),
        tried_at=now,
    )


@pytest.mark.parametrize("channel", CHANNELS.values(), ids=list(CHANNELS))
class TestEveryChannel:
    def test_is_registered_under_its_name_and_has_a_label(self, channel: Channel) -> None:
        assert CHANNELS[channel.name] is channel and str(channel.label)

    def test_reaches_only_whom_it_can(self, channel: Channel) -> None:
        assert channel.address(EVERY_WAY)
        assert channel.address(messaging.Recipient()) == ""

    def test_shows_no_address_in_the_clear(self, channel: Channel) -> None:
        shown = channel.masked(channel.address(EVERY_WAY))

        assert shown and not any(part in shown for part in (PHONE, "z@example.cn", "张三", "301"))

    def test_is_delivered_by_being_written_or_by_hand_or_by_a_worker(self, channel: Channel) -> None:
        assert channel.is_immediate + channel.is_by_hand <= 1

    def test_hands_over_once_and_says_so(self, channel: Channel, outside: Any) -> None:
        if channel.is_immediate or channel.is_by_hand:
            with pytest.raises(NotImplementedError):
                channel.send(envelope(channel.address(EVERY_WAY)))
            return

        answer = channel.send(envelope(channel.address(EVERY_WAY)))

        assert (answer.outcome, bool(answer.provider_id)) == (Outcome.ACCEPTED, True)
        assert [one.to for one in outside.shelf.all()] == [channel.address(EVERY_WAY)]

    def test_says_later_when_nobody_is_there(self, channel: Channel, settings: Any) -> None:
        settings.SMS_ENDPOINT = "http://127.0.0.1:9/"
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
        if channel.is_immediate or channel.is_by_hand:
            return

        assert channel.send(envelope(channel.address(EVERY_WAY))).outcome is Outcome.LATER

    def test_knows_its_own_again_if_it_can_be_asked(self, channel: Channel, outside: Any) -> None:
        if not channel.can_look_up:
            return
        ours, other = envelope(channel.address(EVERY_WAY)), envelope(channel.address(EVERY_WAY))
        channel.send(ours)

        assert channel.look_up(ours).outcome is Outcome.ACCEPTED
        assert channel.look_up(other).outcome is Outcome.NOT_FOUND


class TestSms:
    channel = CHANNELS["sms"]

    def test_takes_mobile_numbers_however_they_are_written(self) -> None:
        written = ("13812345678", "138 1234 5678", "+86 138-1234-5678")

        assert {self.channel.address(messaging.Recipient(phone=one)) for one in written} == {"13812345678"}

    @pytest.mark.parametrize(
        ("setting", "value", "code"),
        [
            ("SMS_ACCESS_KEY_SECRET", "wrong", "SignatureDoesNotMatch"),
            ("SMS_ACCESS_KEY_ID", "stranger", "InvalidAccessKeyId.NotFound"),
            ("SMS_ACCESS_KEY_SECRET", "", "not-configured"),
        ],
    )
    def test_with_wrong_keys_waits_for_somebody_to_mend_them(
        self, outside: Any, settings: Any, setting: str, value: str, code: str
    ) -> None:
        setattr(settings, setting, value)

        assert self.channel.send(envelope(PHONE)) == Answer(Outcome.LATER, code=code)
        assert not outside.shelf.all()

    def test_under_a_name_not_approved_is_refused(self, outside: Any, settings: Any) -> None:
        settings.SMS_SIGN_NAME = "别的公司"

        assert self.channel.send(envelope(PHONE)) == Answer(Outcome.REFUSED, code="isv.SMS_SIGNATURE_ILLEGAL")

    def test_of_an_unknown_template_is_refused(self, outside: Any) -> None:
        assert self.channel.send(envelope(PHONE, template="made-up")).code == "isv.SMS_TEMPLATE_ILLEGAL"

    def test_without_a_parameter_is_refused(self, outside: Any) -> None:
        assert self.channel.send(envelope(PHONE, parameters={"yuan": "1"})).code == "isv.TEMPLATE_MISSING_PARAMETERS"

    def test_with_a_clock_that_is_off_waits(self, outside: Any) -> None:
        late = timezone.now() - timedelta(minutes=16)

        assert self.channel.send(envelope(PHONE, at=late)).code == "InvalidTimeStamp.Expired"

    def test_the_same_attempt_twice_is_unknown_until_it_is_asked(self, outside: Any) -> None:
        once = envelope(PHONE)

        assert [self.channel.send(once).outcome for _ in range(2)] == [Outcome.ACCEPTED, Outcome.UNKNOWN]
        assert len(outside.shelf.all()) == 1

    def test_is_found_among_hundreds(self, outside: Any) -> None:
        outside.sms.behaviour.is_throttling = False
        mine = envelope(PHONE)
        self.channel.send(mine)
        for _ in range(60):
            self.channel.send(envelope(PHONE))

        assert self.channel.look_up(mine).outcome is Outcome.ACCEPTED

    def test_codes_of_templates_come_from_the_settings_where_the_provider_is_real(self, settings: Any) -> None:
        settings.SIMULATORS, settings.SMS_TEMPLATES = False, {"sign-in-code.zh-hans": "SMS_154950909"}

        assert sms.provider_template("sign-in-code", "zh-hans") == "SMS_154950909"
        assert sms.provider_template("sign-in-code", "en") == ""
        assert self.channel.address(messaging.Recipient(phone="12000001234")) == "", "invented numbers are for play"


class TestEmail:
    channel = CHANNELS["email"]

    def test_has_two_forms_and_names_its_message_in_the_envelope(self, outside: Any) -> None:
        one = envelope("z@example.cn")

        self.channel.send(one)

        kept = outside.shelf.all()[0]
        assert kept.details["types"] == "multipart/alternative,text/plain,text/html"
        assert kept.details["sender"] == f"bounces+{one.uid.hex}@dayingxiao.example"
        assert one.uid.hex in kept.details["message_id"] and kept.subject == one.subject

    @pytest.mark.parametrize(
        ("mailbox", "outcome", "code"),
        [("nobody@example.cn", Outcome.REFUSED, "smtp-550"), ("later@example.cn", Outcome.LATER, "smtp-451")],
    )
    def test_understands_no_and_later(self, outside: Any, mailbox: str, outcome: Outcome, code: str) -> None:
        answer = self.channel.send(envelope(mailbox))

        assert (answer.outcome, answer.code) == (outcome, code)

    def test_greylisted_arrives_the_second_time(self, ask: Ask, outside: Any) -> None:
        message = ask(to=messaging.Recipient(email="later@example.cn"))
        now = timezone.now()
        send_all(now=now)
        send_all(now=now + timedelta(minutes=6))

        assert len(outside.shelf.all(to="later@example.cn")) == 1
        assert Message.objects.get(pk=message.pk).state == "sent"


class TestTheMailServer:
    def test_is_strict_about_order(self, outside: Any) -> None:
        with smtplib.SMTP("127.0.0.1", outside.mail_port, timeout=5) as client:
            assert client.docmd("MAIL", "FROM:<a@b.cn>")[0] == 503
            client.ehlo()
            assert client.docmd("RCPT", "TO:<a@b.cn>")[0] == 503
            assert client.docmd("MAIL", "FROM:a@b.cn")[0] == 501
            assert client.docmd("DATA")[0] == 503
            assert client.docmd("VRFY", "a")[0] == 502
