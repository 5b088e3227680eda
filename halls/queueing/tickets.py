"""Pure: what the order of a queue is decided by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Waiting:
    """
    One ticket that waits.

    `kind`: the code of the service; `priority`: the code of its class; `waited_s`: how long it has waited. `is_back`:
    it missed its call and came back, and so many others (`calls_to_go`) are called before it.
    """

    ticket_id: int
    kind: str
    priority: str
    waited_s: int
    is_back: bool = False
    calls_to_go: int = 0


@dataclass(frozen=True, slots=True)
class Rules:
    """
    What a utility chooses.

    `head_start_s`: class to the seconds it is ahead of one who came at the same moment; `slope_e2`: class to points a
    hundred seconds of waiting are worth (100 where it does not say); `bound_s`: nobody waits longer than this because
    of people who came later.
    """

    head_start_s: Mapping[str, int]
    slope_e2: Mapping[str, int]
    bound_s: int


Discipline = Callable[[Sequence[Waiting], Rules], list[Waiting]]
