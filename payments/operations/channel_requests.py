"""
Let a signed request of a client in, and give every request that changes something one answer for ever.

The order of the checks is part of the contract: size and shape, signature, client, network, certificate, key, time,
nonce; the body is read by nobody before that. Whoever does not hold a key learns nothing: an unknown client, an unknown
key and a wrong signature are told apart in the log alone.
"""

from __future__ import annotations

import hashlib
import ipaddress
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from config.shared.errors import Refused
from payments.channel_codes import CODES
from payments.channel_rules import DayRules
from payments.models import AnsweredRequest, ChannelClient, ChannelNonce, ClientKey
from payments.signing import request_signature

log = logging.getLogger(__name__)

MAX_BODY = 16_384
NONCE_IS_KEPT = timedelta(seconds=2 * request_signature.TIME_WINDOW_S)
ANSWERS_ARE_KEPT = timedelta(days=7)


class RequestRefused(Refused):
    """A request that is not let in, or not answered now; `reason` stands in the list of codes."""

    code = "request-refused"

    def __init__(self, reason: str) -> None:
        super().__init__(CODES[reason].zh)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request as it came over the wire; `address` is where it came from, `fingerprint` of its TLS certificate."""

    method: str
    target: str
    authorization: str
    body: bytes
    address: str
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a client may ask; see `payments.models.ChannelClient`."""

    queries_per_minute: int
    payments_per_minute: int
    account_queries_per_hour: int


@dataclass(frozen=True, slots=True)
class Caller:
    """A client that proved who it is, with what its contract says."""

    client_id: int
    code: str
    name: str
    key_id: str
    is_sandbox: bool
    clearing_id: int
    is_agent: bool
    rules: DayRules
    limits: Limits
    areas: tuple[tuple[str, bool], ...]
    """organisation path, and whether collection is on there; the longest path above an account counts"""
    is_authenticated: bool = True

    def serves(self, path: str) -> bool:
        """Whether the client collects from the customers of a unit with this organisation path."""
        above = [(len(root), is_on) for root, is_on in self.areas if path.startswith(root)]
        return bool(above) and max(above)[1]


def admit(*, request: SignedRequest, at: datetime) -> Caller:
    """
    Check a signed request; who sent it.

    :raises RequestRefused: it is not let in
    """
    if len(request.body) > MAX_BODY or len(request.target) > request_signature.LONGEST_TARGET:
        raise RequestRefused("too-large")
    try:
        header = request_signature.read_header(request.authorization)
    except request_signature.UnreadableHeader as error:
        raise RequestRefused("bad-header") from error
    if not request_signature.is_offered(header.algorithm):
        raise RequestRefused("algorithm-not-offered")
    key = ClientKey.objects.select_related("client").filter(client__code=header.client, key_id=header.key).first()
    if key is None or not _has_signed(key, header, request):
        log.info(
            "channel request with a wrong signature",
            extra={"client": header.client, "key": header.key, "is_known": key is not None, "address": request.address},
        )
        raise RequestRefused("bad-signature")
    client = key.client
    try:
        _check_client(client, request)
        _check_live(key, header, at)
        if not _is_first_use(client.pk, header.nonce, at):
            raise RequestRefused("nonce-repeated")
    except RequestRefused as refused:
        log.info("channel request refused", extra={"client": client.code, "key": key.key_id, "reason": refused.reason})
        raise
    return _caller(client, header.key)


def _has_signed(key: ClientKey, header: request_signature.SignedHeader, request: SignedRequest) -> bool:
    """Whether the owner of the key, live or not, signed exactly this request."""
    text = request_signature.text_to_sign(
        method=request.method,
        target=request.target,
        timestamp=header.timestamp,
        nonce=header.nonce,
        body=request.body,
    )
    return key.algorithm == header.algorithm and request_signature.is_signed(
        key.algorithm, text, header.signature, kept=key.secret or key.public_key
    )


