"""Which benchmarks there are: a name, a sentence, and the function that runs it in full or in short form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Run = Callable[[bool], dict[str, Any]]
"""Takes whether the short form is wanted; gives what goes into the JSON file."""


@dataclass(frozen=True)
class Benchmark:
    """One benchmark."""

    name: str
    about: str
    run: Run


class UnknownBenchmark(LookupError):
    """No benchmark has this name."""


class Registry:
    """Benchmarks by name, in the order in which they were added."""

    def __init__(self) -> None:
        self._known: dict[str, Benchmark] = {}

    def add(self, name: str, about: str, run: Run) -> None:
        """Add one; a name is used once."""
        if name in self._known:
            raise ValueError(f"two benchmarks are called {name}")
        self._known[name] = Benchmark(name, about, run)

    def all(self) -> tuple[Benchmark, ...]:
        """Every benchmark."""
        return tuple(self._known.values())

    def get(self, name: str) -> Benchmark:
        """
        The benchmark of this name.

        :raises UnknownBenchmark: there is none; the message lists those there are
        """
        if name not in self._known:
            raise UnknownBenchmark(f"no benchmark is called {name}; there are: {', '.join(self._known)}")
        return self._known[name]
