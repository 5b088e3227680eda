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
from config.shared.personal_data import decrypt
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
    key, areas = _find_key(header.client, header.key)
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
    return _caller(client, header.key, areas)


# Every request asks this once: written down, because putting it together anew took longer than answering it.
_KEY = """
SELECT k.id, k.algorithm, k.public_key, k.secret, k.valid_from, k.valid_until, k.revoked_at,
       c.id, c.name, c.kind, c.is_sandbox, c.is_on, c.clearing_id, c.cutoff_time, c.days_apart, c.reversal_days,
       c.blackout_from, c.blackout_until, c.networks, c.fingerprints, c.queries_per_minute, c.payments_per_minute,
       c.account_queries_per_hour,
       (SELECT coalesce(json_agg(json_build_array(u.path, a.is_on)), '[]') FROM payments_client_area a
        JOIN shared_org_unit u ON u.id = a.org_unit_id WHERE a.client_id = c.id)
FROM payments_client_key k JOIN payments_channel_client c ON c.id = k.client_id
WHERE k.key_id = %s AND c.code = %s
"""
_OF_KEY = ("id", "algorithm", "public_key", "secret", "valid_from", "valid_until", "revoked_at")
_OF_CLIENT = (
    "id", "name", "kind", "is_sandbox", "is_on", "clearing_id", "cutoff_time", "days_apart", "reversal_days",
    "blackout_from", "blackout_until", "networks", "fingerprints", "queries_per_minute", "payments_per_minute",
    "account_queries_per_hour",
)  # fmt: skip


def _find_key(code: str, key_id: str) -> tuple[ClientKey | None, tuple[tuple[str, bool], ...]]:
    """A client's key with its client, and where the client collects; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_KEY, [key_id, code])
        row = cursor.fetchone()
    if row is None:
        return None, ()
    own, rest = row[: len(_OF_KEY)], row[len(_OF_KEY) : -1]
    values = dict(zip(_OF_KEY, own, strict=True))
    values["secret"] = decrypt(values["secret"]) if values["secret"] else ""
    client = ChannelClient(code=code, **dict(zip(_OF_CLIENT, rest, strict=True)))
    return ClientKey(client=client, key_id=key_id, **values), tuple((path, is_on) for path, is_on in row[-1])


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
    """
    Note the nonce at once, whatever becomes of the request; False when any process noted it before.

    Every process sees it at once, and nobody waits until it is on the disk: a server that falls over may forget the
    nonces of its last moment, and what was booked under them stands under serials that it does not forget.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH quick AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)) "
            "INSERT INTO payments_client_nonce (client_id, nonce, seen_at) SELECT %s, %s, %s FROM quick "
            "ON CONFLICT DO NOTHING",
            [client_id, nonce, at],
        )
        return bool(cursor.rowcount == 1)


def _caller(client: ChannelClient, key_id: str, areas: tuple[tuple[str, bool], ...]) -> Caller:
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
        areas=areas,
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
            cursor.execute(
                "SELECT digest, status, body FROM payments_answered_request "
                "WHERE client_id = %s AND route = %s AND key = %s",
                [client_id, route, key],
            )
            kept = cursor.fetchone()
        if kept is not None:
            if bytes(kept[0]) != digest:
                raise RequestRefused("key-used-otherwise")
            if check_stands is not None:
                check_stands()
            return Answer(kept[1], bytes(kept[2]), is_first=False)
        status, answer = act()
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO payments_answered_request (client_id, route, key, digest, status, body, answered_at) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s)",
                [client_id, route, key, digest, status, answer, at],
            )
    return Answer(status, answer, is_first=True)


def forget_requests(*, at: datetime) -> tuple[int, int]:
    """Forget nonces and answers that have outlived their purpose; how many of each."""
    nonces, _by_model = ChannelNonce.objects.filter(seen_at__lt=at - NONCE_IS_KEPT).delete()
    answers, _by_model = AnsweredRequest.objects.filter(answered_at__lt=at - ANSWERS_ARE_KEPT).delete()
    return nonces, answers
