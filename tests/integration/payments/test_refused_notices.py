"""A notice with one bit changed is refused, counted, and seen by those who manage channels."""

from __future__ import annotations

import random
from urllib.parse import parse_qsl

import pytest
from django.test import Client
from django.utils import timezone

from cis.queries.ledger import balance
from config.shared.events import deliver_waiting
from config.shared.models import Message, User
from payments.models import Payment, RefusedNotice
from tests.factories.world import small_world
from tests.integration.payments import test_provider_orders as orders

pytestmark = pytest.mark.django_db(transaction=True)
provider = orders.provider
FLIPS = 150


def flipped(told: tuple[dict[str, str], str], chance: random.Random) -> tuple[dict[str, str], str] | None:
    """The notice with one bit of a signed header, or of its body, the other way; None where nothing can send that."""
    headers, body = told
    signed = [name for name in headers if name.startswith("Wechatpay") and name != "Wechatpay-Signature-Type"]
    part = chance.choice([*signed, "", "", ""])
    raw = bytearray((headers[part] if part else body).encode())
    raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(7)
    text = raw.decode("latin-1" if part else "utf-8", "replace")
    if part:
        # No server lets a control character, or a space at an end, through in a header.
        return ({**headers, part: text}, body) if text.isprintable() and text == text.strip() else None
    return headers, text


def says_the_same(provider: orders.Provider, one: str, other: str) -> bool:
    """Whether two bodies are the same to whoever reads them: a form's escapes have more than one spelling."""
    return provider.channel == "alipay" and sorted(parse_qsl(one)) == sorted(parse_qsl(other))


@pytest.mark.acceptance("F42")
def test_no_bit_of_a_notice_can_be_changed_and_every_try_is_seen(provider: orders.Provider) -> None:
    world = small_world()
    started = orders.start(world, provider)
    provider.pay(started)
    told = provider.told()
    chance = random.Random(42)
    tried = 0
    while tried < FLIPS:
        changed = flipped(told, chance)
        if changed is None or changed == told or says_the_same(provider, changed[1], told[1]):
            continue
        tried += 1
        assert orders.post(provider, changed) == 400, changed
    assert not Payment.objects.exists() and orders.money(world) == 0

    assert sum(RefusedNotice.objects.values_list("count", flat=True)) == FLIPS
    deliver_waiting(now=timezone.now())
    alarms = Message.objects.filter(template="notice-refused")
    hours = RefusedNotice.objects.values("hour").distinct().count()
    assert alarms.count() == hours, "one alarm an hour, however many come"
    assert set(alarms.values_list("user_id", flat=True)) == {world.administrator_id}

    client = Client()
    client.force_login(User.objects.get(pk=world.administrator_id), "django.contrib.auth.backends.ModelBackend")
    page = client.get("/console/channels/").content.decode()
    assert "被拒收的支付通知" in page and "127.0.0.1" in page

    # The real one is believed all the same.
    assert orders.post(provider, told) in (200, 204)
    assert balance(world.residential.account_id).prepayment_fen == orders.FEN


def test_an_honest_notice_raises_no_alarm(provider: orders.Provider) -> None:
    world = small_world()
    provider.pay(orders.start(world, provider))

    assert orders.post(provider, provider.told()) in (200, 204)

    assert not RefusedNotice.objects.exists() and not Message.objects.filter(template="notice-refused").exists()
