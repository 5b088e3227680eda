"""CPU time and memory of processes, from /proc (Linux)."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

TICK_S = 1 / os.sysconf("SC_CLK_TCK")

# Names of the server's own processes; a client's backend carries user, database and address instead.
_AUXILIARY = re.compile(r"^postgres: (?:[\w/-]+: )?(walwriter|checkpointer|background writer|io worker|autovacuum)")


@dataclass(frozen=True)
class ServerCpu:
    """CPU seconds of a PostgreSQL server since it started: backends by process id, own processes by name."""

    backends: dict[int, float]
    own: dict[str, float]
    ended: float
    """of processes that are gone: backends that left, autovacuum workers"""


@dataclass(frozen=True)
class ServerCost:
    """What a stretch of work cost the server, CPU seconds."""

    backends: float
    own: dict[str, float]


def cpu_seconds(pid: int) -> float:
    """User and system time of one process, from the scheduler's nanoseconds where the kernel keeps them."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except (OSError, ValueError, IndexError):
        return sum(map(int, _stat(pid)[11:13])) * TICK_S


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third on (the second may hold blanks)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def server_cpu(postmaster: int) -> ServerCpu:
    """A reading of a server's clock; take two and subtract (`cost_between`)."""
    backends: dict[int, float] = {}
    own: dict[str, float] = {"postmaster": cpu_seconds(postmaster)}
    ended = sum(map(int, _stat(postmaster)[13:15])) * TICK_S
    for child in _children(postmaster):
        try:
            title = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")[0].decode(errors="replace")
            spent = cpu_seconds(child)
        except (FileNotFoundError, ProcessLookupError):
            continue
        known = _AUXILIARY.match(title)
        if known:
            own[known[1]] = own.get(known[1], 0.0) + spent
        elif title.startswith("postgres: dayingxiao") or title.startswith("postgres: postgres "):
            backends[child] = spent
        else:
            own["other"] = own.get("other", 0.0) + spent
    return ServerCpu(backends, own, ended)


def _children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if int(_stat(int(folder.name))[1]) == pid:
                    found.append(int(folder.name))
            except (OSError, ValueError):
                continue
        return found


def cost_between(before: ServerCpu, after: ServerCpu, backends: set[int]) -> ServerCost:
    """What these backends and the server's own processes spent between two readings."""
    own = {name: spent - before.own.get(name, 0.0) for name, spent in after.own.items()}
    own["ended"] = after.ended - before.ended
    return ServerCost(
        sum(after.backends.get(pid, 0.0) - before.backends.get(pid, 0.0) for pid in backends),
        {name: round(max(spent, 0.0), 3) for name, spent in own.items()},
    )


def peak_memory_mib() -> float:
    """The most memory this process ever held resident."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0
