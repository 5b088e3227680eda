"""Child processes that never outlive us.

Each child leads its own session, so that Ctrl-C reaches only us and we stop the children in
order; the kernel signals it should we die without a word (`kill -9`).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from config.embedded.places import PROJECT, Account

PR_SET_PDEATHSIG = 1
OURSELVES = Account(None, None)

# Looked up before any fork: a child between fork and exec must not load libraries.
_prctl = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None


def die_with_parent(last_signal: signal.Signals) -> None:
    """Ask the kernel to send this process a signal when its parent dies (Linux only)."""
    if _prctl is not None:
        _prctl(PR_SET_PDEATHSIG, int(last_signal), 0, 0, 0)


def _before_exec(last_signal: signal.Signals) -> Callable[[], None]:
    parent = os.getpid()

    def prepare() -> None:
        die_with_parent(last_signal)
        # The parent may have died before the line above took effect.
        if os.getppid() != parent:
            os._exit(1)

    return prepare


def spawn(
    command: Sequence[str | Path],
    *,
    account: Account = OURSELVES,
    environment: Mapping[str, str] | None = None,
    last_signal: signal.Signals = signal.SIGTERM,
    output: IO[bytes] | int | None = None,
    cwd: str | Path = PROJECT,
) -> subprocess.Popen[bytes]:
    """Start a child in its own session; `last_signal` is what it gets when we die.

    Call it from a thread that lives as long as the child should: the kernel watches the thread.
    """
    return subprocess.Popen(
        [os.fspath(part) for part in command],
        user=account.uid,
        group=account.gid,
        extra_groups=None if account.uid is None else [],
        env=None if environment is None else dict(environment),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
        preexec_fn=_before_exec(last_signal),
    )


def stop(child: subprocess.Popen[bytes], *, by: signal.Signals = signal.SIGTERM, patience_s: float = 10) -> None:
    """Stop a child and all it started: politely first, by SIGKILL when it takes too long."""
    if child.poll() is None:
        child.send_signal(by)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(patience_s)
    kill_group(child)


def kill_group(child: subprocess.Popen[bytes]) -> None:
    """SIGKILL whatever is left of a child's session, as a crash would, and reap the child."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
