"""
Token buckets in Valkey: so much a minute for each client and kind of request, none of it for another's sake.

A bucket refills evenly and is never fuller than what it takes in one period. Where Valkey does not answer, nobody is
held up: money in the database is protected otherwise.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from functools import cache

import redis
from django.conf import settings

log = logging.getLogger(__name__)

_PATIENCE_S = 0.5
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
    try:
        allowed, left, wait_ms = _script()(keys=[f"limit:{bucket}"], args=[limit, period_s * 1000, cost])
    except redis.RedisError as error:
        log.warning("rate limits are not kept", extra={"error": str(error)})
        return Taken(True, limit, limit, 0, 0)
    return Taken(
        is_allowed=bool(allowed),
        limit=limit,
        remaining=int(left),
        wait_s=math.ceil(int(wait_ms) / 1000),
        full_in_s=math.ceil((limit - int(left)) * period_s / limit),
    )


@cache
def _script() -> redis.commands.core.Script:
    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=_PATIENCE_S, socket_connect_timeout=_PATIENCE_S, retry=None
    )
    return client.register_script(_TAKE)
