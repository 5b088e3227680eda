"""
A town of its own: engines, worker and scheduler as real processes under the real supervisor, some thousand accounts.

Whoever kills its processes in the middle of a billing run asks it afterwards whether everybody was billed once.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2

from config.embedded import children, places
from config.embedded.places import PROJECT
from config.embedded.postgres import DEMO_SETTINGS, Postgres
from config.embedded.provision import APP, OWNER, provision
from config.embedded.run import scheduler_command, worker_command
from config.embedded.supervise import Program, Service, Supervisor
from config.embedded.valkey import Valkey

VICTIMS = ("worker", "Valkey", "PostgreSQL")


@dataclass(frozen=True)
class Progress:
    """How far a run is."""

    state: str
    done: int
    total: int

    @property
    def share(self) -> float:
        """Of its shards, the closing check left out."""
        return self.done / self.total


class Town:
    """`begin_run`, `kill`, `wait_until`, `report`; `say` tells what the supervisor does."""

    def __init__(self, name: str, accounts: int, say: Callable[[str], None] = print) -> None:
        self.accounts = accounts
        self.home = places.engine_home("tests", PROJECT) / f"town-{name}-{os.getpid()}"
        self.home.mkdir()
        places.engine_account().give(self.home, 0o711)
        self.logs = self.home / "log"
        self.supervisor = Supervisor(say)
        self.postgres = Postgres(self.home, places.free_port(), "chaos", {**DEMO_SETTINGS, "shared_buffers": "128MB"})
        self.valkey = Valkey(self.home, places.free_port(), "chaos")
        self.services: dict[str, Service] = {"PostgreSQL": self.postgres, "Valkey": self.valkey}
        self.environment = {
            **os.environ,
            "DAYINGXIAO_ENV": "test",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_SUPERUSER_URL": self.postgres.url(),
            "DATABASE_OWNER_URL": self.postgres.url("town", OWNER, "owner-word"),
            "DATABASE_URL": self.postgres.url("town", APP, "app-word"),
            "REDIS_URL": self.valkey.url(),
        }

    def __enter__(self) -> Town:
        try:
            self._build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _build(self) -> None:
        for name, engine in self.services.items():
            self.supervisor.start(name, engine)
        provision(
            self.postgres.url(),
            owner_url=self.environment["DATABASE_OWNER_URL"],
            app_url=self.environment["DATABASE_URL"],
        )
        self.run("manage.py", "migrate", "--noinput", "--verbosity", "0", DAYINGXIAO_AS="owner")
        self.call(f"settle({self.accounts})")
        worker = Program(
            worker_command(concurrency=2),
            self.environment,
            self.logs / "worker.log",
            patience_s=2,
            last_signal=signal.SIGKILL,
        )
        scheduler = Program(scheduler_command(self.home / "beat"), self.environment, self.logs / "scheduler.log")
        for name, program in (("worker", worker), ("scheduler", scheduler)):
            self.services[name] = program
            self.supervisor.start(name, program)

    def __exit__(self, *_error: object) -> None:
        self.supervisor.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def run(self, *arguments: str, **changed: str) -> str:
        """A Python program of the town, to its end; what it printed."""
        result = subprocess.run(
            [sys.executable, *arguments],
            cwd=PROJECT,
            env={**self.environment, **changed},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, f"{arguments}: {result.stdout}\n{result.stderr}"
        return result.stdout

    def begin_run(self, *, shard_size: int, kind: str = "regular") -> int:
        """Start a run over everybody; its job's id."""
        return int(self.call(f"print(bill({shard_size}, {kind!r}))").strip().splitlines()[-1])

    def call(self, call: str) -> str:
        """Call a function of `tests.chaos.people` in a process of the town; what it printed."""
        return self.run("manage.py", "shell", "-v", "0", "-c", f"from tests.chaos.people import *; {call}")

    def kill(self, name: str) -> None:
        """SIGKILL a service and all it started; the supervisor notices by itself."""
        process = self.services[name].process
        assert process is not None
        children.kill_group(process)

    def wait_until(self, condition: Callable[[], bool], *, limit_s: float, what: str) -> None:
        """Supervise until the condition holds."""
        deadline = time.monotonic() + limit_s
        while not condition():
            assert time.monotonic() < deadline, f"{what} did not happen within {limit_s} s\n{self.last_words()}"
            self.supervisor.check()
            time.sleep(0.02)

    def progress(self, job_id: int) -> Progress | None:
        """How far a job is; None while the database is away."""
        try:
            state, done, total = self.ask(
                "SELECT j.state, count(*) FILTER (WHERE s.state = 'done' AND s.stage = 0),"
                " count(*) FILTER (WHERE s.stage = 0)"
                " FROM shared_job j JOIN shared_job_shard s ON s.job_id = j.id WHERE j.id = %s GROUP BY 1",
                job_id,
            )
        except psycopg2.Error:
            return None
        return Progress(state, done, total)

    def is_done(self, job_id: int) -> bool:
        """Whether the job has ended well."""
        now = self.progress(job_id)
        assert now is None or now.state in ("running", "done"), f"{now}\n{self.last_words()}"
        return now is not None and now.state == "done"

    def ask(self, query: str, *values: object) -> Any:
        """The first row."""
        with closing(psycopg2.connect(self.environment["DATABASE_URL"], connect_timeout=2)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(query, values or None)
                return cursor.fetchone()

    def check_books(self, job_id: int) -> None:
        """Everybody was billed exactly once, every book agrees."""
        bills, billed, twice = self.ask(
            "SELECT count(*), count(DISTINCT account_id),"
            " (SELECT count(*) FROM (SELECT 1 FROM cis_bill GROUP BY account_id, cycle HAVING count(*) > 1) t)"
            " FROM cis_bill"
        )
        everybody = self.ask("SELECT count(*) FROM cis_account")[0]
        assert (bills, billed, twice) == (everybody, everybody, 0)
        assert everybody > self.accounts
        lines = self.ask(
            "SELECT count(*) FROM cis_bill b WHERE total_fen <> (SELECT sum(amount_fen) FROM cis_bill_line l"
            " WHERE l.bill_id = b.id)"
        )[0]
        assert lines == 0
        closing, done, total = self.ask(
            "SELECT r.closing, j.done_units, j.total_units FROM cis_billing_run r JOIN shared_job j ON j.id = r.job_id"
            " WHERE j.id = %s",
            job_id,
        )
        assert closing["agrees"], closing
        assert closing["bills"] == done == total == everybody
        found = json.loads(self.run("manage.py", "verify_ledger", "--json"))
        assert not found["faults"]
        assert found["transfers"] >= everybody
        self.run("manage.py", "check_integrity")

    def last_words(self) -> str:
        """The ends of the logs."""
        parts = []
        for log in sorted(self.logs.glob("*.log")):
            parts.append(f"--- {log.name}\n" + log.read_text("utf-8", errors="replace")[-4000:])
        return "\n".join(parts)


def keep_log(town: Town, folder: Path) -> None:
    """Copy the logs out of a town before it goes."""
    if town.logs.exists():
        shutil.copytree(town.logs, folder / town.home.name, dirs_exist_ok=True)
