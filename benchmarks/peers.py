"""
Other bill calculators in an environment of their own under `var/`, each in a process that answers by lines of JSON.

They are pinned with hashes in `benchmarks/peers.txt` and installed the first time they are asked for; what cannot be
installed is said to be absent, and the benchmark measures without it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from config.embedded.places import PROJECT

PINNED = Path(__file__).with_name("peers.txt")
PROGRAM = Path(__file__).with_name("rating_peer.py")
PLACE = PROJECT / "var" / "benchmark-peers"
_PYTHON = PLACE / "bin" / "python"
_STAMP = PLACE / ".installed"


class PeerDied(RuntimeError):
    """A calculator ended without an answer; what it wrote to standard error is on the terminal."""


def install_peers() -> str | None:
    """Make the environment if it is not there or its pins have changed; give what went wrong, if anything."""
    pins = PINNED.read_text("utf-8")
    if _STAMP.exists() and _STAMP.read_text("utf-8") == pins:
        return None
    print("  installing the calculators measured beside ours (once, into var/)")
    # ratebook names Python 3.12 as its oldest; nothing in it needs that, and its amounts are compared bill by bill.
    for words in (
        [sys.executable, "-m", "venv", "--clear", str(PLACE)],
        [str(_PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps",
         "--require-hashes", "--ignore-requires-python", "--only-binary", ":all:", "-r", str(PINNED)],
    ):  # fmt: skip
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            return done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"{words[0]} failed"
    _STAMP.write_text(pins, "utf-8")
    return None


class Peer:
    """One calculator's process."""

    def __init__(self, name: str, process: subprocess.Popen[str]) -> None:
        self.name = name
        self._process = process
        self.version: str = self._answer()["version"]

    def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Send a question and wait for its answer; raises PeerDied."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise PeerDied(self.name)
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def open_peer(name: str) -> Iterator[Peer]:
    """Start a calculator; it ends with the block."""
    with subprocess.Popen(
        [str(_PYTHON), str(PROGRAM), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Peer(name, process)
        finally:
            process.kill()
