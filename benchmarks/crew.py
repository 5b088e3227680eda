"""Worker processes told what to do by lines; they answer in JSON, and what they and Postgres spend is measured."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.processes import cost_between, server_cpu
from config.embedded.places import PROJECT


class WorkerDied(RuntimeError):
    """A worker ended without an answer; what it wrote to standard error is on the terminal."""


@dataclass(frozen=True)
class Stretch:
    """What a stretch of work took: wall seconds, CPU seconds of the clients, of their backends and of the server."""

    wall_s: float
    clients_s: float
    backends_s: float
    server_s: dict[str, float]
    peak_mib: float
    answers: list[dict[str, Any]]

    @property
    def cpu_s(self) -> float:
        """Clients and their backends."""
        return self.clients_s + self.backends_s

    @property
    def whole_cpu_s(self) -> float:
        """With everything else the server did meanwhile: write-ahead log, checkpoints, autovacuum."""
        return self.cpu_s + sum(self.server_s.values())

    def followed_by(self, other: Stretch) -> Stretch:
        """Two stretches, one after the other, as one."""
        names = {**self.server_s, **other.server_s}
        return Stretch(
            self.wall_s + other.wall_s,
            self.clients_s + other.clients_s,
            self.backends_s + other.backends_s,
            {name: self.server_s.get(name, 0.0) + other.server_s.get(name, 0.0) for name in names},
            max(self.peak_mib, other.peak_mib),
            [*self.answers, *other.answers],
        )

    def as_json(self) -> dict[str, Any]:
        """The raw figures."""
        return {
            "wall_s": round(self.wall_s, 3),
            "clients_cpu_s": round(self.clients_s, 3),
            "backends_cpu_s": round(self.backends_s, 3),
            "server_cpu_s": self.server_s,
            "peak_mib": round(self.peak_mib, 1),
        }


class Crew:
    """Some workers of one kind, each with its own database connection."""

    def __init__(self, processes: list[subprocess.Popen[str]], postmaster: int) -> None:
        self._processes = processes
        self._postmaster = postmaster
        self._backends = {int(self._hear(process)["backend"]) for process in processes}

    def measure(self, orders: Sequence[Sequence[str]]) -> Stretch:
        """Give the first workers their orders (one list of lines a worker); wait until all are done."""
        before = server_cpu(self._postmaster)
        began = time.perf_counter()
        answers = self.tell(orders)
        wall = time.perf_counter() - began
        cost = cost_between(before, server_cpu(self._postmaster), self._backends)
        return Stretch(
            wall,
            sum(answer["cpu_s"] for answer in answers),
            cost.backends,
            cost.own,
            max(answer["peak_mib"] for answer in answers),
            answers,
        )

    def tell(self, orders: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
        """The answers to every line, worker by worker."""
        told = list(zip(self._processes, orders, strict=False))
        for process, lines in told:
            assert process.stdin is not None
            process.stdin.write("".join(f"{line}\n" for line in lines))
            process.stdin.flush()
        return [self._hear(process) for process, lines in told for _ in lines]

    def _hear(self, process: subprocess.Popen[str]) -> dict[str, Any]:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise WorkerDied(f"worker {process.args!r} ended with {process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextlib.contextmanager
def crew(
    words: Sequence[str | Path], *, workers: int, environment: Mapping[str, str], postmaster: int
) -> Iterator[Crew]:
    """Start workers (`python` and these words); they end with the block."""
    processes = [
        subprocess.Popen(
            [sys.executable, *words],
            cwd=PROJECT,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(workers)
    ]
    try:
        yield Crew(processes, postmaster)
    finally:
        for process in processes:
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
        for process in processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
