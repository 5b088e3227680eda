"""How a simulated provider tells a merchant: over and over by its schedule until it is taken, or wrongly as told."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

PATIENCE_S = 5


@dataclass
class Misbehaviour:
    """How notices go wrong; counts go down with every notice."""

    lose: int = 0
    """never sent, whatever the schedule says"""
    times: int = 1
    """sent so often even where the first is taken"""
    corrupt: int = 0
    """one character of the body changed after signing"""
    stale_s: int = 0
    """signed with a time so long ago"""
    delay_s: float = 0.0
    pace: float = 1.0
    """what the schedule is multiplied with"""
    probe: int = 0
    """first a notice whose signature is one of its test texts"""
    hold: bool = False
    """sent only when somebody calls what lies in `held`: in any order, and as often as they like"""
    held: list[Callable[[], bool]] = field(default_factory=list)


def repeat(behaviour: Misbehaviour, schedule_s: Sequence[float], send: Callable[[], bool]) -> None:
    """Call `send` in a thread of its own, by the schedule, until it says that the notice was taken."""
    if behaviour.lose > 0:
        behaviour.lose -= 1
        return
    if behaviour.hold:
        behaviour.held.append(send)
        return

    def deliver() -> None:
        time.sleep(behaviour.delay_s)
        taken = 0
        for wait_s in schedule_s:
            time.sleep(0 if taken else wait_s * behaviour.pace)
            taken += send()
            if taken >= behaviour.times:
                return

    threading.Thread(target=deliver, daemon=True).start()


def post(address: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    """Status and first bytes of the answer to a POST; 0 where nobody answered in time."""
    where = urlsplit(address)
    kind = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
    connection = kind(where.hostname or "", where.port, timeout=PATIENCE_S)
    try:
        connection.request("POST", where.path, body=body, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read(64)
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()
