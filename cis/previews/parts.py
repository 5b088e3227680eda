"""Pure: the parts of what was used, each with a price of its own, and what decides how readings are read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cis.rating import PERIOD_REGISTERS, Register, compile_rules

__all__ = ["Part", "Supply", "Terms"]

Energy = dict[Register, int]


@dataclass
class Part:
    """Energy that has a price of its own. `role`: main, old, new, sub, fixed or ratio."""

    role: str
    energy_e2: Energy
    reactive_e2: int | None = None
    label: str = ""
    """of a sub-meter, as the request names it"""

    @property
    def total_e2(self) -> int:
        """Import energy."""
        periods = [self.energy_e2[one] for one in PERIOD_REGISTERS if one in self.energy_e2]
        return sum(periods) if periods else self.energy_e2.get(Register.TOTAL, 0)

    @property
    def has_periods(self) -> bool:
        """Whether it was measured by period."""
        return any(one in self.energy_e2 for one in PERIOD_REGISTERS)


@dataclass(frozen=True)
class Terms:
    """What of the tariff and the customer decides how readings are read."""

    prices_flat: bool = True
    periods: frozenset[str] = frozenset()
    """names of the period registers that have a price"""
    has_monthly_tiers: bool = False
    is_home: bool = False

    @classmethod
    def of(cls, rules: Sequence[Mapping[str, Any]], periods: Collection[str], *, is_home: bool) -> Terms:
        """From published rules, the periods that a request states prices of, and whose they are."""
        compiled = compile_rules(rules, prices_energy=False).rules if rules else ()
        priced = {one for rule in compiled for one in rule.period_registers}
        names = {one.name.lower() for one in priced} | set(periods)
        return cls(
            not names or "flat" in names,
            frozenset(names),
            any(rule.get("period") == "month" for rule in rules),
            is_home,
        )


@dataclass
class Supply:
    """Everything measured and agreed; the parts stand in the order of the bill, the main one among them."""

    parts: list[Part] = field(default_factory=list)
    main_e2: int = 0
    """active energy of the main meter with its losses, before anything is taken off"""
    export_e2: int | None = None
    generation_e2: int | None = None
    demand_kw_e4: list[int] = field(default_factory=list)
    quantities: dict[str, str] = field(default_factory=dict)

    def part(self, *roles: str) -> Part | None:
        """The first part of one of these roles."""
        return next((part for part in self.parts if part.role in roles), None)

    def for_power_factor(self, *, of_main_meter: bool) -> tuple[int, int | None]:
        """
        Active and reactive energy of the power factor, the latter None where nothing measured it. A meter that was
        exchanged counts where it measured reactive energy too (billing-rules.md 3.2).
        """
        main, old = self.part("main", "new"), self.part("old")
        if main is None or main.reactive_e2 is None:
            return 0, None
        active = self.main_e2 if of_main_meter else main.total_e2
        if old is None or old.reactive_e2 is None:
            return active, main.reactive_e2
        return active + old.total_e2, main.reactive_e2 + old.reactive_e2
