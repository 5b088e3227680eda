"""Connected banks over real HTTP and against real processes: examples, nonces across processes, kills."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from django.conf import settings

from cis.operations import ledger
from cis.queries.ledger import balance
from payments.models import ChannelNonce, Payment, Reversal
from tests.factories.channels import BASE, connect_bank, today
from tests.factories.world import World, small_world
from tests.stack import Stack

pytestmark = pytest.mark.django_db(transaction=True)
EXAMPLES = Path(settings.BASE_DIR) / "payments" / "integrators"

# Another process of ours that is killed, as by the machine, where `place` says.
KILLED = """
    import json, os, signal, sys
    import django
    django.setup()
    from django.test import Client
    from payments.api.signed_requests import ChannelView
    from payments.api.v1 import channel
    from payments.operations.channel_payments import collect

    def die(*_args, **_kwargs):
        os.kill(os.getpid(), signal.SIGKILL)

    request = json.load(sys.stdin)
    if request["place"] == "booked, not answered":
        ChannelView.finalize_response = die
    else:
        # Booked, and nothing of it committed: the answer would be kept next.
        channel.collect = lambda **values: (collect(**values), die())
    Client(headers=request["headers"], SERVER_NAME="localhost").post(
        request["target"], data=request["body"].encode(), content_type="application/json"
    )
"""


def over_http(live: Stack, target: str, headers: dict[str, str]) -> tuple[int, str]:
    request = urllib.request.Request(live.url + target, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.fixture
def world(db: None) -> World:
    return small_world()


class TestBetweenBookedAndAnswered:
    @pytest.mark.parametrize(
        ("place", "booked"), [("booked, not answered", 1), ("not yet committed", 0)], ids=["after", "before"]
    )
    def test_invariant_25_a_killed_process_and_a_retry_book_once(
        self, transactional_db: None, world: World, place: str, booked: int
    ) -> None:
        bank = connect_bank(world)
        values = {
            "channel_serial": "S1", "bank_date": today(), "account_no": world.residential.account_no, "amount_fen": 700
        }  # fmt: skip
        body, target = json.dumps(values), f"{BASE}/payments"
        headers = {"Idempotency-Key": "k-1", **bank.headers("POST", target, body.encode())}
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}

        process = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(KILLED)],
            input=json.dumps({"place": place, "headers": headers, "body": body, "target": target}),
            cwd=settings.BASE_DIR, env=environment, text=True, capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        assert process.returncode == -signal.SIGKILL, process.stderr
        assert Payment.objects.count() == booked
        before = list(Payment.objects.values_list("id", flat=True))

        again = bank.post("/payments", values, key="k-1")

        assert again.status_code == 201
        assert Payment.objects.count() == 1 and before in ([], list(Payment.objects.values_list("id", flat=True)))
        assert balance(world.residential.account_id).prepayment_fen == 700
        assert again.json()["receipt_no"] == str(Payment.objects.get())
        assert ledger.verify().faults == ()


class TestOverHttp:
    @pytest.mark.acceptance("F151")
    def test_invariant_17_a_nonce_is_used_once_across_processes(self, live: Stack, world: World) -> None:
        bank = connect_bank(world)
        target = f"{BASE}/accounts/{world.residential.account_no}/bills"
        first, second = bank.headers("GET", target, b""), bank.headers("GET", target, b"")

        here = bank.get(f"/accounts/{world.residential.account_no}/bills", nonce="n" * 20)
        there = over_http(live, target, bank.headers("GET", target, b"", nonce="n" * 20))
        answers = [over_http(live, target, headers)[0] for headers in (first, first, second)]

        assert here.status_code == 200
        assert there[0] == 401 and json.loads(there[1])["reason"] == "nonce-repeated"
        assert answers == [200, 401, 200]
        assert ChannelNonce.objects.count() == 3

    def test_a_forged_certificate_header_is_not_believed(self, live: Stack, world: World) -> None:
        bank = connect_bank(world, fingerprints=["ab" * 32])
        target = f"{BASE}/payments/S1"
        headers = {**bank.headers("GET", target, b""), "X-Client-Certificate-SHA256": "ab" * 32}

        status, text = over_http(live, target, headers)

        assert (status, json.loads(text)["reason"]) == (403, "certificate-wrong")

    @pytest.mark.parametrize(
        "command", [["sh", "example.sh"], [sys.executable, "example_client.py"]], ids=["curl", "python"]
    )
    def test_the_examples_for_integrators_run(
        self, live: Stack, world: World, tmp_path: Path, command: list[str]
    ) -> None:
        bank = connect_bank(world, algorithm="RSA2048-SHA256")
        private = tmp_path / "private.pem"
        private.write_text(bank.private)
        environment = {
            **os.environ, "BASE": live.url, "CLIENT": bank.code, "KEY": bank.key_id, "PRIVATE": str(private),
            "ACCOUNT": world.residential.account_no,
        }  # fmt: skip

        done = subprocess.run(
            command, cwd=EXAMPLES, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

        assert done.returncode == 0, done.stderr
        lines = done.stdout.strip().splitlines()
        assert len(lines) == 4 and "张*" in lines[0] and "receipt_no" in lines[1], done.stdout
        assert "booked" in lines[2] and "reversed" in lines[3]
        assert Payment.objects.count() == Reversal.objects.count() == 1
        assert balance(world.residential.account_id).prepayment_fen == 0

    def test_the_page_for_integrators_shows_what_the_tests_run(self, live: Stack) -> None:
        status, text = over_http(live, "/integrators/", {})

        assert status == 200 and "openssl dgst -sha256 -sign" in text and "EQ" in text and "batch-running" in text
