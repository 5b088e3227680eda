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
from cis.rating.customer_classes import price_class_of

__all__ = ["Bill", "Request"]

_VOLTAGE_WORDS = (("千伏", "kv"), ("伏", "v"), ("不满", "<"), ("以下", "<"), ("＜", "<"), ("≤", "<"))


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
    topics: tuple[str, ...] = ()
    """what the document says it is about"""

    @property
    def price_class(self) -> str:
        """The class of the main part in the words of `CLASS_LABELS`; raises CannotPrice(`unknown_value`)."""
        named = self.customer.text("class", "")
        return price_class_of(named) if named else ""

    @property
    def is_shared_meter(self) -> bool:
        """Whether several homes stand behind one meter, or a charging pile of a home: no tiers."""
        named = self.customer.text("class", "")
        return "shared" in named or ("ev_charging" in named and "residential" in named)

    @property
    def is_high_voltage(self) -> bool | None:
        """Whether it is supplied at 1 kV or more; None where nothing is said that can be read."""
        named = self.customer.text("voltage", "").lower().replace(" ", "")
        for written, meant in _VOLTAGE_WORDS:
            named = named.replace(written, meant)
        found = re.search(r"([0-9]+(?:\.[0-9]+)?)(?:\([0-9.]+\))?(k?)v", named)
        if found is None:
            return {"低压": False, "高压": True}.get(named)
        kilovolt = Fraction(found[1]) / (1 if found[2] else 1000)
        if "<" in named:
            return False if kilovolt <= 1 else None
        return kilovolt >= 1

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
        """The month that decides the season; January where nothing is said, which decides nothing then."""
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
    base_fen: int = 0
    """what the adjustment is a share of"""
