"""
Pure: what stands on the one-page emergency plan of a key account (一户一案), and how it is checked.

Connection, internal distribution, main equipment, loads with the security load among them, own generators, people and
telephones, way in. Loads add up; the security load of a line is never above the line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

MOST_ROWS = 30


class PlanFault(ValueError):
    """Something in a plan cannot be; `place` names the part, `row` counts from 1."""

    def __init__(self, place: str, row: int, what: str) -> None:
        super().__init__(f"{place} {row}: {what}")
        self.place, self.row, self.what = place, row, what


@dataclass(frozen=True, slots=True)
class Source:
    """One way in which the customer is supplied: substation, line, voltage, capacity in kVA, how it is switched."""

    name: str
    voltage: str
    capacity_kva: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Equipment:
    """A main piece of equipment: what, where, rating."""

    name: str
    place: str
    rating: str


@dataclass(frozen=True, slots=True)
class Load:
    """A load: so much power, of it so much that must not stop, behind which switch, how many minutes it can wait."""

    name: str
    load_kw: int
    security_kw: int
    switch: str
    waits_min: int = 0


@dataclass(frozen=True, slots=True)
class Generator:
    """A source of the customer's own: power, minutes to start, fuel, when it was tested last (as written)."""

    name: str
    power_kw: int
    start_min: int
    fuel: str
    tested: str = ""


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody to call: duty, name, telephone."""

    duty: str
    name: str
    telephone: str


@dataclass(frozen=True, slots=True)
class PlanContent:
    """One version of a plan."""

    sources: tuple[Source, ...] = ()
    distribution: str = ""
    equipment: tuple[Equipment, ...] = ()
    loads: tuple[Load, ...] = ()
    generators: tuple[Generator, ...] = ()
    contacts: tuple[Contact, ...] = ()
    way_in: str = ""
    steps: str = ""
    dangers: str = field(default="")

    @property
    def load_kw(self) -> int:
        """All loads together."""
        return sum(load.load_kw for load in self.loads)

    @property
    def security_kw(self) -> int:
        """What must not stop."""
        return sum(load.security_kw for load in self.loads)

    @property
    def own_kw(self) -> int:
        """What the customer's own generators give."""
        return sum(one.power_kw for one in self.generators)

    @property
    def is_covered(self) -> bool:
        """Whether the own generators carry the security load with a fifth to spare (GB/T 29328: 120 %)."""
        return self.own_kw * 100 >= self.security_kw * 120

    def check(self) -> None:
        """
        Whether everything can be.

        :raises PlanFault: a security load above its load, a number below zero, a row without a name, too many rows
        """
        parts: tuple[tuple[str, tuple[Any, ...]], ...] = (
            ("sources", self.sources), ("equipment", self.equipment), ("loads", self.loads),
            ("generators", self.generators), ("contacts", self.contacts),
        )  # fmt: skip
        for place, rows in parts:
            if len(rows) > MOST_ROWS:
                raise PlanFault(place, len(rows), "too-many")
            for number, row in enumerate(rows, start=1):
                values = asdict(row)
                if not values.get("name"):
                    raise PlanFault(place, number, "no-name")
                if any(isinstance(value, int) and value < 0 for value in values.values()):
                    raise PlanFault(place, number, "negative")
        for number, load in enumerate(self.loads, start=1):
            if load.security_kw > load.load_kw:
                raise PlanFault("loads", number, "security-above-load")

    def as_json(self) -> dict[str, Any]:
        """As it is kept."""
        return asdict(self)

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> PlanContent:
        """As it was kept; parts that an older version did not have are empty."""
        return cls(
            sources=tuple(Source(**row) for row in values.get("sources", ())),
            distribution=values.get("distribution", ""),
            equipment=tuple(Equipment(**row) for row in values.get("equipment", ())),
            loads=tuple(Load(**row) for row in values.get("loads", ())),
            generators=tuple(Generator(**row) for row in values.get("generators", ())),
            contacts=tuple(Contact(**row) for row in values.get("contacts", ())),
            way_in=values.get("way_in", ""),
            steps=values.get("steps", ""),
            dangers=values.get("dangers", ""),
        )