def _check_live(key: ClientKey, header: request_signature.SignedHeader, at: datetime) -> None:
    if key.revoked_at is not None or at < key.valid_from or (key.valid_until is not None and at >= key.valid_until):
        raise RequestRefused("key-not-live")
    if not request_signature.is_in_time(header.timestamp, now=at.timestamp()):
        raise RequestRefused("out-of-time")


def _check_client(client: ChannelClient, request: SignedRequest) -> None:
    # One person opens a sandbox: where real customers are, it is let in by nobody.
    if not client.is_on or (client.is_sandbox and not settings.SIMULATORS):
        raise RequestRefused("client-off")
    if not is_in_networks(request.address, client.networks):
        raise RequestRefused("network-not-allowed")
    if client.fingerprints and request.fingerprint.replace(":", "").lower() not in client.fingerprints:
        raise RequestRefused("certificate-wrong")


def is_in_networks(address: str, networks: list[str]) -> bool:
    """Whether an address lies in one of the networks; an IPv4 address written as IPv6 is the IPv4 address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return any(found in ipaddress.ip_network(network) for network in networks)


def _is_first_use(client_id: int, nonce: str, at: datetime) -> bool:
    """Note the nonce at once, whatever becomes of the request; False when any process noted it before."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO payments_client_nonce (client_id, nonce, seen_at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            [client_id, nonce, at],
        )
        return bool(cursor.rowcount == 1)


def _caller(client: ChannelClient, key_id: str) -> Caller:
    return Caller(
        client_id=client.pk,
        code=client.code,
        name=client.name,
        key_id=key_id,
        is_sandbox=client.is_sandbox,
        clearing_id=client.clearing_id,
        is_agent=client.kind == ChannelClient.Kind.AGENT,
        rules=DayRules(
            client.cutoff_time, client.days_apart, client.reversal_days, client.blackout_from, client.blackout_until
        ),
        limits=Limits(client.queries_per_minute, client.payments_per_minute, client.account_queries_per_hour),
        areas=tuple(client.areas.values_list("org_unit__path", "is_on")),
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered, byte for byte; `is_first` unless it was answered before."""

    status: int
    body: bytes
    is_first: bool


def answer_once(
    *,
    client_id: int,
    route: str,
    key: str,
    body: bytes,
    at: datetime,
    act: Callable[[], tuple[int, bytes]],
    check_stands: Callable[[], None] | None = None,
) -> Answer:
    """
    Carry out an act and keep its answer with it, all or nothing; the first answer again where there is one.

    A refusal is not kept: nothing happened, and the same key may try again. `body` is what came, byte for byte.
    `check_stands` refuses where the first answer is true no more, before it would be given again.

    :raises RequestRefused: the key came with another body (`key-used-otherwise`), or its act runs at this moment
    :raises Refused: what the act, or `check_stands`, refuses
    """
    digest = hashlib.sha256(body).digest()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 12))", [f"{client_id}:{route}:{key}"])
            if not cursor.fetchone()[0]:
                raise RequestRefused("still-running")
        # A statement of its own: it sees what was committed before the lock was given.
        kept = AnsweredRequest.objects.filter(client_id=client_id, route=route, key=key).first()
        if kept is not None:
            if bytes(kept.digest) != digest:
                raise RequestRefused("key-used-otherwise")
            if check_stands is not None:
                check_stands()
            return Answer(kept.status, bytes(kept.body), is_first=False)
        status, answer = act()
        AnsweredRequest(
            client_id=client_id, route=route, key=key, digest=digest, status=status, body=answer, answered_at=at
        ).save(force_insert=True)
    return Answer(status, answer, is_first=True)


def forget_requests(*, at: datetime) -> tuple[int, int]:
    """Forget nonces and answers that have outlived their purpose; how many of each."""
    nonces, _by_model = ChannelNonce.objects.filter(seen_at__lt=at - NONCE_IS_KEPT).delete()
    answers, _by_model = AnsweredRequest.objects.filter(answered_at__lt=at - ANSWERS_ARE_KEPT).delete()
    return nonces, answers
