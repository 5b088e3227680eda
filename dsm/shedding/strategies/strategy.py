"""Pure: what a strategy is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dsm.shedding.problem import Plan, Problem


@dataclass(frozen=True, slots=True)
class Limits:
    """How much time a solver may take (it may overrun; whoever runs it kills it) and how coarse pooling may be."""

    seconds: float = 40.0
    cells: int = 1200


@dataclass(frozen=True)
class Strategy:
    """
    One way to make a plan. `runs_apart`: in a process of its own that can be killed, because a solver may overrun.
    """

    code: str
    name_zh: str
    name_en: str
    about_zh: str
    about_en: str
    make: Callable[[Problem, Limits], Plan]
    runs_apart: bool = False
