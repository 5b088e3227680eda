"""The console of webhooks: an endpoint in a minute, its secret once, tried out and sent again; the receiver to copy."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as live_settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from config.embedded.places import free_port
from config.shared.models import User
from payments.models import WebhookEndpoint, WebhookMessage
from payments.operations import webhooks
from payments.operations.webhook_sending import send_next
from tests.factories.channels import connect_bank, today
from tests.factories.staff import prove
from tests.factories.webhooks import Receiver, endpoint, receiver, told
from tests.factories.world import World, small_world
from tests.integration.payments.test_webhooks import deliver_facts, send_all

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.acceptance("F152")]
LIST = "/console/channels/icbc/webhooks/"
EXAMPLES = Path(live_settings.BASE_DIR) / "payments" / "integrators"


@pytest.fixture
def world() -> World:
    world = small_world()
    connect_bank(world)
    return world


@pytest.fixture
def administrator(world: World) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=world.administrator_id), "django.contrib.auth.backends.ModelBackend")
    proven: Client = prove(client)
    return proven


@pytest.fixture
def hooks(settings: Any) -> Iterator[Receiver]:
    with receiver() as made:
        settings.WEBHOOK_NEAR = (ip_network("127.0.0.0/8"),)
        settings.WEBHOOK_PORTS = (443, made.port)
        yield made


def secret_on(page: str) -> str:
    found = re.search(r'id="webhook-secret"[^>]*>([^<]*)<', page)
    assert found, page
    return html.unescape(found[1]).strip()


def test_an_endpoint_is_made_with_a_secret_shown_once_and_tried_out(
    world: World, administrator: Client, hooks: Receiver
) -> None:
    made = administrator.post(f"{LIST}new/", {"url": hooks.url, "kinds": ["payment.booked"]}).content.decode()
    secret = secret_on(made)
    page = f"{LIST}{WebhookEndpoint.objects.get().pk}/"
    administrator.post(f"{page}act/", {"act": "test"})
    send_all(timezone.now() + timedelta(seconds=1))

    shown = administrator.get(page).content.decode()

    assert hooks.types() == ["endpoint.test"] and hooks.received[0].is_signed_by(secret)
    assert hooks.received[0].id in shown and "已送达" in shown and secret not in shown
    assert hooks.url in administrator.get(LIST).content.decode()


def test_what_is_wrong_comes_back_with_words(world: World, administrator: Client) -> None:
    inside = administrator.post(f"{LIST}new/", {"url": "https://127.0.0.1/", "kinds": ["payment.booked"]})
    nothing = administrator.post(f"{LIST}new/", {"url": "https://hooks.example.com/"})

    assert (inside.status_code, nothing.status_code) == (422, 422)
    assert "内部网络" in inside.content.decode() and not WebhookEndpoint.objects.exists()


def test_secrets_are_replaced_and_the_endpoint_changed_and_switched(
    world: World, administrator: Client, hooks: Receiver
) -> None:
    made = endpoint(world, hooks.url)
    page = f"{LIST}{made.endpoint_id}/"
    newer = secret_on(administrator.post(f"{page}secret/").content.decode())
    twice = administrator.post(f"{page}secret/")
    both = administrator.get(page).content.decode()
    administrator.post(f"{page}act/", {"act": "drop"})
    administrator.post(f"{page}change/", {"url": f"{hooks.url}/2", "kinds": ["refund.done"]})
    administrator.post(f"{page}act/", {"act": "off"})

    found = WebhookEndpoint.objects.get()

    assert newer.startswith("whsec_") and newer != made.secret and twice.status_code == 422 and "新旧两把" in both
    assert (found.url, found.kinds, found.is_on, found.old_secret) == (f"{hooks.url}/2", ["refund.done"], False, "")
    refused = administrator.post(f"{page}act/", {"act": "test"})
    assert refused.status_code == 422 and "已停用" in refused.content.decode()
    administrator.post(f"{page}act/", {"act": "on"})
    assert WebhookEndpoint.objects.get().is_on


def test_what_was_given_up_is_sent_again_one_or_all_since_a_time(
    world: World, administrator: Client, hooks: Receiver
) -> None:
    now = timezone.now()
    page = f"{LIST}{told(world, 'icbc', at=now)}/"
    WebhookEndpoint.objects.update(url=hooks.url)
    dead = WebhookMessage.objects.get(state="dead")
    assert "域名查不到" in administrator.get(f"{page}?show=dead").content.decode()
    nothing = administrator.post(f"{page}act/", {"act": "dead", "since": "yesterday"})

    administrator.post(f"{page}act/", {"act": "again", "message": dead.pk})
    send_all(timezone.now() + timedelta(seconds=1))
    WebhookMessage.objects.filter(state="delivered").update(state="dead", failure="status")
    since = timezone.localtime(now - timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M")
    answer = administrator.post(f"{page}act/", {"act": "dead", "since": since}, follow=True)
    send_all(timezone.now() + timedelta(seconds=1))

    assert nothing.status_code == 422 and "2 条" in answer.content.decode()
    assert [one.id for one in hooks.received].count(str(dead)) == 2
    assert administrator.post(f"{page}act/", {}).status_code == 422


def test_a_page_asks_no_more_when_there_is_more(world: World, administrator: Client) -> None:
    page = f"{LIST}{told(world, 'icbc', at=timezone.now())}/"

    def asked() -> int:
        with CaptureQueriesContext(connection) as found:
            assert administrator.get(page).status_code == 200
        return len(found)

    before = asked()
    for _number in range(6):
        administrator.post(f"{page}act/", {"act": "test"})
    assert asked() <= before


def test_the_receiver_for_integrators_runs_and_believes_what_is_signed_alone(world: World, settings: Any) -> None:
    port = free_port()
    settings.WEBHOOK_NEAR, settings.WEBHOOK_PORTS = (ip_network("127.0.0.0/8"),), (443, port)
    made = endpoint(world, f"http://127.0.0.1:{port}/")
    bank = connect_bank(world, "cmb")
    other = endpoint(world, f"http://127.0.0.1:{port}/", code="cmb")
    program = subprocess.Popen(
        [sys.executable, "example_receiver.py"], cwd=EXAMPLES, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "SECRET": f"whsec_AAAA {other.secret}", "PORT": str(port)},
    )  # fmt: skip
    assert program.stdout is not None
    try:
        assert program.stdout.readline().startswith("listening")
        bank.pay(world.residential.account_no, 700, serial="S1", bank_date=today())
        deliver_facts()
        now = timezone.now() + timedelta(seconds=1)
        send_all(now)
        said = program.stdout.readline()
        sent = WebhookMessage.objects.get(endpoint_id=other.endpoint_id)
        administrator: Any = {"code": "cmb", "endpoint_id": other.endpoint_id, "within": None}
        webhooks.replay(**administrator, message_id=sent.pk, at=now)
        send_next(now=now)
        webhooks.send_test(code="icbc", endpoint_id=made.endpoint_id, within=None, at=now)
        send_next(now=now)
        webhooks.send_test(**administrator, at=now)
        send_next(now=now)
        after = program.stdout.readline()
    finally:
        program.kill()
        program.wait()

    assert said.startswith("payment.booked") and '"amount_fen": 700' in said
    # The same event again was answered and not counted; what another secret signed was refused.
    assert after.startswith("endpoint.test") and '"cmb"' in after
    assert sorted(WebhookMessage.objects.values_list("endpoint__client__code", "state", "status"), key=str) == [
        ("cmb", "delivered", 204),
        ("cmb", "delivered", 204),
        ("icbc", "waiting", 400),
    ]


def test_the_page_for_integrators_shows_the_receiver_that_the_test_runs() -> None:
    text = html.unescape(Client().get("/integrators/").content.decode())

    assert "hmac.compare_digest" in text and "payment.booked" in text
