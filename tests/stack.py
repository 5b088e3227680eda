"""Real processes for journeys and fault tests: a web server and a Celery worker."""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import redis

from config.embedded import places
from config.embedded.run import live_program, simulators_program, web_command, worker_command
from config.embedded.supervise import Program

START_LIMIT_S = 60


class Stack:
    """`url`; `kill("web" | "live" | "worker" | "simulators")` as a crash would; `start(name)`; `log(name)`."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        port = places.free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._redis_url = environment["REDIS_URL"]
        self.simulators_url = f"http://127.0.0.1:{places.free_port()}"
        environment = {
            **environment,
            "SIMULATORS_URL": self.simulators_url,
            "EMAIL_HOST": "127.0.0.1",
            "EMAIL_PORT": str(places.free_port()),
        }
        live_port = places.free_port()
        environment["WEBSOCKET_URL"] = self.websocket_url = f"ws://127.0.0.1:{live_port}"
        web = web_command("127.0.0.1", port, workers=1, threads=2)
        health = f"{self.url}/health/"
        self.programs = {
            "simulators": simulators_program(environment, self.url, folder),
            "web": Program(web, environment, folder / "web.log", health_url=health),
            "live": live_program("127.0.0.1", live_port, environment, folder),
            "worker": Program(
                worker_command(), environment, folder / "worker.log", patience_s=2, last_signal=signal.SIGKILL
            ),
        }

    def ensure_running(self) -> None:
        """Start whatever is not running."""
        for name, program in self.programs.items():
            if program.process is None or program.process.poll() is not None:
                self.start(name)

    def start(self, name: str) -> None:
        """Start one program and wait until it works."""
        program = self.programs[name]
        read_to = program.log.stat().st_size if program.log.exists() else 0
        program.start()
        if name == "worker":
            self._wait_for_worker(program.log, read_to)

    def kill(self, name: str) -> None:
        """SIGKILL a program and every process it started."""
        self.programs[name].kill()

    def pid(self, name: str) -> int:
        """The process id of a program, which leads its own process group."""
        process = self.programs[name].process
        assert process is not None, f"{name} was not started"
        return process.pid

    def log(self, name: str) -> str:
        """What a program has written so far."""
        path = self.programs[name].log
        return path.read_text("utf-8", errors="replace") if path.exists() else ""

    def inbox(self, *, channel: str = "sms", to: str = "", contains: str = "") -> list[dict[str, Any]]:
        """What the simulated providers took, newest first; waits up to half a minute for the first that fits."""
        deadline = time.monotonic() + 30
        while True:
            with urllib.request.urlopen(f"{self.simulators_url}/inbox/?channel={channel}&to={to}", timeout=5) as answer:
                found = [one for one in json.load(answer) if contains in one["text"]]
            if found or time.monotonic() > deadline:
                return found
            time.sleep(0.1)

    def forget_messages(self) -> None:
        """Drop queued and unacknowledged messages, and what the simulators took: the next test has none of it."""
        process = self.programs["simulators"].process
        if process is not None and process.poll() is None:
            urllib.request.urlopen(f"{self.simulators_url}/reset/", data=b"", timeout=5).close()
        with redis.Redis.from_url(self._redis_url) as client:
            for key in client.scan_iter("*"):
                if client.type(key) == b"list" or key.startswith(b"unacked"):
                    client.delete(key)

    def stop(self) -> None:
        """Stop everything."""
        for program in self.programs.values():
            program.stop()

    def _wait_for_worker(self, log: Path, read_to: int) -> None:
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline:
            with log.open("rb") as file:
                file.seek(read_to, os.SEEK_SET)
                if b" ready." in file.read():
                    return
            time.sleep(0.1)
        raise AssertionError(f"the Celery worker did not start:\n{self.log('worker')}")
