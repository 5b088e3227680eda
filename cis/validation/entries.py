"""Pure: what an entry of the register of checks consists of: its name, its numbers, its doubts, and what finds them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cis.validation.doubts import Doubt, DoubtText

if TYPE_CHECKING:
    from cis.validation.curves import CurveBlock
    from cis.validation.levels import LevelBlock
    from cis.validation.segments import Segment
    from cis.validation.thresholds import Thresholds

__all__ = ["Check", "CurveCheck", "Found", "GroupCheck", "LevelCheck", "Parameter", "RegisterCheck", "Source"]

Found = Iterable[tuple[Doubt, NDArray[np.bool_]]]
"""Doubts, each with the rows it holds for"""


class Source(Enum):
    """Where the default of a number comes from, in Chinese and English."""

    USUAL = ("行业惯例，由供电公司确定", "usual practice (billing-rules 3.5), a parameter of the utility")
    CONVENTION = ("通行做法，须由供电公司确认", "convention (billing-rules 3.6), to be confirmed by the utility")
    OURS = ("本系统的缺省值，须按本地数据调整", "our default, meant to be tuned on local data")


@dataclass(frozen=True, slots=True)
class Parameter:
    """
    A number that a check goes by: a whole number in [low, high], with what it means and where its default comes from.

    Names say their unit: `_permille` is 1/1000, `_kwh` whole kWh, `_wh` Wh, `_e4` 1e-4 of a register unit.
    """

    name: str
    default: int
    low: int
    high: int
    meaning_zh: str
    meaning_en: str
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One rule of validation. Its place in the registry is its order; what it may doubt has words of its own."""

    name: str
    looks_at_zh: str
    looks_at_en: str
    doubts: Mapping[Doubt, DoubtText]
    parameters: tuple[Parameter, ...] = ()

    @property
    def holds_bill(self) -> bool:
        """Whether any of its doubts keeps a bill back."""
        return any(text.holds_bill for text in self.doubts.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterCheck(Check):
    """Looks at two successive values of a register; `before_energy` where it decides what the register advanced."""

    find: Callable[[Segment, Thresholds], Found]
    before_energy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupCheck(Check):
    """Looks at the registers of a meter beside each other: group, is_total, advance_e4 and thresholds to flags (n,)."""

    find: Callable[[NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64], Thresholds], NDArray[np.uint32]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveCheck(Check):
    """Looks at the 96 quarter-hours of a day."""

    find: Callable[[CurveBlock, Thresholds], Found]


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelCheck(Check):
    """Looks at a point's energy over weeks, beside that of its neighbours."""

    find: Callable[[LevelBlock, Thresholds], Found]
