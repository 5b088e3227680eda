"""
Pure: what a tag is: who owns its definition, which values it takes, what proves it, how it says why.

A definition is one file in `crm.tagging.tags` with a `TAG`, and one line in `crm.tagging.MODULES`. Its words stand in
the file in both languages, so that a new tag needs no other edit; its limits stand there with their source and a
utility overrules them in the setting CRM_TAG_LIMITS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from crm.tagging.facts import Facts

Limits = Mapping[str, int]
NONE = -1
"""The place of no value: what there is does not prove the tag."""


@dataclass(frozen=True)
class Value:
    """One value of a tag: its code, what it is called, how it looks (good, warn, bad, info, neutral)."""

    code: str
    zh: str
    en: str
    kind: str = "neutral"


@dataclass(frozen=True)
class Tagged:
    """What a definition says, one row an account: the place of the value (NONE: no tag), and what proves it."""

    value: NDArray[np.int8]
    evidence: Mapping[str, NDArray[np.int64]]


@dataclass(frozen=True)
class Tag:
    """
    A definition. `version` rises whenever a customer's value could change by it.

    `why` is a sentence with `{name}` for the evidence; names carry their unit (`…_kwh_e2`, `…_fen`, `…_permille`,
    `…_days`, `…_kva`; anything else is a count). A tag is shown for `lasts_days` after it was computed last. Sensitive
    tags tell about somebody's life at home and are shown to few.
    """

    code: str
    version: int
    owner: str
    name: str
    name_en: str
    values: tuple[Value, ...]
    why: str
    why_en: str
    decide: Callable[[Facts, Limits], Tagged]
    limits: Limits = field(default_factory=dict)
    refresh: str = "nightly"
    lasts_days: int = 7
    is_sensitive: bool = False

    def __post_init__(self) -> None:
        codes = [value.code for value in self.values]
        if len(set(codes)) != len(codes) or not codes or max(map(len, [self.code, *codes])) > 40:
            raise ValueError(f"values of {self.code}")

    def value_of(self, code: str) -> Value | None:
        """The value with this code; None for one that the definition does not know (any more)."""
        return next((value for value in self.values if value.code == code), None)


def banded(column: NDArray[np.int64], *bounds: int) -> NDArray[np.int8]:
    """The place of each number among rising bounds, 0 below the first; a bound belongs to the band it begins."""
    return np.searchsorted(np.asarray(bounds, dtype=np.int64), column, side="right").astype(np.int8)


def where(is_proven: NDArray[np.bool_], place: NDArray[np.int8] | int) -> NDArray[np.int8]:
    """The place where it is proven, NONE elsewhere."""
    return np.where(is_proven, place, NONE).astype(np.int8)


def permille(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.int64]:
    """So many thousandths, rounded down; 0 of nothing."""
    return np.asarray(part * 1000 // np.maximum(whole, 1), dtype=np.int64)
