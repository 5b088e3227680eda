"""Keep services running: start in order, restart what dies, stop in reverse order."""

from __future__ import annotations

import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from config.embedded import children
from config.embedded.places import LaunchError

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
STEADY_AFTER_S = 60.0
LOG_LIMIT_BYTES = 10_000_000


class Service(Protocol):
    """What can be supervised: an engine, or a `Program`."""

    process: subprocess.Popen[bytes] | None

    def start(self) -> None:
        """Start; return when it works, or raise `LaunchError`."""

    def stop(self) -> None:
        """Stop and wait."""


@dataclass
class Program:
    """A program of ours: the web server, a worker, the scheduler. Its output goes to a log file."""

    command: Sequence[str | Path]
    environment: Mapping[str, str]
    log: Path
    health_url: str = ""
    start_limit_s: float = 60
    patience_s: float = 10
    last_signal: signal.Signals = signal.SIGTERM
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and, where it has a health page, wait until that answers."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            self.process = children.spawn(
                self.command, environment=self.environment, output=log, last_signal=self.last_signal
            )
        if self.health_url:
            self._wait_until_healthy()

    def stop(self) -> None:
        """SIGTERM, then SIGKILL to whatever is left."""
        if self.process:
            children.stop(self.process, patience_s=self.patience_s)
            self.process = None

    def kill(self) -> None:
        """End it as a crash would (SIGKILL to all its processes), for tests."""
        if self.process:
            children.kill_group(self.process)

    def _wait_until_healthy(self) -> None:
        assert self.process is not None  # noqa: S101 - set by start(), the only caller
        deadline = time.monotonic() + self.start_limit_s
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            if is_healthy(self.health_url):
                return
            time.sleep(0.1)
        self.stop()
        raise LaunchError(f"{self.health_url} does not answer; the end of {self.log} says:\n{tail(self.log)}")


def is_healthy(url: str) -> bool:
    """Whether this page answers with success."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own http address
            return bool(200 <= answer.status < 300)
    except (urllib.error.URLError, OSError):
        return False


def tail(path: Path, lines: int = 15) -> str:
    """The last lines of a log file."""
    return "\n".join(path.read_text("utf-8", errors="replace").splitlines()[-lines:])


@dataclass
class _Watched:
    name: str
    service: Service
    started_at: float
    pause_s: float = FIRST_PAUSE_S
    due_at: float | None = None


@dataclass
class Supervisor:
    """Starts services in order and restarts each with a growing pause when it dies."""

    say: Callable[[str], None]
    _watched: list[_Watched] = field(default_factory=list)

    def start(self, name: str, service: Service) -> None:
        """Start a service and watch over it from now on."""
        # Known before it runs, so that an interruption while it starts still stops it.
        watched = _Watched(name, service, time.monotonic())
        self._watched.append(watched)
        service.start()
        watched.started_at = time.monotonic()

    def check(self) -> None:
        """Look at every service once; call it some times a second."""
        for watched in self._watched:
            now = time.monotonic()
            if watched.due_at is not None:
                if now >= watched.due_at:
                    self._restart(watched)
            elif watched.service.process is None or watched.service.process.poll() is not None:
                self._note_death(watched, now)

    def stop(self) -> None:
        """Stop everything, last started first."""
        while self._watched:
            self._watched.pop().service.stop()

    def _note_death(self, watched: _Watched, now: float) -> None:
        if watched.service.process is not None:
            # Processes it had started would keep its port and its connections.
            children.kill_group(watched.service.process)
        if now - watched.started_at > STEADY_AFTER_S:
            watched.pause_s = FIRST_PAUSE_S
        watched.due_at = now + watched.pause_s
        self.say(
            f"{watched.name} 意外停止，{watched.pause_s:g} 秒后重启 · stopped, restarting in {watched.pause_s:g} s"
        )
        watched.pause_s = min(watched.pause_s * 2, LONGEST_PAUSE_S)

    def _restart(self, watched: _Watched) -> None:
        watched.due_at = None
        try:
            watched.service.start()
        except LaunchError as error:
            self.say(str(error))
            self._note_death(watched, time.monotonic())
            return
        watched.started_at = time.monotonic()
        self.say(f"{watched.name} 已重启 · running again")
