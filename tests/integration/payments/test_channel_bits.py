"""A request of a bank of which one bit was changed on its way, as the house receives it: never accepted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.test.client import FakePayload
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from payments.models import ChannelNonce, Payment
from payments.signing.request_signature import ALGORITHMS
from tests.factories.channels import BASE, connect_bank, today
from tests.factories.world import small_world

pytestmark = pytest.mark.django_db
PARTS = ("method", "path", "query", "authorization", "body")


def send(parts: dict[str, bytes]) -> Any:
    """What a web server hands on for these bytes."""
    return Client(raise_request_exception=False).request(
        REQUEST_METHOD=parts["method"].decode("latin-1"),
        PATH_INFO=parts["path"].decode("latin-1"),
        QUERY_STRING=parts["query"].decode("latin-1"),
        HTTP_AUTHORIZATION=parts["authorization"].decode("latin-1"),
        HTTP_IDEMPOTENCY_KEY="one-key",
        CONTENT_TYPE="application/json",
        CONTENT_LENGTH=str(len(parts["body"])),
        **{"wsgi.input": FakePayload(parts["body"])},
    )


@pytest.mark.acceptance("F151")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_invariant_16_no_flipped_bit_is_accepted(algorithm: str) -> None:
    world = small_world()
    bank = connect_bank(world, algorithm=algorithm)
    values = {
        "channel_serial": "S1", "bank_date": today(), "account_no": world.residential.account_no, "amount_fen": 700,
    }  # fmt: skip
    body, query = json.dumps(values).encode(), "branch=0012"
    right = {
        "method": b"POST",
        "path": f"{BASE}/payments".encode(),
        "query": query.encode(),
        "authorization": bank.headers("POST", f"{BASE}/payments?{query}", body)["Authorization"].encode(),
        "body": body,
    }

    @settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(part=st.sampled_from(PARTS), place=st.integers(0, 10**6))
    def flip(part: str, place: int) -> None:
        changed = bytearray(right[part])
        bit = place % (len(changed) * 8)
        changed[bit // 8] ^= 1 << bit % 8

        answer = send({**right, part: bytes(changed)})

        assert 400 <= answer.status_code < 500, (part, bytes(changed), answer.content)

    flip()

    assert not Payment.objects.exists() and not ChannelNonce.objects.exists()
    assert send(right).status_code == 201
    assert send(right).json()["reason"] == "nonce-repeated"
