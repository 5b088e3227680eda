"""A message of this test's own templates, and moments to send it at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from config.shared import messaging
from config.shared.messaging import Kind, Template, templates
from config.shared.messaging.limits import load_limits
from config.shared.models import Message

PHONE = "12000001234"

NOTICE = Template(
    code="tests-notice",
    channels=("sms", "email", "in_app"),
    subject_zh="通知 {what}",
    subject_en="Notice {what}",
    zh="请注意：{what}。",
    en="Please note: {what}.",
    examples={"what": "停电"},
    is_urgent=True,
)
QUIET = Template(
    code="tests-quiet",
    channels=("sms",),
    subject_zh="通知",
    subject_en="Notice",
    zh="不急：{what}。",
    en="No hurry: {what}.",
    examples={"what": "停电"},
)
CODE = Template(
    code="tests-code",
    channels=("sms",),
    kind=Kind.CODE,
    is_urgent=True,
    lasts=timedelta(minutes=5),
    secrets=frozenset({"code"}),
    subject_zh="验证码",
    subject_en="Code",
    zh="验证码 {code}。",
    en="Code {code}.",
    examples={"code": "123456"},
)

Ask = Callable[..., Message]


@pytest.fixture(autouse=True)
def own_templates(monkeypatch: pytest.MonkeyPatch, db: None) -> Iterator[None]:
    for one in (NOTICE, QUIET, CODE):
        monkeypatch.setitem(templates.TEMPLATES, one.code, one)
    load_limits()
    yield


@pytest.fixture
def ask(own_templates: None) -> Ask:
    """Ask for a message and give its row."""

    def ask(
        *,
        template: str = NOTICE.code,
        key: str = "key-1",
        to: messaging.Recipient | None = None,
        parameters: dict[str, str] | None = None,
        **more: Any,
    ) -> Message:
        filled = dict(templates.get(template).examples) if parameters is None else parameters
        with transaction.atomic():
            made = messaging.send(
                template=template,
                to=to or messaging.Recipient(phone=PHONE),
                parameters=filled,
                dedupe_key=key,
                at=more.pop("at", timezone.now()),
                **more,
            )
        return Message.objects.get(pk=made)

    return ask
