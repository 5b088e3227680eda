"""Limits while Valkey is away: nobody waits for it twice, and nobody is without a limit."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from config.shared import rate_limits


class Deaf:
    """A server that takes connections and never answers; how many it took."""

    def __init__(self) -> None:
        self.taken: list[socket.socket] = []
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while True:
            try:
                self.taken.append(self.listening.accept()[0])
            except OSError:
                return

    def close(self) -> None:
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        self.thread.join()
        for one in self.taken:
            one.close()


@pytest.fixture
def deaf(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deaf]:
    server = Deaf()
    settings.REDIS_URL = f"redis://127.0.0.1:{server.listening.getsockname()[1]}/0"
    monkeypatch.setattr(rate_limits, "_away", rate_limits._Away())
    monkeypatch.setattr(rate_limits, "_own", rate_limits._OwnBuckets())
    rate_limits._script.cache_clear()
    yield server
    rate_limits._script.cache_clear()
    server.close()


def test_it_is_asked_once_and_then_left_alone_while_the_process_counts_by_itself(deaf: Deaf) -> None:
    taken = [rate_limits.take("a", limit=3, period_s=3600) for _each in range(5)]
    other = rate_limits.take("b", limit=3, period_s=3600)

    assert [one.is_allowed for one in taken] == [True, True, True, False, False]
    assert [one.remaining for one in taken[:3]] == [2, 1, 0]
    assert 0 < taken[-1].wait_s <= 1200 and other.is_allowed
    assert len(deaf.taken) == 1


def test_a_look_costs_nothing(deaf: Deaf) -> None:
    looks = [rate_limits.take("a", limit=1, period_s=3600, cost=0).is_allowed for _each in range(3)]
    spent = rate_limits.take("a", limit=1, period_s=3600)

    assert looks == [True] * 3 and spent.is_allowed
    assert not rate_limits.take("a", limit=1, period_s=3600, cost=0).is_allowed


def test_when_it_answers_again_it_is_asked_again(deaf: Deaf, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "_LEFT_ALONE_S", 0.0)
    rate_limits.take("a", limit=3, period_s=3600)
    rate_limits.take("a", limit=3, period_s=3600)

    assert len(deaf.taken) == 2
