"""The websocket server in memory: nobody who listens goes deaf, whoever cannot be told is sent away to come again."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from config.shared.live import TOPICS, server
from config.shared.live.server import LiveServer

TOPIC, KEY = "a-topic", "a-key"
PATIENCE_S = 20


class Source:
    """What a topic shows; `held` keeps the next look waiting until it is set."""

    def __init__(self) -> None:
        self.number = 1
        self.held: threading.Event | None = None
        self.looks = 0

    def __call__(self, key: str) -> dict[str, int] | None:
        self.looks += 1
        held, self.held = self.held, None
        if held is not None:
            held.wait(PATIENCE_S)
        return {"number": self.number} if key == KEY else None


class Browser:
    """One websocket of a browser: what it was sent; `is_stuck` while it takes nothing in."""

    def __init__(self, live: LiveServer, key: str = KEY) -> None:
        self.sent: list[Any] = []
        self.is_stuck = False
        self._coming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._coming.put_nowait({"type": "websocket.connect"})
        scope = {"type": "websocket", "path": f"/live/{TOPIC}/{key}/"}
        self.served = asyncio.create_task(live(scope, self._coming.get, self._send))

    async def _send(self, message: Any) -> None:
        if self.is_stuck and message["type"] == "websocket.send":
            await asyncio.sleep(PATIENCE_S)
        self.sent.append(message)

    @property
    def numbers(self) -> list[int]:
        """The states it was sent."""
        return [json.loads(one["text"])["number"] for one in self.sent if one["type"] == "websocket.send"]

    @property
    def is_closed(self) -> bool:
        """Whether the server sent it away."""
        return any(one["type"] == "websocket.close" for one in self.sent)

    async def leave(self) -> None:
        """The page is closed."""
        self._coming.put_nowait({"type": "websocket.disconnect"})
        await self.served


async def until(holds: Callable[[], bool]) -> None:
    """Wait for something that must come about."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await asyncio.sleep(0.01)


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Source:
    """A topic; rooms are looked at by the clock every moment, as they are without Redis."""
    settings.LIVE_LOOK_S = 0.02
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    made = Source()
    monkeypatch.setitem(TOPICS, TOPIC, made)
    return made


def play(story: Callable[[LiveServer], Coroutine[Any, Any, None]]) -> None:
    """Play a story against a server of its own, on a thread of its own: another test's browser keeps a loop on ours."""

    async def run() -> None:
        await story(LiveServer())

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, run()).result()


class TestAPageThatIsLoadedAgain:
    def test_hears_of_changes_though_the_old_one_left_during_its_first_look(self, source: Source) -> None:
        async def story(live: LiveServer) -> None:
            old = Browser(live)
            await until(lambda: old.numbers == [1])
            held = source.held = threading.Event()
            new = Browser(live)
            looks = source.looks
            await until(lambda: source.looks > looks)
            # The clock's look may be the one that is held: the new page waits behind it all the same.
            await old.leave()
            held.set()
            await until(lambda: new.numbers == [1])

            source.number = 2

            await until(lambda: new.numbers == [1, 2])
            assert len(live.rooms) == 1
            await new.leave()
            assert not live.rooms

        play(story)


class TestWhoIsTooSlowOnce:
    def test_is_sent_away_to_come_again_and_the_others_are_told(
        self, source: Source, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(server, "SEND_LIMIT_S", 0.05)

        async def story(live: LiveServer) -> None:
            slow, other = Browser(live), Browser(live)
            await until(lambda: slow.numbers == other.numbers == [1])
            slow.is_stuck, source.number = True, 2

            await until(lambda: slow.is_closed and slow.served.done())

            assert slow.numbers == [1]
            await until(lambda: other.numbers == [1, 2])
            again = Browser(live)
            await until(lambda: again.numbers == [2])

        play(story)


class TestWhatIsNotThere:
    def test_is_refused_and_leaves_no_room(self, source: Source) -> None:
        async def story(live: LiveServer) -> None:
            lost = Browser(live, key="unknown")
            await until(lost.served.done)

            assert lost.is_closed and not lost.numbers
            assert not live.rooms

        play(story)
