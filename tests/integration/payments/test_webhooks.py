"""Webhooks to connected clients: told at least once, under one id, in order, to the client alone whose it is."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.conf import settings as live_settings
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from config.shared import events
from config.shared.errors import NotFound
from config.shared.models import Message, OrgUnit, OutboxDelivery
from payments.models import ChannelClient, WebhookAttempt, WebhookEndpoint, WebhookMessage
from payments.operations import webhooks
from payments.operations.webhook_sending import LEASE, fan_out, forget_messages, send_next
from payments.operations.webhooks import (
    EndpointOff,
    EndpointTaken,
    NothingToReplay,
    TwoLiveSecrets,
    UnusableEndpoint,
)
from payments.tasks import send_webhooks
from tests.factories.channels import Bank, connect_bank, today
from tests.factories.webhooks import Receiver, endpoint, receiver
from tests.factories.world import World, small_world
from tests.integration.payments import pay as pay_at_counter
from tests.integration.payments.test_taking import together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.acceptance("F152")]


@pytest.fixture
def world() -> World:
    return small_world()


@pytest.fixture
def bank(world: World) -> Bank:
    return connect_bank(world)


@pytest.fixture
def hooks(settings: Any) -> Iterator[Receiver]:
    with receiver() as made:
        settings.WEBHOOK_NEAR = (ip_network("127.0.0.0/8"),)
        settings.WEBHOOK_PORTS = (443, made.port)
        yield made


def pay(world: World, bank: Bank, serial: str, fen: int = 100, **more: Any) -> None:
    account = more.pop("account", world.residential)
    answer = bank.pay(account.account_no, fen, serial=serial, bank_date=today(), **more)
    assert answer.status_code == 201, answer.content


def deliver_facts() -> None:
    """What the worker of the outbox does."""
    while events.deliver_waiting(now=timezone.now() + timedelta(seconds=1)):
        pass


def send_all(at: datetime) -> int:
    """Everything that is due at a moment, one after another; how many tries."""
    count = 0
    while send_next(now=at):
        count += 1
    return count


def later(**by: float) -> datetime:
    return timezone.now() + timedelta(**by)


def stored() -> WebhookMessage:
    return WebhookMessage.objects.get()


class TestWhatIsTold:
    def test_a_payment_and_its_reversal_reach_their_client_signed(
        self, world: World, bank: Bank, hooks: Receiver
    ) -> None:
        made = endpoint(world, hooks.url)
        pay(world, bank, "S1", 700)
        assert bank.reverse("S1", bank_date=today()).status_code in (200, 201)

        deliver_facts()
        send_webhooks()

        assert hooks.types() == ["payment.booked", "payment.reversed"]
        booked, back = (one.event["data"] for one in hooks.received)
        assert (booked["channel_serial"], booked["amount_fen"], booked["bank_date"]) == ("S1", 700, today())
        assert (back["reversal_serial"], back["receipt_no"]) == ("RS1", booked["receipt_no"])
        assert all(one.is_signed_by(made.secret) for one in hooks.received)
        assert len({one.id for one in hooks.received}) == 2 and hooks.received[0].id.startswith("msg_")
        assert not hooks.received[0].is_signed_by("whsec_" + "A" * 44)

    def test_nothing_of_the_customer_is_said(self, world: World, bank: Bank, hooks: Receiver) -> None:
        endpoint(world, hooks.url)
        pay(world, bank, "S1")
        deliver_facts()

        send_all(later(seconds=1))

        said = hooks.received[0].body.decode()
        assert world.residential.account_no not in said and "张" not in said and "10000000001" not in said

    def test_invariant_30_another_client_hears_nothing_of_it(self, world: World, bank: Bank, hooks: Receiver) -> None:
        other = connect_bank(world, "cmb")
        mine, theirs = endpoint(world, hooks.url), endpoint(world, hooks.url + "/cmb", code="cmb")
        pay(world, bank, "S1")
        pay(world, other, "S1", 300)
        deliver_facts()

        send_all(later(seconds=1))

        assert sorted((one.path, one.event["data"]["amount_fen"]) for one in hooks.received) == [
            ("/hooks", 100), ("/hooks/cmb", 300)
        ]  # fmt: skip
        with pytest.raises(NotFound):
            webhooks.send_test(code="cmb", endpoint_id=mine.endpoint_id, within=None, at=timezone.now())
        with pytest.raises(NotFound):
            webhooks.rotate_secret(code="icbc", endpoint_id=theirs.endpoint_id, within=None, at=timezone.now())

    def test_what_is_booked_at_the_counter_is_told_to_nobody(self, world: World, hooks: Receiver) -> None:
        pay_at_counter(world, fen=100)

        assert not OutboxDelivery.objects.filter(handler="payments.handlers.tell_connected_client").exists()

    def test_a_booking_that_is_undone_is_told_to_nobody(self, world: World, bank: Bank, hooks: Receiver) -> None:
        endpoint(world, hooks.url)
        refused = bank.pay(
            world.residential.account_no, 100, serial="S1", bank_date=today(),
            bills=[{"bill_no": f"{world.cycle}0000000001", "amount_fen": 100}],
        )  # fmt: skip
        deliver_facts()

        assert refused.status_code >= 400 and not WebhookMessage.objects.exists()

    def test_only_the_kinds_that_were_chosen_are_told(self, world: World, bank: Bank, hooks: Receiver) -> None:
        endpoint(world, hooks.url, kinds=("payment.reversed",))
        pay(world, bank, "S1")
        bank.reverse("S1", bank_date=today())
        deliver_facts()

        send_all(later(seconds=1))

        assert hooks.types() == ["payment.reversed"]

    def test_a_fact_that_is_heard_twice_is_one_message(self, world: World, bank: Bank, hooks: Receiver) -> None:
        endpoint(world, hooks.url)
        pay(world, bank, "S1")
        deliver_facts()
        message = stored()

        again = fan_out(kind=message.kind, document_id=message.document_id, account_id=message.account_id or 0)

        assert again == 0 and WebhookMessage.objects.count() == 1
        with pytest.raises(IntegrityError), transaction.atomic():
            message.pk, message.uid = None, "0" * 32
            message.save(force_insert=True)


class TestAtLeastOnce:
    def test_invariant_31_every_event_arrives_under_one_id_and_verifies_whatever_the_receiver_does(
        self, world: World, bank: Bank, hooks: Receiver
    ) -> None:
        draw, made = random.Random(31), endpoint(world, hooks.url)
        hooks.answers = lambda _request: (draw.choice((204, 500, 503, 429, 302, 404)), {})
        for number in range(12):
            pay(world, bank, f"S{number}", 100 + number, account=world.accounts[number % 4])
        deliver_facts()

        at = timezone.now()
        for _round in range(400):
            at += timedelta(minutes=5)
            send_all(at)
        hooks.answers = lambda _request: (204, {})
        webhooks.replay_dead(code="icbc", endpoint_id=made.endpoint_id, since=world.at, within=None, at=at)
        while send_all(at + timedelta(days=1)):
            pass

        assert set(WebhookMessage.objects.values_list("state", flat=True)) == {"delivered"}
        by_event: dict[str, set[str]] = {}
        for one in hooks.received:
            by_event.setdefault(one.event["data"]["channel_serial"], set()).add(one.id)
        assert len(by_event) == 12 and all(len(ids) == 1 for ids in by_event.values())
        assert len(set.union(*by_event.values())) == 12
        assert all(one.is_signed_by(made.secret) for one in hooks.received)
        assert len(hooks.received) > 24

    def test_a_worker_killed_between_sending_and_noting_sends_it_again_under_the_same_id(
        self, world: World, bank: Bank, hooks: Receiver
    ) -> None:
        endpoint(world, hooks.url)
        pay(world, bank, "S1")
        deliver_facts()
        program = f"""
            import os, signal
            import django
            django.setup()
            from datetime import timedelta
            from ipaddress import ip_network
            from django.conf import settings
            from django.utils import timezone
            from payments.operations import webhook_sending
            settings.WEBHOOK_NEAR = (ip_network("127.0.0.0/8"),)
            settings.WEBHOOK_PORTS = ({hooks.port},)
            webhook_sending._settle = lambda *_any: os.kill(os.getpid(), signal.SIGKILL)
            webhook_sending.send_next(now=timezone.now() + timedelta(seconds=1))
        """
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
        killed = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program)],
            cwd=live_settings.BASE_DIR, env=environment, text=True, capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert len(hooks.received) == 1 and stored().state == "waiting"

        early = send_all(later(seconds=2))
        after = send_all(later(seconds=2) + LEASE)

        assert (early, after) == (0, 1)
        first, second = hooks.received
        assert first.id == second.id and first.body == second.body
        assert stored().state == "delivered"
        tries = [(one.number, one.ended_at is None, one.status) for one in WebhookAttempt.objects.order_by("number")]
        assert tries == [(1, True, None), (2, False, 204)]

    def test_many_workers_send_each_event_once(self, world: World, bank: Bank, hooks: Receiver) -> None:
        endpoint(world, hooks.url)
        for number in range(8):
            pay(world, bank, f"S{number}", account=world.accounts[number % 4])
        deliver_facts()
        at = later(seconds=1)

        while WebhookMessage.objects.filter(state="waiting").exists():
            together([lambda: send_all(at)] * 6)

        assert sorted(one.event["data"]["channel_serial"] for one in hooks.received) == [f"S{n}" for n in range(8)]

    def test_the_next_of_an_account_waits_while_one_is_being_sent_and_other_accounts_do_not(
        self, world: World, bank: Bank, hooks: Receiver
    ) -> None:
        endpoint(world, hooks.url)
        for serial, account in (("A1", 0), ("A2", 0), ("B1", 1)):
            pay(world, bank, serial, account=world.accounts[account])
        deliver_facts()
        arrived, go_on = threading.Event(), threading.Event()

        def slow(request: Any) -> tuple[int, dict[str, str]]:
            if request.event["data"]["channel_serial"] == "A1":
                arrived.set()
                go_on.wait(10)
            return 204, {}

        hooks.answers = slow
        at = later(seconds=1)
        worker = threading.Thread(target=together, args=([lambda: send_next(now=at)],))
        worker.start()
        assert arrived.wait(10)
        send_all(at)
        meanwhile = [one.event["data"]["channel_serial"] for one in hooks.received]
        go_on.set()
        worker.join()
        send_all(at)

        assert meanwhile == ["A1", "B1"]
        assert [one.event["data"]["channel_serial"] for one in hooks.received] == ["A1", "B1", "A2"]


class TestFailure:
    def test_it_is_tried_on_the_schedule_then_given_up_and_the_next_of_the_account_goes(
        self, world: World, bank: Bank, hooks: Receiver, settings: Any
    ) -> None:
        settings.WEBHOOK_JITTER = 0.0
        endpoint(world, hooks.url)
        pay(world, bank, "S1")
        pay(world, bank, "S2")
        deliver_facts()
        hooks.answers = lambda request: (500 if request.event["data"]["channel_serial"] == "S1" else 204, {})
        at, waits = later(seconds=1), []

        while WebhookMessage.objects.order_by("pk")[0].state == "waiting":
            assert send_next(now=at) and not send_next(now=at)
            due = WebhookMessage.objects.order_by("pk")[0].due_at
            waits.append(round((due - at).total_seconds()) if due else None)
            at = max(due or at, WebhookEndpoint.objects.get().rest_until or at)
        send_all(at + timedelta(minutes=6))

        assert waits == [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400, None]
        assert [one.event["data"]["channel_serial"] for one in hooks.received] == ["S1"] * 10 + ["S2"]
        assert list(WebhookMessage.objects.order_by("pk").values_list("state", "failure")) == [
            ("dead", "status"), ("delivered", "")
        ]  # fmt: skip

    def test_410_switches_the_endpoint_off_at_once_and_its_owner_is_told(
        self, world: World, bank: Bank, hooks: Receiver
    ) -> None:
        made = endpoint(world, hooks.url)
        pay(world, bank, "S1")
        pay(world, bank, "S2", account=world.commercial)
        deliver_facts()
        hooks.answers = lambda _request: (410, {})

        send_all(later(seconds=1))

        one = WebhookEndpoint.objects.get(pk=made.endpoint_id)
        assert (one.is_on, one.off_reason, len(hooks.received)) == (False, "gone", 1)
        told = Message.objects.get(template="webhook-switched-off")
        assert told.user_id == world.administrator_id and "410" in told.parameters
        assert set(WebhookMessage.objects.values_list("state", flat=True)) == {"dead"}

    def test_days_without_a_success_switch_it_off_and_what_came_meanwhile_can_be_replayed(
        self, world: World, bank: Bank, hooks: Receiver, settings: Any
    ) -> None:
        made = endpoint(world, hooks.url)
        pay(world, bank, "S1")
        deliver_facts()
        hooks.answers = lambda _request: (500, {})
        began = later(seconds=1)
        send_all(began)
        before = WebhookEndpoint.objects.get().is_on
        send_all(began + timedelta(days=settings.WEBHOOK_OFF_AFTER_DAYS, minutes=1))
        assert before and WebhookEndpoint.objects.get().off_reason == "failing"
        assert Message.objects.filter(template="webhook-switched-off", user_id=world.administrator_id).count() == 1

        pay(world, bank, "S2")
        deliver_facts()
        at = began + timedelta(days=9)
        assert send_all(at) == 0
        who: Any = {"code": "icbc", "endpoint_id": made.endpoint_id, "within": None}
        with pytest.raises(EndpointOff):
            webhooks.replay_dead(**who, since=world.at, at=at)
        hooks.answers = lambda _request: (204, {})
        webhooks.switch_endpoint(**who, is_on=True, at=at)
        count = webhooks.replay_dead(**who, since=world.at, at=at)
        send_all(at)

        assert count == 2
        serials = [one.event["data"]["channel_serial"] for one in hooks.received]
        assert serials[-2:] == ["S1", "S2"] and len({one.id for one in hooks.received}) == 2

    def test_retry_after_is_obeyed_by_all_that_goes_there(self, world: World, bank: Bank, hooks: Receiver) -> None:
        endpoint(world, hooks.url)
        pay(world, bank, "S1")
        pay(world, bank, "S2", account=world.commercial)
        deliver_facts()
        hooks.answers = lambda _request: (429, {"Retry-After": "3600"})
        at = later(seconds=1)

        first, second = send_all(at), send_all(at + timedelta(minutes=59))
        hooks.answers = lambda _request: (204, {})
        third = send_all(at + timedelta(minutes=61))

        assert (first, second, third) == (1, 0, 2)

    def test_a_redirect_is_not_followed(self, world: World, bank: Bank, hooks: Receiver) -> None:
        endpoint(world, hooks.url)
        hooks.answers = lambda _request: (307, {"Location": f"http://127.0.0.1:{hooks.port}/elsewhere"})
        webhooks.send_test(code="icbc", endpoint_id=WebhookEndpoint.objects.get().pk, within=None, at=timezone.now())

        send_all(later(seconds=1))

        assert [one.path for one in hooks.received] == ["/hooks"] and stored().failure == "redirect"

    def test_one_event_is_sent_again_under_its_id_and_only_when_it_is_not_on_its_way(
        self, world: World, bank: Bank, hooks: Receiver
    ) -> None:
        made = endpoint(world, hooks.url)
        pay(world, bank, "S1")
        deliver_facts()
        who: Any = {"code": "icbc", "endpoint_id": made.endpoint_id, "within": None, "message_id": stored().pk}
        with pytest.raises(NothingToReplay):
            webhooks.replay(**who, at=timezone.now())
        send_all(later(seconds=1))

        webhooks.replay(**who, at=timezone.now())
        send_all(later(seconds=1))

        assert len(hooks.received) == 2 and len({one.id for one in hooks.received}) == 1
        assert WebhookAttempt.objects.count() == 2

    def test_a_client_that_is_off_is_not_called_and_what_happened_is_not_lost(
        self, world: World, bank: Bank, hooks: Receiver
    ) -> None:
        endpoint(world, hooks.url)
        pay(world, bank, "S1")
        deliver_facts()
        ChannelClient.objects.update(is_on=False)
        assert send_all(later(seconds=1)) == 0

        ChannelClient.objects.update(is_on=True)

        assert send_all(later(seconds=1)) == 1

    def test_what_arrived_long_ago_is_forgotten_and_what_was_given_up_is_kept_longer(
        self, world: World, bank: Bank, hooks: Receiver
    ) -> None:
        made = endpoint(world, hooks.url)
        for serial in ("S1", "S2"):
            pay(world, bank, serial)
        deliver_facts()
        hooks.answers = lambda request: (204 if request.event["data"]["channel_serial"] == "S1" else 410, {})
        send_all(later(seconds=1))

        gone = [forget_messages(at=later(days=days)) for days in (29, 31, 91)]

        assert gone == [0, 1, 1] and not WebhookAttempt.objects.exists() and made.endpoint_id


class TestSecrets:
    def test_while_a_secret_is_replaced_both_verify_and_afterwards_the_new_one_alone(
        self, world: World, bank: Bank, hooks: Receiver
    ) -> None:
        made = endpoint(world, hooks.url)
        who: Any = {"code": "icbc", "endpoint_id": made.endpoint_id, "within": None}
        newer = webhooks.rotate_secret(**who, at=timezone.now())
        with pytest.raises(TwoLiveSecrets):
            webhooks.rotate_secret(**who, at=timezone.now())
        webhooks.send_test(**who, at=timezone.now())
        send_all(later(seconds=1))
        webhooks.drop_old_secret(**who)
        webhooks.send_test(**who, at=timezone.now())
        send_all(later(seconds=1))

        verifies = [[one.is_signed_by(secret) for secret in (made.secret, newer)] for one in hooks.received]

        assert verifies == [[True, True], [False, True]]
        assert webhooks.rotate_secret(**who, at=timezone.now()) not in (made.secret, newer)

    def test_the_old_one_ends_by_itself(self, world: World, bank: Bank, hooks: Receiver) -> None:
        made = endpoint(world, hooks.url)
        who: Any = {"code": "icbc", "endpoint_id": made.endpoint_id, "within": None}
        webhooks.rotate_secret(**who, at=timezone.now())
        webhooks.send_test(**who, at=timezone.now())

        send_all(later(hours=25))

        assert not hooks.received[0].is_signed_by(made.secret)

    def test_at_rest_it_is_sealed(self, world: World, bank: Bank, hooks: Receiver) -> None:
        made = endpoint(world, hooks.url)
        with connection.cursor() as cursor:
            cursor.execute("SELECT secret, old_secret FROM payments_webhook_endpoint")
            kept = cursor.fetchone()

        assert made.secret.startswith("whsec_") and made.secret not in json.dumps(kept)


class TestEndpoints:
    def test_an_address_inside_or_without_https_is_refused(self, world: World, bank: Bank, settings: Any) -> None:
        settings.WEBHOOK_PLAIN = False
        for url in ("http://hooks.example.com/", "https://127.0.0.1/", "https://hooks.example.com:22/", "x"):
            with pytest.raises(UnusableEndpoint):
                endpoint(world, url)
        with pytest.raises(UnusableEndpoint):
            endpoint(world, "https://hooks.example.com/", kinds=())

        assert not WebhookEndpoint.objects.exists()

    def test_one_address_once_and_five_at_most(self, world: World, bank: Bank) -> None:
        for number in range(5):
            endpoint(world, f"https://hooks.example.com/{number}")
        for url in ("https://hooks.example.com/1", "https://hooks.example.com/6"):
            with pytest.raises(EndpointTaken):
                endpoint(world, url)

    def test_somebody_elses_client_is_not_there(self, world: World, bank: Bank) -> None:
        county = OrgUnit.objects.get(pk=world.county_a_id)
        with pytest.raises(NotFound):
            webhooks.add_endpoint(
                code="icbc", url="https://hooks.example.com/", kinds=["payment.booked"], by_id=world.administrator_id,
                within=[county.path], at=world.at,
            )  # fmt: skip

    def test_the_database_keeps_the_rules(self, world: World, bank: Bank) -> None:
        made = endpoint(world, "https://hooks.example.com/")
        found = WebhookEndpoint.objects.filter(pk=made.endpoint_id)
        rules: list[dict[str, Any]] = [
            {"kinds": []}, {"kinds": ["endpoint.test"]}, {"is_on": False}, {"off_reason": "gone"}, {"failures": 1},
            {"old_until": world.at},
        ]  # fmt: skip
        for wrong in rules:
            with pytest.raises(IntegrityError), transaction.atomic():
                found.update(**wrong)
