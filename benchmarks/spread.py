"""Pure: several samples of one figure as median, least and most, and how noisy they were."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Spread:
    """Median and range of some samples."""

    samples: tuple[float, ...]

    @classmethod
    def of(cls, samples: Sequence[float]) -> Spread:
        """At least one sample."""
        if not samples:
            raise ValueError("no samples")
        return cls(tuple(float(sample) for sample in samples))

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.samples)

    @property
    def least(self) -> float:
        """The smallest."""
        return min(self.samples)

    @property
    def most(self) -> float:
        """The largest."""
        return max(self.samples)

    @property
    def noise(self) -> float:
        """(most - least) / median; 0.1 means the samples lie within ten per cent of each other."""
        return (self.most - self.least) / self.median if self.median else 0.0

    def text(self, digits: int = 0) -> str:
        """`median (least to most)`, or the figure alone when there was one sample."""
        middle = f"{self.median:,.{digits}f}"
        if len(self.samples) == 1:
            return middle
        return f"{middle} ({self.least:,.{digits}f} to {self.most:,.{digits}f})"

    def as_json(self) -> dict[str, Any]:
        """Median, range, noise and every sample."""
        return {
            "median": self.median,
            "least": self.least,
            "most": self.most,
            "noise": round(self.noise, 4),
            "samples": list(self.samples),
        }


def growth_exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """
    How total cost grows with size: the slope of log(cost) over log(size); 1 is linear, 2 is quadratic.

    Two sizes at least.
    """
    if len(sizes) < 2 or len(sizes) != len(costs):
        raise ValueError("needs two or more sizes and as many costs")
    points = [(math.log(size), math.log(cost)) for size, cost in zip(sizes, costs, strict=True)]
    middle_x = statistics.fmean(x for x, _ in points)
    middle_y = statistics.fmean(y for _, y in points)
    over = sum((x - middle_x) * (y - middle_y) for x, y in points)
    return over / sum((x - middle_x) ** 2 for x, _ in points)
