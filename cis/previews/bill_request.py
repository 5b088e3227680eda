"""Pure: what a document says, cut up into what the rules of a bill read."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from cis.previews.answer import Answer
from cis.previews.document import Document
from cis.previews.parts import Supply
from cis.previews.tariffs import PublishedTariff, StatedPrices
from cis.rating import CannotPrice, Switches, WindowSet

__all__ = ["Bill", "Request"]

# Which price class a customer's class holds; the first mark that is in it counts.
CLASSES = (
    ("non_residential", "non_residential"),
    ("non_industr", "commercial"),
    ("residential", "residential"),
    ("irrigation", "irrigation"),
    ("agricultur", "agriculture"),
    ("wholesale", "wholesale"),
    ("industr", "industry"),
    ("commercial", "commercial"),
    ("ev_charging", "commercial"),
)


@dataclass
class Request:
    """What a document says, cut up; `tariff` and `windows` look published ones up."""

    customer: Document
    period: Document
    inputs: Document
    options: Document
    prices: StatedPrices | None
    tariff_ref: str
    switches: Switches
    tariff: Callable[[str, date | None], PublishedTariff]
    windows: Callable[[str], WindowSet]

    @property
    def price_class(self) -> str:
        """The class of the main part in the words of `CLASS_LABELS`; raises CannotPrice(`unknown_value`)."""
        named = self.customer.text("class", "")
        if not named:
            return ""
        for mark, name in CLASSES:
            if mark in named:
                return name
        raise CannotPrice("unknown_value", f"customer.class {named}: holds {', '.join(mark for mark, _ in CLASSES)}")

    @property
    def is_shared_meter(self) -> bool:
        """Whether several homes stand behind one meter, or a charging pile of a home: no tiers."""
        named = self.customer.text("class", "")
        return "shared" in named or ("ev_charging" in named and "residential" in named)

    @property
    def is_high_voltage(self) -> bool:
        """Whether it is supplied at 1 kV or more; not where nothing is said."""
        named = self.customer.text("voltage", "").lower().replace(" ", "")
        found = re.search(r"([0-9.]+)(?:\([0-9.]+\))?kv", named)
        return bool(found) and not named.startswith("<") and Fraction(found[1]) >= 1 if found else False

    @property
    def start(self) -> date | None:
        """The first day of the period."""
        return self.period.day("start") if self.period.has("start") else None

    @property
    def end(self) -> date | None:
        """The day after its last."""
        return self.period.day("end") if self.period.has("end") else None

    @property
    def month(self) -> int:
        """The month that decides the season."""
        if self.period.has("bill_month"):
            named = self.period.text("bill_month")
            if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", named):
                raise CannotPrice("ill_typed", "period.bill_month must be a month such as 2026-01")
            return int(named[5:7])
        for name in ("date", "start"):
            if self.period.has(name):
                return self.period.day(name).month
        return 1


@dataclass
class Bill:
    """A bill in the making."""

    request: Request
    supply: Supply
    answer: Answer = field(default_factory=Answer)
    standard_e2: int = 0
    factor_e2: int = -1
    other_base_fen: int = 0
