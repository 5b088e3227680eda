"""
Token buckets in Valkey: so much a minute for each client and kind of request, none of it for another's sake.

A bucket refills evenly and is never fuller than what it takes in one period. Where Valkey does not answer, it is left
alone for some seconds, and each process keeps the buckets that it needs by itself: as many processes, as many times the
limit, and nobody waits for it.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from functools import cache

import redis
from django.conf import settings

log = logging.getLogger(__name__)

_PATIENCE_S = 0.5
_LEFT_ALONE_S = 5.0
_MOST_OWN_BUCKETS = 10_000
# Tokens and the moment of the last look are kept together, so that one call decides; the server's own clock counts.
_TAKE = """
local capacity, period_ms, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(kept[1]) or capacity
local at = tonumber(kept[2]) or now
tokens = math.min(capacity, tokens + math.max(0, now - at) * capacity / period_ms)
local is_allowed = 0
if tokens >= math.max(cost, 1) then is_allowed = 1; tokens = tokens - cost end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', now)
redis.call('PEXPIRE', KEYS[1], period_ms * 2)
local wait_ms = 0
if is_allowed == 0 then wait_ms = (math.max(cost, 1) - tokens) * period_ms / capacity end
return {is_allowed, math.floor(tokens), math.ceil(wait_ms)}
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """What is left of a bucket: `wait_s` until the next token, 0 where the request may go on."""

    is_allowed: bool
    limit: int
    remaining: int
    wait_s: int
    full_in_s: int


def take(bucket: str, *, limit: int, period_s: int, cost: int = 1) -> Taken:
    """Take `cost` tokens from a bucket of so many a period; `cost` 0 only looks whether there is one left."""
    if not _away.is_to_be_asked():
        return _own.take(bucket, limit=limit, period_s=period_s, cost=cost)
    try:
        allowed, left, wait_ms = _script()(keys=[f"limit:{bucket}"], args=[limit, period_s * 1000, cost])
    except redis.RedisError as error:
        _away.note_failure()
        log.warning("rate limits are kept by each process alone", extra={"error": str(error)})
        return _own.take(bucket, limit=limit, period_s=period_s, cost=cost)
    _away.note_answer()
    return Taken(
        is_allowed=bool(allowed),
        limit=limit,
        remaining=int(left),
        wait_s=math.ceil(int(wait_ms) / 1000),
        full_in_s=math.ceil((limit - int(left)) * period_s / limit),
    )


class _Away:
    """Whether Valkey is away; then one call in five seconds tries it again, and all others pass it by."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until = 0.0

    def is_to_be_asked(self) -> bool:
        """Whether this call shall ask Valkey."""
        if not self._until:
            return True
        with self._lock:
            now = time.monotonic()
            if now < self._until:
                return False
            self._until = now + _LEFT_ALONE_S
            return True

    def note_failure(self) -> None:
        """It did not answer."""
        self._until = time.monotonic() + _LEFT_ALONE_S

    def note_answer(self) -> None:
        """It answered."""
        self._until = 0.0


class _OwnBuckets:
    """The buckets of this process alone, the longest unused forgotten first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, bucket: str, *, limit: int, period_s: int, cost: int) -> Taken:
        """As in Valkey; see `_TAKE`."""
        with self._lock:
            now = time.monotonic()
            tokens, at = self._kept.pop(bucket, (float(limit), now))
            tokens = min(limit, tokens + (now - at) * limit / period_s)
            needed = max(cost, 1)
            is_allowed = tokens >= needed
            wait_s = 0 if is_allowed else math.ceil((needed - tokens) * period_s / limit)
            tokens -= cost if is_allowed else 0
            self._kept[bucket] = (tokens, now)
            while len(self._kept) > _MOST_OWN_BUCKETS:
                self._kept.popitem(last=False)
        left = math.floor(tokens)
        return Taken(is_allowed, limit, left, wait_s, math.ceil((limit - left) * period_s / limit))


_away, _own = _Away(), _OwnBuckets()


@cache
def _script() -> redis.commands.core.Script:
    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=_PATIENCE_S, socket_connect_timeout=_PATIENCE_S, retry=None
    )
    return client.register_script(_TAKE)
