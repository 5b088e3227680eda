"""PostgreSQL and Valkey of our own for one benchmark: durable settings, in a folder that goes away."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2

from config.embedded import places
from config.embedded.places import PROJECT
from config.embedded.postgres import DEMO_SETTINGS, Postgres
from config.embedded.provision import APP, OWNER, provision
from config.embedded.valkey import Valkey

# A small server of its own: durable commits, memory for 200,000 accounts, checkpoints rare enough not to be the
# subject. Everything else is PostgreSQL's default; autovacuum stays on.
SETTINGS = {
    **DEMO_SETTINGS,
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "shared_buffers": "2GB",
    "effective_cache_size": "6GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "maintenance_work_mem": "512MB",
    # One process a query: what a bill costs stays with the backend that is measured.
    "max_parallel_workers_per_gather": "0",
}


@dataclass
class Server:
    """A running server, the databases made on it, and the broker that jobs are announced by."""

    postgres: Postgres
    valkey: Valkey
    owner_password: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    app_password: str = field(default_factory=lambda: secrets.token_urlsafe(12))

    @property
    def postmaster(self) -> int:
        """The process id of the server."""
        assert self.postgres.process is not None
        return self.postgres.process.pid

    def environment(self, database: str) -> dict[str, str]:
        """What the settings of a process need that works on one of the databases as the application's role."""
        return {
            **os.environ,
            "DAYINGXIAO_ENV": "development",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": self.postgres.url(database, APP, self.app_password),
            "DATABASE_OWNER_URL": self.postgres.url(database, OWNER, self.owner_password),
            "DATABASE_SUPERUSER_URL": self.postgres.url(),
            "REDIS_URL": self.valkey.url(),
            "SECRET_KEY": "benchmark-" * 6,
            "PERSONAL_DATA_KEYS": places.new_key(),
            "BLIND_INDEX_KEY": places.new_key(),
            "LOG_LEVEL": "WARNING",
        }

    def make_database(self, database: str) -> None:
        """A migrated database with reference data."""
        environment = self.environment(database)
        provision(
            environment["DATABASE_SUPERUSER_URL"],
            owner_url=environment["DATABASE_OWNER_URL"],
            app_url=environment["DATABASE_URL"],
        )
        as_owner = {**environment, "DAYINGXIAO_AS": "owner"}
        for words in (["manage.py", "migrate", "--noinput", "--verbosity", "0"], ["-m", "benchmarks.reference"]):
            result = subprocess.run(
                [sys.executable, *words], cwd=PROJECT, env=as_owner, capture_output=True, text=True, check=False
            )
            if result.returncode:
                raise RuntimeError(f"{' '.join(words)} failed:\n{result.stdout}{result.stderr}")

    def copy_database(self, source: str, database: str) -> None:
        """A copy of a database nobody is connected to."""
        with self.connect("postgres") as cursor:
            cursor.execute(f"CREATE DATABASE {database} TEMPLATE {source} OWNER {OWNER}")
            cursor.execute(f"GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {APP}")

    def drop_database(self, database: str) -> None:
        """Remove a database."""
        with self.connect("postgres") as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")

    @contextlib.contextmanager
    def connect(self, database: str) -> Iterator[Any]:
        """A superuser's cursor, every statement its own transaction."""
        connection = psycopg2.connect(self.postgres.url(database))
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    def version(self) -> str:
        """Such as 18.6."""
        with self.connect("postgres") as cursor:
            cursor.execute("SHOW server_version")
            return str(cursor.fetchone()[0])


@contextlib.contextmanager
def temporary_server() -> Iterator[Server]:
    """Start a server; stop it and remove its files in the end."""
    root = places.engine_home("benchmarks", PROJECT)
    for left in root.glob("bench-*"):
        if not Path(f"/proc/{left.name.removeprefix('bench-')}").exists():
            shutil.rmtree(left, ignore_errors=True)
    home = root / f"bench-{os.getpid()}"
    home.mkdir()
    places.engine_account().give(home, 0o711)
    server = Server(
        Postgres(home, places.free_port(), secrets.token_urlsafe(12), SETTINGS),
        Valkey(home, places.free_port(), secrets.token_urlsafe(12), persistent=False),
    )
    try:
        server.postgres.start()
        server.valkey.start()
        yield server
    finally:
        server.valkey.stop()
        server.postgres.stop()
        shutil.rmtree(home, ignore_errors=True)
