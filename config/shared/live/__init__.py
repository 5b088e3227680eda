"""
What changes while people look at it: topics that a browser may listen to over a websocket.

An app registers a topic as a function from a key (such as a hall's code) to what the page shows, in plain values, or
None where there is no such thing; `ring` says that it may have changed. Nothing is ever sent but the whole present
state, so whoever was cut off is right again with the first message. Topics are open to everybody who knows the address:
nothing but what hangs on a wall anyway.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import redis
from django.conf import settings

log = logging.getLogger(__name__)

State = Mapping[str, Any]
TOPICS: dict[str, Callable[[str], State | None]] = {}
CHANNEL = "live"
# Whoever rings has a customer waiting: without Redis the screens look by themselves a moment later.
_PATIENCE_S = 0.3


def shows(topic: str) -> Callable[[Callable[[str], State | None]], Callable[[str], State | None]]:
    """Register a function as what a topic shows; it opens no transaction and may be called at any moment."""

    def register(function: Callable[[str], State | None]) -> Callable[[str], State | None]:
        TOPICS[topic] = function
        return function

    return register


def ring(topic: str, key: str) -> None:
    """Tell the listeners of a topic that it may have changed; a bell that nobody hears costs a second or two."""
    try:
        _client().publish(CHANNEL, f"{topic}/{key}")
    except redis.RedisError as error:
        log.warning("live bell not heard", extra={"topic": topic, "error": str(error)})


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=_PATIENCE_S, socket_connect_timeout=_PATIENCE_S, retry=None
    )
