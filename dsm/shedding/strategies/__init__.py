"""Pure: every strategy we know, in the order they are compared. To add one: write its file, name it here."""

from __future__ import annotations

from dsm.shedding.strategies.optimum import OPTIMUM
from dsm.shedding.strategies.rotation import ROTATION
from dsm.shedding.strategies.strategy import Strategy
from dsm.shedding.strategies.tiers import TIERS

STRATEGIES: dict[str, Strategy] = {
    "rotation": ROTATION,
    "tiers": TIERS,
    "optimum": OPTIMUM,
}
