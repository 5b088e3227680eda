"""
The websocket server: `/live/<topic>/<key>/` sends the present state at once, and again whenever it changes.

One look at the database a topic and key serves however many listen. A look follows a bell, and without bells every
`LIVE_LOOK_S` seconds: the server is right again by itself after Redis or the database was away.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

import redis.asyncio
import redis.exceptions
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import close_old_connections

from config.shared.live import CHANNEL, TOPICS

log = logging.getLogger(__name__)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

PREFIX = "/live/"
MAX_LISTENERS = 5_000
_NO_SUCH_TOPIC, _BUSY = 4404, 4503
SEND_LIMIT_S = 5.0


class Listener:
    """One websocket; `heard` is what it was told last, `is_lost` is set when it could not be told any more."""

    def __init__(self, send: Send) -> None:
        self.send = send
        self.heard = ""
        self.is_lost = asyncio.Event()

    async def tell(self, text: str) -> None:
        """Send a state, unless it was told just that."""
        if self.heard == text or self.is_lost.is_set():
            return
        self.heard = text
        try:
            await asyncio.wait_for(self.send({"type": "websocket.send", "text": text}), SEND_LIMIT_S)
        except Exception:
            # Gone, or too slow to be waited for: its socket is closed, and it comes again for the whole state.
            self.is_lost.set()


class Room:
    """Everybody who listens to one topic and key."""

    def __init__(self, topic: str, key: str) -> None:
        self.topic, self.key = topic, key
        self.listeners: set[Listener] = set()
        self._looking = asyncio.Lock()

    async def look(self) -> bool:
        """Read the state and tell everybody who does not know it yet; False where there is no such thing."""
        async with self._looking:
            state = await sync_to_async(_read)(self.topic, self.key)
            if state is None:
                return False
            text = json.dumps(state, ensure_ascii=False, sort_keys=True)
            await asyncio.gather(*(listener.tell(text) for listener in list(self.listeners)))
            return True


async def _until_left(receive: Receive) -> None:
    while (await receive())["type"] != "websocket.disconnect":
        pass


def _read(topic: str, key: str) -> Any:
    close_old_connections()
    try:
        return TOPICS[topic](key)
    finally:
        close_old_connections()


class LiveServer:
    """An ASGI application: websockets under /live/, a health page, nothing else."""

    def __init__(self) -> None:
        self.rooms: dict[tuple[str, str], Room] = {}
        self._background: list[asyncio.Task[None]] = []

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        self._begin()
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope["path"], receive, send)
        else:
            status = 200 if scope["path"] == "/health/" else 404
            await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": b"ok" if status == 200 else b"not found"})

    def _begin(self) -> None:
        """Start listening to bells and looking by the clock, once, in the loop that serves."""
        if not self._background:
            self._background = [asyncio.create_task(self._hear()), asyncio.create_task(self._watch())]

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            else:
                for task in self._background:
                    task.cancel()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _websocket(self, path: str, receive: Receive, send: Send) -> None:
        await receive()
        topic, _, key = path.removeprefix(PREFIX).strip("/").partition("/")
        if not path.startswith(PREFIX) or topic not in TOPICS or not key:
            await send({"type": "websocket.close", "code": _NO_SUCH_TOPIC})
            return
        if sum(len(room.listeners) for room in self.rooms.values()) >= MAX_LISTENERS:
            await send({"type": "websocket.close", "code": _BUSY})
            return
        await send({"type": "websocket.accept"})
        room = self.rooms.setdefault((topic, key), Room(topic, key))
        listener = Listener(send)
        # Before the first look: from here on the room is somebody's, and stays where bells and clock find it.
        room.listeners.add(listener)
        try:
            await self._listen(room, listener, receive)
        finally:
            room.listeners.discard(listener)
            if not room.listeners and self.rooms.get((topic, key)) is room:
                del self.rooms[topic, key]

    async def _listen(self, room: Room, listener: Listener, receive: Receive) -> None:
        try:
            is_known = await room.look()
        except Exception as error:
            # The database is away: the browser tries again, and meanwhile keeps what it shows.
            log.warning("no state to send", extra={"topic": room.topic, "error": str(error)})
            await listener.send({"type": "websocket.close", "code": _BUSY})
            return
        if not is_known:
            await listener.send({"type": "websocket.close", "code": _NO_SUCH_TOPIC})
            return
        leaves = asyncio.create_task(_until_left(receive))
        lost = asyncio.create_task(listener.is_lost.wait())
        try:
            await asyncio.wait({leaves, lost}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (leaves, lost):
                task.cancel()
        if not leaves.done():
            with suppress(Exception):
                await asyncio.wait_for(listener.send({"type": "websocket.close", "code": _BUSY}), SEND_LIMIT_S)

    async def _look_at(self, room: Room) -> None:
        try:
            await room.look()
        except Exception as error:
            # Whatever the database says: the next look comes by the clock.
            log.warning("look failed", extra={"topic": room.topic, "error": str(error)})

    async def _watch(self) -> None:
        """Look at every room by the clock."""
        while True:
            await asyncio.sleep(settings.LIVE_LOOK_S)
            for room in list(self.rooms.values()):
                await self._look_at(room)

    async def _hear(self) -> None:
        """Look at a room as soon as its bell rings; comes back to Redis whenever it was away."""
        while True:
            with suppress(redis.exceptions.RedisError, OSError, asyncio.TimeoutError):
                client = redis.asyncio.Redis.from_url(
                    settings.REDIS_URL, socket_connect_timeout=2, health_check_interval=5
                )
                async with client, client.pubsub() as bells:
                    await bells.subscribe(CHANNEL)
                    while True:
                        message = await bells.get_message(ignore_subscribe_messages=True, timeout=5.0)
                        if message is not None:
                            topic, _, key = message["data"].decode().partition("/")
                            room = self.rooms.get((topic, key))
                            if room is not None:
                                await self._look_at(room)
            await asyncio.sleep(1)
