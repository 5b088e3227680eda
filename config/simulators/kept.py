"""What the simulated providers took: the telephones and mailboxes of invented people."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Kept:
    """One message as it arrived."""

    number: int
    channel: str
    to: str
    subject: str
    text: str
    at: float
    out_id: str = ""
    details: dict[str, str] = field(default_factory=dict)


class Shelf:
    """The newest messages of all providers, for looking at; safe between threads."""

    def __init__(self, most: int = 2_000) -> None:
        self._kept: deque[Kept] = deque(maxlen=most)
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def keep(
        self,
        *,
        channel: str,
        to: str,
        subject: str,
        text: str,
        at: float,
        out_id: str = "",
        details: dict[str, str] | None = None,
    ) -> Kept:
        """Put a message on the shelf."""
        with self._lock:
            kept = Kept(next(self._numbers), channel, to, subject, text, at, out_id, details or {})
            self._kept.append(kept)
        return kept

    def all(self, *, channel: str = "", to: str = "") -> list[Kept]:
        """Newest first; of one channel or one recipient if asked for."""
        with self._lock:
            kept = list(self._kept)
        return [one for one in reversed(kept) if channel in ("", one.channel) and to in ("", one.to)]

    def as_json(self, *, channel: str = "", to: str = "", limit: int = 100) -> list[dict[str, object]]:
        """The same, as plain values."""
        return [asdict(one) for one in self.all(channel=channel, to=to)[:limit]]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
